"""The store as one flow sees it, and what only one process at a time may do in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from intacct_asana.audit.chain import Keyring
from intacct_asana.audit.export import Export, Query, make_export
from intacct_asana.audit.timestamps import TimeStamp
from intacct_asana.audit.verify import FileReport, verify_export
from intacct_asana.errors import Problem, TryLater
from intacct_asana.records import Cursor, Intent, IntentState, Pins, VendorValue
from intacct_asana.records.anchors import Anchor
from intacct_asana.store import evidence, runs
from intacct_asana.store.asks import StoredAsks
from intacct_asana.store.controls.concerns import StoredConcerns, StoredLedger
from intacct_asana.store.controls.matters import StoredFindings, StoredMatters
from intacct_asana.store.controls.payees import StoredPayees
from intacct_asana.store.database import Database
from intacct_asana.store.decisions import StoredDecisions
from intacct_asana.store.documents import StoredDocuments
from intacct_asana.store.evidence import EvidenceReport, EvidenceRow
from intacct_asana.store.intents import StoredIntents
from intacct_asana.store.links import StoredLinks
from intacct_asana.store.reporting.calls import StoredCalls
from intacct_asana.store.reporting.history import StoredHistory
from intacct_asana.store.reporting.incidents import StoredIncidents
from intacct_asana.store.reporting.listing import Listing
from intacct_asana.store.reporting.proof import BillEvidence, bill_evidence
from intacct_asana.store.reporting.releases import StoredReleases
from intacct_asana.store.reporting.run_reports import StoredRunReports
from intacct_asana.store.runs import StoredMarks, StoredPlan
from intacct_asana.store.vendor_values import StoredVendorValues
from intacct_asana.store.webhooks import StoredWebhooks

Secrets = Callable[[], Sequence[bytes]]
"""Gives the keys of the evidence, the one that signs first. Asked only where evidence may be written or is examined."""


class Store:
    """The whole store; `for_flow` gives one flow's part of it."""

    def __init__(self, database: Database, *, evidence_keys: Secrets = tuple) -> None:
        self._database, self._evidence_keys = database, evidence_keys

    def __repr__(self) -> str:
        return f"Store({self._database.name})"

    def for_flow(self, flow: str, *, rehearses: bool = False, file_digest: str = "", run_id: str = "") -> FlowStore:
        """`file_digest` is the flow file's, `run_id` Airflow's run: decisions and their evidence name both."""
        keys, by = self._evidence_keys, {"file_digest": file_digest, "run_id": run_id}
        return FlowStore(self._database, flow=flow, evidence_keys=keys, rehearses=rehearses, **by)


