"""No older release remembered what it told people, so whatever holds when this one first looks is told once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ia_incidents",
        sa.Column("flow", sa.String(200), nullable=False),
        sa.Column("incident_key", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("what", sa.String(250), nullable=False),
        sa.Column("opened_at", sa.String(27), nullable=False),
        sa.Column("ended_at", sa.String(27)),
        sa.Column("is_told", sa.Boolean, nullable=False),
        sa.Column("claimed_until", sa.String(27)),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("flow", "incident_key"),
    )
    op.create_index("ia_incidents_ended", "ia_incidents", ["flow", "ended_at"])
    op.create_index("ia_incidents_told", "ia_incidents", ["flow", "is_told"])


def downgrade() -> None:
    op.drop_table("ia_incidents")
