"""docs/runbook.md: every message that the code raises has a cure, and every cure a message."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from manuals import __main__ as manuals
from manuals import messages, runbook
from manuals.cures import SECTIONS
from manuals.messages import Message

SOURCE = """
CURE = "Mend it."

class Hook:
    def read(self, key):
        said = f"{self.where}: {key} is not"
        if key:
            raise Misconfigured(f"{said} here. {CURE}")
        raise errors.get(key) or TryLater(self.message)
"""


def test_every_message_has_a_cure() -> None:
    assert runbook.cured()


def test_every_cure_is_of_a_message() -> None:
    assert [see for see, found in runbook.cured().items() if not found] == []


def test_a_new_message_without_a_cure_is_told_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new = Message(module="brand.new", error="Misconfigured", text="The moon is in the way.")
    monkeypatch.setattr(runbook, "messages", lambda: [*messages.messages(), new])
    assert manuals.main(["--check"]) == 1
    assert "Misconfigured brand.new: The moon is in the way." in capsys.readouterr().out


def test_sentences_are_found_as_the_code_puts_them_together(tmp_path: Path) -> None:
    (tmp_path / "hook.py").write_text(SOURCE)
    assert messages.messages(tmp_path) == [
        Message(module="hook", error="Misconfigured", text="…: … is not here. Mend it."),
        Message(module="hook", error="TryLater", text="…"),
    ]


def test_the_page_has_an_entry_for_each_cure_and_quotes_the_code() -> None:
    page = runbook.runbook()
    assert re.findall(r"^## (.*)", page, re.MULTILINE) == list(SECTIONS)
    for cures in SECTIONS.values():
        for cure in cures:
            assert f"### {cure.see}\n" in page
    assert "> The plan is bigger than the flow's limits:" in page
