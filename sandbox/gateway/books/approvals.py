"""Intacct's own approval of bills: levels, who may approve them, and what comes of it. People and the REST API do it alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.gateway.books.rows import Bill, User

WAITING = ("Submitted", "Partially Approved")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One approval or decline that took effect. No API of Intacct shows it; tests count them."""

    record_no: str
    act: str
    level: int
    by: str
    notes: str
    at: int


def approve(company: Any, bill: Bill, user: User, *, notes: str, source: str = "ui") -> None:
    """One approval at the level that is due; after the last one the bill is posted. Raises ValueError for a no."""
    given = () if bill.state == "Submitted" else bill.approved_by
    level, levels = len(given) + 1, company.world.setting("approval_levels", 1)
    _check(company, bill, user, act="approved", level=level)
    if user.login in given and not company.world.setting("same_approver_again", True):
        raise ValueError(f"{user.login} has approved bill {bill.record_no} already")
    if bill.on_hold and company.world.setting("hold_blocks_approval", False):
        raise ValueError(f"Bill {bill.record_no} is on hold")
    state = {"state": "Partially Approved"} if level < levels else {"state": "Posted", "posted_on": company.today()}
    company.change_bill(bill, user, approved_by=(*given, user.login), **state)
    _note(company, bill, user, "approve", level, notes, source)


def decline(company: Any, bill: Bill, user: User, *, notes: str, source: str = "ui") -> None:
    level = 1 if bill.state == "Submitted" else len(bill.approved_by) + 1
    _check(company, bill, user, act="declined", level=level)
    company.change_bill(bill, user, approved_by=(), state="Declined")
    _note(company, bill, user, "decline", level, notes, source)


def _check(company: Any, bill: Bill, user: User, *, act: str, level: int) -> None:
    if bill.state not in WAITING:
        raise ValueError(f"Bill {bill.record_no} can't be {act} because its state is {bill.state}")
    levels = company.world.setting("approvers", [])
    named = levels[level - 1] if level <= len(levels) else []
    if named and user.login not in named:
        raise ValueError(f"{user.login} is not an approver of bill {bill.record_no} at level {level}")


def _note(company: Any, bill: Bill, user: User, act: str, level: int, notes: str, source: str) -> None:
    key = str(bill.record_no)
    company.approvals.append(Approval(record_no=key, act=act, level=level, by=user.login, notes=notes, at=company.now()))
    company.audit("apbill", key, "M", user, source, act)
