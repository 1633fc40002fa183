"""What Airflow knows of us as a provider: valid by its own schema, whole, importable, and of the version that it says."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import airflow
import pytest
from intacct_asana import __version__, deployment
from intacct_asana.get_provider_info import get_provider_info
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.syncing import ApplyPlanOperator

from tests.conftest import live_demo
from tests.store.store_world import NOON, a_decision

pytestmark = pytest.mark.airflow
ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
INFO = get_provider_info()


def test_the_information_is_valid_by_airflows_own_schema() -> None:
    from jsonschema import Draft7Validator

    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(INFO)] == []
    # The schema lets pass what it does not know.
    assert INFO.keys() <= schema["properties"].keys()
    names = {one["integration-name"] for one in INFO["integrations"]}
    for part in ("hooks", "operators", "triggers"):
        assert {one["integration-name"] for one in INFO[part]} <= names


def test_every_module_with_an_operator_is_named_and_no_other() -> None:
    found = set()
    for path in (PLUGINS / "intacct_asana" / "operators").rglob("*.py"):
        classes = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
        if any(name.endswith("Operator") for name in classes):
            found.add(".".join(path.relative_to(PLUGINS).with_suffix("").parts))
    named = {module for one in INFO["operators"] for module in one["python-modules"]}
    assert named == found, (
        f"not in OPERATORS of get_provider_info: {sorted(found - named)}; no operators: {sorted(named - found)}"
    )


def test_everything_that_is_named_is_there() -> None:
    for part in ("hooks", "operators", "triggers"):
        for module in (module for one in INFO[part] for module in one["python-modules"]):
            import_module(module)
    paths = [*INFO["notifications"], *(one["hook-class-name"] for one in INFO["connection-types"])]
    paths += [path for one in INFO["asset-uris"] for name, path in one.items() if name != "schemes"]
    for path in paths:
        module, _, name = path.rpartition(".")
        assert callable(getattr(import_module(module), name)), path


def test_airflow_checks_our_assets_and_makes_them() -> None:
    from airflow.sdk import Asset
    from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

    make = ProvidersManagerTaskRuntime().asset_factories
    assert make["intacct"](connection="intacct_default", kind="apbill").uri == "intacct://intacct_default/apbill"
    assert make["asana"](project="1201", extra={"flow": "demo"}).extra == {"flow": "demo"}
    assert Asset("INTACCT://books/APBill/").uri == "intacct://books/apbill"
    assert Asset("asana://1201").uri == "asana://1201/tasks"
    assert Asset("asana://1201/touched/demo").uri == "asana://1201/touched/demo"
    for wrong in ("intacct://books/payroll", "intacct:///vendor", "asana://bills/tasks", "asana://1201/tasks?opt=1"):
        with pytest.raises(ValueError, match="is no asset of"):
            Asset(wrong)


def test_settings_are_airflows_too_and_the_environment_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {"mappings": deployment.mappings_folder, "exports": deployment.exports_folder}
    # What workers import ahead is told by Airflow's option alone (tests/airflow/test_preloading.py).
    assert INFO["config"]["intacct_asana"]["options"].keys() == folders.keys() | {"preload"}
    for option, folder in folders.items():
        for name in (f"INTACCT_ASANA_{option.upper()}", f"AIRFLOW__INTACCT_ASANA__{option.upper()}"):
            monkeypatch.delenv(name, raising=False)
        default = folder()
        monkeypatch.setenv(f"AIRFLOW__INTACCT_ASANA__{option.upper()}", str(tmp_path / "airflow"))
        assert folder() == tmp_path / "airflow" != default
        monkeypatch.setenv(f"INTACCT_ASANA_{option.upper()}", str(tmp_path / "ours"))
        assert folder() == tmp_path / "ours"


def test_one_version_stands_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"] == {"path": "plugins/intacct_asana/__init__.py"}
    [folder] = PLUGINS.glob("intacct_asana-*.dist-info")
    assert folder.name == f"intacct_asana-{__version__}.dist-info"
    [told] = re.findall("^Version: (.*)$", (folder / "METADATA").read_text(), re.MULTILINE)
    assert told == __version__


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FlowRun:
    """The demo's flow, with a store of its own."""
    (tmp_path / "demo.yaml").write_text(live_demo(), encoding="utf-8")
    monkeypatch.setenv("INTACCT_ASANA_MAPPINGS", str(tmp_path))
    store = {"conn_type": "sqlite", "host": str(tmp_path / "store.db")}
    monkeypatch.setenv("AIRFLOW_CONN_INTACCT_ASANA_STORE", json.dumps(store))
    return FlowRun(deployment.flow_named("demo"))


def test_evidence_of_decisions_names_release_and_flow_file_and_older_rows_verify_on(run: FlowRun, tmp_path: Path) -> None:
    import hashlib

    digest = hashlib.sha256((tmp_path / "demo.yaml").read_bytes()).hexdigest()
    run.store.note("bill-1", facts={"about": "an older row"}, at=NOON)
    run.store.decisions().record([a_decision()], at=NOON)
    older, row = run.store.evidence()
    assert (row.body["package"], row.body["flow_file"]) == (__version__, digest)
    assert "package" not in older.body
    assert run.store.verify_evidence() == []
    (tmp_path / "demo.yaml").write_text(live_demo() + "# another line\n", encoding="utf-8")
    assert deployment.flow_named("demo").file_digest not in ("", digest)


class Result:
    """A task instance as far as lineage asks it."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def xcom_pull(self, *, task_ids: str) -> Any:
        return self._result


def test_lineage_tells_what_was_read_and_written(run: FlowRun) -> None:
    pytest.importorskip("airflow.providers.openlineage.extractors")
    from airflow.providers.openlineage.extractors.base import DefaultExtractor
    from airflow.providers.openlineage.utils.utils import translate_airflow_asset
    from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

    make = ProvidersManagerTaskRuntime().asset_factories
    bills, tasks = make["intacct"](connection="books", kind="apbill"), make["asana"](project="1201")
    step = ApplyPlanOperator(task_id="apply_plan", flow="demo", plan_id="p", inlets=[bills], outlets=[tasks])
    found = DefaultExtractor(step).extract_on_complete(Result({"written": 3}))
    assert [(one.namespace, one.name) for one in found.inputs] == [("intacct://books", "apbill")]
    [written] = found.outputs
    assert (written.namespace, written.name) == ("asana://app.asana.com", "projects/1201/tasks")
    assert written.outputFacets["outputStatistics"].rowCount == 3
    told = {tag.key: tag.value for tag in found.run_facets["tags"].tags}
    assert told == {"flow": "demo", "flow_file": run.flow.file_digest, "intacct_asana": __version__}
    dataset = translate_airflow_asset(tasks, None)
    assert (dataset.namespace, dataset.name) == (written.namespace, written.name)
    assert DefaultExtractor(step).extract_on_complete(Result(None)).outputs[0].outputFacets == {}
