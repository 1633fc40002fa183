"""One flow, first used long enough ago that its new bills need an approval, with the audit of both sides."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from intacct_asana.operators.drift.comparing import CompareSidesOperator
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.people.exceptions import KeepExceptionsOperator
from intacct_asana.records.drift import Drifted

from sandbox import constants
from tests.begun import begun
from tests.standing.standing_world import CLERK, Standing

OWNER, CONTROLLER = (constants.PEOPLE[place]["email"] for place in (2, 4))
EXCEPTIONS = f"exceptions: {{owner: {OWNER}, owners: {{bypass: {CONTROLLER}}}}}\n"


class Audited(Standing):
    """The first bill was approved two days ago, before the others were made; `bills` of them are synced and undecided."""

    def __init__(self, sandbox: Any, *where: Any, declares: str = "", young: int = 3, **how: Any) -> None:
        text = ("\napproval:\n", f"\n{declares}approval:\n")
        super().__init__(sandbox, *where, replace=text, approved=True, **how)

        def make() -> tuple[str, Any]:
            self.pass_time(hours=48)
            self.bills += [self.make_bill() for _ in range(young)]
            self.steps()
            self.pass_time(hours=3)
            # What changed last is read again by every run, and so no drift yet: one bill more takes that place.
            self.bills.append(self.make_bill())
            self.heal()
            self.pass_time(hours=1)
            return self.url, (self.bills, self.at)

        url, (self.bills, self.at) = begun(sandbox, self.new_store, ("audited", young, how), make)
        self.books = None
        self.use_store(url)

    def audit(self, **params: Any) -> dict[str, Any]:
        report: dict[str, Any] = self.step(CompareSidesOperator(task_id="compare", flow="small"), **params)
        return report

    def report(self, operator: Any, found: dict[str, Any]) -> None:
        operator.__dict__["run_parts"] = FlowRun(self.flow, now=lambda: self.at)
        dag_run = SimpleNamespace(run_type="manual", dag_id="small_drift_audit")
        states = {"r1": {"compare_sides": "success"}}
        ti = SimpleNamespace(
            xcom_pull=lambda **which: found, xcom_push=lambda **what: None, get_task_states=lambda **which: states
        )
        operator.execute({"params": {}, "dag_run": dag_run, "run_id": "r1", "ti": ti})

    def found(self) -> list[tuple[str, str]]:
        """What the store holds as drift: class and the number of the bill among those of this world."""
        return [(str(one.drift), one.key.rpartition(":")[2]) for one in self.held_findings()]

    def held_findings(self) -> list[Drifted]:
        return [one for one, _ in self.store.findings().open()]

    def pay(self, bill: int, *, how: str = "pay_bill") -> None:
        self.pass_time(1)
        self.sandbox.act("intacct", CLERK, how, record_no=self.bills[bill])


class ByApproval(Audited):
    """People decide by the status of the task, which is an approval of Asana."""

    def __init__(self, *where: Any, **how: Any) -> None:
        super().__init__(*where, approval="  signal: {kind: approval_task}", **how)

    def approve(self, who: str, *, bill: int = 0, **how: Any) -> None:
        self.act(who, "set_approval", bill=bill, status="approved")


class Kept(Audited):
    """A flow with exceptions. `keep` is the last step of its DAGs."""

    def __init__(self, *where: Any, more: str = "", **how: Any) -> None:
        super().__init__(*where, declares=EXCEPTIONS.replace("}}\n", f"}}{more}}}\n"), **how)
        self.keep()

    def keep(self, **how: Any) -> dict[str, Any]:
        self.pass_time(1)
        kept: dict[str, Any] = self.step(KeepExceptionsOperator(task_id="keep", flow="small", **how))
        return kept

    def audited(self) -> dict[str, Any]:
        self.audit()
        return self.keep(looks_at_all=True)

    def exceptions(self) -> list[dict[str, Any]]:
        """Tasks of exceptions, of ours, oldest first."""
        tasks = self.sandbox.state("asana")["tasks"]
        return [task for task in tasks if "Reference: exc-" in task["notes"]]

    def exception(self) -> dict[str, Any]:
        [one] = self.exceptions()
        return one

    def on_exception(self, who: str, action: str, **more: Any) -> None:
        self.pass_time(1)
        self.sandbox.act("asana", who, action, task=self.exception()["gid"], **more)

    def said(self) -> list[str]:
        return [story["text"] for story in self.exception()["stories"] if story["resource_subtype"] == "comment_added"]
