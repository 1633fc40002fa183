"""How the pure decisions reach the world: Protocols named in the domain. Hooks and the store satisfy them by shape."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol

from intacct_asana.records import (
    Bill,
    Cursor,
    Decision,
    DecisionState,
    IntacctIdentity,
    IntacctUser,
    Intent,
    Link,
    PaymentOrder,
    Person,
    PurchasingDocument,
    ReadWindow,
    RequestedPayment,
    Snapshot,
    Story,
    Task,
    TaskDraft,
    Trail,
    Unread,
    UnreadTask,
    Vendor,
    VendorValue,
)
from intacct_asana.records.anchors import Anchor
from intacct_asana.records.documents import Attachment, DocumentFile, DueDocument
from intacct_asana.records.native import NativeBill
from intacct_asana.records.recorded import Recorded

TellUnread = Callable[[Unread], None]
TellUnreadTask = Callable[[UnreadTask], None]
KnowsAnswer = Callable[[str], bool]
"""Told the digest of an answer, says whether all that belongs to its rows was read before and need not be read again."""


class Books(Protocol):
    """Intacct, as far as decisions need it. Every method raises our six errors only."""

    def bills(self, window: ReadWindow, *, page_size: int = 500, unread: TellUnread | None = None) -> Iterator[list[Bill]]:
        """Pages of bills with lines and payments; where there are several, one that changes while they are read may come twice.

        `unread` is told of each with a value that cannot be read, and that does not come; without it, that is raised.
        """
        ...

    def bill(self, record_no: str) -> Bill | None:
        """The bill with its lines and payments as it is now, or None when it is gone."""
        ...

    def vendors(self, window: ReadWindow, *, page_size: int = 500, unread: TellUnread | None = None) -> Iterator[list[Vendor]]:
        """Pages of vendors. `unread` as for bills."""
        ...

    def stamp_bill(
        self, record_no: str, *, values: Mapping[str, str], control_id: str, due_on: date | None = None, submit: bool = False
    ) -> None:
        """Write `values` (custom field name to text) onto a bill's header, and nothing else; lines are never sent.

        `due_on` and `submit` go along only where the company's Intacct refuses the update without them. Returns on
        Intacct's success only. Raises Refused for a no, OutcomeUnknown when no clear answer came.
        """
        ...

    def hold_bill(
        self, record_no: str, *, on_hold: bool, control_id: str, due_on: date | None = None, submit: bool = False
    ) -> None:
        """Put a bill on hold, so that Intacct does not pay it, or release it. As `stamp_bill` otherwise."""
        ...

    def submit_bill(self, record_no: str, *, control_id: str, due_on: date | None = None) -> None:
        """Submit a draft, which is posted at once where Intacct's own approvals are off. As `stamp_bill` otherwise."""
        ...

    def request_payment(self, order: PaymentOrder, *, control_id: str) -> None:
        """Ask for one payment of one bill. As `stamp_bill` otherwise: whether it is there is found by its marker."""
        ...

    def requested_payments(self, marker: str) -> list[RequestedPayment]:
        """Every payment that carries the marker, in whatever state it is."""
        ...

    def purchasing_document(self, record_no: str) -> PurchasingDocument | None:
        """The document in Purchasing with this record number (`Bill.source_document`), or None when it is gone."""
        ...

    def approve_document(self, document: PurchasingDocument, *, comment: str, control_id: str) -> None:
        """One approval of it by our own user. As `stamp_bill` otherwise."""
        ...

    def vendor(self, vendor_id: str) -> Vendor | None:
        """The vendor with exactly this id as it is now, or None when it is gone."""
        ...

    def users(self) -> list[IntacctUser]:
        """Every user of the company. Misconfigured when the role may not list users."""
        ...

    def closed_summaries(self, summary_nos: Collection[str]) -> frozenset[str]:
        """Those of these summaries whose books are closed. Misconfigured when they may not be listed."""
        ...

    def identity(self) -> IntacctIdentity:
        """Who we are over there."""
        ...


