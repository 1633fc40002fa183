"""What the steps keep by time, in the transaction of what they read, and the close view that is read from it. No call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from intacct_asana.closing.facts import BILL, EXCEPTION, RULES, BillThen, ExceptionThen, Fact, bill_then
from intacct_asana.closing.view import Known, Seen, View, end_of, view_of
from intacct_asana.codec import from_json, to_json
from intacct_asana.flow.rules import Approval
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.reading.following import bill_window
from intacct_asana.records import Bill
from intacct_asana.records.matters import Matter, MatterState

APPROVAL = "approval"
"""The fact that holds the approval rules of the flow file."""


def keep_bills(
    run: FlowRun,
    bills: Mapping[str, Bill],
    *,
    gone: Collection[str] = (),
    all_but: Collection[str] | None = None,
    read_at: datetime,
) -> None:
    """What these bills say. Those that left the flow's entities or days are gone for it, as if they were deleted.

    `all_but` are keys of which nothing is known, where every bill of the flow was read: what else is not among them is gone.
    """
    window = bill_window(run.flow.bills)
    steps = [step for rule in run.flow.approval.rules for step in rule.steps]
    fields = list(dict.fromkeys(step.vendor_field for step in steps if step.vendor_field))
    base = run.flow.approval.base_currency or ""
    facts: dict[str, Fact] = {}
    for key, bill in bills.items():
        then = bill_then(bill, base_currency=base, named={name: run.vendor_person(name, bill) for name in fields})
        facts[key] = Fact(text=to_json(then), is_open=then.is_open and window.covers(bill))
    history, at = run.store.history(), run.now()
    with run.store.together():
        rules = {APPROVAL: Fact(text=run.flow.approval.model_dump_json(by_alias=True))}
        history.keep(RULES, rules, read_at=read_at, at=at)
        history.keep(BILL, facts, gone=gone, all_but=all_but, read_at=read_at, at=at)


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


def close_view(run: FlowRun, day: date) -> View:
    """What was open at the end of the day in the flow's time zone, from the store alone."""
    zone, history = ZoneInfo(run.flow.schedules.timezone), run.store.history()
    until = end_of(day, zone)
    open_keys = history.open_at(BILL, until=until).keys()
    bills = {
        key: [Seen(at=one.at, bill=from_json(BillThen, one.text)) for one in kept]
        for key, kept in history.of(BILL, open_keys, until=until).items()
    }
    began_at, whole_at, looked_at = history.looked_at(until=until)
    owned = history.open_at(EXCEPTION, until=until).values()
    rules = history.open_at(RULES, until=until).get(APPROVAL)
    return view_of(
        Known(
            flow=run.flow.flow,
            day=day,
            zone=zone,
            bills=bills,
            told=history.told(open_keys, until=until),
            exceptions=[from_json(ExceptionThen, one.text) for one in owned],
            approval=_approval(rules.text) if rules else None,
            first_shown=history.first_shown(open_keys, until=until),
            began_at=began_at,
            whole_at=whole_at,
            looked_at=looked_at,
        )
    )


def _approval(text: str) -> Approval | None:
    """None where another release wrote rules that this one does not know."""
    try:
        return Approval.model_validate_json(text)
    except ValidationError:
        return None
