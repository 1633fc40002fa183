"""The step that looks around bills: what it reads and keeps, what it tells, and what waits for it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.flow.controls import Controls
from intacct_asana.operators.controls import checking
from intacct_asana.store import open_store

from tests.conftest import evidence_keys
from tests.controls.controls_world import Controlled
from tests.reconciliation.reconciliation_world import ALICE, BEN
from tests.standing.standing_world import CLERK

pytestmark = pytest.mark.airflow
Company = Callable[..., Controlled]


def test_an_approval_waits_for_a_concern_until_a_second_person_releases_it(a_company: Company) -> None:
    flow = a_company()
    flow.enter("INV-0042")
    flow.enter("INV42")
    flow.choose(ALICE, "Approved", bill=1)
    flow.choose(ALICE, "Approved", bill=0)
    reports = [flow.run() for _ in range(2)]
    assert [report["states"].get("PARKED") for report in reports] == [1, 1]
    assert flow.held(0)["ASANA_DECISION"] == "Approved"
    assert flow.held(1)["ASANA_DECISION"] == ""
    [told] = flow.warned(1)
    assert told == "Bill INV42 may be entered twice: bill INV-0042 of the same vendor, 500.00 USD too, dated the same day."
    assert flow.warned(0) == [
        "Bill INV-0042 may have been entered once more: bill INV42 of the same vendor, 500.00 USD too, dated the same day."
    ]
    flow.act(ALICE, "comment", bill=1, text="Not a duplicate: I say so")
    flow.run()
    assert flow.held(1)["ASANA_DECISION"] == ""
    flow.act(BEN, "comment", bill=1, text="Not a duplicate: two deliveries")
    flow.run()
    assert flow.held(1)["ASANA_DECISION"] == "Approved"
    [concern] = flow.concerns(1)
    assert (concern.state, concern.released_by.partition(" (")[0]) == ("RELEASED", "Ben Okafor")
    assert "two deliveries" in concern.why
    cleared = [row for row in flow.store.evidence(flow.key(1)) if "concerns" in row.body]
    assert "Ben Okafor" in str(cleared[-1].body)
    assert flow.store.verify_evidence() == []


def test_a_quiet_run_costs_one_call_and_a_flow_without_controls_none(a_company: Company) -> None:
    flow = a_company()
    for number in ("INV-1", "INV-2", "INV-3"):
        flow.enter(number, synced=number == "INV-3", without_change_time=number == "INV-2")
    for _ in range(2):
        flow.run()
    assert flow.calls_of(flow.check) == {"intacct query APBILL": 1}
    quiet = flow.calls_of(flow.settle)
    flow.flow = flow.flow.model_copy(update={"controls": Controls()})
    assert flow.calls_of(flow.settle) == quiet


def test_many_changes_are_read_in_pages(a_company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("intacct_asana.intacct.hook.HEADERS", 2)
    flow = a_company()
    for number in range(5):
        flow.enter(f"INV-{number}", synced=False, without_change_time=number % 2 == 0)
    flow.check()
    for number in range(5, 10):
        flow.enter(f"INV-{number}", synced=False, without_change_time=number % 2 == 0)
    flow.edit(bill=1, amount="1.00", line=1)
    flow.check()
    known = {one.number: one.amount for one in flow.store.ledger().all()}
    assert (len(known), known["INV-1"]) == (10, 1)


def test_what_is_asked_for_once_a_day_is_the_fields_and_the_bills_of_open_concerns(a_company: Company) -> None:
    flow = a_company()
    flow.enter("INV-1")
    flow.enter("INV-2")
    flow.check()
    flow.pass_time(hours=25)
    assert flow.calls_of(flow.check) == {"intacct lookup": 1, "intacct query APBILL": 1}
    flow.enter("INV-02")
    flow.check()
    flow.sandbox.act("intacct", CLERK, "delete_bill", record_no=flow.bills[1])
    assert flow.calls_of(flow.check) == {"intacct query APBILL": 1}
    assert [one.state for one in flow.concerns(2)] == ["OPEN"]
    flow.pass_time(hours=25)
    assert flow.calls_of(flow.check) == {"intacct lookup": 1, "intacct query APBILL": 2}
    assert [one.state for one in flow.concerns(2)] == ["ENDED"]
    flow.sandbox.fault("intacct", "query APBILL", "refuse", times=1)
    with pytest.raises(IntacctAsanaError):
        flow.check()
    assert flow.calls_of(flow.check) == {"intacct lookup": 1, "intacct query APBILL": 1}


def test_every_bill_of_the_company_is_known_also_without_a_task(a_company: Company) -> None:
    flow = a_company()
    flow.sandbox.settings(private_entities=[])
    flow.enter("INV-1", state="Draft", without_change_time=True)
    flow.enter("INV-2", entity="UK01")
    flow.enter("INV-3", bill_date="2025-01-31", synced=False)
    flow.check()
    known = {one.number: one for one in flow.store.ledger().all()}
    assert known.keys() == {"INV-1", "INV-2", "INV-3"}
    flow.edit(bill=2, amount="700.00", line=1)
    flow.run()
    assert flow.store.ledger().of([flow.key(2)])[flow.key(2)].amount == 700


def test_an_old_bill_is_asked_for_when_its_approval_waits(a_company: Company) -> None:
    """It was neither dated, made nor changed in the days that are read at first, and got its task after that."""
    flow = a_company(controls="history_days: 60\n  duplicates: {mode: block}")
    flow.enter("INV-1", bill_date="2025-01-31", synced=False)
    flow.pass_time(hours=24 * 100)
    flow.enter("INV-2", synced=False)
    flow.check()
    assert [one.number for one in flow.store.ledger().all()] == ["INV-2"]
    flow.sync(full=True)
    flow.choose(ALICE, "Approved", bill=0)
    flow.run()
    assert flow.held(0)["ASANA_DECISION"] == "Approved"


@pytest.mark.parametrize("end", ["deleted", "reversed", "changed"])
def test_a_concern_ends_by_itself_when_the_other_bill_is_none_any_more(a_company: Company, end: str) -> None:
    flow = a_company()
    flow.enter("INV-17")
    flow.enter("INV-17a")
    flow.choose(ALICE, "Approved", bill=1)
    flow.run()
    assert flow.says(1)[0] == ""
    flow.pass_time(1)
    if end == "deleted":
        flow.sandbox.act("intacct", CLERK, "delete_bill", record_no=flow.bills[0])
        flow.sync()
    elif end == "reversed":
        flow.sandbox.act("intacct", CLERK, "set_state", record_no=flow.bills[0], state="Reversed")
    else:
        flow.edit(bill=0, bill_number="INV-8")
    flow.run()
    assert flow.says(1)[0] == "approved"
    [concern] = flow.concerns(1)
    assert (concern.state, concern.why) == ("ENDED", "it holds no more")
    assert len(flow.warned(1)) == 1


def test_a_bill_that_purchasing_makes_anew_keeps_its_concerns_and_is_not_its_own_twin(a_company: Company) -> None:
    flow = a_company(make_bill={"module": "9.PO", "bill_number": "INV-9"}, bills=1)
    flow.run()
    made = flow.sandbox.act("intacct", CLERK, "recreate_bill", record_no=flow.bills[0])
    flow.bills[0] = made["record_no"]
    flow.sync()
    flow.run()
    assert flow.concerns(0) == []
    flow.enter("INV 9")
    flow.run()
    [told] = flow.warned(0)
    assert told.endswith("dated the same day, entered by hand.")
    flow.pass_time(1)
    made = flow.sandbox.act("intacct", CLERK, "recreate_bill", record_no=flow.bills[0])
    flow.bills[0] = made["record_no"]
    flow.sync()
    flow.run()
    assert flow.warned(0) == [told]
    assert [one.state for one in flow.concerns(0)] == ["OPEN"]


def test_a_bill_that_cannot_be_read_is_named_and_the_others_go_on(a_company: Company) -> None:
    flow = a_company()
    flow.enter("INV-1")
    flow.enter("INV-2")
    flow.run()
    flow.edit(bill=0, description="spoilt")
    flow.sandbox.settings(shown_values={"APBILL.WHENDUE": {f"#{flow.bills[0]}": "00/00/0000"}})
    flow.enter("INV-02", synced=False)
    for _ in range(2):
        with pytest.raises(IntacctAsanaError, match=f"record {flow.bills[0]}"):
            flow.check()
        assert len(flow.concerns(1)) == 1
    flow.enter("INV-X", state="Draft", synced=False)
    flow.sandbox.settings(shown_values={"APBILL.WHENDUE": {f"#{flow.bills[3]}": "00/00/0000"}})
    assert f"record {flow.bills[3]}" in str(flow.check()["said"]), "no task of ours, so it is said only"
    flow.sandbox.settings(shown_values={})
    flow.check()
    assert flow.calls_of(flow.check) == {"intacct query APBILL": 1}


def test_what_is_found_of_a_bill_without_a_task_is_told_when_it_has_one(a_company: Company) -> None:
    flow = a_company(controls="duplicates: {mode: advise}")
    flow.enter("INV-1")
    flow.enter("INV-01", synced=False)
    flow.check()
    assert len(flow.warned(0)) == 1
    flow.sync()
    flow.check()
    [text] = [text for text in flow.comments(1) if "con-" in text]
    assert "The task of bill INV-1: https://app.asana.com/" in text
    assert "An approval of this bill waits" not in text
    flow.choose(ALICE, "Approved", bill=1)
    flow.run()
    assert flow.says(1)[0] == "approved"
    assert "may be entered twice" in flow.noted(1)


def test_a_task_that_takes_the_place_of_a_deleted_one_is_told_too(a_company: Company) -> None:
    flow = a_company()
    flow.enter("INV-1")
    flow.enter("INV-01")
    flow.check()
    flow.act(ALICE, "delete", bill=1)
    flow.check()
    flow.sync(full=True)
    flow.check()
    assert len(flow.warned(1)) == 1
    flow.choose(ALICE, "Approved", bill=1)
    flow.run()
    flow.act(BEN, "comment", bill=1, text="Not a duplicate")
    flow.run()
    assert flow.says(1)[0] == "approved"


@pytest.mark.parametrize("fault", ["lost_answer", "drop", "before", "store"])
def test_a_concern_is_told_once_whatever_is_lost(a_company: Company, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """The answer to the comment, the comment itself, the process between keeping and telling, the whole store."""
    flow = a_company()
    flow.enter("INV-1")
    flow.enter("INV-01")
    if fault == "before":
        with monkeypatch.context() as patch:
            patch.setattr(checking, "tell", lambda run, report: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                flow.check()
        assert flow.warned(1) == []
    elif fault == "store":
        flow.check()
        flow.lose_store()
    else:
        flow.sandbox.fault("asana", "POST /tasks/{gid}/stories", fault, times=1)
        with contextlib.suppress(IntacctAsanaError):
            flow.check()
    for _ in range(2):
        flow.pass_time(minutes=20)
        flow.check()
    assert [len(flow.warned(bill)) for bill in (0, 1)] == [1, 1]
    assert flow.store.concerns().untold() == []


def test_when_the_check_fails_approvals_of_unseen_bills_wait_and_rejections_do_not(a_company: Company) -> None:
    flow = a_company()
    for number in ("INV-1", "INV-2", "INV-3", "INV-4"):
        flow.enter(number)
    flow.check()
    flow.edit(bill=3, amount="800.00", line=1)
    flow.edit(bill=0, amount="600.00", line=1)
    flow.edit(bill=1, amount="700.00", line=1)
    flow.sync()
    flow.choose(ALICE, "Approved", bill=0)
    flow.act(ALICE, "comment", bill=1, text="too dear")
    flow.choose(ALICE, "Rejected", bill=1)
    flow.choose(ALICE, "Approved", bill=2)
    flow.choose(ALICE, "Approved", bill=3)
    flow.act(BEN, "comment", bill=3, text="too dear")
    flow.choose(BEN, "Rejected", bill=3)
    flow.read()
    flow.sandbox.fault("intacct", "query APBILL", "refuse", times=1)
    with pytest.raises(IntacctAsanaError):
        flow.check()
    report = flow.settle()
    assert [flow.says(bill)[0] for bill in (0, 1, 2, 3)] == ["", "rejected", "approved", "rejected"]
    assert report["waiting"] == 2
    flow.run()
    assert [flow.says(bill)[0] for bill in (0, 3)] == ["approved", "rejected"]


def test_what_only_advises_holds_nothing_when_the_check_fails(a_company: Company) -> None:
    flow = a_company(controls="duplicates: {mode: advise}")
    flow.enter("INV-1")
    flow.choose(ALICE, "Approved", bill=0)
    flow.read()
    flow.sandbox.fault("intacct", "query APBILL", "refuse", times=1)
    with pytest.raises(IntacctAsanaError):
        flow.check()
    flow.settle()
    assert flow.says(0)[0] == "approved"


def test_an_approval_waits_no_longer_than_the_flow_says(a_company: Company) -> None:
    flow = a_company(controls="wait_days: 5\n  duplicates: {mode: block}")
    flow.enter("INV-1")
    flow.enter("INV-01")
    flow.choose(ALICE, "Approved", bill=1)
    flow.run()
    assert "Every run looks again, until 2026-11-28" in flow.comments(1)[-1]
    flow.pass_time(hours=24 * 6)
    flow.run()
    assert [str(one.state) for one in flow.decisions(1)] == ["REFUSED"]
    assert "may be entered twice" in flow.comments(1)[-1]


def test_a_rehearsal_says_what_would_be_told_and_keeps_nothing(a_company: Company) -> None:
    flow = a_company()
    flow.enter("INV-1")
    flow.enter("INV-01")
    live, store = flow.flow, flow.store
    flow.flow, flow.books = live.model_copy(update={"rehearsal": True}), None
    flow.store = open_store(flow.url, evidence_keys=evidence_keys).for_flow("small", rehearses=True)
    said = flow.check()["said"]
    assert "may be entered twice" in str(said[flow.key(1)])
    flow.flow, flow.books, flow.store = live, None, store
    assert (store.ledger().all(), flow.concerns(1), flow.warned(1)) == ([], [], [])


@pytest.mark.parametrize("change", [{"controls": Controls()}, {"controls": Controls(wait_days=3)}])
def test_a_control_that_the_flow_does_not_name_any_more_holds_nothing(a_company: Company, change: dict[str, Controls]) -> None:
    flow = a_company()
    flow.enter("INV-1")
    flow.enter("INV-01")
    flow.choose(ALICE, "Approved", bill=1)
    flow.run()
    flow.flow = flow.flow.model_copy(update=change)
    flow.read()
    flow.settle()
    assert flow.says(1)[0] == "approved"


TWO_STEPS = """  rules:
    - name: every bill
      steps:
        - {name: first, by: [alice.martin@northwind.example]}
        - {name: second, by: [ben.okafor@northwind.example], limit: none}"""


def test_each_step_waits_for_a_concern_and_is_released_by_somebody_else(a_company: Company) -> None:
    flow = a_company(approval=TWO_STEPS)
    flow.enter("INV-1")
    flow.enter("INV-01")
    flow.choose(ALICE, "Approved", bill=1)
    flow.run()
    assert [str(one.state) for one in flow.decisions(1)] == ["PARKED"]
    flow.act(BEN, "comment", bill=1, text="Not a duplicate: the second half")
    flow.run()
    assert [str(one.state) for one in flow.decisions(1)] == ["GRANTED"]
    flow.enter("INV-2")
    flow.choose(ALICE, "Approved", bill=2)
    flow.run()
    assert str(flow.decisions(2)[-1].state) == "GRANTED"
    flow.edit(bill=0, bill_number="INV-002")
    flow.check()
    flow.choose(BEN, "Approved", bill=2)
    flow.run()
    assert str(flow.decisions(2)[-1].state) == "PARKED"
    flow.act(BEN, "comment", bill=2, text="Not a duplicate")
    flow.run()
    assert str(flow.decisions(2)[-1].state) == "PARKED"
    flow.act(ALICE, "comment", bill=2, text="Not a duplicate")
    flow.run()
    assert flow.says(2)[0] == "approved"
    assert flow.store.verify_evidence() == []


def test_nobody_approves_alone_what_they_released_for_an_approval_that_did_not_count(a_company: Company) -> None:
    flow = a_company()
    flow.enter("INV-1", amount="1200.00")
    flow.enter("INV-01", amount="1200.00")
    flow.run()
    flow.choose(ALICE, "Approved", bill=1)
    flow.act(BEN, "comment", bill=1, text="Not a duplicate: two deliveries")
    flow.run()
    flow.choose(BEN, "Approved", bill=1)
    flow.run()
    assert [str(one.state) for one in flow.decisions(1)] == ["REFUSED", "PARKED"]
    flow.act(ALICE, "comment", bill=1, text="Not a duplicate")
    flow.run()
    assert flow.says(1)[0] == "approved"
    assert len(flow.warned(1)) == 1
