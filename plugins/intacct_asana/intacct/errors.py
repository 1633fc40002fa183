"""The gateway's errors, and answers that are no answer of its: what each means for what happens next."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from urllib.parse import unquote

from lxml import etree

from intacct_asana.errors import (
    IntacctAsanaError,
    Misconfigured,
    OutcomeUnknown,
    Refused,
    SessionEnded,
    TryLater,
    UnexpectedReply,
)
from intacct_asana.text import short

LONGEST_TEXT = 500
LONGEST_RAW = 8000
MOST_FAULTS = 20
"""Bounds on what is read of an answer's texts, so that no pattern below ever meets a megabyte."""

READ_BACK = "It may have been done: read the record back first."
LOGIN_CURE = "Check company id, entity id, user id and password of the connection."
NOT_AGAIN = "It is not tried again by itself, because repeated failures lock users out."

SUPPORT_ID = re.compile(r"\[?\s{0,9}(?:Support|Request) ID:\s{0,9}([^\]\s]+)\s{0,9}\]?", re.IGNORECASE)
SESSION_START = re.compile(r"(invalid session)\s+\S+", re.IGNORECASE)

LOGIN_CODES = frozenset({"GW-0011", "XMLGW_JPP0002", "XL03000006", "PL04000055", "invalidRequest"})
UNKNOWN_REQUEST = "XL03000003"
"""The gateway could not make out what was asked for."""

BROKE = "DL02000001"
"""The general error of the server: it tells nothing about what happened before it. Without a detail it comes and goes."""

NO_DETAIL = re.compile(r"(There was an error processing the request\.?)?", re.IGNORECASE)

