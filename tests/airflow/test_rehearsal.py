"""A flow that says `rehearsal: true`: its DAGs read, plan and tell, in green, and write nothing until it is switched on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.test_whole_run import ALICE, BEN, bills_for, bills_in_scope, choose, comments, held, task_of
from tests.databases import rows

pytestmark = pytest.mark.airflow
JOBS = ("vendor_sync", "bill_sync", "approval_reconciliation")
KEPT = (
    *("ia_cursors", "ia_marks", "ia_links", "ia_shown", "ia_documents", "ia_vendor_values"),
    *("ia_decisions", "ia_evidence", "ia_policies", "ia_intents", "ia_webhooks"),
)


@pytest.fixture
def say(world: Any) -> Callable[[str, str], None]:
    """`say("rehearsal: false", "rehearsal: true")` edits the flow's file, as somebody with an editor does."""
    path = Path(os.environ["INTACCT_ASANA_MAPPINGS"]) / "demo.yaml"

    def change(old: str, new: str) -> None:
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


def kept(world: Any) -> dict[str, list[str]]:
    """Everything in the store but plans and pins."""
    return {table: sorted(str(row) for row in rows(world.store_url, f"SELECT * FROM {table}")) for table in KEPT}


def rehearsed(world: Any) -> dict[str, Any]:
    """What a scheduled run of each DAG returned, step by step; each in green, with nothing written anywhere."""
    before, store = world.writes(), kept(world)
    told: dict[str, Any] = {}
    for job in JOBS:
        world.must(job, run_type="scheduled")
        told |= {f"{job}.{task}": value for (task, key), value in world.api.xcoms.items() if key == "return_value"}
    assert world.writes() == before
    assert kept(world) == store
    return told


def test_a_new_flow_rehearses_in_green_and_its_first_real_runs_do_everything(
    world: Any, say: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    say("rehearsal: false", "rehearsal: true")
    # A plan over the limits is told too, in green.
    say("creates: 1000", "creates: 3")
    say("# attachments: file", "attachments: file  #")
    world.must("preflight", create_missing=True)
    told = rehearsed(world)
    assert "and the task would say: " in capfd.readouterr().out
    again = rehearsed(world)
    in_scope = len(bills_in_scope(world))
    for plan in (told["bill_sync.plan_tasks"], again["bill_sync.plan_tasks"]):
        assert plan["counts"]["create"] == in_scope > 3
        assert "too many tasks to create" in plan["would_stop"]
    say("rehearsal: true", "rehearsal: false")
    say("creates: 3", "creates: 1000")
    for job in JOBS:
        world.must(job, run_type="scheduled")
    assert len(world.tasks()) == in_scope


def test_approvals_are_rehearsed_with_what_would_be_stamped_refused_and_void(world: Any, say: Any) -> None:
    world.must("preflight", create_missing=True)
    world.must("bill_sync")
    changed, good, bad = bills_for(world)[:3]
    choose(world, ALICE, changed, "Approved")
    world.must("approval_reconciliation")
    world.sandbox.clock(advance_seconds=2)
    choose(world, ALICE, good, "Approved")
    choose(world, BEN, bad, "Rejected")
    world.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=changed["record_no"], changes={"due_on": "2027-03-01"})
    say("rehearsal: false", "rehearsal: true")

    told = rehearsed(world)["approval_reconciliation.settle_decisions"]
    assert told["would"] == {"stamp": 1, "refuse": 1, "void": 1}
    words = "\n".join(told["words"])
    assert f"would be stamped on bill {good['bill_number'] or good['record_no']} in Intacct: Approved" in words
    assert "would be refused, and the task would say why: A rejection needs a reason" in words
    assert "would become void on both sides" in words
    assert "The due date was" in words

    say("rehearsal: true", "rehearsal: false")
    world.must("approval_reconciliation", run_type="scheduled")
    assert [held(world, one)["ASANA_DECISION"] for one in (changed, good, bad)] == ["void", "Approved", ""]
    assert task_of(world, bad)["fields"]["Approval"] == "Pending"
    assert "needs a reason" in comments(world, bad)[0]
    assert world.evidence_is_sound()
