"""From a choice on a task to a proven stamp on a bill: signals, guards, write-back, and what people are told.

`signals_of` reads stories, `decisions_of` makes records of them, `settle_all` carries each along its states, `acknowledge_all`
tells people once.
"""

from __future__ import annotations

from intacct_asana.approvals.acknowledge import acknowledge, acknowledge_all
from intacct_asana.approvals.decisions import decisions_of
from intacct_asana.approvals.policy import Approver, Policy, StampNames
from intacct_asana.approvals.settle import Settler, settle_all
from intacct_asana.approvals.signals import UNPROVEN, signals_of
from intacct_asana.approvals.summary import Summary
from intacct_asana.approvals.watch import Watch, touched_task
from intacct_asana.approvals.ways import ApprovalTask, ChoiceField, DeclaredComment, Way

__all__ = [
    "UNPROVEN",
    "ApprovalTask",
    "Approver",
    "ChoiceField",
    "DeclaredComment",
    "Policy",
    "Settler",
    "StampNames",
    "Summary",
    "Watch",
    "Way",
    "acknowledge",
    "acknowledge_all",
    "decisions_of",
    "settle_all",
    "signals_of",
    "touched_task",
]
