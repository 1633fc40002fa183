"""Object-specific functions, the generation before `create` and `update`: `create_bill`, `void_appaymentrequest`.

Each is put into the words of the generic functions and then done by them, so that both follow the same rules. Its children have
to come in the schema's order; `ORDERS` is taken from the vendor's examples and SDKs. What makes or changes something answers
its key. https://developer.intacct.com/api/accounts-payable/bills/, .../ap-payments/, .../vendors/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from lxml import etree

from sandbox.gateway.books import asked_payments, bills, payments, vendor_queue
from sandbox.gateway.books.rows import Bill, Payment, User, Vendor
from sandbox.gateway.failures import Failure, bad_value, no_permission, support_id
from sandbox.gateway.functions.reads import text_of
from sandbox.gateway.functions.writes import Outcome, Writer, refusals
from sandbox.gateway.sessions import Session
from sandbox.gateway.texts import cents_of, day_text
from sandbox.gateway.wire import Data

_HEADER = {
    "vendorid": "VENDORID",
    "termname": "TERMNAME",
    "action": "ACTION",
    "billno": "RECORDID",
    "ponumber": "DOCNUMBER",
    "onhold": "ONHOLD",
    "description": "DESCRIPTION",
    "basecurr": "BASECURR",
    "currency": "CURRENCY",
    "exchratetype": "EXCH_RATE_TYPE_ID",
    "exchrate": "EXCHANGE_RATE",
    "supdocid": "SUPDOCID",
}
_DATES = {
    "datecreated": "WHENCREATED",
    "dateposted": "WHENPOSTED",
    "datedue": "WHENDUE",
    "exchratedate": "EXCH_RATE_DATE",
}
_CONTACTS = {"payto": "BILLTOPAYTOCONTACTNAME", "returnto": "SHIPTORETURNTOCONTACTNAME"}
_LINE = {
    "glaccountno": "ACCOUNTNO",
    "offsetglaccountno": "OFFSETGLACCOUNTNO",
    "amount": "TRX_AMOUNT",
    "memo": "ENTRYDESCRIPTION",
    "item1099": "FORM1099",
    **{
        name: name.upper()
        for name in (
            *("form1099type", "form1099box", "billable"),
            *("locationid", "departmentid", "projectid", "customerid", "itemid", "classid"),
        )
    },
}
_VENDOR = {
    "glaccountno": "APACCOUNT",
    "paymethod": "PAYMETHODKEY",
    **{
        name: name.upper()
        for name in (
            *(
                "vendorid",
                "name",
                "parentid",
                "termname",
                "vendtype",
                "taxid",
                "creditlimit",
                "retainagepercentage",
                "billingtype",
            ),
            *("vendoraccountno", "displocacctnocheck", "onhold", "donotcutcheck", "comments", "status", "currency", "onetime"),
            *(
                "name1099",
                "form1099type",
                "form1099box",
                "paymentnotify",
                "achenabled",
                "achbankroutingnumber",
                "achaccountnumber",
            ),
            *("achaccounttype", "achremittancetype", "displaytermdiscount", "supdocid", "mergepaymentreq", "offsetglaccountno"),
        )
    },
}
_VENDOR_CONTACTS = {"primary": "CONTACTINFO", "returnto": "RETURNTO", "payto": "PAYTO", "contactto1099": "CONTACTTO1099"}
_OF_A_LINE = (
    *("accountlabel", "glaccountno", "offsetglaccountno", "amount", "allocationid", "memo", "locationid", "departmentid"),
    *("item1099", "form1099type", "form1099box", "key", "totalpaid", "totaldue", "customfields", "projectid", "taskid"),
    *("costtypeid", "customerid", "vendorid", "employeeid", "itemid", "classid", "contractid", "warehouseid", "billable"),
    *("totaltrxamount", "partialexempt", "taxentries"),
)
_OF_A_BILL = (
    *("vendorid", "datecreated", "dateposted", "datedue", "termname", "action", "batchkey", "billno", "ponumber", "onhold"),
    *("description", "externalid", "payto", "returnto", "basecurr", "currency", "exchratedate", "exchratetype", "exchrate"),
    *("nogl", "supdocid", "customfields", "inclusivetax", "taxsolutionid"),
)
ORDERS: dict[str, tuple[str, ...]] = {
    "create_bill": (*_OF_A_BILL, "billitems"),
    "update_bill": (*_OF_A_BILL, "updatebillitems"),
    "lineitem": _OF_A_LINE,
    "updatelineitem": _OF_A_LINE,
    "reverse_bill": ("datereversed", "description"),
    "reverse_appayment": ("datereversed", "description"),
    "create_paymentrequest": (
        *(
            "bankaccountid",
            "chargecardid",
            "vendorid",
            "memo",
            "paymentmethod",
            "grouppayments",
            "paymentdate",
            "paymentoption",
        ),
        *("paymentrequestitems", "documentnumber", "paymentdescription", "paymentcontact"),
    ),
    "paymentrequestitem": ("key", "paymentamount", "credittoapply", "discounttoapply"),
    "customfield": ("customfieldname", "customfieldvalue"),
}
"""The children of each element, in the order in which they have to come."""


_VERBS = ("create", "update", "delete", "reverse", "recall", "approve", "decline", "confirm", "void")


class Legacy:
    """The object-specific functions of one company, by name."""

    def __init__(self, company: Any, writer: Writer) -> None:
        self.company, self.writer = company, writer
        requests: dict[str, Callable[[Any, Payment, User], Any]] = {
            "approve_appaymentrequest": asked_payments.approve,
            "decline_appaymentrequest": asked_payments.decline,
            "confirm_appaymentrequest": asked_payments.confirm,
            "void_appaymentrequest": payments.void,
        }
        played: dict[str, Callable[[etree._Element, Session], Outcome]] = {
            "create_bill": self._create_bill,
            "update_bill": self._update_bill,
            "delete_bill": self._delete("APBILL"),
            "reverse_bill": self._reverse_bill,
            "recallApBill": self._recall_bill,
            "create_vendor": self._create_vendor,
            "update_vendor": self._update_vendor,
            "delete_vendor": self._delete_vendor,
            "approveVendor": self._review(vendor_queue.approve, "approve"),
            "declineVendor": self._review(vendor_queue.decline, "decline"),
            "create_paymentrequest": self._create_request,
            "delete_paymentrequest": self._delete("APPYMT"),
            "reverse_appayment": self._reverse_payment,
            **{name: self._on_requests(name, act) for name, act in requests.items()},
        }
        self.functions: Mapping[str, Callable[[etree._Element, Session], Outcome]] = {
            name: partial(self._allowed, name, act) for name, act in played.items()
        }

    def _allowed(
        self, name: str, act: Callable[[etree._Element, Session], Outcome], asked: etree._Element, session: Session
    ) -> Outcome:
        """A right that is missing is missing whatever the function is called."""
        told = name.casefold()
        target = "APPYMT" if "payment" in told else "VENDOR" if "vendor" in told else "APBILL"
        if self.company.is_denied(target):
            verb = next(word for word in _VERBS if told.startswith(word))
            raise no_permission(verb.upper(), target)
        return act(asked, session)

    # --- bills

    def _create_bill(self, asked: etree._Element, session: Session) -> Outcome:
        sent = self._bill(asked)
        if not text_of(sent, "WHENDUE") and (due := _due_on(sent)):
            _put(sent, "WHENDUE", due)
        items = etree.SubElement(sent, "APBILLITEMS")
        items.extend(_line(line) for line in asked.iterfind("billitems/lineitem"))
        return self._done(self.writer.create, "create", sent, session)

    def _update_bill(self, asked: etree._Element, session: Session) -> Outcome:
        """Lines that are not named stay: unlike `update`, this one names what it changes by its line's number."""
        bill = self._named_bill(asked.get("key") or "")
        sent = self._bill(asked)
        _put(sent, "RECORDNO", str(bill.record_no))
        changes = asked.find("updatebillitems")
        if changes is not None and len(changes):
            sent.append(_lines_after(bill, changes))
        return self._done(self.writer.update, "update", sent, session)

    def _bill(self, asked: etree._Element) -> etree._Element:
        sent = etree.Element("APBILL")
        for child in asked:
            name = str(child.tag)
            if name in _HEADER and (text := (child.text or "").strip()):
                _put(sent, _HEADER[name], text)
            elif name in _DATES and len(child):
                _put(sent, _DATES[name], day_text(_day(child)))
            elif name in _CONTACTS:
                _put(sent, _CONTACTS[name], text_of(child, "contactname"))
            elif name == "customfields":
                _put_custom(sent, child)
            elif name not in (*_HEADER, *_DATES, "billitems", "updatebillitems"):
                _not_played(child, "false")
        return sent

    def _reverse_bill(self, asked: etree._Element, session: Session) -> Outcome:
        bill, on = self._named_bill(asked.get("key") or ""), _day(asked.find("datereversed"))
        user = self.company.user(session.login)
        taking = bills.reverse(self.company, bill, user, on=on, description=text_of(asked, "description"))
        return Outcome(key=str(taking.record_no))

    def _recall_bill(self, asked: etree._Element, session: Session) -> Outcome:
        bill = self._named_bill(text_of(asked, "recordno"))
        bills.recall(self.company, bill, self.company.user(session.login))
        return Outcome(Data("", [], bare=True))

    def _named_bill(self, key: str) -> Bill:
        with refusals():
            return asked_payments.bill_of(self.company, key)

    def _delete(self, name: str) -> Callable[[etree._Element, Session], Outcome]:
        def delete(asked: etree._Element, session: Session) -> Outcome:
            target, user = self.company.schema.object(name), self.company.user(session.login)
            self.writer.remove(target, (asked.get("key") or "").strip(), user)
            return Outcome()

        return delete

    # --- vendors

    def _create_vendor(self, asked: etree._Element, session: Session) -> Outcome:
        return self._done(self.writer.create, "create", _vendor(asked), session)

    def _update_vendor(self, asked: etree._Element, session: Session) -> Outcome:
        sent = _vendor(asked)
        _put(sent, "VENDORID", (asked.get("vendorid") or "").strip())
        return self._done(self.writer.update, "update", sent, session)

    def _delete_vendor(self, asked: etree._Element, session: Session) -> Outcome:
        vendor = self._named_vendor(self.company.vendor((asked.get("vendorid") or "").strip()), asked.get("vendorid") or "")
        self.writer.remove(self.company.schema.object("VENDOR"), str(vendor.record_no), self.company.user(session.login))
        return Outcome()

    def _review(self, act: Callable[[Any, Vendor, User], None], word: str) -> Callable[[etree._Element, Session], Outcome]:
        def review(asked: etree._Element, session: Session) -> Outcome:
            key, user = text_of(asked, "recordno"), self.company.user(session.login)
            vendor = self._named_vendor(self.company.vendors.get(int(key)) if key.isdigit() else None, key)
            with refusals():
                act(self.company, vendor, user)
            self.company.audit("vendor", vendor.vendor_id, "W", user, "api", action=word)
            return Outcome(Data("", [], bare=True))

        return review

    def _named_vendor(self, found: Vendor | None, key: str) -> Vendor:
        if found is None:
            raise Failure("BL01001973", "", f"Cannot find the VENDOR record '{key}'. {support_id()}")
        return found

    # --- payments

    def _create_request(self, asked: etree._Element, session: Session) -> Outcome:
        user, parts = self.company.user(session.login), []
        bank = text_of(asked, "bankaccountid") or text_of(asked, "chargecardid")
        needed = {"bankaccountid": bank, **{name: text_of(asked, name) for name in ("vendorid", "paymentmethod")}}
        for name, text in needed.items():
            if not text:
                raise Failure("BL03000018", "", f"Required field {name} is missing. {support_id()}")
        with refusals():
            for item in asked.iterfind("paymentrequestitems/paymentrequestitem"):
                amounts = {name: cents_of(text_of(item, name) or "0") for name in ORDERS["paymentrequestitem"][1:]}
                parts.append(
                    payments.Part(
                        bill=asked_payments.bill_of(self.company, text_of(item, "key")),
                        cents=amounts["paymentamount"],
                        credit=amounts["credittoapply"],
                        discount=amounts["discounttoapply"],
                    )
                )
            made = asked_payments.request(
                self.company,
                parts,
                user,
                vendor_id=needed["vendorid"],
                method=needed["paymentmethod"],
                on=_day(asked.find("paymentdate")),
                bank=bank,
                description=text_of(asked, "paymentdescription") or text_of(asked, "memo"),
                number=text_of(asked, "documentnumber"),
            )
        self.company.audit("appymt", str(made.record_no), "C", user, "api")
        return Outcome(key=str(made.record_no))

    def _on_requests(self, name: str, act: Callable[[Any, Payment, User], Any]) -> Callable[[etree._Element, Session], Outcome]:
        def on_requests(asked: etree._Element, session: Session) -> Outcome:
            user = self.company.user(session.login)
            named = [self._payment((each.text or "").strip()) for each in asked.iterfind("appaymentkeys/appaymentkey")]
            if not named:
                raise Failure("BL03000018", "", f"Required field appaymentkey is missing. {support_id()}")
            for payment in named:
                with refusals():
                    act(self.company, payment, user)
                self.company.audit("appymt", str(payment.record_no), "W", user, "api", name.partition("_")[0])
            return Outcome(key=str(named[0].record_no))

        return on_requests

    def _reverse_payment(self, asked: etree._Element, session: Session) -> Outcome:
        payment, on = self._payment((asked.get("key") or "").strip()), _day(asked.find("datereversed"))
        user = self.company.user(session.login)
        with refusals():
            taking = payments.reverse(self.company, payment, user, on=on)
        self.company.audit("appymt", str(payment.record_no), "W", user, "api", "reverse")
        return Outcome(key=str(taking.record_no))

    def _payment(self, key: str) -> Payment:
        found: Payment | None = self.company.payments.get(int(key)) if key.isdigit() else None
        if found is None:
            raise Failure("BL01001973", "", f"Cannot find the payment '{key}'. {support_id()}")
        return found

    def _done(self, act: Callable[..., Outcome], verb: str, sent: etree._Element, session: Session) -> Outcome:
        """What the generic function did, told as an object-specific one tells it: by key."""
        asked = etree.Element(verb)
        asked.append(sent)
        done = act(asked, session)
        made = etree.fromstring(done.data.xml()) if done.data is not None and not done.errors else None
        key = "" if made is None else made.findtext("*/VENDORID" if sent.tag == "VENDOR" else "*/RECORDNO") or ""
        return Outcome(errors=done.errors, key=key)


