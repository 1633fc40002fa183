"""Plans over the limits that wait for a person, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from intacct_asana.codec import from_json, instant_text, to_json
from intacct_asana.errors import TryLater
from intacct_asana.store.database import Database, put
from intacct_asana.store.tables import releases
from intacct_asana.sync.release import Release, ReleaseState

OPEN = tuple(str(state) for state in (ReleaseState.NEW, ReleaseState.WAITING, ReleaseState.APPROVED))
"""Not over, however old it is."""


class StoredReleases:
    """One flow's, one row for each plan."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def save(self, *rows: Release) -> None:
        if not rows:
            return
        with self._database.write() as connection:
            put(connection, releases, *(self._row(one) for one in sorted(rows, key=lambda one: one.digest)))

    def move(self, before: Release, after: Release) -> None:
        """Raises TryLater when another run moved it since it was read."""
        with self._database.write() as connection:
            here = (releases.c.flow == self._flow) & (releases.c.digest == before.digest)
            row = connection.execute(select(releases.c.body).where(here).with_for_update()).first()
            if row is None or from_json(Release, row.body) != before:
                raise TryLater(f"Another run moved plan {before.shown} just now; nothing was kept.")
            put(connection, releases, self._row(after))

    def of(self, digest: str) -> Release | None:
        """By its whole digest, or by how that begins, as people see it; the newest of several."""
        return next(iter(self._select(releases.c.digest.startswith(digest, autoescape=True))), None)

    def of_run(self, run_id: str) -> Release | None:
        """The one that this run of the release DAG asks about."""
        return next(iter(self._select(releases.c.run_id == run_id)), None) if run_id else None

    def open(self, kind: str) -> Sequence[Release]:
        """Those of a kind of record that nobody answered, or that are being carried out."""
        return self._select((releases.c.kind == kind) & releases.c.state.in_(OPEN))

    def newest(self, most: int = 1) -> Sequence[Release]:
        """The last ones that were refused, newest first."""
        return self._select(releases.c.flow == self._flow, most=most)

    def _select(self, condition: ColumnElement[bool], *, most: int = 100) -> list[Release]:
        query = select(releases.c.body).where(releases.c.flow == self._flow, condition)
        query = query.order_by(releases.c.refused_at.desc(), releases.c.digest).limit(most)
        with self._database.read() as connection:
            return [from_json(Release, row.body) for row in connection.execute(query)]

    def _row(self, one: Release) -> dict[str, Any]:
        return {
            "flow": self._flow,
            "digest": one.digest,
            "kind": one.kind,
            "plan_id": one.plan_id,
            "run_id": one.run_id,
            "state": str(one.state),
            "refused_at": instant_text(one.refused_at),
            "body": to_json(one),
        }
