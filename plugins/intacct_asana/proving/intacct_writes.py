"""Questions that write to Intacct: each on a draft bill that it makes itself, of one cent, and deletes again.

A draft is in nobody's ledger. Every write says `ACTION` Draft, since without it Intacct may submit a draft.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from datetime import timedelta
from typing import Any

from intacct_asana.errors import IntacctAsanaError, OutcomeUnknown, Refused, UnexpectedReply
from intacct_asana.intacct.query import any_of, equal, one_of
from intacct_asana.intacct.replies import record_no_of
from intacct_asana.intacct.timestamps import day_text, offset_of
from intacct_asana.intacct.xml import Element, create, element, record, update
from intacct_asana.proving.at_intacct import IntacctPort, Row, Told
from intacct_asana.proving.intacct_answers import repeat_words
from intacct_asana.proving.intacct_times import QUARTER, offset_text, preferences, reads, utc
from intacct_asana.proving.masks import counted, number_form
from intacct_asana.proving.question import Answer, NotAsked, Ports, Question, Setting, taken_back

MARK = "prove-live"
"""What every draft of ours has in its description, with a number of its own: so one is found also when no answer came."""

TEMPLATES = 20
MOST_LOOKS, LOOK_SECONDS = 6, 5.0


@contextmanager
def a_draft(ports: Ports) -> Iterator[tuple[IntacctPort, Row, str]]:
    """A draft of one cent, made like the newest bill: same vendor, account and dimensions. Its row, and its mark.

    It is deleted afterwards, whatever happened, and looked for by its mark: what is still there goes to whoever asks.
    """
    books, mark = ports.books, f"{MARK} {uuid.uuid4()}"
    fields, line = _template(books)
    with _nothing_left(ports, mark) as numbers:
        said = {**fields, "DESCRIPTION": mark, "ACTION": "Draft"}
        told = books.send(create("APBILL", said, line), asked="making a draft")
        if isinstance(told.error, Refused):
            # A company that does not number its bills wants a number.
            numbered = {**said, "RECORDID": f"PL-{mark[-12:]}"}
            told = books.send(create("APBILL", numbered, deepcopy(line)), asked="making a draft with a number")
        if told.error:
            raise told.error
        assert told.reply is not None
        numbers += [one for one in [record_no_of(told.reply)] if one]
        found = _marked(books, mark, numbers)
        if len(found) != 1:
            raise UnexpectedReply(f"Our draft is there {len(found)} times.")
        if found[0].get("STATE") != "Draft":
            raise UnexpectedReply("What was made as a draft is none.")
        yield books, found[0], mark


@contextmanager
def _nothing_left(ports: Ports, mark: str) -> Iterator[list[str]]:
    """Bills with this mark, and those whose numbers are put into the list, are deleted afterwards and looked for."""
    books = ports.books
    numbers: list[str] = []
    is_unsure = False

    def undo() -> bool:
        found = _marked(books, mark, numbers)
        for row in found:
            books.send(_delete(row["RECORDNO"]), asked="deleting our draft")
        return not _marked(books, mark, numbers) and (bool(found) or not is_unsure)

    where = f"a draft bill of 0.01 with the description {mark!r} in company {books.company_id}"
    with taken_back(ports, undo=undo, remains=f"It may still be there: {where}. Delete it in Intacct."):
        try:
            yield numbers
        except (OutcomeUnknown, KeyboardInterrupt):
            # Nobody said whether it is made: it may yet be, after it was looked for.
            is_unsure = not numbers
            raise


def _template(books: IntacctPort) -> tuple[dict[str, str], Element]:
    """Header and lines for a new draft, from the newest bill with a line, in the base currency where there is one."""
    bills = books.newest_bills()
    plain = [row for row in bills if row.get("CURRENCY", "") == row.get("BASECURR", "")]
    for bill in (plain or bills)[:TEMPLATES]:
        names = ("ACCOUNTNO", "LOCATIONID", "DEPARTMENTID", "PROJECTID", "CLASSID")
        lines = books.rows("APBILLITEM", names, where=equal("RECORDKEY", bill["RECORDNO"]), most=5)
        first = next((line for line in lines if line.get("ACCOUNTNO")), None)
        if first is None:
            continue
        said = {name: first[name] for name in names if first.get(name)}
        today = day_text((books.hook.gateway.now()).date())
        header = {"WHENCREATED": today, "VENDORID": bill["VENDORID"], "WHENDUE": today}
        if bill.get("CURRENCY"):
            header["CURRENCY"] = bill["CURRENCY"]
        return header, element("APBILLITEMS", record("APBILLITEM", {**said, "TRX_AMOUNT": "0.01", "ENTRYDESCRIPTION": MARK}))
    raise NotAsked("there is no bill with a line whose vendor and account a draft could have")


def _marked(books: IntacctPort, mark: str, numbers: Sequence[str] = ()) -> list[Row]:
    names = ("STATE", "WHENMODIFIED", "AUWHENCREATED", "CREATEDBYLOGINID", "DESCRIPTION", "ONHOLD", "WHENDUE", "RECORDID")
    private = not books.hook.settings.login.entity_id
    ours = equal("DESCRIPTION", mark)
    where = any_of(ours, one_of("RECORDNO", numbers)) if numbers else ours
    return books.rows("APBILL", names, where=where, show_private=private)


def _delete(record_no: str) -> Element:
    return element("delete", element("object", "APBILL"), element("keys", record_no))


def _change(books: IntacctPort, draft: Row, values: Mapping[str, str], *lists: Element, control_id: str = "") -> Told:
    function = update("APBILL", {"RECORDNO": draft["RECORDNO"], **values, "ACTION": "Draft"})
    function[0].extend(lists)
    return books.send(function, control_id=control_id, asked="a change of our draft")


def _read(books: IntacctPort, draft: Row, *names: str) -> Row:
    found = books.rows("APBILL", names, where=equal("RECORDNO", draft["RECORDNO"]))
    if not found:
        raise UnexpectedReply("Our draft is gone.")
    return found[0]


def _made(ports: Ports) -> Answer:
    """A bill of this second: by which clocks its times are, who made it, and when its deletion shows."""
    with a_draft(ports) as (books, draft, _):
        now = books.server_now(books.send(element("lookup", element("object", "VENDOR")), asked="the time"))
        clock, number = books.hook.settings.clock, draft["RECORDNO"]
        apart = {}
        for name in ("WHENMODIFIED", "AUWHENCREATED"):
            text = draft.get(name, "")
            is_told = now is not None and reads(text, clock.timestamp_format)
            apart[name] = offset_text(_nearest(utc(text, clock) - now)) if is_told and now else "absent"
        own = draft.get("CREATEDBYLOGINID", "").casefold() == books.hook.settings.login.user_id.casefold()
    key, waited = _deletion(ports, books, number)
    figures: dict[str, Any] = {
        **{f"{name} less the gateway's clock": distance for name, distance in apart.items()},
        "CREATEDBYLOGINID is our login": own,
        "the deletion shows in the history": key or "not",
        "seconds until then": waited,
    }
    return Answer(
        seen=f"WHENMODIFIED is {apart['WHENMODIFIED']} from GMT, AUWHENCREATED {apart['AUWHENCREATED']}; "
        f"the deletion is told as {key or 'nothing'}",
        figures=figures,
        settings=tuple(_offset_settings(books, apart["WHENMODIFIED"])),
    )


def _nearest(distance: timedelta) -> timedelta:
    """To the quarter of an hour: the call itself takes a moment."""
    return round(distance / QUARTER) * QUARTER


def _offset_settings(books: IntacctPort, seen: str) -> Iterator[Setting]:
    settings = books.hook.settings
    said = bool(settings.timestamp_offset or settings.timestamp_zone)
    preferred = offset_text(offset_of(preferences(books).gmt_offset))
    # Where the connection says nothing, GMT is taken for it, and preflight goes by the preferences.
    is_right = seen == offset_text(settings.clock.gmt_offset) if said else seen == preferred == "+00:00"
    if seen != "absent" and not settings.timestamp_zone and not is_right:
        why = "a bill of this second was told so; a zone instead, where the company's clocks are set twice a year"
        yield Setting(place="connection intacct", key="timestamp_offset", value=seen, why=why)


def _deletion(ports: Ports, books: IntacctPort, number: str) -> tuple[str, int]:
    """The shape of the key in the deletion's row, and the seconds that were waited for it."""
    from intacct_asana.proving.intacct_values import history

    for look in range(MOST_LOOKS):
        try:
            rows = history(books, "apbill", mode="D")
        except IntacctAsanaError:
            return "", 0
        if key := next((row["OBJECTKEY"] for row in rows if row.get("OBJECTKEY", "").partition("--")[0] == number), ""):
            return number_form(key), round(look * LOOK_SECONDS)
        ports.wait(LOOK_SECONDS)
    return "", round(MOST_LOOKS * LOOK_SECONDS)


