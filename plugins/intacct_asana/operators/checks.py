"""Rows of preflight's table, and what it says about reading, about who decides, and about what changed since it ran."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from intacct_asana.approvals.routing import bill_words, route_of
from intacct_asana.approvals.words import bill_name
from intacct_asana.errors import IntacctAsanaError, Misconfigured, Problem
from intacct_asana.flow.model import BillScope, VendorScope
from intacct_asana.flow.rules import Approver
from intacct_asana.flow.signals import EnumSignal
from intacct_asana.flow.sources import BILL_SOURCES, VENDOR_SOURCES, Source
from intacct_asana.flow.words import placeholders
from intacct_asana.intacct.records import CREATORS, sample_bill, sample_vendor
from intacct_asana.operators.flow_run import FlowRun, is_closed
from intacct_asana.pins import coarse_fields, pins_drift, required_fields
from intacct_asana.records import Access, IntacctUser, Pins

if TYPE_CHECKING:
    from intacct_asana.asana.hook import AsanaHook

Row = dict[str, str]
MOST_NAMED = 5


def passed(check: str, result: str, *, mend: str = "") -> Row:
    """Nothing is wrong; `mend` is what would be better still."""
    return {"check": check, "result": result, "mend": mend, "ok": "yes"}


def failed(check: str, problem: Problem) -> Row:
    return {"check": check, "result": f"{problem.where}: {problem.what}", "mend": problem.mend, "ok": "no"}


def tried(check: str, look: Callable[[], str], *, mend: str = "") -> Row:
    """One check as a row: what `look` says, or what went wrong with it and how to `mend` it."""
    try:
        return passed(check, look())
    except IntacctAsanaError as error:
        return {"check": check, "result": error.message, "mend": mend, "ok": "no"}


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text: ok, check, result, how to mend it."""
    width = max((len(row["check"]) for row in rows), default=5)
    lines = [f"{'ok':<4}{'check':<{width + 2}}result"]
    for row in rows:
        cure = f"  -> {row['mend']}" if row["mend"] else ""
        lines.append(f"{row['ok']:<4}{row['check']:<{width + 2}}{row['result']}{cure}")
    return "\n".join(lines)


Check = tuple[str, Callable[[], str]]
OBJECTS = ("APBILL", "APBILLITEM", "VENDOR")


def checks_of_reading(run: FlowRun) -> list[Check]:
    """Checks by name. Each says how things are in one sentence, or raises what a person has to mend."""
    return [
        *((f"Intacct fields of {name}", partial(_fields, run, name)) for name in OBJECTS),
        ("Intacct deleted bills", partial(_deletions, run, "bill", run.flow.bills)),
        ("Intacct deleted vendors", partial(_deletions, run, "vendor", run.flow.vendors)),
        ("Intacct private entities", partial(_private, run)),
    ]


def _fields(run: FlowRun, name: str) -> str:
    missing = run.books.missing_fields(name)
    if not missing:
        return "all there"
    empty = _left_empty(run, name, missing)
    shown = f"the flow shows them in {', '.join(empty)}" if empty else "this flow does not show them"
    return f"this company has no {', '.join(missing)}; they are read as empty; {shown}"


def _left_empty(run: FlowRun, name: str, missing: tuple[str, ...]) -> list[str]:
    if name == "VENDOR":
        return _differing(run.flow.vendors, VENDOR_SOURCES, sample_vendor(), sample_vendor(lacking=missing))
    lacking = sample_bill(lacking=missing) if name == "APBILL" else sample_bill(lines_lacking=missing)
    return _differing(run.flow.bills, BILL_SOURCES, sample_bill(), lacking)


def _differing(scope: BillScope | VendorScope, sources: Mapping[str, Source[Any]], full: Any, lacking: Any) -> list[str]:
    """Names of the flow's own fields, and the task's name, that say something else without the missing fields."""
    moved = {name for name, source in sources.items() if _value(source, full) != _value(source, lacking)}
    fields = [rule.name for rule in scope.fields if rule.owner == "intacct" and rule.source in moved]
    return fields + (["the task's name"] if moved.intersection(placeholders(scope.task_name)) else [])


def _value(source: Source[Any], record: Any) -> object:
    if source.line:
        return [source.line(line) for line in record.lines]
    return source.pair(record) if source.pair else source.read(record) if source.read else None


