"""What pages point at is there, and README's table leads to every page."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import typer
from intacct_asana.__main__ import app

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
    words = shlex.split(re.split(r" [>|] | \.\.\.", command)[0].replace("<flow>", "demo"))
    here: click.Command = typer.main.get_command(app)
    while isinstance(here, click.Group):
        context = click.Context(here, info_name="intacct-asana")
        if not words:
            return
        _, found, words = here.resolve_command(context, words)
        assert found is not None
        here = found
    here.make_context(here.name, words)
