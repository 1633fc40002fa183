"""Which rows an export picks, and the table for a spreadsheet."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.audit.export import COLUMNS, Query, defused, export_table, period, spans
from intacct_asana.errors import Misconfigured

from tests.evidence.evidence_world import ALICE, BEN, POLICY, POLICY_DIGEST, ROWS, a_row, chained, exported, facts, told

BERLIN = ZoneInfo("Europe/Berlin")
PEOPLE = {ALICE[1]: ALICE[0], BEN[1]: BEN[0]}


def picked(query: Query, **how: Any) -> list[int]:
    export = exported(query, **how)
    assert told(export) == [], "whatever is picked, the rest is linked"
    assert (export.header.rows, export.header.left_out) == (len(export.in_full), len(export.chain) - len(export.in_full))
    return [row.sequence for row in export.in_full]


@pytest.mark.parametrize("bill", ["c:bill:1", "INV-17", "17"])
def test_a_bill_is_found_by_key_number_and_record_number_with_all_that_was_written_about_it(bill: str) -> None:
    assert picked(Query(bill=bill)) == [1, 2, 5]


def test_a_number_that_two_vendors_use_stands_for_both_bills() -> None:
    rows = chained([*ROWS, a_row("c:bill:7", "dec-7", facts() | {"bill": {"bill_number": "INV-17", "vendor_id": "V2"}})])
    assert picked(Query(bill="INV-17"), rows=rows) == [1, 2, 5, 7]


@pytest.mark.parametrize("bill", ["c:bill", "INV-1", "nobody's"])
def test_a_bill_that_nothing_is_known_about_gives_a_file_with_every_row_left_out(bill: str) -> None:
    assert picked(Query(bill=bill)) == []


@pytest.mark.parametrize("person", ["102", "ben@example.com", "Ben@Example.com"])
def test_a_person_is_found_by_gid_and_address_with_the_whole_of_their_decisions(person: str) -> None:
    assert picked(Query(person=person), people=PEOPLE) == [3, 4, 5]


def test_an_address_that_preflight_did_not_pin_finds_the_rows_that_say_it() -> None:
    assert picked(Query(person="ben@example.com"), people={}) == [3, 4]


def test_all_that_is_said_has_to_fit() -> None:
    assert picked(Query(person="101", bill="INV-18"), people=PEOPLE) == []
    assert picked(Query(person="102", bill="17"), people=PEOPLE) == [5]


def at(*times: str) -> list[Any]:
    return chained([a_row("c:bill:1", f"dec-{time}", facts(), at=time) for time in times])


def test_a_day_is_that_day_in_the_flows_zone_to_the_last_microsecond() -> None:
    rows = at(
        "2026-10-24T21:59:59.999999Z",  # the day before, in Berlin
        "2026-10-24T22:00:00.000000Z",
        "2026-10-25T22:59:59.999999Z",  # the clocks went back: this day has 25 hours
        "2026-10-25T23:00:00.000000Z",
    )
    since, until = period("2026-10-25", "2026-10-25", zone=BERLIN)
    assert picked(Query(since=since, until=until), rows=rows) == [2, 3]
    assert picked(Query(since=since), rows=rows) == [2, 3, 4]
    assert picked(Query(until=until), rows=rows) == [1, 2, 3]


def test_a_time_is_included_as_a_beginning_and_left_out_as_an_end() -> None:
    rows = at("2026-11-23T07:00:00.000000Z", "2026-11-23T08:00:00.000000Z")
    since, until = period("2026-11-23T08:00:00+01:00", "2026-11-23T09:00", zone=BERLIN)
    assert picked(Query(since=since, until=until), rows=rows) == [1]


@pytest.mark.parametrize(
    "ends", [("yesterday", ""), ("2026-02-30", ""), ("2026-11-23", "2026-11-22"), ("", "9999-12-31"), ("0001-01-01", "")]
)
def test_what_is_no_period_is_said(ends: tuple[str, str]) -> None:
    with pytest.raises(Misconfigured, match=r"neither a day|before it begins"):
        period(*ends, zone=BERLIN)


def test_policies_go_with_the_rows_that_name_them() -> None:
    assert exported(Query(bill="17")).policies == {POLICY_DIGEST: POLICY}
    assert exported(Query(bill="c:vendor:V1")).policies == {}


@given(st.frozensets(st.integers(1, 60)))
def test_spans_say_exactly_the_numbers(numbers: frozenset[int]) -> None:
    found = list(spans(numbers))
    assert {number for first, last in found for number in range(first, last + 1)} == numbers
    assert all(after[0] > before[1] + 1 for before, after in pairwise(found))


# The table


def table(rows: list[Any]) -> list[dict[str, str]]:
    text = export_table(exported(rows=rows))
    assert text.startswith('\ufeff"row",')
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_a_table_has_a_line_a_row_and_repeats_bill_and_person_of_the_decision() -> None:
    first, second, third, *_ = table(chained(ROWS))
    assert (first["amount"], first["bill_number"], first["person"], first["policy"]) == (
        "12.50",
        "INV-17",
        "Alice",
        POLICY_DIGEST,
    )
    assert (second["step"], second["outcome"], second["person"], second["policy"]) == ("CONFIRMED", "recorded", "Alice", "")
    assert third["address"] == BEN[1]
    assert first["body"] == ROWS[0]["body"]
    assert set(first) == set(COLUMNS)


FORMULAS = ["=1+1", "+1+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "\ufeff=1", "＝1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(text: str) -> None:
    (line,) = table(chained([a_row("c:bill:1", "dec-1", facts(reason=text))]))
    assert line["reason"] == "'" + text


@pytest.mark.parametrize("text", ["12.50", "-12.50", "+3", "plain", "a=b", "", 'say "no", twice', "two\r\nlines", "Ünal, Ölgü"])
def test_what_is_none_stays_as_it_is(text: str) -> None:
    (line,) = table(chained([a_row("c:bill:1", "dec-1", facts(reason=text))]))
    assert line["reason"] == text


@given(st.text(max_size=12))
def test_no_text_at_all_begins_a_cell_as_a_formula(text: str) -> None:
    cell = defused(text)
    assert cell.removeprefix("'") == text or cell == text
    assert not cell.startswith(("=", "@", "\t", "\r"))
    assert not cell.startswith(("+", "-")) or float(cell) is not None


def test_words_that_somebody_put_into_a_row_behind_our_back_break_no_table() -> None:
    odd: list[dict[str, object]] = [{"rules": 1, "bill": [], "who": "x", "chosen": None}, {"rules": ["x", {"rule": "r"}]}]
    assert [line["rules_failed"] for line in table(chained([a_row("k", "d", body) for body in odd]))] == ["", "r"]
