"""What the audit found and the exceptions that are somebody's work, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from intacct_asana.records import Intent, IntentState
from intacct_asana.records.drift import Drift, Drifted
from intacct_asana.records.matters import Matter, MatterState
from intacct_asana.store import StoredPlan, open_store

AT = datetime(2026, 11, 23, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def drifted(number: int, *, cause: str = "c", **more: Any) -> Drifted:
    return Drifted(drift=Drift.STALE, key=f"co:ap:{number}", cause=cause, words="w", amount=Decimal("1.50"), **more)


def test_a_finding_holds_until_an_audit_does_not_find_it(flow: Any) -> None:
    findings = flow.findings()
    assert findings.keep([drifted(1), drifted(2), drifted(3)], at=AT) == [drifted(1), drifted(2), drifted(3)]
    assert findings.keep([drifted(1), drifted(2), drifted(3)], at=AT) == []
    # The first is found again, as something else; the second could not be looked at; the third is over.
    assert findings.keep([drifted(1, cause="d")], left_alone={"co:ap:2"}, at=AT + HOUR) == [drifted(1, cause="d")]
    assert {(one.key, one.cause, since) for one, since in findings.open()} == {
        ("co:ap:1", "d", AT),
        ("co:ap:2", "c", AT),
    }
    findings.keep([drifted(3, parts=("name",))], at=AT + 2 * HOUR)
    assert findings.open() == [(drifted(3, parts=("name",)), AT + 2 * HOUR)]


def test_findings_are_a_flows_own(flow: Any, url: str) -> None:
    flow.findings().keep([drifted(1)], at=AT)
    open_store(url).for_flow("another").findings().keep([], at=AT)
    assert len(flow.findings().open()) == 1


def test_exceptions_live_until_they_are_over(flow: Any) -> None:
    told: dict[str, Any] = {"kind": "stale", "cause": "c", "title": "t", "words": "w", "opened_at": AT, "caused_at": AT}
    one, two = (Matter(matter_id=f"exc-{name}", **told) for name in ("one", "two"))
    flow.matters().save(one, two, at=AT)
    flow.matters().save(replace(one, state=MatterState.ENDED), replace(two, state=MatterState.ACCEPTED, why="so"), at=AT)
    assert flow.matters().live() == {"exc-two": replace(two, state=MatterState.ACCEPTED, why="so")}
    assert set(flow.matters().of({"exc-one", "exc-two", "exc-three"})) == {"exc-one", "exc-two"}


def test_failing_writes_are_those_that_were_refused_or_are_in_doubt_for_long(flow: Any) -> None:
    journal = flow.intents()
    states = {"a": IntentState.REFUSED, "b": IntentState.UNKNOWN, "c": IntentState.NOTED, "d": IntentState.REFUSED}
    for name, state in states.items():
        wanted = Intent(intent_id=name, kind="other" if name == "d" else "bill task", subject=name, body={})
        before = journal.note([wanted], at=AT)[name]
        if state is not IntentState.NOTED:
            journal.move(before, replace(before, state=state, turn=1), at=AT)

    def failing(since: datetime, before: datetime) -> list[str]:
        return [one.intent_id for one in journal.failing("bill task", since=since, before=before)]

    assert failing(AT - HOUR, AT + HOUR) == ["a", "b"]
    assert failing(AT - HOUR, AT - HOUR) == ["a"]
    assert failing(AT + HOUR, AT + HOUR) == []


def test_the_newest_whole_plan_is_the_last_applied_one_that_moved_cursors(flow: Any) -> None:
    assert flow.newest_whole_plan("bill") is None
    for number, (cursors, applied) in enumerate([({"c": "1"}, True), ({}, True), ({"c": "2"}, False)]):
        summary = {"cursors": cursors, "failed": {"k": str(number)}}
        name, made = f"bill-{number}", AT + number * HOUR
        flow.save_plan(StoredPlan(plan_id=name, kind="bill", created_at=made, run_id="r", summary=summary, body="long"))
        if applied:
            flow.finish_plan(name, cursors=[], result={"not_put_back": {}}, at=made)
    newest = flow.newest_whole_plan("bill")
    assert (newest.plan_id, newest.summary["failed"], newest.body) == ("bill-0", {"k": "0"}, "")
