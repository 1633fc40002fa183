"""A company, a board and a flow, run by the real operators without Airflow's task runner around them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from sandbox import constants
from tests.begun import begun
from tests.conftest import live_demo
from tests.databases import NewStore, airflow_connection, rows

AMOUNTS = {"Amount": "total_entered", "Amount due": "total_due", "Amount paid": "total_paid"}
COMPARED = {*AMOUNTS, "Bill number", "Bill state", "GL account"}
EXTRA = {
    "company_id": constants.COMPANY_ID,
    "sender_id": constants.SENDER_ID,
    "sender_password": constants.SENDER_PASSWORD,
    "allowed_endpoint_hosts": ["127.0.0.1"],
}


class Variables:
    """Stands for Airflow's Variables, which need a running task: the session is kept there."""

    values: dict[str, Any]

    @classmethod
    def get(cls, key: str, default: Any = None, deserialize_json: bool = False) -> Any:
        return cls.values.get(key, default)

    @classmethod
    def set(cls, key: str, value: Any, description: str | None = None, serialize_json: bool = False) -> None:
        cls.values[key] = value


class Company:
    """The demo flow on the sandbox. `sync` is one run of bill_sync (or vendor_sync) as a worker does it, step by step.

    With `now` our clock is that one, for what goes by our own clock.
    """

    def __init__(self, sandbox: Any, folder: Path, make_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sandbox, self.folder, self.make_store, self.patch = sandbox, folder, make_store, monkeypatch
        self.plan: dict[str, Any] = {}
        self.now: Callable[[], datetime] | None = None
        folder.joinpath("flows").mkdir()
        monkeypatch.setenv("INTACCT_ASANA_MAPPINGS", str(folder / "flows"))
        Variables.values = {}
        monkeypatch.setattr("airflow.sdk.Variable", Variables)
        self.connect()
        self.flow()

    def connect(self, **extra: Any) -> None:
        intacct = {
            "conn_type": "intacct",
            "host": self.sandbox.gateway_url,
            "login": constants.WS_USER,
            "password": constants.WS_PASSWORD,
            "extra": EXTRA | extra,
        }
        asana = {"conn_type": "asana_rest", "host": self.sandbox.asana_url, "password": constants.ASANA_TOKEN}
        asana["extra"] = {"workspace": constants.WORKSPACE_GID, "requests_per_minute": 100_000}
        self.patch.setenv("AIRFLOW_CONN_INTACCT_DEFAULT", json.dumps(intacct))
        self.patch.setenv("AIRFLOW_CONN_ASANA_DEFAULT", json.dumps(asana))

    def new_store(self) -> None:
        self.use_store(self.make_store.ready())

    def use_store(self, url: str) -> None:
        self.store_url = url
        self.patch.setenv("AIRFLOW_CONN_INTACCT_ASANA_STORE", json.dumps(airflow_connection(self.store_url)))

    def flow(self, *, limits: dict[str, Any] | None = None, **bills: Any) -> None:
        """The demo flow with these settings of its bills and limits."""
        self._write({"bills": bills, "limits": limits or {}})

    def vendor_flow(self, **vendors: Any) -> None:
        self._write({"vendors": vendors})

    def small_flow(self, *, limits: dict[str, Any], **bills: Any) -> None:
        """The same with as few fields as `differences` looks at: quick to read and quick to pin."""
        self._write({"bills": bills, "limits": limits}, small=True)

    def _write(self, parts: dict[str, dict[str, Any]], *, small: bool = False) -> None:
        told = yaml.safe_load(live_demo())
        if small:
            told["bills"]["fields"] = [one for one in told["bills"]["fields"] if one["name"] in COMPARED]
            told["bills"]["assignee"] = None
            told["vendors"]["fields"] = []
            told["approval"]["approvers"] = told["approval"]["approvers"][:1]
        for part, settings in parts.items():
            told[part] |= settings
        (self.folder / "flows" / "demo.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")

    @property
    def store(self) -> Any:
        from intacct_asana.deployment import evidence_keys
        from intacct_asana.store import open_store

        return open_store(self.store_url, evidence_keys=evidence_keys).for_flow("demo")

    def cursors(self) -> dict[str, str]:
        """Every cursor by its name without the fingerprint."""
        found = rows(self.store_url, "SELECT name, value FROM ia_cursors")
        return {name.partition(":")[0]: value for name, value in found}

    def lose_cursor(self, name: str) -> None:
        rows(self.store_url, rf"DELETE FROM ia_cursors WHERE name LIKE '{name}\:%'")

    def preflight(self) -> list[dict[str, str]]:
        """What preflight says of Intacct; the fields in Asana are made and pinned."""
        from intacct_asana.operators.preflight import CheckAsanaOperator, CheckIntacctOperator

        asana = CheckAsanaOperator(task_id="check_asana", flow="demo", create_missing=True).execute(self._context())
        assert {row["ok"] for row in asana} == {"yes"}, asana
        rows: list[dict[str, str]] = CheckIntacctOperator(task_id="check_intacct", flow="demo").execute(self._context())
        return rows

    def pin(self) -> None:
        from intacct_asana.operators.preflight import CheckAsanaOperator

        CheckAsanaOperator(task_id="check_asana", flow="demo", create_missing=True).execute(self._context())

    def pinned(self) -> dict[str, Any]:
        return {kind: self.store.pins(kind) for kind in ("bill", "vendor")}

    def pin_again(self, pins: dict[str, Any]) -> None:
        """As another preflight would, where the fields in Asana are still the same."""
        for kind, known in pins.items():
            self.store.save_pins(kind, known)

    def sync(self, kind: str = "bill", *, run_type: str = "scheduled", interval: Any = None, **params: Any) -> dict[str, Any]:
        from intacct_asana.operators.flow_run import FlowRun
        from intacct_asana.operators.syncing import ApplyPlanOperator, PlanBillsOperator, PlanVendorsOperator

        planner = {"bill": PlanBillsOperator, "vendor": PlanVendorsOperator}[kind](task_id="plan_tasks", flow="demo")
        if self.now:
            planner.run_parts = FlowRun(planner.run_parts.flow, now=self.now)
        self.plan = planner.execute(self._context(run_type=run_type, interval=interval, **params))
        apply = ApplyPlanOperator(task_id="apply_plan", flow="demo", plan_id=self.plan["plan_id"])
        applied: dict[str, Any] = apply.execute(self._context(run_type=run_type, interval=interval, **params))
        return applied

    def attach(self) -> None:
        """The step after `sync` that brings files onto tasks."""
        from intacct_asana.operators.documents import AttachDocumentsOperator

        AttachDocumentsOperator(task_id="attach", flow="demo", applied={"written": 0}).execute(self._context())

    @staticmethod
    def _context(*, run_type: str = "scheduled", interval: Any = None, **params: Any) -> Any:
        start, end = interval or (None, None)
        dag_run = SimpleNamespace(run_type=run_type)
        return {
            "dag_run": dag_run,
            "run_id": "r1",
            "params": params,
            "data_interval_start": start,
            "data_interval_end": end,
        }

    # People

    def act(self, action: str, **arguments: Any) -> Any:
        return self.sandbox.act("intacct", "mgarcia", action, **arguments)

    def act_if_possible(self, action: str, **arguments: Any) -> Any:
        """None where Intacct itself does not allow it."""
        try:
            return self.act(action, **arguments)
        except AssertionError as error:
            if " 422 " not in str(error):
                raise
            return None

    def edit(self, record_no: str, **changes: Any) -> Any:
        return self.act("edit_bill", record_no=record_no, changes=changes)

    def a_bill(self, **more: Any) -> str:
        number: str = self.act("create_bill", **more)["record_no"]
        return number

    # What stands there

    def bills(self) -> dict[str, dict[str, Any]]:
        return {bill["record_no"]: bill for bill in self.sandbox.state("intacct")["bills"]}

    def tasks(self, project: str = constants.BILLS_PROJECT_GID) -> list[dict[str, Any]]:
        return [task for task in self.sandbox.state("asana")["tasks"] if project in task["projects"]]

    def task(self, record_no: str) -> dict[str, Any]:
        """The task of a bill; of a purchasing bill by its document."""
        key = key_of(self.bills()[record_no]) if record_no in self.bills() else f"{constants.COMPANY_ID}:ap:{record_no}"
        (found,) = [task for task in self.tasks() if task["fields"]["Intacct key"] == key]
        return found

    def comments(self, task: dict[str, Any]) -> list[str]:
        return [story["text"] for story in task["stories"] if story["resource_subtype"] == "comment_added"]

    def differences(self, states: set[str] | None = None) -> list[str]:
        """Where tasks and bills say different things. Empty when every bill in scope has one open task that shows it."""
        scope = states or {"Submitted", "Partially Approved", "Posted", "Selected", "Partially Paid"}
        bills = {key_of(bill): bill for bill in self.bills().values()}
        tasks: dict[str, list[dict[str, Any]]] = {}
        for task in self.tasks():
            tasks.setdefault(task["fields"]["Intacct key"], []).append(task)
        wrong = [f"{key}: {len(found)} tasks" for key, found in tasks.items() if len(found) > 1]
        wrong += [f"{key}: no task" for key, bill in bills.items() if bill["state"] in scope and key not in tasks]
        for key, (task, *_) in tasks.items():
            bill = bills.get(key)
            is_open = bill is not None and bill["state"] in scope
            if task["completed"] == is_open:
                wrong.append(f"{key}: completed is {task['completed']}, the bill is {bill and bill['state']}")
            if bill and is_open:
                wrong += [f"{key}: {what}" for what in told_differently(task, bill)]
        return wrong


def key_of(bill: dict[str, Any]) -> str:
    if bill["module"] == "9.PO" and bill["source_document"]:
        return f"{constants.COMPANY_ID}:po:{bill['source_document']}"
    return f"{constants.COMPANY_ID}:ap:{bill['record_no']}"


def told_differently(task: dict[str, Any], bill: dict[str, Any]) -> list[str]:
    """Fields in which a task does not say what its bill says, amounts to the cent."""
    fields = task["fields"]
    wrong = [
        f"{name} is {fields[name]}, the bill says {bill[source]}"
        for name, source in AMOUNTS.items()
        if Decimal(str(fields[name])) != Decimal(bill[source])
    ]
    wrong += [f"Bill number {fields['Bill number']!r}"] if (fields["Bill number"] or "") != bill["bill_number"] else []
    wrong += [f"state {fields['Bill state']!r}"] if fields["Bill state"] != bill["state"] else []
    return wrong + [
        f"line {line['line_no']}: account {line['account_no']} is not shown"
        for line in bill["lines"]
        if line["account_no"] not in fields["GL account"] or line["account_no"] not in task["notes"]
    ]


@pytest.fixture
def company(sandbox: Any, tmp_path: Path, new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A fresh company whose flow is pinned and that was never read."""
    return _company(Company(sandbox, tmp_path, new_store, monkeypatch), is_synced=False)


def _company(made: Company, *, is_synced: bool) -> Company:
    def make() -> tuple[str, Any]:
        made.sandbox.reset()
        made.new_store()
        made.pin()
        if is_synced:
            made.sync()
            assert made.differences() == []
        return made.store_url, None

    url, _ = begun(made.sandbox, made.make_store, ("reading", is_synced), make)
    # The session of the one that was kept is of its own process.
    Variables.values = {}
    made.use_store(url)
    return made


@pytest.fixture
def synced(sandbox: Any, tmp_path: Path, new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A company of which everything was read once."""
    return _company(Company(sandbox, tmp_path, new_store, monkeypatch), is_synced=True)
