"""Who may do what, as the two systems tell it: members of a workspace, roles, what they permit, who has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceMember:
    """A user's place in an Asana workspace. What Asana does not tell is None."""

    gid: str
    is_guest: bool | None = None
    is_admin: bool | None = None
    is_active: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAssignment:
    """A role of Intacct that a user has, or a group of users."""

    role_no: str
    role: str
    holder_no: str
    to_group: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRight:
    """One permission of a role, with its rights in Intacct's own words."""

    role_no: str
    permission: str
    rights: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    group_no: str
    user_no: str
