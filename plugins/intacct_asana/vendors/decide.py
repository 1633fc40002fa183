"""What happens to one field of one vendor: three states are compared, and the field's owner, Asana, wins.

`wanted` is what the task says now, `agreed` what both sides last had, `actual` what Intacct says now.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from intacct_asana.records import ValueState, VendorValue


class Step(StrEnum):
    """What to do with a field. Only WRITE sends anything to Intacct."""

    WRITE = "write"
    AGREE = "agree"
    WAIT = "wait"
    REFUSE = "refuse"
    HOLD = "hold"
    LEAVE = "leave"


class Approval(StrEnum):
    """What a vendor's own approval state means for us."""

    APPROVED = "approved"
    WAITING = "waiting"
    DECLINED = "declined"


APPROVALS = {"": Approval.APPROVED, "A": Approval.APPROVED, "R": Approval.DECLINED}
"""Meaning of STATE, inferred and not documented; companies without vendor approval have none. Any other word waits."""

INACTIVE = "inactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One field as it stands. `wanted` is None where the task's value has no counterpart in the flow file.

    `actual` is None when the vendor is gone. `flows` is False for a field that is kept here only.
    """

    wanted: str | None
    row: VendorValue | None
    actual: str | None
    status: str = "active"
    approval_state: str = ""
    flows: bool = True
    clears: bool = False
    write_inactive: bool = False
    edits_wait: bool = False
    """Whether a change that Intacct took and does not show waits for approval, whatever the vendor's state says."""
    taken: bool | None = None
    """What Intacct answered to a write of it just now: taken in, refused (False), or nothing clear."""

    @property
    def approval(self) -> Approval:
        return APPROVALS.get(self.approval_state, Approval.WAITING)

    @property
    def agreed(self) -> str | None:
        """The last value that both sides had: also one that was on its way and has arrived, whatever Asana says since."""
        row = self.row
        if row is None:
            return None
        under_way = row.state in (ValueState.SENT, ValueState.WAITING)
        arrived = under_way and self.actual == row.wanted and self.approval is Approval.APPROVED
        return row.wanted if arrived else row.agreed


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The step and why, in a sentence for people. `drift` says that Intacct's own change is overwritten."""

    step: Step
    why: str
    drift: bool = False


def decide(facts: Facts) -> Verdict:
    """The decision table, from top to bottom; the first branch that fits decides."""
    row, wanted, actual = facts.row, facts.wanted, facts.actual
    # The task shows an option that the flow file does not know.
    if wanted is None:
        return _hold(row, "", "the option chosen on the task is not in the flow file")
    # The field goes nowhere; its value is kept for bills.
    if not facts.flows:
        return _agree(facts) if wanted != (facts.agreed or "") else _leave("same as kept")
    # Nothing to write to. The value stays on the task and here.
    if actual is None:
        if wanted == (facts.agreed or ""):
            return _leave("the vendor is gone from Intacct, and nothing is to be written")
        return _hold(row, wanted, "the vendor is gone from Intacct; the value stays on this task")
    # A write of this very value is under way: nothing is written before it is known what became of it.
    if row and row.wanted == wanted and row.state in (ValueState.SENT, ValueState.WAITING):
        return _under_way(facts, row)
    # Another value waits in Intacct. This one follows when that one was answered.
    if row and row.state is ValueState.WAITING and facts.approval is Approval.WAITING:
        return _leave(f"{row.wanted!r} waits for approval in Intacct; this value follows after it")
    # Both sides say the same: never a write.
    if wanted == actual:
        return _agree(facts)
    # Refused before, and nobody chose anything else since.
    if row and row.state is ValueState.REFUSED and row.wanted == wanted:
        return _leave("refused before; it is tried again when somebody changes it in Asana")
    # Empty in Asana: nobody ever filled it, the flow does not say that emptying counts, or Intacct's value was never Asana's.
    if not wanted and row is None:
        return _leave("never filled in Asana; Intacct's value is kept")
    if not wanted and (not facts.clears or facts.agreed is None):
        because = "it never came from Asana" if facts.clears else "the flow does not clear it"
        return _hold(row, wanted, f"the field was emptied in Asana; Intacct keeps {actual!r}, because {because}")
    return _blocked(facts) or _write(facts)


def _under_way(facts: Facts, row: VendorValue) -> Verdict:
    there = facts.actual == facts.wanted
    if facts.taken is False and not there:
        return Verdict(step=Step.WRITE, why="Intacct refused it just now, so what waits there is another change")
    if facts.approval is Approval.WAITING:
        return Verdict(step=Step.WAIT, why="it waits for the vendor's approval in Intacct")
    if facts.approval is Approval.DECLINED:
        return Verdict(step=Step.REFUSE, why="the change was declined in Intacct")
    if there:
        return _agree(facts)
    if row.state is ValueState.SENT and not (facts.taken and facts.edits_wait):
        return Verdict(step=Step.WRITE, why="an earlier write had no answer, and the value is not there")
    if facts.edits_wait:
        return Verdict(step=Step.WAIT, why="it waits for the vendor's approval in Intacct")
    return Verdict(step=Step.REFUSE, why="the vendor is approved in Intacct without this value")


def _blocked(facts: Facts) -> Verdict | None:
    """Why a value that differs may not be written now; None when it may."""
    row, wanted = facts.row, facts.wanted or ""
    if facts.status == INACTIVE and not facts.write_inactive:
        return _hold(row, wanted, "the vendor is inactive in Intacct")
    if facts.approval is Approval.WAITING:
        return _hold(row, wanted, "another change of the vendor waits for approval in Intacct")
    # A new choice after our own value was declined is an answer to that; what others had declined is theirs to mend.
    if facts.approval is Approval.DECLINED and not (row and row.state is ValueState.REFUSED):
        return _hold(row, wanted, "the vendor is declined in Intacct")
    return None


def _write(facts: Facts) -> Verdict:
    if facts.agreed is None:
        return Verdict(step=Step.WRITE, why="first value from Asana", drift=bool(facts.actual))
    if facts.agreed == facts.actual:
        return Verdict(step=Step.WRITE, why="changed in Asana")
    if facts.agreed == facts.wanted:
        return Verdict(step=Step.WRITE, why="changed in Intacct, and Asana owns it", drift=True)
    return Verdict(step=Step.WRITE, why="changed on both sides, and Asana owns it", drift=True)


def _agree(facts: Facts) -> Verdict:
    row = facts.row
    settled = row is not None and row.state is ValueState.AGREED and row.agreed == facts.wanted
    never_filled = row is None and not facts.wanted
    return _leave("both sides agree") if settled or never_filled else Verdict(step=Step.AGREE, why="both sides agree")


def _hold(row: VendorValue | None, wanted: str, why: str) -> Verdict:
    known = row is not None and (row.state, row.wanted, row.reason) == (ValueState.HELD, wanted, why)
    return _leave(why) if known else Verdict(step=Step.HOLD, why=why)


def _leave(why: str) -> Verdict:
    return Verdict(step=Step.LEAVE, why=why)
