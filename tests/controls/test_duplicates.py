"""Bills that may be entered twice: a table of pairs over the sandbox, and figures of hits and false alarms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from intacct_asana.controls.ledger import name_like, number_like, number_stem
from intacct_asana.operators.controls.checking import Checks
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.records.concerns import Concern
from intacct_asana.sync.report import Report

from sandbox.bench.controls.duplicates import counted, plant
from tests.controls.controls_world import Controlled
from tests.standing.standing_world import CLERK

pytestmark = pytest.mark.airflow
Row = dict[str, Any]
Company = Callable[..., Controlled]


# Numbers and names as people mean them


@pytest.mark.parametrize(
    ("numbers", "is_one"),
    [
        (("INV-0042", "inv 42", "INV42", "42", "#42", "Invoice No. 0042", "O042", "00042", "ínv-42"), True),
        (("1001", "I00I", "10O1", "INV 1001"), True),
        (("ACM-1001", "ACM1001", "acm 1001"), True),
        (("RE-2024/001", "2024001", "2024 001"), True),
        (("A-0042", "A42", "a-042", "A 42"), True),
        (("A-42", "A-402"), False),
        (("A-0", "A"), False),
        (("INV-42", "INV-43"), False),
        (("ACM-1001", "1001"), False),
        (("42A", "42B"), False),
        (("2024-1", "2024-2"), False),
        (("", "INV", "n/a", "Rent", "-"), True),
    ],
)
def test_numbers_are_one_as_people_mean_them(numbers: tuple[str, ...], is_one: bool) -> None:
    assert (len({number_like(number) for number in numbers}) == 1) is is_one


@pytest.mark.parametrize(
    ("number", "stem"),
    [
        ("INV-42A", "42"),
        ("42-1", "42"),
        ("42/01", "42"),
        ("0042b", "42"),
        ("A-0042B", "A42"),
        ("42-2", ""),
        ("42", ""),
        ("7a", ""),
        ("", ""),
    ],
)
def test_what_is_put_behind_a_number_to_write_it_once_more(number: str, stem: str) -> None:
    assert number_stem(number) == stem


@pytest.mark.parametrize(
    ("names", "is_one"),
    [
        (("Müller & Co. KG", "MULLER", "Muller and Co", "Müller GmbH"), True),
        (("The Acme Company, Inc.", "ACME INC", "Acme S.A."), True),
        (("O'Brien Ltd", "OBRIEN LIMITED"), True),
        (("Acme North", "Acme South"), False),
        (("Co", "Inc"), False),
    ],
)
def test_names_of_vendors_are_one_but_for_how_they_are_written(names: tuple[str, ...], is_one: bool) -> None:
    assert (len({name_like(name) for name in names}) == 1) is is_one


# Pairs of bills. `V` is a vendor of the row's own, `W` another one of the row's.


@dataclass(frozen=True)
class Example:
    """Two bills in the order in which they are entered, and by which rule they are told; empty where they are two."""

    what: str
    first: Row
    second: Row
    rule: str = ""
    names: dict[str, str] = field(default_factory=dict)
    says: str = ""


NUMBER, NUMBER_DAY = "number and amount", "number and day"
FILE, FILE_DAY, AMOUNT, SLIP = "attachment", "attachment and day", "amount and day", "slip and day"
EXAMPLES = [
    Example("zeros and dashes", {"no": "INV-0042"}, {"no": "INV42"}, NUMBER, says="500.00 USD too, dated the same day"),
    Example("O for 0, I for 1", {"no": "1001"}, {"no": "I0O1"}, NUMBER),
    Example("a letter behind it", {"no": "INV-142"}, {"no": "INV-142A"}, NUMBER),
    Example("a -1 behind it", {"no": "5512"}, {"no": "5512-1"}, NUMBER),
    Example("weeks apart", {"no": "77-1200", "day": "2026-10-01"}, {"no": "771200"}, NUMBER, says="dated 53 days earlier"),
    Example("another amount, the same days", {"no": "808", "amount": "90.00"}, {"no": "808"}, NUMBER_DAY, says="instead of"),
    Example("by Purchasing and by hand", {"no": "PO-9", "module": "9.PO"}, {"no": "PO9"}, NUMBER, says="made by Purchasing"),
    Example(
        "another entity", {"no": "61X2", "entity": "UK01"}, {"no": "61 X2", "currency": "USD"}, NUMBER, says="in entity UK01"
    ),
    Example("paid already", {"no": "3131", "state": "Paid"}, {"no": "3131"}, NUMBER, says="Paid in Intacct"),
    Example(
        "a vendor of the same name",
        {"no": "4711"},
        {"no": "4711", "of": "W"},
        NUMBER,
        {"V": "Härbor Supply GmbH", "W": "HARBOR SUPPLY"},
        "a vendor of the same name",
    ),
    Example("the same attachment", {"no": "A-1", "file": "F1"}, {"no": "B-2", "file": "F1"}, FILE_DAY, says="attachment"),
    Example("another vendor, the same attachment", {"no": "A", "file": "F2"}, {"no": "B", "file": "F2", "of": "W"}, FILE_DAY),
    Example("no number, the same attachment", {"file": "F3", "day": "2026-11-01"}, {"no": "B-3", "file": "F3"}, FILE),
    Example("no number, the same days", {"day": "2026-11-21"}, {}, AMOUNT, says="of the same vendor"),
    Example("one without a number, the same day", {"no": "99321"}, {}, AMOUNT),
    Example("two digits swapped", {"no": "INV-10482"}, {"no": "INV-10842"}, SLIP),
    # What is not told.
    Example("two equal monthly bills", {"no": "RENT-10", "day": "2026-10-23"}, {"no": "RENT-11"}),
    Example(
        "a customer's number on each bill",
        {"no": "K55", "day": "2026-10-23", "amount": "91.10"},
        {"no": "K55", "amount": "88.02"},
    ),
    Example("a vendor's new name", {"no": "70-1"}, {"no": "71-1"}, names={"V": "Brand New Name LLC"}),
    Example("a credit", {"no": "C-9"}, {"no": "C-9", "amount": "-500.00"}),
    Example("a reversed bill, entered again", {"no": "R-9", "state": "Reversed"}, {"no": "R-9"}),
    Example("a declined bill, entered again", {"no": "D-9", "state": "Declined"}, {"no": "D-9"}),
    Example("partial bills of one order", {"no": "PO7-1", "file": "O7", "day": "2026-10-30"}, {"no": "PO7-2", "file": "O7"}),
    Example("partial bills by letter", {"no": "5000A"}, {"no": "5000B"}),
    Example("no numbers, weeks apart", {"day": "2026-11-01"}, {}),
    Example("no numbers, other amounts", {"amount": "10.00"}, {"amount": "10.01"}),
    Example("another currency", {"no": "X-1", "day": "2026-11-01"}, {"no": "X-1", "currency": "GBP"}),
    Example("another vendor, the same number", {"no": "1000"}, {"no": "1000", "of": "W"}),
    Example(
        "two vendors of one name, other numbers",
        {"no": "2001"},
        {"no": "2002", "of": "W"},
        names={"V": "Twin Ltd", "W": "Twin"},
    ),
    Example("long ago", {"no": "8080", "day": "2026-08-01"}, {"no": "8080"}),
    Example("the same amount and day, two numbers", {"no": "6001"}, {"no": "6002"}),
]


def enter(company: Controlled, place: int, row: Row) -> str:
    """The bill's record number."""
    names = {"day": "bill_date", "no": "bill_number"}
    told = {names.get(name, name): value for name, value in row.items() if name not in ("file", "of")}
    vendor = f"V{1001 + 2 * place + (row.get('of') == 'W')}"
    lacks = [] if row.get("no") else ["number"]
    usual = {"amount": "500.00", "state": "Posted", "currency": "USD", "vendor_id": vendor, "lacks": lacks}
    number: str = company.sandbox.act("intacct", CLERK, "create_bill", **{**usual, **told})["record_no"]
    if document := row.get("file"):
        company.sandbox.act("intacct", CLERK, "attach_document", record_no=number, document_id=f"{document}-{place}")
    return number


