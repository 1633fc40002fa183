"""Carry each decision along its states, and look again at those that stand: an approval is what stands.

    RECORDED -> CLEARED, REFUSED or PARKED, which each run judges again; CLEARED -> SUBMITTED
    SUBMITTED -> CONFIRMED, REJECTED, UNDOING or VOIDING
    CONFIRMED -> VOIDING where the bill is another one now; VOIDING -> VOID; UNDOING -> REJECTED
    RECORDED -> GRANTED where it counts for a step and others are missing; GRANTED -> VOID when it does so no more

Between two of them lies one local transaction or one write to Intacct, which goes through the journal; reading in between does
no harm. Whatever interrupts this, the next run goes on from the stored state: of several steps, with the first that was not
read back. What was sent is read back before anything is written again, so a lost answer neither doubles nor loses it; and
nothing is confirmed that was not seen on a bill that still is what was decided on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from intacct_asana.approvals.grants import Lapse, expired, sorted_out
from intacct_asana.approvals.guards import parking
from intacct_asana.approvals.intake import known_editor
from intacct_asana.approvals.native import NATIVE, facts_of, unclear
from intacct_asana.approvals.routing import progress_words
from intacct_asana.approvals.rules import ALTERED, FOUND, FOUND_AS, NOT_READY, counters, findings_of
from intacct_asana.approvals.seen import (
    Case,
    Facts,
    Finding,
    altered_parts,
    bill_facts,
    changed_facts,
    decision_id_of,
    judged_facts,
    last_editor,
    shown_to,
    with_reasons,
)
from intacct_asana.approvals.stamp import COUNTER, Writer, Writing
from intacct_asana.approvals.standing import Decided, still_holds
from intacct_asana.approvals.steps import by_policy, granted_words
from intacct_asana.approvals.words import (
    CHANGED,
    VOID,
    OnBill,
    bill_name,
    differences,
    found_facts,
    is_stamp_of,
    read_stamp,
    stamp_values,
    story_of,
    unknown_words,
    void_words,
)
from intacct_asana.approvals.write_steps import ON_BILL, STAMP, Step, control_id_of, step_id
from intacct_asana.errors import IntacctAsanaError, Misconfigured, TryLater
from intacct_asana.journal import Outcome, carry_out
from intacct_asana.records import (
    ON_THE_WAY,
    SETTLED_STATES,
    Bill,
    Decision,
    DecisionState,
    Intent,
    IntentState,
    Link,
    Signal,
    Snapshot,
)
from intacct_asana.records.remarks import reference
from intacct_asana.sync.writes import parts_under_way


@dataclass(frozen=True, slots=True, kw_only=True)
class Settler(Writer):
    """Judges each decision, and looks again at those that stand.

    `lapsed` are approvals of steps that turned out to be void while others were judged.
    """

    lapsed: list[Decision] = field(default_factory=list)

    def settle_all(self) -> Decided:
        """Settle every decision that is on its way, oldest first; one that fails does not stop those about other bills.

        Decisions about a bill whose earlier decision failed wait for the next run: two stamps must never race. A
        Misconfigured stops everything, because it would meet every decision. Raises nothing by itself.
        """
        summary, stuck = self.begun(), set[str]()
        unsettled = [one for one in self.decisions.unsettled() if self.only is None or one.key in self.only]
        for place, decision in enumerate(unsettled):
            if decision.key in stuck:
                summary.waiting += 1
                continue
            try:
                summary.note(self.settle(decision))
            except IntacctAsanaError as error:
                stuck |= summary.missed(decision, error)
                if isinstance(error, Misconfigured):
                    summary.not_started = len(unsettled) - place - 1
                    break
        if self.policy.approval.rules and self.only is None:
            self._end_what_is_not_good_any_more()
        for lapsed in self.lapsed:
            summary.note(lapsed)
        return summary

    def begun(self) -> Decided:
        """The report of a run before anything is in it."""
        return Decided(bills=self.bills)

    def at_once(self) -> AbstractContextManager[None]:
        """Everything that is kept within it is kept, or nothing."""
        return self.journal.together()

    def settle(self, decision: Decision) -> Decision:
        """From whatever state to one that is settled. Raises what keeps it from there; the state reached is stored."""
        judged: Case | None = None
        while decision.state in ON_THE_WAY:
            if decision.state in (DecisionState.RECORDED, DecisionState.PARKED):
                try:
                    judged = self._with_grants(self._case(decision))
                except parking.Away as away:
                    return self._park_while_away(decision, away)
                decision = self._judge(judged)
                if decision.state is DecisionState.PARKED:
                    break
            elif decision.state is DecisionState.CLEARED:
                if judged is None:
                    # A run before this one cleared it: everything may have changed since.
                    judged = self._with_grants(self._case(decision))
                    if refused := self._refuse_if_any(judged):
                        return refused
                    if judged.waits_for_others:
                        return self._grant(judged, findings_of(judged))
                cleared = replace(judged.decision, state=decision.state, rule=decision.rule, outcome=decision.outcome)
                decision = self._write(cleared, judged.bill, judged.others)
            elif decision.state is DecisionState.SUBMITTED:
                decision = self._write(decision, self.find_whole(decision))
            else:
                decision = self.take_back(decision)
        return decision

    # RECORDED, CLEARED: judge

    def _case(self, decision: Decision, *, bill: Bill | None = None) -> Case:
        """Reads everything the rules look at. Raises TryLater while another decision about the bill is under way.

        `bill` is the bill where somebody has read it just now.
        """
        others = [one for one in self.decisions.of(decision.key) if one.decision_id != decision.decision_id]
        going = (DecisionState.SUBMITTED, DecisionState.UNDOING, DecisionState.VOIDING)
        if under_way := next((one for one in others if one.state in going), None):
            raise TryLater(
                f"Decision {decision.decision_id} waits until {under_way.decision_id} about the same bill is settled."
            )
        gid = decision.signal.decider_gid
        person = self.board.person(gid) if gid else None
        email = person.email if person and person.email else decision.decider_email
        try:
            bill = bill or self.find_whole(decision)
        except TryLater as error:
            raise parking.Away(error.message, code=error.code, wait_seconds=error.wait_seconds) from error
        known = replace(decision, decider_email=email, record_no=bill.record_no if bill else decision.record_no)
        chosen_on, grants = decision.signal.task_gid, [one for one in others if one.state is DecisionState.GRANTED]
        case = Case(
            decision=known,
            policy=self.policy,
            person=person,
            stories=self.stories(chosen_on),
            histories=self.histories(decision, grants, also=decision.task_gid),
            subtask=self.board.task(chosen_on) if chosen_on != decision.task_gid else None,
            bill=bill,
            others=others,
            task=self.board.task(decision.task_gid),
            link=self.links.of([decision.key]).get(decision.key),
            under_way=parts_under_way(self.journal, kind="bill", key=decision.key),
            shown={one.decision_id: shown_to(one, self.links) for one in (*others, known)},
            users=self.asked.users() if self.policy.approval.segregation_of_duties else None,
            own_login=self.asked.own_login(),
            vendor=self.asked.vendor(bill, self.policy.approval),
            is_closed=self.asked.is_closed(bill.summary_no if bill else ""),
            name_of=self.name_of,
            known_editor=known_editor(bill, self.journal) if bill else "",
            may_be_draft=any(step.is_for_drafts for step in self.steps_for(decision)),
        )
        return self.watch(case)

    def _with_grants(self, case: Case) -> Case:
        """With the approvals of steps that stand. Those that do not are void from now on."""
        stands, lapses = sorted_out(case, at=case.decision.signal.decided_at)
        case = replace(case, granted=stands)
        self.lapsed.extend(self._void_grants(case, lapses))
        gone = {one.grant.decision_id for one in lapses}
        return replace(case, others=[one for one in case.others if one.decision_id not in gone])

    def _void_grants(self, case: Case, lapses: Sequence[Lapse]) -> list[Decision]:
        """Those that fall with one change of the bill are told with the last of them."""
        progress = ""
        if lapses and case.progress:
            progress = progress_words(case.progress, on=self.today(), name_of=self.name_of)
        changed = [one.grant for one in lapses if one.rule == CHANGED]
        moved = []
        for lapse in lapses:
            shown = case.shown.get(lapse.grant.decision_id)
            if case.bill and lapse.grant in changed[-1:]:
                lapse = replace(lapse, words=void_words(lapse.grant, shown, case.bill, others=changed[:-1]))
            lapse = replace(lapse, grant=replace(lapse.grant, progress=progress))
            moved.append(self._void_grant(lapse, case.bill, shown))
        return moved

    def _void_grant(self, lapse: Lapse, bill: Bill | None, shown: Snapshot | None) -> Decision:
        """Nothing of it is on the bill, so nothing is to be written there."""
        if bill:
            self.bring_files(lapse.grant, shown, bill)
        told = replace(lapse.grant, rule=lapse.rule, outcome=lapse.words)
        return self.advance(told, DecisionState.VOID, changed_facts(shown, bill) if bill else {})

    def _end_what_is_not_good_any_more(self) -> None:
        """By the clock, without a call. What is being decided just now is judged by when it was chosen."""
        for grant in self.decisions.granted():
            lapse = expired(grant, at=self.now())
            busy = (DecisionState.CONFIRMED, *ON_THE_WAY)
            if lapse and not any(one.state in busy for one in self.decisions.of(grant.key)):
                lapse = replace(lapse, grant=replace(grant, progress=""))
                self.lapsed.append(self._void_grant(lapse, None, None))

    def _judge(self, case: Case) -> Decision:
        own = read_stamp(case.bill, self.policy.stamp)
        if case.bill and own and own.decision_id == case.decision.decision_id and own.verdict is case.decision.signal.verdict:
            return self._found(case.decision, case.bill, own)
        findings = findings_of(case)
        if any(not one.passed for one in findings):
            return self._refuse(case, findings)
        standing = [one for one in case.others if one.state is DecisionState.CONFIRMED and case.as_shown(one)]
        rule = COUNTER if standing and counters(case, standing[-1]) else ""
        case = replace(case, decision=replace(case.decision, rule=rule, outcome=""))
        if case.waits_for_others:
            return self._grant(case, findings)
        return self.advance(case.decision, DecisionState.CLEARED, judged_facts(case, findings))

    def _grant(self, case: Case, findings: Sequence[Finding]) -> Decision:
        """It counts, and others are missing."""
        decision, after = case.decision, case.after
        assert after
        assert case.voice
        step = after.route.steps[after.gave[case.voice.email]].step
        days = timedelta(days=step.good_for_days) if step.good_for_days else None
        granted = replace(
            decision,
            rule="",
            outcome=granted_words(case, after, on=self.today()),
            progress=progress_words(after, on=self.today(), name_of=self.name_of),
            granted=step.name,
            good_until=decision.signal.decided_at + days if days else None,
        )
        return self.advance(granted, DecisionState.GRANTED, judged_facts(case, findings))

    def _found(self, decision: Decision, bill: Bill, stamp: OnBill) -> Decision:
        """Its stamp is on the bill, from before this store knew it. What it was put on is what the stamp itself says."""
        told = f"The stamp of {stamp.decision_id} was found on {bill_name(bill)} in Intacct and is taken as it stands."
        told = " ".join(
            [told, *(f"The {noun} is not done: please see to it in Intacct." for noun in self._not_shown(decision, bill))]
        )
        rule = FOUND_AS[decision.signal.verdict]
        found = replace(decision, rule=rule, outcome=told, shown_digest=stamp.digest)
        return self.advance(found, DecisionState.CONFIRMED, {"found": found_facts(stamp, bill), "bill": bill_facts(bill)})

    def _not_shown(self, decision: Decision, bill: Bill) -> list[str]:
        """Other steps that the bill does not show: whether they were ever sent went with the store."""
        others = [(step, step.values(decision, bill, self.policy)) for step in self.steps_for(decision) if step is not STAMP]
        return [step.noun for step, values in others if step.missing(step.on_bill(bill, values), values)]

    def _refuse_if_any(self, case: Case) -> Decision | None:
        findings = findings_of(case)
        return self._refuse(case, findings) if any(not one.passed for one in findings) else None

    def _park(self, case: Case, refused: Decision, findings: Sequence[Finding], *, until: datetime) -> Decision:
        """It waits, and its task is told once. What it waits for is asked again by each run."""
        if case.decision.state is DecisionState.PARKED:
            parking.note_next(case.decision, refused, self.policy, until=until, tell=self.tell_later, known=self.journal.of)
            return case.decision
        return self._parked(refused, judged_facts(case, findings), until=until)

    def _park_while_away(self, decision: Decision, away: parking.Away) -> Decision:
        """Raises what keeps it from being judged, as long as that is no news to people."""
        facts: Facts = {"answer": away.message, "code": away.code}
        if refused := parking.refused_away(decision, self.policy, now=self.now()):
            return self.advance(refused, DecisionState.REFUSED, facts)
        until = parking.away_until(decision, self.policy, now=self.now(), away_since=self.away_since)
        if until is None or decision.state is DecisionState.PARKED:
            raise away
        return self._parked(parking.away_told(decision), facts, until=until)

    def _parked(self, told: Decision, facts: Facts, *, until: datetime) -> Decision:
        with self.at_once():
            self.tell_later(parking.parked_note(told, self.policy, until=until))
            return self.advance(told, DecisionState.PARKED, facts)

    def tell_later(self, told: Intent) -> None:
        """A comment that the telling of people makes."""
        self.journal.note([told], at=self.now())

    def _refuse(self, case: Case, findings: Sequence[Finding]) -> Decision:
        refused = with_reasons(case.decision, findings)
        said = judged_facts(case, findings)
        failed = {one.rule for one in findings if not one.passed}
        if until := parking.waits_until(case, failed, now=self.now()):
            return self._park(case, refused, findings, until=until)
        if ALTERED in failed and case.link:
            at, bot = case.decision.signal.decided_at, self.policy.bot_gid
            parts = altered_parts(case.link, case.task, case.history or (), at=at, bot_gid=bot, under_way=case.under_way)
            self.write_anew(case.link.key, parts)
            said["altered"] = parts
        if case.bill:
            self.bring_files(case.decision, case.shown.get(case.decision.decision_id), case.bill)
        stamp = read_stamp(case.bill, self.policy.stamp)
        if stamp and failed & {FOUND, *FOUND_AS.values()}:
            said["found"] = {"decision_id": stamp.decision_id, "says": stamp.says, "by": stamp.by, "digest": stamp.digest}
            refused = replace(refused, rule=next(iter(failed & {FOUND, *FOUND_AS.values()})))
        return self.advance(refused, DecisionState.REFUSED, said)

    # CLEARED, SUBMITTED: one step after the other, through the journal

    def _write(self, decision: Decision, bill: Bill | None, others: Sequence[Decision] = ()) -> Decision:
        """The next step. Noted before it is sent; looked for before it is sent again; judged once more right before."""
        steps, sent_before = self.steps_for(decision), decision.state is DecisionState.SUBMITTED
        if not steps:
            return self._observed(decision, bill)
        stored = self.journal.of([step_id(step, decision) for step in steps]) if sent_before else {}
        place = next((at for at, step in enumerate(steps) if not _is_done(stored.get(step_id(step, decision)))), -1)
        step, editor = steps[place], decision.editor
        if bill and not sent_before:
            known = known_editor(bill, self.journal)
            editor = last_editor(bill, others, own_login=self.asked.own_login(), known=known) or ""
        write = Writing(
            writer=self,
            decision=replace(decision, editor=editor),
            bill=bill,
            sent_before=sent_before,
            step=step,
            done=steps[:place],
            later=steps[place:][1:],
        )
        row = stored.get(step_id(step, decision))
        if step is NATIVE and (bill or (row and row.state.is_in_doubt)):
            return self.natively(write, row)
        return self.carried(self._intent(step, decision, bill, None if step is NATIVE else row), write)

    def natively(self, write: Writing, earlier: Intent | None) -> Decision:
        """By Intacct's own approval. Where nobody can tell whether it arrived, people are told, once."""
        assert self.native
        kind, intent = self.native.prepared(write.decision, write.bill, earlier=earlier, look=write.look, check=write.check)

        def keep(outcome: Outcome) -> Mapping[str, object]:
            if outcome.is_done and outcome.found.bill is None:
                raise TryLater(f"The bill of decision {write.decision.decision_id} is not there; the next run looks again.")
            write.keep(outcome, kind)
            return facts_of(outcome)

        with closing(
            carry_out([intent], kinds=[kind], journal=self.journal, keep=keep, owner=self.owner, now=self.now, workers=1)
        ) as outcomes:
            [ended] = outcomes
        if write.is_done:
            return write.decision
        why = unclear(ended)
        mark = reference(f"{write.decision.decision_id}-unclear")
        body = {"text": f"{why.message}\n{mark}", "reference": mark}
        intent_id = f"unclear-{write.decision.decision_id}"
        self.tell_later(Intent(intent_id=intent_id, kind=parking.PARKED, subject=write.decision.task_gid, body=body))
        raise TryLater(why.message, code=why.code)

    def _intent(self, step: Step, decision: Decision, bill: Bill | None, stored: Intent | None) -> Intent:
        """What was noted goes out again as it was."""
        if stored:
            values = {str(name): str(value) for name, value in dict(stored.body["values"]).items()}  # type: ignore[call-overload]
        else:
            values = step.values(decision, bill, self.policy) if bill else {}
        record_no = bill.record_no if bill else decision.record_no
        return Intent(
            intent_id=step_id(step, decision),
            kind=ON_BILL,
            subject=decision.key,
            body={"record_no": record_no, "values": values},
            control_id=control_id_of(decision, record_no, what=step.word.replace("_", "-")),
        )

    def _observed(self, decision: Decision, bill: Bill | None) -> Decision:
        """Nothing is written; the states are gone through all the same, so that the evidence has one form."""
        if decision.state is DecisionState.CLEARED:
            decision = self.advance(decision, DecisionState.SUBMITTED, {"values": {}, "bill": bill_facts(bill)})
        name = bill_name(bill) if bill else f"record {decision.record_no}"
        by = by_policy(decision, bill, self.policy, decided=self.decisions.of(decision.key), names=self.names)
        words = " ".join([f"Observed only: Intacct was not changed for {name}.", *([by.words] if by.words else [])])
        said = {"answer": "observed only", "bill": bill_facts(bill), **by.facts}
        return self.advance(replace(decision, outcome=words, progress=by.progress), DecisionState.CONFIRMED, said)

    # CONFIRMED, VOIDING: whether it still stands

    def look(self, key: str, bill: Bill) -> list[Decision]:
        """Look again at what was decided about a bill, as it is now: what stands no more becomes void on both sides.

        The answer holds the decisions that moved. A stamp of ours that says more than stands is void, too.
        """
        moved: list[Decision] = []
        if bill.state in SETTLED_STATES:
            return moved
        decided = self.decisions.of(key)
        if any(one.state in ON_THE_WAY for one in decided):
            # It failed, or came while this run was busy; the next run settles it and looks again.
            return moved
        stamp = read_stamp(bill, self.policy.stamp)
        for decision in decided:
            shown = shown_to(decision, self.links)
            is_on = stamp is not None and is_stamp_of(stamp, decision) and stamp.says.casefold() != VOID
            is_on = is_on and bill.state not in NOT_READY
            if decision.state is DecisionState.CONFIRMED and not still_holds(decision, bill, shown):
                moved.append(self.settle(self.begin_void(decision, bill, shown)))
            elif decision.state in (DecisionState.REJECTED, DecisionState.VOID) and is_on:
                moved.append(self.settle(self.begin_late_void(decision, bill)))
        standing = [one for one in decided if one.state is DecisionState.CONFIRMED]
        if not moved and standing and self._lost_its_stamp(standing[-1], bill, stamp):
            moved.append(self._stamp_again(standing[-1], bill))
        grants = [one for one in decided if one.state is DecisionState.GRANTED]
        return [*moved, *self._look_at_grants(grants[-1], bill)] if grants else moved

    def _look_at_grants(self, newest: Decision, bill: Bill) -> list[Decision]:
        case = self._case(newest, bill=bill)
        stands, lapses = sorted_out(case, at=self.now())
        return self._void_grants(replace(case, granted=stands), lapses)

    def void_unknown(self, bill: Bill, link: Link) -> Decision | None:
        """A stamp that no decision of this store stands behind, put on another content than the bill has now, counts no more.

        Whose choice it was went with a store that was lost. It becomes a decision of its own, void from the beginning, so
        that evidence, stamp and comment go the way of any other. None where another decision about the bill is on its way.
        """
        stamp = read_stamp(bill, self.policy.stamp)
        if stamp is None or stamp.verdict is None or any(one.state in ON_THE_WAY for one in self.decisions.of(link.key)):
            return None
        signal = Signal(
            task_gid=link.task_gid,
            story_gid=story_of(stamp),
            verdict=stamp.verdict,
            decider_gid=None,
            decider_name=stamp.by,
            # Later than whatever was decided while it stood.
            decided_at=self.now(),
            source=FOUND,
        )
        unknown = Decision(
            decision_id=decision_id_of(self.policy.flow, signal),
            key=link.key,
            task_gid=link.task_gid,
            task_url=link.task_url,
            record_no=bill.record_no,
            signal=signal,
            shown_digest=stamp.digest,
        )
        with self.at_once():
            if not self.decisions.record([unknown], at=self.now()):
                return None
            found = self._found(unknown, bill, stamp)
            voiding = self.begin_void(found, bill, None, words=unknown_words(stamp, bill))
        return self.settle(voiding)

    def _lost_its_stamp(self, decision: Decision, bill: Bill, stamp: OnBill | None) -> bool:
        """Purchasing made the bill anew, or somebody emptied or rewrote the stamp. Another's stamp is left alone."""
        names = self.policy.stamp
        is_stamped = STAMP in self.steps_for(decision)
        if names is None or not is_stamped or bill.state in NOT_READY or decision.rule in FOUND_AS.values():
            return False
        if stamp and stamp.decision_id not in ("", decision.decision_id) and stamp.says.casefold() != VOID:
            return False
        values = stamp_values(decision, bill, names, longest=self.policy.longest_stamp)
        return bool(differences(bill.custom, {name: values[name] for name in (names.decision, names.decision_id)}))

    def _stamp_again(self, decision: Decision, bill: Bill) -> Decision:
        self.end_stamp(decision, but_on=bill.record_no)
        names, newest = self.policy.stamp, self.decisions.anchor(decision)
        assert names is not None
        intent = Intent(
            intent_id=step_id(STAMP, decision),
            kind=ON_BILL,
            subject=decision.key,
            body={
                "record_no": bill.record_no,
                "values": stamp_values(decision, bill, names, longest=self.policy.longest_stamp),
            },
            control_id=f"{control_id_of(decision, bill.record_no, what='stamp')}-{newest.sequence if newest else 0}",
        )
        return self.carried(intent, Writing(writer=self, decision=decision, bill=bill, sent_before=False))


def _is_done(stored: Intent | None) -> bool:
    return stored is not None and stored.state is IntentState.DONE
