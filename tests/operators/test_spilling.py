"""Records and texts beyond what memory should hold are what they were, in their order."""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.errors import TryLater
from intacct_asana.operators.planning import spilling
from intacct_asana.operators.planning.spilling import Spilled, SpilledTexts, batched, in_pages

KEYS = st.sampled_from("abcdef")
STEPS = st.lists(st.tuples(st.sampled_from(["put", "take away"]), KEYS, st.lists(st.text(max_size=3), max_size=2)), max_size=30)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spilling, "MOST_HELD", 2)
    monkeypatch.setattr(spilling, "PAGE", 3)


@pytest.mark.usefixtures("few")
@given(steps=STEPS)
def test_it_is_a_mapping_like_any_other(steps: list[tuple[str, str, list[str]]]) -> None:
    spilled, plain = Spilled[Any](), dict[str, Any]()
    for what, key, record in steps:
        for mapping in (spilled, plain):
            if what == "put":
                mapping[key] = record
            else:
                mapping.pop(key, None)
        assert (list(spilled.items()), len(spilled)) == (list(plain.items()), len(plain))
        assert ("a" in spilled, spilled.get("a")) == ("a" in plain, plain.get("a"))


@pytest.mark.usefixtures("few")
def test_pages_follow_the_keys_and_texts_come_as_often_as_they_are_asked_for() -> None:
    records, texts = Spilled[str](), SpilledTexts()
    for key in "gfedcba":
        records[key] = key.upper()
        texts.append(key + "\ud800é")
    assert [list(page) for page in in_pages(records)] == [["g", "f", "e"], ["d", "c", "b"], ["a"]]
    assert list(in_pages(records, ["a", "x", "b", "c"])) == [{"a": "A", "b": "B"}, {"c": "C"}]
    assert [list(texts), list(texts), len(texts)] == [[key + "\ud800é" for key in "gfedcba"]] * 2 + [7]
    assert list(batched([])) == []


def test_many_records_take_memory_for_their_keys_only() -> None:
    records = Spilled[list[str]]()
    tracemalloc.start()
    try:
        for number in range(spilling.MOST_HELD + 2000):
            if number == spilling.MOST_HELD:
                before, _ = tracemalloc.get_traced_memory()
            records[f"key {number}"] = [f"{number} line {line} " * 50 for line in range(5)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (after - before) / 2000 < 400, "bytes a record, of 4,000 and more that each has"


class NoRoom:
    def __getattr__(self, name: str) -> Any:
        raise OSError(28, "No space left on device")


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spilling, "TemporaryFile", lambda **_: NoRoom())


@pytest.mark.usefixtures("few", "full")
def test_a_full_disk_says_where_and_what_to_do() -> None:
    records = Spilled[str]()
    records["a"], records["b"] = "1", "2"
    with pytest.raises(TryLater, match="No space left on device") as caught:
        records["c"] = "3"
    assert tempfile.gettempdir() in caught.value.message
    assert "TMPDIR" in caught.value.message


@pytest.mark.usefixtures("few")
def test_nobody_else_finds_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    records = Spilled[str]()
    for key in "abcdef":
        records[key] = "secret"
    assert records["f"] == "secret"
    assert list(tmp_path.iterdir()) == []
