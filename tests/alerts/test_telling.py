"""One message when something fails, none for what is known, one when it is over; whatever else goes wrong meanwhile."""

from __future__ import annotations

import json
import logging
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured, Refused, TryLater, UnsafePlan
from intacct_asana.operators.watching import callbacks
from intacct_asana.operators.watching.telling import tell
from intacct_asana.reports.run_report import RunState

from tests.alerts.alerts_world import MAIL, SLACK, Alarmed
from tests.alerts.conftest import Mailbox, smtp
from tests.conftest import free_port

MAILED = f"{{on_failure: [{MAIL}]}}"
Make = Callable[..., Alarmed]


@pytest.fixture
def mailed(alarmed: Make, mailbox: Mailbox) -> Alarmed:
    return alarmed(MAILED)


def test_one_mail_when_it_fails_and_one_when_it_is_over(mailed: Alarmed, mailbox: Mailbox) -> None:
    for run in ("r1", "r2", "r3"):
        mailed.fails(TryLater("Asana does not answer"), run_id=run)
        mailed.run_fails(run_id=run)
    assert mailbox.subjects == ["[small] small_bill_sync failed at apply_plan"]
    for said in ("Asana does not answer", "The next run tries again by itself", "/runs/r1/tasks/apply_plan", "/runs/r1\n"):
        assert said in mailbox.body()
    [one] = mailed.open_incidents()
    assert (one.times, one.incident_id in mailbox.body()) == (3, True)
    mailed.succeeds(step="plan_tasks")
    mailed.succeeds(params={"dry_run": True})
    mailed.succeeds(dag_run=SimpleNamespace(run_type="backfill"))
    assert len(mailbox.subjects) == 1
    mailed.succeeds(run_id="r4")
    assert mailbox.subjects[1:] == ["[small] over: small_bill_sync failed at apply_plan"]
    assert "apply_plan succeeded in run r4" in mailbox.body()
    assert mailed.open_incidents() == []
    mailed.succeeds(run_id="r5")
    mailed.fails(TryLater("again"), run_id="r6")
    assert len(mailbox.subjects) == 3, "what is back is told again"


def test_another_cause_is_another_incident(mailed: Alarmed, mailbox: Mailbox) -> None:
    mailed.fails(TryLater("x"))
    mailed.fails(UnsafePlan("too many creates: <b>900</b> & more"), run_id="r2")
    assert len(mailbox.subjects) == 2
    assert "UnsafePlan: too many creates: &lt;b&gt;900&lt;/b&gt; &amp; more" in mailbox.body()
    mailed.succeeds()
    assert [one.startswith("[small] over: ") for one in mailbox.subjects] == [False, False, True]
    assert mailbox.subjects[-1].endswith("and 1 more")


def test_a_killed_task_is_told_by_the_dag_processor(mailed: Alarmed, mailbox: Mailbox) -> None:
    mailed.run_fails()
    mailed.run_fails(run_id="r2")
    assert len(mailbox.subjects) == 1
    assert "ended without a word" in mailbox.body()
    mailed.succeeds()
    assert mailbox.subjects[-1].startswith("[small] over: ")


KILLED = (
    "plan_tasks: it ended without a word, as a process that is killed does; see its log",
    "apply_plan: did not run, because a step before it failed",
)


def test_a_killed_task_is_named_and_not_the_report_of_its_run(mailed: Alarmed, mailbox: Mailbox) -> None:
    """Airflow hands over the task that failed last, and the report fails last."""
    mailed.report(run_id="r1", state=RunState.FAILED, failures=KILLED)
    mailed.run_fails(step="report_run", began_at=mailed.at - timedelta(minutes=1))
    assert mailbox.subjects == ["[small] small_bill_sync failed at plan_tasks"]
    for said in (*KILLED, "/runs/r1/tasks/plan_tasks\n"):
        assert said in mailbox.body()
    assert "report_run" not in mailbox.body()
    mailed.run_fails(step="plan_tasks", run_id="r2")
    [one] = mailed.open_incidents()
    assert (one.times, one.seen.step) == (2, "plan_tasks"), "it is one cause, whichever way Airflow tells of it"
    mailed.succeeds(step="plan_tasks")
    assert mailbox.subjects[1:] == ["[small] over: small_bill_sync failed at plan_tasks"]


