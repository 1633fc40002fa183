"""What the steps keep by time for the close view, in the transaction of what they read. No call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from intacct_asana.closing.facts import APPROVAL, BILL, EXCEPTION, RULES, ExceptionThen, Fact, bill_then
from intacct_asana.codec import to_json
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.planning.spilling import batched, in_pages
from intacct_asana.reading.following import bill_window
from intacct_asana.records import SETTLED_STATES, Bill
from intacct_asana.records.matters import Matter, MatterState


def keep_bills(
    run: FlowRun,
    bills: Mapping[str, Bill],
    *,
    gone: Collection[str] = (),
    all_but: Collection[str] | None = None,
    read_at: datetime,
) -> None:
    """What these bills say. Those that are settled, or left the flow's entities or days, are gone, as if they were deleted.

    `all_but` are keys of which nothing is known, where every bill of the flow was read: what else is not among them is gone.
    """
    window = bill_window(run.flow.bills)
    steps = [step for rule in run.flow.approval.rules for step in rule.steps]
    fields = list(dict.fromkeys(step.vendor_field for step in steps if step.vendor_field))
    base = run.flow.approval.base_currency or ""
    history, at = run.store.history(), run.now()
    with run.store.together():
        rules = {APPROVAL: Fact(text=run.flow.approval.model_dump_json(by_alias=True))}
        history.keep(RULES, rules, read_at=read_at, at=at)
        for page in in_pages(bills):
            held = {key: bill for key, bill in page.items() if bill.state not in SETTLED_STATES and window.covers(bill)}
            facts: dict[str, Fact] = {}
            for key, bill in held.items():
                named = {name: run.vendor_person(name, bill) for name in fields}
                facts[key] = Fact(text=to_json(bill_then(bill, base_currency=base, named=named)))
            history.keep(BILL, facts, gone=page.keys() - held.keys(), read_at=read_at, at=at)
        ended = [] if all_but is None else history.open_but(BILL, bills, all_but)
        for keys in batched([*gone, *ended]):
            history.keep(BILL, {}, gone=keys, read_at=read_at, at=at)


def keep_owners(run: FlowRun, matters: Mapping[str, Matter]) -> None:
    """Who owns which exception, of all that hold now. One that somebody accepted waits for nobody."""
    rules = run.flow.exceptions
    facts = {
        name: Fact(
            text=to_json(
                ExceptionThen(
                    about=one.about,
                    kind=one.kind,
                    title=one.title,
                    owner=rules.owner_of(one.kind) if rules else "",
                    opened_at=one.opened_at,
                )
            )
        )
        for name, one in matters.items()
        if one.state is not MatterState.ACCEPTED
    }
    run.store.history().keep(EXCEPTION, facts, all_but=(), read_at=run.now(), at=run.now())
