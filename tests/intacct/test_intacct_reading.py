"""Reading through the hook from the sandbox: every bill once, to the cent, with its lines, whatever the page size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured, Refused
from intacct_asana.records import Bill, ReadWindow, UserFormatting

from sandbox import constants


def flat(pages: Iterable[list[Any]]) -> list[Any]:
    return [record for page in pages for record in page]


def state_by_number(sandbox: Any) -> dict[str, dict[str, Any]]:
    return {bill["record_no"]: bill for bill in sandbox.state("intacct")["bills"]}


def told(bill: Bill) -> dict[str, Any]:
    """The bill as the sandbox's own dump tells it."""
    return {
        "record_no": bill.record_no,
        "bill_number": bill.bill_number,
        "vendor_id": bill.vendor_id,
        "vendor_name": bill.vendor_name,
        "state": str(bill.state),
        "entity": bill.entity_id,
        "module": bill.module,
        "source_document": bill.source_document,
        "due_on": bill.due_on.isoformat() if bill.due_on else "",
        "currency": bill.currency,
        "base_currency": bill.base_currency,
        "total_entered": str(bill.total_entered.quantize(Decimal("0.01"))),
        "total_due": str(bill.total_due.quantize(Decimal("0.01"))),
        "transaction_total_entered": str(bill.transaction_total_entered.quantize(Decimal("0.01"))),
        "on_hold": bill.on_hold,
        "created_by": bill.created_by,
        "stamps": dict(bill.custom),
        "lines": [
            (line.line_no, line.account_no, str(line.transaction_amount.quantize(Decimal("0.01"))), line.department_id)
            for line in bill.lines
        ],
    }


def dumped(bill: dict[str, Any]) -> dict[str, Any]:
    lines = [(line["line_no"], line["account_no"], line["transaction_amount"], line["department_id"]) for line in bill["lines"]]
    return {**bill, "lines": lines}


@pytest.mark.parametrize("page_size", [3, 500])
def test_a_full_read_finds_every_bill_once_to_the_cent(sandbox: Any, a_hook: Any, page_size: int) -> None:
    sandbox.reset(bills=45)
    hook = a_hook()
    bills = flat(hook.bills(ReadWindow(), page_size=page_size))
    state = state_by_number(sandbox)
    assert Counter(bill.record_no for bill in bills) == Counter(state.keys())
    for bill in bills:
        mine, theirs = told(bill), dumped(state[bill.record_no])
        assert mine == {name: theirs[name] for name in mine}


