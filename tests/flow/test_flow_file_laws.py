"""Whatever stands in a flow file, the answer is a flow or a list of problems with lines; never another error."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.flow.load import load_flow

from tests.flow.mapping_builders import DEMO

LINES = DEMO.read_text().splitlines()
ODD = [
    "",
    "~",
    "{}",
    "[]",
    "!!float x",
    "*x",
    "&x",
    "<<: {}",
    "- ",
    "? [a]",
    "a: b: c",
    '"',
    "\x85",
    "é",
    "\u2028",
    "1e999",
    "-0",
    "[{}]",
    "null:",
]


def problems_in(text: str) -> list[Problem]:
    """What the loader says about `text`: nothing when it is a flow."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flow.yaml"
        path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
        try:
            load_flow(path)
        except Misconfigured as error:
            return list(error.problems) or [Problem(where="nowhere:0", what="an error without a problem")]
    return []


def answer_of(text: str) -> None:
    for problem in problems_in(text):
        line = int(problem.where.rsplit(":", 1)[1])
        assert 1 <= line <= len(text.splitlines()) + 1, problem


@pytest.mark.fuzz
@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(LINES) - 1), st.integers(0, 60), st.sampled_from(ODD) | st.text(max_size=8), st.booleans())
def test_demo_file_with_one_odd_edit_is_a_flow_or_a_list_of_problems(place: int, column: int, odd: str, replace: bool) -> None:
    lines = list(LINES)
    lines[place] = lines[place][:column] + odd + ("" if replace else lines[place][column:])
    answer_of("\n".join(lines))


@pytest.mark.fuzz
@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="abflow: \n-[]{}&*!'\"#|>%@`,?\t<0", max_size=60) | st.text(max_size=40))
@example("flow: {<<: [a]}")
@example("bills: {fields: {a: b}, states: {Posted: 1}}")
@example("approval: {approvers: [{limits: [1]}], signal: []}\nwrite_back: [stamp]\nalerts: {on_failure: x}")
def test_any_text_is_a_flow_or_a_list_of_problems(text: str) -> None:
    answer_of(text)


@pytest.mark.fuzz
@pytest.mark.parametrize("place", range(0, len(LINES), 3))
def test_demo_file_without_a_line_is_a_flow_or_a_list_of_problems(place: int) -> None:
    answer_of("\n".join(LINES[:place] + LINES[place + 1 :]))
