"""With another user's token a step does nothing: what that user does would count as a person's doing, or as ours."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from intacct_asana.codec import plan_to_json
from intacct_asana.errors import Misconfigured
from intacct_asana.operators.approvals import SettleDecisionsOperator, TellPeopleOperator
from intacct_asana.operators.documents import AttachDocumentsOperator
from intacct_asana.operators.preflight import CheckAsanaOperator
from intacct_asana.operators.read_decisions import ReadDecisionsOperator
from intacct_asana.operators.syncing import ApplyPlanOperator, PlanBillsOperator, PlanVendorsOperator
from intacct_asana.operators.vendor_fields import PlanVendorFieldsOperator, TellVendorPeopleOperator, WriteVendorsOperator
from intacct_asana.store import StoredPlan
from intacct_asana.sync.plan import Plan, Retire

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
    told = Retire(key="k", reason="a copy", task_gid="1", name="n", text="t", completes=True)
    # A plan that changes nothing asks nobody.
    bodies = dict.fromkeys(("bill", "vendor"), plan_to_json(Plan(actions=(told,)))) | {"vendor_fields": '{"actions": []}'}
    for kind, body in bodies.items():
        plan = StoredPlan(plan_id=f"{kind}-1", kind=kind, created_at=datetime.now(UTC), run_id="r", summary={}, body=body)
        company.store.save_plan(plan)
    ours = json.loads(os.environ["AIRFLOW_CONN_ASANA_DEFAULT"])
    alice = f"sandbox-person-{constants.PEOPLE[0]['gid']}"
    monkeypatch.setenv("AIRFLOW_CONN_ASANA_DEFAULT", json.dumps(ours | {"password": alice}))
    company.sandbox.zero_counters()
    with pytest.raises(Misconfigured, match=r"acts as Alice Martin .* Nothing was read or written"):
        STEPS[step]().execute(company._context())
    assert company.sandbox.counters() == {"asana GET /users/{gid}": 1}


OTHER_PROJECT = "1200000000000099"


def test_pins_of_another_project_stop_the_run(company: Any) -> None:
    """The flow file names another project, and nobody ran preflight."""
    company.flow(project=OTHER_PROJECT)
    company.sandbox.zero_counters()
    with pytest.raises(Misconfigured, match=rf"names Asana project {OTHER_PROJECT} where preflight pinned \d+\. Nothing was"):
        STEPS["plan bills"]().execute(company._context())
    assert company.sandbox.counters() == {}


def test_pins_of_another_company_stop_the_run(company: Any) -> None:
    """The bills of one company would be closed because the other one has none of them."""
    company.connect(company_id="ANOTHER-CO")
    company.sandbox.zero_counters()
    with pytest.raises(Misconfigured, match="names Intacct company ANOTHER-CO where preflight pinned SANDBOX-CO"):
        STEPS["plan bills"]().execute(company._context())
    assert company.sandbox.counters() == {}


def test_a_project_of_another_flow_is_taken_over_on_purpose_only(company: Any) -> None:
    """A copy of the flow file under another name, on a machine where the first file is not seen."""

    def preflight(**how: Any) -> list[dict[str, str]]:
        rows: list[dict[str, str]] = CheckAsanaOperator(task_id="c", flow="copy", **how).execute(company._context())
        return [row for row in rows if "project" in row["check"]]

    path = company.folder / "flows" / "demo.yaml"
    first = path.read_text(encoding="utf-8")
    # One field of the copy is missing, and nothing may be made on another flow's project.
    copy = first.replace("flow: demo", "flow: copy").replace("name: Amount paid", "name: Paid of the copy")
    assert copy.count("Paid of the copy") == 1
    path.write_text(copy, encoding="utf-8")
    company.sandbox.zero_counters()
    refused = [row["result"] for row in preflight(create_missing=True) if row["ok"] == "no"]
    assert len(refused) == 2
    assert all("it belongs to flow demo, and two flows would undo each other's writes" in said for said in refused)
    assert not [call for call in company.sandbox.counters() if "POST" in call or "PUT" in call]
    assert {row["ok"] for row in preflight(take_over=True, create_missing=True)} == {"yes"}
    path.write_text(first, encoding="utf-8")
    with pytest.raises(Misconfigured, match="does not know the Asana fields of its bill project yet"):
        STEPS["plan bills"]().execute(company._context())
