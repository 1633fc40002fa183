"""Asks Asana every few seconds whether somebody touched a task of the bills' project, and says so to Airflow.

It runs in the triggerer. What it says is a hint: the run reads the events API itself, from its own cursor.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.sdk import Asset, AssetOrTimeSchedule, AssetWatcher
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.reading.watch import Watch

if TYPE_CHECKING:
    from intacct_asana.asana.hook import AsanaWatch
    from intacct_asana.flow.model import Flow
    from intacct_asana.records import EventPage


Found = TypeVar("Found")

GATHER_SECONDS = 1.0
GATHER_LOOKS = 3
"""After a change it looks so many times more, so that a reason and a choice that belong together start one run."""
MOST_PAGES = 50
"""Pages of events in one look; what is left comes with the next one."""


class AsanaEventsTrigger(BaseEventTrigger):
    """Fires when people touched tasks of a project. Holds no secret: the connection is read where it runs.

    Its sync token lives in memory and is never the run's. Limits, outages, bad tokens and lost networks make it wait,
    longer each time; it never gives up.
    """

    def __init__(self, *, asana_conn_id: str, project_gid: str, poll_seconds: float = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self.asana_conn_id, self.project_gid, self.poll_seconds = asana_conn_id, project_gid, poll_seconds
        self.gather_seconds = min(GATHER_SECONDS, poll_seconds)
        self._hook: AsanaWatch | None = None
        self._thread: ThreadPoolExecutor | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        said = {"asana_conn_id": self.asana_conn_id, "project_gid": self.project_gid, "poll_seconds": self.poll_seconds}
        return f"{type(self).__module__}.{type(self).__qualname__}", said

    async def run(self) -> AsyncIterator[TriggerEvent]:
        watch = Watch(poll_seconds=self.poll_seconds)
        # A thread of its own: a network that hangs must not hold up the triggerer's other triggers.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="asana-events")
        try:
            while True:
                touched = await self._gather(watch)
                if touched:
                    yield TriggerEvent({"project": self.project_gid, "touched": touched})  # type: ignore[no-untyped-call]
                await asyncio.sleep(watch.wait_seconds)
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _gather(self, watch: Watch) -> int:
        """Tasks touched since the last look, and in the moment after it."""
        touched = found = await self._look(watch)
        for _ in range(GATHER_LOOKS):
            if not found:
                break
            await asyncio.sleep(self.gather_seconds)
            found = await self._look(watch)
            touched += found
        return touched

    async def _look(self, watch: Watch) -> int:
        """How many tasks people touched; 0 when that could not be learnt. Raises nothing: it will be asked again."""
        touched = 0
        try:
            for _ in range(MOST_PAGES):
                page = await self._in_thread(lambda: self._page(watch))
                touched += watch.saw(page)
                if not page.has_more:
                    break
            if watch.recovered():
                self.log.info("Watching the events of project %s again", self.project_gid)
        except Exception as error:  # noqa: BLE001  (a watcher that died would not come back by itself)
            self._trouble(watch, error)
        return touched

    def _trouble(self, watch: Watch, error: Exception) -> None:
        if watch.failed(error):
            # Only our own errors are known to hold no secret.
            said = error.message if isinstance(error, IntacctAsanaError) else type(error).__name__
            self.log.warning("Cannot watch project %s, which costs only time: %s", self.project_gid, said)
        if isinstance(error, Misconfigured):
            # Somebody may have mended the connection meanwhile.
            self._hook = None

    def _page(self, watch: Watch) -> EventPage:
        """One page of events. Blocking; runs in this trigger's own thread."""
        if self._hook is None:
            from intacct_asana.asana.hook import AsanaWatch

            hook = AsanaWatch(self.asana_conn_id)
            watch.bot_gid = hook.me().gid
            self._hook = hook
        return self._hook.events(self.project_gid, watch.sync_token)

    async def _in_thread(self, blocking: Callable[[], Found]) -> Found:
        return await asyncio.get_running_loop().run_in_executor(self._thread, copy_context().run, blocking)


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
