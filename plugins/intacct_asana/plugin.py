"""What Airflow loads of ours as a plugin: the receiver of Asana's webhooks, for flows that say `wake: webhook`.

Airflow loads this file in every process that touches plugins, so nothing heavy is imported before the first request.
"""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from intacct_asana.hooks.airflow_api import AirflowApi
    from intacct_asana.web.door import Door

KEPT_SECONDS = 30.0
"""How long a flow's door is kept before the flow's file is read again."""


class Doors:
    """The doors of the flows with a webhook, by flow."""

    def __init__(self) -> None:
        self._doors: dict[str, tuple[float, Door | None]] = {}
        self._apis: dict[str, AirflowApi] = {}
        self._lock = Lock()

    def of(self, flow_name: str) -> Door | None:
        """The flow's door; None where there is no such flow, or where it has no webhook."""
        with self._lock:
            until, door = self._doors.get(flow_name, (0.0, None))
            if time.monotonic() < until:
                return door
            if len(self._doors) > 1000:
                self._doors.clear()
            door = self._made(flow_name, door)
            self._doors[flow_name] = (time.monotonic() + KEPT_SECONDS, door)
            return door

    def start_run(self, flow_name: str) -> str | None:
        """Start the flow's reconciliation through Airflow's API. Called for one flow by one thread at a time."""
        from intacct_asana.hooks.airflow_api import AirflowApi
        from intacct_asana.operators.flows import flow_named

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

    @staticmethod
    def _made(flow_name: str, former: Door | None) -> Door | None:
        from intacct_asana.operators.flow_run import FlowRun, utc_now
        from intacct_asana.operators.flows import good_flows
        from intacct_asana.web.door import Door
        from intacct_asana.web.seal import FernetSeal

        flow = next((one for one in good_flows() if one.flow == flow_name and one.wake == "webhook"), None)
        if flow is None:
            return None
        memory = former.memory if former else None
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


class IntacctAsanaPlugin(AirflowPlugin):
    """Registers the receiver under /intacct-asana; nothing is served there for a flow without `wake: webhook`."""

    name = "intacct_asana"
    fastapi_apps = [{"app": LazyReceiver(), "url_prefix": "/intacct-asana", "name": "Asana webhooks"}]  # noqa: RUF012
