"""Indexes are only a shortcut: with them a query finds what looking at every row finds, also after changes."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from lxml import etree

from sandbox.core import World
from sandbox.gateway.books.state import Company
from sandbox.gateway.functions.filters import parse_filter
from sandbox.gateway.functions.schema import null_last
from sandbox.gateway.texts import cents_of, instant_text, money_text

COMPARISONS = ("equalto", "lessthan", "greaterthan", "greaterthanorequalto", "lessthanorequalto", "notequalto")


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(World(), seed=5, vendors=12, bills=150)


def random_filter(pick: Random, company: Company, depth: int = 0) -> str:
    if depth < 3 and pick.random() < 0.5:
        name = pick.choice(("and", "or"))
        inner = "".join(random_filter(pick, company, depth + 1) for _ in range(pick.choice((2, 2, 3))))
        return f"<{name}>{inner}</{name}>"
    bill = pick.choice(list(company.bills))
    field = pick.choice(("WHENMODIFIED", "RECORDNO", "RECORDID"))
    if field == "RECORDID":
        other = pick.choice(list(company.bills)).number
        return f"<in><field>RECORDID</field><value>{bill.number or 'x'}</value><value>{other or 'y'}</value></in>"
    value = instant_text(bill.modified_at or 0) if field == "WHENMODIFIED" else str(bill.record_no)
    name = pick.choice((*COMPARISONS, "isnotnull", "isnull", "in", "between"))
    values = "" if "null" in name else f"<value>{value}</value>" * (2 if name == "between" else 1)
    return f"<{name}><field>{field}</field>{values}</{name}>"


def query(company: Company, where: str, order: tuple[str, ...]) -> list[str]:
    orders = "".join(f"<order><field>{name}</field><ascending/></order>" for name in order)
    asked = etree.fromstring(
        f"<query><object>APBILL</object><select><field>RECORDNO</field></select><filter>{where}</filter>"
        f"<orderby>{orders}</orderby><options><showprivate>true</showprivate></options><pagesize>2000</pagesize></query>"
    )
    data = company.reader.query(asked, "")
    assert data.counts["totalcount"] == len(data.items)
    return [etree.fromstring(item).findtext("RECORDNO") or "" for item in data.items]


def by_looking_at_all(company: Company, where: str, order: tuple[str, ...]) -> list[str]:
    target = company.schema.object("APBILL")
    accepts = parse_filter(
        etree.fromstring(f"<filter>{where}</filter>"), lambda name: company.schema.find(target, name)
    ).accepts
    gets = [target.fields[name].get for name in order]
    rows = sorted((row for row in company.bills if accepts(row)), key=lambda row: [null_last(get(row)) for get in gets])
    return [str(row.record_no) for row in rows]


@pytest.mark.parametrize("seed", range(12))
def test_a_query_finds_what_looking_at_every_row_finds(company: Company, seed: int) -> None:
    pick = Random(seed)
    user = company.user("mgarcia")
    for _ in range(25):
        bill = pick.choice(list(company.bills))
        company.change_bill(bill, user, number=pick.choice(("same", bill.number)))
        with company.undoable() as log:
            company.remove_bill(pick.choice(list(company.bills)), user, "ui")
            company.undo(log)
        where = random_filter(pick, company)
        order = pick.choice((("RECORDNO",), ("WHENMODIFIED", "RECORDNO")))
        assert query(company, where, order) == by_looking_at_all(company, where, order), where


def test_deleted_lines_are_gone_from_queries_too(gateway: Any, sandbox: Any) -> None:
    made = sandbox.act("intacct", "mgarcia", "create_bill", lines=[{"amount": "10.00"}, {"amount": "20.50"}], state="Draft")
    where = f"<equalto><field>RECORDKEY</field><value>{made['record_no']}</value></equalto>"
    assert [row["AMOUNT"] for row in gateway.rows("APBILLITEM", "AMOUNT", where)] == ["10", "20.5"]
    sandbox.act("intacct", "mgarcia", "edit_bill", record_no=made["record_no"], changes={"remove_line": 1})
    assert [row["AMOUNT"] for row in gateway.rows("APBILLITEM", "AMOUNT", where)] == ["20.5"]
    item = "<APBILLITEMS><APBILLITEM><ACCOUNTNO>6100</ACCOUNTNO><TRX_AMOUNT>7</TRX_AMOUNT></APBILLITEM></APBILLITEMS>"
    assert gateway.update_bill(made["record_no"], item).findtext("status") == "success"
    assert [row["AMOUNT"] for row in gateway.rows("APBILLITEM", "AMOUNT", where)] == ["7"]


def test_a_bill_with_a_discount_line_is_paid_to_the_cent(sandbox: Any) -> None:
    lines = [{"amount": "100.01"}, {"amount": "-10.00"}, {"amount": "33.33"}]
    made = sandbox.act("intacct", "mgarcia", "create_bill", lines=lines, state="Posted", currency="EUR")
    paid = sandbox.act("intacct", "mgarcia", "pay_bill", record_no=made["record_no"])
    assert (paid["bill"]["total_due"], paid["bill"]["transaction_total_due"]) == ("0.00", "0.00")
    assert paid["payment"]["total_entered"] == paid["bill"]["total_entered"]
    assert len(paid["payment"]["details"]) == 3


@pytest.mark.parametrize(
    ("cents", "text"), [(20_537_500, "205375"), (167_961_593, "1679615.93"), (1250, "12.5"), (-5, "-0.05"), (0, "0")]
)
def test_money_is_written_without_padding(cents: int, text: str) -> None:
    assert money_text(cents) == text
    assert cents_of(text) == cents


@pytest.mark.parametrize(("text", "cents"), [("12.345", 1235), ("-12.345", -1235), (".5", 50), ("7.", 700), ("+1", 100)])
def test_money_that_comes_in_is_rounded_to_cents(text: str, cents: int) -> None:
    assert cents_of(text) == cents


@pytest.mark.parametrize("text", ["", "1,000", "1e5", "NaN", "１２"])
def test_what_is_not_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        cents_of(text)
