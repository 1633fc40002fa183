"""What people wrote on a call-back: who may have written what, and what comes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from intacct_asana.controls.callback import Desk, Judged, ended_words, judged, masked
from intacct_asana.records import Person, Story
from intacct_asana.records.payee import PayeeChange, PayeeState, What

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
PEOPLE = {"1": "alice@x.example", "2": "ben@x.example", "3": "mia@x.example", "4": "gus@x.example"}
LOGINS = {"ben@x.example": ("bokafor",), "mia@x.example": ("mgarcia",)}
CHANGE = PayeeChange(
    change_id="pay-1", vendor_ids=("V1",), at_text="11/23/2026 09:00:00", at=NINE, by="mgarcia", what=What.DETAILS
)
CALL = "called: Jo Lee at Contoso, number from the contract of 2021, 2026-11-23 10:15, confirmed"


def a_person(gid: str) -> Person | None:
    return Person(gid=gid, name=f"P{gid}", email=PEOPLE[gid], is_guest=gid == "4") if gid in PEOPLE else None


DESK = Desk(
    bot_gid="9",
    sources=("web",),
    releasers={"2": "ben@x.example", "3": "mia@x.example"},
    logins=lambda email: LOGINS.get(email, ()),
    person=a_person,
)


def said(*comments: Any, change: PayeeChange = CHANGE, desk: Desk = DESK) -> Judged:
    """Comments as (gid of the author, text) or (author, text, what else), one a minute."""
    stories = []
    for place, (who, text, *more) in enumerate(comments):
        how: dict[str, Any] = {"source": "web", "author_kind": "user", "html": f"<body>{text}</body>", "is_edited": False}
        how |= more[0] if more else {}
        at = NINE + timedelta(minutes=place + 1)
        story = Story(gid=f"s{place}", created_at=at, author_gid=who, author_name=f"P{who}", kind="comment_added", text=text)
        stories.append(replace(story, **how))
    return judged(change, stories, desk)


def test_one_calls_and_a_second_one_releases() -> None:
    result = said(("1", CALL), ("2", "release"))
    change = result.change
    assert (change.state, change.ended_by, change.ended_story, result.answers) == (PayeeState.RELEASED, PEOPLE["2"], "s1", {})
    assert change.call
    told = (change.call.whom, change.call.number_from, change.call.when, change.call.outcome, change.call.by_gid)
    assert told == ("Jo Lee at Contoso", "number from the contract of 2021", "2026-11-23 10:15", "confirmed", "1")
    words = ended_words(change, bills=2)
    assert words == "Released by ben@x.example at 2026-11-23 09:02 UTC, after the call by P1. 2 bills go on."


@pytest.mark.parametrize(
    ("comments", "why"),
    [
        ([("1", "called: Jo, yesterday")], "all four"),
        ([("3", CALL)], "changed the vendor in Intacct (mgarcia), so somebody else has to call"),
        ([("2", "release")], "Nobody noted a call yet"),
        ([("2", CALL), ("2", "release")], "made the call, so a second person has to release"),
        ([("1", CALL), ("1", "release")], "is not among those who may say so: ben@x.example, mia@x.example"),
        ([("1", CALL), ("3", "release")], "changed the vendor in Intacct (mgarcia), so somebody else has to release"),
        ([("1", CALL), ("2", "release", {"source": "api"})], "through 'api'"),
        ([("1", CALL), ("2", "release", {"source": ""})], "from where Asana does not say"),
        ([("1", CALL, {"source": "api"}), ("2", "release")], "through 'api'"),
        ([("1", CALL), ("2", "release", {"is_edited": True})], "changed after it was written"),
        ([("1", CALL), ("2", "release", {"is_edited": None})], "does not tell whether"),
        ([("1", CALL), ("2", "release", {"html": ""})], "does not show how it looks"),
        ([("1", CALL), ("2", "release", {"author_kind": "app"})], "does not show that a person"),
        ([(None, CALL)], "does not show that a person"),
        ([("4", CALL)], "member of this workspace and no guest"),
        ([("7", CALL)], "member of this workspace and no guest"),
        ([("2", "confirmed fraud")], "Please say why"),
        ([("1", "confirmed fraud: odd voice")], "is not among those"),
    ],
)
def test_whatever_is_not_so_is_answered_once(comments: list[Any], why: str) -> None:
    result = said(*comments)
    assert result.change.state is PayeeState.OPEN
    assert why in next(iter(result.answers.values()))
    assert said(*comments, change=result.change).answers == {}


def test_who_changed_it_has_to_be_known_before_anybody_releases() -> None:
    result = said(("1", CALL), ("2", "release"), change=replace(CHANGE, by=""))
    assert result.change.state is PayeeState.OPEN
    assert "Have the vendor saved again" in result.answers["s1"]


def test_an_address_that_moved_to_another_account_releases_nothing() -> None:
    desk = replace(DESK, releasers={"2": "carla@x.example"})
    assert said(("1", CALL), ("2", "release"), desk=desk).change.state is PayeeState.OPEN


def test_the_last_call_counts_and_one_that_was_taken_back_is_none() -> None:
    """Ben called too, so Ben does not release; Alice's deleted note is no call."""
    assert said(("1", CALL), ("2", CALL), ("2", "release")).change.state is PayeeState.OPEN
    assert said(("2", CALL), ("1", CALL), ("2", "release")).change.state is PayeeState.RELEASED
    noted = said(("1", CALL)).change
    assert said(("2", "release"), change=noted).change.state is PayeeState.OPEN


