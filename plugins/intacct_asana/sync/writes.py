"""Tasks and the remarks on them as kinds of writes: how each is sent, how it is found again, and what of them is open.

A record has one intent for its task and one for its remark. `since` stands on an intent that may make or take over a task:
that is looked for by the key that the task carries. A write to a task that stands for its record already is sent again, for
twice the same is the same. A remark is found by its last line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, UnexpectedReply
from intacct_asana.journal import Kind
from intacct_asana.ports import Journal, TaskBoard, TellUnreadTask
from intacct_asana.records import FieldValue, Intent, Task, TaskDraft, UnreadTask
from intacct_asana.records.remarks import last_said, reference_of
from intacct_asana.sync.back import NotPutBack, put_into
from intacct_asana.sync.difference import (
    FIELD,
    REMARK,
    created_parts,
    has_news,
    may_have_a_form,
    parts_moved,
    parts_not_taken,
    parts_to_adopt,
    parts_to_restore,
    said,
    same,
    shown_by,
)
from intacct_asana.sync.piecewise import Away, Piece, Piecewise
from intacct_asana.sync.plan import Adopt, Close, Create, Update, Writing, age, is_own

MARGIN = timedelta(minutes=10)
"""How far two clocks may be apart. Looking too far back costs a page; too short a look costs a second task."""

NEEDS_PAID_PLAN = "402"
ANEW = "anew"
"""In an intent's body: parts that others altered."""


# The intents


def task_kind(kind: str) -> str:
    """The journal's name for tasks of records of this kind."""
    return f"{kind} task"


def remark_kind(kind: str) -> str:
    return f"{kind} remark"


def task_intent(action: Writing, *, kind: str, since: datetime | None) -> Intent:
    """What is to be written on the task of a record of this kind; `since` is Asana's clock."""
    parts = parts_moved(action.desired, None) if isinstance(action, Create) else action.changed
    body = {"parts": [part for part in parts if part != REMARK]}
    links_one = since if isinstance(action, Create | Adopt) else None
    return Intent(intent_id=_task_id(kind, action.key), kind=task_kind(kind), subject=action.key, body=body, since=links_one)


def remark_intent(action: Update, *, kind: str) -> Intent:
    """What is to be said on the task of a record of this kind; the reference is how it is found again."""
    body = {"parts": [REMARK], "says": reference_of(action.desired.remark)}
    return Intent(intent_id=f"remark:{kind}:{action.key}", kind=remark_kind(kind), subject=action.key, body=body)


def open_writes(journal: Journal, kind: str) -> list[Intent]:
    """Writes about records of this kind that are noted or of which nobody knows what became: one query."""
    return journal.open(task_kind(kind), remark_kind(kind))


def parts_of(intents: Iterable[Intent]) -> dict[str, frozenset[str]]:
    """The parts to be written again, by key: their task may show something else than was confirmed."""
    parts: dict[str, frozenset[str]] = {}
    for intent in intents:
        parts[intent.subject] = parts.get(intent.subject, frozenset()).union(_parts(intent), _parts(intent, ANEW))
    return parts


def creations_in_doubt(intents: Iterable[Intent]) -> dict[str, datetime]:
    """Keys of which a task may be on the board that is not linked yet, with Asana's time from which it may be there."""
    return {one.subject: one.since for one in intents if one.since and one.state.is_in_doubt}


def parts_under_way(journal: Journal, *, kind: str, key: str) -> frozenset[str]:
    """Parts of the record's task that a write of ours may have changed, and nobody kept its answer."""
    found = journal.of([_task_id(kind, key)]).values()
    return frozenset(part for one in found if one.state.is_in_doubt for part in _parts(one))


def write_anew(journal: Journal, *, kind: str, key: str, parts: Collection[str], at: datetime) -> None:
    """Have the next run write these parts of the record's task, beside what is open already.

    They are told from parts that a write of ours may have changed. Raises TryLater when another run moves that write at the
    same moment.
    """
    body = {"parts": [], ANEW: sorted(parts)}
    wanted = Intent(intent_id=_task_id(kind, key), kind=task_kind(kind), subject=key, body=body)
    before = journal.of([wanted.intent_id]).get(wanted.intent_id)
    if before is None or not before.state.is_open:
        journal.note([wanted], at=at)
    else:
        more = {**before.body, ANEW: sorted({*_parts(before, ANEW), *parts})}
        # Noted anew: whoever is sending it just now sends less than this, and must not end it.
        journal.move(before, replace(before, body=more, noted_at=at), at=at)


