"""Airflow's own API, and the run that it is asked to start."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from threading import Lock, Thread
from typing import Any
from urllib.parse import quote, urlsplit

from airflow.sdk.log import mask_secret

from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, TryLater, UnexpectedReply
from intacct_asana.http import Answer, Transport

RECENT = 10
"""Runs that are looked at for a queued one. At most one run works, so a queued one is among the newest."""


class AirflowApi(Transport):
    """A connection of type HTTP: host is the API server's URL, login and password are a user that may start runs."""

    def __init__(self, conn_id: str) -> None:
        super().__init__(conn_id, timeout_seconds=10, most_bytes=1 << 20)
        self.conn_id = conn_id
        self._token = ""

    def start_run(self, dag_id: str) -> str | None:
        """Run id of a new run; None when one waits to start anyway and will see the same news.

        Two callers at once make one run: its id follows from the newest run, and Airflow refuses the second.
        Raises TryLater, OutcomeUnknown (asking again is safe), Misconfigured, Refused, UnexpectedReply.
        """
        runs = self.runs(dag_id)
        if any(run.get("state") == "queued" for run in runs):
            return None
        newest = str(runs[0].get("dag_run_id")) if runs else "none"
        run_id = f"webhook__{hashlib.sha256(newest.encode()).hexdigest()[:24]}"
        status, _ = self._call("POST", _runs(dag_id), {"dag_run_id": run_id, "logical_date": None, "conf": {}})
        return run_id if status != 409 else None

    def runs(self, dag_id: str) -> list[Mapping[str, Any]]:
        """The newest runs of a DAG, newest first. Raises Refused when there is no such DAG for this user."""
        _, body = self._call("GET", f"{_runs(dag_id)}?order_by=-id&limit={RECENT}")
        found = body.get("dag_runs")
        if not isinstance(found, list) or not all(isinstance(run, dict) for run in found):
            raise UnexpectedReply(f"Connection {self.conn_id}: Airflow's list of runs of {dag_id} is not one.")
        return found

    def pool_slots(self, name: str) -> int:
        """Slots of a pool. Raises Refused with code 404 when there is none of this name."""
        _, body = self._call("GET", f"/api/v2/pools/{quote(name, safe='')}")
        slots = body.get("slots")
        if not isinstance(slots, int):
            raise UnexpectedReply(f"Connection {self.conn_id}: Airflow does not say how many slots pool {name} has.")
        # Airflow's word for no limit.
        return slots if slots >= 0 else 1_000_000

    def _call(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """Status and JSON. A token that Airflow no longer takes is renewed once."""
        answer = self._send(method, path, body, token=self._token or self._log_in())
        if answer.status == 401:
            answer = self._send(method, path, body, token=self._log_in())
        return answer.status, self._understood(answer, asked=f"{method} {path.partition('?')[0]}")

    def _log_in(self) -> str:
        """A new token. Source: airflow.apache.org, public API, authentication."""
        who = {"username": self.connection.login or "", "password": self.connection.password or ""}
        if not all(who.values()):
            raise Misconfigured(f"Connection {self.conn_id} has no login or no password; both belong to the service user.")
        mask_secret(who["password"])
        answer = self._send("POST", "/auth/token", who, token="")
        if answer.status in (400, 401, 403):
            raise Misconfigured(f"Connection {self.conn_id}: Airflow does not let this user in; check login and password.")
        token = self._understood(answer, asked="logging in").get("access_token")
        if not isinstance(token, str) or not token:
            raise UnexpectedReply(f"Connection {self.conn_id}: Airflow's answer to the login holds no token.")
        mask_secret(token)
        self._token = token
        return token

    def _send(self, method: str, path: str, body: Any, *, token: str) -> Answer:
        headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        # A login that is sent twice makes two tokens, and nothing else.
        is_write = method == "POST" and bool(token)
        asked = f"{method} {path.partition('?')[0]} at Airflow"
        return self.send(method, self._url + path, headers=headers, json=body, is_write=is_write, asked=asked)

    def _understood(self, answer: Answer, *, asked: str) -> dict[str, Any]:
        where = f"Connection {self.conn_id}, {asked}"
        if answer.status in (200, 201, 409):
            return _object(answer.body, where)
        if answer.status in (401, 403):
            raise Misconfigured(f"{where}: Airflow says {answer.status}; give the service user's role the right to start runs.")
        if answer.status == 429 or answer.status >= 500:
            kind: type[IntacctAsanaError] = OutcomeUnknown if asked.startswith("POST") else TryLater
            raise kind(f"{where}: Airflow answered {answer.status}.", code=str(answer.status))
        raise Refused(f"{where}: Airflow answered {answer.status}.", code=str(answer.status))

    @property
    def _url(self) -> str:
        """Scheme, host, port and path of the API server. Plain http is how Airflow's parts talk inside one network."""
        host = (self.connection.host or "").strip().rstrip("/")
        url = host if "://" in host else f"{self.connection.schema or 'http'}://{host}"
        try:
            parts = urlsplit(url)
            port = parts.port or self.connection.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or parts.query:
            raise Misconfigured(
                f"Connection {self.conn_id}: the host is not the URL of Airflow's API server, such as http://localhost:8080."
            )
        name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{parts.scheme}://{name}{f':{port}' if port else ''}{parts.path}"


def _runs(dag_id: str) -> str:
    return f"/api/v2/dags/{quote(dag_id, safe='')}/dagRuns"


def _object(body: bytes, where: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise UnexpectedReply(f"{where}: the answer is not JSON.") from error
    if not isinstance(found, dict):
        raise UnexpectedReply(f"{where}: the answer is not a JSON object.")
    return found


GATHER_SECONDS = 0.5
"""A moment for what belongs together, such as a reason and a choice."""

TRIES = 7
PAUSE_SECONDS = 1.0
"""Before the second try. Each later one waits twice as long: an API server that starts again is waited for, for a minute."""

log = logging.getLogger(__name__)


class Waker:
    """`wake(flow)` returns at once; a thread does the work, which may take seconds. A hint that is lost costs only time."""

    def __init__(
        self,
        start_run: Callable[[str], str | None],
        *,
        gather_seconds: float = GATHER_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._start_run, self._gather_seconds, self._pause_seconds = start_run, gather_seconds, pause_seconds
        self._lock = Lock()
        self._busy: set[str] = set()
        self._again: set[str] = set()

    def wake(self, flow: str) -> None:
        """Start a run soon, unless somebody is about to: then that one is asked to look once more."""
        with self._lock:
            self._again.add(flow)
            if flow in self._busy:
                return
            self._busy.add(flow)
        # Not the request's own background task: the next delivery on the same line would wait for it.
        Thread(target=self._until_quiet, args=(flow,), name=f"wake-{flow}", daemon=True).start()

    def _until_quiet(self, flow: str) -> None:
        while True:
            time.sleep(self._gather_seconds)
            with self._lock:
                if flow not in self._again:
                    self._busy.discard(flow)
                    return
                # Whatever came until now is seen by the run that starts next.
                self._again.discard(flow)
            self._try(flow)

    def _try(self, flow: str) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                run_id = self._start_run(flow)
            except (TryLater, OutcomeUnknown) as error:
                if attempt < TRIES:
                    time.sleep(self._pause_seconds * 2 ** (attempt - 1))
                    continue
                self._lost(flow, error.message)
            except IntacctAsanaError as error:
                self._lost(flow, error.message)
            except Exception as error:  # noqa: BLE001  (only our own errors are known to hold no secret)
                self._lost(flow, type(error).__name__)
            else:
                log.info("Flow %s is woken by its webhook: %s", flow, run_id or "a run is queued already")
            return

    def _lost(self, flow: str, why: str) -> None:
        log.warning("Flow %s is not woken, which costs only time: its schedule comes. %s", flow, why)
