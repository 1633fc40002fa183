"""One run's share in asking people by subtasks: for which bills it works out who is due, and carrying that out in Asana."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from intacct_asana.approvals.seen import shown_to
from intacct_asana.asking.plan import DONE_WITH, Plan, Seen, plan_asks
from intacct_asana.asking.write import ASK, ASK_END, AskKind, EndKind, ask_intent, end_intent
from intacct_asana.errors import IntacctAsanaError, Misconfigured, Refused
from intacct_asana.journal import Outcome, carry_out
from intacct_asana.operators.flow_run import FlowRun, is_closed
from intacct_asana.operators.holding import Holding
from intacct_asana.reading.choices import Places
from intacct_asana.records import Bill, Cursor, IntentState, Link, Task
from intacct_asana.records.asks import Ask, AskState

if TYPE_CHECKING:
    from intacct_asana.approvals import Decided, Settler

ASKED_AS, ASKED_UNTIL = "asked_as", "asked_until"
"""Cursors: the policy and the day by which it was last worked out who is due, and the newest evidence that was looked at."""
ASKED_BEHIND = "asked_behind"
"""Cursor: the last bill of a run that had more than it asks for."""
MOST = 500
"""Bills that one run asks Intacct for to work out who is due. The next run goes on."""


class Meetings:
    """What is done about bills as they are met, changed or new: holding them, and asking people about them."""

    def __init__(self, run: FlowRun, settler: Settler, summary: Decided, *, was_run: bool) -> None:
        self.holding = Holding(run, settler, summary, was_run=was_run)
        self.asking = Asking(run, settler, summary)

    def meet(self, bills: Mapping[str, Bill]) -> None:
        self.holding.meet(bills)
        self.asking.meet(bills)

    def meet_new(self) -> None:
        self.holding.meet_new()
        self.asking.meet_new()

    def report(self) -> dict[str, object]:
        return {**self.holding.report(), **self.asking.report()}


class Asking:
    """Who is due is worked out for bills that are new or changed, that something was decided about, and for all of them when
    the policy is another one, or the day is. What is to be made or closed in Asana is noted for the step that tells people.
    """

    def __init__(self, run: FlowRun, settler: Settler, summary: Decided) -> None:
        self.run, self.settler, self.summary = run, settler, summary
        self.is_wanted = settler.policy.way.on_subtasks and not run.flow.rehearsal
        self.asks, self.journal = run.store.asks(), run.store.intents()
        self.met = set[str]()
        self.unknown, self.left = set[str](), set[str]()
        self.opened = self.closed = self.later = 0

    @property
    def today(self) -> date:
        return self.run.now().astimezone(self.settler.policy.timezone).date()

    def meet(self, bills: Mapping[str, Bill]) -> None:
        """Bills that were read because they changed."""
        if self.is_wanted and bills:
            self._work_out(bills, self.run.store.links("bill").of(bills))

    def meet_new(self) -> None:
        if self.run.flow.rehearsal:
            return
        links = self.run.store.links("bill").all() if self.is_wanted else {}
        newest = self._forget_what_changed() if self.is_wanted else 0
        self._end_what_is_over(links)
        if not self.is_wanted:
            return
        known = self.asks.worked_out()
        due = [key for key, link in links.items() if known.get(key) != link.task_gid and not is_closed(link)]
        self.later = max(0, len(due) - MOST)
        numbers = [links[key].record_no for key in self.run.in_turn(due, name=ASKED_BEHIND, most=MOST)]
        try:
            # One that cannot be read is told of by the bill sync.
            for page in self.run.books.bills_again(numbers, unread=lambda one: None) if numbers else ():
                self._work_out({bill.bill_key: bill for bill in page}, links)
        except IntacctAsanaError as error:
            self.summary.fail("bills that people are asked about", error)
        self.run.store.save_cursor(Cursor(name=ASKED_UNTIL, value=str(newest)))

    def _forget_what_changed(self) -> int:
        """What was worked out for bills that something was decided about since; for all where the policy or the day is new."""
        decided, newest = self.asks.decided_since(int(self.run.store.cursor(ASKED_UNTIL) or 0))
        by = f"{self.settler.policy.version} {self.today}"
        if by == self.run.store.cursor(ASKED_AS):
            self.asks.work_out_again(decided - self.met)
        else:
            self.asks.work_out_again(self.asks.worked_out().keys() - self.met)
            self.run.store.save_cursor(Cursor(name=ASKED_AS, value=by))
        return newest

    def _end_what_is_over(self, links: Mapping[str, Link]) -> None:
        """Asks about bills whose task we completed, and all where people decide in another way."""
        for ask in self.asks.open():
            link = links.get(ask.key)
            if link is None or is_closed(link):
                why = "Nothing is left to be decided about the bill." if self.is_wanted else "People decide in another way now."
                self._close(replace(ask, state=AskState.CLOSED, closed_at=self.run.now(), why=f"{why} {DONE_WITH}"))

    def _work_out(self, bills: Mapping[str, Bill], links: Mapping[str, Link]) -> None:
        asked = self.asks.of(bills)
        for key, bill in bills.items():
            link = links.get(key)
            if link is None or is_closed(link):
                continue
            try:
                self._keep(link, plan_asks(self._seen(bill, link, asked[key])))
                self.met.add(key)
            except IntacctAsanaError as error:
                self.summary.fail(key, error)
                if isinstance(error, Misconfigured):
                    raise

    def _seen(self, bill: Bill, link: Link, asks: Collection[Ask]) -> Seen:
        all_links, now = self.run.store.links("bill"), self.run.now()
        return Seen(
            bill=bill,
            link=link,
            policy=self.settler.policy,
            decided=self.run.store.decisions().of(link.key),
            asks=list(asks),
            shown=all_links.shown(link.key, task_gid=link.task_gid, at=now),
            shown_at=lambda ask: all_links.shown(ask.key, task_gid=ask.task_gid, at=ask.opened_at),
            shown_to=lambda decision: shown_to(decision, all_links),
            now=now,
            on=self.today,
            name_of=self.settler.name_of,
        )

    def _keep(self, link: Link, plan: Plan) -> None:
        """All that was worked out about a bill, or nothing."""
        with self.run.store.together():
            self.asks.save([*plan.kept, *(new.ask for new in plan.new)])
            if plan.new:
                self.journal.note([ask_intent(new) for new in plan.new], at=self.run.now())
            left = [ask for ask in plan.closed if not self._close(ask)]
            if not (left or plan.waits):
                self.asks.note_worked_out(link.key, task_gid=link.task_gid)
            else:
                self.asks.work_out_again([link.key])
        self.opened += len(plan.new)
        self.unknown.update(plan.unknown)
        for email in plan.left:
            said = f"{email} deleted their subtask about {link.key} twice and is not asked any more."
            self.summary.say(link.key, said)
            self.left.add(f"{email}: {link.key}")

    def _close(self, ask: Ask) -> bool:
        """False where its subtask may be on its way: that is made first, and closed by the next run."""
        with self.run.store.together():
            if not ask.subtask_gid:
                intent = self.journal.of([ask.ask_id]).get(ask.ask_id)
                if intent and intent.turn and intent.state is not IntentState.REFUSED:
                    return False
                if intent:
                    self.journal.drop(intent)
            else:
                self.journal.note([end_intent(ask)], at=self.run.now())
            self.asks.save([ask])
        self.closed += 1
        return True

    def report(self) -> dict[str, object]:
        if not self.is_wanted:
            return {}
        people = {
            "to_ask_later": self.later,
            "people_without_account": sorted(self.unknown),
            "deleted_twice": sorted(self.left),
        }
        return {"asks_opened": self.opened, "asks_closed": self.closed, **people}


def carry_out_asks(run: FlowRun, summary: Decided) -> None:
    """Makes and ends the subtasks that were noted, the ends first. One that fails does not stop the others."""
    board, pins = run.own_board("bill")
    journal, asks = run.store.intents(), run.store.asks()
    kinds = (EndKind(board=board, bot_gid=pins.bot_gid), AskKind(board=board, bot_gid=pins.bot_gid))
    owed = Places.names(pins.project_gid)[-1]

    def keep(outcome: Outcome) -> Mapping[str, object] | None:
        intent = outcome.intent
        if intent.kind != ASK:
            return None
        ask = asks.named([intent.intent_id])[intent.intent_id]
        if intent.state is IntentState.SENT and ask.state is not AskState.OPEN:
            raise Refused(f"{ask.email} is not asked about {ask.key} any more.")
        if outcome.is_done:
            asks.save([replace(ask, subtask_gid=outcome.found.gid)])
            _owe(run, owed, outcome.found)
        elif intent.state is IntentState.REFUSED and outcome.error:
            why = outcome.error.message
            asks.save([replace(ask, state=AskState.CLOSED, closed_at=run.now(), why=why)])
        return None

    for name in (ASK_END, ASK):
        steps = carry_out(
            journal.open(name), kinds=kinds, journal=journal, keep=keep, owner="tell_people", now=run.now, workers=4
        )
        with closing(steps) as outcomes:
            for outcome in outcomes:
                error, intent = outcome.error, outcome.intent
                # Below a task that is gone nobody is asked; the next one that stands for the bill is another matter.
                if error and not (isinstance(error, Refused) and name == ASK and board.task(intent.subject) is None):
                    summary.fail(f"{name} {intent.intent_id}", error)


def _owe(run: FlowRun, name: str, subtask: Task) -> None:
    """Somebody answered before we knew of the subtask, or before a store was lost: then no event brings it."""
    if subtask.approval_status not in (None, "pending"):
        gids = {*(run.store.cursor(name) or "").split(","), subtask.gid} - {""}
        run.store.save_cursor(Cursor(name=name, value=",".join(sorted(gids))))
