"""From one schema version to the next, before Alembic: up to version 17, from which on `store/revisions` goes.

Each step runs in the transaction that opens the store, on every row that is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, and_, column, delete, func, insert, inspect, select, table, update

from intacct_asana.codec import instant_text, json_text
from intacct_asana.store import tables


def migrate(connection: Connection, *, found: int) -> None:
    """Carry the store from version `found` to the last one before Alembic; nothing when it is there already."""
    for version in range(found + 1, LAST_STEP + 1):
        STEPS[version](connection)
        connection.execute(insert(tables.versions).values(version=version))


def _task_marks(connection: Connection) -> None:
    """Tasks of an older store have no mark, so each is read once more."""
    tables.marks.create(connection)


def _webhooks(connection: Connection) -> None:
    """An older store knows no webhook; the next preflight or reconciliation registers one."""
    tables.webhooks.create(connection)


def _documents(connection: Connection) -> None:
    """Nothing was attached by an older release; what should be is noted when its bill is read."""
    tables.documents.create(connection)


def _vendor_values(connection: Connection) -> None:
    """An older store knows no value of a vendor's field yet; the first full pass fills it."""
    tables.vendor_values.create(connection)


def _doubts(connection: Connection) -> None:
    """An older store noted no doubts; the next full pass looks at every task."""
    connection.exec_driver_sql("ALTER TABLE ia_links ADD COLUMN in_doubt TEXT")


def _intents(connection: Connection) -> None:
    """Leases stand among the intents now. One that an older release still holds is given up: nothing runs while it opens."""
    tables.intents.create(connection)
    connection.execute(delete(tables.cursors).where(tables.cursors.c.name.like("lease:%")))


def _keyed_evidence(connection: Connection) -> None:
    """Evidence of an older store is not keyed and stays as it is; what comes after it is. Its policies were not kept."""
    connection.exec_driver_sql("ALTER TABLE ia_evidence ADD COLUMN signed_by VARCHAR(16) NOT NULL DEFAULT ''")
    tables.policies.create(connection)
    older = {
        "sqlite": [f"DROP TRIGGER IF EXISTS ia_evidence_no_{verb}" for verb in ("update", "delete")],
        "postgresql": ["DROP FUNCTION IF EXISTS ia_evidence_only_added() CASCADE"],
    }
    for statement in older[connection.dialect.name]:
        connection.exec_driver_sql(statement)
    tables.guard_evidence(connection)


def _shown_by_task(connection: Connection) -> None:
    """What an older store noted as shown was shown by the task that stands for the record, and it stood so from then on."""
    connection.exec_driver_sql("ALTER TABLE ia_links ADD COLUMN linked_at VARCHAR(27)")
    connection.exec_driver_sql("ALTER TABLE ia_shown ADD COLUMN task_gid VARCHAR(64) NOT NULL DEFAULT ''")
    links, shown = tables.links, tables.shown
    same = and_(shown.c.flow == links.c.flow, shown.c.kind == links.c.kind, shown.c.key == links.c.key)
    first = select(func.min(shown.c.shown_at)).where(same).scalar_subquery()
    connection.execute(update(links).values(linked_at=first))
    task = select(links.c.task_gid).where(same).scalar_subquery()
    connection.execute(update(shown).values(task_gid=func.coalesce(task, "")))


def _journal_of_files_and_webhooks(connection: Connection) -> None:
    """Files on tasks stand among the intents now; one whose answer was not kept is looked for before it is sent.

    A registration in flight is given up: what came of it is found by its address, and deleted, when the webhook is looked
    after.
    """
    connection.execute(delete(tables.webhooks).where(tables.webhooks.c.state != "active"))
    if all(one["name"] != "files" for one in inspect(connection).get_columns("ia_documents")):
        return
    at = instant_text(datetime.now(UTC))
    documents = table("ia_documents", *map(column, ("flow", "form", "url", "task_gid", "files")))
    rows = {(row["flow"], row["intent_id"]): row for one in connection.execute(select(documents)) for row in _files(one, at)}
    if rows:
        connection.execute(insert(tables.intents), list(rows.values()))
    connection.exec_driver_sql("ALTER TABLE ia_documents DROP COLUMN files")


