"""SQLAlchemy's errors, and what a damaged row raises, turned into ours. No message here can hold a password."""

from __future__ import annotations

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from intacct_asana.errors import IntacctAsanaError, Misconfigured, Refused, TryLater, UnexpectedReply

MENDED_BY_PEOPLE_SQLITE = (
    "SQLITE_CANTOPEN",
    "SQLITE_READONLY",
    "SQLITE_NOTADB",
    "SQLITE_CORRUPT",
    "SQLITE_PERM",
    "SQLITE_AUTH",
)

MENDED_BY_PEOPLE_POSTGRESQL = ("28", "3D", "3F", "42")
"""Classes of SQLSTATE: authorization, unknown database, unknown schema, missing right or table.
https://www.postgresql.org/docs/current/errcodes-appendix.html"""

MENDED_BY_PEOPLE_WORDS = ("authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry")
"""A PostgreSQL server that turns a login away gives the driver its words only, without an SQLSTATE."""


def failure(error: SQLAlchemyError | ValueError, *, store: str, secret: str) -> IntacctAsanaError:
    """Ours for `error`; `store` is the database's name without its password, which is `secret`."""
    cause = (error.orig if isinstance(error, DBAPIError) else None) or error
    said = f"{type(cause).__name__}: {_first_line(cause, secret)}"
    if isinstance(error, ValueError) and not isinstance(error, SQLAlchemyError):
        return UnexpectedReply(f"The store {store} holds, or was given, a value that cannot be read or kept: {said}")
    if isinstance(error, IntegrityError | DataError):
        return Refused(f"The store {store} refused a row: {said}")
    if _needs_a_person(cause, said):
        return Misconfigured(f"The store {store} cannot be used: {said}. Check its connection, its rights and its file.")
    return TryLater(f"The store {store} could not be used; nothing was kept: {said}")


def _needs_a_person(cause: BaseException, said: str) -> bool:
    sqlite_name = getattr(cause, "sqlite_errorname", None) or ""
    state = getattr(cause, "pgcode", None) or getattr(cause, "sqlstate", None) or ""
    return (
        sqlite_name.startswith(MENDED_BY_PEOPLE_SQLITE)
        or state[:2] in MENDED_BY_PEOPLE_POSTGRESQL
        or any(words in said for words in MENDED_BY_PEOPLE_WORDS)
    )


def _first_line(cause: BaseException, secret: str) -> str:
    line = next(iter(str(cause).splitlines()), "")
    return line.replace(secret, "***") if secret else line
