"""What is looked at around each bill, and who owns what needs a person. Every part is off when a flow file does not name it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from intacct_asana.flow.words import WHOLE, Email, Gid, IntacctName, Line, Part, flaw


class ControlRule(Part):
    """What every control has in common."""

    mode: Literal["advise", "block"] = "advise"
    """`advise` says what it found on the bill's task, once. With `block` an approval waits, too, until a person released what
    was found or it holds no more."""


class DuplicateRule(ControlRule):
    """Bills that may be entered twice."""

    window_days: Annotated[int, Field(ge=1, le=400), WHOLE] = 60
    """How many days lie between the dates of two bills at most, for the one to be the other once more."""

    near_days: Annotated[int, Field(ge=0, le=31), WHOLE] = 3
    """The same where less speaks for it: bills without a number, or of one number and different amounts."""

    except_vendors: tuple[Line, ...] = ()
    """Ids of vendors that write the same number on each of their bills, such as the number of a customer."""

    release_word: Line = "Not a duplicate"
    """`block`: how a comment begins by which an approver releases the bill. What stands behind a colon is the reason."""


class SliceRule(ControlRule):
    """Bills that are each just under an approver's limit, or an amount at which a rule begins or ends, and together over it."""

    window_days: Annotated[int, Field(ge=1, le=90), WHOLE] = 14
    """In how many days they are dated."""

    under_by_percent: Annotated[int, Field(ge=1, le=50), WHOLE] = 15
    """How far under the line a bill is at most."""

    at_least: Annotated[int, Field(ge=2, le=50), WHOLE] = 3
    """How many bills they are at least."""

    usual_days: Annotated[int, Field(ge=30, le=365), WHOLE] = 70
    """From how many days before them it is told what is usual."""

    by_creator: bool = True
    """Whether bills of several vendors are looked at together, too, where one person entered them."""

    across_entities: bool = False
    """Whether bills of different entities are looked at together."""

    release_word: Line = "Not a slice"
    """`block`: how a comment begins by which an approver releases the bill. What stands behind a colon is the reason."""

    @property
    def known_days(self) -> int:
        return 2 * self.window_days + self.usual_days


class CallBackRule(Part):
    """The task by which somebody is asked to call a vendor back."""

    assignee: Email
    """E-mail address in Asana of whoever gets the task."""

    release_by: Annotated[tuple[Email, ...], Field(min_length=1)]
    """Approvers who may release the vendor's bills once somebody else called. Never who called, nor who changed the vendor."""

    due_in_days: Annotated[int, Field(ge=0, le=366), WHOLE] | None = 2
    """Days after it is made on which the task is due."""


class PayeeRule(ControlRule):
    """Vendors whose payment details changed since they were last paid, or after a bill was approved."""

    hold: bool = False
    """Whether their bills are put on hold in Intacct until they are released. For `block`."""

    callback: CallBackRule | None = None
    """Who calls the vendor back, and who releases its bills then. `block` needs it."""

    window_days: Annotated[int, Field(ge=1, le=400), WHOLE] = 180
    """How old an open bill may be, by its date, to be found when its vendor changes."""

    first_days: Annotated[int, Field(ge=0, le=400), WHOLE] = 30
    """How far back the history is read when the control is switched on."""

    names_fields: IntacctName | None = None
    """Field of AUDITHISTORY in which your company's history names the fields that changed. None is documented; without one
    any change of a vendor counts, because nobody can tell what it was."""

    unsure_hours: Annotated[int, Field(ge=0, le=48), WHOLE] = 14
    """By how many hours the times of the history may differ from those of payments: Intacct does not document its clock. Only
    a payment that came later by more than this counts as one after the change."""

    harmless_fields: tuple[IntacctName, ...] = ()
    """Fields of vendors of your own that send money nowhere: where the history names fields, these alone do not count."""

    @model_validator(mode="after")
    def _can_be_released(self) -> PayeeRule:
        if self.mode == "block" and self.callback is None:
            raise flaw("blocks, and nobody could release a bill", "name `callback` with `assignee` and `release_by`")
        if self.hold and self.mode != "block":
            raise flaw("has `hold`, and an approval could lift it at once", "write `mode: block`, or remove `hold`")
        return self


class Controls(Part):
    """Controls around a bill."""

    wait_days: Annotated[int, Field(ge=1, le=366), WHOLE] = 30
    """How many days an approval waits for what a blocking control found. Then it is refused."""

    history_days: Annotated[int, Field(ge=1, le=1500), WHOLE] = 180
    """How far back bills are read at first: all that are dated, were made or were changed since. What comes later is kept."""

    duplicates: DuplicateRule | None = None
    """Bills that may be entered twice are told on both tasks."""

    slices: SliceRule | None = None
    """Bills that may be one amount, cut to stay under a limit, are told on the tasks of all of them."""

    payee_change: PayeeRule | None = None
    """Bills of vendors whose payment details changed are told, held back, and released after a call-back."""

    @property
    def declared(self) -> tuple[ControlRule, ...]:
        """Those that the file names."""
        named = (getattr(self, name) for name in type(self).model_fields)
        return tuple(one for one in named if isinstance(one, ControlRule))

    @property
    def known_days(self) -> int:
        """How far back bills have to be known."""
        named = [int(getattr(one, "known_days", 0) or getattr(one, "window_days", 0)) for one in self.declared]
        return max([self.history_days, *named])


# What becomes of what nobody is about to mend: the audit of drift, and exceptions as tasks that somebody owns.

DriftName = Literal["missing", "stale", "extra", "duplicate", "orphaned", "decided without a record", "bypass"]
ExceptionName = Literal[
    "missing",
    "stale",
    "extra",
    "duplicate",
    "orphaned",
    "decided without a record",
    "bypass",
    "parked",
    "refused",
    "rejected",
    "unmapped",
    "unread",
    "unwritten",
    "concern",
    "too many at once",
]


class DriftRule(Part):
    """What the daily audit of both sides does about what it finds. By itself it repairs nothing."""

    fail_on: tuple[DriftName, ...] = ()
    """Classes of drift that fail the audit's run. It is green whatever it finds where none is named."""

    posted_counts: bool = False
    """Whether a bill that is Posted without an approval is a bypass too. Selected and paid ones always are. Say yes only where
    Intacct's own approvals keep bills from being posted: else every new bill is Posted before anybody can decide."""


class Exceptions(Part):
    """Whatever a person has to see to becomes a task with an owner, and is closed when it is over."""

    project: Gid | None = None
    """gid of the Asana project of these tasks; several flows may share one. The bills' own project when left out."""

    owner: Email
    """E-mail address in Asana of whoever new ones are assigned to."""

    owners: Mapping[ExceptionName, Email] = {}
    """Owners of some kinds of exceptions, as in `bypass: controller@example.com`."""

    most: Annotated[int, Field(ge=1, le=2000), WHOLE] = 200
    """Most exceptions that have a task of their own. When there are more, one task says how many, until there are fewer."""

    def owner_of(self, kind: str) -> str:
        owners: Mapping[str, str] = {str(name): email for name, email in self.owners.items()}
        return owners.get(kind, self.owner)
