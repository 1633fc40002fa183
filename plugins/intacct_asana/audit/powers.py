"""What users of Intacct can do there, as their roles, their groups and their admin privileges tell.

Intacct documents the objects of roles and not what they hold: where a role's words for a permission are not known here, the
answer is "cannot be known", with the reason, and no "no". Source: intacct.com, Help, Accounts Payable permissions; roles at
https://developer.intacct.com/api/company-console/roles/.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from intacct_asana.records import IntacctUser
from intacct_asana.records.access import GroupMember, RoleAssignment, RoleRight


class Power(StrEnum):
    """What somebody can do in Intacct that approvals are there to watch."""

    ENTER = "enter bills"
    PAY = "pay"
    VENDORS = "edit vendors"


class Can(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "cannot be known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    can: Can
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntacctSide:
    """What Intacct tells. None where it does not; then `untold` has a whole sentence about why, by what could not be read."""

    login: str
    users: Sequence[IntacctUser] | None
    assignments: Sequence[RoleAssignment] | None
    rights: Sequence[RoleRight] | None
    groups: Sequence[GroupMember] | None
    untold: Mapping[str, str]


CANNOT_BE_READ = {
    "users": "users cannot be read",
    "assignments": "who has which role cannot be read",
    "rights": "what roles permit cannot be read",
    "groups": "who is in which user group cannot be read",
}
PERMISSIONS: Mapping[str, Power] = {
    "bills": Power.ENTER,
    "ap bills": Power.ENTER,
    "ap supplier invoices": Power.ENTER,
    "pay bills": Power.PAY,
    "pay ap supplier invoices": Power.PAY,
    "approve payments": Power.PAY,
    "confirm payments": Power.PAY,
    "manual payment": Power.PAY,
    "manual payments": Power.PAY,
    "print checks": Power.PAY,
    "check run": Power.PAY,
    "vendors": Power.VENDORS,
    "suppliers": Power.VENDORS,
    "approve vendors": Power.VENDORS,
}
"""Permissions as Intacct's pages name them, in its American and British words."""
LOOKING = frozenset({"list", "view", "read", "readonly", "only"})
NOTHING_ELSE_THAN_LOOKING = frozenset({Power.ENTER, Power.VENDORS})
"""Powers that a right to look does not give. Whoever sees the page on which payments are approved, approves them."""
ADMIN_WORDS = {"full": Can.YES, "true": Can.YES, "off": Can.NO, "none": Can.NO, "false": Can.NO}


class Powers:
    """What each user of Intacct can do, by what their roles and their groups' roles permit."""

    def __init__(self, side: IntacctSide) -> None:
        self.side = side
        self._permits: dict[str, list[RoleRight]] = defaultdict(list)
        for right in side.rights or ():
            self._permits[right.role_no].append(right)
        self._blind = self._why_blind()

    def roles_of(self, user: IntacctUser) -> tuple[RoleAssignment, ...]:
        groups = {one.group_no for one in self.side.groups or () if one.user_no == user.record_no}
        return tuple(
            one
            for one in self.side.assignments or ()
            if (one.holder_no in groups if one.to_group else one.holder_no == user.record_no)
        )

    def of(self, users: Sequence[IntacctUser]) -> Mapping[Power, Answer]:
        """Of one person with several users: what any of them can."""
        told = [self._of_user(user) for user in users if not is_gone(user)]
        return {power: worst([one[power] for one in told]) for power in Power}

    def _of_user(self, user: IntacctUser) -> Mapping[Power, Answer]:
        admin = _by_admin(user)
        return {power: worst([admin, self._by_roles(user, power)]) for power in Power}

    def _by_roles(self, user: IntacctUser, power: Power) -> Answer:
        if self._blind:
            return Answer(can=Can.UNKNOWN, why=self._blind)
        answers = [
            _by_right(right, power, role=one.role)
            for one in self.roles_of(user)
            for right in self._permits[one.role_no]
            if PERMISSIONS.get(_folded(right.permission)) is power
        ]
        if self.side.groups is None:
            answers.append(Answer(can=Can.UNKNOWN, why=CANNOT_BE_READ["groups"]))
        return worst(answers)

    def _why_blind(self) -> str:
        """Why nothing can be said of anybody; empty where it can."""
        side = self.side
        for what, rows in (("assignments", side.assignments), ("rights", side.rights)):
            if rows is None:
                return CANNOT_BE_READ[what]
        if not side.assignments:
            return "no user has a role: this company may permit things to the users themselves, which the gateway does not list"
        named = {_folded(right.permission) for right in side.rights or ()}
        missing = [power for power in Power if not named & {name for name, gives in PERMISSIONS.items() if gives is power}]
        if missing:
            some = ", ".join(sorted(named)[:3]) or "none"
            return f"no role names a permission to {' or to '.join(missing)} in words that are known here; it names {some}"
        return ""


def _by_admin(user: IntacctUser) -> Answer:
    can = ADMIN_WORDS.get(user.admin, Can.UNKNOWN)
    if can is Can.UNKNOWN:
        told = f"{user.admin} admin privileges may let them give themselves permissions" if user.admin else ""
        return Answer(can=can, why=told or "whether they have admin privileges is not told")
    return Answer(can=can, why="a full administrator may give themselves any permission" if can is Can.YES else "")


def _by_right(right: RoleRight, power: Power, *, role: str) -> Answer:
    words = set(re.findall("[a-z]+", right.rights.lower()))
    if not words:
        return Answer(can=Can.UNKNOWN, why=f"{role} has {right.permission}, and its rights are not told")
    if power in NOTHING_ELSE_THAN_LOOKING and words <= LOOKING:
        return Answer(can=Can.NO)
    return Answer(can=Can.YES, why=f"{role}: {right.permission}, {right.rights}")


def worst(answers: Sequence[Answer]) -> Answer:
    """Yes where any says so, else that it cannot be known where any says that."""
    for can in (Can.YES, Can.UNKNOWN):
        if why := "; ".join(dict.fromkeys(one.why for one in answers if one.can is can)):
            return Answer(can=can, why=why)
    return Answer(can=Can.NO)


def is_gone(user: IntacctUser) -> bool:
    """Whether nobody signs in as this user any more. One who is locked out comes back with a new password."""
    return user.status == "inactive"


def _folded(permission: str) -> str:
    return " ".join(re.findall("[a-z]+", permission.lower()))


def unneeded(side: IntacctSide, *, needed: Mapping[Power, frozenset[str]]) -> list[str]:
    """What our own user's roles permit beyond looking, and the flow does not need, a sentence each.

    `needed` are rights by power, in Intacct's words. Of permissions that are not known here every right beyond looking counts.
    """
    user = next((one for one in side.users or () if one.login.casefold() == side.login.casefold()), None)
    if user is None:
        return []
    found = [f"{user.admin} admin privileges"] if ADMIN_WORDS.get(user.admin) is Can.YES else []
    permits: dict[str, list[RoleRight]] = defaultdict(list)
    for right in side.rights or ():
        permits[right.role_no].append(right)
    for role in Powers(side).roles_of(user):
        for right in permits[role.role_no]:
            power = PERMISSIONS.get(_folded(right.permission))
            may = needed.get(power, frozenset()) if power else frozenset[str]()
            words = [one for one in re.findall("[A-Za-z0-9 ]+", right.rights) if one.lower().strip() not in LOOKING | may]
            found += [f"{role.role}: {right.permission}, {', '.join(words)}"] if words else []
    return list(dict.fromkeys(found))
