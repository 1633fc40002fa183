"""A limit cut into bills: what is told, what is ordinary, and figures of hits and false alarms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intacct_asana.controls.ledger import HeldLedger, name_like
from intacct_asana.controls.slices import SlicedLimits, edges_of
from intacct_asana.flow.controls import Controls, SliceRule
from intacct_asana.flow.rules import Approval
from intacct_asana.operators.controls.checking import Checks
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.records.concerns import BillFacts, Concern
from intacct_asana.sync.report import Report

from sandbox.bench.controls.slices import by_number, counted, plant
from tests.controls.controls_world import Controlled
from tests.reconciliation.reconciliation_world import ALICE, BEN

DAY = date(2026, 11, 1)
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
APPROVAL = Approval.model_validate(
    {
        "approvers": [
            {"email": "alice@x.example", "limits": {"USD": "1000"}},
            {"email": "ben@x.example", "limits": {"USD": "50000", "GBP": "800"}},
        ],
        "rules": [
            {"name": "large", "when": {"amount_from": {"USD": "5000"}}, "steps": [{"name": "one", "by": ["ben@x.example"]}]},
            {"name": "all", "steps": [{"name": "one", "by": ["alice@x.example", "ben@x.example"]}]},
        ],
    }
)


def a_bill(day: int, amount: str = "950", *, n: str = "", vendor: str = "V1", **more: Any) -> BillFacts:
    """A posted bill of Office Depot over 950.00 USD, entered by mgarcia in US01, on that day of November 2026."""
    number = n or f"{vendor}-{day}-{amount}"
    parts: dict[str, Any] = {
        "key": f"CO:ap:{number}",
        "record_no": number,
        "first_no": number,
        "number": number,
        "vendor_id": vendor,
        "vendor_name": "Office Depot" if vendor == "V1" else f"Vendor {vendor}",
        "currency": "USD",
        "base_currency": "USD",
        "amount": Decimal(amount),
        "state": "Posted",
        "bill_date": DAY + timedelta(days=day - 1),
        "created_by": "mgarcia",
        "entity_id": "US01",
    }
    parts |= more
    return BillFacts(**{"base_amount": parts["amount"], "vendor_like": name_like(parts["vendor_name"]), **parts})


def found(bills: Sequence[BillFacts], *, changed: Sequence[BillFacts] | None = None, **rules: Any) -> list[Concern]:
    control = SlicedLimits(rules=SliceRule(**rules), approval=APPROVAL, at=AT)
    return list(control.concerns(bills if changed is None else changed, HeldLedger(bills)))


def days(*of: int, amount: str = "950", **more: Any) -> list[BillFacts]:
    """A bill on each of these days, each a cent more than the one before, so that none is a bill that comes every month."""
    return [a_bill(day, str(Decimal(amount) + Decimal(at) / 100), **more) for at, day in enumerate(of)]


def changed(bills: list[BillFacts], **more: Any) -> list[BillFacts]:
    return [replace(one, **more) for one in bills]


FIVE = days(1, 3, 4, 8, 9)
ORDINARY = [a_bill(day, str(40 + 7 * day), n=f"small-{day}") for day in range(1, 15)]
TABLE: dict[str, tuple[list[BillFacts], dict[str, Any], int]] = {
    # the bills of the company, what the flow says, and on how many bills it is told
    "five bills within nine days": (FIVE, {}, 5),
    "three, and three are enough": (FIVE[:3], {}, 3),
    "two": (FIVE[:2], {}, 0),
    "two, where two are enough": (FIVE[:2], {"at_least": 2}, 2),
    "at the limit itself, which may be approved": (days(1, 2, 3, amount="999.98"), {}, 3),
    "at an amount at which a rule begins": (days(1, 2, 3, amount="5000"), {}, 0),
    "just below an amount at which a rule begins": (days(1, 2, 3, amount="4999"), {}, 3),
    "far under": (days(1, 2, 3, amount="849"), {}, 0),
    "further under, where the flow says so": (days(1, 2, 3, amount="849"), {"under_by_percent": 20}, 3),
    "over the limit": (days(1, 2, 3, amount="1000.01"), {}, 0),
    "on one day": (days(1, 1, 1), {}, 3),
    "not in so many days": (days(1, 8, 15), {}, 0),
    "a longer run of days": (days(1, 8, 15), {"window_days": 15}, 3),
    "one is paid already": ([*FIVE[:4], replace(FIVE[4], state="Paid")], {}, 4),
    "one is deleted": ([*FIVE[:2], replace(FIVE[2], state="Gone")], {}, 0),
    "by names that are written otherwise": (
        [*FIVE[:2], a_bill(4, vendor="V9", vendor_name="OFFICE DEPOT, Inc.")],
        {},
        3,
    ),
    "a vendor's new name": ([*FIVE[:2], replace(FIVE[2], vendor_name="Depot 24", vendor_like="depot 24")], {}, 3),
    "of several vendors, entered by one person": ([one for n in "567" for one in days(int(n), vendor=f"V{n}")], {}, 3),
    "of several vendors, where that is not looked at": (
        [one for n in "567" for one in days(int(n), vendor=f"V{n}")],
        {"by_creator": False},
        0,
    ),
    "of several vendors, entered by several people": (
        [one for n in "567" for one in days(int(n), vendor=f"V{n}", created_by=f"clerk{n}")],
        {},
        0,
    ),
    "in another base currency": (days(1, 2, 3, amount="750", base_currency="GBP", currency="GBP"), {}, 3),
    "in a base currency in which nobody has a limit": (days(1, 2, 3, base_currency="EUR"), {}, 0),
    "in another currency than the base": (changed(days(1, 2, 3), currency="EUR", amount=Decimal(800)), {}, 3),
    # What is ordinary.
    "the same amount every month": ([a_bill(day, "950", n=f"rent-{day}") for day in (-60, -30, 1)], {}, 0),
    "the rents of three places, every month": (
        [a_bill(day, "950", n=f"rent-{day}-{at}") for day in (-60, -29, 1) for at in "abc"],
        {},
        0,
    ),
    "the same amount every week, for a while": ([a_bill(day, "950", n=f"clean-{day}") for day in range(-69, 15, 7)], {}, 0),
    "credits": (changed(days(1, 2, 3), amount=Decimal(-950), base_amount=Decimal(-950)), {}, 0),
    "reversed and declined ones": ([replace(FIVE[0], state="Reversed"), replace(FIVE[1], state="Declined"), FIVE[2]], {}, 0),
    "bills of different entities": ([replace(one, entity_id=at) for one, at in zip(FIVE, "ABCDE", strict=True)], {}, 0),
    "bills of different entities, where the flow wants it": (
        [replace(one, entity_id=at) for one, at in zip(FIVE, "ABCDE", strict=True)],
        {"across_entities": True},
        5,
    ),
    "one order in many deliveries": (
        [a_bill(day, str(100 + 90 * day), n=f"part-{day}", source_document="PO-7") for day in range(1, 9)],
        {},
        0,
    ),
    "many small bills of one vendor, of which three are near the limit": (
        [*ORDINARY, *(a_bill(20 + 5 * at % 13, str(300 + 55 * at), n=f"more-{at}") for at in range(13))],
        {},
        0,
    ),
    "five among many small ones": ([*FIVE, *ORDINARY], {}, 5),
    "as many as are usual for the vendor": (
        [
            a_bill(day, f"9{50 + day % 7}.{day % 97:02}", n=f"usual-{day}", state="Paid" if day < -15 else "Posted")
            for day in range(-69, 15, 4)
        ],
        {},
        0,
    ),
    "as many are just over the limit": ([*FIVE[:3], *days(2, 5, amount="1050")], {}, 0),
    "without a day": (changed(FIVE, bill_date=None), {}, 0),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_cut_from_one_amount_and_what_is_ordinary(name: str) -> None:
    bills, rules, expected = TABLE[name]
    assert len(found(bills, **rules)) == expected, [one.words for one in found(bills, **rules)]


def test_what_people_read() -> None:
    concern = found(FIVE, mode="block")[1]
    assert concern.words == (
        "Bill V1-3-950.01 is one of 5 bills of Office Depot, dated within 9 days, that are each just under 1,000.00 USD "
        "(the limit of alice@x.example) and 4,750.10 USD together. "
        "The others: V1-1-950 950.00, V1-4-950.02 950.02, V1-8-950.03 950.03, V1-9-950.04 950.04."
    )
    assert (concern.blocks, concern.release_word, len(concern.others)) == (True, "Not a slice", 4)
    [creator, *_] = found([one for n in "567" for one in days(int(n), vendor=f"V{n}")])
    assert "3 bills that mgarcia entered (Vendor V5, Vendor V6, Vendor V7), dated within 3 days" in creator.words
    [alike, *_] = found([*FIVE[:2], a_bill(4, vendor="V9", vendor_name="OFFICE DEPOT, Inc.")])
    assert "of Office Depot, OFFICE DEPOT, Inc. (vendors V1, V9)" in alike.words


def test_a_sixth_bill_is_told_on_all_of_them_and_is_another_concern() -> None:
    sixth = a_bill(10, "951", n="sixth")
    before, after = found(FIVE), found([*FIVE, sixth], changed=[sixth])
    assert {one.key for one in after} == {sixth.key, *(one.key for one in FIVE)}
    assert not {one.concern_id for one in before} & {one.concern_id for one in after}
    assert all("one of 6 bills" in one.words for one in after)


some_bills = st.lists(
    st.tuples(
        st.integers(-60, 30),
        st.sampled_from(["950", "960", "999", "880", "1020", "300"]),
        st.sampled_from("12"),
        st.sampled_from("xy"),
    ),
    max_size=25,
)


@settings(max_examples=30, deadline=None)
@given(told=some_bills)
def test_whoever_is_looked_at_alone_is_told_what_all_are_told_together(told: list[tuple[int, str, str, str]]) -> None:
    """The same cause is the same concern, whichever bill changed; also where runs of days overlap."""
    bills = [
        a_bill(day, amount, n=f"n{at}", vendor=f"V{vendor}", created_by=clerk)
        for at, (day, amount, vendor, clerk) in enumerate(told)
    ]
    together = {one.concern_id: one.key for one in found(bills)}
    for bill in bills:
        alone = {one.concern_id: one.key for one in found(bills, changed=[bill])}
        assert alone.items() <= together.items()
        assert {name for name, key in alone.items() if key == bill.key} == {n for n, key in together.items() if key == bill.key}


def test_each_line_of_the_policy_once() -> None:
    told = [(edge.currency, edge.amount, edge.may_be_reached) for edge in edges_of(APPROVAL)]
    assert told == [("GBP", 800, True), ("USD", 1000, True), ("USD", 5000, False), ("USD", 50000, True)]


# Over the sandbox, with the real operators.

Company = Callable[..., Controlled]
BLOCKS = "slices: {mode: block}"


@pytest.mark.airflow
def test_five_bills_under_one_limit_are_named_and_wait(a_company: Company) -> None:
    """Each task names the others; an approval waits for a second person; a sixth bill is told anew on all of them."""
    flow = a_company(controls=BLOCKS)
    for number in range(1, 6):
        flow.enter(f"S-{number}", amount=f"95{number}.00", synced=False)
    flow.sync()
    for bill in (0, 1):
        flow.choose(ALICE, "Approved", bill=bill)
    assert flow.run()["states"] == {"PARKED": 2}
    for bill in range(5):
        [told] = flow.warned(bill)
        assert told.startswith(f"Bill S-{bill + 1} is one of 5 bills of ")
        assert "just under 1,000.00 USD (the limit of alice.martin@northwind.example) and 4,765.00 USD together" in told
        others = [f"S-{at + 1} 95{at + 1}.00" for at in range(5) if at != bill]
        assert told.endswith(f"The others: {', '.join(others)}.")
        links = [flow.store.links("bill").of([flow.key(at)])[flow.key(at)].task_url for at in range(5) if at != bill]
        assert all(
            f"S-{at + 1}: {url}" in flow.told(bill) for at, url in zip([n for n in range(5) if n != bill], links, strict=True)
        )
    flow.act(BEN, "comment", bill=0, text="Not a slice: five machines")
    flow.run()
    assert flow.held(0)["ASANA_DECISION"] == "Approved"
    assert flow.held(1)["ASANA_DECISION"] == ""
    flow.enter("S-6", amount="956.00")
    flow.run()
    assert "is one of 6 bills" in flow.warned(1)[-1]
    assert len(flow.warned(1)) == 2
    assert [one.state for one in flow.concerns(1)] == ["ENDED", "OPEN"]
    assert [one.state for one in flow.concerns(0)] == ["RELEASED", "OPEN"]
    assert flow.run()["states"] == {"PARKED": 1}
    assert [len(flow.warned(bill)) for bill in range(6)] == [2, 2, 2, 2, 2, 1]
    assert flow.calls_of(flow.check) == {"intacct query APBILL": 1}
    assert flow.store.verify_evidence() == []


def looked(company: Controlled, **rules: Any) -> dict[str, frozenset[str]]:
    """What the real step finds over the real gateway, without telling it."""
    flow = company.flow.model_copy(update={"controls": Controls(slices=SliceRule(**rules))})
    run = FlowRun(flow, now=lambda: company.at)
    run.__dict__["store"] = company.store
    Checks(run, Report(noun="bills")).look()
    return by_number(company.store)


@pytest.mark.airflow
def test_planted_bills_among_generated_ones(a_company: Company, figures: Callable[[str, object], None]) -> None:
    """What is told of 39 sets of bills that are planted among 1,000 bills, and that hardly anything else is.

    So many sets that two clerks enter in two weeks are what `by_creator` looks for: it is asked of the generated bills alone.
    """
    company = a_company(controls="slices: {}")
    # Of one instant, since how many bills one clerk enters in two weeks goes by the day.
    company.sandbox.reset(vendors=90, bills=1000, now=company.at.isoformat())
    company.sandbox.settings(private_entities=[])
    state = company.sandbox.state("intacct")
    generated = looked(company)
    planted = plant(state["vendors"], company.sandbox.act, today=company.at.date(), each=3, limit=1000)
    told = looked(company, by_creator=False)
    rows = counted(planted, told)
    ours = {number for one in planted for number in one.record_nos}
    others = [number for number, each in told.items() if not each & ours]
    missed = {what: made - hits for what, is_cut, made, hits in rows if is_cut == "cut" and hits < made}
    alarms = {what: hits for what, is_cut, _, hits in rows if is_cut == "not" and hits}
    figures("slices: planted cut", sum(made for _, is_cut, made, _ in rows if is_cut == "cut"))
    figures("slices: of those told", sum(hits for _, is_cut, _, hits in rows if is_cut == "cut"))
    figures("slices: false alarms among planted", sum(alarms.values()))
    figures("slices: generated bills told", len(generated))
    assert (missed, alarms) == ({}, {})
    assert others == []
    # By chance a few bills of one clerk look like it.
    assert len(generated) <= 3
