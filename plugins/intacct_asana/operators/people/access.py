"""Reads both systems for the access matrix. What cannot be read is said in it, and nothing of it is written anywhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from intacct_asana.audit.access import WRITES_IN_ASANA, AsanaSide, Decider, Finding, Matrix, Rules, Severity, matrix_of
from intacct_asana.audit.powers import IntacctSide
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.flow.model import Flow
from intacct_asana.flow.signals import EnumSignal
from intacct_asana.operators.checks import MOST_NAMED, Row, passed
from intacct_asana.records import Access, Pins

if TYPE_CHECKING:
    from intacct_asana.asana.hook import AsanaHook
    from intacct_asana.intacct.hook import IntacctHook
    from intacct_asana.operators.flow_run import FlowRun

Found = TypeVar("Found")


def access_matrix(run: FlowRun, board: AsanaHook, pins: Pins | None) -> Matrix:
    """Who can do what on both sides. Never raises for what one of them does not tell."""
    rules = Rules(
        segregation=run.flow.approval.segregation_of_duties,
        asks_for_payments="payment_request" in run.flow.write_back.used,
        needs_membership=run.flow.approval.signal.kind != "approval_subtasks",
        by_approvals=run.flow.approval.signal.kind in ("approval_task", "approval_subtasks"),
    )
    return matrix_of(
        deciders(run.flow, pins), asana=asana_side(run.flow, board, pins), intacct=intacct_side(run.books), rules=rules
    )


def counted(findings: tuple[Finding, ...]) -> str:
    """`3 findings: 1 serious, 2 warning`."""
    counts = Counter(str(one.severity) for one in findings)
    told = ", ".join(f"{count} {severity}" for severity, count in counts.items())
    return f"{len(findings)} {'finding' if len(findings) == 1 else 'findings'}: {told}" if told else "nothing found"


def row_of_access(run: FlowRun, board: AsanaHook) -> Row:
    """Preflight's row: how much the matrix finds. It fails nothing, since people have to judge it."""
    check, where = "access on both sides", f"python -m intacct_asana access {run.flow.flow}"
    try:
        matrix = access_matrix(run, board, run.store.pins("bill"))
    except IntacctAsanaError as error:
        return passed(check, f"cannot be known: {error.message}", mend=f"try {where}")
    worst = [one for one in matrix.findings if one.severity is not Severity.NOTE][:MOST_NAMED]
    named = "".join(f"; {', '.join(one.persons)}: {one.kind.replace('_', ' ')}" for one in worst)
    mend = f"read them with `{where}`, or by the format *access* of {run.flow.flow}_evidence" if matrix.findings else ""
    return passed(check, f"{counted(matrix.findings)}{named}", mend=mend)


def deciders(flow: Flow, pins: Pins | None) -> list[Decider]:
    stands_for: dict[str, list[str]] = defaultdict(list)
    for one in flow.approval.delegations:
        stands_for[one.deputy.casefold()].append(one.absent)
    known = {} if pins is None else {email.casefold(): gid for email, gid in pins.people.items()}
    return [
        Decider(
            email=one.email,
            gid=known.get(one.email.casefold(), ""),
            logins=one.logins,
            deputy_of=tuple(dict.fromkeys(stands_for[one.email.casefold()])),
        )
        for one in flow.approval.approvers
    ]


class _Told:
    """What was asked and answered, and a sentence for what was not."""

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}

    def __call__(self, name: str, what: str, look: Callable[[], Found]) -> Found | None:
        try:
            return look()
        except IntacctAsanaError as error:
            self.missing[name] = f"{what} not told to this connection: {error.message}"
            return None


def asana_side(flow: Flow, board: AsanaHook, pins: Pins | None) -> AsanaSide:
    told, setup, project = _Told(), board.setup, flow.bills.project
    workspace = told("workspace", "Asana: the project's workspace is", lambda: board.project(project)[2]) or ""
    people = told("people", "Asana: who is in the workspace is", lambda: board.people(workspace))
    standing = told("standing", "Asana: guests, admins and accounts shut off are", lambda: setup.workspace_members(workspace))
    sharing = told("sharing", "Asana: how the project is shared is", lambda: setup.sharing(project))
    members = told("members", "Asana: the project's members are", lambda: list(_people_with_access(board, project)))
    agents = told("agents", "Asana: agents are", lambda: setup.agents(workspace))
    editors = told("field", "Asana: who may write the approval field is", lambda: _field_editors(flow, board, pins))
    return AsanaSide(
        me=board.me(),
        people=None if people is None else {one.gid: one for one in people},
        standing={one.gid: one for one in standing or ()},
        members=members,
        project_is_private=sharing is None or sharing[0] in ("private", ""),
        field_editors=editors,
        agents=tuple(agent.name or agent.gid for agent in agents or ()),
        untold=tuple(told.missing.values()),
    )


def _people_with_access(board: AsanaHook, parent_gid: str) -> Iterator[tuple[Access, str]]:
    """Each member that is a person, and each person of a member that is a team, with the team's name."""
    for member in board.setup.access(parent_gid):
        if member.kind != "team":
            yield member, ""
            continue
        for person in board.setup.team(member.gid):
            yield Access(gid=person.gid, name=person.name, kind="user", level=member.level), member.name


def _field_editors(flow: Flow, board: AsanaHook, pins: Pins | None) -> tuple[str, ...] | None:
    """Who may write a private approval field; None where it is not private, or people decide another way."""
    signal = flow.approval.signal
    pin = pins.fields.get(signal.field) if pins and isinstance(signal, EnumSignal) else None
    definitions = board.setup.field_definitions(flow.bills.project) if pin else ()
    if not pin or not any(one.gid == pin.gid and one.privacy == "private" for one in definitions):
        return None
    return tuple(one.gid for one, _ in _people_with_access(board, pin.gid) if one.level in WRITES_IN_ASANA)


def intacct_side(books: IntacctHook) -> IntacctSide:
    told, reader = _Told(), books.reader
    return IntacctSide(
        login=books.settings.login.user_id,
        users=told("users", "Intacct: users are", books.users),
        assignments=told("assignments", "Intacct: who has which role is", reader.role_assignments),
        rights=told("rights", "Intacct: what roles permit is", reader.role_rights),
        groups=told("groups", "Intacct: who is in which user group is", reader.group_members),
        untold=told.missing,
    )
