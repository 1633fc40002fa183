"""What preflight says about Intacct's native approval: the login, whose it is, and that both APIs mean the same bill."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from intacct_asana.approvals.native import PURCHASING
from intacct_asana.errors import Misconfigured, Problem, UnexpectedReply
from intacct_asana.flow.write_back import RestWorkflow
from intacct_asana.operators.checks import Row, tried
from intacct_asana.records import Bill
from intacct_asana.records.native import NativeBill
from intacct_asana.text import money_text, one_line

if TYPE_CHECKING:
    from intacct_asana.intacct.hook import IntacctHook
    from intacct_asana.intacct.rest.hook import IntacctRestHook

COMPARED = 3


def rows_of_native(native: IntacctRestHook, books: IntacctHook, rules: RestWorkflow) -> list[Row]:
    """The checks of `rest_workflow`. Whether its user is an approver in Intacct cannot be asked: only an approval tells."""
    return [
        tried("Intacct REST login", partial(_login, native, rules)),
        tried("Intacct REST user", partial(_same_user, native, books)),
        tried("Intacct REST bills", partial(_same_bills, native, books)),
    ]


def _login(native: IntacctRestHook, rules: RestWorkflow) -> str:
    acts = [act for act in ("approve", "decline") if getattr(rules, act)]
    if not acts:
        mend = "write `approve: true` or `decline: true`, or leave the step out"
        raise Misconfigured(
            "The step has nothing to do.", problems=(Problem(where="rest_workflow", what="allows nothing", mend=mend),)
        )
    next(native.waiting(), None)
    refuses = "; the connection is read only, so none of it is sent" if native.read_only else ""
    return f"user {native.settings.username} may list bills; the flow lets it {' and '.join(acts)}{refuses}"


def _same_user(native: IntacctRestHook, books: IntacctHook) -> str:
    """A bill that is approved natively shows this user as the last who changed it, which has to be known as our own doing."""
    ours, theirs = native.settings, books.identity()
    for what, here, there in (("company", ours.company_id, theirs.company_id), ("user", ours.user_id, theirs.user_id)):
        if here.casefold() != there.casefold():
            mend = "give both connections the same company and Web Services user"
            wrong = Problem(
                where=f"connection {native.conn_id}", what=f"its {what} is {here}, the gateway's is {there}", mend=mend
            )
            raise Misconfigured("Both connections have to be one user's.", problems=(wrong,))
    return (
        f"{ours.user_id} of {ours.company_id}, as at the gateway; whether Intacct lets it approve shows with the first approval"
    )


def _same_bills(native: IntacctRestHook, books: IntacctHook) -> str:
    """That a key of the REST API is a record number of the gateway is documented nowhere."""
    waiting = (bill for page in native.waiting() for bill in page if bill.module != PURCHASING)
    seen = [(bill, there) for bill in islice(waiting, COMPARED) if (there := books.bill(bill.key))]
    for bill, there in seen:
        if wrong := _differing(bill, there):
            raise UnexpectedReply(
                f"Bill {bill.key} is another one to the REST API than to the gateway: {', '.join(wrong)}. No bill can be "
                "approved natively. Check that both connections are of one company; if they are, report this."
            )
    if not seen:
        return "none waits for approval that the gateway shows too; each is compared again before anything is done to it"
    return f"{len(seen)} that wait for approval are the same to both APIs: number, vendor, total"


def _differing(bill: NativeBill, there: Bill) -> list[str]:
    said = {
        "number": (one_line(bill.bill_number), one_line(there.bill_number)),
        "vendor": (bill.vendor_id, there.vendor_id),
        "total": (money_text(bill.total), money_text(there.transaction_total_entered)),
    }
    return [f"{what} {here or 'empty'} and {gateway or 'empty'}" for what, (here, gateway) in said.items() if here != gateway]
