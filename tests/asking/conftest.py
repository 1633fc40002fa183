"""A flow in which people are asked by subtasks, on the sandbox with the real operators, for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.asking.asking_world import Asked
from tests.databases import NewStore
from tests.standing.conftest import connected

__all__ = ["connected"]


@pytest.fixture
def asked(connected: Any, tmp_path: Path, new_store: NewStore) -> Callable[..., Asked]:
    return lambda **how: Asked(connected, tmp_path, new_store, **how)
