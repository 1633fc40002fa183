"""Imports point inward and never in a circle; pure modules, listed by name, touch no outside world; folders stay small."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "plugins" / "intacct_asana"
RANKS = {
    "errors": -1,
    "text": 0,
    "codec": 0,
    "records": 1,
    "audit": 2,
    "ports": 2,
    "control_ports": 3,
    "flow": 2,
    "pins": 3,
    "task": 3,
    "journal": 3,
    "sync": 4,
    "vendors": 5,
    "approvals": 5,
    "asking": 6,
    "closing": 6,
    "controls": 6,
    "exceptions": 6,
    "reports": 6,
    "reading": 6,
    "http": 6,
    "intacct": 7,
    "asana": 7,
    "store": 7,
    "lineage": 8,
    "deployment": 8,
    "get_provider_info": 8,
    "notifications": 8,
    "web": 8,
    "triggers": 9,
    "operators": 9,
    "workers": 9,
    "dag_parts": 10,
    "plugin": 10,
    "dags": 10,
    "proving": 9,
    "commands": 10,
    "__main__": 11,
}
"""Who may import whom: a package imports what stands lower, and packages of one rank do not know each other."""

PURE = {
    *("errors", "text", "codec", "records", "audit", "ports", "control_ports", "flow", "pins", "task", "journal"),
    *("sync", "vendors", "approvals", "asking", "controls", "exceptions", "reading", "reports", "closing"),
    *(f"intacct.{name}" for name in ("xml", "timestamps", "errors", "replies", "query", "records", "walks", "payments")),
    *(
        "intacct.documents",
        "intacct.rest.calls",
        "intacct.rest.replies",
        "commands.over_history",
        "commands.first_flow",
        "web.page.rows",
    ),
    *(f"asana.{name}" for name in ("request", "calls", "records", "replies", "webhooks")),
}
"""Modules, and whole packages, that decide and translate without the world."""

UNPINNED_BOARD = {
    "operators.flow_run",
    "operators.preflight",
    "operators.checks",
    "operators.create_missing",
    "operators.beginning.systems",
}
"""Who compares the token's user with the pins, who makes the pins, and who looks round before there is a flow. Every other step
gets its board from `own_board`; the watcher, which only listens, has a hook of its own."""

OUTSIDE_WORLD = {"airflow", "requests", "httpx", "sqlalchemy", "urllib3", "time", "socket", "subprocess"}
CLOCKS = ("datetime.now(", "pendulum.now(", "date.today(", "utcnow(")
MOST_MODULES = 15
MOST_LINES = 500


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports_of(path: Path, *, to_run: bool = False) -> frozenset[str]:
    return frozenset(_imports_of(path, to_run=to_run))


def _imports_of(path: Path, *, to_run: bool) -> Iterator[str]:
    """Modules of ours and of others that `path` imports anywhere in its text; `to_run` leaves out what only mypy reads."""
    tree = tree_of(path)
    hidden = {
        inner
        for node in ast.walk(tree)
        if to_run and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}".removeprefix("intacct_asana.")
                yield f"intacct_asana.{inner}" if inner in MODULES else node.module or ""


@cache
def ours(path: Path) -> set[str]:
    names = {name.removeprefix("intacct_asana.") for name in imports_of(path) if name.startswith("intacct_asana.")}
    return names & MODULES.keys()


def is_pure(module: str) -> bool:
    return module in PURE or module.split(".")[0] in PURE


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_inward(module: str) -> None:
    area = module.split(".")[0]
    if area == "__init__":
        return
    for name in sorted(ours(MODULES[module])):
        other = name.split(".")[0]
        assert other == area or RANKS[other] < RANKS[area], (
            f"{module} (rank {RANKS[area]}) imports {name} (rank {RANKS[other]})"
        )


def test_no_imports_go_in_a_circle() -> None:
    """Every import counts: at the top, inside a function, and those that only a type checker reads."""
    graph = {module: ours(path) - {module} for module, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("module", [module for module in MODULES if is_pure(module)])
def test_pure_modules_touch_no_outside_world(module: str) -> None:
    """No Airflow, HTTP, SQL, clock or environment, neither themselves nor through what they import of ours."""
    path = MODULES[module]
    assert not {name.split(".")[0] for name in imports_of(path)} & OUTSIDE_WORLD
    assert not [name for name in ours(path) if not is_pure(name) and MODULES[name].name != "__init__.py"]
    text = path.read_text(encoding="utf-8")
    assert "os.environ" not in text
    assert not [clock for clock in CLOCKS if clock in text]


def test_folders_and_modules_stay_readable() -> None:
    folders = Counter(path.parent for path in MODULES.values() if path.name != "__init__.py")
    assert not {folder.name: count for folder, count in folders.items() if count > MOST_MODULES}
    lengths = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    assert not {module: length for module, length in lengths.items() if length > MOST_LINES}


def test_a_step_gets_a_board_only_for_the_pinned_user() -> None:
    """Nobody else says `unpinned_board`, and nobody makes the hook past it."""
    unpinned, makers = set(), set()
    for module, path in MODULES.items():
        for node in ast.walk(tree_of(path)):
            if "unpinned_board" in (getattr(node, "attr", None), getattr(node, "value", None)):
                unpinned.add(module)
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "AsanaHook":
                makers.add(module)
    assert unpinned == UNPINNED_BOARD
    assert makers == {"operators.flow_run"}
