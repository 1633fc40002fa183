"""What was known of bills, exceptions and rules, by time. No older release kept it."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

ONLY_ADDED = "evidence is append-only"
TAKEN = "EXISTS (SELECT 1 FROM ia_history WHERE id = NEW.id)"
RAISE = f"SELECT RAISE(ABORT, '{ONLY_ADDED}')"
POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION ia_only_added() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"RAISE EXCEPTION '{ONLY_ADDED}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
    "CREATE TRIGGER ia_history_guard_update BEFORE UPDATE OR DELETE OR TRUNCATE ON ia_history "
    "FOR EACH STATEMENT EXECUTE FUNCTION ia_only_added()",
)
SQLITE = (
    f"CREATE TRIGGER ia_history_no_update BEFORE UPDATE ON ia_history WHEN 1 BEGIN {RAISE}; END",
    f"CREATE TRIGGER ia_history_no_delete BEFORE DELETE ON ia_history WHEN 1 BEGIN {RAISE}; END",
    f"CREATE TRIGGER ia_history_no_insert BEFORE INSERT ON ia_history WHEN {TAKEN} BEGIN {RAISE}; END",
)


def upgrade() -> None:
    op.create_table(
        "ia_history",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("flow", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("kept_at", sa.String(27), nullable=False),
        sa.Column("read_at", sa.String(27), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ia_history_key", "ia_history", ["flow", "kind", "key", "kept_at"])
    for statement in POSTGRESQL if op.get_bind().dialect.name == "postgresql" else SQLITE:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    op.drop_table("ia_history")
