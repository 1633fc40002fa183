"""The sandbox has no import circles and no crowded folder. An import counts wherever it stands in a file, for types too."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "sandbox").rglob("*.py"))
MOST_MODULES = 15
MOST_LINES = 500


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in FILES}


def named_in(node: ast.AST) -> Iterator[str]:
    """What a statement may import, longest name last: `from a import b` may mean the module `a.b`, or something in `a`."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative import"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module":
        yield from (each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str))


def imports_of(path: Path) -> set[str]:
    """The sandbox's modules that this one imports, and the packages above those, which Python runs first."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for name in named_in(node):
            parts = name.split(".")
            found |= {prefix for end in range(1, len(parts) + 1) if (prefix := ".".join(parts[:end])) in MODULES}
    return found - {name_of(path)}


def test_no_module_of_the_sandbox_imports_itself_through_others() -> None:
    try:
        TopologicalSorter({name: imports_of(path) for name, path in MODULES.items()}).prepare()
    except CycleError as error:
        pytest.fail("a circle: " + " <- ".join(error.args[1]))


@pytest.mark.parametrize(("lower", "upper"), [("state", "acts"), ("state", "routes"), ("acts", "routes")])
def test_asana_has_its_state_at_the_bottom_and_its_routes_on_top(lower: str, upper: str) -> None:
    below = {name: path for name, path in MODULES.items() if name.startswith(f"sandbox.asana.{lower}")}
    assert below
    assert not [name for name, path in below.items() if any(f"asana.{upper}" in found for found in imports_of(path))]


def test_no_folder_of_the_sandbox_is_crowded() -> None:
    counted = Counter(str(path.parent.relative_to(ROOT)) for path in FILES)
    assert {folder for folder, count in counted.items() if count > MOST_MODULES} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_of_the_sandbox_reads_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES
