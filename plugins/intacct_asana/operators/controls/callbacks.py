"""One run's share in call-backs: a task for each change of a vendor, what people noted on it, the release, and the holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from intacct_asana.approvals.routing import decides_on
from intacct_asana.approvals.rules import NOT_READY
from intacct_asana.approvals.seen import Asked
from intacct_asana.approvals.stamp import Writer
from intacct_asana.approvals.standing import AnswerKind
from intacct_asana.approvals.words import second
from intacct_asana.approvals.write_steps import Turned
from intacct_asana.asking.write import AskKind, EndKind
from intacct_asana.controls.callback import (
    ANSWER,
    CALL_BACK,
    END,
    Desk,
    Judged,
    answer_note,
    ask_id,
    callback_name,
    callback_notes,
    end_note,
    judged,
    proof,
)
from intacct_asana.controls.holding import PayeeHolds
from intacct_asana.controls.payee import KIND, what_happened
from intacct_asana.errors import Refused, TryLater
from intacct_asana.flow.controls import CallBackRule
from intacct_asana.journal import Outcome, carry_out
from intacct_asana.operators.controls.payees import Bills, PayeeWatch, end_what_is_not_declared
from intacct_asana.operators.flow_run import FlowRun, find_bill, is_closed, policy_of
from intacct_asana.records import Bill, Cursor, Intent, Link, Person, Task
from intacct_asana.records.concerns import BillFacts, Concern, ConcernState
from intacct_asana.records.payee import PayeeChange, PayeeState
from intacct_asana.records.remarks import reference
from intacct_asana.sync.report import Report
from intacct_asana.text import money_text, one_line

OURS = "payee_held"
"""Cursor: the bills that we hold for a changed vendor, by key, each with the concern for which that was set."""


class Answered(Refused):
    """Nobody has to be asked any more: the change was answered, or another one took its place."""


MOST_ASKED = 50
"""Call-backs that one run begins. The next run goes on."""


def look_at_payees(run: FlowRun, report: Report, bills: Bills) -> dict[str, object]:
    """The whole of it, one thing after the other; what fails is in `report`, and holds up nothing else."""
    rule = run.flow.controls.payee_change
    if rule is None:
        if not run.flow.rehearsal:
            end_what_is_not_declared(run)
        for key in json.loads(run.store.cursor(OURS) or "{}"):
            report.say(key, f"{key}: it is on hold still for `payee_change`, which the flow file does not name any more")
        return {}
    watch = PayeeWatch(run, rule, report, bills)
    watch.look()
    if run.flow.rehearsal:
        return {}
    done = CallBacks(run, watch, report)
    if rule.callback:
        done.hear(rule.callback)
        done.ask(rule.callback)
    done.carry_out()
    done.see_to_holds(wanted=rule.hold)
    return done.report()


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBackKind(AskKind):
    """An ordinary task below a bill's task. Found again as approvals are by which people are asked."""

    name: str = CALL_BACK

    def send(self, intent: Intent) -> Task:
        told = {name: str(intent.body[name]) for name in ("name", "notes", "assignee", "due_on")}
        return self.board.create_subtask(intent.subject, **told)

    def same(self, intent: Intent, found: Any) -> bool:
        return isinstance(found, Task)


