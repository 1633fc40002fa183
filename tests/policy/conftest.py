"""A flow of several steps, on the sandbox with the real operators, for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.asana.wire import AsanaWire
from intacct_asana.intacct.hook import IntacctHook

from tests.databases import NewStore
from tests.policy.policy_world import Steps
from tests.reconciliation.reconciliation_world import connections


@pytest.fixture
def connected(sandbox_process: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The sandbox's process with connections to it; waits are short."""
    for name, value in connections(sandbox_process).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(AsanaWire, "first_wait_seconds", 0.01)
    monkeypatch.setitem(IntacctHook.__init__.__kwdefaults__, "first_wait_seconds", 0.01)
    return sandbox_process


@pytest.fixture
def a_policy(connected: Any, tmp_path: Path, new_store: NewStore) -> Callable[..., Steps]:
    return lambda **how: Steps(connected, tmp_path, new_store, **how)
