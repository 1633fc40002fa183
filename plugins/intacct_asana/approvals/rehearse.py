"""What a run over decisions would come to, said and not done: the same rules over the same readings, with nothing kept.

Decisions move in memory only, and where a stamp would leave for Intacct, a sentence takes its place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime

from intacct_asana.approvals.settle import Settler
from intacct_asana.approvals.stamp import Undoing, Writing
from intacct_asana.approvals.standing import Decided, Teller
from intacct_asana.approvals.words import bill_name, did_words, keys_of
from intacct_asana.approvals.write_steps import STAMP
from intacct_asana.codec import from_json, plain, to_json
from intacct_asana.ports import Decisions
from intacct_asana.records import ON_THE_WAY, Bill, Cursor, Decision, DecisionState, Intent, Story, Task
from intacct_asana.records.anchors import Anchor
from intacct_asana.records.recorded import STANDS, Recorded, approvals_in, recorded_in

WOULD = {
    DecisionState.CONFIRMED: "stamp",
    DecisionState.GRANTED: "grant",
    DecisionState.REFUSED: "refuse",
    DecisionState.VOID: "void",
    DecisionState.PARKED: "wait",
}
MOST_WORDS = 50


def found_to_json(decisions: Iterable[Decision]) -> str:
    """Decisions that were read and not recorded, for the step that judges them."""
    return json.dumps([to_json(one) for one in decisions])


def found_from_json(text: str) -> list[Decision]:
    return [from_json(Decision, each) for each in json.loads(text)]


class RehearsedDecisions:
    """`ports.Decisions` over those that are `stored`, with those that were just `found`; what happens to them is forgotten."""

    def __init__(self, stored: Decisions, *, found: Sequence[Decision] = ()) -> None:
        self._stored = stored
        self._moved = {one.decision_id: one for one in found}
        self._facts: dict[str, Mapping[str, object]] = {}

    def record(self, decisions: Sequence[Decision], *, at: datetime, cursors: Sequence[Cursor] = ()) -> list[Decision]:
        self._moved |= {one.decision_id: one for one in decisions}
        return list(decisions)

    def advance(self, decision: Decision, *, to: DecisionState, facts: Mapping[str, object], at: datetime) -> Decision:
        moved = replace(decision, state=to)
        self._moved[moved.decision_id] = moved
        self._facts[moved.decision_id] = {**self._facts.get(moved.decision_id, {}), **facts}
        return moved

    def acknowledge(self, decision: Decision, *, story_gid: str, at: datetime) -> Decision:
        return replace(decision, acknowledged=True)

    def anchor(self, decision: Decision, *, step: str = "") -> Anchor | None:
        return self._stored.anchor(decision, step=step)

    def unsettled(self) -> list[Decision]:
        return self._as_moved(self._stored.unsettled(), lambda one: one.state in ON_THE_WAY)

    def of(self, key: str) -> list[Decision]:
        return self._as_moved(self._stored.of(key), lambda one: one.key == key)

    def sent(self, keys: Collection[str] | None = None) -> list[Decision]:
        return self._stored.sent(keys)

    def granted(self) -> list[Decision]:
        return self._as_moved(self._stored.granted(), lambda one: one.state is DecisionState.GRANTED)

    def approved_since(self, at: datetime) -> list[Recorded]:
        """With those that would count by now, and without those that would not any more."""
        stored = [one for one in self._stored.approved_since(at) if one.decision_id not in self._moved]
        would = [one for one in self._moved.values() if one.state in STANDS and one.signal.decided_at >= at]
        rows = [
            (one.key, one.decision_id, {"signal": plain(one.signal), **self._facts.get(one.decision_id, {})}) for one in would
        ]
        return approvals_in([*stored, *recorded_in(rows)])

    def unacknowledged(self) -> list[Decision]:
        return self._stored.unacknowledged()

    def _as_moved(self, stored: Iterable[Decision], is_wanted: Callable[[Decision], bool]) -> list[Decision]:
        known = {one.decision_id: one for one in stored} | self._moved
        wanted = (one for one in known.values() if is_wanted(one))
        return sorted(wanted, key=lambda one: (one.signal.decided_at, one.decision_id))


@dataclass(slots=True, kw_only=True)
class Rehearsed(Decided):
    """The report of a rehearsal: what would become of each decision, in a sentence."""

    def note(self, decision: Decision) -> None:
        self.count(WOULD.get(decision.state, str(decision.state)))
        self.rules.update([decision.rule] if decision.rule else [])
        self.noted.append(decision)

    def words_of(self, decision: Decision, *, title: str = "") -> str:
        return would_words(decision, self.bills.get(decision.key), title=title)

    def summary(self) -> dict[str, object]:
        told = {"rehearsal": True, "would": self.counts(), "words": self.sentences()[:MOST_WORDS]}
        return told | {name: value for name, value in Decided.summary(self).items() if name != "states"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedSettler(Settler):
    """Judges and looks as a real run does. `decisions` have to be `RehearsedDecisions`."""

    def begun(self) -> Decided:
        return Rehearsed(bills=self.bills)

    def at_once(self) -> AbstractContextManager[None]:
        return nullcontext()

    def carried(self, intent: Intent, write: Writing | Undoing) -> Decision:
        if isinstance(write, Undoing):
            return self.advance(write.decision, DecisionState.VOID, {})
        return self.natively(write, None)

    def natively(self, write: Writing, earlier: Intent | None) -> Decision:
        """No step is sent, whatever way it goes."""
        name = bill_name(write.bill) if write.bill else f"record {write.decision.record_no}"
        noun = write.step.noun
        told = {
            DecisionState.SUBMITTED: f"its {noun} was sent to {name} and not seen yet; it would be looked for, then sent again",
            DecisionState.CONFIRMED: f"its stamp is missing on {name} and would be written again",
        }.get(write.decision.state) or self._would(write, name)
        return self.advance(replace(write.decision, outcome=told), DecisionState.CONFIRMED, {})

    def _would(self, write: Writing, name: str) -> str:
        """`would be stamped on bill 4711 in Intacct: Approved; then bill 4711 would be released from hold`"""
        steps = [
            f"{step.would(name)}: {self._says(write)}" if step is STAMP else step.would(name)
            for step in (write.step, *write.later)
        ]
        return "; then ".join(steps)

    def tell_later(self, told: Intent) -> None:
        """A real run would comment."""

    def write_anew(self, key: str, parts: Collection[str]) -> None:
        """A real run would have the bill sync write the task again."""

    def _says(self, write: Writing) -> str:
        names, decision = self.policy.stamp, write.decision
        values = STAMP.values(decision, write.bill, self.policy) if write.bill else {}
        assert names
        amount, reason = values.get(names.amount or ""), decision.signal.reason
        return ", ".join(part for part in (values.get(names.decision), amount, reason and f"reason: {reason}") if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedTeller(Teller):
    """Finds out what a task would be made to show, and leaves it as it is."""

    def put(self, task: Task, value: str, stories: Sequence[Story]) -> None:
        """A real run would set the field or the status. That it would put the task back into its project first is said."""
        self.bring_back(task)


def would_words(decision: Decision, bill: Bill | None, *, title: str = "") -> str:
    """`Alice Martin approved bill INV-7 of Acme, 500.00 USD, on 2026-11-23 08:00 UTC: would be stamped on bill INV-7 ...`"""
    why = " ".join(decision.outcome.splitlines())
    would = {
        DecisionState.REFUSED: "would be refused, and the task would say why: ",
        DecisionState.VOID: "would become void on both sides, and the task would say why: ",
        DecisionState.PARKED: "would wait, and the task would say why: ",
    }.get(decision.state, "")
    return f"{did_words(decision, bill, title=title)}: {would}{why} {keys_of(decision)}"
