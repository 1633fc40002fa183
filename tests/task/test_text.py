"""One line, one money format, one canonical amount: what every part of the project shows and compares."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.approvals.words import money
from intacct_asana.text import amount_text, as_html, money_text, one_line, short


@given(st.text())
def test_a_line_has_no_controls_no_ends_and_no_outer_blanks(text: str) -> None:
    line = one_line(text)
    assert not [one for one in line if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp")]
    assert line == one_line(line) == line.strip()
    assert one_line(as_html(text)) == as_html(text)
    assert len(short(text, longest=5)) <= 5


@pytest.mark.parametrize(
    ("amount", "shown", "kept"),
    [
        ("12480", "12,480.00 USD", "12480"),
        ("500.005", "500.005 USD", "500.005"),
        ("1.5000", "1.50 USD", "1.5"),
        ("-0.00", "0.00 USD", "0"),
        ("1E+3", "1,000.00 USD", "1000"),
        ("-0.1", "-0.10 USD", "-0.1"),
    ],
)
def test_an_amount_is_shown_one_way_and_kept_one_way(amount: str, shown: str, kept: str) -> None:
    assert money_text(Decimal(amount), "USD") == money(Decimal(amount), "USD") == shown
    assert amount_text(Decimal(amount)) == kept


def test_a_missing_currency_is_said_where_something_is_decided_by_it() -> None:
    assert (money_text(Decimal(1)), money(Decimal(1), " ")) == ("1.00", "1.00 (no currency)")