CURES = (
    (re.compile(r"demo company", re.IGNORECASE), "Sage Intacct renews or replaces the company."),
    (re.compile(r"transport policy", re.IGNORECASE), "Something between us and Intacct added a policy id to the request."),
    (
        re.compile(r"authori[sz]", re.IGNORECASE),
        "A company administrator adds the sender id under Company, Security, Web Services authorizations.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One `error` of an answer. `number` is not always a code, and may be empty.

    `texts` are its descriptions and its correction, each text once.
    `stable_id` (`GL-0493`) and `message_ids` (`IA.SOMETHING`) come from `showadditionalerrorinfo` and outlive rewordings;
    `about` is what they name: `object APBILL`, `field WHENDUE`, `ACCOUNTNO 5000.11`.
    """

    number: str
    texts: tuple[str, ...] = ()
    stable_id: str = ""
    message_ids: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    support_id: str = ""

    def __str__(self) -> str:
        marks = ", ".join(mark for mark in (self.number, self.stable_id, *self.message_ids, *self.about) if mark)
        return f"{self.text or 'no text'}{f' [{marks}]' if marks else ''}"

    @property
    def text(self) -> str:
        return " ".join(self.texts)


@dataclass(frozen=True, slots=True)
class Faults:
    """All errors of one `errormessage`. The first is usually the cause, later ones generic."""

    listed: tuple[Fault, ...] = ()

    @property
    def code(self) -> str | None:
        return next((fault.number or fault.stable_id for fault in self.listed if fault.number or fault.stable_id), None)

    @property
    def wording(self) -> str:
        """Everything that was said, for people; each text once."""
        return " | ".join(dict.fromkeys(str(fault) for fault in self.listed)) or "no reason given"

    @property
    def support(self) -> str:
        ids = ", ".join(dict.fromkeys(fault.support_id for fault in self.listed if fault.support_id))
        return f" (support id {ids})" if ids else ""

    def __str__(self) -> str:
        return f"Intacct said: {self.wording}{self.support}"


@dataclass(frozen=True, slots=True)
class Kind:
    """What an error is, told by its code or by a text that says nothing else.

    A text names vendors, bills and users, and a vendor may be called `Rate Limit Partners`. So a kind is never searched for
    within a text: the first sentence has to be one that is known from its start to its end, and what follows advice.
    """

    sentence: re.Pattern[str]
    codes: frozenset[str] = frozenset()

    def says(self, text: str) -> bool:
        first, *more = _sentences(text)
        if self.sentence.fullmatch(" ".join((first, *more))):
            return True
        return bool(self.sentence.fullmatch(first)) and all(
            self.sentence.fullmatch(one) or ADVICE.fullmatch(one) for one in more
        )

    def among(self, faults: Faults) -> bool:
        return any(
            self.codes.intersection((fault.number, fault.stable_id)) or any(map(self.says, fault.texts))
            for fault in faults.listed
        )


def _kind(*sentences: str, codes: Collection[str] = ()) -> Kind:
    return Kind(re.compile("|".join(sentences), re.IGNORECASE), frozenset(codes))


ADVICE_WORDS = "please|try|retry|wait|contact|check|ask|log ?in|sign ?in|your company|you have (?:reached|exceeded)"
ADVICE = re.compile(rf"(?:{ADVICE_WORDS})\b.*", re.IGNORECASE)
NEXT_SENTENCE = re.compile(rf"(?<=[.!?;])\s+|[,:-]\s+(?=(?:{ADVICE_WORDS})\b)", re.IGNORECASE)
LABEL = re.compile(r"^\s*(?:error|failure|warning|sorry)[:,]\s+", re.IGNORECASE)
APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"))


def _sentences(text: str) -> list[str]:
    """Where a comma leads to advice, what follows is a sentence too. Newer texts come with either apostrophe."""
    plain_text = LABEL.sub("", text.translate(APOSTROPHES))
    return [one.strip(" .!;,") for one in NEXT_SENTENCE.split(plain_text)]


THING = "(?:the )?(?:service|server|system|site|gateway|database|(?:sage )?intacct)"
NOW = "(?: (?:right now|at the moment|at this time))?"
BUSY = _kind(
    "(?:the |your )?(?:api )?(?:request )?rate limit (?:has been |was |is )?(?:exceeded|reached)",
    "too many (?:concurrent |api |simultaneous )*(?:operations|requests|calls|connections|sessions)(?: at once)?",
    "(?:the |your )?(?:limit of |maximum number of |number of )?concurrent (?:api )?(?:requests?|calls|operations)(?: limit)? "
    "(?:has been |was |is )?(?:exceeded|reached)",
    "(?:the |your )?concurrency limit (?:has been |was |is )?(?:exceeded|reached)",
    rf"{THING} is (?:currently |temporarily |too )*(?:busy|overloaded){NOW}",
    codes=("GW-0010",),
)
OFF_LINE = _kind(
    rf"{THING} is (?:currently |temporarily )*(?:off-?line|unavailable|not available|down for maintenance){NOW}",
    "(?:service )?(?:is )?(?:temporarily )?(?:off-?line|unavailable)",
)
NO_SESSION = _kind(
    r"invalid (?:api )?session(?: id)?(?: \S+)?",
    r"(?:the |your |this |that )?(?:api )?session(?: id)?(?: \S+)? (?:is |was |has |has been |could |can)?(?:already )?"
    "(?:invalid|not valid|no longer valid|expired|timed out|ended|terminated|closed|unknown|not (?:be )?found|"
    "not recogni[sz]ed)(?: or (?:has |is )?expired)?",
    "(?:unknown|expired|no such|no valid|no active) session(?: id)?",
)
REST = r"(?:(?: (?:to|for|on|of|in|at|from|with)\b|[.,:]).*)?"
"""What may not be done stands behind."""

WHO = r"(?:you|(?:the |this |your )?(?:web services |api )?(?:user|role)(?: id)?(?: \S+)?)"
RIGHT = "(?:permissions?|privileges?|rights?|authori[sz]ation|access)"
NO_PERMISSION = _kind(
    rf"{WHO} (?:do(?:es)?(?:n't| not) have|lacks?) (?:\w+ ){{0,3}}{RIGHT}{REST}",
    rf"{WHO} (?:are|is)(?:n't| not| no longer) (?:authori[sz]ed|permitted){REST}",
    rf"(?:{WHO} (?:have|has) )?(?:insufficient|not enough|missing|no) (?:user |access |api )*"
    rf"(?:permissions?|privileges?|rights?|authori[sz]ation){REST}",
    rf"(?:user |operation )?(?:is )?not (?:authori[sz]ed|permitted){REST}",
    rf"{RIGHT}(?: to .*)?(?: is| was| has been)? denied{REST}",
    codes=("PL04000005",),
)
REPEATED = _kind(
    r"(?:the |this |that )?(?:control|unique) ?id(?: \S+)? (?:is a duplicate|(?:is |was |has |has been )?already .*)",
    "duplicate (?:control|unique) ?id(?: .*)?",
)


def faults_in(parent: etree._Element | None) -> Faults:
    """The errors of every `errormessage` in `parent`, at whatever level; none when there is no such element."""
    if parent is None:
        return Faults()
    listed = (error for message in parent.iter("errormessage") for error in _errors_of(message))
    return Faults(tuple(_fault(error) for error in islice(listed, MOST_FAULTS)))


def _errors_of(message: etree._Element) -> Iterable[etree._Element]:
    """The `error` elements; without any, the message itself where it holds anything at all."""
    errors = message.findall("error")
    return errors or ([message] if len(message) or (message.text or "").strip() else [])


def _fault(error: etree._Element) -> Fault:
    raw = [_raw(error, name) for name in ("description", "description2", "correction")]
    if not any(raw) and error.find("errorno") is None:
        raw = [" ".join(str(text)[:LONGEST_RAW] for text in islice(error.itertext(), MOST_FAULTS))]
    support = next((found.group(1) for text in raw if (found := SUPPORT_ID.search(text))), "")
    # Its target holds the same id bare.
    support = support or next((node.get("requestinfo", "") for node in error.iterfind("additionalinfo/target")), "")
    return Fault(
        number=plain(_raw(error, "errorno")),
        stable_id=plain(_raw(error, "additionalinfo/errorid")),
        message_ids=_message_ids(error),
        about=_about(error),
        texts=tuple(dict.fromkeys(text for text in map(plain, raw) if text)),
        support_id=plain(unquote(support)),
    )


def _message_ids(error: etree._Element) -> tuple[str, ...]:
    """The ids of both descriptions. Either may have one while the other is empty."""
    paths = ("additionalinfo/description/messageid", "additionalinfo/cdescription/messageid")
    return tuple(dict.fromkeys(found for path in paths if (found := plain(_raw(error, path)))))


def _about(error: etree._Element) -> tuple[str, ...]:
    """What an error's targets and placeholders name, at the error's own level and at its descriptions'."""
    found = [
        f"{name} {node.get(name)}"
        for node in islice(error.iterfind("additionalinfo//target"), MOST_FAULTS)
        for name in ("object", "field")
        if (node.get(name) or "").strip()
    ]
    placeholders = islice(error.iterfind("additionalinfo//placeholder"), MOST_FAULTS)
    found += [f"{node.get('name', '')} {node.get('value', '')}" for node in placeholders]
    return tuple(dict.fromkeys(text for one in found if (text := plain(one))))


def _raw(error: etree._Element, name: str) -> str:
    return (error.findtext(name) or "").strip()[:LONGEST_RAW]


def plain(text: str) -> str:
    """Server text for people: entities and markup undone, support id and session start taken out, one line, bounded."""
    text = html.unescape(html.unescape(text[:LONGEST_RAW]))
    text = re.sub(r"</?[A-Za-z][^<>]*>", "", text)
    text = SESSION_START.sub(r"\1", SUPPORT_ID.sub("", text))
    return short(text, longest=LONGEST_TEXT)


def control_failure(faults: Faults, *, status: int, asked: str, is_write: bool, by_session: bool = False) -> IntacctAsanaError:
    """The gateway did not look at the operation: no function ran. For `by_session` see `authentication_failure`."""
    said = f"{asked}: {faults}"
    if passing := _passing(faults, said):
        return passing
    if NO_SESSION.among(faults):
        return SessionEnded(said, code=faults.code)
    if status == 401 or faults.code in LOGIN_CODES:
        if by_session:
            return SessionEnded(said, code=faults.code)
        cure = "Check sender id, sender password, company id, user id and password of the connection."
        return Misconfigured(f"{said}. {_cure(faults, cure)} {NOT_AGAIN}", code=faults.code)
    if faults.code == UNKNOWN_REQUEST:
        return Refused(f"{said}. The gateway could not read the request, so nothing was done.", code=faults.code)
    return _unknown(said, faults, is_write=is_write)


def authentication_failure(faults: Faults, *, asked: str, by_session: bool = False) -> IntacctAsanaError:
    """The gateway knows us or our session no more: no function ran.

    Where a session id was sent, that session has ended, whatever the words: what is really wrong a fresh login tells.
    """
    said = f"{asked}: {faults}"
    if passing := _passing(faults, said):
        return passing
    if by_session or NO_SESSION.among(faults):
        return SessionEnded(said, code=faults.code)
    cure = _cure(faults, LOGIN_CURE)
    return Misconfigured(f"{said}. {cure} {NOT_AGAIN}", code=faults.code)


def _cure(faults: Faults, usual: str) -> str:
    return next((cure for pattern, cure in CURES if pattern.search(faults.wording)), usual)


def function_failure(faults: Faults, *, function: str, asked: str, is_write: bool, control_id: str = "") -> IntacctAsanaError:
    """The function itself was refused. For a login that is no business matter, whatever the bill it was for."""
    said = f"{asked}: {faults}"
    # How a repeated control id is refused is not documented; an error that quotes ours is about it.
    is_repeat = REPEATED.among(faults) or (bool(control_id) and control_id in faults.wording)
    if not faults.listed or (is_write and (faults.code == BROKE or is_repeat)):
        return _unknown(said, faults, is_write=is_write)
    if NO_SESSION.among(faults):
        return SessionEnded(said, code=faults.code)
    if passing := _passing(faults, said):
        return passing
    if faults.code == BROKE and all(NO_DETAIL.fullmatch(fault.text) for fault in faults.listed):
        return TryLater(said, code=faults.code)
    if NO_PERMISSION.among(faults):
        return Misconfigured(
            f"{said}. Give the web services user's role this permission (Company, Roles, Permissions).", code=faults.code
        )
    if function == "getAPISession":
        return Misconfigured(f"{said}. {LOGIN_CURE} {NOT_AGAIN}", code=faults.code)
    return Refused(said, code=faults.code)


def not_a_success(what: str, faults: Faults, *, asked: str, is_write: bool) -> IntacctAsanaError:
    """Neither `success` nor a plain `failure`: a missing status, `aborted`, a word nobody documented, a contradiction."""
    said = f"{asked}: {what}. {faults if faults.listed else ''}".strip()
    passing = None if is_write else _passing(faults, said)
    return passing or _unknown(said, faults, is_write=is_write)


def _passing(faults: Faults, said: str) -> TryLater | None:
    """Limits and outages, which also come as text inside HTTP 200."""
    if BUSY.among(faults) or OFF_LINE.among(faults):
        return TryLater(said, code=faults.code)
    return None


def _unknown(said: str, faults: Faults, *, is_write: bool) -> IntacctAsanaError:
    if is_write:
        return OutcomeUnknown(f"{said.rstrip('. ')}. {READ_BACK}", code=faults.code)
    return UnexpectedReply(said, code=faults.code)


LOOKED_AT = 1 << 16
"""As much of a body as is searched: pages are short, and a body may be anything."""

CLOUDFLARE = re.compile(
    rb"cf-error-details|cf-browser-verification|Cloudflare Ray ID|cf_chl_opt|challenges\.cloudflare\.com", re.IGNORECASE
)
PASSING_PAGE = re.compile(
    "upstream connect error|disconnect/reset before headers|no healthy upstream|rate limit|too many requests|"
    "temporarily (off-?line|unavailable)|service unavailable",
    re.IGNORECASE,
)
"""What pages of what stands before the gateway say. A page of theirs knows nothing of business."""


def wait_seconds(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds, at most an hour; None when it is absent or a date."""
    text = headers.get("retry-after", "").strip()
    return min(float(text), 3600.0) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) else None


def limited(headers: Mapping[str, str], faults: Faults, *, asked: str) -> TryLater:
    """429: `GW-0010` when the answer says so, but the status is enough."""
    said = f"{asked}: Intacct limits our calls (HTTP 429)" + (f". {faults}" if faults.listed else "")
    return TryLater(said, code="429", wait_seconds=wait_seconds(headers))


def outage(
    status: int, headers: Mapping[str, str], body: bytes, faults: Faults, *, asked: str, is_write: bool
) -> OutcomeUnknown | TryLater:
    """5xx, and 524 where the CDN gave up while the server goes on working."""
    said = f"{asked}: HTTP {status} from the gateway ({faults if faults.listed else glimpse(body)})"
    if is_write:
        return OutcomeUnknown(f"{said}. {READ_BACK}", code=str(status))
    return TryLater(said, code=str(status), wait_seconds=wait_seconds(headers))


def not_intacct(status: int, headers: Mapping[str, str], body: bytes, *, asked: str, is_write: bool) -> IntacctAsanaError:
    """No envelope: a CDN page, plain text, nothing at all, a cut-off document."""
    said = f"{asked}: HTTP {status} without an Intacct answer ({glimpse(body)})"
    if is_write:
        return OutcomeUnknown(f"{said}. {READ_BACK}", code=str(status))
    text = plain(body[:LOOKED_AT].decode("utf-8", "replace"))
    if status == 408 or CLOUDFLARE.search(body, 0, LOOKED_AT) or PASSING_PAGE.search(text):
        return TryLater(said, code=str(status), wait_seconds=wait_seconds(headers))
    return UnexpectedReply(said, code=str(status))


def glimpse(body: bytes) -> str:
    """What kind of body it is. Never its text: a page may quote our request."""
    start = body[:LOOKED_AT].lstrip().lower()
    if not start:
        return "empty body"
    if CLOUDFLARE.search(start):
        return "a Cloudflare page"
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if start.startswith(b"<"):
        return f"{len(body)} bytes of XML, cut off or not an Intacct response"
    return f"{len(body)} bytes of text"
