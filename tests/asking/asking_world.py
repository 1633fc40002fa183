"""A flow in which each person who is due gets an approval subtask of their own."""

from __future__ import annotations

from typing import Any

from sandbox.constants import BOT_EMAIL
from tests.policy.policy_world import TWO_STEPS, Steps

SUBTASK_WAY = "  signal: {kind: approval_subtasks}"


class Asked(Steps):
    """`policy` is the YAML of groups, delegations and rules. `ask` runs what makes the first subtasks."""

    def __init__(self, *world: Any, policy: str = TWO_STEPS, way: str = SUBTASK_WAY, **how: Any) -> None:
        super().__init__(*world, policy=policy, way=way, **how)
        self.run()

    # What is there.

    def subtasks(self, bill: int = 0) -> list[dict[str, Any]]:
        """Below the bill's task, in the order in which they were made."""
        parent = self.task(bill)["gid"]
        return [task for task in self.sandbox.state("asana")["tasks"] if task["parent"] == parent]

    def waiting(self, bill: int = 0) -> list[str]:
        """Who has an approval to answer in their list, by first name."""
        tasks = [task for task in self.subtasks(bill) if task["resource_subtype"] == "approval" and not task["completed"]]
        return sorted(str(task["assignee"]).partition(".")[0] for task in tasks if task["assignee"])

    def subtask_of(self, who: str, bill: int = 0) -> dict[str, Any]:
        """The newest one of that person."""
        return next(task for task in reversed(self.subtasks(bill)) if task["assignee"] == who)

    def said_to(self, who: str, bill: int = 0) -> list[str]:
        """Our comments on the person's newest subtask."""
        return self.said_on(self.subtask_of(who, bill))

    @staticmethod
    def said_on(task: dict[str, Any]) -> list[str]:
        return [one["text"] for one in task["stories"] if one["resource_subtype"] == "comment_added" and one["by"] == BOT_EMAIL]

    # What people do.

    def answer(self, who: str, status: str = "approved", *, bill: int = 0, on: str = "", why: str = "") -> None:
        """The person answers on their own subtask, or on that of the person `on`."""
        gid = self.subtask_of(on or who, bill)["gid"]
        if why:
            self.on_subtask(who, "comment", gid, text=why)
        self.on_subtask(who, "set_approval", gid, status=status)

    def on_subtask(self, who: str, action: str, gid: str, **arguments: Any) -> None:
        self.pass_time(1)
        self.sandbox.act("asana", who, action, task=gid, **arguments)

    def say(self, who: str, *, bill: int = 0, reject: bool = False) -> None:
        self.answer(who, "rejected" if reject else "approved", bill=bill, why="too dear" if reject else "")

    def task_asks(self, bill: int = 0) -> bool:
        return bool(self.waiting(bill))
