"""One run's look at who changed vendors: what has to be answered, and which bills it concerns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING

from intacct_asana.control_ports import Ledger
from intacct_asana.controls.callback import end_note
from intacct_asana.controls.frame import NOT_DECLARED, end, judged
from intacct_asana.controls.payee import KIND, LATE, SUFFIX, Concerned, Reader, is_unanswered, moved_by
from intacct_asana.errors import IntacctAsanaError, Misconfigured, TryLater
from intacct_asana.operators.checks import Row, passed, tried
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.reading.ledger import LEDGER
from intacct_asana.records import Cursor, Decision, DecisionState, Verdict
from intacct_asana.records.concerns import BillFacts, Concern
from intacct_asana.records.payee import PayeeChange, PayeeState, VendorEdit, What
from intacct_asana.sync.report import Report

if TYPE_CHECKING:
    from intacct_asana.flow.controls import PayeeRule

SINCE = "payee_changes"
"""Cursor: Intacct's text of the newest row of the history that was read."""
BLIND, LOOKED = "payee_blind", "payee_looked"
"""Cursors: why nobody could tell in the last run whether vendors were changed, and when it read the history; empty if not."""
CLOCKS_DIFFER = timedelta(minutes=2)
"""Between Asana's clock and ours."""
MINUTES = LATE.total_seconds() / 60
UNSURE = "payee_unsure"
"""Cursor: vendors that changed, and of which the last run could not tell which of their bills that concerns."""

