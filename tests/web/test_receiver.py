"""The receiver under attack and at work: what it answers, what starts a run, and what is kept of the secret."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from intacct_asana.asana.webhooks import signature_of
from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, TryLater, UnexpectedReply
from intacct_asana.flow.model import Flow
from intacct_asana.operators.flow_run import utc_now
from intacct_asana.operators.webhooks import register, target_of
from intacct_asana.records import Registration, TaskDraft
from intacct_asana.web.receiver import Door, build

from sandbox import constants
from tests.web.conftest import DAG, PASSWORD, Office

ALICE = constants.PEOPLE[0]["email"]
PROJECT = constants.BILLS_PROJECT_GID
pytestmark = pytest.mark.airflow


def an_event(number: int = 1, *, user: str = "101", at: str = "2026-11-23T08:00:00.000Z") -> dict[str, Any]:
    task = {"gid": str(number), "resource_type": "task"}
    return {"action": "changed", "resource": task, "parent": None, "created_at": at, "user": {"gid": user}}


def body_of(*events: dict[str, Any]) -> bytes:
    return json.dumps({"events": events}).encode()


class Asana:
    """Deliveries as Asana signs them, from our own hand, so that a test chooses the body."""

    def __init__(self, office: Office) -> None:
        self.made = office.register()
        self.http = httpx.Client(trust_env=False, timeout=10)

    def deliver(self, body: bytes, **headers: str) -> int:
        signed = {"X-Hook-Signature": signature_of(self.made.secret, body), "Content-Type": "application/json"}
        return self.http.post(self.made.webhook.target, content=body, headers=signed | headers).status_code


@pytest.fixture
def asana(office: Office) -> Iterator[Asana]:
    made = Asana(office)
    yield made
    made.http.close()


def test_the_signature_is_the_one_that_asana_documents() -> None:
    secret = "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81"
    assert signature_of(secret, b'{"events":[]}') == "10468027b67df18c739cc4794c6fc2d2806dcaaf2259fc3e1ed9d26433659853"


def a_task(office: Office) -> str:
    task: str = office.run.unpinned_board.create_task(PROJECT, TaskDraft(key="CO:ap:1", name="a bill")).gid
    return task


def test_what_a_person_does_starts_one_run(office: Office) -> None:
    task = a_task(office)
    office.register()
    office.sandbox.act("asana", ALICE, "comment", task=task, text="fine by me")
    office.until(lambda: office.airflow.runs)
    office.calm()
    assert [(run["dag_id"], run["state"]) for run in office.airflow.runs] == [(DAG, "queued")]
    assert office.airflow.calls == ["token", "list", "create"]


def test_neither_our_own_changes_nor_heartbeats_start_a_run(office: Office) -> None:
    task = a_task(office)
    office.register()
    office.run.unpinned_board.comment(task, "Recorded in Intacct")
    office.sandbox.act("asana", ALICE, "heartbeat")
    office.until(lambda: office.answers("delivery").count("200") >= 2)
    office.calm()
    assert office.airflow.calls == []


FORGERIES = {
    "unsigned": "401",
    "wrong_key": "401",
    "changed_body": "401",
    "wrong_id": "404",
    "oversized": "413",
    "form": "415",
    "handshake": "403",
}


def test_forgeries_are_turned_away_and_change_nothing(office: Office) -> None:
    task = a_task(office)
    office.register()
    before = office.hooks.active()
    for how, answer in FORGERIES.items():
        office.sandbox.act("asana", ALICE, "forge", how=how)
        office.until(lambda how=how: office.answers(how))
        # A body that is not read may end in a broken line before the answer is.
        assert office.answers(how)[0] in ((answer, "WriteError", "ReadError") if how == "oversized" else (answer,)), how
    office.calm()
    assert office.airflow.calls == []
    assert office.hooks.active() == before
    office.sandbox.act("asana", ALICE, "comment", task=task, text="a real one")
    office.until(lambda: office.airflow.runs)


def test_the_same_delivery_twice_is_one_hint(office: Office) -> None:
    task = a_task(office)
    office.register()
    office.sandbox.act("asana", ALICE, "comment", task=task, text="fine by me")
    office.until(lambda: office.airflow.runs)
    office.airflow.start_queued()
    office.sandbox.act("asana", ALICE, "forge", how="replay", times=20)
    office.until(lambda: len(office.answers("replay")) == 20)
    office.calm()
    assert set(office.answers("replay")) == {"200"}
    assert len(office.airflow.runs) == 1


def test_a_late_delivery_is_a_hint_like_any_other(office: Office, asana: Asana) -> None:
    assert asana.deliver(body_of(an_event(at="2025-01-01T00:00:00.000Z"))) == 200
    office.until(lambda: len(office.airflow.runs) == 1)


def test_a_signed_body_that_nobody_can_read_is_worth_a_look(office: Office, asana: Asana) -> None:
    for count, body in enumerate([b"not json", b"[]", b'{"events":[{"action":"changed"}]}', b"[" * 5000, b"\xff\xfe"], start=1):
        assert asana.deliver(body) == 200
        office.until(lambda count=count: len(office.airflow.runs) == count)
        office.airflow.start_queued()


def test_a_burst_makes_at_most_two_runs_and_is_answered_at_once(office: Office, asana: Asana) -> None:
    def delivered(number: int) -> int:
        if number == 40:
            office.airflow.start_queued()
        return asana.deliver(body_of(an_event(number)))

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(delivered, range(100))) == {200}
    office.calm()
    assert 1 <= len(office.airflow.runs) <= 2
    # Whatever came last is seen by a run that has not begun yet, or began after it.
    office.airflow.start_queued()
    assert asana.deliver(body_of(an_event(1000))) == 200
    before = len(office.airflow.runs)
    office.until(lambda: len(office.airflow.runs) == before + 1)


def test_asana_never_waits_for_a_run(office: Office, asana: Asana) -> None:
    """Not even on the same line: what is slow has its own thread."""
    office.airflow.creating_seconds = 1.0
    assert [asana.deliver(body_of(an_event(number))) for number in (1, 2, 3)] == [200] * 3
    assert office.airflow.runs == []
    office.until(lambda: office.airflow.runs)


def test_two_api_servers_at_once_make_one_run(office: Office) -> None:
    """Both see that nothing is queued; the id that both derive from it lets Airflow refuse the second."""
    from intacct_asana.web.waker import AirflowApi

    first, second = AirflowApi("intacct_asana_airflow"), AirflowApi("intacct_asana_airflow")
    seen = first.runs(DAG)
    assert second.runs(DAG) == seen
    second.runs = lambda dag_id: seen  # type: ignore[method-assign]
    made = [first.start_run(DAG), second.start_run(DAG)]
    assert made[0]
    assert made[1] is None
    assert len(office.airflow.runs) == 1


def test_a_trigger_that_fails_costs_one_hint_only(office: Office, asana: Asana, capfd: pytest.CaptureFixture[str]) -> None:
    from intacct_asana.web.waker import TRIES

    office.airflow.failing = [503] * TRIES
    assert asana.deliver(body_of(an_event(1))) == 200
    office.until(lambda: not office.airflow.failing)
    office.calm()
    assert office.airflow.runs == []
    assert asana.deliver(body_of(an_event(2))) == 200
    office.until(lambda: len(office.airflow.runs) == 1)


def test_a_service_user_that_is_not_let_in_is_named_and_taken_when_mended(
    office: Office, asana: Asana, caplog: pytest.LogCaptureFixture
) -> None:
    office.airflow.password = "another"
    assert asana.deliver(body_of(an_event(1))) == 200
    office.until(lambda: "intacct_asana_airflow" in caplog.text)
    assert PASSWORD not in caplog.text
    office.airflow.password = PASSWORD
    assert asana.deliver(body_of(an_event(2))) == 200
    office.until(lambda: len(office.airflow.runs) == 1)


def test_a_token_that_airflow_no_longer_takes_is_renewed(office: Office, asana: Asana) -> None:
    asana.deliver(body_of(an_event(1)))
    office.until(lambda: len(office.airflow.runs) == 1)
    office.airflow.start_queued()
    office.airflow.tokens.clear()
    asana.deliver(body_of(an_event(2)))
    office.until(lambda: len(office.airflow.runs) == 2)


def test_only_what_asana_sends_is_looked_at(office: Office, asana: Asana) -> None:
    target = asana.made.webhook.target
    body = body_of(an_event())
    signed = {"X-Hook-Signature": signature_of(asana.made.secret, body), "Content-Type": "application/json"}

    def status(method: str = "POST", url: str = target, **how: Any) -> int:
        return asana.http.request(method, url, **{"content": body, "headers": signed, **how}).status_code

    assert [status(method) for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS")] == [405] * 5
    assert status(url=target.replace("/demo?", "/other?")) == 404
    assert status(url=target.replace("/demo?", "/..%2Fdemo?")) == 404
    assert status(url=target.partition("?")[0]) == 404
    assert status(url=target + "&id=" + "0" * 32) == 404
    assert status(url=target.upper().replace("HTTP", "http").replace("INTACCT-ASANA/WEBHOOKS/DEMO", "x")) == 404
    assert status(headers=signed | {"X-Hook-Secret": "a" * 64}) == 400
    assert status(headers=signed | {"X-Hook-Signature": "Z" * 64}) == 401
    assert status(headers=signed | {"X-Hook-Signature": "é".encode() * 32}) == 401
    assert status(content=iter([b" " * 65_536] * 40)) == 413
    assert status(headers=signed | {"Content-Type": "Application/JSON; charset=utf-8"}) == 200
    office.until(lambda: len(office.airflow.runs) == 1)


def test_a_body_that_says_it_is_too_big_is_not_waited_for(office: Office, asana: Asana) -> None:
    host, port = office.url.removeprefix("http://").split(":")
    path = asana.made.webhook.target.removeprefix(office.url)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"X-Hook-Signature: {'0' * 64}\r\nContent-Length: 2000000\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(head.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_flow_without_a_webhook_has_no_door(office: Office, tmp_path: Path) -> None:
    from intacct_asana.plugin import Doors

    assert Doors().of("demo")
    assert Doors().of("other") is None
    path = tmp_path / "demo.yaml"
    path.write_text(path.read_text().replace("wake: webhook", "wake: watcher"))
    assert Doors().of("demo") is None


def test_names_that_nobody_declared_cost_no_reading_of_files(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from intacct_asana import deployment
    from intacct_asana.plugin import Doors

    reads: list[float] = []
    read_files = deployment.good_flows

    def counted() -> list[Flow]:
        reads.append(time.monotonic())
        return read_files()

    monkeypatch.setattr(deployment, "good_flows", counted)
    doors = Doors()
    assert doors.of("demo") is doors.of("demo") is not None
    assert {doors.of(f"other{number}") for number in range(200)} == {None}
    assert all(later - earlier >= 2 for earlier, later in pairwise(reads))


def test_deliveries_that_wait_for_the_store_leave_airflows_own_threads_alone() -> None:
    """Far more of them than the pool that an ASGI server keeps for everything that blocks."""
    is_there = threading.Event()

    def never_answers(flow: str) -> Door | None:
        is_there.wait(20)
        return None

    app = FastAPI()
    app.mount("/ours", build(never_answers, lambda flow: None))
    app.add_api_route("/airflows", lambda: "fine")

    async def attack() -> tuple[int, set[int]]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api") as http:
            kind = {"X-Hook-Signature": "0" * 64, "Content-Type": "application/json"}
            ours = [asyncio.ensure_future(http.post("/ours/webhooks/demo?id=x", headers=kind)) for _ in range(60)]
            await asyncio.sleep(0.2)
            try:
                page = await asyncio.wait_for(http.get("/airflows"), 5)
            finally:
                is_there.set()
            return page.status_code, {answer.status_code for answer in await asyncio.gather(*ours)}

    assert asyncio.run(attack()) == (200, {404})


def test_one_thread_a_flow_starts_runs_whatever_comes_in() -> None:
    from intacct_asana.web.waker import Waker

    started, release = [], threading.Event()

    def start_run(flow: str) -> str:
        started.append(flow)
        assert release.wait(10)
        return "a run"

    waker = Waker(start_run, gather_seconds=0.01)
    for _ in range(50):
        waker.wake("demo")
        waker.wake("other")
    while len(started) < 2:
        time.sleep(0.01)
    for _ in range(50):
        waker.wake("demo")
    time.sleep(0.1)
    assert sorted(started) == ["demo", "other"]
    release.set()
    while len(started) < 3:
        time.sleep(0.01)
    time.sleep(0.1)
    assert sorted(started) == ["demo", "demo", "other"]


def soon(condition: Callable[[], object]) -> None:
    """Waits for it, at most some seconds."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it does not come")


