"""Our calls to Asana and the stand-in's answers, held against Asana's own OpenAPI description.

The file is not part of this repository. It is looked for beside it, in shared/reference/asana_oas.yaml, or where the
environment variable ASANA_OAS says; without it these tests are skipped. Source: github.com/Asana/openapi, defs/asana_oas.yaml.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from intacct_asana.asana import calls as asana_task_calls
from intacct_asana.asana import webhooks as asana_webhook_calls
from intacct_asana.asana.hook import AsanaHook
from intacct_asana.asana.records import definition_from, setting_from
from intacct_asana.asana.replies import one
from intacct_asana.asana.request import Request
from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.records import FieldNeed, TaskDraft
from intacct_asana.records.documents import DocumentFile

from sandbox import constants
from sandbox.asana import router
from sandbox.asana.routes.calls import ROUTES
from sandbox.asana.routes.unplayed import UNPLAYED
from tests.asana.asana_connections import a_hook
from tests.contract.asana_description import Description, Exchange
from tests.contract.asana_visits import visit_every_route

pytestmark = pytest.mark.contract

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(os.environ.get("ASANA_OAS") or ROOT.parent / "shared/reference/asana_oas.yaml")
PROJECT, WORKSPACE = constants.BILLS_PROJECT_GID, constants.WORKSPACE_GID
ALICE = constants.PEOPLE[0]
OLD_PATHS = {"GET /projects/{gid}/events", "GET /tasks/{gid}/events", "GET /organizations/{gid}/teams"}
"""An alias of /events that its description names in words only, and of a workspace's teams that older clients use."""


@pytest.fixture(scope="session")
def description() -> Description:
    if not FILE.is_file():
        pytest.skip(f"Asana's OpenAPI description is not at {FILE}; name its place in ASANA_OAS")
    return Description(FILE)


class Watched(list[Exchange]):
    """The exchanges of one client, in order."""

    def see(self, response: Any, *_args: Any, **_more: Any) -> None:
        response.read() if isinstance(response, httpx.Response) else response.content
        self.append(Exchange.of(response))

    def problems(self, description: Description) -> str:
        """One a line; empty when everything is as described."""
        return "\n".join(sorted({problem for exchange in self for problem in description.problems(exchange)}))

    def operations(self, description: Description) -> set[str]:
        return {description.operation(exchange.method, exchange.path)[0] for exchange in self}


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch, sandbox: Any, watched: Watched) -> AsanaHook:
    hook = a_hook(monkeypatch, sandbox.asana_url)
    hook.session.hooks["response"].append(watched.see)
    return hook


@pytest.fixture
def raw(sandbox: Any, watched: Watched) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {constants.ASANA_TOKEN}"}
    events: dict[str, list[Any]] = {"response": [watched.see]}
    with httpx.Client(base_url=sandbox.asana_url, headers=headers, event_hooks=events, trust_env=False, timeout=20) as client:
        yield client


OUR_CALLS = {
    "read_project": "getProject",
    "read_settings": "getCustomFieldSettingsForProject",
    "read_sections": "getSectionsForProject",
    "read_workspace_fields": "getCustomFieldsForWorkspace",
    "create_section": "createSectionForProject",
    "create_local_field": "addCustomFieldSettingForProject",
    "create_shared_field": "createCustomField",
    "attach_field": "addCustomFieldSettingForProject",
    "add_option": "createEnumOptionForCustomField",
    "read_person": "getUser",
    "read_people": "getUsers",
    "read_guests": "getWorkspaceMembershipsForWorkspace",
    "read_sharing": "getProject",
    "read_access": "getMemberships",
    "read_team": "getUsersForTeam",
    "read_agents": "getAgentsForWorkspace",
    "read_workspaces": "getWorkspaces",
    "read_projects": "getProjects",
    "read_events": "getEvents",
    "read_tasks": "getTasks",
    "read_task": "getTask",
    "create_task": "createTask",
    "update_task": "updateTask",
    "complete_task": "updateTask",
    "read_subtasks": "getSubtasksForTask",
    "create_subtask": "createSubtaskForTask",
    "make_ordinary": "updateTask",
    "unassign": "updateTask",
    "set_fields": "updateTask",
    "set_approval": "updateTask",
    "assign": "updateTask",
    "move_to_section": "addTaskForSection",
    "add_followers": "addFollowersForTask",
    "add_to_project": "addProjectForTask",
    "read_stories": "getStoriesForTask",
    "write_comment": "createStoryForTask",
    "read_attachments": "getAttachmentsForObject",
    "attach_link": "createAttachmentForObject",
    "attach_file": "createAttachmentForObject",
    "read_webhooks": "getWebhooks",
    "create_webhook": "createWebhook",
    "change_filters": "updateWebhook",
    "delete_webhook": "deleteWebhook",
}
"""Each of our requests and the operation of Asana's that it is."""


