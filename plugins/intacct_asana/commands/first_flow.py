"""The first flow file of a company: what it says, given what people chose and what both systems told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from intacct_asana.flow.write_back import StampFields
from intacct_asana.records import FieldDefinition, FieldNeed, IntacctUser, Person
from intacct_asana.text import amount_text, one_line

TEMPLATE = Path(__file__).with_name("first_flow.yaml.j2")

STAMP = {
    "decision": "ASANA_DECISION",
    "decided_by": "ASANA_DECISION_BY",
    "decided_at": "ASANA_DECISION_AT",
    "decision_id": "ASANA_DECISION_ID",
    "reason": "ASANA_DECISION_REASON",
    "task_url": "ASANA_TASK_URL",
    "amount": "ASANA_AMOUNT",
    "digest": "ASANA_DIGEST",
}
"""Custom fields of bills by what they take, as docs/connect-real-accounts.md has an administrator make them."""

NEEDED_TO_STAMP = tuple(name for name, info in StampFields.model_fields.items() if info.is_required())
MOST_PROPOSED = 5
MONEY_WORDS = ("bill", "invoice", "payable", "rechnung", "factur", "factura")
VENDOR_WORDS = ("vendor", "supplier", "lieferant", "fournisseur", "proveedor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A project of Asana, or an entity: what it is by, and what people call it."""

    gid: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approving:
    """Somebody who may decide. `logins` None says that nobody knows whether they have any in Intacct."""

    email: str
    name: str
    logins: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Everything that the file says."""

    flow: str
    made_on: date
    company_id: str
    workspace: str
    intacct: str
    asana: str
    bills: Named
    vendors: Named
    currencies: Sequence[str]
    limit: Decimal
    approvers: Sequence[Approving]
    others: Sequence[Approving] = ()
    """Members of the workspace who could be named too."""
    base_currency: str = ""
    """Where the company's bills do not tell it."""
    entities: Sequence[str] = ()
    seen_entities: Sequence[str] = ()
    show_private: bool = False
    hidden_bills: int = 0
    reads_payments: bool = True
    stamp: Mapping[str, str] = field(default_factory=dict)
    missing_stamp: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    """Fields that need another name than ours, since another field has it: our name, the new one."""
    timezone: str = "UTC"

    @property
    def knows_logins(self) -> bool:
        return all(one.logins is not None for one in self.approvers)


def flow_text(choice: Choice) -> str:
    """The file. Whatever the other sides said stands in quotes, or on one line in a comment."""
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701
    environment.filters |= {"yaml": yaml_word, "plain": one_line, "amount": amount_text}
    environment.globals["named"] = lambda name: yaml_word(choice.names.get(name, name))
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(choice=choice) + "\n"


def yaml_word(text: str) -> str:
    """`text` as YAML reads it as text: plain where it can be nothing else."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9 _.@+/-]*", text) and text == text.strip()
    is_word = text.lower() in ("true", "false", "yes", "no", "on", "off", "null", "y", "n")
    return text if plain and not is_word else json.dumps(text, ensure_ascii=False)


def slug(text: str) -> str:
    """A flow's name out of a company's: `sandbox_co` of SANDBOX-CO."""
    words = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return (words if words[:1].isalpha() else f"company_{words}".rstrip("_"))[:40].rstrip("_")


def likely(projects: Iterable[tuple[str, str]], words: Sequence[str]) -> str:
    """The gid of the first project whose name has one of the words; empty for none."""
    return next((gid for gid, name in projects if any(word in name.lower() for word in words)), "")


def candidates(people: Iterable[Person], users: Sequence[IntacctUser] | None, *, me: str) -> list[Approving]:
    """Members whom preflight would take as approvers, those first who have a login in Intacct, each by name.

    Left out are guests, our own user, people without an address, and those with a login in Intacct that is not active.
    """
    found = []
    for one in people:
        own = [user for user in users or () if user.email.casefold() == one.email.casefold()]
        usable = all(user.status in ("", "active") and not user.web_services_only for user in own)
        if one.is_guest is False and one.gid != me and one.email and usable:
            logins = None if users is None else tuple(user.login for user in own)
            found.append(Approving(email=one.email.lower(), name=one.name, logins=logins))
    return sorted(found, key=lambda one: (not one.logins, one.name.casefold()))


def proposed(found: Sequence[Approving]) -> list[Approving]:
    """Whom to propose: who has a login, else anybody, and not everybody of a large workspace."""
    return ([one for one in found if one.logins] or [*found])[:MOST_PROPOSED]


def renamed(needs: Iterable[FieldNeed], own: Sequence[FieldDefinition], shared: Sequence[FieldDefinition]) -> dict[str, str]:
    """New names for those of our fields whose name another field has that does not fit: preflight could not make ours."""
    names: dict[str, str] = {}
    for need in needs:
        for attempt in (need.name, f"{need.name} (Intacct)", *(f"{need.name} (Intacct {number})" for number in range(2, 10))):
            there = [one for one in own if one.name == attempt] or [one for one in shared if one.name == attempt]
            if len(there) <= 1 and all(_fits(need, one) for one in there):
                if attempt != need.name:
                    names[need.name] = attempt
                break
    return names


def _fits(need: FieldNeed, there: FieldDefinition) -> bool:
    return there.kind == need.kind and (there.precision or 0) >= (need.precision or 0)


def stamp_of(text_fields: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """The stamp's fields that are there, where all needed ones are, else none; and which are missing."""
    known = set(text_fields)
    there = {name: field for name, field in STAMP.items() if field in known}
    missing = [field for field in STAMP.values() if field not in known]
    return (there if all(name in there for name in NEEDED_TO_STAMP) else {}), missing