def _put(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, name).text = text


def _put_custom(sent: etree._Element, told: etree._Element) -> None:
    for each in told.iterfind("customfield"):
        _put(sent, text_of(each, "customfieldname").upper(), text_of(each, "customfieldvalue"))


def _line(told: etree._Element) -> etree._Element:
    sent = etree.Element("APBILLITEM")
    for child in told:
        name, text = str(child.tag), (child.text or "").strip()
        if name in _LINE and text:
            _put(sent, _LINE[name], text)
        elif name not in _LINE:
            _not_played(child)
    return sent


def _lines_after(bill: Bill, changes: etree._Element) -> etree._Element:
    """All lines of the bill as `update` wants them: those that are named changed, the others as they are, new ones behind."""
    items = etree.Element("APBILLITEMS")
    changed = {(each.get("line_num") or "").strip(): each for each in changes.iterfind("updatelineitem")}
    for line in bill.lines:
        told = changed.pop(str(line.line_no), None)
        item = etree.SubElement(items, "APBILLITEM")
        _put(item, "RECORDNO", str(line.record_no))
        if told is not None:
            item.extend(_line(told))
    if changed:
        raise bad_value("line_num", next(iter(changed)), "the bill has no such line")
    items.extend(_line(each) for each in changes.iterfind("lineitem"))
    return items


