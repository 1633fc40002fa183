"""Whatever is paid, selected, voided and reversed in whatever order, tasks say what Intacct says, and each news once.

Intacct is the sandbox over HTTP. No payment moves its bill's own change time, so the bills of a run are those that
`bills_with_payment_changes` names.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from intacct_asana.records import Bill, PaymentState, ReadWindow, Task, snapshot_of
from intacct_asana.records.remarks import reference_of, takes_back
from intacct_asana.sync import Wanted, apply_plan, plan_records
from intacct_asana.task.project import payment_remark, project_bill

from tests.flow.mapping_builders import BOT, demo_flow, pins_of
from tests.sync import sync_world

pytestmark = pytest.mark.laws
FLOW = demo_flow()
PINS = pins_of(FLOW)
KEY = PINS.fields[FLOW.bills.key_field].gid
STANDING = (PaymentState.PAID, PaymentState.REVERSED, PaymentState.REVERSAL)

WHICH, SHARE = st.integers(0, 1), st.integers(1, 100)
WHERE = st.sampled_from(["details", "payment", "both", "reversal"])
MOVES = st.one_of(
    st.tuples(st.just("pay"), WHICH, SHARE, st.sampled_from(["ACH", "Printed Check"])),
    st.tuples(st.just("pay_both"), SHARE, SHARE),
    st.tuples(st.just("select"), WHICH, SHARE),
    st.tuples(st.just("confirm"), st.integers(0, 5)),
    st.tuples(st.just("drop"), st.integers(0, 5)),
    st.tuples(st.just("void"), st.integers(0, 5), WHERE),
    st.tuples(st.just("reverse"), st.integers(0, 5)),
    st.tuples(st.just("sync")),
)


class History:
    """Two bills of one vendor, what people do with their payments, and the flow that carries it over."""

    def __init__(self, sandbox: Any, hook: Any, *, currency: str) -> None:
        self.sandbox, self.hook = sandbox, hook
        self.wire = sync_world.Wire()
        self.board, self.links = sync_world.Board(self.wire), sync_world.Store(self.wire)
        lines = [{"amount": "66.67"}, {"amount": "-5.01"}, {"amount": "133.34"}]
        made = {"state": "Posted", "lines": lines, "currency": currency, "entity": "US01"}
        self.numbers = [self.act("create_bill", **made)["record_no"] for _ in range(2)]
        self.payments: list[str] = []
        # A company without any payment has no newest one; then everything is new.
        self.cursor = hook.newest_payments().newest_text or "01/01/2000 00:00:00"
        self.carry_over(self.numbers)

    def act(self, action: str, **arguments: Any) -> Any:
        return self.sandbox.act("intacct", "jchen", action, **arguments)

    def bills(self) -> dict[str, dict[str, Any]]:
        return {bill["record_no"]: bill for bill in self.sandbox.state("intacct")["bills"] if bill["record_no"] in self.numbers}

    def play(self, name: str, *arguments: Any) -> None:
        # The sandbox says no in plain words to what cannot be done just now.
        with suppress(AssertionError):
            getattr(self, name)(*arguments)

    def share(self, which: int, percent: int) -> dict[str, str]:
        number = self.numbers[which]
        due = Decimal(self.bills()[number]["transaction_total_due"])
        return {"record_no": number, "amount": str((due * percent / 100).quantize(Decimal("0.01")))}

    def pay(self, which: int, percent: int, method: str) -> None:
        self._noted(self.act("pay_bill", method=method, **self.share(which, percent)))

    def pay_both(self, one: int, other: int) -> None:
        self._noted(self.act("pay_bills", bills=[self.share(0, one), self.share(1, other)], credit_memo="3.00"))

    def select(self, which: int, percent: int) -> None:
        self._noted(self.act("select_bill", **self.share(which, percent)))

    def confirm(self, which: int) -> None:
        self.act("confirm_payment", record_no=self._payment(which))

    def drop(self, which: int) -> None:
        """Nothing is left of a payment that was dropped, so it is for the bill's own change time to tell."""
        self.act("drop_payment", record_no=self._payment(which))
        self.carry_over(self.numbers)

    def void(self, which: int, where: str) -> None:
        self.sandbox.settings(void_shows_in=where)
        self.act("void_payment", record_no=self._payment(which))

    def reverse(self, which: int) -> None:
        self.act("reverse_payment", record_no=self._payment(which))

    def sync(self) -> None:
        trail = self.hook.bills_with_payment_changes(since_text=self.cursor, created_since_text=self.cursor)
        changed, newest = trail.keys, trail.newest_text
        # What was seen is behind the cursor, so that only what changes from now on is named.
        self.cursor = self.hook.earlier(newest, minutes=-1 / 60)
        self.sandbox.clock(advance_seconds=2)
        self.carry_over([number for number in changed if number in self.numbers])

    def _noted(self, made: Any) -> None:
        self.payments.append(made["payment"]["record_no"])

    def _payment(self, which: int) -> str:
        assert self.payments, "nothing was paid yet"
        return self.payments[which % len(self.payments)]

    def carry_over(self, numbers: list[str]) -> None:
        bills = self.read(numbers)
        wanted = {
            bill.bill_key: Wanted(
                draft=project_bill(bill, FLOW, PINS),
                record_no=bill.record_no,
                amount=bill.total_entered,
                in_scope=bill.state in FLOW.bills.states,
                snapshot=snapshot_of(bill),
            )
            for bill in bills
        }
        plan = plan_records(wanted, links=self.links.of(wanted), found=None)
        parts = {"project_gid": sync_world.PROJECT, "key_field_gid": KEY, "bot_gid": BOT, "now": self.wire.now, "workers": 2}
        kept = {"kind": "bill", "links": self.links, "journal": self.links, "owner": "run"}
        apply_plan(plan, board=self.board, **kept, **parts).raise_if_failed()

    def read(self, numbers: list[str]) -> list[Bill]:
        return [bill for page in self.hook.bills(ReadWindow(record_nos=tuple(numbers))) for bill in page] if numbers else []

    def task(self, bill: Bill) -> Task:
        return self.board.there[self.links.links[bill.bill_key].task_gid]

    def assert_tasks_say_what_intacct_says(self) -> None:
        told = self.bills()
        for bill in self.read(self.numbers):
            task, intacct = self.task(bill), told[bill.record_no]
            shown = {name: task.fields[PINS.fields[name].gid] for name in ("Amount paid", "Amount due")}
            assert shown["Amount paid"] == Decimal(intacct["total_paid"])
            assert shown["Amount due"] == Decimal(intacct["total_due"])
            assert task.completed == (intacct["state"] == "Paid")
            standing = [payment for payment in bill.payments if payment.state in STANDING]
            assert sum(one.transaction_amount for one in standing) == Decimal(intacct["transaction_total_paid"])
            assert sum(one.amount for one in standing) == Decimal(intacct["total_paid"])

    def assert_news_was_told_once(self) -> None:
        for bill in self.read(self.numbers):
            comments = [story.text for story in self.board.said.get(self.task(bill).gid, ())]
            assert all(reference_of(one) != reference_of(other) for one, other in pairwise(comments)), comments
            now = payment_remark(bill)
            assert comments or takes_back(now)
            assert not comments or listed(comments[-1]) == listed(now)

    def assert_one_more_run_is_silent(self) -> None:
        before = list(self.board.writes)
        self.carry_over(self.numbers)
        assert self.board.writes == before


