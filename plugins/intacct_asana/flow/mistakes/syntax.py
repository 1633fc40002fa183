"""What is told of text that is no YAML, and of what word processors, spreadsheets and mails leave in one.

A parser says which token it expected, and often only lines later. People want the line that they have to change, and what to
type there.
Pure: text and the parser's error in, a line with two sentences out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

import yaml

Told = tuple[int, str, str]
"""Line from 1 on, what is wrong with it, how to mend it."""

LINE_ENDS = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
"""Where YAML begins a new line, so that line numbers count these."""

LONGEST_LINE = 1000
"""Characters of a line that are looked at: what people type is shorter, and what they paste by mistake may have no end."""

# What looks like a key of the keyboard and is another character.

BLANKS = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
UNSEEN = "\u00ad\u200b-\u200f\u2060\ufeff"
DASHES = "\u2010-\u2015\u2212\u2022\u2023\u25aa\u25cf\u00b7\uf0b7"
OPENING_QUOTES = "\u2018-\u201f\u00ab\u2039"

LOOKALIKES: tuple[tuple[str, str, str], ...] = (
    (
        rf"^[ \t]*([{BLANKS}])",
        "the line begins with {}, which is no blank to YAML",
        "delete all before the first word and type it with the space bar",
    ),
    (
        rf"^\s*([{DASHES}])",
        "the line begins with {}, which begins no list item",
        "write `- `: the minus of the keyboard and a blank",
    ),
    (
        rf"(?:[:\[{{,]\s*|^\s*(?:-\s+)?)([{OPENING_QUOTES}])",
        "{} is no quotation mark to YAML",
        'write the straight one of the keyboard, as in "text", at both ends',
    ),
    (
        r"^\s*(?:-\s+)?\w+(?: +\w+)*\s*([\uff1a\ufe55\u2236])",
        "{} is no colon to YAML",
        "write the colon of the keyboard and a blank",
    ),
    (rf"([{UNSEEN}])", "the line holds what nobody sees, {}", "delete the word that holds it and type it anew"),
    (
        rf"\w([{BLANKS}])",
        "the line holds {}, which is no blank to YAML",
        "delete it; where a blank is meant, type one with the space bar",
    ),
)


IN_QUOTES = re.compile(r"""(?<![^\s:\[{,])(?:"(?:[^"\\]|\\.)*"|'[^']*')""")


def lookalike(line: str) -> tuple[str, str] | None:
    """What is wrong with a line that holds another character than it seems to, and how to mend it.

    In straight quotes and in comments any character may stand, so that something else is wrong with such a line.
    """
    written = re.split(r"\s#", IN_QUOTES.sub('""', line))[0]
    for pattern, what, mend in LOOKALIKES:
        if found := re.search(pattern, written):
            return what.format(named(found[1])), mend
    return None


def named(character: str) -> str:
    """A character as people can find it: `“ (left double quotation mark, U+201C)`."""
    code, name = f"U+{ord(character):04X}", unicodedata.name(character, "a private character").lower()
    return f"{character} ({name}, {code})" if character.isprintable() else f"the {name} ({code})"


# What the parser says.