class FlowStore:
    """Everything that is kept for one flow. Every method raises our six errors only.

    In a rehearsal only plans are kept, what runs report and called, and what preflight and the webhook's receiver note: no
    cursor moves, so the first real run meets everything.
    """

    def __init__(
        self,
        database: Database,
        *,
        flow: str,
        evidence_keys: Secrets = tuple,
        rehearses: bool = False,
        file_digest: str = "",
        run_id: str = "",
    ) -> None:
        self._flow, self._evidence_keys, self._always = flow, evidence_keys, database
        self._by = {"file_digest": file_digest, "run_id": run_id}
        self._database = database.for_reading() if rehearses else database

    def __repr__(self) -> str:
        return f"FlowStore({self._flow} in {self._database.name})"

    @contextmanager
    def together(self) -> Iterator[None]:
        """Everything that this thread keeps within it is one transaction: all of it is kept, or nothing."""
        with self._database.write():
            yield

    def intents(self) -> StoredIntents:
        return StoredIntents(self._database, flow=self._flow)

    def links(self, kind: str) -> StoredLinks:
        return StoredLinks(self._database, flow=self._flow, kind=kind)

    def documents(self, kind: str) -> StoredDocuments:
        return StoredDocuments(self._database, flow=self._flow, kind=kind)

    def decisions(self) -> StoredDecisions:
        return StoredDecisions(self._database, flow=self._flow, keys=self._keys, **self._by)

    def asks(self) -> StoredAsks:
        return StoredAsks(self._database, flow=self._flow)

    def findings(self) -> StoredFindings:
        return StoredFindings(self._database, flow=self._flow)

    def matters(self) -> StoredMatters:
        return StoredMatters(self._database, flow=self._flow)

    def ledger(self) -> StoredLedger:
        return StoredLedger(self._database, flow=self._flow)

    def concerns(self) -> StoredConcerns:
        return StoredConcerns(self._database, flow=self._flow)

    def payees(self) -> StoredPayees:
        return StoredPayees(self._database, flow=self._flow)

    def releases(self) -> StoredReleases:
        return StoredReleases(self._database, flow=self._flow)

    def history(self) -> StoredHistory:
        return StoredHistory(self._database, flow=self._flow)

    def listing(self) -> Listing:
        return Listing(self._database, flow=self._flow)

    def marks(self) -> StoredMarks:
        return StoredMarks(self._database, flow=self._flow)

    def incidents(self) -> StoredIncidents:
        return StoredIncidents(self._always, flow=self._flow)

    def run_reports(self) -> StoredRunReports:
        return StoredRunReports(self._always, flow=self._flow)

    def calls(self) -> StoredCalls:
        return StoredCalls(self._always, flow=self._flow)

    def webhooks(self) -> StoredWebhooks:
        return StoredWebhooks(self._always, flow=self._flow)

    def vendor_values(self) -> StoredVendorValues:
        return StoredVendorValues(self._database, flow=self._flow, keys=self._keys)

    def values_of_vendors(self) -> Mapping[str, Mapping[str, VendorValue]]:
        """All of them by vendor key and field, to be read: nobody is asked for the keys of the evidence."""
        return StoredVendorValues(self._database, flow=self._flow, keys=Keyring(())).all()

    def lease(self, name: str, *, now: datetime) -> AbstractContextManager[None]:
        """A block that one process at a time may be in. Raises TryLater while another is."""
        return lease(self._always, flow=self._flow, name=name, now=now)

    def cursor(self, name: str) -> str | None:
        return self.cursors([name])[name]

    def cursors(self, names: Collection[str]) -> Mapping[str, str | None]:
        """As they are at one instant; None for one that was never saved."""
        return runs.read_cursors(self._database, flow=self._flow, names=names)

    def save_cursor(self, *cursors: Cursor) -> None:
        """All of them, or none."""
        with self._database.write() as connection:
            runs.save_cursors(connection, flow=self._flow, cursors=cursors)

    def pins(self, kind: str) -> Pins | None:
        """What preflight pinned for the project of this kind of record, or None."""
        return runs.read_pins(self._database, flow=self._flow, kind=kind)

    def save_pins(self, kind: str, pins: Pins, *, take_over: bool = False) -> None:
        """Keep the pins and the project with them. Raises Misconfigured for another flow's, unless it is taken over."""
        runs.save_pins(self._always, flow=self._flow, kind=kind, pins=pins, take_over=take_over)

    def project_taken(self, project_gid: str) -> Problem | None:
        """What is wrong when the project is another flow's."""
        owner = runs.owner_of(self._database, flow=self._flow, project_gid=project_gid)
        return runs.taken(project_gid, owner) if owner else None

    def save_plan(self, plan: StoredPlan) -> None:
        runs.save_plan(self._always, flow=self._flow, plan=plan)

    def plan(self, plan_id: str) -> StoredPlan | None:
        return runs.read_plan(self._database, flow=self._flow, plan_id=plan_id)

    def newest_whole_plan(self, kind: str) -> StoredPlan | None:
        """The last one that was applied and moved cursors, without its body."""
        return runs.newest_whole_plan(self._database, flow=self._flow, kind=kind)

    def finish_plan(
        self,
        plan_id: str,
        *,
        cursors: Sequence[Cursor],
        stood: Mapping[str, str | None] | None = None,
        result: Mapping[str, Any],
        at: datetime,
    ) -> None:
        """Mark the plan as applied and move the cursors, in one transaction; the cursors only the first time, and only from
        where they `stood`."""
        runs.finish_plan(self._database, flow=self._flow, plan_id=plan_id, cursors=cursors, stood=stood, result=result, at=at)

    def prune_plans(self, *, keep: int = runs.KEEP) -> None:
        """Drop all but the newest `keep` plans of each kind; saving a plan does so for its own kind."""
        runs.prune_plans(self._database, flow=self._flow, keep=keep)

    def evidence(self, key: str | None = None) -> list[EvidenceRow]:
        """The evidence in the order it was written; of one bill when `key` is given."""
        return evidence.read_evidence(self._database, flow=self._flow, key=key)

    def export_evidence(
        self, query: Query, *, at: datetime, by: str, anchors: Sequence[Anchor] = (), people: Mapping[str, str] | None = None
    ) -> Export:
        """The rows that are asked for, linked by the others, sealed. `people` are gids by address."""
        whole = evidence.whole_evidence(self._database, flow=self._flow)
        return make_export(
            whole.rows,
            flow=self._flow,
            query=query,
            keys=self._keys,
            at=at,
            by=by,
            policies=whole.policies,
            head=whole.head,
            anchors=anchors,
            timestamps=self.timestamps(),
            people=people,
        )

    def verify_export(self, export: Export, *, certificates: str = "") -> FileReport:
        """What a file proves to whoever has the keys of the evidence. The database is not asked."""
        return verify_export(export, keys=self._keys, certificates=certificates)

    def timestamps(self) -> list[TimeStamp]:
        """What a server outside said of the newest rows, and when, in the order of the rows."""
        return evidence.read_timestamps(self._database, flow=self._flow)[::-1]

    def newest_timestamp(self) -> TimeStamp | None:
        return next(iter(evidence.read_timestamps(self._database, flow=self._flow, newest=1)), None)

    def keep_timestamp(self, stamp: TimeStamp) -> None:
        evidence.keep_timestamp(self._database, flow=self._flow, stamp=stamp)

    def bill_evidence(self, key: str) -> BillEvidence:
        """The newest rows about one bill, and whether they are those that were written; the rest of the chain is not read."""
        return bill_evidence(self._database, flow=self._flow, key=key, keys=self._keys)

    def evidence_rows(self) -> int:
        """How long the flow's evidence is, by its head."""
        return evidence.length(self._database, flow=self._flow)

    def note(self, key: str, *, facts: Mapping[str, object], at: datetime) -> Anchor:
        """Evidence about one bill that no decision stands behind, as that its task was deleted."""
        keys = self._keys
        with self._database.write() as connection:
            chain = evidence.Chain(connection, flow=self._flow, keys=keys)
            return chain.append(key=key, decision_id="", facts=facts, at=at)

    def newest_anchor(self) -> Anchor | None:
        """The anchor of the newest evidence, None before there is any. Each run notes it in its own record."""
        return evidence.newest_anchor(self._database, flow=self._flow)

    def evidence_began_at(self) -> datetime | None:
        """When the first of it was written. What was noted elsewhere long before that is of a store that was lost."""
        return evidence.began_at(self._database, flow=self._flow)

    def examine_evidence(self, anchors: Sequence[Anchor] = ()) -> EvidenceReport:
        """What the evidence proves, compared with anchors that were noted outside the database, and what is wrong with it."""
        known = [*anchors, *(stamp.anchor for stamp in self.timestamps())]
        return evidence.examine_evidence(self._database, flow=self._flow, keys=self._keys, anchors=known)

    def verify_evidence(self, anchors: Sequence[Anchor] = ()) -> list[Problem]:
        """What is wrong with the evidence, or with decisions and policies that it speaks of. Empty when all is well."""
        return list(self.examine_evidence(anchors).problems)

    def keep_policy(self, digest: str, *, text: str, at: datetime) -> None:
        """Keep a policy's text under its SHA-256 before anything is judged by it; a second time changes nothing."""
        evidence.keep_policy(self._database, flow=self._flow, digest=digest, text=text, at=at)

    def policies(self) -> dict[str, str]:
        """The text of each policy that was ever judged by, by its digest."""
        return evidence.read_policies(self._database, flow=self._flow)

    @cached_property
    def _keys(self) -> Keyring:
        # Asked before a transaction begins: where the keys come from may be another service.
        return Keyring(self._evidence_keys())