def test_lines_of_a_page_of_bills_take_one_call(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook()
    flat(hook.bills(ReadWindow()))
    assert hook.calls["query APBILL"] == 1
    assert hook.calls["query APBILLITEM"] == 1
    assert {kind.removeprefix("intacct "): count for kind, count in sandbox.counters().items()} == dict(hook.calls)


def test_keys_survive_the_recreation_of_a_purchasing_bill(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook()
    before = next(bill for bill in flat(hook.bills(ReadWindow())) if bill.module == "9.PO")
    sandbox.act("intacct", "mgarcia", "recreate_bill", record_no=before.record_no)
    assert hook.bill(before.record_no) is None
    (after,) = hook.bills_of_document(before.source_document)
    assert after.bill_key == before.bill_key
    assert after.record_no != before.record_no


def test_a_cursor_read_steps_over_a_second_shared_by_many(sandbox: Any, a_hook: Any) -> None:
    sandbox.clock(freeze="2027-01-01T00:00:00Z")
    before = state_by_number(sandbox)
    changed = sorted(number for number, bill in before.items() if bill["state"] == "Posted" and bill["modified_at"])
    for number in changed:
        sandbox.act("intacct", "mgarcia", "edit_bill", record_no=number, changes={"reference": "again"})
    hook = a_hook()
    without_time = {number for number, bill in before.items() if not bill["modified_at"]}
    text = "01/01/2027 00:00:00"
    bills = flat(hook.bills(ReadWindow(since_text=text), page_size=1))
    assert len(changed) > 2
    assert without_time
    assert [bill.record_no for bill in bills if bill.modified_at_text] == sorted(changed, key=int)
    assert {bill.record_no for bill in bills if not bill.modified_at_text} == without_time
    assert hook.latest([bill.modified_at_text for bill in bills]) == text
    assert hook.earlier(text, minutes=10) == "12/31/2026 23:50:00"


def test_a_window_holds_its_start_and_not_its_end(sandbox: Any, a_hook: Any) -> None:
    sandbox.reset(null_modified=0)
    at = {number: datetime.fromisoformat(bill["modified_at"]) for number, bill in state_by_number(sandbox).items()}
    ordered = sorted(at.values())
    start, end = ordered[3], ordered[12]
    bills = flat(a_hook().bills(ReadWindow(modified_from=start, modified_to=end)))
    assert {bill.record_no for bill in bills} == {number for number, moment in at.items() if start <= moment < end}


def test_a_row_that_nobody_changed_belongs_to_the_interval_in_which_it_was_made(sandbox: Any, a_hook: Any) -> None:
    """Or every interval of a backfill would read all of them. A day more on both ends: it may be another zone's time."""
    sandbox.reset(bills=60, null_modified=0.5)
    hook = a_hook()
    clock, everything = hook.settings.clock, flat(hook.bills(ReadWindow()))
    made = {
        bill.record_no: clock.naive(bill.created_at_text).replace(tzinfo=UTC)
        for bill in everything
        if not bill.modified_at_text
    }
    start = sorted(made.values())[len(made) // 2]
    end, day = start + timedelta(days=1), timedelta(days=1)
    found = flat(hook.bills(ReadWindow(modified_from=start, modified_to=end)))
    untouched = {bill.record_no for bill in found if not bill.modified_at_text}
    assert {number for number, at in made.items() if start <= at < end} <= untouched
    assert untouched <= {number for number, at in made.items() if start - day <= at < end + day}
    assert 0 < len(untouched) < len(made)


def test_a_connections_offset_moves_the_window(sandbox: Any, a_hook: Any) -> None:
    sandbox.reset(null_modified=0, settings={"gmt_offset_minutes": -480})
    at = {number: datetime.fromisoformat(bill["modified_at"]) for number, bill in state_by_number(sandbox).items()}
    start = sorted(at.values())[15]
    hook = a_hook(extra={"timestamp_offset": "-08:00"})
    bills = flat(hook.bills(ReadWindow(modified_from=start)))
    assert {bill.record_no for bill in bills} == {number for number, moment in at.items() if moment >= start}
    assert hook.check_formatting(hook.formatting()) == "times as %m/%d/%Y %H:%M:%S, GMT-08:00"


@pytest.mark.parametrize(
    ("name", "value", "attribute"),
    [("vendor_ids", "V1002", "vendor_id"), ("entity_ids", "UK01", "entity_id")],
)
def test_a_narrowed_read_finds_just_those(sandbox: Any, a_hook: Any, name: str, value: str, attribute: str) -> None:
    hook = a_hook()
    everything = flat(hook.bills(ReadWindow()))
    narrowed = flat(hook.bills(ReadWindow(**{name: (value,)})))
    assert narrowed == [bill for bill in everything if getattr(bill, attribute) == value]
    assert narrowed


def test_bills_are_found_by_number_record_and_date(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook()
    everything = flat(hook.bills(ReadWindow()))
    one = next(bill for bill in everything if bill.bill_number)
    assert one in flat(hook.bills(ReadWindow(bill_numbers=(one.bill_number,))))
    assert flat(hook.bills(ReadWindow(record_nos=(one.record_no,)))) == [one]
    assert hook.bill(one.record_no) == one
    assert hook.bill("999999999") is None
    day = sorted(bill.bill_date for bill in everything)[10]
    dated = flat(hook.bills(ReadWindow(bill_date_from=day)))
    assert dated == [bill for bill in everything if bill.bill_date >= day]


def test_private_entities_are_read_from_the_top_level(sandbox: Any, a_hook: Any) -> None:
    sandbox.settings(private_entities=["UK01"])
    bills = flat(a_hook().bills(ReadWindow()))
    assert any(bill.entity_id == "UK01" for bill in bills)
    assert len(bills) == len(state_by_number(sandbox))


def test_vendors_are_read_with_their_custom_fields(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook(vendor_custom_fields=constants.VENDOR_FIELDS)
    vendors = flat(hook.vendors(ReadWindow(), page_size=3))
    state = {vendor["vendor_id"]: vendor for vendor in sandbox.state("intacct")["vendors"]}
    assert {vendor.vendor_id: (vendor.name, vendor.status) for vendor in vendors} == {
        number: (vendor["name"], vendor["status"]) for number, vendor in state.items()
    }
    assert set(vendors[0].custom) == set(constants.VENDOR_FIELDS)
    assert not any("TAX" in name or "BANK" in name for name in hook.reader.select("VENDOR"))


def test_custom_fields_that_nobody_created_are_read_as_empty(sandbox: Any, a_hook: Any, caplog: Any) -> None:
    sandbox.reset(settings={"missing_custom_fields": ["ASANA_DECISION"]})
    hook = a_hook()
    with caplog.at_level("INFO"):
        bills = flat(hook.bills(ReadWindow(), page_size=5))
    assert {bill.custom["ASANA_DECISION"] for bill in bills} == {""}
    assert sum("lacks ASANA_DECISION" in record.getMessage() for record in caplog.records) == 1


def test_a_missing_permission_is_named_with_its_cure(sandbox: Any, a_hook: Any) -> None:
    sandbox.settings(denied_objects=["APBILL"])
    hook = a_hook()
    hook.probe("VENDOR")
    with pytest.raises(Misconfigured, match=r"objects of type apbill.*Roles") as caught:
        hook.probe("APBILL")
    assert caught.value.code == "PL04000005"
    assert sandbox.counters()["intacct query APBILL"] == 1


def test_an_object_that_does_not_exist_is_refused(a_hook: Any) -> None:
    with pytest.raises(Refused, match="NO_SUCH"):
        a_hook().probe("NO_SUCH")


def test_lookup_tells_the_fields_and_asks_once(a_hook: Any) -> None:
    hook = a_hook()
    known = {field.name: field for field in hook.lookup("APBILL")}
    hook.lookup("APBILL")
    assert known["STATE"].read_only
    assert known["ASANA_DECISION"].is_custom
    assert hook.calls["lookup"] == 1


def test_timestamps_that_would_be_misread_are_found_before_any_bill(sandbox: Any, a_hook: Any) -> None:
    sandbox.reset(settings={"user_dateformat": ".dmY", "gmt_offset_minutes": 60})
    hook = a_hook()
    with pytest.raises(Misconfigured, match="misread") as caught:
        hook.check_formatting(hook.formatting())
    assert len(caught.value.problems) == 2
    overridden = a_hook(extra={"timestamp_format": "%m/%d/%Y %H:%M:%S", "timestamp_offset": "+01:00"})
    assert overridden.check_formatting(overridden.formatting())
    assert hook.check_formatting(UserFormatting(locale="en_US", date_format="/mdY", gmt_offset="+00:00", clock="24"))


def test_a_bill_that_changes_while_it_is_read_comes_again_and_none_is_skipped(sandbox: Any, a_hook: Any) -> None:
    sandbox.reset(null_modified=0)
    pages = a_hook().bills(ReadWindow(modified_from=datetime.now(UTC) - timedelta(days=999)), page_size=4)
    first = next(pages)
    sandbox.act("intacct", "mgarcia", "edit_bill", record_no=first[0].record_no, changes={"reference": "moved"})
    rest = flat(pages)
    seen = Counter(bill.record_no for bill in [*first, *rest])
    assert set(seen) == set(state_by_number(sandbox))
    assert seen[first[0].record_no] == 2
    assert rest[-1].record_no == first[0].record_no
