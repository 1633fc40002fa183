"""docs/command-line.md: each command with its options, examples and exit codes, as `--help` tells them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

import typer
from intacct_asana.__main__ import app
from typer.core import TyperArgument, TyperGroup, TyperOption

from manuals.pages import Parts, table

PROGRAM = "intacct-asana"


def commands(group: Any = None, name: str = PROGRAM) -> Iterator[tuple[str, Any]]:
    """Every command with the words that call it, in the order of the help."""
    here = group or typer.main.get_command(app)
    if not isinstance(here, TyperGroup):
        yield name, here
        return
    for word, inner in here.commands.items():
        yield from commands(inner, f"{name} {word}")


def page() -> str:
    return "\n\n".join(_section(name, command) for name, command in commands())


def listed() -> str:
    return table(
        ("command", "what it does"), ((f"[`{name}`](#{_anchor(name)})", _first(command)) for name, command in commands())
    )


def _section(name: str, command: Any) -> str:
    arguments = [one for one in command.params if isinstance(one, TyperArgument)]
    words = " ".join(_usage(one) for one in arguments)
    ends = next((line for line in _end(command) if line.startswith("Exit codes")), "")
    parts = [f"## `{name}`", cleandoc(command.help or ""), f"```sh\n{' '.join(filter(None, (name, words, '[options]')))}\n```"]
    rows = [(f"`{_usage(one)}`", getattr(one, "help", "") or "") for one in arguments]
    rows += [_row(one) for one in command.params if isinstance(one, TyperOption)]
    parts += [table(("", ""), rows)] if rows else []
    parts += ["For instance:\n\n```sh\n" + "\n".join(examples_of(command)) + "\n```", ends]
    return "\n\n".join(parts)


def _usage(one: TyperArgument) -> str:
    name = one.metavar or (one.name or "").upper()
    return f"[{name}]{'...' if one.nargs != 1 else ''}" if not one.required and not name.startswith("[") else name


def _row(option: TyperOption) -> tuple[str, str]:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    default = option.default if isinstance(option.default, str | int) and not isinstance(option.default, bool) else ""
    shown = f" ({getattr(default, 'value', default)})" if str(default) else ""
    return names, f"{option.help or ''}{shown}"


def examples_of(command: Any) -> list[str]:
    """As its help has them, each a whole line."""
    return [line for line in _end(command) if line.startswith(PROGRAM)]


def _end(command: Any) -> list[str]:
    return [line.strip() for line in (command.epilog or "").splitlines() if line.strip()]


def _first(command: Any) -> str:
    return re.split(r"(?<=\.)\s", cleandoc(command.help or ""), maxsplit=1)[0]


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


PARTS: Parts = {"commands": listed, "each": page}
