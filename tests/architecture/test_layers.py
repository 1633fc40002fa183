"""Imports point inward, and packages of one rank do not know each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "plugins" / "intacct_asana"
RANKS = {
    "records": 0,
    "ports": 0,
    "errors": 0,
    "journal": 0,
    "protocol": 1,
    "mapping": 1,
    "sync": 1,
    "approvals": 1,
    "vendors": 1,
    "hooks": 2,
    "store": 2,
    "operators": 3,
    "notifications": 3,
    "triggers": 3,
    "web": 3,
    "plugin": 4,
    "get_provider_info": 3,
}
OUTSIDE_WORLD = {"airflow", "requests", "httpx", "sqlalchemy", "urllib3", "time", "socket", "subprocess"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def area_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_inward(path: Path) -> None:
    area = area_of(path)
    if area == "__init__":
        return
    for name in imports_of(path):
        if not name.startswith("intacct_asana."):
            continue
        other = name.split(".")[1]
        allowed = other == area or RANKS[other] < RANKS[area] or RANKS[area] == RANKS[other] == 0
        shown_by_operators = (area, other) == ("operators", "notifications")
        assert allowed or shown_by_operators, f"{path.name} (rank {RANKS[area]}) imports {name} (rank {RANKS[other]})"


@pytest.mark.parametrize("path", [path for path in MODULES if RANKS.get(area_of(path), 9) <= 1], ids=lambda path: path.stem)
def test_pure_code_touches_no_outside_world(path: Path) -> None:
    """No Airflow, HTTP, SQL or clock in ranks 0 and 1."""
    roots = {name.split(".")[0] for name in imports_of(path)}
    assert not roots & OUTSIDE_WORLD
    text = path.read_text(encoding="utf-8")
    assert "os.environ" not in text
    assert not [clock for clock in ("datetime.now(", "pendulum.now(", "date.today(", "utcnow(") if clock in text]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_holds_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_the_plugin_never_imports_the_sandbox() -> None:
    assert not [path for path in MODULES if any(name.split(".")[0] == "sandbox" for name in imports_of(path))]


def test_intacct_field_names_stay_at_the_edge() -> None:
    for path in MODULES:
        if area_of(path) in ("sync", "approvals", "store", "operators", "records"):
            words = {node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)}
            assert not words & {"RECORDNO", "WHENMODIFIED", "TOTALENTERED", "DOCHDRKEY"}, path
