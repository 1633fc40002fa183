"""What people read: amounts, times, names, what changed, the comment on a task, the stamp on a bill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from intacct_asana.flow.write_back import StampFields
from intacct_asana.records import (
    Bill,
    BillState,
    Decision,
    DecisionState,
    Signal,
    Snapshot,
    Verdict,
    files_differ,
    is_content,
    snapshot_of,
)
from intacct_asana.records.anchors import Anchor, anchor_text, without_anchors
from intacct_asana.records.documents import UNREAD
from intacct_asana.records.remarks import reference
from intacct_asana.text import amount_text, money_text, one_line, short

if TYPE_CHECKING:
    from intacct_asana.approvals.policy import Policy

LONGEST_NAME = 80
SINGLE = {
    "vendor_id": "The vendor",
    "bill_number": "The bill's number",
    "description": "The description",
    "currency": "The currency",
    "due_on": "The due date",
    "document_id": "The attachment",
}
"""What of a snapshot is told with its old and its new value; amounts come with their currency."""

STILL_POSSIBLE = MappingProxyType(
    {
        BillState.SUBMITTED: "To stop it, decline or recall it in Intacct, or put it on hold there.",
        BillState.PARTIALLY_APPROVED: "To stop it, decline it in Intacct, or put it on hold there.",
        BillState.NO_VALUE: "To stop it, put it on hold in Intacct.",
        BillState.POSTED: "To stop it, put it on hold in Intacct, or reverse it there.",
        BillState.SELECTED: "To stop it, take it out of the payment in Intacct, then put it on hold there.",
        BillState.PARTIALLY_PAID: "To stop the rest, put it on hold in Intacct.",
    }
)
"""What people in Intacct can still do about a bill that was approved."""


def money(amount: Decimal, currency: str) -> str:
    """An amount as tasks show it; what is decided by a currency says so when there is none."""
    return money_text(amount, one_line(currency) or "(no currency)")


def minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def second(at: datetime) -> str:
    """ISO 8601 in UTC, for machines and auditors."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def who(decision: Decision) -> str:
    """The decider's name as the story had it."""
    return short(decision.signal.decider_name, longest=LONGEST_NAME) or decision.decider_email or "Somebody"


def bill_name(bill: Bill) -> str:
    """`bill 4711`, as the people in accounts payable call it."""
    return f"bill {one_line(bill.bill_number) or bill.record_no}"


def bill_words(bill: Bill) -> str:
    """`bill 4711 of Northwind Paper, 1,234.50 USD`, for whoever reads what a run did."""
    vendor = short(bill.vendor_name or bill.vendor_id, longest=LONGEST_NAME)
    amount = money(bill.total_entered, bill.base_currency or bill.currency)
    return f"{bill_name(bill)}{f' of {vendor}' if vendor else ''}, {amount}"


BECAME = {
    DecisionState.CONFIRMED: "is carried out",
    DecisionState.GRANTED: "counts, and others are missing",
    DecisionState.REFUSED: "was refused",
    DecisionState.REJECTED: "Intacct refused it",
    DecisionState.PARKED: "waits",
    DecisionState.VOID: "does not count any more",
}
DID = {Verdict.APPROVE: "approved", Verdict.REJECT: "rejected"}


def did_words(decision: Decision, bill: Bill | None, *, title: str = "") -> str:
    """`Alice Martin approved bill 4711 of Northwind Paper, 1,234.50 USD, on 2026-11-23 08:00 UTC`.

    `title` is the task's, for a bill that nobody read.
    """
    what = bill_words(bill) if bill else f'"{short(title, longest=LONGEST_NAME)}"' if title else "a bill"
    return f"{who(decision)} {DID[decision.signal.verdict]} {what}, on {minute(decision.signal.decided_at)}"


def decided_words(decision: Decision, bill: Bill | None, *, title: str = "") -> str:
    """What became of a decision, in a sentence; the keys that the store knows it by stand at the end."""
    became = BECAME.get(decision.state, str(decision.state).lower())
    why = " ".join(decision.outcome.splitlines())
    said = f"{did_words(decision, bill, title=title)}: {became}{f': {why}' if why else ''}"
    return f"{said} {keys_of(decision)}"


def keys_of(decision: Decision) -> str:
    rule = f"{decision.rule}, " if decision.rule else ""
    return f"({rule}{decision.key}, {decision.decision_id})"


def capital(text: str) -> str:
    """The first letter large, the rest as it is: bill numbers have capitals of their own."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What of a bill is not what was shown. `happened` says it where the values themselves say nothing to people."""

    what: str
    was: str = ""
    now: str = ""
    happened: str = ""

    @property
    def then(self) -> str:
        """`The due date was 2026-12-23.`"""
        return f"{self.what} {self.happened}." if self.happened else f"{self.what} was {self.was}."

    @property
    def whole(self) -> str:
        return f"{self.what} {self.happened}." if self.happened else f"{self.what} was {self.was} and is {self.now}."


