"""A company whose flow watches who changes vendors, and what its people do about that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intacct_asana.errors import IntacctAsanaError
from intacct_asana.flow.load import load_flow
from intacct_asana.records.payee import PayeeChange

from sandbox.constants import BOT_EMAIL
from tests.controls.controls_world import Controlled
from tests.databases import NewStore
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN

CALLED = "called: Jo Lee at Contoso, number from the contract of 2021, 2026-11-23 10:15, confirmed"
BLOCK = f"mode: block, callback: {{assignee: {ERIN}, release_by: [{BEN}, {ALICE}]}}"
THIEF = "jchen"
"""The clerk who changes vendors in Intacct."""


class Payees(Controlled):
    """Two vendors, and one bill of the first with its task. `rule` is `controls.payee_change` of the flow file."""

    def __init__(self, sandbox: Any, folder: Path, new_store: NewStore, *, rule: str = BLOCK, **how: Any) -> None:
        super().__init__(sandbox, folder, new_store, controls=f"payee_change: {{{rule}}}", **how)
        self.run()
        self.enter()
        self.run()

    @property
    def vendor_id(self) -> str:
        return self.vendor_of(0)

    def vendor_of(self, bill: int) -> str:
        vendor: str = self.bill(bill)["vendor_id"]
        return vendor

    def cycle(self) -> list[IntacctAsanaError]:
        """As every flow's, with `check_bills` in it."""
        failed: list[IntacctAsanaError] = []
        for steps in ((self.sync,), (self.read,), (self.check,), (self.settle,), (self.tell,)):
            self.pass_time(1)
            try:
                for step in steps:
                    step()
            except IntacctAsanaError as error:
                failed.append(error)
        return failed

    # What people do.

    def change_bank(self, who: str = THIEF, *, vendor: str = "", **more: Any) -> None:
        self.pass_time(1)
        self.sandbox.act("intacct", who, "change_payment_details", vendor_id=vendor or self.vendor_id, **more)

    def edit_vendor(self, who: str = THIEF, **changes: Any) -> None:
        self.pass_time(1)
        self.sandbox.act("intacct", who, "edit_vendor", vendor_id=self.vendor_id, changes=changes)

    def pay(self, record_no: str, amount: str = "") -> None:
        self.pass_time(1)
        self.sandbox.act("intacct", "mgarcia", "pay_bill", record_no=record_no, amount=amount)

    def say(self, who: str, text: str, *, bill: int = 0, **how: Any) -> None:
        """On the call-back that is open about the bill's vendor."""
        self.pass_time(1)
        self.sandbox.act("asana", who, "comment", task=self.call_back(bill)["gid"], text=text, **how)

    def now_says(self, rule: str) -> None:
        """Somebody edits the flow file."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        at = next(place for place, line in enumerate(lines) if line.lstrip().startswith("payee_change:"))
        lines[at] = f"  payee_change: {{{rule}}}"
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.flow = load_flow(self.path)

    def reload(self) -> None:
        self.flow = load_flow(self.path)

    # What is there.

    def vendors(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.sandbox.state("intacct")["vendors"]
        return found

    def call_backs(self, vendor: str = "") -> list[dict[str, Any]]:
        """Every one that was ever made about the vendor, the first bill's where none is named; oldest first."""
        tasks, name = self.sandbox.state("asana")["tasks"], f"({vendor or self.vendor_id})"
        return [one for one in tasks if one["name"].startswith("Call back vendor") and name in one["name"]]

    def call_back(self, bill: int = 0) -> dict[str, Any]:
        [found] = [one for one in self.call_backs(self.vendor_of(bill)) if not one["completed"]]
        return found

    @staticmethod
    def said_on(task: dict[str, Any]) -> list[str]:
        """Our comments on it."""
        stories = task["stories"]
        return [one["text"] for one in stories if one["resource_subtype"] == "comment_added" and one["by"] == BOT_EMAIL]

    def told_there(self, place: int = -1) -> list[str]:
        return self.said_on(self.call_backs()[place])

    def changes(self) -> list[PayeeChange]:
        return self.store.payees().of_vendors([self.vendor_id])

    def states(self, bill: int = 0) -> list[str]:
        return [str(one.state) for one in self.decisions(bill)]

    def proofs(self, bill: int = 0, about: str = "payee change") -> list[dict[str, Any]]:
        """Evidence about the bill that no decision stands behind."""
        return [dict(row.body) for row in self.store.evidence(self.key(bill)) if row.body.get("about") == about]
