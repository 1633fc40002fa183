"""Amounts as people read them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

from intacct_asana.mapping.plain_text import one_line

WIDE = Context(prec=60, rounding=ROUND_HALF_UP)
"""Wide enough that no amount is rounded anywhere but at its decimal places."""


def rounded(amount: Decimal, *, places: int) -> Decimal:
    """`amount` with exactly `places` decimals, half up. Never a negative zero."""
    return WIDE.plus(amount.quantize(Decimal(1).scaleb(-places), context=WIDE))


def money_text(amount: Decimal, currency: str = "") -> str:
    """`1,234.50 USD`."""
    return f"{rounded(amount, places=2):,f} {one_line(currency)}".rstrip()
