"""What comes along with the package beside its modules: the DAG files, and flow files to begin with.

In a checkout they lie where people edit them, in `dags/` and `include/mappings/`; the wheel carries both inside the package.
"""

from __future__ import annotations

from pathlib import Path

INSIDE = Path(__file__).resolve().parent
CHECKOUT = INSIDE.parents[1]


def dag_files() -> dict[str, Path]:
    """The DAG files by the job that they are for, as in `bill_sync`."""
    return {path.stem: path for path in sorted(_folder("dag_files", "dags").glob("*.py"))}


def example_files() -> dict[str, Path]:
    """Flow files to begin with, by name: `demo` is the commented one."""
    folder = _folder("mappings", "include/mappings")
    return {path.stem: path for path in [*sorted((folder / "examples").glob("*.yaml")), folder / "demo.yaml"]}


def _folder(inside: str, in_checkout: str) -> Path:
    return INSIDE / inside if (INSIDE / inside).is_dir() else CHECKOUT / in_checkout
