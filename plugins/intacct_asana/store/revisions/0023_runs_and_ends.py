"""Which run brought a decision where it is, and when an exception ended. No older release kept either.

Exceptions that are over count as ended today: nothing goes before its time.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from intacct_asana.store.revisions import add_column
from intacct_asana.store.tables import decisions, matters

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    add_column(decisions, "run_id")
    add_column(matters, "ended_at")
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    table = sa.table("ia_matters", sa.column("state"), sa.column("ended_at"))
    over = (table.c.state == "ENDED") & table.c.ended_at.is_(None)
    op.execute(table.update().where(over).values(ended_at=now))


def downgrade() -> None:
    op.drop_column("ia_matters", "ended_at")
    op.drop_column("ia_decisions", "run_id")
