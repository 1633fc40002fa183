"""Addresses in Airflow, and links from a task to what it is about. A flow file gives no host: they are Asana's and our own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey

ASANA = "https://app.asana.com/0"
PAGE = "/plugin/intacct-asana/intacct-asana/page/flows/"
"""Our page of a flow, in Airflow's frame."""
PROJECT = re.compile("asana://([0-9]{1,32})/")


class AsanaProjectLink(BaseOperatorLink):
    """The project whose tasks the step reads or writes, as its assets say."""

    name = "Asana project"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        uris = (str(getattr(asset, "uri", "")) for asset in (*operator.outlets, *operator.inlets))
        found = next((match for uri in uris if (match := PROJECT.match(uri))), None)
        return f"{ASANA}/{found.group(1)}" if found else ""


class FlowPageLink(BaseOperatorLink):
    """The flow's page in Airflow."""

    name = "Intacct and Asana"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        return page_of(str(operator.flow))


def page_of(flow: str) -> str:
    """Address of the flow on our page in Airflow's UI."""
    return f"{base_url()}{PAGE}{flow}"


def base_url() -> str:
    from airflow.sdk.configuration import conf

    return str(conf.get("api", "base_url", fallback="http://localhost:8080")).rstrip("/")


def run_url(dag_id: str, run_id: str) -> str:
    from urllib.parse import quote

    return f"{base_url()}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"
