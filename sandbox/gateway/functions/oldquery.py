"""The text of `readByQuery`: conditions with AND, OR, NOT and brackets, turned into the filter that `query` takes as XML.

Documented: `<`, `>`, `>=`, `<=`, `=`, `like`, `not like`, `in`, `not in`, `is null`, `is not null`, AND, OR, NOT before a
condition, quotes escaped by a backslash, no joins. Brackets and which of AND and OR binds closer are taken from SQL.
https://developer.intacct.com/web-services/queries/
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

from sandbox.gateway.failures import Failure, support_id

_TOKEN = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|(<=|>=|<>|!=|[=<>(),])|([^\s()<>=!',]+))", re.DOTALL)
_SIGNS = {
    "=": "equalto",
    "!=": "notequalto",
    "<>": "notequalto",
    "<": "lessthan",
    "<=": "lessthanorequalto",
    ">": "greaterthan",
    ">=": "greaterthanorequalto",
}
_PAIRS = (
    ("equalto", "notequalto"),
    ("lessthan", "greaterthanorequalto"),
    ("greaterthan", "lessthanorequalto"),
    ("like", "notlike"),
    ("in", "notin"),
    ("isnull", "isnotnull"),
    ("and", "or"),
)
_OPPOSITE = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}

Token = tuple[str, bool]
"""Its text, and whether it stood in quotes."""


def filter_of(text: str) -> etree._Element | None:
    """`filter` for the text; None for an empty one. Raises Failure for what cannot be read."""
    reader = _Reader(text)
    if not reader.tokens:
        return None
    holder = etree.Element("filter")
    holder.append(reader.either())
    if reader.tokens:
        raise reader.unreadable()
    return holder


class _Reader:
    """Takes tokens off the front, one rule a method, loosest first."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[Token] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            found = _TOKEN.match(text, at)
            if not found:
                raise self.unreadable()
            quoted, sign, word = found.groups()
            self.tokens.append((re.sub(r"\\(.)", r"\1", quoted), True) if quoted is not None else (sign or word, False))
            at = found.end()

    def either(self) -> etree._Element:
        return self._joined("or", self._both)

    def _both(self) -> etree._Element:
        return self._joined("and", self._one)

    def _joined(self, word: str, part: Callable[[], etree._Element]) -> etree._Element:
        parts = [part()]
        while self._takes(word):
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        node = etree.Element(word)
        node.extend(parts)
        return node

    def _one(self) -> etree._Element:
        if self._takes("not"):
            return _negated(self._one())
        if not self._takes("("):
            return self._condition()
        inside = self.either()
        self._need(")")
        return inside

    def _condition(self) -> etree._Element:
        name = self._next().upper()
        node = etree.Element(self._operator())
        etree.SubElement(node, "field").text = name
        for value in self._values(str(node.tag)):
            etree.SubElement(node, "value").text = value
        return node

    def _operator(self) -> str:
        sign = self._next().lower()
        if sign in _SIGNS:
            return _SIGNS[sign]
        if sign == "is":
            negated = self._takes("not")
            self._need("null")
            return "isnotnull" if negated else "isnull"
        negated = sign == "not"
        word = self._next().lower() if negated else sign
        if word not in ("like", "in"):
            raise self.unreadable()
        return f"not{word}" if negated else word

    def _values(self, operator: str) -> list[str]:
        if operator in ("isnull", "isnotnull"):
            return []
        if operator not in ("in", "notin"):
            return [self._next()]
        self._need("(")
        values = [self._next()]
        while self._takes(","):
            values.append(self._next())
        self._need(")")
        return values

    def _next(self) -> str:
        if not self.tokens:
            raise self.unreadable()
        return self.tokens.pop(0)[0]

    def _takes(self, word: str) -> bool:
        """Whether the next token is this one, not in quotes; it is taken then."""
        if self.tokens and not self.tokens[0][1] and self.tokens[0][0].lower() == word:
            self.tokens.pop(0)
            return True
        return False

    def _need(self, word: str) -> None:
        if not self._takes(word):
            raise self.unreadable()

    def unreadable(self) -> Failure:
        return Failure("Query Failed", "", f"The query text '{self.text}' cannot be read. {support_id()}")


def _negated(node: etree._Element) -> etree._Element:
    """The opposite, condition by condition: what a null makes unknown stays unmatched, as in SQL."""
    parts = [_negated(child) for child in node] if node.tag in ("and", "or") else list(node)
    turned = etree.Element(_OPPOSITE[str(node.tag)])
    turned.extend(parts)
    return turned
