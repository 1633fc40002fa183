"""Everything that looks around a bill, declared at once: what a run costs then when nothing changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from intacct_asana.operators.controls.context import WriteContextOperator
from intacct_asana.operators.people.exceptions import KeepExceptionsOperator

from tests.controls.controls_world import Controlled
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN

pytestmark = pytest.mark.airflow
EVERYTHING = f"""duplicates: {{mode: block}}
  slices: {{mode: block}}
  payee_change: {{mode: block, hold: true, callback: {{assignee: {ERIN}, release_by: [{BEN}, {ALICE}]}}}}
exceptions: {{owner: {ERIN}}}
context: {{vendor_history: {{days: 365}}}}"""


def test_a_quiet_run_with_everything_costs_two_calls_more(a_company: Callable[..., Controlled]) -> None:
    flow = a_company(controls=EVERYTHING)

    def around() -> None:
        flow.check()
        flow.step(WriteContextOperator(task_id="context", flow="small"))
        flow.step(KeepExceptionsOperator(task_id="exceptions", flow="small"))

    for number in ("INV-1", "INV-2", "INV-02"):
        flow.enter(number)
        flow.run()
        around()
    assert flow.concerns(2)
    for _ in range(2):
        flow.run()
        around()
    calls = flow.calls_of(around)
    assert sum(calls.values()) == 2, calls
