"""Whatever vendors write, the description is XML that Asana takes; the sandbox's own checker is the judge."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intacct_asana.asana.calls import checked_html
from intacct_asana.records import Bill, Vendor
from intacct_asana.task.project import MOST_CHARACTERS, bill_notes, vendor_notes

from sandbox.asana.state.richtext import accepted
from tests.flow.mapping_builders import a_bill, a_line, a_vendor

HOSTILE = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="<>&\"'/=!-[]CDATA ;#x\x00\x08\x0b\x1f\ufffe\uffff\ud800\u202e\u2066\u2028\r\n\t😀é", max_size=40),
    st.sampled_from(["</body>", "<script>", "&#0;", "]]>", "<!--", "<?xml?>", "<a href='x'>", "a" * 10_000, "&amp;" * 3000]),
)
ADDRESSES = ["https://x/?a=1&b='2'", "javascript:alert(1)", "https://[", "https://x/" + "y" * 5000]
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12)
LINES = st.builds(
    a_line,
    account_no=HOSTILE,
    account_title=HOSTILE,
    description=HOSTILE,
    department_id=HOSTILE,
    location_name=HOSTILE,
    transaction_amount=AMOUNTS,
)
BILLS = st.builds(
    a_bill,
    vendor_name=HOSTILE,
    bill_number=HOSTILE,
    reference=HOSTILE,
    description=HOSTILE,
    currency=HOSTILE,
    term=HOSTILE,
    created_by=HOSTILE,
    record_url=HOSTILE
    | st.sampled_from(["https://x/?a=1&b='2'", "javascript:alert(1)", "https://[", "https://x/" + "y" * 5000]),
    bill_date=st.none() | st.dates(min_value=date(2000, 1, 1)),
    lines=st.lists(LINES, max_size=4).map(tuple),
)
MANY = settings(max_examples=150, deadline=None)


def taken(html: str) -> str:
    """The plain text as Asana shows it; the checker refuses markup that Asana would not take."""
    assert checked_html(html) == html
    assert html.startswith("<body>")
    assert "&#" not in html
    assert len(html) <= MOST_CHARACTERS
    return accepted(html, key="html_notes")[1]


@MANY
@given(bill=BILLS)
def test_description_of_any_bill_is_taken(bill: Bill) -> None:
    text = taken(bill_notes(bill))
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", text)


@MANY
@given(vendor=st.builds(a_vendor, name=HOSTILE, term=HOSTILE, currency=HOSTILE, record_url=HOSTILE))
def test_description_of_any_vendor_is_taken(vendor: Vendor) -> None:
    taken(vendor_notes(vendor))


@pytest.mark.parametrize("words", ["<&>😀\u202e" * 60, "x" * 10_000, ""])
def test_three_hundred_lines_are_cut_at_the_stated_length_and_say_how_many_are_left(words: str) -> None:
    lines = tuple(a_line(line_no=number, description=words, transaction_amount=Decimal(number)) for number in range(1, 301))
    text = taken(bill_notes(a_bill(lines=lines, description=words)))
    shown = len(re.findall(r"\d+\. 6100", text))
    left = re.search(r"and ([\d,]+) more lines", text)
    assert shown + (int(left.group(1)) if left else 0) == 300
    assert "Lines (300)" in text
