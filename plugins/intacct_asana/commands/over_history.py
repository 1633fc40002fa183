"""A policy over decisions that were made: what each would have come to, by the rules and limits that decisions are judged by.

Pure. What the evidence does not hold is taken as it was recorded: a decision that was refused because somebody altered its
task, or for the segregation of duties, is refused by every policy. What cannot even be taken so is named as not judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from intacct_asana.approvals.guards.cumulative import CUMULATIVE, sums_are_within_limits
from intacct_asana.approvals.guards.parking import STILL_OPEN
from intacct_asana.approvals.policy import ApprovalTask, Policy
from intacct_asana.approvals.routing import policy_facts
from intacct_asana.approvals.rules import (
    ALREADY_DECIDED,
    Guard,
    answers_of,
    bill_is_open,
    decider_is_a_person,
    decider_is_on_the_list,
    delegation_is_valid,
    rejection_has_a_reason,
    source_counts,
)
from intacct_asana.approvals.seen import Case
from intacct_asana.approvals.steps import NO_RULE, STEP, amount_is_within_limit, person_is_due
from intacct_asana.flow.model import Flow
from intacct_asana.records import Bill, BillLine, BillState, Decision, DecisionState, Person, Signal, Verdict
from intacct_asana.records.recorded import STANDS, Recorded, approvals_in

GUARDS: tuple[Guard, ...] = (
    bill_is_open,
    decider_is_a_person,
    source_counts,
    decider_is_on_the_list,
    delegation_is_valid,
    person_is_due,
    amount_is_within_limit,
    sums_are_within_limits,
    rejection_has_a_reason,
)
JUDGED = frozenset(
    {
        *(STILL_OPEN, ALREADY_DECIDED, NO_RULE, STEP, CUMULATIVE),
        *("a person decides", "source", "approver list", "delegation dates", "limit", "reason"),
    }
)
"""Rules that are asked anew. By every other one a decision ends as it did."""
NOT_ASKED = (
    *("signal", "segregation_of_duties", "segregation_from_vendors", "creator_untold", "closed_books", "locked_bills"),
    "base_currency",
)
"""Parts of a policy that say how to look at what only the live systems know."""
APPROVED, REJECTED, WAITS, REFUSED = "approved", "rejected", "waits", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a choice comes to by one policy. `people` are those who were due when it was made, by address."""

    end: str
    rule: str = "none"
    steps: tuple[str, ...] = ()
    step: str = ""
    people: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One decision that two policies judge otherwise, and in what: `end`, `rule`, `steps`, `people`."""

    decision: Recorded
    before: Outcome
    after: Outcome
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What came of it. `judged` decisions were compared, about `bills` bills, and `waiting` bills that nobody decided yet.

    `not_judged` says why others were not.
    """

    judged: int
    bills: int
    waiting: int
    differences: tuple[Difference, ...]
    not_judged: Mapping[str, int]
    taken_as_recorded: Mapping[str, int]

    def money(self) -> dict[str, dict[str, tuple[int, Decimal]]]:
        """By what changed and currency, how many bills and how much: each bill once, by its newest decision."""
        newest = {(_change(one), one.decision.key): one.decision for one in self.differences}
        sums: dict[str, dict[str, tuple[int, Decimal]]] = {}
        for (change, _), decision in newest.items():
            by_currency = sums.setdefault(change, {})
            count, total = by_currency.get(decision.currency, (0, Decimal(0)))
            by_currency[decision.currency] = (count + 1, total + (decision.amount or 0))
        return sums


def _change(one: Difference) -> str:
    """`approved, would be refused`, `approved, by another rule, steps`."""
    if "end" in one.what:
        return f"{one.before.end}, would be {one.after.end}" if one.after.end != WAITS else f"{one.before.end}, would wait"
    return f"{one.before.end}, other {', '.join(one.what)}"


def compared(
    old: Flow, new: Flow, decisions: Sequence[Recorded], *, since: datetime, waiting: Sequence[Recorded] = ()
) -> Compared:
    """Both policies over all of them; what is told is about those that were chosen at or after `since`.

    `waiting` are bills that nobody decided yet, as if somebody were about to: without whoever that is.
    """
    before, after = (Replay(flow, named_in=old).over(decisions) for flow in (old, new))
    told = [one for one in decisions if one.at >= since]
    missed = Counter[str]()
    for one in waiting:
        before.meet(one)
        after.meet(one)
    for one in (*told, *waiting):
        if why := before.missed.get(one.decision_id) or after.missed.get(one.decision_id):
            missed[why] += 1
    for name in NOT_ASKED:
        if getattr(old.approval, name) != getattr(new.approval, name):
            missed[f"`{name}` differs, and what it is about stands in no record"] = len(told)
    both = before.ends.keys() & after.ends.keys()
    fair, met = ([one for one in those if one.decision_id in both] for those in (told, waiting))
    found = [_difference(one, before.ends[one.decision_id], after.ends[one.decision_id]) for one in (*fair, *met)]
    return Compared(
        judged=len(fair),
        bills=len({one.key for one in fair}),
        waiting=len(met),
        differences=tuple(one for one in found if one.what),
        not_judged=dict(missed),
        taken_as_recorded=Counter(rule for one in fair for rule, _ in carried(one)),
    )


