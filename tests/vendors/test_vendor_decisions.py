"""The decision table, branch by branch, and what bugs taught."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from intacct_asana.codec import plan_from_json, plan_to_json
from intacct_asana.errors import UnexpectedReply
from intacct_asana.records import ValueState, VendorValue
from intacct_asana.vendors import VendorPlan
from intacct_asana.vendors.decide import Facts, Step, decide
from intacct_asana.vendors.plan import Change

from tests.vendors.fields_world import APPROVER, KEYS, TEAM, FieldsWorld

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def a_row(
    state: ValueState = ValueState.AGREED, *, agreed: str | None = "IT", wanted: str = "IT", reason: str = ""
) -> VendorValue:
    return VendorValue(key="k", field="TEAM", state=state, agreed=agreed, wanted=wanted, at=NOON, reason=reason)


def step(wanted: str | None, actual: str | None, row: VendorValue | None = None, **facts: Any) -> Step:
    return decide(Facts(wanted=wanted, actual=actual, row=row, **{"approval_state": "A"} | facts)).step


SENT, WAITING, REFUSED = ValueState.SENT, ValueState.WAITING, ValueState.REFUSED


@pytest.mark.parametrize(
    ("expected", "wanted", "actual", "row", "facts"),
    [
        (Step.LEAVE, "", "", None, {}),
        (Step.AGREE, "IT", "IT", None, {}),
        (Step.LEAVE, "IT", "IT", a_row(), {}),
        (Step.WRITE, "HR", "IT", a_row(), {}),
        (Step.WRITE, "IT", "HR", a_row(), {}),
        (Step.WRITE, "HR", "PR", a_row(), {}),
        (Step.WRITE, "IT", "HR", None, {}),
        (Step.LEAVE, "", "IT", None, {}),
        (Step.LEAVE, "", "IT", None, {"clears": True}),
        (Step.HOLD, "", "IT", a_row(), {}),
        (Step.WRITE, "", "IT", a_row(), {"clears": True}),
        (Step.HOLD, None, "IT", a_row(), {"clears": True}),
        (Step.HOLD, "", "IT", a_row(ValueState.HELD, agreed=None, wanted="HR"), {"clears": True}),
        (Step.HOLD, "HR", None, a_row(), {}),
        (Step.LEAVE, "IT", None, a_row(), {}),
        (Step.HOLD, "HR", "IT", a_row(), {"status": "inactive"}),
        (Step.WRITE, "HR", "IT", a_row(), {"status": "inactive", "write_inactive": True}),
        (Step.WRITE, "HR", "IT", a_row(), {"status": "active non-posting"}),
        # A state that waits, or that nobody knows, stops a write; a company without vendor approval has none.
        (Step.HOLD, "HR", "IT", a_row(), {"approval_state": "S"}),
        (Step.HOLD, "HR", "IT", a_row(), {"approval_state": "X"}),
        (Step.HOLD, "HR", "IT", a_row(), {"approval_state": "R"}),
        (Step.WRITE, "HR", "IT", a_row(), {"approval_state": ""}),
        # Under way.
        (Step.WAIT, "HR", "IT", a_row(SENT, wanted="HR"), {"approval_state": "S"}),
        (Step.WAIT, "HR", "HR", a_row(WAITING, wanted="HR"), {"approval_state": "S"}),
        (Step.AGREE, "HR", "HR", a_row(WAITING, wanted="HR"), {}),
        (Step.REFUSE, "HR", "HR", a_row(WAITING, wanted="HR"), {"approval_state": "R"}),
        (Step.REFUSE, "HR", "IT", a_row(WAITING, wanted="HR"), {}),
        (Step.WAIT, "HR", "IT", a_row(WAITING, wanted="HR"), {"edits_wait": True}),
        (Step.WRITE, "HR", "IT", a_row(SENT, wanted="HR"), {}),
        (Step.LEAVE, "PR", "IT", a_row(WAITING, wanted="HR"), {"approval_state": "S"}),
        (Step.WRITE, "PR", "HR", a_row(WAITING, wanted="HR"), {}),
        # Refused: not again until somebody changes it.
        (Step.LEAVE, "HR", "IT", a_row(REFUSED, wanted="HR"), {"approval_state": "R"}),
        (Step.WRITE, "PR", "IT", a_row(REFUSED, wanted="HR"), {"approval_state": "R"}),
        (Step.AGREE, "HR", "HR", a_row(REFUSED, wanted="HR"), {}),
        # Kept here only.
        (Step.AGREE, "HR", "", a_row(), {"flows": False}),
        (Step.LEAVE, "IT", "", a_row(), {"flows": False}),
    ],
)
def test_the_table(
    expected: Step, wanted: str | None, actual: str | None, row: VendorValue | None, facts: dict[str, Any]
) -> None:
    assert step(wanted, actual, row, **facts) is expected


def test_what_is_held_is_told_once() -> None:
    first = decide(Facts(wanted="HR", actual="IT", row=a_row(), status="inactive"))
    held = a_row(ValueState.HELD, wanted="HR", reason=first.why)
    assert decide(Facts(wanted="HR", actual="IT", row=held, status="inactive")).step is Step.LEAVE


def test_a_value_emptied_while_it_waited_counts_as_emptied_once_it_was_approved() -> None:
    world = FieldsWorld(approvals=True)
    world.board.choose(KEYS[0], APPROVER, "ann")
    world.run()
    world.board.choose(KEYS[0], APPROVER, "")
    world.books.answer(KEYS[0], approved=True)
    world.run()
    world.books.answer(KEYS[0], approved=True)
    assert world.actual(KEYS[0], APPROVER) == ""


def test_an_option_that_the_flow_does_not_know_never_empties_a_field_beside_a_write() -> None:
    world = FieldsWorld()
    team, approver = world.policy.rules
    world.policy = replace(world.policy, rules=(team, replace(approver, texts={"g-ann": "ann"})))
    world.board.choose(KEYS[0], APPROVER, "g-ann")
    world.run()
    world.board.choose(KEYS[0], APPROVER, "g-new")
    world.board.choose(KEYS[0], TEAM, "IT")
    world.run().raise_if_failed()
    assert (world.actual(KEYS[0], TEAM), world.actual(KEYS[0], APPROVER)) == ("IT", "ann")
    assert "not in the flow file" in world.board.told[0].text


def test_what_intacct_refused_does_not_wait_because_another_change_of_the_vendor_does() -> None:
    world = FieldsWorld()
    world.books.others_came_first = True
    world.board.choose(KEYS[0], TEAM, "IT")
    world.run().raise_if_failed()
    assert world.state(KEYS[0], TEAM) is REFUSED
    (told,) = world.board.told
    assert "Why: Intacct did not take it: another change of the vendor waits for approval" in told.text


def test_a_vendor_that_cannot_be_read_keeps_no_other_one_back() -> None:
    world = FieldsWorld()
    for key in KEYS:
        world.board.choose(key, TEAM, "IT")
    world.books.unreadable = KEYS[0]
    (failure,) = world.run().failures
    assert (failure.key, world.state(KEYS[0], TEAM)) == (KEYS[0], None)
    world.books.unreadable = ""
    assert [world.actual(key, TEAM) for key in KEYS] == ["", "IT"]
    world.run().raise_if_failed()
    assert world.actual(KEYS[0], TEAM) == "IT"


def test_stored_plan_keeps_what_is_to_be_done_and_one_of_the_form_before_is_refused() -> None:
    write = Change(
        kind="write", key="CO:vendor:a", vendor_id="a", task_gid="1", field="TEAM", wanted="", agreed=None, actual="12.50",
        why="w", drift=True, before="sent|IT|", emptied=("Asana",),
    )  # fmt: skip
    plan = VendorPlan(actions=(write, replace(write, kind="leave")), notes=("n",))
    text = plan_to_json(plan.acting())
    assert plan_from_json(VendorPlan, text) == VendorPlan(actions=(write,), notes=("n",))
    with pytest.raises(UnexpectedReply, match="version 1, but this code reads version 2"):
        plan_from_json(VendorPlan, text.replace('"version":2', '"version":1'))