class VendorBooks(Protocol):
    """Intacct's vendors one by one, for the fields that people own in Asana."""

    def vendor(self, vendor_id: str) -> Vendor | None:
        """The vendor with exactly this id as it is now, or None when it is gone."""
        ...

    def update_vendor(self, record_no: str, *, values: Mapping[str, str], control_id: str) -> None:
        """Write `values` (custom field name to text, empty to clear) onto one vendor, and nothing else.

        Returns on Intacct's success only; the change may still wait for approval over there. Raises Refused for a no,
        OutcomeUnknown when no clear answer came.
        """
        ...


class NativeWorkflow(Protocol):
    """Intacct's own approval of bills, one bill at a time. Every method raises our six errors only.

    Nothing says who approves: over there it is always the connection's user, whoever decided.
    """

    def bill(self, record_no: str) -> NativeBill | None:
        """The bill as it is now, or None when it is gone."""
        ...

    def approve(self, record_no: str, *, notes: str) -> None:
        """One approval. Returns when the answer says so, which tells nothing about the bill's state: read it.

        Raises Refused for a no, OutcomeUnknown when no clear answer came. Nothing over there tells two calls from one.
        """
        ...

    def decline(self, record_no: str, *, notes: str) -> None: ...


class Trails(Protocol):
    """What else in Intacct tells that a record changed, came or went. Times are the server's own texts."""

    def newest_change(self, kind: str) -> str: ...

    def newest_creation(self, kind: str) -> str: ...

    def newest_deletion(self, kind: str) -> str: ...

    def lines(self, *, since_text: str, created_since_text: str, knows: KnowsAnswer | None = None) -> Trail:
        """Record numbers of bills of which a line changed or came; none for an answer that `knows` knows."""
        ...

    def deletions(self, kind: str, *, since_text: str) -> Trail:
        """What the audit history calls deleted."""
        ...


class FollowedBooks(Books, Protocol):
    """Intacct, as far as following it needs: changed records, and what names others that are read again."""

    @property
    def trails(self) -> Trails: ...

    def bills(
        self, window: ReadWindow, *, page_size: int = 500, unread: TellUnread | None = None, knows: KnowsAnswer | None = None
    ) -> Iterator[list[Bill]]:
        """As `Books.bills`; a page whose answer `knows` knows is left out."""
        ...

    def bills_again(self, record_nos: Collection[str], *, unread: TellUnread | None = None) -> Iterator[list[Bill]]: ...

    def bills_made_anew(self, bill_keys: Collection[str], *, unread: TellUnread | None = None) -> Iterator[list[Bill]]:
        """Bills that Purchasing deleted and made again from the same documents."""
        ...

    def vendors_again(self, record_nos: Collection[str], *, unread: TellUnread | None = None) -> Iterator[list[Vendor]]: ...

    def bills_with_payment_changes(
        self, *, since_text: str, created_since_text: str, knows: KnowsAnswer | None = None
    ) -> Trail:
        """Record numbers of bills whose payments changed or came, and where to go on from; an empty text is the beginning.

        None for an answer that `knows` knows.
        """
        ...

    def newest_payments(self) -> Trail:
        """Where those streams stand now."""
        ...

    def earlier(self, text: str, *, minutes: float) -> str: ...

    def latest(self, texts: Sequence[str]) -> str: ...


