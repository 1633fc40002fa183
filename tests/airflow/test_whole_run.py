"""The whole job through Airflow's real task runner against the sandbox: preflight, vendors, bills, approvals."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.dag_parts import SixErrorsPolicy
from intacct_asana.sync import open_writes
from intacct_asana.sync.writes import write_anew

pytestmark = pytest.mark.airflow
SCOPE = {"Submitted", "Partially Approved", "Posted", "Selected", "Partially Paid"}
ALICE, BEN, ERIN = "alice.martin@northwind.example", "ben.okafor@northwind.example", "erin.wolf@northwind.example"


@pytest.fixture
def synced(world: Any) -> Any:
    """A world in which preflight and the first bill sync have run."""
    world.have_run("bill_sync")
    return world


def bills_in_scope(world: Any) -> list[dict[str, Any]]:
    return [bill for bill in world.sandbox.state("intacct")["bills"] if bill["state"] in SCOPE]


def task_of(world: Any, bill: dict[str, Any]) -> dict[str, Any]:
    key = bill["record_no"]
    by_document = f":po:{bill['source_document']}" if bill["module"] == "9.PO" and bill["source_document"] else f":ap:{key}"
    return next(task for task in world.tasks() if task["fields"]["Intacct key"].endswith(by_document))


def bill_for(world: Any) -> dict[str, Any]:
    """A bill that Alice may approve."""
    return bills_for(world)[0]


def bills_for(world: Any) -> list[dict[str, Any]]:
    return [
        bill
        for bill in bills_in_scope(world)
        if bill["base_currency"] == "USD"
        and bill["created_by"] in ("mgarcia", "jchen")
        and Decimal(bill["total_entered"]) < 10_000
        and bill["state"] in ("Submitted", "Posted", "Partially Approved")
    ]


def held(world: Any, bill: dict[str, Any]) -> dict[str, str]:
    bills = world.sandbox.state("intacct")["bills"]
    stamps: dict[str, str] = next(one for one in bills if one["record_no"] == bill["record_no"])["stamps"]
    return stamps


def comments(world: Any, bill: dict[str, Any]) -> list[str]:
    return [story["text"] for story in task_of(world, bill)["stories"] if story["resource_subtype"] == "comment_added"]


def choose(world: Any, who: str, bill: dict[str, Any], option: str) -> None:
    world.sandbox.act("asana", who, "choose", task=task_of(world, bill)["gid"], field="Approval", option=option)


def test_the_whole_job_runs_with_one_login_and_a_second_run_writes_nothing(world: Any) -> None:
    world.must("preflight", create_missing=True)
    world.must("vendor_sync")
    world.must("bill_sync")
    assert len(world.tasks()) == len(bills_in_scope(world)) > 0
    before = world.writes()
    world.must("bill_sync")
    world.must("vendor_sync")
    assert world.writes() == before
    assert world.sandbox.counters()["intacct getAPISession"] == 1


def test_a_session_that_ends_in_mid_run_costs_one_more_login(world: Any) -> None:
    world.must("preflight", create_missing=True)
    world.sandbox.fault("intacct", "query APBILLITEM", "end_session")
    world.must("bill_sync")
    world.must("vendor_sync")
    assert world.sandbox.counters()["intacct getAPISession"] == 2


def test_amounts_on_tasks_are_those_of_intacct_to_the_cent(synced: Any) -> None:
    for bill in bills_in_scope(synced):
        fields = task_of(synced, bill)["fields"]
        for name, source in {"Amount": "total_entered", "Amount due": "total_due", "Amount paid": "total_paid"}.items():
            assert Decimal(str(fields[name])) == Decimal(bill[source]), (bill["record_no"], name)


def test_an_approval_is_stamped_read_back_and_told_once(synced: Any) -> None:
    bill = bill_for(synced)
    choose(synced, ALICE, bill, "Approved")
    synced.must("approval_reconciliation")
    assert held(synced, bill)["ASANA_DECISION"] == "Approved"
    assert "alice.martin@northwind.example" in held(synced, bill)["ASANA_DECISION_BY"]
    before = synced.writes()
    synced.must("approval_reconciliation")
    assert synced.writes() == before
    assert len(comments(synced, bill)) == 1
    assert synced.evidence_is_sound()


def test_a_rejection_without_a_reason_is_refused_and_put_back(synced: Any) -> None:
    bill = bill_for(synced)
    choose(synced, BEN, bill, "Rejected")
    synced.must("approval_reconciliation")
    assert held(synced, bill)["ASANA_DECISION"] == ""
    assert "needs a reason" in comments(synced, bill)[0]
    assert task_of(synced, bill)["fields"]["Approval"] == "Pending"


def test_a_lost_stamp_fails_the_run_and_is_never_confirmed(synced: Any) -> None:
    bill = bill_for(synced)
    choose(synced, ALICE, bill, "Approved")
    synced.sandbox.fault("intacct", "update APBILL", "lose_stamp")
    states = synced.run("approval_reconciliation")
    assert states["settle_decisions"] == "failed"
    assert states["report_run"] == "failed"
    assert held(synced, bill)["ASANA_DECISION"] == ""
    assert comments(synced, bill) == []


def test_an_answer_lost_after_the_stamp_is_found_by_reading_back(synced: Any) -> None:
    bill = bill_for(synced)
    choose(synced, ALICE, bill, "Approved")
    synced.sandbox.fault("intacct", "update APBILL", "lost_answer")
    synced.must("approval_reconciliation")
    assert held(synced, bill)["ASANA_DECISION"] == "Approved"
    assert len(comments(synced, bill)) == 1


def test_a_backfill_reads_its_interval_and_moves_no_cursor(synced: Any) -> None:
    cursor = synced.cursors()
    record_no = bill_for(synced)["record_no"]
    synced.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=record_no, changes={"description": "x"})
    changed = next(bill for bill in bills_in_scope(synced) if bill["record_no"] == record_no)
    day = (changed["modified_at"][:10] + "T00:00:00Z", "2099-01-01T00:00:00Z")
    synced.must("bill_sync", run_type="backfill", interval=day)
    assert "backfill" in synced.result("plan_tasks")["why"]
    assert 0 < synced.result("plan_tasks")["read"] < len(bills_in_scope(synced))
    assert synced.cursors() == cursor


def test_a_bill_that_changes_behind_a_long_full_pass_is_not_missed(
    world: Any, flow_file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full pass goes by record number; what changes behind it belongs to the next run, however long the pass lasts."""
    from intacct_asana.intacct.hook import IntacctHook

    flow_file("# bill_date_from: 2026-01-01            # leave older bills alone", "page_size: 5")
    world.must("preflight", create_missing=True)
    read, changed = IntacctHook.bills, bills_in_scope(world)[0]
    assert int(changed["record_no"]) <= sorted(int(bill["record_no"]) for bill in bills_in_scope(world))[4]

    def slowly(self: Any, window: Any, **how: Any) -> Any:
        for number, page in enumerate(read(self, window, **how)):
            yield page
            if number == 0 and not window.since_text:
                edit = {"record_no": changed["record_no"], "changes": {"line": 1, "amount": "77777.77"}}
                world.sandbox.act("intacct", "mgarcia", "edit_bill", **edit)
                world.sandbox.clock(advance_seconds=1500)
                last = max(bills_in_scope(world), key=lambda bill: int(bill["record_no"]))
                edit = {"record_no": last["record_no"], "changes": {"description": "late"}}
                world.sandbox.act("intacct", "mgarcia", "edit_bill", **edit)

    monkeypatch.setattr(IntacctHook, "bills", slowly)
    world.must("bill_sync")
    world.must("bill_sync")
    now = next(bill for bill in bills_in_scope(world) if bill["record_no"] == changed["record_no"])
    assert Decimal(str(task_of(world, now)["fields"]["Amount"])) == Decimal(now["total_entered"]) > 70_000


