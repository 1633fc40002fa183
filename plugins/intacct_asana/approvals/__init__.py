"""From a choice on a task to what stands on both sides.

`signals_of` reads stories and `decisions_of` makes records of them; `Settler` judges them by the rules, carries each along its
states and looks again at those that stand; `standing_of` says what stands; `Teller` has the task show it and tells people once.
"""

from __future__ import annotations

from intacct_asana.approvals.choices import UNPROVEN, signals_of
from intacct_asana.approvals.policy import ApprovalSubtasks, ApprovalTask, ChoiceField, DeclaredComment, Policy, Way
from intacct_asana.approvals.seen import Asked, decisions_of
from intacct_asana.approvals.settle import Settler
from intacct_asana.approvals.standing import Decided, Stands, Teller, standing_of

__all__ = [
    "UNPROVEN",
    "ApprovalSubtasks",
    "ApprovalTask",
    "Asked",
    "ChoiceField",
    "Decided",
    "DeclaredComment",
    "Policy",
    "Settler",
    "Stands",
    "Teller",
    "Way",
    "decisions_of",
    "signals_of",
    "standing_of",
]