def test_a_report_from_before_the_run_was_repeated_names_nobody(mailed: Alarmed, mailbox: Mailbox) -> None:
    mailed.report(run_id="r1", state=RunState.FAILED, failures=KILLED)
    mailed.run_fails(step="report_run", began_at=mailed.at + timedelta(minutes=1))
    assert mailbox.subjects == ["[small] small_bill_sync failed at report_run"]


def in_the_wait(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    once = iter([happens])
    monkeypatch.setattr(callbacks.time, "sleep", lambda _: next(once, lambda: None)())


def test_a_dag_processor_that_is_ended_while_it_waits_loses_no_alert(
    mailed: Alarmed, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as ending:
        in_the_wait(ending, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            mailed.run_fails()
    assert mailbox.subjects == []
    mailed.watch()
    mailed.watch()
    assert mailbox.subjects == ["[small] small_bill_sync failed at apply_plan"]


def test_nobody_else_tells_while_the_dag_processor_waits(
    mailed: Alarmed, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[list[str]] = []
    in_the_wait(monkeypatch, lambda: (mailed.pass_time(10), tell(mailed.parts()), heard.append(mailbox.subjects)))
    mailed.run_fails()
    assert heard == [[]]
    assert len(mailbox.subjects) == 1
    mailed.watch()
    assert len(mailbox.subjects) == 1


def test_a_task_that_tells_while_the_dag_processor_waits_is_heard_alone(
    mailed: Alarmed, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_wait(monkeypatch, lambda: mailed.fails(TryLater("Asana does not answer")))
    mailed.run_fails()
    mailed.watch()
    assert len(mailbox.subjects) == 1
    assert "Asana does not answer" in mailbox.body()
    [one] = mailed.open_incidents()
    assert one.seen.error == "TryLater"


def test_a_task_that_tells_while_the_dag_processor_is_about_to_is_heard_alone(
    mailed: Alarmed, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its look whether somebody told and its own note."""
    monkeypatch.setattr(callbacks, "seen_before", lambda *_a, **_k: bool(mailed.fails(TryLater("Asana does not answer"))))
    mailed.run_fails()
    mailed.watch()
    mailed.watch()
    assert len(mailbox.subjects) == 1
    [one] = mailed.open_incidents()
    assert one.seen.error == "TryLater"


def test_what_is_over_while_the_dag_processor_waits_is_told_once_as_that(
    mailed: Alarmed, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_wait(monkeypatch, mailed.succeeds)
    mailed.run_fails()
    mailed.watch()
    assert mailbox.subjects == ["[small] over: small_bill_sync failed at apply_plan"]


def test_the_dag_processor_and_the_task_tell_once_whoever_is_first(mailed: Alarmed, mailbox: Mailbox) -> None:
    mailed.fails(TryLater("x"))
    mailed.run_fails()
    mailed.run_fails(run_id="r2")
    assert len(mailbox.subjects) == 2
    mailed.fails(TryLater("x"), run_id="r2")
    mailed.run_fails(run_id="r3")
    mailed.fails(Refused("y"), run_id="r3")
    assert len(mailbox.subjects) == 3, "the task of r3 explains what was told already"
    assert [one.seen.error for one in mailed.open_incidents()] == ["TryLater", "Refused"]
    mailed.succeeds()
    assert mailed.open_incidents() == []


def test_a_notifier_that_is_down_is_told_of_later_and_the_others_at_once(
    alarmed: Make, mailbox: Mailbox, slack: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = alarmed(f"{{on_failure: [{MAIL}, {SLACK}]}}")
    works = json.loads(os.environ["AIRFLOW_CONN_SMTP_DEFAULT"])
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", smtp(free_port()))
    with caplog.at_level(logging.ERROR):
        world.fails(Misconfigured("no such field"))
    assert len(slack.said) == 1
    assert "did not leave by smtp, and the next run tells it: the mail was not sent (ConnectionRefusedError" in caplog.text
    world.watch()
    assert mailbox.subjects == []
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(works))
    world.watch()
    world.watch()
    assert len(mailbox.subjects) == 1
    assert len(slack.said) == 1


def test_what_was_over_before_anybody_heard_is_told_as_that(
    alarmed: Make, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = alarmed(MAILED)
    works = os.environ["AIRFLOW_CONN_SMTP_DEFAULT"]
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", smtp(free_port()))
    world.fails(TryLater("no answer at noon"))
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", works)
    world.succeeds()
    assert mailbox.subjects == ["[small] over: small_bill_sync failed at apply_plan"]
    assert "no answer at noon" in mailbox.body()


def test_slack_gets_text_and_no_markup_and_its_secret_is_told_nowhere(
    alarmed: Make, slack: Any, caplog: pytest.LogCaptureFixture
) -> None:
    world = alarmed(f"{{on_failure: [{SLACK}]}}")
    slack.status = 404
    world.fails(Refused("bill <!channel> & co"))
    [(path, text)] = slack.said
    assert path == "/services/T1/B2/s3cret"
    assert "bill &lt;!channel&gt; &amp; co" in text
    assert "Slack answered 404; make the webhook anew" in caplog.text
    assert "s3cret" not in caplog.text
    slack.status = 200
    world.watch()
    assert len(slack.said) == 2


def test_a_connection_that_is_missing_is_one_sentence(alarmed: Make, caplog: pytest.LogCaptureFixture) -> None:
    alarmed("{on_failure: [{kind: slack, connection: no_slack}]}").fails(Refused("x"))
    assert "did not leave by slack, and the next run tells it: Connection no_slack does not exist" in caplog.text


def test_without_its_store_an_alert_leaves_all_the_same(
    mailed: Alarmed, mailbox: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> Any:
        raise TryLater("The store could not be used")

    mailed.store.incidents = away  # type: ignore[method-assign]
    mailed.fails(TryLater("x"))
    mailed.run_fails()
    assert len(mailbox.subjects) == 2
    assert "The store does not remember this alert" in caplog.text
    mailed.succeeds()


def test_an_error_of_others_is_told_by_its_name_alone(mailed: Alarmed, mailbox: Mailbox) -> None:
    mailed.fails(KeyError("postgresql://store:hunter2@db"))
    assert "KeyError (the log says more)" in mailbox.body()
    assert "hunter2" not in mailbox.body()


def test_what_a_flow_file_says_is_never_rendered(alarmed: Make, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even an address that got past the check of the file, nor an error that quotes a template."""
    monkeypatch.setenv("AIRFLOW_CONN_INTACCT_DEFAULT", json.dumps({"conn_type": "intacct", "password": "hunter2"}))
    world = alarmed(MAILED)
    [notifier] = world.flow.alerts.on_failure
    word = "{{conn.intacct_default.password}}"
    sly = notifier.model_copy(update={"to": (f"{word}@evil.example",)})
    world.flow = world.flow.model_copy(update={"alerts": world.flow.alerts.model_copy(update={"on_failure": (sly,)})})
    world.fails(Refused(word))
    [mail] = mailbox.mails
    assert "hunter2" not in str(mail)
    assert word in mailbox.body()


def test_a_run_of_dags_test_tells_too(mailed: Alarmed, mailbox: Mailbox) -> None:
    """Airflow hands over the DAG as its scheduler knows it, which has no environment for templates."""
    ran = mailed.context(step="apply_plan", run_id="r1", error=None, dag=SimpleNamespace(dag_id="small_bill_sync"))
    callbacks.TellFailedRun(flow="small", waits_seconds=0)(ran)
    assert mailbox.subjects == ["[small] small_bill_sync failed at apply_plan"]


def test_a_flow_without_notifiers_says_it_in_the_log(alarmed: Make, caplog: pytest.LogCaptureFixture) -> None:
    alarmed("{}").fails(UnsafePlan("too many creates"))
    assert "by the log alone" in caplog.text
    assert "too many creates" in caplog.text
