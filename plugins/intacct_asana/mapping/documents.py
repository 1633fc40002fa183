"""Which documents a bill's task should carry, as the flow says."""

from __future__ import annotations

from intacct_asana.mapping.model import Flow
from intacct_asana.mapping.plain_text import is_web_address, one_line
from intacct_asana.records import Bill
from intacct_asana.records.documents import WantedDocument

NAME_CHARACTERS = 200


def document_of(bill: Bill, flow: Flow) -> WantedDocument | None:
    """The document of a bill in scope; None when the flow wants none, or the bill has none.

    A link leads to the bill in Intacct, where its attachment opens: Intacct gives the attachment no address of its own.
    """
    scope = flow.bills
    if scope.attachments == "none" or bill.state not in scope.states or not bill.document_id:
        return None
    if scope.attachments == "link" and not is_web_address(bill.record_url):
        return None
    number = one_line(bill.bill_number)[:NAME_CHARACTERS]
    return WantedDocument(
        key=bill.bill_key,
        form=scope.attachments,
        document_id=bill.document_id,
        name=f"Attachment {one_line(bill.document_id)} of bill {number} in Intacct",
        url=one_line(bill.record_url) if scope.attachments == "link" else "",
    )
