"""Several entities and currencies, private entities, and vendors: each is read right, and followed like a bill."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured

from sandbox.constants import VENDORS_PROJECT_GID
from tests.reading.conftest import key_of

SCOPE = {"Submitted", "Partially Approved", "Posted", "Selected", "Partially Paid"}


def in_scope(company: Any) -> list[dict[str, Any]]:
    return [bill for bill in company.bills().values() if bill["state"] in SCOPE]


def vendor_tasks(company: Any) -> dict[str, dict[str, Any]]:
    return {task["fields"]["Vendor code"]: task for task in company.tasks(VENDORS_PROJECT_GID)}


def test_a_bill_in_another_currency_shows_its_entitys_amounts_and_names_its_own(company: Any) -> None:
    number = company.a_bill(entity="UK01", currency="EUR", amount="1000.00", state="Posted")
    company.sync()
    bill, task = company.bills()[number], company.task(number)
    assert (bill["base_currency"], bill["currency"]) == ("GBP", "EUR")
    assert Decimal(str(task["fields"]["Amount"])) == Decimal(bill["total_entered"]) != Decimal("1000.00")
    assert task["fields"]["Currency"] == "GBP"
    assert "1,000.00 EUR" in task["name"] or "1000.00 EUR" in task["name"]
    assert company.differences() == []


def test_a_connection_in_one_entity_reads_that_entity_only(company: Any) -> None:
    company.connect(entity_id="UK01")
    company.sync()
    theirs = {key_of(bill) for bill in in_scope(company) if bill["entity"] == "UK01"}
    assert {task["fields"]["Intacct key"] for task in company.tasks()} == theirs != set()
    later = company.a_bill(entity="UK01", currency="GBP", state="Posted")
    elsewhere = company.a_bill(entity="US01", state="Posted")
    company.sync()
    keys = {task["fields"]["Intacct key"].rpartition(":")[2] for task in company.tasks()}
    assert later in keys
    assert elsewhere not in keys


def test_private_entities_are_left_out_unless_the_flow_asks_for_them(company: Any) -> None:
    company.flow(show_private=False)
    company.sync()
    assert len(company.tasks()) == sum(bill["entity"] == "US01" for bill in in_scope(company))
    company.flow(show_private=True)
    company.sync()
    assert company.plan["why"] == "everything, because no cursor is known"
    assert company.differences() == []


def entity_rows(company: Any) -> list[tuple[str, str, str]]:
    found = [row for row in company.preflight() if row["check"] == "Intacct entities"]
    return [(row["ok"], row["result"], row["mend"]) for row in found]


def test_an_entity_that_is_named_and_hidden_stops_the_run_and_preflight_says_so(company: Any) -> None:
    """It brought no bill, in green."""
    company.flow(entities=["US01", "UK01"], show_private=False)
    [(ok, result, mend)] = entity_rows(company)
    assert (ok, "entity UK01" in result, "private" in result, "show_private: true" in mend) == ("no", True, True, True)
    with pytest.raises(Misconfigured, match=r"names entities whose bills cannot be read(.|\n)*entity UK01(.|\n)*show_private"):
        company.sync()
    assert company.tasks() == []
    company.flow(entities=["US01", "UK01"], show_private=True)
    company.sync()
    assert entity_rows(company) == [("yes", "US01, UK01 can be read", "")]
    assert len(company.tasks()) == len(in_scope(company))


def test_an_entity_besides_the_connection_s_own_stops_the_run(company: Any) -> None:
    company.connect(entity_id="UK01")
    company.flow(entities=["UK01", "US01"])
    with pytest.raises(Misconfigured, match=r"entity US01(.|\n)*works in entity UK01"):
        company.sync()
    company.flow(entities=["UK01"])
    company.sync()
    assert company.tasks()


def test_preflight_says_that_an_entity_has_no_bills(company: Any) -> None:
    company.flow(entities=["US01", "US1"])
    [(ok, result, mend)] = entity_rows(company)
    assert (ok, result) == ("no", "entity US1: has no bill, or is no entity")
    assert "mend the id" in mend


def test_a_flow_of_some_entities_leaves_the_others_lines_alone(company: Any) -> None:
    company.flow(entities=["US01"])
    company.sandbox.settings(line_changes_touch_header=False)
    company.sync()
    count = len(company.tasks())
    other = next(bill for bill in in_scope(company) if bill["entity"] == "UK01")
    company.sandbox.clock(advance_seconds=3600)
    company.edit(other["record_no"], line=1, amount="12.00")
    company.sync()
    assert len(company.tasks()) == count


def test_a_deleted_vendor_closes_its_task_and_a_new_one_without_change_time_gets_one(company: Any) -> None:
    company.act("create_vendor", vendor_id="V-GONE", name="Going")
    company.sync("vendor")
    company.sandbox.clock(advance_seconds=3600)
    company.act("delete_vendor", vendor_id="V-GONE")
    company.act("create_vendor", vendor_id="V-NEW", name="Coming")
    company.sync("vendor")
    tasks = vendor_tasks(company)
    assert tasks["V-GONE"]["completed"]
    assert "deleted in Intacct" in company.comments(tasks["V-GONE"])[0]
    assert not tasks["V-NEW"]["completed"]
    assert company.plan["deletions"] == "by the audit history"


@pytest.mark.slow
def test_what_a_vendor_is_owed_is_put_right_when_open_tasks_are_asked_for(company: Any) -> None:
    """A bill moves its vendor's total due without touching the vendor's change time."""
    company.sync("vendor")
    company.sandbox.clock(advance_seconds=3600)
    vendor = company.sandbox.state("intacct")["vendors"][0]["vendor_id"]
    company.a_bill(vendor_id=vendor, amount="7777.77", state="Posted", currency="USD")
    told = company.sandbox.state("intacct")["vendors"][0]["total_due"]
    company.vendor_flow(sweep_hours=0)
    company.sync("vendor")
    assert Decimal(str(vendor_tasks(company)[vendor]["fields"]["Total due"])) == Decimal(told)
