"""A reconciliation world for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.databases import NewStore
from tests.reconciliation.reconciliation_world import Reconciliation, connections


@pytest.fixture
def a_world(
    sandbox: Any, tmp_path: Path, new_store: NewStore, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Reconciliation]:
    for name, value in connections(sandbox).items():
        monkeypatch.setenv(name, value)
    return lambda **how: Reconciliation(sandbox, tmp_path, new_store, **how)
