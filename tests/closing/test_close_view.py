"""Who held which bill at the end of a day: a history as people would tell it, asked at each of its days."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from intacct_asana.closing.facts import BillThen, ExceptionThen, Part, Told, bill_then
from intacct_asana.closing.table import by_of, rows_csv, sums_csv, sums_of
from intacct_asana.closing.view import Approved, Known, Row, Seen, View, end_of, not_over, view_of
from intacct_asana.errors import Misconfigured
from intacct_asana.flow.rules import Approval
from intacct_asana.records import Bill, BillLine, BillState

LONDON = ZoneInfo("Europe/London")
DAY = date(2026, 11, 30)
ALICE, BEN = "alice@x.example", "ben@x.example"
LIMITS = {"USD": "1000.00", "GBP": "1000.00"}
RULES: dict[str, Any] = {
    "approvers": [{"email": email, "limits": LIMITS, "intacct_users": []} for email in (ALICE, BEN)],
}
STEPS = [{"name": "manager", "by": [ALICE]}, {"name": "controller", "by": [BEN]}]
IN_STEPS = {**RULES, "rules": [{"name": "all", "steps": STEPS}]}


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def a_bill(**more: Any) -> BillThen:
    basis = BillThen(
        record_no="17",
        number="INV-1",
        vendor_id="V1",
        vendor_name="Globex",
        state=BillState.SUBMITTED,
        entity_id="UK01",
        bill_date=date(2026, 11, 3),
        currency="GBP",
        amount=Decimal("100.00"),
        due=Decimal("100.00"),
    )
    return replace(basis, **more)


def told(step: str, when: datetime, *, decision: str = "d1", verdict: str = "approve", **said: Any) -> Told:
    signal = {
        "verdict": verdict,
        "decided_at": "2026-11-10T12:00:00.000000Z",
        "decider_gid": "101",
        "decider_name": "Alice Martin",
        "source": "web",
        "reason": said.pop("reason", ""),
    }
    body = {"signal": signal, "decider_email": ALICE, "step": step, **said}
    return Told(key="k", decision_id=decision, at=when, said=body)


def seen(*facts: tuple[datetime, BillThen]) -> list[Seen]:
    return [Seen(at=when, bill=bill) for when, bill in facts]


def view(*bills: list[Seen], rules: dict[str, Any] | None = RULES, day: date = DAY, **more: Any) -> View:
    keyed = {("k" if not place else f"k{place}"): facts for place, facts in enumerate(bills)}
    known = Known(
        flow="small",
        day=day,
        zone=LONDON,
        bills=keyed,
        approval=Approval.model_validate(rules) if rules else None,
        **{"began_at": at(1), "whole_at": at(1), "looked_at": end_of(day, LONDON), **more},
    )
    return view_of(known)


def the_row(*facts: tuple[datetime, BillThen], **how: Any) -> Row:
    [row] = view(seen(*facts), **how).rows
    return row


def test_an_undecided_bill_waits_for_whoever_is_due_since_it_could_be_decided() -> None:
    drafted, submitted = a_bill(state=BillState.DRAFT, created_by="mgarcia"), a_bill()
    row = the_row((at(5), drafted), (at(10), submitted))
    assert (row.waits_for, row.approved, row.kinds) == (f"{ALICE} or {BEN}", Approved.NO, ("unposted", "unapproved"))
    assert (row.since_bill_date, row.since_known, row.waits) == (27, 25, 20)
    row = the_row((at(5), drafted))
    assert (row.waits_for, row.waits) == ("Intacct: Draft, entered by mgarcia", 25)


def test_a_bill_is_known_since_its_task_showed_it_where_that_was_earlier() -> None:
    assert the_row((at(20), a_bill()), first_shown={"k": at(2)}).since_known == 28
    assert the_row((at(20), a_bill()), first_shown={"k": at(2)}).waits == 28


@pytest.mark.parametrize(
    ("rows", "approved", "kinds", "waits_for", "waits"),
    [
        ([told("RECORDED", at(10))], "on its way", ("unapproved",), "the integration: a decision is on its way", 20),
        (
            [told("RECORDED", at(10)), told("PARKED", at(12), outcome="The books are closed.\nOpen them.")],
            *("parked", ("unapproved", "parked"), "parked: The books are closed. Open them.", 18),
        ),
        (
            [
                told("RECORDED", at(10)),
                told("PARKED", at(12), outcome="closed"),
                told("CONFIRMED", at(14)),
                told("TOLD", at(15)),
            ],
            *("approved", (), "", 21),
        ),
        ([told("RECORDED", at(10)), told("REFUSED", at(12))], "no", ("unapproved",), f"{ALICE} or {BEN}", 18),
        (
            [told("RECORDED", at(10)), told("CONFIRMED", at(12)), told("VOID", at(20))],
            *("no", ("unapproved",), f"{ALICE} or {BEN}", 10),
        ),
        (
            [told("CONFIRMED", at(12), verdict="reject", reason="not ours")],
            *("rejected", ("unapproved",), f"rejected by {ALICE}: not ours", 18),
        ),
    ],
)
def test_decisions_count_as_they_stood(rows: list[Told], approved: str, kinds: Any, waits_for: str, waits: int) -> None:
    row = the_row((at(9), a_bill(state=BillState.POSTED)), told=rows)
    assert (row.approved, row.kinds, row.waits_for, row.waits) == (approved, kinds, waits_for, waits)


def test_of_two_steps_the_second_ones_people_hold_the_bill() -> None:
    assert the_row((at(9), a_bill()), rules=IN_STEPS).waits_for == ALICE
    row = the_row((at(9), a_bill()), rules=IN_STEPS, told=[told("RECORDED", at(10)), told("GRANTED", at(11))])
    assert (row.approved, row.waits_for, row.waits) == (Approved.PARTLY, BEN, 19)


def test_a_rule_goes_by_what_the_bill_and_its_vendor_said_then() -> None:
    by_field = [{"name": "buyer", "vendor_field": "Buyer"}]
    dear = {"name": "dear", "when": {"amount_from": {"GBP": "500.00"}}, "steps": [{"name": "controller", "by": [BEN]}]}
    rules = {**RULES, "rules": [dear, {"name": "office", "when": {"department": ["300"]}, "steps": by_field}]}
    office = a_bill(parts=(Part(account="6250", department="300", amount=Decimal(100)),), named={"Buyer": ALICE})
    assert the_row((at(9), office), rules=rules).waits_for == ALICE
    assert the_row((at(9), office), (at(10), replace(office, amount=Decimal(600))), rules=rules).waits_for == BEN
    assert the_row((at(9), a_bill()), rules=rules).waits_for == "nobody: no rule of the policy is for it"


def test_what_is_approved_waits_for_intacct_until_it_is_posted() -> None:
    row = the_row((at(9), a_bill()), told=[told("CONFIRMED", at(12))])
    assert (row.kinds, row.waits_for, row.waits) == (("unposted",), "Intacct: Submitted", 21)


def test_a_bill_that_is_open_again_waits_since_then() -> None:
    paid = [Seen(at=at(5), bill=a_bill()), Seen(at=at(10), bill=a_bill(), is_open=False), Seen(at=at(20), bill=a_bill())]
    [row] = view(paid).rows
    assert (row.waits, row.since_known) == (10, 25)


def test_an_exception_about_a_bill_names_its_owner() -> None:
    one = ExceptionThen(about="k", kind="refused", title="Refused: Bill INV-1", owner=BEN, opened_at=at(12))
    other = replace(one, about="another")
    assert the_row((at(9), a_bill()), exceptions=[other, one]).exceptions == (f"{BEN}: Refused: Bill INV-1",)


def test_a_day_ends_at_midnight_of_the_flows_zone() -> None:
    new_york = ZoneInfo("America/New_York")
    assert end_of(DAY, new_york) == datetime(2026, 12, 1, 5, tzinfo=UTC)
    assert end_of(date(2026, 3, 8), new_york) - end_of(date(2026, 3, 7), new_york) == timedelta(hours=24)
    # The day on which clocks go forward there is an hour shorter.
    spring = [end_of(date(2026, 3, day), new_york).astimezone(UTC) for day in (7, 8)]
    assert spring[1] - spring[0] == timedelta(hours=23)
    assert not_over(DAY, new_york, now=datetime(2026, 12, 1, 5, 14, tzinfo=UTC))
    assert not not_over(DAY, new_york, now=datetime(2026, 12, 1, 5, 15, tzinfo=UTC))
    # Kept at 23:30 UTC: in London the same day, in Sydney the next.
    late = [Seen(at=datetime(2026, 11, 29, 23, 30, tzinfo=UTC), bill=a_bill())]
    assert view(late).rows[0].since_known == 1
    sydney = Known(flow="small", day=DAY, zone=ZoneInfo("Australia/Sydney"), bills={"k": late})
    assert view_of(sydney).rows[0].since_known == 0


def test_what_nobody_knew_is_said_first() -> None:
    assert view(began_at=None).notes == (
        "Nothing was known at the end of 2026-11-30: what bills said is kept since a later day.",
    )
    [missing] = view(seen((at(9), a_bill())), whole_at=None).notes
    assert missing.startswith(
        "What bills said is kept since 2026-11-01 12:00, and by the end of 2026-11-30 not every open bill"
    )
    [stale] = view(seen((at(9), a_bill())), looked_at=at(29)).notes
    assert stale.startswith("Bills were read last on 2026-11-29 at about 12:00;")
    unruled = view(seen((at(9), a_bill())), rules=None)
    assert (len(unruled.notes), unruled.rows[0].waits_for) == (1, "not known")


# Sums and files.


def two_companies() -> View:
    lines = (
        Part(account="6000", project="P1", amount=Decimal("70.00")),
        Part(account="6100", project="P1", amount=Decimal("20.00")),
    )
    parted = a_bill(parts=lines, posted_on=date(2026, 12, 1))
    posted = a_bill(entity_id="US01", currency="USD", state=BillState.POSTED, amount=Decimal("0.10"), number="INV-2")
    return view(seen((at(9), parted)), seen((at(9), posted)), seen((at(9), replace(posted, number="INV-3"))))


def test_sums_stand_by_group_and_currency_and_count_what_is_held() -> None:
    assert [(one.group, one.currency, one.open, one.unposted) for one in sums_of(two_companies(), by_of("entity, period"))] == [
        (("UK01", "2026-12"), "GBP", (1, Decimal("100.00")), (1, Decimal("100.00"))),
        (("US01", "2026-11"), "USD", (2, Decimal("0.20")), (0, Decimal(0))),
    ]
    with pytest.raises(Misconfigured, match="cannot be summed by vendor; write some of entity, period, account, project"):
        by_of("entity,vendor")


def test_lines_share_a_bill_between_accounts_and_projects_and_what_they_leave_stands_by_itself() -> None:
    pounds = [one for one in sums_of(two_companies(), ("account",)) if one.currency == "GBP"]
    assert [(one.group, one.open) for one in pounds] == [
        (("",), (1, Decimal("10.00"))),
        (("6000",), (1, Decimal("70.00"))),
        (("6100",), (1, Decimal("20.00"))),
    ]
    by_project = [one for one in sums_of(two_companies(), ("project",)) if one.currency == "GBP"]
    assert [(one.group, one.open[1]) for one in by_project] == [(("",), Decimal("10.00")), (("P1",), Decimal("90.00"))]
    assert sum(one.open[1] for one in pounds) == Decimal("100.00")


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t"])
def test_no_cell_of_a_file_is_a_formula(begins: str) -> None:
    hostile = a_bill(vendor_name=f"{begins}HYPERLINK(1)", number=f"{begins}cmd", amount=Decimal("-5.00"))
    text = rows_csv(view(seen((at(9), hostile))))
    [row] = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert row["vendor_name"] == f"'{begins}HYPERLINK(1)"
    assert row["bill"] == f"'{begins}cmd"
    # A number is none, and stays one.
    assert row["amount"] == "-5.00"


def test_a_file_has_a_row_a_bill_and_the_same_bytes_in_whatever_order_bills_come() -> None:
    whole, bills = two_companies(), {number: seen((at(9), a_bill(number=number))) for number in ("INV-9", "INV-10", "INV-1")}
    known = [Known(flow="small", day=DAY, zone=LONDON, bills=dict(order)) for order in (bills.items(), reversed(bills.items()))]
    assert len({rows_csv(view_of(one)) for one in known}) == 1
    told_twice = [*csv.DictReader(io.StringIO(rows_csv(whole, by_of("account")).removeprefix("\ufeff")))]
    assert [(row["bill"], row["account"], row["amount"]) for row in told_twice] == [
        *(("INV-1", "6000", "70.00"), ("INV-1", "6100", "20.00"), ("INV-1", "", "10.00")),
        *(("INV-2", "", "0.10"), ("INV-3", "", "0.10")),
    ]
    assert sums_csv(whole, ()).splitlines()[1] == '"GBP","1","100.00","1","100.00","1","100.00","0","0.00"'


def test_a_fact_holds_what_a_bill_said_and_lines_of_one_place_together() -> None:
    def line(number: int, account: str, amount: str) -> BillLine:
        money = Decimal(amount)
        return BillLine(
            record_no=str(number),
            line_no=number,
            account_no=account,
            account_title="Rent",
            amount=money,
            transaction_amount=money,
        )

    bill = Bill(
        bill_key="k",
        record_no="17",
        bill_number="INV-1",
        vendor_id="V1",
        vendor_name="Globex",
        state=BillState.POSTED,
        total_entered=Decimal("3.00"),
        currency="EUR",
        lines=(line(2, "6100", "1.00"), line(1, "6000", "1.50"), line(3, "6100", "0.50")),
    )
    then = bill_then(bill, base_currency="USD")
    assert (then.currency, then.bill_currency) == ("USD", "EUR")
    assert [(part.account, part.amount) for part in then.parts] == [("6000", Decimal("1.50")), ("6100", Decimal("1.50"))]
    assert (then.period, replace(then, bill_date=date(2026, 1, 31)).period) == ("", "2026-01")
