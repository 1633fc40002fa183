"""A second opinion on Asana's stand-in: the official `asana` client as its users run it, unchanged but for its host."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import asana
import pytest
from asana.rest import ApiException

from sandbox import constants

pytestmark = pytest.mark.contract

PROJECT, WORKSPACE = constants.BILLS_PROJECT_GID, constants.WORKSPACE_GID
ALICE = constants.PEOPLE[0]


class Client:
    """The parts of the client that are used here, under short names; all share one connection pool."""

    def __init__(self, url: str, token: str = constants.ASANA_TOKEN) -> None:
        settings = asana.Configuration()
        settings.host, settings.access_token = url, token
        self.api = asana.ApiClient(settings)
        self.users = asana.UsersApi(self.api)
        self.projects = asana.ProjectsApi(self.api)
        self.sections = asana.SectionsApi(self.api)
        self.fields = asana.CustomFieldsApi(self.api)
        self.settings = asana.CustomFieldSettingsApi(self.api)
        self.tasks = asana.TasksApi(self.api)
        self.stories = asana.StoriesApi(self.api)
        self.events = asana.EventsApi(self.api)
        self.webhooks = asana.WebhooksApi(self.api)
        self.batch = asana.BatchAPIApi(self.api)
        self.memberships = asana.WorkspaceMembershipsApi(self.api)
        self.project_memberships = asana.ProjectMembershipsApi(self.api)
        self.tags = asana.TagsApi(self.api)
        self.typeahead = asana.TypeaheadApi(self.api)
        self.attachments = asana.AttachmentsApi(self.api)
        self.teams = asana.TeamsApi(self.api)
        self.goals = asana.GoalsApi(self.api)

    def add_field(self, name: str, kind: str, **more: Any) -> dict[str, Any]:
        body = {"data": {"workspace": WORKSPACE, "name": name, "resource_subtype": kind, **more}}
        field: dict[str, Any] = self.fields.create_custom_field(body, {})
        setting = {"data": {"custom_field": field["gid"], "is_important": True}}
        self.projects.add_custom_field_setting_for_project(setting, PROJECT, {})
        return field

    def add_task(self, name: str, **more: Any) -> dict[str, Any]:
        task: dict[str, Any] = self.tasks.create_task({"data": {"name": name, "projects": [PROJECT], **more}}, {})
        return task

    def next_events(self, token: str | None = None) -> dict[str, Any]:
        """One page as Asana gave it; the client's own iterator hides the token."""
        options = {"sync": token} if token else {}
        page: dict[str, Any] = self.events.get_events(PROJECT, options, full_payload=True)
        return page

    def first_token(self) -> str:
        with pytest.raises(ApiException) as refusal:
            self.next_events()
        assert refusal.value.status == 412
        token: str = json.loads(refusal.value.body)["sync"]
        return token


@pytest.fixture
def client(sandbox: Any) -> Client:
    return Client(sandbox.asana_url)


def refused(error: pytest.ExceptionInfo[ApiException]) -> tuple[int, str]:
    return error.value.status, json.loads(error.value.body)["errors"][0]["message"]


def test_the_token_tells_who_is_calling(client: Client) -> None:
    me = client.users.get_user("me", {})
    assert (me["gid"], me["name"], me["email"]) == (constants.BOT_GID, constants.BOT_NAME, constants.BOT_EMAIL)
    assert [each["gid"] for each in me["workspaces"]] == [WORKSPACE]


def test_a_person_is_found_by_email_and_gid(client: Client) -> None:
    found = [client.users.get_user(key, {"opt_fields": "name,email"}) for key in (ALICE["email"], ALICE["gid"])]
    assert found == [{"gid": ALICE["gid"], "name": ALICE["name"], "email": ALICE["email"]}] * 2


def test_everyone_comes_over_several_pages(client: Client) -> None:
    everyone = client.users.get_users({"workspace": WORKSPACE, "limit": 2, "opt_fields": "email"})
    emails = [person["email"] for person in everyone]
    assert sorted(emails) == sorted([constants.BOT_EMAIL, *(person["email"] for person in constants.PEOPLE)])
    guests = client.memberships.get_workspace_memberships_for_workspace(WORKSPACE, {"opt_fields": "user.name,is_guest"})
    assert [each["user"]["name"] for each in guests if each["is_guest"]] == [constants.PEOPLE[-1]["name"]]


