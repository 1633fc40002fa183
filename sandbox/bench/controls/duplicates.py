"""How many bills that were entered twice are told, and how many others: bills planted into a generated company."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import cycle
from typing import Annotated, Any

import typer

from sandbox.bench.table import Result, table
from sandbox.bench.world import a_world

FLOW, CLERK = "demo", "mgarcia"
Row = dict[str, Any]
Act = Callable[..., Any]
IS_TWICE, IS_NOT = True, False
ALIKE = 12
"""Vendors of which so many characters are the same may be called the same."""


def _on(bill: Row, days: int) -> dict[str, str]:
    return {"bill_date": (date.fromisoformat(bill["bill_date"]) + timedelta(days=days)).isoformat()}


def _more(bill: Row, percent: int) -> dict[str, str]:
    return {"amount": f"{Decimal(bill['transaction_total_entered']) * percent / 100:.2f}"}


def _swapped(number: str) -> str:
    """Two digits that follow each other and differ, the other way round."""
    at = next(place for place in range(len(number) - 1, 0, -1) if _differ(number[place - 1 : place + 1]))
    return number[: at - 1] + number[at] + number[at - 1] + number[at + 1 :]


def _mistyped(number: str) -> str:
    return number[:-1] + str(9 - int(number[-1]))


def _differ(two: str) -> bool:
    return two.isdigit() and two[0] != two[1]


PLANTS: Mapping[str, tuple[bool, Callable[[Row], Row]]] = {
    # what is planted beside a bill: whether it is the bill once more, and what of it is another
    "spaces and signs": (IS_TWICE, lambda bill: {"bill_number": f"# {bill['bill_number'][:3]} {bill['bill_number'][3:]}"}),
    "O for 0": (IS_TWICE, lambda bill: {"bill_number": bill["bill_number"].replace("0", "O")}),
    "a letter behind it": (IS_TWICE, lambda bill: {"bill_number": bill["bill_number"] + "a"}),
    "-1 behind it": (IS_TWICE, lambda bill: {"bill_number": bill["bill_number"] + "-1"}),
    "five weeks later": (IS_TWICE, lambda bill: _on(bill, 35)),
    "through Purchasing": (IS_TWICE, lambda bill: {"module": "9.PO"}),
    "another amount, the next day": (IS_TWICE, lambda bill: {**_on(bill, 1), **_more(bill, 110)}),
    "a vendor of the same name": (IS_TWICE, lambda bill: {"vendor": "same name"}),
    "without a number, the next day": (IS_TWICE, lambda bill: {**_on(bill, 1), "lacks": ["number"]}),
    "the same attachment, another number": (IS_TWICE, lambda bill: {**_on(bill, 1), "bill_number": "X", "file": True}),
    "two digits swapped": (IS_TWICE, lambda bill: {"bill_number": _swapped(bill["bill_number"])}),
    "one digit mistyped": (
        IS_TWICE,
        lambda bill: {"bill_number": f"{bill['bill_number'][:-1]}{9 - int(bill['bill_number'][-1])}"},
    ),
    "the same every month": (IS_NOT, lambda bill: {**_on(bill, -30), "bill_number": f"7{bill['record_no']}"}),
    "a second part, the next day": (IS_NOT, lambda bill: {**_on(bill, 1), "bill_number": bill["bill_number"] + "-2"}),
    "the same amount and day": (IS_NOT, lambda bill: {"bill_number": f"7{bill['record_no']}"}),
    "a credit": (IS_NOT, lambda bill: _more(bill, -100)),
    "a reversed one": (IS_NOT, lambda bill: {"state": "Reversed"}),
    "another vendor, the same number": (IS_NOT, lambda bill: {"vendor": "another"}),
}


@dataclass(frozen=True, kw_only=True)
class Planted:
    what: str
    is_twice: bool
    record_no: str
    beside: str


def plant(bills: Collection[Row], vendors: Collection[Row], act: Act, *, each: int) -> list[Planted]:
    """So many of each kind, each beside a bill of its own."""
    numbers = [bill["bill_number"] for bill in bills]
    good = [bill for bill in bills if _can_be_planted(bill) and numbers.count(bill["bill_number"]) == 1]
    free, spare = iter(good), cycle([vendor["vendor_id"] for vendor in vendors])
    return list(_planted(free, spare, {one["vendor_id"]: one["name"] for one in vendors}, act, each))


def _can_be_planted(bill: Row) -> bool:
    number, is_open = bill["bill_number"], bill["state"] in ("Posted", "Submitted")
    return is_open and number[-1:].isdigit() and "0" in number and bill["module"] == "3.AP" and bill["entity"] == "US01"


def _planted(free: Iterator[Row], spare: Iterator[str], names: dict[str, str], act: Act, each: int) -> Iterator[Planted]:
    renamed = set[str]()
    for what, (is_twice, change) in PLANTS.items():
        for _ in range(each):
            bill = next(one for one in free if one["vendor_id"] not in renamed)
            changes = change(bill)
            vendor, file = changes.pop("vendor", ""), changes.pop("file", False)
            if vendor:
                own = names[bill["vendor_id"]].casefold()[:ALIKE]
                changes["vendor_id"] = next(one for one in spare if names[one].casefold()[:ALIKE] != own)
            if vendor == "same name":
                names[changes["vendor_id"]] = called = f"{names[bill['vendor_id']].upper()} Ltd."
                act("intacct", CLERK, "edit_vendor", vendor_id=changes["vendor_id"], changes={"name": called})
                renamed.add(changes["vendor_id"])
            same = {name: bill[name] for name in ("bill_number", "vendor_id", "currency", "bill_date", "state")}
            same["amount"] = bill["transaction_total_entered"]
            made = act("intacct", CLERK, "create_bill", **{**same, **changes})
            for record_no in (bill["record_no"], made["record_no"]) if file else ():
                document = f"PLANT-{bill['record_no']}"
                act("intacct", CLERK, "attach_document", record_no=record_no, document_id=document)
            yield Planted(what=what, is_twice=is_twice, record_no=made["record_no"], beside=bill["record_no"])


def counted(planted: Iterable[Planted], told: Collection[frozenset[str]]) -> list[tuple[str, str, int, int]]:
    """For each kind: what it is, how many were planted, how many pairs of them were told. `told` are pairs of numbers."""
    rows: dict[str, list[Any]] = {}
    for one in planted:
        row = rows.setdefault(one.what, [one.what, "twice" if one.is_twice else "not", 0, 0])
        row[2] += 1
        row[3] += frozenset((one.record_no, one.beside)) in told
    return [tuple(row) for row in rows.values()]  # type: ignore[misc]


def main(
    bills: Annotated[int, typer.Option(min=500, max=100_000, help="Bills of the generated company.")] = 6000,
    each: Annotated[int, typer.Option(min=1, max=500, help="Bills planted of each kind.")] = 50,
    seed: Annotated[int, typer.Option(help="Another seed makes other vendors and bills.")] = 7,
) -> None:
    """Hits and false alarms of the control `duplicates`, over a company of thousands of bills."""
    before, planted, told = measure(bills=bills, each=each, seed=seed)
    pairs = {frozenset((one.record_no, one.beside)) for one in planted}
    print(f"\nBills that may be entered twice, among {bills:,} generated ones and {len(planted):,} planted ones")
    print(table(("planted", "is", "planted", "told"), counted(planted, told)))
    print(
        f"Told of the generated bills alone: {len(before)} pairs. Told of others than the planted: {len(told - pairs)} pairs."
    )


def measure(*, bills: int, each: int, seed: int) -> tuple[set[frozenset[str]], list[Planted], set[frozenset[str]]]:
    """The pairs that are told before anything was planted, what was planted, and the pairs that are told then."""
    with a_world() as steering:
        steering.http.post("/_sandbox/reset", json={"seed": seed, "vendors": 400, "bills": bills}, timeout=600)
        steering.call("POST", "settings", {"private_entities": []})
        state = steering.call("GET", "state/intacct")
        before = _told()
        planted = plant(state["bills"], state["vendors"], steering.act, each=each)
        return before, planted, _told()


def results(*, quick: bool) -> list[Result]:
    """Shares of all that was planted; which kinds are told and which are not stands in the command's own table."""
    _, planted, told = measure(bills=1500 if quick else 6000, each=5 if quick else 50, seed=7)
    return shares("duplicates", [row[1:] for row in counted(planted, told)], yes="twice")


