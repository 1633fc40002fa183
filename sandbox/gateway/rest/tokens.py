"""Access tokens by client credentials: bound to a user and an entity, ended by time or on demand."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.core import World

HOUR = 3600


@dataclass(slots=True)
class Token:
    """`entity` is empty at top level."""

    text: str
    login: str
    entity: str
    ends_at: datetime


class Tokens:
    def __init__(self, world: World) -> None:
        self.world = world
        self.live: dict[str, Token] = {}
        self.issued: list[str] = []
        """Every token ever given out, so that a test can look for them where they must not be."""

    def open(self, login: str, entity: str) -> Token:
        seconds = self.world.setting("rest_token_seconds", 12 * HOUR) or HOUR
        ends_at = self.world.clock.now() + timedelta(seconds=seconds)
        token = Token(f"sbx.{secrets.token_urlsafe(48)}", login, entity, ends_at)
        self.issued.append(token.text)
        self.live[token.text] = token
        return token

    def use(self, text: str) -> Token | None:
        """The live token; None for an unknown or expired one."""
        token = self.live.get(text)
        return token if token and self.world.clock.now() < token.ends_at else None

    def end_all(self) -> None:
        self.live.clear()
