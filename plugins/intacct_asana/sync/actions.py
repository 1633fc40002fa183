"""What a plan consists of: one value for each record, saying what happens to its task and why."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from intacct_asana.records import Snapshot, Task, TaskDraft

ALL_KINDS = ("create", "adopt", "update", "close", "reopen", "leave")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What Intacct says about one record: the task it should have, and whether it should have an open one at all.

    `amount` is in the base currency and counts towards the money limit. `snapshot` is what a decider will be shown.
    `why` says more than "out of scope" about a record that is not.
    """

    draft: TaskDraft
    record_no: str
    amount: Decimal
    in_scope: bool
    snapshot: Snapshot | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Nothing to do. Never touches Asana or the store."""

    kind: ClassVar[str] = "leave"
    key: str
    record_no: str
    amount: Decimal
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """A new task. `replaces` is the task that stood for the record and was not found: it is asked for first, by gid."""

    kind: ClassVar[str] = "create"
    key: str
    record_no: str
    amount: Decimal
    reason: str
    desired: TaskDraft
    snapshot: Snapshot | None = None
    replaces: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """A task that already carries the key is taken for the record's own. `changed` brings it to `desired`; may be empty.

    `replaces` is the task that the link named before, when there was one.
    """

    kind: ClassVar[str] = "adopt"
    key: str
    record_no: str
    amount: Decimal
    reason: str
    desired: TaskDraft
    actual: Task
    changed: tuple[str, ...]
    snapshot: Snapshot | None = None
    replaces: str = ""

    @property
    def task_gid(self) -> str:
        return self.actual.gid


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The parts of the linked task named by `changed` are written.

    `changed` holds attribute names of TaskDraft, and custom fields as `field:<gid>`. It is empty when only our own note of
    the record moves (its record number, or what its task stands for), and then nothing is written to Asana.
    `confirmed` is what the task was last seen to say when the plan was made.
    """

    kind: ClassVar[str] = "update"
    key: str
    record_no: str
    amount: Decimal
    reason: str
    task_gid: str
    desired: TaskDraft
    confirmed: TaskDraft | None
    changed: tuple[str, ...]
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(Update):
    """An Update that completes the task."""

    kind: ClassVar[str] = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen(Update):
    """An Update that opens a completed task again."""

    kind: ClassVar[str] = "reopen"


Writing = Create | Adopt | Update
Action = Writing | Leave
