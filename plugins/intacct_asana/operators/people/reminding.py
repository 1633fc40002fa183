"""The step that has people decide: it assigns tasks to who is next and reminds those who are due."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from intacct_asana.approvals.words import LONGEST_NAME
from intacct_asana.asking.remind import REMINDER, Message, remind, wanted_message
from intacct_asana.asking.turns import NEXT, begin_turn, finish_comments, has_turn, looked_as, policy_of_day, seen_of, turn_id
from intacct_asana.asking.waiting import Asker, Waiting, waiting_of
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, is_closed, policy_of
from intacct_asana.records import Bill, Decision, DecisionState, Intent, Link
from intacct_asana.sync.report import Report
from intacct_asana.text import short

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

MOST = 100
"""Bills that one run asks people about. The next run goes on."""


class RemindApproversOperator(FlowOperator):
    """Assigns the task of each bill whose step began to who is next, and reminds those who are due, as the flow says.

    Which bills that are comes from the store, and only those are read. In a rehearsal it says what would be done.
    """

    is_for_all_bills = True

    def work(self, context: Context) -> dict[str, Any]:
        run, report = self.run_parts, Report(noun="bills")
        asked = _Asked(run)
        if asked.has_work:
            asked.do(report)
        result = {**report.summary(), "later": asked.later, "calls": run.calls()}
        if run.flow.rehearsal:
            result["rehearsal"] = True
        for line in (line for lines in report.said.values() for line in lines):
            self.log.info("%s", line)
        self.log.info("%s", json.dumps(result))
        report.raise_if_failed()
        return result


class _Asked:
    """One run's bills of which somebody is to be told, found without a call, and what is done about them."""

    def __init__(self, run: FlowRun) -> None:
        self.run, store = run, run.store
        self.today = run.now().astimezone(ZoneInfo(run.flow.schedules.timezone)).date()
        busy = {one.key for one in store.decisions().unsettled()}
        links = store.links("bill").all()
        self.links = {key: link for key, link in links.items() if not is_closed(link) and key not in busy}
        self.shown = store.links("bill").showing(self.links)
        self.decided: dict[str, list[Decision]] = {}
        for decision in store.decisions().sent(self.links):
            self.decided.setdefault(decision.key, []).append(decision)
        self.seen = self._seen() if run.flow.approval.assign_next else {}
        self.turns = store.intents().of([turn_id(key) for key in self.seen])
        begun, messages = [key for key in self.seen if self._has_turn(key)], {one.link.key: one for one in self._messages()}
        self.begun = run.in_turn(begun, name=f"{NEXT}_behind", most=MOST)
        self.messages = [messages[key] for key in run.in_turn(messages, name=f"{REMINDER}_behind", most=MOST)]
        self.later = len(begun) + len(messages) - len(self.begun) - len(self.messages)

    @property
    def has_work(self) -> bool:
        return bool(self.begun or self.messages or (self.seen and self.run.store.intents().open(NEXT)))

    def _seen(self) -> dict[str, str]:
        approval, vendor_person = self.run.flow.approval, self.run.vendor_person
        policy, steps = policy_of_day(approval, self.today), [step for rule in approval.rules for step in rule.steps]
        fields = list(dict.fromkeys(step.vendor_field for step in steps if step.vendor_field))

        def seen(key: str, link: Link) -> str:
            shown, decided = self.shown.get(key), self.decided.get(key, ())
            return seen_of(link, shown, decided, policy=policy, fields=fields, vendor_person=vendor_person)

        return {key: seen(key, link) for key, link in self.links.items()}

    def _has_turn(self, key: str) -> bool:
        looked = None if self._is_decided(key) else looked_as(self.links[key], self.today)
        return has_turn(self.turns.get(turn_id(key)), seen=self.seen[key], looked=looked)

    def _messages(self) -> list[Message]:
        """By the due date that the task shows. A decided bill needs none, and none that is not shown yet."""
        rules = self.run.flow.approval.remind
        if rules is None:
            return []
        days = {key: str(shown.body.get("due_on") or "") for key, shown in self.shown.items()}
        earliest = max(rules.before_days, default=0)
        due = {key: date.fromisoformat(day) for key, day in days.items() if day and not self._is_decided(key)}
        near = [(self.links[key], day) for key, day in due.items() if (day - self.today).days <= earliest]
        rows: dict[str, list[Intent]] = {}
        for row in self.run.store.intents().about([link.task_gid for link, _ in near]):
            if row.kind == REMINDER:
                rows.setdefault(row.subject, []).append(row)
        found = (
            wanted_message(link, day, today=self.today, rules=rules, rows=rows.get(link.task_gid, ())) for link, day in near
        )
        return [message for message in found if message]

    def _is_decided(self, key: str) -> bool:
        return any(one.state is DecisionState.CONFIRMED for one in self.decided.get(key, ()))

    # With calls.

    def do(self, report: Report) -> None:
        asker = self._asker(report)
        if not asker.rehearses:
            finish_comments(self.seen, asker)
        bills = self._bills({*self.begun, *(message.link.key for message in self.messages)})

        def waiting(key: str) -> Waiting | None:
            link, bill, decided = self.links[key], bills.get(key), self.run.store.decisions().of(key)
            if bill is None:
                return None
            return waiting_of(link, bill, decided=decided, links=asker.links, policy=asker.policy, on=self.today)

        def begin(key: str) -> None:
            before = self.turns.get(turn_id(key))
            link = self.links[key]
            looked = looked_as(link, self.today)
            begin_turn(link, waiting(key), seen=self.seen[key], looked=looked, before=before, asker=asker)

        try:
            report.each(self.begun, begin, key=str)
            report.each(self.messages, lambda one: remind(one, waiting(one.link.key), asker), key=lambda one: one.link.key)
        finally:
            if not asker.rehearses:
                self.run.store.marks().wrote(self.run.own_board("bill")[0].wrote)

    def _asker(self, report: Report) -> Asker:
        (board, pins), run = self.run.own_board("bill"), self.run
        policy = policy_of(run, pins)

        def gid_of(email: str) -> str:
            """Whom `remind` names need be no approver, so nobody pinned them."""
            rules = run.flow.approval.remind
            is_named = rules is not None and email == rules.escalate_to
            return policy.pinned(email) or (run.people([email]).get(email, "") if is_named else "")

        @cache
        def name_of(email: str) -> str:
            gid = gid_of(email)
            person = board.person(gid) if gid else None
            return short(person.name, longest=LONGEST_NAME) if person and person.name else email

        return Asker(
            board=board,
            journal=run.store.intents(),
            links=run.store.links("bill"),
            policy=policy,
            now=run.now,
            name_of=name_of,
            gid_of=gid_of,
            report=report,
            rehearses=run.flow.rehearsal,
        )

    def _bills(self, keys: Collection[str]) -> Mapping[str, Bill]:
        """Those that can be read; who cannot be is told of by the bill sync."""
        numbers = [self.links[key].record_no for key in keys]
        pages = self.run.books.bills_again(numbers, unread=lambda one: None) if numbers else ()
        return {bill.bill_key: bill for page in pages for bill in page}