def test_fraud_and_what_is_kept_held_release_nothing() -> None:
    result = said(("1", CALL), ("2", "confirmed fraud: nobody there knows of it"), ("2", "release"))
    assert (result.change.state, result.change.why) == (PayeeState.FRAUD, "nobody there knows of it")
    kept = said(("1", CALL), ("2", "keep held"))
    assert (kept.change.state, len(kept.kept)) == (PayeeState.OPEN, 1)
    assert "keeps the bills held" in kept.answers["s1"]
    again = said(("1", CALL), ("2", "keep held"), ("2", "release"), change=kept.change)
    assert (again.change.state, again.kept, again.answers) == (PayeeState.RELEASED, [], {})


@pytest.mark.parametrize("text", ["I called them", "please release", "recalled: a, b, c, d", ""])
def test_what_is_no_declared_word_counts_for_nothing(text: str) -> None:
    result = said(("1", CALL), ("2", text))
    assert (result.change.state, result.answers) == (PayeeState.OPEN, {})


@pytest.mark.parametrize("text", ["release when you like", "called Jo, all well", "Released", "<s>release</s>"])
def test_what_nearly_is_one_counts_for_nothing_and_says_how_it_is_written(text: str) -> None:
    shown = text.removeprefix("<s>").removesuffix("</s>")
    result = said(("1", CALL), ("2", shown, {"html": f"<body>{text}</body>"}))
    assert (result.change.state, list(result.answers)) == (PayeeState.OPEN, ["s1"])
    assert "It is released by: release." in result.answers["s1"]


def test_who_is_no_approver_any_more_releases_nothing() -> None:
    result = said(("1", CALL), ("2", "release"), desk=replace(DESK, may_on=lambda email, at: False))
    assert result.answers == {"s1": "P2 was no approver on that day."}


def test_ticking_the_task_releases_nothing_and_is_said_once() -> None:
    ticked = ("2", "", {"kind": "marked_complete"})
    result = said(("1", CALL), ticked)
    assert (result.change.state, list(result.answers)) == (PayeeState.OPEN, ["s1"])
    assert "Ticking this task releases nothing" in result.answers["s1"]
    assert said(("1", CALL), ticked, ("2", "release"), change=result.change).change.state is PayeeState.RELEASED
    assert said(("9", "", {"kind": "marked_complete"})).answers == {}


def test_our_own_comments_say_nothing() -> None:
    assert said(("9", CALL), ("9", "release")).change.call is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("account 1234567890", "account •••90"),
        ("DE89 3704 0044 0532 0130 00", "DE•••00"),
        ("12-34-56 78", "•••78"),
        ("on 2026-11-23 at 10:15", "on 2026-11-23 at 10:15"),
        ("2026-11-23 10:15 with 555 0100 99", "2026-11-23 10:15 with •••99"),
        ("12.34.56.78", "•••78"),
        ("23.11.2026, 11/23/26", "23.11.2026, 11/23/26"),
        ("11/23/2026/11", "•••11"),
        ("5 bills of 2021, page 12345", "5 bills of 2021, page 12345"),
    ],
)
def test_numbers_that_look_like_an_account_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
