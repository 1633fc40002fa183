"""`prove-live`: asking live systems what nobody documents. Exit codes: 0 nothing failed, 1 something did, 2 not begun."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from intacct_asana import __version__
from intacct_asana.asana.wire import AsanaWire
from intacct_asana.commands.terminal import FINDINGS, console, ending, errors_told, in_airflow
from intacct_asana.errors import Misconfigured, Refused
from intacct_asana.intacct.hook import IntacctHook
from intacct_asana.intacct.rest.hook import IntacctRestHook
from intacct_asana.proving.at_asana import AsanaPort
from intacct_asana.proving.at_intacct import IntacctPort
from intacct_asana.proving.at_rest import RestPort
from intacct_asana.proving.catalogue import ALL
from intacct_asana.proving.question import Ports, Question, Row, put
from intacct_asana.proving.report import anonymous, as_data, as_json, as_page, as_settings

HELP = ending(
    "prove-live --company acme-sandbox --project 1200000000000001",
    "prove-live --company acme-sandbox --asana '' --only intacct-page-totals",
    "prove-live --list",
    codes={1: "a question failed, or something could not be taken back"},
)
NON_PRODUCTION = re.compile(
    r"(?<![^\W_])(?:sandbox|sbx|test(?:ing)?|tst|impl?|implementation|dev|development|demo|trial|uat|qa|staging|copy|train(?:ing)?)"
    r"[0-9]{0,4}(?![^\W_])",
    re.IGNORECASE,
)
"""A word of its own in a company's id, with a number behind it at most: `acme-sandbox` and `ACME_IMP2`, and not `latest`."""
LINE = re.compile(r"(?:export\s+)?(AIRFLOW_CONN_[A-Z0-9_]+)=(.*)")


