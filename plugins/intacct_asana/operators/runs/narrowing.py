"""A run of the approvals that a person asked to look at a part only: which bills, or since when. What it leaves out stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from intacct_asana.errors import Misconfigured
from intacct_asana.operators.flow_run import FlowRun

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


def narrowed_to(context: Context, run: FlowRun) -> frozenset[str] | None:
    """Keys of the bills whose tasks show these numbers; None for a run about all. Raises Misconfigured where none does.

    A number may be several vendors'. What Intacct calls a bill by now is not asked: people go by what they see on the task.
    """
    numbers = (context.get("params") or {}).get("bill_numbers")
    if not numbers:
        return None
    wanted = {str(number).strip().casefold() for number in numbers}
    links = run.store.links("bill")
    shown = {key: str(one.body.get("bill_number", "")).strip().casefold() for key, one in links.showing(links.all()).items()}
    if missing := sorted(wanted - {*shown.values()}):
        raise Misconfigured(f"No task of flow {run.flow.flow} shows a bill {', '.join(missing)}. Nothing was done.")
    return frozenset(key for key, number in shown.items() if number in wanted)


def since_of(context: Context) -> datetime | None:
    """From which change on tasks are read once more, where a person asked for that."""
    since = (context.get("params") or {}).get("since")
    at = datetime.fromisoformat(str(since)) if since else None
    return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at


def waiting_among(run: FlowRun, name: str, only: frozenset[str] | None) -> tuple[list[str], list[str]]:
    """Keys that wait under the cursor `name`: those for this run, and those that stay for the next."""
    keys: list[str] = json.loads(run.store.cursor(name) or "[]")
    return [key for key in keys if only is None or key in only], [key for key in keys if only is not None and key not in only]
