"""Controls around a bill: what is looked at before one is approved. Each is a module; `declared` gives those of a flow."""

from __future__ import annotations

from datetime import datetime

from intacct_asana.control_ports import Control
from intacct_asana.controls.duplicates import DUPLICATE, Duplicates
from intacct_asana.flow.controls import Controls

OWN_KINDS = (DUPLICATE,)
"""Kinds of concerns that `declared` looks after: one that the flow file does not name any more ends."""


def declared(controls: Controls, *, at: datetime) -> list[Control]:
    """The controls that the flow file names, as this run asks them."""
    found: list[Control] = []
    if controls.duplicates:
        found.append(Duplicates(rules=controls.duplicates, at=at))
    return found
