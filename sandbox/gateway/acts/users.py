"""What an administrator does with users in Intacct's own pages: hire, rename, move an address, lock out, delete."""

from __future__ import annotations

from typing import Any

from sandbox.gateway.books.dumps import user_of
from sandbox.gateway.books.rows import User
from sandbox.gateway.functions.objects import USER_STATUSES

_CHANGES = ("name", "email", "status", "web_services_only")


def edit_user(company: Any, user: User, *, login: str, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Change name, email, status (active, inactive, lockedout) or web_services_only; a new login is a new user."""
    wanted = changes or {}
    if unknown := set(wanted) - set(_CHANGES):
        raise ValueError(f"a user has no {', '.join(sorted(unknown))}; choose from {', '.join(_CHANGES)}")
    if wanted.get("status", "active") not in USER_STATUSES:
        raise ValueError(f"there is no status {wanted['status']!r}; choose one of {', '.join(USER_STATUSES)}")
    edited = company.user(login)
    company.users.edit(edited, **wanted)
    return {"edited": user_of(edited)}


def delete_user(company: Any, user: User, *, login: str) -> dict[str, Any]:
    """The records that they made go on naming them."""
    gone = company.known_user(login)
    if gone is None:
        raise ValueError(f"there is no user {login!r}")
    company.users.remove(gone)
    return {"login": login, "deleted": True}
