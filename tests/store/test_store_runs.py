"""Plans, cursors and pins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from intacct_asana.errors import IntacctAsanaError, Misconfigured, Refused, UnexpectedReply
from intacct_asana.records import Cursor, Intent, Mark, PinnedField, Pins
from intacct_asana.store import FlowStore, StoredPlan, open_store, runs

from tests.databases import rows
from tests.store.store_world import NOON, a_decision, break_table, crowd, everything, make_older, minutes, opened, run_sql

HERE = Cursor(name="bills", value="11/23/2026 12:00:00")


def a_plan(plan_id: str = "plan-1", **more: object) -> StoredPlan:
    plan = StoredPlan(
        plan_id=plan_id, kind="bill", created_at=NOON, run_id="manual__1", summary={"counts": {"create": 2}}, body="[]"
    )
    return replace(plan, **more)  # type: ignore[arg-type]


def test_a_plan_comes_back_as_it_was_saved(flow: FlowStore) -> None:
    plan = a_plan(body='[{"key": "é"}]')
    flow.save_plan(plan)
    assert flow.plan("plan-1") == plan
    assert flow.plan("plan-2") is None


def test_money_in_a_summary_comes_back_as_text(flow: FlowStore) -> None:
    flow.save_plan(a_plan(summary={"money": {"USD": Decimal("1200.50")}}))
    stored = flow.plan("plan-1")
    assert stored
    assert stored.summary == {"money": {"USD": "1200.50"}}


def test_finishing_a_plan_moves_the_cursor_with_it(flow: FlowStore) -> None:
    flow.save_plan(a_plan())
    flow.finish_plan("plan-1", cursors=[HERE], result={"done": {"create": 2}}, at=minutes(1))
    assert flow.plan("plan-1") == a_plan(applied_at=minutes(1), result={"done": {"create": 2}})
    assert flow.cursor("bills") == HERE.value


def test_an_old_plan_applied_again_does_not_take_the_cursor_back(flow: FlowStore) -> None:
    flow.save_plan(a_plan())
    flow.finish_plan("plan-1", cursors=[HERE], result={}, at=minutes(1))
    flow.save_cursor(Cursor(name="bills", value="later"))
    flow.finish_plan("plan-1", cursors=[HERE], result={"again": True}, at=minutes(9))
    assert flow.cursor("bills") == "later"
    assert flow.plan("plan-1") == a_plan(applied_at=minutes(9), result={"again": True})


def test_a_plan_that_is_carried_out_late_takes_no_cursor_back_that_went_on(flow: FlowStore) -> None:
    for name, stood, ends in (("plan-1", None, HERE.value), ("plan-2", None, HERE.value), ("plan-3", HERE.value, "further")):
        flow.save_plan(a_plan(name))
        moved = [Cursor(name="bills", value=f"{name} read")]
        flow.finish_plan(
            name,
            cursors=moved if name == "plan-2" else [Cursor(name="bills", value=ends)],
            stood={"bills": stood},
            result={},
            at=minutes(1),
        )
        assert flow.cursor("bills") == ends


def test_a_rehearsal_keeps_plans_and_moves_nothing(flow: FlowStore, url: str) -> None:
    flow.save_plan(a_plan())
    flow.save_pins("bill", Pins(project_gid="1", fields={}))
    rehearsal = open_store(url, evidence_keys=tuple).for_flow("demo", rehearses=True)
    before = everything(url)
    for write in (
        lambda: rehearsal.save_cursor(HERE),
        lambda: rehearsal.finish_plan("plan-1", cursors=[HERE], result={}, at=NOON),
        lambda: rehearsal.decisions().record([a_decision()], at=NOON, cursors=[HERE]),
        lambda: rehearsal.note("bill-1", facts={}, at=NOON),
        lambda: rehearsal.marks().read({"1": Mark(read_at=NOON)}),
        lambda: rehearsal.intents().note([Intent(intent_id="1", kind="stamp", subject="bill-1", body={})], at=NOON),
        rehearsal.together().__enter__,
    ):
        with pytest.raises(Misconfigured, match="rehearsal: true"):
            write()
    assert everything(url) == before
    rehearsal.save_plan(a_plan("plan-2"))
    assert rehearsal.plan("plan-2") == a_plan("plan-2")
    assert rehearsal.pins("bill") == Pins(project_gid="1", fields={})


def test_a_plan_that_is_not_there_moves_no_cursor(flow: FlowStore) -> None:
    with pytest.raises(Refused, match="Plan plan-1 is not in the store of demo"):
        flow.finish_plan("plan-1", cursors=[HERE], result={}, at=NOON)
    assert flow.cursor("bills") is None


def test_finishing_that_dies_half_way_leaves_nothing(flow: FlowStore, url: str) -> None:
    flow.save_plan(a_plan())
    break_table(url, "ia_cursors")
    before = everything(url)
    with pytest.raises(IntacctAsanaError, match="broken"):
        flow.finish_plan("plan-1", cursors=[HERE], result={}, at=NOON)
    assert everything(url) == before


def test_a_plan_id_is_used_once(flow: FlowStore) -> None:
    flow.save_plan(a_plan())
    with pytest.raises(Refused, match="refused a row"):
        flow.save_plan(a_plan(body="other"))
    assert flow.plan("plan-1") == a_plan()


def test_pruning_keeps_the_newest_of_each_kind_and_flow(flow: FlowStore, url: str) -> None:
    other = open_store(url).for_flow("other")
    for number in range(4):
        flow.save_plan(a_plan(f"bill-{number}", created_at=minutes(number)))
        flow.save_plan(a_plan(f"vendor-{number}", kind="vendor", created_at=minutes(-number)))
        other.save_plan(a_plan(f"bill-{number}"))
    flow.prune_plans(keep=2)
    left = {row[1] for row in everything(url)["ia_plans"] if row[0] == "demo"}
    assert left == {"bill-3", "bill-2", "vendor-0", "vendor-1"}
    assert sum(row[0] == "other" for row in everything(url)["ia_plans"]) == 4


def test_saving_bounds_the_plans_by_itself(flow: FlowStore, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "KEEP", 3)
    for number in range(6):
        flow.save_plan(a_plan(f"plan-{number}", created_at=minutes(number)))
    assert [row[1] for row in everything(url)["ia_plans"]] == ["plan-3", "plan-4", "plan-5"]


def test_an_instant_without_a_time_zone_is_refused(flow: FlowStore) -> None:
    with pytest.raises(Refused, match="time zone"):
        flow.save_plan(a_plan(created_at=datetime(2026, 11, 23)))  # noqa: DTZ001


def test_cursors_belong_to_their_flow(flow: FlowStore, url: str) -> None:
    flow.save_cursor(HERE)
    flow.save_cursor(replace(HERE, value="further"))
    assert flow.cursor("bills") == "further"
    assert open_store(url).for_flow("other").cursor("bills") is None
    assert flow.cursor("vendors") is None


def test_a_crowd_can_move_the_same_cursors(flow: FlowStore) -> None:
    def move(number: int) -> str:
        names = ["a", "b", "c"] if number % 2 else ["c", "b", "a"]
        for turn in range(5):
            flow.decisions().record([], at=NOON, cursors=[Cursor(name=name, value=f"{number}-{turn}") for name in names])
        return "done"

    assert crowd(4, move) == ["done"] * 4
    assert flow.cursor("a") == flow.cursor("b") == flow.cursor("c")


def test_pins_come_back_and_can_be_replaced(flow: FlowStore) -> None:
    field = PinnedField(name="Approval", gid="5", kind="enum", options={"Approved": "6", "Rejected": "7"})
    pins = Pins(project_gid="1", fields={"Approval": field}, sections={"Open": "8"}, bot_gid="9")
    assert flow.pins("bill") is None
    flow.save_pins("bill", pins)
    flow.save_pins("vendor", replace(pins, project_gid="2"))
    flow.save_pins("bill", replace(pins, bot_gid="10"))
    assert flow.pins("bill") == replace(pins, bot_gid="10")
    assert flow.pins("vendor") == replace(pins, project_gid="2")


def test_a_project_belongs_to_the_flow_that_pinned_it_until_another_takes_it_over(url: str) -> None:
    first, second = (open_store(url).for_flow(name) for name in ("first", "second"))
    pins = Pins(project_gid="1", fields={}, bot_gid="9")
    first.save_pins("bill", pins)
    assert first.project_taken("1") is None
    problem = second.project_taken("1")
    assert problem is not None
    assert "belongs to flow first" in problem.what
    with pytest.raises(Misconfigured, match="belongs to flow first"):
        second.save_pins("vendor", pins)
    second.save_pins("vendor", pins, take_over=True)
    assert (first.pins("bill"), second.pins("vendor")) == (None, pins)
    with pytest.raises(Misconfigured, match="belongs to flow second"):
        first.save_pins("bill", pins)


def test_of_two_flows_of_an_older_store_on_one_project_neither_goes_on(url: str) -> None:
    alone, one, other = (open_store(url).for_flow(name) for name in ("alone", "one", "other"))
    alone.save_pins("bill", Pins(project_gid="7", fields={}))
    one.save_pins("bill", Pins(project_gid="1", fields={}))
    other.save_pins("bill", Pins(project_gid="2", fields={}))
    make_older(url, 10)
    run_sql(url, """UPDATE ia_pins SET body = replace(body, '"2"', '"1"') WHERE flow = 'other'""")
    alone, one, other = (opened(url, name) for name in ("alone", "one", "other"))
    assert (one.pins("bill"), other.pins("bill")) == (None, None)
    assert alone.pins("bill")
    assert other.project_taken("7")


def test_the_plan_that_says_what_is_owed_stays_however_many_move_no_cursor(flow: FlowStore) -> None:
    """As in a long backfill, while a quiet time lets the schedule make none."""
    flow.save_plan(a_plan("whole", summary={"cursors": {"a": "b"}}))
    flow.finish_plan("whole", cursors=(), result={}, at=NOON)
    for number in range(200):
        flow.save_plan(a_plan(f"b{number}", created_at=minutes(number + 1), summary={}))
    found = flow.newest_whole_plan("bill")
    assert found is not None
    assert found.plan_id == "whole"


def test_pages_of_a_plan_come_back_in_their_order_as_often_as_they_are_asked_for(flow: FlowStore) -> None:
    flow.save_plan(a_plan(more=(f"page {number}" for number in range(1, 12))))
    flow.save_plan(a_plan("plan-2", more=["another plan's"]))
    stored = flow.plan("plan-1")
    assert stored
    assert stored.body == "[]"
    assert [list(stored.more), list(stored.more)] == [[f"page {number}" for number in range(1, 12)]] * 2


def test_pages_are_kept_with_their_plan_or_not_at_all(flow: FlowStore) -> None:
    def breaks() -> Iterator[str]:
        yield "page 1"
        raise Refused("the second page cannot be told")

    with pytest.raises(Refused, match="second page"):
        flow.save_plan(a_plan(more=breaks()))
    assert flow.plan("plan-1") is None
    flow.save_plan(a_plan(more=["whole"]))
    assert [*flow.plan("plan-1").more] == ["whole"]  # type: ignore[union-attr]


def test_pages_go_with_their_plan(flow: FlowStore, url: str) -> None:
    for number in range(4):
        flow.save_plan(a_plan(f"plan-{number}", created_at=minutes(number), more=["a", "b"]))
    oldest = flow.plan("plan-0")
    flow.prune_plans(keep=1)
    assert rows(url, "SELECT plan_id, page FROM ia_plan_pages ORDER BY page") == [("plan-3", 1), ("plan-3", 2)]
    assert oldest
    with pytest.raises(UnexpectedReply, match=r"Page 1 of plan plan-0 is not in the store"):
        list(oldest.more)
