"""A reconciliation world for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.reconciliation.reconciliation_world import Reconciliation, connections


@pytest.fixture
def a_world(sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Reconciliation]:
    for name, value in connections(sandbox).items():
        monkeypatch.setenv(name, value)
    return lambda **how: Reconciliation(sandbox, tmp_path, **how)
