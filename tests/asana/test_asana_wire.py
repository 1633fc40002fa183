"""The hook when the wire misbehaves: what is repeated, what never is, and what stays secret."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from intacct_asana.asana.hook import AsanaHook
from intacct_asana.asana.pace import Standing
from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, TryLater, UnexpectedReply
from intacct_asana.records import TaskDraft

from sandbox import constants
from tests.asana.asana_connections import a_hook

PROJECT = constants.BILLS_PROJECT_GID
DRAFT = TaskDraft(key="CO:ap:17", name="A bill")
OAUTH = {
    "client_id": "sandbox-asana-client",
    "client_secret": "sandbox-asana-client-secret",
    "refresh_token": "sandbox-asana-refresh-1",
}


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch, sandbox: Any) -> AsanaHook:
    return a_hook(monkeypatch, sandbox.asana_url)


def tasks_there(hook: AsanaHook) -> int:
    return sum(len(page) for page in hook.tasks(PROJECT))


@pytest.mark.parametrize(
    "action", ["lost_answer", "status:503", "status_after:500", "status_after:524", "html", "empty", "truncated"]
)
def test_a_creation_without_a_clear_answer_is_never_repeated(hook: AsanaHook, sandbox: Any, action: str) -> None:
    sandbox.fault("asana", "POST /tasks", action)
    with pytest.raises(OutcomeUnknown, match="CO:ap:17"):
        hook.create_task(PROJECT, DRAFT)
    assert sandbox.counters()["asana POST /tasks"] == 1


def test_a_comment_without_a_clear_answer_is_never_repeated(hook: AsanaHook, sandbox: Any) -> None:
    task = hook.create_task(PROJECT, DRAFT)
    sandbox.fault("asana", "POST /tasks/{gid}/stories", "lost_answer")
    with pytest.raises(OutcomeUnknown, match=task.gid):
        hook.comment(task.gid, "hello")
    assert sum(story.text == "hello" for story in hook.stories(task.gid)) == 1


def test_a_creation_that_met_the_limit_is_repeated_after_the_wait(hook: AsanaHook, sandbox: Any) -> None:
    sandbox.fault("asana", "POST /tasks", "429:1")
    began = time.monotonic()
    hook.create_task(PROJECT, DRAFT)
    assert time.monotonic() - began >= 0.9
    assert sandbox.counters()["asana POST /tasks"] == 2
    assert tasks_there(hook) == 1


@pytest.mark.parametrize("action", ["status:503", "status_after:502", "lost_answer", "drop"])
def test_an_update_is_repeated_because_twice_is_once(hook: AsanaHook, sandbox: Any, action: str) -> None:
    task = hook.create_task(PROJECT, DRAFT)
    sandbox.fault("asana", "PUT /tasks/{gid}", action, times=2)
    after = hook.update_task(task.gid, TaskDraft(key="CO:ap:17", name="New"), changed=["name"])
    assert after.name == "New"
    assert sandbox.counters()["asana PUT /tasks/{gid}"] == 3


def test_a_read_is_repeated_but_not_for_ever(hook: AsanaHook, sandbox: Any) -> None:
    sandbox.fault("asana", "GET /tasks", "status:503", times=2)
    assert tasks_there(hook) == 0
    sandbox.fault("asana", "GET /projects/{gid}", "status:503", times=99)
    with pytest.raises(TryLater, match="asana_default"):
        hook.project(PROJECT)
    assert sandbox.counters()["asana GET /projects/{gid}"] == 5


def test_a_wait_that_is_too_long_is_handed_to_airflow(monkeypatch: pytest.MonkeyPatch, sandbox: Any) -> None:
    """With a token of its own, because the pause outlives this test."""
    hook = a_hook(monkeypatch, sandbox.asana_url, password="", **OAUTH)
    sandbox.fault("asana", "GET /users/{gid}", "429:600")
    for _ in range(2):
        with pytest.raises(TryLater, match="asana_default") as caught:
            hook.me()
        assert caught.value.wait_seconds == pytest.approx(600, abs=5)
    assert sandbox.counters()["asana GET /users/{gid}"] == 1
    hook.pace._standing = Standing()


def test_a_page_that_is_not_asanas_is_no_empty_board(hook: AsanaHook, sandbox: Any) -> None:
    sandbox.fault("asana", "GET /tasks", "html", times=9)
    with pytest.raises(UnexpectedReply, match="asana_default"):
        tasks_there(hook)


def test_a_wrong_url_does_not_make_tasks_gone(monkeypatch: pytest.MonkeyPatch, sandbox: Any) -> None:
    for wrong in (f"{sandbox.url}/elsewhere", f"{sandbox.url}/api/1.0/extra"):
        with pytest.raises(UnexpectedReply):
            a_hook(monkeypatch, wrong).task("1")


def test_a_server_that_is_not_there_is_worth_a_later_try(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TryLater, match="asana_default"):
        a_hook(monkeypatch, "http://127.0.0.1:9").create_task(PROJECT, DRAFT)


def test_a_walk_that_took_too_long_is_not_read_as_complete(hook: AsanaHook, sandbox: Any) -> None:
    for number in range(101):
        hook.create_task(PROJECT, TaskDraft(key=str(number), name="x"))
    pages = hook.tasks(PROJECT)
    assert len(next(pages)) == 100
    sandbox.clock(advance_seconds=7200)
    with pytest.raises(TryLater, match="pages"):
        next(pages)


def test_an_oauth_token_is_fetched_once_and_renewed_when_it_ends(monkeypatch: pytest.MonkeyPatch, sandbox: Any) -> None:
    hook = a_hook(monkeypatch, sandbox.asana_url, password="", **OAUTH)
    assert hook.me() == hook.me()
    assert sandbox.counters()["asana POST /-/oauth_token"] == 1
    sandbox.clock(advance_seconds=7200)
    hook.create_task(PROJECT, DRAFT)
    assert sandbox.counters()["asana POST /-/oauth_token"] == 2
    assert tasks_there(hook) == 1


def test_a_withdrawn_oauth_grant_says_what_to_do(monkeypatch: pytest.MonkeyPatch, sandbox: Any) -> None:
    hook = a_hook(monkeypatch, sandbox.asana_url, password="", **{**OAUTH, "refresh_token": "withdrawn-token"})
    with pytest.raises(Misconfigured, match=r"asana_default.*refresh_token") as caught:
        hook.me()
    assert "withdrawn-token" not in str(caught.value)


def test_the_token_is_in_no_log_line_and_no_error(
    monkeypatch: pytest.MonkeyPatch, sandbox: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for action in ("status:401", "status:403", "status:500", "lost_answer", "html"):
        hook = a_hook(monkeypatch, sandbox.asana_url)
        sandbox.fault("asana", "POST /tasks", action)
        with pytest.raises(IntacctAsanaError) as caught:
            hook.create_task(PROJECT, DRAFT)
        chain = [caught.value, caught.value.__cause__, caught.value.__context__]
        assert constants.ASANA_TOKEN not in repr(chain)
    assert constants.ASANA_TOKEN not in caplog.text


class Announcing(BaseHTTPRequestHandler):
    """Answers every read as a user, announces a change, and keeps what it was sent."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[dict[str, str]]] = []

    def do_GET(self) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        body = json.dumps({"data": {"gid": "1", "name": "Somebody"}}).encode()
        self.send_response(200)
        self.send_header("Asana-Change", "name=test_only_change;info=https://x.example/c;affected=true")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def announcing_url() -> Iterator[str]:
    Announcing.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Announcing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_announced_change_is_logged_once_and_only_the_token_goes_out(
    monkeypatch: pytest.MonkeyPatch, announcing_url: str
) -> None:
    lines: list[str] = []
    for _ in range(2):
        hook = a_hook(monkeypatch, announcing_url, password="announcing-token", workspace="7")
        monkeypatch.setattr(hook.log, "warning", lambda text, *args: lines.append(text % args))
        hook.me()
        hook.me()
    assert len(lines) == 1
    assert "test_only_change" in lines[0]
    headers = Announcing.seen[0]
    assert headers["authorization"] == "Bearer announcing-token"
    assert not {"workspace", "requests_per_minute"} & headers.keys()


