"""What can go wrong on demand, and whether the effect then happened or not."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import requests
from lxml import etree

STAMP = "<ASANA_DECISION>Approved</ASANA_DECISION>"


@pytest.fixture
def bill(sandbox: Any) -> str:
    made = sandbox.act("intacct", "mgarcia", "create_bill")
    number: str = made["record_no"]
    return number


def is_stamped(sandbox: Any, number: str) -> bool:
    bills = sandbox.state("intacct")["bills"]
    return any(bill["record_no"] == number and bill["stamps"]["ASANA_DECISION"] for bill in bills)


def update(gateway: Any, number: str) -> requests.Response:
    envelope = gateway.envelope(f"<update><APBILL><RECORDNO>{number}</RECORDNO>{STAMP}</APBILL></update>")
    answer: requests.Response = gateway.post(envelope)
    return answer


@pytest.mark.parametrize(("action", "happened"), [("lost_answer", True), ("drop", False)])
def test_a_closed_connection_tells_nothing(gateway: Any, sandbox: Any, bill: str, action: str, happened: bool) -> None:
    sandbox.fault("intacct", "update APBILL", action)
    with pytest.raises(requests.ConnectionError):
        update(gateway, bill)
    assert is_stamped(sandbox, bill) is happened
    assert update(gateway, bill).status_code == 200


@pytest.mark.parametrize(
    ("action", "status", "words", "happened"),
    [
        ("status:500", 500, "<html>", False),
        ("status:524", 524, "cf-error-details", False),
        ("status_after:524", 524, "cf-error-details", True),
        ("status:429", 429, "GW-0010", False),
        ("status:400", 400, "GW-0011", False),
        ("html", 200, "cf-error-details", False),
        ("empty", 200, "", True),
        ("truncated", 200, "<response>", True),
        ("no_status", 200, "<result><function>update</function>", True),
        ("aborted", 200, "<status>aborted</status>", False),
        ("half_success", 200, "<status>failure</status>", True),
        ("lose_stamp", 200, "<result><status>success</status>", False),
    ],
)
def test_each_fault_answers_and_acts_as_named(
    gateway: Any, sandbox: Any, bill: str, action: str, status: int, words: str, happened: bool
) -> None:
    sandbox.fault("intacct", "update APBILL", action)
    answer = update(gateway, bill)
    assert answer.status_code == status
    assert words in answer.text
    assert is_stamped(sandbox, bill) is happened
    if action == "truncated":
        with pytest.raises(etree.XMLSyntaxError):
            etree.fromstring(answer.content)


def test_an_ended_session_fails_the_call_and_all_later_ones(gateway: Any, sandbox: Any, bill: str) -> None:
    gateway.open_session()
    sandbox.fault("intacct", "update APBILL", "end_session")
    for _ in range(2):
        assert "Invalid session" in update(gateway, bill).text
    assert not is_stamped(sandbox, bill)


def test_a_fault_waits_for_its_call_and_strikes_as_often_as_told(gateway: Any, sandbox: Any, bill: str) -> None:
    sandbox.fault("intacct", "query *", "status:503", on_call=2, times=2)
    query = gateway.envelope("<query><object>APBILL</object><select><field>RECORDNO</field></select></query>")
    assert [gateway.post(query).status_code for _ in range(4)] == [200, 503, 503, 200]
    listed = sandbox.call("GET", "/_sandbox/faults")
    assert [(fault["seen"], fault["struck"]) for fault in listed] == [(3, 2)]
    sandbox.clear_faults()
    assert sandbox.call("GET", "/_sandbox/faults") == []


def test_a_delay_delays(gateway: Any, sandbox: Any, bill: str) -> None:
    sandbox.fault("intacct", "update APBILL", "delay:0.3")
    start = time.monotonic()
    assert update(gateway, bill).status_code == 200
    assert time.monotonic() - start >= 0.3


def test_retry_after_comes_when_the_fault_says_so(gateway: Any, sandbox: Any, bill: str) -> None:
    sandbox.fault("intacct", "update APBILL", "status:429", detail={"retry_after": 7})
    assert update(gateway, bill).headers["Retry-After"] == "7"


def test_too_many_calls_at_once_are_turned_away(gateway: Any, sandbox: Any, bill: str) -> None:
    sandbox.settings(intacct_max_concurrency=1, intacct_latency_ms=400)
    statuses: list[int] = []

    def call() -> None:
        statuses.append(
            requests.post(
                gateway.url, gateway.envelope("<getAPISession/>"), headers={"Content-Type": "text/xml"}, timeout=9
            ).status_code
        )

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 429, 429]


@pytest.mark.parametrize("action", ["lost_anwser", "status", "status:abc", "html:1", "expire_tokens"])
def test_a_fault_that_cannot_be_played_is_refused(sandbox: Any, action: str) -> None:
    with pytest.raises(AssertionError, match="422"):
        sandbox.fault("intacct", "*", action)
