"""What an administrator does with users in Intacct's own pages: hire, rename, move an address, lock out, delete, permit."""

from __future__ import annotations

from typing import Any

from sandbox.gateway.books.dumps import user_of
from sandbox.gateway.books.rows import User
from sandbox.gateway.functions.objects import USER_STATUSES

_CHANGES = ("name", "email", "status", "web_services_only", "admin")


def edit_user(company: Any, user: User, *, login: str, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Change name, email, status (active, inactive, lockedout), web_services_only or admin; a new login is a new user."""
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


def set_role(company: Any, user: User, *, role: str, permits: dict[str, str]) -> dict[str, Any]:
    """What the role permits from now on: `{"Pay bills": "Run"}`. One that nobody knows is made."""
    company.roles.permit(role, permits)
    return {"role": role}


def give_role(company: Any, user: User, *, role: str, login: str = "", group: str = "") -> dict[str, Any]:
    """To a user by login, or to a group by name."""
    company.roles.give(role, company.user(login) if login else company.roles.named(company.roles.groups, group))
    return {"role": role, "to": login or group}


def take_roles(company: Any, user: User, *, login: str) -> dict[str, Any]:
    """The user's own; what their groups have they keep."""
    company.roles.take(company.user(login))
    return {"login": login}


def join_group(company: Any, user: User, *, group: str, login: str) -> dict[str, Any]:
    company.roles.join(group, company.user(login))
    return {"group": group, "login": login}
