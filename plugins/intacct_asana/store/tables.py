"""The tables. Every row belongs to a flow. Instants are UTC text of fixed width, so that they compare as they should."""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
)

SCHEMA_VERSION = 7
metadata = MetaData()


def _key(name: str, length: int = 200) -> Column[str]:
    return Column(name, String(length), primary_key=True)


versions = Table("ia_schema_version", metadata, Column("version", Integer, primary_key=True))

links = Table(
    "ia_links",
    metadata,
    _key("flow"),
    _key("kind", 40),
    _key("key"),
    Column("task_gid", String(64), nullable=False),
    Column("record_no", String(64), nullable=False),
    Column("task_url", Text, nullable=False, default=""),
    Column("confirmed", Text),
    Column("in_doubt", Text),
    UniqueConstraint("flow", "kind", "task_gid", name="ia_links_task"),
)

creations = Table(
    "ia_creations", metadata, _key("flow"), _key("kind", 40), _key("key"), Column("begun_at", String(27), nullable=False)
)

shown = Table(
    "ia_shown",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("flow", String(200), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("key", String(200), nullable=False),
    Column("shown_at", String(27), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Index("ia_shown_key", "flow", "kind", "key", "shown_at"),
)

marks = Table(
    "ia_marks",
    metadata,
    _key("flow"),
    _key("task_gid", 64),
    Column("read_at", String(27), nullable=False),
    Column("wrote_at", String(27)),
    Column("value", Text),
)

documents = Table(
    "ia_documents",
    metadata,
    _key("flow"),
    _key("kind", 40),
    _key("key"),
    _key("form", 10),
    _key("document_id"),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("state", String(20), nullable=False),
    Column("task_gid", String(64), nullable=False),
    Column("files", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Index("ia_documents_state", "flow", "kind", "state"),
)

vendor_values = Table(
    "ia_vendor_values",
    metadata,
    _key("flow"),
    _key("key"),
    _key("field"),
    Column("state", String(20), nullable=False),
    Column("agreed", Text),
    Column("told", Boolean, nullable=False),
    Column("kept_at", String(27), nullable=False),
    Column("body", Text, nullable=False),
    Index("ia_vendor_values_state", "flow", "state"),
    Index("ia_vendor_values_kept", "flow", "kept_at"),
)

cursors = Table("ia_cursors", metadata, _key("flow"), _key("name"), Column("value", Text, nullable=False))

pins = Table("ia_pins", metadata, _key("flow"), _key("kind", 40), Column("body", Text, nullable=False))

plans = Table(
    "ia_plans",
    metadata,
    _key("flow"),
    _key("plan_id"),
    Column("kind", String(40), nullable=False),
    Column("created_at", String(27), nullable=False),
    Column("run_id", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("applied_at", String(27)),
    Column("result", Text),
)

decisions = Table(
    "ia_decisions",
    metadata,
    _key("flow"),
    _key("decision_id"),
    Column("key", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("acknowledged", Boolean, nullable=False, default=False),
    Column("decided_at", String(27), nullable=False),
    Column("body", Text, nullable=False),
    Index("ia_decisions_state", "flow", "state", "acknowledged"),
    Index("ia_decisions_key", "flow", "key"),
)

# Writes to the other side. `flying` is the subject while an intent of an exclusive kind is SENT or UNKNOWN, else NULL.
intents = Table(
    "ia_intents",
    metadata,
    _key("flow"),
    _key("intent_id"),
    Column("kind", String(40), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("body", Text, nullable=False),
    Column("control_id", String(100), nullable=False),
    Column("turn", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("since", String(27)),
    Column("noted_at", String(27), nullable=False),
    Column("changed_at", String(27), nullable=False),
    Column("answer", Text, nullable=False),
    Column("claimed_by", String(200), nullable=False),
    Column("claimed_until", String(27)),
    Column("flying", String(200)),
    UniqueConstraint("flow", "kind", "flying", name="ia_intents_flying"),
    Index("ia_intents_state", "flow", "kind", "state"),
    Index("ia_intents_subject", "flow", "subject"),
)

# One row for each webhook that was ever asked for and is not given up. The secret is encrypted by Airflow's API server.
webhooks = Table(
    "ia_webhooks",
    metadata,
    _key("flow"),
    _key("hook_id", 64),
    Column("state", String(20), nullable=False),
    Column("project_gid", String(64), nullable=False),
    Column("bot_gid", String(64), nullable=False),
    Column("expires_at", String(27), nullable=False),
    Column("webhook_gid", String(64), nullable=False, default=""),
    Column("secret_digest", String(64), nullable=False, default=""),
    Column("sealed_secret", Text, nullable=False, default=""),
    Column("checked_at", String(27)),
)

evidence = Table(
    "ia_evidence",
    metadata,
    _key("flow"),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("key", String(200), nullable=False),
    Column("decision_id", String(200), nullable=False),
    Column("written_at", String(27), nullable=False),
    Column("body", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Index("ia_evidence_key", "flow", "key"),
)

# The newest evidence of each flow stands in a row of its own, so that a cut tail is seen too.
evidence_heads = Table(
    "ia_evidence_heads",
    metadata,
    _key("flow"),
    Column("sequence", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
)

# Evidence can be added, and that is all. A database owner can still drop the triggers; then the chain tells.
ONLY_ADDED = "evidence is append-only"
FORBIDDEN = {
    "sqlite": [
        f"CREATE TRIGGER ia_evidence_no_{verb.lower()} BEFORE {verb} ON ia_evidence "
        f"BEGIN SELECT RAISE(ABORT, '{ONLY_ADDED}'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION ia_evidence_only_added() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{ONLY_ADDED}'; END $$",
        "CREATE TRIGGER ia_evidence_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON ia_evidence "
        "FOR EACH STATEMENT EXECUTE FUNCTION ia_evidence_only_added()",
    ],
}
for _dialect, _statements in FORBIDDEN.items():
    for _statement in _statements:
        event.listen(evidence, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]
