"""What looking back finds again as it was is not read whole again, and nothing that changes beside it is lost by that."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.flow.load import load_flow
from intacct_asana.intacct.replies import digest_of
from intacct_asana.intacct.timestamps import ServerClock
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.syncing import PlanBillsOperator
from intacct_asana.reading.late import MOST_ANSWERS, Answers, LookBack, to_read_again

from tests.databases import KINDS, NewStore
from tests.flow.mapping_builders import DEMO
from tests.reading.histories import OFFSETS

BEGIN = datetime(2026, 5, 4, 8, tzinfo=UTC)
WAY_BACK = 600
"""Seconds of `look_back_minutes`, where a flow does not say otherwise."""


class Quarters:
    """A company of which both clocks are told, so that any number of things happen within one second."""

    def __init__(
        self, company: Any, *, zone: int = 0, wide: bool = False, page_size: int = 500, rows: int = 2000, **told: Any
    ) -> None:
        self.company, self.at = company, BEGIN
        for module in ("reading", "streams.changes"):
            company.patch.setattr(f"intacct_asana.intacct.{module}.MOST_ROWS", rows)
        company.now = lambda: self.at
        told = {"payments_touch_bill": False, "line_changes_touch_header": False, "gmt_offset_minutes": zone, **told}
        pins = company.pinned()
        company.sandbox.reset(vendors=3, bills=0, now=BEGIN.isoformat(), settings=told, keep_fields=True)
        company.new_store()
        company.pin_again(pins)
        company.connect(timestamp_offset=OFFSETS[zone])
        hours = {} if wide else {"hourly_look_back_hours": 0, "daily_look_back_hours": 0}
        company.small_flow(limits={"empty_side": False}, sweep_hours=168, page_size=page_size, **hours)
        self.bills = [company.a_bill(state="Posted", lines=LINES, currency="USD") for _ in range(3)]
        company.act("pay_bill", record_no=self.bills[0], amount="1.00")
        company.sync()

    def wait(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.company.sandbox.clock(advance_seconds=seconds)

    def run(self, after: float = 0) -> Counter[str]:
        """The calls of Intacct that a bill sync makes so many seconds from now, by kind."""
        self.wait(after)
        self.company.sandbox.zero_counters()
        self.company.sync()
        counted = self.company.sandbox.counters()
        return Counter({kind: count for kind, count in counted.items() if kind.startswith("intacct query")})

    def change_line(self, account: str, *, bill: int = 1, late: float = 0) -> None:
        """Nothing of the bill's header tells of it."""
        changes = {"line": 1, "account": account}
        self.company.act("edit_bill", record_no=self.bills[bill], changes=changes, **({"late_seconds": late} if late else {}))

    def headers(self) -> list[dict[str, Any]]:
        return [{name: value for name, value in bill.items() if name != "lines"} for bill in self.company.bills().values()]

    def wrong(self) -> list[str]:
        found: list[str] = self.company.differences()
        return found


LINES = [{"amount": "40.00", "account": "6100"}, {"amount": "60.00", "account": "6400"}]


@pytest.fixture
def quarters(company: Any) -> Quarters:
    return Quarters(company)


def read_of(quarters: Quarters) -> int:
    read: int = quarters.company.plan["read"]
    return read


def test_what_did_not_change_is_read_whole_until_nothing_of_its_second_can_come_to_light_any_more(quarters: Quarters) -> None:
    read, calls = [], []
    for after in (0, 300, 302, 900, 900):
        calls.append(sum(quarters.run(after).values()))
        read.append(read_of(quarters))
    assert read == [3, 3, 3, 0, 0]
    assert calls[3] == calls[4] < calls[2]
    quarters.change_line("6200")
    quarters.run()
    assert (read_of(quarters) > 0, quarters.wrong()) == (True, [])