def _deletions(run: FlowRun, kind: str, scope: BillScope | VendorScope) -> str:
    """Never a failure: where the audit history may not be read, asking for the records of open tasks covers for it."""
    asking = "by asking for open tasks' records " + (
        f"every {scope.sweep_hours} hours" if scope.sweep_hours else "in every run"
    )
    if scope.deletions != "audit":
        return "found by full passes only" if scope.deletions == "full_pass" else f"found {asking}"
    try:
        run.books.trails.newest_deletion(kind)
    except IntacctAsanaError as error:
        cure = "for deletions at once give the user's role View permission on custom reports"
        return f"found {asking}, since the audit history cannot be read ({error.message}); {cure}"
    return f"found in the audit history, and {asking}"


def _private(run: FlowRun) -> str:
    hidden = run.books.private_bills()
    if hidden is None:
        return "this connection works in one entity and sees its records only"
    if run.flow.bills.show_private:
        return f"read too: {hidden} bills are theirs"
    return f"{hidden} bills of private entities are left out; `show_private: true` in the flow file's bills reads them"


def rows_of_entities(run: FlowRun) -> list[Row]:
    """The entities that the flow names: each has to be readable, and to have bills."""
    check, named = "Intacct entities", run.flow.bills.entities
    try:
        problems = run.books.unreadable_entities(named)
        wrong = {problem.where for problem in problems}
        mend = "mend the id in the flow file's bills, or name the entity when it has its first bill"
        problems += [
            Problem(where=f"entity {one}", what="has no bill, or is no entity", mend=mend)
            for one in named
            if f"entity {one}" not in wrong and not run.books.has_bills(one)
        ]
    except IntacctAsanaError as error:
        return [{"check": check, "result": error.message, "mend": "", "ok": "no"}]
    told = f"{', '.join(named)} can be read" if named else "the flow names none, so all are read"
    return [failed(check, problem) for problem in problems] or [passed(check, told)]


# What changed in Asana since preflight ran


def drift(run: FlowRun, board: AsanaHook, kind: str, pins: Pins) -> list[str]:
    """Fields and options that were renamed, disabled or taken away, or show too few decimals, in one listing; told by every
    run, never its end."""
    signal = run.flow.approval.signal if kind == "bill" else None
    try:
        definitions = board.setup.field_definitions(pins.project_gid)
        coarse = coarse_fields(pins, definitions, required_fields(run.flow, kind))
        return [str(problem) for problem in (*pins_drift(pins, definitions, signal=signal), *coarse)]
    except IntacctAsanaError as error:
        return [f"whether fields were renamed or disabled could not be seen: {error.message}"]


# Who decides


def rows_of_logins(run: FlowRun) -> list[Row]:
    """Approvers' logins in Intacct, by which it is told that nobody approves what they entered."""
    check, approval = "Intacct logins of approvers", run.flow.approval
    if not approval.segregation_of_duties:
        return [passed(check, "not needed: the flow says `segregation_of_duties: false`")]
    try:
        users = run.books.users()
    except IntacctAsanaError as error:
        cure = "give the API user's role List and View on users (USERINFO)"
        said = f"they are compared as declared, and nobody checks that they exist: {error.message}"
        unproven = Problem(where="Intacct", what=f"its list of users cannot be read: {error.message}", mend=cure)
        without = [approver.email for approver in approval.approvers if approver.has_no_login]
        return [passed(check, said, mend=cure), *(failed(f"no Intacct login of {email}", unproven) for email in without)]
    return [row for approver in approval.approvers for row in _rows_of_approver(approver, users)]


def _rows_of_approver(approver: Approver, users: Sequence[IntacctUser]) -> list[Row]:
    known, listed = {user.login.casefold(): user for user in users}, {login.casefold() for login in approver.logins}
    rows = [_login(approver.email, login, known.get(login.casefold())) for login in approver.logins]
    theirs = [user for user in users if user.email.casefold() == approver.email and user.login.casefold() not in listed]
    rows += [_unlisted(approver.email, user) for user in theirs]
    return rows or [passed(f"no Intacct login of {approver.email}", "no user there has this address")]


def _login(email: str, login: str, user: IntacctUser | None) -> Row:
    check, cure = f"Intacct login {login}", f"mend `intacct_users` of {email} in the flow file"
    if user is None:
        return failed(check, Problem(where="Intacct", what="no such user", mend=cure))
    if user.status not in ("", "active"):
        return failed(check, Problem(where="Intacct", what=f"the user is {user.status}", mend=cure))
    if user.web_services_only:
        return failed(check, Problem(where="Intacct", what="a program's user, as which nobody signs in", mend=cure))
    return passed(check, f"is {user.name or email}" + ("" if user.status else "; whether active is not told"))


