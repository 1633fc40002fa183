"""The sandbox seen and steered from outside, over its control pages."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from sandbox import constants
from sandbox.demo.airflow_server import ROOT, DemoFailed

IN_SCOPE = ("Submitted", "Partially Approved", "Posted", "Selected", "Partially Paid")
"""The states that the demo flow carries over."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ports(first: int | None) -> list[int]:
    """Airflow's port, the sandbox's, and two that Airflow needs for itself: the named one and the next, or any free ones."""
    if first is None:
        return [free_port() for _ in range(4)]
    for port in (first, first + 1):
        with socket.socket() as probe:
            # As a server asks for it, so that a port that was in use a moment ago is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise DemoFailed(f"Port {port} cannot be used ({error.strerror}); name another with --port") from None
    return [first, first + 1, free_port(), free_port()]


class Steering:
    """One sandbox process and its `/_sandbox/` pages."""

    def __init__(self, port: int, *, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sandbox", "--port", str(port)],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def wait_until_up(self) -> None:
        for _ in range(200):
            try:
                self.http.get("/_sandbox/counters")
            except httpx.HTTPError:
                if self.process.poll() is not None:
                    raise DemoFailed("The sandbox stopped while starting") from None
                time.sleep(0.1)
            else:
                return
        raise DemoFailed("The sandbox did not start")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.http.request(method, f"/_sandbox/{path}", json=body)
        if answer.is_error:
            raise DemoFailed(f"The sandbox answered {answer.status_code} to {path}: {answer.text[:300]}")
        return answer.json()

    def act(self, system: str, user: str, action: str, **arguments: Any) -> Any:
        return self.call("POST", "act", {"system": system, "user": user, "action": action, **arguments})

    def seed(self, *, seed: int, vendors: int, in_scope: int, now: str = "") -> dict[str, Any]:
        """Fresh data with exactly so many bills in the states that the demo flow carries over."""
        bills, clock = in_scope, {"now": now} if now else {}
        for _ in range(30):
            made: dict[str, Any] = self.call("POST", "reset", {"seed": seed, "vendors": vendors, "bills": bills, **clock})
            missing = in_scope - sum(bill["state"] in IN_SCOPE for bill in self.bills())
            if missing == 0:
                return made
            bills += missing
        raise DemoFailed(f"No data with exactly {in_scope} bills in scope for seed {seed}; try another --seed")

    def counters(self) -> dict[str, int]:
        counters: dict[str, int] = self.call("GET", "counters")
        return counters

    def state(self, system: str) -> dict[str, Any]:
        state: dict[str, Any] = self.call("GET", f"state/{system}")
        return state

    def bills(self) -> list[dict[str, Any]]:
        bills: list[dict[str, Any]] = self.state("intacct")["bills"]
        return bills

    def bill(self, record_no: str) -> dict[str, Any]:
        return next(bill for bill in self.bills() if bill["record_no"] == record_no)

    def tasks(self, project_gid: str) -> list[dict[str, Any]]:
        return [task for task in self.state("asana")["tasks"] if project_gid in task["projects"]]

    def subtasks(self, task_gid: str) -> list[dict[str, Any]]:
        return [task for task in self.state("asana")["tasks"] if task["parent"] == task_gid]

    def tasks_by_key(self, project_gid: str = constants.BILLS_PROJECT_GID) -> dict[str, dict[str, Any]]:
        """Tasks by the Intacct key in their custom field; a key on two tasks is a failure."""
        found: dict[str, dict[str, Any]] = {}
        for task in self.tasks(project_gid):
            key = task["fields"].get("Intacct key")
            if not key:
                # A task of something else than a bill.
                continue
            if key in found:
                raise DemoFailed(f"Two tasks carry the key {key}")
            found[key] = task
        return found

    @staticmethod
    def key_of(bill: Mapping[str, Any]) -> str:
        """The bill key as the plugin documents it: it survives Purchasing's delete-and-recreate."""
        if bill["module"] == "9.PO" and bill["source_document"]:
            return f"{constants.COMPANY_ID}:po:{bill['source_document']}"
        return f"{constants.COMPANY_ID}:ap:{bill['record_no']}"

    def raise_first_line(self, record_no: str, *, by: Decimal) -> None:
        line = self.bill(record_no)["lines"][0]
        changes = {"line": line["line_no"], "amount": str(Decimal(line["transaction_amount"]) + by)}
        self.act("intacct", "mgarcia", "edit_bill", record_no=record_no, changes=changes)

    def close_books(self, through: str) -> None:
        """Up to that day; an empty one opens them all."""
        self.call("POST", "settings", {"books_closed_through": through})

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
