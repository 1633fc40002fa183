"""One login for a whole run, credentials that never leak, and answers to everything that can end a session."""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured, TryLater
from intacct_asana.intacct.replies import Reply
from intacct_asana.intacct.session import LIFETIME_UNSAID, renewed, session_from
from intacct_asana.records import ReadWindow

from sandbox import constants

NAME = "intacct_session_token__intacct_default__top"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def logins(sandbox: Any) -> int:
    return sandbox.counters().get("intacct getAPISession", 0)  # type: ignore[no-any-return]


def test_many_task_processes_share_one_login(sandbox: Any, a_hook: Any, variables: Any) -> None:
    for _ in range(4):
        a_hook().probe("VENDOR")
    assert logins(sandbox) == 1
    assert variables.writes == 1
    kept = json.loads(variables.values[NAME])
    assert {"session_id", "endpoint", "expires_at", "fingerprint"} <= set(kept)
    assert not any(secret in variables.values[NAME] for secret in (constants.SENDER_PASSWORD, constants.WS_PASSWORD))


def test_without_variables_a_hook_still_logs_in_just_once(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook()
    for _ in range(3):
        hook.probe("VENDOR")
    assert logins(sandbox) == 1


def test_each_entity_has_its_own_session(sandbox: Any, a_hook: Any, variables: Any) -> None:
    a_hook().probe("VENDOR")
    hook = a_hook(extra={"entity_id": "UK01"})
    assert {bill.entity_id for page in hook.bills(ReadWindow()) for bill in page} == {"UK01"}
    assert hook.identity().entity_id == "UK01"
    sessions = {name for name in variables.values if "session" in name}
    assert sessions == {NAME, "intacct_session_token__intacct_default__UK01"}


def test_a_changed_password_forgets_the_shared_session(sandbox: Any, a_hook: Any, variables: Any) -> None:
    a_hook().probe("VENDOR")
    with pytest.raises(Misconfigured, match="Sign-in information is incorrect"):
        a_hook(password="another").probe("VENDOR")
    assert logins(sandbox) == 2


@pytest.mark.parametrize("garbage", ["", "nonsense", "[]", "{}", '{"fingerprint": 1}', "null"])
def test_an_unreadable_shared_session_is_replaced(sandbox: Any, a_hook: Any, variables: Any, garbage: str) -> None:
    variables.values[NAME] = garbage
    a_hook().probe("VENDOR")
    assert json.loads(variables.values[NAME])["session_id"]


def test_an_expired_shared_session_is_not_tried(sandbox: Any, a_hook: Any, variables: Any) -> None:
    a_hook().probe("VENDOR")
    kept = json.loads(variables.values[NAME])
    variables.values[NAME] = json.dumps(kept | {"expires_at": "2020-01-01T00:00:00+00:00"})
    hook = a_hook()
    hook.probe("VENDOR")
    assert hook.calls == {"getAPISession": 1, "query VENDOR": 1}


def test_a_shared_session_with_a_foreign_endpoint_is_not_used(sandbox: Any, a_hook: Any, variables: Any) -> None:
    a_hook().probe("VENDOR")
    kept = json.loads(variables.values[NAME])
    variables.values[NAME] = json.dumps(kept | {"endpoint": "https://evil.example/ia/xml/xmlgw.phtml"})
    hook = a_hook()
    hook.probe("VENDOR")
    assert hook.calls["getAPISession"] == 1


def test_a_session_whose_endpoint_is_not_allowed_is_never_used(sandbox: Any, a_hook: Any, variables: Any) -> None:
    with pytest.raises(Misconfigured, match="allowed_endpoint_hosts"):
        a_hook(extra={"allowed_endpoint_hosts": ["*.intacct.com"]}).probe("VENDOR")
    assert variables.values == {}
    assert "intacct query VENDOR" not in sandbox.counters()


def test_ended_sessions_are_renewed_once_and_the_next_task_uses_the_new_one(sandbox: Any, a_hook: Any, variables: Any) -> None:
    old = a_hook()
    old.probe("VENDOR")
    sandbox.act("intacct", "mgarcia", "end_sessions")
    a_hook().probe("VENDOR")
    old.probe("VENDOR")
    assert logins(sandbox) == 2
    assert old.calls["getAPISession"] == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"dead_session_says": "Session ID is invalid"},
        {"dead_session_says": "Session not found"},
        {"dead_session_says": "Sign-in information is incorrect"},
        {"dead_session_says": "Words that nobody knows yet"},
        {"dead_session": "gateway"},
    ],
)
def test_a_session_that_is_refused_in_whatever_words_is_dropped_for_all_tasks(
    sandbox: Any, a_hook: Any, variables: Any, settings: dict[str, str]
) -> None:
    a_hook().probe("VENDOR")
    sandbox.settings(**settings)
    sandbox.act("intacct", "mgarcia", "end_sessions")
    record_no = next(str(bill["record_no"]) for bill in sandbox.state("intacct")["bills"] if bill["state"] == "Submitted")
    hook = a_hook()
    hook.stamp_bill(record_no, values={"ASANA_DECISION": "Approved"}, control_id="dec-1")
    assert hook.bill(record_no).custom["ASANA_DECISION"] == "Approved"
    later = a_hook()
    later.probe("VENDOR")
    assert (logins(sandbox), later.calls["getAPISession"]) == (2, 0)


