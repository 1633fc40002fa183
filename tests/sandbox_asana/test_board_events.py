"""The events API: sync tokens, pages, expiry, losses."""

from __future__ import annotations

from typing import Any

from sandbox.constants import BILLS_PROJECT_GID, PEOPLE

ALICE = PEOPLE[0]


def test_first_call_is_412_with_a_token_that_works(api: Any) -> None:
    first = api.raw("GET", "/events", resource=BILLS_PROJECT_GID)
    assert first.status_code == 412
    assert first.json()["errors"][0]["message"].startswith("Sync token invalid or too old.")
    second = api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync=first.json()["sync"]).json()
    assert (second["data"], second["has_more"], len(second["sync"])) == ([], False, 32)


def test_garbage_and_foreign_tokens_are_412(api: Any) -> None:
    task = api.add_task()
    assert api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync="garbage").status_code == 412
    assert api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync=api.sync_token(task)).status_code == 412
    assert api.refusal("GET", "/events", resource="99") == (400, "resource: Unknown object: 99")


def test_task_added_comes_with_its_project_and_its_story(api: Any) -> None:
    token = api.sync_token()
    task = api.add_task()
    added, story = api.events(token)
    assert (added["action"], added["type"], added["resource"]["gid"], added["parent"]["gid"]) == (
        "added",
        "task",
        task,
        BILLS_PROJECT_GID,
    )
    assert "change" not in added
    assert (story["type"], story["parent"]["gid"], story["resource"]["resource_subtype"]) == ("story", task, "added_to_project")


def test_a_project_hears_of_subtasks_which_it_does_not_list(api: Any) -> None:
    task = api.add_task()
    child = api.post(f"/tasks/{task}/subtasks", {"name": "c", "resource_subtype": "approval"})["gid"]
    before, token, above = api.get(f"/tasks/{task}")["modified_at"], api.sync_token(), api.sync_token(task)
    api.as_person(ALICE["gid"]).put(f"/tasks/{child}", {"approval_status": "approved"})
    heard = [(event["type"], event["action"], (event.get("parent") or event["resource"])["gid"]) for event in api.events(token)]
    assert heard[:2] == [("story", "added", child), ("task", "changed", child)]
    assert [event["resource"]["gid"] for event in api.events(above, task)] == [
        event["resource"]["gid"] for event in api.events(token)
    ]
    assert api.get(f"/tasks/{task}")["modified_at"] == before


def test_enum_change_names_field_and_option_but_no_old_value(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    task, token = api.add_task(), api.sync_token()
    sandbox.act("asana", ALICE["email"], "choose", task=task, field="Approval", option="Rejected")
    story, changed = api.events(token)
    assert (story["type"], story["action"]) == ("story", "added")
    assert changed["user"]["gid"] == ALICE["gid"]
    assert changed["change"]["field"] == "custom_fields"
    assert changed["change"]["new_value"]["gid"] == approval["gid"]
    assert changed["change"]["new_value"]["enum_value"]["gid"] == approval["gids"]["Rejected"]
    assert "old_value" not in changed["change"]


def test_scalar_changes_carry_no_value_and_an_assignee_does(api: Any) -> None:
    task, token = api.add_task(), api.sync_token()
    api.put(f"/tasks/{task}", {"name": "n"})
    api.put(f"/tasks/{task}", {"assignee": ALICE["gid"]})
    changes = [event["change"] for event in api.events(token) if event["type"] == "task"]
    assert changes[0] == {"field": "name", "action": "changed"}
    assert changes[1]["new_value"]["gid"] == ALICE["gid"]


def test_removed_and_deleted_tasks_are_announced(api: Any) -> None:
    gone, left, token = api.add_task(), api.add_task(), api.sync_token()
    api.delete(f"/tasks/{gone}")
    api.post(f"/tasks/{left}/removeProject", {"project": BILLS_PROJECT_GID})
    told = [(event["action"], event["resource"]["gid"]) for event in api.events(token) if event["type"] == "task"]
    assert told == [("deleted", gone), ("removed", left)]


def test_a_page_has_a_hundred_events_and_the_current_token_answers_again(api: Any) -> None:
    token, tasks = api.sync_token(), [api.add_task(f"{n}") for n in range(60)]
    first = api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync=token).json()
    assert (len(first["data"]), first["has_more"]) == (100, True)
    assert api.events(token) == first["data"]
    second = api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync=first["sync"]).json()
    assert (len(second["data"]), second["has_more"]) == (20, False)
    seen = {event["resource"]["gid"] for event in first["data"] + second["data"]}
    assert set(tasks) <= seen


