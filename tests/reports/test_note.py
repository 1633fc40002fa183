"""A run's words as a note: short, nothing of a vendor's name works as markup, and people's own words stay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.reports.note import LONGEST_NOTE, SIGNED, note_of

WORDS = "bill sync of demo: done after 3 s.\n\n- Tasks: 2 made."


def test_markup_in_a_vendors_name_shows_as_it_is() -> None:
    note = note_of("done\n\n- ![x](http://evil.example/a.png) <b>*Ltd*</b> www.evil.example")
    assert "\\!\\[x\\](http\\://evil" in note
    assert "\\<b\\>\\*Ltd\\*" in note
    assert "www\\.evil" in note


def test_a_run_that_is_repeated_has_its_newest_words_and_what_people_wrote() -> None:
    first = note_of(WORDS, before="please look at *4711*")
    assert first.startswith("bill sync of demo")
    assert first.endswith(f"{SIGNED}\n\nplease look at *4711*")
    again = note_of("bill sync of demo: failed.", before=first)
    assert again == f"bill sync of demo: failed.\n\n{SIGNED}\n\nplease look at *4711*"


def test_a_long_run_is_cut_between_lines_and_says_so() -> None:
    note = note_of("head\n\n" + "\n".join(f"- sentence {number} {'x' * 60}" for number in range(50)))
    assert "- more in the log" in note
    assert note.splitlines()[2].startswith("- sentence 0")


def test_a_note_that_people_filled_is_left_alone() -> None:
    theirs = "x" * 990
    assert note_of(WORDS, before=theirs) == theirs


@given(st.text(max_size=1500), st.text(max_size=1200))
def test_it_always_fits_and_always_keeps_what_people_wrote(words: str, before: str) -> None:
    note = note_of(words, before=before)
    assert len(note) <= LONGEST_NOTE or note == before
    assert before.strip() in note or SIGNED in before
