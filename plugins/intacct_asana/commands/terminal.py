"""What every command has in common: how it tells, how it ends, and where it finds the flow.

Exit codes: 0 as it should be, 1 findings, 2 wrong use or something that cannot be read, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, TypeVar

import structlog
import typer
from airflow.sdk.log import redact  # type: ignore[attr-defined]
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.markup import escape
from sqlalchemy import make_url

from intacct_asana.deployment import flow_named
from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.operators.flow_run import FlowRun, store_url
from intacct_asana.text import short

FINDINGS, UNREADABLE, STOPPED = 1, 2, 130
CONTEXT = "_AIRFLOW_PROCESS_CONTEXT"

CODES = {
    0: "as it should be",
    FINDINGS: "there are findings",
    UNREADABLE: "wrong use, or something cannot be read",
    STOPPED: "stopped with Ctrl-C",
}

AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON, for programs.")]
FlowName = Annotated[str, typer.Option("--flow", help="Name of the flow.")]

Taken = TypeVar("Taken")

LONGEST_STATUS = 100
LONGEST_LINE = 500


def ending(*examples: str, codes: Mapping[int, str] | None = None) -> str:
    """The end of a command's help: examples, and its exit codes where they mean more than `CODES` says."""
    meant = {**CODES, **(codes or {})}
    ends = "; ".join(f"{code} {meaning}" for code, meaning in meant.items() if meaning)
    return "\n\n".join(["Examples:", *(f"  intacct-asana {one}" for one in examples), f"Exit codes: {ends}."])


def console() -> Console:
    """Paths and digests are copied from here, so nothing is cut where there is no terminal."""
    screen = Console(highlight=False)
    return screen if screen.is_terminal else Console(highlight=False, width=max(screen.width, 200))


def beside() -> Console:
    """For what is said beside the data, so that it stands on the screen also where the data goes into a file."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    """Amounts, days and instants as text."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


@contextmanager
def errors_told() -> Iterator[None]:
    """Errors are one message and exit code 2; Ctrl-C is one line."""
    try:
        yield
    except IntacctAsanaError as error:
        beside().print(f"[red]{escape(error.message)}[/red]")
        raise typer.Exit(UNREADABLE) from None
    except (KeyboardInterrupt, typer.Abort):
        beside().print("Stopped.")
        raise typer.Exit(STOPPED) from None


def answer(question: str, default: str, *, taken: Callable[[str], Taken], talks: bool = True) -> Taken:
    """What `taken` makes of somebody's answer; of the default, where nobody is there to be asked.

    One that it refuses with BadParameter is told why and asked for again, so that nothing is lost that was said before it.
    """
    while True:
        text = str(typer.prompt(question, default=default or None, err=True)).strip() if talks else default
        try:
            return taken(text)
        except typer.BadParameter as error:
            if not talks:
                raise
            beside().print(f"  {escape(error.message)}")


def word(said: str, kind: Any, *, name: str = "It") -> Any:
    """What a flow file makes of a word. Raises BadParameter with what is wrong with it, as the file would be told."""
    try:
        return TypeAdapter(kind).validate_python(said)
    except ValidationError as error:
        told = error.errors()[0]
        mend = told.get("ctx", {}).get("mend")
        raise typer.BadParameter(f"{name} {told['msg']} ({mend})." if mend else f"{name} {told['msg']}.") from None


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Says on a terminal what is being done while it lasts, and elsewhere a line for each thing. Logs say the rest of it."""
    screen = beside()
    if not screen.is_terminal:
        screen.print(escape(what))
        yield lambda text: screen.print(escape(text))
        return
    with screen.status(escape(what)) as status:
        yield lambda text: status.update(escape(short(f"{what} {text}", longest=LONGEST_STATUS)))


OF_NO_CONCERN = "shall not contain '_' according to RFC3986"
"""Airflow says so of each connection whose type has an underscore when it writes it as an address, which nobody asked for."""


def quiet_logs() -> None:
    """What Airflow, steps and hooks log goes beside the data, from warnings on, a line each; the command says what it found.

    For a process that carries out one command.
    """
    structlog.configure(
        processors=[structlog.stdlib.PositionalArgumentsFormatter(), _line_of_log],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s", force=True)


def _line_of_log(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> str:
    if OF_NO_CONCERN in str(event.get("event", "")):
        raise structlog.DropEvent
    return str(redact(short(str(event.get("event", "")), longest=LONGEST_LINE)))


def in_airflow() -> None:
    """Connections and Variables come from where Airflow has them: the environment alone where it has no database yet."""
    # Airflow gives those of its own database only to a process that says so, as its own commands do.
    if CONTEXT not in os.environ:
        os.environ[CONTEXT] = "server" if _has_a_database() else "client"


def _has_a_database() -> bool:
    """Whether Airflow's tables are made, as far as that can be seen without making a file; it complains at length of none."""
    from airflow.configuration import conf

    url = make_url(conf.get("database", "sql_alchemy_conn"))
    if url.get_backend_name() != "sqlite":
        return True
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{url.database}?mode=ro", uri=True)) as database:
        return bool(database.execute("SELECT 1 FROM sqlite_master WHERE name = 'connection'").fetchone())
    return False


def run_of(flow: str) -> FlowRun:
    """Raises Misconfigured where the store is a file that is not there: it would be made, and nothing in it is wrong."""
    in_airflow()
    run = FlowRun(flow_named(flow))
    if missing := missing_file(store_url(run.flow.connections.store)):
        raise Misconfigured(
            f"There is no store of flow {flow} here: {missing} does not exist. Run this where Airflow runs, "
            f"with its settings, or give the connection {run.flow.connections.store}."
        )
    return run


def missing_file(url: str) -> str:
    """The file of a SQLite store that is not there yet; empty for any other store."""
    parsed = make_url(url)
    is_missing = parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists()
    return (parsed.database or "nothing") if is_missing else ""
