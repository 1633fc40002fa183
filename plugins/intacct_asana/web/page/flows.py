"""Every flow that the person may read, how fresh it is and what waits in it; and one flow with its DAGs and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from fastapi import Response

from intacct_asana.errors import IntacctAsanaError
from intacct_asana.flow.model import Flow
from intacct_asana.records import DecisionState
from intacct_asana.reports.run_report import RunReport
from intacct_asana.store import FlowStore
from intacct_asana.sync.release import Release
from intacct_asana.web.page.frame import Asked, DagRuns, Page, first_line
from intacct_asana.web.page.rows import DECISIONS, Away, Cell, Shown, Table, ago, incident_table, release_table, run_table

JOBS = {
    "bill_sync": "Bills become tasks",
    "vendor_sync": "Vendors become tasks",
    "approval_reconciliation": "Approvals return",
    "drift_audit": "Audit of both sides",
    "release_plan": "Plans that wait for a person",
    "evidence": "Export of evidence",
    "preflight": "Preflight",
}
REPORTS_OF = timedelta(days=7)
MOST_REPORTS = 50
MOST_INCIDENTS = 20
ON_A_CARD = ("bill_sync", "approval_reconciliation", "drift_audit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A number of things that wait, and where they are listed."""

    words: str
    url: str
    look: str = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One flow in short. `trouble` is what keeps the rest from being told."""

    name: str
    url: str
    description: str
    rehearses: bool
    fresh: tuple[Cell, ...] = ()
    chips: tuple[Chip, ...] = ()
    last: RunReport | None = None
    trouble: str = ""


def add_to(page: Page) -> None:
    page.tab("", "Overview")
    page.get("/", all_flows)
    page.get("/flows/{flow}", one_flow)


def all_flows(asked: Asked) -> Response:
    wanted, place = asked.query("text").casefold(), asked.place()
    seen = [flow for flow in asked.sources.flows() if asked.may_read(flow)]
    found = [flow for flow in seen if wanted in f"{flow.flow} {flow.description}".casefold()]
    here = found[(place - 1) * 20 : place * 20]
    runs, trouble = _runs(asked, [f"{flow.flow}_{job}" for flow in here for job in JOBS])
    down: dict[str, str] = {}
    cards = [_card(asked, flow, runs, down) for flow in here]
    bad = [first_line(error.message) for error in asked.sources.bad_files()] if asked.rights.may_see_import_errors() else []
    return asked.html(
        "flows.html", cards=cards, bad=bad, trouble=trouble, text=asked.query("text"), place=place, more=len(found) > place * 20
    )


def _runs(asked: Asked, dag_ids: Sequence[str]) -> tuple[Mapping[str, DagRuns], str]:
    """What Airflow knows of the DAGs, or a sentence where its database does not answer."""
    try:
        return asked.sources.runs_of(dag_ids), ""
    except Exception:  # noqa: BLE001 - whatever keeps Airflow from telling of its runs, the stores may be asked
        return {}, "Airflow's own database does not tell of its runs just now."


def _card(asked: Asked, flow: Flow, runs: Mapping[str, DagRuns], down: dict[str, str]) -> Card:
    """`down` has what was wrong with a store already: flows that share it are not kept waiting one by one."""
    fresh = tuple(_fresh(asked, runs[dag], job) for job in ON_A_CARD if (dag := f"{flow.flow}_{job}") in runs)
    chips: tuple[Chip, ...] = ()
    last, trouble, store_name = None, down.get(flow.connections.store, ""), flow.connections.store
    if not trouble:
        try:
            store = asked.sources.store_of(flow)
            chips, last = tuple(_chips(asked, flow, store)), _newest(store)
        except IntacctAsanaError as error:
            trouble = down[store_name] = first_line(error.message)
    return Card(
        name=flow.flow,
        url=asked.url("flows", flow.flow),
        description=flow.description,
        rehearses=flow.rehearsal,
        fresh=fresh,
        chips=chips,
        last=last,
        trouble=trouble,
    )


def _fresh(asked: Asked, dag: DagRuns, job: str) -> Cell:
    """`Approvals return: 4 minutes ago`, and what the DAG waits for."""
    look = "bad" if _failed_last(dag) else "good" if dag.succeeded_at else "off"
    done = ago(asked.now - dag.succeeded_at) if dag.succeeded_at else "no success in 30 days"
    return Cell(text=f"{JOBS[job]}: {done}", look=look, note=_waits(asked, dag))


def _failed_last(dag: DagRuns) -> bool:
    return bool(dag.failed_at and (dag.succeeded_at is None or dag.failed_at > dag.succeeded_at))


def _waits(asked: Asked, dag: DagRuns) -> str:
    if dag.running_since:
        return f"runs now, since {ago(asked.now - dag.running_since)}"
    if dag.is_paused:
        return "paused in Airflow"
    if dag.next_at:
        minutes = int((dag.next_at - asked.now).total_seconds() // 60)
        return f"next run in {minutes} minutes" if minutes > 0 else "the next run is due"
    return "runs when somebody starts it"


def _chips(asked: Asked, flow: Flow, store: FlowStore) -> list[Chip]:
    counts = store.listing().counts()
    parked = counts.get(f"decision {DecisionState.PARKED}", 0)
    drift = sum(number for name, number in counts.items() if name.startswith("drift "))
    incidents, plans, here = len(store.incidents().open()), len(_plans(store)), asked.url("flows", flow.flow)
    told = [
        (incidents, "incidents" if incidents > 1 else "incident", here, "bad"),
        (plans, "plans over a limit" if plans > 1 else "plan over a limit", here, "wait"),
        (parked, "parked", asked.url("flows", flow.flow, "decisions", state="parked"), "wait"),
        (drift, "drifted", asked.url("flows", flow.flow, "drift"), "bad"),
        (counts.get("exception", 0), "need a person", asked.url("flows", flow.flow, "exceptions"), "bad"),
        (counts.get("concern", 0), "with a concern", asked.url("flows", flow.flow, "concerns"), "wait"),
    ]
    return [Chip(words=f"{number:,} {words}", url=url, look=look) for number, words, url, look in told if number]


def _newest(store: FlowStore) -> RunReport | None:
    reports = store.run_reports()
    newest = [one for job in ON_A_CARD if (one := reports.newest(job))]
    return max(newest, key=lambda one: one.ended_at, default=None)


def one_flow(asked: Asked) -> Response:
    seen = asked.flow()
    shown = shown_for(asked, seen.flow)
    runs, trouble = _runs(asked, [f"{seen.flow.flow}_{job}" for job in JOBS])
    counts = seen.store.listing().counts()
    reports = seen.store.run_reports().since(asked.now - REPORTS_OF, most=MOST_REPORTS)
    return asked.html(
        "flow.html",
        seen,
        tab="",
        rehearses=seen.flow.rehearsal,
        description=seen.flow.description,
        chips=[*_chips(asked, seen.flow, seen.store), *_ends(asked, seen.flow, counts)],
        plans=release_table(_plans(seen.store), shown, dag_id=f"{seen.flow.flow}_release_plan"),
        incidents=incident_table(seen.store.incidents().open()[:MOST_INCIDENTS], shown),
        dags=_dag_table(asked, runs, shown),
        reports=run_table(reports, shown),
        trouble=trouble,
    )


def _plans(store: FlowStore) -> list[Release]:
    """Plans over a limit that wait for a person, or are just being carried out."""
    return [one for kind in ("bill", "vendor") for one in store.releases().open(kind)]


def _ends(asked: Asked, flow: Flow, counts: Mapping[str, int]) -> list[Chip]:
    """How many decisions ended how."""
    looks = {"carried-out": "good", "refused": "bad"}
    ends = {name: sum(counts.get(f"decision {state}", 0) for state in DECISIONS[name]) for name in looks}
    told = [(f"{number:,} {name.replace('-', ' ')}", name) for name, number in ends.items() if number]
    return [
        Chip(words=words, url=asked.url("flows", flow.flow, "decisions", state=name), look=looks[name]) for words, name in told
    ]


def _dag_table(asked: Asked, runs: Mapping[str, DagRuns], shown: Shown) -> Table:
    rows = []
    for job, words in JOBS.items():
        dag = next((dag for dag in runs.values() if dag.dag_id.endswith(f"_{job}")), None)
        if dag is None:
            continue
        failed = _failed_last(dag)
        last = Cell(text="succeeded", look="good") if dag.succeeded_at else Cell(text="has not succeeded", look="off")
        if failed:
            last = Cell(text="failed", look="bad", note=shown.at(dag.failed_at))
        newest = dag.failed_run if failed else dag.succeeded_run
        rows.append(
            (
                Cell(text=words, note=dag.dag_id),
                last,
                shown.since(dag.succeeded_at),
                Cell(text=_waits(asked, dag)),
                Cell(away=(Away(text="Airflow", url=shown.dag_url(dag.dag_id, newest)),)),
            )
        )
    headings = ("DAG", "Last run", "Last success", "Waits for", "Open in")
    return Table(headings=headings, rows=tuple(rows), empty="Airflow does not know this flow's DAGs yet.")


def shown_for(asked: Asked, flow: Flow) -> Shown:
    def bill_url(key: str) -> str:
        return asked.url("flows", flow.flow, "bill", key=key)

    return Shown(ZoneInfo(flow.schedules.timezone), asked.now, bill_url, asked.dag_url)
