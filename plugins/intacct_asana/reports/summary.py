"""What a run says of itself, from what its steps returned: the counts for machines, and the words for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from intacct_asana.reports.meter import ASANA, INTACCT, SYSTEMS
from intacct_asana.reports.run_report import MOST_REFUSALS, RunReport, RunState
from intacct_asana.text import money_text, one_line, short

Result = Mapping[str, Any]
LONGEST_SENTENCE = 500
MOST_SAID = 10
"""Sentences of a kind in the words; the steps' logs have all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnd:
    """How one step ended: its state in Airflow, what it returned, and why it failed."""

    name: str
    state: str = "success"
    result: Result = field(default_factory=dict)
    failure: str = ""
    calls: Mapping[str, int] = field(default_factory=dict)

    @property
    def has_failed(self) -> bool:
        return self.state in ("failed", "upstream_failed")


DONE = {
    "create": "made",
    "adopt": "taken over",
    "update": "updated",
    "close": "completed",
    "reopen": "opened again",
    "retire": "told that they stand for no bill",
}
TO_DO = {"create": "to make", "adopt": "to take over", "update": "to update", "close": "to complete", "reopen": "to open again"}
ENDED = {
    "CONFIRMED": "carried out",
    "GRANTED": "counted, others are missing",
    "REFUSED": "refused",
    "REJECTED": "refused by Intacct",
    "PARKED": "waiting",
    "VOID": "not counting any more",
}
NOTHING_READ = "Nothing had to be done."


def report_of(
    steps: Sequence[StepEnd],
    *,
    flow: str,
    job: str,
    dag_id: str,
    run_id: str,
    run_type: str,
    started_at: datetime,
    ended_at: datetime,
    is_rehearsal: bool = False,
    meter_words: str = "",
    wrong: str = "",
    package: str = "",
    flow_file: str = "",
) -> RunReport:
    """The run's report. `meter_words` are said where the meter warns, `wrong` where the run fails though no step did."""
    failures = (*(_failure(step) for step in steps if step.has_failed), *([_sentence(wrong)] if wrong else []))
    said = [line for step in steps for line in LINES.get(step.name, _others)(step.result, step.name) if step.result]
    calls: Counter[str] = Counter()
    for step in steps:
        calls.update(step.calls or step.result.get("calls") or {})
    report = RunReport(
        flow=flow,
        job=job,
        dag_id=dag_id,
        run_id=run_id,
        run_type=run_type,
        started_at=started_at,
        ended_at=ended_at,
        state=RunState.FAILED if failures else RunState.SUCCESS,
        is_dry=is_rehearsal or any(step.result.get("dry_run") or step.result.get("rehearsal") for step in steps),
        counts={name: count for step in steps for name, count in _counts(step)},
        money=_money(steps),
        refusals=tuple(_sentence(one) for step in steps for one in _refusals(step))[:MOST_REFUSALS],
        failures=failures,
        calls={system: calls[system] for system in SYSTEMS if calls[system]},
        package=package,
        flow_file=flow_file,
    )
    return _with_words(report, said, meter_words)


def _with_words(report: RunReport, said: Sequence[str], meter_words: str) -> RunReport:
    how = "failed" if report.failures else "only said what it would do" if report.is_dry else "done"
    head = f"{report.job.replace('_', ' ')} of {report.flow}, {report.run_type}: {how} after {took_words(report.took)}."
    lines = [*(f"Failed: {one}" for one in report.failures), *(said or [NOTHING_READ][: not report.failures])]
    if report.money:
        lines.append(f"Bills worth {', '.join(money_text(amount, name) for name, amount in sorted(report.money.items()))}.")
    lines += [f"Not done: {one}" for one in report.refusals[:MOST_SAID]]
    more = len(report.refusals) - MOST_SAID
    lines += [f"... and {more} more that were not done, see the steps' logs."] if more > 0 else []
    used = [f"{report.calls.get(system, 0)} of {name}" for system, name in ((INTACCT, "Intacct"), (ASANA, "Asana"))]
    lines.append(f"Calls: {', '.join(used)}.")
    lines += [meter_words] if meter_words else []
    return replace(report, words="\n".join([head, "", *(f"- {_sentence(line)}" for line in lines)]))


