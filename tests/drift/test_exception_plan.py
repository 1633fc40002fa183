"""Which causes hold, and what becomes of each: tables without a store or a board."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from intacct_asana.approvals.guards.concerns import OPEN_CONCERN
from intacct_asana.exceptions import Held, causes_of, looked_at, plan_matters
from intacct_asana.exceptions.causes import ENDS, TITLES
from intacct_asana.flow.controls import DriftName, ExceptionName
from intacct_asana.records import (
    Decision,
    DecisionState,
    Intent,
    IntentState,
    Link,
    Signal,
    Snapshot,
    Story,
    Task,
    TaskDraft,
    Verdict,
)
from intacct_asana.records.concerns import Concern
from intacct_asana.records.drift import Drift
from intacct_asana.records.matters import FLOOD, Cause, Matter, MatterState, matter_id_of
from intacct_asana.records.payee import PAYEE_CHANGE

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY, BOT = "co:ap:41", "1"
LINK = Link(key=KEY, task_gid="9", record_no="41", confirmed=TaskDraft(key=KEY, name="Acme INV-41"), task_url="https://a/9")


def decision(state: DecisionState, *, rule: str = "amount within limit", number: int = 1, digest: str = "d") -> Decision:
    signal = Signal(
        task_gid="9",
        story_gid=str(number),
        verdict=Verdict.APPROVE,
        decider_gid="5",
        decider_name="Alice Martin",
        decided_at=NOON + timedelta(minutes=number),
        source="web",
    )
    return Decision(
        decision_id=f"dec-{number}",
        key=KEY,
        task_gid="9",
        task_url="https://a/9",
        record_no="41",
        signal=signal,
        shown_digest=digest,
        state=state,
        rule=rule,
        outcome="Its amount is over the limit.\nAsk Ben.",
    )


def kinds(*decisions: Decision, link: Link = LINK, shows: str = "d") -> list[str]:
    showing = {KEY: Snapshot(digest=shows, body={})}
    return [one.kind for one in causes_of(Held(decisions={KEY: decisions}, links={KEY: link}, showing=showing), at=NOON)]


def test_which_decisions_need_a_person() -> None:
    refused, parked = decision(DecisionState.REFUSED), decision(DecisionState.PARKED)
    assert kinds(parked) == ["parked"]
    assert kinds(refused) == ["refused"]
    assert kinds(decision(DecisionState.REJECTED)) == ["rejected"]
    # Decided anew, changed, closed, or nothing that anybody could do.
    assert kinds(refused, decision(DecisionState.CONFIRMED, number=2)) == []
    assert kinds(refused, decision(DecisionState.RECORDED, number=2)) == []
    assert kinds(refused, shows="another") == []
    closed = replace(LINK, confirmed=TaskDraft(key=KEY, name="x", completed=True))
    assert kinds(refused, link=closed) == []
    assert kinds(decision(DecisionState.REFUSED, rule="withdrawn")) == []
    assert kinds(decision(DecisionState.REFUSED, rule="bill exists")) == []


def test_a_refusal_in_words() -> None:
    [cause] = causes_of(Held(decisions={KEY: [decision(DecisionState.REFUSED)]}, links={KEY: LINK}), at=NOON)
    assert cause.title == "A decision was refused: Acme INV-41"
    said = "Alice Martin approved Acme INV-41, and that was not carried out: Its amount is over the limit. Ask Ben."
    assert (cause.words, cause.about, cause.task_url) == (said, KEY, "https://a/9")


def test_bills_that_are_owed_and_writes_that_fail() -> None:
    answer = {"said": "the field is locked"}
    failing = Intent(intent_id="t", kind="bill task", subject=KEY, body={}, state=IntentState.REFUSED, answer=answer)
    owed = {KEY: "no option for X", "77": "the day 00/00 is none"}
    held = Held(owed=owed, unplaced=frozenset({KEY}), failing=[failing], not_put_back={"co:ap:8": "no"})
    assert {(one.kind, one.subject) for one in causes_of(held, at=NOON)} == {
        ("unmapped", KEY),
        ("unread", "77"),
        ("unwritten", "co:ap:8"),
    }


CLOSED = replace(LINK, confirmed=TaskDraft(key=KEY, name="x", completed=True))


@pytest.mark.parametrize(
    ("blocks", "links", "found"),
    [(True, {KEY: LINK}, ["concern"]), (False, {KEY: LINK}, []), (True, {}, []), (True, {KEY: CLOSED}, [])],
)
def test_only_a_concern_that_blocks_a_bill_with_an_open_task_needs_a_person(
    blocks: bool, links: dict[str, Link], found: list[str]
) -> None:
    """Concerns are found of every bill of the company, and nobody can approve those without a task, nor release them."""
    told = {"key": KEY, "kind": "duplicate", "cause": "c", "words": "It looks like INV-40.", "found_at": NOON}
    concern = Concern(concern_id="con-1", blocks=blocks, **told)
    assert [one.kind for one in causes_of(Held(concerns=[concern], links=links), at=NOON)] == found


def test_a_decision_that_waits_for_a_concern_is_one_thing_to_see_to() -> None:
    told = {"key": KEY, "kind": "duplicate", "cause": "c", "words": "It looks like INV-40.", "found_at": NOON}
    parked = {KEY: [decision(DecisionState.PARKED)]}
    held = Held(decisions=parked, links={KEY: LINK}, concerns=[Concern(concern_id="con-1", blocks=True, **told)])
    assert [one.kind for one in causes_of(held, at=NOON)] == ["concern"]
    # Released, and carried out by the next run.
    assert kinds(decision(DecisionState.PARKED, rule=OPEN_CONCERN)) == []


def test_a_changed_vendor_is_the_work_of_its_call_back_while_there_is_one() -> None:
    told = {"key": KEY, "kind": PAYEE_CHANGE, "cause": "pay-1", "words": "The vendor changed.", "found_at": NOON}
    parked = {KEY: [decision(DecisionState.PARKED, rule=OPEN_CONCERN)]}
    held = Held(decisions=parked, links={KEY: LINK}, concerns=[Concern(concern_id="con-1", blocks=True, **told)])
    assert causes_of(replace(held, called_back=frozenset({"pay-1"})), at=NOON) == []
    [cause] = causes_of(held, at=NOON)
    assert "put right in Intacct" in cause.ends


def test_every_kind_that_a_flow_may_name_has_words() -> None:
    named = {*get_args(ExceptionName)}
    assert named == {*TITLES, FLOOD} == {*ENDS, FLOOD}
    assert {str(drift) for drift in Drift} == {*get_args(DriftName)} <= named


# What becomes of them.


def cause(number: int = 1, *, what: str = "first") -> Cause:
    told = {"title": f"title {what}", "words": f"words {what}", "ends": "it ends"}
    return Cause(kind="bypass", subject=str(number), cause=what, since=NOON, about=KEY, **told)


def known(state: MatterState, *, what: str = "first", task_gid: str = "77", number: int = 1) -> dict[str, Matter]:
    matter_id = matter_id_of("small", cause(number))
    told: dict[str, Any] = {"kind": "bypass", "title": "t", "words": "w", "opened_at": NOON, "caused_at": NOON}
    return {matter_id: Matter(matter_id=matter_id, cause=what, state=state, task_gid=task_gid, **told)}


OPEN, ACCEPTED, LEFT, ENDED = MatterState.OPEN, MatterState.ACCEPTED, MatterState.LEFT, MatterState.ENDED
TABLE: dict[str, tuple[dict[str, Matter], list[Cause], list[tuple[str, bool, MatterState]]]] = {
    "nothing, and it holds": ({}, [cause()], [("open", True, OPEN)]),
    "a task that was lost": (known(OPEN, task_gid=""), [cause()], [("open", True, OPEN)]),
    "open, and it holds": (known(OPEN), [cause()], []),
    "open, and another now": (known(OPEN, what="before"), [cause()], [("tell", True, OPEN)]),
    "open, and over": (known(OPEN), [], [("end", True, ENDED)]),
    "never made, and over": (known(OPEN, task_gid=""), [], [("end", False, ENDED)]),
    "accepted, and it holds": (known(ACCEPTED), [cause()], []),
    "accepted, and another now": (known(ACCEPTED, what="before"), [cause()], [("tell", True, OPEN)]),
    "accepted, and over": (known(ACCEPTED), [], [("end", False, ENDED)]),
    "left, and it holds": (known(LEFT), [cause()], []),
    "left, and over": (known(LEFT), [], [("end", False, ENDED)]),
    "ended, and it is back": (known(ENDED), [cause()], [("again", True, OPEN)]),
    "ended, and stays so": (known(ENDED), [], []),
}


@pytest.mark.parametrize("what", TABLE)
def test_what_becomes_of_it(what: str) -> None:
    before, causes, moves = TABLE[what]
    found, is_flood = plan_matters(causes, before, flow="small", at=NOON, most=10)
    assert [(move.does, move.writes, move.after.state) for move in found] == moves
    assert not is_flood


def test_too_many_are_one_task_and_those_that_have_one_keep_it() -> None:
    causes = [cause(number) for number in range(5)]
    found, is_flood = plan_matters(causes, known(OPEN), flow="small", at=NOON, most=3)
    assert is_flood
    [flood] = found
    assert (flood.does, flood.after.kind, flood.after.title) == ("open", FLOOD, "5 exceptions at once")
    # As many as ever, but the flood has its task: nothing more to do.
    after = {**known(OPEN), flood.after.matter_id: replace(flood.after, task_gid="78")}
    assert plan_matters([*causes, cause(6)], after, flow="small", at=NOON, most=3) == ([], True)


def story(text: str, **more: Any) -> Story:
    told = {"gid": "s", "created_at": NOON, "author_gid": "5", "author_name": "Ben", "kind": "comment_added", "source": "web"}
    return Story(text=text, **{**told, "author_kind": "user", **more})


COMMENTS: dict[str, tuple[Story, str]] = {
    "a reason": (story("accepted: it was paid twice last year too"), "accepted"),
    "in capitals": (story("Accepted : yes"), "accepted"),
    "without a reason": (story("accepted:"), "reopen"),
    "inside a sentence": (story("I would not say accepted: no"), "reopen"),
    "our own words": (story("accepted: x", author_gid=BOT), "reopen"),
    "by an app": (story("accepted: x", author_kind="app"), "reopen"),
    "by mail": (story("accepted: x", source="email"), "reopen"),
    "edited": (story("accepted: x", is_edited=True), "reopen"),
    "about what it was before": (story("accepted: x", created_at=NOON - timedelta(days=1)), "reopen"),
}


@pytest.mark.parametrize("what", COMMENTS)
def test_what_accepts_it(what: str) -> None:
    comment, does = COMMENTS[what]
    [matter] = known(OPEN).values()
    move = looked_at(matter, Task(gid="77", name="t", completed=True), [comment], bot_gid=BOT, sources=("Web", "mobile"))
    assert move is not None
    assert move.does == does