class CallBacks:
    """What people noted is read before anything new is asked."""

    def __init__(self, run: FlowRun, watch: PayeeWatch, summary: Report) -> None:
        self.run, self.watch, self.summary = run, watch, summary
        self.payees, self.concerns, self.journal = run.store.payees(), run.store.concerns(), run.store.intents()
        self.ended = list[str]()
        self._people: dict[str, Person | None] = {}

    def report(self) -> dict[str, object]:
        waiting = [one.vendor for one in self._waited_for()]
        # Nobody is asked who we are where there is nothing to hold.
        holds = self.__dict__.get("holds")
        held = {"put_on_hold": holds.held, "released_from_hold": holds.released} if holds else {}
        return {"vendors_to_call_back": waiting, "call_backs_ended": self.ended, **held}

    def _waited_for(self) -> list[PayeeChange]:
        return self.payees.named(one.cause for one in self.concerns.open() if one.kind == KIND)

    def _open(self, change: PayeeChange) -> list[Concern]:
        return [one for one in self.concerns.open() if one.kind == KIND and one.cause == change.change_id]

    # What people noted

    def hear(self, rule: CallBackRule) -> None:
        self.summary.each(
            self.payees.asked(), lambda one: self._hear(one, rule), key=lambda one: f"call-back of vendor {one.vendor}"
        )

    def _hear(self, change: PayeeChange, rule: CallBackRule) -> None:
        board, _ = self.run.own_board("bill")
        try:
            stories = board.stories(change.subtask_gid)
        except Refused:
            if board.task(change.subtask_gid) is not None:
                raise
            # Somebody deleted it; it is made anew.
            self.payees.save([replace(change, subtask_gid="", subtask_url="")])
            return
        result = judged(change, stories, self._desk(rule))
        if result.change != change or result.kept:
            self._keep(change, result, rule)

    def _desk(self, rule: CallBackRule) -> Desk:
        policy = self.writer.policy
        return Desk(
            bot_gid=policy.bot_gid,
            sources=policy.approval.sources,
            releasers={gid: email for email in rule.release_by if (gid := policy.pinned(email))},
            logins=self._logins,
            person=self._person,
            may_on=self._is_approver_on,
            guests_count=policy.approval.guests_untold == "accept",
        )

    def _person(self, gid: str) -> Person | None:
        if gid not in self._people:
            self._people[gid] = self.run.own_board("bill")[0].person(gid)
        return self._people[gid]

    def _is_approver_on(self, email: str, at: datetime) -> bool:
        day = at.astimezone(self.writer.policy.timezone).date()
        return any(decides_on(one, day) for one in self.writer.policy.entries(email))

    def _logins(self, email: str) -> list[str]:
        """As the flow lists them, and as Intacct's list of users knows the address."""
        listed = [login for one in self.writer.policy.entries(email) for login in one.logins]
        users = self.writer.asked.users() or ()
        return listed + [user.login for user in users if email and user.email.casefold() == email.casefold()]

    def _keep(self, before: PayeeChange, result: Judged, rule: CallBackRule) -> None:
        """The change, the release of its concerns with the evidence, the answers and the end: all of it, or nothing."""
        change, opened, now = result.change, self._open(before), self.run.now()
        with self.run.store.together():
            self.payees.save([change])
            answers = [answer_note(change, gid, text) for gid, text in result.answers.items()]
            if change.state is PayeeState.RELEASED:
                self.concerns.save([_released(one, change, at=now) for one in opened])
            elif change.state is PayeeState.FRAUD:
                self.concerns.save(self.watch.with_link(change, opened))
            if change.state is not before.state:
                answers.append(end_note(change, bills=len(opened)))
                self.ended.append(change.vendor)
            steps = [str(change.state)] if change.state is not before.state else []
            for one in opened:
                for step in steps:
                    self.run.store.note(one.key, facts=proof(change, one, step=step, releasers=rule.release_by), at=now)
                for story in result.kept:
                    kept = {"about": KIND, "step": "KEPT", "concern_id": one.concern_id, "story_gid": story.gid}
                    self.run.store.note(one.key, facts={**kept, "by": story.author_gid, "at": second(story.created_at)}, at=now)
            self.journal.note(answers, at=now)

    # Asking

    def ask(self, rule: CallBackRule) -> None:
        opened = [one for one in self.concerns.open() if one.kind == KIND]
        links = self.run.store.links("bill").of({one.key for one in opened})
        # A vendor of which no bill has a task here is asked about nowhere, and stands in nobody's way.
        shown = [one.cause for one in opened if one.key in links and not is_closed(links[one.key])]
        changes = [one for one in self.payees.named(shown) if one.state is PayeeState.OPEN and not one.subtask_gid]
        self.summary.each(
            changes[:MOST_ASKED], lambda one: self._ask(one, rule), key=lambda one: f"call-back of vendor {one.vendor}"
        )

    def _ask(self, change: PayeeChange, rule: CallBackRule) -> None:
        """Below the task of the first bill that waits and has one. One that is on its way is looked for where it was sent."""
        row = self.journal.of([ask_id(change)]).get(ask_id(change))
        opened = self._open(change)
        links = self.run.store.links("bill").of({one.key for one in opened})
        there = [one for one in opened if one.key in links and not is_closed(links[one.key])]
        if not there or (row and row.state.is_in_doubt):
            return
        link, facts = links[there[0].key], self.watch.bills_of(change)
        assignee = self.run.people([rule.assignee]).get(rule.assignee, "")
        if not assignee:
            self.summary.say(change.change_id, f"Asana does not know {rule.assignee}: the call-back is given to nobody")
        intent = self._intent(change, rule, link, [facts[one.key] for one in opened if one.key in facts], assignee=assignee)
        with self.run.store.together():
            self.payees.save([replace(change, key=link.key, task_gid=link.task_gid)])
            self.journal.note([intent], at=self.run.now())

    def _intent(
        self, change: PayeeChange, rule: CallBackRule, link: Link, bills: Sequence[BillFacts], *, assignee: str
    ) -> Intent:
        name = bills[0].vendor_name if bills else ""
        notes = callback_notes(
            change,
            happened=what_happened(change, name=name),
            bills=[_bill(one) for one in bills],
            releasers=rule.release_by,
            blocks=self.watch.blocks,
            mark=reference(ask_id(change)),
        )
        today = self.run.now().astimezone(self.writer.policy.timezone).date()
        due_on = "" if rule.due_in_days is None else (today + timedelta(days=rule.due_in_days)).isoformat()
        told = {"name": callback_name(change, vendor_name=name), "notes": notes, "assignee": assignee, "due_on": due_on}
        body = {**told, "change_id": change.change_id}
        return Intent(intent_id=ask_id(change), kind=CALL_BACK, subject=link.task_gid, body=body)

    # Carrying out

    def carry_out(self) -> None:
        """Tasks, answers and ends that were noted, also by a run that was cut. No board is asked for where there are none."""
        intents = self.journal.open(CALL_BACK, ANSWER, END)
        if not intents:
            return
        board, pins = self.run.own_board("bill")
        bot = pins.bot_gid
        kinds = (
            CallBackKind(board=board, bot_gid=bot),
            AnswerKind(board=board, bot_gid=bot, name=ANSWER, looks_first=True, remembered=True),
            EndKind(board=board, bot_gid=bot, name=END),
        )
        for name in (ANSWER, END, CALL_BACK):
            steps = carry_out(
                self.journal.open(name),
                kinds=kinds,
                journal=self.journal,
                keep=self._kept,
                owner="check_bills",
                now=self.run.now,
                workers=1,
            )
            with closing(steps) as outcomes:
                for outcome in outcomes:
                    self._note_failure(outcome)
        self.run.store.marks().wrote(board.wrote)

    def _kept(self, outcome: Outcome) -> Mapping[str, object] | None:
        """A task for a change that was answered, or passed, meanwhile is not made; one that is there is ended."""
        intent = outcome.intent
        if intent.kind != CALL_BACK:
            return None
        [change] = self.payees.named([str(intent.body["change_id"])])
        if outcome.is_done:
            change = replace(change, subtask_gid=outcome.found.gid, subtask_url=outcome.found.permalink_url)
            self.payees.save([change])
            if change.state is PayeeState.OPEN:
                self.concerns.save(self.watch.with_link(change, self._open(change)))
            else:
                self.journal.note([end_note(change)], at=self.run.now())
        elif change.state is not PayeeState.OPEN and outcome.error is None:
            raise Answered(f"Nobody has to call vendor {change.vendor} back about {change.change_id} any more.")
        return None

    def _note_failure(self, outcome: Outcome) -> None:
        """On a task that is gone nobody is to be told, and below one another is found by the next run."""
        intent, error = outcome.intent, outcome.error
        if error is None:
            self.summary.writes += 1
        elif isinstance(error, Answered):
            with suppress(TryLater):
                self.journal.drop(intent)
        elif not (isinstance(error, Refused) and self.run.own_board("bill")[0].task(intent.subject) is None):
            self.summary.fail(f"{intent.kind} {intent.intent_id}", error)

    # Holds

    def see_to_holds(self, *, wanted: bool) -> None:
        """Sets those that are missing, and lifts ours where nothing of this kind is open about the bill any more.

        Only of bills with a task of this flow: about others nobody would be asked, and so nobody could release them.
        """
        opened = {one.key: one for one in self.concerns.open() if one.kind == KIND}
        links = self.run.store.links("bill").of(opened if wanted and opened else ())
        to_lift = [key for key in self.ours() if key not in opened]
        facts = self.run.store.ledger().of({*(opened if wanted else ()), *to_lift})
        # A draft or a declined bill is held once it is submitted.
        here = [one for one in opened.values() if one.key in facts and one.key in links]
        ready = [one for one in here if facts[one.key].state not in NOT_READY]
        to_hold = [one for one in ready if not self.holds.is_seen_to(one, record_no=facts[one.key].record_no)]
        numbers = [facts[key].record_no for key in {*(one.key for one in to_hold), *to_lift} if key in facts]
        bills: dict[str, Bill] = {}
        for page in self.run.books.bills_again(numbers, unread=lambda one: None) if numbers else ():
            bills |= {bill.bill_key: bill for bill in page}
        self.summary.each(to_hold, lambda one: self._hold(one, bills.get(one.key)), key=lambda one: f"hold of {one.key}")
        self.summary.each(to_lift, lambda key: self._lift(key, bills.get(key)), key=lambda key: f"hold of {key}")

    def _hold(self, concern: Concern, bill: Bill | None) -> None:
        if bill:
            with suppress(Turned):
                self.holds.hold(concern, bill)

    def _lift(self, key: str, bill: Bill | None) -> None:
        if bill is None:
            self.holds.forget(key)
        else:
            with suppress(Turned):
                self.holds.lift(bill)

    def ours(self) -> dict[str, str]:
        held: dict[str, str] = json.loads(self.run.store.cursor(OURS) or "{}")
        return held

    @cached_property
    def holds(self) -> PayeeHolds:
        store = self.run.store
        return PayeeHolds(
            run=self.writer,
            note=lambda key, facts: store.note(key, facts=facts, at=self.run.now()),
            ours=self.ours,
            keep_ours=lambda held: store.save_cursor(Cursor(name=OURS, value=json.dumps(held, sort_keys=True))),
        )

    @cached_property
    def writer(self) -> Writer:
        board, pins = self.run.own_board("bill")
        return Writer(
            books=self.run.books,
            board=board,
            decisions=self.run.store.decisions(),
            links=self.run.store.links("bill"),
            journal=self.journal,
            policy=policy_of(self.run, pins),
            asked=Asked(books=self.run.books),
            find_bill=lambda decision: find_bill(self.run, decision),
            now=self.run.now,
            owner="check_bills",
        )


def _released(concern: Concern, change: PayeeChange, *, at: datetime) -> Concern:
    called = f"called by {change.call.by_name} (story {change.call.story_gid})" if change.call else ""
    why = f"{called}, released in story {change.ended_story} on task {change.subtask_gid}"
    return replace(concern, state=ConcernState.RELEASED, ended_at=at, why=why, released_by=change.ended_by)


def _bill(facts: BillFacts) -> str:
    return f"{one_line(facts.number) or f'record {facts.record_no}'}, {money_text(facts.amount, facts.currency)}"
