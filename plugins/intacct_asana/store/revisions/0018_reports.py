"""The report of each run, and the calls of each day. No older release kept either."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "ia_run_reports",
        sa.Column("flow", sa.String(200), nullable=False),
        sa.Column("dag_id", sa.String(250), nullable=False),
        sa.Column("run_id", sa.String(250), nullable=False),
        sa.Column("job", sa.String(60), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("is_dry", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.String(27), nullable=False),
        sa.Column("ended_at", sa.String(27), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "dag_id", "run_id"),
    )
    op.create_index("ia_run_reports_job", "ia_run_reports", ["flow", "job", "ended_at"])
    op.create_table(
        "ia_calls",
        sa.Column("flow", sa.String(200), nullable=False),
        sa.Column("system", sa.String(20), nullable=False),
        sa.Column("company", sa.String(200), nullable=False),
        sa.Column("job", sa.String(60), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "system", "company", "job", "day"),
    )
    op.create_index("ia_calls_company", "ia_calls", ["system", "company", "day"])


def downgrade() -> None:
    op.drop_table("ia_calls")
    op.drop_table("ia_run_reports")
