"""Plans in pages say and do what plans in one piece do; digests of links settle nothing that a comparison would not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.codec import draft_digest, from_json, to_json
from intacct_asana.errors import UnsafePlan
from intacct_asana.records import Link, LinkDigest, Snapshot, Task, TaskDraft
from intacct_asana.sync import (
    Leave,
    PagedPlan,
    Plan,
    PlanPages,
    Wanted,
    paged,
    plan_records,
    raise_if_unsafe,
    settled,
    stored_plan,
)
from intacct_asana.sync.paged import totals_of
from intacct_asana.sync.plan import Retire
from intacct_asana.sync.release import Release, ReleaseState, body, calls_of, digest_of

from tests.sync.sync_world import KEY, World, wanted

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROOMY: dict[str, Any] = {"creates": 100, "closes": 100, "updates": 100, "money": None, "existing": 0}


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paged, "PAGE", 2)


def a_plan(*, full: bool = True) -> Plan:
    """Something of every kind, with notes and a task that stands for nothing."""
    keys = [f"k{number}" for number in range(12)]
    states = ["open", "paid", "void", "open"]
    records = {key: wanted(key, state=states[place % 4], amount=Decimal(place)) for place, key in enumerate(keys)}
    links = {key: Link(key=key, task_gid=f"t{key}", record_no="r", confirmed=wanted(key).draft) for key in keys[3:9]}
    strangers = {key: [Task(gid=f"other {key}", name=key, created_by_gid="somebody")] for key in keys[8:]}
    plan = plan_records(records, links=links, found=strangers, compares_all=full, bot_gid="bot")
    told = [Retire(key=f"k{n}", reason="a copy", task_gid=f"c{n}", name="n", text="t", completes=n > 1) for n in range(3)]
    assert len({action.kind for action in plan.actions}) > 2
    assert plan.notes
    return replace(plan, actions=(*plan.actions, *told))


def in_pages(plan: Plan, *, each: int = 5) -> PagedPlan:
    pages = PlanPages([])
    for start in range(0, len(plan.actions), each):
        pages.add(Plan(actions=plan.actions[start : start + each], notes=plan.notes if not start else ()))
    return pages.whole()


def test_a_plan_in_pages_says_what_the_plan_says() -> None:
    plan = a_plan()
    pages = in_pages(plan)
    assert len(list(pages.more)) > 3
    for rows in (1, 3, 50):
        assert pages.render(rows=rows) == plan.render(rows=rows)
        assert pages.first(rows) == plan.first(rows)
    told = [(one.counts(), one.money(), one.at_stake(), one.notes, one.how_many(), calls_of(one)) for one in (plan, pages)]
    assert told[0] == told[1]
    assert [action for page in pages.pages() for action in page.actions] == [*plan.first(1000)]


def test_a_release_is_the_same_however_its_plan_is_paged() -> None:
    plan = a_plan()
    stored = [in_pages(plan, each=each) for each in (1, 7, 100)]
    assert {digest_of(one, kind="bill") for one in (plan, *stored)} == {digest_of(plan, kind="bill")}
    assert digest_of(Plan(actions=plan.actions[:-1]), kind="bill") != digest_of(plan, kind="bill")
    release = Release(
        digest="d",
        kind="bill",
        plan_id="p",
        state=ReleaseState.NEW,
        refused_at=NOW,
        dag_id="d",
        refused_in="r",
        reasons=(),
        counts=plan.counts(),
        money={},
        calls=1,
    )
    assert len({body(release, one, until=NOW, names={}) for one in (plan, *stored)}) == 1


def test_the_text_of_a_stored_plan_is_its_pages_and_one_of_an_older_release_is_one_page() -> None:
    plan, pages = a_plan(), in_pages(a_plan())
    again = stored_plan(paged.plan_to_json(pages.head), pages.more)
    assert [*again.pages()] == [*pages.pages()]
    assert totals_of(again).counts == totals_of(replace(plan, actions=plan.first(1000))).counts
    assert [*stored_plan(paged.plan_to_json(plan)).pages()] == [plan]


def test_limits_see_the_whole_of_a_plan_in_pages() -> None:
    lost, moved = a_plan(), a_plan(full=False)
    cases = [(lost, {"creates": 1}), (lost, {"existing": 10}), (lost, {"money": {}}), (lost, {})]
    for plan, limits in [*cases, (moved, {"closes": 1}), (moved, {"updates": 0})]:
        refused = list[str]()
        for one in (plan, in_pages(plan)):
            try:
                raise_if_unsafe(one, **{**ROOMY, **limits})
                refused.append("")
            except UnsafePlan as error:
                refused.append(error.message)
        assert refused[0] == refused[1]
        assert bool(refused[0]) == bool(limits)


def test_pages_are_carried_out_one_after_the_other_and_nothing_of_them_is_held() -> None:
    world = World()
    for number in range(7):
        world.a_bill(f"k{number}")
    plan, batches = in_pages(world.plan()), list[int]()
    world.apply(plan, after_batch=lambda: batches.append(len(world.board.writes))).raise_if_failed()
    assert [world.task_of(f"k{number}").fields[KEY] for number in range(7)] == [f"k{number}" for number in range(7)]
    assert batches == [2, 4, 6, 7]
    assert world.apply(plan).already_done == 7


# Digests of links

TEXTS = st.sampled_from(["", "a", "a ", "b"])
VALUES = st.sampled_from([None, "x", "1.0", Decimal("1.0"), Decimal("1.00"), date(2026, 11, 23), ("1", "2"), ("2", "1")])
FIELDS = st.dictionaries(st.sampled_from(["f1", "f2"]), VALUES, max_size=2)
DRAFTS = st.builds(
    TaskDraft,
    key=st.just("k"),
    name=TEXTS,
    notes=TEXTS,
    due_on=st.sampled_from([None, date(2026, 11, 23)]),
    completed=st.booleans(),
    section_gid=st.sampled_from([None, "s"]),
    followers=st.sampled_from([(), ("p",)]),
    fields=FIELDS,
    initial_fields=FIELDS,
    remark=st.sampled_from(["", "news\n\nref 1", "other\n\nref 1"]),
    shown_as=FIELDS,
)


@given(desired=DRAFTS, other=DRAFTS, is_same=st.booleans(), in_scope=st.booleans(), numbers=st.tuples(TEXTS, TEXTS), seen=TEXTS)
def test_what_digests_settle_a_comparison_leaves_alone(
    desired: TaskDraft, other: TaskDraft, is_same: bool, in_scope: bool, numbers: Sequence[str], seen: str
) -> None:
    confirmed = replace(desired, shown_as=other.shown_as) if is_same else other
    if is_same and not in_scope:
        confirmed = replace(confirmed, completed=True)
    record = Wanted(
        draft=replace(desired, shown_as={}),
        record_no=numbers[0],
        amount=Decimal(1),
        in_scope=in_scope,
        snapshot=Snapshot(digest="a", body={}),
    )
    told = settled("k", record, LinkDigest("k", "t", numbers[1], draft_digest(confirmed), seen))
    link = Link(key="k", task_gid="t", record_no=numbers[1], confirmed=confirmed)
    shown = Snapshot(digest=seen, body={}) if seen else None
    (action,) = plan_records({"k": record}, links={"k": link}, found=None, shown=lambda key: shown).actions
    assert told in (None, action)
    if is_same and (not in_scope or (numbers[0] == numbers[1] and seen == "a")):
        assert isinstance(told, Leave)


@given(draft=DRAFTS)
def test_a_digest_outlives_the_store_and_the_order_of_fields(draft: TaskDraft) -> None:
    turned = replace(draft, fields=dict(reversed(draft.fields.items())), shown_as={})
    assert draft_digest(from_json(TaskDraft, to_json(draft))) == draft_digest(draft) == draft_digest(turned)
    assert draft_digest(replace(draft, name=draft.name + "!")) != draft_digest(draft)


def test_a_link_without_a_digest_is_compared() -> None:
    assert settled("k", wanted("k"), LinkDigest("k", "t", "r")) is None
