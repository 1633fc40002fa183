"""Whether the steps that carry a decision out fit together, and each may do what it is there for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from intacct_asana.flow.checks import Found, Path, check_once
from intacct_asana.flow.rules import Approval
from intacct_asana.flow.write_back import AFTER_REJECTION, WriteBack
from intacct_asana.records import BillState

STEPS: Path = ("write_back", "steps")


def check_write_back(write_back: WriteBack, *, has_stamp: bool) -> Iterator[Found]:
    """`has_stamp`: whether the file has a `stamp:` at all; one with mistakes is not in `write_back`, and was told of."""
    path: Path = ("write_back", "steps")
    yield from _steps_in(write_back.steps, path)
    if write_back.on_reject is not None:
        yield from _steps_in(write_back.on_reject, ("write_back", "on_reject"))
        for step in sorted(set(write_back.on_reject) - AFTER_REJECTION - {"observe"}):
            what = f"`{step}` means nothing after a rejection"
            mend = f"remove it, or choose {', '.join(sorted(AFTER_REJECTION))}"
            yield Found(path=("write_back", "on_reject"), what=what, mend=mend)
    yield from check_once(write_back.intake, ("write_back", "intake"))
    if write_back.intake and "release_hold" not in write_back.steps:
        what = "bills are put on hold, and no approval ever lifts that"
        yield Found(path=("write_back", "intake"), what=what, mend="add release_hold to `steps`")
    yield from _native(write_back)
    yield from _submits(write_back)
    yield from _asks_for_payment(write_back)
    if "stamp" in write_back.used and not has_stamp:
        what = "the step `stamp` has no field names"
        yield Found(path=path, what=what, mend="add `stamp:` with decision, decided_by, decided_at and decision_id")
    if "stamp" not in write_back.used and write_back.stamp is not None:
        what = "field names are given, and no step `stamp` uses them"
        yield Found(path=("write_back", "stamp"), what=what, mend="add stamp to `steps`, or remove `stamp`")
    names = list(write_back.stamp.model_dump().items()) if write_back.stamp else []
    for place, (key, name) in enumerate(names):
        if name and any(other and other.upper() == name.upper() for _, other in names[:place]):
            what = f"two values are stamped into {name}"
            yield Found(path=("write_back", "stamp", key), what=what, mend="each needs a custom field of its own")


def _native(write_back: WriteBack) -> Iterator[Found]:
    """Intacct's own approval comes last: what it declined takes no stamp any more, and what it approved is not taken back."""
    names = {"steps": write_back.steps, "on_reject": write_back.on_reject or ()}
    asked = [name for name, steps in names.items() if "rest_workflow" in steps]
    for name in asked:
        if names[name][-1] != "rest_workflow":
            what = "`rest_workflow` is not the last step, and what Intacct approved or declined itself cannot be taken back"
            yield Found(path=("write_back", name), what=what, mend="move it to the end")
    allowed = write_back.rest_workflow
    if asked and not (allowed and (allowed.approve or allowed.decline)):
        mend = "add `rest_workflow: {approve: true}`, with `decline: true` for rejections"
        yield Found(path=("write_back", asked[0]), what="the step `rest_workflow` is allowed nothing", mend=mend)
    if allowed and not asked:
        yield Found(path=("write_back", "rest_workflow"), what="no step uses this", mend="add rest_workflow to `steps`")


def _steps_in(steps: Sequence[str], path: Path) -> Iterator[Found]:
    yield from check_once(steps, path)
    if "observe" in steps and len(set(steps)) > 1:
        yield Found(path=path, what="`observe` means that nothing is written, and another step writes", mend="keep one of them")


def _submits(write_back: WriteBack) -> Iterator[Found]:
    """Any other write on a draft might submit it unseen, so this one comes first."""
    if "submit" not in write_back.steps:
        if write_back.submit_may_post:
            yield Found(path=("write_back", "submit_may_post"), what="no step uses this", mend="add submit to `steps`")
        return
    if write_back.steps[0] != "submit":
        what = "`submit` is not the first step, and any other write might submit a draft unseen"
        yield Found(path=STEPS, what=what, mend="move it to the front")
    if not write_back.submit_may_post:
        what = "the step `submit` may post a bill at once: where Intacct's own bill approvals are off, nothing waits for them"
        yield Found(path=STEPS, what=what, mend="write `submit_may_post: true`, or remove the step")


def _asks_for_payment(write_back: WriteBack) -> Iterator[Found]:
    """It comes last: nothing is written on a bill that is selected for a payment, and no payment is taken back."""
    steps, rule = write_back.steps, write_back.payment_request
    if "payment_request" not in steps:
        if rule:
            yield Found(path=("write_back", "payment_request"), what="no step uses this", mend="add payment_request to `steps`")
        return
    if steps[-1] != "payment_request" or "rest_workflow" in steps:
        what = "`payment_request` is not the last step that writes, and nobody takes a payment back"
        mend = "move it to the end; where `rest_workflow` approves the bill, ask for the payment in Intacct"
        yield Found(path=STEPS, what=what, mend=mend)
    if rule is None:
        mend = "add `payment_request: {account: ..., method: ACH}`"
        yield Found(path=STEPS, what="the step `payment_request` does not say from what to pay", mend=mend)


def check_drafts(write_back: WriteBack, approval: Approval) -> Iterator[Found]:
    if "submit" in write_back.steps and BillState.DRAFT not in approval.states:
        what = "`submit` is for drafts, and nobody decides about any"
        yield Found(path=("approval", "states"), what=what, mend="add Draft to `approval.states`, or remove the step")
