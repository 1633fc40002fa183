"""Anchors: one row of the evidence by its number and digest, written where the database's owner cannot change it.

A chain cannot show by itself that its end, or all of it, was taken away. So its newest row is named outside: with the
decision id in a bill's stamp, in the comment on the task, in the record of each run. `#41:9f3a0c11d2e4b5a6` says that row 41
has a digest that begins so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from intacct_asana.text import one_line

SHOWN_DIGITS = 16
"""64 bits: a digest is keyed, so nobody without the key can try out rows until one fits."""

ANCHOR = re.compile(r"(?<![\w#])#([1-9][0-9]{0,9}):([0-9a-f]{16,64})(?!\w)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Row `sequence` of a flow's evidence had a digest that begins with `digest`; `where` says where that is noted."""

    sequence: int
    digest: str
    where: str = ""


def anchor_text(anchor: Anchor) -> str:
    """`#41:9f3a0c11d2e4b5a6`: short enough to stand behind a decision id in a text field."""
    return f"#{anchor.sequence}:{anchor.digest[:SHOWN_DIGITS]}"


def anchors_in(text: str, *, where: str) -> tuple[Anchor, ...]:
    """Every anchor that stands in `text`, in order. `where` names the place for whoever reads a finding.

    Give it only text that we wrote: anybody can write something of this shape.
    """
    return tuple(Anchor(sequence=int(row), digest=digest, where=where) for row, digest in ANCHOR.findall(text))


def without_anchors(text: str) -> str:
    """`text` as it was before anchors were put behind it: what is compared, where an anchor may differ or be missing."""
    return one_line(ANCHOR.sub("", text))