def _unlisted(email: str, user: IntacctUser) -> Row:
    cure = f"add it to `intacct_users` of {email}, or they could approve what they entered with it"
    return failed(
        f"Intacct login {user.login}", Problem(where="Intacct", what=f"has the address {email} and is not listed", mend=cure)
    )


def rows_of_creators(run: FlowRun) -> list[Row]:
    """Bills that came with a migration do not tell who entered them, so nobody can be shown to be somebody else."""
    check, approval = "Intacct bills without a creator", run.flow.approval
    if not approval.segregation_of_duties:
        return [passed(check, "not needed: the flow says `segregation_of_duties: false`")]
    try:
        count = run.books.bills_lacking(CREATORS, states=approval.states)
    except IntacctAsanaError as error:
        return [{"check": check, "result": error.message, "mend": "", "ok": "no"}]
    if not count:
        return [passed(check, "none in the states that the flow decides in")]
    who = ", ".join(approval.creator_untold)
    cure = "" if who else "name in the approval's `creator_untold` who may decide about them, or decide about them in Intacct"
    return [
        passed(check, f"{count:,} in the states that the flow decides in; {who or 'nobody'} may decide about them", mend=cure)
    ]


FURTHER = {
    "payment_request": ("APPYMT", "payments can be asked for", {"DESCRIPTION", "FINANCIALENTITY"}),
    "purchasing": ("PODOCUMENT", "documents can be read; whether this user approves them shows with the first one", {"DOCID"}),
}
"""Steps that write on other objects than bills: which, what is said, and the fields without which they are not done."""


def rows_of_further_steps(run: FlowRun) -> list[Row]:
    """The role may read what the steps of the flow look for, and Intacct has the fields by which they find it."""
    used = {step: told for step, told in FURTHER.items() if step in run.flow.write_back.used}
    return [tried(f"Intacct step {step}", partial(_may_do, run, *told)) for step, told in used.items()]


def _may_do(run: FlowRun, name: str, said: str, needed: set[str]) -> str:
    run.books.probe(name)
    if lacking := sorted(needed - {field.name for field in run.books.lookup(name)}):
        mend = "take the step out of the flow's `steps`"
        problems = tuple(Problem(where=name, what=f"field {field} does not exist", mend=mend) for field in lacking)
        raise Misconfigured("The step cannot be done.", problems=problems)
    return said


def rows_of_rules(run: FlowRun) -> list[Row]:
    """Bills that no rule of the approval policy fits, so that nobody can decide on them: of those with an open task."""
    check, approval = "approval rules", run.flow.approval
    if not approval.rules:
        return [passed(check, "the flow has none, so every approver decides alone")]
    count = f"{len(approval.rules)} rules"
    if approval.rules[-1].when.is_empty:
        return [passed(check, f"{count}, the last of which is for every bill")]
    numbers = [link.record_no for link in run.store.links("bill").all().values() if not is_closed(link)]
    try:
        # One that cannot be read is named by the bill sync.
        pages = run.books.bills_again(numbers, unread=lambda one: None) if numbers else ()
        bills = [bill for page in pages for bill in page]
    except IntacctAsanaError as error:
        return [{"check": check, "result": error.message, "mend": "", "ok": "no"}]
    without = [bill for bill in bills if route_of(bill, approval, vendor_person=run.vendor_person) is None]
    if not without:
        return [passed(check, f"{count}, and each of the {len(bills):,} bills with an open task has one")]
    some = "; ".join(f"{bill_name(bill)}, {bill_words(bill, approval)}" for bill in without[:MOST_NAMED])
    told = f"{count}, and none fits {len(without):,} of the {len(bills):,} bills with an open task: {some}"
    return [passed(check, told, mend="nobody can decide on them; add a last rule without `when`, or one for these bills")]


def base_currency(run: FlowRun) -> str:
    """The currency that limits are in, where Intacct's bills do not name it."""
    named, lacks = run.flow.approval.base_currency, "BASECURR" in run.books.missing_fields("APBILL")
    count = run.books.bills_lacking(("BASECURR",), states=run.flow.approval.states)
    if not lacks and not count:
        return "bills tell it"
    untold = "this company's bills do not tell it" if lacks else f"{count:,} of the bills do not tell it"
    if named:
        return f"{untold}; they are taken to be in {named}, as the flow says"
    raise Misconfigured(f"{untold}, so nobody can approve them: limits are in a currency")


