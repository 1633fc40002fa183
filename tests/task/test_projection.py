"""Bills and vendors to tasks: what each field shows, exact to the cent, whatever text a vendor writes."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intacct_asana.errors import Misconfigured
from intacct_asana.flow.model import Flow
from intacct_asana.flow.sources import BILL_SOURCES, VENDOR_SOURCES, Shape
from intacct_asana.records import Bill, BillLine, BillState, Pins, TaskDraft, Vendor
from intacct_asana.task.project import project_bill, project_vendor

from tests.flow.mapping_builders import a_bill, a_line, a_vendor, demo_flow, pins_of, shown, with_bills

FLOW = demo_flow()
PINS = pins_of(FLOW)


def draft_of(flow: Flow = FLOW, pins: Pins | None = None, **facts: Any) -> TaskDraft:
    return project_bill(a_bill(**facts), flow, pins or (PINS if flow is FLOW else pins_of(flow)))


def with_field(**rule: Any) -> Flow:
    return with_bills(FLOW, fields=[{"name": "It", **rule}])


def test_bill_becomes_a_task_with_its_key_and_typed_fields() -> None:
    draft = draft_of(total_entered=Decimal("1234.5"), bill_date=date(2026, 1, 31), due_on=date(2026, 3, 1))
    assert draft.key == draft.fields["f-Intacct key"] == "SANDBOX-CO:ap:7"
    assert shown(draft, "Vendor") == "Northwind Paper"
    assert str(shown(draft, "Amount")) == "1234.50"
    assert shown(draft, "Bill date") == date(2026, 1, 31)
    assert shown(draft, "Bill state") == "Submitted"
    assert shown(draft, "On hold") == "Not on hold"
    assert draft.due_on == date(2026, 3, 1)


def test_task_name_comes_from_the_template() -> None:
    draft = draft_of(transaction_total_entered=Decimal("12345.6"), currency="EUR")
    assert draft.name == "Northwind Paper INV-7: 12,345.60 EUR"


def test_task_name_is_one_line_without_unseen_characters_and_bounded() -> None:
    name = draft_of(vendor_name="Acme\r\n\tLtd\x00\u202e \ud800" + "x" * 400).name
    assert name.startswith("Acme Ltd xxx")
    assert len(name) == 300
    assert name.endswith("…")


def test_braces_in_a_vendors_name_are_only_text() -> None:
    assert draft_of(vendor_name="{bill_number}").name.startswith("{bill_number} INV-7")


def test_task_without_a_name_is_called_by_its_key() -> None:
    flow = with_bills(FLOW, task_name="{vendor_name}")
    assert draft_of(flow, vendor_name=" \n ").name == "SANDBOX-CO:ap:7"


@pytest.mark.parametrize("state", list(BillState))
def test_task_is_completed_when_its_bill_leaves_the_flows_states(state: BillState) -> None:
    draft = draft_of(state=state)
    assert draft.completed is (state not in FLOW.bills.states)
    assert draft.section_gid == ("s-Done" if draft.completed else "s-Open")


def test_fields_of_people_are_first_written_and_then_left_alone() -> None:
    draft = draft_of()
    assert draft.initial_fields == {"f-Approval": "f-Approval:Pending"}
    assert not {"f-Approval", "f-Decision reason"} & draft.fields.keys()


def test_initial_value_of_a_field_that_asana_owns_is_written_once() -> None:
    flow = with_field(kind="enum", owner="asana", options=["High", "Low"], initial="Low")
    draft = draft_of(flow)
    assert draft.initial_fields["f-It"] == "f-It:Low"
    assert "f-It" not in draft.fields


def test_lines_that_agree_show_one_value() -> None:
    assert shown(draft_of(lines=(a_line(), a_line(line_no=2))), "GL account") == "6100 Office supplies"


def test_lines_that_differ_show_every_value_largest_amount_first() -> None:
    lines = (
        a_line(account_no="1", account_title="", amount=Decimal(60)),
        a_line(account_no="2", account_title="", amount=Decimal(100)),
        a_line(account_no="1", account_title="", amount=Decimal(-60)),
        a_line(account_no="3", account_title="", amount=Decimal(1)),
    )
    assert shown(draft_of(lines=lines), "GL account") == "1; 2; 3"


def test_lines_without_a_department_clear_the_field() -> None:
    assert shown(draft_of(), "Cost center") is None


def test_text_is_cut_to_what_asana_holds() -> None:
    value = shown(draft_of(lines=tuple(a_line(account_no=str(n) * 9) for n in range(1000, 1200))), "GL account")
    assert isinstance(value, str)
    assert len(value) <= 1024
    assert value.endswith("…")


def test_format_chooses_between_id_and_name() -> None:
    line = a_line(department_id="20", department_name="Finance")
    for written, wanted in [("{id}", "20"), ("{name}", "Finance"), ("{name} ({id})", "Finance (20)")]:
        flow = with_field(kind="text", source="department", format=written)
        assert shown(draft_of(flow, lines=(line,)), "It") == wanted


def test_enum_of_lines_shows_the_largest_and_multi_enum_shows_all() -> None:
    lines = (a_line(department_id="20", amount=Decimal(1)), a_line(department_id="30", amount=Decimal(2)))
    one = with_field(kind="enum", source="department", format="{id}", options=["20", "30"])
    all_of_them = with_field(kind="multi_enum", source="department", format="{id}", options=["20", "30"])
    assert draft_of(one, lines=lines).fields["f-It"] == "f-It:30"
    assert draft_of(all_of_them, lines=lines).fields["f-It"] == ("f-It:20", "f-It:30")


def test_value_that_no_option_stands_for_names_field_and_value() -> None:
    flow = with_field(kind="enum", source="currency", options=["USD", "EUR"])
    with pytest.raises(Misconfigured, match="field 'It': no option for 'GBP'"):
        draft_of(flow, currency="GBP")


def test_value_that_no_option_stands_for_takes_the_declared_other() -> None:
    flow = with_field(kind="enum", source="currency", options={"USD": "Dollar"}, other="Else")
    assert shown(draft_of(flow, currency="GBP"), "It") == "Else"
    assert shown(draft_of(flow, currency="USD"), "It") == "Dollar"
    assert draft_of(flow, currency="").fields["f-It"] is None


def test_field_that_preflight_never_saw_says_to_run_it() -> None:
    pins = dataclasses.replace(PINS, fields={name: pin for name, pin in PINS.fields.items() if name != "Amount"})
    with pytest.raises(Misconfigured, match=r"the field 'Amount' is not pinned \(run the flow's preflight again\)"):
        draft_of(pins=pins)


def test_section_that_preflight_never_saw_says_to_run_it() -> None:
    with pytest.raises(Misconfigured, match="the section 'Open' is not pinned"):
        draft_of(pins=dataclasses.replace(PINS, sections={}))


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        ({}, "Unpaid"),
        ({"state": BillState.POSTED}, "Unpaid"),
        ({"state": BillState.DECLINED}, "Unpaid"),
        ({"total_entered": Decimal(0), "total_due": Decimal(0)}, "Unpaid"),
        ({"state": BillState.SELECTED}, "Selected for payment"),
        ({"state": BillState.POSTED, "total_selected": Decimal(5)}, "Selected for payment"),
        ({"state": BillState.PARTIALLY_PAID}, "Partly paid"),
        ({"state": BillState.POSTED, "total_paid": Decimal(40), "total_due": Decimal(60)}, "Partly paid"),
        ({"state": BillState.POSTED, "total_paid": Decimal(100), "total_due": Decimal(0)}, "Paid"),
        ({"state": BillState.PAID}, "Paid"),
        ({"state": BillState.REVERSED, "total_paid": Decimal(100), "total_due": Decimal(0)}, "Reversed"),
        ({"state": BillState.REVERSAL}, "Reversed"),
    ],
)
def test_payment_status_says_where_the_money_is(facts: dict[str, Any], wanted: str) -> None:
    assert shown(draft_of(**facts), "Payment status") == wanted


def test_rounding_is_half_up_and_never_a_negative_zero() -> None:
    flow = with_field(kind="number", source="total_due", precision=2)
    for written, wanted in [("0.005", "0.01"), ("-0.001", "0.00"), ("2.675", "2.68"), ("1E+3", "1000.00")]:
        assert str(draft_of(flow, total_due=Decimal(written)).fields["f-It"]) == wanted


def test_count_has_no_decimals() -> None:
    flow = with_field(kind="number", source="line_count")
    assert str(draft_of(flow).fields["f-It"]) == "1"


def test_amount_in_a_text_field_keeps_its_own_digits() -> None:
    flow = with_field(kind="text", source="total_due")
    assert draft_of(flow, total_due=Decimal("1234.50")).fields["f-It"] == "1234.50"


def test_due_date_and_notes_can_be_left_to_people() -> None:
    draft = draft_of(with_bills(FLOW, due_date=None, notes="none"), due_on=date(2026, 3, 1))
    assert draft.due_on is None
    assert draft.html_notes == ""


def test_vendor_becomes_a_task() -> None:
    pins = pins_of(FLOW, "vendor")
    draft = project_vendor(a_vendor(total_due=Decimal("9.9"), term="Net 30", on_hold=True), FLOW, pins)
    assert draft.key == draft.fields["f-Intacct vendor key"] == "SANDBOX-CO:vendor:12"
    assert draft.name == "V-12 Northwind Paper"
    assert str(shown(draft, "Total due")) == "9.90"
    assert shown(draft, "Payment terms") == "Net 30"
    assert shown(draft, "Vendor on hold") == "Yes"
    assert not draft.completed
    assert "f-Team" not in {**draft.fields, **draft.initial_fields}


def test_inactive_vendor_has_its_task_completed() -> None:
    assert project_vendor(a_vendor(status="inactive"), FLOW, pins_of(FLOW, "vendor")).completed


def test_no_source_reaches_a_bank_or_tax_field() -> None:
    # Whether amounts include tax says nothing about who pays which.
    words = " ".join([*BILL_SOURCES, *VENDOR_SOURCES]).lower().replace("tax_included", "")
    assert not [word for word in ("tax", "ach", "wire", "routing", "iban", "bank") if word in words.replace("reached", "")]


# Laws: every source as every kind of text, any characters a vendor may write, any amount.

any_text = st.one_of(
    st.text(max_size=60), st.sampled_from(["", "]]>", "<b>&amp;", "\x00\x1b", "\ud800", "\ufffe", "{id}", "\u202e1.00"])
)
any_amount = st.decimals(min_value=-(10**15), max_value=10**15, places=2)
any_day = st.none() | st.dates()
STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "str": any_text,
    "Decimal": any_amount,
    "Decimal | None": st.none() | any_amount,
    "date | None": any_day,
    "bool": st.booleans(),
    "int": st.integers(0, 10**6),
    "BillState": st.sampled_from(list(BillState)),
}


def any_record(record: type[Any], **fixed: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    parts = {one.name: STRATEGIES[str(one.type)] for one in dataclasses.fields(record) if str(one.type) in STRATEGIES}
    return st.builds(record, **parts | fixed)


any_line = any_record(BillLine)
any_bill = any_record(Bill, bill_key=st.just("SANDBOX-CO:ap:7"), lines=st.lists(any_line, max_size=4).map(tuple))
any_vendor = any_record(Vendor, vendor_key=st.just("SANDBOX-CO:vendor:12"), status=st.sampled_from(["active", "inactive"]))
VENDOR_PINS = pins_of(FLOW, "vendor")

EVERYTHING = with_bills(
    FLOW,
    task_name=" ".join(f"{{{source}}}" for source in ("vendor", "gl_account", "total_due", "due_on", "description")),
    fields=[{"name": f"Any {name}", "kind": "text", "source": name} for name in BILL_SOURCES]
    + [
        {"name": f"Number {name}", "kind": "number", "source": name, "precision": 2}
        for name, source in BILL_SOURCES.items()
        if source.shape is Shape.MONEY
    ],
)
EVERYTHING_PINS = pins_of(EVERYTHING)


@pytest.mark.laws
@settings(max_examples=150, deadline=None)
@given(any_bill)
def test_no_text_and_no_amount_stops_a_projection(bill: Bill) -> None:
    draft = project_bill(bill, EVERYTHING, EVERYTHING_PINS)
    assert draft == project_bill(bill, EVERYTHING, EVERYTHING_PINS)
    assert 0 < len(draft.name) <= 300 or draft.name == bill.bill_key
    texts = [value for gid, value in draft.fields.items() if isinstance(value, str) and gid != "f-Intacct key"]
    assert all(0 < len(text) <= 1024 and "\n" not in text and text == text.strip() for text in texts)
    for text in texts:
        text.encode("utf-8")


@pytest.mark.laws
@settings(max_examples=100, deadline=None)
@given(any_bill)
def test_money_is_exact_to_the_cent(bill: Bill) -> None:
    draft = project_bill(bill, EVERYTHING, EVERYTHING_PINS)
    for name in ("total_entered", "total_due", "total_paid", "transaction_total_entered"):
        value = draft.fields[f"f-Number {name}"]
        assert isinstance(value, Decimal)
        assert value == getattr(bill, name)
        assert value.as_tuple().exponent == -2


@pytest.mark.laws
@settings(max_examples=60, deadline=None)
@given(any_vendor)
def test_no_vendor_stops_a_projection(vendor: Vendor) -> None:
    draft = project_vendor(vendor, FLOW, VENDOR_PINS)
    assert draft.key == vendor.vendor_key
    draft.name.encode("utf-8")


def test_a_day_that_is_hardly_meant_is_named_in_the_description() -> None:
    notes = draft_of(FLOW, due_on=date(26, 1, 5)).html_notes
    assert "<li>Look at: due date 0026-01-05 can hardly be meant</li>" in notes
    assert "Look at" not in draft_of(FLOW, due_on=date(2026, 1, 5)).html_notes


AP_FACTS: dict[str, Any] = {
    "discount_on": date(2026, 3, 1),
    "recommended_on": date(2026, 3, 9),
    "pay_to": "Head office",
    "return_to": "Warehouse",
    "tax_included": True,
    "total_retained": Decimal("12.50"),
    "transaction_total_retained": Decimal("11.50"),
    "transaction_total_released": Decimal("1.50"),
    "lines": (
        a_line(
            line_no=1,
            amount=Decimal(10),
            customer_id="C-1",
            customer_name="Fabrikam",
            item_id="IT-1",
            item_name="Day",
            form_1099_type="NEC",
            form_1099_box="1",
            purchase_order="Purchase Order-PO1",
            retained=Decimal("1.00"),
            released=False,
        ),
        a_line(line_no=2, amount=Decimal(5), released=True),
    ),
}


@pytest.mark.parametrize(
    ("kind", "source", "wanted"),
    [
        ("date", "discount_on", date(2026, 3, 1)),
        ("date", "recommended_on", date(2026, 3, 9)),
        ("text", "pay_to", "Head office"),
        ("text", "return_to", "Warehouse"),
        ("text", "tax_included", "Yes"),
        ("number", "total_retained", Decimal("12.50")),
        ("number", "transaction_total_retained", Decimal("11.50")),
        ("number", "transaction_total_released", Decimal("1.50")),
        ("text", "customer", "C-1 Fabrikam"),
        ("text", "item", "IT-1 Day"),
        ("text", "form_1099", "NEC 1"),
        ("text", "purchase_order", "Purchase Order-PO1"),
        ("text", "line_retained", "1.00"),
        ("text", "line_hold", "Held; Released to pay"),
    ],
)
def test_what_ap_people_miss_can_be_shown_and_is_empty_where_it_is_not_told(kind: str, source: str, wanted: Any) -> None:
    more = {"precision": 2} if kind == "number" else {}
    flow = with_field(kind=kind, source=source, **more)
    assert draft_of(flow, **AP_FACTS).fields["f-It"] == wanted
    assert draft_of(flow).fields["f-It"] is None
