"""What preflight warns of: Intacct that approves by itself, rights that nobody needs, one person on whom everything hangs,
pools that do not keep the limit, alerts that cannot leave. Only what cannot work at all fails preflight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from intacct_asana.audit.powers import CANNOT_BE_READ, Power, unneeded
from intacct_asana.deployment import every_flow
from intacct_asana.errors import IntacctAsanaError, Problem, Refused
from intacct_asana.flow.model import Flow
from intacct_asana.flow.policy import Step, people_of
from intacct_asana.http import Transport
from intacct_asana.operators.checks import MOST_NAMED, Row, failed, passed, tried
from intacct_asana.operators.people.access import intacct_side
from intacct_asana.web.waker import AirflowApi

if TYPE_CHECKING:
    from intacct_asana.asana.hook import AsanaHook
    from intacct_asana.operators.flow_run import FlowRun

APPROVALS_PAGE = "Accounts Payable, Setup, Configuration, Bill approvals"
BY_ITSELF = (
    "the gateway tells no approval rules. Intacct approves a bill as it is submitted where its vendor has no approver, its "
    "amount is below the first level, or whoever submits it is an unrestricted user of bill approvals or the approver of that "
    "level; bills that were imported as historical, and those from Purchasing, never wait there"
)
"""https://www.intacct.com/ia/docs/en_US/help_action/Accounts_Payable/Approvals/Bill_approvals/troubleshoot-bill-approvals.htm"""
CHANGES_BILLS = frozenset({"stamp", "hold", "release_hold", "submit", "rest_workflow"})


def rows_of_intacct(run: FlowRun) -> list[Row]:
    """The rows of the Intacct side."""
    return [
        tried("Intacct bill approvals", lambda: _waiting(run)),
        _row_of_own_approvals(run.flow),
        _row_of_rights(run),
        _row_of_login(run),
        *_rows_of_pools(run),
    ]


def rows_of_asana(run: FlowRun, board: AsanaHook) -> list[Row]:
    """The rows of the Asana side, and of people."""
    return [_row_of_token(run, board), *_rows_of_single_people(run.flow), *_rows_of_alerts(run, board)]


# Intacct that approves by itself


def _waiting(run: FlowRun) -> str:
    waiting = run.books.bills_lacking((), states=("Submitted", "Partially Approved"))
    posted = run.books.bills_lacking((), states=("Posted",))
    if waiting or not posted:
        return f"{waiting:,} wait for approval in Intacct, {posted:,} are Posted"
    early = "so a bill is in the ledger before anybody decides about it here"
    return (
        f"none waits and {posted:,} are Posted: bill approvals are off in Intacct, or it approves by itself, {early}; see "
        f"{APPROVALS_PAGE}"
    )


def _row_of_own_approvals(flow: Flow) -> Row:
    check, used = "Intacct approves by itself", flow.write_back.used
    own = []
    if "submit" in used or flow.write_back.send_submit:
        own.append("this flow submits bills as its own user, who must not be an unrestricted user of bill approvals")
    if "rest_workflow" in used and getattr(flow.write_back.rest_workflow, "approve", False):
        own.append("its user is an approver in Intacct, so whatever that user submits may be approved with it")
    return passed(check, f"cannot be known: {'; '.join([BY_ITSELF, *own])}", mend=f"look at {APPROVALS_PAGE}")


# Rights that nobody needs


def needed_rights(flow: Flow) -> Mapping[Power, frozenset[str]]:
    """Rights beyond looking that the flow's own steps need, in Intacct's words."""
    used, payees = flow.write_back.used, flow.controls.payee_change
    edits = frozenset({"modify", "edit"})
    changes_bills = bool(used & CHANGES_BILLS) or bool(payees and payees.hold)
    post = frozenset({"post"}) if "submit" in used else frozenset[str]()
    flows_back = any(rule.intacct_field for rule in flow.vendors.fields)
    return {
        Power.ENTER: (edits if changes_bills else frozenset[str]()) | post,
        Power.VENDORS: edits if flows_back else frozenset[str](),
        Power.PAY: frozenset({"add", "run", *edits}) if "payment_request" in used else frozenset[str](),
    }


