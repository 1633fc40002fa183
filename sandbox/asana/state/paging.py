"""Lists in pages, with opaque offset tokens that expire. A page starts after the last gid of the one before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sandbox.asana.errors import bad
from sandbox.core import World

UNPAGED_LIMIT = 1000


class Offsets:
    """The offset tokens given out so far."""

    def __init__(self, world: World, *, seed: int) -> None:
        self.world = world
        self.seed = seed
        self.tokens: dict[str, tuple[str | None, int, datetime]] = {}
        self.issued = 0

    def issue(self, question: str, after: int) -> str:
        self.issued += 1
        token = "eyJ0eXAi" + hashlib.sha256(f"offset {self.seed} {self.issued}".encode()).hexdigest()
        self.tokens[token] = (question, after, self.world.clock.now())
        if len(self.tokens) > 10_000:
            self.tokens.pop(next(iter(self.tokens)))
        return token

    def redeem(self, question: str, token: str) -> int:
        """The gid after which the page starts. Raises 400 for an unknown or expired token, or another question's."""
        asked, after, issued_at = self.tokens.get(token, (None, 0, self.world.clock.now()))
        lifetime = timedelta(minutes=float(self.world.setting("asana_offset_minutes", 15)))
        if asked != question or self.world.clock.now() - issued_at >= lifetime:
            raise bad("offset: Your pagination token is invalid.")
        return after


def page(offsets: Offsets, records: Iterable[Any], query: dict[str, str], *, path: str) -> tuple[list[Any], dict[str, Any]]:
    """One page of `records` and what stands beside `data`: `next_page`, only when `limit` was sent."""
    rows = sorted(records, key=lambda record: int(record.gid))
    if "limit" not in query:
        if len(rows) > UNPAGED_LIMIT:
            raise bad("The result is too large. You should use pagination (may require specifying a workspace)!")
        return rows, {}
    limit = _limit(query["limit"])
    question = _question(path, query)
    after = offsets.redeem(question, query["offset"]) if "offset" in query else -1
    rest = [record for record in rows if int(record.gid) > after]
    if len(rest) <= limit:
        return rest, {"next_page": None}
    goes_on = bool(offsets.world.setting("asana_pages_in_a_circle", False))
    token = query["offset"] if goes_on and "offset" in query else offsets.issue(question, int(rest[limit - 1].gid))
    pointer = f"{path}?limit={limit}&offset={token}"
    uri = f"https://app.asana.com/api/1.0{pointer}"
    return rest[:limit], {"next_page": {"offset": token, "path": pointer, "uri": uri}}


def _limit(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 100:
        raise bad(f"limit: Must be a number between 1 and 100, not: {text}")
    return int(text)


def _question(path: str, query: dict[str, str]) -> str:
    return path + "?" + "&".join(f"{key}={query[key]}" for key in sorted(query) if key not in ("offset", "limit", "opt_fields"))