def our_requests() -> set[str]:
    return {
        name
        for module in (asana_task_calls, asana_webhook_calls)
        for name, each in vars(module).items()
        if inspect.isfunction(each) and each.__module__ == module.__name__ and not name.startswith("_")
        if inspect.signature(each).return_annotation == Request.__name__
    }


NEEDS = (
    FieldNeed(name="Intacct key", kind="text"),
    FieldNeed(name="Amount", kind="number", precision=2),
    FieldNeed(name="Approval", kind="enum", options=("Pending", "Approved", "Rejected")),
    FieldNeed(name="Posted", kind="date"),
    FieldNeed(name="Departments", kind="multi_enum", options=("Sales", "IT")),
)


def set_up(hook: AsanaHook) -> dict[str, Any]:
    """A project as preflight makes it: fields of its own, one of the workspace, a section."""
    hook.project(PROJECT)
    fields = {need.name: hook.setup.create_field(PROJECT, need) for need in NEEDS}
    hook.setup.add_option(fields["Approval"].gid, "On hold")
    shared = hook.ask(
        asana_task_calls.create_shared_field(FieldNeed(name="Shared", kind="text"), workspace_gid=WORKSPACE),
        one(definition_from),
    )
    hook.ask(asana_task_calls.attach_field(PROJECT, shared.gid), one(setting_from))
    hook.setup.field_definitions(PROJECT)
    hook.setup.workspace_fields(PROJECT)
    hook.setup.sections(PROJECT)
    return fields


def values_of(fields: dict[str, Any]) -> dict[str, Any]:
    """A value of every kind, by field gid."""
    return {
        fields["Intacct key"].gid: "CO:ap:17",
        fields["Amount"].gid: Decimal("-12345.10"),
        fields["Posted"].gid: date(2026, 11, 20),
        fields["Departments"].gid: tuple(option.gid for option in fields["Departments"].options),
    }


def work(hook: AsanaHook, sandbox: Any) -> None:
    """A bill's task from its making to its decision, with everything that the flows ask about it."""
    fields = set_up(hook)
    approval = fields["Approval"]
    pending = {approval.gid: approval.options[0].gid}
    token = hook.events(PROJECT, None).sync_token
    section = hook.setup.create_section(PROJECT, "Open bills")
    draft = TaskDraft(
        key="CO:ap:17",
        name="Bill 17",
        notes="line 1\nline 2",
        due_on=date(2026, 12, 1),
        section_gid=section.gid,
        assignee=ALICE["gid"],
        followers=(ALICE["gid"],),
        fields=values_of(fields),
        initial_fields=pending,
    )
    task = hook.create_task(PROJECT, draft)
    hook.create_task(PROJECT, replace(draft, html_notes="<body><strong>17</strong></body>", completed=True))
    sandbox.act("asana", ALICE["email"], "choose", task=task.gid, field="Approval", option="Approved")
    sandbox.act("asana", "rule", "comment", task=task.gid, text="by a rule")
    emptied = replace(draft, due_on=None, assignee=None, fields=dict.fromkeys(draft.fields))
    changed = ["name", "notes", "due_on", "assignee", "followers", "completed", "section_gid"]
    changed += [f"field:{gid}" for gid in draft.fields]
    hook.update_task(task.gid, emptied, changed=changed)
    hook.add_to_project(task.gid, PROJECT, section_gid=section.gid)
    hook.set_fields(task.gid, {approval.gid: None})
    hook.assign(task.gid, ALICE["gid"])
    hook.comment(task.gid, "Decision stored")
    hook.comment(task.gid, "", html=f'<body>Next: <a data-asana-gid="{ALICE["gid"]}">Alice</a></body>')
    hook.task(task.gid)
    hook.stories(task.gid)
    hook.events(PROJECT, token)
    assert [len(page) for page in hook.tasks(PROJECT, modified_since=datetime.now(UTC) - timedelta(hours=1))] == [2]


