"""Plans over the limits that wait for a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "ia_releases",
        sa.Column("flow", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("plan_id", sa.String(200), nullable=False),
        sa.Column("run_id", sa.String(250), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("refused_at", sa.String(27), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "digest"),
    )
    op.create_index("ia_releases_state", "ia_releases", ["flow", "kind", "state"])


def downgrade() -> None:
    op.drop_table("ia_releases")
