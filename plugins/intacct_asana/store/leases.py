"""Leases: one process at a time does what Asana cannot be kept from doing twice.

A lease is a write of the journal that goes nowhere, with the lock of every other one: what nobody gave back ends by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

from intacct_asana.errors import TryLater
from intacct_asana.records import Intent, IntentState
from intacct_asana.store.database import Database
from intacct_asana.store.intents import StoredIntents

LONGEST = timedelta(minutes=15)


@contextmanager
def lease(database: Database, *, flow: str, name: str, now: datetime) -> Iterator[None]:
    """Holds the lease for the time of the block. Raises TryLater while another process holds it."""
    journal = StoredIntents(database, flow=flow)
    wanted = Intent(intent_id=f"lease:{name}", kind="lease", subject=name, body={})
    with journal.together():
        before = journal.note([wanted], at=now)[wanted.intent_id]
        if before.claimed_until and before.claimed_until > now:
            minutes = f"{LONGEST.total_seconds() / 60:.0f} minutes"
            raise TryLater(
                f"Another run of flow {flow} is {name} just now; run this again when it is done. "
                f"If that run was stopped or died, this can be run again {minutes} after it began."
            )
        held = replace(
            before, state=IntentState.SENT, turn=before.turn + 1, claimed_by=uuid4().hex, claimed_until=now + LONGEST
        )
        journal.move(before, held, at=now)
    try:
        yield
    finally:
        # Whoever took it over when it had ended keeps it.
        with suppress(TryLater):
            journal.drop(held)
