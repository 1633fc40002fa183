"""Rows, fields and texts of the gateway, and the records that they become."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.errors import Misconfigured, UnexpectedReply
from intacct_asana.intacct.records import bill_of, flag, is_offset_line, line_of, money, parent_bill_of, user_of, vendor_of
from intacct_asana.intacct.replies import (
    Reply,
    decipher,
    object_fields_of,
    record_no_of,
    remaining_of,
    rows_of,
    user_formatting_of,
)
from intacct_asana.intacct.timestamps import ServerClock, day_of, day_text, format_of, instant_of_iso, offset_of
from intacct_asana.records import BillState, UserFormatting

from sandbox.gateway import texts as sandbox_texts

SAMPLES = Path(__file__).parent / "samples"


def reply(name: str) -> Reply:
    return decipher(200, {}, (SAMPLES / name).read_bytes(), asked="query", is_write=False)


def test_a_row_becomes_a_bill_to_the_cent() -> None:
    rows = rows_of(reply("query_two_bills.xml"), "APBILL", asked="query")
    bill = bill_of(rows[0], company_id="ACME", custom_fields=("ASANA_DECISION", "NOT_THERE"))
    assert bill.bill_key == "ACME:po:77"
    assert (bill.bill_number, bill.vendor_name) == ("INV-7 & 8", "Piñata <Ltd>")
    assert bill.state is BillState.PARTIALLY_PAID
    assert (bill.total_entered, bill.total_paid) == (Decimal("1679615.93"), Decimal("205375"))
    assert (bill.transaction_total_entered, bill.currency, bill.base_currency) == (Decimal("1500000.1"), "EUR", "USD")
    assert (bill.bill_date, bill.due_on, bill.paid_on) == (date(2026, 9, 16), date(2026, 10, 16), None)
    assert bill.on_hold
    assert bill.modified_at_text == "09/16/2026 15:50:21"
    assert bill.custom == {"ASANA_DECISION": "Approved", "NOT_THERE": ""}


def test_a_draft_without_amounts_or_change_time_is_a_bill_too() -> None:
    rows = rows_of(reply("query_two_bills.xml"), "APBILL", asked="query")
    bill = bill_of(rows[1], company_id="ACME")
    assert (bill.bill_key, bill.total_entered, bill.modified_at_text) == ("ACME:ap:42", Decimal(0), "")


def test_a_bill_without_a_total_is_not_taken_for_a_bill_of_zero() -> None:
    with pytest.raises(UnexpectedReply, match="Bill 1 came without a total"):
        bill_of({"RECORDNO": "1", "STATE": "Posted", "TOTALENTERED": ""}, company_id="ACME")


def test_a_state_that_nobody_documented_is_named() -> None:
    with pytest.raises(UnexpectedReply, match="'Frozen'"):
        bill_of({"RECORDNO": "1", "STATE": "Frozen"}, company_id="ACME")


@pytest.mark.parametrize("text", ["9" * 19, "٣", "NaN", "Infinity", "1,000.00", "1_000", "1e500", "1e18", "e5", "abc", "-"])
def test_an_amount_that_is_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(UnexpectedReply):
        money(text)


def test_lines_and_vendors_are_read() -> None:
    line = line_of({"RECORDNO": "9", "LINE_NO": "2.0", "ACCOUNTNO": "6000", "AMOUNT": "-.5"})
    assert (line.line_no, line.amount, line.transaction_amount) == (2, Decimal("-0.5"), Decimal("-0.5"))
    assert is_offset_line({"LINEITEM": "F"})
    assert not is_offset_line({"LINEITEM": "T"})
    assert not is_offset_line({})
    vendor = vendor_of({"RECORDNO": "3", "VENDORID": "V-1", "NAME": "N", "STATUS": "active"}, company_id="ACME")
    assert (vendor.vendor_key, vendor.credit_limit) == ("ACME:vendor:V-1", None)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("-9.09E-13", "0"), ("1.5E+3", "1500"), ("1e5", "100000"), ("2.5e-1", "0.25"), ("9E17", "900000000000000000")],
)
def test_an_amount_with_a_power_is_read_and_what_sums_leave_of_nothing_is_nothing(text: str, amount: str) -> None:
    assert str(money(text)) == amount


@pytest.mark.parametrize(("text", "number"), [("1A", 1), ("2.0", 2), ("A1", 0), ("", 0), ("9" * 30, 999_999_999)])
def test_a_line_number_is_the_number_that_its_text_begins_with(text: str, number: int) -> None:
    assert line_of({"RECORDNO": "9", "LINE_NO": text, "AMOUNT": "1"}).line_no == number


def test_yes_and_no_are_read_in_every_way_and_another_word_is_no_no() -> None:
    assert [flag(text) for text in ("true", "T", "1", "Yes", "false", "F", "0", "n", "")] == [True] * 4 + [False] * 5
    with pytest.raises(UnexpectedReply, match="'on'"):
        flag("on")


def test_a_bill_without_a_state_is_named() -> None:
    with pytest.raises(UnexpectedReply, match="Bill 41 came without a state"):
        bill_of({"RECORDNO": "41", "STATE": "", "TOTALENTERED": "1"}, company_id="ACME")


def test_no_rows_are_no_rows_and_fewer_than_announced_are_an_error() -> None:
    assert rows_of(reply("query_nothing.xml"), "APBILL", asked="query") == []
    assert remaining_of(reply("query_two_bills.xml")) == 3
    with pytest.raises(UnexpectedReply, match="2 records announced, 1 came"):
        rows_of(reply("query_cut_short.xml"), "APBILL", asked="query")
    with pytest.raises(UnexpectedReply, match="something else than VENDOR"):
        rows_of(reply("query_two_bills.xml"), "VENDOR", asked="query")


def test_a_field_with_two_values_in_one_record_is_refused() -> None:
    with pytest.raises(UnexpectedReply, match="TOTALENTERED twice"):
        rows_of(reply("field_twice.xml"), "APBILL", asked="query")


def test_a_record_without_the_id_that_it_hangs_on_is_refused() -> None:
    (row,) = rows_of(reply("vendor_without_id.xml"), "VENDOR", asked="query")
    with pytest.raises(UnexpectedReply, match="Vendor 3 came without a vendor id"):
        vendor_of(row, company_id="ACME")
    with pytest.raises(UnexpectedReply, match="Line 9 came without the bill"):
        parent_bill_of({"RECORDNO": "9"})


@pytest.mark.parametrize("text", ["²", "9" * 5000, "-1", "x"])
def test_a_count_that_is_no_number_counts_as_unsaid(text: str) -> None:
    data = (
        (SAMPLES / "query_nothing.xml")
        .read_text()
        .replace('count="0" numremaining="0"', f'count="{text}" numremaining="{text}"')
    )
    told = decipher(200, {}, data.encode(), asked="query", is_write=False)
    assert rows_of(told, "APBILL", asked="query") == []
    assert remaining_of(told) is None


def test_an_empty_page_with_records_behind_it_is_not_the_end() -> None:
    text = (SAMPLES / "query_nothing.xml").read_text().replace('numremaining="0"', 'numremaining="97"')
    told = decipher(200, {}, text.encode(), asked="query", is_write=False)
    with pytest.raises(UnexpectedReply, match="no record came, although 97 are said to be left"):
        rows_of(told, "APBILL", asked="query")


def test_lookup_tells_what_may_be_written() -> None:
    state, decision = object_fields_of(reply("lookup.xml"), asked="lookup")
    assert (state.name, state.read_only, state.valid_values) == ("STATE", True, ("Draft", "Posted"))
    assert (decision.name, decision.read_only, decision.is_custom) == ("ASANA_DECISION", False, True)
    with pytest.raises(UnexpectedReply):
        object_fields_of(reply("query_nothing.xml"), asked="lookup")


def test_a_write_names_its_record() -> None:
    assert record_no_of(reply("update_done.xml")) == "41"
    assert record_no_of(reply("query_nothing.xml")) == ""


def test_a_users_formatting_becomes_a_format() -> None:
    formatting = user_formatting_of(reply("formatting.xml"), asked="formatting")
    assert formatting == UserFormatting(locale="en_US", date_format="/mdY", gmt_offset="-08:00", clock="24")
    assert format_of(formatting) == "%m/%d/%Y %H:%M:%S"
    german = UserFormatting(locale="de_DE", date_format=".dmy", gmt_offset="0", clock="12")
    assert format_of(german) == "%d.%m.%y %I:%M:%S %p"
    with pytest.raises(UnexpectedReply):
        format_of(UserFormatting(locale="", date_format="", gmt_offset="", clock=""))


@pytest.mark.parametrize(("text", "minutes"), [("+09:30", 570), ("-8", -480), ("0530", 330), ("0", 0), ("", 0)])
def test_offsets_are_read(text: str, minutes: int) -> None:
    assert offset_of(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["PST", "+25", "1.5"])
def test_what_is_no_offset_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured):
        offset_of(text)


def test_cursors_move_and_compare_in_the_servers_text() -> None:
    clock = ServerClock()
    assert clock.earlier("01/01/2026 00:05:00", minutes=10) == "12/31/2025 23:55:00"
    assert clock.latest(["", "12/31/2025 23:00:00", "01/02/2026 00:00:00"]) == "01/02/2026 00:00:00"
    assert clock.latest(["", ""]) == ""
    with pytest.raises(UnexpectedReply, match="timestamp_format"):
        clock.latest(["2026-01-02 00:00:00"])
    with pytest.raises(UnexpectedReply, match="before which there is none"):
        clock.earlier("01/01/0001 00:05:00", minutes=10)


def test_days_and_instants_are_read() -> None:
    assert day_of("02/9/2026") == date(2026, 2, 9)
    assert day_of("") is None
    assert day_of("2026-02-09") == date(2026, 2, 9)
    for text in ("2026-02-30", "20260209", "00/00/0000", "2026-02-09T00:00:00"):
        with pytest.raises(UnexpectedReply, match=text):
            day_of(text)
    assert instant_of_iso("2020-11-19T15:39:40-07:00") == datetime(2020, 11, 19, 22, 39, 40, tzinfo=UTC)
    assert instant_of_iso("2020-11-19T15:39:40") is None
    assert instant_of_iso("") is None
    assert instant_of_iso("0001-01-01T00:00:00+23:00") is None
    assert instant_of_iso("9999-12-31T23:59:59-23:00") is None


@given(day=st.dates())
def test_a_day_is_written_with_four_digits_and_read_back(day: date) -> None:
    assert day_of(day_text(day)) == day == sandbox_texts.day_of(sandbox_texts.day_text(day))
    assert re.fullmatch(r"\d\d/\d\d/\d{4}", day_text(day))


@given(at=st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29)))  # noqa: DTZ001
def test_an_instant_is_written_with_four_digits_and_read_back(at: datetime) -> None:
    at = at.replace(microsecond=0)
    clock = ServerClock(gmt_offset=timedelta(hours=-7))
    assert clock.naive(clock.text_of(at.replace(tzinfo=UTC))) == at - timedelta(hours=7)
    assert clock.naive(clock.earlier(clock.text_of(at.replace(tzinfo=UTC)), minutes=1)) == at - timedelta(hours=7, minutes=1)


def test_a_bill_of_the_year_26_is_named_as_suspicious() -> None:
    row = {"RECORDNO": "41", "STATE": "Posted", "TOTALENTERED": "1", "WHENDUE": "01/05/0026", "WHENCREATED": "01/05/2026"}
    assert bill_of(row, company_id="ACME").strange_days == ("due date 0026-01-05",)
    assert bill_of({**row, "WHENDUE": "01/05/2026"}, company_id="ACME").strange_days == ()


def test_a_user_is_called_by_login_and_by_record_number() -> None:
    row = {
        "RECORDNO": "7",
        "LOGINID": "amartin",
        "CONTACTINFO.EMAIL1": "a@x.example",
        "STATUS": "Lockedout",
        "LOGINDISABLED": "T",
    }
    user = user_of(row)
    assert (user.record_no, user.login, user.email, user.status) == ("7", "amartin", "a@x.example", "lockedout")
    assert user.web_services_only
    assert user_of({**row, "EMAIL": "account@x.example"}).email == "account@x.example"
    with pytest.raises(UnexpectedReply, match="without a login"):
        user_of({"RECORDNO": "7", "LOGINID": ""})