def _header_change(ports: Ports) -> Answer:
    """The description alone, without the due date; then with it where that was refused."""
    with a_draft(ports) as (books, draft, mark):
        ports.wait(2)
        bare = _change(books, draft, {"DESCRIPTION": mark})
        with_due = _change(books, draft, {"DESCRIPTION": mark, "WHENDUE": draft.get("WHENDUE", "")}) if bare.error else None
        after = _read(books, draft, "WHENMODIFIED", "STATE", "DESCRIPTION")
    moved = after.get("WHENMODIFIED", "") != draft.get("WHENMODIFIED", "")
    figures: dict[str, Any] = {
        "without the due date": bare.figures,
        "with it": with_due.figures if with_due else "not tried",
        "WHENMODIFIED moved": moved,
        "still a draft": after.get("STATE") == "Draft",
    }
    settings: tuple[Setting, ...] = ()
    if with_due and not with_due.error:
        why = "an update of a bill without its due date is refused"
        settings = (Setting(place="flow", key="write_back.send_due_on", value=True, why=why),)
    taken = "without the due date" if not bare.error else "with the due date only" if settings else "neither way"
    return Answer(
        seen=f"an update is taken {taken}; its change time {'moves' if moved else 'stays'}", figures=figures, settings=settings
    )


def _line_change(ports: Ports) -> Answer:
    with a_draft(ports) as (books, draft, _):
        lines = books.rows("APBILLITEM", ("WHENMODIFIED",), where=equal("RECORDKEY", draft["RECORDNO"]))
        if not lines:
            raise UnexpectedReply("Our draft has no line.")
        _, told_line = _template(books)
        said = {str(cell.tag): cell.text or "" for cell in told_line[0]}
        said = {"RECORDNO": lines[0]["RECORDNO"], **said, "ENTRYDESCRIPTION": f"{MARK} changed"}
        ports.wait(2)
        told = _change(books, draft, {}, element("APBILLITEMS", record("APBILLITEM", said)))
        after = _read(books, draft, "WHENMODIFIED")
        rows = books.rows("APBILLITEM", ("WHENMODIFIED",), where=equal("RECORDKEY", draft["RECORDNO"]))
    moved = after.get("WHENMODIFIED", "") != draft.get("WHENMODIFIED", "")
    figures: dict[str, Any] = told.figures | {
        "the bill's WHENMODIFIED moved": moved,
        "the line kept its number": [row["RECORDNO"] for row in rows] == [lines[0]["RECORDNO"]],
        "lines without WHENMODIFIED": sum(not row.get("WHENMODIFIED") for row in rows),
    }
    return Answer(seen=f"{told.said}; the bill's change time {'moves' if moved else 'stays'}", figures=figures)


