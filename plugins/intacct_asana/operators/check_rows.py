"""Rows of preflight's table: what was checked, what came of it, and how to mend it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from intacct_asana.errors import IntacctAsanaError, Problem

Row = dict[str, str]


def passed(check: str, result: str) -> Row:
    return {"check": check, "result": result, "mend": "", "ok": "yes"}


def failed(check: str, problem: Problem) -> Row:
    return {"check": check, "result": f"{problem.where}: {problem.what}", "mend": problem.mend, "ok": "no"}


def tried(check: str, look: Callable[[], str], *, mend: str = "") -> Row:
    """One check as a row: what `look` says, or what went wrong with it and how to `mend` it."""
    try:
        return passed(check, look())
    except IntacctAsanaError as error:
        return {"check": check, "result": error.message, "mend": mend, "ok": "no"}


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text: ok, check, result, how to mend it."""
    width = max((len(row["check"]) for row in rows), default=5)
    lines = [f"{'ok':<4}{'check':<{width + 2}}result"]
    for row in rows:
        cure = f"  -> {row['mend']}" if row["mend"] else ""
        lines.append(f"{row['ok']:<4}{row['check']:<{width + 2}}{row['result']}{cure}")
    return "\n".join(lines)