@pytest.mark.parametrize("kind", [TryLater, OutcomeUnknown])
def test_an_airflow_that_starts_again_is_waited_for(kind: type[IntacctAsanaError], caplog: pytest.LogCaptureFixture) -> None:
    """The last try counts as much as the first."""
    from intacct_asana.web.waker import TRIES, Waker

    tries: list[str] = []

    def start_run(flow: str) -> str:
        tries.append(flow)
        if len(tries) < TRIES:
            raise kind("nobody is there")
        return "a run"

    caplog.set_level("INFO", "intacct_asana.web.waker")
    Waker(start_run, gather_seconds=0.01, pause_seconds=0.001).wake("demo")
    soon(lambda: caplog.messages)
    assert (len(tries), caplog.messages) == (TRIES, ["Flow demo is woken by its webhook: a run"])


def test_what_people_have_to_mend_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    from intacct_asana.web.waker import Waker

    tries: list[str] = []

    def start_run(flow: str) -> str:
        tries.append(flow)
        raise Misconfigured("Airflow does not let this user in; check login and password.")

    Waker(start_run, gather_seconds=0.01, pause_seconds=0.001).wake("demo")
    soon(lambda: caplog.messages)
    assert len(tries) == 1
    assert "is not woken, which costs only time" in caplog.messages[0]
    assert "check login and password" in caplog.messages[0]


