"""Nothing is missed between two full passes: lines, deletions, recreated bills, and what cannot be known says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.errors import UnexpectedReply, UnsafePlan
from intacct_asana.reading import following
from intacct_asana.records import Intent, IntentState
from intacct_asana.sync.writes import write_anew

from sandbox import constants

GONE = "it was deleted in Intacct"


def open_bill(company: Any, **where: Any) -> dict[str, Any]:
    """A bill with an open task that nobody paid for."""
    return next(
        bill
        for bill in company.bills().values()
        if bill["state"] in ("Submitted", "Posted", "Partially Approved")
        and all(bill[name] == value for name, value in where.items())
    )


def later(synced: Any, seconds: float = 3600) -> None:
    """Far behind the last reading, so that the look-back brings nothing by itself."""
    synced.sandbox.clock(advance_seconds=seconds)


# Lines


def test_a_line_that_changes_without_touching_its_bill_is_seen_in_the_next_run(synced: Any) -> None:
    synced.sandbox.settings(line_changes_touch_header=False)
    bill = open_bill(synced)
    later(synced)
    synced.edit(bill["record_no"], line=1, amount="4321.09", account="6400")
    assert synced.bills()[bill["record_no"]]["modified_at"] == bill["modified_at"]
    synced.sync()
    assert synced.differences() == []
    assert "6400" in synced.task(bill["record_no"])["fields"]["GL account"]


def test_a_new_line_without_a_change_time_is_seen_too(synced: Any) -> None:
    synced.sandbox.settings(line_changes_touch_header=False, new_lines_have_no_change_time=True)
    bill = open_bill(synced)
    later(synced)
    synced.edit(bill["record_no"], add_line={"amount": "7.77", "account": "6400"})
    synced.sync()
    assert synced.differences() == []


def test_a_removed_line_that_leaves_no_trace_is_found_when_open_tasks_are_asked_for(synced: Any) -> None:
    synced.sandbox.settings(line_changes_touch_header=False)
    bill = next(bill for bill in synced.bills().values() if bill["state"] == "Submitted" and len(bill["lines"]) > 1)
    later(synced)
    synced.edit(bill["record_no"], remove_line=1)
    synced.flow(sweep_hours=0)
    synced.sync()
    assert synced.differences() == []


# What a listing leaves out


def test_a_page_that_lacks_rows_by_its_own_totals_stops_the_run_and_the_cursor_stays(synced: Any) -> None:
    before = synced.cursors()
    later(synced)
    for bill in list(synced.bills().values())[:6]:
        synced.edit(bill["record_no"], reference="moved")
    synced.sandbox.settings(leaves_out_rows_of=["APBILL"])
    with pytest.raises(UnexpectedReply, match=r"Intacct left 1 of \d+ rows out of this page, twice"):
        synced.sync()
    assert synced.cursors() == before
    synced.sandbox.settings(leaves_out_rows_of=[])
    synced.sync()
    assert synced.differences() == []


def test_a_full_pass_closes_nothing_that_only_the_listing_left_out(synced: Any) -> None:
    """Neither the counts nor anything else of the pages tells; the record itself is asked for by its number."""
    synced.sandbox.settings(leaves_out_rows_of=["APBILL"], totals_hide_what_is_left_out=True)
    gone = open_bill(synced, module="3.AP")
    synced.act("delete_bill", record_no=gone["record_no"])
    synced.sync(full=True)
    assert synced.plan["counts"]["close"] == 1
    assert synced.task(gone["record_no"])["completed"]
    assert synced.differences() == []


# Deletions


@pytest.mark.parametrize("form", ["recordno", "rec"])
def test_a_deleted_bill_closes_its_task_and_the_task_says_why_once(synced: Any, form: str) -> None:
    synced.sandbox.settings(audit_object_key=form)
    bill = open_bill(synced, module="3.AP")
    later(synced)
    synced.act("delete_bill", record_no=bill["record_no"])
    synced.sync()
    synced.sync()
    assert synced.differences() == []
    task = synced.task(bill["record_no"])
    assert task["completed"]
    assert [GONE in text for text in synced.comments(task)] == [True]
    assert synced.plan["deletions"] == "by the audit history"


def test_a_bill_that_goes_comes_back_and_goes_again_has_it_told_each_time(synced: Any) -> None:
    """One that this integration may not see for a while keeps its record number."""
    synced.flow(limits={"empty_side": False}, show_private=False)
    bill = open_bill(synced, module="3.AP", entity="US01")
    told = []
    for hidden in (["US01"], [], ["US01"], ["US01"]):
        synced.sandbox.settings(private_entities=hidden)
        synced.sync(full=True)
        task = synced.task(bill["record_no"])
        told.append((task["completed"], sum("is gone: " in text for text in synced.comments(task))))
    assert told == [(True, 1), (False, 1), (True, 2), (True, 2)]


@pytest.mark.slow
def test_an_audit_row_that_comes_late_is_still_met(synced: Any) -> None:
    synced.sandbox.settings(audit_delay_seconds=540)
    first, second = [bill for bill in synced.bills().values() if bill["state"] == "Submitted" and bill["module"] == "3.AP"][:2]
    synced.act("delete_bill", record_no=first["record_no"])
    later(synced, 530)
    synced.act("delete_bill", record_no=second["record_no"])
    synced.sync()
    assert len(synced.differences()) == 2
    for _ in range(2):
        later(synced, 540)
        synced.sync()
    assert synced.differences() == []


def test_an_audit_history_that_may_not_be_read_is_covered_by_asking_for_the_records(synced: Any) -> None:
    synced.sandbox.settings(denied_objects=["AUDITHISTORY"])
    bill = open_bill(synced)
    synced.act("delete_bill", record_no=bill["record_no"])
    synced.sync()
    assert synced.plan["deletions"] == "by asking for every open task's record every 24 hours"
    assert len(synced.differences()) == 1
    synced.flow(sweep_hours=0)
    synced.sync()
    assert synced.differences() == []
    assert synced.plan["deletions"] == "by asking for the records of 16 open tasks"


def test_a_history_that_could_never_be_read_does_not_make_every_run_ask_for_all(company: Any) -> None:
    company.sandbox.settings(denied_objects=["AUDITHISTORY"])
    for _ in range(2):
        company.sync()
    assert company.plan["deletions"] == "by asking for every open task's record every 24 hours"
    assert company.plan["read"] < 16
    company.sandbox.settings(denied_objects=[])
    company.act("delete_bill", record_no=open_bill(company)["record_no"])
    company.sync()
    assert company.plan["deletions"] == "by asking for the records of 16 open tasks"
    company.sync()
    assert company.plan["deletions"] == "by the audit history"
    assert company.differences() == []


def test_open_tasks_are_asked_for_once_in_the_flows_hours(synced: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    synced.flow(deletions="sweep", sweep_hours=6)
    swept = datetime.now(UTC)
    synced.store.save_cursor(following_cursor(synced, "swept", swept.isoformat()))
    synced.sync()
    assert "every 6 hours" in synced.plan["deletions"]
    synced.store.save_cursor(following_cursor(synced, "swept", swept.replace(year=2020, day=1).isoformat()))
    synced.sync()
    assert "of 16 open tasks" in synced.plan["deletions"]
    assert swept <= datetime.fromisoformat(synced.cursors()["bill_swept"]) <= datetime.now(UTC)
    synced.sync()
    assert "every 6 hours" in synced.plan["deletions"]
    assert "intacct query AUDITHISTORY" not in counted(synced, synced.sync)


def following_cursor(company: Any, stream: str, value: str) -> Any:
    from intacct_asana.deployment import flow_named
    from intacct_asana.records import Cursor

    return Cursor(name=f"bill_{stream}:{flow_named('demo').fingerprint('bill')}", value=value)


def counted(company: Any, run: Any) -> dict[str, int]:
    company.sandbox.zero_counters()
    run()
    counters: dict[str, int] = company.sandbox.counters()
    return counters


@pytest.mark.slow
def test_full_passes_alone_find_deletions_when_the_flow_says_so(synced: Any) -> None:
    synced.flow(deletions="full_pass")
    bill = open_bill(synced)
    synced.act("delete_bill", record_no=bill["record_no"])
    synced.sync()
    assert synced.plan["deletions"] == "by full passes only"
    assert len(synced.differences()) == 1
    synced.sync(full=True)
    assert synced.differences() == []


def test_an_audit_row_about_a_bill_that_is_still_there_closes_nothing(synced: Any) -> None:
    bill = open_bill(synced, module="3.AP")
    synced.act("audit", object_type="apbill", object_key=bill["record_no"], mode="D")
    synced.sync()
    assert synced.differences() == []
    assert not synced.task(bill["record_no"])["completed"]


@pytest.mark.slow
def test_more_deletions_than_the_flow_allows_are_refused(synced: Any) -> None:
    synced.flow(limits={"closes": 1})
    synced.act("delete_bill", record_no=open_bill(synced)["record_no"])
    synced.act("delete_bill", record_no=open_bill(synced)["record_no"])
    with pytest.raises(UnsafePlan, match="too many tasks to close: 2"):
        synced.sync()
    synced.sync(allow_unsafe_plan=True)
    assert synced.differences() == []


def test_not_one_record_of_all_open_tasks_is_no_deletion(synced: Any) -> None:
    synced.flow(sweep_hours=0, deletions="sweep")
    for number in synced.bills():
        synced.act("delete_bill", record_no=number)
    with pytest.raises(UnsafePlan, match="a side is empty"):
        synced.sync()


# Purchasing


def test_a_recreated_bill_keeps_its_task(synced: Any) -> None:
    bill = open_bill(synced, module="9.PO")
    before = synced.task(bill["record_no"])
    later(synced)
    new = synced.act("recreate_bill", record_no=bill["record_no"], changes={"line": 1, "amount": "55.55"})["record_no"]
    synced.sync()
    assert synced.differences() == []
    after = synced.task(new)
    assert (after["gid"], after["completed"]) == (before["gid"], False)
    assert synced.plan["counts"]["close"] == 0


def test_a_recreated_bill_that_says_it_is_old_keeps_its_task_too(synced: Any) -> None:
    """Then no reading by time brings it: it is asked for by its source document."""
    bill = open_bill(synced, module="9.PO")
    gid = synced.task(bill["record_no"])["gid"]
    later(synced)
    new = synced.act("recreate_bill", record_no=bill["record_no"], keeps_times=True)["record_no"]
    synced.sync()
    assert synced.differences() == []
    assert synced.task(new)["gid"] == gid
    assert synced.comments(synced.task(new)) == []


def test_a_bill_that_comes_back_later_than_its_deletion_gets_its_task_back(synced: Any) -> None:
    bill = open_bill(synced, module="9.PO")
    gid = synced.task(bill["record_no"])["gid"]
    later(synced)
    new = synced.act("recreate_bill", record_no=bill["record_no"], seen_after_seconds=300)["record_no"]
    synced.sync()
    assert synced.plan["counts"]["close"] == 1
    later(synced, 301)
    synced.sync()
    assert synced.differences() == []
    assert synced.task(new)["gid"] == gid


# Scope


def test_a_bill_whose_day_leaves_the_flow_closes_its_task(company: Any) -> None:
    company.flow(bill_date_from="2020-01-01")
    company.sync()
    bill = open_bill(company)
    company.edit(bill["record_no"], bill_date="2019-12-31")
    company.sync()
    assert company.task(bill["record_no"])["completed"]
    company.edit(bill["record_no"], bill_date="2020-01-02")
    company.sync()
    assert not company.task(bill["record_no"])["completed"]


# Cursors


def test_the_cursor_of_bills_goes_on_with_what_was_read(synced: Any) -> None:
    synced.sandbox.clock(freeze="2031-01-01T10:00:00Z")
    synced.edit(open_bill(synced)["record_no"], reference="x")
    synced.sync()
    assert synced.cursors()["bill"] == "01/01/2031 10:00:00"


def test_every_stream_has_a_cursor_after_the_first_full_pass(synced: Any) -> None:
    streams = {"", "_created", "_lines", "_lines_created", "_deletions", "_swept"}
    assert synced.cursors().keys() >= {f"bill{stream}" for stream in streams}


@pytest.mark.parametrize(
    "how", ["backfill", pytest.param("since", marks=pytest.mark.slow), pytest.param("named", marks=pytest.mark.slow)]
)
def test_a_backfill_a_window_and_a_narrowed_run_move_no_cursor(synced: Any, how: str) -> None:
    before = synced.cursors()
    later(synced)
    bill = open_bill(synced)
    synced.edit(bill["record_no"], line=1, amount="12.34")
    synced.act("delete_bill", record_no=open_bill(synced, vendor_id="V1002")["record_no"])
    if how == "backfill":
        synced.sync(run_type="backfill", interval=(datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)))
    elif how == "since":
        synced.sync(since="2020-01-01T00:00:00Z")
    else:
        synced.sync(bill_numbers=[bill["bill_number"]])
    assert synced.cursors() == before
    synced.sync()
    assert synced.differences() == []


@pytest.mark.parametrize(
    "name",
    [
        "bill_lines",
        pytest.param("bill", marks=pytest.mark.slow),
        pytest.param("bill_created", marks=pytest.mark.slow),
        pytest.param("bill_lines_created", marks=pytest.mark.slow),
        pytest.param("bill_payments", marks=pytest.mark.slow),
    ],
)
def test_a_lost_cursor_means_a_full_pass(synced: Any, name: str) -> None:
    synced.lose_cursor(name)
    synced.sync()
    assert synced.plan["why"] == "everything, because no cursor is known"
    assert synced.cursors().keys() >= {"bill", name}


def test_a_lost_cursor_of_deletions_means_asking_for_every_open_task(synced: Any) -> None:
    synced.act("delete_bill", record_no=open_bill(synced)["record_no"])
    synced.lose_cursor("bill_deletions")
    synced.sync()
    assert "of 16 open tasks" in synced.plan["deletions"]
    assert synced.differences() == []
    assert synced.cursors()["bill_deletions"]


def test_a_plan_of_the_old_mapping_moves_the_old_mappings_cursors(synced: Any) -> None:
    from intacct_asana.operators.syncing import ApplyPlanOperator, PlanBillsOperator

    synced.flow(task_name="{bill_number}")
    plan = PlanBillsOperator(task_id="plan_tasks", flow="demo").execute(synced._context())
    synced.flow(task_name="{vendor_name}")
    ApplyPlanOperator(task_id="apply_plan", flow="demo", plan_id=plan["plan_id"]).execute(synced._context())
    synced.sync()
    assert synced.plan["why"] == "everything, because no cursor is known"
    names = {task["name"] for task in synced.tasks()}
    assert names == {bill["vendor_name"] for bill in synced.bills().values() if bill["state"] in SCOPE}


SCOPE = {"Submitted", "Partially Approved", "Posted", "Selected", "Partially Paid"}


@pytest.mark.parametrize("year", [2009, pytest.param(2041, marks=pytest.mark.slow)])
def test_the_server_may_live_in_another_year_than_we(company: Any, year: int) -> None:
    company.sandbox.reset(now=f"{year}-03-01T10:00:00Z")
    company.pin()
    company.sync()
    bill = open_bill(company)
    later(company)
    company.edit(bill["record_no"], reference="x", line=1, amount="9.99")
    company.act("delete_bill", record_no=open_bill(company, vendor_id=bill["vendor_id"])["record_no"])
    company.sync()
    assert "what changed since" in company.plan["why"]
    assert company.differences() == []


def test_a_change_between_two_pages_is_met_in_the_same_run_or_the_next(synced: Any) -> None:
    synced.flow(page_size=2)
    synced.sync(full=True)
    later(synced)
    bills = [bill["record_no"] for bill in synced.bills().values() if bill["state"] == "Submitted"]
    for number in bills:
        synced.edit(number, reference="first")
    change = {"user": "mgarcia", "action": "edit_bill", "record_no": bills[0], "changes": {"line": 1, "amount": "31.41"}}
    synced.sandbox.fault("intacct", "query APBILL", "act", on_call=2, detail=change)
    synced.sync()
    synced.sync()
    assert Decimal(synced.bills()[bills[0]]["lines"][0]["transaction_amount"]) == Decimal("31.41")
    assert synced.differences() == []


def test_a_line_that_changes_after_its_bill_was_read_is_not_passed_over(synced: Any) -> None:
    """The lines' own cursor must not go past a change that the bill's reading did not show."""
    synced.sandbox.settings(line_changes_touch_header=False)
    later(synced)
    first, second = [bill["record_no"] for bill in synced.bills().values() if bill["state"] == "Submitted"][:2]
    synced.edit(first, line=1, amount="1.01")
    change = {"user": "mgarcia", "action": "edit_bill", "record_no": first, "changes": {"line": 1, "amount": "2.02"}}
    synced.sandbox.fault("intacct", "query APBILLITEM", "act", on_call=3, detail=change)
    synced.sync()
    later(synced)
    synced.edit(second, line=1, amount="3.03")
    synced.sync()
    assert synced.differences() == []


# Calls


@pytest.mark.slow
def test_calls_to_intacct_are_few_and_do_not_grow_with_the_number_of_unchanged_bills(company: Any) -> None:
    used = []
    for bills in (50, 500):
        company.sandbox.reset(vendors=8, bills=bills)
        company.new_store()
        company.pin()
        company.sync(allow_unsafe_plan=True)
        later(company)
        company.edit(open_bill(company)["record_no"], line=1, amount="5.00")
        company.sync()
        used.append(counted(company, company.sync))
    assert used[0] == used[1]
    # Payments have two streams, one of them for those without a change time.
    assert sum(used[0].values()) <= 24, used[0]


def test_the_words_for_a_gone_bill_are_the_ones_people_read() -> None:
    assert following.GONE.startswith(GONE)


def test_a_creation_is_given_up_only_when_every_try_of_its_step_is_over(synced: Any) -> None:
    """A backfill may plan beside a step that still creates: what it has noted must stay noted, or its task may come twice."""
    journal = synced.store.intents()
    for key, hours in (("CO:ap:900001", 9), ("CO:ap:900002", 25)):
        since = datetime.now(UTC) - timedelta(hours=hours)
        intent = Intent(intent_id=f"task:bill:{key}", kind="bill task", subject=key, body={"parts": []}, since=since)
        (noted,) = journal.note([intent], at=since).values()
        journal.move(noted, replace(noted, state=IntentState.SENT), at=since)
    day = datetime(2026, 1, 1, tzinfo=UTC)
    synced.sync(run_type="backfill", interval=(day, day + timedelta(days=1)))
    assert [one.subject for one in journal.open("bill task")] == ["CO:ap:900001"]


def test_parts_that_no_draft_speaks_of_any_more_are_given_up_after_a_day(synced: Any) -> None:
    """A field that left the mapping while its write was in doubt: its record would be read by every run."""
    journal, keys = synced.store.intents(), sorted(synced.store.links("bill").all())[:2]
    for key, hours in zip(keys, (9, 25), strict=True):
        write_anew(journal, kind="bill", key=key, parts=["field:4711"], at=datetime.now(UTC) - timedelta(hours=hours))
    synced.sync()
    assert [one.subject for one in journal.open("bill task")] == keys[:1]


@pytest.mark.parametrize("kind", ["bill", "vendor"])
def test_a_full_pass_puts_back_what_a_person_edited_though_nothing_else_moved(synced: Any, kind: str) -> None:
    """The link's digest says that nothing moved in Intacct, and nothing of what the task says by now."""
    if kind == "vendor":
        synced.sync("vendor")
    project = {"bill": constants.BILLS_PROJECT_GID, "vendor": constants.VENDORS_PROJECT_GID}[kind]
    task = next(task for task in synced.tasks(project) if not task["completed"])
    synced.sandbox.act("asana", constants.PEOPLE[1]["gid"], "rename", task=task["gid"], name="Pay this first")
    assert synced.sync(kind, full=True)["done"] == {"update": 1}
    assert task["name"] in {one["name"] for one in synced.tasks(project)}
    assert synced.sync(kind, full=True)["done"] == {}