LENGTHS = (80, 255, 256, 400, 1000, 4000)


def _lengths(ports: Ports) -> Answer:
    """Longer and longer texts into one custom field of the draft, until one is not kept as it was sent."""
    with a_draft(ports) as (books, draft, _):
        name = _text_field(books, ports.text_field)
        fates: dict[str, str] = {}
        refusal: Told | None = None
        for length in LENGTHS:
            told = _change(books, draft, {name: "x" * length})
            kept = len(_read(books, draft, name).get(name, ""))
            refusal = told if told.error else refusal
            fates[str(length)] = "refused" if told.error else "kept" if kept == length else f"cut to {kept}" if kept else "lost"
            if fates[str(length)] != "kept":
                break
    kept_all = [length for length, fate in fates.items() if fate == "kept"]
    last = list(fates.values())[-1]
    figures: dict[str, Any] = {"characters": fates, "refusal": refusal.figures if refusal else "none"}
    return Answer(seen=f"{kept_all[-1] if kept_all else 'not even 80'} characters are kept; longer: {last}", figures=figures)


def _text_field(books: IntacctPort, wanted: str) -> str:
    """The field that was named, else the first of the stamp's usual names that is one."""
    fits = [
        one.name
        for one in books.fields("APBILL")
        if one.is_custom and one.data_type == "TEXT" and not one.read_only and not one.valid_values
    ]
    if wanted and wanted not in fits:
        raise NotAsked("the field that --text-field names is no custom field of bills that takes text")
    found = wanted or next(
        (name for name in sorted(fits, key=lambda name: "REASON" not in name) if name.startswith("ASANA_")), ""
    )
    if not found:
        raise NotAsked("no custom field of bills takes text under a name that begins with ASANA_; name one with --text-field")
    return found


