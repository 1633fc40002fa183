"""Carrying out a plan: what is kept, what fails alone, what stops everything."""

from __future__ import annotations

import itertools
import re
import threading
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Problem, Refused, TryLater, UnexpectedReply
from intacct_asana.records import Task, TaskDraft
from intacct_asana.sync import Adopt, NotPutBack, Plan, Report
from intacct_asana.sync.report import Failure

from tests.sync.sync_world import AMOUNT, APPROVAL, CLOSED, KEY, PENDING, PROJECT, VENDOR, Board, World


@pytest.fixture
def world() -> World:
    return World()


def keys_failed(result: Report) -> list[str]:
    return sorted(failure.key for failure in result.failures)


def test_new_bill_becomes_a_task_with_its_initial_fields_and_a_link(world: World) -> None:
    world.a_bill("a")
    result = world.run()
    task = world.task_of("a")
    assert task.fields[APPROVAL] == PENDING
    assert world.links.links["a"].confirmed == world.wanted("a").draft
    assert world.links.links["a"].task_url == task.permalink_url
    assert result.summary() == {
        "done": {"create": 1},
        "money": {"create": "100.00"},
        "worth": {"USD": "100.00"},
        "written": 1,
        "already_done": 0,
        "not_started": 0,
        "failed": 0,
        "failures": [],
    }


def test_what_a_task_shows_counts_from_asanas_own_time_of_the_write(world: World) -> None:
    world.a_bill("a")
    world.run()
    ((shown_at, snapshot, _),) = world.links.shown_log["a"]
    assert shown_at == world.task_of("a").modified_at
    assert snapshot == world.wanted("a").snapshot


def test_move_between_sections_counts_from_our_time_because_asana_keeps_the_old_one(world: World) -> None:
    world.a_bill("a")
    world.run()
    record = world.wanted("a")
    # A state with its own section, and nothing else that the task shows.
    link = world.links.links["a"]
    world.links.links["a"] = replace(link, confirmed=replace(link.confirmed, section_gid=CLOSED))
    old = world.task_of("a").modified_at
    world.dirty.add("a")
    world.run().raise_if_failed()
    assert world.task_of("a").modified_at == old
    shown_at, snapshot, _ = world.links.shown_log["a"][-1]
    assert shown_at > old
    assert snapshot == record.snapshot


