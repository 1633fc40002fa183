"""`opt_fields`: comma separated paths with groups `(a|b)` and an optional leading `this.`, as a tree of wanted names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

Tree = dict[str, "Tree"]
_GROUP = re.compile(r"\(([^()]*)\)")


def parse(paths: Iterable[str]) -> Tree:
    """The tree of wanted names; an empty subtree means the thing itself in its compact form."""
    tree: Tree = {}
    for path in paths:
        for plain in _ungrouped(path.strip()):
            branch = tree
            for name in plain.removeprefix("this.").split("."):
                branch = branch.setdefault(name.strip(), {})
    return tree


def _ungrouped(path: str) -> Iterator[str]:
    group = _GROUP.search(path)
    if not group:
        yield from [path] if path else []
        return
    for choice in group.group(1).split("|"):
        yield from _ungrouped(path[: group.start()] + choice.strip() + path[group.end() :])
