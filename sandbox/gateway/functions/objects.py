"""The objects of the stand-in's company and their fields, as `lookup` shows them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox import constants
from sandbox.gateway.books import more
from sandbox.gateway.books.purchasing import STATES
from sandbox.gateway.books.rows import NO_VENDOR, Bill, Detail, Line, Payment, Summary, User, Vendor
from sandbox.gateway.functions.contacts import contact_fields, display_name, other_fields
from sandbox.gateway.functions.declared import declare
from sandbox.gateway.functions.dimensions import STATUSES, dimension_objects
from sandbox.gateway.functions.roles import role_objects
from sandbox.gateway.functions.schema import Field, ObjectType, Relation, Schema, custom, fields, kept, key, of, text

BILL_STATES = {
    "Draft": "D",
    "Partially Approved": "PA",
    "Submitted": "S",
    "Declined": "U",
    "No Value": "",
    "Posted": "A",
    "Paid": "P",
    "Partially Paid": "PP",
    "Selected": "E",
    "Reversed": "R",
    "Reversal": "V",
    "Analyzing": "AN",
}
"""Display value to RAWSTATE. Codes after Posted are invented: Intacct documents only the first five and Posted."""
PAYMENT_STATES = {"Posted": "C", "Draft": "D", "Approved": "A", "Voided": "V", "Submitted": "S"}
_NEVER_APPLIED = ("INLINEAMOUNT", "TRX_INLINEAMOUNT", "POSTEDADVANCEAMOUNT", "TRX_POSTEDADVANCEAMOUNT")
"""Negative bills and advances are not played."""
MODULES = ("3.AP", "9.PO")
PRIORITIES = ("Urgent", "High", "Normal", "Low")
USER_STATUSES = ("active", "inactive", "lockedout")
ADMIN_WORDS = ("off", "limited", "full")
RESTRICTIONS = ("Unrestricted", "RootOnly", "Restricted")
CURRENCY_FIELDS = ("BASECURR", "CURRENCY", "EXCH_RATE_DATE", "EXCH_RATE_TYPE_ID", "EXCHANGE_RATE")
"""What the objects of a company with one currency may lack: the setting `single_currency`."""


def schema_of(company: Any, *, zone_minutes: int, missing_custom: frozenset[str]) -> Schema:
    """The objects as this company shows them. `missing_custom` are custom fields that nobody has created yet."""
    parts = _Parts(company, zone_minutes, missing_custom)
    built = [
        parts.vendor(),
        parts.bill(),
        parts.line(),
        parts.payment(),
        parts.detail(),
        parts.audit(),
        parts.user(),
        parts.summary(),
        parts.purchase(),
    ]
    return Schema(
        {each.name: declare(each) for each in [*built, *dimension_objects(company, parts.times), *role_objects(company.roles)]}
    )


class _Parts:
    """One method for each object; fields that several objects share are made once."""

    def __init__(self, company: Any, zone_minutes: int, missing_custom: frozenset[str]) -> None:
        self.company, self.missing_custom = company, missing_custom
        zone: dict[str, Any] = {"zone_minutes": zone_minutes}
        modified = of("TIMESTAMP", "WHENMODIFIED", "modified_at", "When modified", attribute="modified_at", **zone)
        self.times = [of("TIMESTAMP", "WHENCREATED", "created_at", "When created", **zone), modified]
        if name := company.world.setting("company_zone", ""):
            modified = of("TIMESTAMP", "WHENMODIFIED", _wall("modified_at", name), "When modified")
            self.times = [of("TIMESTAMP", "WHENCREATED", _wall("created_at", name), "When created"), modified]
        # The audit time is GMT whatever the user's preferences say; WHENCREATED of a document is its date.
        self.document_times = [of("TIMESTAMP", "AUWHENCREATED", "created_at", "Audit when created"), modified]
        self.made_by = [
            of("INTEGER", "CREATEDBY", lambda row: row.created_by.record_no or None, "Created by"),
            of("INTEGER", "MODIFIEDBY", lambda row: row.modified_by.record_no or None, "Modified by"),
            text("CREATEDBYLOGINID", lambda row: self.called(row.created_by), "Created by"),
            text("MODIFIEDBYLOGINID", lambda row: self.called(row.modified_by), "Modified by"),
        ]
        self.owner = [
            of("INTEGER", "MEGAENTITYKEY", lambda row: row.entity.record_no or None, "Created at - Entity key"),
            text("MEGAENTITYID", "entity.id", "Created at - Entity ID"),
            text("MEGAENTITYNAME", "entity.name", "Created at - Entity name"),
        ]

    def called(self, user: User) -> str:
        """What stands where a user's login is expected; only the integer fields are sure to hold the record number."""
        held = self.company.world.setting("login_fields_hold", "login")
        return {"login": user.login, "record_no": str(user.record_no or ""), "name": user.name}.get(held, "")

    def link(self, kind: str) -> Field:
        path = f"/ia/acct/ur.phtml?.r={self.company.company_id}-{kind}"
        pages = self.company.world.setting
        return text(
            "RECORD_URL",
            lambda row: f"{pages('intacct_pages', 'https://www.intacct.com')}{path}-{row.record_no}",
            "Record URL",
        )

    def extra(self, names: tuple[str, ...]) -> list[Field]:
        return [custom(name, constants.PICKLISTS.get(name, ())) for name in names if name not in self.missing_custom]

    def vendor(self) -> ObjectType:
        listed = fields(
            key(),
            text("VENDORID", "vendor_id", "Vendor ID", attribute="vendor_id", required=True, write=True),
            text("NAME", "name", "Vendor name", required=True, write=True),
            text("STATUS", "status", "Status", write=True, values=STATUSES),
            text("STATE", "state", "State", values=("S", "A", "R")),
            of("BOOLEAN", "ONHOLD", "on_hold", "On hold", write=True),
            of("BOOLEAN", "ONETIME", "one_time", "One time", write=True),
            kept("BOOLEAN", "DONOTCUTCHECK", lambda row: False, "Do not pay"),
            text("VENDTYPE", "kind", "Vendor type", write=True),
            kept("TEXT", "PARENTID", label="Parent"),
            text("PARENTKEY", lambda row: self.parent(row, "record_no"), "Parent key"),
            text("PARENTNAME", lambda row: self.parent(row, "name"), "Parent name"),
            *contact_fields(),
            kept("TEXT", "VENDORACCOUNTNO", label="Account number"),
            kept("TEXT", "ACCOUNTLABEL", label="Account label"),
            kept("TEXT", "APACCOUNT", label="Default account"),
            text("APACCOUNTTITLE", self.default_account, "Default account title"),
            text("TERMNAME", "term", "Term", write=True),
            text("CURRENCY", "currency", "Default currency", write=True),
            of("MONEY", "CREDITLIMIT", "credit_limit", "Credit limit", write=True),
            of("MONEY", "TOTALDUE", "total_due", "Total due"),
            text("TAXID", "tax_id", "Tax ID", write=True),
            text("PAYMENTPRIORITY", "priority", "Payment priority", write=True, values=PRIORITIES),
            text("COMMENTS", "comments", "Comments", write=True),
            kept("TEXT", "OBJECTRESTRICTION", lambda row: "Unrestricted", "Restriction", values=RESTRICTIONS),
            *other_fields(),
            *self.times,
            *self.made_by,
            *self.owner,
            self.link("vendor"),
            *self.extra(constants.VENDOR_FIELDS),
        )
        return ObjectType(name="VENDOR", table=self.company.vendors, fields=listed, name_field="VENDORID")

    def parent(self, vendor: Vendor, attribute: str) -> str:
        found = self.company.vendor((vendor.kept or {}).get("PARENTID") or "")
        return str(getattr(found, attribute, ""))

    def default_account(self, vendor: Vendor) -> str:
        found = self.company.dimension(self.company.accounts, (vendor.kept or {}).get("APACCOUNT") or "")
        return found.name if found else ""

    def bill(self) -> ObjectType:
        listed = fields(
            key(),
            text("RECORDTYPE", lambda row: "pi", "Record type"),
            text("RECORDID", "number", "Bill number", attribute="number", write=True),
            text("VENDORID", "vendor.vendor_id", "Vendor ID", required=True, write=True),
            text("VENDORNAME", "vendor.name", "Vendor name"),
            text("VENDORKEY", lambda row: row.vendor.record_no or None, "Vendor key"),
            text("STATE", "state", "State", values=tuple(BILL_STATES)),
            text("RAWSTATE", lambda row: BILL_STATES[row.state], "Raw state"),
            text("DOCNUMBER", "reference", "Reference number", write=True),
            text("DESCRIPTION", "description", "Description", write=True),
            text("DESCRIPTION2", "document_id", "Document ID"),
            text("TERMNAME", "term", "Term", write=True),
            of("DATE", "WHENCREATED", "bill_date", "Date", required=True, write=True),
            of("DATE", "WHENPOSTED", "posted_on", "GL posting date", write=True),
            of("DATE", "WHENDISCOUNT", more.discount_day, "Discount date"),
            of("DATE", "WHENDUE", "due_on", "Due date", required=True, write=True),
            of("DATE", "WHENPAID", "paid_on", "Date fully paid"),
            kept("DATE", "RECPAYMENTDATE", more.recommended_day, "Recommended to pay on"),
            text("PAYMENTPRIORITY", "priority", "Payment priority", write=True, values=("urgent", "high", "normal", "low")),
            of("BOOLEAN", "ONHOLD", "on_hold", "Place this bill on hold", write=True, values=("true", "false")),
            text("BASECURR", "base_currency", "Base currency", write=True),
            text("CURRENCY", "currency", "Transaction currency", write=True),
            kept("DATE", "EXCH_RATE_DATE", label="Exchange rate date"),
            kept("TEXT", "EXCH_RATE_TYPE_ID", label="Exchange rate type"),
            of("DECIMAL", "EXCHANGE_RATE", lambda row: _rate_text(row.rate), "Exchange rate", write=True),
            *_totals("", ("entered", "selected", "paid", "due")),
            *_totals("TRX_", ("trx_entered", "trx_selected", "trx_paid", "trx_due")),
            of("MONEY", "TRX_ENTITYDUE", "vendor.total_due", "Vendor due"),
            of("MONEY", "TOTALRETAINED", more.total_retained, "Total base amount retained"),
            of("MONEY", "TRX_TOTALRETAINED", more.trx_total_retained, "Total transaction amount retained"),
            of("MONEY", "TRX_TOTALRELEASED", lambda row: None, "Total transaction amount released"),
            kept("BOOLEAN", "INCLUSIVETAX", lambda row: row.base_currency == "GBP", "Inclusive taxes"),
            kept("TEXT", "BILLTOPAYTOCONTACTNAME", lambda row: display_name(row.vendor), "Pay to"),
            kept("TEXT", "SHIPTORETURNTOCONTACTNAME", lambda row: display_name(row.vendor), "Return to"),
            text("PRBATCH", lambda row: _summary_title(row.summary_day), "Summary"),
            of("INTEGER", "PRBATCHKEY", lambda row: row.summary_day.toordinal(), "Summary key"),
            text("MODULEKEY", "module", "Module key", values=MODULES),
            of("INTEGER", "DOCHDRKEY", "source_key", "Document key"),
            text("SYSTEMGENERATED", lambda row: "F", "System generated", values=("T", "F")),
            text("SUPDOCID", "attachment", "Attachment", write=True),
            text("DUE_IN_DAYS", lambda row: (self.company.today() - row.due_on).days if row.due_on else None, "Due in"),
            text("USERID", lambda row: self.called(row.modified_by), "Modified by"),
            text("CREATEDUSERID", lambda row: self.called(row.created_by), "Created by"),
            *self.document_times,
            *self.made_by,
            *self.owner,
            self.link("apbill"),
            *self.extra(constants.STAMP_FIELDS),
        )
        relations = {
            "VENDOR": _relation("VENDOR", "VENDOR", "VENDORID", _vendor_of),
            "MELOCATION": _relation("MELOCATION", "LOCATION", "MEGAENTITYID", lambda bill: bill.entity),
        }
        return ObjectType(
            name="APBILL", table=self.company.bills, fields=listed, relations=relations, entity_of=lambda row: row.entity.id
        )

    def line(self) -> ObjectType:
        def bill_of(line: Line) -> Bill | None:
            found: Bill | None = self.company.bills.get(line.bill_no)
            return found

        listed = fields(
            key(),
            key("RECORDKEY", "bill_no", "Bill record number"),
            of("INTEGER", "LINE_NO", "line_no", "Line number"),
            text("ACCOUNTNO", "account.id", "Account", write=True),
            text("ACCOUNTTITLE", "account.name", "Account title"),
            text("ACCOUNTLABEL", lambda row: "", "Account label"),
            kept("TEXT", "OFFSETGLACCOUNTNO", lambda row: "2000", "Offset account"),
            of("MONEY", "AMOUNT", "amount", "Amount"),
            of("MONEY", "TRX_AMOUNT", "trx_amount", "Transaction amount", required=True, write=True),
            text("ENTRYDESCRIPTION", "description", "Memo", write=True),
            *_dimension_pair("DEPARTMENT", "department"),
            *_dimension_pair("LOCATION", "location"),
            *_dimension_pair("PROJECT", "project"),
            *_dimension_pair("CLASS", "cls"),
            text("VENDORID", lambda row: bill_of(row).vendor.vendor_id if bill_of(row) else "", "Vendor ID"),  # type: ignore[union-attr]
            text("CURRENCY", lambda row: bill_of(row).currency if bill_of(row) else "", "Currency"),  # type: ignore[union-attr]
            text("BASECURR", lambda row: bill_of(row).base_currency if bill_of(row) else "", "Base currency"),  # type: ignore[union-attr]
            text("STATE", lambda row: bill_of(row).state if bill_of(row) else "", "State"),  # type: ignore[union-attr]
            kept("BOOLEAN", "BILLABLE", lambda row: False, "Billable"),
            text("LINEITEM", lambda row: "T", "Line item", values=("T", "F")),
            text("CUSTOMERID", lambda row: more.customer(row)[0], "Customer", write=True),
            text("CUSTOMERNAME", lambda row: more.customer(row)[1], "Customer name"),
            text("ITEMID", lambda row: more.item(row)[0], "Item", write=True),
            text("ITEMNAME", lambda row: more.item(row)[1], "Item name"),
            kept("TEXT", "FORM1099", lambda row: "true" if more.is_1099(row) else "false", "1099"),
            kept("TEXT", "FORM1099TYPE", lambda row: "NEC" if more.is_1099(row) else "", "Form 1099 type"),
            kept("TEXT", "FORM1099BOX", lambda row: "1" if more.is_1099(row) else "", "Form 1099 box"),
            text("ORIGDOCID", lambda row: more.purchase_order(bill_of(row)), "Originating document ID"),
            of("MONEY", "TRX_AMOUNTRETAINED", more.retained, "Txn amount retained"),
            of("BOOLEAN", "RELEASETOPAY", "released", "Release to pay", write=True, values=("true", "false")),
            of("MONEY", "TOTALPAID", "paid", "Total paid"),
            of("MONEY", "TRX_TOTALPAID", "trx_paid", "Total transaction amount paid"),
            *self.times,
        )
        relations = {
            "APBILL": _relation("APBILL", "APBILL", "RECORDKEY", bill_of),
            "GLACCOUNT": _relation("GLACCOUNT", "GLACCOUNT", "ACCOUNTNO", lambda row: row.account),
            "DEPARTMENT": _relation("DEPARTMENT", "DEPARTMENT", "DEPARTMENTID", lambda row: row.department),
            "LOCATION": _relation("LOCATION", "LOCATION", "LOCATIONID", lambda row: row.location),
        }

        def entity(line: Line) -> str:
            bill = bill_of(line)
            return bill.entity.id if bill else ""

        return ObjectType(name="APBILLITEM", table=self.company.lines, fields=listed, relations=relations, entity_of=entity)

    def payment(self) -> ObjectType:
        listed = fields(
            key(),
            text("RECORDID", lambda row: f"PAY-{row.record_no}", "Payment number"),
            text("RECORDTYPE", lambda row: "pp", "Record type"),
            text("VENDORID", "vendor.vendor_id", "Vendor ID", write=True),
            text("VENDORNAME", "vendor.name", "Vendor name"),
            text("FINANCIALENTITY", "bank", "Bank", write=True),
            text("FINANCIALENTITYTYPE", lambda row: "ba", "Bank type"),
            text("PAYMENTMETHOD", "method", "Payment method", required=True, write=True),
            text("PAYMENTPROVIDER", lambda row: "", "Provider"),
            text("STATE", self.payment_state, "State", values=tuple(PAYMENT_STATES)),
            text("RAWSTATE", lambda row: PAYMENT_STATES.get(row.state, ""), "Raw state"),
            text("DISPLAYSTATE", lambda row: "Confirmed" if row.state == "Posted" else row.state, "Display state"),
            text("DOCNUMBER", "number", "Document number", write=True),
            text("DESCRIPTION", "description", "Description", write=True),
            of("DATE", "WHENCREATED", "paid_on", "Payment date", write=True),
            of("DATE", "WHENPAID", "paid_on", "Date paid"),
            of("DATE", "WHENPOSTED", "paid_on", "GL posting date"),
            of("MONEY", "TOTALENTERED", "entered", "Total amount"),
            of("MONEY", "TOTALPAID", _settled("entered"), "Total paid"),
            of("MONEY", "TOTALDUE", _unsettled("entered"), "Total due"),
            of("MONEY", "TRX_TOTALENTERED", "trx_entered", "Total transaction amount"),
            of("MONEY", "TRX_TOTALPAID", _settled("trx_entered"), "Total transaction amount paid"),
            of("MONEY", "TRX_TOTALDUE", _unsettled("trx_entered"), "Total transaction amount due"),
            text("BASECURR", "base_currency", "Base currency"),
            text("CURRENCY", "currency", "Transaction currency", write=True),
            text("CLEARED", lambda row: "T" if row.cleared else "F", "Cleared"),
            of("DATE", "CLRDATE", lambda row: None, "Cleared on"),
            text("SYSTEMGENERATED", lambda row: "F", "System generated"),
            *self.document_times,
            *self.made_by,
            *self.owner,
            self.link("appymt"),
        )
        relations = {"VENDOR": _relation("VENDOR", "VENDOR", "VENDORID", lambda payment: payment.vendor)}
        return ObjectType(
            name="APPYMT", table=self.company.payments, fields=listed, relations=relations, entity_of=lambda row: row.entity.id
        )

    def payment_state(self, payment: Payment) -> str:
        is_code = self.company.world.setting("payment_state_shows", "words") == "codes"
        return PAYMENT_STATES.get(payment.state, "") if is_code else payment.state

    def detail(self) -> ObjectType:
        def payment_of(detail: Detail) -> Payment | None:
            found: Payment | None = self.company.payments.get(detail.payment_no)
            return found

        def bill_of(detail: Detail) -> Bill | None:
            found: Bill | None = self.company.bills.get(detail.bill_no)
            return found

        listed = fields(
            key(),
            key("RECORDKEY", "bill_no", "Bill record number"),
            key("ENTRYKEY", "line_no", "Bill entry record number"),
            key("PAYMENTKEY", "payment_no", "Payment record number"),
            of("DATE", "PAYMENTDATE", "paid_on", "Payment date"),
            of("MONEY", "PAYMENTAMOUNT", "amount", "Payment base amount"),
            of("MONEY", "TRX_PAYMENTAMOUNT", "trx_amount", "Payment transaction amount"),
            of("MONEY", "DISCOUNTAMOUNT", lambda row: row.discount or None, "Discount base amount"),
            of("MONEY", "TRX_DISCOUNTAMOUNT", lambda row: row.trx_discount or None, "Discount transaction amount"),
            of("MONEY", "ADJUSTMENTAMOUNT", lambda row: row.credit or None, "Adjustment transaction base amount"),
            of("MONEY", "TRX_ADJUSTMENTAMOUNT", lambda row: row.trx_credit or None, "Adjustment transaction amount"),
            *(of("MONEY", name, lambda row: None, name.capitalize()) for name in _NEVER_APPLIED),
            of("INTEGER", "POSADJKEY", "memo_no", "Positive adjustment record number"),
            text("CURRENCY", "currency", "Payment currency", required=True),
            text("STATE", lambda row: PAYMENT_STATES.get(row.state, ""), "State"),
            text("MODULEKEY", lambda row: "3.AP", "Module key"),
            *self.times,
            of("INTEGER", "CREATEDBY", lambda row: row.created_by.record_no or None, "Created by"),
            text("CREATEDBYLOGINID", lambda row: self.called(row.created_by), "Created by"),
        )
        relations = {
            "APPYMT": _relation("APPYMT", "APPYMT", "PAYMENTKEY", payment_of),
            "APBILL": _relation("APBILL", "APBILL", "RECORDKEY", bill_of),
        }

        def entity(detail: Detail) -> str:
            payment = payment_of(detail)
            return payment.entity.id if payment else ""

        return ObjectType(name="APPYMTDETAIL", table=self.company.details, fields=listed, relations=relations, entity_of=entity)

    def audit(self) -> ObjectType:
        naming = self.company.world.setting("audit_names_fields", "")
        listed = fields(
            text("ID", "id", "ID"),
            text("OBJECTTYPE", "object_type", "Object"),
            text("OBJECTKEY", "object_key", "Record"),
            text("USERID", "user", "User"),
            of("TIMESTAMP", "ACCESSTIME", "at", "Access date"),
            text("ACCESSMODE", "mode", "Action"),
            text("WORKFLOWACTION", "action", "Internal action"),
            text("SOURCE", "source", "Source", values=("api", "csv", "system", "ui")),
            *([text(naming, "named", "Changed fields")] if naming else []),
        )
        return ObjectType(name="AUDITHISTORY", table=self.company.audits, fields=listed, name_field="ID")

    def user(self) -> ObjectType:
        listed = fields(
            key(),
            text("LOGINID", "login", "User ID", required=True, write=True),
            text("DESCRIPTION", "name", "Username", write=True),
            text("EMAIL", "email", "Account email address", required=True, write=True),
            text("CONTACTINFO.CONTACTNAME", "name", "Contact name", required=True, write=True),
            text("CONTACTINFO.FIRSTNAME", lambda row: row.name.partition(" ")[0], "First name", required=True, write=True),
            text("CONTACTINFO.LASTNAME", lambda row: row.name.partition(" ")[2], "Last name", required=True, write=True),
            text("CONTACTINFO.PRINTAS", "name", "Print as", required=True, write=True),
            text("CONTACTINFO.EMAIL1", "email", "Primary email address"),
            text("USERTYPE", lambda row: "business user", "User type", write=True),
            text("STATUS", "status", "Status", write=True, values=USER_STATUSES),
            text("ADMIN", "admin", "Admin privileges", write=True, values=ADMIN_WORDS),
            of("BOOLEAN", "LOGINDISABLED", "web_services_only", "Restrict user access to Web Services only", write=True),
        )
        return ObjectType(name="USERINFO", table=self.company.users, fields=listed, name_field="LOGINID")

    def summary(self) -> ObjectType:
        """Summaries of bills, one for each posting day: the only place where the gateway says that books are closed."""
        listed = fields(
            key(),
            text("TITLE", lambda row: _summary_title(row.day), "Summary name", required=True),
            of("DATE", "CREATED", "day", "GL posting date"),
            text("STATUS", lambda row: "active", "Status", values=("active", "inactive")),
            text("RECORDTYPE", lambda row: "pi", "Record type"),
            text("OPEN", self.open_or_closed, "Open or closed", values=("Open", "Closed")),
        )
        return ObjectType(name="APBILLBATCH", table=self.company.summaries, fields=listed)

    def purchase(self) -> ObjectType:
        listed = fields(key(), text("DOCID", "name", "Document ID"), text("STATE", "state", "State", values=STATES))
        return ObjectType(name="PODOCUMENT", table=self.company.purchases, fields=listed, name_field="DOCID")

    def open_or_closed(self, summary: Summary) -> str:
        return "Closed" if self.company.is_closed(summary.day) else "Open"


