"""Our own state in one database: links, what tasks show, cursors, plans, decisions, evidence.

A cursor moves in the same transaction as the work that it covers. SQLite for one machine, PostgreSQL for a team.
"""

from __future__ import annotations

from intacct_asana.store.database import kept_open, open_database
from intacct_asana.store.flow_store import FlowStore, Secrets, Store
from intacct_asana.store.runs import StoredPlan


def open_store(url: str, *, evidence_keys: Secrets = tuple) -> Store:
    """The store behind a SQLAlchemy URL; missing tables are made.

    `evidence_keys` gives the keys of the evidence, which are kept outside the database; the first one signs what is written,
    every one verifies. Without any, rows carry plain digests, and verifying says so.

    Raises TryLater when the database cannot be reached, Misconfigured when its driver is missing or its schema is newer.
    """
    return Store(open_database(url), evidence_keys=evidence_keys)


__all__ = ["FlowStore", "Store", "StoredPlan", "kept_open", "open_store"]
