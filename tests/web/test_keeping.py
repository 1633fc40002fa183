"""The flow's webhook over its life: made once, found again, mended when it is gone or fails, and never in the way."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import Request, Response
from intacct_asana.asana.webhooks import has_our_filters
from intacct_asana.errors import Misconfigured, OutcomeUnknown, Refused, TryLater
from intacct_asana.operators.flow_run import utc_now
from intacct_asana.operators.preflight import CheckAsanaOperator
from intacct_asana.operators.webhooks import KeepWebhookOperator, keep_webhook
from intacct_asana.records import Pins, Registration

from sandbox import constants
from tests.asana.asana_connections import FAST
from tests.store.store_world import crowd
from tests.web.conftest import Office

ALICE = constants.PEOPLE[0]["email"]
PROJECT = constants.BILLS_PROJECT_GID
pytestmark = pytest.mark.airflow


def keep(office: Office, *, later: timedelta = timedelta()) -> dict[str, Any]:
    run = office.run
    return keep_webhook(run, board=run.unpinned_board, now=utc_now() + later)


def step(office: Office) -> dict[str, Any]:
    """As the DAG runs it: with the board of the pinned user."""
    if office.run.store.pins("bill") is None:
        bot_gid = office.run.unpinned_board.me().gid
        office.run.store.save_pins("bill", Pins(project_gid=PROJECT, fields={}, bot_gid=bot_gid))
    return KeepWebhookOperator(task_id="keep_webhook", flow="demo").execute({})


def taken(office: Office) -> None:
    """Wait until its first delivery was taken: one that comes before Asana's answer to us was kept is told to come again."""
    office.until(lambda: "200" in office.answers("delivery"))


def in_asana(office: Office) -> list[Any]:
    return list(office.run.unpinned_board.webhooks(constants.WORKSPACE_GID, PROJECT))


def raw(office: Office, method: str, path: str, body: Any = None) -> Any:
    """Asana's API as another program with the same token would use it."""
    headers = {"Authorization": f"Bearer {constants.ASANA_TOKEN}"}
    url = office.sandbox.asana_url + path
    return httpx.request(method, url, json=body and {"data": body}, headers=headers, trust_env=False).json()


def test_it_is_made_once_and_found_again(office: Office) -> None:
    made = keep(office)
    assert made["state"] == "made"
    taken(office)
    again = keep(office)
    assert (again["state"], again["webhook"], again["removed"]) == ("kept", made["webhook"], 0)
    assert "last_success_at" in again
    [hook] = in_asana(office)
    assert (hook.gid, hook.active, has_our_filters(hook)) == (made["webhook"], True, True)
    assert set(office.answers("delivery")) <= {"200", "503"}


