"""A DAG's schedule with a watcher beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetOrTimeSchedule, AssetWatcher

from intacct_asana.triggers.asana_events import AsanaEventsTrigger

if TYPE_CHECKING:
    from intacct_asana.mapping import Flow


def also_when_touched(flow: Flow, schedule: Any) -> AssetOrTimeSchedule:
    """`schedule`, and a run whenever the watcher saw people touch tasks of the flow's bills' project."""
    return AssetOrTimeSchedule(timetable=schedule, assets=[touched_asset(flow)])


def touched_asset(flow: Flow) -> Asset:
    """An asset of its own: the flow's other assets have no watcher, and one asset must look the same everywhere."""
    trigger = AsanaEventsTrigger(
        asana_conn_id=flow.connections.asana, project_gid=flow.bills.project, poll_seconds=flow.waking.poll_seconds
    )
    return Asset(
        name=f"asana_touched_{flow.flow}",
        uri=f"asana://{flow.bills.project}/touched/{flow.flow}",
        watchers=[AssetWatcher(name=f"asana_events_{flow.flow}", trigger=trigger)],
    )
