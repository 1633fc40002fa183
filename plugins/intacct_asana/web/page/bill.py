"""One bill: how it stands, what was decided and found, and what its evidence proves; and the evidence as a file."""

from __future__ import annotations

from fastapi import Response

from intacct_asana.asking.turns import turn_id
from intacct_asana.audit.export import Export, Query, export_table, export_text
from intacct_asana.flow.model import Flow
from intacct_asana.records import ON_THE_WAY, DecisionState
from intacct_asana.records.anchors import anchor_text
from intacct_asana.reports.listed import Known
from intacct_asana.store.reporting.closing import due_now
from intacct_asana.store.reporting.proof import BillEvidence
from intacct_asana.web.page.flows import shown_for
from intacct_asana.web.page.frame import Asked, Page, Seen, Sentence
from intacct_asana.web.page.rows import (
    away_of,
    bill_cell,
    concern_table,
    decision_table,
    evidence_table,
    money_of,
    waits_for,
)

MOST_ROWS = 50_000
"""Rows of evidence that are read for an answer. A longer chain is read by the DAG and the command, which have the time."""


def add_to(page: Page) -> None:
    page.get("/flows/{flow}/bill", bill)
    page.get("/flows/{flow}/evidence.json", evidence_json)
    page.get("/flows/{flow}/evidence.csv", evidence_csv)
    page.get("/flows/{flow}/chain", chain)


def bill(asked: Asked) -> Response:
    seen = asked.flow()
    key, shown = _key(asked), shown_for(asked, seen.flow)
    proof = seen.store.bill_evidence(key)
    known = seen.store.listing().known([key])
    here = known[key]
    decided = seen.store.decisions().of(key)[::-1]
    if here.link is None and not decided and not proof.rows:
        raise Sentence(404, "The store of this flow knows no such bill.")
    turn = seen.store.intents().of([turn_id(key)]).get(turn_id(key))
    open_asks = [ask for ask in seen.store.asks().of([key])[key] if ask.is_live and not ask.closed_at]
    is_open = bool(here.link and here.link.confirmed and not here.link.confirmed.completed)
    is_decided = any(one.state in ON_THE_WAY or one.state is DecisionState.CONFIRMED for one in decided)
    due = due_now(seen.flow, seen.store.history(), seen.store.decisions(), [key], at=asked.now).get(key)
    dag_id = f"{seen.flow.flow}_approval_reconciliation"
    runs = seen.store.listing().moved_in([one.decision_id for one in decided])
    return asked.html(
        "bill.html",
        seen,
        key=key,
        name=bill_cell(key, here, shown).text,
        facts=_facts(here),
        away=away_of(here),
        waits=waits_for(turn, open_asks, due) if is_open and not is_decided else None,
        decisions=decision_table(decided, known, shown, dag_id=dag_id, runs=runs).without("Bill", "Amount"),
        concerns=concern_table(seen.store.concerns().of([key]), known, shown).without("Bill", "Open in"),
        evidence=evidence_table(proof.rows[::-1], shown),
        proof=proof_words(proof),
        problems=proof.problems,
        may_export=_may_export(asked, seen.flow),
        files=[(form, asked.url("flows", seen.flow.flow, f"evidence.{form}", key=key)) for form in ("json", "csv")],
        chain_url=asked.url("flows", seen.flow.flow, "chain"),
    )


def _key(asked: Asked) -> str:
    key = asked.query("key")
    if not key:
        raise Sentence(400, "The address names no bill.")
    return key


def _facts(known: Known) -> list[tuple[str, str]]:
    """What the bill's task shows, as the store keeps it."""
    shown = known.shown or {}
    link = known.link
    task = "" if link is None else "completed" if link.confirmed and link.confirmed.completed else "open"
    vendor = f"{shown.get('vendor_id') or ''} {known.facts.vendor_name if known.facts else ''}".strip()
    told = [
        ("Bill number", str(shown.get("bill_number") or "")),
        ("Vendor", vendor),
        ("Amount", money_of(known)),
        ("Due", str(shown.get("due_on") or "")),
        ("Record", link.record_no if link else ""),
        ("Task", task),
    ]
    return [(name, said) for name, said in told if said]


def proof_words(proof: BillEvidence) -> str:
    """One sentence on what the rows prove. What is wrong is told beside it."""
    if proof.problems:
        return "The evidence of this bill is not as it was written."
    if not proof.rows:
        return "No decision about this bill was ever recorded."
    older = f" Only the newest {len(proof.rows)} rows were looked at." if proof.has_older else ""
    if not proof.signed_by:
        return f"The rows are linked, but not keyed: whoever owns the database could have written them anew.{older}"
    keys = ", ".join(proof.signed_by)
    head = f" The newest row of the flow is {anchor_text(proof.head)}." if proof.head else ""
    return f"These are the rows that were written (key {keys}), and each follows the row before it.{older}{head}"


def _may_export(asked: Asked, flow: Flow) -> bool:
    """Whoever may start the DAG that exports evidence gets the same file from it. Looking at a DAG alone is not enough: a file
    leaves Airflow, with names, addresses and reasons in it."""
    return asked.rights.may_start(f"{flow.flow}_evidence")


def evidence_json(asked: Asked) -> Response:
    seen = asked.flow()
    return asked.file(f"{seen.flow.flow}_evidence.json", export_text(_export(asked, seen)), kind="application/json")


def evidence_csv(asked: Asked) -> Response:
    seen = asked.flow()
    return asked.file(f"{seen.flow.flow}_evidence.csv", export_table(_export(asked, seen)), kind="text/csv; charset=utf-8")


def _export(asked: Asked, seen: Seen) -> Export:
    if not _may_export(asked, seen.flow):
        raise Sentence(403, f"Evidence is downloaded by who may start the DAG {seen.flow.flow}_evidence.")
    key = _key(asked)
    if not seen.store.bill_evidence(key).rows:
        raise Sentence(404, "There is no evidence about such a bill.")
    _refuse_long(seen)
    return seen.store.export_evidence(Query(bill=key), at=asked.now, by=asked.rights.name)


def _refuse_long(seen: Seen) -> None:
    rows = seen.store.evidence_rows()
    if rows > MOST_ROWS:
        words = f"This flow's evidence has {rows:,} rows, more than the page reads at once ({MOST_ROWS:,})."
        raise Sentence(422, f"{words} The DAG {seen.flow.flow}_evidence reads all of them.")


def chain(asked: Asked) -> Response:
    """The whole chain, verified now."""
    seen = asked.flow()
    _refuse_long(seen)
    report = seen.store.examine_evidence()
    first, *findings = str(report).splitlines()
    return asked.html("chain.html", seen, words=first, findings=[line.removeprefix("- ") for line in findings])
