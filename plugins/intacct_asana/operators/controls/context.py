"""The step that tells beside a bill: it writes the flow's context field of tasks that show a bill, or show it changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from intacct_asana.errors import IntacctAsanaError, Refused
from intacct_asana.flow.context import Budget, Context
from intacct_asana.journal import Kind, carry_out
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, is_closed
from intacct_asana.ports import TaskBoard
from intacct_asana.reading.ledger import LEDGER
from intacct_asana.records import Bill, BillLine, Cursor, DecisionState, Intent, Link, Task, Verdict
from intacct_asana.records.concerns import BillFacts
from intacct_asana.sync.report import Report
from intacct_asana.task.context import Spent, add, budgets_of, context_text, counts_for, own_share
from intacct_asana.task.project import pinned
from intacct_asana.text import one_line, short

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context as AirflowContext

CONTEXT = "context"
"""The cursor's name, and the journal's for the writes: how far this step got in what tasks began to show."""
MOST = 100
"""Bills that one run tells beside. The next run goes on."""
LONGEST_WHY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextKind(Kind):
    """A text in a field of a task, which is looked for by reading the task."""

    board: TaskBoard
    name: str = field(default=CONTEXT, init=False)
    exclusive: bool = field(default=False, init=False)
    looks_first: bool = field(default=False, init=False)
    remembered: bool = field(default=False, init=False)

    def send(self, intent: Intent) -> Task:
        return self.board.set_fields(intent.subject, {str(intent.body["field"]): str(intent.body["text"])})

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Task]:
        tasks = {intent.intent_id: self.board.task(intent.subject) for intent in intents}
        return {intent_id: task for intent_id, task in tasks.items() if task}

    def same(self, intent: Intent, found: Any) -> bool:
        shown = found.fields.get(str(intent.body["field"])) if isinstance(found, Task) else None
        return one_line(str(shown or "")) == one_line(str(intent.body["text"]))


class WriteContextOperator(FlowOperator):
    """Writes the context of each open bill whose task began to show it, or shows another state of it, since the last run.

    What is new comes from the store, so where nothing is, nothing is asked of either system. Neither a neighbour's bill nor our
    own stamp has a text written anew. What was noted and not written yet is written by the next run. Nobody waits for this
    step, and what it cannot know stands in the text. In a rehearsal there are no tasks, and it does nothing.
    """

    is_for_all_bills = True

    def work(self, context: AirflowContext) -> dict[str, Any]:
        run, report = self.run_parts, Report(noun="tasks")
        rules = run.flow.context
        if rules and not self.is_dry(context) and _knows_bills(run, rules):
            self._note(run, rules)
            _write(run, report)
        result = {**report.summary(), "calls": run.calls()}
        for line in (line for lines in report.said.values() for line in lines):
            self.log.info("%s", line)
        self.log.info("%s", json.dumps(result))
        report.raise_if_failed()
        return result

    @staticmethod
    def _note(run: FlowRun, rules: Context) -> None:
        """Intents and cursor in one transaction: what a run that dies has looked at is written all the same."""
        store = run.store
        news = store.links("bill").shown_after(int(store.cursor(CONTEXT) or 0), most=MOST)
        if not news:
            return
        links = {key: link for key, link in store.links("bill").of({key for _, key, _ in news}).items() if not is_closed(link)}
        due = {key: links[key] for _, key, gid in news if key in links and links[key].task_gid == gid}
        intents = list(_Telling(run, rules).intents(due)) if due else []
        with store.together():
            store.intents().note(intents, at=run.now())
            store.save_cursor(Cursor(name=CONTEXT, value=str(news[-1][0])))


def _knows_bills(run: FlowRun, rules: Context) -> bool:
    """Whether `check_bills` has read the bills that are to be compared with: before that everything would be unknown."""
    return not rules.ledger_days(run.now().date()) or run.store.cursor(LEDGER) is not None


def _write(run: FlowRun, report: Report) -> None:
    noted = run.store.intents().open(CONTEXT)
    if not noted:
        return
    board, _ = run.own_board("bill")
    writes = carry_out(
        noted, kinds=[ContextKind(board=board)], journal=run.store.intents(), owner="write_context", now=run.now, workers=4
    )
    with closing(writes) as outcomes:
        for outcome in outcomes:
            about = f"context of task {outcome.intent.subject}"
            if isinstance(outcome.error, Refused):
                # The task left the project, or is gone; the bill sync sees to that, and a new task is told beside anew.
                report.say(about, f"{about} was not written: {outcome.error.message}")
            elif outcome.error:
                report.fail(about, outcome.error)
            report.writes += int(outcome.is_done)
    run.store.marks().wrote(board.wrote)


class _Telling:
    """One run's texts, in as few calls as its bills take: the bills themselves, and one more for the lines of all budgets."""

    def __init__(self, run: FlowRun, rules: Context) -> None:
        self.run, self.rules, self.pins = run, rules, run.own_board("bill")[1]
        self.bills: dict[str, Bill] = {}
        self._lines: list[tuple[str, BillLine]] = []
        self.today = run.now().astimezone(ZoneInfo(run.flow.schedules.timezone)).date()

    def intents(self, links: Mapping[str, Link]) -> Iterator[Intent]:
        field_gid = pinned(self.pins, self.rules.field).gid
        numbers = [link.record_no for link in links.values()]
        # One that cannot be read is told of by the bill sync.
        pages = self.run.books.bills_again(numbers, unread=lambda _: None)
        self.bills = {bill.bill_key: bill for page in pages for bill in page if bill.bill_key in links}
        for key, bill in self.bills.items():
            text = context_text(bill, self.rules, before=self._before(bill), spent=self._spent(bill), today=self.today)
            body = {"field": field_gid, "text": text}
            yield Intent(intent_id=f"{CONTEXT}-{links[key].task_gid}", kind=CONTEXT, subject=links[key].task_gid, body=body)

    def _before(self, bill: Bill) -> list[BillFacts]:
        history = self.rules.vendor_history
        if history is None:
            return []
        return self.run.store.ledger().of_vendor(bill.vendor_id, since=self.today - timedelta(days=history.days))

    # Budgets.

    def _spent(self, bill: Bill) -> list[Spent]:
        return [self._of_budget(bill, budget) for budget in budgets_of(bill, self.rules.budgets)]

    def _of_budget(self, bill: Bill, budget: Budget) -> Spent:
        own = own_share(bill, budget)
        spent = Spent(budget=budget, currency=bill.base_currency, own=own)
        if self._untold:
            return replace(spent, untold=self._untold)
        for number, line in self._lines:
            facts = self._facts.get(number)
            covered = budget.covers(line.account_no, line.department_id)
            if facts and facts.key != bill.bill_key and covered and counts_for(facts, budget, currency=spent.currency):
                spent = add(spent, line.amount, is_approved=facts.key in self._approved or not facts.is_open)
        return spent

    @cached_property
    def _touched(self) -> list[Budget]:
        return [one for one in self.rules.budgets if any(one in budgets_of(bill, [one]) for bill in self.bills.values())]

    @cached_property
    def _untold(self) -> str:
        """Why nobody can say what is left; empty where the lines came."""
        try:
            self._lines = self._read_lines()
        except IntacctAsanaError as error:
            return short(error.message, longest=LONGEST_WHY)
        return ""

    def _read_lines(self) -> list[tuple[str, BillLine]]:
        """Of all budgets that this run's bills touch, in one walk, from the first bill of their years on."""
        accounts = sorted({account for one in self._touched for account in one.gl_account})
        named = [one.department for one in self._touched]
        departments = sorted({one for some in named for one in some or ()}) if all(named) else []
        first = min(one.year for one in self._touched)
        known = self.run.store.ledger().numbers_since(date(first, 1, 1))
        numbers = [int(one) for one in (*known, *(bill.record_no for bill in self.bills.values())) if one.isdecimal()]
        return self.run.books.reader.lines_on(accounts, departments=departments, from_bill_no=min(numbers))

    @cached_property
    def _facts(self) -> Mapping[str, BillFacts]:
        """By record number, every bill that one of the lines is of. A bill that is not known does not count."""
        return {one.record_no: one for one in self.run.store.ledger().by_record_no({number for number, _ in self._lines})}

    @cached_property
    def _approved(self) -> frozenset[str]:
        decided = self.run.store.decisions().sent([one.key for one in self._facts.values()])
        stands = {one.key: one for one in decided if one.state is DecisionState.CONFIRMED}
        return frozenset(key for key, one in stands.items() if one.signal.verdict is Verdict.APPROVE)