def test_a_renamed_field_breaks_nothing_and_preflight_says_so(synced: Any) -> None:
    synced.sandbox.act("asana", "bot", "rename_field", field="GL account", name="Ledger account")
    synced.must("preflight")
    assert "Ledger account" in str(synced.result("report_checks"))
    before = synced.writes()
    synced.must("bill_sync")
    assert synced.writes() == before


def test_a_dry_run_plans_and_writes_nothing(world: Any) -> None:
    world.have_run()
    before = world.writes()
    world.must("bill_sync", dry_run=True)
    assert world.result("plan_tasks")["counts"]["create"] == len(bills_in_scope(world))
    assert world.writes() == before
    assert world.tasks() == []


def test_a_lost_store_adopts_the_tasks_that_are_there(synced: Any) -> None:
    count = len(synced.tasks())
    synced.lose_store()
    synced.must("preflight")
    synced.must("bill_sync")
    assert len(synced.tasks()) == count
    assert synced.result("plan_tasks")["counts"]["adopt"] == count


def test_a_lost_answer_to_a_create_makes_no_second_task(world: Any) -> None:
    world.have_run()
    world.sandbox.fault("asana", "POST /tasks", "lost_answer", on_call=3)
    world.run("bill_sync")
    world.must("bill_sync")
    assert len(world.tasks()) == len(bills_in_scope(world))


