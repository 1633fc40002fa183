"""A plan over the limits that waits for a person: how it is told from others, how it goes on, and what that person reads.

A release is known by what it would write: two runs that would write the same ask one question. What people read is Markdown,
and vendors write parts of it, so everything that is not ours is escaped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import islice

from intacct_asana.codec import json_text
from intacct_asana.sync.difference import FIELD
from intacct_asana.sync.paged import PagedPlan, totals_of
from intacct_asana.sync.plan import Plan, Retire, Writing
from intacct_asana.sync.plan_value import LEAVE
from intacct_asana.text import money_text, short

SHOWN = 12
"""Characters of a digest that people see."""
FIRST_ACTIONS = 15
LONGEST = 120
CARRYING_OUT = timedelta(hours=3)
"""How long an approved plan may take, with its tries: meanwhile nobody is asked about what it has not written yet."""


class ReleaseState(StrEnum):
    """`NEW` is refused, and nobody was asked yet; `REPLACED` by a newer plan, or by one that needs nobody."""

    NEW = "new"
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "not answered in time"
    REPLACED = "out of date"
    APPLIED = "carried out"


UNANSWERED = frozenset({ReleaseState.NEW, ReleaseState.WAITING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`digest` is that of what would be written. `scope` is empty for plans of the schedule, else the run that was narrowed.

    `asked` counts the questions, `run_id` is that of the run of the release DAG in which the newest one stands.
    """

    digest: str
    kind: str
    plan_id: str
    state: ReleaseState
    refused_at: datetime
    dag_id: str
    """Whose run `refused_in` refused it: runs of two DAGs can have one id."""

    refused_in: str
    reasons: tuple[str, ...]
    counts: Mapping[str, int]
    money: Mapping[str, str]
    calls: int
    scope: str = ""
    asked: int = 0
    asked_at: datetime | None = None
    run_id: str = ""
    answered_at: datetime | None = None
    answered_by: str = ""
    answered_name: str = ""

    @property
    def shown(self) -> str:
        return self.digest[:SHOWN]

    @property
    def next_run_id(self) -> str:
        """Of the run that asks next: the same for every run that wants it, so that Airflow starts one."""
        return f"release__{self.shown}__{self.asked + 1}"

    @property
    def key(self) -> str:
        """Under which its evidence stands."""
        return f"release:{self.kind}:{self.digest[:SHOWN]}"

    def facts(self, step: str) -> dict[str, object]:
        """For the evidence."""
        who = {"id": self.answered_by, "name": self.answered_name, "at": self.answered_at} if self.answered_by else None
        names = ("digest", "plan_id", "reasons", "counts", "money", "run_id")
        said = {name: getattr(self, name) for name in names}
        return {"about": "release", "step": step, "kind": self.kind, "by": who, **said}


def digest_of(plan: Plan | PagedPlan, *, kind: str) -> str:
    """Of everything that the plan would write. What it leaves alone, and its notes, make no other plan of it, nor do pages."""
    digest, parting = hashlib.sha256(f"[{json_text(kind)},[".encode()), ""
    for action in acting(plan):
        digest.update(f"{parting}{json_text([action.kind, action])}".encode())
        parting = ","
    digest.update(b"]]")
    return digest.hexdigest()


def calls_of(plan: Plan | PagedPlan) -> int:
    """Calls to Asana that carrying it out takes, a few more or less."""
    return totals_of(plan).calls


