"""What one person approved in some days stays within a limit, in however many bills and in whatever order it is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.approvals.guards.cumulative import Spent, fullest, sums_are_within_limits
from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.rehearse import RehearsedDecisions
from intacct_asana.approvals.seen import Case
from intacct_asana.flow.policy import CumulativeLimit
from intacct_asana.flow.rules import Approval
from intacct_asana.records import DecisionState, Verdict, snapshot_of
from intacct_asana.records.recorded import Recorded, approvals_in

from tests.approvals.settle_world import ALICE, BEN, ERIN, a_bill, a_policy
from tests.approvals.test_guard_findings import AT, a_case, a_decision, a_signal
from tests.policy.policy_world import ALICE as ALICE_AT
from tests.policy.policy_world import BEN as BEN_AT
from tests.policy.policy_world import Steps

MONTH = {"days": 30, "amounts": {"USD": "2000"}}
TOGETHER = {**MONTH, "vendors": "together"}
DEPUTY = {"from": "ben@x.example", "to": "alice@x.example", "first_day": date(2026, 11, 1), "last_day": date(2026, 11, 30)}
BENS = [{"name": "all", "steps": [{"name": "one", "by": ["ben@x.example"]}]}]


def approved(number: str, amount: str, *, days_ago: int = 1, by: str = ALICE, place_of: str = "", **bill: str) -> Recorded:
    """INV-1 of 900.00 USD from vendor V1, that Alice approved."""
    body = {"bill_number": number, "total_entered": amount, "base_currency": "USD", "vendor_id": "V1", **bill}
    route = {"steps": [{"given": [{"decision_id": f"dec-{number}", "by": "", "for": place_of}]}]}
    at = AT - timedelta(days=days_ago)
    key = bill.get("key", f"co:ap:{number}")
    return Recorded(decision_id=f"dec-{number}", key=key, verdict=Verdict.APPROVE, at=at, gid=by, bill=body, route=route)


def asked(*before: Recorded, limits: Any = (MONTH,), bill: Mapping[str, Any] | None = None, **flow: Any) -> Case:
    """Alice approves INV-4711 of 900.00 USD from Acme (V1) on 2026-11-23."""
    this = a_bill(**(bill or {}))
    policy: Policy = a_policy(cumulative_limits=tuple(CumulativeLimit.model_validate(one) for one in limits))
    said = {**policy.approval.model_dump(by_alias=True), **flow}
    since = lambda at: [one for one in before if one.at >= at]  # noqa: E731
    policy = replace(policy, approval=Approval.model_validate(said), approved_since=since)
    return a_case(policy=policy, bill=this, decision=a_decision(shown_digest=snapshot_of(this).digest))


def told(case: Case) -> str:
    found = sums_are_within_limits(case)
    return "" if found is None or found.passed else found.said


OVER = "With this bill Alice Martin would have approved "
TABLE: dict[str, tuple[Case, str]] = {
    "nothing before": (asked(), ""),
    "just within": (asked(approved("INV-1", "1100.00")), ""),
    "a cent over": (
        asked(approved("INV-1", "1100.01")),
        OVER + "2,000.01 USD for Acme in 30 days; the limit is 2,000.00 USD. Already: INV-1 1,100.01.",
    ),
    "two before": (
        asked(approved("INV-1", "700.00", days_ago=9), approved("INV-2", "600.00")),
        OVER + "2,200.00 USD for Acme in 30 days; the limit is 2,000.00 USD. Already: INV-1 700.00, INV-2 600.00.",
    ),
    "this one alone": (
        asked(limits=[{"days": 1, "amounts": {"USD": "899"}}]),
        OVER + "900.00 USD for Acme in 1 day; the limit is 899.00 USD.",
    ),
    "29 days ago counts": (asked(approved("INV-1", "1500.00", days_ago=29)), OVER),
    "30 days ago does not": (asked(approved("INV-1", "1500.00", days_ago=30)), ""),
    "chosen later, and known before": (asked(approved("INV-1", "1500.00", days_ago=-3)), OVER),
    "two runs of days, each within": (
        asked(approved("INV-1", "1000.00", days_ago=20), approved("INV-2", "1000.00", days_ago=-20)),
        "",
    ),
    "another vendor": (asked(approved("INV-1", "1500.00", vendor_id="V2")), ""),
    "another vendor, together": (
        asked(approved("INV-1", "1500.00", vendor_id="V2"), limits=[TOGETHER]),
        OVER + "2,400.00 USD in 30 days; the limit is 2,000.00 USD. Already: INV-1 1,500.00.",
    ),
    "another currency": (asked(approved("INV-1", "1500.00", base_currency="GBP")), ""),
    "another person": (asked(approved("INV-1", "1500.00", by=BEN)), ""),
    "a bill twice": (asked(approved("INV-1", "1500.00", key="k"), approved("INV-2", "1000.00", days_ago=0, key="k")), ""),
    "this very bill": (asked(approved("INV-4711", "1500.00", key="co:ap:65")), ""),
    "a credit before makes no room": (asked(approved("INV-1", "1500.00"), approved("CR-1", "-1500.00")), OVER),
    "a credit": (asked(approved("INV-1", "2500.00"), bill={"amount": Decimal("-900.00")}), ""),
    "no limit in that currency": (
        asked(bill={"base_currency": "GBP"}),
        "Alice Martin has no limit for 30 days for bills in GBP.",
    ),
    "two limits, both told": (
        asked(approved("INV-1", "1500.00"), limits=[MONTH, {**TOGETHER, "days": 7}]),
        OVER + "2,400.00 USD for Acme in 30 days; the limit is 2,000.00 USD. Already: INV-1 1,500.00. "
        "With this bill Alice Martin would have approved 2,400.00 USD in 7 days; the limit is 2,000.00 USD. "
        "Already: INV-1 1,500.00.",
    ),
    "as a deputy: the person's own, and by deputies": (
        asked(
            approved("INV-1", "800.00", by=BEN),
            approved("INV-2", "700.00", by=ERIN, place_of="ben@x.example"),
            rules=BENS,
            delegations=[DEPUTY],
        ),
        "With this bill ben@x.example with deputies would have approved 2,400.00 USD for Acme in 30 days",
    ),
    "as a deputy: for themselves too": (
        asked(approved("INV-1", "1500.00"), rules=BENS, delegations=[DEPUTY]),
        OVER + "2,400.00 USD",
    ),
    "a step without limit": (
        asked(
            approved("INV-1", "1500.00"),
            rules=[{"name": "all", "steps": [{"name": "one", "by": ["alice@x.example"], "limit": "none"}]}],
        ),
        "",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_approved_in_some_days_stays_within_the_limit(name: str) -> None:
    case, words = TABLE[name]
    said = told(case)
    assert said.startswith(words) if words == OVER or not words.endswith(".") else said == words
    assert bool(said) == bool(words)


def test_an_approvers_own_limits_take_the_place_of_the_policys() -> None:
    def with_own(own: Any) -> Case:
        case = asked(approved("INV-1", "1500.00"))
        said = case.policy.approval.model_dump(by_alias=True)
        said["approvers"][0]["cumulative_limits"] = own
        return replace(case, policy=replace(case.policy, approval=Approval.model_validate(said)))

    assert told(with_own(None)).startswith(OVER)
    assert not told(with_own([]))
    assert not told(with_own([{**MONTH, "amounts": {"USD": "2400"}}]))


def test_a_rejection_needs_no_room() -> None:
    case = asked(approved("INV-1", "1500.00"))
    signal = a_signal(verdict=Verdict.REJECT, reason="no")
    assert sums_are_within_limits(replace(case, decision=replace(case.decision, signal=signal))) is None


def test_a_policy_that_says_nothing_of_it_keeps_its_text() -> None:
    assert "cumulative" not in a_policy().approval.policy_text
    with_limit = asked().policy.approval
    assert "cumulative" in with_limit.policy_text


spent = st.builds(Spent, on=st.dates(date(2026, 1, 1), date(2026, 1, 25)), amount=st.integers(1, 9).map(Decimal))


@given(days=st.integers(1, 9), most=st.integers(5, 30), choices=st.lists(spent, max_size=12))
def test_whatever_the_order_no_run_of_days_is_over_the_limit(days: int, most: int, choices: list[Spent]) -> None:
    limit = CumulativeLimit(days=days, amounts={"USD": Decimal(most)})
    taken: list[Spent] = []
    for one in choices:
        if not fullest(limit, one, taken).is_over("USD"):
            taken.append(one)
    for first in (one.on for one in taken):
        run = [one.amount for one in taken if first <= one.on < first + timedelta(days=days)]
        assert sum(run) <= most


Policies = Callable[..., Steps]


def test_a_third_bill_of_one_vendor_is_refused_in_words(a_policy: Policies) -> None:
    """Over the sandbox: the approval that was taken back makes room, and no call is made for any of it."""
    limits = "  cumulative_limits: [{days: 30, amounts: {USD: 1200.00}}]\n"
    flow = a_policy(policy=limits, bills=3)
    flow.say(ALICE_AT, bill=0)
    flow.say(ALICE_AT, bill=1)
    flow.heal()
    flow.say(ALICE_AT, bill=2)
    flow.heal()
    assert [flow.states(bill) for bill in range(3)] == [["CONFIRMED"], ["CONFIRMED"], ["REFUSED"]]
    said = flow.last_told(2)
    numbers = [f"NEW-{flow.bills[bill]}" for bill in range(2)]
    assert "With this bill Alice Martin would have approved 1,500.00 USD for" in said
    assert f"in 30 days; the limit is 1,200.00 USD. Already: {numbers[0]} 500.00, {numbers[1]} 500.00." in said
    flow.is_undecided(2)
    flow.edit(bill=0, due_on="2026-12-30")
    flow.heal()
    assert flow.states(0) == ["VOID"]
    flow.say(ALICE_AT, bill=2)
    flow.heal()
    assert flow.states(2) == ["REFUSED", "CONFIRMED"]


DEPUTIES = """
  cumulative_limits: [{days: 30, amounts: {USD: 1200.00}}]
  delegations:
    - {from: ben.okafor@northwind.example, to: alice.martin@northwind.example, first_day: 2026-11-01, last_day: 2026-12-31}
  rules:
    - {name: every bill, steps: [{name: controller, by: [ben.okafor@northwind.example]}]}
