"""How many amounts that were cut to stay under a limit are told, and how many ordinary bills: both planted into a company."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Annotated, Any

import typer
from intacct_asana.controls.ledger import name_like

from sandbox.bench.controls.duplicates import shares
from sandbox.bench.table import Result, table
from sandbox.bench.world import a_world

FLOW, CLERKS, LIMIT = "demo", ("mgarcia", "jchen"), 10_000
Row = dict[str, Any]
Act = Callable[..., Any]
IS_CUT, IS_NOT = True, False


def _cut(random: Random, count: int, days: int, **more: Any) -> list[Row]:
    """So many bills just under the limit, within so many days. Amounts are shares of the limit."""
    return [{"day": random.randrange(days), "amount": random.uniform(0.87, 0.995), **more} for _ in range(count)]


def _monthly(random: Random, places: int) -> list[Row]:
    amounts = [random.uniform(0.9, 0.99) for _ in range(places)]
    return [{"day": -30 * month, "amount": amount} for month in range(4) for amount in amounts]


def _usual(random: Random) -> list[Row]:
    """A vendor whose bills are always near that amount, the older ones paid."""
    days = range(-112, 1, 4)
    return [{"day": day, "amount": random.uniform(0.88, 0.99), "state": "Paid" if day < -42 else "Posted"} for day in days]


def _any_amount(random: Random) -> list[Row]:
    """A vendor with many bills of any amount up to twice the limit."""
    return [{"day": random.randrange(14), "amount": random.uniform(0.02, 2)} for _ in range(25)]


def _two_in_each_entity(random: Random) -> list[Row]:
    return [{**one, "entity": entity} for one, entity in zip(_cut(random, 4, 7), ("US01", "UK01") * 2, strict=True)]


PLANTS: Mapping[str, tuple[bool, Callable[[Random], list[Row]]]] = {
    # what is planted, whether it is one amount in slices, and its bills
    "five bills of one vendor": (IS_CUT, lambda random: _cut(random, 5, 13)),
    "three bills on one day": (IS_CUT, lambda random: _cut(random, 3, 1)),
    "five among twenty small ones": (
        IS_CUT,
        lambda random: [
            *_cut(random, 5, 13),
            *({"day": day, "amount": 0.03 + 0.0007 * day, "is_noise": True} for day in range(-7, 13)),
        ],
    ),
    "of two vendors of one name": (IS_CUT, lambda random: [*_cut(random, 2, 9), *_cut(random, 2, 9, vendor="same name")]),
    "some of them paid": (IS_CUT, lambda random: [*_cut(random, 3, 9), *_cut(random, 2, 9, state="Paid")]),
    "twenty percent under": (IS_NOT, lambda random: [{**one, "amount": 0.8} for one in _cut(random, 5, 13)]),
    "over six weeks": (IS_NOT, lambda random: [{"day": 14 * at, "amount": 0.9 + 0.001 * at} for at in range(-2, 1)]),
    "a rent every month": (IS_NOT, lambda random: _monthly(random, 1)),
    "four rents every month": (IS_NOT, lambda random: _monthly(random, 4)),
    "as many as always": (IS_NOT, _usual),
    "many bills of any amount": (IS_NOT, _any_amount),
    "credits": (IS_NOT, lambda random: [{**one, "amount": -one["amount"]} for one in _cut(random, 4, 9)]),
    "two in each entity": (IS_NOT, _two_in_each_entity),
}


@dataclass(frozen=True, kw_only=True)
class Planted:
    what: str
    is_cut: bool
    record_nos: frozenset[str]


def plant(vendors: Collection[Row], act: Act, *, today: date, each: int, limit: int = LIMIT, seed: int = 7) -> list[Planted]:
    """So many of each kind, each with vendors of its own, whose names nobody else has."""
    own = {name_like(one["name"]): one for one in vendors}
    return list(_planted(iter(own.values()), act, today - timedelta(days=15), each, limit, Random(seed)))


def _planted(vendors: Iterator[Row], act: Act, begin: date, each: int, limit: int, random: Random) -> Iterator[Planted]:
    for what, (is_cut, bills_of) in PLANTS.items():
        for _ in range(each):
            vendor, other, rows = next(vendors), next(vendors), bills_of(random)
            if any(row.get("vendor") for row in rows):
                changes = {"name": f"{vendor['name'].upper()}, Ltd."}
                act("intacct", CLERKS[0], "edit_vendor", vendor_id=other["vendor_id"], changes=changes)
            for row in rows:
                row["amount"] *= limit
            made = [(row, _enter(row, other if row.get("vendor") else vendor, act, begin, random)) for row in rows]
            numbers = frozenset(number for row, number in made if not row.get("is_noise"))
            yield Planted(what=what, is_cut=is_cut, record_nos=numbers)


def _enter(row: Row, vendor: Row, act: Act, begin: date, random: Random) -> str:
    """The clerks take turns, so that who entered a bill says nothing."""
    usual = {"state": row.get("state", "Posted"), "entity": row.get("entity", "US01"), "currency": "USD"}
    day = (begin + timedelta(days=row["day"])).isoformat()
    told = {**usual, "vendor_id": vendor["vendor_id"], "amount": f"{row['amount']:.2f}", "bill_date": day}
    number: str = act("intacct", random.choice(CLERKS), "create_bill", **told)["record_no"]
    return number


def counted(planted: Iterable[Planted], told: Mapping[str, frozenset[str]]) -> list[tuple[str, str, int, int]]:
    """For each kind: what it is, how many were planted, how many were told. `told` are the bills that each is told with.

    One that is cut is told where an open bill of it names all the others; an ordinary one where any of its bills is told.
    """
    rows: dict[str, list[Any]] = {}
    for one in planted:
        row = rows.setdefault(one.what, [one.what, "cut" if one.is_cut else "not", 0, 0])
        named = [told[number] for number in one.record_nos if number in told]
        row[2] += 1
        row[3] += any(one.record_nos <= each for each in named) if one.is_cut else bool(named)
    return [tuple(row) for row in rows.values()]  # type: ignore[misc]


def main(
    bills: Annotated[int, typer.Option(min=500, max=100_000, help="Bills of the generated company.")] = 6000,
    each: Annotated[int, typer.Option(min=1, max=15, help="How many of each kind are planted.")] = 15,
    seed: Annotated[int, typer.Option(help="Another seed makes other vendors and bills.")] = 7,
) -> None:
    """Hits and false alarms of the control `slices`, over a company of thousands of bills."""
    before, planted, told = measure(bills=bills, each=each, seed=seed)
    ours = {number for one in planted for number in one.record_nos}
    others = [number for number, each in told.items() if not each & ours]
    print(f"\nAmounts that were cut, among {bills:,} generated bills and {len(planted):,} planted sets of bills")
    print(table(("planted", "is", "planted", "told"), counted(planted, told)))
    print(f"Of the generated bills alone {len(before)} are told, and beside the planted ones {len(others)}.")


Told = dict[str, frozenset[str]]


def measure(*, bills: int, each: int, seed: int) -> tuple[Told, list[Planted], Told]:
    """What is told before anything was planted, what was planted, and what is told then."""
    with a_world() as steering:
        steering.http.post("/_sandbox/reset", json={"seed": seed, "vendors": 1000, "bills": bills}, timeout=600)
        steering.call("POST", "settings", {"private_entities": []})
        state = steering.call("GET", "state/intacct")
        before = _told()
        today = max(date.fromisoformat(one["bill_date"]) for one in state["bills"] if one["bill_date"])
        planted = plant(state["vendors"], steering.act, today=today, each=each, seed=seed)
        return before, planted, _told(by_creator=False)


def results(*, quick: bool) -> list[Result]:
    """Shares of all that was planted; which kinds are told and which are not stands in the command's own table."""
    _, planted, told = measure(bills=1500 if quick else 6000, each=3 if quick else 15, seed=7)
    return shares("slices", [row[1:] for row in counted(planted, told)], yes="cut")


def _told(**rules: Any) -> dict[str, frozenset[str]]:
    """By the real step over the real gateway: each bill with those that it is told with, by record number.

    The planted bills are entered by two clerks in two weeks, which is what `by_creator` looks for: it is asked without them.
    """
    from intacct_asana.deployment import flow_named
    from intacct_asana.flow.controls import Controls, SliceRule
    from intacct_asana.operators.controls.checking import Checks
    from intacct_asana.operators.flow_run import FlowRun
    from intacct_asana.sync.report import Report

    run = FlowRun(flow_named(FLOW).model_copy(update={"controls": Controls(slices=SliceRule(**rules)), "rehearsal": False}))
    Checks(run, Report(noun="bills")).look()
    return by_number(run.store)


def by_number(store: Any) -> dict[str, frozenset[str]]:
    number = {one.key: one.record_no for one in store.ledger().all()}
    opened = store.concerns().open()
    return {number[one.key]: frozenset((number[one.key], *(number[key] for key in one.others))) for one in opened}
