"""The access matrix: who can decide in Asana, who can enter bills, pay and edit vendors in Intacct, and who can do both.

Nothing is guessed. What a system does not tell is "cannot be known", with the reason, and is a finding where it hides whether
one person holds both sides. Source: developers.asana.com/reference/memberships.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from intacct_asana.audit.export import defused
from intacct_asana.audit.powers import CANNOT_BE_READ, Answer, Can, IntacctSide, Power, Powers, is_gone
from intacct_asana.records import Access, IntacctUser, Person
from intacct_asana.records.access import WorkspaceMember


class Severity(StrEnum):
    SERIOUS = "serious"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """An approver of the flow: the user whom preflight pinned, where it did, and the logins in Intacct that the flow names."""

    email: str
    gid: str = ""
    logins: tuple[str, ...] = ()
    deputy_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AsanaSide:
    """What Asana tells. `members` are people, `level` their access, `via` the team that they have it by; `field_editors` are
    those of a private approval field, None where it is not private or people decide another way. `untold` says what it does
    not tell, a sentence each; `people` is None where it does not tell who is there at all."""

    me: Person
    people: Mapping[str, Person] | None
    standing: Mapping[str, WorkspaceMember]
    members: Sequence[tuple[Access, str]] | None
    project_is_private: bool
    field_editors: Collection[str] | None = None
    agents: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What of the flow decides how bad something is."""

    segregation: bool = True
    asks_for_payments: bool = False
    needs_membership: bool = True
    by_approvals: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One person, or program, on both sides. `decides` says as what, and is empty for who is no approver."""

    name: str
    email: str
    asana: str = ""
    decides: str = ""
    logins: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    powers: Mapping[Power, Answer]

    @property
    def who(self) -> str:
        return f"{self.name} <{self.email}>" if self.email else self.name

    def may(self, power: Power) -> bool:
        return self.powers[power].can is Can.YES


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    severity: Severity
    kind: str
    persons: tuple[str, ...]
    reason: str
    cure: str

    def __str__(self) -> str:
        return f"{self.severity}: {', '.join(self.persons)}: {self.reason} ({self.cure})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """`untold`: what neither side tells, a sentence each."""

    holders: tuple[Holder, ...]
    findings: tuple[Finding, ...]
    untold: tuple[str, ...]


NO_RULES_TOLD = (
    "Asana's API lists no rules and no apps of a project: look at its Customize menu. What they choose counts for nothing."
)
ASSIGNEES_ONLY = (
    "Asana's API does not tell whether only the assignee may complete an approval: set that in the project's permissions where "
    "your plan has it; otherwise whoever can edit the project completes approvals, which counts for nothing and makes noise."
)
WRITES_IN_ASANA = ("admin", "editor")


def matrix_of(deciders: Sequence[Decider], *, asana: AsanaSide, intacct: IntacctSide, rules: Rules) -> Matrix:
    """Everybody who can do something on either side, what is wrong with that, and what nobody tells."""
    joined = _Joined(deciders, asana, intacct, rules)
    order = list(Severity)
    findings = sorted(joined.findings(), key=lambda one: (order.index(one.severity), one.kind, one.persons))
    untold = (*asana.untold, *intacct.untold.values(), NO_RULES_TOLD, *([ASSIGNEES_ONLY] if rules.by_approvals else []))
    return Matrix(holders=tuple(joined.holders()), findings=tuple(findings), untold=tuple(dict.fromkeys(untold)))


class _Joined:
    """Both sides, joined by e-mail and by the logins that the flow names for its approvers."""

    def __init__(self, deciders: Sequence[Decider], asana: AsanaSide, intacct: IntacctSide, rules: Rules) -> None:
        self.asana, self.intacct, self.rules = asana, intacct, rules
        self.powers = Powers(intacct)
        self.deciders = {one.email.casefold(): one for one in deciders}
        self.by_email = {one.email.casefold(): one for one in (asana.people or {}).values() if one.email}
        self.levels: dict[str, list[tuple[Access, str]]] = defaultdict(list)
        for access, via in asana.members or ():
            self.levels[access.gid].append((access, via))
        self.logins = {login.casefold(): email for email, one in self.deciders.items() for login in one.logins}
        self.users: dict[str, list[IntacctUser]] = defaultdict(list)
        for user in intacct.users or ():
            self.users[self.logins.get(user.login.casefold()) or user.email.casefold() or f"login {user.login}"].append(user)

    def holders(self) -> Iterator[Holder]:
        admins = [gid for gid, one in self.asana.standing.items() if one.is_admin]
        keys = {*self.deciders, *(self._key_of(gid) for gid in (*self.levels, *admins)), *self.users}
        known = sorted((self._holder(key) for key in keys), key=lambda one: (not one.decides, one.name.casefold(), one.email))
        yield from (
            one for one in known if one.decides or one.asana or any(told.can is not Can.NO for told in one.powers.values())
        )
        yield from (Holder(name=name, email="", asana="agent", powers=self.powers.of(())) for name in self.asana.agents)

    def _key_of(self, gid: str) -> str:
        """The approver's address in the flow file, whatever it is in Asana now; else the address there."""
        pinned = next((key for key, one in self.deciders.items() if gid and one.gid == gid), "")
        if pinned:
            return pinned
        person = (self.asana.people or {}).get(gid)
        return person.email.casefold() if person and person.email else f"user {gid}"

    def _person(self, key: str) -> Person | None:
        people = self.asana.people or {}
        decider = self.deciders.get(key)
        if decider and decider.gid:
            # Whom preflight pinned decides, whoever has the address now.
            return people.get(decider.gid)
        return self.by_email.get(key) or people.get(key.removeprefix("user "))

    def _holder(self, key: str) -> Holder:
        person, users, decider = self._person(key), self.users.get(key, []), self.deciders.get(key)
        member = next(iter(self.levels.get(key.removeprefix("user "), ())), None)
        name = next((one for one in (person and person.name, member and member[0].name, users and users[0].name) if one), key)
        return Holder(
            name=str(name),
            email=key if "@" in key else "",
            asana=self._asana_words(person.gid if person else key.removeprefix("user ")),
            decides="" if decider is None else " ".join(("approver", *(f"(deputy of {one})" for one in decider.deputy_of))),
            logins=tuple(f"{user.login} ({user.status})" if is_gone(user) else user.login for user in users),
            roles=tuple(dict.fromkeys(one.role for user in users for one in self.powers.roles_of(user))),
            powers=self.powers.of(users) if self.intacct.users is not None else self._nobody_told(),
        )

    def _nobody_told(self) -> Mapping[Power, Answer]:
        return dict.fromkeys(Power, Answer(can=Can.UNKNOWN, why=CANNOT_BE_READ["users"]))

    def _asana_words(self, gid: str) -> str:
        levels = [f"{access.level or 'member'}{f' by team {via}' if via else ''}" for access, via in self.levels.get(gid, ())]
        standing = self.asana.standing.get(gid)
        said = [
            word for word in ("guest", "admin", "active") if standing and getattr(standing, f"is_{word}") is (word != "active")
        ]
        words = {"guest": "guest", "admin": "admin of the workspace", "active": "account shut off"}
        ours = ["this integration"] if gid == self.asana.me.gid else []
        return ", ".join([*ours, *levels, *(words[one] for one in said)])

    # What is wrong.

    def findings(self) -> Iterator[Finding]:
        held = {key: self._holder(key) for key in {*self.deciders, *self.users}}
        for key in self.deciders:
            yield from self._both_sides(held[key])
            yield from self._left(key, held[key])
        yield from self._unknown([held[key] for key in self.deciders])
        yield from (self._pays_and_edits(one) for one in held.values() if self._is_both(one))
        yield from self._ourselves(held)
        yield from self._strangers()
        if self.asana.agents:
            reason = "agents of this workspace may be given tasks and choose on them; what they choose counts for nothing"
            yield Finding(
                severity=Severity.NOTE,
                kind="agents",
                persons=self.asana.agents,
                reason=reason,
                cure="keep them out of the project",
            )

    def _both_sides(self, one: Holder) -> Iterator[Finding]:
        entering = Severity.WARNING if self.rules.segregation else Severity.SERIOUS
        guard = (
            "a choice about a bill that they entered or changed last is refused"
            if self.rules.segregation
            else "nothing refuses that"
        )
        kinds = (
            (Power.PAY, Severity.SERIOUS, "approves_and_pays", "can approve a bill and pay it"),
            (
                Power.VENDORS,
                Severity.SERIOUS,
                "approves_and_edits_vendors",
                "can approve a bill and edit its vendor, bank account included",
            ),
            (Power.ENTER, entering, "approves_and_enters", f"can enter bills and approve bills; {guard}"),
        )
        for power, severity, kind, reason in kinds:
            if one.may(power):
                cure = f"take one of the two away: {power} in Intacct, or their place among the approvers"
                yield _finding(severity, kind, one, f"{reason}. {one.powers[power].why}", cure)

    def _unknown(self, deciders: Iterable[Holder]) -> Iterator[Finding]:
        """One finding for each reason, with everybody whom it hides."""
        hidden: dict[str, list[str]] = defaultdict(list)
        for one in deciders:
            for why in dict.fromkeys(told.why for told in one.powers.values() if told.can is Can.UNKNOWN):
                hidden[why].append(one.who)
        for why, persons in hidden.items():
            cure = "let this integration's user list users, roles and groups in Intacct, or look it up there by hand"
            reason = f"whether they can enter, pay or edit vendors too cannot be known: {why}"
            yield Finding(severity=Severity.WARNING, kind="cannot_be_known", persons=tuple(persons), reason=reason, cure=cure)

    def _is_both(self, one: Holder) -> bool:
        ours = self.intacct.login.casefold() in {login.casefold() for login in one.logins}
        return one.may(Power.PAY) and one.may(Power.VENDORS) and not ours

    def _pays_and_edits(self, one: Holder) -> Finding:
        cure = "give the two permissions to two people in Intacct"
        reason = f"can change a vendor's bank account and pay: {one.powers[Power.VENDORS].why}; {one.powers[Power.PAY].why}"
        return _finding(Severity.WARNING, "pays_and_edits_vendors", one, reason, cure)

    def _left(self, key: str, one: Holder) -> Iterator[Finding]:
        yield from self._left_asana(key, one)
        users = self.users.get(key, [])
        active = [user for user in users if not is_gone(user)]
        if self.intacct.users is None:
            return
        listed = {user.login.casefold() for user in self.intacct.users}
        missing = [login for login in self.deciders[key].logins if login.casefold() not in listed]
        if missing:
            cure = "mend `intacct_users` in the flow file"
            yield _finding(Severity.WARNING, "login_unknown", one, f"Intacct has no user {', '.join(missing)}", cure)
        if users and not active:
            reason = f"is inactive in Intacct ({', '.join(user.login for user in users)}) and approves still"
            yield _finding(Severity.WARNING, "left_intacct", one, reason, "take them out of the approvers if they left")

    def _left_asana(self, key: str, one: Holder) -> Iterator[Finding]:
        if self.asana.people is None:
            return
        person = self._person(key)
        standing = self.asana.standing.get(person.gid) if person else None
        mend = "take them out of the approvers and delegations, and name who decides now"
        if person is None or (standing and standing.is_active is False):
            still = [user.login for user in self.users.get(key, []) if not is_gone(user)]
            also = f"; their login {', '.join(still)} in Intacct is active still" if still else ""
            reason = f"{one.decides}, and no active user of the workspace any more{also}"
            severity = Severity.SERIOUS if still else Severity.WARNING
            yield _finding(severity, "left_asana", one, reason, mend)
            return
        if standing and standing.is_guest:
            yield _finding(
                Severity.WARNING, "guest_approver", one, "is a guest, and guests never decide", "name a member instead"
            )
        yield from self._no_way_in(one, person)

    def _no_way_in(self, one: Holder, person: Person) -> Iterator[Finding]:
        """An approver who cannot write where people decide."""
        if self.asana.members is None or not self.rules.needs_membership:
            return
        levels = {access.level for access, _ in self.levels.get(person.gid, ())}
        if not levels and self.asana.project_is_private:
            cure = "add them to the project as an editor"
            yield _finding(Severity.WARNING, "no_member", one, "is an approver and no member of the bills' project", cure)
        elif levels and not levels & {*WRITES_IN_ASANA, ""}:
            reason = f"is an approver and only {', '.join(sorted(levels))} of the bills' project, so cannot choose"
            yield _finding(Severity.WARNING, "cannot_write", one, reason, "make them an editor of the project")

    def _ourselves(self, held: Mapping[str, Holder]) -> Iterator[Finding]:
        """This integration's own two users: no approver's, and with no more rights than it needs."""
        me, login = self.asana.me, self.intacct.login
        own = next(
            (key for key, users in self.users.items() if any(one.login.casefold() == login.casefold() for one in users)), ""
        )
        for key, one in self.deciders.items():
            person = self._person(key)
            if key == own or me.gid in (one.gid, person.gid if person else ""):
                acts = f"{me.name} in Asana, {login} in Intacct"
                reason = f"the integration acts as an approver ({acts}): whoever has its token can approve"
                cure = "give the integration users of its own"
                yield _finding(Severity.SERIOUS, "integration_approves", held[key], reason, cure)
        ours = held.get(own)
        if ours and ours.may(Power.PAY) and not self.rules.asks_for_payments:
            reason = f"the integration's own user can pay, and this flow asks for no payments. {ours.powers[Power.PAY].why}"
            yield _finding(Severity.WARNING, "integration_pays", ours, reason, "take the permission from its role in Intacct")
        standing = self.asana.standing.get(me.gid)
        if standing and standing.is_admin:
            reason = "the integration's user is an admin of the workspace; a member who edits the projects is enough"
            yield Finding(
                severity=Severity.NOTE,
                kind="integration_admin",
                persons=(me.name,),
                reason=reason,
                cure="make it a member in Asana",
            )

    def _strangers(self) -> Iterator[Finding]:
        """Who can write what people decide by, and is no approver: it counts for nothing, and makes noise."""
        deciders = {person.gid for key in self.deciders if (person := self._person(key))} | {self.asana.me.gid}
        if self.asana.field_editors is not None:
            gids: Collection[str] = set(self.asana.field_editors) - deciders
        else:
            gids = {
                gid for gid, rows in self.levels.items() if any(access.level in WRITES_IN_ASANA for access, _ in rows)
            } - deciders
        if not gids:
            return
        people = self.asana.people or {}
        names = sorted(people[gid].name if gid in people else self._level_name(gid) for gid in gids)
        cure = (
            "make the approval field private with the approvers as its only editors, or let only assignees complete approvals"
        )
        reason = "can change what people decide by, and are no approvers; what they choose counts for nothing"
        yield Finding(severity=Severity.NOTE, kind="others_can_choose", persons=tuple(names), reason=reason, cure=cure)

    def _level_name(self, gid: str) -> str:
        return next((access.name for access, _ in self.levels.get(gid, ()) if access.name), gid)