LONGEST_LEASE = timedelta(minutes=15)


@contextmanager
def lease(database: Database, *, flow: str, name: str, now: datetime) -> Iterator[None]:
    """Holds the lease for the time of the block: one process at a time does what Asana cannot be kept from doing twice.

    A lease is a write of the journal that goes nowhere, with the lock of every other one: what nobody gave back ends by itself.
    Raises TryLater while another process holds it.
    """
    journal = StoredIntents(database, flow=flow)
    wanted = Intent(intent_id=f"lease:{name}", kind="lease", subject=name, body={})
    with journal.together():
        before = journal.note([wanted], at=now)[wanted.intent_id]
        if before.claimed_until and before.claimed_until > now:
            minutes = f"{LONGEST_LEASE.total_seconds() / 60:.0f} minutes"
            raise TryLater(
                f"Another run of flow {flow} is {name} just now; run this again when it is done. "
                f"If that run was stopped or died, this can be run again {minutes} after it began."
            )
        held = replace(
            before, state=IntentState.SENT, turn=before.turn + 1, claimed_by=uuid4().hex, claimed_until=now + LONGEST_LEASE
        )
        journal.move(before, held, at=now)
    try:
        yield
    finally:
        # Whoever took it over when it had ended keeps it.
        with suppress(TryLater):
            journal.drop(held)


if TYPE_CHECKING:
    from intacct_asana.control_ports import Concerns, Ledger
    from intacct_asana.ports import Decisions, Journal, Links, VendorValues

    def _satisfies(flow: FlowStore) -> tuple[Links, Decisions, VendorValues, Journal, Ledger, Concerns]:
        """Read by mypy only: the shapes that the pure decisions ask for."""
        more = flow.ledger(), flow.concerns()
        return flow.links("bill"), flow.decisions(), flow.vendor_values(), flow.intents(), *more