def changes(shown: Snapshot | None, bill: Bill) -> list[Change]:
    """Everything that a decision is about and that is not what was shown. Lines are told when nothing else is."""
    if shown is None:
        return []
    before, now = shown.body, snapshot_of(bill).body
    found = [*_amount(before, now), *_singles(before, now), *_files(shown, bill)]
    lines = before.get("lines") != now["lines"]
    return found or ([Change(what="The bill's lines", happened="were changed in Intacct")] if lines else [])


def _amount(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for name, currency in (("total_entered", "base_currency"), ("transaction_total_entered", "currency")):
        old, new = Decimal(str(before.get(name) or 0)), Decimal(str(now[name]))
        if old != new:
            was, is_now = money(old, str(before.get(currency) or "")), money(new, str(now[currency] or ""))
            yield Change(what="The amount", was=was, now=is_now)
            return


def _singles(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for name, called in SINGLE.items():
        old, new = (short(str(body.get(name, "")), longest=LONGEST_NAME) or "empty" for body in (before, now))
        if name in before and str(before[name]) != str(now[name]):
            yield Change(what=called, was=old, now=new)


def _files(shown: Snapshot, bill: Bill) -> Iterator[Change]:
    if files_differ(shown, bill):
        happened = "were replaced in Intacct"
        if UNREAD in (shown.body["document_digest"], bill.document_digest):
            when = "from Intacct" if bill.document_digest == UNREAD else "when the task was written"
            happened = f"could not be read {when}"
        yield Change(what=f"The files under attachment {short(bill.document_id, longest=LONGEST_NAME)}", happened=happened)


def void_words(decision: Decision, shown: Snapshot | None, bill: Bill, *, others: Sequence[Decision] = ()) -> str:
    """`The amount was 500.00 USD when Alice Martin approved it and is 40,000.00 USD now, so the approval no longer counts.`

    `others` are approvals of other steps, which fall with it.
    """
    did, noun = ("approved", "approval") if decision.signal.verdict == "approve" else ("rejected", "rejection")
    first, *more = changes(shown, bill) or [Change(what="The bill", happened="was changed in Intacct")]
    if first.happened:
        what = f"{first.what} {first.happened} after {who(decision)} {did} it"
    else:
        what = f"{first.what} was {first.was} when {who(decision)} {did} it and is {first.now} now"
    also = f", and neither does what {' and '.join(who(one) for one in others)} approved before" if others else ""
    return " ".join([f"{what}, so the {noun} no longer counts{also}.", *(change.whole for change in more)])


def comment_of(decision: Decision, policy: Policy, *, goes_back_to: str, anchor: Anchor | None = None) -> str:
    """What the task is told. `goes_back_to` is what it is about to show; empty: it stays as it is.

    The anchor of the decision's evidence stands on a line of its own, so that its end cannot be taken away unseen.
    """
    back = [policy.way.set_back(goes_back_to)] if goes_back_to else []
    end = [*([anchor_text(anchor)] if anchor else []), reference(remark_id(decision))]
    if decision.state is DecisionState.CONFIRMED:
        return "\n".join([_carried_out(decision, policy), *back, *end])
    if decision.state in (DecisionState.VOID, DecisionState.GRANTED):
        return "\n".join([*decision.outcome.splitlines(), *back, *end])
    maker = who(decision) if decision.signal.decider_gid else "Somebody"
    lines = [f"{maker} {policy.way.did(decision.signal)}, but it was not carried out and counts for nothing:"]
    lines += [f"- {line}" for line in decision.outcome.splitlines() if line]
    return "\n".join([*lines, *back, *end])


def copy_words(chosen: Signal, policy: Policy, *, counts: str) -> str:
    """For whoever chose on a copy of a bill's task; `counts` is where the task is that stands for the bill."""
    maker = short(chosen.decider_name, longest=LONGEST_NAME) or "Somebody"
    nothing = f"{maker} {policy.way.did(chosen)} here, and that counts for nothing, because this task is a copy."
    return f"{nothing} The task that counts is {counts}"


def parked_words(decision: Decision, policy: Policy, *, until: datetime) -> str:
    """What the task is told once, while the decision waits."""
    why = " ".join(decision.outcome.splitlines())
    said = f"{who(decision)} {policy.way.did(decision.signal)}, and that waits: {why}"
    return f"{said} Every run looks again, until {minute(until)}."


def remark_id(decision: Decision) -> str:
    """What the comment about the decision as it stands is found by. That it became void is news of its own."""
    return decision.decision_id + ("-void" if decision.state is DecisionState.VOID else "")


def _carried_out(decision: Decision, policy: Policy) -> str:
    reason = short(decision.signal.reason, longest=policy.longest_reason)
    done = f"{policy.way.option_name(decision.signal.verdict)} by {who(decision)}."
    return " ".join([done, *([f"Reason: {reason}"] if reason else []), decision.outcome])


# The stamp on a bill


WORDS = {Verdict.APPROVE: "Approved", Verdict.REJECT: "Rejected"}
VOID = "void"
CHANGED = "changed since"
"""The rule by which a decision on another content of its bill is void."""
NO_REASON = "none given"
"""Written instead of nothing: whether an empty element clears a field in Intacct is not documented, and the reason of an
earlier decision must not stay on the bill."""


def stamp_values(decision: Decision, bill: Bill, names: StampFields, *, longest: int = 200) -> dict[str, str]:
    """Custom field name to text of at most `longest` characters. Times are ISO 8601 in UTC. No anchor stands in them yet."""
    signal = decision.signal
    by_part = {
        names.decision: WORDS[signal.verdict],
        names.decided_by: f"{signal.decider_name} <{decision.decider_email}>",
        names.decided_at: second(signal.decided_at),
        names.decision_id: decision.decision_id,
        names.reason: signal.reason.strip() or NO_REASON,
        names.task_url: decision.task_url or f"task {decision.task_gid}",
        names.amount: f"{amount_text(bill.total_entered)} {bill.base_currency or bill.currency}".rstrip(),
        names.digest: snapshot_of(bill).digest,
    }
    return {name: _storable(text, longest=longest) for name, text in by_part.items() if name}


def void_values(decision: Decision, names: StampFields) -> dict[str, str]:
    """The rest of the stamp stays: it says what was decided, on what."""
    return {names.decision: VOID, names.decision_id: decision.decision_id}


def differences(held: Mapping[str, str], values: Mapping[str, str]) -> list[str]:
    """Names of the fields that do not hold what was stamped; anchors behind it make no difference."""
    return [name for name, value in values.items() if without_anchors(held.get(name, "")) != without_anchors(value)]


def stamp_on(bill: Bill | None, values: Mapping[str, str]) -> dict[str, str]:
    """What the stamped fields hold on this reading of the bill."""
    return {name: bill.custom.get(name, "") for name in values} if bill else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class OnBill:
    """The stamp as it stands on a bill: by which decision, what it says, and on which content."""

    decision_id: str
    says: str
    digest: str = ""
    by: str = ""
    amount: str = ""

    @property
    def verdict(self) -> Verdict | None:
        return next((verdict for verdict, word in WORDS.items() if word.casefold() == self.says.casefold()), None)


def read_stamp(bill: Bill | None, names: StampFields | None) -> OnBill | None:
    """None where nothing is stamped, or where the flow does not say where."""
    if bill is None or names is None:
        return None
    held = bill.custom
    found = OnBill(
        decision_id=without_anchors(held.get(names.decision_id, "")),
        says=held.get(names.decision, "").strip(),
        digest=held.get(names.digest, "").strip() if names.digest else "",
        by=held.get(names.decided_by, "").strip(),
        amount=held.get(names.amount, "").strip() if names.amount else "",
    )
    return found if found.decision_id or found.says else None


def content_of(stamp: OnBill, bill: Bill) -> bool | None:
    """Whether the bill is still what the stamp was put on; None where the stamp does not tell."""
    return is_content(stamp.digest, bill) if stamp.digest else None


def story_of(stamp: OnBill) -> str:
    """What stands for the story of a choice of which nothing but its stamp is known."""
    return f"stamp:{stamp.decision_id}"


def is_stamp_of(stamp: OnBill, decision: Decision) -> bool:
    """Whether it is the decision's own, or the one that the decision was found by."""
    return stamp.decision_id == decision.decision_id or story_of(stamp) == decision.signal.story_gid


def found_facts(stamp: OnBill, bill: Bill) -> dict[str, object]:
    """A stamp that was found, for the evidence."""
    facts = {"decision_id": stamp.decision_id, "says": stamp.says, "by": stamp.by, "digest": stamp.digest}
    return {**facts, "fits": content_of(stamp, bill)}


def unknown_words(stamp: OnBill, bill: Bill) -> str:
    """Why a stamp of which nothing else is known counts no more: what it was put on is not what the bill is now."""
    by = f" by {short(stamp.by, longest=LONGEST_NAME)}" if stamp.by else ""
    found = f"{capital(bill_name(bill))} was found with the stamp {stamp.says}{by}"
    found += f" ({short(stamp.decision_id, longest=LONGEST_NAME) or 'without an id'}), of which nothing else is known here."
    now = money(bill.total_entered, bill.base_currency or bill.currency)
    then = f" ({short(stamp.amount, longest=LONGEST_NAME)})" if stamp.amount else ""
    return f"{found} It was put on another content of the bill{then} than it has now ({now}), so it no longer counts."


def _storable(text: str, *, longest: int) -> str:
    """One line. A character beyond the basic plane (an emoji in a reason) may not survive every company's database, and the
    stamp would never compare equal; the evidence keeps the reason as it was written."""
    return short("".join(character if ord(character) < 0x10000 else "?" for character in text), longest=longest)
