"""What a typed custom field can hold."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

FieldValue = str | Decimal | date | tuple[str, ...] | None
"""Text (or an enum option's gid), a number, a day, gids (multi-enum, people), or empty."""
