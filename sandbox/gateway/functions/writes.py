"""`create`, `update` and `delete`: each object of a call for itself, so that one call can half succeed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from sandbox.gateway.books import asked_payments, payments, purchasing, vendor_queue
from sandbox.gateway.books.bills import create_bill, fitted, kept_value, update_bill
from sandbox.gateway.books.rows import User, Vendor
from sandbox.gateway.failures import Failure, bad_value, no_permission, support_id
from sandbox.gateway.functions.contacts import STRUCTURES, contact_list_in, contacts_in
from sandbox.gateway.functions.reads import text_of
from sandbox.gateway.functions.schema import ObjectType
from sandbox.gateway.sessions import Session
from sandbox.gateway.wire import Data, element

_VENDOR_ATTRIBUTES = {
    "NAME": "name",
    "STATUS": "status",
    "ONHOLD": "on_hold",
    "ONETIME": "one_time",
    "VENDTYPE": "kind",
    "TERMNAME": "term",
    "CURRENCY": "currency",
    "CREDITLIMIT": "credit_limit",
    "TAXID": "tax_id",
    "PAYMENTPRIORITY": "priority",
    "COMMENTS": "comments",
}
_PAYMENT_ONLY = frozenset({"PAYMENTDATE", "ACTION", "APPYMTDETAILS", "BASECURR"})
"""What a request for a payment says and no payment tells, or that follows from its bills."""
_LOCKED_STATES = frozenset({"Paid", "Partially Paid", "Selected", "Reversed", "Reversal"})


@dataclass(slots=True)
class Outcome:
    """What a function did: `data` about what it changed, and `errors` for what it did not."""

    data: Data | None = None
    errors: list[Failure] = field(default_factory=list)
    key: str = ""
    """What an object-specific function made or changed; it answers no data."""


class Writer:
    """Writing functions for one company."""

    def __init__(self, company: Any) -> None:
        self.company = company

    def create(self, asked: etree._Element, session: Session) -> Outcome:
        makers = {"APBILL": self._create_bill, "VENDOR": self._create_vendor, "APPYMT": self._create_payment}
        return self._each(asked, session, "CREATE", "create", makers)

    def approve(self, asked: etree._Element, session: Session) -> Outcome:
        """`approve` and `decline`: of documents in Purchasing alone."""
        act, operation = str(asked.tag), str(asked.tag).upper()
        sent = asked.find("PODOCUMENT")
        if sent is None or self.company.is_denied("PODOCUMENT"):
            raise no_permission(operation, "PODOCUMENT")
        with refusals():
            getattr(purchasing, act)(self.company, text_of(sent, "DOCID"), self.company.user(session.login))
        return Outcome(Data("", [], bare=True))

    def update(self, asked: etree._Element, session: Session) -> Outcome:
        makers = {"APBILL": self._update_bill, "VENDOR": self._update_vendor, "APPYMT": self._update_payment}
        return self._each(asked, session, "UPDATE", "update", makers)

    def delete(self, asked: etree._Element, session: Session) -> Outcome:
        target = self.company.schema.object(text_of(asked, "object"))
        if self.company.is_denied(target.name):
            raise no_permission("DELETE", target.name)
        user = self.company.user(session.login)
        for key in text_of(asked, "keys").split(","):
            self.remove(target, key.strip(), user)
        return Outcome(Data("", [], bare=True))

    def _each(
        self, asked: etree._Element, session: Session, operation: str, verb: str, makers: dict[str, Callable[..., Any]]
    ) -> Outcome:
        done: list[str] = []
        errors: list[Failure] = []
        if not len(asked):
            raise Failure("XL03000003", "", f"The {verb} function names no object. {support_id()}")
        for sent in asked:
            target = self.company.schema.object(str(sent.tag))
            if self.company.is_denied(target.name):
                raise no_permission(operation, target.name)
            if target.name not in makers:
                raise Failure("XL03000009", "", f"{verb} is not possible for object {target.name}. {support_id()}")
            try:
                done.append(makers[target.name](target, sent, session))
            except Failure as refusal:
                errors += [refusal, _generic(verb, target.name)]
        # A failing create has been published with how many records it made, and recorded without.
        tells = bool(done) or (verb == "create" and self.company.world.setting("failed_create_tells", "count") == "count")
        return Outcome(Data("objects", done, {"count": len(done)}) if tells else None, errors)

    def _create_bill(self, target: ObjectType, sent: etree._Element, session: Session) -> str:
        user = self.company.user(session.login)
        made = create_bill(self.company, target, sent, user, session.entity)
        self.company.audit("apbill", str(made.record_no), "C", user, "api")
        return _told("apbill", made, sent)

    def _update_bill(self, target: ObjectType, sent: etree._Element, session: Session) -> str:
        return _told("apbill", update_bill(self.company, target, sent, self.company.user(session.login)), sent)

    def _create_payment(self, target: ObjectType, sent: etree._Element, session: Session) -> str:
        user = self.company.user(session.login)
        for child in sent:
            name = str(child.tag)
            known = target.fields.get(name)
            if name not in _PAYMENT_ONLY and (child.text or "").strip() and (known is None or known.read_only):
                what = "not defined" if known is None else "read only"
                raise Failure("XL03000010", "", f"Field '{name}' of object APPYMT is {what}. {support_id()}")
        with refusals():
            made = asked_payments.ask_for(self.company, sent, user)
        self.company.audit("appymt", str(made.record_no), "C", user, "api")
        return _told("appymt", made, sent, made.vendor.vendor_id)

    def _update_payment(self, target: ObjectType, sent: etree._Element, session: Session) -> str:
        user = self.company.user(session.login)
        with refusals():
            changed = asked_payments.replace(self.company, sent, user)
        self.company.audit("appymt", str(changed.record_no), "M", user, "api")
        return _told("appymt", changed, sent, changed.vendor.vendor_id)

    def _create_vendor(self, target: ObjectType, sent: etree._Element, session: Session) -> str:
        values = self._vendor_values(target, sent)
        vendor_id, name = text_of(sent, "VENDORID"), text_of(sent, "NAME")
        if not vendor_id or not name:
            raise Failure("BL03000018", "", f"Required fields VENDORID and NAME are needed. {support_id()}")
        if self.company.vendor(vendor_id):
            said = f"Another Vendor with the given value(s) '{vendor_id}' already exists {support_id()}"
            raise Failure("BL34000061", "", said, "Use a unique value instead.")
        user, now = self.company.user(session.login), self.company.now()
        values |= {"created_by": user, "modified_by": user, "created_at": now, "modified_at": None}
        vendor = Vendor(record_no=self.company.next_no(), vendor_id=vendor_id, **values)
        self.company.vendors.add(vendor)
        self.company.audit("vendor", vendor_id, "C", user, "api")
        return _told("vendor", vendor, sent, vendor_id)

    def _update_vendor(self, target: ObjectType, sent: etree._Element, session: Session) -> str:
        key, vendor_id = text_of(sent, "RECORDNO"), text_of(sent, "VENDORID")
        vendor = self.company.vendors.get(int(key)) if key.isdigit() else self.company.vendor(vendor_id)
        if vendor is None:
            raise Failure("BL01001973", "", f"Cannot find the VENDOR record '{key or vendor_id}' to update. {support_id()}")
        values = self._vendor_values(target, sent)
        for name in ("custom", "kept"):
            if name in values:
                values[name] = {**vendor_queue.latest(vendor, name), **values[name]}
        user = self.company.user(session.login)
        vendor_queue.edit(self.company, vendor, user, **values)
        named = [str(child.tag) for child in sent if child.tag not in ("RECORDNO", "VENDORID")]
        self.company.audit("vendor", vendor.vendor_id, "M", user, "api", named=named)
        return _told("vendor", vendor, sent, vendor.vendor_id)

    def _vendor_values(self, target: ObjectType, sent: etree._Element) -> dict[str, Any]:
        values: dict[str, Any] = {}
        listed = contact_list_in(sent)
        if listed is not None:
            values["contacts"] = listed
        kept: dict[str, Any] = dict(contacts_in(sent))
        for child in sent:
            name, text = str(child.tag), (child.text or "").strip()
            if name in ("RECORDNO", "VENDORID") or name in STRUCTURES:
                continue
            known = target.fields.get(name)
            if known is None or known.read_only:
                what = "not defined" if known is None else "read only"
                raise Failure("XL03000010", "", f"Field '{name}' of object VENDOR is {what}. {support_id()}")
            if known.values and text not in (*known.values, *([""] if known.custom or known.is_kept else [])):
                raise bad_value(name, text, f"choose one of {', '.join(known.values)}")
            if known.custom:
                values.setdefault("custom", {})[name] = fitted(self.company, name, text)
            elif known.is_kept:
                kept[name] = kept_value(known, self._known(name, text))
            elif name in _VENDOR_ATTRIBUTES:
                values[_VENDOR_ATTRIBUTES[name]] = known.parse(text)
        return {**values, "kept": kept} if kept else values

    def _known(self, name: str, text: str) -> str:
        """The text, unless it names a record that is not there."""
        missing = (name == "PARENTID" and text and not self.company.vendor(text)) or (
            name == "APACCOUNT" and text and self.company.dimension(self.company.accounts, text) is None
        )
        if missing:
            raise bad_value(name, text, "there is no such record")
        return text

    def remove(self, target: ObjectType, key: str, user: User) -> None:
        """Delete one record by RECORDNO: a bill, a vendor that nothing refers to, or a payment that moved no money."""
        table = {"APBILL": self.company.bills, "VENDOR": self.company.vendors, "APPYMT": self.company.payments}.get(target.name)
        row = table.get(int(key)) if table is not None and key.isdigit() else None
        if row is None:
            raise Failure("BL01001973", "", f"Cannot find the {target.name} record '{key}' to delete. {support_id()}")
        if target.name == "APBILL":
            if row.state in _LOCKED_STATES:
                said = f"Bill {key} can't be deleted because its state is {row.state}. {support_id()}"
                raise Failure("BL34000075", "", said)
            self.company.remove_bill(row, user, "api")
        elif target.name == "APPYMT":
            with refusals():
                payments.drop(self.company, row, user)
            self.company.audit("appymt", key, "D", user, "api")
        else:
            self._remove_vendor(row, user)

    def _remove_vendor(self, vendor: Vendor, user: User) -> None:
        if any(each.vendor is vendor for table in (self.company.bills, self.company.payments) for each in table):
            said = f"Vendor {vendor.vendor_id} has transactions, so it can't be deleted. {support_id()}"
            raise Failure("BL34000075", "", said)
        self.company.vendors.remove(vendor)
        self.company.audit("vendor", vendor.vendor_id, "D", user, "api")


@contextmanager
def refusals() -> Iterator[None]:
    """What the books say no to is the gateway's refusal."""
    try:
        yield
    except ValueError as no:
        raise Failure("BL34000075", "", f"{no}. {support_id()}") from no


def _generic(verb: str, name: str) -> Failure:
    """The error that follows the real one."""
    return Failure("BL01001973", f"Could not {verb} {name} record!", f"Could not {verb} {name} record! {support_id()}")


def _told(name: str, row: Any, sent: etree._Element, vendor_id: str = "") -> str:
    """The record in a write's answer: a lower-case element with its keys, whatever case was sent."""
    cells = [element("RECORDNO", str(row.record_no))]
    if name == "apbill":
        cells += [element("RECORDID", row.number, raw=False), element("VENDORID", row.vendor.vendor_id, raw=False)]
    else:
        cells.append(element("VENDORID", vendor_id, raw=False))
    return element(name, *cells)
