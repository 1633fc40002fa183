"""The three ways in which people decide, behind one shape: a choice field, an approval task, a comment.

Each says which stories are about the decision and what they say, what a task shows, how a refused one is put back, and how
all of it is called in sentences.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from intacct_asana.ports import TaskBoard
from intacct_asana.records import Signal, Story, Task, Verdict

NAMES = MappingProxyType({Verdict.APPROVE: "Approved", Verdict.REJECT: "Rejected"})
COMMENT = "comment_added"
LONGEST_SAID = 1000


class Way(Protocol):
    """How the people of a flow decide."""

    @property
    def pending(self) -> str:
        """What a task shows that nobody has decided; empty where a task shows nothing."""
        ...

    @property
    def pending_name(self) -> str: ...

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """What people can set or write, and what it means. Anything else takes an earlier choice back."""
        ...

    @property
    def completes(self) -> bool:
        """Whether a decision also completes its task."""
        ...

    @property
    def again(self) -> str:
        """What to do once more, as in `Please choose again.`"""
        ...

    def said_by(self, story: Story) -> str | None:
        """What the story set or wrote; None for a story that is about something else."""
        ...

    def said_text(self, story: Story) -> str:
        """The same as people had it before them, for the evidence."""
        ...

    def reason_in(self, story: Story) -> str | None:
        """The reason, where it stands in the story itself; None where it is to be looked for elsewhere."""
        ...

    def flaw(self, signal: Signal, story: Story) -> tuple[str, str] | None:
        """Why the story does not count as it stands now, and what to do; None when it counts."""
        ...

    def shown_on(self, task: Task) -> str:
        """What the task shows; empty for nothing."""
        ...

    def value_of(self, verdict: Verdict) -> str:
        """What a task shows that was decided so."""
        ...

    def option_name(self, verdict: Verdict) -> str:
        """The verdict as people see it in Asana."""
        ...

    def did(self, signal: Signal) -> str:
        """What the person did: `chose Approved`."""
        ...

    def set_back(self, value: str) -> str:
        """The sentence that tells people that the task is about to show `value` again."""
        ...

    def put(self, board: TaskBoard, task_gid: str, value: str) -> None:
        """Have the task show `value`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceField:
    """An enum custom field. `pending` and `verdicts` are option gids."""

    field_gid: str
    pending: str
    verdicts: Mapping[str, Verdict]
    name: str = "Approval"
    pending_name: str = "Pending"
    names: Mapping[Verdict, str] = field(default_factory=lambda: NAMES)
    completes: bool = False
    again: str = "choose again"

    def said_by(self, story: Story) -> str | None:
        return (story.new_enum_gid or "") if story.field_gid == self.field_gid else None

    def said_text(self, story: Story) -> str:
        verdict = self.verdicts.get(story.new_enum_gid or "")
        return self.names[verdict] if verdict else ""

    def reason_in(self, story: Story) -> str | None:
        return None

    def flaw(self, signal: Signal, story: Story) -> tuple[str, str] | None:
        """Options are known by gid, so a new name is no matter, unless people now read the opposite on it."""
        meant, read = self.names[signal.verdict], story.new_enum_name.strip()
        others = {name.casefold() for name in (self.pending_name, *self.names.values()) if name != meant}
        if read.casefold() not in others:
            return None
        said = f"The option is called {read} in Asana now, and the flow knows it as {meant}: nobody can tell which was meant."
        return said, f"Please have the names set right in Asana, then {self.again}."

    def shown_on(self, task: Task) -> str:
        value = task.fields.get(self.field_gid)
        return value if isinstance(value, str) else ""

    def value_of(self, verdict: Verdict) -> str:
        return next(gid for gid, said in self.verdicts.items() if said is verdict)

    def option_name(self, verdict: Verdict) -> str:
        return self.names[verdict]

    def did(self, signal: Signal) -> str:
        return f"chose {self.names[signal.verdict]}"

    def set_back(self, value: str) -> str:
        verdict = self.verdicts.get(value)
        return f"{self.name} is set back to {self.names[verdict] if verdict else self.pending_name}."

    def put(self, board: TaskBoard, task_gid: str, value: str) -> None:
        board.set_fields(task_gid, {self.field_gid: value})


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalTask:
    """The task is an approval of Asana. `changes_requested` None means that it says nothing about the bill.

    Every status but pending completes the task, a rejection too, and ticking the task sets `approved`; so who decided what
    is read from the stories that carry a status, never from `completed`. The name of their subtype is not documented.
    Source: developers.asana.com/reference/tasks (approval_status).
    """

    changes_requested: Verdict | None = Verdict.REJECT
    pending: str = "pending"
    pending_name: str = "pending"
    completes: bool = True
    again: str = "decide again"

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        also = {"changes_requested": self.changes_requested} if self.changes_requested else {}
        return {"approved": Verdict.APPROVE, "rejected": Verdict.REJECT, **also}

    def said_by(self, story: Story) -> str | None:
        return story.new_approval_status

    def said_text(self, story: Story) -> str:
        return story.new_approval_status or ""

    def reason_in(self, story: Story) -> str | None:
        return None

    def flaw(self, signal: Signal, story: Story) -> tuple[str, str] | None:
        return None

    def shown_on(self, task: Task) -> str:
        return task.approval_status or ""

    def value_of(self, verdict: Verdict) -> str:
        return "approved" if verdict is Verdict.APPROVE else "rejected"

    def option_name(self, verdict: Verdict) -> str:
        return NAMES[verdict]

    def did(self, signal: Signal) -> str:
        return "asked for changes" if signal.said == "changes_requested" else f"chose {NAMES[signal.verdict]}"

    def set_back(self, value: str) -> str:
        return f"The approval is set back to {value}{', and the task is open again' if value == self.pending else ''}."

    def put(self, board: TaskBoard, task_gid: str, value: str) -> None:
        board.set_approval(task_gid, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredComment:
    """A comment whose first line is a declared word, alone or followed by a colon and the reason: `reject: wrong vendor`.

    Nothing else counts: not the word among others, not in a quotation or other markup, not in a comment that its author
    changed later (nobody knows what it said before), not in one that came by e-mail (anybody can forge those).
    """

    words: Mapping[str, Verdict]
    """Words in lower case."""
    pending: str = ""
    pending_name: str = ""
    completes: bool = False
    again: str = "write it as a new comment"

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        return self.words

    def said_by(self, story: Story) -> str | None:
        if story.kind != COMMENT:
            return None
        head = _head(story.text)
        return head.casefold() if head.casefold() in self.words and _opens_with(story.html, head) else None

    def said_text(self, story: Story) -> str:
        return story.text[:LONGEST_SAID]

    def reason_in(self, story: Story) -> str | None:
        first, _, more = story.text.strip().partition("\n")
        return f"{first.partition(':')[2]} {more}"

    def flaw(self, signal: Signal, story: Story) -> tuple[str, str] | None:
        if story.is_edited or self.said_text(story) != signal.said:
            return "The comment was changed after it was written, so it does not count.", f"Please {self.again}."
        if story.source == "email":
            return "The comment came by e-mail, and anybody can write an e-mail in another's name.", "Please write it in Asana."
        return None

    def shown_on(self, task: Task) -> str:
        return ""

    def value_of(self, verdict: Verdict) -> str:
        return ""

    def option_name(self, verdict: Verdict) -> str:
        return NAMES[verdict]

    def did(self, signal: Signal) -> str:
        return f'wrote "{_head(signal.said)}"'

    def set_back(self, value: str) -> str:
        return ""

    def put(self, board: TaskBoard, task_gid: str, value: str) -> None:
        """A comment stays what it is."""


def _head(text: str) -> str:
    """The first line up to its colon."""
    return text.strip().partition("\n")[0].partition(":")[0].strip()


def _opens_with(markup: str, head: str) -> bool:
    """Whether the comment shows `head` as plain text: not struck through, quoted, or in a list. Without markup it does."""
    inner = markup.strip().removeprefix("<body>").lstrip()
    return not markup or inner.startswith((html.escape(head), html.escape(head, quote=False)))