def listed(comment: str) -> list[str]:
    """The payments that a comment lists, and its reference."""
    return comment.splitlines()[1:]


def live(history: History, moves: list[tuple[Any, ...]]) -> None:
    for move in moves:
        history.play(*move)
    history.sync()
    history.assert_tasks_say_what_intacct_says()
    history.assert_news_was_told_once()
    history.assert_one_more_run_is_silent()


COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}
CURRENCIES = st.sampled_from(["USD", "EUR"])


@pytest.fixture
def a_history(sandbox: Any, a_hook: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], History]:
    """A history in a company of its own; the hook logs in again when the company is new."""
    monkeypatch.setattr(sync_world, "BOT", BOT)
    hook = a_hook()

    def make(currency: str) -> History:
        sandbox.reset(vendors=1, bills=0, settings={"payments_touch_bill": False})
        return History(sandbox, hook, currency=currency)

    return make


PAID_AND_VOIDED = [("pay", 0, 50, "ACH"), ("pay_both", 10, 100), ("sync",), ("void", 0, "details"), ("void", 1, "payment")]
PAID_TWICE = [("pay", 0, 50, "ACH"), ("sync",), ("pay", 0, 50, "ACH"), ("sync",), ("reverse", 1), ("select", 0, 100), ("sync",)]


@settings(max_examples=6, **COMMON)
@example(moves=PAID_AND_VOIDED, currency="EUR")
@example(moves=PAID_TWICE, currency="USD")
@given(moves=st.lists(MOVES, min_size=3, max_size=12), currency=CURRENCIES)
def test_after_any_history_of_payments_tasks_equal_intacct_to_the_cent(
    a_history: Callable[[str], History], moves: list[tuple[Any, ...]], currency: str
) -> None:
    live(a_history(currency), moves)


@pytest.mark.slow
@settings(max_examples=300, **COMMON)
@given(moves=st.lists(MOVES, min_size=3, max_size=25), currency=CURRENCIES)
def test_after_long_histories_of_payments_too(
    a_history: Callable[[str], History], moves: list[tuple[Any, ...]], currency: str
) -> None:
    live(a_history(currency), moves)