def test_a_wrong_token_and_an_unknown_thing_are_told_apart(client: Client, sandbox: Any) -> None:
    with pytest.raises(ApiException) as refusal:
        Client(sandbox.asana_url, "wrong").users.get_user("me", {})
    assert refused(refusal) == (401, "Not Authorized")
    with pytest.raises(ApiException) as refusal:
        client.tasks.get_task("999", {})
    assert refused(refusal) == (404, "task: Unknown object: 999")
    with pytest.raises(ApiException) as refusal:
        client.tasks.create_task({"data": {"name": "nowhere"}}, {})
    assert refusal.value.status == 400


def test_projects_and_their_sections(client: Client) -> None:
    assert PROJECT in [each["gid"] for each in client.projects.get_projects_for_workspace(WORKSPACE, {})]
    project = client.projects.get_project(PROJECT, {})
    assert (project["gid"], project["workspace"]["gid"]) == (PROJECT, WORKSPACE)
    made = client.sections.create_section_for_project(PROJECT, {"body": {"data": {"name": "Open bills"}}})
    assert [each["name"] for each in client.sections.get_sections_for_project(PROJECT, {})][-1] == "Open bills"
    task = client.add_task("Bill 1")
    client.sections.add_task_for_section(made["gid"], {"body": {"data": {"task": task["gid"]}}})
    memberships = client.tasks.get_task(task["gid"], {"opt_fields": "memberships.section.name"})["memberships"]
    assert [each["section"]["name"] for each in memberships] == ["Open bills"]


def test_custom_fields_and_their_settings(client: Client) -> None:
    approval = client.add_field("Approval", "enum", enum_options=[{"name": "Pending"}, {"name": "Approved"}])
    client.add_field("Amount", "number", precision=2)
    more = {"body": {"data": {"name": "Rejected", "color": "red"}}}
    rejected = client.fields.create_enum_option_for_custom_field(approval["gid"], more)
    client.fields.update_enum_option(rejected["gid"], {"body": {"data": {"enabled": False}}})
    listed = client.settings.get_custom_field_settings_for_project(
        PROJECT, {"opt_fields": "custom_field.name,custom_field.precision,custom_field.enum_options.(name|enabled)"}
    )
    fields = {each["custom_field"]["name"]: each["custom_field"] for each in listed}
    assert fields["Amount"]["precision"] == 2
    options = [(option["name"], option["enabled"]) for option in fields["Approval"]["enum_options"]]
    assert options == [("Pending", True), ("Approved", True), ("Rejected", False)]
    assert client.fields.get_custom_field(approval["gid"], {})["resource_subtype"] == "enum"


def test_a_field_of_the_projects_own_can_be_made_with_its_setting(client: Client) -> None:
    wanted = {"workspace": WORKSPACE, "name": "Key", "resource_subtype": "text"}
    body = {"data": {"custom_field": wanted}}
    setting = client.projects.add_custom_field_setting_for_project(body, PROJECT, {})
    assert (setting["custom_field"]["name"], setting["custom_field"]["is_global_to_workspace"]) == ("Key", False)
    shared = client.fields.get_custom_fields_for_workspace(WORKSPACE, {})
    assert "Key" not in [each["name"] for each in shared]


def test_a_task_is_created_read_changed_and_deleted(client: Client) -> None:
    approval = client.add_field("Approval", "enum", enum_options=[{"name": "Pending"}, {"name": "Approved"}])
    amount, posted = client.add_field("Amount", "number", precision=2), client.add_field("Posted", "date")
    pending, approved = (option["gid"] for option in approval["enum_options"])
    values = {approval["gid"]: pending, amount["gid"]: 1234.5, posted["gid"]: {"date": "2026-11-20"}}
    task = client.add_task("Bill 1", due_on="2026-12-01", notes="line 1\nline 2", assignee=ALICE["email"], custom_fields=values)
    assert (task["assignee"]["gid"], task["due_on"], task["completed"]) == (ALICE["gid"], "2026-12-01", False)
    found = {each["name"]: each for each in task["custom_fields"]}
    assert found["Approval"]["enum_value"]["gid"] == pending
    assert (found["Amount"]["number_value"], found["Amount"]["display_value"]) == (1234.5, "1234.50")
    assert found["Posted"]["date_value"]["date"] == "2026-11-20"

    change = {"data": {"completed": True, "due_on": None, "custom_fields": {approval["gid"]: approved, amount["gid"]: None}}}
    wanted = {"opt_fields": "completed,due_on,name,custom_fields.(name|display_value)"}
    after = client.tasks.update_task(change, task["gid"], wanted)
    assert (after["name"], after["completed"], after["due_on"]) == ("Bill 1", True, None)
    shown = {each["name"]: each["display_value"] for each in after["custom_fields"]}
    assert (shown["Approval"], shown["Amount"]) == ("Approved", None)

    assert client.tasks.delete_task(task["gid"]) == {}
    with pytest.raises(ApiException) as refusal:
        client.tasks.get_task(task["gid"], {})
    assert refusal.value.status == 404


