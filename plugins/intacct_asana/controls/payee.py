"""Vendors whose payment details changed: which of their changes have to be answered, and which bills wait for that.

Whoever can have a vendor paid into another account need not touch a bill. Only that a record changed, when and by whom is
known here, never what it says. Where the history does not name fields, any change of a vendor may be the one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from intacct_asana.approvals.words import minute
from intacct_asana.records import BillState
from intacct_asana.records.concerns import BillFacts, Concern, concern_id_of
from intacct_asana.records.payee import PAYEE_CHANGE, PayeeChange, PayeeState, VendorEdit, What
from intacct_asana.text import one_line, short

KIND = PAYEE_CHANGE
LATE = timedelta(hours=48)
"""How far behind the last row each run reads, since the history shows some rows late. Known ones are passed over."""

SUFFIX = "--"
MONEY_ON_ITS_WAY = (BillState.SELECTED, BillState.PARTIALLY_PAID)
DETAILS = ("ACH", "WIRE", "BANK", "ROUTING", "IBAN", "SWIFT", "PAYMETHOD", "PAYMENTMETHOD", "PAYTO", "FILEPAYMENTSERVICE")
"""How names of fields begin that say where money goes; those with ACCOUNTNUMBER or ROUTINGNUMBER in them do so too."""
HARMLESS = frozenset(
    {
        *("NAME", "TERMNAME", "TERM", "STATUS", "COMMENTS", "VENDTYPE", "CREDITLIMIT", "ONHOLD", "DONOTCUTCHECK", "ONETIME"),
        *("PAYMENTPRIORITY", "GLGROUP", "APACCOUNT", "ACCOUNTLABEL", "PRINTAS", "BILLINGTYPE", "SUPDOCID", "PARENTID"),
        *("WHENMODIFIED", "MODIFIEDBY"),
    }
)
"""Fields that send money nowhere else. One that is neither of these nor among the details may be anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How rows of the history are read. `own_login` is who we are over there, empty where we write on no vendor; `harmless`
    are more fields that send money nowhere."""

    flow: str
    own_login: str
    harmless: Collection[str] = ()

    def what(self, edit: VendorEdit) -> What | None:
        """What an edit may have done to the vendor's payment details; None for nothing."""
        if edit.fields is None:
            is_ours = bool(self.own_login) and edit.by.casefold() == self.own_login.casefold()
            return None if is_ours else What.UNKNOWN
        names = {name.upper().rpartition(".")[2] for name in edit.fields}
        if any(name.startswith(DETAILS) or "ACCOUNTNUMBER" in name or "ROUTINGNUMBER" in name for name in names):
            return What.DETAILS
        return What.UNKNOWN if names - HARMLESS - {name.upper() for name in self.harmless} else None

    def change_of(self, edit: VendorEdit) -> PayeeChange | None:
        what = None if edit.made_it or not edit.written else self.what(edit)
        if what is None:
            return None
        digest = hashlib.sha256(f"{self.flow}|{edit.edit_id}".encode()).hexdigest()[:20]
        # Some keys are seen as `V001--REC`; an id that people chose may hold that itself.
        ids = dict.fromkeys((edit.written, edit.written.partition(SUFFIX)[0]))
        return PayeeChange(
            change_id=f"pay-{digest}",
            vendor_ids=tuple(one for one in ids if one),
            at_text=edit.at_text,
            at=edit.at,
            by=one_line(edit.by),
            what=what,
        )

    def changes(self, edits: Sequence[VendorEdit]) -> list[PayeeChange]:
        """Those that count, oldest first. What was saved in the second in which a vendor was made belongs to its making."""
        made: dict[str, datetime] = {}
        for edit in edits:
            if edit.made_it:
                made[edit.written] = max(edit.at, made.get(edit.written, edit.at))
        counted = (edit for edit in edits if edit.written not in made or edit.at > made[edit.written])
        return sorted((one for edit in counted if (one := self.change_of(edit))), key=lambda one: (one.at, one.change_id))


