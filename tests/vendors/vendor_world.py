"""The vendor sync's real operators on the sandbox over HTTP, each with fresh hooks and the real store, as its DAG runs them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.flow.load import load_flow
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.preflight import CheckAsanaOperator, CheckIntacctOperator
from intacct_asana.operators.syncing import ApplyPlanOperator, PlanBillsOperator, PlanVendorsOperator
from intacct_asana.operators.vendor_fields import PlanVendorFieldsOperator, TellVendorPeopleOperator, WriteVendorsOperator
from intacct_asana.store import FlowStore, open_store

from sandbox import constants
from tests.begun import begun
from tests.conftest import evidence_keys, live_demo
from tests.databases import NewStore

ALICE, BEN, CARLA = (constants.PEOPLE[place]["email"] for place in (0, 1, 2))


class VendorWorld:
    """The demo flow with eight vendors, of which `edits` to its file change what a test is about."""

    def __init__(
        self, sandbox: Any, folder: Path, new_store: NewStore, *edits: tuple[str, str], vendors: int = 8, **settings: Any
    ) -> None:
        self.sandbox, self.folder, self.new_store = sandbox, folder, new_store
        text = live_demo()
        for old, new in edits:
            assert old in text, old
            text = text.replace(old, new)
        (folder / "demo.yaml").write_text(text, encoding="utf-8")
        self.flow = load_flow(folder / "demo.yaml")
        self.results: dict[str, Any] = {}
        self.error: IntacctAsanaError | None = None
        self.books: Any = None

        def make() -> tuple[str, Any]:
            sandbox.reset(vendors=vendors, bills=0)
            sandbox.settings(**settings)
            return self.open_new_store(), self.checks

        url, self.checks = begun(sandbox, new_store, ("vendors", text, vendors, settings), make)
        self.books = None
        self.use_store(url)

    def use_store(self, url: str) -> None:
        self.store: FlowStore = open_store(url, evidence_keys=evidence_keys).for_flow("demo")

    def open_new_store(self) -> str:
        """An empty store, and preflight to fill it. Gives its URL."""
        url = self.new_store.ready()
        self.use_store(url)
        self.checks = self._step(CheckIntacctOperator(task_id="check", flow="demo"))
        self._step(CheckAsanaOperator(task_id="check", flow="demo", create_missing=True))
        return url

    def connect(self, monkeypatch: pytest.MonkeyPatch, *, read_only: bool) -> None:
        """Change Intacct's connection, as in Airflow's UI."""
        connection = json.loads(os.environ["AIRFLOW_CONN_INTACCT_DEFAULT"])
        connection["extra"]["read_only"] = read_only
        monkeypatch.setenv("AIRFLOW_CONN_INTACCT_DEFAULT", json.dumps(connection))
        self.books = None

    # Runs

    def run(self, **params: Any) -> dict[str, str]:
        """One run of the vendor sync: the state of each task."""
        self.results, self.error = {}, None
        steps: list[tuple[str, Callable[[], Any]]] = [
            ("plan_tasks", lambda: PlanVendorsOperator(task_id="p", flow="demo")),
            ("apply_plan", lambda: ApplyPlanOperator(task_id="a", flow="demo", plan_id=self._plan_id("plan_tasks"))),
            ("plan_vendor_fields", lambda: PlanVendorFieldsOperator(task_id="f", flow="demo")),
            (
                "write_vendors",
                lambda: WriteVendorsOperator(task_id="w", flow="demo", plan_id=self._plan_id("plan_vendor_fields")),
            ),
            ("tell_people", lambda: TellVendorPeopleOperator(task_id="t", flow="demo")),
        ]
        states: dict[str, str] = {}
        for name, make in steps:
            before = {"apply_plan": "plan_tasks", "write_vendors": "plan_vendor_fields"}.get(name)
            if before and states[before] != "success":
                states[name] = "upstream_failed"
                continue
            try:
                self.results[name] = self._step(make(), **params)
                states[name] = "success"
            except IntacctAsanaError as error:
                states[name], self.error = "failed", error
        return states

    def must_run(self, **params: Any) -> None:
        states = self.run(**params)
        assert set(states.values()) == {"success"}, (states, self.error)

    def sync_bills(self, **params: Any) -> dict[str, Any]:
        planned: dict[str, Any] = self._step(PlanBillsOperator(task_id="p", flow="demo"), **params)
        self._step(ApplyPlanOperator(task_id="a", flow="demo", plan_id=planned["plan_id"]), **params)
        return planned

    def _step(self, operator: Any, **params: Any) -> Any:
        run = FlowRun(self.flow)
        run.__dict__["store"] = self.store
        # One login for all steps, as the shared Variable gives it.
        self.books = self.books or run.books
        run.__dict__["books"] = self.books
        operator.run_parts = run
        return operator.execute({"params": params, "dag_run": SimpleNamespace(run_type="manual"), "run_id": "r1"})

    def _plan_id(self, step: str) -> str:
        plan_id: str = self.results[step]["plan_id"]
        return plan_id

    # What people do

    def choose(self, vendor_id: str, team: str | None) -> None:
        self.sandbox.act("asana", BEN, "choose", task=self.task(vendor_id)["gid"], field="Team", option=team)

    def name_approver(self, vendor_id: str, email: str) -> None:
        gid = self.task(vendor_id)["gid"]
        self.sandbox.act("asana", BEN, "set_text", task=gid, field="Default approver", text=email)
        self.must_run()

    def edit(self, vendor_id: str, **changes: Any) -> None:
        self.sandbox.act("intacct", "mgarcia", "edit_vendor", vendor_id=vendor_id, changes=changes)

    def add_bill(self, vendor_id: str) -> str:
        return str(self.sandbox.act("intacct", "mgarcia", "create_bill", vendor_id=vendor_id, amount="12.00")["record_no"])

    # What is there

    def an_id(self, place: int = 0) -> str:
        """A vendor that is active."""
        vendors = self.sandbox.state("intacct")["vendors"]
        return str([one["vendor_id"] for one in vendors if one["status"] == "active"][place])

    def vendor(self, vendor_id: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.sandbox.state("intacct")["vendors"]
        return next(one for one in found if one["vendor_id"] == vendor_id)

    def team(self, vendor_id: str) -> str:
        """What Intacct shows."""
        return str(self.vendor(vendor_id)["custom"].get("ASANA_TEAM", ""))

    def task(self, vendor_id: str) -> dict[str, Any]:
        return self._task("Intacct vendor key", f":{vendor_id}")

    def bill_task(self, record_no: str) -> dict[str, Any]:
        return self._task("Intacct key", f":ap:{record_no}")

    def _task(self, field: str, end: str) -> dict[str, Any]:
        tasks: list[dict[str, Any]] = self.sandbox.state("asana")["tasks"]
        return next(task for task in tasks if str(task["fields"].get(field, "")).endswith(end))

    def comments(self, vendor_id: str) -> list[str]:
        stories = self.task(vendor_id)["stories"]
        return [story["text"] for story in stories if story["resource_subtype"] == "comment_added"]

    def writes(self) -> tuple[int, int]:
        counters = self.sandbox.counters()
        return counters.get("asana WRITE", 0), counters.get("intacct WRITE", 0)
