"""Carrying out a plan that an earlier step stored: what such steps have in common."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from intacct_asana.errors import Misconfigured
from intacct_asana.operators.flow_run import FlowOperator, FlowRun
from intacct_asana.store import StoredPlan

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


class StoredPlanOperator(FlowOperator):
    """Reads the plan with `plan_id` and hands it to `carry_out`, unless its run was a dry one."""

    template_fields: Sequence[str] = ("plan_id",)

    def __init__(self, *, plan_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_id = plan_id

    def execute(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        stored = run.store.plan(self.plan_id)
        if stored is None:
            raise Misconfigured(f"Plan {self.plan_id} is not in the store; clear the planning task and run it again.")
        if stored.summary.get("dry_run"):
            self.log.info("Dry run: %s planned, nothing written", json.dumps(stored.summary.get("counts")))
            return {"dry_run": True, "written": 0}
        return self.carry_out(run, stored)

    def carry_out(self, run: FlowRun, stored: StoredPlan) -> dict[str, Any]:
        raise NotImplementedError
