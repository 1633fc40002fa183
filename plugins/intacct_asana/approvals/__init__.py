"""From a choice on a task to what stands on both sides.

`signals_of` reads stories and `decisions_of` makes records of them; `Settler` judges them by the rules, carries each along its
states and looks again at those that stand; `standing_of` says what stands; `Teller` has the task show it and tells people once.
"""

from __future__ import annotations

from intacct_asana.approvals.choices import UNPROVEN, signals_of
from intacct_asana.approvals.policy import ApprovalTask, ChoiceField, DeclaredComment, Policy, Way
from intacct_asana.approvals.seen import decisions_of
from intacct_asana.approvals.settle import Asked, Settler
from intacct_asana.approvals.standing import Standing, Stands, standing_of
from intacct_asana.approvals.summary import Summary
from intacct_asana.approvals.tell import Teller
from intacct_asana.approvals.watch import Watch, touched_task

__all__ = [
    "UNPROVEN",
    "ApprovalTask",
    "Asked",
    "ChoiceField",
    "DeclaredComment",
    "Policy",
    "Settler",
    "Standing",
    "Stands",
    "Summary",
    "Teller",
    "Watch",
    "Way",
    "decisions_of",
    "signals_of",
    "standing_of",
    "touched_task",
]
