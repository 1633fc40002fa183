"""Where the flow files are, and which of them are good."""

from __future__ import annotations

import os
from pathlib import Path

from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.flow.load import load_flows
from intacct_asana.flow.model import Flow

PROJECT_ROOT = Path(__file__).resolve().parents[3]


def mappings_folder() -> Path:
    """`INTACCT_ASANA_MAPPINGS`, or include/mappings beside the plugins folder."""
    named = os.environ.get("INTACCT_ASANA_MAPPINGS")
    return Path(named) if named else PROJECT_ROOT / "include" / "mappings"


def good_flows() -> list[Flow]:
    """Every flow whose file has no problem. The others are shown by dags/mapping_check.py."""
    flows, _ = load_flows(mappings_folder())
    return flows


def bad_flows() -> list[Misconfigured]:
    """One error a bad file, each with file, line and every problem."""
    _, errors = load_flows(mappings_folder())
    return errors


def flow_named(name: str) -> Flow:
    """The flow as its file says now. Raises Misconfigured when the file is gone or bad."""
    flows, errors = load_flows(mappings_folder())
    found = next((flow for flow in flows if flow.flow == name), None)
    if found:
        return found
    problems = tuple(problem for error in errors for problem in error.problems)
    missing = Problem(where=str(mappings_folder()), what=f"no flow named {name}", mend="restore its file or delete the DAG")
    raise Misconfigured(f"Flow {name} cannot be loaded.", problems=problems or (missing,))
