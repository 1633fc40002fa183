"""Records as rows that people read. Pure: what is said of each thing, and where its links lead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from html import unescape
from zoneinfo import ZoneInfo

from intacct_asana.audit.chain import ChainRow
from intacct_asana.closing.view import Due
from intacct_asana.records import Decision, DecisionState, Intent, Link, Verdict
from intacct_asana.records.asks import Ask
from intacct_asana.records.concerns import Concern, ConcernState
from intacct_asana.records.drift import Drifted
from intacct_asana.records.matters import Matter, MatterState
from intacct_asana.reports.incidents import Incident
from intacct_asana.reports.listed import Known
from intacct_asana.reports.run_report import RunReport, RunState
from intacct_asana.sync.release import Release, what
from intacct_asana.text import is_web_address, money_text, one_line, short

LONGEST = 300
"""Characters of a sentence in a list; the bill's own page has all of it."""

STATES: Mapping[DecisionState, tuple[str, str]] = {
    DecisionState.RECORDED: ("to be judged", "wait"),
    DecisionState.PARKED: ("parked", "wait"),
    DecisionState.CLEARED: ("may be carried out", "wait"),
    DecisionState.GRANTED: ("given for its step", "wait"),
    DecisionState.REFUSED: ("refused", "bad"),
    DecisionState.SUBMITTED: ("on its way to Intacct", "wait"),
    DecisionState.CONFIRMED: ("carried out", "good"),
    DecisionState.REJECTED: ("refused by Intacct", "bad"),
    DecisionState.UNDOING: ("being taken back", "bad"),
    DecisionState.VOIDING: ("being made void", "wait"),
    DecisionState.VOID: ("void", "off"),
}
"""In words, and how it looks."""

DECISIONS: Mapping[str, frozenset[DecisionState]] = {
    "parked": frozenset({DecisionState.PARKED}),
    "refused": frozenset({DecisionState.REFUSED, DecisionState.REJECTED, DecisionState.UNDOING}),
    "under-way": frozenset({DecisionState.RECORDED, DecisionState.CLEARED, DecisionState.SUBMITTED, DecisionState.VOIDING}),
    "given": frozenset({DecisionState.GRANTED}),
    "carried-out": frozenset({DecisionState.CONFIRMED}),
    "void": frozenset({DecisionState.VOID}),
}
"""What the list of decisions can be narrowed to."""

CHOSE = {Verdict.APPROVE: "approves", Verdict.REJECT: "rejects"}
BILL_LINK = re.compile(r'<a href="([^"]{1,2000})">Open the bill in Intacct</a>')


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """A link that leaves the page: to Intacct, Asana, or Airflow's own views."""

    text: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """`text` with a link of the page itself, a look (`good`, `wait`, `bad`, `off`), a second line, and links that leave it."""

    text: str = ""
    url: str = ""
    look: str = ""
    note: str = ""
    away: tuple[Away, ...] = ()
    is_number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str = "Nothing."

    def without(self, *headings: str) -> Table:
        """The same without these columns."""
        kept = [place for place, heading in enumerate(self.headings) if heading not in headings]
        rows = tuple(tuple(row[place] for place in kept) for row in self.rows)
        return replace(self, headings=tuple(self.headings[place] for place in kept), rows=rows)


@dataclass(frozen=True, slots=True)
class Shown:
    """How rows are written: the time zone, and the address of a bill's view."""

    zone: ZoneInfo
    now: datetime
    bill_url: Callable[[str], str]
    dag_url: Callable[[str, str], str]

    def at(self, at: datetime | None) -> str:
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M}" if at else ""

    def since(self, at: datetime | None) -> Cell:
        """How long ago, with the time below it."""
        return Cell(text=ago(self.now - at), note=self.at(at)) if at else Cell()


