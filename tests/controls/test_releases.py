"""Who releases a concern by a comment, and what an approval needs before it is judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from intacct_asana.approvals.guards.concerns import (
    NotChecked,
    no_open_concern,
    raise_unless_checked,
    release_words,
    released,
)
from intacct_asana.approvals.guards.parking import AWAY, refused_away
from intacct_asana.approvals.seen import Case
from intacct_asana.approvals.standing import anchors_told
from intacct_asana.controls.frame import judged, to_examine
from intacct_asana.controls.ledger import facts_of
from intacct_asana.records import DecisionState, IntacctUser, Story, Verdict
from intacct_asana.records.concerns import Concern, ConcernState, concern_id_of

from tests.approvals.settle_world import ALICE, BEN, BOT, ERIN, KEY, a_bill, a_policy
from tests.approvals.test_guard_findings import AT, a_case, a_decision, a_signal

WORD = "Not a duplicate"
CONCERN = Concern(
    concern_id=concern_id_of(KEY, "duplicate", "x"),
    key=KEY,
    kind="duplicate",
    cause="x",
    words="Twice.",
    blocks=True,
    found_at=AT,
    release_word=WORD,
)


def comment(text: str, *, by: str = BEN, at: int = 10, **more: object) -> Story:
    parts: dict[str, object] = {
        "gid": f"s{at}",
        "created_at": AT + timedelta(minutes=at),
        "author_gid": by,
        "author_name": "Ben Okafor",
        "author_kind": "user",
        "kind": "comment_added",
        "source": "web",
        "text": text,
        "html": f"<body>{text}</body>",
        "is_edited": False,
    }
    return Story(**{**parts, **more})


TOLD = comment(f"Twice.\nReference: {CONCERN.concern_id}", by=BOT, at=5)
SAID = f"{WORD}: two deliveries"


def a_story_case(*stories: Story, **changes: object) -> Case:
    case = a_case(**changes)
    return replace(case, stories=[*(case.stories or ()), *stories], concerns=(CONCERN,))


RELEASES: dict[str, tuple[tuple[Story, ...], dict[str, object]]] = {
    "a second approver": ((TOLD, comment(SAID)), {}),
    "in other capitals": ((TOLD, comment("NOT A DUPLICATE")), {}),
    "of a bill that tells nobody, by whom the flow names for such": (
        (TOLD, comment(SAID)),
        {"bill": a_bill(created_by=""), "policy": a_policy(creator_untold=("ben@x.example",))},
    ),
    "after whoever may not": ((TOLD, comment(SAID, by=ALICE, at=6), comment(SAID)), {}),
}
HOLDS: dict[str, tuple[tuple[Story, ...], dict[str, object]]] = {
    "nothing": ((), {}),
    "whose approval it is": ((TOLD, comment(SAID, by=ALICE)), {}),
    "who entered the bill": ((TOLD, comment(SAID)), {"bill": a_bill(created_by="BOKAFOR")}),
    "who entered the bill, as Intacct's list of users says": (
        (TOLD, comment(SAID)),
        {"bill": a_bill(created_by="Ben2"), "users": [IntacctUser(record_no="9", login="ben2", email="BEN@x.example")]},
    ),
    "who entered the bill, by number": (
        (TOLD, comment(SAID)),
        {"bill": a_bill(created_by="", created_by_no="3"), "users": [IntacctUser(record_no="3", login="bokafor")]},
    ),
    "somebody, of a bill that does not tell who entered it": ((TOLD, comment(SAID)), {"bill": a_bill(created_by="")}),
    "who is no approver": ((TOLD, comment(SAID, by=ERIN)), {}),
    "a bot": ((TOLD, comment(SAID, author_kind="app")), {}),
    "a rule": ((TOLD, comment(SAID, source="api")), {}),
    "before it was told": ((comment(SAID, at=4), TOLD), {}),
    "never told": ((comment(SAID),), {}),
    "told by somebody else": ((replace(TOLD, author_gid=ALICE), comment(SAID)), {}),
    "changed afterwards": ((TOLD, comment(SAID, is_edited=True)), {}),
    "perhaps changed": ((TOLD, comment(SAID, is_edited=None)), {}),
    "struck through": ((TOLD, comment(SAID, html=f"<body><s>{SAID}</s></body>")), {}),
    "the word among others": ((TOLD, comment(f"I think it is {WORD}")), {}),
}


@pytest.mark.parametrize("which", RELEASES)
def test_a_comment_of_a_second_approver_releases(which: str) -> None:
    stories, changes = RELEASES[which]
    ended = released(CONCERN, a_story_case(*stories, **changes), at=AT)
    assert (ended.state, ended.released_by, ended.ended_at) == (ConcernState.RELEASED, "Ben Okafor (ben@x.example)", AT)
    assert ended.why.endswith("(story s10)")
    assert ended.why.startswith("no reason was given" if which == "in other capitals" else "two deliveries")


@pytest.mark.parametrize("which", HOLDS)
def test_nothing_else_releases(which: str) -> None:
    stories, changes = HOLDS[which]
    assert released(CONCERN, a_story_case(*stories, **changes), at=AT) == CONCERN


def test_a_concern_without_a_word_is_released_elsewhere() -> None:
    concern = replace(CONCERN, release_word="")
    assert released(concern, a_story_case(TOLD, comment(": so")), at=AT) == concern


def test_only_an_open_concern_that_blocks_holds_an_approval_and_no_rejection() -> None:
    rejection = a_decision(signal=a_signal(verdict=Verdict.REJECT))
    assert no_open_concern(a_case()) is None
    assert no_open_concern(replace(a_case(decision=rejection), concerns=(CONCERN,))) is None
    for state in (ConcernState.RELEASED, ConcernState.ENDED):
        assert passes(replace(CONCERN, state=state))
    assert passes(replace(CONCERN, blocks=False))
    assert not passes(CONCERN)
    assert not passes(replace(CONCERN, state=ConcernState.ENDED), CONCERN)


def test_each_way_of_releasing_stands_behind_what_it_releases() -> None:
    slices = replace(CONCERN, words="Cut.", release_word="Not a slice")
    elsewhere = replace(CONCERN, words="The vendor changed.", release_word="")
    finding = no_open_concern(replace(a_case(), concerns=(CONCERN, elsewhere, slices, replace(CONCERN, words="Thrice."))))
    assert finding
    said = f"{finding.said} {finding.mend}"
    wanted = f"The vendor changed. Twice. Thrice. {release_words(WORD)} Cut. {release_words('Not a slice')}"
    assert said == wanted


def passes(*concerns: Concern) -> bool:
    finding = no_open_concern(replace(a_case(), concerns=concerns))
    assert finding
    return finding.passed


def test_an_approval_is_judged_only_on_a_bill_that_was_looked_at_as_it_is() -> None:
    bill, decision = a_bill(modified_at_text="11/23/2026 10:00:00"), a_decision()
    facts = facts_of(bill)
    raise_unless_checked(decision, bill, facts)
    for unseen in (None, replace(facts, modified_at_text="11/23/2026 09:59:59"), replace(facts, record_no="64")):
        with pytest.raises(NotChecked, match="waits for the next run"):
            raise_unless_checked(decision, bill, unseen)
    assert a_policy().concern_days == 30


def test_who_was_told_that_intacct_is_away_waits_for_a_concern_as_long_as_others() -> None:
    """It is parked once, with the words of then; one answer that fails later on is not its end."""
    waits = replace(a_decision(), state=DecisionState.PARKED, rule=AWAY)
    policy, at = replace(a_policy(), concern_days=90), waits.signal.decided_at
    assert refused_away(waits, policy, now=at + timedelta(days=31)) is None
    assert refused_away(waits, policy, now=at + timedelta(days=90))
    assert refused_away(waits, a_policy(), now=at + timedelta(days=31))


def test_a_bill_that_is_called_like_an_anchor_is_none_in_the_comment_that_its_approval_waits() -> None:
    anchor, mark = "#41:9f3a0c11d2e4b5a6", "Reference: dec-1"
    said = [f"Approved.\n{anchor}\n{mark}", f"It waits: Bill {anchor} may be entered twice.\n{mark}-parked"]
    stories = [comment(text, by=BOT, at=place) for place, text in enumerate(said)]
    assert [one.sequence for one in anchors_told(stories, bot_gid=BOT, since=AT)] == [41]


# What becomes of what is found

OTHER = replace(CONCERN, concern_id="con-other", key="co:ap:66", others=(KEY,))


@pytest.mark.parametrize(
    ("found", "stored", "examined", "becomes"),
    [
        pytest.param([CONCERN], [], {KEY}, ["OPEN"], id="new"),
        pytest.param([CONCERN], [CONCERN], {KEY}, [], id="known"),
        pytest.param([replace(CONCERN, words="Now")], [CONCERN], {KEY}, ["OPEN"], id="other words"),
        pytest.param([], [CONCERN], {KEY}, ["ENDED"], id="holds no more"),
        pytest.param([], [CONCERN], set(), [], id="not looked at"),
        pytest.param([CONCERN], [replace(CONCERN, state="RELEASED")], {KEY}, [], id="released"),
        pytest.param([], [replace(CONCERN, state="RELEASED")], {KEY}, [], id="released and holds no more"),
        pytest.param([CONCERN], [replace(CONCERN, state="ENDED", why="x")], {KEY}, ["OPEN"], id="holds again"),
        pytest.param([], [replace(CONCERN, state="ENDED")], {KEY}, [], id="ended"),
    ],
)
def test_concerns_open_and_end(found: list[Concern], stored: list[Concern], examined: set[str], becomes: list[str]) -> None:
    stored = [replace(one, state=ConcernState(one.state)) for one in stored]
    kept = judged(found, stored, examined=examined, at=AT + timedelta(days=1))
    assert [str(one.state) for one in kept] == becomes
    assert all(one.found_at == AT for one in kept)


def test_whoever_names_a_bill_that_changed_is_looked_at_too() -> None:
    facts = {KEY: facts_of(a_bill())}
    assert to_examine(facts, [CONCERN, OTHER]) == {KEY, "co:ap:66"}
    assert to_examine({}, [CONCERN, OTHER]) == set()
