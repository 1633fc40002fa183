"""One call to Asana as a value: what is sent, and what it is for. Nothing is sent here."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from intacct_asana.protocol.asana_forms import Form, FormBody
from intacct_asana.protocol.asana_shapes import Json

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
    def content(self) -> bytes | FormBody | None:
        """The body as sent: a form from its beginning, or JSON whose numbers are the shortest text of exactly their value."""
        if self.form:
            return self.form.body()
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
