"""What counts as a decision in each of the three ways, and what never does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from intacct_asana.approvals import ApprovalTask, DeclaredComment, Policy, signals_of
from intacct_asana.records import Signal, Story, Task, Verdict

from tests.approvals.settle_world import ALICE, BEN, BOT, START, TASK, a_policy

COMMENT = DeclaredComment(words={"approve": Verdict.APPROVE, "ok": Verdict.APPROVE, "reject": Verdict.REJECT})


def a_comment(text: str, *, who: str | None = ALICE, minute: int = 1, **more: object) -> Story:
    at = START + timedelta(minutes=minute)
    parts = {"gid": f"c{minute}", "created_at": at, "author_gid": who, "kind": "comment_added", "source": "web", "text": text}
    return Story(**{**parts, **more})


def a_status(status: str, *, who: str | None = ALICE, minute: int = 1, **more: object) -> Story:
    at = START + timedelta(minutes=minute)
    return Story(gid=f"a{minute}", created_at=at, author_gid=who, source="web", new_approval_status=status, **more)


def read(*stories: Story, policy: Policy, status: str | None = None, **how: bool) -> list[Signal]:
    task = Task(gid=TASK, name="INV-1", kind="approval", approval_status=status, modified_at=START + timedelta(hours=1))
    return signals_of(task, stories, policy, **how)


def by_comment(*stories: Story) -> list[tuple[Verdict, str]]:
    return [(one.verdict, one.reason) for one in read(*stories, policy=a_policy(way=COMMENT))]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("approve", ""),
        ("  APPROVE  ", ""),
        ("Ok", ""),
        ("approve: as ordered", "as ordered"),
        ("approve :as ordered", "as ordered"),
        ("approve\n\nSeen with Ben,\nas ordered", "Seen with Ben, as ordered"),
        ("approve: seen\nwith Ben", "seen with Ben"),
    ],
)
def test_a_declared_word_alone_or_with_a_colon_counts(text: str, reason: str) -> None:
    assert by_comment(a_comment(text)) == [(Verdict.APPROVE, reason)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "not approved",
        "approved",
        "approve not",
        "approve, but only half of it",
        "approve.",
        "I approve",
        "> approve",
        '"approve"',
        "appro ve",
        "approve\u200b",
        "why:\napprove",
        "please\napprove",
        "disapprove",
        "appr\u043eve",
    ],
)
def test_nothing_else_counts(text: str) -> None:
    assert by_comment(a_comment(text)) == []


@pytest.mark.parametrize(
    ("markup", "counts"),
    [
        ("", True),
        (" \n", True),
        ("<body>approve</body>", True),
        ("<body>approve\n<blockquote>the bill</blockquote></body>", True),
        ("<body><s>approve</s></body>", False),
        ("<body><blockquote>approve</blockquote></body>", False),
        ("<body><code>approve</code></body>", False),
        ("<body><ul><li>approve</li></ul></body>", False),
        ("<body>app<s>rove</s></body>", False),
    ],
)
def test_a_word_in_a_quotation_or_struck_through_does_not_count(markup: str, counts: bool) -> None:
    assert bool(by_comment(a_comment("approve", html=markup))) is counts


def test_a_word_with_a_character_that_markup_escapes_counts() -> None:
    way = DeclaredComment(words={"o&k": Verdict.APPROVE})
    assert len(read(a_comment("O&K", html="<body>O&amp;K</body>"), policy=a_policy(way=way))) == 1


def test_our_own_comment_and_other_stories_are_no_decisions() -> None:
    assert by_comment(a_comment("approve", who=BOT), a_comment("approve", minute=2, kind="name_changed")) == []


def test_the_latest_word_counts() -> None:
    found = read(
        a_comment("approve"), a_comment("hm", minute=2), a_comment("reject: no", minute=3), policy=a_policy(way=COMMENT)
    )
    assert [(one.verdict, one.replaced, one.said) for one in found] == [
        (Verdict.APPROVE, "superseded", "approve"),
        (Verdict.REJECT, "", "reject: no"),
    ]


def test_a_comment_that_was_edited_or_that_nobody_knows_was_not_has_a_flaw() -> None:
    story = a_comment("approve", is_edited=False, html="<body>approve</body>")
    [signal] = read(story, policy=a_policy(way=COMMENT))
    assert COMMENT.flaw(signal, story) is None
    for flaw in ({"is_edited": True}, {"text": "approve: x"}, {"is_edited": None}, {"html": ""}, {"html": " "}):
        assert COMMENT.flaw(signal, replace(story, **flaw)) is not None


# Approval tasks.


def test_every_story_with_a_status_is_a_choice_whatever_its_kind_is_called() -> None:
    stories = [a_status("approved", kind="whatever"), a_status("rejected", minute=2), a_status("approved", minute=3, who=BEN)]
    found = read(*stories, policy=a_policy(way=ApprovalTask()), status="approved")
    assert [(one.verdict, one.decider_gid, one.said) for one in found] == [
        (Verdict.APPROVE, ALICE, "approved"),
        (Verdict.REJECT, ALICE, "rejected"),
        (Verdict.APPROVE, BEN, "approved"),
    ]


def test_asking_for_changes_is_a_rejection_or_nothing() -> None:
    stories = [a_status("approved"), a_status("changes_requested", minute=2)]
    found = read(*stories, policy=a_policy(way=ApprovalTask()), status="changes_requested")
    assert [(one.verdict, one.replaced) for one in found] == [(Verdict.APPROVE, "superseded"), (Verdict.REJECT, "")]
    ignoring = a_policy(way=ApprovalTask(changes_requested=None))
    found = read(*stories, policy=ignoring, status="changes_requested")
    assert [(one.verdict, one.replaced) for one in found] == [(Verdict.APPROVE, "withdrawn")]


def test_a_status_without_a_story_is_unproven_unless_we_closed_the_task() -> None:
    policy = a_policy(way=ApprovalTask())
    ticked = a_comment("Alice completed this task", kind="marked_complete")
    assert [one.source for one in read(ticked, policy=policy, status="approved")] == ["unproven"]
    assert read(ticked, policy=policy, status="approved", closed_by_us=True) == []
    assert [one.source for one in read(a_status("rejected"), policy=policy, status="approved")] == ["web", "unproven"]


def test_our_own_status_is_no_choice_and_accounts_for_what_the_task_shows() -> None:
    assert read(a_status("approved", who=BOT), policy=a_policy(way=ApprovalTask()), status="approved") == []
