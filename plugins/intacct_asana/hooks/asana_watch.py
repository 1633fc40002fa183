"""Asana as a watcher asks it: one try for each look, because the watcher does its own waiting."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from intacct_asana.hooks.asana_rest import AsanaHook

Found = TypeVar("Found")

LOOK_SECONDS = 20.0


class AsanaWatch(AsanaHook):
    """The hook without its patience: a limit, an outage or a bad token comes out at once, as the error that it is."""

    def __init__(self, asana_conn_id: str) -> None:
        super().__init__(asana_conn_id)
        self.default_timeout_seconds = LOOK_SECONDS

    def _persist(self, attempt: Callable[[], Found]) -> Found:
        return attempt()
