"""A flow of several steps, on the sandbox with the real operators, for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.databases import NewStore
from tests.policy.policy_world import Steps
from tests.standing.conftest import connected

__all__ = ["connected"]


@pytest.fixture
def a_policy(connected: Any, tmp_path: Path, new_store: NewStore) -> Callable[..., Steps]:
    return lambda **how: Steps(connected, tmp_path, new_store, **how)
