"""What becomes of a refused plan, as a table; what people read about it; how plans are told apart."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from intacct_asana.records import TaskDraft
from intacct_asana.sync import Create, Leave, Plan
from intacct_asana.sync.release import Release, ReleaseState, body, calls_of, digest_of, escaped, held, what

NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
DAG = "demo_release_plan"


def a_release(digest: str = "a" * 64, state: ReleaseState = ReleaseState.NEW, **more: object) -> Release:
    one = Release(
        digest=digest,
        kind="bill",
        plan_id="bill-1",
        state=state,
        refused_at=NOW,
        dag_id="demo_bill_sync",
        refused_in="scheduled__1",
        reasons=("too many tasks to create: 6, the limit is 5",),
        counts={"create": 6, "adopt": 0, "update": 1, "close": 0, "reopen": 0, "leave": 40},
        money={"USD": "1200.50", "GBP": "0"},
        calls=7,
    )
    return replace(one, **more)  # type: ignore[arg-type]


def outcome(known: Release | None, *others: Release, wanted: Release | None = None) -> tuple[str, list[ReleaseState]]:
    answer = held(wanted or a_release(plan_id="bill-2"), known=known, others=others, dag_id=DAG, at=NOW, longest=LONGEST)
    assert bool(answer.waits) != bool(answer.red)
    return ("waits" if answer.waits else "red"), [one.state for one in answer.rows]


NEW, WAITING, REPLACED = ReleaseState.NEW, ReleaseState.WAITING, ReleaseState.REPLACED
LONGEST = timedelta(hours=24)
JUST_NOW = {"answered_at": NOW - timedelta(minutes=5), "answered_name": "Erin"}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (None, ("red", [NEW])),
        (a_release(), ("red", [NEW])),
        (a_release(state=WAITING, run_id="r"), ("waits", [])),
        (a_release(state=WAITING, run_id="r", asked_at=NOW - timedelta(hours=23)), ("waits", [])),
        (a_release(state=WAITING, run_id="r", asked_at=NOW - timedelta(hours=25)), ("red", [NEW])),
        (a_release(state=REPLACED, asked=1), ("red", [NEW])),
        (a_release(state=ReleaseState.APPLIED, asked=1), ("red", [NEW])),
        (a_release(state=ReleaseState.REJECTED, asked=1), ("red", [])),
        (a_release(state=ReleaseState.EXPIRED, asked=1), ("red", [])),
        (a_release(state=ReleaseState.APPROVED, **JUST_NOW), ("waits", [])),
        (a_release(state=ReleaseState.APPROVED, answered_at=NOW - timedelta(hours=9)), ("red", [])),
    ],
)
def test_a_refused_plan_is_red_once_and_asked_about_once(
    known: Release | None, expected: tuple[str, list[ReleaseState]]
) -> None:
    assert outcome(known) == expected


def test_a_plan_that_comes_back_is_asked_about_in_a_run_of_its_own() -> None:
    """The run that was to ask before may be there, and Airflow starts no run that is."""
    answer = held(a_release(), known=a_release(state=REPLACED, asked=2), others=(), dag_id=DAG, at=NOW, longest=LONGEST)
    assert answer.rows[0].next_run_id == "release__aaaaaaaaaaaa__4"


def test_a_newer_plan_takes_the_place_of_older_ones_of_its_scope_alone() -> None:
    older, of_a_backfill = a_release("b" * 64, WAITING), a_release("c" * 64, WAITING, scope="backfill__1")
    rejected = a_release("d" * 64, ReleaseState.REJECTED)
    answer = held(a_release(), known=None, others=(older, of_a_backfill, rejected), dag_id=DAG, at=NOW, longest=LONGEST)
    assert [(one.digest[0], one.state) for one in answer.rows] == [("b", REPLACED), ("a", NEW)]


def test_nobody_is_asked_about_what_an_approved_plan_has_not_written_yet() -> None:
    under_way = a_release("b" * 64, ReleaseState.APPROVED, **JUST_NOW)
    assert outcome(None, under_way) == ("waits", [])
    assert outcome(None, replace(under_way, answered_at=NOW - timedelta(hours=4))) == ("red", [NEW])


def a_plan(*names: str, notes: tuple[str, ...] = (), left: int = 0) -> Plan:
    creates = [
        Create(
            key=f"k{number}",
            record_no=str(number),
            amount=Decimal("10.50"),
            reason="new in scope, field:12 too",
            desired=TaskDraft(key=f"k{number}", name=name),
            currency="USD",
        )
        for number, name in enumerate(names)
    ]
    leaves = [Leave(key=f"x{n}", record_no=str(n), amount=Decimal(0), reason="same") for n in range(left)]
    return Plan(actions=(*creates, *leaves), notes=notes)


def test_a_plan_is_known_by_what_it_would_write() -> None:
    plan = a_plan("INV-1", "INV-2")
    assert digest_of(plan, kind="bill") == digest_of(a_plan("INV-1", "INV-2", notes=("x",), left=3), kind="bill")
    others = [
        digest_of(plan, kind="vendor"),
        digest_of(a_plan("INV-1"), kind="bill"),
        digest_of(a_plan("a", "INV-2"), kind="bill"),
    ]
    assert digest_of(plan, kind="bill") not in others
    assert calls_of(a_plan("INV-1", "INV-2", left=9)) == 2


def test_what_vendors_write_is_no_markdown() -> None:
    hostile = "![x](http://evil.example/a.png) <img src=x> **bold** `code` | \u202e {{ conn }}\n# head"
    text = body(a_release(), a_plan(hostile), until=NOW, names={"12": "Amount"})
    line = next(line for line in text.splitlines() if line.startswith("- create"))
    assert not set("![]()<>*`{|#") & set(re.sub(r"\\.", "", line)), "each of them is escaped"
    assert "\u202e" not in text
    assert "Amount too" in line
    assert escaped("a_b") == r"a\_b"


def test_people_read_numbers_money_reasons_and_the_first_actions() -> None:
    assert what(a_release()) == "tasks: 6 new, 1 changed, records worth 1,200.50 USD"
    text = body(a_release(counts={"create": 40}), a_plan(*(f"INV-{n}" for n in range(40))), until=NOW, names={})
    assert "- too many tasks to create\\: 6, the limit is 5" in text
    assert text.count("- create INV-") == 15
    assert "- and 25 more" in text
    assert a_release().digest in text
    assert "2026-11-30 08:00 UTC" in text
