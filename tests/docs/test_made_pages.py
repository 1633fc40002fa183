"""Pages with made parts: each is current, and an old or broken one is found."""

from __future__ import annotations

import pytest

from manuals import DOCS
from manuals.__main__ import PAGES
from manuals.pages import NoPlace, filled, is_current, table


@pytest.mark.parametrize("name", PAGES)
def test_made_parts_of_the_page_are_current(name: str) -> None:
    assert is_current(DOCS / name, PAGES[name]), "run script/docs"


def test_a_part_is_made_in_its_place_and_nothing_else_changes() -> None:
    page = "# Page\n<!-- made: keys -->\nold\n<!-- end of keys -->\nby hand\n"
    assert filled(page, {"keys": lambda: "new\n"}) == page.replace("old", "new")


@pytest.mark.parametrize(
    "page",
    [
        "nothing",
        "<!-- made: keys -->\nno end",
        "<!-- made: keys --><!-- end of keys --> <!-- made: more --><!-- end of more -->",
    ],
)
def test_a_page_without_the_marks_of_its_parts_is_refused(page: str) -> None:
    with pytest.raises(NoPlace):
        filled(page, {"keys": lambda: ""})


def test_cells_hold_bars_and_line_ends() -> None:
    assert table(("a",), [["x | y\n z"]]).splitlines()[-1] == "| x \\| y z |"