"""


def test_what_a_deputy_approved_counts_for_whom_they_stood_in_for(a_policy: Policies) -> None:
    """Over the sandbox: the evidence says in whose place somebody decided."""
    flow = a_policy(policy=DEPUTIES, bills=3)
    flow.say(ALICE_AT, bill=0)
    flow.say(ALICE_AT, bill=1)
    flow.heal()
    flow.say(BEN_AT, bill=2)
    flow.heal()
    assert [flow.states(bill) for bill in range(3)] == [["CONFIRMED"], ["CONFIRMED"], ["REFUSED"]]
    assert "With this bill Ben Okafor would have approved 1,500.00 USD for" in flow.last_told(2)


def test_an_approval_that_a_later_rejection_countered_counts_no_more() -> None:
    first, second = approved("INV-1", "500.00", days_ago=5), approved("INV-2", "500.00", days_ago=5)
    rejected = [replace(first, decision_id="no", verdict=Verdict.REJECT, at=AT)]
    rejected += [replace(second, decision_id="no-2", verdict=Verdict.REJECT, at=AT - timedelta(days=6))]
    assert approvals_in([*rejected, first, second]) == [second]


def test_a_rehearsal_counts_what_it_would_have_approved() -> None:
    stored = FakeStored([approved("INV-1", "500.00"), approved("INV-2", "500.00")])
    rehearsed = RehearsedDecisions(cast(Any, stored))
    facts = {"bill": {"total_entered": "700", "base_currency": "USD"}, "rules": [], "who": {"email": "alice@x.example"}}
    rehearsed.advance(a_decision(decision_id="dec-9"), to=DecisionState.CLEARED, facts=facts, at=AT)
    rehearsed.advance(a_decision(decision_id="dec-INV-2"), to=DecisionState.VOID, facts={}, at=AT)
    found = rehearsed.approved_since(AT - timedelta(days=9))
    assert [(one.decision_id, one.amount) for one in found] == [("dec-INV-1", 500), ("dec-9", 700)]


class FakeStored:
    """The store, as far as a rehearsal asks it."""

    def __init__(self, found: list[Recorded]) -> None:
        self.found = found

    def approved_since(self, at: datetime) -> list[Recorded]:
        return [one for one in self.found if one.at >= at]