def test_a_second_change_within_the_second_that_was_read_is_read_too(quarters: Quarters) -> None:
    quarters.wait(3600)
    quarters.change_line("6200")
    quarters.run()
    assert quarters.wrong() == []
    headers = quarters.headers()
    quarters.change_line("6300")
    quarters.change_line("6500", late=WAY_BACK)
    assert quarters.headers() == headers
    quarters.run(WAY_BACK / 2)
    quarters.run(WAY_BACK / 2)
    assert quarters.company.bills()[quarters.bills[1]]["lines"][0]["account_no"] == "6500"
    assert quarters.wrong() == []
    for after in (900, 900, 900):
        quarters.run(after)
    assert read_of(quarters) == 0


def test_what_a_plan_that_was_not_applied_read_is_not_known(quarters: Quarters) -> None:
    """The step that writes never begins, run after run; what was read has to reach its task all the same."""
    quarters.wait(3600)
    quarters.change_line("6200")
    before = quarters.company.cursors()
    for _ in range(4):
        quarters.wait(900)
        planner = PlanBillsOperator(task_id="plan_tasks", flow="demo")
        planner.run_parts = FlowRun(planner.run_parts.flow, now=quarters.company.now)
        planned = planner.execute(quarters.company._context())
        assert planned["counts"]["update"] == 1
    assert quarters.company.cursors() == before
    quarters.run()
    assert quarters.wrong() == []


def test_a_header_that_says_something_else_at_the_same_time_of_change_is_read(quarters: Quarters) -> None:
    for after in (0, 900, 900):
        quarters.run(after)
    assert read_of(quarters) == 0
    number = quarters.bills[2]
    company, before = quarters.company, quarters.company.bills()[number]
    company.act("pay_bill", record_no=number)
    assert company.bills()[number]["modified_at"] == before["modified_at"]
    quarters.run()
    assert company.task(number)["completed"]


def test_a_full_pass_forgets_what_was_known(quarters: Quarters) -> None:
    for after in (0, 900, 900):
        quarters.run(after)
    assert read_of(quarters) == 0
    quarters.company.sync(full=True)
    quarters.run(900)
    assert read_of(quarters) == 3


def test_an_hourly_look_knows_its_own_answers_after_its_own_way_back_and_the_daily_one_reads_all(company: Any) -> None:
    quarters, seen = Quarters(company, wide=True), []
    for _ in range(27):
        quarters.run(3600)
        seen.append(read_of(quarters))
    # The daily look comes after a day. Three hours pass between the first hourly one and the one after which all is known.
    assert [hour for hour, read in enumerate(seen, start=1) if read] == [1, 2, 3, 4, 5, 24]


class Hidden:
    """Two bills of which everything is known to the short looks, and that this integration may lose sight of."""

    def __init__(self, company: Any) -> None:
        self.quarters, self.company = Quarters(company, wide=True), company
        company.small_flow(limits={"empty_side": False}, sweep_hours=0, show_private=False)
        self.is_hidden(False)
        self.numbers = [company.a_bill(state="Posted", lines=LINES, currency="USD", entity="UK01") for _ in range(2)]
        company.sync()
        for after in (900, 900, 900):
            self.quarters.run(after)

    def is_hidden(self, hidden: bool) -> None:
        self.company.sandbox.settings(private_entities=["UK01"] if hidden else [])

    @property
    def closed(self) -> list[bool]:
        return [self.company.task(number)["completed"] for number in self.numbers]


@pytest.fixture
def hidden(company: Any) -> Hidden:
    return Hidden(company)


def test_bills_that_an_hourly_look_did_not_see_have_their_tasks_back_in_the_next_run(hidden: Hidden) -> None:
    """Its rows come again word for word; what the hourly look wrote meanwhile is not what they said."""
    hidden.is_hidden(True)
    hidden.quarters.run(3600)
    assert hidden.closed == [True, True]
    hidden.is_hidden(False)
    hidden.quarters.run(900)
    assert hidden.closed == [False, False]