SEEN = "payee_seen"
"""Cursor: how the ledger of bills stood when the last look was done. Where it stands otherwise before a run, one is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bills:
    """The ledger as this run knows it, which of its bills changed, and whether every bill has to be looked at."""

    ledger: Ledger
    changed: Mapping[str, BillFacts]
    all_of_them: bool


class PayeeWatch:
    """`rule` is what the flow declares, `blind` why the history could not be read. In a rehearsal nothing is kept.

    What is looked at is what happened: vendors that changed, bills that changed, and what waits already.
    """

    def __init__(self, run: FlowRun, rule: PayeeRule, report: Report, bills: Bills) -> None:
        self.run, self.rule, self.report, self.bills = run, rule, report, bills
        self.blind = ""
        self._paid: dict[str, PayeeChange] = {}

    @property
    def blocks(self) -> bool:
        return self.rule.mode == "block"

    def look(self) -> None:
        """What the history says, which bills that concerns, and the cursors: all of it is kept, or nothing."""
        began, (moved, newest) = self.run.now(), self._changes()
        found, unsure = self._concerns(moved)
        kept_changes = self._with_payments(moved, concerned={*(one.cause for one in found), *(one.change_id for one in unsure)})
        # What took the place of a change may concern the same bills, so what is open of that vendor stays, too.
        left = {one.change_id for one in self.run.store.payees().of_vendors({one.vendor for one in unsure})}
        stored = [one for one in self.run.store.concerns().open() if one.kind == KIND and one.cause not in left]
        known = self.run.store.concerns().named([one.concern_id for one in found])
        examined = {one.key for one in stored}
        about = {**{one.concern_id: one for one in stored}, **known}.values()
        kept = judged(found, about, examined=examined, at=began)
        before = {one.concern_id for one in stored}
        for one in kept:
            if one.is_open and one.concern_id not in before:
                would = "would be told on its task: " if self.run.flow.rehearsal else ""
                self.report.say(one.key, f"{one.key}: {would}{one.words}")
        if self.run.flow.rehearsal:
            return
        with self.run.store.together():
            self.run.store.payees().save(kept_changes)
            passed = [one for one in kept_changes if one.state is PayeeState.PASSED and one.subtask_gid]
            self.run.store.intents().note([end_note(one) for one in passed], at=self.run.now())
            self.run.store.concerns().save(kept)
            read = {SINCE: newest, LOOKED: began.isoformat()} if newest is not None else {}
            # The ledger may stand as before, and the look at those that nobody could tell of is missing all the same.
            done = "" if unsure else standing(self.run.store.cursor(LEDGER))
            vendors = sorted({vendor for one in unsure for vendor in one.vendor_ids})
            cursors = {BLIND: self.blind, UNSURE: json.dumps(vendors), SEEN: done, **read}
            self.run.store.save_cursor(*(Cursor(name=name, value=value) for name, value in cursors.items()))
        self.__dict__.pop("_told", None)

    # The history

    def _changes(self) -> tuple[list[PayeeChange], str | None]:
        """What is to be kept of changes, and the new cursor. Where the history may not be read everything stays as it is."""
        books, cursor = self.run.books, self.run.store.cursor(SINCE)
        try:
            since = books.earlier(cursor, minutes=MINUTES) if cursor else self._beginning() if cursor is None else ""
            edits = books.trails.vendor_edits(since_text=since, names_fields=self.rule.names_fields or "")
        except IntacctAsanaError as error:
            self.blind = unreadable(error, blocks=self.blocks)
            told = error if isinstance(error, TryLater) else Misconfigured(self.blind, code=error.code)
            self.report.fail("vendors' history", told)
            return [], None
        return self._new(edits), books.latest([cursor or "", *(edit.at_text for edit in edits)])

    def _beginning(self) -> str:
        """A flow that did not ask until now looks some days back from the newest row."""
        newest = self.run.books.trails.newest_vendor_edit()
        return self.run.books.earlier(newest, minutes=self.rule.first_days * 24 * 60) if newest else ""

    def _new(self, edits: list[VendorEdit]) -> list[PayeeChange]:
        own = tuple(rule.intacct_field for rule in self.run.flow.vendors.fields if rule.intacct_field)
        # Where nothing flows from Asana into vendors, an edit in our name is none of ours.
        login = self.run.books.identity().user_id if edits and own else ""
        harmless = (*own, *self.rule.harmless_fields)
        found = Reader(flow=self.run.flow.flow, own_login=login, harmless=harmless).changes(edits)
        return moved_by(found, self.run.store.payees().of_vendors({one.vendor for one in found}))

    # The bills

    def _concerns(self, moved: Sequence[PayeeChange]) -> tuple[list[Concern], list[PayeeChange]]:
        """What holds now, and the changes of which that could not be found out: theirs stay as they are."""
        new = {one.change_id for one in moved}
        found: list[Concern] = []
        unsure: list[PayeeChange] = []
        for change in self._looked_at(moved):
            try:
                found += self.concerns_of(change, of_all=self.bills.all_of_them or change.change_id in new)
            except IntacctAsanaError as error:
                unsure.append(change)
                self.report.fail(f"vendor {change.vendor}", error)
        return found, unsure

    def _looked_at(self, moved: Sequence[PayeeChange]) -> list[PayeeChange]:
        """Changes that are new, that something waits for, or whose vendor's bills changed; all where a look is missing."""
        payees = self.run.store.payees()
        if self.bills.all_of_them:
            known = payees.unanswered()
        else:
            ids = {one.vendor_id for one in self.bills.changed.values()}
            known = payees.of_vendors({*ids, *(one.partition(SUFFIX)[0] for one in ids)}) + payees.named(self._told)
        rows = {one.change_id: one for one in (*known, *moved)}
        return [one for one in rows.values() if is_unanswered(one)]

    def concerns_of(self, change: PayeeChange, *, of_all: bool = False) -> list[Concern]:
        bills = self.bills_of(change, of_all=of_all)
        return Concerned(
            change=change,
            approved=self._approved(bills),
            told=self._told.get(change.change_id, set()),
            was_paid_since=cache(lambda: self._was_paid_since(change)),
            blocks=self.blocks,
            now=self.run.now(),
        ).concerns(list(bills.values()))

    def with_link(self, change: PayeeChange, opened: Collection[Concern]) -> list[Concern]:
        """The change's open concerns, whose words say where its call-back is now."""
        words = {one.concern_id: one.words for one in self.concerns_of(change)}
        return [replace(one, words=words[one.concern_id]) for one in opened if one.concern_id in words]

    def bills_of(self, change: PayeeChange, *, of_all: bool = False) -> dict[str, BillFacts]:
        """The vendor's bills that changed, or all that are open, and whatever waits for this change already, however old."""
        since = (self.run.now() - timedelta(days=self.rule.window_days)).date()
        found = [*self.bills.ledger.of(self._told.get(change.change_id, set())).values(), *self.bills.changed.values()]
        if of_all:
            found += [bill for one in change.vendor_ids for bill in self.bills.ledger.of_vendor(one, since=since)]
        return {bill.key: bill for bill in found if bill.is_open and bill.vendor_id in change.vendor_ids}

    @cached_property
    def _told(self) -> Mapping[str, set[str]]:
        """By change the bills that wait for it."""
        told: dict[str, set[str]] = {}
        for one in self.run.store.concerns().open():
            if one.kind == KIND:
                told.setdefault(one.cause, set()).add(one.key)
        return told

    def _approved(self, bills: Mapping[str, BillFacts]) -> dict[str, datetime]:
        sent = self.run.store.decisions().sent(bills) if bills else []
        stands = [one for one in sent if one.state is DecisionState.CONFIRMED and one.signal.verdict is Verdict.APPROVE]
        return {one.key: one.signal.decided_at for one in stands}

    def _was_paid_since(self, change: PayeeChange) -> bool:
        """Once that is so it stays so, and nobody is asked again.

        By as much more as the history's clock may be off, since nobody documents that AUDITHISTORY goes by GMT.
        """
        if not change.paid_since:
            until = change.at + timedelta(hours=self.rule.unsure_hours)
            paid = [self.run.books.trails.last_payment(one) for one in change.vendor_ids]
            if not any(at and at > until for at in paid):
                return False
        self._paid[change.change_id] = replace(change, paid_since=True)
        return True

    def _with_payments(self, moved: Sequence[PayeeChange], *, concerned: Collection[str]) -> list[PayeeChange]:
        """What is to be kept. A change of a vendor that was paid since, and for which nothing waits, needs no answer."""
        rows = {one.change_id: one for one in moved}
        for change_id, one in self._paid.items():
            is_over = change_id not in concerned and not one.task_gid
            rows[change_id] = replace(one, state=PayeeState.PASSED) if is_over else one
        return list(rows.values())