# Registration.


def begin(office: Office, *, hook_id: str = "a" * 32, seconds: float = 120) -> str:
    office.hooks.begin(hook_id, project_gid=PROJECT, bot_gid="1", expires_at=utc_now() + timedelta(seconds=seconds))
    return hook_id


def made_anew(office: Office) -> None:
    run = office.run
    register(run, board=run.unpinned_board, now=utc_now())


def shake(office: Office, hook_id: str, secret: str = "s" * 64) -> int:
    answer = httpx.post(target_of(office.run, hook_id), headers={"X-Hook-Secret": secret}, content=b"{}", trust_env=False)
    assert answer.headers.get("X-Hook-Secret") == (secret if answer.status_code == 200 else None)
    return answer.status_code


def test_a_handshake_is_taken_only_while_our_own_registration_waits_for_it(office: Office) -> None:
    assert shake(office, "a" * 32) == 403
    hook_id = begin(office)
    assert shake(office, "b" * 32) == 403
    assert shake(office, hook_id, "short") == 403
    assert shake(office, hook_id) == 200
    assert shake(office, hook_id) == 200, "its answer may have been lost"
    assert shake(office, hook_id, "t" * 64) == 403, "a second one is an attack"
    office.hooks.activate(hook_id, webhook_gid="9", secret_digest=office.hooks.find(hook_id).secret_digest, at=utc_now())
    assert shake(office, hook_id) == 403
    assert shake(office, hook_id, "t" * 64) == 403


