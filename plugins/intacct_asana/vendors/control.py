"""Control ids of vendor writes: the same write always has the same, so that Intacct itself refuses a repeat."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping


def control_id_of(flow: str, key: str, values: Mapping[str, str], *, turn: int) -> str:
    """From flow, vendor, fields with their values, and how many writes came before; 31 characters.

    The turn makes a value that comes back after another one a new write and not a repeat.
    """
    text = json.dumps([flow, key, sorted(values.items()), turn])
    return f"ia-vendor-{hashlib.sha256(text.encode()).hexdigest()[:20]}"