def test_a_plan_that_broke_off_while_it_wrote_leaves_nothing_known(hidden: Hidden) -> None:
    """Of two bills that were not seen for a moment one has its task closed, and the other one's is not written."""
    hidden.is_hidden(True)
    hidden.company.sandbox.fault("asana", "PUT /tasks/{gid}", "status:403", on_call=2)
    before = hidden.company.cursors()["bill"]
    with pytest.raises(IntacctAsanaError):
        hidden.company.sync(full=True)
    assert sorted(hidden.closed) == [False, True]
    assert hidden.company.cursors()["bill"] == before
    hidden.company.sandbox.clear_faults()
    hidden.is_hidden(False)
    hidden.quarters.run(300)
    assert hidden.closed == [False, False]
    assert hidden.quarters.wrong() == []


# Without a company


def answers(kept: str | None, at: datetime, *, arrived: float = 0, **scope: int) -> Answers:
    hours = {"hourly_look_back_hours": 0, "daily_look_back_hours": 0}
    bills = load_flow(DEMO).bills.model_copy(update={**hours, **scope})
    back = LookBack(bills, kept={}.get, texts=ServerClock(), now=at)
    return Answers(kept, back=back, clock=lambda: at + timedelta(seconds=arrived))


def known_after(*seconds: float, arrived: float = 0) -> list[bool]:
    """Whether an answer is known to runs that begin then, one after the other."""
    kept, told = None, []
    for second in seconds:
        each = answers(kept, BEGIN + timedelta(seconds=second), arrived=arrived)
        told.append(each.knows("a"))
        kept = each.text
    return told


@pytest.mark.parametrize(
    ("begun", "known"),
    [
        ((0, 600, 601), [False, False, False]),
        ((0, 601, 602), [False, False, True]),
        ((0, 3600), [False, False]),
        ((0, 900, 800), [False, False, False]),
        ((0, 900, 910, 10, 900, 901), [False, False, True, False, False, True]),
        ((9000, 0, 900, 901), [False, False, False, True]),
    ],
)
def test_an_answer_is_known_when_a_run_that_began_later_than_the_way_back_read_into_it(
    begun: tuple[float, ...], known: list[bool]
) -> None:
    """The second row of two: clocks that were ahead, or are set back, make an answer one that comes for the first time."""
    assert known_after(*begun) == known


def test_the_way_back_counts_from_when_the_answer_came_and_not_from_when_its_run_began() -> None:
    assert known_after(0, 700, 800, arrived=120) == [False, False, False]
    assert known_after(0, 721, 800, arrived=120) == [False, False, True]


def test_no_more_answers_are_kept_than_a_run_asks_for_and_never_more_than_the_most() -> None:
    first = answers(None, BEGIN)
    for number in range(MOST_ANSWERS + 5):
        first.knows(f"{number}")
    assert len(json.loads(first.text)["short"]) == MOST_ANSWERS
    second = answers(first.text, BEGIN + timedelta(seconds=900))
    second.knows("7")
    assert list(json.loads(second.text)["short"]) == ["7"]


def test_an_answer_is_another_one_by_its_object_a_value_a_row_and_the_order_of_rows() -> None:
    rows = [{"RECORDNO": "1", "STATE": "Posted"}, {"RECORDNO": "2", "STATE": ""}]
    others = [rows[:1], rows[::-1], [rows[0], {"RECORDNO": "2"}], [rows[0], {"RECORDNO": "2", "STATE": "Posted"}]]
    told = [digest_of("APBILL", rows), digest_of("APBILLITEM", rows), *(digest_of("APBILL", each) for each in others)]
    assert len(set(told)) == len(told)
    assert digest_of("APBILL", [dict(reversed(row.items())) for row in rows]) == told[0]


def test_what_is_to_be_read_again_is_known_after_one_more_run_and_what_is_left_out_at_once() -> None:
    kept = None
    for second in (0, 900):
        each = answers(kept, BEGIN + timedelta(seconds=second))
        each.knows("a")
        kept = each.text
    assert answers(to_read_again(kept or "", but="short"), BEGIN + timedelta(seconds=1000)).knows("a")
    once_more = answers(to_read_again(kept or ""), BEGIN + timedelta(seconds=1000))
    assert not once_more.knows("a")
    assert answers(once_more.text, BEGIN + timedelta(seconds=1001)).knows("a")
    assert to_read_again("") == ""


