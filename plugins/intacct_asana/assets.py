"""Assets: what URIs of Intacct and Asana mean, how each is made and checked, and what it is called in OpenLineage.

`intacct://<connection>/apbill` and `/vendor` are the bills and vendors of a connection's company, `asana://<project>/tasks` the
tasks of a project. Named in the provider's information, so Airflow checks every asset of ours by this, whoever declares it.
Nothing heavy is imported here: every DAG file that is parsed comes by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from airflow.sdk import Asset

KINDS = ("apbill", "vendor")
"""What of Intacct there are assets of."""
ASANA_HOST = "asana://app.asana.com"
"""OpenLineage's namespace of everything in Asana: a gid is one of its own there."""


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


def to_openlineage(asset: Asset, _context: Any) -> Any:
    """OpenLineage's dataset for an asset of ours: `intacct://<connection>` and `apbill`, Asana and `projects/<gid>/tasks`.

    Needs the provider openlineage, which is what asks for it.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset

    return Dataset(**_named(asset.uri))


def _named(uri: str) -> dict[str, str]:
    parts = urlsplit(uri)
    if parts.scheme == "asana":
        return {"namespace": ASANA_HOST, "name": f"projects/{parts.netloc}{parts.path}"}
    return {"namespace": f"intacct://{parts.netloc}", "name": parts.path.strip("/")}


def lineage_of(
    *, inlets: Iterable[Any], outlets: Iterable[Any], written: int | None = None, tags: Mapping[str, str] | None = None
) -> Any:
    """What a step read and wrote, for OpenLineage: how many records it wrote, and by which flow file and release.

    Assets of other schemes among the inlets and outlets are left to Airflow.
    """
    from airflow.providers.common.compat.openlineage.facet import InputDataset, OutputDataset
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.facet_v2 import output_statistics_output_dataset, tags_run

    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=written)
    facets = {} if written is None else {"outputStatistics": statistics}
    told = [tags_run.TagsRunFacetFields(key=key, value=value) for key, value in (tags or {}).items() if value]
    return OperatorLineage(
        inputs=[InputDataset(**_named(one)) for one in _ours(inlets)],
        outputs=[OutputDataset(**_named(one), outputFacets=facets) for one in _ours(outlets)],
        run_facets={"tags": tags_run.TagsRunFacet(tags=told)} if told else {},
    )


def _ours(assets: Iterable[Any]) -> list[str]:
    uris = (str(getattr(asset, "uri", "")) for asset in assets)
    return [uri for uri in uris if uri.startswith(("intacct://", "asana://"))]
