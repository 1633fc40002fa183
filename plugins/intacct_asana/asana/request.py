"""One request to Asana before it is sent, and the form that carries a file."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import quote

from intacct_asana.asana.records import Json

PAGE_SIZE = 100
"""The most that Asana gives at once. Source: developers.asana.com/docs/pagination."""

FIELD_FIELDS = ("name", "resource_subtype", "type", "precision", "format")
"""What tells how a custom field's value is to be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call. `asked` says it in plain words, for messages.

    `repeatable` is False where a second call would do a second thing (a new task, a new comment).
    """

    method: str
    path: str
    asked: str
    params: Mapping[str, str] = field(default_factory=dict)
    data: Json | None = None
    form: Form | None = None
    repeatable: bool = True

    @property
    def content_type(self) -> str:
        return self.form.content_type if self.form else "application/json"

    @property
    def content(self) -> bytes | Form | None:
        """The body as sent: a form, or JSON whose numbers are the shortest text of exactly their value."""
        if self.form:
            return self.form
        if self.data is None:
            return None
        return json.dumps({"data": self.data}, allow_nan=False, separators=(",", ":")).encode()

    def at(self, offset: str | None) -> Request:
        """The same read, from `offset` on."""
        params = {**self.params, "offset": offset} if offset else self.params
        return Request(method=self.method, path=self.path, asked=self.asked, params=params)


def get(path: str, *, asked: str, fields: Collection[str]) -> Request:
    return Request(method="GET", path=path, asked=asked, params={"opt_fields": ",".join(fields)})


def get_list(path: str, *, asked: str, fields: Collection[str], **more: str) -> Request:
    params = {**more, "limit": str(PAGE_SIZE), "opt_fields": ",".join(fields)}
    return Request(method="GET", path=path, asked=asked, params=params)


def send(method: str, path: str, *, asked: str, data: Json, fields: Collection[str] = (), repeatable: bool) -> Request:
    params = {"opt_fields": ",".join(fields)} if fields else {}
    return Request(method=method, path=path, asked=asked, params=params, data=data, repeatable=repeatable)


def segment(text: str) -> str:
    """One part of a path, escaped."""
    return quote(text, safe="@")


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
    """`fields` are names and texts. `boundary` occurs in none of them and not in the file.

    It is the body too: of a length known before, sent piece by piece, and from its beginning each time it is sent.
    """

    fields: tuple[tuple[str, str], ...]
    boundary: str
    file: FilePart | None = None

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"

    def __len__(self) -> int:
        return len(self._head()) + (self.file.size if self.file else 0) + len(self._tail())

    def __iter__(self) -> Iterator[bytes]:
        yield self._head()
        if self.file:
            self.file.content.seek(0)
            while piece := self.file.content.read(CHUNK):
                yield piece
        yield self._tail()

    def _head(self) -> bytes:
        """Everything before the file's content."""
        parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in self.fields]
        if self.file:
            disposition = f'Content-Disposition: form-data; name="file"; {_named(self.file.name)}'
            parts.append(f"{disposition}\r\nContent-Type: {self.file.content_type}\r\n\r\n")
        return "".join(f"--{self.boundary}\r\n{part}" for part in parts).encode()

    def _tail(self) -> bytes:
        end = f"--{self.boundary}--\r\n"
        return f"\r\n{end}".encode() if self.file else end.encode()


def _named(name: str) -> str:
    if name.isascii() and name.isprintable():
        plain = name.replace("\\", "_").replace('"', "_")
        return f'filename="{plain}"'
    encoded = quote(name, safe="")
    return f"filename=\"{encoded}\"; filename*=UTF-8''{encoded}"