def shares(name: str, kinds: Iterable[tuple[str, int, int]], *, yes: str) -> list[Result]:
    """Of each kind what it is, how many were planted and how many told: the hits, and the false alarms, in percent."""
    rows = list(kinds)
    parts = {"hits": [row for row in rows if row[0] == yes], "false_alarms": [row for row in rows if row[0] != yes]}
    return [
        Result(id=f"{name}_{what}", value=100 * sum(row[2] for row in part) / sum(row[1] for row in part), unit="% of planted")
        for what, part in parts.items()
    ]


def _told() -> set[frozenset[str]]:
    """By the real step over the real gateway; each pair by its record numbers."""
    from intacct_asana.deployment import flow_named
    from intacct_asana.flow.controls import Controls, DuplicateRule
    from intacct_asana.operators.controls.checking import Checks
    from intacct_asana.operators.flow_run import FlowRun
    from intacct_asana.sync.report import Report

    run = FlowRun(flow_named(FLOW).model_copy(update={"controls": Controls(duplicates=DuplicateRule()), "rehearsal": False}))
    Checks(run, Report(noun="bills")).look()
    number = {one.key: one.record_no for one in run.store.ledger().all()}
    return {frozenset((number[one.key], *(number[other] for other in one.others))) for one in run.store.concerns().open()}