def test_a_handshake_that_comes_too_late_is_refused(office: Office) -> None:
    hook_id = begin(office, seconds=-1)
    assert shake(office, hook_id) == 403
    assert not office.hooks.shake(hook_id, secret_digest="0" * 64, sealed_secret="x", at=utc_now())
    assert office.hooks.find(hook_id).state is Registration.BEGUN


def test_nothing_is_believed_before_the_secret_is_proven(office: Office) -> None:
    """An attacker who was first with a handshake holds a secret that signs nothing for us."""
    hook_id = begin(office)
    assert shake(office, hook_id, "x" * 64) == 200
    body = body_of(an_event())
    headers = {"X-Hook-Signature": signature_of("x" * 64, body), "Content-Type": "application/json"}
    assert httpx.post(target_of(office.run, hook_id), content=body, headers=headers, trust_env=False).status_code == 503
    with pytest.raises(Refused, match="not believed"):
        office.hooks.activate(hook_id, webhook_gid="9", secret_digest="0" * 64, at=utc_now())
    office.calm()
    assert office.airflow.calls == []


def test_a_handshake_of_an_earlier_registration_is_refused(office: Office) -> None:
    begin(office)
    begin(office, hook_id="b" * 32)
    assert shake(office, "a" * 32) == 403
    assert shake(office, "b" * 32) == 200


