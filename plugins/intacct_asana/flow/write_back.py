"""What a flow file says of Intacct: which steps carry a decision out, and what each may do there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from intacct_asana.flow.words import WHOLE, IntacctName, Line, Part


class StampFields(Part):
    """Custom text fields on APBILL that take the decision. An administrator creates them in Intacct first."""

    decision: IntacctName
    """Takes the decision as people have it before them (`Approved`, `Rejected`), or `void` when it no longer counts."""

    decided_by: IntacctName
    """Takes who decided."""

    decided_at: IntacctName
    """Takes when."""

    decision_id: IntacctName
    """Takes the id under which the evidence is kept."""

    reason: IntacctName | None = None
    """Takes the reason."""

    task_url: IntacctName | None = None
    """Takes the address of the task in Asana."""

    amount: IntacctName | None = None
    """Takes the amount that was decided on, with its currency, as in `500 USD`."""

    digest: IntacctName | None = None
    """Takes the digest of what was decided on, so that everybody can see whether the bill is still the same."""


class RestWorkflow(Part):
    """How a decision becomes Intacct's own approval or decline, over the connection `intacct_rest`.

    What Intacct does in a case that is published nowhere is never assumed: each such case is refused unless it is allowed here.
    """

    approve: bool = False
    """Whether an approval in Asana approves the bill in Intacct. Over there it is always the connection's user who approves."""

    decline: bool = False
    """Whether a rejection in Asana declines the bill in Intacct. It has to be submitted anew before anybody can approve it."""

    partly_approved: Literal["refuse", "approve"] = "refuse"
    """What becomes of an approval of a bill that is Partially Approved. Whether the same user may approve at several levels is
    not documented, so `approve` may stand for a second level of one and the same user."""

    on_hold: Literal["refuse", "send"] = "refuse"
    """What becomes of the approval of a bill on hold."""

    repeats: Annotated[int, Field(ge=0, le=3), WHOLE] = 1
    """How often an approval without a clear answer is sent again, while the bill is read as Submitted still. Never from
    Partially Approved, where nobody can tell whether it arrived."""

    longest_notes: Annotated[int, Field(ge=60, le=1000), WHOLE] = 200
    """Characters of the note that goes along. It names the person and the decision; how long one may be is not documented."""


class PaymentRequestRule(Part):
    """The payment request that follows an approval: for all that is due on the bill, to be paid when that is due."""

    account: Line
    """Id of the bank or charge card account in Intacct that pays."""

    method: Literal["Printed Check", "Cash", "EFT", "Credit Card", "ACH", "Check Delivery", "WF Check", "WF Domestic ACH"]
    """Payment method, in Intacct's own words."""

    action: Literal["draft", "submit"] = "draft"
    """`draft` leaves the request in Intacct's outbox, where people send it. `submit` hands it to Intacct's payment approvals,
    and where those are off it pays at once."""


StepWord = Literal["submit", "stamp", "hold", "release_hold", "rest_workflow", "purchasing", "payment_request", "observe"]
AFTER_APPROVAL = frozenset({"submit", "stamp", "release_hold", "rest_workflow", "purchasing", "payment_request"})
AFTER_REJECTION = frozenset({"stamp", "hold", "rest_workflow"})
"""Steps that mean something then; the others of `steps` are passed over."""


class WriteBack(Part):
    """What a cleared decision changes in Intacct."""

    steps: Annotated[tuple[StepWord, ...], Field(min_length=1)] = ("observe",)
    """What is done one after the other. `submit` submits an approved draft, before anything else. `stamp` writes the decision
    into custom fields of the bill. `hold` puts a rejected bill on hold, `release_hold` lifts the hold of an approved one.
    `rest_workflow` has Intacct itself approve or decline the bill. `purchasing` approves the document in Purchasing that an
    approved bill comes from. `payment_request` asks for the payment of an approved bill. `observe` writes nothing and keeps
    the evidence only."""

    on_reject: Annotated[tuple[StepWord, ...], Field(min_length=1)] | None = None
    """What is done after a rejection instead of `steps`. Those of `steps` that mean something then when left out."""

    intake: tuple[Literal["hold"], ...] = ()
    """`hold` puts bills on hold that are new here, open and undecided, so that Intacct pays nothing that nobody approved."""

    stamp: StampFields | None = None
    """Where `stamp` writes. Needed for that step."""

    rest_workflow: RestWorkflow | None = None
    """What `rest_workflow` may do. Needed for that step, which does nothing that is not allowed here."""

    payment_request: PaymentRequestRule | None = None
    """What `payment_request` asks for. Needed for that step."""

    submit_may_post: bool = False
    """Whether `submit` may be done, though Intacct posts the bill at once where its own bill approvals are off."""

    send_due_on: bool = False
    """Whether a write sends the bill's due date back, for a company that refuses one without. Compared before and after."""

    send_submit: bool = False
    """Whether a write sends ACTION=Submit, for a company that refuses one without. Never sent for a draft."""

    @property
    def after_approval(self) -> tuple[str, ...]:
        return self._allowed((step for step in self.steps if step in AFTER_APPROVAL), act="approve")

    @property
    def after_rejection(self) -> tuple[str, ...]:
        return self._allowed((step for step in self.on_reject or self.steps if step in AFTER_REJECTION), act="decline")

    def _allowed(self, steps: Iterable[str], *, act: str) -> tuple[str, ...]:
        """Without a native approval that the flow does not allow."""
        return tuple(step for step in steps if step != "rest_workflow" or getattr(self.rest_workflow, act, False))

    @property
    def used(self) -> frozenset[str]:
        """Every step that is done at all."""
        return frozenset((*self.after_approval, *self.after_rejection, *self.intake))