TEXTS = {
    "Latin-1": "Müller & Söhne: 5 < 6 > 4",
    "quotes": "\"a\" and 'b'",
    "Greek": "Αθήνα",
    "Chinese": "北京",
    "emoji": "a 😀 b",
    "combining": "é",
    "two blanks": "a  b",
    "blanks around": " a ",
    "line end": "a\nb",
    "tab": "a\tb",
}


def _characters(ports: Ports) -> Answer:
    with a_draft(ports) as (books, draft, _):
        name = _text_field(books, ports.text_field)
        fates = {}
        for what, text in TEXTS.items():
            told = _change(books, draft, {name: text})
            fates[what] = "refused" if told.error else _fate(text, _read(books, draft, name).get(name, ""))
    otherwise = [what for what, fate in fates.items() if fate != "kept"]
    return Answer(seen=f"not kept as sent: {', '.join(otherwise) or 'none'}", figures={"texts": fates})


def _fate(sent: str, kept: str) -> str:
    if kept == sent:
        return "kept"
    if kept == sent.strip():
        return "trimmed"
    return "another text" if kept else "lost"


def _hold(ports: Ports) -> Answer:
    with a_draft(ports) as (books, draft, _):
        states, answers = [], []
        for word in ("true", "false"):
            answers.append(_change(books, draft, {"ONHOLD": word}))
            states.append(_read(books, draft, "ONHOLD").get("ONHOLD", "").casefold() in ("true", "t", "1"))
    figures: dict[str, Any] = {
        "put on hold": answers[0].figures,
        "released": answers[1].figures,
        "it is on hold then": states[0],
        "it is free then": not states[1],
    }
    return Answer(
        seen=f"a hold {'holds' if states[0] else 'does not hold'}, and {'lifts' if not states[1] else 'does not lift'}",
        figures=figures,
    )


def _repeated_write(ports: Ports) -> Answer:
    with a_draft(ports) as (books, draft, mark):
        control_id = f"{MARK}-{uuid.uuid4()}"
        first = _change(books, draft, {"DESCRIPTION": mark}, control_id=control_id)
        if first.error:
            raise first.error
        again = _change(books, draft, {"DESCRIPTION": mark}, control_id=control_id)
        refused_id = f"{MARK}-{uuid.uuid4()}"
        refused = _change(books, {**draft, "RECORDNO": "0"}, {"DESCRIPTION": mark}, control_id=refused_id)
        after_refusal = _change(books, draft, {"DESCRIPTION": mark}, control_id=refused_id)
    figures: dict[str, Any] = {
        "the repeat": again.figures,
        "a status in the repeat": again.result_status,
        "after a refusal the same id": after_refusal.ends_as if refused.error else "not asked",
    }
    return Answer(seen=f"the repeat: {repeat_words(again)}", figures=figures)


