"""How the people of a flow decide, and by which rules: four ways behind one shape, with names turned into gids.

A way says which stories are about the decision and what they say, what a task shows, how it is made to show something else,
and how all of it is called in sentences.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import Protocol

from intacct_asana.flow.rules import Approval, Approver
from intacct_asana.flow.write_back import PaymentRequestRule, StampFields
from intacct_asana.ports import TaskBoard
from intacct_asana.records import Bill, Signal, Story, Task, Verdict

NAMES = MappingProxyType({Verdict.APPROVE: "Approved", Verdict.REJECT: "Rejected"})
COMMENT, ENUM_CHANGED = "comment_added", "enum_custom_field_changed"
LONGEST_SAID = 1000
VendorPerson = Callable[[str, Bill], str]
"""Whom a field of the bill's vendor names, as an address; empty for nobody."""


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
    def on_subtasks(self) -> bool:
        """Whether people decide on subtasks of their own, so that the bill's own task shows nothing of it."""
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
    """An enum custom field. `pending` and `verdicts` are option gids.

    `known_names` are, by option gid, the names under which an option may be chosen: the one that it was pinned with, and those
    that the flow declares beside it.
    """

    field_gid: str
    pending: str
    verdicts: Mapping[str, Verdict]
    name: str = "Approval"
    pending_name: str = "Pending"
    names: Mapping[Verdict, str] = field(default_factory=lambda: NAMES)
    known_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    completes: bool = False
    on_subtasks: bool = False
    again: str = "choose again"

    def said_by(self, story: Story) -> str | None:
        """A choice in a field that Asana does not name may be one in this field: it says nothing, and so takes back."""
        if story.kind == ENUM_CHANGED and story.field_gid is None:
            return ""
        return (story.new_enum_gid or "") if story.field_gid == self.field_gid else None

    def said_text(self, story: Story) -> str:
        verdict = self.verdicts.get(story.new_enum_gid or "")
        return self.names[verdict] if verdict else ""

    def reason_in(self, story: Story) -> str | None:
        return None

    def flaw(self, signal: Signal, story: Story) -> tuple[str, str] | None:
        """An option is known by its gid, and people go by its name: one that nobody declared may well mean the opposite."""
        meant, read = self.names[signal.verdict], story.new_enum_name.strip()
        if read in self.known_names.get(story.new_enum_gid or "", ()):
            return None
        now = f"is called {read} in Asana now" if read else "has no name that Asana tells"
        said = f"The option {now}, and the flow knows it as {meant}: nobody can tell what was meant."
        mend = f"Please have the name set right in Asana, or declared under other_names in the flow file, then {self.again}."
        return said, mend

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
    on_subtasks: bool = False
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
class ApprovalSubtasks(ApprovalTask):
    """Each person who is due has a subtask that is an approval. The bill's own task is none, and nothing on it decides."""

    completes: bool = False
    on_subtasks: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredComment:
    """A comment whose first line is a declared word, alone or followed by a colon and the reason: `reject: wrong vendor`.

    Nothing else counts: not the word among others, not in a quotation or other markup, not in a comment that its author
    changed later (nobody knows what it said before), and not what was written before the flow declared the word.
    """

    words: Mapping[str, Verdict]
    """Words in lower case."""
    since: Mapping[str, datetime] = field(default_factory=dict)
    """By Asana's clock from when on a word is declared; one that is not here always was."""
    pending: str = ""
    pending_name: str = ""
    completes: bool = False
    on_subtasks: bool = False
    again: str = "write it as a new comment"

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        return self.words

    def said_by(self, story: Story) -> str | None:
        if story.kind != COMMENT:
            return None
        head = _head(story.text)
        word = head.casefold()
        if word not in self.words or (word in self.since and story.created_at < self.since[word]):
            return None
        return word if _opens_with(story.html, head) else None

    def said_text(self, story: Story) -> str:
        return story.text[:LONGEST_SAID]

    def reason_in(self, story: Story) -> str | None:
        first, _, more = story.text.strip().partition("\n")
        return f"{first.partition(':')[2]} {more}"

    def flaw(self, signal: Signal, story: Story) -> tuple[str, str] | None:
        if story.is_edited or self.said_text(story) != signal.said:
            return "The comment was changed after it was written, so it does not count.", f"Please {self.again}."
        if not story.html.strip():
            return "Asana does not show how the comment looks, and it may be struck through.", f"Please {self.again}."
        if story.is_edited is None:
            return "Asana does not tell whether the comment was changed after it was written.", f"Please {self.again}."
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
    """Whether the comment shows `head` as plain text: not struck through, quoted, or in a list. Without markup it may."""
    inner = markup.strip().removeprefix("<body>").lstrip()
    return not inner or inner.startswith((html.escape(head), html.escape(head, quote=False)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The approval rules of one flow, with gids for names. `stamp` None means that no stamp is written to Intacct.

    `on_approve` and `on_reject` are the steps that write a verdict to Intacct, by their words; None is the stamp, where one
    is named. Without any step nothing is written. `intake` are those for bills that are new here.
    `people` are the user gids that preflight pinned, by e-mail address in lower case, `field_names` the custom fields' by gid.
    `compares_files` says whether tasks show the files that hang on their bills. Days of a delegation are days in `timezone`.
    `vendor_person` tells whom a field of a bill's vendor names, where steps go by one. `longest_stamp` is in characters,
    because Intacct does not tell the length of a custom field.
    """

    flow: str
    approval: Approval
    way: Way
    bot_gid: str
    people: Mapping[str, str] = field(default_factory=dict)
    field_names: Mapping[str, str] = field(default_factory=dict)
    reason_field_gid: str = ""
    progress_field_gid: str = ""
    stamp: StampFields | None = None
    on_approve: tuple[str, ...] | None = None
    on_reject: tuple[str, ...] | None = None
    intake: tuple[str, ...] = ()
    payment_request: PaymentRequestRule | None = None
    send_due_on: bool = False
    send_submit: bool = False
    compares_files: bool = False
    timezone: tzinfo = UTC
    vendor_person: VendorPerson = lambda field, bill: ""
    concern_days: int = 30
    """How long an approval waits for a concern about its bill."""
    longest_stamp: int = 200
    longest_reason: int = 1000

    @property
    def version(self) -> str:
        return self.approval.policy_version

    def steps_for(self, verdict: Verdict) -> tuple[str, ...]:
        """What carries out such a decision, in its order."""
        steps = self.on_approve if verdict is Verdict.APPROVE else self.on_reject
        return steps if steps is not None else ("stamp",) if self.stamp else ()

    def entries(self, email: str) -> list[Approver]:
        """What the list says of this e-mail address, in any case: once for each delegation."""
        wanted = email.strip().casefold()
        return [one for one in self.approval.approvers if wanted and one.email.casefold() == wanted]

    def pinned(self, email: str) -> str:
        """The gid that preflight found for an address of the list, empty where it found none."""
        return self.people.get(email.strip().lower(), "")

    def email_of(self, gid: str | None) -> str:
        """The address of the list that preflight pinned to this user; empty for everybody else."""
        pinned = (one.email for one in self.approval.approvers if gid and self.pinned(one.email) == gid)
        return next(pinned, "")
