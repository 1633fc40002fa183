"""The account that the DAGs work with: it may add to the evidence and read it, and change no table.

Who owns a table can drop its triggers. So in PostgreSQL the tables belong to one account, which is used for migrations only,
and tasks come with another one.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from intacct_asana.errors import Misconfigured
from intacct_asana.store.database import Database
from intacct_asana.store.revisions import VERSION_TABLE
from intacct_asana.store.tables import metadata

MAY = {
    **dict.fromkeys(("ia_evidence", "ia_policies", "ia_timestamps", "ia_history"), "SELECT, INSERT"),
    # The head of a flow's evidence moves on, and triggers let it go in that direction only.
    "ia_evidence_heads": "SELECT, INSERT, UPDATE",
    **dict.fromkeys(("ia_schema_version", VERSION_TABLE), "SELECT"),
}
ALL_ROWS = "SELECT, INSERT, UPDATE, DELETE"
"""What it may do with every other table."""


def grant_to(database: Database, role: str, *, password: str | None = None) -> None:
    """Let `role` work with the store. With `password` the role is made when it is missing, and has this password from now on.

    Raises Misconfigured for a role that nothing holds back, and on SQLite, which knows no accounts.
    """
    with database.write() as connection:
        if connection.dialect.name != "postgresql":
            raise Misconfigured("Only PostgreSQL has accounts; a SQLite file belongs to whoever may write it.")
        name = connection.dialect.identifier_preparer.quote_identifier(role)
        if password is not None:
            _make_role(connection, role, password=password)
        _raise_if_too_strong(connection, role)
        database_name = connection.dialect.identifier_preparer.quote_identifier(str(connection.engine.url.database))
        connection.exec_driver_sql(f"GRANT CONNECT ON DATABASE {database_name} TO {name}")
        connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {name}")
        for table in (*metadata.tables, VERSION_TABLE):
            connection.exec_driver_sql(f"REVOKE ALL ON {table} FROM {name}, PUBLIC")
            connection.exec_driver_sql(f"GRANT {MAY.get(table, ALL_ROWS)} ON {table} TO {name}")
        connection.exec_driver_sql(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}")


def _make_role(connection: Connection, role: str, *, password: str) -> None:
    """A statement about roles takes no parameters; the server puts it together, so that the password stands in no error."""
    there = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}).scalar()
    for name, value in (("role", role), ("password", password)):
        connection.execute(text("SELECT set_config(:name, :value, true)"), {"name": f"intacct_asana.{name}", "value": value})
    told = ", ".join(f"current_setting('intacct_asana.{name}')" for name in ("role", "password"))
    words = f"format('{'ALTER' if there else 'CREATE'} ROLE %I LOGIN PASSWORD %L', {told})"
    connection.execution_options(no_parameters=True).exec_driver_sql(f"DO $$ BEGIN EXECUTE {words}; END $$")


def _raise_if_too_strong(connection: Connection, role: str) -> None:
    here = {"role": role}
    found = connection.execute(text("SELECT rolsuper FROM pg_roles WHERE rolname = :role"), here).first()
    if found is None:
        raise Misconfigured(f"PostgreSQL has no role {role}: make it, or give its password too.")
    owns = connection.execute(
        text("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'ia\\_%' AND pg_has_role(:role, tableowner, 'MEMBER')"), here
    ).scalar()
    if found.rolsuper or owns:
        raise Misconfigured(
            f"Role {role} {'is a superuser' if found.rolsuper else 'owns the tables'}, so nothing holds it back from the "
            "evidence. Give the DAGs another account."
        )