def standing(ledger_cursor: str | None) -> str:
    return hashlib.sha256((ledger_cursor or "").encode()).hexdigest()


def unlooked(run: FlowRun) -> Callable[[Decision], str]:
    """Why an approval may not be carried out now; says nothing where only advice is asked for.

    Who changed vendors has to have been read after it was chosen, and what that means for the bill's vendor has to be known.
    """
    rule, store = run.flow.controls.payee_change, run.store
    if rule is None or rule.mode != "block":
        return lambda decision: ""
    blind, looked = store.cursor(BLIND) or "", store.cursor(LOOKED)
    until = datetime.fromisoformat(looked) + CLOCKS_DIFFER if looked else None
    unsure = frozenset(json.loads(store.cursor(UNSURE) or "[]"))

    def why(decision: Decision) -> str:
        if blind:
            return blind
        if until is None or decision.signal.decided_at > until:
            return "Nobody has looked since it was chosen who changed vendors in Intacct."
        facts = store.ledger().of([decision.key]) if unsure else {}
        is_unsure = any(one.vendor_id in unsure for one in facts.values())
        return "Its vendor was changed in Intacct, and nobody can tell whether it was paid since." if is_unsure else ""

    return why


def begin(run: FlowRun) -> None:
    """Until this run has read who changed vendors, nobody has: what fails before that must not pass for a look."""
    if run.flow.controls.payee_change and not run.flow.rehearsal and run.store.cursor(LOOKED):
        run.store.save_cursor(Cursor(name=LOOKED, value=""))


def end_what_is_not_declared(run: FlowRun) -> None:
    """Concerns of a flow whose file does not name this control any more."""
    left = [one for one in run.store.concerns().open() if one.kind == KIND]
    if left:
        run.store.concerns().save([end(one, why=NOT_DECLARED, at=run.now()) for one in left])


def unreadable(error: IntacctAsanaError, *, blocks: bool) -> str:
    """One sentence for the run and for preflight: what is not known, what follows from that, and the cure."""
    follows = "no approval is carried out until it can be read" if blocks else "approvals go on"
    said = f"Intacct's audit history does not say who changed vendors ({error.message}), so {follows}"
    if isinstance(error, TryLater):
        return f"{said}; the next run asks again."
    return f"{said}: give the role of the integration's user View permission on custom reports, or mend `names_fields`."


def rows_of_payees(run: FlowRun) -> list[Row]:
    """Whether the history tells who changes vendors, in the field that the flow names too, and when vendors were paid."""
    rule, check = run.flow.controls.payee_change, "Intacct vendors' history"
    if rule is None:
        return []
    trails, names = run.books.trails, rule.names_fields or ""
    try:
        newest = trails.newest_vendor_edit()
        edits = trails.vendor_edits(since_text=newest, names_fields=names) if newest or names else []
    except IntacctAsanaError as error:
        said = unreadable(error, blocks=rule.mode == "block")
        return [{"check": check, "result": said, "mend": "", "ok": "no"}]
    if names and not any(edit.fields for edit in edits):
        told = f"says who changed a vendor and when; its newest row names no field in {names}, so nobody can tell what"
    else:
        told = f"says who changed a vendor and when, and in {names} what" if names else f"says who and when, {What.UNKNOWN}"
    return [passed(check, told), tried("Intacct vendors' payments", lambda: _payments_told(run))]


def _payments_told(run: FlowRun) -> str:
    run.books.trails.last_payment("")
    return "can be asked for by vendor"
