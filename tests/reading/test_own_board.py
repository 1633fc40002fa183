"""With another user's token a step does nothing: what that user does would count as a person's doing, or as ours."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured
from intacct_asana.operators.approvals import SettleDecisionsOperator, TellPeopleOperator
from intacct_asana.operators.documents import AttachDocumentsOperator
from intacct_asana.operators.read_decisions import ReadDecisionsOperator
from intacct_asana.operators.syncing import ApplyPlanOperator, PlanBillsOperator, PlanVendorsOperator
from intacct_asana.operators.vendor_fields import PlanVendorFieldsOperator, TellVendorPeopleOperator, WriteVendorsOperator
from intacct_asana.store import StoredPlan

from sandbox import constants

STEPS: dict[str, Callable[[], Any]] = {
    "plan bills": lambda: PlanBillsOperator(task_id="s", flow="demo"),
    "plan vendors": lambda: PlanVendorsOperator(task_id="s", flow="demo"),
    "apply a plan of bills": lambda: ApplyPlanOperator(task_id="s", flow="demo", plan_id="bill-1"),
    "apply a plan of vendors": lambda: ApplyPlanOperator(task_id="s", flow="demo", plan_id="vendor-1"),
    "attach documents": lambda: AttachDocumentsOperator(task_id="s", flow="demo", applied={"written": 1}),
    "read decisions": lambda: ReadDecisionsOperator(task_id="s", flow="demo"),
    "settle decisions": lambda: SettleDecisionsOperator(task_id="s", flow="demo"),
    "tell people": lambda: TellPeopleOperator(task_id="s", flow="demo"),
    "plan vendors' fields": lambda: PlanVendorFieldsOperator(task_id="s", flow="demo"),
    "write vendors": lambda: WriteVendorsOperator(task_id="s", flow="demo", plan_id="vendor_fields-1"),
    "tell people of vendors": lambda: TellVendorPeopleOperator(task_id="s", flow="demo"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_with_another_user_s_token_reads_and_writes_nothing(
    company: Any, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("bill", "vendor", "vendor_fields"):
        plan = StoredPlan(
            plan_id=f"{kind}-1", kind=kind, created_at=datetime.now(UTC), run_id="r", summary={}, body='{"actions": []}'
        )
        company.store.save_plan(plan)
    ours = json.loads(os.environ["AIRFLOW_CONN_ASANA_DEFAULT"])
    alice = f"sandbox-person-{constants.PEOPLE[0]['gid']}"
    monkeypatch.setenv("AIRFLOW_CONN_ASANA_DEFAULT", json.dumps(ours | {"password": alice}))
    company.sandbox.zero_counters()
    with pytest.raises(Misconfigured, match=r"acts as Alice Martin .* Nothing was read or written"):
        STEPS[step]().execute(company._context())
    assert company.sandbox.counters() == {"asana GET /users/{gid}": 1}
