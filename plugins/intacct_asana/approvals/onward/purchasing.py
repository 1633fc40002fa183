"""The document behind a bill from Purchasing is approved there, as far as one approval does that.

Intacct lets its user approve what that user is an approver of, and tells by the document's state alone what came of it. From
Partially Approved nobody could tell our approval from another's, so that is left to people.
Source: developer.intacct.com/api/purchasing/purchasing-transactions/#approve-purchasing-transactions
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.words import bill_name, who
from intacct_asana.approvals.write_steps import UNFIT, Step
from intacct_asana.errors import Refused
from intacct_asana.ports import Books
from intacct_asana.records import Bill, Decision
from intacct_asana.text import short

WAITS = "submitted"
APPROVED = frozenset({"approved", "closed", "converted", "partially converted"})
"""States that a document comes into only when nothing of its approval is due any more, in Intacct's own words."""
DOCUMENT, STATE, COMMENT = "document", "state", "comment"
LONGEST_COMMENT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchasing(Step):
    """Does nothing to a bill that comes from nowhere else."""

    word: str = "purchasing"
    noun: str = "approval in Purchasing"
    stays: str = "What was approved in Purchasing stays so."
    warns: str = "The document that it comes from stays approved in Purchasing."
    is_sent_once: bool = True

    def values(self, decision: Decision, bill: Bill, policy: Policy) -> dict[str, str]:
        if not bill.source_document:
            return {}
        comment = f"Approved by {who(decision)} ({decision.decision_id})"
        return {DOCUMENT: bill.source_document, COMMENT: short(comment, longest=LONGEST_COMMENT)}

    def on_bill(self, bill: Bill, values: Mapping[str, str]) -> dict[str, str]:
        return {}

    def shown(self, books: Books, bill: Bill, values: Mapping[str, str]) -> dict[str, str]:
        document = books.purchasing_document(values[DOCUMENT]) if values else None
        return {DOCUMENT: document.name, STATE: document.state} if document else {}

    def missing(self, shown: Mapping[str, str], values: Mapping[str, str]) -> list[str]:
        return [] if not values or shown.get(STATE, "").casefold() in APPROVED else [STATE]

    def send(self, books: Books, bill: Bill, values: Mapping[str, str], *, control_id: str, policy: Policy) -> None:
        document = books.purchasing_document(values[DOCUMENT])
        if document is None:
            raise Refused(f"The document that {bill_name(bill)} comes from is not in Purchasing.", code=UNFIT)
        if document.state.casefold() != WAITS:
            said = f"{document.name}, from which {bill_name(bill)} comes, is {document.state} in Purchasing"
            raise Refused(f"{said}, and one approval does not approve that. It has to be approved there.", code=UNFIT)
        books.approve_document(document, comment=values[COMMENT], control_id=control_id)

    def did(self, bill: Bill) -> str:
        if bill.source_document:
            return "The document that it comes from is approved in Purchasing."
        return "It does not come from Purchasing, so nothing was to be approved there."

    def would(self, bill: str) -> str:
        return f"the document that {bill} comes from would be approved in Purchasing"


PURCHASING = Purchasing()
