"""A small client for the stand-in's API, and a bills project with the usual fields."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.constants import ASANA_TOKEN, BILLS_PROJECT_GID, WORKSPACE_GID


class Api:
    """Calls in one line: `api.get("/tasks/1")` is the `data`; the `raw` ones are the whole answer."""

    def __init__(self, url: str, token: str = ASANA_TOKEN) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=20)

    def as_person(self, gid: str) -> Api:
        return Api(self.url, f"sandbox-person-{gid}")

    def raw(self, method: str, path: str, data: Any = None, **query: Any) -> httpx.Response:
        body = None if data is None else {"data": data}
        return self.http.request(method, path, json=body, params=query or None)

    def get(self, path: str, **query: Any) -> Any:
        return self._data(self.raw("GET", path, **query))

    def post(self, path: str, data: Any, **query: Any) -> Any:
        return self._data(self.raw("POST", path, data, **query))

    def put(self, path: str, data: Any, **query: Any) -> Any:
        return self._data(self.raw("PUT", path, data, **query))

    def delete(self, path: str) -> Any:
        return self._data(self.raw("DELETE", path))

    def refusal(self, method: str, path: str, data: Any = None, **query: Any) -> tuple[int, str]:
        answer = self.raw(method, path, data, **query)
        assert answer.is_error, answer.text
        return answer.status_code, answer.json()["errors"][0]["message"]

    def add_field(self, name: str, kind: str, project: str = BILLS_PROJECT_GID, **more: Any) -> dict[str, Any]:
        wanted = {"workspace": WORKSPACE_GID, "name": name, "resource_subtype": kind, **more}
        field: dict[str, Any] = self.post("/custom_fields", wanted)
        self.post(f"/projects/{project}/addCustomFieldSetting", {"custom_field": field["gid"]})
        return field

    def add_task(self, name: str = "Bill 1", **more: Any) -> str:
        gid: str = self.post("/tasks", {"name": name, "projects": [BILLS_PROJECT_GID], **more})["gid"]
        return gid

    def value(self, task: str, field: dict[str, Any]) -> dict[str, Any]:
        entries = self.get(f"/tasks/{task}")["custom_fields"]
        entry: dict[str, Any] = next(each for each in entries if each["gid"] == field["gid"])
        return entry

    def sync_token(self, resource: str = BILLS_PROJECT_GID) -> str:
        token: str = self.raw("GET", "/events", resource=resource).json()["sync"]
        return token

    def events(self, token: str, resource: str = BILLS_PROJECT_GID, **query: Any) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = self.get("/events", resource=resource, sync=token, **query)
        return events

    @staticmethod
    def _data(answer: httpx.Response) -> Any:
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        return answer.json()["data"]


@pytest.fixture
def api(sandbox: Any) -> Iterator[Api]:
    made = Api(sandbox.asana_url)
    yield made
    made.http.close()


@pytest.fixture
def approval(api: Api) -> dict[str, Any]:
    """The Approval field with its three options; `gids` maps option name to gid."""
    field = api.add_field("Approval", "enum", enum_options=[{"name": name} for name in ("Pending", "Approved", "Rejected")])
    return {**field, "gids": {option["name"]: option["gid"] for option in field["enum_options"]}}
