"""What is held of vendors' fields: by vendor and field, told once, with evidence in the same transaction."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.records import ValueState, VendorValue
from intacct_asana.store import FlowStore, open_store
from intacct_asana.store.tables import vendor_values as table
from sqlalchemy import create_engine, select, update

from tests.store.store_world import NOON, break_table, everything, make_older, minutes

KEY = "CO:vendor:V1"


def a_value(key: str = KEY, field: str = "TEAM", *, at: datetime = NOON, **more: Any) -> VendorValue:
    known: dict[str, Any] = {"state": ValueState.AGREED, "agreed": "IT", "wanted": "IT"}
    return VendorValue(key=key, field=field, at=at, **known | more)


def test_values_come_back_as_they_were_by_vendor_and_field(flow: FlowStore) -> None:
    values = flow.vendor_values()
    whole = a_value(state=ValueState.SENT, agreed=None, changed_at=NOON, changed_by="Ben", told=False)
    other = a_value(field="APPROVER", wanted="é'\"<>")
    values.save([whole, other])
    assert values.of([KEY]) == {KEY: {"TEAM": whole, "APPROVER": other}} == values.all()
    assert values.of(["CO:vendor:v1"]) == {}
    assert values.unsettled() == [whole]
    values.save([replace(whole, state=ValueState.AGREED)])
    assert values.unsettled() == []


def test_flows_do_not_see_each_others_values(url: str) -> None:
    open_store(url).for_flow("one").vendor_values().save([a_value()])
    assert open_store(url).for_flow("two").vendor_values().all() == {}


def test_only_agreed_values_that_are_not_empty_are_counted(flow: FlowStore) -> None:
    flow.vendor_values().save([a_value(), a_value(field="A", agreed=""), a_value(field="B", agreed=None)])
    assert flow.vendor_values().agreed_count() == 1


def test_people_are_told_once_and_of_nothing_that_has_moved_on(flow: FlowStore) -> None:
    values = flow.vendor_values()
    waiting = a_value(state=ValueState.WAITING, told=False)
    values.save([waiting])
    assert values.untold() == [waiting]
    later = replace(waiting, state=ValueState.REFUSED, at=minutes(1))
    values.save([later])
    values.tell(waiting)
    assert values.untold() == [later]
    values.tell(later)
    assert values.untold() == []
    assert values.of([KEY])[KEY]["TEAM"].told


def test_what_changed_since_an_instant_is_found_oldest_first(flow: FlowStore) -> None:
    values = flow.vendor_values()
    values.save([a_value(field="B", at=minutes(2)), a_value(field="A", at=minutes(1)), a_value(field="C")])
    assert [row.field for row in values.changed_since(minutes(1))] == ["A", "B"]
    assert [row.field for row in values.changed_since(None)] == ["C", "A", "B"]


def test_a_write_leaves_evidence_that_verifies_and_stands_beside_decisions(flow: FlowStore) -> None:
    flow.vendor_values().save([a_value(state=ValueState.SENT)], facts={"control_id": "c1"})
    flow.vendor_values().save([a_value(field="A")])
    (row,) = flow.evidence(KEY)
    assert (row.body["about"], row.body["step"], row.body["control_id"]) == ("vendor field", "SENT", "c1")
    assert row.body["value"]["wanted"] == "IT"
    assert flow.verify_evidence() == []


def test_a_value_and_its_evidence_are_kept_together_or_not_at_all(flow: FlowStore, url: str) -> None:
    break_table(url, "ia_evidence")
    with pytest.raises(IntacctAsanaError):
        flow.vendor_values().save([a_value()], facts={})
    assert flow.vendor_values().all() == {}


def test_a_row_that_an_older_release_wrote_is_read_without_what_the_journal_knows_now(flow: FlowStore, url: str) -> None:
    values = flow.vendor_values()
    values.save([a_value(state=ValueState.SENT)])
    engine = create_engine(url)
    with engine.begin() as connection:
        (body,) = connection.execute(select(table.c.body)).scalars()
        older = json.dumps({**json.loads(body), "control_id": "ia-vendor-1", "turn": 2})
        connection.execute(update(table).values(body=older))
    engine.dispose()
    assert values.of([KEY])[KEY]["TEAM"] == a_value(state=ValueState.SENT)


def test_a_store_of_the_release_before_is_carried_over_with_everything_in_it(url: str) -> None:
    flow = open_store(url).for_flow("demo")
    flow.vendor_values().save([a_value()])
    before = everything(url)
    make_older(url, 4)
    carried = open_store(url).for_flow("demo")
    assert carried.vendor_values().all() == {}
    carried.vendor_values().save([a_value()])
    after = everything(url)
    assert {name: rows for name, rows in after.items() if name != "ia_schema_version"} == {
        name: rows for name, rows in before.items() if name != "ia_schema_version"
    }