def _difference(decision: Recorded, before: Outcome, after: Outcome) -> Difference:
    what = tuple(name for name in ("end", "rule", "steps", "people") if getattr(before, name) != getattr(after, name))
    return Difference(decision=decision, before=before, after=after, what=what)


def carried(decision: Recorded) -> list[tuple[str, str]]:
    """Rules by which it was refused and that are not asked anew, with what they said."""
    return [(rule, said) for rule, passed, said in decision.rules if not passed and rule not in JUDGED]


@dataclass(slots=True, kw_only=True)
class _Content:
    """What stands about one content of a bill: approvals of steps, and the verdict that was carried out."""

    granted: list[tuple[Decision, datetime | None]] = field(default_factory=list)
    decided: Decision | None = None


class Replay:
    """One flow's policy over recorded decisions, in the order in which they were judged, and as far as each lasted."""

    def __init__(self, flow: Flow, *, named_in: Flow) -> None:
        self.ends, self.missed = dict[str, Outcome](), dict[str, str]()
        self._flow, self._named_in = flow, named_in
        self._contents: dict[tuple[str, str], _Content] = {}
        self._stands: dict[str, Recorded] = {}
        self._names: dict[str, str] = {}

    def over(self, decisions: Sequence[Recorded]) -> Replay:
        self._names = {one.email.casefold(): one.name for one in decisions if one.email}
        judged = [(one.judged_at, 0, one) for one in decisions]
        void = [(one.void_at, 1, one) for one in decisions if one.void_at is not None]
        for _, is_void, one in sorted([*judged, *void], key=lambda event: event[:2]):
            if is_void:
                self._void(one)
            else:
                self._judge(one)
        return self

    def meet(self, one: Recorded) -> None:
        """A bill that waits for its first decision: its rule, its steps, who is due."""
        unknown = set[str]()
        if why := self._lacks(one):
            self.missed[one.decision_id] = why
            return
        outcome = _route(self._case(one, _Content(), unknown))
        if unknown:
            self.missed[one.decision_id] = _unknown_words(unknown)
        else:
            self.ends[one.decision_id] = outcome

    def _void(self, one: Recorded) -> None:
        self._stands.pop(one.decision_id, None)
        for content in self._contents.values():
            content.granted = [each for each in content.granted if each[0].decision_id != one.decision_id]
            if content.decided and content.decided.decision_id == one.decision_id:
                content.decided = None

    def _judge(self, one: Recorded) -> None:
        unknown = set[str]()
        if why := self._cannot_be_judged(one):
            self.missed[one.decision_id] = why
            return
        content = self._contents.setdefault((one.key, str(one.bill.get("digest"))), _Content())
        case = self._case(one, content, unknown)
        outcome = self._outcome(one, case, content)
        if unknown:
            self.missed[one.decision_id] = _unknown_words(unknown)
            return
        self.ends[one.decision_id] = outcome
        if outcome.end != REFUSED and case.after:
            self._stands[one.decision_id] = replace(one, route=policy_facts(case.after))
        if outcome.end == WAITS:
            content.granted.append((case.decision, _good_until(case)))
        elif outcome.end in (APPROVED, REJECTED):
            content.decided = case.decision

    def _cannot_be_judged(self, one: Recorded) -> str:
        if not one.rules and not STANDS & set(one.states):
            return "not judged yet when the record was made"
        if not one.bill or one.amount is None:
            return "the record holds no bill: it was gone"
        if not one.gid:
            return "nobody knows who chose it"
        return self._lacks(one) if one.rules else "found by its stamp, so that it was never judged"

    def _lacks(self, one: Recorded) -> str:
        if "entity_id" not in one.bill and any(rule.when.entity for rule in self._flow.approval.rules):
            return "older evidence does not say the bill's entity"
        return ""

    def _case(self, one: Recorded, content: _Content, unknown: set[str]) -> Case:
        flow, bill = self._flow, bill_of(one)
        named = self._named(one)

        def vendor_person(field: str, bill: Bill) -> str:
            if field not in named:
                unknown.add(field)
            return named.get(field, "")

        policy = Policy(
            flow=flow.flow,
            approval=flow.approval,
            way=ApprovalTask(),
            bot_gid="",
            # Whose account it was is no matter of the policy: it counts as the one that the address was pinned to.
            people={one.email.casefold(): one.gid},
            timezone=ZoneInfo(flow.schedules.timezone),
            vendor_person=vendor_person,
            approved_since=lambda at: approvals_in(each for each in self._stands.values() if each.at >= at),
        )
        return Case(
            decision=_decision(one),
            policy=policy,
            person=Person(gid=one.gid, name=one.name, email=one.email, is_guest=one.is_guest),
            stories=(),
            bill=bill,
            granted=[grant for grant, until in content.granted if until is None or one.at <= until],
            may_be_draft=one.verdict is Verdict.APPROVE and "submit" in flow.write_back.after_approval,
            name_of=lambda email: self._names.get(email, email),
        )

    def _named(self, one: Recorded) -> dict[str, str]:
        """Whom fields of the vendor named then: the people of recorded steps that went by one."""
        steps = {
            step.name: step.vendor_field
            for rule in self._named_in.approval.rules
            if rule.name == one.route.get("rule")
            for step in rule.steps
            if step.vendor_field
        }
        told = {step.get("step"): step.get("people") or [""] for step in one.route.get("steps", ())}
        return {name: str(told[step][0]) for step, name in steps.items() if step in told}

    def _outcome(self, one: Recorded, case: Case, content: _Content) -> Outcome:
        failed = [said for _, said in carried(one)]
        failed += [finding.said for finding in answers_of(GUARDS, case) if not finding.passed]
        failed += _decided_before(case, content)
        facts = _route(case)
        if failed:
            return replace(facts, end=REFUSED, why=" ".join(failed))
        if one.verdict is Verdict.REJECT:
            return replace(facts, end=REJECTED)
        if not (case.waits_for_others and case.after):
            return replace(facts, end=APPROVED)
        due = case.after.route.name_of(case.after.place)
        return replace(facts, end=WAITS, why=f"It would wait for {due}.")


