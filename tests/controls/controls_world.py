"""A small company whose flow has controls, with the real operators on the sandbox over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intacct_asana.operators.controls.checking import CheckBillsOperator
from intacct_asana.records.concerns import Concern

from tests.databases import NewStore
from tests.standing.standing_world import Standing

CONTROLS = "duplicates: {mode: block}"


class Controlled(Standing):
    """Two vendors and no bill yet. `run` is a run of the approvals with `check_bills` in it."""

    def __init__(self, sandbox: Any, folder: Path, new_store: NewStore, *, controls: str = CONTROLS, **how: Any) -> None:
        text = f"\ncontrols:\n  {controls}\nwrite_back:\n"
        super().__init__(sandbox, folder, new_store, replace=("\nwrite_back:\n", text), **{"bills": 0, **how})

    def enter(self, number: str = "", *, synced: bool = True, **what: Any) -> str:
        """A bill of the first vendor over 500.00, entered today by a clerk; the answer is its record number."""
        record = self.make_bill(bill_number=number, **what)
        self.bills.append(record)
        if synced:
            self.sync()
        return record

    def check(self) -> dict[str, Any]:
        result: dict[str, Any] = self.step(CheckBillsOperator(task_id="check_bills", flow="small"))
        return result

    def run(self) -> dict[str, Any]:
        self.pass_time(1)
        self.read()
        self.check()
        result: dict[str, Any] = self.settle()
        self.tell()
        return result

    def concerns(self, bill: int = 0) -> list[Concern]:
        return self.store.concerns().of([self.key(bill)])

    def warned(self, bill: int = 0) -> list[str]:
        """Our comments about concerns, the first lines."""
        return [text.partition("\n")[0] for text in self.comments(bill) if "Reference: con-" in text]

    def calls_of(self, step: Any) -> dict[str, int]:
        """Calls of one step that begins as a process of its own, the session aside."""
        self.books = None
        self.sandbox.zero_counters()
        step()
        counted: dict[str, int] = self.sandbox.counters()
        return {name: count for name, count in counted.items() if "getAPISession" not in name}
