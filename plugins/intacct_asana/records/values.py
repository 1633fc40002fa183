"""What a typed custom field can hold, and the one text of an amount."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

FieldValue = str | Decimal | date | tuple[str, ...] | None
"""Text (or an enum option's gid), a number, a day, gids (multi-enum, people), or empty."""


def amount_text(amount: Decimal) -> str:
    """The one text of an amount: no exponent, no zeros at the end, no minus before zero; `500` and `500.00` are one."""
    text = format(amount, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text
