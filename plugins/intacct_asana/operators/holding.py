"""One run's share in holding bills that are new here: which of them to ask for, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from intacct_asana.approvals.intake import Intake
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.operators.flow_run import FlowRun, is_closed
from intacct_asana.records import Bill, Cursor, Link

if TYPE_CHECKING:
    from intacct_asana.approvals import Decided, Settler

INTAKE = "intake_since"
"""Cursor: Asana's time from which a bill with a new task is new here; empty where every bill is."""
HELD_BEHIND = "held_behind"
"""Cursor: the last bill of a run that had more than it asks for."""
MOST = 100
"""Bills that one run asks for because they are new. The next run goes on."""


class Holding:
    """Bills that changed are met as they are read, and those that are new are asked for, each once."""

    def __init__(self, run: FlowRun, settler: Settler, summary: Decided, *, was_run: bool) -> None:
        self.run, self.is_wanted, self.later = run, bool(run.flow.write_back.intake), 0
        self.summary, self.since = summary, self._since(was_run=was_run) if self.is_wanted else ""
        self.intake = Intake(
            run=settler,
            summary=summary,
            note=lambda key, facts: run.store.note(key, facts=facts, at=run.now()),
            rehearses=run.flow.rehearsal,
        )

    def _since(self, *, was_run: bool) -> str:
        """Where a flow that ran without it comes to want it, the bills that it knows are not new."""
        known = self.run.store.cursor(INTAKE)
        if known is not None:
            return known
        since = self.run.own_board("bill")[0].clock().isoformat() if was_run else ""
        if not self.run.flow.rehearsal:
            self.run.store.save_cursor(Cursor(name=INTAKE, value=since))
        return since

    def meet(self, bills: Mapping[str, Bill]) -> None:
        """Bills that were read because they changed."""
        links = self._open(self.run.store.links("bill").of(bills)) if self.is_wanted and bills else {}
        unmet = {key for key in self.intake.without_row(list(links)) if not self._is_new(links[key])}
        self._meet({key: bills[key] for key in links if key not in unmet}, links)

    def meet_new(self) -> None:
        if not self.is_wanted:
            return
        links = {key: link for key, link in self._open(self.run.store.links("bill").all()).items() if self._is_new(link)}
        wanted = self.intake.without_row(list(links))
        self.later = max(0, len(wanted) - MOST)
        numbers = [links[key].record_no for key in self.run.in_turn(wanted, name=HELD_BEHIND, most=MOST)]
        try:
            # One that cannot be read is told of by the bill sync.
            for page in self.run.books.bills_again(numbers, unread=lambda one: None) if numbers else ():
                self._meet({bill.bill_key: bill for bill in page if bill.bill_key in links}, links)
        except IntacctAsanaError as error:
            self.summary.fail("bills that are new", error)

    def _meet(self, bills: Mapping[str, Bill], links: Mapping[str, Link]) -> None:
        if bills:
            self.intake.meet(bills, links)

    @staticmethod
    def _open(links: Mapping[str, Link]) -> dict[str, Link]:
        return {key: link for key, link in links.items() if not is_closed(link)}

    def _is_new(self, link: Link) -> bool:
        return not self.since or (link.linked_at is not None and link.linked_at >= datetime.fromisoformat(self.since))

    def report(self) -> dict[str, object]:
        if not self.is_wanted:
            return {}
        return {"put_on_hold": self.intake.held, "holds_lifted": self.intake.lifted, "to_hold_later": self.later}
