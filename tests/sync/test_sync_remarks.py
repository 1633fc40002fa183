"""News about a bill is a comment on its task: one, after the task shows it, and found again when its answer was lost."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from intacct_asana.codec import from_json, to_json
from intacct_asana.errors import Misconfigured, OutcomeUnknown, Refused
from intacct_asana.records import Link, Story, TaskDraft
from intacct_asana.records.remarks import comment_with, last_said, reference, reference_of
from intacct_asana.sync import Close, Leave, Plan, Update, plan_records
from intacct_asana.sync.plan import Reopen

from tests.sync.sync_world import AMOUNT, BOT, World, remark, wanted


@pytest.fixture
def world() -> World:
    """One bill with an open task and nothing told yet."""
    world = World()
    world.a_bill("a")
    world.run().raise_if_failed()
    return world


def gid_of(world: World) -> str:
    return world.links.links["a"].task_gid


def decide(before: TaskDraft | None, now: TaskDraft, *, in_scope: bool = True) -> Update | Leave:
    link = Link(key="a", task_gid="501", record_no="r", confirmed=before)
    record = replace(wanted("a"), draft=now, in_scope=in_scope)
    (action,) = plan_records({"a": record}, links={"a": link}, found=None).actions
    return action


def test_news_is_told_in_one_comment_and_the_next_run_is_silent(world: World) -> None:
    world.change("a", news="paid")
    assert world.writes_of() == [f"comment {gid_of(world)}"]
    assert world.comments_of("a") == [remark("paid")]
    assert world.writes_of(full=True) == []


def test_comment_comes_after_the_task_shows_what_it_speaks_of(world: World) -> None:
    world.change("a", news="paid", state="paid")
    assert world.writes_of() == ["update a", f"comment {gid_of(world)}"]
    assert world.task_of("a").completed


def test_new_task_gets_no_comment_because_it_shows_everything_itself(world: World) -> None:
    world.a_bill("b", news="part")
    world.run().raise_if_failed()
    assert world.comments_of("b") == []
    world.change("b", news="paid")
    world.run().raise_if_failed()
    assert world.comments_of("b") == [remark("paid")]


def test_task_taken_over_and_task_made_anew_get_no_comment(world: World) -> None:
    world.change("a", news="part")
    world.links.links.clear()
    world.run(full=True).raise_if_failed()
    assert world.comments_of("a") == []
    del world.board.there[gid_of(world)]
    world.change("a", news="paid")
    world.run().raise_if_failed()
    assert world.with_key("a")
    assert world.comments_of("a") == []


def test_nothing_to_say_moves_no_task() -> None:
    said = replace(wanted("a").draft, remark=remark("part"))
    assert isinstance(decide(said, wanted("a").draft), Leave)
    assert isinstance(decide(said, said), Leave)
    other_words = replace(said, remark="As of now: part\nReference: news-part")
    assert isinstance(decide(said, other_words), Leave)


def test_news_that_takes_back_is_told_only_where_something_was_said() -> None:
    nothing = replace(wanted("a").draft, remark="Nothing is paid.\nReference: news-none")
    assert isinstance(decide(wanted("a").draft, nothing), Leave)
    said = replace(wanted("a").draft, remark=remark("part"))
    assert decide(said, nothing).changed == ("remark",)
    # Something else was said last, such as that the bill was gone.
    assert isinstance(decide(replace(said, remark="It is gone.\nReference: gone-41"), nothing), Leave)


def test_closing_and_reopening_carry_the_news() -> None:
    unpaid, paid = wanted("a").draft, wanted("a", state="paid", news="paid").draft
    void = replace(unpaid, remark=remark("void"))
    closing, opening = decide(unpaid, paid), decide(paid, void)
    assert (type(closing), "remark" in closing.changed) == (Close, True)
    assert (type(opening), "remark" in opening.changed) == (Reopen, True)


def test_news_about_a_closed_task_is_told_and_leaves_it_closed() -> None:
    closed = replace(wanted("a", state="void", news="paid").draft, completed=True)
    again = replace(closed, completed=False, remark=remark("repaid"))
    action = decide(closed, again, in_scope=False)
    assert (type(action), action.changed) == (Update, ("remark",))
    assert action.desired.completed
    # Nothing was ever told about it: a first look at old bills is not news.
    assert isinstance(decide(replace(closed, remark=""), again, in_scope=False), Leave)


def test_closed_task_of_which_nothing_that_was_told_holds_any_more_is_put_right_once() -> None:
    """A paid bill whose payment was voided, and which was reversed then, before anybody looked."""
    closed = replace(wanted("a", state="void", news="paid").draft, completed=True)
    owed = replace(wanted("a", state="void", amount=Decimal(0)).draft, remark="")
    action = decide(closed, owed, in_scope=False)
    assert isinstance(action, Update)
    assert f"field:{AMOUNT}" in action.changed
    assert not {"completed", "remark"} & {*action.changed}
    assert isinstance(decide(action.desired, owed, in_scope=False), Leave)
    never_paid = replace(closed, remark="Nothing is paid.\nReference: news-none")
    assert isinstance(decide(never_paid, owed, in_scope=False), Leave)


def test_comment_whose_answer_was_lost_is_found_and_not_written_again(world: World) -> None:
    world.change("a", news="paid")
    world.wire.revive(cut_at=calls_until(world, "comment"), moment="lost")
    world.run(workers=1).raise_if_failed()
    world.wire.revive()
    assert world.writes_of() == []
    assert world.comments_of("a") == [remark("paid")]
    assert world.links.links["a"].confirmed.remark == remark("paid")


def calls_until(world: World, method: str) -> int:
    """The number of the call to the board's `method` in the next run, which is not carried out."""
    numbers: list[int] = []
    before = getattr(world.board, method)

    def noted(*args: object) -> None:
        numbers.append(world.wire.count + 1)
        raise Refused("only counting")

    setattr(world.board, method, noted)
    world.wire.revive()
    world.run(workers=1)
    setattr(world.board, method, before)
    return numbers[0]