def looked(company: Controlled) -> list[Concern]:
    """What the real step finds over the real gateway, without telling it."""
    run = FlowRun(company.flow, now=lambda: company.at)
    run.__dict__["store"] = company.store
    Checks(run, Report(noun="bills")).look()
    return company.store.concerns().open()


def test_examples_over_the_sandbox(a_company: Company) -> None:
    company = a_company()
    company.sandbox.reset(vendors=2 * len(EXAMPLES), bills=0)
    company.sandbox.clock(freeze=company.at.isoformat())
    company.sandbox.settings(private_entities=[])
    numbers = []
    for place, example in enumerate(EXAMPLES):
        numbers.append([enter(company, place, row) for row in (example.first, example.second)])
        for which, name in example.names.items():
            vendor = f"V{1001 + 2 * place + (which == 'W')}"
            company.sandbox.act("intacct", CLERK, "edit_vendor", vendor_id=vendor, changes={"name": name})
    found = looked(company)
    key_of = {one.record_no: one.key for one in company.store.ledger().all()}
    wrong: list[tuple[str, ...]] = []
    for example, (first, second) in zip(EXAMPLES, numbers, strict=True):
        older, newer = ([one for one in found if one.key == key_of[number]] for number in (first, second))
        told = [(one.cause.partition("|")[0], one.blocks, one.others) for one in newer]
        if told != ([(example.rule, True, (key_of[first],))] if example.rule else []):
            wrong.append((example.what, "newer", str(told)))
        if any(example.says not in one.words for one in newer):
            wrong.append((example.what, *(one.words for one in newer)))
        is_told = bool(example.rule) and example.first.get("state") != "Paid"
        if [(one.blocks, one.others) for one in older] != ([(False, (key_of[second],))] if is_told else []):
            wrong.append((example.what, "older", str(older)))
    assert wrong == []


def test_planted_bills_among_generated_ones(a_company: Company, figures: Callable[[str, object], None]) -> None:
    """What is told of 54 bills that are planted among 600, and that nothing else is."""
    company = a_company()
    company.sandbox.reset(vendors=60, bills=600, now=company.at.isoformat())
    company.sandbox.settings(private_entities=[])
    state = company.sandbox.state("intacct")
    generated = pairs(company)
    planted = plant(state["bills"], state["vendors"], company.sandbox.act, each=3)
    told = pairs(company)
    others = told - {frozenset((one.record_no, one.beside)) for one in planted}
    rows = counted(planted, told)
    missed = {what: made - hits for what, is_one, made, hits in rows if is_one == "twice" and hits < made}
    alarms = {what: hits for what, is_one, _, hits in rows if is_one == "not" and hits}
    figures("duplicates: planted twice", sum(made for _, is_one, made, _ in rows if is_one == "twice"))
    figures("duplicates: of those told", sum(hits for _, is_one, _, hits in rows if is_one == "twice"))
    figures("duplicates: false alarms", sum(alarms.values()) + len(others))
    assert (missed, alarms) == ({"one digit mistyped": 3}, {})
    assert others == generated == set()


def pairs(company: Controlled) -> set[frozenset[str]]:
    found = looked(company)
    number = {one.key: one.record_no for one in company.store.ledger().all()}
    return {frozenset((number[one.key], *(number[other] for other in one.others))) for one in found}