def _failed_create(ports: Ports) -> Answer:
    """With a vendor id that nobody has. Should it be made all the same, it is found by its mark and deleted."""
    books, mark = ports.books, f"{MARK} {uuid.uuid4()}"
    fields, line = _template(books)

    with _nothing_left(ports, mark) as numbers:
        values = {**fields, "VENDORID": f"PL-{uuid.uuid4().hex[:12]}", "DESCRIPTION": mark, "ACTION": "Draft"}
        told = books.send(create("APBILL", values, line), asked="a draft for nobody")
        numbers += [record_no_of(told.reply)] if told.reply and record_no_of(told.reply) else []
        made = len(_marked(books, mark))
    data = None if told.root is None else told.root.find("operation/result/data")
    count = "no data" if data is None else "data with a count of 0" if data.get("count") == "0" else "data with another count"
    named = bool(told.reply and record_no_of(told.reply))
    figures: dict[str, Any] = told.figures | {"the failure tells": count, "bills made": made, "a record is named": named}
    return Answer(seen=f"{told.said}; it tells {count}", figures=figures)


def _bill_numbers(ports: Ports) -> Answer:
    with a_draft(ports) as (books, draft, _):
        fates = {}
        number = f"PL{uuid.uuid4().hex[:8]}"
        for mark in ("&", "<", ">", "#", "?", "/", "'", '"', "é"):
            told = _change(books, draft, {"RECORDID": f"{number}{mark}1"})
            kept = _read(books, draft, "RECORDID").get("RECORDID", "") == f"{number}{mark}1"
            fates[mark] = "refused" if told.error else "kept" if kept else "another text"
    fate_words = ", ".join(f"{count} {what}" for what, count in counted(fates.values()).items())
    return Answer(seen=f"of {len(fates)} characters: {fate_words}", figures={"bill numbers with": fates})


DRAFT = "one draft bill of 0.01, with the vendor, account and dimensions of the newest bill"
DELETED = "the draft is deleted and looked for"


def _question(
    name: str, asks: str, unsure: str, otherwise: str, ask: Callable[[Ports], Answer], writes: str = DRAFT
) -> Question:
    return Question(
        id=f"intacct-{name}",
        system="intacct",
        asks=asks,
        unsure=unsure,
        otherwise=otherwise,
        ask=ask,
        writes=writes,
        taken_back=DELETED,
    )


QUESTIONS = (
    _question(
        "draft-times",
        "By which clocks are the times of a bill of this second, who is its creator, and how does the history tell its end?",
        "The zone of each time is inferred from one recording; how late the history is, is told nowhere.",
        "A wrong zone shifts manual windows and backfills; a late history is what the sweep is for.",
        _made,
    ),
    _question(
        "draft-update",
        "Is an update of a header taken without the due date, and does it move the change time?",
        "WHENDUE is marked as needed, and the documentation's own sample leaves it out.",
        "The stamp is refused until the flow file says `send_due_on`.",
        _header_change,
    ),
    _question(
        "draft-line",
        "Does a change of a line alone move the bill's change time?",
        "It is told nowhere.",
        "Lines have a stream of their own, so nothing is missed.",
        _line_change,
    ),
    _question(
        "text-length",
        "How long a text does a custom field keep, and is a longer one refused or cut?",
        "Lengths are not in lookup.",
        "What reads back otherwise than it was written is a failed stamp, told on the task.",
        _lengths,
    ),
    _question(
        "text-characters",
        "Which characters does a custom field keep as they are?",
        "What happens outside the company's character set is told nowhere.",
        "What reads back otherwise than it was written is a failed stamp, told on the task.",
        _characters,
    ),
    _question(
        "hold",
        "Can a bill be put on hold and released by an update?",
        "The samples and the table of parameters differ.",
        "The step `hold` or `release_hold` fails, and the task says so.",
        _hold,
    ),
    _question(
        "repeated-write",
        "How is a write answered whose control id was used before, and does a refused one use its id up?",
        "No public source has an answer; once a result without any status was seen.",
        "The outcome counts as unknown, and the bill is read before anything is written again.",
        _repeated_write,
    ),
    _question(
        "failed-create",
        "What does the answer tell where a bill could not be made?",
        "A count of zero is published, and its absence recorded.",
        "A failure that names a record is an unknown outcome; any other is a refusal.",
        _failed_create,
        "nothing, if it is refused as it should be: a draft for a vendor that nobody has",
    ),
    _question(
        "bill-numbers",
        "Which characters may a bill's number hold?",
        "One integration refuses & < > # ? after refusals by the server.",
        "Nothing: this project writes no numbers, and reads any.",
        _bill_numbers,
    ),
)