def prove_live(
    company: Annotated[
        str, typer.Option(help="Id of the company, which says that it is for trying things out. Needed where Intacct is asked.")
    ] = "",
    project: Annotated[
        str, typer.Option(help="gid of a project in Asana for trying things out. Needed where Asana is asked.")
    ] = "",
    intacct: Annotated[str, typer.Option(help="Connection to the gateway; empty asks it nothing.")] = "intacct_default",
    asana: Annotated[str, typer.Option(help="Connection to Asana; empty asks it nothing.")] = "asana_default",
    rest: Annotated[
        str, typer.Option(help="Connection to Intacct's REST API, as intacct_rest_default; empty asks it nothing.")
    ] = "",
    connections: Annotated[
        Path | None, typer.Option(help="A file as connections.env, instead of Airflow's connections.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Ask this question and no others. Repeatable.")] = None,
    allow: Annotated[list[str] | None, typer.Option(help="Let this question write without asking. Repeatable.")] = None,
    patient: Annotated[bool, typer.Option("--patient", help="Also ask what takes up to hours.")] = False,
    text_field: Annotated[
        str, typer.Option(help="Custom text field of bills to try lengths on. One that begins with ASANA_.")
    ] = "",
    target: Annotated[str, typer.Option(help="Public URL of a webhook receiver, for the question about webhooks.")] = "",
    to: Annotated[Path | None, typer.Option(help="Folder for the report, made new. prove-live-<time> when left out.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="Say what would be asked, and ask nobody.")] = False,
) -> None:
    """Ask a live company and workspace what nobody documents; write an anonymous report, and settings that follow.

    Reads only, but for questions that you allow one by one: each says what it writes and how that is taken back.
    """
    with errors_told():
        chosen = _chosen(only or (), allow or ())
        if listed:
            _print_list(chosen)
            return
        if connections:
            wanted = {"--intacct": intacct, "--asana": asana, "--rest": rest}
            _take_connections(connections, {option: name for option, name in wanted.items() if name})
        else:
            in_airflow()
        ports = _ports(
            company=company, project=project, intacct=intacct, asana=asana, rest=rest, text_field=text_field, target=target
        )
        _knock([one for one in chosen if not _shut(one, ports, allow or (), patient=patient)], ports)
        folder = _new_folder(to)
        rows: list[Row] = []
        try:
            with _ended_in_order():
                for row in put(chosen, ports, may=lambda question: _why_not(question, ports, allow or (), patient=patient)):
                    rows.append(row)
                    _say(row, at=len(rows), of=len(chosen))
        finally:
            # Also what was answered until somebody pressed Ctrl-C; first what only the screen tells.
            _say_what_is_left(ports)
            _write(folder, rows, ports)
        if ports.left or any(row.outcome == "failed" for row in rows):
            raise typer.Exit(FINDINGS)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """A process that is told to end, or whose terminal closes, takes back what it wrote, as with Ctrl-C."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    # What somebody has it ignore, as with nohup, stays ignored.
    heard = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) != signal.SIG_IGN]
    before = {one: signal.signal(one, stop) for one in heard}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _knock(questions: Sequence[Question], ports: Ports) -> None:
    """One sign-in to each system that will be asked. Raises what is wrong with it, before every question would try again.

    A password that is wrong would be tried by each of them otherwise, and Intacct locks users out for that.
    """
    systems = {one.system for one in questions}
    if not systems and not (ports.intacct or ports.asana or ports.rest):
        raise Misconfigured("There is nobody to ask: name a connection with --intacct, --asana or --rest.")
    if "intacct" in systems:
        ports.books.hook.gateway.sessions.session()
    if "intacct rest" in systems:
        ports.native.hook.tokens.token()
    if "asana" in systems:
        try:
            _ = ports.board.workspace_gid
        except Refused as error:
            raise Misconfigured(
                f"Asana shows no project {ports.board.project_gid} to the user of this token ({error.message}). Is it the long "
                "number in the project's address, and is this user one of its members?"
            ) from None


def _chosen(only: Sequence[str], allow: Sequence[str]) -> list[Question]:
    known = {question.id: question for question in ALL}
    if unknown := [name for name in (*only, *allow) if name not in known]:
        raise Misconfigured(f"There is no question {unknown[0]!r}; --list names all of them.")
    if reading := [name for name in allow if not known[name].writes]:
        raise Misconfigured(f"The question {reading[0]!r} only reads, so --allow means nothing to it.")
    return [question for question in ALL if not only or question.id in only]


def _print_list(questions: Sequence[Question]) -> None:
    table = Table("question", "asks", "writes", title=f"{len(questions)} questions", show_lines=True)
    for one in questions:
        table.add_row(*map(escape, (one.id, one.asks, one.writes + (" (with --patient)" if one.slow else ""))))
    console().print(table)


def _take_connections(path: Path, wanted: Mapping[str, str]) -> None:
    """Connections of this run from a file, in the form of connections.env.example. What is in them is told to nobody.

    `wanted` are ids of connections by their options. Raises Misconfigured for one that the file does not hold: one of that
    name in the environment may lead to another company or workspace.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}.") from None
    told: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = LINE.fullmatch(line.strip())
        try:
            values = shlex.split(found.group(2)) if found else []
        except ValueError:
            values = []
        if not found or len(values) != 1:
            raise Misconfigured(f"{path}, line {number}: expected AIRFLOW_CONN_<NAME>='<JSON>', as in connections.env.example.")
        told[found.group(1)] = values[0]
    for option, conn_id in wanted.items():
        if (name := f"AIRFLOW_CONN_{conn_id.upper()}") not in told:
            raise Misconfigured(f"{path} has no line {name}='<JSON>'. Add it, or leave that system out with {option} ''.")
    os.environ.update(told)


def _ports(*, company: str, project: str, intacct: str, asana: str, rest: str, text_field: str, target: str) -> Ports:
    """The systems that have a connection's name. Raises Misconfigured where the company was not named, or another one was."""
    ports = Ports(wait=time.sleep, text_field=text_field, target=target)
    if intacct:
        # A read is answered or it is not: what our own patience makes of a limit is no answer.
        ports.intacct = IntacctPort(IntacctHook(intacct, read_tries=2))
        _check_company(company, ports.intacct.company_id, intacct)
    if rest:
        ports.rest = RestPort(IntacctRestHook(rest, tries=2))
        _check_company(company, ports.rest.company_id, rest)
    if asana:
        if not project.isdecimal():
            raise Misconfigured(
                "Asana is asked about one project for trying things out: name its gid, the long number in its address, "
                "with --project; or leave Asana out with --asana ''."
            )
        ports.asana = AsanaPort(AsanaWire(asana), project_gid=project, wait=time.sleep)
        _ = ports.asana.wire.settings
    return ports


def _check_company(named: str, there: str, conn_id: str) -> None:
    if not named:
        raise Misconfigured(
            f"Connection {conn_id} leads to a company that was not named. Is it one for trying things out? Then name its id "
            "with --company."
        )
    if named.casefold() != there.casefold():
        raise Misconfigured(
            f"Connection {conn_id} leads to another company than {named!r}. Nothing was asked. Name the one for trying things "
            "out, and use a connection to it."
        )
    if not NON_PRODUCTION.search(there):
        _stderr(f"{there} does not sound like a company for trying things out; you named it, so it is asked.")


def _new_folder(wanted: Path | None) -> Path:
    folder = wanted or Path(f"prove-live-{datetime.now(UTC):%Y%m%d-%H%M%S}")
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise Misconfigured(
            f"{folder} is there already; a report is never written over. Name another folder with --to."
        ) from None
    except OSError as error:
        raise Misconfigured(f"{folder} cannot be made: {error.strerror}.") from error
    return folder


def _shut(question: Question, ports: Ports, allowed: Sequence[str], *, patient: bool) -> str:
    """Why this question is not asked whatever anybody says; empty when it may be."""
    if question.slow and not patient:
        return "it takes long; ask it with --patient"
    port = {"intacct": ports.intacct, "asana": ports.asana, "intacct rest": ports.rest}[question.system]
    if port is None:
        return "there is no connection to this system"
    if not question.writes:
        return ""
    if (ports.intacct and question.system == "intacct" and ports.intacct.hook.read_only) or (
        ports.asana and question.system == "asana" and ports.asana.wire.read_only
    ):
        return "it writes, and the connection is read-only"
    return "" if question.id in allowed or _has_somebody() else f"it writes, and nobody allowed it: --allow {question.id}"


def _why_not(question: Question, ports: Ports, allowed: Sequence[str], *, patient: bool) -> str:
    """Why this question is not asked; empty when it is. Each one that writes is asked for by itself."""
    if why := _shut(question, ports, allowed, patient=patient):
        return why
    if not question.writes or question.id in allowed:
        return ""
    _stderr(f"\n{question.id}: {question.asks}\n  It writes: {question.writes}.\n  Taken back: {question.taken_back}.")
    return "" if typer.confirm("  Ask it?", default=False, err=True) else "it writes, and you said no"


def _has_somebody() -> bool:
    """Whether there is a terminal, and so somebody who can be asked."""
    return sys.stdin.isatty()


def _say(row: Row, *, at: int, of: int) -> None:
    said = row.answer.seen if row.answer else row.why
    mark = {"answered": "green", "failed": "red", "not asked": "dim"}[row.outcome]
    console().print(f"{at:>3}/{of} [{mark}]{row.outcome:<9}[/{mark}] {row.question.id}: {escape(said)}", soft_wrap=True)


def _write(folder: Path, rows: Sequence[Row], ports: Ports) -> None:
    day, rows = datetime.now(UTC).date(), anonymous(rows, identifiers(ports))
    data = as_data(rows, package=__version__, day=day)
    texts = {
        "report.json": as_json(data),
        "report.md": as_page(rows, package=__version__, day=day),
        "settings.yaml": as_settings(rows),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    console().print(f"{folder}/report.md, report.json and settings.yaml", soft_wrap=True)


def identifiers(ports: Ports) -> Iterator[str]:
    """What names the company, the workspace and the users of these connections, as far as the connections say it."""
    if ports.intacct:
        settings = ports.intacct.hook.settings
        yield from (settings.login.company_id, settings.login.user_id, settings.login.entity_id, settings.login.client_id)
        yield from (settings.sender.sender_id, *settings.secrets, urlsplit(settings.gateway_url).hostname or "")
    if ports.rest:
        native = ports.rest.hook.settings
        yield from (
            native.company_id,
            native.user_id,
            native.username,
            native.client_id,
            native.client_secret,
            native.entity_id,
        )
        yield urlsplit(native.base_url).hostname or ""
    if ports.asana:
        board = ports.asana.wire.settings
        yield from (ports.asana.project_gid, board.workspace_gid, board.token, urlsplit(board.base_url).hostname or "")
    yield from (ports.text_field, ports.target)


def _say_what_is_left(ports: Ports) -> None:
    for one in ports.left:
        _stderr(f"Not taken back. {one}")


def _stderr(text: str) -> None:
    with suppress(OSError):
        Console(stderr=True, highlight=False).print(escape(text), soft_wrap=True)
