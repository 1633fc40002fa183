"""Assets: what URIs of Intacct and Asana mean, how each is made and checked.

`intacct://<connection>/apbill` and `/vendor` are the bills and vendors of a connection's company, `asana://<project>/tasks` the
tasks of a project. Named in the provider's information, so Airflow checks every asset of ours by this, whoever declares it.
Nothing heavy is imported here: every DAG file that is parsed comes by.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult

if TYPE_CHECKING:
    from airflow.sdk import Asset

KINDS = ("apbill", "vendor")
"""What of Intacct there are assets of."""


def intacct_asset(*, connection: str, kind: str, extra: Mapping[str, Any] | None = None) -> Asset:
    """What is read from Intacct over a connection, or written there: `apbill` or `vendor`."""
    from airflow.sdk import Asset

    return Asset(name=f"{connection}_{kind}", uri=f"intacct://{connection}/{kind}", extra=dict(extra or {}))


def asana_asset(*, project: str, extra: Mapping[str, Any] | None = None) -> Asset:
    """The tasks of one Asana project, by its gid."""
    from airflow.sdk import Asset

    return Asset(name=f"asana_project_{project}", uri=f"asana://{project}/tasks", extra=dict(extra or {}))


def checked_intacct_uri(uri: SplitResult) -> SplitResult:
    """Raises ValueError for a URI that names no connection, or something that there are no assets of."""
    kind = uri.path.strip("/").lower()
    if not uri.netloc or kind not in KINDS or uri.query:
        raise ValueError(f"{uri.geturl()} is no asset of Intacct; write intacct://<connection id>/ and {' or '.join(KINDS)}.")
    return uri._replace(path=f"/{kind}")


def checked_asana_uri(uri: SplitResult) -> SplitResult:
    """Raises ValueError for a URI that names no project by its gid. What people touched is an asset for each flow."""
    if not re.fullmatch("[0-9]{1,32}", uri.netloc) or not re.fullmatch("/|/tasks|/touched/[^/]+", uri.path) or uri.query:
        raise ValueError(f"{uri.geturl()} is no asset of Asana; write asana://<gid of a project>/tasks.")
    return uri._replace(path="/tasks") if uri.path == "/" else uri
