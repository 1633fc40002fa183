"""Incidents: what a person should hear of once, and once more when it is over. What makes two the same, and what is said.

An incident is one flow's, of one kind, about one thing (a DAG, a bill, a finding), for one cause. It is the same for as long as
it holds, however many tries and runs meet it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from intacct_asana.text import cut, short

LONGEST_WORDS, LONGEST_TITLE = 3000, 160
MOST_LISTED = 20
"""Incidents of one message; the others stand on the page and in the store."""


class Kind(StrEnum):
    """What sort of news it is, and so who is told."""

    FAILURE = "failure"
    LATE = "late"
    REFUSAL = "refusal"
    PARKED = "parked"
    DRIFT = "drift"
    METER = "meter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Something that holds now. `error` names what was raised, `step` the task; `links` are lines of a label and an address."""

    kind: Kind
    what: str
    cause: str
    title: str
    words: str
    error: str = ""
    step: str = ""
    run_id: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A sighting with its history. `turn` counts how often it began, `told` and `told_over` name the notifiers that did their
    part, `tasks` the Asana tasks that were made for it, by notifier."""

    flow: str
    seen: Sighting
    opened_at: datetime
    turn: int = 1
    times: int = 1
    ended_at: datetime | None = None
    over: str = ""
    told: tuple[str, ...] = ()
    told_over: tuple[str, ...] = ()
    tasks: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return key_of(self.seen)

    @property
    def incident_id(self) -> str:
        """As messages name it: another one each time that it begins."""
        return f"inc-{self.flow}-{self.key}-{self.turn}"

    @property
    def is_open(self) -> bool:
        return self.ended_at is None


def key_of(seen: Sighting) -> str:
    text = "|".join((seen.kind, seen.what, seen.cause))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def noted(before: Incident | None, seen: Sighting, *, flow: str, at: datetime) -> Incident:
    """The incident after it was seen. One that is back before anybody heard that it was over never ended to anybody."""
    if before is None:
        return Incident(flow=flow, seen=seen, opened_at=at)
    if before.is_open or not before.told_over:
        return replace(before, seen=seen, times=before.times + 1, ended_at=None, over="")
    return Incident(flow=flow, seen=seen, opened_at=at, turn=before.turn + 1)


def ended(incident: Incident, *, why: str, at: datetime) -> Incident:
    return replace(incident, ended_at=at, over=why)


# What is said

MEANS: Mapping[str, str] = {
    "TryLater": "The other side did not answer or asked to wait, and all tries are used up. Nothing happened over there. The "
    "next run tries again by itself; look at the other side, the network and the connection if that fails too.",
    "OutcomeUnknown": "A write left and no answer came. The next run looks whether it is there before anything is written "
    "again. Nothing has to be done unless that fails too.",
    "Refused": "The other side understood and said no. Read the reason, mend it there, and clear the failed step.",
    "UnsafePlan": "The plan is bigger than the flow's limits, and nothing was written. Look at the numbers in the log. If they "
    "are right, answer in Required Actions of the flow's release DAG where the flow says `release`; else run the DAG again "
    "with *Allow a plan over the limits*.",
    "Misconfigured": "A person has to mend a connection, a right or the flow file; the problems are listed above. Then "
    "clear the failed step.",
    "UnexpectedReply": "An answer is not what the documentation says, so it was not taken for a success. If it stays so, "
    "report it with what stands above.",
    "": "The task ended without a word: killed, out of memory, or its worker is gone. What it left half-way is looked for and "
    "not done twice. Look at the worker; the next run goes on from what was confirmed.",
}
UNKNOWN = "That is no error of this integration's own words, so it may be a mistake in it, or Airflow's. The log says more."
BY_KIND: Mapping[Kind, str] = {
    Kind.LATE: "The DAG has not succeeded for longer than its flow file allows. See whether it is paused, its runs wait for a "
    "pool, or they fail.",
    Kind.REFUSAL: "The reason stands on the bill's task. Somebody has to decide anew there, or the bill has to change.",
    Kind.PARKED: "Nothing is lost: the decision is carried out when what it waits for comes to pass.",
    Kind.DRIFT: "Both sides do not say the same. docs/drift-and-exceptions.md says what each class means and what mends it.",
    Kind.METER: "Intacct bills calls beyond the subscription. Fewer runs, or `schedules.idle`, cost fewer.",
}


def means(seen: Sighting) -> str:
    """What it means and what to do."""
    return BY_KIND[seen.kind] if seen.kind in BY_KIND else MEANS.get(seen.error, UNKNOWN)


def subject(incidents: Sequence[Incident]) -> str:
    """One line for all of them, which are of one kind and either open or over."""
    first = incidents[0]
    over = "" if first.is_open else "over: "
    more = f", and {len(incidents) - 1} more" if len(incidents) > 1 else ""
    return short(f"[{first.flow}] {over}{first.seen.title}", longest=LONGEST_TITLE) + more


def message(incidents: Sequence[Incident], *, page: str = "") -> str:
    """The same in full, as plain text. It ends with the ids, by which a second copy of a message is known as one."""
    shown, more = incidents[:MOST_LISTED], len(incidents) - MOST_LISTED
    blocks = [_begins(one) if one.is_open else _is_over(one) for one in shown]
    blocks += [f"And {more} more."] if more > 0 else []
    blocks += dict.fromkeys(means(one.seen) for one in shown if one.is_open)
    blocks += [f"Page: {page}"] if page else []
    return "\n\n".join([*blocks, *_closing(incidents)])


def _begins(one: Incident) -> str:
    return "\n".join([one.seen.title, *_lines(one), f"Since {_minute(one.opened_at)}.", *one.seen.links])


def _is_over(one: Incident) -> str:
    when = f"From {_minute(one.opened_at)} to {_minute(one.ended_at)}." if one.ended_at else ""
    unheard = [] if one.told else _lines(one)
    return "\n".join([f"Over: {one.seen.title}", *unheard, *([one.over] if one.over else []), when, *one.seen.links])


def _lines(one: Incident) -> list[str]:
    return [cut(one.seen.words, characters=LONGEST_WORDS)] if one.seen.words else []


def _closing(incidents: Sequence[Incident]) -> list[str]:
    once = ["You are told once, and again when it is over."] if incidents[0].is_open else []
    ids = ", ".join(one.incident_id for one in incidents[:MOST_LISTED])
    return [*once, f"{'Incident' if len(incidents) == 1 else 'Incidents'}: {ids}"]


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


# What holds


def late(dag_id: str, *, job: str, since: datetime, at: datetime, longest: timedelta, succeeded: bool) -> Sighting | None:
    """None where the last success, or the first look where there was none, is recent enough."""
    if at - since <= longest:
        return None
    how = f"The last run that succeeded ended at {_minute(since)}" if succeeded else f"None succeeded since {_minute(since)}"
    hours = longest.total_seconds() / 3600
    allowed = f"{hours:g} hours" if hours != 1 else "1 hour"
    words = f"{how}; the flow file allows {allowed}."
    title = f"{dag_id} has not succeeded for {allowed}"
    return Sighting(kind=Kind.LATE, what=job, cause="late", title=title, words=words)


def gone(open_ones: Iterable[Incident], holding: Iterable[Sighting], *, kinds: Iterable[Kind]) -> list[Incident]:
    """Those of these kinds that hold no more."""
    still, looked = {key_of(one) for one in holding}, set(kinds)
    return [one for one in open_ones if one.seen.kind in looked and one.key not in still]
