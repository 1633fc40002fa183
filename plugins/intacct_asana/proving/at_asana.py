"""Asana as it answers, before anything is made of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from intacct_asana.asana.replies import decipher
from intacct_asana.asana.wire import AsanaWire
from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.proving.masks import masked

MOST_WAITS = 3
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer. `body` is the JSON envelope, empty where there is none; `error` what our own reading makes of a no."""

    status: int
    headers: Mapping[str, str]
    body: Json = field(repr=False)
    error: IntacctAsanaError | None = field(default=None, repr=False)

    @property
    def data(self) -> Any:
        """What stands under `data`. Raises what our reading makes of an answer that is no success."""
        if self.error:
            raise self.error
        return self.body.get("data")

    @property
    def words(self) -> str:
        errors = self.body.get("errors")
        listed = errors if isinstance(errors, list) else []
        said = [str(one.get("message", "")) for one in listed if isinstance(one, dict)]
        return " / ".join(map(masked, said)) or "none"

    @property
    def figures(self) -> Json:
        return {"HTTP": self.status, "words": self.words, "our code ends with": self.ends_as}

    @property
    def ends_as(self) -> str:
        return type(self.error).__name__ if self.error else "success"


class AsanaPort:
    """One workspace for questions, seen from one project. Writes are refused unless `may_write`, which one question has."""

    def __init__(self, wire: AsanaWire, *, project_gid: str, wait: Callable[[float], None]) -> None:
        self.wire = wire
        self.project_gid = project_gid
        self.wait = wait
        self.may_write = False
        self._workspace_gid = ""

    @property
    def workspace_gid(self) -> str:
        """That of the project: what is seen elsewhere says nothing of it."""
        if not self._workspace_gid:
            found = self.get(f"/projects/{self.project_gid}", opt_fields="workspace").data
            self._workspace_gid = str(found["workspace"]["gid"])
        return self._workspace_gid

    def an_hour_ago(self) -> str:
        """An hour before what Asana's own clock says, as a filter takes it."""
        return (self.wire.clock() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def get(self, path: str, **params: str) -> Said:
        return self.send("GET", path, params=params)

    def listed(self, path: str, *, fields: str = "", limit: int = 100, **params: str) -> list[Json]:
        """The first page of a list."""
        named = {"opt_fields": fields} if fields else {}
        found = self.get(path, limit=str(limit), **named, **params).data
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def post(self, path: str, data: Json, **params: str) -> Said:
        return self.send("POST", path, params=params, data=data)

    def put(self, path: str, data: Json, **params: str) -> Said:
        return self.send("PUT", path, params=params, data=data)

    def delete(self, path: str) -> Said:
        return self.send("DELETE", path)

    def send(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, data: Json | None = None, bearer: str = ""
    ) -> Said:
        """One answer; after a 429 the call is made again when Asana says so, a few times.

        Raises TryLater where nothing was sent or a read was cut off, OutcomeUnknown where a write got no whole answer.
        """
        asked = f"{method} of a question"
        if method != "GET" and (not self.may_write or self.wire.read_only):
            raise Misconfigured(
                f"{asked}: it writes, and the connection is read-only or nobody allowed this question to write.",
                code="read_only",
            )
        for _ in range(MOST_WAITS):
            said = self._once(method, path, params or {}, data, bearer, asked)
            if said.status != 429:
                return said
            self.wait(float(getattr(said.error, "wait_seconds", None) or 1))
        return said

    def _once(self, method: str, path: str, params: Mapping[str, str], data: Json | None, bearer: str, asked: str) -> Said:
        headers = {"Authorization": f"Bearer {bearer or self.wire.token.bearer()}", "Accept": "application/json"}
        content = None
        if data is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps({"data": data}).encode()
        with self.wire.pace.turn(is_write=method != "GET"):
            answer = self.wire.send(
                method,
                self.wire.settings.base_url + path,
                headers=headers,
                params=params,
                content=content,
                is_write=method == "POST",
                asked=asked,
            )
        body: Json = {}
        with suppress(ValueError):
            found = json.loads(answer.body)
            body = found if isinstance(found, dict) else {}
        error = None
        try:
            decipher(
                answer.status, answer.headers, answer.body, asked=asked, is_write=method == "POST", read=lambda envelope: None
            )
        except IntacctAsanaError as no:
            error = no
        return Said(status=answer.status, headers=answer.headers, body=body, error=error)