def decide_and_attach(hook: AsanaHook) -> None:
    """A task that people decide by Asana's own approvals, with a link and a file on it."""
    task = hook.create_task(PROJECT, TaskDraft(key="CO:ap:18", name="Bill 18", kind="approval"))
    hook.set_approval(task.gid, "rejected")
    hook.set_approval(task.gid, "pending")
    hook.attach_link(task.gid, name="Bill 18 in Intacct", url="https://intacct.example/bill/18")
    body = b"%PDF-1.7 bill 18"
    hook.attach_file(
        task.gid,
        name="Bill 18.pdf",
        file=DocumentFile(
            name="Bill 18.pdf",
            content_type="application/pdf",
            size=len(body),
            digest=hashlib.sha256(body).hexdigest(),
            content=io.BytesIO(body),
        ),
    )
    assert len(hook.attachments(task.gid)) == 2


def ask_and_end(hook: AsanaHook) -> None:
    """A person asked by a subtask, which is then closed in either way."""
    task = hook.create_task(PROJECT, TaskDraft(key="CO:ap:19", name="Bill 19"))
    for due_on in ("2026-12-01", ""):
        told = {"name": "Approve bill 19", "notes": "please", "assignee": ALICE["gid"], "due_on": due_on}
        subtask = hook.create_approval(task.gid, **told)
        assert (subtask.kind, subtask.approval_status, subtask.assignee_gid) == ("approval", "pending", ALICE["gid"])
    called = hook.create_subtask(task.gid, name="Call back", notes="please", assignee="", due_on="")
    assert (called.kind, called.assignee_gid) == ("default_task", None)
    assert len(hook.subtasks(task.gid)) == 3
    assert hook.unassign(subtask.gid).assignee_gid is None
    assert hook.make_ordinary(subtask.gid).approval_status is None
    assert hook.complete(subtask.gid).completed


def be_told(hook: AsanaHook, target: str) -> None:
    made = hook.create_webhook(PROJECT, target)
    assert [one.gid for one in hook.webhooks(WORKSPACE, PROJECT)] == [made.webhook.gid]
    hook.set_webhook_filters(made.webhook.gid)
    hook.delete_webhook(made.webhook.gid)


def look_up(hook: AsanaHook, team_gid: str) -> None:
    hook.me()
    hook.setup.sharing(PROJECT)
    hook.setup.access(PROJECT)
    hook.setup.team(team_gid)
    hook.setup.agents(WORKSPACE)
    hook.person(ALICE["email"])
    hook.people(WORKSPACE)
    hook.setup.workspaces()
    hook.setup.projects(WORKSPACE)


def test_every_call_of_ours_and_its_answer_are_as_asana_describes_them(
    hook: AsanaHook, sandbox: Any, watched: Watched, receiver: Any, description: Description
) -> None:
    work(hook, sandbox)
    decide_and_attach(hook)
    ask_and_end(hook)
    be_told(hook, receiver.url)
    team = sandbox.act("asana", ALICE["email"], "add_team", name="Payables", people=["ben"])["result"]
    look_up(hook, team["gid"])
    assert watched.problems(description) == ""
    assert our_requests() == set(OUR_CALLS)
    assert watched.operations(description) == set(OUR_CALLS.values())


def test_a_long_listing_is_walked_as_described(hook: AsanaHook, watched: Watched, description: Description) -> None:
    for number in range(101):
        hook.create_task(PROJECT, TaskDraft(key=str(number), name=f"Bill {number}"))
    assert [len(page) for page in hook.tasks(PROJECT)] == [100, 1]
    assert "offset" in watched[-1].query
    assert watched.problems(description) == ""


def test_refusals_that_we_meet_are_described(hook: AsanaHook, sandbox: Any, watched: Watched, description: Description) -> None:
    fields = set_up(hook)
    task = hook.create_task(PROJECT, TaskDraft(key="1", name="Bill 1"))
    assert hook.task("999") is None
    with pytest.raises(Misconfigured):
        hook.set_fields(task.gid, {fields["Approval"].gid: "999"})
    sandbox.act("asana", ALICE["email"], "lock_field", field="Intacct key")
    with pytest.raises(IntacctAsanaError):
        hook.set_fields(task.gid, {fields["Intacct key"].gid: "x"})
    sandbox.settings(asana_free_plan=True)
    with pytest.raises(IntacctAsanaError):
        hook.setup.field_definitions(PROJECT)
    sandbox.fault("asana", "GET /users/{gid}", "429:1")
    hook.me()
    sandbox.fault("asana", "GET /users/{gid}", "status:500", times=1)
    hook.me()
    assert {400, 402, 403, 404, 429, 500} <= {exchange.status for exchange in watched}
    assert watched.problems(description) == ""