def test_asanas_clock_is_known_from_its_answers_whatever_our_own_says(hook: AsanaHook, sandbox: Any) -> None:
    """Eleven minutes off, as a worker's clock can be: what looks back from here must reach what Asana dated itself."""
    sandbox.clock(advance_seconds=-11 * 60)
    assert_close(hook.clock(), sandbox)
    assert hook.calls == {"GET /users/me": 1}, "the only call that was needed to learn it"
    before = hook.clock()
    made = hook.create_task(PROJECT, DRAFT)
    assert made.modified_at is not None
    assert before <= made.modified_at
    assert made.gid in {task.gid for page in hook.tasks(PROJECT, modified_since=before) for task in page}


def test_asanas_clock_follows_the_newest_answer(hook: AsanaHook, sandbox: Any) -> None:
    hook.clock()
    sandbox.clock(advance_seconds=11 * 60)
    hook.me()
    assert_close(hook.clock(), sandbox)
    assert sum(hook.calls.values()) == 2, "asked for once, then read from what came anyway"


def assert_close(known: datetime, sandbox: Any) -> None:
    """Behind by the second that a Date leaves out, and never ahead."""
    there = datetime.fromisoformat(sandbox.call("GET", "/_sandbox/clock")["now"])
    assert timedelta() <= there - known < timedelta(minutes=1)
