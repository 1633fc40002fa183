"""Whether a cron expression means what its author thinks, said in plain words."""

from __future__ import annotations

import re

from croniter import croniter  # type: ignore[import-untyped]

PRESETS = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
SOME_MOMENT = 1_767_225_600.0
"""2026-01-01. Any moment does: the question is whether a next time exists at all."""


def cron_flaw(text: str) -> str | None:
    """What is wrong with a five-part cron expression or preset, or None when it is fine."""
    if text.startswith("@"):
        return None if text in PRESETS else f"{text!r} is not one of {', '.join(PRESETS)}"
    parts = text.split()
    if len(parts) != 5:
        return f"{text!r} has {len(parts)} parts; cron has five: minute, hour, day of month, month, day of week"
    if not re.fullmatch(r"[0-9A-Za-z*/,\-#? ]+", text) or {"H", "R"} & set(parts):
        return f"{text!r} is not a cron expression"
    if too_wide := next((step for step in re.findall(r"/(\d+)", parts[0]) if int(step) > 59), None):
        return f"{text!r}: minutes run from 0 to 59, so a step of {too_wide} is once an hour"
    try:
        croniter(" ".join(parts), SOME_MOMENT).get_next()
    except (ValueError, KeyError) as error:
        return f"{text!r} never comes or is out of range: {error}"
    return None
