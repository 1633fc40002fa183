"""Where the next run goes on, and what is said of a task that is gone."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from intacct_asana.reading.choices import Hints, Loss, Places
from intacct_asana.records import Event, EventPage

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


def deleted(gid: str = "7", *, by: str | None = "1", at: datetime | None = AT) -> Event:
    return Event(action="deleted", resource_gid=gid, resource_type="task", user_gid=by, created_at=at)


@pytest.mark.parametrize(("token", "at", "away"), product(["", "abc"], [None, AT], [frozenset[str](), frozenset({"1", "22"})]))
def test_cursors_bring_back_the_places_that_they_were_made_of(token: str, at: datetime | None, away: frozenset[str]) -> None:
    places = Places(project_gid="5", sync_token=token, seen_until=at, crawled_at=at, away=away)
    assert Places.of("5", {cursor.name: cursor.value for cursor in places.cursors()}) == places


def test_a_store_without_cursors_knows_no_place() -> None:
    assert Places.of("5", {}) == Places(project_gid="5")


def test_deletions_are_noted_whoever_did_them_and_our_own_changes_are_no_hint() -> None:
    hints = Hints(bot_gid="9")
    ours = Event(action="changed", resource_gid="8", resource_type="task", user_gid="9")
    hints.take(EventPage(events=(deleted(), deleted("6", by="9"), ours), sync_token="t"))
    assert (sorted(hints.deleted), hints.touched, hints.sync_token, hints.events) == (["6", "7"], {"7"}, "t", 3)


def test_a_loss_is_known_by_its_event_and_one_without_an_event_by_its_task() -> None:
    loss, unnamed = Loss(key="k", task_gid="7", event=deleted()), Loss(key="k", task_gid="7")
    assert not loss.is_noted([])
    assert loss.is_noted([loss.facts])
    assert not loss.is_noted([Loss(key="k", task_gid="7", event=deleted(by="2")).facts])
    assert not loss.is_noted([unnamed.facts])
    assert unnamed.is_noted([loss.facts])
    assert not unnamed.is_noted([Loss(key="k", task_gid="8", event=deleted("8")).facts, {"about": "vendor field"}])


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (
            Loss(key="k", task_gid="7", event=deleted(), read_until=AT),
            "Task 7 of k was deleted by user 1 at 2026-11-23 08:00 UTC; "
            "what was chosen on it since 2026-11-23 08:00 UTC cannot be read.",
        ),
        (
            Loss(key="k", task_gid="7", event=deleted(by=None, at=None)),
            "Task 7 of k was deleted by nobody that Asana names; what was chosen on it cannot be read.",
        ),
        (
            Loss(key="k", task_gid="7"),
            "Task 7 of k is deleted or hidden, and no event tells by whom; what was chosen on it cannot be read.",
        ),
    ],
)
def test_a_loss_says_who_when_and_since_when(loss: Loss, said: str) -> None:
    assert str(loss) == said
