"""A flow that asks people, on the sandbox with the real operators, for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.databases import NewStore
from tests.reminding.reminding_world import Asking
from tests.standing.conftest import connected

__all__ = ["connected"]


@pytest.fixture
def an_asking_flow(connected: Any, tmp_path: Path, new_store: NewStore) -> Callable[..., Asking]:
    return lambda **how: Asking(connected, tmp_path, new_store, **how)
