"""Questions about Intacct's records: how values are written, what states and logins hold, what the history tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from intacct_asana.errors import IntacctAsanaError
from intacct_asana.intacct.payments import PAYMENT_WISHED
from intacct_asana.intacct.query import Filter, Query, all_of, equal, is_known, is_null, one_of
from intacct_asana.intacct.records import flag, money
from intacct_asana.intacct.replies import rows_of
from intacct_asana.intacct.timestamps import ServerClock
from intacct_asana.intacct.xml import element
from intacct_asana.proving.at_intacct import IntacctPort, Row
from intacct_asana.proving.intacct_records import SWITCHES, question
from intacct_asana.proving.intacct_times import offset_text, reads
from intacct_asana.proving.masks import among, counted, form_of, number_form
from intacct_asana.proving.question import Answer, NotAsked, Ports, Setting
from intacct_asana.records import BillState

AUDIT_FIELDS = ("ID", "OBJECTKEY", "OBJECTTYPE", "ACCESSTIME", "ACCESSMODE", "USERID")


def _audit(ports: Ports) -> Answer:
    books, clock = ports.books, ports.books.hook.settings.clock
    bills, vendors = (history(books, name) for name in ("apbill", "vendor"))
    if not bills and not vendors:
        raise NotAsked("the history tells of no bill and of no vendor")
    numbers = {row["RECORDNO"]: row for row in books.newest_bills()}
    made = [
        clock.naive(row["ACCESSTIME"]) - clock.naive(numbers[key]["AUWHENCREATED"])
        for row in bills
        if row.get("ACCESSMODE") == "C"
        and (key := row["OBJECTKEY"].partition("--")[0]) in numbers
        and all(reads(text, clock.timestamp_format) for text in (row["ACCESSTIME"], numbers[key].get("AUWHENCREATED", "")))
    ]
    figures: dict[str, Any] = {
        "OBJECTKEY of bills": counted(number_form(row.get("OBJECTKEY", "")) for row in bills),
        "OBJECTKEY of bills is a record number": sum(row.get("OBJECTKEY", "").partition("--")[0] in numbers for row in bills),
        "OBJECTKEY of vendors is digits alone": sum(row.get("OBJECTKEY", "").isdigit() for row in vendors),
        "rows of vendors": len(vendors),
        "ACCESSTIME": counted(form_of(row.get("ACCESSTIME", "")) for row in [*bills, *vendors]),
        "ACCESSMODE": counted(form_of(row.get("ACCESSMODE", "")) for row in [*bills, *vendors]),
        "ACCESSTIME of the making less AUWHENCREATED": counted(offset_text(one) for one in made),
    }
    return Answer(
        seen=f"readable; keys of bills look like {', '.join(figures['OBJECTKEY of bills']) or 'nothing'}", figures=figures
    )


def history(books: IntacctPort, name: str, *, mode: str = "") -> list[Row]:
    """The newest rows of the audit history about an object, or of one kind of change of it."""
    # Only `equalto` is documented for this object, and `lookup` of it by nobody.
    about = equal("OBJECTTYPE", name)
    where = all_of(about, equal("ACCESSMODE", mode)) if mode else about
    query = Query(object_name="AUDITHISTORY", select=AUDIT_FIELDS, where=where, order_by=("ID",), descending=True)
    asked = "the audit history"
    return rows_of(books.data(query.element(), asked=asked), "AUDITHISTORY", asked=asked, key_field="ID")


def _logins(ports: Ports) -> Answer:
    books = ports.books
    users = books.rows("USERINFO", ("LOGINID", "DESCRIPTION"), most=2000)
    held = {
        "login": {row.get("LOGINID", "").casefold() for row in users},
        "record number": {row["RECORDNO"] for row in users},
        "name": {row.get("DESCRIPTION", "").casefold() for row in users} - {""},
    }
    bills = books.newest_bills()
    if not bills:
        raise NotAsked("there are no bills")
    figures: dict[str, Any] = {
        name: counted(_what_it_holds(row.get(name, ""), held) for row in bills)
        for name in ("CREATEDBYLOGINID", "MODIFIEDBYLOGINID", "CREATEDBY", "MODIFIEDBY")
        if name in bills[0]
    }
    creator = next(iter(figures.get("CREATEDBYLOGINID", {"nothing": 0})))
    unknown = sum(_is_nobody(row, held) for row in bills)
    figures["bills whose creator nobody can tell"] = unknown
    settings: tuple[Setting, ...] = ()
    if unknown:
        why = (
            f"{unknown} of {len(bills)} bills do not tell who entered them: name the approvers who may decide about such bills"
        )
        settings = (Setting(place="flow", key="approval.creator_untold", value=[], why=why),)
    seen = f"CREATEDBYLOGINID holds mostly: {creator}; of {unknown} bills nobody can tell the creator"
    return Answer(seen=seen, figures=figures, settings=settings)


def _is_nobody(row: Row, held: dict[str, set[str]]) -> bool:
    """As the code looks a creator up: by login, else by record number."""
    return (
        row.get("CREATEDBYLOGINID", "").casefold() not in held["login"]
        and row.get("CREATEDBY", "") not in held["record number"]
    )


def _what_it_holds(text: str, held: dict[str, set[str]]) -> str:
    return next((what for what, known in held.items() if text.casefold() in known), "something else" if text else "nothing")


CODES = ("D", "PA", "S", "U", "A", "P", "PP", "E", "R", "V", "AN")


def _states(ports: Ports) -> Answer:
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for row in ports.books.rows("APBILL", ("STATE", "RAWSTATE"), newest_first=True, most=2000):
        word, code = (
            next(iter(among([row.get(name, "")], known))) for name, known in (("STATE", list(BillState)), ("RAWSTATE", CODES))
        )
        words[word] += 1
        pairs[f"{word}: {code}"] += 1
    unknown = words["another word"]
    figures: dict[str, Any] = {"STATE": dict(words.most_common()), "STATE and RAWSTATE": dict(pairs.most_common())}
    return Answer(seen=f"{sum(words.values())} bills, {unknown} in a state that is not documented", figures=figures)


PAYMENT_WORDS = (
    *("Posted", "Draft", "Approved", "Voided", "Void", "Submitted", "Confirmed", "Delivered", "Quick Delivery", "Reversed"),
    *("Reversal", "Declined", "Partially Approved", "Print Voided", "C", "D", "A", "V", "S", "O"),
)
GONE = ("voided", "void", "v", "print voided", "reversed", "reversal")


def _payments(ports: Ports) -> Answer:
    books = ports.books
    payments = books.rows("APPYMT", ("STATE", "WHENMODIFIED", *PAYMENT_WISHED), newest_first=True, most=1000)
    if not payments:
        raise NotAsked("there are no payments")
    details = books.rows(
        "APPYMTDETAIL", ("PAYMENTKEY", "RECORDKEY", "STATE", "WHENMODIFIED", "PAYMENTAMOUNT"), newest_first=True, most=2000
    )
    back = {row["RECORDNO"] for row in payments if _is_gone(row)}
    of_back = [row for row in details if row.get("PAYMENTKEY") in back]
    pairs = Counter((row.get("PAYMENTKEY"), row.get("RECORDKEY")) for row in details)
    codes = sum(len(row.get("STATE", "")) == 1 for row in payments)
    figures: dict[str, Any] = {
        "STATE of payments": among((row.get("STATE", "") for row in payments), PAYMENT_WORDS),
        "STATE is a code": codes,
        "payments without WHENMODIFIED": sum(not row.get("WHENMODIFIED") for row in payments),
        "details without WHENMODIFIED": sum(not row.get("WHENMODIFIED") for row in details),
        "details without a bill": sum(not row.get("RECORDKEY") for row in details),
        "bills of a payment with several details": sum(count > 1 for count in pairs.values()),
        "payments that were taken back": len(back),
        "their details that show it": sum(_is_gone(row) for row in of_back),
        "their details that do not": sum(not _is_gone(row) for row in of_back),
        "details that show it, of payments that do not": sum(_is_gone(row) for row in details if row not in of_back),
        "details with a negative amount": sum(row.get("PAYMENTAMOUNT", "").startswith("-") for row in details),
    }
    return Answer(
        seen=f"{len(payments)} payments, {'codes' if codes else 'words'} as states; {len(back)} were taken back",
        figures=figures,
    )


def _is_gone(row: Row) -> bool:
    return any(row.get(name, "").casefold() in GONE for name in ("STATE", "DISPLAYSTATE"))


AMOUNTS = ("TOTALENTERED", "TOTALDUE", "TOTALPAID", "TRX_TOTALENTERED", "TRX_TOTALDUE")


def _values(ports: Ports) -> Answer:
    books = ports.books
    bills = books.newest_bills()
    lines = books.rows("APBILLITEM", ("LINE_NO", "AMOUNT", "LINEITEM"), newest_first=True, most=500)
    amounts = [row[name] for row in bills for name in AMOUNTS if row.get(name)]
    numbers = [row.get("LINE_NO", "") for row in lines]
    figures: dict[str, Any] = {
        "amounts": counted(number_form(text) for text in amounts),
        "amounts that our code does not read": sum(not _is(money, text) for text in amounts),
        "ONHOLD": among((row.get("ONHOLD", "") for row in bills), SWITCHES),
        "switches that our code does not read": sum(not _is(flag, row["ONHOLD"]) for row in bills if row.get("ONHOLD")),
        "LINE_NO": counted(number_form(text) for text in numbers),
        "LINEITEM": among((row.get("LINEITEM", "") for row in lines), SWITCHES),
    }
    unread = figures["amounts that our code does not read"] + figures["switches that our code does not read"]
    return Answer(seen=f"{len(amounts)} amounts, {len(bills)} switches, {unread} that our code does not read", figures=figures)


def _is(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except IntacctAsanaError:
        return False
    return True


def _lines(ports: Ports) -> Answer:
    books = ports.books
    bills = books.newest_bills()
    if not bills:
        raise NotAsked("there are no bills")
    told = books.send(
        element("read", element("object", "APBILL"), element("keys", bills[0]["RECORDNO"]), element("fields", "*")),
        asked="read of a bill",
    )
    brought = 0 if told.root is None else sum(1 for _ in told.root.iter("apbillitem", "APBILLITEM"))
    numbers = [row["RECORDNO"] for row in bills]
    lines = books.rows(
        "APBILLITEM", ("RECORDKEY", "WHENMODIFIED", "WHENCREATED"), where=one_of("RECORDKEY", numbers), most=2000
    )
    changed: Iterable[tuple[str, str]] = _line_times(bills, lines)
    figures: dict[str, Any] = {
        "read brings lines": brought > 0,
        "lines": len(lines),
        "lines without WHENMODIFIED": sum(not row.get("WHENMODIFIED") for row in lines),
        "lines without WHENCREATED": sum(not row.get("WHENCREATED") for row in lines),
        "bills whose newest line changed after them": sum(
            _is_later(line, bill, books.hook.settings.clock) for line, bill in changed
        ),
    }
    timeless = figures["lines without WHENMODIFIED"]
    seen = f"read brings {'' if brought else 'no '}lines; of {len(lines)} lines {timeless} have no change time"
    return Answer(seen=seen, figures=figures)


def _line_times(bills: list[Row], lines: list[Row]) -> list[tuple[str, str]]:
    """(change time of a line, change time of its bill)."""
    of_bill = {row["RECORDNO"]: row.get("WHENMODIFIED", "") for row in bills}
    return [(row.get("WHENMODIFIED", ""), of_bill.get(row.get("RECORDKEY", ""), "")) for row in lines]


def _is_later(line: str, bill: str, clock: ServerClock) -> bool:
    form = clock.timestamp_format
    return reads(line, form) and reads(bill, form) and clock.naive(line) > clock.naive(bill)


def _vendors(ports: Ports) -> Answer:
    books = ports.books
    rows = books.rows("VENDOR", ("STATE", "STATUS", "WHENMODIFIED"), newest_first=True, most=1000)
    where: Filter = all_of(is_null("WHENMODIFIED"), is_known("RECORDNO"))
    untouched = books.hook.reader.count("VENDOR", show_private=False, where=where)
    waiting = sum(row.get("STATE") == "S" for row in rows)
    figures: dict[str, Any] = {
        "STATE": among((row.get("STATE", "") for row in rows), ("S", "A", "R")),
        "STATUS": among((row.get("STATUS", "") for row in rows), ("active", "active non-posting", "inactive")),
        "vendors without WHENMODIFIED": untouched,
    }
    return Answer(
        seen=f"{len(rows)} vendors, {waiting} that wait for approval, {untouched} without a change time", figures=figures
    )


QUESTIONS = (
    question(
        "audit-history",
        "Can the audit history be read, what is OBJECTKEY of bills and vendors, and in which zone is ACCESSTIME?",
        "Keys have been seen with a suffix, and as ids; the zone is documented for one page only.",
        "Both forms of a key are understood; where the history may not be read, deletions are found by the sweep.",
        _audit,
    ),
    question(
        "login-fields",
        "What do CREATEDBYLOGINID and its siblings hold: logins, record numbers, names or nothing?",
        "The names say one thing and some recordings another.",
        "A creator is looked up by login, else by the number in CREATEDBY; where neither is known, decisions are refused.",
        _logins,
    ),
    question(
        "bill-states",
        "Which states do bills have, and which codes stand behind them?",
        "Codes after Posted are documented nowhere.",
        "A bill in a state that nobody documented fails by itself; its task stays as it is.",
        _states,
    ),
    question(
        "payments",
        "Are states of payments words or codes, which times are empty, and where does a payment show that was taken back?",
        "How a void shows in the details is undocumented, and so is how many rows a bill has.",
        "Details, the payment and negative rows are all understood; a fourth way would count as paid.",
        _payments,
    ),
    question(
        "value-forms",
        "Which shapes have amounts, switches and line numbers?",
        "Integers with fractions and amounts with exponents have been seen.",
        "A value of another shape fails its own bill by name, and no other.",
        _values,
    ),
    question(
        "lines",
        "Does `read` bring a bill's lines, have lines change times, and did lines change after their bills?",
        "Whether a change of a line moves its bill's time is told nowhere.",
        "Lines have a stream of their own, so nothing is missed.",
        _lines,
    ),
    question(
        "vendor-states",
        "Which states do vendors have, and how many have no change time?",
        "What S, A and R mean is inferred.",
        "A vendor that waits is waited for where the flow says `edits_wait_for_approval`.",
        _vendors,
    ),
)
