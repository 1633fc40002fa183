"""What Intacct answers to a stamp, through the DAGs: a missing right burns no decision, a quoted name decides nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.airflow.test_whole_run import ALICE, bill_for, choose, comments, held

pytestmark = pytest.mark.airflow


@pytest.fixture
def chosen(world: Any) -> Any:
    """A world in which Alice approved a bill that nobody has stamped yet."""
    world.have_run("bill_sync")
    world.bill = bill_for(world)
    choose(world, ALICE, world.bill, "Approved")
    return world


def refuse(world: Any, text: str) -> None:
    world.sandbox.fault("intacct", "update APBILL", "refuse", detail={"errorno": "BL34000061", "description2": text})


@pytest.mark.parametrize("text", ["You don\u2019t have permission to update this bill", "Insufficient privileges"])
def test_a_missing_right_burns_no_decision(chosen: Any, text: str) -> None:
    refuse(chosen, text)
    assert "failed" in chosen.run("approval_reconciliation").values()
    assert held(chosen, chosen.bill)["ASANA_DECISION"] == ""
    chosen.must("approval_reconciliation")
    assert held(chosen, chosen.bill)["ASANA_DECISION"] == "Approved"
    assert len(comments(chosen, chosen.bill)) == 1


def test_a_refusal_that_quotes_a_name_is_told_and_not_tried_for_ever(chosen: Any) -> None:
    refuse(chosen, "The vendor Rate Limit Partners already exists")
    chosen.run("approval_reconciliation")
    chosen.sandbox.clear_faults()
    chosen.run("approval_reconciliation")
    assert held(chosen, chosen.bill)["ASANA_DECISION"] == ""
    assert "Rate Limit Partners already exists" in comments(chosen, chosen.bill)[0]


@pytest.mark.parametrize("fault", ["no_control_id", "other_function"])
def test_a_success_that_does_not_say_what_it_answers_is_read_back(chosen: Any, fault: str) -> None:
    chosen.sandbox.fault("intacct", "update APBILL", fault)
    chosen.run("approval_reconciliation")
    chosen.must("approval_reconciliation")
    assert held(chosen, chosen.bill)["ASANA_DECISION"] == "Approved"
    assert chosen.sandbox.counters()["intacct WRITE"] == 1
    assert len(comments(chosen, chosen.bill)) == 1
    assert chosen.evidence_is_sound()