def _wall(attribute: str, zone_name: str) -> Callable[[Any], int | None]:
    """An instant as clocks there show it, which is what the company then keeps and compares."""
    zone = ZoneInfo(zone_name)

    def read(row: Any) -> int | None:
        at: int | None = getattr(row, attribute)
        shift = None if at is None else datetime.fromtimestamp(at, zone).utcoffset()
        return None if at is None or shift is None else at + int(shift.total_seconds())

    return read


def _vendor_of(bill: Bill) -> Vendor | None:
    return None if bill.vendor is NO_VENDOR else bill.vendor


def _relation(path: str, object_name: str, related_by: str, get: Callable[[Any], Any]) -> Relation:
    return Relation(path=path, object_name=object_name, related_by=related_by, get=get)


def _totals(prefix: str, attributes: tuple[str, str, str, str]) -> list[Field]:
    labels = {"ENTERED": "Total amount", "SELECTED": "Total selected", "PAID": "Total paid", "DUE": "Total due"}
    pairs = zip(labels.items(), attributes, strict=True)
    return [of("MONEY", f"{prefix}TOTAL{name}", attribute, label) for (name, label), attribute in pairs]


def _dimension_pair(name: str, attribute: str) -> list[Field]:
    named = name.capitalize()
    return [
        text(f"{name}ID", f"{attribute}.id", f"{named} ID", write=True),
        text(f"{name}NAME", f"{attribute}.name", f"{named} name"),
    ]


def _settled(attribute: str) -> Callable[[Any], int]:
    return lambda row: getattr(row, attribute) if row.state == "Posted" else 0


def _unsettled(attribute: str) -> Callable[[Any], int]:
    return lambda row: 0 if row.state in ("Posted", "Voided") else getattr(row, attribute)


def _summary_title(day: date) -> str:
    return f"Bills: {day.year:04d}/{day:%m/%d} Batch"


def _rate_text(rate: int) -> str:
    return f"{rate / 1_000_000:.6f}".rstrip("0").rstrip(".")
