"""Documents of bills: the files that Intacct holds under one attachment id, and what hangs on a task."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

UNFIT = "unfit"
"""Code of a Refused for a document that will never fit Asana as it is: too big, empty, of a kind that is not attached."""

UNREAD = "unread"
"""In place of a digest: the files could not be read. It is not what anybody was shown."""

Form = Literal["link", "file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFile:
    """One file out of Intacct. `digest` is SHA-256 hex, `size` in bytes; `unfit` says why it cannot be attached, else empty.

    Too big a file has its whole digest too; one that came damaged has none.
    `content` stands at its beginning and is closed by whoever was given the file.
    """

    name: str
    content_type: str
    size: int
    digest: str
    content: BinaryIO = field(repr=False, compare=False)
    unfit: str = ""


def digest_of(files: Iterable[DocumentFile]) -> str:
    """SHA-256 hex of everything under one attachment id, in whatever order it comes; UNREAD where a file came damaged."""
    each = sorted([file.name, file.size, file.digest] for file in files)
    if any(not digest for _, _, digest in each):
        return UNREAD
    return hashlib.sha256(json.dumps(each, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """What hangs on a task. `kind` is `asana` for a file and `external` for a link; `size` is None where it is not told."""

    gid: str
    name: str
    kind: str = "asana"
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedDocument:
    """What a bill's task should carry: the document itself, or a link to where it can be seen."""

    key: str
    form: Form
    document_id: str
    name: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDocument:
    """A wanted document that its task does not carry yet, or not wholly."""

    wanted: WantedDocument
    task_gid: str