def test_opt_fields_replace_the_usual_answer(client: Client) -> None:
    gid = client.add_task("Bill 1")["gid"]
    assert client.tasks.get_task(gid, {"opt_fields": "completed"}) == {"gid": gid, "completed": False}
    compact = next(client.tasks.get_tasks({"project": PROJECT}))
    assert set(compact) == {"gid", "name", "resource_type", "resource_subtype"}


def test_pages_hold_every_task_once(client: Client) -> None:
    made = [client.add_task(f"Bill {number}")["gid"] for number in range(7)]
    pages = client.tasks.get_tasks({"project": PROJECT, "limit": 3, "opt_fields": "name"})
    walked = client.tasks.get_tasks({"project": PROJECT, "limit": 3}, item_limit=5)
    single = client.tasks.get_tasks({"project": PROJECT, "limit": 3}, full_payload=True)
    assert sorted(task["gid"] for task in pages) == sorted(made)
    assert len(list(walked)) == 5
    assert set(single["next_page"]) == {"offset", "path", "uri"}


def test_the_listing_can_start_at_a_time(client: Client, sandbox: Any) -> None:
    client.add_task("old")
    since = sandbox.clock(advance_seconds=3600)["now"]
    fresh = client.add_task("fresh")
    listed = client.tasks.get_tasks({"project": PROJECT, "modified_since": since})
    assert [task["gid"] for task in listed] == [fresh["gid"]]


def test_stories_tell_who_chose_what(client: Client, sandbox: Any) -> None:
    approval = client.add_field("Approval", "enum", enum_options=[{"name": "Pending"}, {"name": "Approved"}])
    task = client.add_task("Bill 1", custom_fields={approval["gid"]: approval["enum_options"][0]["gid"]})
    sandbox.act("asana", ALICE["email"], "choose", task=task["gid"], field="Approval", option="Approved")
    client.stories.create_story_for_task({"data": {"text": "Thank you"}}, task["gid"], {})
    wanted = "created_by.name,created_at,resource_subtype,text,custom_field,old_enum_value.name,new_enum_value.name"
    stories = list(client.stories.get_stories_for_task(task["gid"], {"opt_fields": wanted}))
    chosen = next(each for each in stories if each["resource_subtype"] == "enum_custom_field_changed")
    assert (chosen["created_by"]["gid"], chosen["custom_field"]["gid"]) == (ALICE["gid"], approval["gid"])
    assert (chosen["old_enum_value"]["name"], chosen["new_enum_value"]["name"]) == ("Pending", "Approved")
    assert (stories[-1]["resource_subtype"], stories[-1]["text"]) == ("comment_added", "Thank you")
    mended = client.stories.update_story({"data": {"text": "Thanks"}}, stories[-1]["gid"], {})
    assert mended["text"] == "Thanks"


def test_a_project_is_made_shared_counted_archived_and_deleted(client: Client) -> None:
    wanted = {"data": {"workspace": WORKSPACE, "name": "Bills of Canada", "notes": "third", "privacy_setting": "private"}}
    made = client.projects.create_project(wanted, {})
    assert (made["owner"], made["archived"], made["privacy_setting"]) == (None, False, "private")
    client.projects.add_members_for_project({"data": {"members": ALICE["gid"]}}, made["gid"], {})
    shared = client.project_memberships.get_project_memberships_for_project(
        made["gid"], {"opt_fields": "user.name,write_access"}
    )
    assert {(each["user"]["name"], each["write_access"]) for each in shared} == {
        (constants.BOT_NAME, "full_write"),
        (ALICE["name"], "full_write"),
    }
    client.tasks.create_task({"data": {"name": "Bill 1", "projects": [made["gid"]], "completed": True}}, {})
    fields = {"opt_fields": "num_tasks,num_completed_tasks,num_incomplete_tasks"}
    counts = client.projects.get_task_counts_for_project(made["gid"], fields)
    assert counts == {"num_tasks": 1, "num_completed_tasks": 1, "num_incomplete_tasks": 0}
    client.projects.update_project({"data": {"archived": True}}, made["gid"], {})
    listed = client.projects.get_projects({"workspace": WORKSPACE, "archived": True})
    assert [each["gid"] for each in listed] == [made["gid"]]
    assert made["gid"] not in [each["gid"] for each in client.projects.get_projects({"archived": False})]
    assert client.projects.delete_project(made["gid"]) == {}


