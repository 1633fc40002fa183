"""A run's report as metrics, under names that stay: docs/runs.md lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from intacct_asana.reports.run_report import RunReport

PREFIX = "intacct_asana"
_UNFIT = re.compile(r"[^a-z0-9]+")


def counters_of(report: RunReport) -> Iterator[tuple[str, int]]:
    """Name and how many more: `intacct_asana.demo.bill_sync.calls.intacct`. What was only rehearsed is counted apart."""
    base = base_of(report)
    yield f"{base}.runs.{report.state}", 1
    yield f"{base}.refusals", len(report.refusals)
    for system, calls in report.calls.items():
        yield f"{base}.calls.{system}", calls
    kind = "would" if report.is_dry else "count"
    for name, count in report.counts.items():
        yield f"{base}.{kind}.{_UNFIT.sub('_', name.lower()).strip('_')}", count


def seconds_of(report: RunReport) -> tuple[str, float]:
    return f"{base_of(report)}.seconds", report.took.total_seconds()


def base_of(report: RunReport) -> str:
    return f"{PREFIX}.{report.flow}.{report.job}"
