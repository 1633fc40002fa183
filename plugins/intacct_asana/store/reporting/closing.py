"""The close view of a day, and whose turn it is just now, put together from what the store holds. No call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from intacct_asana.approvals.routing import Voice
from intacct_asana.closing.facts import APPROVAL, BILL, EXCEPTION, RULES, BillThen, ExceptionThen
from intacct_asana.closing.view import Due, Known, Seen, View, due_of, end_of, view_of
from intacct_asana.codec import from_json
from intacct_asana.flow.model import Flow
from intacct_asana.flow.rules import Approval
from intacct_asana.records import DecisionState
from intacct_asana.store.decisions import StoredDecisions
from intacct_asana.store.reporting.history import StoredHistory


def close_view(flow: Flow, history: StoredHistory, day: date) -> View:
    """What was open at the end of the day in the flow's time zone."""
    zone = ZoneInfo(flow.schedules.timezone)
    until = end_of(day, zone)
    open_keys = history.open_at(BILL, until=until).keys()
    bills: dict[str, list[Seen]] = {}
    unread: list[str] = []
    for key, kept in history.of(BILL, open_keys, until=until).items():
        try:
            bills[key] = [Seen(at=one.at, bill=from_json(BillThen, one.text), is_open=one.is_open) for one in kept]
        except ValidationError:
            unread.append(key)
    began_at, whole_at, looked_at = history.looked_at(until=until)
    owned = history.open_at(EXCEPTION, until=until).values()
    rules = history.open_at(RULES, until=until).get(APPROVAL)
    return view_of(
        Known(
            flow=flow.flow,
            day=day,
            zone=zone,
            bills=bills,
            unread=sorted(unread),
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


def due_now(
    flow: Flow, history: StoredHistory, decisions: StoredDecisions, keys: Collection[str], *, at: datetime
) -> Mapping[str, Due]:
    """Who may decide on these bills, by the flow's rules and the bills as they were read last.

    Without bills never read so, and those that another release kept in a way that this one does not know.
    """
    zone = ZoneInfo(flow.schedules.timezone)
    given: dict[str, list[Voice]] = {}
    for one in decisions.about(keys):
        if one.state is DecisionState.GRANTED:
            on = one.signal.decided_at.astimezone(zone).date()
            voice = Voice(email=one.decider_email.casefold(), on=on, decision_id=one.decision_id)
            given.setdefault(one.key, []).append(voice)
    found: dict[str, Due] = {}
    for key, kept in history.newest(BILL, keys).items():
        try:
            then = from_json(BillThen, kept.text)
        except ValidationError:
            continue
        if then.state in flow.approval.states:
            found[key] = due_of(key, then, flow.approval, given.get(key, ()), on=at.astimezone(zone).date())
        else:
            found[key] = Due(words=f"Intacct: {then.state}")
    return found