def test_every_creation_is_noted_before_the_first_call_leaves(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("a", "b", "c"):
        world.a_bill(key)
    noted: list[set[str]] = []
    create = Board.create_task

    def watched(board: Board, project_gid: str, draft: TaskDraft) -> Task:
        noted.append(world.links.unfinished())
        return create(board, project_gid, draft)

    monkeypatch.setattr(Board, "create_task", watched)
    world.run(workers=1)
    assert noted[0] == {"a", "b", "c"}
    assert world.links.intents == {}


def create_call(world: World) -> int:
    """The number of the call that creates the only task of the run."""
    trial = World()
    trial.bills, trial.dirty = dict(world.bills), set(world.dirty)
    numbers: list[int] = []
    create = trial.board.create_task
    trial.board.create_task = lambda *args: numbers.append(trial.wire.count + 1) or create(*args)
    trial.run(workers=1)
    return numbers[0]


def test_creation_whose_answer_was_lost_is_found_on_the_board_in_the_same_run(world: World) -> None:
    world.a_bill("a")
    world.wire.revive(cut_at=create_call(world), moment="lost")
    result = world.run(workers=1)
    result.raise_if_failed()
    assert result.counts() == {"create": 1}
    assert world.board.writes == ["create a"]


def test_creation_without_an_answer_that_is_not_on_the_board_is_left_to_the_next_run(world: World) -> None:
    world.a_bill("a")
    world.wire.revive(cut_at=create_call(world), moment="unsent")
    result = world.run(workers=1)
    with pytest.raises(OutcomeUnknown, match="create a"):
        result.raise_if_failed()
    assert world.board.writes == []
    assert world.links.unfinished() == {"a"}
    world.run().raise_if_failed()
    assert len(world.with_key("a")) == 1


def test_unfinished_creation_is_not_repeated_while_the_board_cannot_be_read(world: World) -> None:
    world.a_bill("a")
    plan = world.plan()
    world.died_creating("a")

    def no_listing(*args: object, **kwargs: object) -> None:
        raise TryLater("429 Too Many Requests", wait_seconds=30)

    world.board.tasks = no_listing
    result = world.apply(plan)
    assert keys_failed(result) == ["a"]
    assert world.board.writes == []


@pytest.mark.parametrize("tells_its_key", [True, False])
def test_a_creation_in_doubt_waits_while_what_may_be_its_task_cannot_be_read(world: World, tells_its_key: bool) -> None:
    for key in ("a", "b"):
        world.a_bill(key)
    plan = world.plan()
    for key in ("a", "b"):
        world.died_creating(key)
    made = world.board.create_task(PROJECT, world.wanted("a").draft)
    if not tells_its_key:
        world.board.there[made.gid] = replace(made, fields={})
    world.board.unreadable = {made.gid}
    assert keys_failed(world.apply(plan)) == (["a"] if tells_its_key else ["a", "b"])
    world.board.unreadable = set()
    world.board.there[made.gid] = made
    world.apply(plan).raise_if_failed()
    assert [len(world.with_key(key)) for key in ("a", "b")] == [1, 1]


def test_look_back_reaches_to_the_oldest_unfinished_creation(world: World) -> None:
    for key in ("a", "b"):
        world.a_bill(key)
    plan = world.plan()
    world.died_creating("a")
    world.board.create_task(PROJECT, world.wanted("a").draft)
    world.wire.clock += timedelta(hours=5)
    world.died_creating("b")
    world.apply(plan).raise_if_failed()
    assert len(world.with_key("a")) == 1


def test_field_that_asana_did_not_take_is_a_failure_that_names_it_and_is_written_again(world: World) -> None:
    world.board.deaf_to = {VENDOR}
    world.a_bill("a")
    with pytest.raises(UnexpectedReply, match=f"create a: .*task 5001 does not show field '{VENDOR}'"):
        world.run().raise_if_failed()
    assert VENDOR not in world.links.links["a"].confirmed.fields
    assert "a" not in world.links.shown_log
    world.board.deaf_to = set()
    world.run().raise_if_failed()
    assert world.task_of("a").fields[VENDOR] == "Acme"
    assert world.links.shown_log["a"]


def test_a_write_without_any_effect_is_a_failure_and_no_form_of_asanas_own(world: World) -> None:
    world.a_bill("a")
    world.run().raise_if_failed()
    world.board.deaf_to = {AMOUNT}
    world.a_bill("a", amount=Decimal("77.10"))
    with pytest.raises(UnexpectedReply, match=f"update a: .*does not show field '{AMOUNT}'"):
        world.run().raise_if_failed()
    assert not world.links.links["a"].confirmed.shown_as
    world.board.deaf_to = set()
    world.run().raise_if_failed()
    assert world.task_of("a").fields[AMOUNT] == Decimal("77.10")


def test_initial_field_that_asana_did_not_take_is_a_failure(world: World) -> None:
    world.board.deaf_to = {APPROVAL}
    world.a_bill("a")
    with pytest.raises(UnexpectedReply, match=f"field '{APPROVAL}'"):
        world.run().raise_if_failed()


def test_one_refused_task_does_not_keep_the_others_from_being_written(world: World) -> None:
    for key in ("a", "b", "c"):
        world.a_bill(key)
    world.board.refusals["b"] = Refused("Vendor: not a valid value (request id 77)")
    result = world.run()
    assert keys_failed(result) == ["b"]
    assert set(world.links.links) == {"a", "c"}
    assert world.dirty == {"a", "b", "c"}
    with pytest.raises(Refused, match=r"1 tasks failed, 2 done.*\n  - create b: Vendor: .*request id 77"):
        result.raise_if_failed()


@pytest.mark.parametrize("error", [Misconfigured("401 Not Authorized"), Refused("It needs a paid Asana plan.", code="402")])
def test_misconfiguration_stops_the_run_because_every_task_would_meet_it(world: World, error: IntacctAsanaError) -> None:
    for number in range(40):
        world.a_bill(f"k{number:02}")
        world.board.refusals[f"k{number:02}"] = error
    result = world.run(workers=1)
    assert len(result.failures) < 5
    assert len(result.failures) + result.not_started == 40
    with pytest.raises(Misconfigured, match="not started"):
        result.raise_if_failed()


def test_task_that_was_made_and_could_not_be_filled_yet_is_not_made_once_more(world: World) -> None:
    """Asana did not say what of the draft it refused, so the fields were to be written one by one."""
    world.a_bill("a")
    create, update = world.board.create_task, world.board.update_task

    def picky(project_gid: str, draft: TaskDraft) -> Task:
        if AMOUNT in draft.fields:
            raise Refused("something is wrong with it", code="400")
        return create(project_gid, draft)

    def busy(*args: object, **kwargs: object) -> None:
        raise TryLater("429 Too Many Requests")

    world.board.create_task, world.board.update_task = picky, busy
    with pytest.raises(OutcomeUnknown, match="was made, and not filled yet"):
        world.run().raise_if_failed()
    world.board.create_task, world.board.update_task = create, update
    world.run().raise_if_failed()
    assert [task.gid for task in world.with_key("a")] == [world.links.links["a"].task_gid]
    assert world.task_of("a").fields[AMOUNT] == world.bills["a"].amount


def test_deleted_task_of_a_changed_bill_is_made_anew(world: World) -> None:
    world.a_bill("a")
    world.run()
    del world.board.there[world.links.links["a"].task_gid]
    world.change("a", amount=Decimal("5.00"))
    world.run().raise_if_failed()
    assert world.task_of("a").fields[AMOUNT] == Decimal("5.00")


def test_deleted_task_of_a_paid_bill_is_not_made_anew(world: World) -> None:
    world.a_bill("a")
    world.run()
    del world.board.there[world.links.links["a"].task_gid]
    world.change("a", state="paid")
    world.run().raise_if_failed()
    assert world.board.there == {}


def test_deleted_task_of_a_deleted_bill_is_not_made_anew_to_tell_of_it(world: World) -> None:
    world.a_bill("a")
    world.run()
    del world.board.there[world.links.links["a"].task_gid]
    world.vanish("a")
    assert world.writes_of(full=True) == []
    assert world.links.intents == {}
    assert world.writes_of(full=True) == []


def test_hidden_key_is_put_back_instead_of_a_second_task_being_made(world: World) -> None:
    world.a_bill("a")
    world.run()
    gid = world.links.links["a"].task_gid
    world.board.edit(gid, fields={KEY: None})
    world.run(full=True).raise_if_failed()
    assert list(world.board.there) == [gid]
    assert world.task_of("a").fields[KEY] == "a"


def a_task_away(world: World, to: tuple[str, ...]) -> str:
    """A bill's task that left the project, for another one or none."""
    world.a_bill("a")
    world.run()
    gid = world.links.links["a"].task_gid
    world.board.edit(gid, project_gids=to)
    world.board.writes.clear()
    return gid


@pytest.mark.parametrize("to", [(), ("another",)], ids=["in none", "in another"])
@pytest.mark.parametrize("change", [{"amount": Decimal("5.00")}, {"state": "paid"}, {}], ids=["a field", "paid", "nothing"])
def test_task_that_left_the_project_is_put_back_and_written(
    world: World, to: tuple[str, ...], change: dict[str, object]
) -> None:
    """A full pass made a second one, or was refused with every run, as an incremental one was."""
    gid = a_task_away(world, to)
    world.change("a", **change)
    report = world.run(full=not change)
    report.raise_if_failed()
    assert list(world.board.there) == [gid]
    assert PROJECT in world.task_of("a").project_gids
    assert world.task_of("a").fields[AMOUNT] == world.bills["a"].amount
    assert world.task_of("a").completed == (world.bills["a"].state == "paid")
    assert report.said == {"put back": [f"a: task {gid} had left the project and was put back into it"]}
    assert world.board.writes.count(f"put back {gid}") == 1


@pytest.mark.parametrize("full", [False, True], ids=["what changed", "everything"])
def test_task_that_may_not_be_put_back_fails_in_one_sentence_and_is_owed(world: World, full: bool) -> None:
    gid = a_task_away(world, ())
    world.a_bill("b")
    world.run()
    world.board.closed_to_us = True
    world.change("a", amount=Decimal("5.00"))
    world.change("b", amount=Decimal("6.00"))
    report = world.run(full=full)
    [failure] = report.failures
    assert isinstance(failure.error, NotPutBack)
    assert failure.error.message.startswith(f"task {gid} of a left project {PROJECT} and could not be put back (403 ")
    assert "preflight" not in failure.error.message
    assert world.task_of("b").fields[AMOUNT] == Decimal("6.00")
    assert len(world.board.there) == 2
    # The cursor went past it, and still the next run brings it.
    world.board.closed_to_us = False
    world.dirty.clear()
    world.run().raise_if_failed()
    assert world.board.there[gid].fields[AMOUNT] == Decimal("5.00")
    assert world.links.intents == {}


def test_plan_older_than_the_task_writes_no_old_amounts_and_leaves_it_to_the_next_run(world: World) -> None:
    world.a_bill("a")
    world.run()
    world.change("a", amount=Decimal("5.00"))
    old = world.plan()
    world.change("a", amount=Decimal("6.00"))
    world.run().raise_if_failed()
    late = world.apply(old)
    late.raise_if_failed()
    assert (late.writes, [*late.said]) == (0, ["left to the next run"])
    assert world.task_of("a").fields[AMOUNT] == Decimal("6.00")
    assert [one.subject for one in world.links.intents.values()] == ["a"], "whoever comes next reads it again"
    world.run().raise_if_failed()
    assert world.links.intents == {}


def test_the_older_of_two_plans_that_is_carried_out_first_hides_nothing_of_the_newer(world: World) -> None:
    world.a_bill("a")
    world.run()
    world.change("a", amount=Decimal("5.00"))
    older = world.plan()
    world.change("a", amount=Decimal("6.00"))
    newer = world.plan()
    world.apply(older).raise_if_failed()
    world.apply(newer).raise_if_failed()
    world.run().raise_if_failed()
    assert world.task_of("a").fields[AMOUNT] == Decimal("6.00")


def test_plan_applied_twice_writes_once(world: World) -> None:
    world.a_bill("a")
    plan = world.plan()
    world.apply(plan).raise_if_failed()
    again = world.apply(plan)
    again.raise_if_failed()
    assert (again.writes, again.already_done) == (0, 1)
    assert world.board.writes == ["create a"]


def test_task_that_stands_for_another_bill_is_not_taken_over(world: World) -> None:
    world.a_bill("a")
    world.run()
    world.a_bill("b")
    record = world.wanted("b")
    theft = Adopt(
        key="b",
        record_no="1",
        amount=record.amount,
        reason="",
        desired=record.draft,
        actual=world.task_of("a"),
        changed=("name",),
    )
    with pytest.raises(Refused, match="stands for a; correct its key field"):
        world.apply(Plan(actions=(theft,))).raise_if_failed()
    assert world.task_of("a").name == "Acme a"


def test_work_is_done_side_by_side(world: World) -> None:
    for key in ("a", "b"):
        world.a_bill(key)
    both = threading.Barrier(2, timeout=5)
    create = world.board.create_task

    def together(project_gid: str, draft: TaskDraft) -> Task:
        both.wait()
        return create(project_gid, draft)

    world.board.create_task = together
    world.run(workers=2).raise_if_failed()


def test_interruption_comes_out_at_once_and_what_was_saved_stays(world: World) -> None:
    for number in range(20):
        world.a_bill(f"k{number:02}")
    release = threading.Event()
    create = world.board.create_task

    def slow_after_the_second(project_gid: str, draft: TaskDraft) -> Task:
        if draft.key not in ("k00", "k01"):
            release.wait(timeout=8)
        return create(project_gid, draft)

    save = world.links.save

    def interrupted(*args: object, **kwargs: object) -> None:
        if world.links.links:
            raise KeyboardInterrupt
        save(*args, **kwargs)

    world.board.create_task, world.links.save = slow_after_the_second, interrupted
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        world.run(workers=2)
    assert time.monotonic() - started < 4
    assert len(world.links.links) == 1
    release.set()
    time.sleep(0.2)
    assert len(world.board.writes) <= 5, "calls that had not started went out after the interruption"
    world.board.create_task, world.links.save = create, save
    world.run().raise_if_failed()
    assert len(world.board.there) == 20


def test_fault_of_our_own_code_is_not_swallowed(world: World) -> None:
    world.a_bill("a")

    def broken(*args: object) -> None:
        raise ZeroDivisionError

    world.board.create_task = broken
    with pytest.raises(ZeroDivisionError):
        world.run()


def failed(*errors: Exception) -> Report:
    return Report(failures=[Failure(key=f"k{number}", kind="update", error=error) for number, error in enumerate(errors)])


def test_summary_error_is_the_one_that_says_what_to_do_next() -> None:
    with pytest.raises(TryLater) as later:
        failed(Refused("no"), TryLater("busy", wait_seconds=5), TryLater("busier", wait_seconds=60)).raise_if_failed()
    assert later.value.wait_seconds == 60
    assert str(later.value).index("update k1: busy") < str(later.value).index("update k0: no")
    problem = Problem(where="asana_default", what="token refused")
    with pytest.raises(Misconfigured) as wrong:
        failed(TryLater("busy"), Misconfigured("401", problems=(problem,))).raise_if_failed()
    assert wrong.value.problems == (problem,)
    with pytest.raises(OutcomeUnknown):
        failed(TryLater("busy"), OutcomeUnknown("no answer")).raise_if_failed()
    failed().raise_if_failed()


def test_long_list_of_failures_names_the_first_few() -> None:
    with pytest.raises(Refused, match="and 7 more"):
        failed(*[Refused("no")] * 12).raise_if_failed()


def test_progress_is_told_while_it_writes(world: World) -> None:
    for number in range(10):
        world.a_bill(f"k{number:03}")
    told: list[str] = []
    seconds = itertools.count(0, 5)
    world.apply(world.plan(), now=lambda: world.wire.now() + timedelta(seconds=next(seconds)), on_progress=told.append)
    assert told
    assert all(re.match(r"\d+ of 10 tasks dealt with, \d+ to do, \d+ a minute, .+ left", line) for line in told)