def _finding(severity: Severity, kind: str, one: Holder, reason: str, cure: str) -> Finding:
    return Finding(severity=severity, kind=kind, persons=(one.who,), reason=reason, cure=cure)


COLUMNS = ("name", "email", "asana", "decides", "logins", "roles", *(power.value for power in Power), "findings")


def rows_of(matrix: Matrix) -> Iterator[tuple[str, ...]]:
    """Each holder as text, in the order of `COLUMNS`."""
    for one in matrix.holders:
        told = (f"{answer.can}: {answer.why}" if answer.can is Can.UNKNOWN else answer.can for answer in one.powers.values())
        kinds = (finding.kind for finding in matrix.findings if one.who in finding.persons)
        yield (
            one.name,
            one.email,
            one.asana,
            one.decides,
            ", ".join(one.logins),
            ", ".join(one.roles),
            *told,
            ", ".join(kinds),
        )


def matrix_csv(matrix: Matrix) -> str:
    """A row a person, for a spreadsheet; what the matrix says beside them is in the JSON."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerows([COLUMNS, *(tuple(map(defused, row)) for row in rows_of(matrix))])
    return "\ufeff" + written.getvalue()


def matrix_json(matrix: Matrix) -> str:
    return json.dumps(asdict(matrix), indent=2, ensure_ascii=False) + "\n"


FORMS: Mapping[str, Callable[[Matrix], str]] = {"csv": matrix_csv, "json": matrix_json}
