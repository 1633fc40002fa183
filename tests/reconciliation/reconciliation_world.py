"""The real operators on the sandbox over HTTP, each with fresh hooks and the real store, without Airflow's task runner.

Both clocks are the sandbox's: it stands still, and each act of a person moves it on by some seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from intacct_asana.flow.load import load_flow
from intacct_asana.flow.model import Flow
from intacct_asana.intacct.hook import IntacctHook
from intacct_asana.operators.approvals import SettleDecisionsOperator, TellPeopleOperator
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.preflight import CheckAsanaOperator
from intacct_asana.operators.read_decisions import ReadDecisionsOperator
from intacct_asana.operators.syncing import ApplyPlanOperator, PlanBillsOperator
from intacct_asana.records import Decision
from intacct_asana.store import FlowStore, open_store

from sandbox import constants
from tests.begun import begun
from tests.conftest import evidence_keys
from tests.databases import NewStore

BEGIN = datetime(2026, 11, 23, 8, tzinfo=UTC)
ALICE, BEN, ERIN, GUS = (constants.PEOPLE[place]["email"] for place in (0, 1, 4, 5))
FLOW = """
flow: small
bills:
  project: {bills}
  states: [Submitted, Posted, Selected, Partially Paid]
  task_name: "{{bill_number}} {{total_entered}}"
  notes: none
  fields:
    - {{name: Amount, kind: number, source: total_entered, precision: 2}}
vendors:
  project: {vendors}
approval:
{approval}
  approvers:
    - {{email: alice.martin@northwind.example, limits: {{USD: 1000.00}}, intacct_users: [amartin]}}
    - {{email: ben.okafor@northwind.example, limits: {{USD: 50000.00}}, intacct_users: [bokafor]}}
write_back:
  steps: [stamp]
  stamp:
    decision: ASANA_DECISION
    decided_by: ASANA_DECISION_BY
    decided_at: ASANA_DECISION_AT
    decision_id: ASANA_DECISION_ID
    reason: ASANA_DECISION_REASON
"""


def connections(sandbox: Any) -> dict[str, str]:
    """Environment variables with Airflow's connections to the sandbox."""
    gateway = {
        "company_id": constants.COMPANY_ID,
        "sender_id": constants.SENDER_ID,
        "sender_password": constants.SENDER_PASSWORD,
        "allowed_endpoint_hosts": ["127.0.0.1"],
        # The limit is one for all processes of a machine, and several tests run at once.
        "max_concurrency": 10,
    }
    intacct = {"conn_type": "intacct", "host": sandbox.gateway_url, "login": constants.WS_USER, "extra": gateway}
    board = {"workspace": constants.WORKSPACE_GID, "requests_per_minute": 1_000_000}
    asana = {"conn_type": "asana_rest", "host": sandbox.asana_url, "password": constants.ASANA_TOKEN, "extra": board}
    return {
        "AIRFLOW_CONN_INTACCT_DEFAULT": json.dumps(intacct | {"password": constants.WS_PASSWORD}),
        "AIRFLOW_CONN_ASANA_DEFAULT": json.dumps(asana),
    }


