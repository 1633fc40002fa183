"""What a user of Intacct can do, by roles, groups and admin privileges; and when that cannot be known."""

from __future__ import annotations

from typing import Any

import pytest
from intacct_asana.audit.powers import CANNOT_BE_READ, Answer, Can, IntacctSide, Power, Powers
from intacct_asana.records import IntacctUser
from intacct_asana.records.access import GroupMember, RoleAssignment, RoleRight

KNOWN_WORDS = (("Bills", "List|Readonly"), ("Pay bills", "Run"), ("Vendors", "List"))
"""A role that nobody has, so that the company names its permissions in words that are known."""


def rights(*permits: tuple[str, str], role_no: str = "1") -> list[RoleRight]:
    return [RoleRight(role_no=role_no, permission=name, rights=words) for name, words in permits]


def side(*permits: tuple[str, str], to_group: bool = False, **more: Any) -> IntacctSide:
    """Role 1 permits this and is user 10's, or their group's."""
    held = RoleAssignment(role_no="1", role="Clerk", holder_no="20" if to_group else "10", to_group=to_group)
    told: dict[str, Any] = {
        "login": "ours",
        "users": [],
        "assignments": [held],
        "rights": [*rights(*permits), *rights(*KNOWN_WORDS, role_no="2")],
        "groups": [GroupMember(group_no="20", user_no="10")],
        "untold": {},
    }
    return IntacctSide(**told | more)


def power(of: IntacctSide, power: Power, **user: Any) -> Answer:
    someone = IntacctUser(**{"record_no": "10", "login": "u", "admin": "off", "status": "active", **user})
    return Powers(of).of([someone])[power]


@pytest.mark.parametrize(
    ("permission", "words", "gives", "can"),
    [
        ("Bills", "List|Readonly", Power.ENTER, Can.NO),
        ("Bills", "List, View, Add", Power.ENTER, Can.YES),
        ("AP Bills", "readonly|post", Power.ENTER, Can.YES),
        ("AP supplier invoices", "List;Edit", Power.ENTER, Can.YES),
        ("Vendors", "Read only", Power.VENDORS, Can.NO),
        ("Vendors", "Modify", Power.VENDORS, Can.YES),
        ("Vendors", "Something new", Power.VENDORS, Can.YES),
        ("Vendors", "", Power.VENDORS, Can.UNKNOWN),
        ("Approve payments", "List", Power.PAY, Can.YES),
        ("Pay bills", "Run", Power.PAY, Can.YES),
        ("Vendor types", "Add", Power.VENDORS, Can.NO),
    ],
)
def test_a_right_gives_a_power(permission: str, words: str, gives: Power, can: Can) -> None:
    assert power(side((permission, words)), gives).can is can


@pytest.mark.parametrize(
    ("admin", "can"), [("off", Can.NO), ("full", Can.YES), ("limited", Can.UNKNOWN), ("", Can.UNKNOWN), ("true", Can.YES)]
)
def test_admin_privileges_count(admin: str, can: Can) -> None:
    assert power(side(), Power.PAY, admin=admin).can is can


def test_what_is_known_to_be_so_is_so_whatever_else_is_not_told() -> None:
    pays = side(("Pay bills", "Run"), groups=None)
    assert power(pays, Power.PAY, admin="limited") == Answer(can=Can.YES, why="Clerk: Pay bills, Run")
    assert power(pays, Power.VENDORS) == Answer(can=Can.UNKNOWN, why="who is in which user group cannot be read")


def test_a_group_gives_what_its_roles_permit() -> None:
    assert power(side(("Pay bills", "Run"), to_group=True), Power.PAY).can is Can.YES
    assert power(side(("Pay bills", "Run"), to_group=True, groups=[]), Power.PAY).can is Can.NO


@pytest.mark.parametrize("what", ["assignments", "rights"])
def test_what_may_not_be_read_hides_everything(what: str) -> None:
    assert power(side(**{what: None}), Power.PAY) == Answer(can=Can.UNKNOWN, why=CANNOT_BE_READ[what])


def test_a_company_without_roles_may_permit_by_user() -> None:
    assert "no user has a role" in power(side(assignments=[]), Power.PAY).why


def test_words_that_nobody_knows_are_no_no() -> None:
    told = power(side(rights=rights(("Rechnungen", "Alles"), ("Vendors", "List"))), Power.PAY)
    assert told.can is Can.UNKNOWN
    assert told.why.startswith("no role names a permission to enter bills or to pay in words that are known here")


def test_an_inactive_user_can_do_nothing_and_who_is_locked_out_comes_back() -> None:
    pays = side(("Pay bills", "Run"))
    assert power(pays, Power.PAY, status="inactive").can is Can.NO
    assert power(pays, Power.PAY, status="lockedout").can is Can.YES
