"""How sessions end: by inactivity, at a fixed time, in mid-page; and which session goes where."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from intacct_asana.intacct.hook import IntacctHook
from intacct_asana.records import ReadWindow
from requests.adapters import HTTPAdapter


def logins(sandbox: Any) -> int:
    return sandbox.counters().get("intacct getAPISession", 0)  # type: ignore[no-any-return]


def move_clocks(sandbox: Any, hook: IntacctHook, *, minutes: float) -> None:
    """Intacct's clock and ours."""
    sandbox.clock(advance_seconds=minutes * 60)
    now = hook.gateway.sessions.now
    moved = timedelta(minutes=minutes)
    hook.gateway.now = hook.gateway.sessions.now = lambda: now() + moved


@pytest.mark.parametrize("timestamp", ["now", "login"])
def test_a_session_that_is_used_lives_on_past_its_first_end(sandbox: Any, a_hook: Any, timestamp: str) -> None:
    """Sliding: each call moves the end. Some companies tell the login's time as the start for ever."""
    sandbox.settings(sessiontimestamp=timestamp)
    hook = a_hook()
    for _ in range(6):
        hook.probe("VENDOR")
        move_clocks(sandbox, hook, minutes=40)
    assert logins(sandbox) == 1
    assert hook.calls["query VENDOR"] == 6


def test_a_session_is_renewed_before_intacct_ends_it(sandbox: Any, a_hook: Any) -> None:
    """The margin: five minutes of an hour. No call meets a dead session."""
    hook = a_hook()
    hook.probe("VENDOR")
    move_clocks(sandbox, hook, minutes=56)
    hook.probe("VENDOR")
    assert hook.calls == {"getAPISession": 2, "query VENDOR": 2}


def test_a_session_within_its_margin_is_used(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook()
    hook.probe("VENDOR")
    move_clocks(sandbox, hook, minutes=54)
    hook.probe("VENDOR")
    assert hook.calls == {"getAPISession": 1, "query VENDOR": 2}


def test_a_fixed_end_that_no_answer_tells_costs_one_call_and_one_login(sandbox: Any, a_hook: Any) -> None:
    sandbox.settings(session_hard_minutes=30)
    hook = a_hook()
    hook.probe("VENDOR")
    for _ in range(3):
        move_clocks(sandbox, hook, minutes=12)
        hook.probe("VENDOR")
    assert hook.calls == {"getAPISession": 2, "query VENDOR": 5}


def test_a_session_that_ends_in_mid_page_loses_and_doubles_nothing(sandbox: Any, a_hook: Any) -> None:
    whole = [bill.record_no for page in a_hook().bills(ReadWindow()) for bill in page]
    sandbox.zero_counters()
    for kind, on_call in (("query APBILL", 3), ("query APBILLITEM", 2)):
        sandbox.fault("intacct", kind, "end_session", on_call=on_call)
    hook = a_hook()
    read = [bill.record_no for page in hook.bills(ReadWindow(), page_size=4) for bill in page]
    assert sorted(read) == sorted(whole)
    assert logins(sandbox) == 3


def test_every_call_goes_to_the_endpoint_that_the_login_named(
    sandbox: Any, a_hook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those of another task, which finds the session where the first one left it."""
    elsewhere = sandbox.gateway_url.replace("127.0.0.1", "localhost")
    sandbox.settings(intacct_endpoint=elsewhere)
    asked: list[str | None] = []
    send = HTTPAdapter.send

    def noted(adapter: Any, request: Any, **how: Any) -> Any:
        asked.append(urlsplit(request.url).hostname)
        return send(adapter, request, **how)

    monkeypatch.setattr(HTTPAdapter, "send", noted)
    hook = a_hook(extra={"allowed_endpoint_hosts": ["localhost"]})
    hook.probe("VENDOR")
    hook.probe("VENDOR")
    assert asked == ["127.0.0.1", "localhost", "localhost"]


def test_several_companies_at_once_have_their_own_sessions_and_their_own_bills(
    sandbox: Any, another_sandbox: Any, a_hook: Any, variables: Any
) -> None:
    """Two connections, read page about page in one process."""
    first, second = a_hook(), a_hook("intacct_other", host=another_sandbox.gateway_url)
    pairs = zip(first.bills(ReadWindow(), page_size=5), second.bills(ReadWindow(), page_size=5), strict=False)
    seen = [({one.record_no for one in here}, {one.record_no for one in there}) for here, there in pairs]
    assert len(seen) >= 4
    for ours, theirs, company in ((0, 1, sandbox), (1, 0, another_sandbox)):
        there = {bill["record_no"] for bill in company.state("intacct")["bills"]}
        read = set().union(*(pair[ours] for pair in seen))
        assert read <= there
        assert set().union(*(pair[theirs] for pair in seen)) - there
    assert sum("session" in name for name in variables.values) == 2
    assert {logins(sandbox), logins(another_sandbox)} == {1}
