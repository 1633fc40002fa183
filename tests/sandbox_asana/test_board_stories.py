"""Stories: every change leaves its witness, with author, source, old and new value."""

from __future__ import annotations

from typing import Any

from sandbox.constants import BILLS_PROJECT_GID, BOT_GID, PEOPLE

ALICE = PEOPLE[0]


def test_choosing_an_option_leaves_who_what_and_when(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    task = api.add_task(custom_fields={approval["gid"]: approval["gids"]["Pending"]})
    sandbox.clock(freeze="2026-05-01T10:00:00.123Z")
    sandbox.act("asana", ALICE["email"], "choose", task=task, field="Approval", option="Approved")
    wanted = "created_at,created_by.email,source,resource_subtype,type,custom_field,old_enum_value.name,new_enum_value.name"
    story = api.get(f"/tasks/{task}/stories", opt_fields=wanted)[-1]
    assert (story["created_at"], story["created_by"]["email"]) == ("2026-05-01T10:00:00.123Z", ALICE["email"])
    assert (story["source"], story["resource_subtype"], story["type"]) == ("web", "enum_custom_field_changed", "system")
    assert story["custom_field"]["gid"] == approval["gid"]
    assert (story["old_enum_value"]["name"], story["new_enum_value"]["name"]) == ("Pending", "Approved")


def test_values_set_at_creation_leave_no_story_unless_a_setting_says_so(
    api: Any, sandbox: Any, approval: dict[str, Any]
) -> None:
    values = {approval["gid"]: approval["gids"]["Pending"]}
    kinds = [story["resource_subtype"] for story in api.get(f"/tasks/{api.add_task(custom_fields=values)}/stories")]
    assert kinds == ["added_to_project"]
    sandbox.settings(asana_field_stories_on_create=True)
    kinds = [story["resource_subtype"] for story in api.get(f"/tasks/{api.add_task(custom_fields=values)}/stories")]
    assert "enum_custom_field_changed" in kinds


def test_writing_what_is_there_leaves_no_story_and_moves_nothing(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    sandbox.clock(freeze="2026-05-01T10:00:00Z")
    values = {"custom_fields": {approval["gid"]: approval["gids"]["Pending"]}, "name": "Bill 1", "completed": False}
    task = api.add_task(**values)
    sandbox.clock(advance_seconds=5)
    before = api.get(f"/tasks/{task}/stories")
    assert api.put(f"/tasks/{task}", values)["modified_at"] == "2026-05-01T10:00:00.000Z"
    assert api.get(f"/tasks/{task}/stories") == before


def test_each_change_has_its_own_kind_of_story(api: Any) -> None:
    amount, key, day = (
        api.add_field("Amount", "number", precision=2),
        api.add_field("Key", "text"),
        api.add_field("Day", "date"),
    )
    task = api.add_task()
    section = api.post(f"/projects/{BILLS_PROJECT_GID}/sections", {"name": "Done"})["gid"]
    values = {amount["gid"]: 12.5, key["gid"]: "k", day["gid"]: {"date": "2026-01-01"}}
    api.put(f"/tasks/{task}", {"custom_fields": values})
    api.put(f"/tasks/{task}", {"name": "n", "notes": "o", "due_on": "2026-01-31", "assignee": "me", "completed": True})
    api.post(f"/sections/{section}/addTask", {"task": task})
    api.put(f"/tasks/{task}", {"completed": False})
    stories = api.get(
        f"/tasks/{task}/stories", opt_fields="resource_subtype,new_number_value,new_text_value,new_date_value.due_on"
    )
    kinds = [story["resource_subtype"] for story in stories]
    assert set(kinds) == {
        "added_to_project",
        "number_custom_field_changed",
        "text_custom_field_changed",
        "date_custom_field_changed",
        "name_changed",
        "notes_changed",
        "due_date_changed",
        "assigned",
        "marked_complete",
        "section_changed",
        "marked_incomplete",
    }
    assert len(kinds) == len(set(kinds))
    assert {k: v for s in stories for k, v in s.items() if k == "new_number_value"} == {"new_number_value": 12.5}
    assert any(story.get("new_date_value") == {"due_on": "2026-01-01"} for story in stories)


def test_comments_are_written_edited_and_deleted_by_their_author_only(api: Any) -> None:
    task = api.add_task()
    answer = api.raw("POST", f"/tasks/{task}/stories", {"text": "Looks <right> & good"})
    story = answer.json()["data"]
    assert (answer.status_code, story["created_by"]["gid"], story["source"]) == (201, BOT_GID, "api")
    markup = api.get(f"/stories/{story['gid']}", opt_fields="html_text")["html_text"]
    assert markup == "<body>Looks &lt;right&gt; &amp; good</body>"
    alice = api.as_person(ALICE["gid"])
    assert alice.refusal("PUT", f"/stories/{story['gid']}", {"text": "x"})[0] == 403
    assert api.put(f"/stories/{story['gid']}", {"text": "x"})["is_edited"] is True
    assert api.delete(f"/stories/{story['gid']}") == {}
    assert api.refusal("GET", f"/stories/{story['gid']}")[0] == 404


def test_comment_takes_one_of_text_and_markup(api: Any) -> None:
    task = api.add_task()
    path = f"/tasks/{task}/stories"
    assert api.refusal("POST", path, {}) == (400, "text: Missing input")
    assert api.refusal("POST", path, {"text": "a", "html_text": "<body>a</body>"})[0] == 400
    assert api.post(path, {"html_text": "<body>a <em>b</em></body>"})["text"] == "a b"


def test_stories_can_be_narrowed_to_comments_after_a_second(api: Any, sandbox: Any) -> None:
    sandbox.clock(freeze="2026-05-01T10:00:00.700Z")
    task = api.add_task()
    first = api.post(f"/tasks/{task}/stories", {"text": "a"})["gid"]
    sandbox.clock(advance_seconds=1)
    second = api.post(f"/tasks/{task}/stories", {"text": "b"})["gid"]
    path = f"/tasks/{task}/stories"
    assert [story["gid"] for story in api.get(path, resource_subtype="comment_added")] == [first, second]
    # The instant is cut to the start of its second, so the first comes again.
    assert first in [story["gid"] for story in api.get(path, created_after="2026-05-01T10:00:00.900Z")]
    assert [story["gid"] for story in api.get(path, created_after="2026-05-01T10:00:01Z")] == [second]


def test_a_rule_has_no_author(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    task = api.add_task()
    sandbox.act("asana", "rule", "choose", task=task, field="Approval", option="Approved")
    assert api.get(f"/tasks/{task}/stories")[-1]["created_by"] is None


def test_a_lost_story_leaves_the_value_without_a_witness(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    task = api.add_task()
    sandbox.fault("asana", "story enum_custom_field_changed", "drop_story")
    sandbox.act("asana", ALICE["email"], "choose", task=task, field="Approval", option="Approved")
    assert api.value(task, approval)["display_value"] == "Approved"
    assert [story["resource_subtype"] for story in api.get(f"/tasks/{task}/stories")] == ["added_to_project"]


def test_the_state_tells_a_changed_day_as_a_day(api: Any, sandbox: Any) -> None:
    field, task = api.add_field("Bill date", "date"), api.add_task()
    for day in ("2026-01-31", "2026-02-01"):
        api.put(f"/tasks/{task}", {"custom_fields": {field["gid"]: {"date": day}}})
    told = next(one for one in sandbox.state("asana")["tasks"] if one["gid"] == task)
    assert (told["stories"][-1]["old"], told["stories"][-1]["new"]) == ("2026-01-31", "2026-02-01")


def test_a_story_and_its_event_can_be_late_while_the_change_shows(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    task, token = api.add_task(), api.sync_token()
    sandbox.clock(freeze=True)
    sandbox.fault("asana", "story enum_custom_field_changed", "late_story:90")
    sandbox.act("asana", ALICE["email"], "choose", task=task, field="Approval", option="Approved")
    kinds = [story["resource_subtype"] for story in api.get(f"/tasks/{task}/stories")]
    assert api.value(task, approval)["enum_value"]["name"] == "Approved"
    assert "enum_custom_field_changed" not in kinds
    assert {event["type"] for event in api.events(token)} == {"task"}
    sandbox.clock(advance_seconds=91)
    kinds = [story["resource_subtype"] for story in api.get(f"/tasks/{task}/stories")]
    assert "enum_custom_field_changed" in kinds


def test_a_ticked_approval_is_told_by_its_status_or_as_of_any_task(api: Any, sandbox: Any) -> None:
    kinds = []
    for told in ("status", "completion"):
        sandbox.settings(asana_ticked_approval_story=told)
        task = api.add_task(resource_subtype="approval")
        sandbox.act("asana", ALICE["email"], "complete", task=task)
        assert api.get(f"/tasks/{task}", opt_fields="approval_status")["approval_status"] == "approved"
        last = api.get(f"/tasks/{task}/stories", opt_fields="resource_subtype,new_approval_status")[-1]
        kinds.append((last["resource_subtype"], last.get("new_approval_status")))
    assert kinds == [("approval_status_changed", "approved"), ("marked_complete", None)]
