"""The step that tells beside a bill, over the sandbox: what the field says, when it is written, and when not."""

from __future__ import annotations

from typing import Any

import pytest
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.operators.controls.context import WriteContextOperator

from tests.controls.controls_world import Controlled
from tests.reconciliation.reconciliation_world import BEN

pytestmark = pytest.mark.airflow
CONTEXT = """
context:
  field: Beside it
  vendor_history: {days: 365}
  budgets:
    - {name: Software, gl_account: ["6250", "6200"], department: ["300"], year: %s, amount: {USD: 2000.00}}
"""
SOFTWARE = {"amount": "500.00", "account": "6250", "department": "300"}


class Told(Controlled):
    """A flow with context and no control; `run` is a run of the approvals with its two steps in it."""

    def write(self) -> dict[str, Any]:
        result: dict[str, Any] = self.step(WriteContextOperator(task_id="write_context", flow="small"))
        return result

    def run(self) -> dict[str, Any]:
        settled = super().run()
        self.write()
        return settled

    def says(self, bill: int = 0) -> str:  # type: ignore[override]
        return str(self.task(bill)["fields"].get("Beside it") or "")

    def enter_lines(self, *lines: dict[str, str], **what: Any) -> None:
        self.enter(lines=list(lines), **what)


@pytest.fixture
def company(connected: Any, tmp_path: Any, new_store: Any) -> Told:
    from tests.reconciliation.reconciliation_world import BEGIN

    return Told(connected, tmp_path, new_store, controls="wait_days: 30\n" + CONTEXT % BEGIN.year)


def test_the_task_says_what_the_vendor_bills_usually_and_what_is_left(company: Told) -> None:
    company.enter_lines(SOFTWARE, number="A-1")
    company.run()
    assert company.says(0) == (
        "No bill of this vendor in 365 days before. Purchase order: Intacct names none. Discount: Intacct names none. "
        f"Budget Software {company.at.year}: 1,500.00 USD left of 2,000.00 "
        "(500.00 for this bill, 0.00 for others that wait, 0.00 approved or paid)."
    )
    company.choose(BEN, "Approved", bill=0)
    company.run()
    company.enter_lines(SOFTWARE | {"amount": "100.00"}, number="A-2")
    company.enter_lines({**SOFTWARE, "department": "200"}, number="A-3")
    company.run()
    day = company.at.date()
    assert company.says(1).startswith("One bill of this vendor before: 500.00 USD; that is 5.0 times this one. ")
    assert f"Before: A-1, {day}, 500.00 USD, Posted." in company.says(1)
    assert company.says(1).endswith("(100.00 for this bill, 0.00 for others that wait, 500.00 approved or paid).")
    assert "Budget" not in company.says(2)
    company.enter_lines(SOFTWARE | {"account": "6200", "amount": "3000.00"}, number="A-4")
    company.run()
    assert "1,600.00 USD over 2,000.00 (3,000.00 for this bill, 100.00 for others that wait, 500.00" in company.says(3)


def test_a_neighbours_bill_has_nothing_written_and_a_change_of_the_bill_has(company: Told) -> None:
    company.enter_lines(SOFTWARE, number="A-1")
    company.run()
    before = company.says(0)
    company.enter_lines(SOFTWARE, number="A-2")
    company.run()
    assert company.says(0) == before
    company.edit(line=1, amount="700.00")
    company.sync()
    company.run()
    assert "(700.00 for this bill, 500.00 for others that wait" in company.says(0)


def test_where_nothing_is_new_neither_system_is_asked(company: Told) -> None:
    for number in ("A-1", "A-2", "A-3"):
        company.enter_lines(SOFTWARE, number=number)
    company.check()
    told = company.calls_of(company.write)
    assert sum(count for name, count in told.items() if "intacct query" in name) == 3, "bills, their lines, lines of the budget"
    assert told["asana PUT /tasks/{gid}"] == 3
    company.run()
    assert company.calls_of(company.write) == {}
    company.pass_time(minutes=30)
    assert company.story_reads(company.read) == 0, "our own write is nothing that people did"
    assert sum(company.calls_of(company.check).values()) == 1


def test_an_approval_and_its_stamp_are_not_touched_by_it(company: Told) -> None:
    company.enter_lines(SOFTWARE, number="A-1")
    company.run()
    company.choose(BEN, "Approved")
    company.run()
    assert company.held(0)["ASANA_DECISION"] == "Approved"
    text = company.says(0)
    company.sync(full=True)
    company.run()
    assert (company.says(0), company.held(0)["ASANA_DECISION"]) == (text, "Approved")
    assert [one.state for one in company.decisions(0)] == ["CONFIRMED"]


def test_lines_that_may_not_be_read_are_said_and_all_else_is_told(company: Told) -> None:
    company.enter_lines(SOFTWARE, number="A-1")
    company.pass_time(1)
    company.check()
    company.sandbox.fault("intacct", "query APBILLITEM", "refuse", on_call=2, times=1)
    company.write()
    assert "what is left cannot be known: " in company.says(0)
    assert company.says(0).startswith("No bill of this vendor in 365 days before.")


@pytest.mark.parametrize("fault", ["drop", "lost_answer"])
def test_a_run_that_got_no_answer_is_gone_on_from(company: Told, fault: str) -> None:
    company.enter_lines(SOFTWARE, number="A-1")
    company.pass_time(1)
    company.check()
    company.sandbox.fault("asana", "PUT /tasks/{gid}", fault, times=10)
    with pytest.raises(IntacctAsanaError, match="context of task"):
        company.write()
    company.sandbox.clear_faults()
    assert company.calls_of(company.write)["asana PUT /tasks/{gid}"] == 1
    assert company.says(0).startswith("No bill of this vendor")
    assert company.calls_of(company.write) == {}


def test_a_task_that_is_gone_fails_nothing_and_a_new_one_is_told_beside(company: Told) -> None:
    company.enter_lines(SOFTWARE, number="A-1")
    company.pass_time(1)
    company.check()
    company.act(BEN, "delete")
    company.write()
    company.sync(full=True)
    company.run()
    assert company.says(0).startswith("No bill of this vendor")


def test_nothing_is_written_before_the_bills_to_compare_with_are_known(company: Told) -> None:
    company.enter_lines(SOFTWARE, number="A-1")
    company.write()
    assert company.says(0) == ""
    company.run()
    assert company.says(0)