class TaskBoard(Protocol):
    """Asana, as far as decisions need it. Every method raises our six errors only."""

    def clock(self) -> datetime:
        """What Asana's own clock says now, never later than it really says: aware UTC. Where looking back begins."""
        ...

    def tasks(
        self, project_gid: str, *, modified_since: datetime | None = None, unread: TellUnreadTask | None = None
    ) -> Iterator[list[Task]]:
        """Pages of the project's tasks with their custom fields, completed ones too.

        `unread` is told of each that cannot be read, and that does not come; without it, that is raised.
        """
        ...

    def task(self, task_gid: str) -> Task | None:
        """The task as it stands, or None when it is deleted or hidden."""
        ...

    def create_task(self, project_gid: str, draft: TaskDraft) -> Task:
        """A new task in the project with `draft`'s and its initial fields. OutcomeUnknown when no answer came."""
        ...

    def update_task(self, task_gid: str, draft: TaskDraft, *, changed: Collection[str]) -> Task:
        """Write only what `changed` names: attribute names of TaskDraft, and custom field gids as `field:<gid>`.

        The answer is the task as read back. Raises Refused when the task is gone.
        """
        ...

    def add_to_project(self, task_gid: str, project_gid: str, *, section_gid: str | None = None) -> None:
        """The task is in the project afterwards, whether it was before or not; its fields and history stay."""
        ...

    def stories(self, task_gid: str) -> list[Story]:
        """The task's whole history, oldest first."""
        ...

    def comment(self, task_gid: str, text: str, *, html: str = "") -> Story:
        """The new comment; `html` takes the place of `text`."""
        ...

    def assign(self, task_gid: str, user_gid: str) -> Task:
        """Give the task to a user; the answer is the task as read back."""
        ...

    def set_fields(self, task_gid: str, fields: Mapping[str, str | None]) -> Task:
        """Set enum (option gid) or text fields of a task; the answer is the task as read back."""
        ...

    def set_approval(self, task_gid: str, status: str) -> Task:
        """Set the status of a task that is an approval: `pending` opens it again, every other one completes it."""
        ...

    def person(self, gid_or_email: str) -> Person | None: ...


class AskBoard(TaskBoard, Protocol):
    """Asana, as far as asking people by subtasks needs it."""

    def subtasks(self, task_gid: str) -> list[Task]:
        """The task's subtasks, completed ones too. Raises Refused when the task is gone."""
        ...

    def create_approval(self, task_gid: str, *, name: str, notes: str, assignee: str, due_on: str) -> Task:
        """A new approval below the task, `due_on` as ISO text or empty. OutcomeUnknown when no answer came."""
        ...

    def create_subtask(self, task_gid: str, *, name: str, notes: str, assignee: str, due_on: str) -> Task:
        """The same as an ordinary task; `assignee` empty for nobody."""
        ...

    def make_ordinary(self, task_gid: str) -> Task:
        """The task after asking that it be no approval any more; its `kind` says whether Asana did so."""
        ...

    def unassign(self, task_gid: str) -> Task: ...

    def complete(self, task_gid: str) -> Task: ...


class Attachments(Protocol):
    """What hangs on tasks. Every method raises our six errors only."""

    def attachments(self, task_gid: str) -> list[Attachment]: ...

    def attach_link(self, task_gid: str, *, name: str, url: str) -> Attachment: ...

    def attach_file(self, task_gid: str, *, name: str, file: DocumentFile) -> Attachment: ...


class DocumentSource(Protocol):
    """Intacct, as far as a bill's document is concerned."""

    def document(self, document_id: str) -> list[DocumentFile]:
        """The files under an attachment id; the caller closes them."""
        ...


class WantedDocuments(Protocol):
    """Which documents the tasks should carry."""

    def finish(self, due: DueDocument, *, refused: str = "") -> None:
        """The task carries what it can. `refused` says what of the document will never fit."""
        ...


class Links(Protocol):
    """Which task stands for which record, for one flow and one kind of record (`bill`, `vendor`)."""

    def all(self) -> Mapping[str, Link]: ...

    def of(self, keys: Collection[str]) -> Mapping[str, Link]: ...

    def by_task(self, task_gids: Collection[str]) -> Mapping[str, Link]: ...

    def save(self, link: Link, *, shown: Snapshot | None = None, shown_at: datetime | None = None) -> None:
        """Keep the link, and what its task shows from `shown_at` on."""
        ...

    def shown(self, key: str, *, task_gid: str, at: datetime) -> Snapshot | None:
        """What this very task showed of `key` at that instant."""
        ...


class FollowedLinks(Protocol):
    """Links, as far as following their records needs them."""

    def all(self) -> Mapping[str, Link]: ...

    def keys_but(self, known: Container[str]) -> Sequence[str]:
        """Keys of links that are not among these."""
        ...

    def of(self, keys: Collection[str]) -> Mapping[str, Link]: ...

    def by_record_no(self, record_nos: Collection[str]) -> Mapping[str, Link]: ...


class ChangedValues(Protocol):
    def changed_since(self, at: datetime | None) -> Sequence[VendorValue]: ...


