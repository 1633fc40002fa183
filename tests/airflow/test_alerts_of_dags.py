"""Alerts as Airflow's own task runner calls them: once a task has failed for good, and when it succeeds again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.alerts.alerts_world import MAIL
from tests.alerts.conftest import Mailbox, mailbox

pytestmark = pytest.mark.airflow
__all__ = ["mailbox"]


def test_a_failed_step_is_told_once_and_over_when_it_succeeds(
    flow_file: Callable[[str, str], None], world: Any, mailbox: Mailbox
) -> None:
    world.have_run()
    flow_file("    - {kind: log}\n", f"    - {MAIL}\n")
    world.sandbox.fault("asana", "POST /tasks", "status:403", times=1000)
    for _ in range(2):
        assert world.run("bill_sync")["apply_plan"] == "failed"
    assert mailbox.subjects == ["[demo] demo_bill_sync failed at apply_plan"]
    assert "Log: http" in mailbox.body()
    world.sandbox.clear_faults()
    world.must("bill_sync")
    assert mailbox.subjects[1:] == ["[demo] over: demo_bill_sync failed at apply_plan"]
    world.must("bill_sync")
    assert len(mailbox.subjects) == 2
