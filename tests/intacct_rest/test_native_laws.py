"""Whatever people do in Intacct meanwhile, and whatever becomes of the calls: no decision is carried out twice.

The note of each approval that took effect names its decision, so the stand-in itself says how often.
"""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intacct_asana.approvals.native import APPROVED
from intacct_asana.flow.write_back import RestWorkflow
from intacct_asana.records import BillState, Verdict

from tests.intacct_rest.rest_world import NativeEnd, RestWorld, a_decision

pytestmark = pytest.mark.laws

FAULTS = ("", "", "drop", "lost_answer", "status:500", "status_after:500", "status:429", "half_success", "lose_stamp", "refuse")
PEOPLE = ("approve_bill", "decline_bill", "submit", "edit")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.sampled_from(FAULTS)),
        st.tuples(st.just("people"), st.sampled_from(PEOPLE)),
        st.tuples(st.just("meanwhile"), st.sampled_from(PEOPLE)),
        st.tuples(st.just("decide"), st.sampled_from(tuple(Verdict))),
    ),
    min_size=3,
    max_size=12,
)
_numbers = count(1)


def details(act: str, record_no: str) -> dict[str, Any]:
    acts = {
        "submit": {"action": "set_state", "state": "Submitted"},
        "edit": {"action": "edit_bill", "changes": {"amount": "7"}},
    }
    return {"user": "bokafor", "record_no": record_no, **acts.get(act, {"action": act})}


def people(world: RestWorld, act: str, record_no: str) -> None:
    """Through the controls, where what cannot be done is no failure of the test."""
    told = details(act, record_no)
    world.sandbox.fault("intacct", "REST bill", "act_before", detail=told)
    world.a_hook().bill(record_no)
    world.sandbox.clear_faults()


def one_history(world: RestWorld, steps: list[tuple[str, Any]], levels: int, rules: RestWorkflow) -> None:
    world.sandbox.settings(approval_levels=levels)
    world.rules = rules
    bill = world.a_bill()
    verdict, number = Verdict.APPROVE, next(_numbers)
    made: list[str] = []
    for what, how in steps:
        decision = a_decision(bill, verdict=verdict, number=number)
        made.append(decision.decision_id)
        if what == "decide":
            verdict, number = how, next(_numbers)
        elif what == "people":
            people(world, how, bill.record_no)
        else:
            act = "approve" if decision.signal.verdict is Verdict.APPROVE else "decline"
            if what == "meanwhile":
                world.sandbox.fault("intacct", f"REST {act}", "act_before", detail=details(how, bill.record_no))
            elif how:
                world.sandbox.fault("intacct", f"REST {act}", how, detail={"retry_after": "0.01"})
            end = world.run(decision, bill)
            world.sandbox.clear_faults()
            first = isinstance(end, NativeEnd) and not [one for one in made[:-1] if one == decision.decision_id]
            if first and end.how == "done" and what == "run":  # type: ignore[union-attr]
                wanted = APPROVED if verdict is Verdict.APPROVE else (BillState.DECLINED,)
                assert world.read(bill.record_no).state in wanted
    carried_out = Counter(each["notes"].partition(", decision ")[2][:16] for each in world.approvals() if each["notes"])
    assert not {one: often for one, often in carried_out.items() if often > 1}


def check(world: RestWorld, *, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        steps=STEPS,
        levels=st.integers(1, 3),
        partly=st.sampled_from(["refuse", "approve"]),
        repeats=st.integers(0, 3),
    )
    def law(steps: list[tuple[str, Any]], levels: int, partly: Any, repeats: int) -> None:
        rules = RestWorkflow(approve=True, decline=True, partly_approved=partly, repeats=repeats)
        one_history(world, steps, levels, rules)

    law()


def test_no_decision_is_carried_out_twice(world: RestWorld) -> None:
    check(world, examples=12)


@pytest.mark.slow
def test_no_decision_is_carried_out_twice_in_many_histories(world: RestWorld) -> None:
    check(world, examples=300)
