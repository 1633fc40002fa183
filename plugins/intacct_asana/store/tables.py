"""The tables. Every row belongs to a flow. Instants are UTC text of fixed width, so that they compare as they should."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Connection, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

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
    Column("linked_at", String(27)),
    # Of `confirmed`, so that it need not be read where nothing moved.
    Column("digest", String(64)),
    UniqueConstraint("flow", "kind", "task_gid", name="ia_links_task"),
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
    Column("task_gid", String(64), nullable=False),
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

pins = Table(
    "ia_pins",
    metadata,
    _key("flow"),
    _key("kind", 40),
    Column("body", Text, nullable=False),
    Column("project_gid", String(64)),
    # A project belongs to one flow: two would undo each other's writes.
    Index("ia_pins_project", "project_gid", unique=True),
)

releases = Table(
    "ia_releases",
    metadata,
    _key("flow"),
    _key("digest", 64),
    Column("kind", String(40), nullable=False),
    Column("plan_id", String(200), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("state", String(24), nullable=False),
    Column("refused_at", String(27), nullable=False),
    Column("body", Text, nullable=False),
    Index("ia_releases_state", "flow", "kind", "state"),
)

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

# What of a plan goes beyond its `body`, which is its first page.
plan_pages = Table(
    "ia_plan_pages",
    metadata,
    _key("flow"),
    _key("plan_id"),
    Column("page", Integer, primary_key=True, autoincrement=False),
    Column("body", Text, nullable=False),
)

# `run_id` is Airflow's run that brought a decision where it is; empty where an older release did.
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
    Column("run_id", String(250), nullable=False, server_default=""),
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

# Approval subtasks that people were given. Those that were ever made stay, because what is chosen on them is found by them.
asks = Table(
    "ia_asks",
    metadata,
    _key("flow"),
    _key("ask_id"),
    Column("key", String(200), nullable=False),
    Column("subtask_gid", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("opened_at", String(27), nullable=False),
    Column("body", Text, nullable=False),
    Index("ia_asks_state", "flow", "state"),
    Index("ia_asks_key", "flow", "key"),
    Index("ia_asks_subtask", "flow", "subtask_gid"),
)

# Bills of which was worked out who has to be asked. Whatever may change that takes the row away.
asked = Table("ia_asked", metadata, _key("flow"), _key("key"), Column("task_gid", String(64), nullable=False))

# What the audit of both sides found; a row ends when it is not found any more, and begins anew when it is found again.
findings = Table(
    "ia_findings",
    metadata,
    _key("flow"),
    _key("finding_id", 40),
    Column("drift", String(40), nullable=False),
    Column("key", String(200), nullable=False),
    Column("found_at", String(27), nullable=False),
    Column("ended_at", String(27)),
    Column("body", Text, nullable=False),
    Index("ia_findings_ended", "flow", "ended_at"),
)

# Exceptions that have, or had, a task with an owner. Those that are over stay for a time: the same cause opens the same task.
matters = Table(
    "ia_matters",
    metadata,
    _key("flow"),
    _key("matter_id", 80),
    Column("kind", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("task_gid", String(64), nullable=False),
    Column("body", Text, nullable=False),
    Column("ended_at", String(27)),
    Index("ia_matters_state", "flow", "state"),
)

# What is known of each bill of the company. `amount` is its one text, so that equal amounts are found as text.
ledger = Table(
    "ia_ledger",
    metadata,
    _key("flow"),
    _key("key"),
    Column("record_no", String(64), nullable=False),
    Column("vendor_id", String(200), nullable=False),
    Column("number_like", String(200), nullable=False),
    Column("number_stem", String(200), nullable=False),
    Column("currency", String(10), nullable=False),
    Column("amount", String(60), nullable=False),
    Column("bill_date", String(10)),
    Column("document_id", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Index("ia_ledger_record", "flow", "record_no"),
    Index("ia_ledger_vendor", "flow", "vendor_id", "bill_date"),
    Index("ia_ledger_number", "flow", "number_like"),
    Index("ia_ledger_stem", "flow", "number_stem"),
    Index("ia_ledger_amount", "flow", "currency", "amount", "bill_date"),
    Index("ia_ledger_document", "flow", "document_id"),
)

# What was found against bills. `told_on` is the task on which people heard of it; empty for none.
concerns = Table(
    "ia_concerns",
    metadata,
    _key("flow"),
    _key("concern_id"),
    Column("key", String(200), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("told_on", String(64), nullable=False, server_default=""),
    Column("found_at", String(27), nullable=False),
    Column("body", Text, nullable=False),
    Index("ia_concerns_key", "flow", "key"),
    Index("ia_concerns_state", "flow", "state"),
)

# Changes of vendors that may send money elsewhere. Those that were answered stay: the same change is not asked about again.
payee_changes = Table(
    "ia_payee_changes",
    metadata,
    _key("flow"),
    _key("change_id", 64),
    Column("vendor", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("subtask_gid", String(64), nullable=False),
    Column("at", String(27), nullable=False),
    Column("body", Text, nullable=False),
    Index("ia_payee_changes_state", "flow", "state"),
    Index("ia_payee_changes_vendor", "flow", "vendor"),
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
    # The fingerprint of the key that made the digest; empty in rows of older releases.
    Column("signed_by", String(16), nullable=False, server_default=""),
    Index("ia_evidence_key", "flow", "key"),
)

# The newest evidence of each flow stands in a row of its own: the lock of whoever writes, and a first look at a cut tail.
evidence_heads = Table(
    "ia_evidence_heads",
    metadata,
    _key("flow"),
    Column("sequence", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
)

# The policies that decisions were judged by, in full. `digest` is the SHA-256 of `body`, and evidence names it.
policies = Table(
    "ia_policies",
    metadata,
    _key("flow"),
    _key("digest", 64),
    Column("body", Text, nullable=False),
    Column("first_used_at", String(27), nullable=False),
)

# What a server outside says of the newest row at a time. `token` is its whole answer in base64.
timestamps = Table(
    "ia_timestamps",
    metadata,
    _key("flow"),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),
    Column("stamped_at", String(27), nullable=False),
    Column("url", Text, nullable=False),
    Column("token", Text, nullable=False),
)

# What each run did, as the page shows it. A run that is repeated in part keeps the newest.
run_reports = Table(
    "ia_run_reports",
    metadata,
    _key("flow"),
    _key("dag_id", 250),
    _key("run_id", 250),
    Column("job", String(60), nullable=False),
    Column("state", String(20), nullable=False),
    Column("is_dry", Boolean, nullable=False),
    Column("started_at", String(27), nullable=False),
    Column("ended_at", String(27), nullable=False),
    Column("body", Text, nullable=False),
    Index("ia_run_reports_job", "flow", "job", "ended_at"),
)

# Calls by day (UTC), added up. Intacct bills a company, whatever flow called.
calls = Table(
    "ia_calls",
    metadata,
    _key("flow"),
    _key("system", 20),
    _key("company"),
    _key("job", 60),
    _key("day", 10),
    Column("calls", Integer, nullable=False),
    Index("ia_calls_company", "system", "company", "day"),
)

# What people are told of once, and once more when it is over. A row stays when it is over; the same thing begins anew in it.
incidents = Table(
    "ia_incidents",
    metadata,
    _key("flow"),
    _key("incident_key", 40),
    Column("kind", String(20), nullable=False),
    Column("what", String(250), nullable=False),
    Column("opened_at", String(27), nullable=False),
    Column("ended_at", String(27)),
    # Whether somebody has to be told still. Who tells claims the row for a while.
    Column("is_told", Boolean, nullable=False),
    Column("claimed_until", String(27)),
    Column("body", Text, nullable=False),
    Index("ia_incidents_ended", "flow", "ended_at"),
    Index("ia_incidents_told", "flow", "is_told"),
)

# What was known of bills, exceptions and rules, by time: a row where something of it changed.
history = Table(
    "ia_history",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("flow", String(200), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("key", String(200), nullable=False),
    Column("kept_at", String(27), nullable=False),
    Column("read_at", String(27), nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("body", Text, nullable=False),
    Index("ia_history_key", "flow", "kind", "key", "kept_at"),
)

# Evidence can be added at its end, and that is all; a head only grows; a policy is kept once. A database's owner can still
# drop the triggers; then the keys and anchors tell.
ONLY_ADDED = "evidence is append-only"
AT_THE_END = (
    "NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM ia_evidence WHERE flow = NEW.flow) "
    "OR (NEW.signed_by = '' AND EXISTS (SELECT 1 FROM ia_evidence "
    "WHERE flow = NEW.flow AND sequence = NEW.sequence - 1 AND signed_by <> ''))"
)
GROWS = "NEW.flow <> OLD.flow OR NEW.sequence <= OLD.sequence"


def _sqlite_guard(table: str, verb: str, when: str = "1") -> str:
    name = f"{table}_no_{verb.lower()}"
    return f"CREATE TRIGGER {name} BEFORE {verb} ON {table} WHEN {when} BEGIN SELECT RAISE(ABORT, '{ONLY_ADDED}'); END"


def _taken(table: str, key: str) -> str:
    """REPLACE takes the row away that stands in the way, and asks no trigger of DELETE; by its hidden row number too."""
    return f"EXISTS (SELECT 1 FROM {table} WHERE {key} OR rowid = NEW.rowid)"  # noqa: S608 - both are our own words


def _postgresql_guard(table: str, verbs: str, each: str = "STATEMENT", act: str = "ia_only_added") -> str:
    name = f"{table}_guard_{verbs.split()[0].lower()}"
    return f"CREATE TRIGGER {name} BEFORE {verbs} ON {table} FOR EACH {each} EXECUTE FUNCTION {act}()"


_RAISE = f"RAISE EXCEPTION '{ONLY_ADDED}' USING ERRCODE = 'integrity_constraint_violation'"
_ONLY_ADDED_FUNCTION = f"FUNCTION ia_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {_RAISE}; END $$"
GUARDS = {
    "sqlite": [
        *(_sqlite_guard(table, verb) for table in ("ia_evidence", "ia_policies") for verb in ("UPDATE", "DELETE")),
        _sqlite_guard("ia_evidence", "INSERT", f"{AT_THE_END} OR {_taken('ia_evidence', '0')}"),
        _sqlite_guard("ia_policies", "INSERT", _taken("ia_policies", "flow = NEW.flow AND digest = NEW.digest")),
        _sqlite_guard("ia_evidence_heads", "INSERT", _taken("ia_evidence_heads", "flow = NEW.flow")),
        _sqlite_guard("ia_evidence_heads", "UPDATE", GROWS),
        _sqlite_guard("ia_evidence_heads", "DELETE"),
    ],
    "postgresql": [
        f"CREATE {_ONLY_ADDED_FUNCTION}",
        "CREATE FUNCTION ia_evidence_at_the_end() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF {AT_THE_END} THEN {_RAISE}; END IF; RETURN NEW; END $$",
        _postgresql_guard("ia_evidence", "UPDATE OR DELETE OR TRUNCATE"),
        _postgresql_guard("ia_evidence", "INSERT", "ROW", "ia_evidence_at_the_end"),
        _postgresql_guard("ia_policies", "UPDATE OR DELETE OR TRUNCATE"),
        _postgresql_guard("ia_evidence_heads", "DELETE OR TRUNCATE"),
        _postgresql_guard("ia_evidence_heads", "UPDATE", f"ROW WHEN ({GROWS})"),
    ],
}


TIMESTAMP_GUARDS = {
    "sqlite": [
        *(_sqlite_guard("ia_timestamps", verb) for verb in ("UPDATE", "DELETE")),
        _sqlite_guard("ia_timestamps", "INSERT", _taken("ia_timestamps", "flow = NEW.flow AND sequence = NEW.sequence")),
    ],
    "postgresql": [
        f"CREATE OR REPLACE {_ONLY_ADDED_FUNCTION}",
        _postgresql_guard("ia_timestamps", "UPDATE OR DELETE OR TRUNCATE"),
    ],
}


HISTORY_GUARDS = {
    "sqlite": [
        *(_sqlite_guard("ia_history", verb) for verb in ("UPDATE", "DELETE")),
        _sqlite_guard("ia_history", "INSERT", "EXISTS (SELECT 1 FROM ia_history WHERE id = NEW.id)"),
    ],
    "postgresql": [
        f"CREATE OR REPLACE {_ONLY_ADDED_FUNCTION}",
        _postgresql_guard("ia_history", "UPDATE OR DELETE OR TRUNCATE"),
    ],
}


def guard_history(connection: Connection) -> None:
    """Make the database itself refuse to change what was known on a day."""
    for statement in HISTORY_GUARDS[connection.dialect.name]:
        connection.exec_driver_sql(statement)


def guard_timestamps(connection: Connection) -> None:
    """Make the database itself refuse to change a time stamp, or to take one away."""
    for statement in TIMESTAMP_GUARDS[connection.dialect.name]:
        connection.exec_driver_sql(statement)


def guard_evidence(connection: Connection) -> None:
    """Make the database itself refuse what nobody may do to evidence, policies and heads."""
    for statement in GUARDS[connection.dialect.name]:
        connection.exec_driver_sql(statement)
