"""A flow in which a manager and then a controller approve, with the real operators on the sandbox."""

from __future__ import annotations

from typing import Any

from intacct_asana.flow.load import load_flow

from sandbox import constants
from tests.standing.standing_world import COMMENT_WAY, Standing

ALICE, BEN, CARLA, DEV = (one["email"] for one in constants.PEOPLE[:4])
ENUM_WAY, TASK_WAY = "", "  signal: {kind: approval_task}"
WAYS = {"field": ENUM_WAY, "approval task": TASK_WAY, "comment": COMMENT_WAY}
MORE_PEOPLE = """
    - {email: carla.ruiz@northwind.example, limits: {USD: 50000.00}, intacct_users: [cruiz]}
    - {email: dev.patel@northwind.example, limits: {USD: 1000.00}, intacct_users: [dpatel]}
"""
TWO_STEPS = """
  groups: {managers: [alice.martin@northwind.example, dev.patel@northwind.example]}
  rules:
    - name: every bill
      steps:
        - {name: manager, by: [managers]}
        - {name: controller, by: [ben.okafor@northwind.example]}
"""


class Steps(Standing):
    """`policy` is the YAML of groups, delegations and rules, `way` how people decide."""

    def __init__(self, *world: Any, policy: str = TWO_STEPS, way: str = ENUM_WAY, **how: Any) -> None:
        self.way = way
        people = "[bokafor]}\n"
        super().__init__(*world, approval=f"{way}\n{policy}", replace=(people, people + MORE_PEOPLE), **how)

    def say(self, who: str, *, bill: int = 0, reject: bool = False) -> None:
        """The person decides, in the way of this flow; a rejection says why."""
        if self.way == COMMENT_WAY:
            self.act(who, "comment", bill=bill, text="reject: too dear" if reject else "approve")
            return
        if reject:
            self.act(who, "comment", bill=bill, text="too dear")
        if self.way == TASK_WAY:
            self.act(who, "set_approval", bill=bill, status="rejected" if reject else "approved")
        else:
            self.choose(who, "Rejected" if reject else "Approved", bill=bill)

    def states(self, bill: int = 0) -> list[str]:
        return [str(one.state) for one in self.decisions(bill)]

    def last_told(self, bill: int = 0) -> str:
        return self.comments(bill)[-1]

    def is_undecided(self, bill: int = 0) -> None:
        """Nothing stands on the bill in Intacct, and the task asks for a decision."""
        assert self.held(bill).get("ASANA_DECISION", "") == ""
        assert self.task_asks(bill)

    def task_asks(self, bill: int = 0) -> bool:
        task = self.task(bill)
        if self.way == TASK_WAY:
            return bool(task["approval_status"] == "pending" and not task["completed"])
        return self.way == COMMENT_WAY or task["fields"].get("Approval") == "Pending"

    def now_says(self, policy: str) -> None:
        """Somebody edits the policy in the flow file."""
        text = self.path.read_text(encoding="utf-8")
        begin, end = text.index("approval:\n"), text.index("  approvers:\n")
        self.path.write_text(f"{text[:begin]}approval:\n{self.way}\n{policy}\n{text[end:]}", encoding="utf-8")
        self.flow = load_flow(self.path)
