"""Random histories of a company whose bills are on hold until several people, one after the other, approved them.

The rules of the flow file stand here once more, as a model that knows nothing of our code.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from intacct_asana.records import Verdict

from tests.databases import NewStore
from tests.policy.policy_world import CARLA, DEV, MORE_PEOPLE
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN, GUS
from tests.standing.standing_history import (
    AMOUNT,
    BILL,
    BILLS,
    CLERKS,
    LOSSES,
    MOMENT,
    OPTION,
    SOURCE,
    WRITES,
    Choice,
    Content,
    History,
    Noted,
)
from tests.standing.standing_world import CLERK, Standing
from tests.standing.test_write_steps import write_back

LOGINS = {ALICE: "amartin", BEN: "bokafor", CARLA: "cruiz", DEV: "dpatel"}
LIMITS = {ALICE: 1_000, BEN: 50_000, CARLA: 50_000, DEV: 1_000}
FROM, FIRST_DAY, LAST_DAY, GOOD_FOR = 600, date(2026, 11, 20), date(2026, 11, 24), timedelta(days=2)
POLICY = f"""
  groups: {{managers: [{ALICE}, {DEV}]}}
  delegations: [{{from: {BEN}, to: {CARLA}, first_day: {FIRST_DAY}, last_day: {LAST_DAY}}}]
  rules:
    - name: small bills
      when: {{amount_below: {{USD: {FROM}.00}}}}
      steps:
        - {{name: manager, by: [managers], limit: none, good_for_days: {GOOD_FOR.days}}}
        - {{name: controller, by: [{BEN}]}}
    - name: large bills
      steps:
        - {{name: owners, by: [{ALICE}, {BEN}], need: all, limit: none}}
        - {{name: controller, by: [{CARLA}]}}