def _row_of_rights(run: FlowRun) -> Row:
    check, side = "Intacct least privilege", intacct_side(run.books)
    untold = [why for what, why in CANNOT_BE_READ.items() if getattr(side, what) is None]
    if untold:
        cure = "let the API user's role list users, roles and groups, or look its role up in Intacct by hand"
        return passed(check, f"cannot be known: {'; '.join(untold)}", mend=cure)
    if side.login.casefold() not in {one.login.casefold() for one in side.users or ()}:
        return passed(check, f"cannot be known: Intacct does not list its user {side.login}", mend="look its role up by hand")
    needed = needed_rights(run.flow)
    found = unneeded(side, needed=needed)
    observes = not any(needed.values()) and not run.books.read_only
    only = "this flow changes nothing in Intacct; set *Read only* on its connection, too" if observes else ""
    if not found:
        return passed(check, "its roles permit nothing beyond what this flow needs", mend=only)
    more = f", and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    result = f"{side.login} may do what this flow does not need: {'; '.join(found[:MOST_NAMED])}{more}"
    return passed(check, result, mend="; ".join(filter(None, ("take it from its role in Intacct", only))))


# One on whom everything hangs


def _row_of_login(run: FlowRun) -> Row:
    check, login = "Intacct user of this integration", run.books.settings.login.user_id
    cure = "make it a Web Services user, which belongs to nobody"
    try:
        user = next((one for one in run.books.users() if one.login.casefold() == login.casefold()), None)
    except IntacctAsanaError as error:
        return passed(check, f"{login} stops every DAG when it is deactivated; whose it is cannot be known: {error.message}")
    if user is None:
        return passed(check, f"{login} stops every DAG when it is deactivated; Intacct does not list it")
    who = "is a program's" if user.web_services_only else f"is {user.name or 'somebody'}'s own, who may leave"
    return passed(check, f"{login} {who}; without it every DAG stops", mend="" if user.web_services_only else cure)


def _row_of_token(run: FlowRun, board: AsanaHook) -> Row:
    """The token's owner has all webhooks too: they end with the user."""
    check = "Asana user of this integration"
    try:
        me = board.me()
        levels = [one.level for one in board.setup.access(run.flow.bills.project) if one.gid == me.gid]
        hangs = "every DAG and its webhook stop" if run.flow.wake == "webhook" else "every DAG stops"
    except IntacctAsanaError as error:
        return passed(check, f"cannot be known: {error.message}")
    named = {one.email for one in run.flow.approval.approvers} | (_owners(run.flow) if run.flow.exceptions else set[str]())
    mends = []
    if me.email.casefold() in {one.casefold() for one in named}:
        mends.append("give the integration a user of its own: this one decides, or owns exceptions, in this flow")
    if "admin" in levels:
        mends.append("an editor of the project is enough")
    level = f", {levels[0]} of the bills' project" if levels and levels[0] else ""
    result = f"{me.name}{level}; when that user is deactivated or the token withdrawn, {hangs}"
    return passed(check, result, mend="; ".join(mends))


def _owners(flow: Flow) -> set[str]:
    return {flow.exceptions.owner, *flow.exceptions.owners.values()} if flow.exceptions else set()


def _rows_of_single_people(flow: Flow) -> list[Row]:
    check = "single approvers"
    alone = list(_alone(flow))
    if not alone:
        return [passed(check, "every step has more people than it needs, as far as the flow file names them")]
    more = f", and {len(alone) - MOST_NAMED} more" if len(alone) > MOST_NAMED else ""
    cure = "name a second person, or a delegation while somebody is away (docs/approval-policy.md)"
    rows = [passed(check, f"{'; '.join(alone[:MOST_NAMED])}{more}", mend=cure)]
    owners = _owners(flow)
    if len(owners) == 1:
        told = f"all exceptions are {next(iter(owners))}'s; Asana refuses new ones when that user is gone"
        rows.append(passed("single owner of exceptions", told, mend="name owners by kind in `exceptions.owners`"))
    return rows


def _alone(flow: Flow) -> Iterator[str]:
    """Steps that stop when one person is gone, a sentence each."""
    approval = flow.approval
    if not approval.rules and len(approval.approvers) == 1:
        yield f"{approval.approvers[0].email} alone decides about every bill"
    for rule in approval.rules:
        for step in rule.steps:
            for people in _people(step, approval.groups):
                need = len(people) if step.need == "all" else 1 if step.need == "any" else int(step.need)
                if len(people) <= need:
                    yield f"{rule.name}, {step.name}: without {' or '.join(sorted(people))} nothing is approved"