@pytest.mark.parametrize(("told", "error"), [("none", IntacctAsanaError), ("other", Refused)])
def test_a_secret_that_asanas_answer_does_not_carry_is_not_believed(
    office: Office, told: str, error: type[IntacctAsanaError]
) -> None:
    office.sandbox.settings(asana_webhook_secret=told)
    with pytest.raises(error):
        made_anew(office)
    assert office.hooks.active() is None


def test_the_secret_is_nowhere_in_clear(office: Office, asana: Asana, capfd: pytest.CaptureFixture[str]) -> None:
    asana.deliver(body_of(an_event()))
    asana.deliver(b"{}", **{"X-Hook-Signature": "0" * 64})
    office.until(lambda: office.airflow.runs)
    secret = asana.made.secret
    for part in office.store_path.parent.glob("store.db*"):
        assert secret.encode() not in part.read_bytes()
    assert secret not in repr(asana.made) + repr(office.hooks.active()) + asana.made.webhook.target
    said = capfd.readouterr()
    assert secret not in said.out + said.err
    assert PASSWORD not in said.out + said.err


def test_without_a_key_no_secret_is_kept(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.crypto import get_fernet

    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "")
    get_fernet.cache_clear()
    assert shake(office, begin(office)) == 503
    assert office.hooks.find("a" * 32).state is Registration.BEGUN


def test_a_key_that_was_lost_makes_deliveries_fail_until_the_webhook_is_made_anew(
    office: Office, asana: Asana, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.crypto import get_fernet
    from cryptography.fernet import Fernet

    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    get_fernet.cache_clear()
    assert asana.deliver(body_of(an_event())) == 503
    made_anew(office)
    assert asana.deliver(body_of(an_event())) == 404, "the former one is forgotten"


def test_asana_that_may_not_call_this_machine_says_so(office: Office) -> None:
    office.sandbox.settings(asana_webhook_loopback=False)
    with pytest.raises(Refused, match="403"):
        made_anew(office)
    assert office.hooks.all() == []


def test_unreadable_answers_are_not_taken_for_events() -> None:
    from intacct_asana.asana.webhooks import events_in

    with pytest.raises(UnexpectedReply):
        events_in(b"[]")
    assert events_in(b'{"events":[]}') == []
