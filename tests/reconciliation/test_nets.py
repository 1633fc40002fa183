"""Where decisions are looked for: events, the listing by time of change, the crawl; and what each of them costs."""

from __future__ import annotations

from typing import Any

import pytest
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.records import DecisionState

from sandbox import constants
from tests.reconciliation.reconciliation_world import ALICE, BEN

pytestmark = pytest.mark.airflow
TOKEN = f"asana_events:{constants.BILLS_PROJECT_GID}"


@pytest.fixture
def world(a_world: Any) -> Any:
    """Read once, and everything that happened so far is long ago."""
    made = a_world(bills=2)
    made.run()
    made.pass_time(minutes=30)
    return made


def set_back(world: Any) -> None:
    world.choose(ALICE, "Approved")
    world.choose(ALICE, "Pending")


def rules(world: Any, bill: int = 0) -> list[str]:
    return [one.rule for one in world.decisions(bill)]


# What brings a choice to light.


def test_an_event_that_cannot_be_read_has_the_whole_project_looked_at_and_the_cursor_moves(world: Any) -> None:
    world.sandbox.fault("asana", "event *", "odd_event", times=100)
    set_back(world)
    report = world.run()
    assert (report["unreadable_events"] > 0, report["full_crawl"]) == (True, True)
    assert rules(world) == ["withdrawn"]
    world.sandbox.clear_faults()
    again = world.run()
    assert (again["unreadable_events"], again["full_crawl"]) == (0, False)


def test_events_without_an_end_do_not_keep_a_run_from_its_own(world: Any) -> None:
    """What is left of them is for the next run, which goes on where this one stopped."""
    world.sandbox.settings(asana_events_never_end=True)
    world.choose(ALICE, "Approved")
    world.run()
    assert [one.state for one in world.decisions(0)] == [DecisionState.CONFIRMED]
    world.sandbox.settings(asana_events_never_end=False)
    assert world.run()["full_crawl"] is False


def test_a_choice_set_back_whose_events_were_lost_is_seen(world: Any) -> None:
    world.lose_events()
    set_back(world)
    world.run()
    assert rules(world) == ["withdrawn"]


def test_a_choice_that_stands_is_seen_behind_our_own_later_write(world: Any) -> None:
    world.lose_events()
    world.choose(BEN, "Approved")
    world.edit_bill("600.00")
    world.sync()
    world.run()
    assert rules(world) == ["unchanged since shown"]


def test_a_choice_set_back_behind_our_own_later_write_is_seen_by_its_story_events(world: Any) -> None:
    world.sandbox.settings(asana_task_changed_events=False)
    set_back(world)
    world.edit_bill("600.00")
    world.sync()
    world.run()
    assert rules(world) == ["withdrawn"]


def test_what_events_and_listing_both_missed_is_seen_by_the_next_crawl(world: Any) -> None:
    world.lose_events()
    set_back(world)
    world.edit_bill("600.00")
    world.sync()
    assert world.run()["full_crawl"] is False
    assert rules(world) == []
    world.pass_time(hours=24)
    assert world.run()["full_crawl"] is True
    assert rules(world) == ["withdrawn"]


def test_a_choice_on_a_task_that_left_the_project_for_a_while_is_seen_by_the_next_crawl(world: Any) -> None:
    world.lose_events()
    task = world.task()["gid"]
    world.choose(ALICE, "Approved")
    world.act(ALICE, "move", project=constants.VENDORS_PROJECT_GID, section="Untitled section")
    world.act(ALICE, "remove", project=constants.BILLS_PROJECT_GID)
    world.pass_time(minutes=30)
    world.act(BEN, "comment", bill=1, text="Something else, later")
    world.run()
    back = {"project": constants.BILLS_PROJECT_GID, "section": "Untitled section"}
    world.sandbox.act("asana", ALICE, "move", task=task, **back)
    world.run()
    assert rules(world) == []
    world.pass_time(hours=24)
    world.run()
    assert world.decisions()[0].state is DecisionState.CONFIRMED


def test_the_flow_says_how_often_the_whole_project_is_looked_at(a_world: Any) -> None:
    world = a_world(approval="  crawl_hours: 2")
    crawls = []
    for _ in range(4):
        crawls.append(world.run()["full_crawl"])
        world.pass_time(hours=1)
    assert crawls == [True, False, True, False]


def test_a_first_a_bad_and_an_expired_token_are_followed_by_a_look_at_everything(world: Any) -> None:
    assert world.run()["full_crawl"] is False
    for spoil in (lambda: world.sandbox.fault("asana", "GET /events", "expire_tokens"), lambda: spoil_token(world)):
        spoil()
        set_back(world)
        assert world.run()["full_crawl"] is True
        world.pass_time(minutes=20)
    assert rules(world) == ["withdrawn", "withdrawn"]