def test_tasks_wait_for_one_another_and_carry_tags(client: Client) -> None:
    first, second = client.add_task("Bill 1")["gid"], client.add_task("Bill 2", notes="seven chairs")["gid"]
    client.tasks.add_dependencies_for_task({"data": {"dependencies": [first]}}, second)
    assert [each["gid"] for each in client.tasks.get_dependencies_for_task(second, {})] == [first]
    assert [each["gid"] for each in client.tasks.get_dependents_for_task(first, {})] == [second]
    with pytest.raises(ApiException) as refusal:
        client.tasks.add_dependencies_for_task({"data": {"dependencies": [second]}}, first)
    assert refused(refusal)[0] == 400
    tag = client.tags.create_tag({"data": {"workspace": WORKSPACE, "name": "urgent"}}, {})
    client.tasks.add_tag_for_task({"data": {"tag": tag["gid"]}}, second)
    assert [each["gid"] for each in client.tasks.get_tasks_for_tag(tag["gid"], {})] == [second]
    assert [each["name"] for each in client.tags.get_tags_for_task(second, {})] == ["urgent"]
    found = client.tasks.search_tasks_for_workspace(WORKSPACE, {"text": "CHAIRS", "tags.any": tag["gid"], "is_blocked": True})
    assert [each["gid"] for each in found] == [second]
    subtask = client.tasks.set_parent_for_task({"data": {"parent": second}}, first, {})
    assert subtask["parent"]["gid"] == second
    assert [each["gid"] for each in client.tasks.get_subtasks_for_task(second, {})] == [first]


def test_search_is_for_those_who_pay(client: Client, sandbox: Any) -> None:
    sandbox.settings(asana_free_plan=True)
    with pytest.raises(ApiException) as refusal:
        list(client.tasks.search_tasks_for_workspace(WORKSPACE, {"text": "x"}))
    assert refusal.value.status == 402


def test_names_are_completed_as_somebody_types(client: Client) -> None:
    for name in ("Chairs", "Armchairs", "Desks"):
        client.add_task(name)
    found = client.typeahead.typeahead_for_workspace(WORKSPACE, "task", {"query": "chair"})
    assert [each["name"] for each in found] == ["Chairs", "Armchairs"]
    (person,) = client.typeahead.typeahead_for_workspace(WORKSPACE, "user", {"query": ALICE["email"]})
    assert (person["gid"], set(person)) == (ALICE["gid"], {"gid", "resource_type", "name"})


def test_a_project_has_files_of_its_own(client: Client) -> None:
    link = {"resource_subtype": "external", "parent": PROJECT, "name": "Policy", "url": "https://intacct.example/policy"}
    made = client.attachments.create_attachment_for_object(link)
    assert [each["name"] for each in client.attachments.get_attachments_for_object(PROJECT, {})] == ["Policy"]
    client.attachments.delete_attachment(made["gid"])
    assert list(client.attachments.get_attachments_for_object(PROJECT, {})) == []


def test_what_the_sandbox_does_not_play_says_so_aloud(client: Client) -> None:
    client.api.retry_strategy = client.api.configuration.retry_strategy = False
    with pytest.raises(ApiException) as refusal:
        list(client.goals.get_goals({"workspace": WORKSPACE}))
    assert refused(refusal) == (
        501,
        "The sandbox does not play GET /goals, which Asana has. docs/sandbox.md says what it plays.",
    )


def test_events_begin_with_a_refusal_that_brings_the_token(client: Client) -> None:
    token = client.first_token()
    quiet = client.next_events(token)
    assert (quiet["data"], quiet["has_more"]) == ([], False)
    task = client.add_task("Bill 1")
    page = client.next_events(quiet["sync"])
    added = next(event for event in page["data"] if event["action"] == "added" and event["resource"]["gid"] == task["gid"])
    assert (added["parent"]["gid"], added["user"]["gid"]) == (PROJECT, constants.BOT_GID)
    assert client.next_events(quiet["sync"])["data"] == page["data"]
    assert client.next_events(page["sync"])["data"] == []


