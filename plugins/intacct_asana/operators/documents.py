"""Documents onto tasks, as a step of its own: it can be tried again alone, and its failures cost no task."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from intacct_asana.operators.flow_run import FlowOperator
from intacct_asana.sync import attach_documents

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


class AttachDocumentsOperator(FlowOperator):
    """Brings every document that is due onto its bill's task: those of this run, and those that an earlier one could not.

    Reads attachments from Intacct, writes them to Asana. What failed is named at the end and is due again next time; what
    will never fit is named once. Returns counts.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        if context["params"].get("dry_run"):
            self.log.info("Dry run: nothing is attached")
            return {"dry_run": True, "documents": {}}
        store = run.store.documents("bill")
        due = store.due()
        self.log.info("%d documents are due", len(due))
        result = attach_documents(due, board=run.board, books=run.books, store=store)
        told = result.summary()
        summary = {"due": len(due), "documents": told["done"], "failures": told["failures"], "calls": run.calls()}
        self.log.info("%s", json.dumps(summary))
        result.raise_if_failed()
        return summary