# Laws

WHICH = st.integers(0, 7)
CENTS = st.integers(1, 9999).map(lambda cents: f"{cents // 100}.{cents % 100:02}")
ACCOUNT = st.sampled_from(["6200", "6300", "6500"])
LATE = st.sampled_from([0, 0, 1, WAY_BACK / 2, WAY_BACK])
ACT = st.one_of(
    st.tuples(st.just("create"), WHICH, CENTS, LATE),
    st.tuples(st.just("create without a change time"), WHICH, CENTS, LATE),
    st.tuples(st.just("line"), WHICH, CENTS, LATE),
    st.tuples(st.just("account"), WHICH, ACCOUNT, LATE),
    st.tuples(st.just("account"), WHICH, ACCOUNT, LATE),
    st.tuples(st.just("add_line"), WHICH, CENTS, LATE),
    st.tuples(st.just("pay"), WHICH, CENTS, LATE),
    st.tuples(st.just("void"), WHICH, CENTS, LATE),
    st.tuples(st.just("number"), WHICH, CENTS, LATE),
    st.tuples(st.just("delete"), WHICH, CENTS, LATE),
)
AFTER = st.sampled_from([0, 0, 1, WAY_BACK / 2, WAY_BACK + 1, 900])
RUN = st.tuples(st.just("run"), AFTER)
DISTURBED = st.tuples(st.just("disturbed run"), AFTER, st.integers(1, 12), ACT)
QUIETLY = st.just(("quiet",))
TWICE = st.tuples(st.just("twice"), WHICH, ACCOUNT, ACCOUNT, st.sampled_from([0, 1, WAY_BACK / 2, WAY_BACK]))
STEP = st.one_of(ACT, ACT, RUN, DISTURBED, QUIETLY, TWICE)
HISTORY = st.lists(STEP, min_size=5, max_size=12)
WAYS = st.fixed_dictionaries(
    {
        "page_size": st.sampled_from([2, 500]),
        "rows": st.sampled_from([2, 2000]),
        "zone": st.sampled_from(sorted(OFFSETS)),
        "new_lines_have_no_change_time": st.booleans(),
        "payment_modified_when_made": st.booleans(),
        "void_shows_in": st.sampled_from(["details", "payment", "both"]),
    }
)
SAME_SECOND = [("account", 1, "6200", 0), ("run", 0), ("account", 1, "6300", WAY_BACK), ("run", 300), ("run", 1)]
NOTHING_CHANGED = [
    ("run", 3600),
    ("create without a change time", 0, "5.00", 0),
    ("add_line", 1, "6.00", 0),
    ("pay", 2, "0.01", 0),
    ("run", 0),
]
"""New rows only, of each kind, none of which has a change time."""
QUIET = [("run", 900), ("run", 900), ("run", 900)]