def _task_id(kind: str, key: str) -> str:
    return f"task:{kind}:{key}"


def _parts(intent: Intent, name: str = "parts") -> tuple[str, ...]:
    parts = intent.body.get(name)
    return tuple(map(str, parts)) if isinstance(parts, list) else ()


# The kinds


class Gone(OutcomeUnknown):
    """The task to be written no longer exists for us. What becomes of its record is open: another may be there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """`task` as Asana answered it, and the parts that were written; None and none where nothing had to be.

    `left_out` are parts that Asana refused while it took the others, `shown_as` those that it took and shows in a form of its
    own. `kind` is what was done, as the plan calls it. `put_back` says that the task had left the project.
    """

    kind: str
    task: Task | None = None
    changed: tuple[str, ...] = ()
    left_out: Mapping[str, IntacctAsanaError] = field(default_factory=dict)
    put_back: bool = False
    shown_as: Mapping[str, FieldValue] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class TaskWrite(Kind):
    """Tasks of one kind of record, made, taken over or changed as `actions` say, by intent id.

    A look finds tasks by their keys, `on_board`; what is ours among them is taken instead of making another one.
    """

    name: str
    remembered = False

    board: TaskBoard
    pieces: Piecewise
    project_gid: str
    key_field_gid: str
    bot_gid: str
    actions: dict[str, Writing] = field(default_factory=dict)
    on_board: Mapping[str, list[Task]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    """Intents for which this very run sent a creation."""

    def send(self, intent: Intent) -> Written:
        action = self.actions[intent.intent_id]
        try:
            if not isinstance(action, Create):
                return self._changed(action)
            found = self.taken(action)
            return self._changed(_as_found(action, found)) if found else self._created(intent, action)
        except Refused as error:
            if error.code == NEEDS_PAID_PLAN:
                # The same for every task, so going on would only repeat it.
                raise Misconfigured(error.message, code=error.code) from error
            raise

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Written | IntacctAsanaError]:
        """One listing, for creations alone. What an earlier run made may have been meant to say something else, and is taken
        over by being written; what this run made is what it wanted, when it shows that."""
        wanted = {one.subject: one for one in intents if isinstance(self.actions[one.intent_id], Create)}
        if not wanted:
            return {}
        since = min((one.since for one in wanted.values() if one.since), default=None)
        unread: list[UnreadTask] = []
        self.on_board = tasks_by_key(
            self.board,
            self.project_gid,
            key_field_gid=self.key_field_gid,
            since=since,
            keys=wanted.keys(),
            unread=unread.append,
        )
        own = {wanted[key].intent_id: self._own(tasks) for key, tasks in self.on_board.items()}
        found: dict[str, Written | IntacctAsanaError] = {
            intent_id: Written(kind=Create.kind, task=tasks[0], changed=created_parts(self.actions[intent_id].desired))
            for intent_id, tasks in own.items()
            if tasks and intent_id in self.made and _shows_all(tasks[0], self.actions[intent_id])
        }
        for task in unread:
            # One that does not tell its key may be anybody's: a second one would be worse than none.
            key = task.texts.get(self.key_field_gid)
            found |= {one.intent_id: UnexpectedReply(task.why) for one in wanted.values() if key in (None, one.subject)}
        return found

    def same(self, intent: Intent, found: Written) -> bool:
        """An answer that does not show every part is the end of this write all the same: the plan's next one brings those."""
        return True

    def taken(self, action: Writing) -> Task | None:
        """The task that is taken for the record's own. Raises Refused where somebody else made it, or nobody says who did."""
        if isinstance(action, Adopt):
            if not is_own(action.actual, self.bot_gid):
                raise Refused(f"task {action.task_gid} was not made by us; clear the planning step to plan anew")
            return action.actual
        tasks = self.on_board.get(action.key, []) if isinstance(action, Create) else []
        own = self._own(tasks)
        if not own and any(task.created_by_gid is None for task in tasks):
            # The task of a lost answer may be one of these: a second one would be worse than none.
            gids = ", ".join(task.gid for task in tasks)
            raise Refused(
                f"task {gids} carries this key, and Asana does not say who made it; remove the key there, or delete it"
            )
        return own[0] if own else None

    def _created(self, intent: Intent, action: Create) -> Written:
        """A task missing from the listing may have lost its key, or left the project, so the one it replaces is asked for
        first: its comments and what was decided on it are the record.
        """
        before = self.board.task(action.replaces) if action.replaces else None
        if before:
            is_away = self.project_gid not in before.project_gids
            if is_away:
                self._put_back(before.gid, action.desired)
            return self._written(action, before.gid, parts_to_restore(action.desired, before), put_back=is_away)
        self.made.add(intent.intent_id)
        return self._as_shown(action, self.pieces.create(self.project_gid, action.desired))

    def _written(self, action: Writing, gid: str, changed: Sequence[str], *, put_back: bool = False) -> Written:
        """An existing task after the write. Whether it left the project shows in the answer, or in a no: asking beforehand
        would be a call more for each write.
        """
        try:
            piece = self.pieces.update(gid, action.desired, changed=changed)
        except Away:
            self._put_back(gid, action.desired)
            piece, put_back = self.pieces.update(gid, action.desired, changed=changed), True
        if self.project_gid not in piece.task.project_gids:
            self._put_back(gid, action.desired)
            here = replace(piece.task, project_gids=(*piece.task.project_gids, self.project_gid))
            piece, put_back = replace(piece, task=here), True
        return replace(self._as_shown(action, piece), put_back=put_back)

    def _put_back(self, gid: str, draft: TaskDraft) -> None:
        put_into(self.board, gid, self.project_gid, key=draft.key, section_gid=draft.section_gid)

    def _changed(self, action: Adopt | Update) -> Written:
        parts = tuple(part for part in action.changed if part != REMARK)
        if "assignee" in parts and self._is_handed_over(action):
            parts = tuple(part for part in parts if part != "assignee")
        if not parts:
            return Written(kind=action.kind, task=action.actual if isinstance(action, Adopt) else None)
        try:
            return self._written(action, action.task_gid, parts)
        except Refused as no:
            _raise_if_there(action, no, board=self.board)
            return Written(kind=action.kind)

    def _as_shown(self, action: Writing, piece: Piece) -> Written:
        """What the task shows otherwise than it was written is written once more: shown the same way again, it is a form of
        Asana's own, which no write will ever change. Emptiness is none, nor is what it showed before."""
        written = Written(kind=action.kind, task=piece.task, changed=piece.changed, left_out=piece.left_out)
        odd = [part for part in self._odd_parts(action, piece) if not self._shows_the_old(action, piece.task, part)]
        if not odd:
            return written
        try:
            again = self.board.update_task(piece.task.gid, action.desired, changed=odd)
        except IntacctAsanaError:
            # The first answer stands: it says what is not there.
            return written
        forms: dict[str, Any] = {
            part: shown_by(again, part) for part in odd if same(shown_by(again, part), shown_by(piece.task, part))
        }
        return replace(written, task=again, shown_as=forms)

    def _odd_parts(self, action: Writing, piece: Piece) -> list[str]:
        not_taken = parts_not_taken(action.desired, piece.task, changed=piece.changed)
        key_part = FIELD + self.key_field_gid
        return [
            part
            for part in not_taken
            if may_have_a_form(part) and part != key_part and not same(shown_by(piece.task, part), None)
        ]

    @staticmethod
    def _shows_the_old(action: Writing, task: Task, part: str) -> bool:
        """Whether the write had no effect, as far as we know. Where Asana had a form of its own before, it may be that."""
        before = action.confirmed if isinstance(action, Update) else None
        return before is not None and part not in before.shown_as and same(shown_by(task, part), said(before, part))

    def _is_handed_over(self, action: Adopt | Update) -> bool:
        """Whether somebody gave the task to another person, or to nobody, since we last said whose it is: then it stays so."""
        confirmed = action.confirmed if isinstance(action, Update) else None
        task = self.board.task(action.task_gid)
        return task is not None and task.assignee_gid != (confirmed.assignee if confirmed else None)

    def _own(self, tasks: Sequence[Task]) -> list[Task]:
        return [task for task in tasks if is_own(task, self.bot_gid)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The reference of our newest comment about the same; empty where there is none. `now`: it was posted just now."""

    mark: str
    now: bool = False


@dataclass(slots=True, kw_only=True)
class RemarkWrite(Kind):
    """Comments on tasks that show already what they speak of, as `actions` say, by intent id."""

    name: str
    remembered = False

    board: TaskBoard
    bot_gid: str
    actions: dict[str, Update] = field(default_factory=dict)

    def send(self, intent: Intent) -> Said:
        """Posts it, unless an earlier try whose answer was lost did it, or there is nothing to say it over."""
        action = self.actions[intent.intent_id]
        mark = reference_of(action.desired.remark)
        try:
            said = self._look(action)
            if self.same(intent, said):
                return said
            self.board.comment(action.task_gid, action.desired.remark)
        except Refused as no:
            # Nobody is left to be told on a task that is gone and was to be closed.
            _raise_if_there(action, no, board=self.board)
            return Said(mark=mark)
        return Said(mark=mark, now=True)

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Said | IntacctAsanaError]:
        found: dict[str, Said | IntacctAsanaError] = {}
        for intent in intents:
            try:
                found[intent.intent_id] = self._look(self.actions[intent.intent_id])
            except Refused:
                # Its task is gone, which sending it tells.
                continue
            except UnexpectedReply as error:
                found[intent.intent_id] = error
        return found

    def same(self, intent: Intent, found: Said) -> bool:
        """Where it is no news, but another comment may have been written that nobody kept, it is posted over that one only."""
        action = self.actions[intent.intent_id]
        return found.mark == reference_of(action.desired.remark) or not (
            found.mark or has_news(action.desired, action.confirmed)
        )

    def _look(self, action: Update) -> Said:
        mark = reference_of(action.desired.remark)
        if not (mark and self.bot_gid):
            # Without either, the comment could not be found again and would be written twice.
            lacking = (
                "its comment has no reference line" if self.bot_gid else "who writes our comments is not pinned; run preflight"
            )
            raise Misconfigured(f"The task of {action.key}: {lacking}.")
        return Said(mark=last_said(mark, self.board.stories(action.task_gid), author_gid=self.bot_gid))


def tasks_by_key(
    board: TaskBoard,
    project_gid: str,
    *,
    key_field_gid: str,
    since: datetime | None = None,
    keys: Collection[str] | None = None,
    unread: TellUnreadTask | None = None,
    into: MutableMapping[str, list[Task]] | None = None,
) -> MutableMapping[str, list[Task]]:
    """The project's tasks by their key, oldest first, put `into` a mapping; those without a key are left out.

    `since` (less a margin for clocks) narrows the listing to tasks modified from then on, `keys` the answer. `unread` is told
    of tasks that cannot be read; without it, that is raised.
    """
    modified_since = since - MARGIN if since else None
    found: MutableMapping[str, list[Task]] = {} if into is None else into
    for page in board.tasks(project_gid, modified_since=modified_since, unread=unread):
        for task in page:
            key = task.fields.get(key_field_gid)
            if isinstance(key, str) and key and (keys is None or key in keys):
                found[key] = sorted([*found.get(key, ()), task], key=age)
    return found


def _raise_if_there(action: Adopt | Update, no: Refused, *, board: TaskBoard) -> None:
    """Raises what a refused write of a linked task comes to; nothing for a task that is gone and was to be closed."""
    if isinstance(no, NotPutBack):
        raise no
    if board.task(action.task_gid) is not None:
        raise no
    if not isinstance(action, Close):
        raise Gone(f"its task is gone from Asana ({no.message})", code=no.code) from no


def _as_found(action: Create, task: Task) -> Adopt:
    return Adopt(
        key=action.key,
        record_no=action.record_no,
        amount=action.amount,
        reason="the task of a creation whose answer was lost",
        desired=action.desired,
        actual=task,
        changed=parts_to_adopt(action.desired, task),
        snapshot=action.snapshot,
        replaces=action.replaces,
        currency=action.currency,
    )


def _shows_all(task: Task, action: Writing) -> bool:
    return not parts_not_taken(action.desired, task, changed=created_parts(action.desired))
