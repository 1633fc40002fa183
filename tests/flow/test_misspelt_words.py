"""A misspelt key or word, wherever it stands in a flow file, is told with its line and with the word that was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from intacct_asana.errors import Misconfigured
from intacct_asana.flow.load import load_flow

EVERY_KEY = (Path(__file__).resolve().parents[2] / "manuals" / "every_key.yaml").read_text(encoding="utf-8").split("\n---\n")
OF_THEIR_OWN = ("controllers",)
"""Names that people give, as of a group."""

KEY = re.compile(r"(?:^|[{,\s])([a-z_]{4,}):(?=\s|$)")


def misspelt() -> Iterator[tuple[str, str, str]]:
    """A text with one key that lacks a letter, the key as it is written there, and as it was."""
    for text in EVERY_KEY:
        lines = text.split("\n")
        for number, line in enumerate(lines):
            for found in KEY.finditer("" if line.lstrip().startswith("#") else line):
                key = found[1]
                wrong = key[:2] + key[3:]
                changed = line[: found.start(1)] + wrong + line[found.end(1) :]
                if key not in OF_THEIR_OWN:
                    yield "\n".join([*lines[:number], changed, *lines[number + 1 :]]), wrong, key


def check(cases: list[tuple[str, str, str]], path: Path) -> None:
    untold = []
    for text, wrong, key in cases:
        path.write_text(text, encoding="utf-8")
        with pytest.raises(Misconfigured) as error:
            load_flow(path)
        told = next((one for one in error.value.problems if wrong in one.what), None)
        if told is None or wrong not in told.quote or key not in told.mend:
            untold.append((key, str(error.value)))
    assert untold == []


def test_some_misspelt_keys_of_every_part_are_told_with_line_and_nearest(tmp_path: Path) -> None:
    cases = [*misspelt()]
    assert len(cases) > 300
    check(cases[::12], tmp_path / "acme.yaml")


@pytest.mark.slow
def test_every_misspelt_key_is_told_with_line_and_nearest(tmp_path: Path) -> None:
    check([*misspelt()], tmp_path / "acme.yaml")


@pytest.mark.parametrize(
    ("right", "wrong", "nearest"),
    [
        ("source: vendor_name", "source: vendor_nam", "vendor_name"),
        ("states: [Submitted", "states: [Submited", "Submitted"),
        ("kind: number", "kind: numbr", "number"),
        ("source: on_hold", "source: onhold", "on_hold"),
        ("steps: [stamp", "steps: [stmp", "stamp"),
        ('"{vendor_name}', '"{vendor_nam}', "vendor_name"),
        ("vendor_field: Default approver", "vendor_field: Default aprover", "Default approver"),
        ("attachments: link", "attachments: lnk", "link"),
        ("mode: block", "mode: blok", "block"),
        ("fail_on: [bypass]", "fail_on: [bypas]", "bypass"),
        ("kind: smtp", "kind: smpt", "smtp"),
    ],
)
def test_a_misspelt_word_is_told_with_line_and_nearest(right: str, wrong: str, nearest: str, tmp_path: Path) -> None:
    example = Path(__file__).resolve().parents[2] / "include" / "mappings" / "examples" / "one_company.yaml"
    text, path = example.read_text(encoding="utf-8"), tmp_path / "acme.yaml"
    assert right in text
    path.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(Misconfigured) as error:
        load_flow(path)
    assert any(nearest in one.mend and one.quote for one in error.value.problems), str(error.value)
