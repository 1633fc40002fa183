"""How people decide, as a flow file says it: four ways, told apart by `kind`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from intacct_asana.flow.words import WHOLE, FieldName, Line, Part, Word


class EnumSignal(Part):
    """People decide by choosing an option of a field."""

    kind: Literal["enum"] = "enum"
    """May be left out."""

    field: FieldName = "Approval"
    """Name or gid of the enum field in the bills' project."""

    pending: Line = "Pending"
    """Option of a bill that nobody has decided yet. New tasks get it, and refused decisions go back to it."""

    approve: Line = "Approved"
    """Option that approves the bill."""

    reject: Line = "Rejected"
    """Option that rejects the bill."""

    other_names: Mapping[Line, tuple[Line, ...]] = {}
    """Other names under which an option still means the same, by the name above, as in `Approved: [OK to pay]`."""


class ApprovalTaskSignal(Part):
    """The bill's task is itself an approval of Asana, with its own buttons. New tasks are made so; ticking one approves it."""

    kind: Literal["approval_task"]
    """Says that the tasks are approvals."""

    changes_requested: Literal["reject", "ignore"] = "reject"
    """What `Request changes` means: a rejection, which needs a reason, or nothing."""


class ApprovalSubtasksSignal(Part):
    """Each person who is due gets an approval of Asana, a subtask of the bill's task in their own list, and decides on that."""

    kind: Literal["approval_subtasks"]
    """Says that people decide on subtasks of their own."""

    changes_requested: Literal["reject", "ignore"] = "reject"
    """What `Request changes` means: a rejection, which needs a reason, or nothing."""

    due_in_days: Annotated[int, Field(ge=0, le=366), WHOLE] | None = None
    """Days after it is made on which a subtask is due. The bill's own due date when left out."""


class CommentSignal(Part):
    """People decide by a comment whose first line is a declared word, alone or with a colon and the reason: `reject: why`."""

    kind: Literal["comment"]
    """Says that people decide by comment."""

    approve: Annotated[tuple[Word, ...], Field(min_length=1)] = ("approve",)
    """Words that approve the bill, in capitals or not."""

    reject: Annotated[tuple[Word, ...], Field(min_length=1)] = ("reject",)
    """Words that reject the bill."""


def kind_mark(value: Any) -> str:
    """Which of the four a part of a file means to be, as pydantic's errors name it. Without `kind` it is the field."""
    kind = value.get("kind", "enum") if isinstance(value, Mapping) else getattr(value, "kind", "enum")
    return f"[{kind}]"


KIND_MARKS = frozenset({"[enum]", "[approval_task]", "[approval_subtasks]", "[comment]"})
SignalRule = Annotated[
    Annotated[EnumSignal, Tag("[enum]")]
    | Annotated[ApprovalTaskSignal, Tag("[approval_task]")]
    | Annotated[ApprovalSubtasksSignal, Tag("[approval_subtasks]")]
    | Annotated[CommentSignal, Tag("[comment]")],
    Discriminator(kind_mark),
]
