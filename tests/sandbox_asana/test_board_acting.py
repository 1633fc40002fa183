"""Acting as people by names, the dump, a reset, and the board page."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.constants import BILLS_PROJECT_GID

ALICE = "alice.martin@northwind.example"


def the_task(sandbox: Any) -> dict[str, Any]:
    (task,) = sandbox.state("asana")["tasks"]
    found: dict[str, Any] = task
    return found


def test_dump_shows_fields_by_name_with_values_as_people_read_them(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    amount, day = api.add_field("Amount", "number", precision=2), api.add_field("Bill date", "date")
    task = api.add_task(custom_fields={amount["gid"]: 1234.5, day["gid"]: {"date": "2026-03-31"}})
    sandbox.act("asana", ALICE, "choose", task=task, field="Approval", option="Approved")
    dumped = the_task(sandbox)
    assert dumped["projects"] == [BILLS_PROJECT_GID]
    assert dumped["sections"] == {BILLS_PROJECT_GID: "Untitled section"}
    assert dumped["fields"] == {"Approval": "Approved", "Amount": "1234.50", "Bill date": "2026-03-31"}
    story = dumped["stories"][-1]
    assert (story["by"], story["field"], story["old"], story["new"]) == (ALICE, "Approval", None, "Approved")


def test_people_act_by_names(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    reason = api.add_field("Decision reason", "text")
    api.post(f"/projects/{BILLS_PROJECT_GID}/sections", {"name": "Done"})
    task = api.add_task()
    for action, more in [
        ("set_text", {"field": "Decision reason", "text": "Fine"}),
        ("choose", {"field": approval["gid"], "option": "Rejected"}),
        ("comment", {"text": "Done with it"}),
        ("move", {"section": "Done"}),
        ("complete", {}),
        ("rename", {"name": "Bill 1b"}),
        ("assign", {"to": ALICE}),
    ]:
        assert sandbox.act("asana", "alice", action, task=task, **more)["user"] == ALICE
    dumped = the_task(sandbox)
    assert (dumped["fields"], dumped["completed"]) == ({"Approval": "Rejected", reason["name"]: "Fine"}, True)
    assert (dumped["name"], dumped["sections"][BILLS_PROJECT_GID], dumped["assignee"]) == ("Bill 1b", "Done", ALICE)
    assert {story["by"] for story in dumped["stories"][1:]} == {ALICE}
    assert {story["source"] for story in dumped["stories"][1:]} == {"web"}


def test_definitions_change_under_the_flow(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    sandbox.act("asana", "alice", "rename_option", field="Approval", option="Approved", name="OK")
    sandbox.act("asana", "alice", "disable_option", field="Approval", option="Rejected")
    sandbox.act("asana", "alice", "add_option", field="Approval", option="Approved")
    sandbox.act("asana", "alice", "rename_field", field="Approval", name="Verdict")
    shown = api.get(f"/custom_fields/{approval['gid']}")
    options = {option["name"]: (option["gid"], option["enabled"]) for option in shown["enum_options"]}
    assert shown["name"] == "Verdict"
    assert options["OK"] == (approval["gids"]["Approved"], True)
    assert options["Rejected"] == (approval["gids"]["Rejected"], False)
    assert options["Approved"][0] != approval["gids"]["Approved"]


def test_deleted_and_restored_and_duplicated(api: Any, sandbox: Any) -> None:
    key = api.add_field("Key", "text")
    task = api.add_task(custom_fields={key["gid"]: "k"})
    sandbox.act("asana", "alice", "delete", task=task)
    assert sandbox.state("asana")["deleted_tasks"] == [task]
    sandbox.act("asana", "alice", "restore", task=task)
    sandbox.act("asana", "alice", "duplicate", task=task)
    assert [each["fields"]["Key"] for each in sandbox.state("asana")["tasks"]] == ["k", "k"]


def test_a_task_made_by_hand_takes_values_by_name(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    api.add_field("Amount", "number", precision=2)
    fields = {"Amount": 12.5, "Approval": "Pending"}
    made = sandbox.act("asana", "alice", "create", name="By hand", fields=fields)["result"]
    assert the_task(sandbox)["fields"] == {"Amount": "12.50", "Approval": "Pending"}
    sandbox.act("asana", "alice", "set_number", task=made["gid"], field="Amount", number="99.99")
    assert the_task(sandbox)["fields"]["Amount"] == "99.99"


@pytest.mark.parametrize(
    ("user", "action", "more", "says"),
    [
        ("alice", "dance", {}, "no such action"),
        ("nobody", "comment", {"task": "1", "text": "x"}, "no such person"),
        ("alice", "comment", {"task": "1", "text": "x"}, "Unknown object: 1"),
        ("alice", "comment", {"text": "x"}, "needs 'task'"),
    ],
)
def test_wrong_acts_are_told(sandbox: Any, user: str, action: str, more: dict[str, Any], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        sandbox.act("asana", user, action, **more)


def test_reset_empties_the_board_and_repeats_its_gids(api: Any, sandbox: Any) -> None:
    first = api.add_task()
    sandbox.reset()
    assert sandbox.state("asana")["tasks"] == []
    assert api.add_task() == first
