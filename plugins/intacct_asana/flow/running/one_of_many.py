"""One flow out of a folder of many: what a task start needs, which should not wait for the files of all others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from intacct_asana.errors import Misconfigured
from intacct_asana.flow.load import flow_files, load_flows, loaded, projects_in
from intacct_asana.flow.model import Flow

HIDES = re.compile(r"\\|<<|[&!*][\w!]")
"""What a word can hide behind: an escape, a merge, an anchor, a tag, an alias."""


def load_flow_of(folder: Path, dag_id: str) -> tuple[list[Flow], list[Misconfigured]]:
    """What `load_flows` says of the flow that is called `dag_id`, or that one of its DAGs is.

    A file is read in full only where it may be that flow's, or claim its name or a project of it. Which one may is seen by its
    text, and one that could hide a word from such a look is read too.
    """
    if not folder.is_dir():
        return load_flows(folder)
    texts = {path: _text(path) for path in flow_files(folder)}
    parts = dag_id.split("_")
    names = {"_".join(parts[:count]) for count in range(1, len(parts) + 1)}
    own = [path for path, text in texts.items() if text is None or _may_name(text, names)]
    claims = {project for path in own for project in projects_in(path)}
    flows, errors = loaded(path for path, text in texts.items() if path in own or _may_hold(text or "", claims))
    return [flow for flow in flows if flow.flow in names], errors


def _text(path: Path) -> str | None:
    """None for one that cannot be read; who reads it in full says why."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _may_name(text: str, names: Iterable[str]) -> bool:
    """Whether the file may say `flow:` with one of the names, comments and line ends between them or not."""
    said = rf"flow\W*(?:#[^\n]*\n\W*)*(?:{'|'.join(map(re.escape, names))})(?!\w)"
    return bool(HIDES.search(text) or re.search(said, text))


def _may_hold(text: str, values: Iterable[str]) -> bool:
    return bool(HIDES.search(text)) or any(value in text for value in values)
