"""What a deployment installs and where it finds the package; tests/cluster is about the services."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_every_requirement_is_pinned_and_explained() -> None:
    pinned = {line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    explained = (ROOT / "docs" / "dependencies.md").read_text().lower()
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-cluster.txt"):
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith("#"):
                package = re.split(r"[<>=\[ ]", line)[0].lower()
                assert package in pinned, package
                assert package in explained, package


def test_airflow_does_not_load_the_package_as_loose_plugins() -> None:
    assert {"intacct_asana/*", "!intacct_asana/plugin.py"} <= set(
        (ROOT / "plugins" / ".airflowignore").read_text().splitlines()
    )
    entry = ROOT / "plugins" / "intacct_asana-0.1.0.dist-info" / "entry_points.txt"
    assert "intacct_asana.get_provider_info:get_provider_info" in entry.read_text()