def acting(plan: Plan | PagedPlan) -> Iterator[Writing | Retire]:
    """What is written on tasks of records, then what is told on those that stand for nothing."""
    for page in plan.pages():
        yield from page.writing
    for page in plan.pages():
        yield from page.retiring


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What becomes of a refused plan. `waits` says in words why this run has nothing to do and is no failure; else `red` does.

    `rows` are to be kept.
    """

    rows: tuple[Release, ...]
    waits: str = ""
    red: str = ""


def held(
    wanted: Release, *, known: Release | None, others: Iterable[Release], dag_id: str, at: datetime, longest: timedelta
) -> Held:
    """A refused plan against what is known of it (`known`) and of other plans of its kind.

    A question that is older than `longest` is asked by nobody any more: its run was deleted, or marked as done.
    """
    others = [one for one in others if one.digest != wanted.digest]
    busy = next((one for one in (known, *others) if one and is_carried_out(one, at)), None)
    if busy:
        return Held(rows=(), waits=f"The plan {busy.shown} that {busy.answered_name} approved is being carried out.")
    rows = out_of_date(others, scope=wanted.scope)
    is_lost = known is not None and known.state is ReleaseState.WAITING and at - (known.asked_at or at) > longest
    if known is None or is_lost or known.state in (ReleaseState.REPLACED, ReleaseState.APPLIED, ReleaseState.NEW):
        # A run that was to ask about it once is there already and asks no more, so the next one has another id.
        asked = replace(wanted, asked=known.asked + (known.state is not ReleaseState.NEW) if known else 0)
        asks = f"People are asked about it in {dag_id} (run {asked.next_run_id})."
        return Held(rows=(*rows, asked), red=asks)
    if known.state is ReleaseState.WAITING:
        return Held(
            rows=rows, waits=f"The same plan waits for an answer in {dag_id} (run {known.run_id}). Nothing was written."
        )
    who = f" by {known.answered_name}" if known.answered_name else ""
    again = f"It is asked about again when it changes, or when somebody triggers {dag_id}."
    if known.state is ReleaseState.APPROVED:
        again = f"Clear apply_release in {dag_id} (run {known.run_id}), whose log says what failed."
    return Held(rows=rows, red=f"The same plan was {known.state}{who} (run {known.run_id}). {again}")


def out_of_date(others: Iterable[Release], *, scope: str) -> tuple[Release, ...]:
    """A newer plan of the same scope speaks of the same records as they are now."""
    return tuple(replace(one, state=ReleaseState.REPLACED) for one in others if one.state in UNANSWERED and one.scope == scope)


def is_carried_out(one: Release, at: datetime) -> bool:
    return one.state is ReleaseState.APPROVED and one.answered_at is not None and at - one.answered_at < CARRYING_OUT


# What people read.


def subject(release: Release, *, flow: str) -> str:
    return f"{flow}: a plan for {release.kind}s is over a limit ({release.shown})"


def body(release: Release, plan: Plan | PagedPlan, *, until: datetime, names: Mapping[str, str]) -> str:
    """`names` gives custom field gids their names."""
    first = tuple(islice(acting(plan), FIRST_ACTIONS))
    more = sum(count for kind, count in release.counts.items() if kind != LEAVE) - FIRST_ACTIONS
    return "\n".join(
        [
            f"Run `{release.refused_in}` of `{release.dag_id}` wrote nothing, because its plan is over a limit:",
            "",
            *(f"- {escaped(reason)}" for reason in release.reasons),
            "",
            f"**What it would do:** {what(release)}. About {release.calls:,} calls to Asana, none to Intacct.",
            "",
            "**The first of it:**" if more > 0 else "**One by one:**",
            "",
            *(f"- {_line(action, names)}" for action in first),
            *([f"- and {more:,} more; the log of that run lists them"] if more > 0 else []),
            *(["", "**Notes:**", "", *(f"- {escaped(note)}" for note in plan.notes[:FIRST_ACTIONS])] if plan.notes else []),
            "",
            f"*Approve* carries out exactly this plan (digest `{release.digest}`). What changed since then is left to the next "
            f"run. *Reject*, or no answer until {until:%Y-%m-%d %H:%M} UTC, writes nothing.",
        ]
    )


def what(release: Release) -> str:
    """Numbers and money, as people say them."""
    verbs = {"create": "new", "adopt": "taken over", "update": "changed", "close": "completed", "reopen": "opened again"}
    verbs |= {"retire": "that stand for no bill told so"}
    told = [f"{count:,} {verbs[kind]}" for kind, count in release.counts.items() if count and kind in verbs]
    sums = [money_text(Decimal(amount), currency) for currency, amount in release.money.items() if Decimal(amount)]
    worth = f", records worth {' and '.join(sums)}" if sums else ""
    return f"tasks: {', '.join(told) or 'none'}{worth}"


def _line(action: Writing | Retire, names: Mapping[str, str]) -> str:
    reason = action.reason
    # Longest first, so that one gid that begins another does not take its place.
    for gid in sorted(names, key=len, reverse=True):
        reason = reason.replace(FIELD + gid, names[gid])
    amount = f", {escaped(money_text(action.amount, action.currency))}" if action.amount else ""
    name = action.name if isinstance(action, Retire) else action.desired.name
    return f"{action.kind} {escaped(name or action.key)}{amount}: {escaped(reason)}"


def escaped(text: str) -> str:
    """Text of others on one line, in which Markdown and HTML find nothing."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&:])", r"\\\1", short(text, longest=LONGEST))


def words_of_end(release: Release) -> str:
    """What a release's own run says when it is over."""
    who = f" by {release.answered_name}" if release.answered_name else ""
    ends = {
        ReleaseState.REJECTED: "Nothing is written.",
        ReleaseState.EXPIRED: "Nothing is written.",
        ReleaseState.REPLACED: "A newer run made another plan, so nothing is done here; look at the newest release.",
        ReleaseState.APPLIED: "There is nothing left to do.",
    }
    return f"Plan {release.shown} was {release.state}{who}. {ends.get(release.state, '')}".rstrip()
