"""What a first flow file is made of: the company in Intacct, workspace, projects and people in Asana. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from intacct_asana.errors import IntacctAsanaError, Misconfigured, Problem
from intacct_asana.intacct.writing import why_not_text
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.preflight import PAYMENT_OBJECTS
from intacct_asana.records import Bill, FieldDefinition, IntacctUser, Person

LOOKED_BACK = timedelta(days=120)
MOST_PAGES = 5
"""Of 1,000 bills: which entities and currencies there are shows in far fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """An entity that has bills, with their base currency and how many were read; no id at top level."""

    entity_id: str
    currency: str
    bills: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """What Intacct tells. `users` is None where they may not be listed, `hidden_bills` for a connection in one entity."""

    company_id: str
    user_id: str
    entity_id: str
    entities: tuple[Entity, ...]
    hidden_bills: int | None
    tells_currency: bool
    users: tuple[IntacctUser, ...] | None
    may_read_payments: bool
    text_fields: frozenset[str]
    """Custom fields of bills that take text and may be written."""

    @property
    def currencies(self) -> tuple[str, ...]:
        """Base currencies of the entities, the one with most bills first."""
        counts: Counter[str] = Counter()
        for one in self.entities:
            counts[one.currency] += one.bills
        return tuple(currency for currency, _ in counts.most_common() if currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """What Asana tells of one workspace: projects and people by gid and name, and whose the token is."""

    gid: str
    name: str
    me: Person
    projects: tuple[tuple[str, str], ...]
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFields:
    """The custom fields of a project, and those of its workspace that any project may use."""

    own: tuple[FieldDefinition, ...]
    shared: tuple[FieldDefinition, ...]


def company_of(run: FlowRun, *, say: Callable[[str], None]) -> Company:
    """Raises what keeps bills from being read at all; what else may not be read is left empty."""
    books = run.books
    say("Intacct: who we are")
    identity = books.identity()
    lacks = "BASECURR" in books.missing_fields("APBILL")
    say("Intacct: entities and currencies, by the bills of the last four months")
    bills = _some_bills(run)
    counts = Counter((bill.entity_id, bill.base_currency) for bill in bills)
    say("Intacct: users, fields and rights")
    return Company(
        company_id=identity.company_id,
        user_id=identity.user_id,
        entity_id=identity.entity_id,
        entities=tuple(Entity(entity_id=of, currency=unit, bills=count) for (of, unit), count in sorted(counts.items())),
        hidden_bills=books.private_bills(),
        tells_currency=not lacks and all(bill.base_currency for bill in bills) and bool(bills),
        users=_users(run),
        may_read_payments=all(_may_read(run, name) for name in PAYMENT_OBJECTS),
        text_fields=frozenset(one.name for one in books.lookup("APBILL") if one.is_custom and not why_not_text(one)),
    )


def _some_bills(run: FlowRun) -> list[Bill]:
    """Of the last months; where there are none, the first ones of all."""
    fields = run.books.header_fields()
    late = run.books.bill_headers_of_days(fields, since=run.now() - LOOKED_BACK, unread=lambda one: None)
    found = [bill for page in islice(late, MOST_PAGES) for bill in page]
    return found or [bill for page in islice(run.books.bill_headers(fields, unread=lambda one: None), 1) for bill in page]


def _users(run: FlowRun) -> tuple[IntacctUser, ...] | None:
    try:
        return tuple(run.books.users())
    except IntacctAsanaError:
        return None


def _may_read(run: FlowRun, name: str) -> bool:
    try:
        run.books.probe(name)
    except IntacctAsanaError:
        return False
    return True


def workspaces_of(run: FlowRun) -> Sequence[tuple[str, str]]:
    """(gid, name) of those that the token's user is in; the one that the connection names alone, if it names one."""
    found = run.unpinned_board.setup.workspaces()
    named = run.unpinned_board.settings.workspace_gid
    if named and named not in dict(found):
        raise Misconfigured(
            "The connection to Asana names a workspace that its user is not in.",
            problems=(Problem(where=f"connection {run.unpinned_board.conn_id}", what=f"names workspace {named}"),),
        )
    return [one for one in found if named in ("", one[0])]


def workspace_of(run: FlowRun, gid: str, name: str, *, say: Callable[[str], None]) -> Workspace:
    say("Asana: projects and people")
    board = run.unpinned_board
    return Workspace(
        gid=gid, name=name, me=board.me(), projects=tuple(board.setup.projects(gid)), people=tuple(board.people(gid))
    )


def fields_of(run: FlowRun, project_gid: str) -> ProjectFields:
    setup = run.unpinned_board.setup
    return ProjectFields(own=tuple(setup.field_definitions(project_gid)), shared=tuple(setup.workspace_fields(project_gid)))
