"""A world for each test: a flow of some bills, the audit of both sides, and exceptions as tasks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.databases import NewStore
from tests.drift.drift_world import Audited, Kept
from tests.reconciliation.reconciliation_world import connections


@pytest.fixture
def a_world(sandbox: Any, tmp_path: Path, new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Audited]:
    for name, value in connections(sandbox).items():
        monkeypatch.setenv(name, value)
    return lambda kind=Audited, **how: kind(sandbox, tmp_path, new_store, **how)


@pytest.fixture
def kept(sandbox: Any, tmp_path: Path, new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Kept]:
    for name, value in connections(sandbox).items():
        monkeypatch.setenv(name, value)
    return lambda **how: Kept(sandbox, tmp_path, new_store, **how)
