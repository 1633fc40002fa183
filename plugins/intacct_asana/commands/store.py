"""`store status`, `migrate`, `prune` and `backup`: what the owner of the store does with it (docs/operations.md)."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy import func, make_url, select

from intacct_asana.commands.terminal import AsJson, console, ending, errors_told, in_airflow, missing_file, print_json, working
from intacct_asana.errors import Misconfigured
from intacct_asana.operators.flow_run import store_url
from intacct_asana.store.accounts import grant_to
from intacct_asana.store.database import Database, open_database
from intacct_asana.store.retention import LEAST, prune
from intacct_asana.store.revisions import SCHEMA_VERSION
from intacct_asana.store.tables import evidence, evidence_heads, metadata

app = typer.Typer(no_args_is_help=True, help="The store: its tables and what is kept (docs/operations.md).")

Connection = Annotated[str, typer.Option("--connection", help="Airflow's connection to the store, as its owner.")]


@app.command(epilog=ending("store status", "store status --json", codes={1: ""}))
def status(connection: Connection = "intacct_asana_store", as_json: AsJson = False) -> None:
    """Which version the tables have, how many rows stand in each, and where each flow's evidence ends."""
    with errors_told():
        database = _there(connection)
        table = Table("table", "rows")
        with database.read() as read:
            rows = {one.name: read.execute(select(func.count()).select_from(one)).scalar() for one in metadata.sorted_tables}
            last = (evidence.c.flow == evidence_heads.c.flow) & (evidence.c.sequence == evidence_heads.c.sequence)
            ends = read.execute(select(evidence_heads, evidence.c.written_at).outerjoin(evidence, last)).all()
        if as_json:
            told_ends = [{"flow": end.flow, "sequence": end.sequence, "written_at": end.written_at} for end in ends]
            print_json({"store": database.name, "version": SCHEMA_VERSION, "rows": rows, "evidence_ends": told_ends})
            return
        for name, count in rows.items():
            table.add_row(name, str(count))
        console().print(f"{database.name} has schema version {SCHEMA_VERSION}.", soft_wrap=True)
        console().print(table)
        for end in ends:
            said = f"Evidence of {end.flow} ends at #{end.sequence}:{end.digest[:16]}, written {end.written_at}."
            console().print(said, soft_wrap=True)


@app.command(
    epilog=ending("store migrate", "store migrate --grant-to airflow_dags --password-from STORE_PASSWORD", codes={1: ""})
)
def migrate(
    connection: Connection = "intacct_asana_store",
    role: Annotated[str, typer.Option("--grant-to", help="The account of the DAGs: adds to the evidence, owns nothing.")] = "",
    password_from: Annotated[
        str, typer.Option("--password-from", help="Environment variable with the account's password; makes the account.")
    ] = "",
) -> None:
    """Make the tables, or carry them over to this release; and let another account work with them."""
    with errors_told():
        database = _database(connection)
        console().print(f"{database.name} has schema version {SCHEMA_VERSION}.")
        if role:
            grant_to(database, role, password=_password(password_from) if password_from else None)
            console().print(f"{role} may work with it: evidence can be added and read, nothing of it changed.")


@app.command(
    name="prune",
    epilog=ending("store prune --older-than 400d --dry-run", "store prune --older-than 400d --yes", codes={1: ""}),
)
def prune_command(
    older_than: Annotated[str, typer.Option("--older-than", help="Days, such as 400d; 31d is the least.")],
    connection: Connection = "intacct_asana_store",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take away what is old and nothing rests on. Evidence, policies, decisions and what they were judged by stay."""
    with errors_told():
        age, database = _age(older_than), _there(connection)
        if as_json:
            if not (dry_run or yes):
                raise Misconfigured("--json asks nothing: say --dry-run or --yes too.")
            rows = prune(database, older_than=age, now=datetime.now(UTC), dry_run=dry_run)
            print_json({"dry_run": dry_run, "tables": {one.table: {"rows": one.rows, "of": one.of} for one in rows}})
            return
        _say(database, age)
        if dry_run or not (yes or typer.confirm("Take these rows away?")):
            return
        with working("Taking old rows away"):
            gone = prune(database, older_than=age, now=datetime.now(UTC), dry_run=False)
        console().print(f"{sum(one.rows for one in gone)} rows are gone. `evidence verify` says that the evidence is whole.")


@app.command(epilog=ending("store backup --to intacct_asana-2026-11-30.db", codes={1: ""}))
def backup(
    to: Annotated[Path, typer.Option("--to", help="The file to write. Never overwritten.")],
    connection: Connection = "intacct_asana_store",
) -> None:
    """A copy of a store in a SQLite file, of one instant, while runs go on. PostgreSQL has pg_dump for that."""
    with errors_told():
        in_airflow()
        url = make_url(store_url(connection))
        if url.get_backend_name() != "sqlite":
            raise Misconfigured("PostgreSQL makes its own backups: pg_dump --format=custom (docs/operations.md).")
        if to.exists() or not Path(str(url.database)).exists():
            raise Misconfigured(f"{to} is there already." if to.exists() else f"There is no store at {url.database}.")
        with closing(sqlite3.connect(str(url.database))) as store, closing(sqlite3.connect(to)) as copy:
            store.backup(copy)
        console().print(f"{to} is a copy of {url.database}. Keep it where the store is not.", soft_wrap=True)


def _say(database: Database, age: timedelta) -> None:
    table = Table("table", "would go", "of")
    for one in prune(database, older_than=age, now=datetime.now(UTC), dry_run=True):
        table.add_row(one.table, str(one.rows), str(one.of))
    console().print(table)


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,5})d", text.strip())
    if not found or timedelta(days=int(found[1])) < LEAST:
        raise Misconfigured(f"--older-than takes days, such as 400d, and {LEAST.days}d at least; not {text}.")
    return timedelta(days=int(found[1]))


def _database(connection: str) -> Database:
    in_airflow()
    return open_database(store_url(connection))


def _there(connection: str) -> Database:
    """The store that is there. Raises Misconfigured where its file is not: an empty one would be made, and look like a loss."""
    in_airflow()
    if missing := missing_file(store_url(connection)):
        raise Misconfigured(
            f"There is no store at {missing}. Run this where Airflow runs, with its settings, or name its connection with "
            "--connection; `store migrate` makes a new one."
        )
    return _database(connection)


def _password(name: str) -> str:
    if not (password := os.environ.get(name, "")):
        raise Misconfigured(f"The environment variable {name} is empty or missing.")
    return password