def test_behind_a_dead_session_one_fresh_login_tells_the_truth(sandbox: Any, a_hook: Any, variables: Any) -> None:
    a_hook().probe("VENDOR")
    sandbox.settings(dead_session_says="Words that nobody knows yet", sender_authorized=False)
    sandbox.act("intacct", "mgarcia", "end_sessions")
    with pytest.raises(Misconfigured, match=r"login to company SANDBOX-CO .* Web Services authorizations"):
        a_hook().probe("VENDOR")
    assert logins(sandbox) == 2


def test_a_login_into_another_entity_is_a_mistake_of_the_connection(sandbox: Any, a_hook: Any) -> None:
    sandbox.settings(login_leads_to="US01")
    with pytest.raises(Misconfigured, match="the login led into 'US01', not into 'UK01' as the connection's entity_id says"):
        a_hook(extra={"entity_id": "UK01"}).probe("VENDOR")
    with pytest.raises(Misconfigured, match="not into the top level"):
        a_hook().probe("VENDOR")


def test_the_sandbox_clock_ends_sessions_and_one_login_mends_it(sandbox: Any, a_hook: Any, variables: Any) -> None:
    hook = a_hook()
    hook.probe("VENDOR")
    sandbox.clock(advance_seconds=24 * 3600)
    hook.probe("VENDOR")
    assert logins(sandbox) == 2


def test_sessions_that_end_at_once_do_not_log_in_for_ever(sandbox: Any, a_hook: Any) -> None:
    sandbox.fault("intacct", "query VENDOR", "end_session", times=99)
    hook = a_hook(read_tries=2)
    with pytest.raises(TryLater, match="ended at once"):
        hook.probe("VENDOR")
    assert logins(sandbox) <= 3


def test_a_refused_login_is_tried_exactly_once(sandbox: Any, a_hook: Any) -> None:
    for wrong in ({"password": "wrong"}, {"extra": {"sender_password": "wrong"}}, {"extra": {"company_id": "OTHER"}}):
        sandbox.zero_counters()
        with pytest.raises(Misconfigured, match="lock users out"):
            a_hook(**wrong).probe("VENDOR")
        assert logins(sandbox) <= 1


def test_limits_and_outages_of_reads_are_waited_for_within_bounds(sandbox: Any, a_hook: Any) -> None:
    for action in ("status:429", "status:503", "html", "drop", "lost_answer"):
        sandbox.fault("intacct", "query VENDOR", action, times=2)
        hook = a_hook()
        hook.probe("VENDOR")
        assert hook.calls["query VENDOR"] == 3
        sandbox.clear_faults()
    sandbox.fault("intacct", "query VENDOR", "status:503", times=99)
    hook = a_hook()
    with pytest.raises(TryLater, match="503"):
        hook.probe("VENDOR")
    assert hook.calls["query VENDOR"] == 4


def test_a_short_announced_wait_is_kept(sandbox: Any, a_hook: Any) -> None:
    sandbox.fault("intacct", "query VENDOR", "status:429", detail={"retry_after": "0.4"})
    hook = a_hook()
    started = time.monotonic()
    hook.probe("VENDOR")
    assert time.monotonic() - started >= 0.4
    assert hook.calls["query VENDOR"] == 2


def test_a_long_announced_wait_is_left_to_airflow(sandbox: Any, a_hook: Any) -> None:
    sandbox.fault("intacct", "query VENDOR", "status:429", times=9, detail={"retry_after": "600"})
    hook = a_hook()
    with pytest.raises(TryLater) as caught:
        hook.probe("VENDOR")
    assert (caught.value.wait_seconds, hook.calls["query VENDOR"]) == (600, 1)


