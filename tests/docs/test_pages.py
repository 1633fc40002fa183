"""What pages point at is there, and README's table leads to every page."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from intacct_asana.__main__ import app
from typer.core import TyperGroup

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED = re.compile(r"(?<![\w/.-])((?:docs|script|include|plugins|dags|manuals|sandbox|tests)/[\w./-]*\w)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    named = {name for name in NAMED.findall(page.read_text(encoding="utf-8")) if "/acme" not in name}
    there = {name for name in named if (ROOT / name).exists() or (ROOT / f"{name}.py").exists()}
    assert sorted(named - there) == [], "files of the reader's own are called acme"


def test_the_table_of_readme_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES[2:] if f"| docs/{page.name} |" not in readme] == []


OURS = "(?:python -m intacct_asana|intacct-asana)"
COMMAND = re.compile(rf"^ *{OURS} (.+?)(?: +#.*)?$|`{OURS} ([^`]+)`", re.MULTILINE)


def commands() -> list[tuple[str, str]]:
    """Each command of ours that a page shows, with the page's name."""
    texts = {page.name: page.read_text(encoding="utf-8") for page in PAGES}
    found = ((name, (line or word).strip()) for name, text in texts.items() for line, word in COMMAND.findall(text))
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(("page", "command"), commands())
def test_commands_that_pages_show_are_ones_that_ours_takes(page: str, command: str) -> None:
    """The words and options, and how many there are; nothing is carried out."""
    words = shlex.split(re.split(r" [>|] | \.\.\.| \[options\]", command)[0].replace("<flow>", "demo"))
    takes(words)


def takes(words: list[str]) -> None:
    here: Any = typer.main.get_command(app)
    while isinstance(here, TyperGroup):
        if not words:
            return
        assert words[0] in here.commands, f"there is no {words[0]!r} among {', '.join(here.commands)}"
        here, words = here.commands[words[0]], words[1:]
    if words:
        here.make_context(here.name, list(words))


@pytest.mark.parametrize("wrong", ["evidence exprt", "close --flow demo --as-off 2026-11-30", "access demo another"])
def test_a_command_that_ours_does_not_take_would_be_seen(wrong: str) -> None:
    with pytest.raises((AssertionError, typer.BadParameter.__base__)):
        takes(shlex.split(wrong))


LINK = re.compile(r"\[(tests/[\w/]+\.py)\]\((tests/[\w/]+\.py)\)((?:<br>`\w+`)*)")


def guarantees() -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Each row of README's table: what holds, and the files of tests with the names that it gives of each."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [
        line.strip("| ").split(" | ")
        for line in readme.split("## What holds")[1].split("##")[0].splitlines()
        if "](tests/" in line
    ]
    return [(what, [(file, re.findall(r"`(\w+)`", names)) for _, file, names in LINK.findall(held)]) for what, held in rows]


@pytest.mark.parametrize(("what", "held"), guarantees(), ids=lambda value: value if isinstance(value, str) else "")
def test_what_readme_guarantees_is_held_by_tests_that_there_are(what: str, held: list[tuple[str, list[str]]]) -> None:
    assert held, f"nothing holds: {what}"
    assert any(names for _, names in held)
    for file, names in held:
        there = {
            node.name for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)
        }
        assert any(name.startswith("test_") for name in there)
        assert set(names) <= there, f"{file} has no {', '.join(sorted(set(names) - there))}"


def test_readme_is_short_and_shows_the_picture() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "](docs/pictures/overview.png)" in text
    assert len(guarantees()) >= 10
    assert len(text.split("## Reading on")[0].splitlines()) <= 90
