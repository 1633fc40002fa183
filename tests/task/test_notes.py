"""The task's description: well-formed, only tags that Asana takes, bounded, and never markup from a vendor."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intacct_asana.task.project import MOST_CHARACTERS, bill_notes, vendor_notes
from lxml import etree

from sandbox.asana.state.richtext import accepted
from tests.flow.mapping_builders import a_bill, a_line, a_vendor

ASANA_TAGS = {"body", "strong", "ul", "li", "a"}


def parsed(html: str) -> Any:
    root = etree.fromstring(html.encode())
    assert root.tag == "body"
    assert {node.tag for node in root.iter()} <= ASANA_TAGS
    assert all(set(node.attrib) <= ({"href"} if node.tag == "a" else set()) for node in root.iter())
    return root


def test_notes_say_what_the_bill_is_and_list_its_lines() -> None:
    bill = a_bill(
        currency="EUR",
        transaction_total_entered=Decimal("1200"),
        total_entered=Decimal("1310.4"),
        due_on=date(2026, 3, 1),
        reference="PO-9",
        record_url="https://www.intacct.com/ia/acct/ur.phtml?.r=a&b=1",
        lines=(a_line(description="Paper", department_id="20", department_name="Finance", location_id="US01"),),
    )
    root = parsed(bill_notes(bill))
    text = "\n".join(root.itertext())
    assert root.find("a").get("href") == "https://www.intacct.com/ia/acct/ur.phtml?.r=a&b=1"
    assert "Amount: 1,200.00 EUR, which is 1,310.40 USD" in text
    assert "Reference: PO-9" in text
    assert "Due: 2026-03-01" in text
    assert "1. 6100 Office supplies: 100.00 EUR. Paper. Department 20 Finance, Location US01" in text


def test_amount_in_one_currency_is_said_once() -> None:
    assert "Amount: 100.00 USD</li>" in bill_notes(a_bill())


def test_markup_of_a_vendor_is_shown_as_text() -> None:
    root = parsed(
        bill_notes(a_bill(vendor_name="<a href='x'>R&D</a>", description='"]]>', lines=(a_line(description="<li>"),)))
    )
    assert "<a href='x'>R&D</a>" in "".join(root.itertext())
    assert root.find(".//a") is None


@pytest.mark.parametrize("url", ["javascript:alert(1)", "http:///x", "//x.example", "https://[", "https://a b", "", "x" * 3000])
def test_link_that_is_no_web_address_is_left_out(url: str) -> None:
    assert parsed(bill_notes(a_bill(record_url=url))).find("a") is None


def test_bill_with_many_lines_is_cut_and_says_how_many_are_left_out() -> None:
    lines = tuple(a_line(line_no=number, description="&" * 200) for number in range(1, 2001))
    html = bill_notes(a_bill(lines=lines))
    root = parsed(html)
    listed = len(root.findall("ul")[1])
    assert len(html) <= MOST_CHARACTERS
    assert f"and {2000 - listed:,} more lines" in html
    assert len(html) > MOST_CHARACTERS * 0.95


def test_notes_stay_within_their_bound_for_lines_of_any_length() -> None:
    for length in range(1, 40, 5):
        lines = tuple(a_line(account_no="x" * length, account_title="") for _ in range(2500))
        assert len(bill_notes(a_bill(lines=lines))) <= MOST_CHARACTERS


def test_bill_without_lines_has_no_list_of_them() -> None:
    assert "Lines" not in bill_notes(a_bill(lines=()))


def test_vendor_notes_say_who_it_is() -> None:
    assert "Vendor: V-12 Northwind Paper" in "\n".join(parsed(vendor_notes(a_vendor())).itertext())


def test_a_name_is_shown_as_it_is_written() -> None:
    """Asana shows a numeric reference as its source, so none is written, nor in a link."""
    name = 'O\'Brien "&" Sons <Ltd>'
    bill = a_bill(
        vendor_name=name, description=name, record_url="https://x.example/?a='1'&b=2", lines=(a_line(description=name),)
    )
    for html in (bill_notes(bill), vendor_notes(a_vendor(name=name))):
        assert name in accepted(html, key="html_notes")[1]
    assert parsed(bill_notes(bill)).find(".//a").get("href") == "https://x.example/?a='1'&b=2"


any_text = st.text(max_size=500) | st.sampled_from(["\x00", "\ud800", "\ufffe", "\U0001ffff", "]]>", "&#0;", "<!--"])


@pytest.mark.laws
@settings(max_examples=150, deadline=None)
@given(any_text, any_text, any_text, any_text)
def test_notes_are_well_formed_whatever_is_written(name: str, words: str, currency: str, url: str) -> None:
    line = a_line(description=words, account_title=name, project_id=words, class_name=currency)
    bill = a_bill(vendor_name=name, description=words, currency=currency, record_url=url, created_by=words, lines=(line,) * 3)
    html = bill_notes(bill)
    parsed(html)
    parsed(vendor_notes(a_vendor(name=name, term=words, record_url=f"https://x.example/{url}")))
    assert len(html) <= MOST_CHARACTERS
