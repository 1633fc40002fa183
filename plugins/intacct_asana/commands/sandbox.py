"""`sandbox`: both systems played on this machine, where the sandbox is at hand. It is no part of the package."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from intacct_asana.commands.terminal import UNREADABLE, beside, ending
from intacct_asana.deployment import PROJECT_ROOT

HELP = ending("sandbox", "sandbox --port 8099 --bills 500", codes={0: "ended", 1: "", 2: "wrong use, or none is here", 130: ""})

WHERE = "The sandbox is not part of the package: clone the project's repository, and run this or `python -m sandbox` there."


def sandbox(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on.")] = 8099,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same data.")] = None,
    vendors: Annotated[int, typer.Option(min=0, help="How many vendors.")] = 40,
    bills: Annotated[int, typer.Option(min=0, help="How many bills.")] = 250,
) -> None:
    """Play Sage Intacct and Asana on this machine until Ctrl-C (docs/sandbox.md). Nothing is kept when it stops.

    It takes whatever else `python -m sandbox` takes.
    """
    root = place_of_sandbox()
    if root is None:
        beside().print(WHERE)
        raise typer.Exit(UNREADABLE)
    if why := _taken(host, port):
        beside().print(f"Nothing can listen on {host}, port {port} ({why}). Name another port with --port.")
        raise typer.Exit(UNREADABLE)
    said = {"--port": port, "--host": host, "--seed": seed, "--vendors": vendors, "--bills": bills}
    options = [word for name, value in said.items() if value is not None for word in (name, str(value))]
    beside().print(f"Intacct and Asana are played at http://{host}:{port} until Ctrl-C. That page says what to log in with.")
    # Not imported: what is installed never depends on it. This process becomes it, so that Ctrl-C is its own.
    os.chdir(root)
    os.execv(sys.executable, [sys.executable, "-m", "sandbox", *options, *context.args])  # noqa: S606


def _taken(host: str, port: int) -> str:
    """Why nothing can listen there; empty where something can."""
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except (OSError, OverflowError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


def place_of_sandbox() -> Path | None:
    """The checkout that this runs from, or the one that we stand in."""
    places = (PROJECT_ROOT, Path.cwd())
    return next((place for place in places if (place / "sandbox" / "gateway" / "__init__.py").is_file()), None)
