"""The access matrix over companies made at random: whoever was given both sides is named, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from intacct_asana.audit.access import AsanaSide, Decider, Rules, matrix_of
from intacct_asana.audit.powers import IntacctSide, Power
from intacct_asana.records import Access, IntacctUser, Person
from intacct_asana.records.access import GroupMember, RoleAssignment, RoleRight, WorkspaceMember

COMPANIES, PERSONS = 200, 12
GIVES = {Power.ENTER: ("Bills", "List|Add"), Power.PAY: ("Pay bills", "Run"), Power.VENDORS: ("Vendors", "Modify")}
LOOKS = {Power.ENTER: ("Bills", "List|Readonly"), Power.VENDORS: ("Vendors", "List"), Power.PAY: ("Summaries", "Add")}
KINDS = {Power.ENTER: "approves_and_enters", Power.PAY: "approves_and_pays", Power.VENDORS: "approves_and_edits_vendors"}


class Company:
    """Persons with two logins or one, of whom some approve, some left, and some can do things by a role or by a group's."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.users: list[IntacctUser] = []
        self.assignments: list[RoleAssignment] = []
        self.rights: list[RoleRight] = []
        self.groups: list[GroupMember] = []
        self.deciders: list[Decider] = []
        self.there: dict[str, Person] = {}
        self.truth: set[tuple[str, str]] = set()
        for power, (permission, words) in GIVES.items():
            self.rights.append(RoleRight(role_no=f"gives {power}", permission=permission, rights=words))
            self.rights.append(RoleRight(role_no=f"looks {power}", permission=LOOKS[power][0], rights=LOOKS[power][1]))
        for number in range(PERSONS):
            self._person(f"p{number}@example.com", number)

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _person(self, email: str, number: int) -> None:
        decides, left, inactive = self._chance(0.5), self._chance(0.1), self._chance(0.1)
        # A second login has another address: only the flow file says whose it is.
        logins = [f"u{number}", *([f"second{number}"] if self._chance(0.3) else [])]
        if decides:
            self.deciders.append(Decider(email=email, logins=tuple(logins)))
        if not left:
            self.there[f"g{number}"] = Person(gid=f"g{number}", name=email, email=email)
        elif decides:
            self.truth.add(("left_asana", email))
        held = {power for login in logins for power in self._user(login, email if login == logins[0] else "", inactive, number)}
        if decides and not inactive:
            self.truth |= {(KINDS[power], email) for power in held}
        if decides and inactive:
            self.truth.add(("left_intacct", email))

    def _user(self, login: str, email: str, inactive: bool, number: int) -> set[Power]:
        no = str(len(self.users) + 1)
        self.users.append(
            IntacctUser(record_no=no, login=login, email=email, admin="off", status="inactive" if inactive else "active")
        )
        held = {power for power in Power if self._chance(0.15)}
        for power in Power:
            name = f"{'gives' if power in held else 'looks'} {power}"
            to_group = self._chance(0.4)
            holder = f"group of {login} for {power}" if to_group else no
            if to_group:
                self.groups.append(GroupMember(group_no=holder, user_no=no))
            self.assignments.append(RoleAssignment(role_no=name, role=name, holder_no=holder, to_group=to_group))
        return held

    def found(self) -> set[tuple[str, str]]:
        asana = AsanaSide(
            me=Person(gid="bot", name="bot"),
            people=self.there,
            standing={gid: WorkspaceMember(gid=gid, is_active=True, is_guest=False) for gid in self.there},
            members=[(Access(gid=gid, name=gid, kind="user", level="editor"), "") for gid in self.there],
            project_is_private=True,
        )
        told = {"assignments": self.assignments, "rights": self.rights, "groups": self.groups}
        intacct = IntacctSide(login="ours", users=self.users, untold={}, **told)  # type: ignore[arg-type]
        found = matrix_of(self.deciders, asana=asana, intacct=intacct, rules=Rules()).findings
        ours = {*KINDS.values(), "left_asana", "left_intacct", "cannot_be_known", "login_unknown", "no_member"}
        return {
            (one.kind, who.partition("<")[2].rstrip(">") or who) for one in found if one.kind in ours for who in one.persons
        }


def test_everybody_who_holds_both_sides_is_named_and_nobody_else(figures: Callable[[str, object], None]) -> None:
    hits = missed = alarms = 0
    for seed in range(COMPANIES):
        company = Company(seed)
        found = company.found()
        hits += len(found & company.truth)
        missed += len(company.truth - found)
        alarms += len(found - company.truth)
    figures("access matrix, hits", hits)
    figures("access matrix, missed", missed)
    figures("access matrix, false alarms", alarms)
    assert (missed, alarms) == (0, 0)
    assert hits > COMPANIES