def rows_of_sources(run: FlowRun) -> list[Row]:
    """Where choices may come from. What is no person's own hand is said to be none."""
    sources = run.flow.approval.sources
    others = [source for source in sources if source not in ("web", "mobile")]
    result = f"choices count from {', '.join(sources) or 'nowhere'}; whatever comes from elsewhere, or unmarked, does not"
    cure = f"leave out {', '.join(others)}: scripts and rules can act there in a person's name" if others else ""
    return [passed("approval sources", result, mend=cure)]


def rows_of_writers(run: FlowRun, pins: Pins | None) -> list[Row]:
    """Who and what can write what people decide by, as far as Asana tells."""
    signal = run.flow.approval.signal
    pin = pins.fields.get(signal.field) if pins and isinstance(signal, EnumSignal) else None
    what = f"field {pin.name}" if pin else "a bill's task"
    project = run.flow.bills.project
    rows = [
        _told(f"Asana who may write {what}", lambda: _project_writers(run, project)),
        _told("Asana agents", lambda: _agents(run, project)),
    ]
    if pin:
        rows.insert(1, _field_writers(run, project, pin.gid, pin.name))
    hidden = "Asana's API tells nothing of rules and apps, which can write it too; what they do counts for nothing"
    cure = "look at the project's Customize menu (Rules, Apps), and keep out what chooses for people"
    rows.append(passed("Asana rules and apps", hidden, mend=cure))
    if signal.kind in ("approval_task", "approval_subtasks"):
        untold = "Asana's API does not tell whether only its assignee may complete an approval here"
        cure = "let only assignees complete approvals, in the project's permissions, where your plan has that"
        rows.append(passed("Asana approvals by assignees", untold, mend=cure))
    return rows


def row_of_asking(run: FlowRun) -> Row:
    """What deciding on subtasks needs beside an account for each approver, which has a row of its own."""
    approval = run.flow.approval
    steps = f"{len(approval.rules)} rules say who is due" if approval.rules else "one step, given by any approver"
    need = "Asana has approvals in its paid plans; who cannot see the project sees the subtask and not the bill's task"
    return passed("Asana approval subtasks", f"{steps}; each gets a subtask in their own list. {need}")


def _told(check: str, look: Callable[[], str]) -> Row:
    try:
        return passed(check, look())
    except IntacctAsanaError as error:
        return passed(check, f"not told to this connection: {error.message}", mend="look it up in Asana by hand")


def _project_writers(run: FlowRun, project_gid: str) -> str:
    privacy, level = run.unpinned_board.setup.sharing(project_gid)
    shared = f"the project is {privacy or 'shared as nobody tells'}, whoever joins becomes {level or 'something untold'}"
    return f"{_members(run, project_gid)}; {shared}"


def _members(run: FlowRun, parent_gid: str) -> str:
    return ", ".join(_member(run, one) for one in run.unpinned_board.setup.access(parent_gid)) or "no members are told"


def _member(run: FlowRun, member: Access) -> str:
    if member.kind != "team":
        return f"{member.name or member.gid} ({member.level})"
    people = ", ".join(person.name or person.gid for person in run.unpinned_board.setup.team(member.gid))
    return f"team {member.name} ({member.level}: {people or 'nobody'})"


def _field_writers(run: FlowRun, project_gid: str, field_gid: str, name: str) -> Row:
    def look() -> str:
        found = next((one for one in run.unpinned_board.setup.field_definitions(project_gid) if one.gid == field_gid), None)
        privacy, level = (found.privacy, found.default_access) if found else ("", "")
        default = f"whoever joins becomes {level}" if level else "whoever joins becomes something untold"
        return f"the field is {privacy or 'shared as nobody tells'}, {default}; {_members(run, field_gid)}"

    row = _told(f"Asana access of field {name}", look)
    if "the field is private" in row["result"] or row["mend"]:
        return row
    cure = "make the field private in Asana, with the approvers and this integration's user as its only editors"
    return {**row, "mend": cure}


def _agents(run: FlowRun, project_gid: str) -> str:
    names = [agent.name or agent.gid for agent in run.unpinned_board.setup.agents(run.unpinned_board.project(project_gid)[2])]
    return f"{', '.join(names)}: what they choose counts for nothing" if names else "none in this workspace"
