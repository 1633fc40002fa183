"""A flow in which a manager and then a controller approve, and which asks them; days pass by the sandbox's clock."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from intacct_asana.flow.load import load_flow
from intacct_asana.operators.people.reminding import RemindApproversOperator

from sandbox import constants
from tests.policy.policy_world import TWO_STEPS, Steps
from tests.reconciliation.reconciliation_world import BEGIN

DUE_ON = BEGIN.date() + timedelta(days=4)
ERIN = constants.PEOPLE[4]["email"]
NEXT = "  assign_next: true\n"
REMIND = f"  remind: {{before_days: [3, 0], after_days: [1, 3], escalate_after_days: 5, escalate_to: {ERIN}}}\n"


class Asking(Steps):
    """`asks` is the YAML of what is asked."""

    def __init__(self, *world: Any, asks: str = REMIND, policy: str = TWO_STEPS, **how: Any) -> None:
        how.setdefault("make_bill", {"due_on": DUE_ON.isoformat()})
        super().__init__(*world, policy=asks + policy, **how)

    def ask(self) -> dict[str, Any]:
        said: dict[str, Any] = self.step(RemindApproversOperator(task_id="remind", flow="small"))
        return said

    def run_and_ask(self) -> dict[str, Any]:
        self.run()
        return self.ask()

    def now_writes(self, steps: str) -> None:
        """Somebody edits what an approval changes in Intacct."""
        text = self.path.read_text(encoding="utf-8")
        self.path.write_text(text.replace("  steps: [stamp]", f"  steps: {steps}"), encoding="utf-8")
        self.flow = load_flow(self.path)

    def on(self, day: date) -> None:
        """That day, at noon."""
        until = (day - self.at.date()).days
        self.pass_time(hours=24 * until)

    def asked(self, bill: int = 0) -> list[str]:
        """What people were told by reminders and when steps began, without the line that it is found by."""
        marks = ("Reference: reminder-", "Reference: next-")
        said = [one.splitlines() for one in self.comments(bill)]
        return [lines[0] for lines in said if lines[-1].startswith(marks)]

    def calls(self, work: Any) -> dict[str, int]:
        self.sandbox.zero_counters()
        work()
        return self.sandbox.counters()  # type: ignore[no-any-return]
