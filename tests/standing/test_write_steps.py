"""A decision in several steps: each alone, the recommended pair, a step that is refused, a bill that changes in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from intacct_asana.flow.load import load_flow
from intacct_asana.operators.preflight import CheckIntacctOperator
from requests.adapters import HTTPAdapter

from tests.reconciliation.reconciliation_world import ALICE, BEN
from tests.standing.standing_world import FLOW, Standing

Flow = Callable[..., Standing]
STAMPED = "  steps: [stamp]\n"
WITH_FIELDS = FLOW[FLOW.index(STAMPED) :].replace("{write_back}", "")
PAIR = (STAMPED, "  steps: [stamp, release_hold]\n")
NO = {"errorno": "BL34000075", "description2": "This bill may not be changed now."}
ON_HOLD = {"on_hold": True}


def write_back(steps: str, **more: str) -> tuple[str, str]:
    lines = [f"steps: [{steps}]", *(f"{name}: [{value}]" for name, value in more.items())]
    return STAMPED, "".join(f"  {line}\n" for line in lines)


def rejects(flow: Standing) -> None:
    flow.act(BEN, "comment", text="too dear")
    flow.choose(BEN, "Rejected")


def writes(flow: Standing, work: Callable[[], Any]) -> int:
    """How many writes reached Intacct."""
    flow.sandbox.zero_counters()
    work()
    return int(flow.sandbox.counters().get("intacct WRITE", 0))


def states(flow: Standing) -> list[str]:
    return [str(one.state) for one in flow.decisions()]


# Each step, and the recommended pair


def test_an_approval_releases_the_hold_and_says_so(a_flow: Flow) -> None:
    flow = a_flow(replace=PAIR, make_bill=ON_HOLD)
    flow.approve(ALICE)
    assert writes(flow, flow.run) == 2
    flow.is_approved()
    assert not flow.bill()["on_hold"]
    assert "It is not on hold there." in flow.told()
    assert "release_hold" in flow.noted()
    assert writes(flow, flow.heal) == 0
    assert flow.store.verify_evidence() == []


def test_a_rejection_leaves_the_hold_that_only_an_approval_lifts(a_flow: Flow) -> None:
    flow = a_flow(replace=PAIR, make_bill=ON_HOLD)
    rejects(flow)
    assert writes(flow, flow.run) == 1
    assert flow.says() == ("rejected", "Rejected")
    assert flow.bill()["on_hold"]


def test_a_rejection_holds_the_bill(a_flow: Flow) -> None:
    flow = a_flow(replace=write_back("stamp, hold"))
    rejects(flow)
    flow.run()
    assert flow.says() == ("rejected", "Rejected")
    assert flow.bill()["on_hold"]
    assert "so Intacct does not pay it" in flow.told()


def test_a_rejection_takes_the_steps_that_are_named_for_it(a_flow: Flow) -> None:
    flow = a_flow(replace=write_back("stamp, release_hold", on_reject="hold"))
    rejects(flow)
    flow.run()
    assert flow.says() == ("", "Rejected")
    assert flow.bill()["on_hold"]


def test_what_is_so_already_is_not_written(a_flow: Flow) -> None:
    flow = a_flow(replace=PAIR)
    flow.approve(ALICE)
    assert writes(flow, flow.run) == 1
    flow.is_approved()


@pytest.mark.parametrize("on_hold", [True, False])
def test_a_flow_may_release_the_hold_without_a_stamp(a_flow: Flow, on_hold: bool) -> None:
    flow = a_flow(replace=(WITH_FIELDS, write_back("release_hold")[1]), make_bill={"on_hold": on_hold})
    flow.approve(ALICE)
    assert writes(flow, flow.run) == int(on_hold)
    assert flow.says() == ("", "Approved")
    assert not flow.bill()["on_hold"]
    assert flow.told().startswith("Approved by Alice Martin. Carried out in Intacct on bill")


# A step that cannot be done


def test_a_later_step_that_intacct_refuses_takes_back_the_earlier_ones(a_flow: Flow) -> None:
    flow = a_flow(replace=PAIR, make_bill=ON_HOLD)
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "update APBILL", "refuse", on_call=2, detail=NO)
    flow.run()
    assert flow.says() == ("void", "Pending")
    assert flow.bill()["on_hold"]
    assert states(flow) == ["REJECTED"]
    assert "This bill may not be changed now." in flow.told()
    assert "What was written before that is taken back." in flow.told()
    flow.approve(BEN)
    flow.heal()
    flow.is_approved()
    assert not flow.bill()["on_hold"]
    assert flow.store.verify_evidence() == []


def test_a_stamp_that_is_refused_sets_the_lifted_hold_again(a_flow: Flow) -> None:
    flow = a_flow(replace=write_back("release_hold, stamp"), make_bill=ON_HOLD)
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "update APBILL", "refuse", on_call=2, detail=NO)
    flow.run()
    assert flow.says() == ("", "Pending")
    assert flow.bill()["on_hold"]
    assert states(flow) == ["REJECTED"]
    assert "It is on hold in Intacct again." in flow.told()


def test_a_hold_is_never_lifted_by_taking_back(a_flow: Flow) -> None:
    flow = a_flow(replace=write_back("release_hold", on_reject="hold, stamp"))
    rejects(flow)
    flow.sandbox.fault("intacct", "update APBILL", "refuse", on_call=2, detail=NO)
    flow.run()
    assert flow.says() == ("", "Pending")
    assert flow.bill()["on_hold"]
    assert "It stays on hold in Intacct." in flow.told()


def test_a_right_that_is_missing_never_ends_a_decision(a_flow: Flow) -> None:
    flow = a_flow(replace=PAIR, make_bill=ON_HOLD)
    flow.approve(ALICE)
    flow.sandbox.settings(denied_fields=["APBILL.ONHOLD"])
    for _ in range(2):
        flow.cycle()
        assert states(flow) == ["SUBMITTED"]
        assert flow.bill()["on_hold"]
    flow.sandbox.settings(denied_fields=[])
    flow.heal()
    flow.is_approved()
    assert not flow.bill()["on_hold"]


# A bill, or a choice, that changes between two steps or after them


def test_a_bill_that_changes_between_two_steps_is_void(a_flow: Flow) -> None:
    flow = a_flow(replace=PAIR, make_bill=ON_HOLD)
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "update APBILL", "drop", on_call=2)
    flow.cycle()
    assert states(flow) == ["SUBMITTED"]
    flow.edit(amount="700.00")
    flow.heal()
    assert flow.says() == ("void", "Pending")
    assert flow.bill()["on_hold"]
    assert states(flow) == ["VOID"]


def test_a_choice_taken_back_between_two_steps_takes_back_the_first(a_flow: Flow) -> None:
    flow = a_flow(replace=PAIR, make_bill=ON_HOLD)
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "update APBILL", "drop", on_call=2)
    flow.cycle()
    flow.choose(ALICE, "Pending")
    flow.heal()
    assert flow.says() == ("void", "Pending")
    assert flow.bill()["on_hold"]
    assert states(flow) == ["REJECTED"]


def test_a_bill_that_changes_after_its_approval_is_held_again_once(a_flow: Flow) -> None:
    flow = a_flow(replace=PAIR, make_bill=ON_HOLD)
    flow.approve(ALICE)
    flow.heal()
    assert not flow.bill()["on_hold"]
    flow.edit(amount="700.00")
    flow.heal()
    assert flow.says() == ("void", "Pending")
    assert flow.bill()["on_hold"]
    assert "It is on hold in Intacct again." in flow.told()
    flow.edit(on_hold=False)
    flow.heal(hours=25)
    assert not flow.bill()["on_hold"], "whoever lifts it after that does so on purpose"


class Died(BaseException):
    """The worker was killed."""


def dies_at(monkeypatch: pytest.MonkeyPatch, words: bytes, *, behind: bool) -> None:
    """Killed at the first request that says this: before it leaves, or right behind its answer."""
    send = HTTPAdapter.send

    def sending(adapter: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        if words not in (request.body or b""):
            return send(adapter, request, *args, **kwargs)
        if behind:
            send(adapter, request, *args, **kwargs)
        monkeypatch.setattr(HTTPAdapter, "send", send)
        raise Died

    monkeypatch.setattr(HTTPAdapter, "send", sending)


@pytest.mark.parametrize("behind", [False, True])
def test_a_hold_that_is_set_again_when_the_worker_dies_blocks_nothing(
    a_flow: Flow, monkeypatch: pytest.MonkeyPatch, behind: bool
) -> None:
    flow = a_flow(replace=PAIR, make_bill=ON_HOLD)
    flow.approve(ALICE)
    flow.heal()
    flow.edit(amount="700.00")
    dies_at(monkeypatch, b"<ONHOLD>true</ONHOLD>", behind=behind)
    with pytest.raises(Died):
        flow.run()
    assert flow.bill()["on_hold"] is behind
    flow.heal()
    assert flow.says() == ("void", "Pending")
    assert flow.bill()["on_hold"]
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()
    assert flow.store.verify_evidence() == []


@pytest.mark.parametrize("behind", [False, True])
def test_a_stamp_that_is_made_void_when_the_worker_dies_blocks_nothing(
    a_flow: Flow, monkeypatch: pytest.MonkeyPatch, behind: bool
) -> None:
    """In between the bill is a draft, onto which nothing is written."""
    flow = a_flow()
    flow.approve(ALICE)
    flow.heal()
    flow.edit(amount="700.00")
    dies_at(monkeypatch, b">void<", behind=behind)
    with pytest.raises(Died):
        flow.run()
    flow.sandbox.act("intacct", "mgarcia", "set_state", record_no=flow.bills[0], state="Draft")
    flow.heal()
    flow.sandbox.act("intacct", "mgarcia", "set_state", record_no=flow.bills[0], state="Submitted")
    flow.heal()
    assert flow.says() == ("void", "Pending")
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()


def test_a_hold_that_the_flow_did_not_lift_is_not_set(a_flow: Flow) -> None:
    flow = a_flow(replace=PAIR)
    flow.approve(ALICE)
    flow.heal()
    flow.edit(amount="700.00")
    flow.heal()
    assert flow.says() == ("void", "Pending")
    assert not flow.bill()["on_hold"]


def test_a_stamp_that_is_found_says_which_step_is_not_done(a_flow: Flow) -> None:
    """The store is lost between two steps: the stamp is taken as found, and the bill stays on hold."""
    flow = a_flow(replace=PAIR, make_bill=ON_HOLD)
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "update APBILL", "drop", on_call=2)
    flow.cycle()
    flow.lose_store()
    assert flow.says() == ("approved", "Approved")
    assert flow.bill()["on_hold"]
    assert "The release of the hold is not done: please see to it in Intacct." in flow.told()


@pytest.mark.parametrize(("missing", "ok"), [([], "yes"), (["APBILL.ONHOLD"], "no")])
def test_preflight_says_whether_bills_tell_of_a_hold(a_flow: Flow, missing: list[str], ok: str) -> None:
    flow = a_flow(replace=PAIR, bills=0, settings={"missing_fields": missing})
    rows = {row["check"]: row for row in flow.step(CheckIntacctOperator(task_id="check", flow="small"))}
    assert rows["Intacct hold"]["ok"] == ok


# Bills that are new are put on hold

INTAKE = write_back("stamp, release_hold", intake="hold")


def test_intacct_pays_nothing_that_nobody_approved(a_flow: Flow) -> None:
    """The recommended pair: a new bill is put on hold, once, and its approval lifts that."""
    flow = a_flow(replace=INTAKE, bills=2)
    assert writes(flow, flow.heal) == 2
    assert [flow.bill(bill)["on_hold"] for bill in (0, 1)] == [True, True]
    assert "HELD" in flow.noted()
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()
    assert [flow.bill(bill)["on_hold"] for bill in (0, 1)] == [False, True]
    assert writes(flow, flow.heal) == 0
    assert flow.store.verify_evidence() == []


def test_what_a_run_reads_does_not_grow_with_the_bills_on_hold(a_flow: Flow) -> None:
    flow = a_flow(replace=INTAKE, bills=3)
    flow.heal()
    flow.sandbox.zero_counters()
    flow.settle()
    few = dict(flow.sandbox.counters())
    flow.bills += [flow.make_bill() for _ in range(3)]
    flow.heal()
    flow.pass_time(minutes=30)
    flow.heal()
    flow.sandbox.zero_counters()
    flow.settle()
    assert dict(flow.sandbox.counters()) == few


def test_a_bill_that_was_decided_first_is_not_put_on_hold(a_flow: Flow) -> None:
    flow = a_flow(replace=INTAKE)
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()
    assert not flow.bill()["on_hold"]


def test_whoever_lifts_a_hold_by_hand_is_not_contradicted_and_people_hear_of_it_once(a_flow: Flow) -> None:
    flow = a_flow(replace=INTAKE)
    flow.heal()
    flow.edit(on_hold=False)
    flow.heal()
    flow.edit(description="once more")
    flow.heal(hours=25)
    assert not flow.bill()["on_hold"]
    [told] = flow.comments()
    assert told.startswith("The hold on bill NEW-")
    assert "was lifted in Intacct by mgarcia" in told


def test_whoever_entered_or_changed_a_bill_is_known_behind_the_hold(a_flow: Flow) -> None:
    """Intacct names us as the last editor of a bill on hold."""
    flow = a_flow(replace=INTAKE, bills=0)
    flow.bills = [flow.make_bill(), flow.make_bill()]
    flow.edit(bill=0, who="amartin", description="by Alice")
    flow.sync()
    flow.heal()
    assert flow.bill(0)["on_hold"]
    flow.approve(ALICE, bill=0)
    flow.approve(ALICE, bill=1)
    flow.heal()
    flow.is_unapproved(0)
    assert "last changed this bill (amartin)" in flow.told(0)
    flow.is_approved(1)


def test_a_bill_that_changes_in_the_second_of_its_hold_has_no_known_editor(a_flow: Flow) -> None:
    flow = a_flow(replace=INTAKE)
    detail = {"user": "amartin", "action": "edit_bill", "record_no": flow.bills[0], "changes": {"amount": "700.00"}}
    flow.sandbox.fault("intacct", "update APBILL", "act_before", detail=detail)
    flow.heal()
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()


@pytest.mark.parametrize("fault", ["drop", "lost_answer", "lose_stamp"])
def test_a_hold_without_an_answer_is_looked_for(a_flow: Flow, fault: str) -> None:
    flow = a_flow(replace=INTAKE)
    flow.sandbox.fault("intacct", "update APBILL", fault)
    flow.cycle()
    flow.heal()
    assert flow.bill()["on_hold"]
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()
    assert not flow.bill()["on_hold"]


def test_where_the_right_is_missing_every_run_says_so_and_the_hold_comes_later(a_flow: Flow) -> None:
    flow = a_flow(replace=INTAKE)
    flow.sandbox.settings(denied_fields=["APBILL.ONHOLD"])
    for _ in range(2):
        assert flow.cycle()
    flow.sandbox.settings(denied_fields=[])
    flow.heal()
    assert flow.bill()["on_hold"]


def test_bills_that_a_flow_knew_before_it_wanted_holds_are_left(a_flow: Flow) -> None:
    flow = a_flow()
    flow.heal()
    flow.path.write_text(flow.path.read_text().replace(*INTAKE))
    flow.flow = load_flow(flow.path)
    flow.heal()
    flow.bills.append(flow.make_bill())
    flow.heal()
    assert [flow.bill(bill)["on_hold"] for bill in (0, 1)] == [False, True]


def test_a_draft_is_put_on_hold_when_it_is_submitted(a_flow: Flow) -> None:
    flow = a_flow(replace=(STAMPED, INTAKE[1]), make_bill={"state": "Submitted"})
    flow.sandbox.act("intacct", "mgarcia", "set_state", record_no=flow.bills[0], state="Draft")
    flow.pass_time(1)
    flow.settle()
    assert not flow.bill()["on_hold"]
    flow.sandbox.act("intacct", "mgarcia", "set_state", record_no=flow.bills[0], state="Submitted")
    flow.heal()
    assert flow.bill()["on_hold"]
