"""The close view on the page: a day's sums and bills, and who may take them away."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest
from intacct_asana.records import BillState

from tests.page.conftest import Office
from tests.page.conftest import facts as a_bill
from tests.page.conftest import keep_facts as keep

pytestmark = pytest.mark.airflow
Ago = Callable[..., datetime]


def test_a_day_is_told_with_its_sums_bills_and_holders(office: Office, ago: Ago) -> None:
    day = ago(days=3).date().isoformat()
    keep(office, a_bill(7), a_bill(8, state=BillState.POSTED, amount=Decimal(30)), at=ago(days=5))
    words = office.read("/flows/demo/close", as_of=day)
    assert f"At the end of {day} Bills were read last on" in words
    assert "2 of 2 open bills are held." in words
    assert "US01 none USD 42.50 2 bills 12.50 1 bill 42.50 2 bills 0.00 0 bills" in words
    assert "Office World INV-7" in words
    assert "unposted, unapproved Submitted alice.martin@northwind.example, " in words
    only = office.read("/flows/demo/close", as_of=day, which="unposted")
    assert ("INV-7" in only, "INV-8" in only) == (True, False)
    before = office.get("/flows/demo/close", as_of=day).text
    keep(office, gone=(7,), at=ago(hours=1))
    assert office.get("/flows/demo/close", as_of=day).text == before
    assert "1 of 1 open bills are held. A day" in office.read("/flows/demo/close")
    assert "is not over yet" in office.read("/flows/demo/close")


def test_files_are_for_who_may_start_the_export_of_evidence(office: Office, ago: Ago) -> None:
    keep(office, a_bill(7, vendor_name="=HYPERLINK(1)"), at=ago(days=5))
    day = ago(days=3).date().isoformat()
    rows = office.get("/flows/demo/close.csv", as_of=day, by="entity")
    assert (rows.status_code, rows.headers["content-disposition"]) == (200, f'attachment; filename="demo_close_{day}.csv"')
    [row] = csv.DictReader(io.StringIO(rows.content.decode("utf-8-sig")))
    assert (row["bill"], row["vendor_name"], row["amount"]) == ("INV-7", "'=HYPERLINK(1)", "12.50")
    assert office.get("/flows/demo/close-sums.csv", as_of=day).content.startswith(b'\xef\xbb\xbf"entity","period","currency"')
    for name in ("close.csv", "close-sums.csv"):
        status, words = office.refused(f"/flows/demo/{name}", "vic")
        assert (status, words) == (403, "The close view is downloaded by who may start the DAG demo_evidence.")
    assert "Files are downloaded by who may start" in office.read("/flows/demo/close", "vic", as_of=day)


@pytest.mark.parametrize(
    "params",
    [{"as_of": "30.11.2026"}, {"as_of": "9999-12-31"}, {"by": "vendor"}, {"which": "' OR 1=1"}, {"page": "0"}],
)
def test_a_bad_request_is_one_sentence(office: Office, params: dict[str, str]) -> None:
    assert office.refused("/flows/demo/close", **params)[0] == 400


def test_what_vendors_write_is_shown_and_never_run(office: Office, ago: Ago) -> None:
    hostile = '<script>alert("x")</script>'
    keep(office, a_bill(7, vendor_name=hostile, url="javascript:alert(1)", entity_id=hostile), at=ago(days=2))
    text = office.get("/flows/demo/close").text
    assert "<script>alert" not in text
    assert "javascript:" not in text
    assert "&lt;script&gt;" in text


def test_many_bills_come_in_pieces(office: Office, ago: Ago) -> None:
    keep(office, *(a_bill(number) for number in range(1, 103)), at=ago(days=2))
    assert "Page 1 More" in office.read("/flows/demo/close")
    assert "Back Page 2" in office.read("/flows/demo/close", page="2")
