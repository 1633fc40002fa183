"""Airflow's real task runner, as in tests/airflow."""

from __future__ import annotations

from tests.airflow.conftest import api, flow_file, run_task, world

__all__ = ["api", "flow_file", "run_task", "world"]
