"""What stands about a bill, out of everything that was decided on it: the one question that both sides are made to answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.rules import FOUND_AS, NOTHING_LEFT
from intacct_asana.approvals.seen import is_as_shown
from intacct_asana.approvals.words import void_words, who
from intacct_asana.records import SETTLED_STATES, Bill, Decision, DecisionState, Snapshot, Task, Verdict

VOIDED = frozenset({DecisionState.VOIDING, DecisionState.VOID})


class Stands(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    VOID = "void"
    """It was decided, and the bill is another one now."""


BY_VERDICT = {Verdict.APPROVE: Stands.APPROVED, Verdict.REJECT: Stands.REJECTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands, by whose choice, and why. `choice` is None where nobody's choice that we know of stands.

    `show` is what the task has to be made to show; empty where it is to be left, or shows it already.
    """

    state: Stands
    choice: Decision | None
    why: str
    show: str = ""


def standing_of(
    choices: Sequence[Decision],
    bill: Bill | None,
    task: Task | None,
    policy: Policy,
    *,
    shown: Mapping[str, Snapshot | None],
) -> Standing:
    """From every decision about a bill, oldest first, the bill and the task as they are now, and the rules: what stands.

    Without a bill (it is gone, or nobody looked) what was confirmed stands as it was; so it does on a bill that is settled.
    `shown` is what each decider saw, by decision id.
    """
    state, choice, why = _judged(choices, bill, shown)
    return Standing(state=state, choice=choice, why=why, show=_to_show(state, choices, task, policy))


def _judged(
    choices: Sequence[Decision], bill: Bill | None, shown: Mapping[str, Snapshot | None]
) -> tuple[Stands, Decision | None, str]:
    confirmed = [one for one in choices if one.state is DecisionState.CONFIRMED]
    if confirmed:
        last = confirmed[-1]
        saw = shown.get(last.decision_id)
        if still_holds(last, bill, saw):
            return BY_VERDICT[last.signal.verdict], last, f"{who(last)} decided so, and the bill is what it was"
        assert bill is not None
        return Stands.VOID, last, void_words(last, saw, bill)
    ended = [one for one in choices if one.state in VOIDED or one.rule in FOUND_AS.values()]
    if ended and ended[-1].state in VOIDED:
        return Stands.VOID, ended[-1], ended[-1].outcome
    if ended:
        verdict = next(verdict for verdict, rule in FOUND_AS.items() if rule == ended[-1].rule)
        return BY_VERDICT[verdict], None, "the bill carries a stamp that was not made from here"
    return Stands.PENDING, None, "nobody's choice was carried out"


def still_holds(decision: Decision, bill: Bill | None, shown: Snapshot | None) -> bool:
    """Whether a confirmed decision is about the bill as it is now. On one that is gone or settled nothing can be turned.

    One that was found on the bill, without a word of what it was put on, is taken as it is.
    """
    if bill is None or bill.state in SETTLED_STATES:
        return True
    found = decision.rule in FOUND_AS.values() and not decision.shown_digest
    return found or is_as_shown(decision, shown, bill)


def _to_show(state: Stands, choices: Sequence[Decision], task: Task | None, policy: Policy) -> str:
    way = policy.way
    if task is None:
        return ""
    verdicts = {stands: verdict for verdict, stands in BY_VERDICT.items()}
    target = way.value_of(verdicts[state]) if state in verdicts else way.pending
    if target == way.pending and way.completes and any(one.rule in NOTHING_LEFT for one in choices[-1:]):
        # The bill is done, and so is its task: back to pending would open it again.
        return ""
    shown = way.shown_on(task)
    same = shown == target or (state in verdicts and way.verdicts.get(shown) is verdicts[state])
    return "" if same else target
