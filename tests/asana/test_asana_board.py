"""The hook on the sandbox: tasks, fields, stories, events, people as a flow uses them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.asana.hook import AsanaHook
from intacct_asana.errors import Misconfigured, Refused, UnexpectedReply
from intacct_asana.ports import TaskBoard
from intacct_asana.records import FieldDefinition, FieldNeed, Story, TaskDraft

from sandbox import constants
from tests.asana.asana_connections import a_hook

PROJECT = constants.BILLS_PROJECT_GID
ALICE = constants.PEOPLE[0]
GUS = constants.PEOPLE[-1]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch, sandbox: Any) -> AsanaHook:
    return a_hook(monkeypatch, sandbox.asana_url)


@pytest.fixture
def fields(hook: AsanaHook) -> dict[str, FieldDefinition]:
    needs = [
        FieldNeed(name="Intacct key", kind="text"),
        FieldNeed(name="Amount", kind="number", precision=2),
        FieldNeed(name="Approval", kind="enum", options=("Pending", "Approved", "Rejected")),
        FieldNeed(name="Posted", kind="date"),
        FieldNeed(name="Departments", kind="multi_enum", options=("Sales", "IT")),
    ]
    return {need.name: hook.setup.create_field(PROJECT, need) for need in needs}


def a_draft(key: str = "CO:ap:17", **said: Any) -> TaskDraft:
    return TaskDraft(key=key, **{"name": f"Bill {key}", **said})


def test_the_hook_is_a_task_board(hook: AsanaHook) -> None:
    board: TaskBoard = hook
    assert board.task("1") is None


def test_a_list_that_leads_back_to_itself_ends_in_an_error(
    hook: AsanaHook, sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intacct_asana.asana.request.PAGE_SIZE", 2)
    for number in range(5):
        hook.create_task(PROJECT, a_draft(f"CO:ap:{number}"))
    assert len([task for page in hook.tasks(PROJECT) for task in page]) == 5
    sandbox.settings(asana_pages_in_a_circle=True)
    with pytest.raises(UnexpectedReply, match="after 2 pages Asana's next_page leads back"):
        list(hook.tasks(PROJECT))


def test_a_task_comes_back_as_it_was_written(hook: AsanaHook, fields: dict[str, FieldDefinition]) -> None:
    sales, it = (option.gid for option in fields["Departments"].options)
    values = {
        fields["Intacct key"].gid: "CO:ap:17",
        fields["Amount"].gid: Decimal("-12345678901.10"),
        fields["Posted"].gid: date(2026, 11, 20),
        fields["Departments"].gid: (it, sales),
    }
    pending = {fields["Approval"].gid: fields["Approval"].options[0].gid}
    section = hook.setup.create_section(PROJECT, "Open bills")
    draft = a_draft(
        notes="line 1\nline 2", due_on=date(2026, 12, 1), section_gid=section.gid, fields=values, initial_fields=pending
    )
    task = hook.create_task(PROJECT, draft)
    assert task.fields == {**values, fields["Departments"].gid: tuple(sorted((sales, it))), **pending}
    assert str(task.fields[fields["Amount"].gid]) == "-12345678901.10"
    assert (task.name, task.notes, task.due_on, task.section_gid) == (draft.name, draft.notes, draft.due_on, section.gid)
    assert not task.completed
    assert hook.task(task.gid) == task
    assert [[task.gid]] == [[found.gid for found in page] for page in hook.tasks(PROJECT)]


def test_an_update_leaves_alone_what_it_does_not_name(hook: AsanaHook, fields: dict[str, FieldDefinition]) -> None:
    key, amount = fields["Intacct key"].gid, fields["Amount"].gid
    task = hook.create_task(PROJECT, a_draft(notes="as it was", fields={key: "CO:ap:17", amount: Decimal("1.10")}))
    done = hook.setup.create_section(PROJECT, "Done")
    draft = a_draft(name="New name", notes="not written", completed=True, section_gid=done.gid, fields={amount: None})
    after = hook.update_task(task.gid, draft, changed=["name", "completed", "section_gid", f"field:{amount}"])
    assert (after.name, after.notes, after.completed, after.section_gid) == ("New name", "as it was", True, done.gid)
    assert after.fields[key] == "CO:ap:17"
    assert after.fields[amount] is None


def test_only_the_section_may_change(hook: AsanaHook) -> None:
    task = hook.create_task(PROJECT, a_draft())
    done = hook.setup.create_section(PROJECT, "Done")
    after = hook.update_task(task.gid, a_draft(section_gid=done.gid), changed=["section_gid"])
    assert after.section_gid == done.gid
    assert [section.name for section in hook.setup.sections(PROJECT)][-1] == "Done"


def test_a_bill_that_is_already_paid_gets_a_completed_task(hook: AsanaHook) -> None:
    assert hook.create_task(PROJECT, a_draft(completed=True)).completed


def test_a_deleted_task_is_gone(hook: AsanaHook, sandbox: Any) -> None:
    task = hook.create_task(PROJECT, a_draft())
    sandbox.act("asana", ALICE["email"], "delete", task=task.gid)
    assert hook.task(task.gid) is None
    with pytest.raises(Refused, match=task.gid):
        hook.update_task(task.gid, a_draft(name="x"), changed=["name"])
    with pytest.raises(Refused, match=task.gid):
        hook.stories(task.gid)


def test_fifteen_writers_at_once_make_every_task_once_and_pages_hold_them_all(hook: AsanaHook, sandbox: Any) -> None:
    hook.settings  # noqa: B018  (read in the main thread, as the operators do)
    with ThreadPoolExecutor(15) as pool:
        made = list(pool.map(lambda number: hook.create_task(PROJECT, a_draft(str(number))), range(130)))
    pages = list(hook.tasks(PROJECT))
    assert [len(page) for page in pages] == [100, 30]
    assert {task.gid for page in pages for task in page} == {task.gid for task in made}
    assert hook.calls["POST /tasks"] == sandbox.counters()["asana POST /tasks"] == 130


def test_the_listing_can_start_at_a_time(hook: AsanaHook, sandbox: Any) -> None:
    hook.create_task(PROJECT, a_draft("old"))
    sandbox.clock(advance_seconds=3600)
    fresh = hook.create_task(PROJECT, a_draft("fresh"))
    since = datetime.now(UTC) + timedelta(seconds=1800)
    assert [task.gid for page in hook.tasks(PROJECT, modified_since=since) for task in page] == [fresh.gid]


def test_stories_tell_who_chose_what(hook: AsanaHook, sandbox: Any, fields: dict[str, FieldDefinition]) -> None:
    approval = fields["Approval"]
    pending, approved, _ = (option.gid for option in approval.options)
    task = hook.create_task(PROJECT, a_draft(initial_fields={approval.gid: pending}))
    sandbox.act("asana", ALICE["email"], "choose", task=task.gid, field="Approval", option="Approved")
    choice = [story for story in hook.stories(task.gid) if story.new_enum_gid][-1]
    assert (choice.author_gid, choice.field_gid) == (ALICE["gid"], approval.gid)
    assert (choice.old_enum_gid, choice.new_enum_gid) == (pending, approved)
    back = hook.set_fields(task.gid, {approval.gid: pending})
    assert back.fields[approval.gid] == pending
    assert hook.stories(task.gid)[-1].author_gid == constants.BOT_GID


def test_a_long_history_is_read_whole_and_in_order(hook: AsanaHook) -> None:
    task = hook.create_task(PROJECT, a_draft())
    said = [hook.comment(task.gid, f"comment {number}").text for number in range(105)]
    stories = [story for story in hook.stories(task.gid) if story.kind == "comment_added"]
    assert [story.text for story in stories] == said


def test_events_begin_with_a_reset_and_then_tell_what_happened(hook: AsanaHook) -> None:
    first = hook.events(PROJECT, None)
    assert (first.reset, first.events) == (True, ())
    task = hook.create_task(PROJECT, a_draft())
    page = hook.events(PROJECT, first.sync_token)
    assert not page.reset
    assert task.gid in {event.resource_gid for event in page.events}
    assert hook.events(PROJECT, "0" * 32).reset


def test_people_and_guests_are_told_apart(hook: AsanaHook) -> None:
    assert hook.me().gid == constants.BOT_GID
    alice, gus = hook.person(ALICE["email"]), hook.person(GUS["gid"])
    assert alice
    assert gus
    assert (alice.gid, alice.email, alice.is_guest) == (ALICE["gid"], ALICE["email"], False)
    assert gus.is_guest
    assert hook.person("nobody@northwind.example") is None
    everyone = {person.email: person.is_guest for person in hook.people(constants.WORKSPACE_GID)}
    assert everyone[GUS["email"]]
    assert everyone[ALICE["email"]] is False


def test_who_is_a_guest_stays_open_where_asana_does_not_say(hook: AsanaHook, sandbox: Any) -> None:
    sandbox.fault("asana", "GET /workspaces/{gid}/workspace_memberships", "status:403")
    alice = hook.person(ALICE["email"])
    assert alice
    assert alice.is_guest is None


def test_preflight_finds_what_it_made(hook: AsanaHook, fields: dict[str, FieldDefinition]) -> None:
    added = hook.setup.add_option(fields["Approval"].gid, "On hold")
    found = {field.name: field for field in hook.setup.field_definitions(PROJECT)}
    assert {name: field.kind for name, field in found.items()} == {
        "Intacct key": "text",
        "Amount": "number",
        "Approval": "enum",
        "Posted": "date",
        "Departments": "multi_enum",
    }
    assert found["Amount"].precision == 2
    assert found["Approval"].options[-1] == added
    assert all(field.writable and field.enabled for field in found.values())
    assert hook.project(PROJECT)[2] == constants.WORKSPACE_GID


def test_a_field_that_may_not_be_local_becomes_the_workspaces(hook: AsanaHook, sandbox: Any) -> None:
    sandbox.fault("asana", "POST /projects/{gid}/addCustomFieldSetting", "status:403")
    made = hook.setup.create_field(PROJECT, FieldNeed(name="Amount", kind="number", precision=2))
    assert [field.gid for field in hook.setup.field_definitions(PROJECT)] == [made.gid]
    assert sandbox.counters()["asana POST /custom_fields"] == 1


def test_a_free_plan_is_told_as_such(hook: AsanaHook, sandbox: Any) -> None:
    sandbox.settings(asana_free_plan=True)
    with pytest.raises(Refused, match="paid") as caught:
        hook.setup.create_field(PROJECT, FieldNeed(name="Amount", kind="number", precision=2))
    assert caught.value.code == "402"


@pytest.mark.parametrize("spoil", [lambda draft: replace(draft, fields={"999": "x"})])
def test_a_field_that_the_project_does_not_have_is_a_mistake_in_the_setup(
    hook: AsanaHook, spoil: Callable[[TaskDraft], TaskDraft]
) -> None:
    with pytest.raises(Misconfigured, match="preflight"):
        hook.create_task(PROJECT, spoil(a_draft()))


def test_the_connection_can_be_tested(hook: AsanaHook, monkeypatch: pytest.MonkeyPatch, sandbox: Any) -> None:
    assert hook.test_connection() == (True, f"Asana knows this token as {constants.BOT_NAME} {constants.BOT_EMAIL}")
    works, said = a_hook(monkeypatch, sandbox.asana_url, password="wrong-token").test_connection()
    assert not works
    assert "asana_default" in said
    assert "wrong-token" not in said
    works, said = a_hook(monkeypatch, sandbox.asana_url, workspace="999").test_connection()
    assert not works
    assert f"knows no workspace 999; it knows {constants.WORKSPACE_GID}" in said


def test_a_story_that_comes_in_two_forms_is_no_proof(hook: AsanaHook, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one won."""
    at = datetime(2026, 11, 23, tzinfo=UTC)
    one = Story(gid="31", created_at=at, author_gid="101", kind="comment_added", text="approve")
    monkeypatch.setattr(hook, "all_of", lambda *_: [one, one])
    assert hook.stories("1") == [one]
    monkeypatch.setattr(hook, "all_of", lambda *_: [one, replace(one, author_gid="102")])
    with pytest.raises(UnexpectedReply, match="two forms"):
        hook.stories("1")


def test_of_two_words_about_a_guest_the_worse_counts(hook: AsanaHook, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one won."""
    for said, counts in (((True, False), True), ((None, False), None), ((False, False), False), ((True, None), True)):
        monkeypatch.setattr(hook, "all_of", lambda *_, said=said: [(GUS["gid"], one) for one in said])
        person = hook.person(GUS["gid"])
        assert person
        assert person.is_guest is counts
