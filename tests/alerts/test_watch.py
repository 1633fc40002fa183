"""The look over all flows: what is late, refused, waits or drifted is told once, in the ways that the file names, and ends."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from intacct_asana.errors import Refused, TryLater, UnsafePlan
from intacct_asana.operators.runs.reporting import StepFailed
from intacct_asana.operators.watching.callbacks import TellFailure
from intacct_asana.operators.watching.telling import Teller
from intacct_asana.operators.watching.watch import WatchFlowsOperator
from intacct_asana.records.drift import Drift, Drifted
from intacct_asana.sync.release import Release, ReleaseState

from sandbox import constants
from tests.alerts.alerts_world import MAIL, Alarmed
from tests.alerts.conftest import Mailbox
from tests.reconciliation.reconciliation_world import ERIN

Make = Callable[..., Alarmed]
OWN_TASK = f"{{on_failure: [{{kind: asana_task, project: '{constants.BILLS_PROJECT_GID}', assignee: {ERIN}}}]}}"


def test_a_dag_that_has_not_succeeded_for_too_long_says_so(alarmed: Make, mailbox: Mailbox) -> None:
    world = alarmed(f"{{on_failure: [{MAIL}], not_succeeded_for: {{bill_sync: 2h}}}}")
    world.watch()
    world.pass_time(hours=1)
    world.watch()
    assert mailbox.subjects == []
    world.pass_time(hours=2)
    world.watch()
    world.watch()
    assert mailbox.subjects == ["[small] small_bill_sync has not succeeded for 2 hours"]
    assert "None succeeded since 2026-11-23" in mailbox.body()
    world.report(is_dry=True)
    world.watch()
    assert len(mailbox.subjects) == 1, "a dry run did not do the work"
    world.report()
    world.watch()
    assert mailbox.subjects[1:] == ["[small] over: small_bill_sync has not succeeded for 2 hours"]
    world.pass_time(hours=3)
    world.watch()
    assert "The last run that succeeded ended at" in mailbox.body()
    assert len(mailbox.subjects) == 3


def test_a_killed_tasks_incident_ends_with_the_next_run_that_succeeds(alarmed: Make, mailbox: Mailbox) -> None:
    world = alarmed(f"{{on_failure: [{MAIL}]}}")
    world.run_fails(step="report_run")
    world.watch()
    world.pass_time(60)
    world.report()
    world.watch()
    assert [one.startswith("[small] over") for one in mailbox.subjects] == [False, True]


def a_finding(number: int) -> Drifted:
    key = f"{constants.COMPANY_ID}:bill:{number}"
    return Drifted(
        drift=Drift.STALE, key=key, cause="amount", words=f"Bill {number} shows 5.00 and is 6.00", name=f"Bill {number}"
    )


def test_drift_is_told_in_one_message_a_look_and_each_finding_once(alarmed: Make, mailbox: Mailbox) -> None:
    world = alarmed(f"{{on_drift: [{MAIL}]}}")
    found = [a_finding(number) for number in range(25)]
    world.store.findings().keep(found, at=world.at)
    world.watch()
    assert len(mailbox.subjects) == 1
    assert mailbox.subjects[0].endswith("and 24 more")
    assert "And 5 more." in mailbox.body()
    world.store.findings().keep([*found[:24], a_finding(99)], at=world.at)
    world.watch()
    assert sorted(one[:12] for one in mailbox.subjects[1:]) == ["[small] A ta", "[small] over"]
    assert world.watch() == {"begun": 0, "over": 0, "told": 0}


def test_a_refused_decision_is_told_and_over_when_somebody_decides_anew(alarmed: Make, mailbox: Mailbox) -> None:
    """Refusals from before the flow named anybody are history."""
    world = alarmed(f"{{on_refusal: [{MAIL}]}}", approval="  states: [Submitted, Posted]")
    world.approve(ERIN)
    world.heal()
    world.watch()
    assert mailbox.subjects == []
    world.approve(ERIN)
    world.heal()
    world.watch()
    world.watch()
    [told] = mailbox.subjects
    assert told.startswith("[small] A decision was refused: ")
    assert "Task: https://" in mailbox.body()
    world.approve("alice.martin@northwind.example")
    world.heal()
    world.watch()
    assert mailbox.subjects[1:] == [f"[small] over: {told.removeprefix('[small] ')}"]


def alert_tasks(world: Alarmed) -> list[dict[str, Any]]:
    return [task for task in world.sandbox.state("asana")["tasks"] if "Reference: inc-small-" in task["notes"]]


def test_a_task_is_made_for_an_incident_and_completed_when_it_is_over(alarmed: Make) -> None:
    world = alarmed(OWN_TASK)
    for run in ("r1", "r2"):
        world.fails(Refused("no such vendor"), run_id=run)
    [task] = alert_tasks(world)
    assert "no such vendor" in task["notes"]
    assert not task["completed"]
    world.succeeds()
    [task] = alert_tasks(world)
    assert task["completed"]
    assert "Over: small_bill_sync failed at apply_plan" in "".join(story["text"] for story in task["stories"])


def test_a_task_whose_answer_was_lost_is_found_and_not_made_twice(alarmed: Make, caplog: pytest.LogCaptureFixture) -> None:
    world = alarmed(OWN_TASK)
    world.sandbox.fault("asana", "POST /tasks", "lost_answer")
    world.fails(Refused("no such vendor"))
    world.watch()
    assert len(alert_tasks(world)) == 1
    assert world.watch()["told"] == 0


def test_a_comment_is_written_once_and_a_wrong_gid_is_one_sentence(alarmed: Make, caplog: pytest.LogCaptureFixture) -> None:
    world = alarmed("{on_failure: [{kind: asana_comment, task: '99999'}]}")
    world.fails(TryLater("no answer"))
    assert "Asana shows no task 99999: mend `task` in the flow file's alerts" in caplog.text
    gid = world.sandbox.state("asana")["tasks"][0]["gid"]
    right = world.flow.alerts.on_failure[0].model_copy(update={"task": gid})
    world.flow = world.flow.model_copy(update={"alerts": world.flow.alerts.model_copy(update={"on_failure": (right,)})})
    for _ in range(2):
        world.watch()
    world.succeeds()
    said = [story["text"] for story in world.sandbox.state("asana")["tasks"][0]["stories"] if "inc-small" in story["text"]]
    assert ["Over: " in text for text in said] == [False, True]


def test_a_rehearsal_tells_by_mail_and_writes_nothing_to_asana(alarmed: Make, caplog: pytest.LogCaptureFixture) -> None:
    world = alarmed(OWN_TASK)
    world.flow = world.flow.model_copy(update={"rehearsal": True})
    with caplog.at_level(logging.INFO):
        world.fails(Refused("x"))
    assert "Rehearsal: would tell in Asana: [small] small_bill_sync failed" in caplog.text
    assert alert_tasks(world) == []


def test_a_flow_that_is_gone_leaves_no_incident_open(alarmed: Make, mailbox: Mailbox) -> None:
    world = alarmed(f"{{on_failure: [{MAIL}]}}")
    world.fails(Refused("x"))
    text = world.path.read_text(encoding="utf-8")
    world.path.write_text(text.replace("flow: small\n", "flow: other\n"), encoding="utf-8")
    result = WatchFlowsOperator(task_id="watch").execute({})  # type: ignore[typeddict-item]
    assert set(result) == {"other"}
    assert world.open_incidents() == []
    assert len(mailbox.subjects) == 1, "nobody is named any more"


def test_the_meter_warns_once_a_month_of_what_all_flows_called(alarmed: Make, mailbox: Mailbox) -> None:
    world = alarmed(f"{{on_meter: [{MAIL}]}}")
    world.flow = world.flow.model_copy(update={"meter": SimpleNamespace(monthly_calls=1000, warn_at=0.8)})
    count = {"system": "intacct", "company": constants.COMPANY_ID, "job": "bill_sync", "day": world.at.date()}
    world.store.calls().add(calls=100, **count)
    world.at = world.at.replace(day=30)
    world.watch()
    assert mailbox.subjects == []
    world.store.calls().add(calls=750, **count)
    world.watch()
    world.watch()
    assert mailbox.subjects == ["[small] Calls to Intacct come near the 1,000 of a month"]
    assert "of 1,000 used" in mailbox.body()


def test_neither_a_dry_run_nor_a_backfill_ends_a_failure(alarmed: Make, mailbox: Mailbox) -> None:
    world = alarmed(f"{{on_failure: [{MAIL}]}}")
    world.run_fails(step="report_run")
    world.watch()
    world.pass_time(60)
    world.report(is_dry=True)
    world.watch()
    assert len(mailbox.subjects) == 1
    world.report()
    world.watch()
    assert len(mailbox.subjects) == 2


def test_a_plan_that_waits_for_people_is_not_over_for_a_green_run(alarmed: Make, mailbox: Mailbox) -> None:
    world = alarmed(f"{{on_failure: [{MAIL}]}}")
    one = Release(
        digest="d" * 64,
        kind="bill",
        plan_id="p",
        state=ReleaseState.WAITING,
        refused_at=world.at,
        dag_id="small_bill_sync",
        refused_in="r1",
        reasons=(),
        counts={},
        money={},
        calls=1,
    )
    world.store.releases().save(one)
    world.fails(UnsafePlan("too many tasks to create"), step="plan_tasks")
    world.succeeds(step="plan_tasks")
    world.report()
    world.watch()
    assert len(mailbox.subjects) == 1
    assert "release DAG" in mailbox.body()
    world.store.releases().move(one, replace(one, state=ReleaseState.APPLIED))
    world.succeeds(step="plan_tasks")
    assert [subject.startswith("[small] over") for subject in mailbox.subjects] == [False, True]


def test_the_last_step_of_a_run_tells_nothing_that_another_step_told(alarmed: Make, mailbox: Mailbox) -> None:
    world = alarmed(f"{{on_failure: [{MAIL}]}}")
    world.fails(Refused("no such vendor"), step="compare_sides")
    TellFailure(flow="small")(world.context(step="report_drift", run_id="r1", error=StepFailed("A step of this run failed.")))
    assert len(mailbox.subjects) == 1


def test_a_process_that_dies_after_it_told_leaves_no_second_task(alarmed: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task was made, and its process ended before it got any further: the next one knows."""
    world = alarmed(OWN_TASK)
    with monkeypatch.context() as dying:
        dying.setattr(Teller, "_delivered", killed_after(Teller._delivered))
        with pytest.raises(KeyboardInterrupt):
            world.fails(Refused("no such vendor"))
    world.pass_time(3600)
    world.watch()
    assert len(alert_tasks(world)) == 1
    world.succeeds()
    [task] = alert_tasks(world)
    assert task["completed"]


def killed_after(step: Callable[..., Any]) -> Callable[..., Any]:
    def then_killed(*given: Any, **more: Any) -> Any:
        step(*given, **more)
        raise KeyboardInterrupt

    return then_killed