def test_the_test_button_says_who_logged_in_or_what_is_wrong(sandbox: Any, a_hook: Any) -> None:
    assert a_hook().test_connection() == (True, "Logged in to company SANDBOX-CO as xml_gateway, top level")
    good, message = a_hook(password="wrong").test_connection()
    assert not good
    assert "intacct_default" in message
    good, message = a_hook(host="https://gateway.invalid/x").test_connection()
    assert not good
    assert "nothing was sent" in message


def test_identity_tells_company_user_and_session_length(a_hook: Any) -> None:
    who = a_hook().identity()
    assert (who.company_id, who.user_id, who.session_minutes) == ("SANDBOX-CO", "xml_gateway", 60)


def test_a_connection_with_several_faults_lists_them_all(a_hook: Any) -> None:
    hook = a_hook(login="", host="http://gateway.example/x", extra={"sender_id": "", "timestamp_offset": "PST"})
    with pytest.raises(Misconfigured) as caught:
        hook.probe("VENDOR")
    text = str(caught.value)
    assert all(word in text for word in ("login", "sender_id", "not https", "PST"))
    assert len(caught.value.problems) == 4


def test_no_secret_is_in_any_log_line_or_error(
    sandbox: Any, a_hook: Any, variables: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    hook = a_hook()
    list(hook.bills(ReadWindow()))
    sandbox.act("intacct", "mgarcia", "end_sessions")
    hook.probe("VENDOR")
    text = "\n".join(record.getMessage() for record in caplog.records) + repr(vars(hook)) + repr(hook.settings)
    secrets = [constants.SENDER_PASSWORD, constants.WS_PASSWORD, *sandbox.state("intacct")["session_ids"]]
    assert logins(sandbox) == 2
    assert len(secrets) >= 4
    assert not [secret for secret in secrets if secret in text]


def a_reply(*, start: datetime | None, end: datetime | None) -> Reply:
    return Reply(function="query", data=None, session_from=start, session_until=end)


def test_expiry_is_the_servers_difference_on_our_clock_less_a_margin() -> None:
    server = NOW - timedelta(hours=3)
    session = session_from("s", "e", a_reply(start=server, end=server + timedelta(hours=6)), now=NOW)
    assert session.expires_at == NOW + timedelta(hours=6) - timedelta(minutes=5)
    short = session_from("s", "e", a_reply(start=server, end=server + timedelta(minutes=10)), now=NOW)
    assert short.expires_at == NOW + timedelta(minutes=9)


def test_a_later_answer_moves_the_end_even_when_its_start_is_the_login() -> None:
    login = NOW - timedelta(hours=3)
    session = session_from("s", "e", a_reply(start=login, end=login + timedelta(hours=1)), now=NOW)
    later = a_reply(start=login, end=login + timedelta(hours=1, minutes=30))
    assert renewed(session, later).expires_at == session.expires_at + timedelta(minutes=30)
    assert renewed(session, a_reply(start=None, end=None)) == session


def test_without_a_told_end_a_session_is_trusted_for_50_minutes() -> None:
    session = session_from("s", "e", a_reply(start=None, end=None), now=NOW)
    assert session.expires_at - NOW == LIFETIME_UNSAID == timedelta(minutes=50)


def test_renewals_reach_the_variable_only_when_half_the_time_is_gone(sandbox: Any, a_hook: Any, variables: Any) -> None:
    hook = a_hook()
    hook.probe("VENDOR")
    for minutes in (10, 10, 10, 10):
        sandbox.clock(advance_seconds=minutes * 60)
        hook.probe("VENDOR")
    assert logins(sandbox) == 1
    assert variables.writes == 2


def test_tasks_that_renew_at_the_same_time_all_succeed_and_share_the_last_session(sandbox: Any, task_processes: Any) -> None:
    """Real processes with one store of Variables; the latency makes their logins overlap."""
    sandbox.settings(intacct_latency_ms=50)
    task_processes({"max_concurrency": 3}, probes=1)
    sandbox.act("intacct", "mgarcia", "end_sessions")
    renewing = task_processes(*[{"max_concurrency": 3}] * 3, probes=2)
    assert [report["errors"] for report in renewing] == [[], [], []]
    assert 2 <= logins(sandbox) <= 4
    (later,) = task_processes({"max_concurrency": 3}, probes=1)
    assert later["calls"] == {"query VENDOR": 1}
    assert later["session"] in {report["session"] for report in renewing}
