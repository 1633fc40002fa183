"""The DAG files as Airflow sees them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.airflow
ROOT = Path(__file__).resolve().parents[2]
JOBS = ("preflight", "vendor_sync", "bill_sync", "approval_reconciliation", "drift_audit", "evidence")
GOOD = ROOT / "include" / "mappings" / "demo.yaml"


def bag_of(mappings: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    from airflow.dag_processing.dagbag import DagBag

    monkeypatch.setenv("INTACCT_ASANA_MAPPINGS", str(mappings))
    return DagBag(dag_folder=str(ROOT / "dags"), safe_mode=True)


@pytest.fixture
def bag(monkeypatch: pytest.MonkeyPatch) -> Any:
    return bag_of(ROOT / "include" / "mappings", monkeypatch)


def test_every_flow_yields_its_dags_without_import_errors(bag: Any) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == {f"demo_{job}" for job in JOBS}


def test_every_dag_has_a_manual_an_owner_tags_and_alerts(bag: Any) -> None:
    for dag in bag.dags.values():
        assert "To stop" in dag.doc_md or "To re-run" in dag.doc_md
        assert {"intacct", "asana", "demo"} <= set(dag.tags)
        assert dag.on_failure_callback
        for task in dag.tasks:
            assert task.owner == "finance-data"
            # The last step fails with another one, which has told whoever is to be told.
            assert task.on_failure_callback or task.task_id == "report_run"
            assert task.retry_policy
            assert task.max_active_tis_per_dag == 1


def test_the_vendor_sync_writes_to_intacct_only_where_the_flow_declares_it(
    bag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "write_vendors" in bag.dags["demo_vendor_sync"].task_ids
    lines = GOOD.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if "intacct_field" not in line and "assignee: {vendor_field" not in line]
    (tmp_path / "demo.yaml").write_text("".join(kept), encoding="utf-8")
    plain = bag_of(tmp_path, monkeypatch)
    assert set(plain.dags["demo_vendor_sync"].task_ids) == {"plan_tasks", "apply_plan", "report_run"}


def test_bills_are_checked_before_decisions_are_settled_where_the_flow_names_a_control(
    bag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "check_bills" not in bag.dags["demo_approval_reconciliation"].task_ids
    text = GOOD.read_text(encoding="utf-8")
    (tmp_path / "demo.yaml").write_text(f"{text}\ncontrols:\n  duplicates: {{mode: block}}\n", encoding="utf-8")
    dag = bag_of(tmp_path, monkeypatch).dags["demo_approval_reconciliation"]
    check, settle = dag.task_dict["check_bills"], dag.task_dict["settle_decisions"]
    assert (check.upstream_task_ids, settle.upstream_task_ids) == ({"read_decisions"}, {"check_bills"})
    assert {check.trigger_rule, settle.trigger_rule} == {"all_done"}
    assert "report_run" in check.downstream_task_ids


def test_what_stands_beside_a_bill_is_written_last_and_only_where_the_flow_wants_it(
    bag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "write_context" not in bag.dags["demo_approval_reconciliation"].task_ids
    text = GOOD.read_text(encoding="utf-8")
    (tmp_path / "demo.yaml").write_text(f"{text}\ncontext:\n  vendor_history: {{days: 365}}\n", encoding="utf-8")
    dag = bag_of(tmp_path, monkeypatch).dags["demo_approval_reconciliation"]
    assert "check_bills" in dag.task_ids, "it reads the bills to compare with"
    assert dag.task_dict["write_context"].downstream_task_ids == {"report_run"}


def test_the_watch_is_there_only_where_somebody_is_to_be_told(
    bag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "intacct_asana_watch" not in bag.dags
    text = GOOD.read_text(encoding="utf-8").replace("alerts:\n", "alerts:\n  not_succeeded_for: {bill_sync: 2h}\n", 1)
    (tmp_path / "demo.yaml").write_text(text, encoding="utf-8")
    assert bag_of(tmp_path, monkeypatch).dags["intacct_asana_watch"].task_ids == ["watch_flows"]


def test_a_task_start_reads_the_dag_of_its_own_flow_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = GOOD.read_text(encoding="utf-8")
    (tmp_path / "demo.yaml").write_text(text, encoding="utf-8")
    for number in range(3):
        more = text.replace("flow: demo ", f"flow: company_{number} ").replace("12000000000000", f"1{number + 3}000000000000")
        (tmp_path / f"company_{number}.yaml").write_text(more, encoding="utf-8")
    assert len(bag_of(tmp_path, monkeypatch).dags) == 4 * len(JOBS)
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "company_1_bill_sync")
    assert set(bag_of(tmp_path, monkeypatch).dags) == {f"company_1_{job}" for job in JOBS}
    (tmp_path / "copy.yaml").write_text((tmp_path / "company_1.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert bag_of(tmp_path, monkeypatch).dags == {}


def test_schedules_are_spread_where_the_flow_says_so(bag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bag.dags["demo_bill_sync"].timetable.expression == "*/15 * * * *"
    text = GOOD.read_text(encoding="utf-8").replace("schedules:\n", "schedules:\n  spread: true\n", 1)
    (tmp_path / "demo.yaml").write_text(text, encoding="utf-8")
    assert bag_of(tmp_path, monkeypatch).dags["demo_bill_sync"].timetable.expression.endswith("-59/15 * * * *")


def test_every_dag_survives_serialisation(bag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    for dag in bag.dags.values():
        DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))


def test_scheduled_dags_have_data_intervals_so_that_backfills_work(bag: Any) -> None:
    from airflow.sdk import CronDataIntervalTimetable

    for job in ("bill_sync", "vendor_sync"):
        assert isinstance(bag.dags[f"demo_{job}"].timetable, CronDataIntervalTimetable)


def test_airflow_refuses_a_backfill_of_dags_whose_runs_have_no_interval(watched: Any) -> None:
    """In UI, CLI and REST: all three ask the DAG as it is stored."""
    from airflow.models.backfill import DagRunType
    from airflow.serialization.serialized_objects import DagSerialization

    stored = {
        job: DagSerialization.deserialize_dag(DagSerialization.serialize_dag(watched.dags[f"demo_{job}"])) for job in JOBS
    }
    allowed = {
        job for job, dag in stored.items() if dag.allowed_run_types is None or DagRunType.BACKFILL_JOB in dag.allowed_run_types
    }
    assert allowed == {"bill_sync", "vendor_sync"}
    assert DagRunType.ASSET_TRIGGERED in stored["approval_reconciliation"].allowed_run_types


def test_no_word_of_a_flow_file_is_in_a_field_that_airflow_renders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every templated field of every task and notifier, where each text of the file that may hold braces holds some."""
    word = "{{ conn.intacct_default.password }}"
    text = GOOD.read_text(encoding="utf-8").replace("wake: none", "wake: watcher")
    alert = "    - {kind: smtp, to: [ap@northwind.example], from_email: af@northwind.example}\n    - {kind: log}\n"
    text = text.replace("    - {kind: log}\n", alert)
    for line in ("description: ", "owner: "):
        text = f"{line}{json.dumps(word)}\n" + "".join(
            one for one in text.splitlines(keepends=True) if not one.startswith(line)
        )
    text = text.replace("name: Amount,", f"name: {json.dumps('Amount ' + word)},")
    (tmp_path / "demo.yaml").write_text(text, encoding="utf-8")
    bag = bag_of(tmp_path, monkeypatch)
    assert bag.import_errors == {}
    tried = 0
    for dag in bag.dags.values():
        told = [*(dag.on_failure_callback or ()), *(each for task in dag.tasks for each in task.on_failure_callback)]
        rendered = [*dag.tasks, *told]
        for one in rendered:
            for name in one.template_fields:
                tried += 1
                held = json.dumps(getattr(one, name), default=str)
                assert "password" not in held
                assert "northwind.example" not in held
    assert tried > 5


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    text = GOOD.read_text().replace("schedules:\n", "wake: watcher\nwaking: {poll_seconds: 7}\nschedules:\n", 1)
    (tmp_path / "demo.yaml").write_text(text)
    return bag_of(tmp_path, monkeypatch)


