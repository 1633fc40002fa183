"""Every place in the code that raises one of the six errors, with its sentence as far as the code says it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from manuals import PACKAGE

ERRORS = {
    "Misconfigured": "Misconfigured",
    "Refused": "Refused",
    "UnsafePlan": "UnsafePlan",
    "UnexpectedReply": "UnexpectedReply",
    "OddRecord": "UnexpectedReply",
    "OutcomeUnknown": "OutcomeUnknown",
    "TryLater": "TryLater",
    "SessionEnded": "TryLater",
}
"""Which of the six each class is."""

HOLE = "…"
"""Stands for what is known only when it happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One place: the module, which of the six it raises, and its sentence, empty where the code passes on another's."""

    module: str
    error: str
    text: str

    @property
    def sign(self) -> str:
        """What the patterns of the cures are looked for in."""
        return f"{self.error} {self.module}: {self.text}"


def messages(package: Path = PACKAGE) -> list[Message]:
    """All of them, in the order of modules and lines, each sentence of a module once."""
    found = [message for path in sorted(package.rglob("*.py")) for message in _messages_of(path, package)]
    return list(dict.fromkeys(found))


def _messages_of(path: Path, package: Path) -> Iterator[Message]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = ".".join(path.relative_to(package).with_suffix("").parts).removesuffix(".__init__")
    constants = _texts_in(tree.body)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (error := ERRORS.get(_name_of(node.func))) and node.args:
            around = [one for one in functions if one.lineno <= node.lineno <= (one.end_lineno or 0)]
            known = constants | (_texts_in(ast.walk(around[-1])) if around else {})
            yield Message(module=module, error=error, text=_sentence(node.args[0], known))


def _name_of(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else ""


def _texts_in(nodes: object) -> Mapping[str, ast.expr]:
    """Names that are given a text, here alone."""
    found: dict[str, ast.expr] = {}
    for node in nodes:  # type: ignore[attr-defined]
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if isinstance(node.value, ast.JoinedStr | ast.Constant | ast.BinOp):
                found[name] = node.value
    return found


def _sentence(node: ast.expr, known: Mapping[str, ast.expr], *, depth: int = 0) -> str:
    return re.sub(r"\s+", " ", _text(node, known, depth=depth)).strip()


def _text(node: ast.expr, known: Mapping[str, ast.expr], *, depth: int) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, known, depth=depth) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, known, depth=depth)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, known, depth=depth) + _text(node.right, known, depth=depth)
    if isinstance(node, ast.Name) and node.id in known and depth < 3:
        return _text(known[node.id], known, depth=depth + 1)
    return HOLE
