"""What a person does in the moment of a call: as it arrives, or after its effect and before its answer."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sandbox.constants import BILLS_PROJECT_GID

ALICE = "alice.martin@northwind.example"
CHOOSES = {"user": ALICE, "action": "choose", "task": "{gid}", "field": "Approval", "option": "Approved"}


def chosen(api: Any, task: str, approval: dict[str, Any]) -> Any:
    return api.value(task, approval)["display_value"]


@pytest.mark.parametrize(("moment", "shown"), [("act_before", "Approved"), ("act_after", None)])
def test_a_choice_between_two_readings_is_seen_by_the_chosen_one(
    api: Any, sandbox: Any, approval: dict[str, Any], moment: str, shown: str | None
) -> None:
    task = api.add_task()
    sandbox.fault("asana", "GET /tasks/{gid}", moment, on_call=2, detail=CHOOSES)
    assert [chosen(api, task, approval) for _ in range(3)] == [None, shown, "Approved"]


def test_a_choice_after_our_put_stands_though_the_answer_does_not_tell_it(
    api: Any, sandbox: Any, approval: dict[str, Any]
) -> None:
    task = api.add_task()
    sandbox.fault("asana", "PUT /tasks/{gid}", "act_after", detail=CHOOSES)
    pending = {"custom_fields": {approval["gid"]: approval["gids"]["Pending"]}}
    answered = api.put(f"/tasks/{task}", pending)["custom_fields"][0]["display_value"]
    assert (answered, chosen(api, task, approval)) == ("Pending", "Approved")
    stories = api.get(f"/tasks/{task}/stories", opt_fields="created_by.email,new_enum_value.name")
    assert [story["new_enum_value"]["name"] for story in stories[1:]] == ["Pending", "Approved"]


def test_a_person_acts_although_the_answer_is_lost(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    task = api.add_task()
    sandbox.fault("asana", "PUT /tasks/{gid}", "lost_answer")
    sandbox.fault("asana", "PUT /tasks/{gid}", "act_after", detail=CHOOSES)
    with pytest.raises(httpx.HTTPError):
        api.put(f"/tasks/{task}", {"name": "Bill 2"})
    assert api.get(f"/tasks/{task}")["name"] == "Bill 2"
    assert chosen(api, task, approval) == "Approved"


def test_a_person_finds_the_task_that_was_just_made(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    sandbox.fault("asana", "POST /tasks", "act_after", detail={**CHOOSES, "task": "{made}"})
    assert chosen(api, api.add_task(), approval) == "Approved"


def test_a_call_to_one_system_is_the_moment_of_an_act_in_the_other(api: Any, sandbox: Any) -> None:
    sandbox.fault("asana", "GET /tasks", "act_before", detail={"system": "intacct", "user": "mgarcia", "action": "create_bill"})
    before = len(sandbox.state("intacct")["bills"])
    api.get("/tasks", project=BILLS_PROJECT_GID)
    assert len(sandbox.state("intacct")["bills"]) == before + 1


def test_calls_to_both_are_counted_and_what_could_not_be_done_is_told(api: Any, sandbox: Any) -> None:
    task = api.add_task()
    sandbox.fault(
        "*", "*", "act_before", on_call=2, detail={"system": "asana", "user": "rule", "action": "delete", "task": "1"}
    )
    api.get(f"/tasks/{task}")
    api.get(f"/tasks/{task}")
    (fault,) = sandbox.call("GET", "/_sandbox/faults")
    assert (fault["struck"], fault["problem"]) == (1, "task: Unknown object: 1")


@pytest.mark.parametrize(
    ("system", "detail"),
    [("asana", {"user": ALICE}), ("*", {"user": ALICE, "action": "delete"}), ("asana", {"action": "delete"})],
)
def test_an_act_that_does_not_say_who_does_what_where_is_refused(sandbox: Any, system: str, detail: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="detail needs user and action"):
        sandbox.fault(system, "*", "act_before", detail=detail)