class FollowedStore(Protocol):
    """What one flow's store holds of where reading stands."""

    def cursors(self, names: Collection[str]) -> Mapping[str, str | None]: ...

    def links(self, kind: str) -> FollowedLinks: ...

    def vendor_values(self) -> ChangedValues: ...

    def intents(self) -> Journal: ...


class VendorValues(Protocol):
    """What is held of vendors' fields that people own in Asana, for one flow."""

    def of(self, keys: Collection[str]) -> Mapping[str, Mapping[str, VendorValue]]:
        """Values by vendor key and field."""
        ...

    def save(self, rows: Sequence[VendorValue], *, facts: Mapping[str, object] | None = None) -> None:
        """Keep the rows in one transaction; with `facts`, each of them also leaves its evidence."""
        ...

    def untold(self) -> list[VendorValue]:
        """Values that people on the vendor's task have not heard of yet, oldest first."""
        ...

    def tell(self, row: VendorValue) -> None:
        """Note that people were told about this very state of the value; does nothing when it has moved on."""
        ...


class Decisions(Protocol):
    """The decisions of one flow and their evidence."""

    def record(self, decisions: Sequence[Decision], *, at: datetime, cursors: Sequence[Cursor] = ()) -> list[Decision]:
        """Keep decisions not yet known and move `cursors`, in one transaction. The answer holds the new ones only."""
        ...

    def advance(self, decision: Decision, *, to: DecisionState, facts: Mapping[str, object], at: datetime) -> Decision:
        """Move a decision along one arrow and append `facts` to its evidence, in one transaction.

        `decision` carries the new control_id, rule and outcome. Raises Refused when another run moved it first.
        """
        ...

    def acknowledge(self, decision: Decision, *, story_gid: str, at: datetime) -> Decision: ...

    def anchor(self, decision: Decision, *, step: str = "") -> Anchor | None:
        """The newest row of evidence about the decision, or the newest of one step (`SUBMITTED`); None where there is none."""
        ...

    def unsettled(self) -> list[Decision]:
        """Decisions in RECORDED, CLEARED, SUBMITTED or VOIDING, oldest first."""
        ...

    def sent(self, keys: Collection[str] | None = None) -> list[Decision]:
        """Settled decisions that hold for what their bill is: whose stamp may be on it, or that were given for a step.

        About all bills or about these, oldest first.
        """
        ...

    def granted(self) -> list[Decision]:
        """Decisions that were given for a step while others were missing, oldest first."""
        ...

    def approved_since(self, at: datetime) -> list[Recorded]:
        """Approvals that count, or are on their way into Intacct, chosen then or later; with what they were judged on."""
        ...

    def unacknowledged(self) -> list[Decision]:
        """Settled decisions whose task has not been told yet, oldest first."""
        ...

    def of(self, key: str) -> list[Decision]:
        """Every decision about one bill, oldest first."""
        ...


class Journal(Protocol):
    """The writes of one flow: noted before they leave, moved along with whatever else is kept of them."""

    def together(self) -> AbstractContextManager[None]:
        """One transaction for everything that is kept in this block by this thread; one within another fails on its own."""
        ...

    def note(self, intents: Sequence[Intent], *, at: datetime) -> Mapping[str, Intent]:
        """Keep them in one transaction, and say by id how each stands now.

        One that is in doubt keeps its row until it is sent again: the answer has the new body with the old state and clock, or
        with the new clock where it had none.
        """
        ...

    def move(self, before: Intent, after: Intent, *, exclusive: bool = False, at: datetime) -> None:
        """Keep `after` in place of `before`. Raises TryLater when another process moved it since, or claims it.

        `exclusive`: at most one intent of its kind about its subject is in doubt; TryLater while another one is.
        """
        ...

    def drop(self, intent: Intent) -> None:
        """Forget it. Raises TryLater when another process moved it since."""
        ...

    def open(self, *kinds: str) -> list[Intent]:
        """Intents of these kinds that are NOTED, SENT or UNKNOWN, oldest first."""
        ...

    def of(self, intent_ids: Collection[str]) -> Mapping[str, Intent]: ...

    def about(self, subjects: Collection[str]) -> list[Intent]:
        """Every intent about these subjects, oldest first."""
        ...