def spoil_token(world: Any) -> None:
    from intacct_asana.records import Cursor

    world.store.save_cursor(Cursor(name=TOKEN, value="garbage"))


def test_more_than_a_page_of_events_is_read_to_its_end(world: Any) -> None:
    for number in range(60):
        world.sandbox.act("asana", BEN, "rename", task=world.task(1)["gid"], name=f"n{number}")
    set_back(world)
    world.edit_bill("600.00")
    world.sync()
    assert world.run()["events"] > 100
    assert rules(world) == ["withdrawn"]


# What a look costs.


def test_tasks_that_changed_long_ago_are_not_listed_again_and_again(world: Any) -> None:
    world.act(BEN, "comment", text="Seen once")
    assert world.run()["tasks_listed"] > 0
    for minutes in (15, 1, 1):
        world.pass_time(minutes=minutes)
        listed = world.run()["tasks_listed"]
    assert listed == 0


def test_tasks_that_we_made_or_changed_ourselves_are_not_read(a_world: Any) -> None:
    world = a_world(bills=5)
    assert world.story_reads(world.run) == 0
    world.pass_time(minutes=30)
    for bill in range(5):
        world.edit_bill("700.00", bill=bill)
    assert world.sync()["counts"]["update"] == 5
    result: dict[str, Any] = {}
    assert world.story_reads(lambda: result.update(world.run())) == 0
    assert result["events"] > 0


def test_a_crawl_reads_what_changed_since_it_was_read_and_nothing_else(world: Any) -> None:
    world.edit_bill("700.00")
    world.sync()
    world.pass_time(hours=25)
    assert world.story_reads(world.run) == 1
    world.pass_time(hours=25)
    assert world.story_reads(world.run) == 0


def test_a_decided_bill_is_read_until_its_history_has_settled_and_then_no_more(world: Any) -> None:
    world.choose(ALICE, "Approved")
    world.run()
    for _ in range(4):
        world.pass_time(minutes=5)
        world.run()
    assert world.story_reads(world.run) == 0
    # The daily look compares the anchors in our comments with the evidence.
    world.pass_time(hours=25)
    assert world.story_reads(world.run) == 1
    assert world.story_reads(world.run) == 0


# What goes wrong while looking.


def test_the_token_moves_only_after_what_it_stands_for_was_dealt_with(world: Any) -> None:
    before = world.store.cursor(TOKEN)
    set_back(world)
    world.edit_bill("600.00")
    world.sync()
    world.sandbox.fault("asana", "GET /tasks/{gid}/stories", "html", times=9)
    with pytest.raises(IntacctAsanaError, match="1 readings of tasks failed"):
        world.read()
    assert world.store.cursor(TOKEN) == before
    world.sandbox.clear_faults()
    world.run()
    assert rules(world) == ["withdrawn"]


def test_one_task_that_cannot_be_read_does_not_hide_the_others(world: Any) -> None:
    world.choose(ALICE, "Approved")
    world.choose(ALICE, "Approved", bill=1)
    world.sandbox.fault("asana", "GET /tasks/{gid}/stories", "html")
    with pytest.raises(IntacctAsanaError, match="1 readings of tasks failed"):
        world.read()
    assert len(world.decisions(0) + world.decisions(1)) == 1
    world.run()
    assert len(world.decisions(0)) == len(world.decisions(1)) == 1


@pytest.mark.parametrize("status", [404, 403])
def test_a_task_that_is_gone_stops_nothing(world: Any, status: int) -> None:
    world.sandbox.settings(asana_trashed_task=status)
    world.choose(ALICE, "Approved")
    world.choose(ALICE, "Approved", bill=1)
    world.act(ALICE, "delete")
    world.run()
    assert (len(world.decisions(0)), len(world.decisions(1))) == (0, 1)


def test_a_rule_s_choice_is_refused_in_words(world: Any) -> None:
    world.choose("rule", "Approved")
    world.run()
    assert rules(world) == ["a person decides"]
    assert "a rule or the system did" in world.comments()[0]
    assert world.task()["fields"]["Approval"] == "Pending"


def test_a_choice_without_a_story_is_refused_once_it_is_clear_that_none_will_come(world: Any) -> None:
    world.sandbox.fault("asana", "story enum_custom_field_changed", "drop_story")
    world.choose(ALICE, "Approved")
    world.run()
    assert world.comments() == []
    world.pass_time(minutes=11)
    world.run()
    assert "Asana has no record of who chose it" in world.comments()[0]
    assert world.task()["fields"]["Approval"] == "Pending"
    world.pass_time(minutes=11)
    world.run()
    assert len(world.comments()) == 1
