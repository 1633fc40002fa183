"""Approvals after they were read: settle them in Intacct, tell people on the task, report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from intacct_asana.approvals import Summary, acknowledge_all, settle_all
from intacct_asana.operators.approval_policy import policy_of
from intacct_asana.operators.flow_run import FlowOperator, FlowRun
from intacct_asana.records import Bill, Decision

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


class SettleDecisionsOperator(FlowOperator):
    """Carries every decision that is on its way: guards, stamp, read-back. One that fails does not stop the others."""

    def execute(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        board, pins = run.own_board("bill")
        approval = run.flow.approval
        run.store.keep_policy(approval.policy_version, text=approval.policy_text, at=run.now())
        summary = settle_all(
            books=run.books,
            board=board,
            decisions=run.store.decisions(),
            policy=policy_of(run, pins),
            find_bill=lambda decision: find_bill(run, decision),
            now=run.now,
        )
        return _reported(self, run, summary)


class TellPeopleOperator(FlowOperator):
    """Comments once on the task of each settled decision, and puts refused choices back to Pending."""

    def execute(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        board, pins = run.own_board("bill")
        summary = acknowledge_all(board=board, decisions=run.store.decisions(), policy=policy_of(run, pins), now=run.now)
        run.store.marks().wrote(board.wrote)
        return _reported(self, run, summary)


class ReportRunOperator(FlowOperator):
    """Puts what the steps returned together on the run. It comes last and wants every step green, so a run is too."""

    template_fields: Sequence[str] = ("steps",)

    def __init__(self, *, steps: dict[str, Any] | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.steps = steps

    def execute(self, context: Context) -> Any:
        self.log.info("%s", json.dumps(self.steps))
        return self.steps


def find_bill(run: FlowRun, decision: Decision) -> Bill | None:
    """The decision's bill as it is now, also when Purchasing deleted it and made it anew from the same document."""
    bill = run.books.bill(decision.record_no)
    if bill is not None:
        return bill if bill.bill_key == decision.key else None
    _, kind, document = decision.key.split(":", 2)
    remade = run.books.bills_of_document(document) if kind == "po" else []
    return next((one for one in remade if one.bill_key == decision.key), None)


def _reported(operator: FlowOperator, run: FlowRun, summary: Summary) -> dict[str, Any]:
    for line in summary.lines:
        operator.log.info("%s", line)
    report: dict[str, Any] = summary.as_json() | {"calls": run.calls()}
    operator.log.info("%s", json.dumps(report))
    summary.raise_if_failed()
    return report
