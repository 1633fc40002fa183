"""`create`, `update` and `delete`: each object of a call for itself, so that one call can half succeed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from sandbox.gateway.books import payments, purchasing, vendor_queue
from sandbox.gateway.books.bills import create_bill, fitted, update_bill
from sandbox.gateway.books.rows import User, Vendor
from sandbox.gateway.failures import Failure, bad_value, no_permission, support_id
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
_VENDOR_STRUCTURES = frozenset({"DISPLAYCONTACT", "VENDORCONTACTS"})
_LOCKED_STATES = frozenset({"Paid", "Partially Paid", "Selected", "Reversed", "Reversal"})


@dataclass(slots=True)
class Outcome:
    """What a function did: `data` about what it changed, and `errors` for what it did not."""

    data: Data | None = None
    errors: list[Failure] = field(default_factory=list)


class Writer:
    """Writing functions for one company."""

    def __init__(self, company: Any) -> None:
        self.company = company

    def create(self, asked: etree._Element, session: Session) -> Outcome:
        makers = {"APBILL": self._create_bill, "VENDOR": self._create_vendor, "APPYMT": self._create_payment}
        return self._each(asked, session, "CREATE", "create", makers)

    def approve(self, asked: etree._Element, session: Session) -> Outcome:
        """Of documents in Purchasing alone."""
        sent = asked.find("PODOCUMENT")
        if sent is None or self.company.is_denied("PODOCUMENT"):
            raise no_permission("APPROVE", "PODOCUMENT")
        try:
            purchasing.approve(self.company, text_of(sent, "DOCID"), self.company.user(session.login))
        except ValueError as no:
            raise Failure("BL34000075", "", f"{no}. {support_id()}") from no
        return Outcome(Data("", [], bare=True))

    def update(self, asked: etree._Element, session: Session) -> Outcome:
        makers = {"APBILL": self._update_bill, "VENDOR": self._update_vendor}
        return self._each(asked, session, "UPDATE", "update", makers)

    def delete(self, asked: etree._Element, session: Session) -> Outcome:
        target = self.company.schema.object(text_of(asked, "object"))
        if self.company.is_denied(target.name):
            raise no_permission("DELETE", target.name)
        user = self.company.user(session.login)
        for key in text_of(asked, "keys").split(","):
            self._delete(target, key.strip(), user)
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
        try:
            made = payments.ask_for(self.company, sent, user)
        except ValueError as no:
            raise Failure("BL34000075", "", f"{no}. {support_id()}") from no
        self.company.audit("appymt", str(made.record_no), "C", user, "api")
        return _told("appymt", made, sent, made.vendor.vendor_id)

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
        if "custom" in values:
            values["custom"] = {**vendor_queue.latest_custom(vendor), **values["custom"]}
        user = self.company.user(session.login)
        vendor_queue.edit(self.company, vendor, user, **values)
        named = [str(child.tag) for child in sent if child.tag not in ("RECORDNO", "VENDORID")]
        self.company.audit("vendor", vendor.vendor_id, "M", user, "api", named=named)
        return _told("vendor", vendor, sent, vendor.vendor_id)

    def _vendor_values(self, target: ObjectType, sent: etree._Element) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for child in sent:
            name, text = str(child.tag), (child.text or "").strip()
            if name == "VENDORCONTACTS":
                # The list that is sent replaces the list that is there, also when it is empty.
                values["contacts"] = tuple("".join(contact.itertext()).strip() for contact in child)
            if name in ("RECORDNO", "VENDORID") or name in _VENDOR_STRUCTURES:
                continue
            known = target.fields.get(name)
            if known is None or known.read_only:
                what = "not defined" if known is None else "read only"
                raise Failure("XL03000010", "", f"Field '{name}' of object VENDOR is {what}. {support_id()}")
            if known.values and text not in (*known.values, *([""] if known.custom else [])):
                raise bad_value(name, text, f"choose one of {', '.join(known.values)}")
            if known.custom:
                values.setdefault("custom", {})[name] = fitted(self.company, name, text)
            elif name in _VENDOR_ATTRIBUTES:
                values[_VENDOR_ATTRIBUTES[name]] = known.parse(text)
        return values

    def _delete(self, target: ObjectType, key: str, user: User) -> None:
        bill = self.company.bills.get(int(key)) if key.isdigit() and target.name == "APBILL" else None
        if bill is None:
            raise Failure("BL01001973", "", f"Cannot find the {target.name} record '{key}' to delete. {support_id()}")
        if bill.state in _LOCKED_STATES:
            raise Failure("BL34000075", "", f"Bill {key} can't be deleted because its state is {bill.state}. {support_id()}")
        self.company.remove_bill(bill, user, "api")


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