FINE = Exchange(
    method="POST",
    path="/tasks",
    query={"opt_fields": "name,assignee.gid"},
    sent={"data": {"name": "Bill 1", "projects": [PROJECT], "custom_fields": {"1": 12.5, "2": None}}},
    status=201,
    content_type="application/json; charset=UTF-8",
    answered={"data": {"gid": "1", "name": "Bill 1", "assignee": None}},
)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, ""),
        ({"query": {"opt_fields": "nmae"}}, "opt_fields nmae"),
        ({"query": {"projekt": "1"}}, "projekt is not described"),
        ({"sent": {"name": "Bill 1"}}, "not wrapped in data"),
        ({"sent": {"data": {"naem": "Bill 1"}}}, "'naem' was unexpected"),
        ({"sent": {"data": {"gid": "1"}}}, "'gid' was unexpected"),
        ({"sent": {"data": {"due_on": "tomorrow"}}}, "is not a 'date'"),
        ({"status": 200}, "status 200 is not described"),
        ({"content_type": "application/json"}, "content type"),
        ({"answered": {"gid": "1"}}, "not wrapped in data"),
        ({"answered": {"data": {"gid": 1}}}, "1 is not of type 'string'"),
        ({"answered": {"data": {"gid": "1", "nmae": "x"}}}, "'nmae' was unexpected"),
        ({"answered": {"data": {"gid": "1", "created_at": "2026-01-01T00:00:00"}}}, "is not a 'date-time'"),
        ({"status": 404, "answered": {"error": "no"}}, "no errors in the answer"),
        ({"status": 418, "answered": {"errors": [{"message": "tea"}]}}, "status 418 is not described"),
        ({"method": "GET", "path": "/tasks/1/subtaskz"}, "Asana has no GET /tasks/1/subtaskz"),
    ],
)
def test_what_departs_from_the_description_is_noticed(description: Description, changed: dict[str, Any], said: str) -> None:
    try:
        problems = description.problems(replace(FINE, **changed))
    except LookupError as unknown:
        problems = [str(unknown)]
    assert bool(problems) == bool(said)
    assert said in "\n".join(problems)


def test_the_sandbox_has_no_route_that_asana_has_not(description: Description) -> None:
    assert router.LOADED
    routes = [route for routes in ROUTES.values() for route in routes if route.kind not in OLD_PATHS]
    unknown = [route.kind for route in routes if not description.template(route.method, route.pattern.replace("{gid}", "1"))]
    assert unknown == []
    assert len(routes) > 50


def test_what_asana_has_and_the_sandbox_does_not_play_is_known_to_the_last_call(
    raw: httpx.Client, description: Description
) -> None:
    """So that a call of a stranger's client is either played, or refused as not played; never as one that nobody has."""
    played = {route.kind for routes in ROUTES.values() for route in routes}
    known = {(method, _unnamed(path)) for method, paths in UNPLAYED.items() for path in paths}
    known |= {tuple(_unnamed(kind).split(" ")) for kind in played - OLD_PATHS}
    described = {(method.upper(), _unnamed(path)) for path in description.paths for method in description.methods(path)}
    assert known == described
    answer = raw.get("/goals/1/parentGoals")
    assert (answer.status_code, answer.json()["errors"][0]["message"]) == (
        501,
        "The sandbox does not play GET /goals/1/parentGoals, which Asana has. docs/sandbox.md says what it plays.",
    )


def _unnamed(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def test_what_the_sandbox_answers_without_opt_fields_is_described(
    raw: httpx.Client, sandbox: Any, watched: Watched, receiver: Any, description: Description
) -> None:
    kinds = visit_every_route(raw, sandbox, receiver)
    known = {route.kind for routes in ROUTES.values() for route in routes} - OLD_PATHS
    assert watched.problems(description) == ""
    assert known - kinds == set()
