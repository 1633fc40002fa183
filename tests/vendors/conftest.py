"""A vendor world for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.databases import NewStore
from tests.reconciliation.reconciliation_world import connections
from tests.vendors.vendor_world import VendorWorld


@pytest.fixture
def a_world(sandbox: Any, tmp_path: Path, new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> Callable[..., VendorWorld]:
    for name, value in connections(sandbox).items():
        monkeypatch.setenv(name, value)
    return lambda *edits, **how: VendorWorld(sandbox, tmp_path, new_store, *edits, **how)


@pytest.fixture
def world(a_world: Callable[..., VendorWorld]) -> VendorWorld:
    """Preflight and the first vendor sync have run; nobody has filled anything in yet."""
    made = a_world()
    made.must_run()
    return made
