"""Questions about how Intacct refuses, repeats and limits: codes, levels and words, and what our own reading makes of each."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from intacct_asana.intacct.query import Query, equal
from intacct_asana.intacct.xml import Element, Login, SessionId, lookup, read_user_formatting
from intacct_asana.proving.at_intacct import IntacctPort, Told
from intacct_asana.proving.question import Answer, Ports, Question, Setting

NOWHERE = "NO_SUCH_FIELD_ANYWHERE"
NO_OBJECT = "NOSUCHOBJECTANYWHERE"
UNGUESSED = "prove-live-knows-no-such-session"
LIMIT_HEADER = re.compile(r"[a-z0-9-]*(retry|limit|quota|throttl|concurren|remaining)[a-z0-9-]*")


def _details(ports: Ports) -> Answer:
    """The element last, where we send it, and before `includewhitespace`, where other programmes might."""
    books = ports.books
    function = _formatting(books)
    last = books.send(function, error_details=True, asked="a request for error details")
    inside = books.send(_formatting(books), error_details=True, change=_moved_inside, asked="the same in another place")
    refused = books.send(_query(NOWHERE), error_details=not last.error, asked="an unknown field, with error details")
    taken, elsewhere = not last.error, not inside.error
    figures: dict[str, Any] = {
        "taken as the last of control": taken,
        "taken before includewhitespace": elsewhere,
        "an error then has a stable id": any(fault.stable_id for fault in refused.faults.listed),
        "an error then has message ids": any(fault.message_ids for fault in refused.faults.listed),
        "our code ends with": last.ends_as,
    }
    settings: tuple[Setting, ...] = ()
    if not taken:
        why = "a request that asks for details is not read, so preflight need not try"
        settings = (Setting(place="connection intacct", key="error_details", value="off", why=why),)
    seen = f"{'taken' if taken else 'not taken'} as the last element, {'taken' if elsewhere else 'not taken'} elsewhere"
    return Answer(seen=seen, figures=figures, settings=settings)


def _moved_inside(body: bytes) -> bytes:
    wish = b"<showadditionalerrorinfo>true</showadditionalerrorinfo>"
    return body.replace(wish, b"").replace(b"<includewhitespace>", wish + b"<includewhitespace>")


def _formatting(books: IntacctPort) -> Element:
    return read_user_formatting(books.hook.settings.login.user_id)


def _query(field: str, object_name: str = "APBILL") -> Element:
    return Query(object_name=object_name, select=("RECORDNO", field), page_size=1).element()


def _refusal(send: Callable[[Ports], Told]) -> Callable[[Ports], Answer]:
    def ask(ports: Ports) -> Answer:
        told = send(ports)
        return Answer(seen=told.said, figures=told.figures)

    return ask


def _wrong_session(ports: Ports) -> Told:
    return ports.books.send(lookup("VENDOR"), who=SessionId(value=UNGUESSED), asked="a session that nobody opened")


def _unknown_field(ports: Ports) -> Answer:
    told = ports.books.send(_query(NOWHERE), asked="an unknown field")
    named = NOWHERE in " ".join(text for fault in told.faults.listed for text in fault.texts)
    return Answer(
        seen=f"{told.said}; the field is {'' if named else 'not '}named", figures=told.figures | {"names the field": named}
    )


def _unknown_object(ports: Ports) -> Told:
    return ports.books.send(_query("RECORDNO", NO_OBJECT), asked="an unknown object")


OBJECTS = {
    "APBILL": (),
    "APBILLITEM": (),
    "VENDOR": (),
    "APPYMT": (("bills.payments", "totals"),),
    "APPYMTDETAIL": (("bills.payments", "totals"),),
    "APBILLBATCH": (("approval.closed_books", "accept"),),
    "USERINFO": (),
    "AUDITHISTORY": (("bills.deletions", "sweep"), ("vendors.deletions", "sweep")),
    "ROLEASSIGNMENT": (),
    "ROLEPOLICYASSIGNMENT": (),
    "MEMBERUSERGROUP": (),
    "PODOCUMENT": (),
}
"""What this project reads, and what a flow file says where an object may not be read."""


def _rights(ports: Ports) -> Answer:
    refused: dict[str, Told] = {}
    for name in OBJECTS:
        key = "ID" if name == "AUDITHISTORY" else "RECORDNO"
        query = Query(object_name=name, select=(key,), order_by=(key,), page_size=1)
        told = ports.books.send(query.element(), asked=f"reading {name}")
        if told.error:
            refused[name] = told
    shown = sum(not ports.books.send(lookup(name), asked=f"lookup of {name}").error for name in refused)
    figures: dict[str, Any] = {
        "objects": len(OBJECTS),
        "refused": {name: told.figures for name, told in refused.items()},
        "refused ones that lookup shows": shown,
    }
    settings = [
        Setting(place="flow", key=key, value=value, why=f"{name} may not be read; or give the role that right")
        for name in refused
        for key, value in OBJECTS[name]
    ]
    unlike = sorted({told.ends_as for told in refused.values()} - {"Misconfigured"})
    seen = f"{len(OBJECTS) - len(refused)} of {len(OBJECTS)} objects may be read"
    seen += f"; refusals are read as {', '.join(unlike)} too, which looks like no missing right" if unlike else ""
    return Answer(seen=seen, figures=figures, settings=tuple({one.key: one for one in settings}.values()))


def _repeated_read(ports: Ports) -> Answer:
    books, control_id = ports.books, f"prove-live-{uuid.uuid4()}"
    told = [
        books.send(_formatting(books), control_id=control_id, unique=True, asked="a control id, used twice") for _ in range(2)
    ]
    if told[0].error:
        raise told[0].error
    return Answer(seen=f"the repeat: {repeat_words(told[1])}", figures=told[1].figures)


def repeat_words(told: Told) -> str:
    """How the repeat of a control id was answered."""
    if not told.error:
        return "a success, as if it were new"
    return f"a result without a status, read as {told.ends_as}" if told.result_status == "absent" else told.said


def _bad_characters(ports: Ports) -> Answer:
    """In a filter of a query, so that nothing can come of it. Our own code never sends these: it cleans every text."""
    answers: dict[str, Told] = {}
    for name, sent in (
        ("C0 by reference", b"&#1;"),
        ("C0 as it is", b"\x01"),
        ("U+FFFE", "\ufffe".encode()),
        ("emoji", "😀".encode()),
    ):
        query = Query(object_name="VENDOR", select=("RECORDNO",), where=equal("VENDORID", "PROVELIVE"), page_size=1)
        answers[name] = ports.books.send(
            query.element(),
            change=lambda body, sent=sent: body.replace(b"PROVELIVE", b"PROVE" + sent + b"LIVE"),  # type: ignore[misc]
            asked=f"{name} in a filter",
        )
    taken = [name for name, told in answers.items() if not told.error]
    refused = [name for name in answers if name not in taken]
    return Answer(
        seen=f"taken: {', '.join(taken) or 'none'}; refused: {', '.join(refused) or 'none'}",
        figures={name: told.figures for name, told in answers.items()},
    )


AT_ONCE = 3


def _at_once(ports: Ports) -> Answer:
    """Three reads in one moment, past our own queue. A refused one did nothing."""
    books = ports.books
    books.send(lookup("VENDOR"), asked="a call alone")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        calls = [
            pool.submit(books.send, _query("WHENMODIFIED"), in_turn=False, asked="one of several calls at once")
            for _ in range(AT_ONCE)
        ]
        told = [call.result() for call in calls]
    refused = [one for one in told if one.error]
    headers = sorted({name for one in told for name in one.headers if LIMIT_HEADER.fullmatch(name)})
    figures: dict[str, Any] = {
        "at once": AT_ONCE,
        "refused": len(refused),
        "refusals": [one.figures for one in refused[:1]],
        "headers that speak of limits": headers,
        "a refusal says how long to wait": any("retry-after" in one.headers for one in refused),
    }
    most = AT_ONCE - len(refused)
    settings: tuple[Setting, ...] = ()
    if not refused:
        why = f"{AT_ONCE} calls at once were taken; 2 is careful, and the pool needs as many slots"
        settings = (Setting(place="connection intacct", key="max_concurrency", value=2, why=why),)
    elif books.hook.settings.max_concurrency > max(1, most):
        why = f"{len(refused)} of {AT_ONCE} calls at once were refused"
        settings = (Setting(place="connection intacct", key="max_concurrency", value=max(1, most), why=why),)
    return Answer(seen=f"of {AT_ONCE} calls at once {len(refused)} were refused", figures=figures, settings=settings)


def _wrong_password(ports: Ports) -> Answer:
    login = ports.books.hook.settings.login
    wrong = Login(
        user_id=login.user_id,
        company_id=login.company_id,
        password=f"not-the-password-{uuid.uuid4()}",
        client_id=login.client_id,
        entity_id=login.entity_id,
    )
    told = ports.books.send(_formatting(ports.books), who=wrong, asked="a wrong password")
    right = ports.books.send(_formatting(ports.books), who=login, asked="the right one after it")
    if right.error:
        ports.left.append("The user's right password is refused after the wrong one: see in Intacct whether it is locked out.")
    return Answer(seen=told.said, figures=told.figures | {"the right one after it": right.ends_as})


QUESTIONS = (
    Question(
        id="intacct-error-details",
        system="intacct",
        asks="Does the gateway take `showadditionalerrorinfo`, in which place, and what do errors hold then?",
        unsure="It is documented and not in the published schema, so its place among the others is told nowhere.",
        otherwise="It is sent once preflight saw a request with it answered, and left out for ever where it was not.",
        ask=_details,
    ),
    Question(
        id="intacct-dead-session",
        system="intacct",
        asks="How is a session id answered that nobody knows?",
        unsure="Two generations of the gateway answer at different levels, in words of their own.",
        otherwise="Any failure of a login by session counts as its end, whatever the words: one login, and the call again.",
        ask=_refusal(_wrong_session),
    ),
    Question(
        id="intacct-unknown-field",
        system="intacct",
        asks="How is a query refused that selects a field which does not exist, and is the field named?",
        unsure="The code and the words are from other people's programmes.",
        otherwise="`lookup` is asked before, so that no unknown field is selected; one that is gone since fails the run.",
        ask=_unknown_field,
    ),
    Question(
        id="intacct-unknown-object",
        system="intacct",
        asks="How is a query refused of an object that does not exist?",
        unsure="Two codes have been seen, one of which also means a rollback.",
        otherwise="Read as a refusal, or as a fault of the server that is tried again a few times.",
        ask=_refusal(_unknown_object),
    ),
    Question(
        id="intacct-rights",
        system="intacct",
        asks="Which of the objects that this project reads may the user read, and how are the others refused?",
        unsure="The code of a missing right is recorded for few objects, and for the audit history without any.",
        otherwise="A refusal that is not read as a missing right fails the run instead of being told by preflight.",
        ask=_rights,
    ),
    Question(
        id="intacct-repeated-read",
        system="intacct",
        asks="How is a request answered whose control id was used before, for a function that only reads?",
        unsure="No public source has an answer; once a result without any status was seen.",
        otherwise="The outcome of a write counts as unknown then, and the record is read before anything is written again.",
        ask=_repeated_read,
    ),
    Question(
        id="intacct-bad-characters",
        system="intacct",
        asks="What becomes of a request with characters that XML cannot carry, and of one beyond the basic plane?",
        unsure="Nobody recorded it.",
        otherwise="Texts are cleaned before they are sent; emoji go along as they are.",
        ask=_bad_characters,
    ),
    Question(
        id="intacct-at-once",
        system="intacct",
        asks="Are three reads in one moment taken, how is one refused, and which headers speak of limits?",
        unsure="What a company may do at once depends on its tier; for the XML gateway no header is documented.",
        otherwise="A 429 is waited out, for as long as it says or longer each time; nothing is lost by it.",
        ask=_at_once,
    ),
    Question(
        id="intacct-wrong-password",
        system="intacct",
        asks="How is a wrong password answered?",
        unsure="Two generations of the gateway answer with different statuses and codes.",
        otherwise="Read as a mistake in the connection, and never tried again by itself.",
        ask=_wrong_password,
        writes="one failed sign-in of the Web Services user, which may count towards locking it out",
        taken_back="a right sign-in directly after it",
    ),
)