def test_it_is_looked_at_every_few_minutes_only(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    gid = step(office)["webhook"]
    taken(office)
    office.sandbox.zero_counters()
    assert step(office) == {"webhook": gid, "state": "not checked"}
    assert office.sandbox.counters() == {}
    monkeypatch.setattr("intacct_asana.operators.webhooks.CHECK_EVERY", timedelta(seconds=-1))
    assert step(office)["state"] == "kept"


def test_with_another_user_s_token_nothing_is_looked_at_or_made(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.run.store.save_pins("bill", Pins(project_gid=PROJECT, fields={}, bot_gid="another"))
    office.sandbox.zero_counters()
    report = step(office)
    assert (report["state"], "Nothing was read or written" in report["problem"]) == ("failed", True)
    assert office.sandbox.counters() == {"asana GET /users/{gid}": 1}


@pytest.mark.parametrize("trouble", ["lose_webhooks", "stop_webhooks"])
def test_one_that_is_gone_or_inactive_is_made_anew(office: Office, trouble: str) -> None:
    old = keep(office)["webhook"]
    office.sandbox.act("asana", ALICE, trouble)
    # What Asana made a moment ago may show as inactive at first.
    office.sandbox.clock(advance_seconds=-3600)
    again = keep(office, later=timedelta(hours=1))
    assert again["state"] == "made"
    assert again["webhook"] != old
    assert [hook.gid for hook in in_asana(office)] == [again["webhook"]]


def test_a_day_of_failed_deliveries_is_reported_and_mended(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    old = keep(office)["webhook"]
    taken(office)
    secrets: list[str] = []

    def is_signed(secret: str, body: bytes, signature: str) -> bool:
        """Not by the first one, from here on."""
        secrets.append(secret)
        return secret != secrets[0]

    monkeypatch.setattr("intacct_asana.web.receiver.is_signed", is_signed)
    office.sandbox.act("asana", ALICE, "heartbeat")
    office.until(lambda: office.answers("delivery").count("401") >= 3)
    report = keep(office)
    assert report["state"] == "made"
    assert report["removed"] == 1
    assert report["last_failure_content"] == "401"
    assert report["delivery_retry_count"] >= 2
    assert {"last_failure_at", "last_success_at", "failure_deletion_timestamp", "next_attempt_after"} <= set(report)
    assert [hook.gid for hook in in_asana(office)] == [report["webhook"]] != [old]
    office.sandbox.clock(advance_seconds=25 * 3600)
    assert [hook.gid for hook in in_asana(office)] == [report["webhook"]]


def test_while_it_cannot_be_mended_the_old_one_stays_and_nothing_fails(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    old = keep(office)["webhook"]
    office.sandbox.settings(asana_webhook_loopback=False)
    monkeypatch.setattr("intacct_asana.operators.webhooks.is_failing", lambda _: True)
    with pytest.raises(Refused, match="Asana calls http"):
        keep(office)
    monkeypatch.setattr("intacct_asana.operators.webhooks.CHECK_EVERY", timedelta(seconds=-1))
    report = step(office)
    assert (report["state"], "not allowed" in report["problem"]) == ("failed", True)
    assert [hook.gid for hook in in_asana(office)] == [old]
    assert office.hooks.active().webhook_gid == old


def test_even_a_mistake_of_our_own_does_not_fail_the_run(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def mistake(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("with who knows what in it")

    monkeypatch.setattr("intacct_asana.operators.webhooks.keep_webhook", mistake)
    assert step(office) == {"webhook": "", "state": "failed", "problem": "ZeroDivisionError"}


def test_other_filters_are_put_right(office: Office) -> None:
    gid = keep(office)["webhook"]
    taken(office)
    raw(office, "PUT", f"/webhooks/{gid}", {"filters": [{"resource_type": "section"}]})
    assert not has_our_filters(in_asana(office)[0])
    assert keep(office)["state"] == "kept"
    assert has_our_filters(in_asana(office)[0])


def test_one_whose_answer_was_lost_is_found_deleted_and_made_anew(office: Office) -> None:
    """Its secret came with the answer."""
    office.sandbox.fault("asana", "POST /webhooks", "lost_answer")
    with pytest.raises(OutcomeUnknown):
        keep(office)
    assert (in_asana(office), office.hooks.all()) == ([], [])
    assert (keep(office)["state"], len(in_asana(office))) == ("made", 1)


def test_what_an_interrupted_run_left_is_deleted(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as dying:
        # The handshake was kept and Asana has it; then the process is gone.
        dying.setattr("intacct_asana.asana.hook.mask_secret", lambda _: os._exit(9))
        assert crowd(1, lambda _: keep(office)) == [None]
    [left] = in_asana(office)
    assert [row.state for row in office.hooks.all()] == [Registration.SHAKEN]
    # The registration that broke off holds its place for two minutes.
    with pytest.raises(TryLater, match="is doing this just now"):
        keep(office)
    made = keep(office, later=timedelta(minutes=3))
    assert made["removed"] == 1
    assert [hook.gid for hook in in_asana(office)] == [made["webhook"]] != [left.gid]


def test_a_webhook_of_another_program_is_left_alone(office: Office) -> None:
    office.airflow.app.add_api_route("/elsewhere", echo, methods=["POST"])
    other = raw(office, "POST", "/webhooks", {"resource": PROJECT, "target": f"{office.url}/elsewhere?id=1"})["data"]["gid"]
    keep(office)
    keep(office)
    assert other in {hook.gid for hook in in_asana(office)}
    assert len(in_asana(office)) == 2


async def echo(request: Request) -> Response:
    secret = request.headers.get("x-hook-secret", "")
    return Response(status_code=200, headers={"X-Hook-Secret": secret} if secret else {})


def test_a_flow_that_is_no_longer_woken_by_a_webhook_skips_the_step(office: Office, tmp_path: Any) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    path = tmp_path / "demo.yaml"
    path.write_text(path.read_text().replace("wake: webhook", "wake: none"))
    with pytest.raises(AirflowSkipException):
        step(office)
    assert in_asana(office) == []


def test_a_rehearsal_registers_no_webhook_and_deletes_none(office: Office, tmp_path: Any) -> None:
    path = tmp_path / "demo.yaml"
    live = path.read_text()
    path.write_text(live.replace("rehearsal: false", "rehearsal: true"))
    assert step(office) == {"webhook": "", "state": "rehearsal"}
    row = checks(office, create_missing=True)["Asana webhook"]
    assert (row["ok"], in_asana(office)) == ("yes", [])
    assert "after the rehearsal" in row["result"]
    path.write_text(live)
    assert step(office)["state"] == "made"


# Preflight.


def checks(office: Office, *, create_missing: bool) -> dict[str, dict[str, str]]:
    operator = CheckAsanaOperator(task_id="check_asana", flow="demo", create_missing=create_missing)
    return {row["check"]: row for row in operator.execute({})}


def test_preflight_registers_only_when_it_may_make_things(office: Office) -> None:
    office.airflow.runs.append({"dag_run_id": "manual__1", "state": "success"})
    before = checks(office, create_missing=False)["Asana webhook"]
    assert (before["ok"], "create_missing" in before["result"]) == ("no", True)
    assert in_asana(office) == []
    made = checks(office, create_missing=True)
    assert made["Asana webhook"]["result"].startswith("made: ")
    assert made["Airflow service user"]["ok"] == "yes"
    taken(office)
    again = checks(office, create_missing=False)["Asana webhook"]
    assert (again["ok"], again["result"]) == ("yes", f"works: {in_asana(office)[0].gid}")


def test_preflight_says_that_a_read_only_connection_cannot_register(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = FAST | {"read_only": True}
    asana = {"conn_type": "asana_rest", "host": office.sandbox.asana_url, "password": constants.ASANA_TOKEN, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_ASANA_DEFAULT", json.dumps(asana))
    row = checks(office, create_missing=False)["Asana webhook"]
    assert row["ok"] == "no"
    assert "read-only" in row["result"]
    with pytest.raises(Misconfigured, match="read-only"):
        keep(office)
    assert office.hooks.all() == []


def test_preflight_says_what_is_wrong_with_the_service_user(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(**wrong: Any) -> str:
        service = {"conn_type": "http", "host": office.url, "login": "waker", "password": "wrong-password"} | wrong
        monkeypatch.setenv("AIRFLOW_CONN_INTACCT_ASANA_AIRFLOW", json.dumps(service))
        row = checks(office, create_missing=False)["Airflow service user"]
        assert row["ok"] == "no"
        assert "wrong-password" not in row["result"]
        return row["result"]

    assert "check login and password" in said()
    assert "no login" in said(login="")
    assert "not the URL" in said(host="ftp://somewhere")
    assert "could not connect" in said(host="http://127.0.0.1:9")


def test_a_flow_without_a_webhook_has_none_of_these_checks(office: Office, tmp_path: Any) -> None:
    path = tmp_path / "demo.yaml"
    path.write_text(path.read_text().replace("wake: webhook", "wake: watcher"))
    assert not {"Asana webhook", "Airflow service user"} & set(checks(office, create_missing=True))