def took_words(took: timedelta) -> str:
    """`42 s`, `3 min 5 s`, `1 h 12 min`."""
    seconds = max(0, round(took.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def _sentence(text: object) -> str:
    return short(str(text), longest=LONGEST_SENTENCE)


def _failure(step: StepEnd) -> str:
    if step.state == "upstream_failed":
        return f"{step.name}: did not run, because a step before it failed"
    return f"{step.name}: {_sentence(step.failure) or 'it ended without a word, as a process that is killed does; see its log'}"


def _refusals(step: StepEnd) -> Iterator[str]:
    """What was not done, and why: by the rules, by the limits, or by the other side. People are told of it once more."""
    result = step.result
    if would_stop := result.get("would_stop"):
        yield f"A real run would stop here. {would_stop}"
    for name in ("owed", "not_put_back", *([] if step.name == "tell_people" else ["refused"])):
        told = result.get(name) or ()
        yield from told.values() if isinstance(told, Mapping) else told
    # The step that makes a plan says that it waits for a person; the one that writes would only repeat it.
    if step.name != "apply_plan" and (waits := result.get("waits")):
        yield str(waits)
    told = result.get("failures") or ()
    yield from (f"{key}: {why}" for key, why in told.items()) if isinstance(told, Mapping) else told


def _money(steps: Sequence[StepEnd]) -> dict[str, Decimal]:
    """By base currency, of bills that were written or approved; what a dry run would write is its plan's."""
    sums: dict[str, Decimal] = {}
    written = [step for step in steps if step.name not in PLANS]
    for step in written if any(step.result.get("worth") for step in written) else steps:
        for currency, amount in (step.result.get("worth") or {}).items():
            sums[currency] = sums.get(currency, Decimal(0)) + Decimal(str(amount))
    return {currency: amount for currency, amount in sums.items() if amount}


PLANS = ("plan_tasks", "plan_vendor_fields")
MAIN = ("apply_plan", "apply_release", "settle_decisions", "read_decisions", "compare_sides")
"""Steps whose counts stand under their own names; those of the others stand behind the step's."""


def _counts(step: StepEnd) -> Iterator[tuple[str, int]]:
    result = step.result
    if step.name == "read_decisions":
        yield from ((name, result[name]) for name in ("recorded", "tasks_looked_at") if name in result)
        return
    if step.name == "plan_tasks":
        yield from ((name, result[name]) for name in ("read",) if name in result)
    counted = result.get("done") or result.get("states") or result.get("would")
    if counted is None and (step.name not in PLANS or result.get("dry_run")):
        counted = result.get("counts") or result.get("documents")
    for name, count in (counted or {}).items():
        if isinstance(count, int) and count:
            yield (str(name).lower() if step.name in (*MAIN, *PLANS) else f"{step.name}: {str(name).lower()}"), count


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _listed(counts: Mapping[str, int], called: Mapping[str, str]) -> str:
    return ", ".join(f"{count:,} {called.get(name, name.replace('_', ' '))}" for name, count in counts.items() if count)


def _planned(result: Result, _step: str) -> Iterator[str]:
    if rests := result.get("rests"):
        yield f"{rests}."
        return
    yield f"{result.get('read', 0):,} read: {one_line(str(result.get('why', '')))}."
    if waits := result.get("waits"):
        yield str(waits)
    if result.get("dry_run"):
        counts = {name: count for name, count in (result.get("counts") or {}).items() if name != "leave"}
        yield f"Tasks: {_listed(counts, TO_DO) or 'none would change'}."
        yield from [str(result["cost"])] if result.get("cost") else []
    for what in result.get("drift") or ():
        yield f"Changed in Asana since preflight: {what}"


def _applied(result: Result, _step: str) -> Iterator[str]:
    if not any(result.get(name) for name in ("dry_run", "rests", "waits")):
        yield f"Tasks: {_listed(result.get('done') or {}, DONE) or 'none had to change'}."
    for sentences in (result.get("said") or {}).values():
        yield from sentences[:MOST_SAID]


def _read(result: Result, _step: str) -> Iterator[str]:
    found = result.get("found", result.get("recorded", 0))
    looked = result.get("tasks_looked_at", 0)
    yield f"{_number(found, 'new choice')} of people, {_number(looked, 'task')} looked at."
    for name in ("gone", "copies"):
        yield from (result.get(name) or ())[:MOST_SAID]


def _settled(result: Result, _step: str) -> Iterator[str]:
    if would := result.get("would"):
        yield f"Decisions would: {', '.join(f'{count} {name}' for name, count in would.items())}."
        yield from (result.get("words") or ())[:MOST_SAID]
    elif states := result.get("states"):
        yield f"Decisions: {_listed(states, ENDED)}."
    if waiting := result.get("waiting"):
        yield f"{waiting:,} wait for the next run."


def _compared(result: Result, _step: str) -> Iterator[str]:
    told = ", ".join(f"{count} {name}" for name, count in (result.get("counts") or {}).items()) or "nothing drifted"
    yield f"{result.get('bills', 0):,} bills against {result.get('tasks', 0):,} tasks: {told}."
    yield from (f"{one['drift']}: {one['words']}" for one in (result.get("findings") or ())[:MOST_SAID])


def _others(result: Result, step: str) -> Iterator[str]:
    """A step that says how many of what it did; nothing where that was nothing."""
    counted = result.get("done") or result.get("documents") or result.get("counts") or {}
    if isinstance(counted, Mapping) and (told := _listed({k: v for k, v in counted.items() if isinstance(v, int)}, {})):
        yield f"{step.replace('_', ' ').capitalize()}: {told}."
    if says := result.get("says"):
        yield str(says)
    if isinstance(waiting := result.get("open"), list):
        yield from (f"Waits: {one}" for one in waiting[:MOST_SAID])


def _told(result: Result, _step: str) -> Iterator[str]:
    if (count := sum((result.get("states") or {}).values())) or result.get("done"):
        yield f"People were told of {count or sum(result['done'].values()):,}."


def _owned(result: Result, _step: str) -> Iterator[str]:
    called = {"exception": "new", "exception step": "told anew or completed"}
    if told := _listed(result.get("done") or {}, called):
        yield f"Exceptions: {told}."


LINES: Mapping[str, Callable[[Result, str], Iterator[str]]] = {
    "plan_tasks": _planned,
    "apply_plan": _applied,
    "apply_release": _applied,
    "apply_repair": _applied,
    "read_decisions": _read,
    "settle_decisions": _settled,
    "tell_people": _told,
    "compare_sides": _compared,
    "keep_exceptions": _owned,
}
