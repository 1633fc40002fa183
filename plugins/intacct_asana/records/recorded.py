"""A decision as its evidence has it: who chose what, on which bill, by which rules, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from intacct_asana.codec import instant_of
from intacct_asana.records.state import DecisionState, Verdict

STANDS = frozenset({DecisionState.CLEARED, DecisionState.SUBMITTED, DecisionState.CONFIRMED, DecisionState.GRANTED})
"""States of a decision that counts: for a step, for the whole, or on its way into Intacct."""
Row = tuple[str, str, Mapping[str, Any]]
"""Key, decision id and body of a row of evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One decision. `bill` is what it was judged on, as the evidence keeps it; empty where it was judged on none.

    `states` are those it went through, oldest first. `rules` are the rules that it was judged by last: each with whether it
    passed, and its sentence. `route` is the rule of the policy with its steps and who gave them, where the flow has such.
    """

    decision_id: str
    key: str
    verdict: Verdict
    at: datetime
    gid: str = ""
    name: str = ""
    email: str = ""
    source: str = ""
    reason: str = ""
    is_guest: bool | None = None
    bill: Mapping[str, Any] = field(default_factory=dict)
    states: tuple[DecisionState, ...] = ()
    rules: tuple[tuple[str, bool, str], ...] = ()
    route: Mapping[str, Any] = field(default_factory=dict)
    judged_at: int = 0
    void_at: int | None = None
    """Places among the rows that were read: where it was judged last, and where it became void after it had counted."""

    @property
    def place_of(self) -> str:
        """The address of whoever the decider stood in for; empty for nobody, and where the flow has no deputies."""
        given = (one for step in self.route.get("steps", ()) for one in step.get("given", ()))
        return next((str(one.get("for") or "") for one in given if one.get("decision_id") == self.decision_id), "")

    @property
    def amount(self) -> Decimal | None:
        """In the base currency."""
        try:
            return Decimal(str(self.bill["total_entered"]))
        except (KeyError, InvalidOperation):
            return None

    @property
    def currency(self) -> str:
        return str(self.bill.get("base_currency") or "")

    @property
    def vendor_id(self) -> str:
        return str(self.bill.get("vendor_id") or "")

    @property
    def bill_name(self) -> str:
        return str(self.bill.get("bill_number") or self.key)


def recorded_in(rows: Iterable[Row]) -> list[Recorded]:
    """The decisions that these rows begin, in that order, with what the rows say of them."""
    told: dict[str, list[tuple[int, Row]]] = {}
    for place, row in enumerate(rows):
        if row[1]:
            told.setdefault(row[1], []).append((place, row))
    return [one for about in told.values() for one in _recorded(dict(about))]


def approvals_in(standing: Iterable[Recorded]) -> list[Recorded]:
    """Approvals, oldest first, but for those that a later rejection of the same bill countered."""
    ordered = sorted(standing, key=_order)
    rejected = {one.key: _order(one) for one in ordered if one.verdict is Verdict.REJECT}
    approved = (one for one in ordered if one.verdict is Verdict.APPROVE)
    return [one for one in approved if one.key not in rejected or rejected[one.key] < _order(one)]


def _order(one: Recorded) -> tuple[datetime, str]:
    return one.at, one.decision_id


def _recorded(placed: Mapping[int, Row]) -> Iterator[Recorded]:
    rows = list(placed.values())
    key, decision_id, began = rows[0]
    signal = began.get("signal")
    if not isinstance(signal, dict):
        return
    judged = [place for place, (_, _, said) in placed.items() if isinstance(said.get("rules"), list)]
    last: Mapping[str, Any] = placed[judged[-1]][2] if judged else {}
    who = last.get("who") or {}
    # One that was found by its stamp was never judged; it stands by what the bill was then.
    bills = [said["bill"] for _, _, said in rows if isinstance(said.get("bill"), dict) and said["bill"]]
    yield Recorded(
        decision_id=decision_id,
        key=key,
        verdict=Verdict(signal["verdict"]),
        at=instant_of(signal["decided_at"]),
        gid=str(signal.get("decider_gid") or ""),
        name=str(signal.get("decider_name") or ""),
        email=str(who.get("email") or began.get("decider_email") or ""),
        source=str(signal.get("source") or ""),
        reason=str(signal.get("reason") or ""),
        is_guest=who.get("is_guest"),
        bill=last.get("bill") or (bills[0] if bills and not judged else {}),
        states=tuple(DecisionState(step) for _, _, said in rows if (step := said.get("step")) in set(DecisionState)),
        rules=tuple((str(one["rule"]), bool(one["passed"]), str(one["said"])) for one in last.get("rules", ())),
        route=last.get("policy") or {},
        judged_at=judged[-1] if judged else next(iter(placed)),
        void_at=next((place for place, (_, _, said) in placed.items() if said.get("step") == DecisionState.VOID), None),
    )
