"""Which rule, which steps, who is due: a table a question."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.approvals.routing import Progress, Voice, due_words, progress_of, route_of
from intacct_asana.flow.policy import can_be_given
from intacct_asana.flow.rules import Approval
from intacct_asana.records import BillLine

from tests.approvals.settle_world import a_bill

DAY = date(2026, 11, 23)
LIMITS = {"ann": "1000", "ben": "5000", "cy": "90000", "dee": "1000", "eve": "90000"}


def mail(name: str) -> str:
    return f"{name}@x.example"


def an_approval(*rules: Any, **more: Any) -> Approval:
    people = [{"email": mail(name), "limits": {"USD": Decimal(limit)}} for name, limit in LIMITS.items()]
    return Approval.model_validate({"approvers": people, "rules": rules, **more})


def a_step(name: str, *people: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "by": [mail(one) if "." not in one else one.removeprefix(".") for one in people], **more}


def a_line(account: str = "6100", department: str = "", project: str = "") -> BillLine:
    nothing = Decimal(0)
    return BillLine(
        record_no="1",
        line_no=1,
        account_no=account,
        account_title="",
        amount=nothing,
        transaction_amount=nothing,
        department_id=department,
        project_id=project,
    )


@pytest.mark.parametrize(
    ("when", "bill", "fits"),
    [
        ({}, {}, True),
        ({"amount_from": {"USD": "900"}}, {}, True),
        ({"amount_from": {"USD": "900.01"}}, {}, False),
        ({"amount_from": {"USD": "900"}}, {"amount": Decimal("-900")}, True),
        ({"amount_from": {"GBP": "1"}}, {}, False),
        ({"amount_from": {"USD": "1"}}, {"base_currency": ""}, False),
        ({"amount_below": {"USD": "900"}}, {}, False),
        ({"amount_below": {"USD": "900.01"}}, {}, True),
        ({"amount_below": {"GBP": "10000"}}, {}, False),
        ({"amount_from": {"USD": "500"}, "amount_below": {"USD": "1000"}}, {}, True),
        ({"entity": ["US01"]}, {"entity_id": "US01"}, True),
        ({"entity": ["US01"]}, {"entity_id": ""}, False),
        ({"vendor": ["V1", "V2"]}, {}, True),
        ({"vendor": ["V2"]}, {}, False),
        ({"department": ["IT"]}, {"lines": (a_line(department="HR"), a_line(department="IT"))}, True),
        ({"department": ["IT"]}, {"lines": (a_line(department="HR"),)}, False),
        ({"gl_account": ["6400"]}, {"lines": (a_line("6100"), a_line("6400"))}, True),
        ({"project": ["P1"]}, {"lines": (a_line(project="P1"),)}, True),
        ({"project": ["P1"]}, {"lines": ()}, False),
        ({"department": ["IT"], "vendor": ["V2"]}, {"lines": (a_line(department="IT"),)}, False),
    ],
)
def test_a_rule_is_for_bills_that_fit_all_that_it_says(when: Any, bill: Any, fits: bool) -> None:
    rule = {"name": "first", "steps": [a_step("one", "ann")], **({"when": when} if when else {})}
    route = route_of(a_bill(**bill), an_approval(rule))
    assert (route is not None) == fits


def test_the_first_rule_that_fits_is_the_one() -> None:
    rules = [
        {"name": "other vendor", "when": {"vendor": ["V2"]}, "steps": [a_step("one", "ann")]},
        {"name": "this vendor", "when": {"vendor": ["V1"]}, "steps": [a_step("one", "ben")]},
        {"name": "all", "steps": [a_step("one", "cy")]},
    ]
    route = route_of(a_bill(), an_approval(*rules))
    assert route
    assert route.rule.name == "this vendor"


def test_without_rules_every_approver_may_decide_alone() -> None:
    route = route_of(a_bill(), an_approval())
    assert route
    assert [step.people for step in route.steps] == [tuple(mail(name) for name in LIMITS)]
    assert progress_of(route, [Voice(email=mail("eve"), on=DAY)]).is_complete


# Steps: who gave what, who is due. A case is the steps, who approved in this order, and what comes of it.

TWO = [a_step("manager", "ann", "dee"), a_step("controller", "ben", "cy")]
ALL = [a_step("owners", "ann", "ben", "cy", need="all")]
OF_THREE = [a_step("owners", "ann", "ben", "cy", need=2), a_step("last", "eve")]
AWAY = [{"from": mail("ben"), "to": mail("eve"), "first_day": DAY, "last_day": DAY}]
PAIR = [a_step("one", "ann", "ben"), a_step("two", "ann", "ben")]
LARGE = [a_step("manager", "ann", limit="none"), a_step("two", "ben")]
GROUP = [{"name": "one", "by": ["g", mail("ann")], "need": "all"}]
BOTH = [a_step("owners", "ben", "cy", need="all")]


@pytest.mark.parametrize(
    ("steps", "amount", "more", "approved", "due"),
    [
        (TWO, "900", {}, [], "manager: ann or dee"),
        (TWO, "900", {}, ["ann"], "controller: ben or cy"),
        (TWO, "900", {}, ["ann", "ben"], "done"),
        # Out of turn, twice, or in no step: it counts for nothing.
        (TWO, "900", {}, ["ben"], "manager: ann or dee"),
        (TWO, "900", {}, ["ann", "ann"], "controller: ben or cy"),
        (TWO, "900", {}, ["eve", "ann"], "controller: ben or cy"),
        (PAIR, "900", {}, ["ann"], "two: ben"),
        (PAIR, "900", {}, ["ann", "ann"], "two: ben"),
        # Limits: whoever has too low a one is not due, and does not count.
        (TWO, "1000", {}, [], "manager: ann or dee"),
        (TWO, "1000.01", {}, ["ann"], "manager: nobody"),
        ([a_step("manager", "ann", limit="none"), TWO[1]], "6000", {}, ["ann"], "controller: cy"),
        ([a_step("manager", "ann", limit="none"), TWO[1]], "6000", {}, ["ann", "ben"], "controller: cy"),
        # How many are needed.
        (ALL, "900", {}, ["ben"], "owners: ann and cy"),
        (ALL, "900", {}, ["ben", "ann"], "owners: cy"),
        (ALL, "900", {}, ["ben", "ann", "cy"], "done"),
        (ALL, "2000", {}, ["ben", "cy"], "owners: nobody"),
        (OF_THREE, "900", {}, [], "owners: 2 of ann, ben, cy"),
        (OF_THREE, "900", {}, ["cy"], "owners: ann or ben"),
        (OF_THREE, "900", {}, ["cy", "ann"], "last: eve"),
        # Groups, each of their people once.
        (GROUP, "900", {"groups": {"g": [mail("ann"), mail("dee")]}}, [], "one: ann and dee"),
        # Deputies: in the other's place and with the other's limit; the place is taken once.
        (TWO, "900", {"delegations": AWAY}, ["ann"], "controller: ben, cy or eve for ben"),
        (TWO, "900", {"delegations": AWAY}, ["ann", "eve"], "done"),
        (BOTH, "900", {"delegations": AWAY}, ["eve", "ben"], "owners: cy"),
        (BOTH, "900", {"delegations": AWAY}, ["eve", "cy"], "done"),
        (LARGE, "6000", {"delegations": AWAY}, ["ann", "eve"], "two: nobody"),
        # By a line's department.
        ([{"name": "owner", "department": {"IT": [mail("ann")], "HR": [mail("dee")]}}], "900", {}, [], "owner: ann"),
        ([{"name": "owner", "department": {"HR": [mail("dee")]}}], "900", {}, [], "owner: nobody"),
        # By a field of the vendor.
        ([{"name": "owner", "vendor_field": "Approver"}], "900", {}, [], "owner: dee"),
        ([{"name": "owner", "vendor_field": "Empty"}], "900", {}, ["dee"], "owner: nobody"),
        ([{"name": "owner", "vendor_field": "Stranger"}], "900", {}, ["zoe"], "owner: nobody"),
    ],
)
def test_who_is_due(steps: Any, amount: str, more: Any, approved: list[str], due: str) -> None:
    says = {"Approver": mail("dee"), "Stranger": mail("zoe")}
    bill = a_bill(amount=Decimal(amount), lines=(a_line(department="IT"),))
    approval = an_approval({"name": "all", "steps": steps}, **more)
    route = route_of(bill, approval, vendor_person=lambda field, bill: says.get(field, ""))
    assert route
    progress = progress_of(route, [Voice(email=mail(name), on=DAY, decision_id=name) for name in approved])
    assert said(progress) == due


def said(progress: Progress) -> str:
    if progress.is_complete:
        return "done"
    words = due_words(progress, on=DAY, name_of=lambda email: email.partition("@")[0])
    step = progress.route.steps[progress.place].step.name
    return f"{step}: {'nobody' if words.startswith('nobody') else words}"


def test_a_deputy_counts_on_the_days_of_the_delegation_only() -> None:
    route = route_of(a_bill(), an_approval({"name": "all", "steps": [a_step("one", "ben")]}, delegations=AWAY))
    assert route
    for day, counts in ((date(2026, 11, 22), False), (DAY, True), (date(2026, 11, 24), False)):
        assert progress_of(route, [Voice(email=mail("eve"), on=day)]).is_complete == counts


@pytest.mark.parametrize(
    ("steps", "can"),
    [
        ([("ab", 1), ("a", 1)], True),
        ([("a", 1), ("a", 1)], False),
        ([("ab", 2), ("abc", 1)], True),
        ([("ab", 2), ("ab", 1)], False),
        ([("abc", 1), ("ab", 1), ("a", 1)], True),
        ([("", 1)], False),
        ([], True),
    ],
)
def test_there_have_to_be_enough_different_people(steps: list[tuple[str, int]], can: bool) -> None:
    assert can_be_given(steps) == can