def _people(step: Step, groups: Mapping[str, tuple[str, ...]]) -> Iterator[set[str]]:
    """The people of a step, once for each department that has its own; none where a field names them."""
    if step.by:
        yield set(people_of(step.by, groups))
    for names in (step.department or {}).values():
        yield set(people_of(names, groups))


# Pools


def _rows_of_pools(run: FlowRun) -> list[Row]:
    flow, limit = run.flow, run.books.settings.max_concurrency
    api = AirflowApi(flow.connections.airflow)
    return [
        _row_of_pool(api, flow.pools.intacct, most=limit),
        *([_row_of_pool(api, flow.pools.asana, most=None)] if flow.pools.asana != flow.pools.intacct else []),
        _row_of_sharing(flow),
    ]


def _row_of_pool(api: AirflowApi, name: str, *, most: int | None) -> Row:
    check, wanted = f"Airflow pool {name}", most or 4
    cure = f'airflow pools set {name} {wanted} "..."'
    try:
        slots = api.pool_slots(name)
    except Refused as error:
        if error.code != "404":
            return passed(check, f"cannot be known: {error.message}")
        return failed(check, Problem(where="Airflow", what=f"there is no pool {name}, so its tasks wait for ever", mend=cure))
    except IntacctAsanaError:
        told = f"cannot be known: no task may ask for it, and connection {api.conn_id} to Airflow's own API does not answer"
        slots_wanted = f" with {most} slots, as max_concurrency of the connection says" if most else ""
        return passed(check, told, mend=f"look that it is there{slots_wanted}: airflow pools list")
    if most and slots > most:
        told = f"{slots} slots, and max_concurrency of the connection is {most}: tasks wait for each other with a slot each"
        return passed(check, told, mend=cure)
    return passed(check, f"{slots} slots")


def _row_of_sharing(flow: Flow) -> Row:
    """Flows that call one company, or with one token, in different pools do not keep its limit together."""
    check = "Airflow pools per company and token"
    apart = []
    for other in every_flow():
        if other.flow == flow.flow:
            continue
        if other.pools.intacct != flow.pools.intacct and _company(other) == _company(flow) != "":
            apart.append(f"{other.flow} calls the same company in pool {other.pools.intacct}")
        if other.pools.asana != flow.pools.asana and _token(other) == _token(flow) != "":
            apart.append(f"{other.flow} uses the same token in pool {other.pools.asana}")
    if not apart:
        return passed(check, "no other flow calls the same company, or with the same token, in another pool")
    return passed(check, "; ".join(apart), mend="name one pool for a company, and one for a token, in all flow files")


def _company(flow: Flow) -> str:
    return str(_connection(flow.connections.intacct).get("company_id", "")).casefold()


def _token(flow: Flow) -> str:
    return str(_connection(flow.connections.asana).get("password") or "")


def _connection(conn_id: str) -> Mapping[str, Any]:
    """The connection's extra, with its password; nothing where it cannot be read, which has a row of its own."""
    try:
        found = BaseHook.get_connection(conn_id)
        extra = found.extra_dejson if isinstance(found.extra_dejson, dict) else {}
        return {**extra, "password": found.password}
    except Exception:  # noqa: BLE001 - another flow's connection is that flow's business
        return {}


# Alerts


def _rows_of_alerts(run: FlowRun, board: AsanaHook) -> Iterable[Row]:
    """Whether each notifier's connection, task or project is there. Nothing is sent."""
    alerts = run.flow.alerts
    named = (*alerts.on_failure, *alerts.on_refusal, *alerts.on_parked, *alerts.on_drift, *alerts.on_meter)
    for one in dict.fromkeys(named):
        check = f"alerts by {one.kind}"
        if one.kind in ("smtp", "slack"):
            yield tried(f"{check} {one.connection_id}", lambda one=one: _is_there(one.connection_id))  # type: ignore[misc]
        elif one.kind == "asana_task":
            yield tried(f"{check} {one.project}", lambda one=one: f"{board.project(one.project)[1]!r}")  # type: ignore[misc]
        elif one.kind == "asana_comment":
            task = board.task(one.task or "")
            wrong = Problem(where="Asana", what=f"shows no task {one.task}", mend="mend `task` in the flow file's alerts")
            yield passed(f"{check} {one.task}", f"{task.name!r}") if task else failed(f"{check} {one.task}", wrong)


def _is_there(conn_id: str) -> str:
    return f"the connection is there, for {Transport(conn_id).connection.host or 'no host'}"
