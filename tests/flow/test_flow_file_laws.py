"""Whatever stands in a flow file, the answer is a flow or a list of problems with lines; never another error."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.flow.load import load_flow
from intacct_asana.flow.model import Flow
from intacct_asana.flow.words import parts_of
from pydantic import Field, TypeAdapter, ValidationError

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


NO_NUMBERS = (True, False, "yes", "true", "on", "1_000", "1.5e3", "nan", "inf", " 7 ", "0x10", "٣")


def numbers_in(value: object) -> list[object]:
    if isinstance(value, Mapping):
        return [number for inner in value.values() for number in numbers_in(inner)]
    if isinstance(value, tuple):
        return [number for inner in value for number in numbers_in(inner)]
    return [value] if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else []


@pytest.mark.parametrize("said", NO_NUMBERS, ids=repr)
def test_no_field_of_any_part_takes_a_word_or_a_switch_for_a_number(said: object) -> None:
    """Also of a flow that is made in Python, where True is an int."""
    taken, tried = [], 0
    for _, part in parts_of(Flow):
        for name, field in part.model_fields.items():
            said_by_field: TypeAdapter[object] = TypeAdapter(Annotated[field.annotation, Field(), *field.metadata])
            for value in (said, (said,), {"USD": said}):
                tried += 1
                with contextlib.suppress(ValidationError):
                    if numbers_in(said_by_field.validate_python(value)):
                        taken.append(f"{part.__name__}.{name}")
    assert tried > 500
    assert not taken
