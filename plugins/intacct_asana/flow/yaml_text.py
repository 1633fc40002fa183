"""YAML as it is written: every value stays the text in the file, and every value knows its line.

YAML 1.1 guesses types: `no` becomes False, `12:30` becomes 750, `10000.10` a float, a date a date. Here nothing is guessed.
A plain or quoted value is its own text, an empty one (or `null`, `~`) is None, and the model decides what the text means.
So money keeps its cents, and a gid may be written with or without quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from intacct_asana.flow.mistakes.syntax import LINE_ENDS, lookalike, syntax_told
from intacct_asana.text import cut

MOST_BYTES = 1_000_000
MOST_VALUES = 20_000
"""Values after aliases are followed. A flow has some hundreds; an alias bomb has billions."""

LONGEST_QUOTE = 120
"""Characters of a line that a message shows."""

TAG = "tag:yaml.org,2002:"
PLAIN_TAGS = frozenset(
    TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "map", "seq")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing wrong at one line of a file."""

    line: int
    what: str
    mend: str = ""


class Table(dict[str, object]):
    """A YAML mapping. `line` is where it starts, `lines` where each key stands."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Items(list[object]):
    """A YAML list. `line` is where it starts, `lines` where each item stands."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


def read_yaml(text: str, *, fast: bool = False) -> tuple[Table | None, list[Flaw]]:
    """The file's table, and what is wrong with it as YAML. No table comes when the text cannot be read as one.

    With `fast` libyaml reads it: the same values, but other words and here and there other lines where something is wrong.
    """
    if len(text) > MOST_BYTES:
        return None, [
            Flaw(line=1, what="the file is bigger than 1 MB", mend="a flow file holds one flow; is this the right file?")
        ]
    try:
        node = yaml.compose(text, Loader=FAST if fast and FAST else yaml.SafeLoader)
        if not isinstance(node, yaml.MappingNode):
            return None, [
                Flaw(
                    line=1,
                    what="the file holds no keys",
                    mend="start with `flow: <name>`; include/mappings/demo.yaml shows the rest",
                )
            ]
        reader = _Reader()
        table = reader.table(node)
    except _TooMuch as much:
        return None, [much.flaw]
    except RecursionError:
        return None, [Flaw(line=1, what="values are nested too deeply", mend="look for a long run of opening brackets")]
    except yaml.YAMLError as error:
        line, what, mend = syntax_told(text, error)
        return None, [Flaw(line=line, what=what, mend=mend)]
    return table, reader.flaws


FAST: type[yaml.SafeLoader] | None = getattr(yaml, "CSafeLoader", None)
"""libyaml's, where PyYAML was built with it: thirty times as fast, and a task start waits for it."""
MOST_BRACKETS, LONGEST_LINE = 1000, 2000
"""libyaml's loader goes as deep in C as the text is nested, and C has no limit of its own."""


def is_read_fast(text: str) -> bool:
    """Whether libyaml may read it."""
    brackets, longest = text.count("[") + text.count("{"), max(map(len, text.splitlines()), default=0)
    return FAST is not None and brackets <= MOST_BRACKETS and longest <= LONGEST_LINE


class _TooMuch(Exception):
    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.what)
        self.flaw = flaw


