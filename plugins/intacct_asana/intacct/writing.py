"""What may be written to Intacct, and how what was written is found again where the bill itself does not show it.

A bill's custom fields, hold and submission, a payment request, an approval in Purchasing, a vendor's custom fields: each
write is sent once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from intacct_asana.errors import Misconfigured, OutcomeUnknown, Problem, Refused
from intacct_asana.http import mutates
from intacct_asana.intacct.payments import (
    DETAIL,
    MARKER,
    ORDER_SELECT,
    PAID_BILL,
    PAID_BY,
    PAYMENT,
    order_detail,
    order_fields,
    requested_of,
)
from intacct_asana.intacct.query import MOST_ROWS, Filter, equal, one_of
from intacct_asana.intacct.records import (
    BILL,
    DOCUMENT,
    DOCUMENT_SELECT,
    RECORD_NO,
    VENDOR,
    stamp_fields,
)
from intacct_asana.intacct.replies import record_no_of
from intacct_asana.intacct.walks import Walk
from intacct_asana.intacct.xml import create, element, record, update
from intacct_asana.records import ObjectField, PaymentOrder, PurchasingDocument, RequestedPayment

if TYPE_CHECKING:
    from intacct_asana.intacct.gateway import Gateway
    from intacct_asana.intacct.reading import Reader

log = logging.getLogger(__name__)


class Writes:
    """The writing half of the hook, which brings the rest: connection, gateway and reader."""

    if TYPE_CHECKING:
        rehearses: bool

        @property
        def gateway(self) -> Gateway: ...

        @property
        def reader(self) -> Reader: ...

        @property
        def conn_id(self) -> str: ...

        @property
        def read_only(self) -> bool: ...

    @mutates
    def stamp_bill(
        self, record_no: str, *, values: Mapping[str, str], control_id: str, due_on: date | None = None, submit: bool = False
    ) -> None:
        """Write `values` (custom field id to text) onto a bill's header, and nothing else; lines are never sent.

        `due_on` and `submit` are for companies whose Intacct refuses the update without them: the due date is sent along,
        which puts back what a clerk changed since it was read, and ACTION Submit. An update of a draft may submit it even
        without, so a draft is the caller's to refuse. Returns on Intacct's success only. Raises Misconfigured, before
        anything is sent, for a name that is not a writable custom field; Refused for a no; OutcomeUnknown when no clear
        answer came.
        Source: https://developer.intacct.com/api/accounts-payable/bills/#update-bill
        """
        self._check_stamp_fields(values)
        asked = f"stamp of bill {record_no} (control id {control_id})"
        self._update(BILL, stamp_fields(record_no, values=values, due_on=due_on, submit=submit), asked, control_id)
        log.info("Bill %s stamped, control id %s", record_no, control_id)

    @mutates
    def hold_bill(
        self, record_no: str, *, on_hold: bool, control_id: str, due_on: date | None = None, submit: bool = False
    ) -> None:
        """Put a bill on hold, so that Intacct does not pay it, or release it. Nothing else is sent; as `stamp_bill` otherwise.

        Source: https://developer.intacct.com/api/accounts-payable/bills/#update-bill
        """
        what = "hold" if on_hold else "release"
        asked = f"{what} of bill {record_no} (control id {control_id})"
        values = {"ONHOLD": "true" if on_hold else "false"}
        self._update(BILL, stamp_fields(record_no, values=values, due_on=due_on, submit=submit), asked, control_id)
        log.info("Bill %s: %s, control id %s", record_no, what, control_id)

    @mutates
    def submit_bill(self, record_no: str, *, control_id: str, due_on: date | None = None) -> None:
        """Submit a draft. Where Intacct's own approvals are off it is posted at once. As `stamp_bill` otherwise.

        Source: https://developer.intacct.com/api/accounts-payable/bills/#update-bill
        """
        asked = f"submission of bill {record_no} (control id {control_id})"
        self._update(BILL, stamp_fields(record_no, values={}, due_on=due_on, submit=True), asked, control_id)
        log.info("Bill %s submitted, control id %s", record_no, control_id)

    @mutates
    def request_payment(self, order: PaymentOrder, *, control_id: str) -> None:
        """Make one payment of one bill: a draft, or one that is submitted. As `stamp_bill` otherwise.

        Source: https://developer.intacct.com/api/accounts-payable/ap-payments/#create-ap-payment
        """
        asked = f"payment request for bill {order.bill_no} (control id {control_id})"
        function = create(PAYMENT, order_fields(order), order_detail(order))
        self.gateway.write(function, kind=f"create {PAYMENT}", asked=asked, control_id=control_id)
        log.info("Payment of bill %s requested, control id %s", order.bill_no, control_id)

    def requested_payments(self, marker: str) -> list[RequestedPayment]:
        """Every payment that carries the marker, in whatever state it is."""
        headers = self._rows(PAYMENT, equal(MARKER, marker), select=ORDER_SELECT)
        numbers = [row[RECORD_NO] for row in headers]
        details = self._rows(DETAIL, one_of(PAID_BY, numbers), select=(RECORD_NO, PAID_BY, PAID_BILL)) if numbers else []
        return requested_of(headers, details)

    @mutates
    def approve_document(self, document: PurchasingDocument, *, comment: str, control_id: str) -> None:
        """One approval of a document in Purchasing, by this connection's user. As `stamp_bill` otherwise.

        Source: https://developer.intacct.com/api/purchasing/purchasing-transactions/#approve-purchasing-transactions
        """
        asked = f"approval of {document.name} (control id {control_id})"
        function = element("approve", record(DOCUMENT, {"DOCID": document.name, "COMMENT": comment}))
        self.gateway.write(function, kind=f"approve {DOCUMENT}", asked=asked, control_id=control_id)
        log.info("Document %s approved, control id %s", document.record_no, control_id)

    def purchasing_document(self, record_no: str) -> PurchasingDocument | None:
        """The document of Purchasing that a bill comes from (`Bill.source_document`), None when it is gone."""
        found = self._rows(DOCUMENT, equal(RECORD_NO, record_no), select=DOCUMENT_SELECT)
        return next((PurchasingDocument(record_no=record_no, name=row["DOCID"], state=row["STATE"]) for row in found), None)

    def _rows(self, object_name: str, where: Filter, *, select: tuple[str, ...]) -> list[dict[str, str]]:
        pages = self.reader.pages(object_name, Walk(scope=(where,)), page_size=MOST_ROWS, select=select)
        return [row for rows in pages for row in rows]

    @mutates
    def update_vendor(self, record_no: str, *, values: Mapping[str, str], control_id: str) -> None:
        """Write `values` (custom field id to text, empty to clear) onto one vendor; no other field and no list is sent.

        Returns on Intacct's success only, which may mean that the change waits for the vendor's approval. Raises
        Misconfigured, before anything is sent, for a name that is not a writable custom field of text; Refused for a value
        that its picklist lacks and for a no; OutcomeUnknown when no clear answer came.
        Source: https://developer.intacct.com/api/accounts-payable/vendors/#update-vendor
        """
        self._check_vendor_fields(values)
        asked = f"update of vendor {record_no} (control id {control_id})"
        self._update(VENDOR, {RECORD_NO: record_no, **values}, asked, control_id)
        log.info("Vendor %s updated, control id %s", record_no, control_id)

    def _update(self, object_name: str, fields: Mapping[str, str], asked: str, control_id: str) -> None:
        function, kind = update(object_name, fields), f"update {object_name}"
        answered = record_no_of(self.gateway.write(function, kind=kind, asked=asked, control_id=control_id))
        if answered and answered != fields[RECORD_NO]:
            raise OutcomeUnknown(f"Connection {self.conn_id}: {asked}: the answer is about record {answered}")

    def _check_vendor_fields(self, values: Mapping[str, str]) -> None:
        """Only custom fields can be touched: never a bank, tax or other standard field."""
        fields = self.reader.fields(VENDOR)
        if problems := text_field_problems(fields, dict.fromkeys(values, ()), object_name=VENDOR):
            raise Misconfigured(f"Connection {self.conn_id}: vendors cannot be updated.", problems=tuple(problems))
        known = {field.name: field for field in fields}
        for name, value in values.items():
            if why := why_not_value(known[name], value):
                raise Refused(f"Connection {self.conn_id}: {VENDOR} field {name} {why}")

    def _check_stamp_fields(self, values: Mapping[str, str]) -> None:
        """A stamp can only ever touch custom fields: never an amount, a date, a state or the lines."""
        known = {field.name: field for field in self.reader.fields(BILL)}
        problems = [
            Problem(where=f"{BILL} field {name}", what=why, mend="an Intacct administrator adds it as a text custom field")
            for name in values
            if (why := why_not_writable(known.get(name)))
        ]
        if problems:
            raise Misconfigured(f"Connection {self.conn_id}: bills cannot be stamped.", problems=tuple(problems))


TEXT_TYPES = frozenset({"TEXT", "ENUM"})
"""Types whose values are written and compared as text. A picklist is one of them with a list of valid values."""


def why_not_writable(field: ObjectField | None) -> str:
    """Empty when the field is custom and writable."""
    if field is None:
        return "does not exist"
    if not field.is_custom:
        return "is not a custom field"
    return "is read-only" if field.read_only else ""


def why_not_text(field: ObjectField | None) -> str:
    """Empty when the field is custom, writable, and holds text or one of a list of values."""
    if why := why_not_writable(field):
        return why
    assert field is not None
    return "" if field.data_type.upper() in TEXT_TYPES else f"is of type {field.data_type}, not text or a list of values"


def why_not_value(field: ObjectField, value: str) -> str:
    """Empty when a picklist lists the value, when nothing is written, and for text without a list."""
    if not value or not field.valid_values or value in field.valid_values:
        return ""
    return f"takes {', '.join(field.valid_values)} only, not {value!r}"


def text_field_problems(
    fields: Iterable[ObjectField], values: Mapping[str, Iterable[str]], *, object_name: str
) -> list[Problem]:
    """What keeps `values` (field name to every value that may be written) from being written; empty when nothing does."""
    known = {field.name: field for field in fields}
    problems = []
    for name, wanted in values.items():
        where = f"{object_name} field {name}"
        if why := why_not_text(known.get(name)):
            mend = "an Intacct administrator adds it as a custom text field or picklist, or the flow names another"
            problems.append(Problem(where=where, what=why, mend=mend))
            continue
        wrong = [why for value in wanted if (why := why_not_value(known[name], value))]
        mend = "make the flow's options and the picklist's values the same"
        problems += [Problem(where=where, what=why, mend=mend) for why in wrong]
    return problems
