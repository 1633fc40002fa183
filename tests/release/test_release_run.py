"""A plan over a limit as a worker meets it: the sync stops, people are asked, and what they approve is carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.sync.release import out_of_date

pytestmark = pytest.mark.airflow
ROOT = Path(__file__).resolve().parents[2]
DECLARED = '\nrelease: {people: [erin, "7"], wait_hours: 24}\nlimits:\n  creates: 5\n'
ERIN = {"id": "erin", "name": "Erin Wolf"}


@pytest.fixture
def refused(world: Any, flow_file: Callable[[str, str], None]) -> Any:
    """The first sync of a company, which is over the limit."""
    from airflow.dag_processing.dagbag import DagBag

    flow_file("\nlimits:\n  creates: 1000\n", DECLARED)
    world.bag = DagBag(dag_folder=str(ROOT / "dags"))
    assert world.bag.import_errors == {}
    world.must("preflight", create_missing=True)
    world.states = world.run("bill_sync", run_id="first")
    return world


def ask(world: Any, run_id: str | None = None, **conf: Any) -> str:
    """The run of the release DAG begins: the state of the step that asks."""
    if not conf:
        run_id, (_, conf) = list(world.api.triggered.items())[-1]
    dag = world.bag.dags["demo_release_plan"]
    world.api.answer = {}
    world.api.start_run(dag.dag_id, run_id=run_id or "by_hand", **conf)
    result = world._run_task(dag.get_task("ask_people"))
    world.error = result.error
    return str(getattr(result.state, "value", result.state))


def answer(world: Any, option: str = "Approve", *, who: dict[str, str] | None = ERIN) -> str:
    """Somebody answers, or nobody does in time, and the step goes on with that."""
    from airflow.sdk.serde import serialize

    said = {"chosen_options": [option], "params_input": {}, "responded_at": datetime.now(UTC), "responded_by_user": who}
    going_on = serialize({"event": {**said, "timedout": who is None}})
    world.api.answer = {"next_method": "execute_complete", "next_kwargs": going_on}
    result = world._run_task(world.bag.dags["demo_release_plan"].get_task("ask_people"))
    world.api.answer, world.error = {}, result.error
    return str(getattr(result.state, "value", result.state))


def asked_ago(world: Any, *, hours: float) -> None:
    releases = world.store().releases()
    [one] = releases.newest()
    releases.move(one, replace(one, asked_at=datetime.now(UTC) - timedelta(hours=hours)))


def carry_out(world: Any) -> str:
    result = world._run_task(world.bag.dags["demo_release_plan"].get_task("apply_release"))
    world.error = result.error
    return str(getattr(result.state, "value", result.state))


def test_a_plan_over_a_limit_waits_for_a_person_and_is_then_carried_out(refused: Any) -> None:
    assert refused.states["plan_tasks"] == "failed"
    assert refused.states["apply_plan"] == "upstream_failed"
    assert (len(refused.api.triggered), refused.tasks()) == (1, [])
    assert ask(refused) == "awaiting_input"
    asked = refused.api.asked
    assert [user["id"] for user in asked["assigned_users"]] == ["erin", "7"]
    assert asked["defaults"] == ["Reject"]
    for told in ("too many tasks to create", "the limit is 5", "new", "USD", "calls to Asana", "more; the log of"):
        assert told in asked["body"]

    states = refused.run("bill_sync", run_id="second")
    assert (states["plan_tasks"], states["apply_plan"]) == ("success", "success"), "it is red once"
    assert "waits for an answer" in refused.result("apply_plan")["waits"]
    assert (len(refused.api.triggered), refused.tasks()) == (1, [])

    refused.api.start_run("demo_release_plan", run_id=next(iter(refused.api.triggered)))
    assert answer(refused) == "success"
    assert carry_out(refused) == "success", refused.error
    made = len(refused.tasks())
    assert made > 5
    facts = [row.body for row in refused.store().evidence() if row.body.get("about") == "release"]
    assert [(one["step"], one["by"]["name"]) for one in facts] == [("approved", "Erin Wolf"), ("carried out", "Erin Wolf")]
    assert refused.evidence_is_sound()
    assert carry_out(refused) == "success", "clearing it is safe"
    before = refused.writes()
    refused.must("bill_sync", run_id="third")
    assert "everything" not in refused.result("plan_tasks")["why"], "the cursors moved as after any other run"
    assert (len(refused.tasks()), refused.writes()) == (made, before)


@pytest.mark.parametrize("who", [ERIN, None], ids=["rejected", "not answered"])
def test_what_was_rejected_or_not_answered_is_not_asked_again_until_it_changes(
    refused: Any, who: dict[str, str] | None
) -> None:
    ask(refused)
    if who is None:
        asked_ago(refused, hours=23)
        assert answer(refused, "Reject", who=None) == "awaiting_input", "there is time yet"
        asked_ago(refused, hours=25)
    assert answer(refused, "Reject", who=who) in ("success", "skipped")
    said = refused.result("ask_people")["says"]
    assert said.endswith("Nothing is written.")
    assert ("rejected by Erin Wolf" if who else "not answered in time") in said
    assert carry_out(refused) == "failed", "nobody approved it, whoever marks what as done"
    assert "Nothing was written" in str(refused.error)
    states = refused.run("bill_sync", run_id="second")
    assert (states["plan_tasks"], states["ask_for_release"]) == ("failed", "skipped")
    assert (len(refused.api.triggered), refused.tasks()) == (1, [])


def test_an_answer_of_somebody_whom_the_flow_does_not_name_counts_for_nothing(refused: Any) -> None:
    ask(refused)
    assert answer(refused, who={"id": "admin", "name": "Admin"}) == "awaiting_input"
    assert carry_out(refused) == "failed"
    assert refused.tasks() == []


def test_a_newer_plan_takes_the_place_of_one_that_waits(refused: Any) -> None:
    ask(refused)
    older = next(iter(refused.api.triggered))
    bill = next(one for one in refused.sandbox.state("intacct")["bills"] if one["state"] == "Posted")
    refused.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=bill["record_no"], changes={"line": 1, "amount": "4.44"})
    states = refused.run("bill_sync", run_id="second")
    assert (states["plan_tasks"], len(refused.api.triggered)) == ("failed", 2)
    refused.api.start_run("demo_release_plan", run_id=older)
    assert answer(refused) == "skipped", "an approval of the older one does nothing"
    assert "out of date" in refused.result("ask_people")["says"]
    assert carry_out(refused) == "failed"
    assert ask(refused) == "awaiting_input"
    assert answer(refused) == "success"
    assert carry_out(refused) == "success", refused.error
    assert len(refused.tasks()) > 5


def test_a_plan_that_needs_nobody_ends_the_question(refused: Any) -> None:
    ask(refused)
    run_id = next(iter(refused.api.triggered))
    refused.must("bill_sync", run_id="by_parameter", allow_unsafe_plan=True)
    made = refused.tasks()
    refused.api.start_run("demo_release_plan", run_id=run_id)
    assert answer(refused) == "skipped"
    assert refused.tasks() == made
    assert len(made) > 5


def test_somebody_asks_again_by_hand(refused: Any) -> None:
    ask(refused)
    answer(refused, "Reject")
    assert ask(refused, "by_hand", plan="") == "awaiting_input"
    assert answer(refused) == "success"
    assert carry_out(refused) == "success", refused.error
    assert ask(refused, "once_more", plan="") == "skipped"
    assert ask(refused, "unknown", plan="0123abcd") == "failed"


def test_a_dry_run_asks_nobody(refused: Any) -> None:
    refused.run("bill_sync", run_id="dry", dry_run=True)
    assert len(refused.api.triggered) == 1


def test_a_question_whose_run_is_gone_is_asked_anew(refused: Any) -> None:
    """It was deleted, or marked as done: nobody looks at the time any more, and the store says that it waits."""
    ask(refused)
    states = refused.run("bill_sync", run_id="second")
    assert states["plan_tasks"] == "success", "it waits"
    asked_ago(refused, hours=26)
    states = refused.run("bill_sync", run_id="third")
    assert (states["plan_tasks"], states["ask_for_release"]) == ("failed", "success")
    assert len({*refused.api.triggered}) == 2, "another run, since Airflow starts none that exists"
    assert ask(refused) == "awaiting_input"


def test_what_is_being_carried_out_is_not_asked_about(refused: Any) -> None:
    ask(refused)
    answer(refused)
    assert ask(refused, run_id="by_hand", plan="") == "skipped"
    assert [str(one.state) for one in refused.store().releases().newest()] == ["approved"]


def test_an_answer_is_not_written_over_by_a_run_that_looked_before(refused: Any) -> None:
    """A run of the sync reads that the plan waits; meanwhile somebody approves; then it keeps what it made of that."""
    from intacct_asana.errors import TryLater
    from intacct_asana.operators.release import held

    ask(refused)
    releases = refused.store().releases()
    looked = releases.open("bill")
    answer(refused)
    with pytest.raises(TryLater):
        held._keep(releases, out_of_date(looked, scope=""), known=looked)
    assert carry_out(refused) == "success"
