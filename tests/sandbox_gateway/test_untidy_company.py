"""What live companies have and a tidy one lacks: bills without this or that, one entity, failing creates, audit rows."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.core import World
from sandbox.gateway.books.rows import LACKING
from sandbox.gateway.books.state import Company

TOLD = {"created_by": "created_by", "number": "bill_number", "entity": "entity", "bill_date": "bill_date", "due_on": "due_on"}


def a_company(**options: Any) -> Company:
    return Company(World(), seed=7, vendors=8, bills=20, **options)


def lacks(bill: dict[str, Any]) -> set[str]:
    return {name for name, told in TOLD.items() if not bill[told]}


def test_an_untidy_company_has_every_lack_and_the_same_amounts() -> None:
    tidy, untidy = (a_company(untidy=share).dump()["bills"] for share in (0, 0.2))
    assert set().union(*map(lacks, untidy)) == set(LACKING) == set(TOLD)
    assert set().union(*map(lacks, tidy)) <= {"number"}
    assert [bill["total_entered"] for bill in untidy] == [bill["total_entered"] for bill in tidy]
    assert any(not bill["created_by"] and not bill["modified_by"] for bill in untidy)


def test_a_seed_decides_what_is_lacking() -> None:
    once, again = ([lacks(bill) for bill in a_company(untidy=0.2).dump()["bills"]] for _ in range(2))
    assert once == again


def test_a_company_may_have_one_entity() -> None:
    company = a_company(entities=1)
    assert [entity.id for entity in company.entities] == ["US01"]
    assert {bill["entity"] for bill in company.dump()["bills"]} == {"US01"}
    assert {place.entity for place in company.locations} == {"US01"}


def test_untidy_bills_can_be_read_and_stamped(gateway: Any, sandbox: Any) -> None:
    sandbox.reset(untidy=1)
    rows = gateway.rows("APBILL", "RECORDNO RECORDID MEGAENTITYID WHENCREATED WHENDUE CREATEDBYLOGINID PRBATCHKEY STATE")
    assert len(rows) >= 15
    assert any(not (row["MEGAENTITYID"] or row["WHENDUE"] or row["CREATEDBYLOGINID"]) for row in rows)
    posted = next(row["RECORDNO"] for row in rows if row["STATE"] == "Posted")
    assert gateway.update_bill(posted, "<ASANA_DECISION>Approved</ASANA_DECISION>").findtext("status") == "success"
    summaries = {row["RECORDNO"] for row in gateway.rows("APBILLBATCH")}
    assert {row["PRBATCHKEY"] for row in rows} <= summaries


def test_a_person_makes_a_bill_that_lacks_something(sandbox: Any) -> None:
    bill = sandbox.act("intacct", "mgarcia", "create_bill", lacks=["due_on", "entity"])["bill"]
    assert (bill["due_on"], bill["entity"], bill["created_by"]) == ("", "", "mgarcia")


@pytest.mark.parametrize(("told", "count"), [("count", "0"), ("nothing", None)])
def test_a_create_that_made_nothing_may_say_so(gateway: Any, sandbox: Any, told: str, count: str | None) -> None:
    sandbox.settings(failed_create_tells=told)
    result = gateway.result("<create><VENDOR><VENDORID>V1001</VENDORID><NAME>Again</NAME></VENDOR></create>")
    assert result.findtext("status") == "failure"
    data = result.find("data")
    assert (None if data is None else data.get("count")) == count


def test_creations_and_edits_of_vendors_stand_in_the_audit_history(gateway: Any, sandbox: Any) -> None:
    bill = sandbox.act("intacct", "mgarcia", "create_bill")["record_no"]
    sandbox.act("intacct", "jchen", "create_vendor", vendor_id="V-NEW", name="New")
    sandbox.act("intacct", "jchen", "edit_vendor", vendor_id="V1001", changes={"comments": "x"})
    gateway.data("<update><VENDOR><VENDORID>V1002</VENDORID><COMMENTS>y</COMMENTS></VENDOR></update>")
    rows = gateway.rows("AUDITHISTORY", "OBJECTTYPE OBJECTKEY ACCESSMODE USERID SOURCE", order="ACCESSTIME")
    found = {tuple(row.values()) for row in rows}
    assert {
        ("apbill", str(bill), "C", "mgarcia", "ui"),
        ("vendor", "V-NEW", "C", "jchen", "ui"),
        ("vendor", "V1001", "M", "jchen", "ui"),
        ("vendor", "V1002", "M", "xml_gateway", "api"),
    } <= found


def test_each_custom_field_has_a_length_of_its_own(gateway: Any, sandbox: Any) -> None:
    bill = sandbox.act("intacct", "mgarcia", "create_bill", state="Posted")["record_no"]

    def takes(name: str, length: int) -> bool:
        return bool(gateway.update_bill(bill, f"<{name}>{'x' * length}</{name}>").findtext("status") == "success")

    assert [takes("ASANA_DECISION_REASON", length) for length in (255, 256)] == [True, False]
    sandbox.settings(custom_field_length={"ASANA_DECISION_REASON": 80})
    assert [takes("ASANA_DECISION_REASON", 80), takes("ASANA_DECISION_REASON", 81), takes("ASANA_DECISION", 255)] == [
        True,
        False,
        True,
    ]