def _owned_projects(connection: Connection) -> None:
    """A project belongs to the flow that pinned it. Where two did, neither owns it until one of them runs preflight."""
    connection.exec_driver_sql("ALTER TABLE ia_pins ADD COLUMN project_gid VARCHAR(64)")
    pins = tables.pins
    owners: dict[str, list[tuple[str, str]]] = {}
    for row in connection.execute(select(pins.c.flow, pins.c.kind, pins.c.body)):
        owners.setdefault(json.loads(row.body)["project_gid"], []).append((row.flow, row.kind))
    for project_gid, owned in owners.items():
        for flow, kind in owned:
            here = and_(pins.c.flow == flow, pins.c.kind == kind)
            change = update(pins).where(here).values(project_gid=project_gid)
            connection.execute(change if len(owned) == 1 else delete(pins).where(here))
    next(index for index in pins.indexes).create(connection)


def _timestamps(connection: Connection) -> None:
    """No older release had evidence stamped."""
    tables.timestamps.create(connection)
    tables.guard_timestamps(connection)


def _asks(connection: Connection) -> None:
    """No older release asked anybody by a subtask."""
    tables.asks.create(connection)
    tables.asked.create(connection)


def _findings_and_matters(connection: Connection) -> None:
    """No older release kept what drifted, or made exceptions anybody's work."""
    tables.findings.create(connection)
    tables.matters.create(connection)


def _controls(connection: Connection) -> None:
    """An older store knows no bill but by its task; a flow that declares a control reads them first."""
    tables.ledger.create(connection)
    tables.concerns.create(connection)


def _payee_changes(connection: Connection) -> None:
    """No older release looked at who changes vendors; what it never saw is read from the history when a flow first asks."""
    tables.payee_changes.create(connection)


def _files(document: Any, at: str) -> Iterator[dict[str, Any]]:
    for file in json.loads(document.files):
        kind = "asana" if document.form == "file" else "external"
        more = {"size": file["size"], "digest": file["digest"]} if document.form == "file" else {"url": document.url}
        name = hashlib.sha256(f"{kind}|{file['name']}".encode()).hexdigest()[:20]
        yield _write(
            flow=document.flow,
            intent_id=f"attachment:{document.task_gid}:{name}",
            kind="attachment",
            subject=document.task_gid,
            state="DONE" if file["attachment_gid"] else "UNKNOWN",
            body=json_text({"kind": kind, "name": file["name"], **more}),
            turn=1,
            tries=1,
            noted_at=at,
            answer=json_text({"gid": file["attachment_gid"]} if file["attachment_gid"] else {}),
        )


def _write(*, noted_at: str, **said: Any) -> dict[str, Any]:
    """A row of the journal that nobody claims: a write of an older release."""
    rest = {"control_id": "", "turn": 0, "tries": 0, "answer": "{}", "claimed_by": ""}
    return {**rest, "noted_at": noted_at, "changed_at": noted_at, **said}


def _task_intents(connection: Connection) -> None:
    """Creations that never ended, and parts in doubt, are writes to tasks of which nobody knows what became."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    creations = table("ia_creations", *map(column, ("flow", "kind", "key", "begun_at")))
    for flow, kind, key, begun_at in connection.execute(select(creations)):
        rows[flow, kind, key] = {"body": [], "since": begun_at, "at": begun_at}
    links = table("ia_links", *map(column, ("flow", "kind", "key", "in_doubt")))
    for flow, kind, key, parts in connection.execute(select(links).where(links.c.in_doubt.is_not(None))):
        row = rows.setdefault((flow, kind, key), {"since": None, "at": instant_text(datetime.now(UTC))})
        row["body"] = json.loads(parts)
    values = [
        _write(
            flow=flow,
            intent_id=f"task:{kind}:{key}",
            kind=f"{kind} task",
            subject=key,
            state="UNKNOWN",
            body=json_text({"parts": row["body"]}),
            since=row["since"],
            noted_at=row["at"],
        )
        for (flow, kind, key), row in rows.items()
    ]
    if values:
        connection.execute(insert(tables.intents), values)
    connection.exec_driver_sql("DROP TABLE ia_creations")
    connection.exec_driver_sql("ALTER TABLE ia_links DROP COLUMN in_doubt")


STEPS: Mapping[int, Callable[[Connection], None]] = MappingProxyType(
    {
        2: _task_marks,
        3: _webhooks,
        4: _documents,
        5: _vendor_values,
        6: _doubts,
        7: _intents,
        8: _keyed_evidence,
        9: _shown_by_task,
        10: _journal_of_files_and_webhooks,
        11: _task_intents,
        12: _owned_projects,
        13: _timestamps,
        14: _asks,
        15: _controls,
        16: _findings_and_matters,
        17: _payee_changes,
    }
)
LAST_STEP = max(STEPS)
