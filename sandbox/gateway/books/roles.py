"""What roles permit and who has them, by themselves or through a group. Numbered apart, so that a seed's data stay the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.gateway.books.rows import User
from sandbox.gateway.books.table import Table

FIRST_NO = 900_000_000
READS = "List|Readonly"
ROLES: Mapping[str, Mapping[str, str]] = {
    "AP Clerk": {"Bills": f"{READS}|Add|Modify|Post", "Vendors": READS, "Summaries": READS},
    "AP Payments": {"Bills": READS, "Pay bills": "Run", "Approve payments": "List|Level 1"},
    "Vendor Desk": {"Vendors": f"{READS}|Add|Modify"},
    "Integration": {"Bills": f"{READS}|Modify", "Vendors": f"{READS}|Modify"},
    "Reader": {"Bills": READS, "Vendors": READS},
}
"""How POLICYNAME and RIGHTS read is not documented; these words are those of Intacct's own pages."""
GIVEN = {
    "xml_gateway": "Integration",
    "mgarcia": "AP Clerk",
    "jchen": "AP Clerk",
    "amartin": "AP Clerk",
    "bokafor": "Reader",
    "cruiz": "Reader",
    "dpatel": "Reader",
}


@dataclass(slots=True, kw_only=True, eq=False)
class Named:
    """A role, or a group of users."""

    record_no: int
    name: str


@dataclass(slots=True, kw_only=True, eq=False)
class Right:
    record_no: int
    role: Named
    permission: str
    rights: str


@dataclass(slots=True, kw_only=True, eq=False)
class Assignment:
    """A role of a user (`U`) or of a group (`G`)."""

    record_no: int
    role: Named
    kind: str
    holder: Any


@dataclass(slots=True, kw_only=True, eq=False)
class Member:
    record_no: int
    group: Named
    user: User


class Roles:
    """The roles and groups of one company."""

    def __init__(self) -> None:
        self.roles, self.groups = Table(), Table()
        self.rights, self.assignments, self.members = Table(), Table(), Table()
        self._last = FIRST_NO
        for name, permits in ROLES.items():
            self.permit(name, permits)

    def permit(self, role: str, permits: Mapping[str, str]) -> None:
        """The role permits this and nothing else from now on."""
        named = self.named(self.roles, role)
        for old in [right for right in self.rights if right.role is named]:
            self.rights.remove(old)
        for permission, rights in permits.items():
            self.rights.add(Right(record_no=self._next(), role=named, permission=permission, rights=rights))

    def give(self, role: str, holder: User | Named) -> None:
        kind = "U" if isinstance(holder, User) else "G"
        row = Assignment(record_no=self._next(), role=self.named(self.roles, role), kind=kind, holder=holder)
        self.assignments.add(row)

    def take(self, holder: User | Named) -> None:
        for old in [each for each in self.assignments if each.holder is holder]:
            self.assignments.remove(old)

    def join(self, group: str, user: User) -> None:
        self.members.add(Member(record_no=self._next(), group=self.named(self.groups, group), user=user))

    def named(self, table: Table, name: str) -> Named:
        """The role or group of that name; a new one where there is none."""
        known: Named | None = next((each for each in table if each.name == name), None)
        return known or table.add(Named(record_no=self._next(), name=name))  # type: ignore[no-any-return]

    def _next(self) -> int:
        self._last += 1
        return self._last