def test_tokens_die_after_a_day_of_the_sandbox_clock(api: Any, sandbox: Any) -> None:
    token = api.sync_token()
    sandbox.clock(advance_seconds=23.9 * 3600)
    renewed = api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync=token).json()["sync"]
    sandbox.clock(advance_seconds=3600)
    assert api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync=token).status_code == 412
    assert api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync=renewed).status_code == 200


def test_older_tokens_may_be_refused(api: Any, sandbox: Any) -> None:
    first = api.sync_token()
    second = api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync=first).json()["sync"]
    api.events(second)
    assert api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync=first).status_code == 200
    sandbox.settings(asana_refuse_older_tokens=True)
    assert api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync=first).status_code == 412


def test_tokens_can_be_expired_early(api: Any, sandbox: Any) -> None:
    token = api.sync_token()
    sandbox.fault("asana", "GET /events", "expire_tokens")
    assert api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync=token).status_code == 412


def test_events_can_vanish_by_kind_of_event_or_of_call(api: Any, sandbox: Any) -> None:
    task, token = api.add_task(), api.sync_token()
    sandbox.fault("asana", "event task changed", "drop_event")
    api.put(f"/tasks/{task}", {"name": "a"})
    assert [event["type"] for event in api.events(token)] == ["story"]
    sandbox.fault("asana", "PUT /tasks/{gid}", "drop_event", times=2)
    api.put(f"/tasks/{task}", {"name": "b"})
    assert len(api.events(token)) == 1
    api.put(f"/tasks/{task}", {"name": "c"})
    newer = api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync=token).json()["sync"]
    assert len(api.events(newer)) == 2


def test_changed_events_can_be_switched_off_while_stories_arrive(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    task, token = api.add_task(), api.sync_token()
    sandbox.settings(asana_task_changed_events=False)
    sandbox.act("asana", ALICE["email"], "choose", task=task, field="Approval", option="Approved")
    assert [(event["type"], event["action"]) for event in api.events(token)] == [("story", "added")]


def test_events_can_be_late(api: Any, sandbox: Any) -> None:
    sandbox.settings(asana_event_delay_seconds=60)
    token = api.sync_token()
    api.add_task()
    assert api.events(token) == []
    sandbox.clock(advance_seconds=61)
    assert len(api.events(token)) == 2


def test_a_rule_has_no_user_and_opt_fields_reach_into_resources(api: Any, sandbox: Any) -> None:
    task, token = api.add_task(), api.sync_token()
    sandbox.act("asana", "rule", "complete", task=task)
    events = api.events(token, opt_fields="user,action,resource.name,resource.completed")
    assert {event["user"] for event in events} == {None}
    assert {"gid": task, "name": "Bill 1", "completed": True} in [event["resource"] for event in events]


def test_events_can_come_twice_and_behind_what_happened_after_them(api: Any, sandbox: Any) -> None:
    task, token = api.add_task(), api.sync_token()
    sandbox.clock(freeze=True)
    sandbox.fault("asana", "event task changed", "late_event:90")
    api.put(f"/tasks/{task}", {"name": "a"})
    sandbox.fault("asana", "event task changed", "double_event")
    api.put(f"/tasks/{task}", {"completed": True})
    changes = [event.get("change", {}).get("field") for event in api.events(token) if event["type"] == "task"]
    assert changes == ["completed", "completed"]
    newer = api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync=token).json()["sync"]
    assert api.events(newer) == []
    sandbox.clock(advance_seconds=91)
    newest = api.raw("GET", "/events", resource=BILLS_PROJECT_GID, sync=newer).json()
    assert [event["change"]["field"] for event in newest["data"]] == ["name"]
