"""Text and amounts fit for people: one line, nothing invisible, bounded; vendors write it, so it is data, never markup."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal
from html import escape
from urllib.parse import urlsplit

TEXT_FIELD_CHARACTERS = 1024
"""Asana's limit for a text custom field. https://developers.asana.com/docs/custom-fields-guide"""

ELLIPSIS = "…"
UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
TURNS_AROUND = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Direction marks: with them a text can show other digits than it holds."""


def one_line(text: str) -> str:
    """`text` without control characters, direction marks and line ends, each run of blanks one space, ends trimmed."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return " ".join("".join(map(_shown, text)).split())


def _shown(character: str) -> str:
    if unicodedata.category(character) in UNSEEN or ord(character) & 0xFFFE == 0xFFFE:
        return " "
    return "" if character in TURNS_AROUND else character


def cut(text: str, *, characters: int) -> str:
    """`text`, ended by an ellipsis where it had to be cut to `characters`."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + ELLIPSIS


def short(text: str, *, longest: int) -> str:
    """`text` on one line, cut at `longest` characters."""
    return cut(one_line(text), characters=longest)


def joined(values: Iterable[str], *, characters: int = TEXT_FIELD_CHARACTERS) -> str:
    return cut("; ".join(values), characters=characters)


def as_html(text: str) -> str:
    """One line of text for Asana's rich text, which is XML, but knows no numeric references: it would show `&#x27;` as that."""
    return escape(one_line(text), quote=False)


def is_web_address(url: str) -> bool:
    """Whether `url` is a plain http(s) address."""
    address = one_line(url)
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and " " not in address


def html_link(url: str, *, text: str) -> str:
    """A link, or nothing when `url` is not plain http(s): Intacct's text decides where people are sent."""
    address = one_line(url)
    if not is_web_address(address):
        return ""
    quoted = as_html(address).replace('"', "&quot;")
    return f'<a href="{quoted}">{as_html(text)}</a>'


WIDE = Context(prec=60, rounding=ROUND_HALF_UP)
"""Wide enough that no amount is rounded anywhere but at its decimal places."""


def rounded(amount: Decimal, *, places: int) -> Decimal:
    """`amount` with exactly `places` decimals, half up. Never a negative zero."""
    return WIDE.plus(amount.quantize(Decimal(1).scaleb(-places), context=WIDE))


def money_text(amount: Decimal, currency: str = "") -> str:
    """`1,234.50 USD`; more decimals than two are shown, so that an amount just over a limit is seen to be."""
    places = max(2, -int(WIDE.normalize(amount).as_tuple().exponent))
    return f"{rounded(amount, places=places):,f} {one_line(currency)}".rstrip()


def amount_text(amount: Decimal) -> str:
    """The one text of an amount: no exponent, no zeros at the end, no minus before zero; `500` and `500.00` are one."""
    text = format(amount, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
