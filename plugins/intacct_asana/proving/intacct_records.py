"""Questions about Intacct's records: what is absent, whether pages add up and obey, which functions bring what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from intacct_asana.errors import UnexpectedReply
from intacct_asana.intacct.documents import Function, get_document
from intacct_asana.intacct.query import Filter, Query, is_known, more_than
from intacct_asana.intacct.reading import NEEDED, WISHED
from intacct_asana.intacct.replies import remaining_of, rows_of, total_of
from intacct_asana.intacct.xml import Element, element
from intacct_asana.proving.at_intacct import IntacctPort, Told
from intacct_asana.proving.masks import among
from intacct_asana.proving.question import Answer, NotAsked, Ports, Question, Setting
from intacct_asana.records import BillState

LOOKED_AT = (
    *(
        "BASECURR",
        "CURRENCY",
        "CREATEDBY",
        "CREATEDBYLOGINID",
        "MODIFIEDBYLOGINID",
        "WHENMODIFIED",
        "AUWHENCREATED",
        "RECORDID",
    ),
    *("WHENCREATED", "WHENDUE", "VENDORNAME", "MEGAENTITYID", "TERMNAME", "RECORD_URL", "MODULEKEY"),
)


def _absent(ports: Ports) -> Answer:
    books = ports.books
    lacking = {name: [field for field in (*NEEDED[name], *WISHED[name]) if field not in _known(books, name)] for name in NEEDED}
    bills = books.newest_bills()
    empty = {field: sum(not row.get(field) for row in bills) for field in LOOKED_AT if field in _known(books, "APBILL")}
    settings = []
    if bills and ("BASECURR" in lacking["APBILL"] or empty.get("BASECURR") == len(bills)):
        why = "bills do not tell the company's currency: write its code, as in USD"
        settings.append(Setting(place="flow", key="approval.base_currency", value="", why=why))
    figures: dict[str, Any] = {
        "fields that objects lack": {name: fields for name, fields in lacking.items() if fields},
        "bills": len(bills),
        "bills in which a field is empty": {field: count for field, count in empty.items() if count},
    }
    lack = sum(map(len, lacking.values()))
    some = ", ".join(figures["bills in which a field is empty"]) or "nothing"
    seen = f"{lack} fields that we would read are not there; of {len(bills)} bills some lack {some}"
    return Answer(seen=seen, figures=figures, settings=tuple(settings))


def _known(books: IntacctPort, name: str) -> set[str]:
    return {field.name for field in books.fields(name)}


SMALL, MOST_PAGES = 7, 40


def _totals(ports: Ports) -> Answer:
    """Bills by record number in small pages, and once more in pages of another size: both have to bring the same."""
    books = ports.books
    small, large = (_walked(books, size, most=size * MOST_PAGES) for size in (SMALL, 10 * SMALL))
    last = min((numbers[-1] for _, numbers in (small, large) if numbers), key=int, default="0")
    sets = [{number for number in numbers if int(number) <= int(last)} for _, numbers in (small, large)]
    left_out = len(sets[0] ^ sets[1])
    off = small[0] + large[0]
    figures: dict[str, Any] = {
        "bills in both walks": len(sets[0] & sets[1]),
        "pages whose totals do not add up": off,
        "bills that only one walk brought": left_out,
        "bills that came twice": sum(len(numbers) - len(set(numbers)) for _, numbers in (small, large)),
    }
    seen = "pages add up, and walks with pages of two sizes bring the same" if not (off or left_out) else "pages leave rows out"
    return Answer(seen=seen, figures=figures)


def _walked(books: IntacctPort, size: int, *, most: int) -> tuple[int, list[str]]:
    """(pages whose totals do not add up, record numbers)."""
    off, numbers = 0, list[str]()
    where: Filter | None = None
    while len(numbers) < most:
        query = Query(object_name="APBILL", select=("RECORDNO",), where=where, page_size=size)
        reply = books.data(query.element(), asked="a page of bills")
        rows, left = rows_of(reply, "APBILL", asked="a page of bills"), remaining_of(reply)
        off += total_of(reply, asked="a page of bills") != len(rows) + (left or 0)
        numbers += [row["RECORDNO"] for row in rows]
        if not rows or not left:
            break
        where = more_than("RECORDNO", numbers[-1])
    return off, numbers


def _order(ports: Ports) -> Answer:
    books, clock = ports.books, ports.books.hook.settings.clock
    rows = books.rows("VENDOR", ("WHENMODIFIED",), order_by=("WHENMODIFIED", "RECORDNO"), most=500)
    texts = [row.get("WHENMODIFIED", "") for row in rows]
    keys = [(clock.naive(text), int(row["RECORDNO"])) for text, row in zip(texts, rows, strict=True) if text]
    obeyed = keys == sorted(keys)
    empty = [at for at, text in enumerate(texts) if not text]
    place = "none is empty" if not empty else "first" if empty[0] == 0 else "last" if empty[-1] == len(texts) - 1 else "between"
    figures: dict[str, Any] = {
        "vendors": len(rows),
        "order obeyed": obeyed,
        "without a change time": len(empty),
        "they come": place,
    }
    return Answer(seen=f"the order is {'' if obeyed else 'not '}obeyed; rows without a change time: {place}", figures=figures)


SWITCHES = ("true", "false", "T", "F", "1", "0", "yes", "no")
DATA_TYPES = ("INTEGER", "TEXT", "BOOLEAN", "DATE", "TIMESTAMP", "ENUM", "DECIMAL", "CURRENCY", "PERCENT", "SEQUENCE")


def _lookup(ports: Ports) -> Answer:
    books = ports.books
    told = books.send(element("lookup", element("object", "APBILL")), asked="lookup of APBILL")
    if told.error or told.root is None:
        raise told.error or UnexpectedReply("lookup of APBILL: no answer")
    fields = list(told.root.iter("Field"))
    words = {
        name: among((one.findtext(name) or "" for one in fields), SWITCHES) for name in ("REQUIRED", "READONLY", "ISCUSTOM")
    }
    custom = [one for one in books.fields("APBILL") if one.is_custom]
    state = next((one for one in books.fields("APBILL") if one.name == "STATE"), None)
    writable = sum(one.data_type == "TEXT" and not one.read_only and not one.valid_values for one in custom)
    figures: dict[str, Any] = {
        "fields": len(fields),
        **words,
        "DATATYPE": among((one.findtext("DATATYPE") or "" for one in fields), DATA_TYPES),
        "custom fields": len(custom),
        "custom fields of text that can be written": writable,
        "values that STATE lists": among(state.valid_values, list(BillState)) if state else "no STATE",
    }
    return Answer(seen=f"{len(fields)} fields, {writable} custom fields of text that can be written", figures=figures)


def _read_more(*, patient: bool) -> Callable[[Ports], Answer]:
    def ask(ports: Ports) -> Answer:
        books = ports.books
        first = books.send(_by_query(), asked="readByQuery of vendors")
        if first.error:
            raise first.error
        data = None if first.reply is None else first.reply.data
        result_id = "" if data is None else data.get("resultId", "")
        if not result_id or data is None or data.get("numremaining") in (None, "0"):
            raise NotAsked("there are too few vendors for a second page")
        waited = 0
        while patient and waited < 60:
            ports.wait(600)
            waited += 10
            # The session is kept alive, so that only the cursor's age counts.
            books.send(_formatting_of(books), asked="a call between")
        if not patient:
            books.hook.gateway.sessions.drop(books.hook.gateway.sessions.session())
            books.hook.gateway.sessions.current = books.hook.gateway.sessions.login()
        second = books.send(element("readMore", element("resultId", result_id)), asked="readMore")
        lives = not second.error
        when = f"after {waited} minutes" if patient else "in another session of the user"
        return Answer(seen=f"the cursor {'lives' if lives else 'is dead'} {when}", figures=second.figures | {"lives": lives})

    return ask


def _formatting_of(books: IntacctPort) -> Element:
    return element("readUserFormatting", element("userId", books.hook.settings.login.user_id))


def _by_query() -> Element:
    parts = (("object", "VENDOR"), ("fields", "RECORDNO"), ("query", "RECORDNO > 0"), ("pagesize", "2"))
    return element("readByQuery", *(element(name, text) for name, text in parts))


def _attachments(ports: Ports) -> Answer:
    books = ports.books
    if "SUPDOCID" not in _known(books, "APBILL"):
        raise NotAsked("bills of this company do not tell their attachments")
    found = books.rows("APBILL", ("SUPDOCID",), where=is_known("SUPDOCID"), newest_first=True, most=1)
    if not found or not found[0].get("SUPDOCID"):
        raise NotAsked("no bill has an attachment")
    functions: tuple[Function, ...] = ("get", "get_list")
    answers: dict[Function, Told] = {
        name: books.send(get_document(found[0]["SUPDOCID"], function=name), asked="an attachment") for name in functions
    }
    works = [name for name, told in answers.items() if not told.error and _has_files(told)]
    figures: dict[str, Any] = {name: told.figures | {"files came": name in works} for name, told in answers.items()}
    settings: tuple[Setting, ...] = ()
    if works == ["get_list"]:
        why = "`get` brings no file of an attachment, `get_list` does"
        settings = (Setting(place="flow", key="bills.attachment_function", value="get_list", why=why),)
    return Answer(seen=f"files come by: {', '.join(works) or 'neither'}", figures=figures, settings=settings)


def _has_files(told: Told) -> bool:
    return told.root is not None and next(told.root.iter("attachmentdata"), None) is not None


def _private(ports: Ports) -> Answer:
    books = ports.books
    if books.hook.settings.login.entity_id:
        raise NotAsked("the connection works in one entity, where nothing is private")
    whole, shown = (books.hook.reader.count("APBILL", show_private=private, where=None) for private in (True, False))
    hidden = whole - shown
    settings: tuple[Setting, ...] = ()
    if hidden:
        why = "some bills are seen with it only: write it where the flow is to have them"
        settings = (Setting(place="flow", key="bills.show_private", value=True, why=why),)
    return Answer(
        seen=f"showprivate brings {hidden} more bills to light", figures={"with": whole, "without": shown}, settings=settings
    )


def _summaries(ports: Ports) -> Answer:
    rows = ports.books.rows("APBILLBATCH", ("OPEN",), newest_first=True, most=1000)
    words = among((row.get("OPEN", "") for row in rows), ("Open", "Closed", *SWITCHES))
    return Answer(seen=f"{len(rows)} summaries: {', '.join(words) or 'none'}", figures={"OPEN": words})


def question(
    name: str, asks: str, unsure: str, otherwise: str, ask: Callable[[Ports], Answer], *, slow: bool = False
) -> Question:
    return Question(id=f"intacct-{name}", system="intacct", asks=asks, unsure=unsure, otherwise=otherwise, ask=ask, slow=slow)


QUESTIONS = (
    question(
        "absent-fields",
        "Which of the fields that this project reads does the company lack, and how many bills leave which of them empty?",
        "BASECURR may be absent where there is one currency, WHENMODIFIED where nothing was ever changed.",
        "What is lacking is read as empty; without currency or creator decisions are refused, unless the flow file says more.",
        _absent,
    ),
    question(
        "page-totals",
        "Do count, totalcount and numremaining add up, and do walks with pages of two sizes bring the same bills?",
        "Connectors have measured listings that leave rows out.",
        "A page that lacks rows by its own totals is asked for again, then fails; what totals hide stays unseen for a while.",
        _totals,
    ),
    question(
        "order",
        "Is the order by change time and record number obeyed, and where do rows without a change time stand?",
        "The place of empty values is told nowhere.",
        "A walk that does not move on fails; rows without a change time are asked for by themselves.",
        _order,
    ),
    question(
        "lookup",
        "Which words do lookup's flags and types have, and which states does it list?",
        "Counts of companies differ, and samples have other words than recordings.",
        "A flag of another word fails lookup, and with it the run.",
        _lookup,
    ),
    question(
        "read-more",
        "Does a cursor of readByQuery live on in another session of the same user?",
        "The life of cursors is told nowhere.",
        "Nothing: this project pages by keys and holds no cursor.",
        _read_more(patient=False),
    ),
    question(
        "read-more-later",
        "Does a cursor of readByQuery live for an hour?",
        "The life of cursors is told nowhere.",
        "Nothing: this project pages by keys and holds no cursor.",
        _read_more(patient=True),
        slow=True,
    ),
    question(
        "attachments",
        "Which function brings the files of an attachment: get, get_list or both?",
        "Both are documented as older functions, and the answer of neither.",
        "A refused function stops the file with a sentence that names the other one.",
        _attachments,
    ),
    question(
        "private-bills",
        "How many bills does `showprivate` bring to light at top level?",
        "It depends on the company's entities.",
        "Preflight counts them and says so.",
        _private,
    ),
    question(
        "summaries",
        "Can summaries be read, and by which words are they open or closed?",
        "The words are documented for people's screens only.",
        "Only the word Closed closes the books: with another word for it, decisions of closed periods would be stamped.",
        _summaries,
    ),
)
