"""Bills of a vendor whose payment details changed are put on hold, and come free again with the release.

Only a hold that we set for that is lifted. Which bills we hold is kept by key, in the transaction of each write: so the hold
goes when nothing of this kind is open about its bill any more, whatever ended it, and whenever a run was cut.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field

from intacct_asana.approvals.intake import known_editor
from intacct_asana.approvals.rules import NOT_READY
from intacct_asana.approvals.seen import Facts, bill_facts, last_editor
from intacct_asana.approvals.stamp import Writer
from intacct_asana.approvals.write_steps import HELD, HOLD, ON_BILL, RELEASED, Hold, Reading, StepKind, Turned
from intacct_asana.journal import Outcome, carry_out
from intacct_asana.records import SETTLED_STATES, Bill, DecisionState, Intent, IntentState, Verdict, snapshot_of
from intacct_asana.records.concerns import Concern

OWN = {HELD.word: "payee-hold-", RELEASED.word: "payee-release-"}
BY_US, AS_FOUND = "by us", "as found"


@dataclass(frozen=True, slots=True, kw_only=True)
class PayeeHolds:
    """One run's ports. `ours` gives the bills that we hold, each with the concern for which it was set; `keep_ours` keeps them.

    `note` keeps evidence that no decision stands behind.
    """

    run: Writer
    note: Callable[[str, Facts], object]
    ours: Callable[[], dict[str, str]]
    keep_ours: Callable[[Mapping[str, str]], object]
    held: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)

    def is_seen_to(self, concern: Concern, *, record_no: str) -> bool:
        """Whether its bill is held by us, or was found on hold when that was asked for this concern."""
        setter = self.ours().get(concern.key)
        row = self._row(HELD, setter or concern.concern_id)
        if row is None or row.state.is_in_doubt or row.body["record_no"] != record_no:
            # A bill that Purchasing made anew is on hold no more.
            return False
        return setter is not None or row.answer.get("held") == AS_FOUND

    def hold(self, concern: Concern, bill: Bill) -> None:
        """Raises what keeps it from being set, Turned where it is not to be set any more."""
        self._put(HELD, self.ours().get(concern.key, concern.concern_id), bill)

    def lift(self, bill: Bill) -> None:
        """Of a bill that we hold and that waits for nothing of this kind any more. A write without an answer is settled first.

        Where new bills are held until they are approved, an undecided one stays held, and its approval lifts that. One whose
        rejection wants it held stays so, too.
        """
        setter, key = self.ours()[bill.bill_key], bill.bill_key
        if self._is_in_doubt(HELD, setter):
            with suppress(Turned):
                self._put(HELD, setter, bill, wanted=False)
        is_wanted = self._is_wanted(bill)
        is_free = bill.state not in (*SETTLED_STATES, *NOT_READY) and not is_wanted
        if key in self.ours() and (self._is_in_doubt(RELEASED, setter) or (bill.on_hold and is_free)):
            self._put(RELEASED, setter, bill)
        elif key in self.ours():
            self.forget(key)

    def _row(self, step: Hold, concern_id: str) -> Intent | None:
        return self.run.journal.of([_id(step, concern_id)]).get(_id(step, concern_id))

    def _is_in_doubt(self, step: Hold, concern_id: str) -> bool:
        row = self._row(step, concern_id)
        return row is not None and row.state.is_in_doubt

    def forget(self, key: str) -> None:
        """Its hold is no matter of ours any more."""
        self.keep_ours({one: concern for one, concern in self.ours().items() if one != key})

    def _is_wanted(self, bill: Bill) -> bool:
        """Whether what was decided about it, or that nothing was, keeps it on hold."""
        stand = [one for one in self.run.decisions.of(bill.bill_key) if one.state is DecisionState.CONFIRMED]
        if stand and stand[-1].signal.verdict is Verdict.REJECT and HELD in self.run.steps_for(stand[-1]):
            return True
        return bool(self.run.policy.intake) and not any(one.signal.verdict is Verdict.APPROVE for one in stand)

    def _put(self, step: Hold, concern_id: str, bill: Bill, *, wanted: bool = True) -> None:
        """`wanted` False settles a write of which nobody knows what became, and sends none."""
        run, row = self.run, self._row(step, concern_id)
        decided = run.decisions.of(bill.bill_key)
        known = known_editor(bill, run.journal)
        editor = last_editor(bill, decided, own_login=run.asked.own_login(), known=known) or ""
        if row and row.state.is_in_doubt and row.body["record_no"] == bill.record_no:
            # It may be there already, and then the bill as it is now tells who we are.
            editor = str(row.body["editor"])
        kind = StepKind(
            step=step,
            books=run.books,
            policy=run.policy,
            look=lambda: self._now(bill),
            check=lambda now: _raise_unless_open(now, wanted=wanted),
            looks_first=True,
        )
        intent = _intent(step, concern_id, bill, flow=run.policy.flow, editor=editor)
        steps = carry_out([intent], kinds=[kind], journal=run.journal, keep=self._keep, owner=run.owner, now=run.now, workers=1)
        with closing(steps) as outcomes:
            for outcome in outcomes:
                if outcome.error:
                    raise outcome.error

    def _now(self, bill: Bill) -> Bill | None:
        now = self.run.books.bill(bill.record_no)
        return now if now and now.bill_key == bill.bill_key else None

    def _keep(self, outcome: Outcome) -> Mapping[str, object] | None:
        """With the evidence of it, and with who had changed the bill before: Intacct names us from now on.

        A bill counts as ours from before its hold is sent, until it is certain that there is none.
        """
        intent, is_hold = outcome.intent, outcome.intent.intent_id.startswith(OWN[HELD.word])
        if is_hold and intent.state is IntentState.SENT:
            self.keep_ours({**self.ours(), intent.subject: str(intent.body["concern"])})
        elif intent.state is IntentState.REFUSED if is_hold else outcome.is_done:
            self.forget(intent.subject)
        if not outcome.is_done:
            return None
        if not intent.tries:
            # Somebody else had done it.
            return {"held": AS_FOUND}
        reading = outcome.found
        assert isinstance(reading, Reading)
        (self.held if is_hold else self.released).append(intent.subject)
        facts: Facts = {"about": "hold", "step": "HELD" if is_hold else "RELEASED", "control_id": intent.control_id}
        self.note(intent.subject, {**facts, "concern": intent.body["concern"], "bill": bill_facts(reading.bill)})
        is_same = snapshot_of(reading.bill).digest == intent.body["digest"]
        return {"held": BY_US, "editor": intent.body["editor"] if is_same else ""}


def _id(step: Hold, concern_id: str) -> str:
    return f"{OWN[step.word]}{concern_id}"


def _intent(step: Hold, concern_id: str, bill: Bill, *, flow: str, editor: str) -> Intent:
    # A hold that was lifted since is another one, also for a store that does not know of the first.
    told = "|".join((flow, step.word, concern_id, bill.record_no, bill.modified_at_text))
    values, digest = {HOLD: "true" if step.on_hold else "false"}, snapshot_of(bill).digest
    body = {"record_no": bill.record_no, "values": values, "editor": editor, "digest": digest, "concern": concern_id}
    return Intent(
        intent_id=_id(step, concern_id),
        kind=ON_BILL,
        subject=bill.bill_key,
        body=body,
        control_id=f"ia-{hashlib.sha256(told.encode()).hexdigest()[:20]}-payee",
    )


def _raise_unless_open(bill: Bill | None, *, wanted: bool) -> None:
    why = "it is gone" if bill is None else f"it is {bill.state}" if bill.state in (*SETTLED_STATES, *NOT_READY) else ""
    why = why or ("" if wanted else "nothing waits any more")
    if why:
        raise Turned(f"The hold of the bill is left as it is: {why}.", bill=bill)
