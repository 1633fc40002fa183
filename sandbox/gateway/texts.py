"""Values to wire text and back: money, days, instants, booleans."""

from __future__ import annotations

import calendar
import re
import time
from datetime import date
from functools import lru_cache
from typing import Any

_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})$", re.ASCII)
_INSTANT = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d{2}):(\d{2})$", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)$", re.ASCII)
_TRUE, _FALSE = {"true", "t"}, {"false", "f"}


def money_text(cents: int) -> str:
    """`205375`, `1679615.93`, `12.5`: the gateway pads no zeros."""
    whole, rest = divmod(abs(cents), 100)
    text = f"{whole}.{rest:02d}".rstrip("0").rstrip(".") if rest else str(whole)
    return f"-{text}" if cents < 0 else text


def plain_money(cents: int) -> str:
    """`205375.00`: for people and state dumps."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def cents_of(text: str) -> int:
    """Cents from decimal text, rounded to two places half up as Intacct does. Raises ValueError."""
    if not _NUMBER.match(text.strip()):
        raise ValueError(f"{text!r} is not a number")
    sign = -1 if text.strip().startswith("-") else 1
    whole, _, rest = text.strip().lstrip("+-").partition(".")
    thousandths = int(whole or 0) * 1000 + int((rest + "000")[:3])
    return sign * ((thousandths + 5) // 10)


@lru_cache(maxsize=20_000)
def day_text(day: date) -> str:
    return f"{day.month:02d}/{day.day:02d}/{day.year:04d}"


def day_of(text: str) -> date:
    """A day from `mm/dd/yyyy`. Raises ValueError."""
    found = _DAY.match(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a date (mm/dd/yyyy)")
    month, day, year = map(int, found.groups())
    return date(year, month, day)


def instant_text(at: int, offset_minutes: int = 0) -> str:
    """`MM/DD/YYYY HH:MM:SS`, 24-hour, in the zone of the API user's preferences."""
    told = time.gmtime(at + offset_minutes * 60)
    return time.strftime(f"%m/%d/{told.tm_year:04d} %H:%M:%S", told)


def instant_of(text: str, offset_minutes: int = 0) -> int:
    """Seconds since 1970 from `MM/DD/YYYY HH:MM:SS` or a bare day. Raises ValueError."""
    found = _INSTANT.match(text.strip())
    if not found:
        day = day_of(text)
        return calendar.timegm((day.year, day.month, day.day, 0, 0, 0)) - offset_minutes * 60
    month, day_no, year, hour, minute, second = map(int, found.groups())
    date(year, month, day_no)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"{text!r} is not a time of day")
    return calendar.timegm((year, month, day_no, hour, minute, second)) - offset_minutes * 60


def bool_of(text: str) -> bool:
    """True or False from `true`, `false`, `T`, `F`. Raises ValueError."""
    if text.strip().lower() in _TRUE:
        return True
    if text.strip().lower() in _FALSE:
        return False
    raise ValueError(f"{text!r} is not true or false")


def offset_text(minutes: int) -> str:
    """`+09:30`, as readUserFormatting writes a GMT offset."""
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def is_null(value: Any) -> bool:
    """The company's database takes an empty text for null."""
    return value is None or value == ""
