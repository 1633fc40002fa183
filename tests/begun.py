"""Worlds that begin alike: the first is kept, in the sandbox and as a copy of its store, and the others begin from there.

Pinning a flow and reading a company for the first time takes longer than most tests' own acts.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from tests.databases import NewStore


@dataclass(frozen=True)
class _Kept:
    name: str
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
    sandbox.call("POST", f"/_sandbox/keep/{name}")
    _kept[key] = _Kept(name, new_store(like=url), deepcopy(what))
    return url, what
