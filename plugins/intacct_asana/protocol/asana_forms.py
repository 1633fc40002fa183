"""Multipart forms as Asana takes them, read while they are sent, so that a large file never stands in memory.

Source: developers.asana.com/reference/createattachmentforobject: lines end in CR LF, and a name that is not ASCII is written
URL-encoded as `filename` and again as `filename*`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import quote

CHUNK = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """A file to be sent. `content` is read from its beginning each time; `size` in bytes."""

    name: str
    content_type: str
    size: int
    content: BinaryIO = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """`fields` are names and texts. `boundary` occurs in none of them and not in the file."""

    fields: tuple[tuple[str, str], ...]
    boundary: str
    file: FilePart | None = None

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"

    def body(self) -> FormBody:
        """The form from its beginning: a call that is repeated sends all of it again."""
        return FormBody(self)

    def head(self) -> bytes:
        """Everything before the file's content."""
        parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in self.fields]
        if self.file:
            disposition = f'Content-Disposition: form-data; name="file"; {_named(self.file.name)}'
            parts.append(f"{disposition}\r\nContent-Type: {self.file.content_type}\r\n\r\n")
        return "".join(f"--{self.boundary}\r\n{part}" for part in parts).encode()

    def tail(self) -> bytes:
        end = f"--{self.boundary}--\r\n"
        return f"\r\n{end}".encode() if self.file else end.encode()


class FormBody:
    """A form as a file to be read: what `requests` sends with its length known and a bounded piece in memory."""

    def __init__(self, form: Form) -> None:
        head, tail = form.head(), form.tail()
        size = form.file.size if form.file else 0
        self._length = len(head) + size + len(tail)
        self._left = head
        self._tail: bytes | None = tail
        self._file = form.file.content if form.file else None
        if self._file:
            self._file.seek(0)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(CHUNK):
            yield piece

    def read(self, size: int = CHUNK) -> bytes:
        if not self._left and self._file:
            self._left = self._file.read(size if size > 0 else CHUNK)
            self._file = self._file if self._left else None
        if not self._left and self._tail is not None:
            self._left, self._tail = self._tail, None
        piece, self._left = (self._left, b"") if size <= 0 else (self._left[:size], self._left[size:])
        return piece


def _named(name: str) -> str:
    if name.isascii() and name.isprintable():
        plain = name.replace("\\", "_").replace('"', "_")
        return f'filename="{plain}"'
    encoded = quote(name, safe="")
    return f"filename=\"{encoded}\"; filename*=UTF-8''{encoded}"
