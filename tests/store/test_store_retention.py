"""What is old and nothing rests on goes; whatever a decision, the evidence or the next run needs stays."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from intacct_asana.records import Cursor, DecisionState, Link, TaskDraft
from intacct_asana.records.matters import Matter, MatterState
from intacct_asana.store import FlowStore, StoredPlan
from intacct_asana.store.database import open_database
from intacct_asana.store.retention import prune
from intacct_asana.sync.release import ReleaseState

from tests.databases import rows
from tests.store.store_world import NOON, a_decision, a_snapshot, break_table, everything, run_sql, settled

LATER = NOON + timedelta(days=800)
YEAR = timedelta(days=365)
PAST, RECENT = "2026-11-24T00:00:00.000000Z", "2029-01-01T00:00:00.000000Z"
DECIDED = "bill-decided"


def a_plan(plan_id: str, *, at: datetime, cursors: bool = False) -> StoredPlan:
    summary = {"cursors": {"bills": "x"}} if cursors else {}
    return StoredPlan(plan_id=plan_id, kind="bill", created_at=at, run_id="r", summary=summary, body="{}", more=["more of it"])


def a_link(key: str, *, completed: bool = True) -> Link:
    return Link(key=key, task_gid=f"task {key}", record_no="17", confirmed=TaskDraft(key=key, name="x", completed=completed))


@pytest.fixture
def old(flow: FlowStore) -> FlowStore:
    """Two years of a flow: three plans, snapshots of a bill with a decision and of one without, intents, findings."""
    for number, cursors in enumerate((True, True, False)):
        flow.save_plan(a_plan(f"plan-{number}", at=NOON + timedelta(days=number), cursors=cursors))
        flow.finish_plan(f"plan-{number}", cursors=[Cursor(name="bills", value="x")], result={}, at=NOON)
    flow.save_plan(a_plan("plan of today", at=LATER))
    for key in (DECIDED, "bill-open", "bill-paid"):
        for day in (0, 1, 2):
            link = a_link(key, completed=key != "bill-open")
            flow.links("bill").save(link, shown=a_snapshot(f"digest-{day}"), shown_at=NOON + timedelta(days=day))
    settled(flow, key=DECIDED)
    flow.decisions().record([a_decision("decision-2", key="bill-waits")], at=NOON)
    return flow


def pruned(url: str, *, dry_run: bool = False, age: timedelta = YEAR, now: datetime = LATER) -> dict[str, int]:
    going = prune(open_database(url), older_than=age, now=now, dry_run=dry_run)
    return {one.table: one.rows for one in going if one.rows}


def test_a_dry_run_says_what_would_go_and_takes_nothing(old: FlowStore, url: str) -> None:
    before = everything(url)
    said = pruned(url, dry_run=True)
    assert everything(url) == before
    assert said == {"ia_plan_pages": 2, "ia_plans": 2, "ia_shown": 2}
    assert pruned(url) == said
    assert pruned(url) == {}


def test_the_evidence_verifies_and_no_decision_policy_or_link_is_gone(old: FlowStore, url: str) -> None:
    whole = ("ia_evidence", "ia_evidence_heads", "ia_policies", "ia_timestamps", "ia_decisions", "ia_links", "ia_cursors")
    before = everything(url)
    pruned(url)
    after = everything(url)
    assert old.verify_evidence() == []
    assert {name: after[name] for name in whole} == {name: before[name] for name in whole}
    assert [each.state for each in old.decisions().about([DECIDED])] == [DecisionState.CONFIRMED]


def test_what_a_decided_bill_showed_stays_and_what_any_bill_showed_since_then_is_answered(old: FlowStore, url: str) -> None:
    pruned(url)
    links = old.links("bill")
    for day in (0, 1, 2):
        found = links.shown(DECIDED, task_gid=f"task {DECIDED}", at=NOON + timedelta(days=day, hours=1))
        assert found
        assert found.digest == f"digest-{day}"
    since = links.shown("bill-open", task_gid="task bill-open", at=LATER - YEAR)
    assert since
    assert since.digest == "digest-2"


def test_the_newest_plan_that_moved_cursors_stays(old: FlowStore, url: str) -> None:
    pruned(url)
    newest = old.newest_whole_plan("bill")
    assert newest
    assert newest.plan_id == "plan-1"
    for table in ("ia_plans", "ia_plan_pages"):
        assert {row[0] for row in rows(url, f"SELECT plan_id FROM {table}")} == {"plan-1", "plan of today"}


def test_reminders_go_with_what_they_were_about_and_writes_of_decisions_stay(old: FlowStore, url: str) -> None:
    values = "('demo', '{}', '{}', '{}', '{}', '{{}}', '', 0, 0, NULL, '{}', '{}', '{{}}', '', NULL, NULL)"
    at = "2026-11-24T00:00:00.000000Z"
    written = [
        ("r1", "reminder", "task bill-paid", "DONE"),
        ("r2", "reminder", "task bill-open", "DONE"),
        ("r3", "reminder", f"task {DECIDED}", "DONE"),
        ("r4", "reminder", "task bill-paid", "UNKNOWN"),
        ("s1", "stamp", "bill-paid", "DONE"),
    ]
    run_sql(url, *(f"INSERT INTO ia_intents VALUES {values.format(*each, at, at)}" for each in written))
    pruned(url)
    assert {row[0] for row in rows(url, "SELECT intent_id FROM ia_intents")} == {"r2", "r3", "r4", "s1"}


OVER = {
    "ia_findings": "INSERT INTO ia_findings VALUES ('demo', '{name}', 'missing', 'k', '{past}', {ended}, '{{}}')",
    "ia_incidents": "INSERT INTO ia_incidents VALUES ('demo', '{name}', 'late', '', '{past}', {ended}, {told}, NULL, '{{}}')",
}


@pytest.mark.parametrize("table", OVER)
def test_what_was_found_or_told_goes_when_it_is_over(old: FlowStore, url: str, table: str) -> None:
    told = "1" if url.startswith("sqlite") else "true"
    for name, ended in (("over", f"'{PAST}'"), ("open", "NULL"), ("just over", f"'{RECENT}'")):
        run_sql(url, OVER[table].format(name=name, past=PAST, ended=ended, told=told))
    pruned(url)
    assert {row[1] for row in rows(url, f"SELECT * FROM {table}")} == {"open", "just over"}


def test_exceptions_go_when_they_are_over_for_long_and_open_ones_stay(old: FlowStore, url: str) -> None:
    told: dict[str, Any] = {"kind": "stale", "cause": "c", "title": "t", "words": "w", "opened_at": NOON, "caused_at": NOON}
    for state in MatterState:
        old.matters().save(Matter(matter_id=f"exc-demo-{state}", state=state, **told), at=NOON)
    ended = Matter(matter_id="exc-demo-just over", state=MatterState.ENDED, **told)
    old.matters().save(ended, at=LATER - YEAR + timedelta(days=1))
    assert pruned(url, dry_run=True)["ia_matters"] == 1
    pruned(url)
    left = {row[0] for row in rows(url, "SELECT matter_id FROM ia_matters")}
    assert left == {f"exc-demo-{state}" for state in MatterState if state is not MatterState.ENDED} | {"exc-demo-just over"}


def test_an_exception_that_is_back_does_not_count_as_over(old: FlowStore, url: str) -> None:
    told: dict[str, Any] = {"kind": "stale", "cause": "c", "title": "t", "words": "w", "opened_at": NOON, "caused_at": NOON}
    for state in (MatterState.ENDED, MatterState.OPEN):
        old.matters().save(Matter(matter_id="exc-demo-1", state=state, **told), at=NOON)
    assert rows(url, "SELECT ended_at FROM ia_matters") == [(None,)]


def test_when_a_job_last_succeeded_stays_known(old: FlowStore, url: str) -> None:
    false = "0" if url.startswith("sqlite") else "false"
    for day, state in ((24, "success"), (25, "success"), (26, "failed")):
        at = f"2026-11-{day}T00:00:00.000000Z"
        values = f"'demo', 'demo_bill_sync', 'run {day}', 'bill_sync', '{state}', {false}, '{at}', '{at}', '{{}}'"
        run_sql(url, f"INSERT INTO ia_run_reports VALUES ({values})")
    pruned(url)
    assert {row[0] for row in rows(url, "SELECT run_id FROM ia_run_reports")} == {"run 25", "run 26"}


def test_an_unsafe_plan_that_waits_for_a_person_stays(old: FlowStore, url: str) -> None:
    for state in ReleaseState:
        run_sql(url, f"INSERT INTO ia_releases VALUES ('demo', '{state}', 'bill', 'p', 'r', '{state}', '{PAST}', '{{}}')")
    run_sql(url, "UPDATE ia_releases SET plan_id = 'plan-0' WHERE state = 'waiting'")
    pruned(url)
    assert {row[1] for row in rows(url, "SELECT * FROM ia_releases")} == {"new", "waiting", "approved"}
    assert old.plan("plan-0"), "it is carried out as it was stored"


def test_calls_are_counted_for_a_year_back(old: FlowStore, url: str) -> None:
    for day in ("2026-11-24", "2028-01-02"):
        run_sql(url, f"INSERT INTO ia_calls VALUES ('demo', 'intacct', 'ACME', 'bill_sync', '{day}', 7)")
    pruned(url, age=timedelta(days=31))
    assert rows(url, "SELECT day FROM ia_calls") == [("2028-01-02",)]


def test_nothing_of_the_last_month_goes_whatever_is_asked_for(old: FlowStore, url: str) -> None:
    assert pruned(url, age=timedelta(0), now=NOON + timedelta(days=31)) == {}


def test_all_of_it_goes_or_nothing(old: FlowStore, url: str) -> None:
    before = everything(url)
    break_table(url, "ia_shown")
    with pytest.raises(Exception, match="broken"):
        pruned(url)
    assert everything(url) == before


def test_when_somebody_first_looked_stays_known(flow: FlowStore, url: str) -> None:
    """What was before that is history: without it every refusal that stands would be told as over."""
    flow.incidents().first_look("refusals", at=NOON)
    later = NOON + timedelta(days=60)
    prune(open_database(url), older_than=timedelta(days=31), now=later, dry_run=False)
    assert flow.incidents().first_look("refusals", at=later) == NOON


def test_since_when_a_bill_was_shown_stays_known(flow: FlowStore, url: str) -> None:
    """The close view of a past day tells it."""
    flow.links("bill").save(a_link("bill-1"), shown=a_snapshot("d1"), shown_at=NOON)
    flow.links("bill").save(a_link("bill-1"), shown=a_snapshot("d2"), shown_at=NOON + timedelta(days=10))
    until = NOON + timedelta(days=20)
    before = flow.history().first_shown(["bill-1"], until=until)
    prune(open_database(url), older_than=timedelta(days=31), now=NOON + timedelta(days=80), dry_run=False)
    assert flow.history().first_shown(["bill-1"], until=until) == before != {}