"""
BEFORE = "[bokafor]}\nwrite_back:\n"
STAMPED, HELD = write_back("stamp, release_hold", intake="hold")
PEOPLE_AND_STEPS = (BEFORE + STAMPED, BEFORE.replace("\n", MORE_PEOPLE, 1) + HELD)


@dataclass(frozen=True)
class Place:
    """One approval that a bill needs: in which step, by one of these, with or without their own limit, good for how long."""

    step: int
    people: tuple[str, ...]
    limited: bool = False
    good_for: timedelta | None = None


SMALL = (Place(0, (ALICE, DEV), good_for=GOOD_FOR), Place(1, (BEN,), limited=True))
LARGE = (Place(0, (ALICE,)), Place(0, (BEN,)), Place(1, (CARLA,), limited=True))

WHO = st.sampled_from([ALICE, BEN, CARLA, DEV, ERIN, GUS, "rule"])
GIVERS = st.sampled_from([ALICE, DEV, BEN, CARLA])
ACTS = st.one_of(
    st.tuples(st.just("give"), st.integers(1, 3), st.booleans(), BILL),
    st.tuples(st.just("give"), st.integers(2, 3), st.booleans(), BILL),
    st.tuples(st.just("give"), st.integers(2, 3), st.booleans(), BILL),
    st.tuples(st.just("choose"), WHO, OPTION, BILL, SOURCE),
    st.tuples(st.just("choose"), GIVERS, OPTION, BILL),
    st.tuples(st.just("turn"), GIVERS, st.sampled_from(["Pending", "Rejected"]), BILL),
    st.tuples(st.just("edit"), CLERKS, AMOUNT, BILL),
    st.tuples(st.just("change_vendor"), BILL),
    st.tuples(st.just("run")),
    st.tuples(st.just("run_approvals")),
    st.tuples(st.just("edit_in_the_moment"), MOMENT, st.sampled_from(WRITES[:2]), AMOUNT, BILL),
    st.tuples(st.just("choose_in_the_moment"), MOMENT, WHO, OPTION),
    st.tuples(st.just("lose"), st.sampled_from(WRITES), st.sampled_from(LOSSES), st.integers(1, 12)),
    st.tuples(st.just("lose"), st.just("update APBILL"), st.sampled_from(LOSSES), st.just(1)),
    st.tuples(st.just("pay"), BILL),
    st.tuples(st.just("take_payment_back"), BILL),
    st.tuples(st.just("draft"), BILL),
    st.tuples(st.just("submit"), BILL),
    st.tuples(st.just("make_anew"), BILL),
    st.tuples(st.just("delete"), BILL),
    st.tuples(st.just("alter"), st.sampled_from([ERIN, ALICE]), st.sampled_from([5, 500, 700]), BILL),
    st.tuples(st.just("by_hand"), st.sampled_from([ALICE, BEN]), st.sampled_from(["Approved", "Pending"]), BILL),
    st.tuples(st.just("lose_store")),
    st.tuples(st.just("full")),
    st.tuples(st.just("wait"), st.sampled_from([60, 1_000, 90_000, 200_000])),
)


class InSteps(History):
    """Each bill comes from Purchasing, is held when it is new, and is released by the approval that ends its last step."""

    ACTS = ACTS

    def __init__(self, sandbox: Any, folder: Path, new_store: NewStore) -> None:
        super().__init__(sandbox, folder, new_store)
        self.payments: dict[int, str] = {}
        self.paid_in_trouble: set[str] = set()
        """Record numbers of bills that were paid while a run had failed: Intacct may have refused to make their stamps void."""
        self.touched = set[int]()
        """Bills that somebody changed since a run looked at everything: what happens to them now nobody could prevent."""
        self._run()

    def company(self, sandbox: Any, folder: Path, new_store: NewStore) -> Standing:
        return Standing(
            sandbox, folder, new_store, approval=POLICY, replace=PEOPLE_AND_STEPS, bills=BILLS, make_bill={"module": "9.PO"}
        )

    # What people do.

    def _give(self, count: int, by_deputy: bool, bill: int) -> None:
        """The next people of the bill's rule approve it, each in a run of their own."""
        for place in places_of(self._content(bill))[:count]:
            who = CARLA if by_deputy and place.people == (BEN,) else place.people[0]
            self._choose(who, "Approved", bill)
            self._run()

    def _turn(self, who: str, option: str, bill: int) -> None:
        """Somebody who may have approved says something else, and a run looks at it."""
        self._choose(who, option, bill)
        self._run()

    def _edit(self, who: str, amount: int, bill: int) -> None:
        if bill not in self.payments:
            super()._edit(who, amount, bill)
            self.touched.add(bill)

    def _change_vendor(self, bill: int) -> None:
        if bill not in self.payments:
            super()._change_vendor(bill)
            self.touched.add(bill)

    def _edit_in_the_moment(self, when: str, kind: str, amount: int, bill: int) -> None:
        if not self.payments:
            super()._edit_in_the_moment(when, kind, amount, bill)
            self.touched.update(range(BILLS))

    def _pay(self, bill: int) -> None:
        """Intacct pays what is on hold for nobody."""
        if bill in self.payments or self._moments():
            return
        self.flow.pass_time(1)
        try:
            paid = self.flow.sandbox.act("intacct", CLERK, "pay_bill", record_no=self.flow.bills[bill])
        except AssertionError:
            return
        self.payments[bill] = paid["payment"]["record_no"]
        if not self.clean:
            self.paid_in_trouble.add(str(self._bills()[bill]["record_no"]))
        self._note(bill, self._content(bill), CLERK)
        if self.clean and bill not in self.touched:
            stamp = self._stamped(self._bills()[bill])
            assert stamp == "approved", f"bill {bill} was paid, and its stamp says {stamp or 'nothing'}"

    def _take_payment_back(self, bill: int) -> None:
        if payment := self.payments.pop(bill, None):
            self.flow.pass_time(1)
            self.flow.sandbox.act("intacct", CLERK, "void_payment", record_no=payment)
            self._note(bill, self._content(bill), CLERK)

    def _draft(self, bill: int) -> None:
        self._set_state("Draft", bill)

    def _submit(self, bill: int) -> None:
        if self._bills()[bill]["state"] == "Draft":
            self._set_state("Posted", bill)

    def _set_state(self, state: str, bill: int) -> None:
        if bill not in self.payments:
            self.flow.pass_time(1)
            self.flow.sandbox.act("intacct", CLERK, "set_state", record_no=self.flow.bills[bill], state=state)
            self._note(bill, self._content(bill), CLERK)
            self.touched.add(bill)
            self.noted[bill].meddled = True

    def _make_anew(self, bill: int) -> None:
        """Purchasing deletes the bill and makes it again, under another record number and without a stamp."""
        if bill not in self.payments and not self._moments():
            self.flow.pass_time(1)
            made = self.flow.sandbox.act("intacct", CLERK, "recreate_bill", record_no=self.flow.bills[bill])
            self.flow.bills[bill] = made["record_no"]
            self._note(bill, self._content(bill), CLERK)
            self.touched.add(bill)

    def _moments(self) -> bool:
        """Whether somebody is about to edit a bill, by the number that it has now."""
        faults = self.flow.sandbox.call("GET", "/_sandbox/faults")
        return any(fault["detail"].get("action") == "edit_bill" and not fault["struck"] for fault in faults)

    # What must be true.

    def check(self) -> None:
        super().check()
        for bill, held in enumerate(self._bills()):
            is_open = held["state"] == "Posted"
            if is_open and self._stamped(held) != "approved":
                assert held["on_hold"], f"bill {bill} is not approved, and Intacct would pay it"
        self.touched.clear()

    def judges(self, bill: dict[str, Any]) -> bool:
        """An approval of a draft is looked at when it is submitted; a paid bill's stamp cannot be made void any more."""
        is_too_late = bill["state"] == "Paid" and str(bill["record_no"]) in self.paid_in_trouble
        return bool(bill["state"] != "Draft") and not is_too_late

    def approved_by(self, told: list[Choice], content: Content, noted: Noted) -> bool:
        """Whether distinct people who were due gave all steps, in their order, and none took it back before the last."""
        return any(self._fit(each, content, noted, told) for each in _ways(places_of(content), told))

    def _fit(self, given: list[tuple[Place, Choice]], content: Content, noted: Noted, told: list[Choice]) -> bool:
        last = told.index(max((choice for _, choice in given), key=told.index))
        people = [choice.who for _, choice in given]
        return len(set(people)) == len(people) and all(
            self._gives(place, choice, content, noted)
            and not _took_back(choice, told[:last])
            and (place.good_for is None or _at(told[last]) - _at(choice) <= place.good_for)
            for place, choice in given
        )

    def _gives(self, place: Place, choice: Choice, content: Content, noted: Noted) -> bool:
        away = FIRST_DAY <= _at(choice).date() <= LAST_DAY
        whose = [who for who in place.people if who == choice.who or (who, choice.who, away) == (BEN, CARLA, True)]
        within = [who for who in whose if not place.limited or content[0] <= LIMITS[who]]
        others = any(editor != LOGINS[choice.who] for editor in noted.edited_before(choice)) if within else False
        return others and choice.option == "Approved" and choice.counts and choice.shown == content

    def nothing_is_lost(self) -> None:
        """Who decides alone is another company's law; here each choice is answered, and what was given is in the evidence."""
        for key in self.keys:
            verdicts = {one.decision_id: one.signal.verdict for one in self.flow.store.decisions().of(key)}
            for row in self.flow.store.evidence(key):
                steps = dict(row.body.get("policy") or {}).get("steps") if row.body.get("step") == "CONFIRMED" else None
                for step in steps or ():
                    if verdicts[row.decision_id] is Verdict.APPROVE:
                        assert len(step["given"]) == step["needs"], f"{key}: carried out with a step missing: {steps}"
                    given = {one["decision_id"] for one in step["given"]}
                    assert all(verdicts.get(one) is not Verdict.REJECT for one in given), f"{key}: a rejection gave a step"


def places_of(content: Content) -> tuple[Place, ...]:
    return SMALL if content[0] < FROM else LARGE


def _ways(places: tuple[Place, ...], told: list[Choice]) -> Iterator[list[tuple[Place, Choice]]]:
    """Each way of taking one choice a place, where whoever gives a later step chose after those before."""
    if not places:
        yield []
        return
    *before, place = places
    for at, choice in enumerate(told):
        for given in _ways(tuple(before), told):
            if all(told.index(one) < at or (earlier.step == place.step and one is not choice) for earlier, one in given):
                yield [*given, (place, choice)]


def _took_back(choice: Choice, told: list[Choice]) -> bool:
    after = told[told.index(choice) + 1 :] if choice in told else []
    own = [one for one in after if one.who == choice.who]
    return bool(own) and own[-1].option != "Approved"


def _at(choice: Choice) -> datetime:
    return datetime.fromisoformat(choice.at)