def test_plan_whose_comment_failed_is_finished_by_applying_it_again(world: World) -> None:
    world.change("a", amount=Decimal("5.00"), news="paid")
    plan = world.plan()
    say = world.board.comment

    def busy(task_gid: str, text: str) -> Story:
        raise OutcomeUnknown("no answer")

    world.board.comment = busy
    failed = world.apply(plan)
    with pytest.raises(OutcomeUnknown):
        failed.raise_if_failed()
    assert world.task_of("a").fields[AMOUNT] == Decimal("5.00")
    # Nobody can say yet that all of it arrived, so a choice made now is checked against what the task showed before.
    assert world.links.shown_log["a"][-1][1] != world.wanted("a").snapshot
    world.board.comment = say
    # Airflow retries the step with the plan it has.
    world.apply(plan).raise_if_failed()
    assert world.board.writes == ["create a", "update a", f"comment {gid_of(world)}"]
    assert world.links.shown_log["a"][-1][1] == world.wanted("a").snapshot
    again = world.apply(plan)
    assert (again.already_done, again.failures) == (1, [])


def test_news_that_holds_again_is_told_again(world: World) -> None:
    for news in ("paid", "void", "paid"):
        world.change("a", news=news)
        world.run().raise_if_failed()
    assert world.comments_of("a") == [remark("paid"), remark("void"), remark("paid")]


def test_only_our_own_comment_that_ends_with_the_reference_counts_as_said(world: World) -> None:
    mark = reference("news-paid")
    world.board.say(gid_of(world), f"Now: paid\n{mark}")
    world.board.say(gid_of(world), f"{mark} is what they wrote", author=BOT)
    world.change("a", news="paid")
    world.run().raise_if_failed()
    assert world.comments_of("a")[-1] == remark("paid")


def test_comment_without_a_reference_or_an_author_is_refused_instead_of_doubled(world: World) -> None:
    world.change("a", news="paid")
    (action,) = world.plan().writing
    unmarked = replace(action, desired=replace(action.desired, remark="paid"))
    with pytest.raises(Misconfigured, match="no reference line"):
        world.apply(Plan(actions=(unmarked,))).raise_if_failed()
    with pytest.raises(Misconfigured, match="run preflight"):
        world.apply(world.plan(), bot_gid="").raise_if_failed()
    assert world.comments_of("a") == []


def test_deleted_task_with_news_alone_is_made_anew_and_a_closed_one_is_not(world: World) -> None:
    del world.board.there[gid_of(world)]
    world.change("a", news="paid")
    world.run().raise_if_failed()
    assert world.task_of("a")
    assert world.comments_of("a") == []


def test_draft_stored_before_there_were_remarks_reads_as_one_without() -> None:
    text = to_json(wanted("a", news="paid").draft)
    assert from_json(TaskDraft, text).remark == remark("paid")
    body = json.loads(text)
    del body["remark"]
    assert from_json(TaskDraft, json.dumps(body)).remark == ""


def test_reference_is_the_line_that_ends_the_text(world: World) -> None:
    assert reference_of("Paid.\nReference: pay-1\n") == "Reference: pay-1"
    assert reference_of("Reference: pay-1\nPaid.") == ""
    mine = [world.board.say("9", f"said\n{reference(one)}", author=BOT) for one in ("pay-1", "dec-1", "pay-2", "dec-2")]
    assert last_said("Reference: pay-1", mine, author_gid=BOT) == "Reference: pay-2"
    assert last_said("Reference: gone-1", mine, author_gid=BOT) == ""
    assert comment_with("Reference: pay-1", mine, author_gid=BOT) == mine[0].gid
