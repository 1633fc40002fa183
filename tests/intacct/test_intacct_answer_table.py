"""docs/intacct-answers.md stays true: every sample stands in it, every row says what the code does and what proves it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.intacct.replies import decipher

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = Path(__file__).parent / "samples"
TABLE = ROOT / "docs" / "intacct-answers.md"
NOTHING = "—"
LINE = re.compile(r"\| (?P<answer>.+?) \| (?P<http>\d{3}|—) \| (?P<sample>\S+) \| `(\w+)` \| `(\w+)` \| `(test_\w+)` \|")


class Row(NamedTuple):
    answer: str
    http: str
    sample: str
    as_read: str
    as_write: str
    test: str


def rows() -> list[Row]:
    """The table's rows. A line that looks like one and cannot be read is an error, not a row less."""
    table = TABLE.read_text().split("| Answer | HTTP |")[1].splitlines()[2:]
    found = [LINE.fullmatch(line) for line in table if line]
    assert all(found), table
    return [Row(*(part.strip("`") for part in match.groups())) for match in found if match]


def texts_by_test() -> dict[str, str]:
    """Each test function about the gateway, with the text of its module."""
    found = {}
    for path in (ROOT / "tests" / "intacct").glob("test_*.py"):
        text = path.read_text()
        names = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
        found.update(dict.fromkeys(names, text))
    return found


def asked_in(sample: str) -> str:
    """The function that a sample answers, where its name says so."""
    return "update" if sample.startswith("update_") else ""


def verdict(row: Row, *, is_write: bool) -> str:
    body = (SAMPLES / row.sample).read_bytes()
    try:
        decipher(
            int(row.http),
            {},
            body,
            asked="stamp of bill 41",
            is_write=is_write,
            control_id="c-1",
            function=asked_in(row.sample),
        )
    except IntacctAsanaError as error:
        return type(error).__name__
    return "data"


SAMPLED = [row for row in rows() if row.sample != NOTHING]


@pytest.mark.parametrize("row", SAMPLED, ids=lambda row: f"{row.sample}-{row.http}")
def test_a_row_says_what_the_code_makes_of_its_sample(row: Row) -> None:
    assert (row.as_read, row.as_write) == (verdict(row, is_write=False), verdict(row, is_write=True))


def test_every_sample_stands_in_the_table_and_every_named_one_exists() -> None:
    assert {row.sample for row in SAMPLED} == {path.name for path in SAMPLES.iterdir()}
    assert len({(row.sample, row.http) for row in SAMPLED}) == len(SAMPLED)


def test_every_named_test_exists_and_meets_its_sample() -> None:
    known = texts_by_test()
    assert {row.test for row in rows()} <= set(known)
    assert [row for row in SAMPLED if f'"{row.sample}"' not in known[row.test]] == []


def test_every_answer_that_is_tested_stands_in_the_table() -> None:
    cases = re.findall(r'^    \("([\w.]+)", (\d{3}), ', (Path(__file__).parent / "test_intacct_replies.py").read_text(), re.M)
    assert len(cases) > 60
    assert set(cases) <= {(row.sample, row.http) for row in SAMPLED}
