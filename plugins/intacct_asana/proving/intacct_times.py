"""Questions about Intacct's times: how they are written, in which zone, by whose clock, and how long a session lives."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from intacct_asana.errors import IntacctAsanaError, UnexpectedReply
from intacct_asana.intacct.replies import user_formatting_of
from intacct_asana.intacct.timestamps import DEFAULT_FORMAT, ServerClock, day_of, format_of, instant_of_iso, offset_of
from intacct_asana.intacct.xml import SessionId, get_session, lookup, read_user_formatting
from intacct_asana.proving.at_intacct import IntacctPort, Told
from intacct_asana.proving.masks import counted, form_of
from intacct_asana.proving.question import Answer, NotAsked, Ports, Question, Setting
from intacct_asana.records import UserFormatting

LOCALE = re.compile("[a-z]{2}_[A-Z]{2}")
QUARTER = timedelta(minutes=15)
FARTHEST = timedelta(hours=14)
FORMATS = (
    DEFAULT_FORMAT,
    "%d/%m/%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%d/%m/%Y %I:%M:%S %p",
    "%m-%d-%Y %H:%M:%S",
    "%d-%m-%Y %H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%d.%m.%Y %H:%M:%S",
)
"""Formats that a user's preferences could choose, and those that other programmes have met."""


def _preferences(ports: Ports) -> Answer:
    told = preferences(ports.books)
    form, offset = format_of(told), offset_of(told.gmt_offset)
    locale = told.locale if LOCALE.fullmatch(told.locale) else "another form"
    clock = told.clock if told.clock in ("12", "24") else "another word"
    figures: dict[str, Any] = {"locale": locale, "format": form, "clock": clock, "offset": offset_text(offset)}
    return Answer(seen=f"the user's preferences write times as {form}, at GMT{offset_text(offset)}", figures=figures)


def preferences(books: IntacctPort) -> UserFormatting:
    asked = "formatting of the user"
    return user_formatting_of(books.data(read_user_formatting(books.hook.settings.login.user_id), asked=asked), asked=asked)


TIMES = {"APBILL": ("WHENMODIFIED", "AUWHENCREATED"), "VENDOR": ("WHENMODIFIED", "WHENCREATED")}
DAYS = ("WHENCREATED", "WHENDUE", "WHENPOSTED")


def _forms(ports: Ports) -> Answer:
    books = ports.books
    bills = books.newest_bills()
    vendors = books.rows("VENDOR", TIMES["VENDOR"], newest_first=True)
    texts = {f"APBILL.{name}": [row.get(name, "") for row in bills] for name in TIMES["APBILL"]}
    texts |= {f"VENDOR.{name}": [row.get(name, "") for row in vendors] for name in TIMES["VENDOR"]}
    days = [text for row in bills for name in DAYS if (text := row.get(name, ""))]
    forms = {name: counted(map(form_of, found)) for name, found in texts.items()}
    known = [text for found in texts.values() for text in found if text]
    if not known:
        raise NotAsked("no bill and no vendor has a time")
    here = books.hook.settings.clock.timestamp_format
    fits = [form for form in FORMATS if all(reads(text, form) for text in known)]
    unread_days = sum(not _is_day(day) for day in days)
    figures: dict[str, Any] = {
        "forms": forms,
        "forms of days": counted(map(form_of, days)),
        "times that the connection's format does not read": sum(not reads(text, here) for text in known),
        "days that are not read": unread_days,
        "formats that read all": fits,
    }
    settings = tuple(_format_settings(books, fits))
    seen = f"{len(known)} times: {'the connection reads all' if here in fits else 'not all are as the connection says'}; "
    return Answer(seen=f"{seen}{len(days)} days, {unread_days} unread", figures=figures, settings=settings)


def _format_settings(books: IntacctPort, fits: Sequence[str]) -> Iterator[Setting]:
    """What is written counts. The user's preferences decide only between formats that read everything."""
    here, preferred = books.hook.settings.clock.timestamp_format, format_of(preferences(books))
    is_said = bool(books.hook.settings.timestamp_format)
    if preferred in fits and preferred != here:
        why = "all times read so, and the user's preferences say it"
    elif fits and here not in fits:
        preferred, why = fits[0], "all times read so, and not as the connection has it"
    elif here in fits and preferred != here and not is_said:
        preferred, why = (
            here,
            "times are written so whatever the user's preferences say; preflight goes by those until this is said",
        )
    else:
        return
    yield Setting(place="connection intacct", key="timestamp_format", value=preferred, why=why)