def test_a_token_that_asana_forgot_is_a_412_with_a_new_one(client: Client, sandbox: Any) -> None:
    token = client.first_token()
    client.add_task("lost")
    sandbox.clock(advance_seconds=25 * 3600)
    with pytest.raises(ApiException) as refusal:
        client.next_events(token)
    status, message = refused(refusal)
    assert (status, message.split(".")[0]) == (412, "Sync token invalid or too old")
    fresh = json.loads(refusal.value.body)["sync"]
    assert fresh != token
    assert client.next_events(fresh)["data"] == []


def test_more_than_a_hundred_events_come_in_pages(client: Client) -> None:
    token = client.first_token()
    made = {client.add_task(f"Bill {number}")["gid"] for number in range(60)}
    first = client.next_events(token)
    assert (len(first["data"]), first["has_more"]) == (100, True)
    second = client.next_events(first["sync"])
    assert not second["has_more"]
    heard = {event["resource"]["gid"] for event in [*first["data"], *second["data"]]}
    assert made <= heard


def test_the_clients_own_event_iterator_starts_empty_and_ends(client: Client) -> None:
    client.add_task("before")
    assert list(client.events.get_events(PROJECT, {})) == []


def test_ten_actions_go_in_one_batch(client: Client) -> None:
    gid = client.add_task("Bill 1")["gid"]
    actions = [
        {"relative_path": f"/tasks/{gid}", "method": "get", "options": {"fields": ["name"]}},
        {"relative_path": f"/tasks/{gid}", "method": "put", "data": {"completed": True}},
        {"relative_path": "/tasks/999", "method": "get"},
    ]
    answers = list(client.batch.create_batch_request({"data": {"actions": actions}}, {}))
    assert [answer["status_code"] for answer in answers] == [200, 200, 404]
    assert answers[0]["body"]["data"] == {"gid": gid, "name": "Bill 1"}


def test_a_read_that_meets_the_limit_is_repeated_after_its_time(client: Client, sandbox: Any) -> None:
    sandbox.fault("asana", "GET /users/{gid}", "429:1")
    started = time.monotonic()
    assert client.users.get_user("me", {})["gid"] == constants.BOT_GID
    assert time.monotonic() - started >= 1
    assert sandbox.counters()["asana GET /users/{gid}"] == 2


def test_a_webhook_shakes_hands_signs_and_can_be_deleted(client: Client, receiver: Any) -> None:
    wanted = {"resource": PROJECT, "target": receiver.url, "filters": [{"resource_type": "task", "action": "added"}]}
    answer = client.webhooks.create_webhook({"data": wanted}, {}, full_payload=True)
    webhook = answer["data"]
    assert answer["X-Hook-Secret"] == receiver.secret
    assert (webhook["resource"]["gid"], webhook["target"], webhook["active"]) == (PROJECT, receiver.url, False)

    task = client.add_task("Bill 1")
    until = time.monotonic() + 5
    while not receiver.events():
        assert time.monotonic() < until, "nothing was delivered"
        time.sleep(0.02)
    assert {event["resource"]["gid"] for event in receiver.events()} == {task["gid"]}
    for signature, body in receiver.deliveries:
        assert signature == hmac.new(receiver.secret.encode(), body, hashlib.sha256).hexdigest()

    assert [each["gid"] for each in client.webhooks.get_webhooks(WORKSPACE, {"resource": PROJECT})] == [webhook["gid"]]
    changed = client.webhooks.update_webhook({"data": {"filters": []}}, webhook["gid"], {})
    assert (changed["active"], changed["filters"]) == (True, [])
    client.webhooks.delete_webhook(webhook["gid"])
    with pytest.raises(ApiException) as refusal:
        client.webhooks.get_webhook(webhook["gid"], {})
    assert refusal.value.status == 404


@pytest.mark.slow
def test_a_long_project_is_walked_with_the_clients_usual_page(client: Client) -> None:
    made = {client.add_task(f"Bill {number}")["gid"] for number in range(1050)}
    assert {task["gid"] for task in client.tasks.get_tasks({"project": PROJECT})} == made
