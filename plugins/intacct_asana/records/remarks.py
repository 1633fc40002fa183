"""Comments that we write on tasks, and how each is found again: its last line is `Reference: <id>`.

The answer to a comment can be lost, so whoever comments looks first whether the comment is there already. An id is
deterministic: the same news has the same id, whichever run brings it. What stands before its last dash is its family.
"""

from __future__ import annotations

from collections.abc import Iterable

from intacct_asana.records.asana import Story

LABEL = "Reference: "
NOTHING = "none"
"""The end of an id that takes earlier news back: where nothing was said before, there is nothing to take back."""
GONE = "gone-{record_no}"
"""The id of the remark that a record is gone."""


def reference(remark_id: str) -> str:
    """The last line of a comment of ours. It must end the text: elsewhere it would be a quotation."""
    return f"{LABEL}{remark_id}"


def reference_of(text: str) -> str:
    """The reference line that ends `text`, empty when none does."""
    last = text.rstrip().rpartition("\n")[2].strip()
    return last if last.startswith(LABEL) and len(last.split()) == 2 else ""


def family_of(text: str) -> str:
    """What `text` is news of: its reference up to the last dash; empty without one."""
    return reference_of(text).rpartition("-")[0]


def takes_back(remark: str) -> bool:
    """Whether `remark` only says that nothing of its family holds any more."""
    return reference_of(remark).endswith(f"-{NOTHING}")


def comment_with(mark: str, stories: Iterable[Story], *, author_gid: str) -> str:
    """gid of the author's first comment that ends with the reference `mark`; empty when there is none."""
    return next((story.gid for story in _by(author_gid, stories) if story.text.rstrip().endswith(mark)), "")


def last_said(mark: str, stories: Iterable[Story], *, author_gid: str) -> str:
    """The reference of the author's newest comment of the family of `mark`, empty without one; `stories` are oldest first.

    Only the newest counts, because what was true, and then was not, may become true again and is news then. That a record is
    gone holds until its task is opened again.
    """
    told = list(stories)
    if family_of(mark) == family_of(reference(GONE)):
        reopened = [place for place, story in enumerate(told) if _opens(story)]
        told = told[reopened[-1] :] if reopened else told
    said = [story.text for story in _by(author_gid, told) if family_of(story.text) == family_of(mark)]
    return reference_of(said[-1]) if said else ""


def _opens(story: Story) -> bool:
    return story.kind == "marked_incomplete" or story.new_approval_status == "pending"


def _by(author_gid: str, stories: Iterable[Story]) -> Iterable[Story]:
    return (story for story in stories if story.kind == "comment_added" and story.author_gid == author_gid)
