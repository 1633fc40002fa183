"""What Airflow takes from the plugins folder."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.airflow
PLUGINS = Path(__file__).resolve().parents[2] / "plugins"


def test_airflow_loads_the_page_and_the_receiver_and_nothing_else_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow import plugins_manager

    monkeypatch.setattr("airflow.settings.PLUGINS_FOLDER", str(PLUGINS))
    before = set(sys.modules)
    plugins, errors = plugins_manager._get_plugins.__wrapped__()
    assert errors == {}
    [ours] = [plugin for plugin in plugins if plugin.name == "intacct_asana"]
    # The page's prefix stands below the receiver's, so it has to be asked first.
    assert [app["url_prefix"] for app in ours.fastapi_apps] == ["/intacct-asana/page", "/intacct-asana"]
    loose = {
        name for name in set(sys.modules) - before if (PLUGINS / "intacct_asana").glob(f"**/{name}.py") and "." not in name
    }
    files = {path.stem for path in (PLUGINS / "intacct_asana").rglob("*.py")} - {"plugin"}
    assert not loose & files


def test_the_plugin_imports_nothing_heavy() -> None:
    """It is loaded in every process that touches plugins, each task's too."""
    tree = ast.parse((PLUGINS / "intacct_asana" / "plugin.py").read_text())
    imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names}
    ours = {"intacct_asana.notifications", "intacct_asana.workers"}
    assert imported == {"__future__", "time", "threading", "typing", "airflow.plugins_manager", *ours}
