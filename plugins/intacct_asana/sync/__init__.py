"""Plan, look, apply: how records become tasks and stay one task each.

`plan_records` compares and decides, `Plan.render` prints, `raise_if_unsafe` refuses what is too big, `apply_plan` writes.
"""

from __future__ import annotations

from intacct_asana.sync.apply import apply_plan
from intacct_asana.sync.attach import attach_documents
from intacct_asana.sync.back import NotPutBack
from intacct_asana.sync.limits import raise_if_unsafe
from intacct_asana.sync.paged import PagedPlan, PlanPages, stored_plan
from intacct_asana.sync.plan import (
    Adopt,
    Close,
    Create,
    Leave,
    Plan,
    Reopen,
    Retire,
    Update,
    Wanted,
    plan_records,
    settled,
)
from intacct_asana.sync.report import Progress, Report
from intacct_asana.sync.writes import creations_in_doubt, open_writes, parts_of, tasks_by_key

__all__ = [
    "Adopt",
    "Close",
    "Create",
    "Leave",
    "NotPutBack",
    "PagedPlan",
    "Plan",
    "PlanPages",
    "Progress",
    "Reopen",
    "Report",
    "Retire",
    "Update",
    "Wanted",
    "apply_plan",
    "attach_documents",
    "creations_in_doubt",
    "open_writes",
    "parts_of",
    "plan_records",
    "raise_if_unsafe",
    "settled",
    "stored_plan",
    "tasks_by_key",
]