def _vendor(asked: etree._Element) -> etree._Element:
    sent = etree.Element("VENDOR")
    for child in asked:
        name, text = str(child.tag), (child.text or "").strip()
        if name in _VENDOR:
            if text:
                _put(sent, _VENDOR[name], text)
        elif name == "contactinfo":
            _put_upper(etree.SubElement(sent, "DISPLAYCONTACT"), child.find("contact"))
        elif name in _VENDOR_CONTACTS:
            _put(etree.SubElement(sent, _VENDOR_CONTACTS[name]), "CONTACTNAME", text_of(child, "contactname"))
        elif name == "contactlist":
            for item in child.iterfind("contactitem"):
                listed = etree.SubElement(sent, "CONTACT_LIST_INFO")
                _put(listed, "CATEGORYNAME", text_of(item, "category"))
                _put(etree.SubElement(listed, "CONTACT"), "NAME", text_of(item, "contactname"))
        elif name == "customfields":
            _put_custom(sent, child)
        else:
            _not_played(child)
    return sent


def _put_upper(parent: etree._Element, told: etree._Element | None) -> None:
    for child in told if told is not None else ():
        made = etree.SubElement(parent, str(child.tag).upper())
        if len(child):
            _put_upper(made, child)
        else:
            made.text = (child.text or "").strip()


def _day(told: etree._Element | None) -> date:
    """A day from `year`, `month` and `day`. Raises Failure."""
    parts = [text_of(told, name) for name in ("year", "month", "day")]
    try:
        return date(*map(int, parts))
    except ValueError as error:
        raise bad_value("date" if told is None else str(told.tag), "-".join(parts), "give year, month and day") from error


def _due_on(sent: etree._Element) -> str:
    """The due date that the term gives: `Net 30` is thirty days. Empty where none can be told."""
    days = text_of(sent, "TERMNAME").removeprefix("Net ")
    created = text_of(sent, "WHENCREATED")
    if not days.isdigit() or not created:
        return ""
    month, day, year = map(int, created.split("/"))
    return day_text(date(year, month, day) + timedelta(days=int(days)))


def _not_played(child: etree._Element, harmless: str = "") -> None:
    """Nothing that is sent is dropped in silence."""
    if len(child) or (child.text or "").strip() not in ("", harmless):
        raise Failure("XL03000010", "", f"'{child.tag}' is not played here. {support_id()}")