def reads(text: str, form: str) -> bool:
    try:
        ServerClock(timestamp_format=form).naive(text)
    except UnexpectedReply:
        return False
    return True


def _is_day(text: str) -> bool:
    try:
        day_of(text)
    except UnexpectedReply:
        return False
    return True


def _zone(ports: Ports) -> Answer:
    """Where a change is told to be a whole number of quarters of an hour before or after the making, both are one moment."""
    clock = ports.books.hook.settings.clock
    rows = ports.books.rows("APBILL", TIMES["APBILL"], newest_first=True, most=2000)
    apart: Counter[str] = Counter()
    months: dict[str, set[int]] = {}
    for row in rows:
        changed, made = row.get("WHENMODIFIED", ""), row.get("AUWHENCREATED", "")
        if not (changed and made and reads(changed, clock.timestamp_format) and reads(made, clock.timestamp_format)):
            continue
        distance = clock.naive(changed) - clock.naive(made)
        if abs(distance) <= FARTHEST and not distance % QUARTER:
            apart[offset_text(distance)] += 1
            months.setdefault(offset_text(distance), set()).add(clock.naive(made).month)
    if not apart:
        raise NotAsked("no bill was changed in the moment in which it was made, so the two clocks cannot be compared")
    figures: dict[str, Any] = {"distance of WHENMODIFIED from AUWHENCREATED": dict(apart.most_common()), "bills": len(rows)}
    here = offset_text(clock.gmt_offset) if not clock.zone else "a zone"
    likely = [offset for offset, count in apart.items() if count >= max(2, apart.most_common(1)[0][1] // 20)] or list(apart)
    figures["the connection says"] = here
    settings = tuple(_zone_settings(sorted(likely), here, months))
    seen = "WHENMODIFIED is at GMT" + " and ".join(sorted(likely)) + " if AUWHENCREATED is GMT"
    return Answer(seen=seen, figures=figures, settings=settings)


def _zone_settings(likely: list[str], here: str, months: Mapping[str, set[int]]) -> Iterable[Setting]:
    if len(likely) == 1 and likely[0] != here and here != "a zone":
        why = "changes that were made in the moment of the making are told so far from it"
        yield Setting(place="connection intacct", key="timestamp_offset", value=likely[0], why=why)
    if len(likely) == 2 and here != "a zone":
        seasons = "; ".join(f"GMT{offset} in the months {', '.join(map(str, sorted(months[offset])))}" for offset in likely)
        why = f"write the company's zone, as in America/Los_Angeles: {seasons}"
        yield Setting(place="connection intacct", key="timestamp_zone", value="", why=why)


def offset_text(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _session(ports: Ports) -> Answer:
    books = ports.books
    first = books.send(lookup("VENDOR"), asked="a first call")
    ports.wait(3)
    second = books.send(lookup("VENDOR"), asked="a second call")
    for told in (first, second):
        if told.error:
            raise told.error
    starts, ends = ([_told_time(one, name) for one in (first, second)] for name in ("sessiontimestamp", "sessiontimeout"))
    begun, ended = starts[0], ends[0]
    figures: dict[str, Any] = {
        "form of sessiontimestamp": form_of(_text_of(first, "sessiontimestamp")),
        "sessiontimestamp moves with each call": starts[0] != starts[1],
        "sessiontimeout moves with each call": ends[0] != ends[1],
        "minutes between them": _minutes(ended - begun) if begun and ended else "not told",
        "seconds from HTTP's Date": _seconds(second.date, starts[1]),
    }
    slides = (
        "slides, by what it tells" if figures["sessiontimeout moves with each call"] else "does not slide, by what it tells"
    )
    return Answer(seen=f"a session of {figures['minutes between them']} minutes that {slides}", figures=figures)


def _text_of(told: Told, name: str) -> str:
    return ("" if told.root is None else told.root.findtext(f"operation/authentication/{name}") or "").strip()


def _told_time(told: Told, name: str) -> datetime | None:
    return instant_of_iso(_text_of(told, name))


def _minutes(span: timedelta) -> int:
    return round(span.total_seconds() / 60)


def _seconds(one: datetime | None, other: datetime | None) -> int | str:
    return round((one - other).total_seconds()) if one and other else "not told"


def _hard_end(ports: Ports) -> Answer:
    """A session of its own is used again and again, for one and a half times as long as it is said to live."""
    books = ports.books
    session = _own_session(books)
    first = books.send(lookup("VENDOR"), who=session, asked="a call in a session of its own")
    end, start = _told_time(first, "sessiontimeout"), _told_time(first, "sessiontimestamp")
    life = end - start if start and end and end > start else timedelta(hours=1)
    step, gone = life / 6, timedelta()
    while gone < 1.5 * life:
        ports.wait(step.total_seconds())
        gone += step
        told = books.send(lookup("VENDOR"), who=session, asked="a call in a session of its own")
        if told.error:
            figures: dict[str, Any] = {
                "minutes that it is said to live": _minutes(life),
                "ended between minutes": [_minutes(gone - step), _minutes(gone)],
            }
            return Answer(
                seen="a session that is used ends all the same: by its login, not by its use", figures=figures | told.figures
            )
    figures = {
        "minutes that it is said to live": _minutes(life),
        "ended between minutes": "not",
        "used for minutes": _minutes(gone),
    }
    return Answer(seen="a session that is used goes on behind its first end: it slides", figures=figures)


def _own_session(books: IntacctPort) -> SessionId:
    reply = books.send(get_session(), who=books.hook.settings.login, asked="a login of its own")
    if reply.error:
        raise reply.error
    found = "" if reply.root is None else reply.root.findtext("operation/result/data/api/sessionid") or ""
    return SessionId(value=found)


def _where_login_leads(ports: Ports) -> Answer:
    books, settings = ports.books, ports.books.hook.settings
    told = books.send(get_session(), who=settings.login, asked="a login")
    if told.error:
        raise told.error
    api = None if told.root is None else told.root.find("operation/result/data/api")
    entity = None if api is None else api.findtext("locationid")
    endpoint = "" if api is None else (api.findtext("endpoint") or "")
    try:
        allowed = bool(settings.checked_endpoint(endpoint)) if endpoint else True
    except IntacctAsanaError:
        allowed = False
    as_asked = entity is not None and entity.strip() == settings.login.entity_id
    figures: dict[str, Any] = {
        "entity": "not told" if entity is None else ("as asked" if as_asked else "another one than asked for"),
        "endpoint": "not told"
        if not endpoint
        else ("the gateway itself" if endpoint == settings.gateway_url else "another address"),
        "the endpoint's host is allowed": allowed,
    }
    hosts: tuple[Setting, ...] = ()
    if not allowed:
        why = "logins lead to a host that is not on the list: add its name, once you know whose it is"
        hosts = (Setting(place="connection intacct", key="allowed_endpoint_hosts", value=[], why=why),)
    return Answer(seen=f"entity {figures['entity']}; endpoint: {figures['endpoint']}", figures=figures, settings=hosts)


def utc(text: str, clock: ServerClock) -> datetime:
    """The wall clock in `text`, taken for GMT."""
    return clock.naive(text).replace(tzinfo=UTC)


QUESTIONS = (
    Question(
        id="intacct-preferences",
        system="intacct",
        asks="How do the user's preferences write dates and times, and in which zone?",
        unsure="Only some clients obey them; others saw one format whatever a company prefers.",
        otherwise="Preflight fails when they differ from what the connection says.",
        ask=_preferences,
    ),
    Question(
        id="intacct-time-forms",
        system="intacct",
        asks="Which forms have the times and days of bills and vendors, and does the connection read all of them?",
        unsure="Whether times follow the user's preferences is told both ways.",
        otherwise="A record whose time is of another form fails by itself and is asked for again.",
        ask=_forms,
    ),
    Question(
        id="intacct-time-zone",
        system="intacct",
        asks="How far is WHENMODIFIED from AUWHENCREATED where a bill was made and changed in one moment, winter and summer?",
        unsure="One recorded bill mixes two zones, seven hours apart; the documentation knows no zones.",
        otherwise="Cursors are Intacct's own texts and stand it; manual windows and backfills would be off by the difference.",
        ask=_zone,
    ),
    Question(
        id="intacct-session",
        system="intacct",
        asks="How long does a session say that it lives, and do its times move with each call?",
        unsure="Whether API sessions slide is documented for people's sessions only.",
        otherwise="A session that ends early is replaced by one login, and the call is made again.",
        ask=_session,
    ),
    Question(
        id="intacct-session-end",
        system="intacct",
        asks="Does a session that is used all the time outlive the end that it told at first?",
        unsure="A company has two limits, of idleness and from the login on; how they go together for the API is told nowhere.",
        otherwise="One login more, and the call is made again.",
        ask=_hard_end,
        slow=True,
    ),
    Question(
        id="intacct-login-leads",
        system="intacct",
        asks="Does a login lead into the entity that was asked for, and to which host for further calls?",
        unsure="Whether one host serves all companies is told nowhere.",
        otherwise="Another entity, or a host that is not allowed, stops every run with a sentence.",
        ask=_where_login_leads,
    ),
)
