"""Tell people on the vendor's task what became of the value that they chose: once for each end, in plain words."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime

from intacct_asana.errors import TryLater
from intacct_asana.journal import Kind, Outcome, carry_out
from intacct_asana.ports import Journal, Links, TaskBoard, VendorValues
from intacct_asana.records import Intent, Story, ValueState, VendorValue
from intacct_asana.sync.report import Report
from intacct_asana.vendors.rules import VendorPolicy

OPENING: Mapping[ValueState, str] = {
    ValueState.WAITING: "waits for approval in Intacct. It is not written again meanwhile.",
    ValueState.AGREED: "is in Intacct now.",
    ValueState.REFUSED: "did not get into Intacct. Choose it again, or another value, to try once more.",
    ValueState.HELD: "is not written to Intacct.",
    ValueState.SENT: "is on its way to Intacct.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorComment(Kind):
    """One comment on a vendor's task, found again by its last line. What was told is kept with the value itself."""

    name = "vendor comment"
    looks_first = True
    remembered = False

    board: TaskBoard
    bot_gid: str

    def send(self, intent: Intent) -> Story:
        return self.board.comment(intent.subject, _text(intent))

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Story]:
        told = [(one, story) for one in intents for story in self.board.stories(one.subject) if self.same(one, story)]
        return {one.intent_id: story for one, story in told}

    def same(self, intent: Intent, found: Story) -> bool:
        is_ours = found.kind == "comment_added" and found.author_gid == self.bot_gid
        return is_ours and found.text.rstrip().endswith(_text(intent).rpartition("\n")[2])


def tell_people(
    *,
    policy: VendorPolicy,
    board: TaskBoard,
    links: Links,
    values: VendorValues,
    journal: Journal,
    owner: str,
    now: Callable[[], datetime],
) -> Report:
    """Comment on the task of each value that people have not heard of. One that fails does not stop the others.

    A vendor without a task, or whose task is gone, has nobody to tell. `owner` is who writes, as the journal wants it.
    """
    report = Report(noun="vendors' values")
    kind = VendorComment(board=board, bot_gid=policy.bot_gid)
    untold = values.untold()
    tasks = links.of({row.key for row in untold})

    def comment(row: VendorValue) -> None:
        def keep(outcome: Outcome) -> None:
            if outcome.is_done:
                values.tell(row)

        intent = _intent(row, tasks[row.key].task_gid, policy)
        with closing(carry_out([intent], kinds=[kind], journal=journal, keep=keep, owner=owner, now=now, workers=1)) as steps:
            for outcome in steps:
                if outcome.error:
                    raise outcome.error

    def tell(row: VendorValue) -> None:
        if row.key in tasks and board.task(tasks[row.key].task_gid):
            comment(row)
        else:
            values.tell(row)
        report.count(str(row.state))

    report.each(untold, tell, key=lambda row: f"{row.key}, {row.field}")
    _forget_old_news(journal, untold)
    return report


def _forget_old_news(journal: Journal, untold: Sequence[VendorValue]) -> None:
    """Comments that a run left in doubt, about what is no news any more: whether they arrived makes no difference now."""
    wanted = {_intent_id(row) for row in untold}
    for intent in journal.open(VendorComment.name):
        if intent.intent_id not in wanted:
            # Where another run has it, that one ends it.
            with suppress(TryLater):
                journal.drop(intent)


def comment_of(row: VendorValue, policy: VendorPolicy) -> str:
    """The comment about the row as it stands; its last line is how it is found again."""
    name = policy.names.get(row.field, row.field)
    value = f"{name} {row.wanted!r}" if row.wanted else f"The empty {name}"
    why = f"\nWhy: {row.reason}" if row.reason and row.state is not ValueState.AGREED else ""
    return f"{value} {OPENING[row.state]}{why}\n{reference(row, policy)}"


def reference(row: VendorValue, policy: VendorPolicy) -> str:
    """Made from what is told and since when, so that the same news is never told twice and later news always is."""
    told = "|".join((policy.flow, row.key, row.field, str(row.state), row.wanted, row.reason, row.at.isoformat()))
    return f"Reference: vendor-{hashlib.sha256(told.encode()).hexdigest()[:20]}"


def _intent(row: VendorValue, task_gid: str, policy: VendorPolicy) -> Intent:
    """One a field: later news takes the place of what is no longer true."""
    body = {"text": comment_of(row, policy)}
    return Intent(intent_id=_intent_id(row), kind=VendorComment.name, subject=task_gid, body=body)


def _intent_id(row: VendorValue) -> str:
    return f"vendor-comment:{hashlib.sha256(f'{row.key}|{row.field}'.encode()).hexdigest()[:20]}"


def _text(intent: Intent) -> str:
    return str(intent.body["text"])
