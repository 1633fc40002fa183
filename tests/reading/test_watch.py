"""How a watcher waits, and what it takes for news."""

from __future__ import annotations

from intacct_asana.errors import Misconfigured, TryLater
from intacct_asana.reading.watch import Watch
from intacct_asana.records import Event, EventPage

BOT, ALICE = "100", "101"


def an_event(task: str, *, user: str | None = ALICE, kind: str = "task") -> Event:
    if kind == "story":
        return Event(
            action="added", resource_gid="9", resource_type="story", parent_gid=task, parent_type="task", user_gid=user
        )
    return Event(action="changed", resource_gid=task, resource_type=kind, user_gid=user)


def a_page(*events: Event, reset: bool = False) -> EventPage:
    return EventPage(events=events, sync_token="t", has_more=False, reset=reset)


def a_watch() -> Watch:
    return Watch(bot_gid=BOT, poll_seconds=3, sync_token="s")


def test_tasks_count_once_however_many_events_speak_of_them() -> None:
    story, change = an_event("1", kind="story"), an_event("1")
    rule = an_event("2", user=None)
    ours, section = an_event("3", user=BOT), an_event("4", kind="section")
    assert a_watch().saw(a_page(story, change, rule, ours, section)) == 2


def test_each_failure_waits_longer_up_to_a_ceiling_and_success_starts_over() -> None:
    watch = a_watch()
    waits = []
    for _ in range(10):
        watch.failed(TryLater("no network"))
        waits.append(watch.wait_seconds)
    assert waits == [6, 12, 24, 48, 96, 192, 300, 300, 300, 300]
    watch.saw(a_page())
    assert watch.wait_seconds == 3


def test_a_wait_that_was_asked_for_is_kept_even_above_the_ceiling() -> None:
    watch = a_watch()
    watch.failed(TryLater("limit", code="429", wait_seconds=900))
    assert watch.wait_seconds == 900


def test_tokens_that_die_at_once_do_not_make_it_hurry() -> None:
    watch = Watch(bot_gid=BOT, poll_seconds=3)
    waits = []
    for _ in range(4):
        assert watch.saw(a_page(reset=True)) == 0
        waits.append(watch.wait_seconds)
    assert waits == [3, 6, 12, 24]


def test_each_kind_of_trouble_is_told_once_until_it_is_over() -> None:
    watch = a_watch()
    errors = [TryLater("a"), TryLater("b"), Misconfigured("c", code="401"), TryLater("d"), ValueError("e")]
    assert [watch.failed(error) for error in errors] == [True, False, True, False, True]
    assert not watch.recovered()
    watch.saw(a_page())
    assert watch.recovered()
    assert not watch.recovered()
    assert watch.failed(TryLater("a"))