def ago(passed: timedelta) -> str:
    """`just now`, `12 minutes ago`, `3 hours ago`, `2 days ago`."""
    minutes = int(passed.total_seconds() // 60)
    if minutes < 1:
        return "just now"
    units = ((1440, "day"), (60, "hour"), (1, "minute"))
    number, unit = next((minutes // size, unit) for size, unit in units if minutes >= size)
    return f"{number} {unit}{'' if number == 1 else 's'} ago"


def money_of(known: Known | None) -> str:
    """The bill's amount as its task shows it, in the base currency; empty where nothing is known."""
    body = known.shown if known else None
    if not body:
        return money_text(known.facts.amount, known.facts.currency) if known and known.facts else ""
    try:
        return money_text(Decimal(str(body["total_entered"])), str(body.get("base_currency") or body.get("currency") or ""))
    except (KeyError, InvalidOperation):
        return ""


def bill_cell(key: str, known: Known | None, shown: Shown) -> Cell:
    name = known.link.confirmed.name if known and known.link and known.link.confirmed else ""
    return Cell(text=short(name, longest=LONGEST) or key, url=shown.bill_url(key), note=key if name else "")


def away_of(known: Known | None, *, task_url: str = "") -> tuple[Away, ...]:
    """Where the bill is in Intacct, as far as the store knows, and its task in Asana."""
    links = [Away(text="Intacct", url=record_url_of(known)), Away(text="Asana", url=task_url or _task_url(known))]
    return tuple(one for one in links if is_web_address(one.url))


def record_url_of(known: Known | None) -> str:
    """From the ledger, or from the link that we wrote into the task ourselves."""
    if known and known.facts and known.facts.record_url:
        return one_line(known.facts.record_url)
    draft = known.link.confirmed if known and known.link else None
    found = BILL_LINK.search(draft.html_notes) if draft else None
    return unescape(found[1]) if found else ""


def _task_url(known: Known | None) -> str:
    return known.link.task_url if known and known.link else ""


def waits_for(turn: Intent | None, asked: Sequence[Ask], by_rules: Due | None) -> Cell:
    """Who is due: by the turn that was worked out, by subtasks that are open, or, where nobody was named so, by the rules."""
    body = turn.body if turn else {}
    due = body.get("due")
    people = [str(one) for one in due] if isinstance(due, list) else []
    people = people or sorted({ask.email for ask in asked})
    if not people:
        told = by_rules or Due(words="an approver")
        return Cell(text=short(told.words, longest=LONGEST), look="wait", note=told.step)
    step = str(body.get("step") or "") or next((ask.step for ask in asked if ask.step), "")
    return Cell(text=short(", ".join(people), longest=LONGEST), look="wait", note=step)


def waiting_table(
    links: Iterable[Link],
    known: Mapping[str, Known],
    turns: Mapping[str, Intent],
    asked: Mapping[str, Sequence[Ask]],
    due: Mapping[str, Due],
    shown: Shown,
) -> Table:
    rows = []
    for link in links:
        open_asks = [ask for ask in asked.get(link.key, ()) if ask.is_live and not ask.closed_at]
        rows.append(
            (
                bill_cell(link.key, known.get(link.key), shown),
                Cell(text=money_of(known.get(link.key)), is_number=True),
                waits_for(turns.get(link.key), open_asks, due.get(link.key)),
                shown.since(link.linked_at),
                Cell(away=away_of(known.get(link.key))),
            )
        )
    return Table(headings=("Bill", "Amount", "Waits for", "Task since", "Open in"), rows=tuple(rows), empty="No bill waits.")


def decision_table(
    decisions: Iterable[Decision], known: Mapping[str, Known], shown: Shown, *, dag_id: str, runs: Mapping[str, str]
) -> Table:
    """Each with a link to the run that brought it where it is, or to the DAG where an older release did; `runs` by decision."""
    rows = []
    for one in decisions:
        words, look = STATES[one.state]
        here = known.get(one.key)
        run_id = runs.get(one.decision_id, "")
        links = (*away_of(here, task_url=one.task_url), Away(text="Airflow", url=shown.dag_url(dag_id, run_id)))
        rows.append(
            (
                bill_cell(one.key, here, shown),
                Cell(text=money_of(here), is_number=True),
                Cell(text=f"{_decider(one)} {CHOSE[one.signal.verdict]}", note=shown.at(one.signal.decided_at)),
                Cell(text=words, look=look, note=short(one.outcome or one.granted, longest=LONGEST)),
                Cell(away=links),
            )
        )
    headings = ("Bill", "Amount", "Decision", "What became of it", "Open in")
    return Table(headings=headings, rows=tuple(rows), empty="No decision.")


def _decider(one: Decision) -> str:
    return short(one.signal.decider_name, longest=80) or one.decider_email or "Somebody"


def drift_table(found: Iterable[tuple[Drifted, datetime]], known: Mapping[str, Known], shown: Shown) -> Table:
    rows = []
    for one, found_at in found:
        here = known.get(one.key)
        amount = money_text(one.amount, one.currency) if one.amount is not None else money_of(here)
        bill = Cell(text=short(one.name, longest=LONGEST) or bill_cell(one.key, here, shown).text, url=shown.bill_url(one.key))
        rows.append(
            (
                Cell(text=str(one.drift), look="bad"),
                bill,
                Cell(text=amount, is_number=True),
                Cell(text=short(one.words, longest=LONGEST)),
                shown.since(found_at),
                Cell(away=away_of(here, task_url=one.task_url)),
            )
        )
    headings = ("Class", "Bill", "Amount", "What differs", "Found", "Open in")
    return Table(headings=headings, rows=tuple(rows), empty="The audit found no difference that holds still.")


def matter_table(matters: Iterable[Matter], shown: Shown) -> Table:
    rows = []
    for one in matters:
        look = "bad" if one.state is MatterState.OPEN else "off"
        said = f"accepted by {one.accepted_by}: {one.why}" if one.accepted_by else one.words
        bill = Cell(text=one.about, url=shown.bill_url(one.about)) if one.about else Cell()
        asana = (Away(text="Asana", url=one.task_url),) if is_web_address(one.task_url) else ()
        rows.append(
            (
                Cell(text=short(one.title, longest=LONGEST), note=one.kind),
                Cell(text=one.state.lower(), look=look, note=short(said, longest=LONGEST)),
                bill,
                shown.since(one.caused_at),
                Cell(away=asana),
            )
        )
    headings = ("Exception", "State", "Bill", "Since", "Open in")
    return Table(headings=headings, rows=tuple(rows), empty="Nothing needs a person.")


def concern_table(concerns: Iterable[Concern], known: Mapping[str, Known], shown: Shown) -> Table:
    rows = []
    for one in concerns:
        said = " ".join(part for part in (one.released_by and f"by {one.released_by}", one.why) if part)
        look = {ConcernState.OPEN: "bad" if one.blocks else "wait", ConcernState.RELEASED: "good"}.get(one.state, "off")
        words = "approvals wait" if one.is_open and one.blocks else one.state.lower()
        rows.append(
            (
                bill_cell(one.key, known.get(one.key), shown),
                Cell(text=one.kind, note=short(one.words, longest=LONGEST)),
                Cell(text=words, look=look, note=short(said, longest=LONGEST)),
                shown.since(one.found_at),
                Cell(away=away_of(known.get(one.key))),
            )
        )
    headings = ("Bill", "What was found", "State", "Found", "Open in")
    return Table(headings=headings, rows=tuple(rows), empty="Nothing speaks against a bill.")


def run_table(reports: Iterable[RunReport], shown: Shown) -> Table:
    rows = []
    for one in reports:
        ended_well = one.state is RunState.SUCCESS
        words = one.words or "; ".join(one.failures)
        calls = ", ".join(f"{system.capitalize()} {number:,}" for system, number in one.calls.items())
        rows.append(
            (
                Cell(text=one.job, note="dry run" if one.is_dry else one.run_type),
                Cell(text="succeeded" if ended_well else "failed", look="good" if ended_well else "bad"),
                Cell(text=words, note=calls and f"calls: {calls}"),
                shown.since(one.ended_at),
                Cell(away=(Away(text="Airflow", url=shown.dag_url(one.dag_id, one.run_id)),)),
            )
        )
    return Table(headings=("Job", "State", "What it did", "Ended", "Open in"), rows=tuple(rows), empty="No run has told yet.")


def release_table(releases: Iterable[Release], shown: Shown, *, dag_id: str) -> Table:
    """Plans over a limit; a person answers in Airflow's own view of required actions."""
    rows = []
    for one in releases:
        question = f"{shown.dag_url(dag_id, one.run_id)}/tasks/ask_people/required_actions" if one.run_id else ""
        rows.append(
            (
                Cell(text=f"{one.kind} plan {one.shown}", note=what(one)),
                Cell(text=str(one.state), look="wait", note=short("; ".join(one.reasons), longest=LONGEST)),
                shown.since(one.refused_at),
                Cell(away=(Away(text="Answer in Airflow", url=question or shown.dag_url(dag_id, "")),)),
            )
        )
    return Table(headings=("Plan", "Why it waits", "Refused", "Open in"), rows=tuple(rows), empty="No plan waits.")


def incident_table(incidents: Iterable[Incident], shown: Shown) -> Table:
    rows = []
    for one in incidents:
        times = f", met {one.times} times" if one.times > 1 else ""
        rows.append(
            (
                Cell(text=one.seen.kind, look="bad"),
                Cell(text=short(one.seen.title, longest=LONGEST), note=short(one.seen.words, longest=LONGEST)),
                shown.since(one.opened_at),
                Cell(text=f"{', '.join(one.told) or 'nobody yet'}{times}"),
            )
        )
    return Table(headings=("Incident", "What it is", "Since", "Told"), rows=tuple(rows), empty="Nothing is wrong.")


def evidence_table(rows: Iterable[ChainRow], shown: Shown) -> Table:
    """What each row says in short; the export has all of it."""
    made = []
    for row in rows:
        said = row.said
        step = str(said.get("step") or said.get("about") or "note")
        rules = said.get("rules")
        failed = [str(one.get("said")) for one in rules if isinstance(one, dict) and not one.get("passed")] if rules else []
        words = "; ".join(failed) or str(said.get("outcome") or "")
        digest = Cell(text=row.digest[:12], note=f"key {row.signed_by}" if row.signed_by else "not keyed")
        written = shown.at(datetime.fromisoformat(row.written_at))
        told = short(words, longest=LONGEST)
        made.append(
            (Cell(text=str(row.sequence), is_number=True), Cell(text=written), Cell(text=step.lower()), Cell(text=told), digest)
        )
    headings = ("Row", "Written", "Step", "What it says", "Digest")
    return Table(headings=headings, rows=tuple(made), empty="There is no evidence about this bill.")
