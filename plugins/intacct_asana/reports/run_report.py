"""The record of one run: what it counted, what it refused and why, what it cost, and the words that people read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

MOST_REFUSALS = 20
"""Sentences that are kept of one run; the log has all of them."""


class RunState(StrEnum):
    """How a run ended."""

    SUCCESS = "success"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """One run of one of a flow's DAGs. A run that is repeated in part has one report, the newest.

    `job` is the DAG's name without the flow's (`bill_sync`), `run_type` is Airflow's (`scheduled`, `manual`, `backfill`).
    `counts` are by what was done, `money` by currency, `calls` by system (`intacct` as Intacct bills them, `asana`).
    `refusals` are sentences, `failures` too: each begins with the step that failed. `words` is the summary as people read it.
    `package` is the release that ran, `flow_file` the SHA-256 of the flow file that it went by.
    """

    flow: str
    job: str
    dag_id: str
    run_id: str
    run_type: str
    started_at: datetime
    ended_at: datetime
    state: RunState
    is_dry: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    money: Mapping[str, Decimal] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    calls: Mapping[str, int] = field(default_factory=dict)
    words: str = ""
    package: str = ""
    flow_file: str = ""

    @property
    def took(self) -> timedelta:
        return self.ended_at - self.started_at
