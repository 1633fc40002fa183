"""Both ways of installing, in a clean AIRFLOW_HOME: the wheel with one line in the DAG folder, and the copied folders.

The environment is made without a download: what the tests run with stands behind it on the path.
"""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import intacct_asana
import pytest

pytestmark = pytest.mark.airflow
ROOT = Path(__file__).resolve().parents[2]
TOP = ("pyproject.toml", "README.md", "LICENSE", ".gitignore")
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
ONE_LINE = "from intacct_asana.dags import flow_dags; flow_dags()  # for Airflow\n"
ERRORS_TOO = 'from intacct_asana.dags import flow_dags; flow_dags("mapping_check")  # for Airflow\n'
LOOK = """
import json, os
from airflow.dag_processing.dagbag import DagBag
from airflow.plugins_manager import _get_plugins
from airflow.providers_manager import ProvidersManager
import intacct_asana

bag = DagBag(dag_folder=os.environ["AIRFLOW__CORE__DAGS_FOLDER"], safe_mode=True)
known = ProvidersManager()
print("LOOK " + json.dumps({
    "home": intacct_asana.__file__,
    "dags": {name: dag.fileloc for name, dag in bag.dags.items()},
    "errors": {os.path.basename(name): text for name, text in bag.import_errors.items()},
    "providers": [name for name in known.providers if name.startswith("intacct")],
    "kinds": [name for name in known.hooks if name in ("intacct", "intacct_rest", "asana_rest")],
    "plugins": [plugin.name for plugin in _get_plugins()[0]],
}))
"""


def tracked(*folders: str) -> list[Path]:
    """Files as a clean clone has them, and those that are new and not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *folders]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [Path(name) for name in names if name and (ROOT / name).is_file()]


def copied(target: Path, *folders: str) -> Path:
    for name in tracked(*folders):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target / name)
    return target


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = copied(
        tmp_path_factory.mktemp("tree"), "plugins", "dags", "include", "pyproject.toml", "README.md", "LICENSE", ".gitignore"
    )
    target = tmp_path_factory.mktemp("wheel")
    said = subprocess.run([sys.executable, "-c", BUILD, str(target)], cwd=tree, capture_output=True, text=True, check=False)
    assert said.returncode == 0, f"script/setup --dev brings hatchling\n{said.stderr}"
    return target / said.stdout.split()[-1]


def test_the_wheel_has_every_file_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = {str(name.relative_to("plugins")) for name in tracked("plugins/intacct_asana")}
    dag_files = {f"intacct_asana/dag_files/{name.relative_to('dags')}" for name in tracked("dags")}
    mappings = {f"intacct_asana/mappings/{name.relative_to('include/mappings')}" for name in tracked("include/mappings")}
    assert names == package | dag_files | mappings
    assert {
        "intacct_asana/py.typed",
        "intacct_asana/dag_files/bill_sync.py",
        "intacct_asana/mappings/flow.schema.json",
    } <= names


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        at = f"intacct_asana-{intacct_asana.__version__}.dist-info"
        told = Parser().parsestr(files.read(f"{at}/METADATA").decode())
        entries = files.read(f"{at}/entry_points.txt").decode()
        assert f"{at}/licenses/LICENSE" in files.namelist()
    assert (told["Name"], told["Version"]) == ("intacct-asana", intacct_asana.__version__)
    assert told["License-Expression"] == "Apache-2.0"
    for entry in (
        "intacct_asana.get_provider_info:get_provider_info",
        "intacct_asana.plugin:IntacctAsanaPlugin",
        "intacct_asana.__main__:main",
    ):
        assert entry in entries
    beside = ROOT / "plugins" / f"intacct_asana-{intacct_asana.__version__}.dist-info" / "METADATA"
    assert f"Version: {intacct_asana.__version__}\n" in beside.read_text()


def clean_environment(home: Path) -> Path:
    """The python of a new environment, behind which stands what the tests run with, but nothing of this checkout."""
    venv.create(home, with_pip=False, symlinks=True)
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "shared.pth").write_text("\n".join(site.getsitepackages()))
    return home / "bin" / "python"


def look(python: Path, home: Path, dags: Path, **more: str) -> dict[str, Any]:
    """What an Airflow with this home and DAG folder knows of us."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "INTACCT", "PYTHON"))}
    env |= {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__DAGS_FOLDER": str(dags), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"} | more
    said = subprocess.run([python, "-c", LOOK], cwd=home, env=env, capture_output=True, text=True, timeout=180, check=False)
    answers = [line.removeprefix("LOOK ") for line in said.stdout.splitlines() if line.startswith("LOOK ")]
    assert answers, said.stderr[-3000:]
    found: dict[str, Any] = json.loads(answers[-1])
    return found


@pytest.fixture(scope="module")
def by_copy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The folders where a deployment reads them, and the plugins folder on PYTHONPATH."""
    home = copied(tmp_path_factory.mktemp("copied"), "dags", "plugins", "include")
    return look(clean_environment(home / "env"), home, home / "dags", PYTHONPATH=str(home / "plugins"))


@pytest.fixture(scope="module")
def by_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The wheel, one line in the DAG folder and another for mistakes, and a second flow file with some."""
    home = tmp_path_factory.mktemp("installed")
    python = clean_environment(home / "env")
    (packages,) = (home / "env").glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    mappings = home / "include" / "mappings"
    for folder in (home / "dags", mappings):
        folder.mkdir(parents=True)
    (home / "dags" / "flows.py").write_text(ONE_LINE)
    (home / "dags" / "flow_errors.py").write_text(ERRORS_TOO)
    shutil.copy(ROOT / "include" / "mappings" / "demo.yaml", mappings)
    (mappings / "acme.yaml").write_text("flow: acme\n")
    return look(python, home, home / "dags")


@pytest.mark.parametrize("way", ["by_wheel", "by_copy"])
def test_each_way_gives_connection_types_and_plugin_once(way: str, request: pytest.FixtureRequest) -> None:
    found = request.getfixturevalue(way)
    assert found["providers"] == ["intacct-asana"]
    assert sorted(found["kinds"]) == ["asana_rest", "intacct", "intacct_rest"]
    assert found["plugins"].count("intacct_asana") == 1
    assert str(ROOT) not in found["home"], "it is the installed one that was looked at"


def test_the_wheel_and_one_line_give_the_same_dags_as_the_copied_folders(
    by_wheel: dict[str, Any], by_copy: dict[str, Any]
) -> None:
    assert by_copy["errors"] == {}
    assert {f"demo_{job}" for job in ("preflight", "bill_sync", "vendor_sync", "approval_reconciliation")} <= set(
        by_copy["dags"]
    )
    assert set(by_wheel["dags"]) == set(by_copy["dags"])
    assert {Path(place).name for place in by_wheel["dags"].values()} == {"flows.py"}


def test_a_bad_flow_file_shows_with_its_lines_and_stops_its_own_flow_only(by_wheel: dict[str, Any]) -> None:
    assert list(by_wheel["errors"]) == ["flow_errors.py"]
    assert "acme.yaml:1: `bills` is missing" in by_wheel["errors"]["flow_errors.py"]
    assert "demo_bill_sync" in by_wheel["dags"]


def test_a_job_that_there_is_none_of_is_told() -> None:
    from intacct_asana.dags import flow_dags
    from intacct_asana.errors import Misconfigured

    with pytest.raises(Misconfigured, match="did you mean 'bill_sync'"):
        flow_dags("bills_sync")