def test_a_watcher_is_added_to_the_schedule_and_only_there(watched: Any) -> None:
    from airflow.sdk import AssetOrTimeSchedule, CronDataIntervalTimetable

    assert watched.import_errors == {}
    woken = {name for name, dag in watched.dags.items() if isinstance(dag.timetable, AssetOrTimeSchedule)}
    assert woken == {"demo_approval_reconciliation"}
    timetable = watched.dags["demo_approval_reconciliation"].timetable
    assert isinstance(timetable.timetable, CronDataIntervalTimetable)
    [asset] = timetable.asset_condition.objects
    [watcher] = asset.watchers
    assert watcher.trigger.serialize()[1] == {
        "asana_conn_id": "asana_default",
        "project_gid": "1200000000000010",
        "poll_seconds": 7,
    }


def test_a_watched_dag_survives_serialisation_with_cron_and_watcher(watched: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    written = DagSerialization.serialize_dag(watched.dags["demo_approval_reconciliation"])
    assert "AsanaEventsTrigger" in json.dumps(written)
    timetable = DagSerialization.deserialize_dag(written).timetable
    assert timetable.summary == "Asset or */5 * * * *"


def test_a_webhook_is_looked_after_by_a_last_step_that_nothing_depends_on(
    bag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk import CronDataIntervalTimetable

    waking = "wake: webhook\nwaking: {public_url: https://airflow.example.com}\nschedules:\n"
    (tmp_path / "demo.yaml").write_text(GOOD.read_text().replace("schedules:\n", waking, 1))
    woken = bag_of(tmp_path, monkeypatch)
    assert woken.import_errors == {}
    dag = woken.dags["demo_approval_reconciliation"]
    assert isinstance(dag.timetable, CronDataIntervalTimetable)
    keep = dag.get_task("keep_webhook")
    assert (keep.downstream_task_ids, keep.upstream_task_ids, keep.trigger_rule) == (set(), {"tell_people"}, "all_done")
    assert "keep_webhook" not in bag.dags["demo_approval_reconciliation"].task_ids


def test_plans_over_a_limit_are_asked_about_only_where_the_flow_says_so(
    bag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "ask_for_release" not in bag.dags["demo_bill_sync"].task_ids
    told = "release: {people: [erin]}\nalerts:\n"
    (tmp_path / "demo.yaml").write_text(GOOD.read_text().replace("\nalerts:\n", f"\n{told}", 1))
    asking = bag_of(tmp_path, monkeypatch)
    assert asking.import_errors == {}
    for job in ("bill_sync", "vendor_sync"):
        step = asking.dags[f"demo_{job}"].get_task("ask_for_release")
        assert (step.upstream_task_ids, step.downstream_task_ids, step.trigger_rule) == ({"plan_tasks"}, set(), "one_failed")
    dag = asking.dags["demo_release_plan"]
    assert (dag.is_paused_upon_creation, dag.max_active_runs > 10) == (False, True), "one that waits holds up no other"
    assert dag.get_task("ask_people").max_active_tis_per_dag is None
    assert dag.get_task("apply_release").upstream_task_ids == {"ask_people"}
    # A rejection skips what stands right behind the question, whatever its trigger rule.
    assert dag.get_task("ask_people").downstream_task_ids == {"apply_release"}
    assert dag.get_task("report_run").trigger_rule == "all_done"
    assert not {*dag.get_task("ask_people").template_fields, *dag.get_task("apply_release").template_fields} - {"plan_id"}
    assert "backfill" not in dag.allowed_run_types


def test_exceptions_are_kept_last_and_only_where_the_flow_declares_them(
    bag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "exceptions: {owner: erin.wolf@northwind.example}\nalerts:\n"
    (tmp_path / "demo.yaml").write_text(GOOD.read_text().replace("\nalerts:\n", f"\n{told}", 1))
    keeping = bag_of(tmp_path, monkeypatch)
    assert keeping.import_errors == {}
    for job, before, after in (
        ("approval_reconciliation", {"tell_people"}, {"report_run"}),
        ("drift_audit", {"compare_sides"}, {"report_drift"}),
    ):
        assert "keep_exceptions" not in bag.dags[f"demo_{job}"].task_ids
        task = keeping.dags[f"demo_{job}"].get_task("keep_exceptions")
        assert (task.upstream_task_ids, task.downstream_task_ids, task.trigger_rule) == (before, after, "all_done")


def test_the_trigger_form_is_typed(bag: Any) -> None:
    params = bag.dags["demo_bill_sync"].params
    kinds = {"dry_run": "boolean", "full": "boolean", "vendor_ids": ["null", "array"], "bill_numbers": ["null", "array"]}
    for name, kind in kinds.items():
        schema = params.get_param(name).schema
        assert schema["type"] == kind
        assert schema["title"]
    assert params.get_param("since").schema["format"] == "date-time"


def test_a_bad_file_breaks_only_its_own_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(GOOD, tmp_path / "demo.yaml")
    bad = GOOD.read_text().replace("flow: demo ", "flow: other ").replace("key_field: Intacct key", "key_feild: Intacct key")
    bad = bad.replace("source: bill_number", "source: bill_nummer").replace("{name: Vendor ID,", "{name: Vendor,")
    (tmp_path / "other.yaml").write_text(bad.replace("look_back_minutes: 10", "look_back_minutes: soon"))
    bag = bag_of(tmp_path, monkeypatch)
    assert set(bag.dags) == {f"demo_{job}" for job in JOBS}
    [error] = bag.import_errors.values()
    lines = bad.splitlines()
    for wrong in ("key_feild", "bill_nummer"):
        number = next(index for index, line in enumerate(lines, start=1) if wrong in line)
        assert f"other.yaml:{number}" in error
        assert wrong in error
    assert "Vendor" in error


def test_people_are_asked_only_where_the_flow_says_so(bag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step more, after people were told of their decisions; the report of a run waits for it."""
    assert "remind_approvers" not in bag.dags["demo_approval_reconciliation"].task_ids
    asking = GOOD.read_text(encoding="utf-8").replace("\napproval:\n", "\napproval:\n  remind: {before_days: [3]}\n")
    (tmp_path / "demo.yaml").write_text(asking, encoding="utf-8")
    steps = bag_of(tmp_path, monkeypatch).dags["demo_approval_reconciliation"].task_dict
    assert steps["remind_approvers"].upstream_task_ids == {"tell_people"}
    assert "remind_approvers" in steps["report_run"].upstream_task_ids
    assert "remind_approvers" in steps["report_run"].steps


@pytest.mark.parametrize("file", ["approval_reconciliation.py", "bill_sync.py", "drift_audit.py", "vendor_sync.py", "watch.py"])
def test_a_task_reads_its_file_without_http(file: str) -> None:
    """Each task reads it anew: what is imported there, each of them pays, also one that asks nobody."""
    told = f"import runpy, sys; runpy.run_path({str(ROOT / 'dags' / file)!r}); sys.exit('requests' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "plugins")}
    done = subprocess.run([sys.executable, "-c", told], env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
