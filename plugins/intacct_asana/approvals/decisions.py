"""Signals as decisions: each with an id that finds itself again, and with what the task showed when the person chose."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from intacct_asana.ports import Links, TaskBoard
from intacct_asana.records import Decision, Link, Signal


def decision_id_of(flow: str, signal: Signal) -> str:
    """The same story always gives the same id, so a story that is read twice is one decision."""
    text = "|".join((flow, signal.task_gid, signal.story_gid))
    return f"dec-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def control_id_of(decision: Decision) -> str:
    """The control id of the decision's write: deterministic, so that Intacct itself refuses a repeat; 32 characters."""
    return f"ia-{decision.decision_id}-stamp"


def control_id_for(decision: Decision, record_no: str) -> str:
    """The control id of a write to this record: another one when Purchasing recreated the bill after the first was sent.

    That may have been carried out on the record that is gone, and Intacct would refuse its control id for ever.
    """
    return decision.control_id if record_no == decision.record_no else f"{decision.control_id}-{record_no}"


def next_control_id(control_id: str) -> str:
    """`...-stamp` becomes `...-stamp-again2`, then `-again3`: for a write that was proven absent after it was sent twice."""
    base, _, count = control_id.partition("-again")
    return f"{base}-again{int(count or 1) + 1}"


def decisions_of(
    signals: Iterable[Signal], *, flow: str, link: Link, board: TaskBoard, links: Links, known: Collection[str] = ()
) -> list[Decision]:
    """A decision for each signal whose id is not in `known`.

    Asks the board for each person's e-mail address once, and the store for what the task showed.
    """
    new = [signal for signal in signals if decision_id_of(flow, signal) not in known]
    gids = sorted({signal.decider_gid for signal in new if signal.decider_gid})
    people = {gid: board.person(gid) for gid in gids}
    emails = {gid: person.email for gid, person in people.items() if person}
    return [
        _decision(signal, flow=flow, link=link, links=links, email=emails.get(signal.decider_gid or "", "")) for signal in new
    ]


def _decision(signal: Signal, *, flow: str, link: Link, links: Links, email: str) -> Decision:
    shown = links.shown(link.key, task_gid=signal.task_gid, at=signal.decided_at)
    return Decision(
        decision_id=decision_id_of(flow, signal),
        key=link.key,
        task_gid=link.task_gid,
        task_url=link.task_url,
        record_no=link.record_no,
        signal=signal,
        shown_digest=shown.digest if shown else "",
        decider_email=email,
    )
