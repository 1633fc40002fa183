"""What assets of ours are called in OpenLineage, and what a step read and wrote. Only called with that provider installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from airflow.sdk import Asset

ASANA_HOST = "asana://app.asana.com"
"""OpenLineage's namespace of everything in Asana: a gid is one of its own there."""


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
