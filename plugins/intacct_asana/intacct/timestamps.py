"""Intacct's texts for days and instants, and back.

A timestamp's zone and order of day and month follow the API user's preferences, and sources disagree on how far, so both
are settings. Cursors stay the server's own text: they are compared and moved here without ever knowing a zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from intacct_asana.errors import Misconfigured, UnexpectedReply
from intacct_asana.records import UserFormatting

DAY = "%m/%d/%Y"
"""Generic functions write and read DATE fields so (https://developer.intacct.com/web-services/parameter-formats/)."""

ISO_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
DEFAULT_FORMAT = "%m/%d/%Y %H:%M:%S"
OFFSET = re.compile(r"([+-]?)(\d{1,2})(?::?(\d{2}))?")
SENSIBLE_YEARS = range(2000, 2200)
"""Outside them an instant is noise, and sums with it overflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerClock:
    """How this API user's timestamps are written: a strptime format, and a fixed offset from GMT or the company's zone."""

    timestamp_format: str = DEFAULT_FORMAT
    gmt_offset: timedelta = timedelta()
    zone: ZoneInfo | None = None

    def text_of(self, instant: datetime) -> str:
        """The server's text for an aware instant."""
        return _written(self._wall(instant), self.timestamp_format)

    def lowest_text(self, instant: datetime) -> str:
        """The lowest text of anything that happens from `instant` on, for a filter.

        Where clocks are set back soon after, what happens then is written as if it were earlier.
        """
        later = (self._wall(quarter) for quarter in _quarters_after(instant))
        return _written(min(self._wall(instant), *later), self.timestamp_format)

    def highest_text(self, instant: datetime) -> str:
        """The text below which everything is written that happens before `instant`, for a filter."""
        moment = timedelta(seconds=1)
        before = (self._wall(quarter - moment) + moment for quarter in _quarters_after(instant - LONGEST_SHIFT))
        return _written(max(self._wall(instant), *before), self.timestamp_format)

    def _wall(self, instant: datetime) -> datetime:
        """What clocks show there, without a zone."""
        return instant.astimezone(self.zone or timezone(self.gmt_offset)).replace(tzinfo=None)

    def naive(self, text: str) -> datetime:
        """The wall-clock reading in `text`, without a zone. UnexpectedReply when it is not in this format."""
        try:
            return datetime.strptime(text.strip(), self.timestamp_format)  # noqa: DTZ007
        except ValueError as error:
            raise UnexpectedReply(
                f"Intacct wrote the time {text!r}, which is not in the format {self.timestamp_format!r}. "
                "Set timestamp_format in the connection's extra, or the API user's preferences."
            ) from error

    def earlier(self, text: str, *, minutes: float) -> str:
        """The server text that many minutes before `text`."""
        try:
            return _written(self.naive(text) - timedelta(minutes=minutes), self.timestamp_format)
        except OverflowError as error:
            raise UnexpectedReply(f"Intacct wrote the time {text!r}, before which there is none.") from error

    def latest(self, texts: Iterable[str]) -> str:
        """The newest of the server's texts, unchanged; empty ones do not count."""
        return max((text for text in texts if text.strip()), key=self.naive, default="")


LONGEST_SHIFT = timedelta(hours=3)
QUARTER = timedelta(minutes=15)


def _quarters_after(instant: datetime) -> list[datetime]:
    """The quarters of hours, in GMT, behind `instant`, as far as clocks are ever set: they are set at one of those."""
    first = instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    listed = (first + QUARTER * number for number in range(1, LONGEST_SHIFT // QUARTER + 4))
    return [quarter for quarter in listed if instant < quarter <= instant + LONGEST_SHIFT]


@lru_cache(maxsize=4096)
def day_of(text: str) -> date | None:
    """The day in a DATE field's text, None for an empty one; ISO days are read too. UnexpectedReply when it is no day."""
    text = text.strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text) if ISO_DAY.fullmatch(text) else datetime.strptime(text, DAY).date()  # noqa: DTZ007
    except ValueError as error:
        raise UnexpectedReply(f"Intacct wrote the day {text!r}; expected mm/dd/yyyy.") from error


def day_text(day: date) -> str:
    return _written(day, DAY)


def _written(at: date, form: str) -> str:
    """`at` in a strptime format, its year in four digits: strftime leaves zeros out on some platforms, and Intacct may read
    `01/05/26` as 2026."""
    return at.strftime(form.replace("%Y", f"{at.year:04d}"))


def instant_of_iso(text: str) -> datetime | None:
    """An envelope's ISO instant with its offset, in UTC; None when absent or not sensible, since it is only a help."""
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return instant.astimezone(UTC) if instant.tzinfo and instant.year in SENSIBLE_YEARS else None


def offset_of(text: str) -> timedelta:
    """`+09:30`, `-8`, `0530` or `0` as a time difference. Misconfigured for anything else."""
    found = OFFSET.fullmatch(text.strip() or "0")
    if not found:
        raise Misconfigured(f"{text!r} is not an offset from GMT such as +09:30, -8 or 0.")
    sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if offset > timedelta(hours=14):
        raise Misconfigured(f"{text!r} is not an offset from GMT such as +09:30, -8 or 0.")
    return -offset if sign == "-" else offset


def zone_of(name: str) -> ZoneInfo | None:
    """`America/Los_Angeles` as a zone; None for an empty name. Misconfigured for one that is not known."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Misconfigured(f"{name!r} is no time zone such as America/Los_Angeles.") from error


def format_of(formatting: UserFormatting) -> str:
    """The strptime format of a user's preferences, of which `/mdY` with clock 24 is `%m/%d/%Y %H:%M:%S`.

    Source: readUserFormatting, https://developer.intacct.com/api/company-console/users/
    """
    separator, letters = formatting.date_format[:1], formatting.date_format[1:]
    if sorted(letters.lower()) != ["d", "m", "y"]:
        raise UnexpectedReply(f"Intacct says that its dates look like {formatting.date_format!r}; expected one like '/mdY'.")
    day = separator.join(f"%{letter if letter in 'mdyY' else letter.lower()}" for letter in letters)
    return f"{day} {'%I:%M:%S %p' if formatting.clock == '12' else '%H:%M:%S'}"
