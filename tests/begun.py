"""Worlds that begin alike: the first is kept, in the sandbox and as a copy of its store, and the others begin from there.

Pinning a flow and reading a company for the first time takes longer than most tests' own acts.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from tests.databases import NewStore

MOST_KEPT = 40
"""Tests of one file share their worlds, so an old one is hardly asked for any more."""


@dataclass(frozen=True)
class _Kept:
    name: str
    new_store: NewStore
    store_url: str
    known: Any


_kept: dict[tuple[str, ...], _Kept] = {}


def begun(sandbox: Any, new_store: NewStore, how: object, make: Callable[[], tuple[str, Any]]) -> tuple[str, Any]:
    """The URL of a world's own store, and what else is known of the world. `how` says all that it depends on.

    `make` builds it the first time, on a sandbox that was just reset, and gives both.
    """
    key = (sandbox.url, new_store.kind, repr(how))
    if known := _kept.get(key):
        sandbox.call("POST", f"/_sandbox/begin/{known.name}")
        return new_store(like=known.store_url), deepcopy(known.known)
    url, what = make()
    name = f"world{len(_kept)}"
    if len(_kept) == MOST_KEPT:
        oldest = _kept.pop(next(iter(_kept)))
        oldest.new_store.drop(oldest.store_url)
        name = oldest.name
    sandbox.call("POST", f"/_sandbox/keep/{name}")
    _kept[key] = _Kept(name, new_store, new_store(like=url, kept=True), deepcopy(what))
    return url, what
