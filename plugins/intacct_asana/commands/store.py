"""`store status` and `store migrate`: what the owner of the store does with it (docs/operations.md)."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from intacct_asana.commands.evidence import console, errors_told, in_airflow
from intacct_asana.errors import Misconfigured
from intacct_asana.operators.flow_run import store_url
from intacct_asana.store.accounts import grant_to
from intacct_asana.store.database import open_database
from intacct_asana.store.revisions import SCHEMA_VERSION

app = typer.Typer(no_args_is_help=True, help="The store: its tables and what is kept (docs/operations.md).")

Connection = Annotated[str, typer.Option("--connection", help="Airflow's connection to the store, as its owner.")]


@app.command()
def migrate(
    connection: Connection = "intacct_asana_store",
    role: Annotated[str, typer.Option("--grant-to", help="The account of the DAGs: adds to the evidence, owns nothing.")] = "",
    password_from: Annotated[
        str, typer.Option("--password-from", help="Environment variable with the account's password; makes the account.")
    ] = "",
) -> None:
    """Make the tables, or carry them over to this release; and let another account work with them."""
    with errors_told():
        in_airflow()
        database = open_database(store_url(connection))
        console().print(f"{database.name} has schema version {SCHEMA_VERSION}.")
        if role:
            grant_to(database, role, password=_password(password_from) if password_from else None)
            console().print(f"{role} may work with it: evidence can be added and read, nothing of it changed.")


def _password(name: str) -> str:
    if not (password := os.environ.get(name, "")):
        raise Misconfigured(f"The environment variable {name} is empty or missing.")
    return password
