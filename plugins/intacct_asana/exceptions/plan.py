"""What becomes of exceptions: causes that hold against those that are known, and what people did with the tasks by hand.

| known | the cause | what is done |
|---|---|---|
| not, or without a task | holds | its task is made |
| open | holds, and is another now | the task says so |
| accepted or left closed | holds, and is another now | the task is opened again |
| ended | holds again | the task is opened again |
| open | is gone | the task is completed, with the reason |
| accepted or left closed | is gone | it ends |
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from intacct_asana.records import Story, Task
from intacct_asana.records.matters import FLOOD, LIVE, Cause, Matter, MatterState, matter_id_of
from intacct_asana.records.remarks import comment_with, reference
from intacct_asana.text import short

ACCEPTED = re.compile(r"\s*accepted\s*:\s*(?P<reason>\S.*)", re.IGNORECASE | re.DOTALL)
CLOCKS_DIFFER = timedelta(minutes=10)
HOW_TO_ACCEPT = "To leave it closed as it is, write a comment that begins with accepted: and says why, then complete it."
LONGEST_REASON = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One step of one exception. `text` is told on the task, under `mark`; `writes` is False where only the store moves.

    `completes` is None where the task stays as it is; with a `cause` its name and notes are written. `reason` is what somebody
    accepted it with.
    """

    after: Matter
    does: str
    text: str = ""
    mark: str = ""
    completes: bool | None = None
    cause: Cause | None = None
    reason: str = ""

    @property
    def writes(self) -> bool:
        return self.does == "open" or bool(self.text)


def plan_matters(
    causes: Iterable[Cause], known: Mapping[str, Matter], *, flow: str, at: datetime, most: int
) -> tuple[list[Move], bool]:
    """What to do, and whether there are too many to give each a task. `known` has those that live, and those of the causes."""
    holding = {matter_id_of(flow, cause): cause for cause in causes}
    is_flood = len(holding) > most
    if is_flood:
        flood = _flood(holding.values(), most=most, at=at)
        live = {matter_id for matter_id, matter in known.items() if matter.state in LIVE and matter.task_gid}
        holding = {matter_id: cause for matter_id, cause in holding.items() if matter_id in live}
        holding[matter_id_of(flow, flood)] = flood
    moves = [_held(matter_id, cause, known.get(matter_id), at=at) for matter_id, cause in sorted(holding.items())]
    over = (matter for matter_id, matter in sorted(known.items()) if matter.state in LIVE and matter_id not in holding)
    return [*(move for move in moves if move), *(_over(matter) for matter in over)], is_flood


def _flood(causes: Iterable[Cause], *, most: int, at: datetime) -> Cause:
    counted = Counter(cause.kind for cause in causes)
    listed = ", ".join(f"{count:,} {kind}" for kind, count in counted.most_common())
    words = f"{counted.total():,} things need a person at once ({listed}), more than the {most:,} that get a task each."
    return Cause(
        kind=FLOOD,
        subject=FLOOD,
        cause=f"more than {most}",
        title=f"{counted.total():,} exceptions at once",
        words=f"{words} Most often one thing is behind all of them: look at the last runs of the flow's DAGs.",
        since=at,
        ends=f"There are {most:,} or fewer; each that is left gets its own task then.",
    )


def _held(matter_id: str, cause: Cause, before: Matter | None, *, at: datetime) -> Move | None:
    if before is None or not before.task_gid:
        return Move(after=_begun(matter_id, cause, at=at), does="open", cause=cause)
    if before.state in LIVE and before.cause == cause.cause:
        return None
    is_back = before.state is MatterState.ENDED
    opened = at if is_back else before.opened_at
    now = _begun(matter_id, cause, at=at)
    after = replace(now, opened_at=opened, task_gid=before.task_gid, task_url=before.task_url, turns=before.turns + 1)
    text = f"{'It is back' if is_back else 'It is another now'}: {cause.words}"
    return Move(
        after=after,
        does="again" if is_back else "tell",
        text=text,
        mark=reference(f"{matter_id}-{after.turns}"),
        completes=False,
        cause=cause,
    )


def _begun(matter_id: str, cause: Cause, *, at: datetime) -> Matter:
    return Matter(
        matter_id=matter_id,
        kind=cause.kind,
        cause=cause.cause,
        title=cause.title,
        words=cause.words,
        opened_at=min(cause.since, at),
        caused_at=at,
        about=cause.about,
    )


def _over(matter: Matter) -> Move:
    after = replace(matter, state=MatterState.ENDED, turns=matter.turns + 1)
    if matter.state is not MatterState.OPEN or not matter.task_gid:
        return Move(after=after, does="end")
    mark = reference(f"{matter.matter_id}-{after.turns}")
    return Move(after=after, does="end", text="This is over, so the task is completed.", mark=mark, completes=True)


# What people did with the task


def looked_at(matter: Matter, task: Task, stories: Sequence[Story], *, bot_gid: str, sources: Iterable[str]) -> Move | None:
    """None where the task stands as we know it. Who completes one whose cause holds says why, or it is opened again, once."""
    if not task.completed:
        is_open = matter.state is MatterState.OPEN
        return (
            None
            if is_open
            else Move(after=replace(matter, state=MatterState.OPEN, accepted_by="", accepted_gid="", why=""), does="opened")
        )
    if matter.state is MatterState.ACCEPTED:
        return None
    if story := _acceptance(matter, stories, bot_gid=bot_gid, sources={one.casefold() for one in sources}):
        found = ACCEPTED.match(story.text)
        reason = short(found["reason"] if found else "", longest=LONGEST_REASON)
        gid = story.author_gid or ""
        name = story.author_name or f"user {gid}"
        after = replace(matter, state=MatterState.ACCEPTED, accepted_by=name, accepted_gid=gid, why=reason)
        return Move(after=after, does="accepted", reason=reason)
    mark = reference(f"{matter.matter_id}-{matter.turns}-reopened")
    if matter.state is MatterState.LEFT or comment_with(mark, stories, author_gid=bot_gid):
        return None if matter.state is MatterState.LEFT else Move(after=replace(matter, state=MatterState.LEFT), does="left")
    text = f"This is open again, because it holds still: {matter.words} {HOW_TO_ACCEPT}"
    return Move(after=matter, does="reopen", text=text, mark=mark, completes=False)


def _acceptance(matter: Matter, stories: Sequence[Story], *, bot_gid: str, sources: Collection[str]) -> Story | None:
    """The newest word of a person, by their own hand, since the cause is what it is."""
    told = [
        story
        for story in stories
        if story.kind == "comment_added"
        and story.author_gid not in (None, bot_gid)
        and story.author_kind in ("", "user")
        and story.source.casefold() in sources
        and not story.is_edited
        and story.created_at >= matter.caused_at - CLOCKS_DIFFER
        and ACCEPTED.match(story.text)
    ]
    return told[-1] if told else None
