"""What Airflow loads of ours as a plugin: the page in its UI, and the receiver of Asana's webhooks for `wake: webhook`.

Airflow loads this file in every process that touches plugins, so nothing heavy is imported before the first request.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

from intacct_asana.notifications import run_notes
from intacct_asana.workers import starting

if TYPE_CHECKING:
    from intacct_asana.errors import Misconfigured
    from intacct_asana.flow.model import Flow
    from intacct_asana.web.receiver import Door, Memory
    from intacct_asana.web.waker import AirflowApi

KEPT_SECONDS = 30.0
"""How long the flows with a webhook are known before their files are read again."""

MISSED_SECONDS = 2.0
"""The same where a name is not among them: a flow may be new, and anybody may ask for any number of names."""


class Doors:
    """The doors of the flows with a webhook, by flow. Thread-safe."""

    def __init__(self) -> None:
        self._flows: dict[str, Flow] = {}
        self._read_at = float("-inf")
        self._doors: dict[str, Door] = {}
        self._memories: dict[str, Memory] = {}
        self._apis: dict[str, AirflowApi] = {}
        self._lock = Lock()

    def of(self, flow_name: str) -> Door | None:
        """The flow's door; None where there is no such flow, or where it has no webhook."""
        with self._lock:
            self._read_again(flow_name)
            flow, door = self._flows.get(flow_name), self._doors.get(flow_name)
        if flow is None or door:
            return door
        # Outside the lock: a store that does not answer must not keep other flows' deliveries waiting.
        made = self._made(flow)
        with self._lock:
            return self._doors.setdefault(flow_name, made)

    def _read_again(self, flow_name: str) -> None:
        """Read the flows' files, unless they were read a moment ago."""
        from intacct_asana.deployment import good_flows

        age_seconds = time.monotonic() - self._read_at
        if age_seconds < (KEPT_SECONDS if flow_name in self._flows else MISSED_SECONDS):
            return
        self._read_at = time.monotonic()
        self._flows = {flow.flow: flow for flow in good_flows() if flow.wake == "webhook"}
        self._doors.clear()

    def start_run(self, flow_name: str) -> str | None:
        """Start the flow's reconciliation through Airflow's API. Called for one flow by one thread at a time."""
        from intacct_asana.deployment import flow_named
        from intacct_asana.web.waker import AirflowApi

        conn_id = flow_named(flow_name).connections.airflow
        api = self._apis.get(flow_name)
        if api is None or api.conn_id != conn_id:
            api = self._apis[flow_name] = AirflowApi(conn_id)
        try:
            return api.start_run(f"{flow_name}_approval_reconciliation")
        except Exception:
            # The connection may be mended by the next time.
            self._apis.pop(flow_name, None)
            raise

    def _made(self, flow: Flow) -> Door:
        from intacct_asana.operators.flow_run import FlowRun, utc_now
        from intacct_asana.web.receiver import Door, FernetSeal, Memory

        memory = self._memories.setdefault(flow.flow, Memory())
        return Door(FlowRun(flow).store.webhooks(), FernetSeal(), now=utc_now, memory=memory)


class LazyReceiver:
    """The ASGI app, built at the first request."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            from intacct_asana.web.receiver import build
            from intacct_asana.web.waker import Waker

            doors = Doors()
            self._app = build(doors.of, Waker(doors.start_run).wake)
        await self._app(scope, receive, send)


class LazyPage:
    """The page's ASGI app, built at the first request. Flow files are read again after `KEPT_SECONDS`."""

    def __init__(self) -> None:
        self._app: Any = None
        self._lock = Lock()
        self._files: tuple[list[Flow], list[Misconfigured]] = ([], [])
        self._read_at = float("-inf")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            self._app = self._built()
        await self._app(scope, receive, send)

    def _built(self) -> Any:
        from intacct_asana.operators.flow_run import FlowRun, utc_now
        from intacct_asana.web.page.app import build
        from intacct_asana.web.page.frame import Sources
        from intacct_asana.web.page.rights import AirflowRights, runs_of

        return build(
            Sources(
                flows=lambda: self._read()[0],
                bad_files=lambda: self._read()[1],
                store_of=lambda flow: FlowRun(flow).store,
                rights_of=AirflowRights,
                runs_of=lambda dag_ids: runs_of(dag_ids, now=utc_now()),
                now=utc_now,
            )
        )

    def _read(self) -> tuple[list[Flow], list[Misconfigured]]:
        from intacct_asana.deployment import mappings_folder
        from intacct_asana.flow.load import load_flows

        with self._lock:
            if time.monotonic() - self._read_at > KEPT_SECONDS:
                self._files, self._read_at = load_flows(mappings_folder()), time.monotonic()
            return self._files


class IntacctAsanaPlugin(AirflowPlugin):
    """The page stands below the receiver's prefix, so it is mounted first. A flow without `wake: webhook` has no receiver.

    One listener gives runs their notes, the other has tasks begin with their steps imported.
    """

    name = "intacct_asana"
    listeners = [run_notes, starting]  # noqa: RUF012
    fastapi_apps = [  # noqa: RUF012
        {"app": LazyPage(), "url_prefix": "/intacct-asana/page", "name": "Intacct and Asana"},
        {"app": LazyReceiver(), "url_prefix": "/intacct-asana", "name": "Asana webhooks"},
    ]
    external_views = [  # noqa: RUF012
        {
            "name": "Intacct and Asana",
            # Without a slash before it, so that it holds behind a proxy's path too.
            "href": "intacct-asana/page/",
            "icon": "intacct-asana/page/static/icon.svg",
            "url_route": "intacct-asana",
            "destination": "nav",
            "nav_top_level": True,
        }
    ]
