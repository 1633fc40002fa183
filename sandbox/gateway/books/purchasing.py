"""Documents of Purchasing, as far as bills come from them: a state each, and who may approve them.

Whether there is a bill while its document still waits is not documented; people can have one wait all the same.
"""

from __future__ import annotations

from typing import Any

from sandbox.gateway.books.more import purchase_order
from sandbox.gateway.books.rows import Bill, Purchase, User

STATES = (
    *("Submitted", "Approved", "Partially Approved", "Declined", "Draft"),
    *("Pending", "Closed", "In Progress", "Converted", "Partially Converted"),
)
_WAITING = ("Submitted", "Partially Approved")


def note(company: Any, bill: Bill) -> None:
    """The document that a bill comes from. It stays when the bill is made anew."""
    if bill.source_key is not None and company.purchases.get(bill.source_key) is None:
        company.purchases.add(Purchase(record_no=bill.source_key, name=purchase_order(bill)))


def set_state(company: Any, bill: Bill, state: str) -> None:
    if bill.source_key is None or state not in STATES:
        raise ValueError(f"bill {bill.record_no} comes from no document that could be {state}")
    company.purchases.edit(company.purchases.get(bill.source_key), state=state)


def approve(company: Any, name: str, user: User) -> None:
    """One approval. The settings `document_levels` and `document_approvers` say how many it takes, and whose count."""
    found = _waiting(company, name, user, "approved")
    is_last = found.state == "Partially Approved" or company.world.setting("document_levels", 1) == 1
    state = "Approved" if is_last else "Partially Approved"
    company.purchases.edit(found, state=state, approved_by=(*found.approved_by, user.login))


def decline(company: Any, name: str, user: User) -> None:
    """One of its approvers says no."""
    company.purchases.edit(_waiting(company, name, user, "declined"), state="Declined", approved_by=())


def to_approve(company: Any, user: User) -> list[Purchase]:
    """The documents that this user may approve now."""
    named = company.world.setting("document_approvers", [])
    return [one for one in company.purchases if one.state in _WAITING and (not named or user.login in named)]


def _waiting(company: Any, name: str, user: User, act: str) -> Purchase:
    found: Purchase | None = next((one for one in company.purchases if one.name == name), None)
    if found is None:
        raise ValueError(f"there is no document {name!r}")
    if found.state not in _WAITING:
        raise ValueError(f"{name} can't be {act} because its state is {found.state}")
    named = company.world.setting("document_approvers", [])
    if named and user.login not in named:
        raise ValueError(f"{user.login} is not an approver of {name}")
    return found
