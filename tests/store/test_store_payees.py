"""Changes of vendors, on both databases: found by vendor, by id, and by whether somebody still has to answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from intacct_asana.records.payee import Call, PayeeChange, PayeeState, What
from intacct_asana.store import FlowStore

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)


def a_change(name: str, *, vendor: str = "V1", hours: int = 0) -> PayeeChange:
    at = NINE + timedelta(hours=hours)
    return PayeeChange(change_id=name, vendor_ids=(f"{vendor}--REC", vendor), at_text="x", at=at, by="jchen", what=What.DETAILS)


def test_changes_are_kept_whole_and_found_in_the_order_in_which_they_happened(flow: FlowStore) -> None:
    call = Call(
        whom="Jo", number_from="a contract", when="now", outcome="well", by_gid="1", by_name="A", story_gid="s", said_at=NINE
    )
    later, first = replace(a_change("b", hours=1), call=call, answered=("s1", "s2")), a_change("c")
    payees = flow.payees()
    payees.save([later, first, a_change("d", vendor="V2")])
    assert payees.of_vendors(["V1"]) == [first, later]
    assert payees.of_vendors([]) == payees.named([]) == []
    assert payees.named(["d", "nobody"]) == [a_change("d", vendor="V2")]


def test_what_is_to_be_answered_is_what_nobody_released_and_no_later_change_replaced(flow: FlowStore) -> None:
    payees = flow.payees()
    rows = {state: replace(a_change(str(state)), state=state, subtask_gid="7") for state in PayeeState}
    payees.save([*rows.values(), a_change("new")])
    assert {one.change_id for one in payees.unanswered()} == {"OPEN", "FRAUD", "new"}
    assert [one.change_id for one in payees.asked()] == ["OPEN"]
    payees.save([replace(rows[PayeeState.OPEN], state=PayeeState.RELEASED)])
    assert payees.asked() == []
