"""The fields that people own on a vendor's task, as the flow file says them, with Asana's gids.

How a task's value becomes Intacct's text, and whom a vendor's bills are given to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.flow.model import Flow
from intacct_asana.flow.rules import VendorField
from intacct_asana.records import Pins, Task, Vendor, VendorValue
from intacct_asana.text import one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRule:
    """One field. `intacct_field` is empty for one whose value is kept here only.

    `texts` maps option gids to Intacct's values for an enum; it is None for text.
    """

    name: str
    field_gid: str
    intacct_field: str = ""
    texts: Mapping[str, str] | None = None
    clears: bool = False

    @property
    def key(self) -> str:
        """The name that its values are kept under: a field that is renamed in Asana stays the same one."""
        return self.intacct_field or self.name

    def wanted(self, task: Task) -> str | None:
        """What the task says, as Intacct would hold it; None for an option that the flow does not know."""
        value = task.fields.get(self.field_gid)
        if isinstance(value, tuple):
            value = value[0] if value else None
        if not isinstance(value, str):
            return ""
        return canonical(value) if self.texts is None else self.texts.get(value)

    def actual(self, vendor: Vendor | None) -> str | None:
        """What Intacct says; None when the vendor is gone."""
        return canonical(vendor.custom.get(self.intacct_field, "")) if vendor else None


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorPolicy:
    """How one flow carries vendors' fields. `bot_gid` is our own user: what it set, nobody chose."""

    flow: str
    rules: tuple[VendorRule, ...]
    bot_gid: str = ""
    write_inactive: bool = False
    edits_wait: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    """Names of fields by their `key`, for people."""


def kept_fields(flow: Flow) -> tuple[VendorField, ...]:
    """Fields that people own and whose values are needed: those that flow into Intacct, and those that name a person."""
    named = {step.vendor_field for rule in flow.approval.rules for step in rule.steps}
    named.add(flow.bills.assignee.vendor_field if flow.bills.assignee else None)
    return tuple(rule for rule in flow.vendors.fields if rule.owner == "asana" and (rule.intacct_field or rule.name in named))


def vendor_policy(flow: Flow, pins: Pins) -> VendorPolicy:
    """Raises Misconfigured for a field or option that preflight has not pinned."""
    rules = tuple(_rule(rule, pins) for rule in kept_fields(flow))
    return VendorPolicy(
        flow=flow.flow,
        rules=rules,
        bot_gid=pins.bot_gid,
        write_inactive=flow.vendors.write_inactive,
        edits_wait=flow.vendors.edits_wait_for_approval,
        names={rule.key: rule.name for rule in rules},
    )


def _rule(rule: VendorField, pins: Pins) -> VendorRule:
    pin = pins.fields.get(rule.name)
    values = rule.intacct_values if rule.kind == "enum" else {}
    if pin is None or any(option not in pin.options for option in values):
        where = f"Asana project {pins.project_gid}, field {rule.name!r}"
        problem = Problem(where=where, what="it or one of its options is not pinned", mend="run the flow's preflight again")
        raise Misconfigured("The flow file names something that preflight has not resolved yet.", problems=(problem,))
    return VendorRule(
        name=rule.name,
        field_gid=pin.gid,
        intacct_field=rule.intacct_field or "",
        texts={pin.options[option]: value for option, value in values.items()} if rule.kind == "enum" else None,
        clears=rule.clears,
    )


class NamedPeople:
    """Who the vendors' last confirmed values name: e-mails, or user gids where a people field holds them, by vendor key.

    In the field `field`, or in the one that names the assignee.
    """

    def __init__(self, flow: Flow, *, field: str = "") -> None:
        assignee = flow.bills.assignee if not field else None
        named = field or (assignee.vendor_field if assignee else None)
        self._rule = next((rule for rule in kept_fields(flow) if rule.name == named), None)
        self._people: Mapping[str, str] = (assignee.people if assignee else None) or {}

    @property
    def asked(self) -> bool:
        return self._rule is not None

    def emails(self, values: Iterable[VendorValue]) -> dict[str, str]:
        """By vendor key, empty for a vendor that names nobody; text that is no option's name is an e-mail itself."""
        if self._rule is None:
            return {}
        kept_as = self._rule.intacct_field or self._rule.name
        return {row.key: self._email(row.agreed or "") for row in values if row.field == kept_as}

    def _email(self, value: str) -> str:
        if self._rule is None or self._rule.kind == "people":
            return value
        option = (self._rule.options or {}).get(value, value)
        return self._people.get(option, "" if self._rule.kind == "enum" else option.lower())


def canonical(text: str) -> str:
    """Outer blanks and line ends make no difference between the two sides."""
    return one_line(text)
