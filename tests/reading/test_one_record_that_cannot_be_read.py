"""A bill or vendor of which one value cannot be read: it alone fails, by name, the others are written, nothing is closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured

from sandbox.constants import VENDORS_PROJECT_GID


def shown(company: Any, **values: dict[str, str]) -> None:
    """`APBILL__STATE={"#41": "Parked"}`: how Intacct writes the field of that row from now on."""
    company.sandbox.settings(shown_values={name.replace("__", "."): told for name, told in values.items()})


def a_line(company: Any, number: str) -> str:
    line: str = company.bills()[number]["lines"][0]["record_no"]
    return line


def a_payment(company: Any, number: str) -> str:
    """Its detail row."""
    paid: str = company.act("pay_bill", record_no=number, amount="1.00")["payment"]["details"][0]["record_no"]
    return paid


FIELDS = [
    {"name": "Amount", "kind": "number", "source": "total_entered"},
    {"name": "Bill number", "kind": "text", "source": "bill_number"},
]
SPOILT: dict[str, tuple[Callable[[Any, str], tuple[str, str, str]], tuple[str, ...]]] = {
    "a due day": (lambda company, number: ("APBILL__WHENDUE", number, "00/00/0000"), ("WHENDUE", "'00/00/0000'")),
    "a line": (
        lambda company, number: ("APBILLITEM__AMOUNT", a_line(company, number), "1,234.00"),
        ("line 1 (record", "AMOUNT", "'1,234.00'"),
    ),
    "a payment": (
        lambda company, number: ("APPYMTDETAIL__PAYMENTAMOUNT", a_payment(company, number), "1,234.00"),
        ("payment", "PAYMENTAMOUNT", "'1,234.00'"),
    ),
}


def failing(company: Any, **how: Any) -> str:
    """What a run said that failed in the end."""
    with pytest.raises(Misconfigured) as failed:
        company.sync(**how)
    return failed.value.message


@pytest.mark.parametrize("what", SPOILT)
def test_one_bill_fails_by_name_and_the_others_are_written(synced: Any, what: str) -> None:
    spoil, words = SPOILT[what]
    bad, good = synced.a_bill(state="Posted", bill_number="INV-BAD"), synced.a_bill(state="Posted", bill_number="INV-GOOD")
    object_and_field, row, text = spoil(synced, bad)
    shown(synced, **{object_and_field: {f"#{row}": text}})
    before = synced.cursors()
    said = failing(synced)
    assert f"Bill INV-BAD (record {bad})" in said
    assert "1 tasks failed" in said
    assert "Correct it in Intacct" in said
    for word in words:
        assert word in said, said
    assert synced.task(good)["fields"]["Bill number"] == "INV-GOOD"
    # The cursor went past it, and each run asks for it.
    assert synced.cursors()["bill"] != before["bill"]
    assert synced.cursors()["bill_owed"] == f'["{bad}"]'
    synced.sandbox.clock(advance_seconds=86_400)
    synced.a_bill(state="Posted")
    for _ in range(2):
        assert f"(record {bad})" in failing(synced)
    shown(synced)
    synced.sync()
    assert synced.task(bad)["fields"]["Bill number"] == "INV-BAD"
    assert synced.cursors()["bill_owed"] == "[]"
    assert synced.differences() == []


def test_a_full_pass_and_a_sweep_take_no_unreadable_bill_for_gone(synced: Any) -> None:
    number = next(number for number, bill in synced.bills().items() if bill["state"] == "Posted")
    shown(synced, APBILL__WHENDUE={f"#{number}": "00/00/0000"})
    assert f"(record {number})" in failing(synced, full=True)
    assert not synced.task(number)["completed"]
    synced.lose_cursor("bill_swept")
    assert f"(record {number})" in failing(synced)
    assert not synced.task(number)["completed"]
    assert synced.comments(synced.task(number)) == []
    # Not even where the pass that met it was the first, and the store knew nothing of it.
    synced.new_store()
    synced.pin()
    assert f"(record {number})" in failing(synced)
    assert not synced.task(number)["completed"]
    shown(synced)
    synced.sync()
    assert synced.differences() == []


def test_an_owed_bill_that_is_deleted_meanwhile_is_owed_no_more(synced: Any) -> None:
    number = synced.a_bill(state="Posted")
    shown(synced, APBILL__STATE={f"#{number}": "Parked"})
    failing(synced)
    synced.act("delete_bill", record_no=number)
    synced.sync()
    assert synced.cursors()["bill_owed"] == "[]"


def test_a_window_names_it_too_and_keeps_what_is_owed(synced: Any) -> None:
    bad, other = synced.a_bill(state="Posted", bill_number="INV-BAD"), synced.a_bill(state="Posted", bill_number="INV-2")
    shown(synced, APBILL__STATE={f"#{bad}": "Parked", f"#{other}": "Parked"})
    failing(synced)
    owed = synced.cursors()["bill_owed"]
    assert "INV-2" not in failing(synced, bill_numbers=["INV-BAD"])
    assert synced.cursors()["bill_owed"] == owed


def test_a_value_without_an_option_fails_that_bill_alone(company: Any) -> None:
    """It can be read, and what it says has no place: that is the flow file's to mend, and a new file reads everything."""
    terms = {"name": "Terms", "kind": "enum", "source": "term", "options": ["Net 30", "2%  10 Net 30"]}
    company.flow(fields=[*FIELDS, terms])
    company.pin()
    usual = dict.fromkeys(("Due on receipt", "Net 15", "Net 45", "Net 60"), "Net 30")
    shown(company, APBILL__TERMNAME=usual)
    company.sync()
    bad, good, folded = (company.a_bill(state="Posted", bill_number=name) for name in ("INV-BAD", "INV-GOOD", "INV-FOLDED"))
    shown(company, APBILL__TERMNAME=usual | {f"#{bad}": "Net 99", f"#{folded}": "2% 10  Net 30"})
    before = company.cursors()
    said = failing(company)
    assert f"Bill INV-BAD (record {bad}), field 'Terms': no option for 'Net 99'" in said
    assert "`options` in the flow file" in said
    assert company.task(good)
    assert company.task(folded)["fields"]["Terms"] == "2%  10 Net 30"
    assert company.cursors()["bill"] != before["bill"]
    assert company.cursors()["bill_owed"] == f'["{bad}"]'
    # It has no task to be found, so the whole board is not listed by each run until somebody mends it.
    company.sandbox.zero_counters()
    failing(company)
    assert "asana GET /tasks" not in company.sandbox.counters()
    shown(company, APBILL__TERMNAME=usual)
    company.sync()
    # Now one may be there, from before this store.
    assert company.sandbox.counters()["asana GET /tasks"] == 1
    assert company.task(bad)


def test_one_vendor_fails_by_name_and_the_others_are_written(company: Any) -> None:
    company.sync("vendor")
    bad, good = (company.sandbox.state("intacct")["vendors"][at] for at in (0, 1))
    for vendor in (bad, good):
        company.act("edit_vendor", vendor_id=vendor["vendor_id"], changes={"name": f"New {vendor['vendor_id']}"})
    shown(company, VENDOR__CREDITLIMIT={f"#{bad['record_no']}": "1,234.00"})
    said = failing(company, kind="vendor")
    assert f"Vendor {bad['vendor_id']} (record {bad['record_no']}), field CREDITLIMIT: " in said
    assert "'1,234.00'" in said
    names = [task["name"] for task in company.tasks(VENDORS_PROJECT_GID)]
    assert any(f"New {good['vendor_id']}" in name for name in names)
    assert not any(f"New {bad['vendor_id']}" in name for name in names)
    failing(company, kind="vendor", full=True)
    assert not any(task["completed"] for task in company.tasks(VENDORS_PROJECT_GID) if bad["vendor_id"] in task["name"])
    shown(company)
    company.sync("vendor")
    assert any(f"New {bad['vendor_id']}" in task["name"] for task in company.tasks(VENDORS_PROJECT_GID))
