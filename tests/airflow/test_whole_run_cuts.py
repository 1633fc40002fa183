"""A cut at every single HTTP call of whole DAG runs: the next run ends in the same state, and nothing is there twice.

Four kinds of cut at each call: our process dies before it or after it, the call never arrives, or its answer is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.cut_runs import CRASH_AFTER, CRASH_BEFORE, KINDS, Cut, Story, differences, end_of, key_of
from tests.databases import NewStore

pytestmark = [pytest.mark.airflow, pytest.mark.cuts]
ALICE, BEN = "alice.martin@northwind.example", "ben.okafor@northwind.example"
DATA = {"seed": 34, "vendors": 2, "bills": 3}
"""A submitted, a posted and a half approved bill; Alice and Ben may decide about the first two."""
SHARES = 5
"""The slow half is cut into so many tests, for as many processes as there are."""

Tell = Callable[[Story], None]


def work_days(story: Story) -> None:
    """Vendors and bills become tasks, one bill is approved and then changed, one is rejected without a reason and then paid."""
    world = story.world
    story.run("vendor_sync")
    story.run("bill_sync")
    approved, posted = decide(world)
    story.run("approval_reconciliation")
    changes = {"line": 1, "amount": "4321.09"}
    world.sandbox.act("intacct", "jchen", "edit_bill", record_no=approved["record_no"], changes=changes)
    world.sandbox.act("intacct", "jchen", "pay_bill", record_no=posted["record_no"])
    story.run("bill_sync")
    story.run("vendor_sync")
    story.run("approval_reconciliation")


def one_day(story: Story) -> None:
    """The same as far as the approval goes."""
    story.run("bill_sync")
    decide(story.world)
    story.run("approval_reconciliation")


def first_day(story: Story) -> None:
    """Preflight makes fields, options and sections on an empty board."""
    story.run("preflight", create_missing=True)


def decide(world: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The bill that was approved, and the one that was rejected, as they are in Intacct."""
    submitted, posted, _ = world.sandbox.state("intacct")["bills"]
    choose(world, ALICE, submitted, "Approved")
    choose(world, BEN, posted, "Rejected")
    return submitted, posted


def choose(world: Any, who: str, bill: dict[str, Any], option: str) -> None:
    document, key = bill["source_document"], bill["record_no"]
    ending = f":po:{document}" if bill["module"] == "9.PO" and document else f":ap:{key}"
    task = next(task for task in world.sandbox.state("asana")["tasks"] if key_of(task).endswith(ending))
    world.sandbox.act("asana", who, "choose", task=task["gid"], field="Approval", option=option)


Telling = Callable[[Tell, "Cut | None"], Story]


@pytest.fixture
def told(world: Any, tmp_path: Path) -> Telling:
    """`told(work_days, cut)` is that story from the start, cut once or not at all.

    Work days begin where preflight ended. It is run once; later stories begin with what it left on the board and in the store.
    """
    folders = iter(range(1_000_000))
    checked: list[str] = []

    def tell(tale: Tell, cut: Cut | None) -> Story:
        folder = tmp_path / f"story{next(folders)}"
        folder.mkdir()
        is_checked = bool(checked) and tale is not first_day
        story = Story(world, folder, store_url=world.new_store(like=checked[0] if is_checked else ""))
        world.sandbox.reset(**DATA, keep_fields=is_checked)
        if not is_checked and tale is not first_day:
            # In this process, so that those forked from it find everything imported.
            world.must("preflight", create_missing=True)
            checked.append(world.new_store(like=world.store_url))
            # The sandbox of later stories knows no session, so this one has to log in as well.
            world.api.variables.clear()
        story.begin(cut)
        tale(story)
        return story

    return tell


def check(told: Telling, tale: Tell, cuts: Sequence[Cut], *, undisturbed: dict[str, Any]) -> int:
    """How many further runs the cuts needed. Every cut has to come to pass, and every end has to be the same."""
    again, days = 0, days_of(undisturbed)
    for cut in cuts:
        story = told(tale, cut)
        end = end_of(story.world)
        if days != days_of(end):
            # The sandbox's data goes by the time of day at which it is made, and payments are of today.
            undisturbed = end_of(told(tale, None).world)
            days = days_of(undisturbed)
            story = told(tale, cut)
            end = end_of(story.world)
        assert differences(end, undisturbed) == [], str(cut)
        assert story.counter.made >= cut.call
        assert story.runs_after_the_cut or cut.kind not in (CRASH_BEFORE, CRASH_AFTER), f"{cut} did not come to pass"
        again += story.runs_after_the_cut
    return again


def days_of(end: dict[str, Any]) -> list[str]:
    """The day of the story, and those of the bills that it began with."""
    return [datetime.now(UTC).date().isoformat(), *(bill["bill_date"] for bill in end["bills"])]


def all_cuts(calls: int) -> Iterator[Cut]:
    return (Cut(call=call, kind=kind) for call in range(1, calls + 1) for kind in KINDS)


def sample(calls: int, *, count: int) -> list[Cut]:
    """Evenly spread over the story, each kind in its turn."""
    return [Cut(call=1 + at * calls // count, kind=KINDS[at % len(KINDS)]) for at in range(count)]


def undisturbed_end(told: Telling, tale: Tell) -> tuple[dict[str, Any], int]:
    """The end that all others have to equal, and how many calls it takes. The sandbox counted the same calls as we."""
    story = told(tale, None)
    assert story.runs_after_the_cut == 0
    assert story.calls_at_the_sandbox() == story.counter.made
    return end_of(story.world), story.counter.made


def test_a_day_that_is_cut_at_some_calls_ends_as_if_it_had_not_been(told: Telling, new_store: NewStore, figures: Any) -> None:
    """Half of these cuts on each database."""
    undisturbed, calls = undisturbed_end(told, one_day)
    assert undisturbed["written to Intacct"] == 1
    assert [len(said) for _, said in undisturbed["said"]].count(1) == 2
    cuts = new_store.share(sample(calls, count=4))
    check(told, one_day, cuts, undisturbed=undisturbed)
    figures("cuts of whole runs, sample", f"{len(cuts)} of {calls * len(KINDS)}")


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_work_days_that_are_cut_at_any_call_end_as_if_they_had_not_been(told: Telling, figures: Any, share: int) -> None:
    undisturbed, calls = undisturbed_end(told, work_days)
    cuts = list(all_cuts(calls))[share::SHARES]
    again = check(told, work_days, cuts, undisturbed=undisturbed)
    figures(f"cuts of whole runs, share {share + 1}/{SHARES} of {calls} calls", f"{len(cuts)}, {again} further runs")


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_a_preflight_that_is_cut_at_any_call_makes_nothing_twice(told: Telling, figures: Any, share: int) -> None:
    undisturbed, calls = undisturbed_end(told, first_day)
    cuts = list(all_cuts(calls))[share::SHARES]
    again = check(told, first_day, cuts, undisturbed=undisturbed)
    figures(f"cuts of preflight, share {share + 1}/{SHARES} of {calls} calls", f"{len(cuts)}, {again} further runs")
