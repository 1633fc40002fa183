"""Documents onto tasks, as a step of its own: it can be tried again alone, and its failures cost no task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from intacct_asana.errors import Refused
from intacct_asana.operators.flow_run import FlowOperator, FlowRun
from intacct_asana.sync import attach_documents

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


class AttachDocumentsOperator(FlowOperator):
    """Brings every document that is due onto its bill's task: those of this run, and those that an earlier one could not.

    Reads attachments from Intacct, writes them to Asana. What failed is named at the end and is due again next time; what
    will never fit is named once. Returns counts.

    Runs after an `apply_plan` that failed too, since that may fail for a single bill. `applied` is what it returned; without it
    this step fails at its end, or the run would be taken for a good one.
    """

    template_fields: Sequence[str] = ("applied",)
    rehearses_when_dry = False

    def __init__(self, *, applied: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.applied = applied

    def work(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        summary = self._dry() if self.is_dry(context) else self._attach(run)
        if not self.applied:
            raise Refused("Documents are attached as far as their tasks are there; apply_plan did not succeed, see its log.")
        return summary

    def _dry(self) -> dict[str, Any]:
        self.log.info("Nothing is attached: this run only says what it would do, and plan_tasks counted the attachments")
        return {"dry_run": True, "documents": {}}

    def _attach(self, run: FlowRun) -> dict[str, Any]:
        board, _ = run.own_board("bill")
        store = run.store.documents("bill")
        due = store.due()
        self.log.info("%d documents are due", len(due))
        # Two runs of a step never overlap (`dag_parts`), so what bears its name is free when it begins.
        result = attach_documents(
            due, board=board, books=run.books, store=store, journal=run.store.intents(), owner=self.task_id, now=run.now
        )
        told = result.summary()
        summary = {"due": len(due), "documents": told["done"], "failures": told["failures"], "calls": run.calls()}
        self.log.info("%s", json.dumps(summary))
        result.raise_if_failed()
        return summary
