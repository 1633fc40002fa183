"""`python -m manuals` writes the made parts of docs/; with `--check` it only compares, and fails when one is old."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from manuals import DOCS, commands, connections, keys, permissions, proving, runbook
from manuals.pages import NoPlace, Parts, filled, is_current
from manuals.runbook import NoCure

PAGES: dict[str, Parts] = {
    "command-line.md": commands.PARTS,
    "connections.md": connections.PARTS,
    "connect-real-accounts.md": permissions.PARTS,
    "mapping-guide.md": keys.PARTS,
    "prove-live.md": proving.PARTS,
    "runbook.md": runbook.PARTS,
    "security-and-privacy.md": permissions.PRIVACY,
}


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    try:
        return _main(arguments)
    except (NoPlace, NoCure) as error:
        print(error)
        return 1


def _main(arguments: Sequence[str]) -> int:
    old = [name for name, parts in PAGES.items() if not is_current(DOCS / name, parts)]
    if "--check" in arguments:
        print(f"old: {', '.join(old)}; run script/docs" if old else "made parts of docs/ are current")
        return 1 if old else 0
    for name in old:
        path = DOCS / name
        path.write_text(filled(path.read_text(encoding="utf-8"), PAGES[name]), encoding="utf-8")
        print(f"wrote docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
