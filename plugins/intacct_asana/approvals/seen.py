"""What a task showed when somebody chose on it: the bill as it was written there, and whether anybody else altered it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from intacct_asana.ports import Links, TaskBoard
from intacct_asana.records import Bill, Decision, Link, Signal, Snapshot, Story, Task, shows, snapshot_of
from intacct_asana.sync.difference import FIELD, parts_edited

NAMED_STORIES = {"name_changed": "name", "due_date_changed": "due_on", "notes_changed": "notes"}
"""Stories about the parts of a task that are no custom fields. Others of their kind only miss a second look at the past."""


def decision_id_of(flow: str, signal: Signal) -> str:
    """The same story always gives the same id, so a story that is read twice is one decision."""
    text = "|".join((flow, signal.task_gid, signal.story_gid))
    return f"dec-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def decisions_of(
    signals: Iterable[Signal], *, flow: str, link: Link, board: TaskBoard, links: Links, known: Collection[str] = ()
) -> list[Decision]:
    """A decision for each signal whose id is not in `known`.

    Asks the board for each person's e-mail address once, and the store for what the task showed.
    """
    new = [signal for signal in signals if decision_id_of(flow, signal) not in known]
    gids = sorted({signal.decider_gid for signal in new if signal.decider_gid})
    people = {gid: board.person(gid) for gid in gids}
    emails = {gid: person.email for gid, person in people.items() if person}
    return [
        _decision(signal, flow=flow, link=link, links=links, email=emails.get(signal.decider_gid or "", "")) for signal in new
    ]


def _decision(signal: Signal, *, flow: str, link: Link, links: Links, email: str) -> Decision:
    shown = _shown_at(links, link.key, task_gid=link.task_gid, at=signal.decided_at)
    return Decision(
        decision_id=decision_id_of(flow, signal),
        key=link.key,
        task_gid=link.task_gid,
        task_url=link.task_url,
        record_no=link.record_no,
        signal=signal,
        shown_digest=shown.digest if shown else "",
        decider_email=email,
    )


def _shown_at(links: Links, key: str, *, task_gid: str, at: datetime) -> Snapshot | None:
    """What this very task showed of the record then; None before it was written by us, and for another task."""
    return links.shown(key, task_gid=task_gid, at=at)


def shown_to(decision: Decision, links: Links) -> Snapshot | None:
    """What the decider saw, with its values; None where it is not kept, and then the digest alone answers for it."""
    shown = _shown_at(links, decision.key, task_gid=decision.task_gid, at=decision.signal.decided_at)
    return shown if shown and shown.digest == decision.shown_digest else None


def is_as_shown(decision: Decision, shown: Snapshot | None, bill: Bill) -> bool:
    """Whether the bill is what was decided on, also by a snapshot of an older release."""
    return shows(shown, bill) if shown else bool(decision.shown_digest) and snapshot_of(bill).digest == decision.shown_digest


def altered_parts(
    link: Link | None,
    task: Task | None,
    stories: Sequence[Story],
    *,
    at: datetime,
    bot_gid: str,
    under_way: Collection[str] = (),
) -> list[str]:
    """Parts of the task that Intacct owns and that did not say what we wrote, now or when somebody chose `at` that time.

    A part said something else then when somebody else had changed it last, and it was changed once more afterwards; without
    a later change the task still shows what it showed. `under_way` are parts that a write of ours may have changed just now.
    """
    if link is None or link.confirmed is None or task is None or task.gid != link.task_gid:
        return []
    ours = {"name", "due_on", *(FIELD + gid for gid in link.confirmed.fields)}
    now = {part for part in parts_edited(link.confirmed, task) if part != "completed"} - set(under_way)
    then = {part for part in _changed(stories) if part in ours and _was_altered(part, stories, at=at, bot_gid=bot_gid)}
    return sorted(now | then)


def alterers(parts: Collection[str], stories: Sequence[Story], *, bot_gid: str) -> list[str]:
    """Who changed these parts, by name, each once."""
    found = [story.author_name for story in stories if _part_of(story) in parts and story.author_gid not in (None, bot_gid)]
    return [name for name in dict.fromkeys(found) if name]


def _was_altered(part: str, stories: Sequence[Story], *, at: datetime, bot_gid: str) -> bool:
    about = [story for story in stories if _part_of(story) == part]
    before = [story for story in about if story.created_at <= at]
    return bool(before) and before[-1].author_gid != bot_gid and len(before) < len(about)


def _changed(stories: Iterable[Story]) -> Iterator[str]:
    yield from dict.fromkeys(part for story in stories if (part := _part_of(story)))


def _part_of(story: Story) -> str:
    return FIELD + story.field_gid if story.field_gid else NAMED_STORIES.get(story.kind, "")
