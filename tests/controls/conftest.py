"""A flow with controls, for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.controls.controls_world import Controlled
from tests.databases import NewStore
from tests.standing.conftest import connected

__all__ = ["connected"]


@pytest.fixture
def a_company(connected: Any, tmp_path: Path, new_store: NewStore) -> Callable[..., Controlled]:
    return lambda **how: Controlled(connected, tmp_path, new_store, **how)
