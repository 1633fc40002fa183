"""What preflight says about reading, and that it never stops a flow which can be read otherwise."""

from __future__ import annotations

from typing import Any

import pytest


def said(company: Any) -> dict[str, dict[str, str]]:
    return {row["check"]: row for row in company.preflight()}


def test_a_complete_company_has_nothing_to_say(company: Any) -> None:
    rows = said(company)
    for name in ("APBILL", "APBILLITEM", "VENDOR"):
        assert rows[f"Intacct fields of {name}"]["result"] == "all there"
    assert rows["Intacct deleted bills"]["result"].startswith("found in the audit history")
    assert "are theirs" in rows["Intacct private entities"]["result"]


def test_missing_fields_are_told_with_what_stays_empty_for_them(company: Any, caplog: Any) -> None:
    lacking = ["APBILL.BASECURR", "APBILL.VENDORNAME", "APBILL.TERMNAME", "APBILLITEM.PROJECTID", "VENDOR.TERMNAME"]
    company.sandbox.settings(missing_fields=lacking)
    rows = said(company)
    bills, lines, vendors = (rows[f"Intacct fields of {name}"] for name in ("APBILL", "APBILLITEM", "VENDOR"))
    assert bills["ok"] == lines["ok"] == vendors["ok"] == "yes"
    assert "no VENDORNAME, BASECURR, TERMNAME" in ordered(bills["result"], ("VENDORNAME", "BASECURR", "TERMNAME"))
    assert bills["result"].endswith("the flow shows them in Vendor, Currency, the task's name")
    assert lines["result"].endswith("the flow shows them in Project")
    assert vendors["result"].endswith("the flow shows them in Payment terms")
    caplog.clear()
    with caplog.at_level("INFO", logger="intacct_asana.intacct.reading"):
        company.sync()
    assert sum("APBILL of this company lacks" in record.getMessage() for record in caplog.records) == 1


def ordered(text: str, names: tuple[str, ...]) -> str:
    """The sentence with the listed names in this order, whatever order they came in."""
    head, _, rest = text.partition("; ")
    found = head.removeprefix("this company has no ").split(", ")
    return "this company has no " + ", ".join(sorted(found, key=names.index)) + "; " + rest


def test_a_field_that_cannot_be_done_without_fails(company: Any) -> None:
    company.sandbox.settings(missing_fields=["APBILL.TOTALDUE"])
    row = said(company)["Intacct fields of APBILL"]
    assert row["ok"] == "no"
    assert "TOTALDUE" in row["result"]


def test_an_audit_history_that_may_not_be_read_is_no_failure(company: Any) -> None:
    company.sandbox.settings(denied_objects=["AUDITHISTORY"])
    row = said(company)["Intacct deleted bills"]
    assert row["ok"] == "yes"
    assert "every 24 hours" in row["result"]
    assert "View permission on custom reports" in row["result"]


@pytest.mark.slow
def test_other_ways_to_find_deletions_are_told(company: Any) -> None:
    company.flow(deletions="sweep", sweep_hours=0)
    assert said(company)["Intacct deleted bills"]["result"] == "found by asking for open tasks' records in every run"
    company.flow(deletions="full_pass")
    assert said(company)["Intacct deleted bills"]["result"] == "found by full passes only"


def test_bills_of_private_entities_that_are_left_out_are_counted(company: Any) -> None:
    hidden = [bill for bill in company.bills().values() if bill["entity"] == "UK01"]
    company.flow(show_private=False)
    assert said(company)["Intacct private entities"]["result"].startswith(
        f"{len(hidden)} bills of private entities are left out"
    )
    company.connect(entity_id="US01")
    assert "works in one entity" in said(company)["Intacct private entities"]["result"]


def test_a_company_whose_records_have_no_time_of_creation_is_read_all_the_same(company: Any) -> None:
    company.sandbox.settings(missing_fields=["APBILL.AUWHENCREATED", "APBILLITEM.WHENCREATED", "VENDOR.WHENCREATED"])
    company.sync()
    company.sandbox.clock(advance_seconds=3600)
    company.a_bill(without_change_time=True)
    company.sync()
    company.sync("vendor")
    assert company.differences() == []
