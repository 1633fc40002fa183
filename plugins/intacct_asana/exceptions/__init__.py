"""What a person has to see to: which causes hold, what that makes of the tasks there are, and how each is written and found.

Pure. `causes_of` reads what the store holds, `plan_matters` compares it with the exceptions that are known, and the kinds of
writes go through the journal.
"""

from __future__ import annotations

from intacct_asana.exceptions.causes import Held, causes_of
from intacct_asana.exceptions.plan import Move, looked_at, plan_matters
from intacct_asana.exceptions.writes import EXCEPTION, STEP, OpenKind, StepKind, adopted, intent_of

__all__ = [
    "EXCEPTION",
    "STEP",
    "Held",
    "Move",
    "OpenKind",
    "StepKind",
    "adopted",
    "causes_of",
    "intent_of",
    "looked_at",
    "plan_matters",
]