def test_a_clock_eleven_minutes_off_and_a_lost_answer_make_no_second_task(world: Any) -> None:
    world.sandbox.clock(advance_seconds=-660)
    world.must("preflight", create_missing=True)
    world.must("bill_sync")
    before = len(world.tasks())
    world.sandbox.act("intacct", "jchen", "create_bill", vendor_id=bills_in_scope(world)[0]["vendor_id"], amount="12.00")
    world.sandbox.fault("asana", "POST /tasks", "lost_answer")
    world.run("bill_sync")
    world.must("bill_sync")
    assert len(world.tasks()) == before + 1


def test_a_part_in_doubt_is_written_anew_by_an_incremental_run(synced: Any) -> None:
    """What the settling of a decision does, when it meets a task that others altered."""
    task = next(task for task in synced.tasks() if not task["completed"])
    before = task["fields"]["Amount"]
    synced.sandbox.act("asana", ALICE, "write", task=task["gid"], field="Amount", value="9.90")
    synced.must("bill_sync")
    assert next(each for each in synced.tasks() if each["gid"] == task["gid"])["fields"]["Amount"] != before
    links = synced.store().links("bill")
    (link,) = links.by_task([task["gid"]]).values()
    amount = synced.store().pins("bill").fields["Amount"].gid
    journal = synced.store().intents()
    write_anew(journal, kind="bill", key=link.key, parts=("name", f"field:{amount}"), at=datetime.now(UTC))
    synced.must("bill_sync")
    assert next(each for each in synced.tasks() if each["gid"] == task["gid"])["fields"]["Amount"] == before
    assert open_writes(journal, "bill") == []


def test_a_task_that_asana_lists_late_is_found_by_the_retry_and_not_made_again(world: Any) -> None:
    world.have_run()
    world.sandbox.settings(asana_listing_delay_seconds=60)
    world.sandbox.fault("asana", "POST /tasks", "lost_answer", on_call=3)
    assert world.run("bill_sync")["apply_plan"] == "failed"
    retry = SixErrorsPolicy().evaluate(world.errors["apply_plan"], 1, 3)
    world.sandbox.clock(advance_seconds=retry.retry_delay.total_seconds())
    world.must("bill_sync")
    assert len(world.tasks()) == len(bills_in_scope(world))


def test_a_narrowed_run_on_a_lost_store_makes_no_second_task(synced: Any) -> None:
    count = len(synced.tasks())
    synced.lose_store()
    synced.must("preflight")
    synced.must("bill_sync", vendor_ids=[bill_for(synced)["vendor_id"]])
    assert len(synced.tasks()) == count


def test_a_choice_on_a_task_whose_link_is_not_known_yet_is_answered_and_asked_for_again(synced: Any) -> None:
    synced.must("approval_reconciliation")
    bill = bill_for(synced)
    synced.lose_store()
    synced.must("preflight")
    choose(synced, ALICE, bill, "Approved")
    synced.sandbox.clock(advance_seconds=1800)
    another = next(task for task in synced.tasks() if task["gid"] != task_of(synced, bill)["gid"])
    synced.sandbox.act("asana", BEN, "comment", task=another["gid"], text="Something else, later")
    synced.must("approval_reconciliation")
    assert comments(synced, bill) == []
    synced.must("bill_sync")
    synced.must("approval_reconciliation")
    assert len(comments(synced, bill)) == 1
    assert "cannot be shown what the task said" in comments(synced, bill)[0]
    assert held(synced, bill)["ASANA_DECISION"] == ""
    choose(synced, ALICE, bill, "Approved")
    synced.must("approval_reconciliation")
    assert held(synced, bill)["ASANA_DECISION"] == "Approved"


def test_a_plan_over_the_limits_is_refused_and_writes_nothing(world: Any, flow_file: Any) -> None:
    flow_file("creates: 1000", "creates: 3")
    world.must("preflight", create_missing=True)
    before = world.writes()
    assert world.run("bill_sync")["plan_tasks"] == "failed"
    assert "too many tasks to create" in str(world.error)
    assert world.writes() == before
    world.must("bill_sync", allow_unsafe_plan=True)
    assert len(world.tasks()) == len(bills_in_scope(world))