def syntax_told(text: str, error: yaml.YAMLError) -> Told:
    """The line that a person has to change, what is wrong with it, and what to type."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, int(error.position)) + 1
        return line, f"the file holds the unprintable character U+{int(error.character):04X}", "delete it"
    if not isinstance(error, yaml.MarkedYAMLError):
        return 1, f"this is not YAML: {error}", ""
    lines = [line[:LONGEST_LINE] for line in LINE_ENDS.split(text)]
    number = min(int(error.problem_mark.line) if error.problem_mark else 0, len(lines) - 1)
    above = _above(lines, number)
    for place in (number, above):
        if found := lookalike(lines[place]):
            return place + 1, *found
    for tell in (_bracket, _quote, _no_key, _indentation):
        if told := tell(error, lines, number):
            return told
    return number + 1, _words(error), _hint(lines, number)


def _above(lines: Sequence[str], number: int) -> int:
    """The line before this one on which anything is written; this one where there is none."""
    return next((one for one in range(number - 1, -1, -1) if lines[one].split("#")[0].strip()), number)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _began(error: yaml.MarkedYAMLError, number: int) -> int:
    return int(error.context_mark.line) if error.context_mark else number


def _bracket(error: yaml.MarkedYAMLError, lines: Sequence[str], number: int) -> Told | None:
    """A list or table in brackets that does not end, or lacks a comma."""
    if not (found := re.match(r"expected ',' or '([\]}])', but got '(.*)'", error.problem or "")):
        return None
    closing, got = found[1], found[2]
    opened, opening = _began(error, number), {"]": "[", "}": "{"}[closing]
    line = lines[opened]
    if opened == number:
        return (
            number + 1,
            f"something is missing between {opening} and {closing}",
            "write [one, two], or {key: value, key: value}",
        )
    if got != "<stream end>" and _indent(lines[number]) > _indent(line):
        return number + 1, "a comma is missing before this line", "end the line above with a comma"
    what = f"the {opening} of this line is not closed"
    if re.search(r"[:\[{,]\s+#", line):
        return opened + 1, what, "# after a blank begins a comment: put the value in quotes, or take the # away"
    return opened + 1, what, f"write {closing} where it ends"


def _quote(error: yaml.MarkedYAMLError, lines: Sequence[str], number: int) -> Told | None:
    """A quotation that does not end, or ends with the first mark of a later one."""
    cure = "write the closing quotation mark where the value ends"
    if error.context == "while scanning a quoted scalar" and "end of stream" in (error.problem or ""):
        return _began(error, number) + 1, "a quotation mark of this line is not closed", cure
    if "but found '<scalar>'" in (error.problem or ""):
        for mark in "\"'":
            at = next((one for one in range(number - 1, -1, -1) if lines[one].count(mark) % 2), None)
            if at is not None and lines[number].count(mark) and not lines[at].lstrip().startswith("#"):
                return at + 1, f"a {mark} of this line is not closed", cure
    return None


def _no_key(error: yaml.MarkedYAMLError, lines: Sequence[str], number: int) -> Told | None:
    """A line that is neither a key nor an item; the parser often sees it only in the next one."""
    above, problem = _above(lines, number), error.problem or ""
    is_bare = re.fullmatch(r"(- )?[\w ]+", lines[above].split("#")[0].strip()) is not None
    if problem == "could not find expected ':'":
        at = _began(error, number)
    elif problem.startswith("expected '<document start>'") or (problem == "mapping values are not allowed here" and is_bare):
        at = above
    else:
        return None
    written = lines[at].split(" #")[0].strip()
    # Of two words the second may be a secret, and what is told here is for all to read.
    key = re.match(r"\w+(?=\s|$)", written)
    mend = (
        f"write `{key[0]}:`" if key and key[0] == written else f"write `{key[0]}: ...`" if key else "write it as `key: value`"
    )
    if re.match(r"[\w ]+:\S", written):
        mend = "write a blank after the colon"
    elif found := re.match(r"([\w ]*\w)\s*[=;|]\s*", written):
        mend = f"write `{found[1]}: ...`: a colon and a blank come between key and value"
    elif written.startswith("```"):
        mend = FENCE
    return at + 1, "this line is neither `key: value` nor a list item", mend


def _indentation(error: yaml.MarkedYAMLError, lines: Sequence[str], number: int) -> Told | None:
    """A line that begins in another column than its neighbours."""
    if not re.match(r"expected <block end>, but found '(<block (mapping|sequence) start>|-|\?)'", error.problem or ""):
        return None
    above, here = _indent(lines[_above(lines, number)]), _indent(lines[number])
    if _is_too_deep(lines, number):
        what = "the line is indented deeper than the one above, which holds a value already"
        return number + 1, what, "begin both in one column"
    what = f"the line begins after {here} blanks, and the one above after {above}"
    return number + 1, what.replace(" 1 blanks", " 1 blank"), "keys and list items that belong together begin in one column"


def _words(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or ""
    if error.context == "expected a single document in the stream":
        return "a second YAML document starts here"
    for pattern, say in WORDS:
        if found := re.match(pattern, problem):
            return say(found)
    return f"this is not YAML: {problem}"


WORDS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    ("mapping values are not allowed here", lambda _: "a colon stands where no key can be"),
    (r".*(stream end|end of stream)", lambda _: "the file ends inside a bracket or a quote that was opened before"),
    (r"found character '(\\t|\t)'", lambda _: "a tab stands here, which YAML does not take"),
    (r"found character '(.+)' that cannot start", lambda found: f"a value cannot begin with {found[1]} unless it is in quotes"),
    ("expected alphabetic or numeric character|found undefined alias", lambda _: "a value that begins with * is in no quotes"),
    ("found unknown escape character", lambda _: "a backslash stands in double quotes"),
    ("expected <block end>, but found '<scalar>'", lambda _: "something stands behind the closing quotation mark"),
)

QUOTES = 'put the value in double quotes, as in key: "{}"'
FENCE = "delete this line: it belongs to the page that the text was copied from"
HINTS: tuple[tuple[str, str], ...] = (
    (r"^\s*\t", "indent with spaces; YAML does not take tabs"),
    (r"\t", "write blanks instead of the tab"),
    (r"^\s*```", FENCE),
    (r":\s+\*", QUOTES.format("*/15 * * * *") + "; a bare * means an alias"),
    (r":\s+@", QUOTES.format("@hourly")),
    (r":\s+[%`]", QUOTES.format("%d")),
    (r":\s+[{\[].*[}\]]\s*[^\s,}\]#]", QUOTES.format("{vendor_name} {bill_number}") + "; a bare { starts a table"),
    (r":\s+\".*\\", "put the value in single quotes"),
    (r":\s+['\"].*['\"]\s*[^#\s]", "put the whole value in one pair of quotes"),
    (r":\s.*:(\s|$)", 'a value that holds a colon and a space needs double quotes, as in key: "one: two"'),
)


def _is_too_deep(lines: Sequence[str], number: int) -> bool:
    """Whether a line stands below a whole value as if it were a part of it."""
    written = [line for line in lines[: number + 1] if line.strip() and not line.lstrip().startswith("#")]
    if len(written) < 2 or not re.match(r"[\w ]+:(\s|$)", written[-1].lstrip()):
        return False
    before, here = written[-2:]
    holds_a_value = re.match(r"(- )?[\w ]+:\s+[^\s#|>&]", before.lstrip())
    return bool(holds_a_value) and _indent(here) > _indent(before)


def _hint(lines: Sequence[str], number: int) -> str:
    written = lines[number]
    if _is_too_deep(lines, number):
        return "the line is indented deeper than the one above, which holds a value already: begin both in one column"
    for pattern, hint in HINTS:
        if re.search(pattern, written):
            return hint
    if written.startswith("---"):
        return "one file holds one flow; move the second one to a file of its own"
    return "look at this line and the one above: indentation, a missing quote or a missing `- `"
