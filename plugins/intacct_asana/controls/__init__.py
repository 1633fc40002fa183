"""Controls around a bill: what is looked at before one is approved. Each is a module; `declared` gives those of a flow."""

from __future__ import annotations

from datetime import datetime

from intacct_asana.control_ports import Control
from intacct_asana.controls.duplicates import DUPLICATE, Duplicates
from intacct_asana.controls.slices import SLICE, SlicedLimits
from intacct_asana.flow.controls import Controls
from intacct_asana.flow.rules import Approval

OWN_KINDS = (DUPLICATE, SLICE)
"""Kinds of concerns that `declared` looks after: one that the flow file does not name any more ends."""


def declared(controls: Controls, *, at: datetime, approval: Approval) -> list[Control]:
    """The controls that the flow file names, as this run asks them."""
    found: list[Control] = []
    if controls.duplicates:
        found.append(Duplicates(rules=controls.duplicates, at=at))
    if controls.slices:
        found.append(SlicedLimits(rules=controls.slices, approval=approval, at=at))
    return found
