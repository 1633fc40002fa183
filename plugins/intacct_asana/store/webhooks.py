"""Webhook registrations of one flow: begun, shaken, active. Every step is one transaction that checks what it builds on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, insert, select, update

from intacct_asana.codec import instant_of, instant_text
from intacct_asana.errors import Refused
from intacct_asana.records import Registered, Registration
from intacct_asana.store.database import Database
from intacct_asana.store.tables import webhooks as table


class StoredWebhooks:
    """What the flow knows of its webhooks. The journal sees to it that one registration is under way at most."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def begin(self, hook_id: str, *, project_gid: str, bot_gid: str, expires_at: datetime) -> None:
        """Note that a webhook is about to be asked for. What came of an earlier one that never became active is forgotten."""
        with self._database.write() as connection:
            connection.execute(delete(table).where(self._own(), ~_is_active()))
            row = {"flow": self._flow, "hook_id": hook_id, "state": Registration.BEGUN, "project_gid": project_gid}
            connection.execute(insert(table).values(**row, bot_gid=bot_gid, expires_at=instant_text(expires_at)))

    def shake(self, hook_id: str, *, secret_digest: str, sealed_secret: str, at: datetime) -> bool:
        """Keep the secret of a handshake. False unless this very registration waits for its first one.

        The same handshake may come twice, because its answer may have been lost; another one is refused.
        """
        waits = (table.c.hook_id == hook_id) & (table.c.expires_at > instant_text(at))
        fresh = waits & (table.c.state == Registration.BEGUN)
        again = waits & (table.c.state == Registration.SHAKEN) & (table.c.secret_digest == secret_digest)
        kept = {"state": Registration.SHAKEN, "secret_digest": secret_digest, "sealed_secret": sealed_secret}
        with self._database.write() as connection:
            return connection.execute(update(table).where(self._own(), fresh | again).values(**kept)).rowcount == 1

    def activate(self, hook_id: str, *, webhook_gid: str, secret_digest: str, at: datetime) -> None:
        """The answer to our own call came. Raises Refused unless the handshake brought the very same secret.

        The registration that was active before is forgotten, so its deliveries count for nothing from here on.
        """
        shaken = (table.c.state == Registration.SHAKEN) & (table.c.secret_digest == secret_digest)
        kept = {"state": Registration.ACTIVE, "webhook_gid": webhook_gid, "checked_at": instant_text(at)}
        with self._database.write() as connection:
            here = update(table).where(self._own(), table.c.hook_id == hook_id, shaken)
            if connection.execute(here.values(**kept)).rowcount != 1:
                raise Refused(
                    f"Webhook {webhook_gid} of flow {self._flow} is not believed: Asana's answer does not carry the secret of "
                    "the handshake, or no handshake came."
                )
            connection.execute(delete(table).where(self._own(), table.c.hook_id != hook_id, _is_active()))

    def give_up(self, hook_id: str) -> None:
        """Forget a registration that came to nothing."""
        with self._database.write() as connection:
            connection.execute(delete(table).where(self._own(), table.c.hook_id == hook_id, ~_is_active()))

    def checked(self, hook_id: str, *, at: datetime) -> None:
        with self._database.write() as connection:
            here = update(table).where(self._own(), table.c.hook_id == hook_id)
            connection.execute(here.values(checked_at=instant_text(at)))

    def find(self, hook_id: str) -> Registered | None:
        return next((row for row in self.all() if row.hook_id == hook_id), None)

    def active(self) -> Registered | None:
        return next((row for row in self.all() if row.state is Registration.ACTIVE), None)

    def all(self) -> list[Registered]:
        with self._database.read() as connection:
            return [_registered(row) for row in connection.execute(select(table).where(self._own()))]

    def _own(self) -> ColumnElement[bool]:
        return table.c.flow == self._flow


def _is_active() -> ColumnElement[bool]:
    return table.c.state == Registration.ACTIVE


def _registered(row: Row[Any]) -> Registered:
    return Registered(
        hook_id=row.hook_id,
        state=Registration(row.state),
        project_gid=row.project_gid,
        bot_gid=row.bot_gid,
        expires_at=instant_of(row.expires_at),
        webhook_gid=row.webhook_gid,
        secret_digest=row.secret_digest,
        sealed_secret=row.sealed_secret,
        checked_at=instant_of(row.checked_at) if row.checked_at else None,
    )