class Reconciliation:
    """One flow with a few bills. `run` is one run of the approvals DAG, `sync` one of the bill sync."""

    def __init__(self, sandbox: Any, folder: Path, new_store: NewStore, *, approval: str = "", bills: int = 1) -> None:
        self.sandbox = sandbox
        self.path = path = folder / "small.yaml"
        projects = {"bills": constants.BILLS_PROJECT_GID, "vendors": constants.VENDORS_PROJECT_GID}
        text = FLOW.format(approval=approval, **projects)
        path.write_text(text, encoding="utf-8")
        self.flow: Flow = load_flow(path)

        def make() -> tuple[str, Any]:
            sandbox.reset(vendors=1, bills=0)
            self.at = BEGIN
            sandbox.clock(freeze=BEGIN.isoformat())
            self.books: IntacctHook | None = None
            url = new_store.ready()
            self.store: FlowStore = open_store(url, evidence_keys=evidence_keys).for_flow("small")
            self.bills = [self.add_bill() for _ in range(bills)]
            self.step(CheckAsanaOperator(task_id="check", flow="small", create_missing=True))
            self.sync()
            return url, (self.bills, self.at)

        url, (self.bills, self.at) = begun(sandbox, new_store, ("reconciliation", text, bills), make)
        self.books = None
        self.store = open_store(url, evidence_keys=evidence_keys).for_flow("small")

    # One step, as a task of its own: fresh hooks, the same session.

    def step(self, operator: Any, **params: Any) -> Any:
        run = FlowRun(self.flow, now=lambda: self.at)
        run.__dict__["store"] = self.store
        # One login for all steps, as the shared Variable gives it.
        self.books = self.books or run.books
        run.__dict__["books"] = self.books
        operator.run_parts = run
        here = {"dag_run": SimpleNamespace(run_type="manual"), "run_id": "r1", "dag": SimpleNamespace(dag_id="small_dag")}
        context = {"params": params, **here}
        return operator.execute(context)

    def read(self) -> dict[str, Any]:
        result: dict[str, Any] = self.step(ReadDecisionsOperator(task_id="read", flow="small"))
        return result

    def settle(self, **how: Any) -> Any:
        return self.step(SettleDecisionsOperator(task_id="settle", flow="small", **how))

    def tell(self) -> Any:
        return self.step(TellPeopleOperator(task_id="tell", flow="small"))

    def run(self) -> dict[str, Any]:
        self.pass_time(1)
        result = self.read()
        self.settle()
        self.tell()
        return result

    def sync(self, **params: Any) -> dict[str, Any]:
        self.pass_time(1)
        planned: dict[str, Any] = self.step(PlanBillsOperator(task_id="plan", flow="small"), **params)
        self.applied = self.step(ApplyPlanOperator(task_id="apply", flow="small", plan_id=planned["plan_id"]), **params)
        return planned

    # What people do.

    def add_bill(self, amount: str = "500.00") -> str:
        act = self.sandbox.act("intacct", "mgarcia", "create_bill", amount=amount, state="Posted")
        number: str = act["record_no"]
        return number

    def edit_bill(self, amount: str, *, bill: int = 0) -> None:
        self.pass_time(1)
        changes = {"line": 1, "amount": amount}
        self.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=self.bills[bill], changes=changes)

    def act(self, who: str, action: str, *, bill: int = 0, **arguments: Any) -> Any:
        self.pass_time(1)
        return self.sandbox.act("asana", who, action, task=self.task(bill)["gid"], **arguments)

    def choose(self, who: str, option: str, *, bill: int = 0) -> None:
        self.act(who, "choose", bill=bill, field="Approval", option=option)

    def lose_events(self) -> None:
        """From now on, until `find_events`, Asana drops every event."""
        self.sandbox.fault("asana", "event *", "drop_event", times=1000)

    def find_events(self) -> None:
        self.sandbox.clear_faults()

    def pass_time(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0) -> None:
        more = timedelta(seconds=seconds, minutes=minutes, hours=hours)
        self.at += more
        self.sandbox.clock(advance_seconds=more.total_seconds())

    # What is there.

    def key(self, bill: int = 0) -> str:
        """How the bill's key ends, at least."""
        return f":ap:{self.bills[bill]}"

    def task(self, bill: int = 0) -> dict[str, Any]:
        end = self.key(bill)
        tasks = self.sandbox.state("asana")["tasks"]
        found: dict[str, Any] = next(task for task in tasks if str(task["fields"].get("Intacct key")).endswith(end))
        return found

    def held(self, bill: int = 0) -> dict[str, str]:
        """What Intacct holds in the stamped fields."""
        bills = self.sandbox.state("intacct")["bills"]
        stamps: dict[str, str] = next(one["stamps"] for one in bills if one["record_no"] == self.bills[bill])
        return stamps

    def comments(self, bill: int = 0) -> list[str]:
        """Ours, oldest first."""
        stories = self.task(bill)["stories"]
        return [s["text"] for s in stories if s["resource_subtype"] == "comment_added" and s["by"] == constants.BOT_EMAIL]

    def decisions(self, bill: int = 0) -> list[Decision]:
        links = self.store.links("bill").all()
        key = next(key for key, link in links.items() if link.record_no == self.bills[bill])
        return self.store.decisions().of(key)

    def story_reads(self, work: Callable[[], Any]) -> int:
        """How many tasks' stories `work` reads."""
        self.sandbox.zero_counters()
        work()
        return int(self.sandbox.counters().get("asana GET /tasks/{gid}/stories", 0))
