"""Builders that state what matters, a look at the raw tables, and a crowd of processes."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from intacct_asana.errors import IntacctAsanaError
from intacct_asana.records import Decision, DecisionState, Link, Signal, Snapshot, Verdict
from intacct_asana.store import FlowStore, open_store
from intacct_asana.store.database import open_database
from intacct_asana.store.migrations import LAST_STEP
from intacct_asana.store.revisions import downgrade
from intacct_asana.store.tables import metadata
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.conftest import EVIDENCE_KEY

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
STATES = DecisionState


def minutes(number: float) -> datetime:
    """That many minutes after noon."""
    return NOON + timedelta(minutes=number)


def a_link(key: str = "bill-1", *, task_gid: str = "", **more: Any) -> Link:
    return Link(key=key, task_gid=task_gid or f"task of {key}", record_no="17", **more)


def a_snapshot(digest: str = "digest-1") -> Snapshot:
    return Snapshot(digest=digest, body={"total_entered": "12.50", "lines": [["6000", "", "", "", "", "12.50"]]})


def a_decision(decision_id: str = "decision-1", *, key: str = "bill-1", decided_at: datetime = NOON, **more: Any) -> Decision:
    signal = Signal(
        task_gid="900",
        story_gid=f"story of {decision_id}",
        verdict=Verdict.APPROVE,
        decider_gid="101",
        decider_name="Alice Martin",
        decided_at=decided_at,
        source="web",
        reason="as ordered",
    )
    return Decision(
        decision_id=decision_id,
        key=key,
        task_gid="900",
        task_url="https://x",
        record_no="17",
        signal=signal,
        shown_digest="d",
        **more,
    )


def settled(flow: FlowStore, decision_id: str = "decision-1", **more: Any) -> Decision:
    """A decision that went all the way: four rows of evidence."""
    (decision,) = flow.decisions().record([a_decision(decision_id, **more)], at=NOON)
    for state in (STATES.CLEARED, STATES.SUBMITTED, STATES.CONFIRMED):
        decision = flow.decisions().advance(decision, to=state, facts={}, at=NOON)
    return decision


def opened(url: str, name: str = "demo", *, keys: Sequence[bytes] = (EVIDENCE_KEY,), run_id: str = "") -> FlowStore:
    """One flow's store as a task opens it: with the keys of the evidence, unless a test takes them away."""
    return open_store(url, evidence_keys=lambda: keys).for_flow(name, run_id=run_id)


def run_sql(url: str, *statements: str) -> None:
    """What somebody with the database's password can do behind our back."""
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


UNDONE = {
    17: "DROP TABLE ia_payee_changes",
    16: "DROP TABLE ia_findings; DROP TABLE ia_matters",
    15: "DROP TABLE ia_ledger; DROP TABLE ia_concerns",
    14: "DROP TABLE ia_asks; DROP TABLE ia_asked",
    13: "DROP TABLE ia_timestamps",
    2: "DROP TABLE ia_marks",
    3: "DROP TABLE ia_webhooks",
    4: "DROP TABLE ia_documents",
    5: "DROP TABLE ia_vendor_values",
    6: "ALTER TABLE ia_links DROP COLUMN in_doubt",
    7: "DROP TABLE ia_intents",
    8: "DROP TABLE ia_policies; ALTER TABLE ia_evidence DROP COLUMN signed_by",
    9: "ALTER TABLE ia_links DROP COLUMN linked_at; ALTER TABLE ia_shown DROP COLUMN task_gid",
    12: "DROP INDEX ia_pins_project; ALTER TABLE ia_pins DROP COLUMN project_gid",
    10: "ALTER TABLE ia_documents ADD COLUMN files TEXT NOT NULL DEFAULT '[]'",
    11: "CREATE TABLE ia_creations (flow VARCHAR(200), kind VARCHAR(40), key VARCHAR(200), begun_at VARCHAR(27) NOT NULL, "
    "PRIMARY KEY (flow, kind, key)); ALTER TABLE ia_links ADD COLUMN in_doubt TEXT",
}
"""What takes each version's step back; what came after the last one has a `downgrade` of its own."""


def make_older(url: str, version: int) -> None:
    """The store as a release of that version had left it. The next `open_store` opens it anew."""
    with create_engine(url, poolclass=NullPool).begin() as connection:
        downgrade(connection, to=LAST_STEP)
    steps = ["DROP TABLE ia_alembic_version"]
    if version < LAST_STEP:
        unlock(url)
        steps += [step for number in range(LAST_STEP, version, -1) for step in UNDONE[number].split("; ")]
        steps += OLD_GUARDS[url.partition(":")[0]]
    run_sql(url, *steps, "DELETE FROM ia_schema_version", f"INSERT INTO ia_schema_version VALUES ({version})")
    open_database.cache_clear()


OLD_GUARDS = {
    "sqlite": [
        f"CREATE TRIGGER ia_evidence_no_{verb.lower()} BEFORE {verb} ON ia_evidence BEGIN SELECT RAISE(ABORT, 'no'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql+psycopg2": [
        "CREATE FUNCTION ia_evidence_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$",
        "CREATE TRIGGER ia_evidence_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON ia_evidence "
        "FOR EACH STATEMENT EXECUTE FUNCTION ia_evidence_only_added()",
    ],
}
"""What kept evidence from being changed until version 7."""


def unlock(url: str) -> None:
    """The owner of a database can always take the triggers away."""
    if url.startswith("sqlite"):
        with create_engine(url, poolclass=NullPool).connect() as connection:
            names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
        run_sql(url, *(f"DROP TRIGGER {name}" for name in names))
    else:
        run_sql(url, *(f"DROP FUNCTION IF EXISTS {name}() CASCADE" for name in ("ia_only_added", "ia_evidence_at_the_end")))


def everything(url: str) -> dict[str, list[Any]]:
    """Every row of every table of ours."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return {
            name: sorted((tuple(row) for row in connection.execute(table.select())), key=str)
            for name, table in metadata.tables.items()
        }


def break_table(url: str, table: str) -> None:
    """From now on every write to `table` fails: the transaction dies there, half-way."""
    if url.startswith("sqlite"):
        for verb in ("INSERT", "UPDATE", "DELETE"):
            run_sql(url, f"CREATE TRIGGER broken_{verb} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'broken'); END")
        return
    run_sql(
        url,
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$",
        f"CREATE TRIGGER broken BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION broken()",
    )


def crowd(size: int, work: Callable[[int], Any]) -> list[Any]:
    """`work(number)` in that many forked processes at once, as Airflow's LocalExecutor runs tasks.

    The answers, by number; one of our errors stands for itself, and a process that died left None.
    """
    context = multiprocessing.get_context("fork")
    gate, answers = context.Barrier(size), context.SimpleQueue()

    def run(number: int) -> None:
        gate.wait(20)
        try:
            answers.put((number, work(number)))
        except IntacctAsanaError as error:
            answers.put((number, f"{type(error).__name__}: {error}"))

    processes = [context.Process(target=run, args=(number,)) for number in range(size)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    found: dict[int, Any] = {}
    while not answers.empty():
        number, answer = answers.get()
        found[number] = answer
    return [found.get(number) for number in range(size)]