class Player:
    """Plays a history. What comes to light latest does so `WAY_BACK` seconds after it happened."""

    def __init__(self, company: Any, ways: dict[str, Any]) -> None:
        self.quarters, self.company = Quarters(company, **ways), company
        self.runs, self.made, self.known = 0, 0, 0
        self.payments = [payment["record_no"] for payment in company.sandbox.state("intacct")["payments"]]

    def play(self, step: tuple[Any, ...]) -> None:
        if step[0] == "quiet":
            # Left to chance, hardly any history would come so far that an answer is known.
            for _, after in QUIET:
                self.run(after)
        elif step[0] == "twice":
            self.twice(*step[1:])
        elif step[0] == "run":
            self.run(step[1])
        elif step[0] == "disturbed run":
            self.disturbed_run(*step[1:])
        elif asked := self.asked(*step[:3]):
            action, arguments = asked
            late = {"late_seconds": step[3]} if step[3] else {}
            answer = self.company.act_if_possible(action, **arguments, **late)
            if action == "pay_bill" and answer and "payment" in answer:
                self.payments.append(answer["payment"]["record_no"])

    def run(self, after: float) -> None:
        self.quarters.run(after)
        self.runs += 1
        self.known += not read_of(self.quarters)

    def twice(self, which: int, first: str, second: str, late: float) -> None:
        """A line changes again in the second in which a run read it, and that may come to light after two more runs."""
        self.play(("account", which, first, 0))
        self.run(0)
        self.play(("account", which, second, late))
        for after in (1, WAY_BACK / 3):
            self.run(after)

    def disturbed_run(self, after: float, on_call: int, act: tuple[Any, ...]) -> None:
        """It happens when the run makes its `on_call`-th call, so behind a page that was read."""
        if asked := self.asked(*act[:3]):
            action, arguments = asked
            detail = {"user": "mgarcia", "action": action, **arguments}
            self.company.sandbox.fault("intacct", "query *", "act", on_call=on_call, detail=detail)
        self.run(after)
        self.company.sandbox.clear_faults()

    def asked(self, what: str, which: int, value: str) -> tuple[str, dict[str, Any]] | None:
        self.made += 1
        if what.startswith("create"):
            more = {"without_change_time": True} if "without" in what else {}
            return "create_bill", {"state": "Posted", "amount": value, "currency": "USD", **more}
        if what == "void":
            return ("void_payment", {"record_no": self.payments[which % len(self.payments)]}) if self.payments else None
        there = [number for number, bill in self.company.bills().items() if bill["state"] in ("Posted", "Partially Paid")]
        if not there:
            return None
        bill = {"record_no": there[which % len(there)]}
        changes = {
            "line": {"line": 1, "amount": value},
            "account": {"line": 1, "account": value},
            "add_line": {"add_line": {"amount": value, "account": "6400"}},
            "number": {"bill_number": f"N-{self.made}"},
        }
        if what in changes:
            return "edit_bill", {**bill, "changes": changes[what]}
        return ("delete_bill", bill) if what == "delete" else ("pay_bill", {**bill, "amount": "0.01"})

    def end(self) -> None:
        """All has come to light. A full pass then finds nothing to do: the runs before it had read whatever there was."""
        self.run(WAY_BACK)
        assert self.quarters.wrong() == []
        assert self.company.sync(full=True)["done"] == {}


def law(company: Any, figures: Any, *, histories: int, name: str, derandomize: bool) -> None:
    played = Counter[str]()

    @settings(
        max_examples=histories, deadline=None, derandomize=derandomize, suppress_health_check=list(HealthCheck), print_blob=True
    )
    @example({"page_size": 500, "zone": 0}, SAME_SECOND)
    @example({"new_lines_have_no_change_time": True, "payment_modified_when_made": False}, NOTHING_CHANGED)
    @example(
        {"page_size": 2, "rows": 2, "zone": 330}, [("run", 0), *QUIET, ("pay", 1, "1.00", 0), ("run", 0), *QUIET, *SAME_SECOND]
    )
    @given(WAYS, HISTORY)
    def holds(ways: dict[str, Any], history: list[tuple[Any, ...]]) -> None:
        player = Player(company, ways)
        for step in history:
            player.play(step)
        player.end()
        played.update({"histories": 1, "runs": player.runs, "runs that read nothing whole": player.known})

    holds()
    for what, count in sorted(played.items()):
        figures(f"{name}: {what}", count)
    by_the_examples = 3
    assert played["runs that read nothing whole"] >= by_the_examples + (not derandomize)


@pytest.mark.laws
def test_whatever_happens_within_one_second_reaches_its_task(company: Any, new_store: NewStore, figures: Any) -> None:
    law(company, figures, histories=3 + KINDS.index(new_store.kind), name="changes of one second", derandomize=True)


@pytest.mark.laws
@pytest.mark.slow
def test_whatever_happens_within_one_second_reaches_its_task_in_many_histories(company: Any, figures: Any) -> None:
    law(company, figures, histories=120, name="many changes of one second", derandomize=False)
