"""Tell people on the vendor's task what became of the value that they chose: once for each end, in plain words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.ports import Links, TaskBoard, VendorValues
from intacct_asana.records import Story, ValueState, VendorValue
from intacct_asana.vendors.result import Written
from intacct_asana.vendors.rules import VendorPolicy

OPENING: Mapping[ValueState, str] = {
    ValueState.WAITING: "waits for approval in Intacct. It is not written again meanwhile.",
    ValueState.AGREED: "is in Intacct now.",
    ValueState.REFUSED: "did not get into Intacct. Choose it again, or another value, to try once more.",
    ValueState.HELD: "is not written to Intacct.",
    ValueState.SENT: "is on its way to Intacct.",
}


def tell_people(*, policy: VendorPolicy, board: TaskBoard, links: Links, values: VendorValues) -> Written:
    """Comment on the task of each value that people have not heard of. One that fails does not stop the others.

    Before it comments it looks for its own comment with the same reference, so that a lost answer makes no second one. A
    vendor without a task, or whose task is gone, has nobody to tell.
    """
    result = Written()
    untold = values.untold()
    tasks = links.of({row.key for row in untold})
    for place, row in enumerate(untold, 1):
        try:
            link = tasks.get(row.key)
            if link and board.task(link.task_gid):
                _tell(row, link.task_gid, policy=policy, board=board)
            values.tell(row)
            result.states[str(row.state)] += 1
        except IntacctAsanaError as error:
            result.failures[f"{row.key}, {row.field}"] = error
            if isinstance(error, Misconfigured):
                result.not_started = len(untold) - place
                break
    return result


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


def _tell(row: VendorValue, task_gid: str, *, policy: VendorPolicy, board: TaskBoard) -> None:
    mark = reference(row, policy)
    if not any(_is_told_by(story, mark, bot_gid=policy.bot_gid) for story in board.stories(task_gid)):
        board.comment(task_gid, comment_of(row, policy))


def _is_told_by(story: Story, mark: str, *, bot_gid: str) -> bool:
    return story.kind == "comment_added" and story.author_gid == bot_gid and story.text.rstrip().endswith(mark)
