"""Plans in pages, and what links say in 64 characters. The body of an older plan is its one page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from intacct_asana.codec import draft_digest, from_json
from intacct_asana.records import TaskDraft
from intacct_asana.store import tables
from intacct_asana.store.revisions import add_column

revision = "0022"
down_revision = "0021"

PAGE = 500


def upgrade() -> None:
    op.create_table(
        "ia_plan_pages",
        sa.Column("flow", sa.String(200), nullable=False),
        sa.Column("plan_id", sa.String(200), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("flow", "plan_id", "page"),
    )
    add_column(tables.links, "digest")
    _tell_digests(op.get_bind())


def _tell_digests(connection: sa.Connection) -> None:
    """A page of links after the other: what they were confirmed to say is kB each."""
    links = sa.table("ia_links", *map(sa.column, ("flow", "kind", "key", "confirmed", "digest")))
    here = sa.tuple_(links.c.flow, links.c.kind, links.c.key)
    query = sa.select(links).where(links.c.confirmed.is_not(None)).order_by(links.c.flow, links.c.kind, links.c.key).limit(PAGE)
    last: tuple[str, str, str] | None = None
    names = ("flow", "kind", "key")
    told = sa.update(links).where(*(links.c[name] == sa.bindparam(f"its_{name}") for name in names))
    while rows := connection.execute(query.where(here > last) if last else query).all():
        last = (rows[-1].flow, rows[-1].kind, rows[-1].key)
        said = [
            {f"its_{name}": getattr(row, name) for name in names}
            | {"digest": draft_digest(from_json(TaskDraft, row.confirmed))}
            for row in rows
        ]
        connection.execute(told.values(digest=sa.bindparam("digest")), said)


def downgrade() -> None:
    op.drop_column("ia_links", "digest")
    op.drop_table("ia_plan_pages")