@dataclass(slots=True)
class _Reader:
    """Turns nodes into tables, items and text. Aliases are followed, up to MOST_VALUES values."""

    flaws: list[Flaw] = field(default_factory=list)
    seen: int = 0
    open_nodes: list[yaml.Node] = field(default_factory=list)

    def value(self, node: yaml.Node) -> object:
        self._count(node)
        if node.tag not in PLAIN_TAGS:
            self._flaw(
                node, f"the tag {node.tag.replace(TAG, '!!')!r} is not allowed here", "write the plain value without a tag"
            )
            return None
        if isinstance(node, yaml.MappingNode):
            return self.table(node)
        if isinstance(node, yaml.SequenceNode):
            return self._items(node)
        bare = isinstance(node, yaml.ScalarNode) and node.style is None
        if bare and node.value[:1] > "~" and (mark := lookalike(f": {node.value[:1]}")):
            # It would be a good value, quotation mark and all.
            self._flaw(node, *mark)
        return None if bare and node.tag == TAG + "null" else str(node.value)

    def table(self, node: yaml.MappingNode) -> Table:
        table = Table(_line(node))
        open_nodes = self._enter(node)
        merged: list[Table] = []
        for key_node, value_node in node.value:
            if key_node.tag == TAG + "merge":
                merged += self._merged(value_node)
            else:
                self._put(table, key_node, value_node)
        for other in merged:
            for key in other.keys() - table.keys():
                table[key], table.lines[key] = other[key], other.lines[key]
        open_nodes.pop()
        return table

    def _items(self, node: yaml.SequenceNode) -> Items:
        items = Items(_line(node))
        open_nodes = self._enter(node)
        for child in node.value:
            items.append(self.value(child))
            items.lines.append(_line(child))
        open_nodes.pop()
        return items

    def _put(self, table: Table, key_node: yaml.Node, value_node: yaml.Node) -> None:
        key = key_node.value if isinstance(key_node, yaml.ScalarNode) else ""
        value = self.value(value_node)
        if not key:
            self._flaw(
                key_node, "a key is empty or not plain text", "keys are words; a value that starts with { or [ needs quotes"
            )
        elif key in table:
            what = f"`{key}` is written twice (first in line {table.lines[key]})"
            self._flaw(key_node, what, "keep one: of two equal keys YAML silently takes the last")
        else:
            table[key], table.lines[key] = value, _line(key_node)

    def _merged(self, node: yaml.Node) -> list[Table]:
        """What `<<: *anchor` or `<<: [*one, *two]` brings in. The table's own keys win."""
        value = self.value(node)
        found = [value] if isinstance(value, Table) else list(value) if isinstance(value, Items) else []
        tables = [item for item in found if isinstance(item, Table)]
        if not tables or len(tables) < len(found):
            self._flaw(node, "`<<` takes an alias of a table", "write `<<: *name`, with `&name` on the table that is meant")
        return tables

    def _enter(self, node: yaml.Node) -> list[yaml.Node]:
        if any(node is other for other in self.open_nodes):
            raise _TooMuch(Flaw(line=_line(node), what="an alias stands inside its own anchor", mend="write the value out"))
        self.open_nodes.append(node)
        return self.open_nodes

    def _count(self, node: yaml.Node) -> None:
        self.seen += 1
        if self.seen > MOST_VALUES:
            what = f"the file has more than {MOST_VALUES} values once its aliases are followed"
            raise _TooMuch(Flaw(line=_line(node), what=what, mend="aliases of aliases multiply; write the values out"))

    def _flaw(self, node: yaml.Node, what: str, mend: str) -> None:
        self.flaws.append(Flaw(line=_line(node), what=what, mend=mend))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


SECRET_KEY = re.compile(r"(?i)(passw|pwd|secret|token|credential|api_?key)[\w-]*([\"']?\s*[:=]|(?<=\w)\s+(?=\S))")
SECRET_WORD = re.compile(r"(?i)[a-z][a-z0-9+.-]*://\S*[@?#]\S*|(?=[\w/+:=.-]*[0-9])(?=[\w/+:=.-]*[a-z])[\w/+:=.-]{24,}")
"""Secrets belong into connections, and people write them into the file all the same: an address with a login, a long token."""


def quoted(text: str, line: int) -> str:
    """The line as it is written, for people to see what is meant, without what may be a secret: import errors are for all to
    read. Empty where nothing but a comment stands there."""
    lines = LINE_ENDS.split(text)
    written = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    if not written or written.startswith("#"):
        return ""
    if len(written) > LONGEST_LINE:
        # Where it is cut, a half of a secret is none to SECRET_WORD.
        written = written[:LONGEST_LINE].rpartition(" ")[0] + " ..."
    if key := SECRET_KEY.search(written):
        written = written[: key.end()] + " ..."
    shown = SECRET_WORD.sub("...", written)
    return cut("".join(character if character.isprintable() else " " for character in shown), characters=LONGEST_QUOTE)