def _unknown_words(fields: Iterable[str]) -> str:
    return f"whom the vendor's field {', '.join(sorted(fields))} named is not recorded"


def _route(case: Case) -> Outcome:
    """The rule, its steps, and who is due before this choice; it waits."""
    progress = case.progress
    if progress is None:
        return Outcome(end=WAITS)
    return Outcome(
        end=WAITS,
        rule=progress.route.rule.name,
        steps=tuple(each.step.name for each in progress.route.steps),
        step="" if progress.is_complete else progress.route.steps[progress.place].step.name,
        people=tuple(dict.fromkeys(email for email, _ in progress.due(case.decided_on))),
    )


def _decided_before(case: Case, content: _Content) -> list[str]:
    last, verdict = content.decided, case.decision.signal.verdict
    if last is None:
        return []
    is_counter = (last.signal.verdict, verdict) == (Verdict.APPROVE, Verdict.REJECT)
    if is_counter and case.policy.approval.counter_decision != "refuse":
        return []
    return [f"{last.signal.decider_name} would have decided it already."]


def _good_until(case: Case) -> datetime | None:
    assert case.after
    assert case.voice
    days = case.after.route.steps[case.after.gave[case.voice.email]].step.good_for_days
    return case.decision.signal.decided_at + timedelta(days=days) if days else None


def _decision(one: Recorded) -> Decision:
    signal = Signal(
        task_gid="",
        story_gid=one.decision_id,
        verdict=one.verdict,
        decider_gid=one.gid,
        decider_name=one.name or one.email,
        decided_at=one.at,
        source=one.source,
        reason=one.reason,
    )
    return Decision(
        decision_id=one.decision_id,
        key=one.key,
        task_gid="",
        task_url="",
        record_no=str(one.bill.get("record_no") or ""),
        signal=signal,
        shown_digest=str(one.bill.get("digest") or ""),
        state=DecisionState.GRANTED,
        decider_email=one.email,
    )


def bill_of(one: Recorded) -> Bill:
    """The bill as rules look at it, from what the evidence keeps of it."""
    said = one.bill
    return Bill(
        bill_key=one.key,
        record_no=str(said.get("record_no") or ""),
        bill_number=str(said.get("bill_number") or ""),
        vendor_id=one.vendor_id,
        vendor_name=one.vendor_id,
        state=BillState(said["state"]),
        due_on=date.fromisoformat(said["due_on"]) if said.get("due_on") else None,
        currency=str(said.get("currency") or ""),
        base_currency=one.currency,
        total_entered=one.amount or Decimal(0),
        entity_id=str(said.get("entity_id") or ""),
        lines=tuple(_lines(said.get("lines") or ())),
    )


def _lines(told: Iterable[Sequence[str]]) -> Iterator[BillLine]:
    """As a snapshot has them: account, department, location, project, class, amount."""
    for place, (account, department, location, project, kind, amount) in enumerate(told, start=1):
        yield BillLine(
            record_no=str(place),
            line_no=place,
            account_no=account or "",
            account_title="",
            amount=Decimal(amount),
            transaction_amount=Decimal(amount),
            department_id=department or "",
            location_id=location or "",
            project_id=project or "",
            class_id=kind or "",
        )