def moved_by(found: Iterable[PayeeChange], known: Collection[PayeeChange]) -> list[PayeeChange]:
    """What is to be kept: new changes, and those that another one of the same vendor took the place of.

    Only the newest one of a vendor has to be answered: who called before it was made asked about something else.
    """
    by_id = {one.change_id: one for one in known}
    rows = {**{one.change_id: one for one in found if one.change_id not in by_id}, **by_id}
    newest = newest_of(rows.values())
    kept = []
    for one in rows.values():
        passed = newest[one.vendor] is not one and one.state in (PayeeState.OPEN, PayeeState.FRAUD)
        if passed or one.change_id not in by_id:
            kept.append(replace(one, state=PayeeState.PASSED) if passed else one)
    return kept


def newest_of(changes: Iterable[PayeeChange]) -> dict[str, PayeeChange]:
    """By vendor the change that counts."""
    newest: dict[str, PayeeChange] = {}
    for one in sorted(changes, key=lambda one: (one.at, one.change_id)):
        newest[one.vendor] = one
    return newest


def is_unanswered(change: PayeeChange) -> bool:
    return change.state in (PayeeState.OPEN, PayeeState.FRAUD)


# Which bills it concerns


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """What tells which bills of a vendor a change concerns.

    `approved` says by key when bills were approved whose approval stands, `told` are keys of bills that wait for this change
    already: a payment that went out meanwhile clears nobody, for it may have gone to the new account. `was_paid_since` asks
    Intacct whether the vendor was paid after it.
    """

    change: PayeeChange
    approved: Mapping[str, datetime]
    told: Collection[str]
    was_paid_since: Callable[[], bool]
    blocks: bool
    now: datetime

    def concerns(self, bills: Sequence[BillFacts]) -> list[Concern]:
        """One for each open bill that the change concerns."""
        return [self._concern(bill, since) for bill in bills if bill.is_open and (since := self._since(bill))]

    def _since(self, bill: BillFacts) -> str:
        """Why the bill's people have to hear of it, as a sentence goes on; empty where it does not concern it."""
        approved = self.approved.get(bill.key)
        if approved and self.change.at > approved:
            return "after the bill was approved"
        is_concerned = bill.key in self.told or not self.was_paid_since()
        return "and the vendor had not been paid since" if is_concerned else ""

    def _concern(self, bill: BillFacts, since: str) -> Concern:
        return Concern(
            concern_id=concern_id_of(bill.key, KIND, self.change.change_id),
            key=bill.key,
            kind=KIND,
            cause=self.change.change_id,
            words=self._words(bill, since),
            blocks=self.blocks,
            found_at=self.now,
        )

    def _words(self, bill: BillFacts, since: str) -> str:
        told, where = what_happened(self.change, name=bill.vendor_name, since=since), self.change.subtask_url
        if not self.blocks:
            return f"{told} The call-back: {where}" if where else told
        # Where it is approved, or money is on its way, it is the payment that should wait.
        is_late = bill.key in self.approved or bill.state in MONEY_ON_ITS_WAY
        told += " It was said to be fraud." if self.change.state is PayeeState.FRAUD else ""
        told += f" {'Do not pay this bill' if is_late else 'An approval of this bill waits'} until "
        if self.change.state is PayeeState.FRAUD:
            told += "the vendor's record is changed in Intacct again, and that is called back"
        else:
            told += "somebody called the vendor and a second person released that"
        return f"{told}: {where}" if where else f"{told}."


def what_happened(change: PayeeChange, *, name: str, since: str = "") -> str:
    """`Payment details of vendor V001, Contoso Ltd, changed in Intacct at 2026-11-23 08:00 UTC by mgarcia.`"""
    is_known = change.what is What.DETAILS
    vendor = f"vendor {short(change.vendor, longest=80)}" + (f", {short(name, longest=80)}," if name.strip() else "")
    by = f" by {short(change.by, longest=80)}" if change.by else " by somebody whom Intacct does not name"
    said = f"{'Payment details' if is_known else 'The record'} of {vendor} changed in Intacct at {minute(change.at)}{by}"
    said = f"{said}, {since}." if since else f"{said}."
    return said if is_known else f"{said} Intacct's history cannot tell what, so it may be where the vendor is paid."
