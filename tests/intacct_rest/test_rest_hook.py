"""The hook on the stand-in: what a connection has to say, one token for all tasks, and no secret anywhere."""

from __future__ import annotations

import inspect
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from intacct_asana.errors import (
    IntacctAsanaError,
    Misconfigured,
    OddRecord,
    OutcomeUnknown,
    Refused,
    TryLater,
    UnexpectedReply,
)
from intacct_asana.intacct.rest import connection as rest_connection
from intacct_asana.intacct.rest.calls import PAGE
from intacct_asana.intacct.rest.hook import IntacctRestHook

from sandbox import constants

SECRET = constants.REST_CLIENT_SECRET


def a_bill(sandbox: Any, **how: Any) -> str:
    made: str = sandbox.act("intacct", "mgarcia", "create_bill", **how)["record_no"]
    return made


def tokens(sandbox: Any) -> int:
    return sandbox.counters().get("intacct REST token", 0)  # type: ignore[no-any-return]


def test_a_bill_is_read_as_the_gateway_tells_it(sandbox: Any, a_rest_hook: Any, a_hook: Any, variables: Any) -> None:
    """By the record number of the gateway, number, vendor, total, currency, entity and state are the same."""
    rest, xml = a_rest_hook(), a_hook()
    for each in sandbox.state("intacct")["bills"]:
        there, here = rest.bill(each["record_no"]), xml.bill(each["record_no"])
        assert (there.key, there.state, there.bill_number, there.vendor_id) == (
            *(here.record_no, here.state, here.bill_number, here.vendor_id),
        )
        assert there.total == here.transaction_total_entered
        assert (there.currency, there.entity_id, there.on_hold) == (here.currency, here.entity_id, here.on_hold)
    assert rest.bill("999999999") is None
    assert rest.calls == {"token": 1, "read bill": 21}


def test_what_waits_for_approval_is_listed_page_by_page(sandbox: Any, a_rest_hook: Any, variables: Any) -> None:
    sandbox.reset(bills=3 * PAGE)
    waiting = {
        each["record_no"] for each in sandbox.state("intacct")["bills"] if each["state"] in ("Submitted", "Partially Approved")
    }
    for number in range(PAGE + 5 - len(waiting)):
        waiting.add(a_bill(sandbox, bill_number=f"W-{number}"))
    pages = list(a_rest_hook().waiting())
    assert {bill.key for page in pages for bill in page} == waiting
    assert len(pages) == 2


def test_writes_are_marked_and_nothing_else_is() -> None:
    marked = {name for name, method in inspect.getmembers(IntacctRestHook) if getattr(method, "changes_other_system", False)}
    assert marked == {"approve", "decline"}


def test_the_test_button_says_who_we_are(sandbox: Any, a_rest_hook: Any, variables: Any) -> None:
    is_good, said = a_rest_hook().test_connection()
    assert is_good
    assert said.startswith(f"Intacct's REST API takes us as {constants.REST_USERNAME}; ")
    is_good, said = a_rest_hook(password="wrong").test_connection()
    assert not is_good
    assert "Authorized Client Applications" in said


BAD = {
    "no client": ({"login": ""}, "login (client id): is missing"),
    "no secret": ({"password": ""}, "password (client secret): is missing"),
    "no company": ({"extra": {"username": "xml_gateway"}}, "extra.username: is not of the form user@company"),
    "two entities": ({"extra": {"username": "a@b|US01", "entity_id": "UK01"}}, "is UK01, and username leads into US01"),
    "another type": ({"conn_type": "http"}, "type: is 'http', not intacct_rest"),
    "plain http": ({"host": "http://api.intacct.com/ia/api/v1"}, "it is not https"),
    "another host": ({"host": "https://evil.example/ia/api/v1"}, "evil.example is none of 127.0.0.1"),
    "a host within a name": ({"host": "https://user@127.0.0.1/x"}, "it has no plain host name"),
    "a query": ({"host": "https://127.0.0.1/ia?x=1"}, "holds more than host and path"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_connection_that_cannot_be_used_says_why_and_sends_nothing(
    sandbox: Any, a_rest_hook: Any, variables: Any, what: str
) -> None:
    changed, said = BAD[what]
    with pytest.raises(Misconfigured, match="cannot be used for Intacct's REST API") as caught:
        a_rest_hook(**changed).bill("1")
    assert said in caught.value.message
    assert SECRET not in caught.value.message
    assert tokens(sandbox) == 0


def test_without_a_word_only_intaccts_own_hosts_are_allowed() -> None:
    assert rest_connection.why_not_here(rest_connection.API) == ""
    assert "is none of *.intacct.com" in rest_connection.why_not_here("https://intacct.com.evil.example/ia/api/v1")


def test_all_tasks_share_one_token(sandbox: Any, a_rest_hook: Any, variables: Any) -> None:
    key = a_bill(sandbox)
    for _ in range(3):
        a_rest_hook().bill(key)
    assert tokens(sandbox) == 1
    [name] = variables.values
    assert name == "intacct_rest_token__intacct_rest_default__top"


@pytest.mark.parametrize(
    "changed",
    [{"extra": {"username": "xml_gateway@SANDBOX-CO|UK01"}}, {"extra": {"entity_id": "UK01"}}],
    ids=["user", "entity"],
)
def test_another_user_or_entity_has_a_token_of_its_own(
    sandbox: Any, a_rest_hook: Any, variables: Any, changed: dict[str, Any]
) -> None:
    key = a_bill(sandbox, entity="UK01")
    a_rest_hook().bill(key)
    assert a_rest_hook(**changed).bill(key).entity_id == "UK01"
    assert a_rest_hook(**changed).bill(a_bill(sandbox, entity="US01")) is None
    assert tokens(sandbox) == 2


def test_a_token_of_other_credentials_is_not_used(sandbox: Any, a_rest_hook: Any, variables: Any) -> None:
    key = a_bill(sandbox)
    a_rest_hook().bill(key)
    with pytest.raises(Misconfigured, match="Check client id and secret"):
        a_rest_hook(password="another").bill(key)


@pytest.mark.parametrize("kept", ["{", "[]", '{"text": "x"}', '{"fingerprint": "{mine}", "text": "x", "expires_at": "soon"}'])
def test_a_shared_token_that_cannot_be_read_is_replaced(sandbox: Any, a_rest_hook: Any, variables: Any, kept: str) -> None:
    hook, key = a_rest_hook(), a_bill(sandbox)
    variables.values[hook.tokens.name] = kept.replace("{mine}", hook.settings.fingerprint)
    assert hook.bill(key).key == key


def test_a_token_is_renewed_before_it_ends(sandbox: Any, a_rest_hook: Any, variables: Any) -> None:
    sandbox.settings(rest_token_seconds=3600)
    now, key = datetime.now(UTC), a_bill(sandbox)
    hook = a_rest_hook(now=lambda: now)
    hook.bill(key)
    now += timedelta(minutes=54)
    hook.bill(key)
    assert tokens(sandbox) == 1
    now += timedelta(minutes=2)
    hook.bill(key)
    assert tokens(sandbox) == 2


def test_a_token_of_untold_life_is_used_for_minutes_only(sandbox: Any, a_rest_hook: Any, variables: Any) -> None:
    sandbox.settings(rest_token_seconds=None)
    now, key = datetime.now(UTC), a_bill(sandbox)
    hook = a_rest_hook(now=lambda: now)
    hook.bill(key)
    now += timedelta(minutes=5)
    hook.bill(key)
    assert tokens(sandbox) == 2


@pytest.mark.parametrize("status", [401, 400])
def test_a_token_that_ended_is_replaced_once_by_everybody(sandbox: Any, a_rest_hook: Any, variables: Any, status: int) -> None:
    """Some clients met it as a 400."""
    sandbox.settings(rest_dead_token=status)
    key = a_bill(sandbox)
    a_rest_hook().bill(key)
    sandbox.fault("intacct", "REST bill", "end_session")
    assert a_rest_hook().bill(key).key == key
    a_rest_hook().bill(key)
    assert tokens(sandbox) == 2


def test_two_dead_tokens_are_a_persons_to_mend(sandbox: Any, a_rest_hook: Any, variables: Any) -> None:
    sandbox.fault("intacct", "REST approve", "end_session", times=9)
    with pytest.raises(Misconfigured, match="Two tokens were refused"):
        a_rest_hook().approve(a_bill(sandbox), notes="x")
    assert sandbox.counters()["intacct REST approve"] == 2


@pytest.mark.parametrize("action", ["drop", "status:500", "status:503", "html", "truncated"])
def test_an_outage_of_a_read_is_waited_for(sandbox: Any, a_rest_hook: Any, variables: Any, action: str) -> None:
    key = a_bill(sandbox)
    sandbox.fault("intacct", "REST bill", action)
    if action in ("html", "truncated"):
        with pytest.raises(UnexpectedReply):
            a_rest_hook().bill(key)
    else:
        assert a_rest_hook().bill(key).key == key


def test_a_read_without_the_right_to_it_says_what_is_missing(sandbox: Any, a_rest_hook: Any, variables: Any) -> None:
    sandbox.settings(rest_denied=["read"])
    with pytest.raises(Misconfigured, match="permission to list and view bills"):
        a_rest_hook().bill(a_bill(sandbox))


def test_a_bill_that_is_not_there_by_another_status_is_no_proof(sandbox: Any, a_rest_hook: Any, variables: Any) -> None:
    sandbox.settings(rest_unknown_bill=400)
    with pytest.raises(Refused):
        a_rest_hook().bill("999999999")


def test_an_answer_about_another_bill_is_none(sandbox: Any, a_rest_hook: Any, variables: Any) -> None:
    sandbox.fault("intacct", "REST bill", "other_function")
    with pytest.raises(OddRecord, match="it is about bill 999999999"):
        a_rest_hook().bill(a_bill(sandbox))


@pytest.mark.parametrize("action", ["other_function", "no_status", "half_success"])
def test_an_answer_to_a_write_that_is_not_about_its_bill_proves_nothing(
    sandbox: Any, a_rest_hook: Any, variables: Any, action: str
) -> None:
    sandbox.fault("intacct", "REST approve", action)
    with pytest.raises(OutcomeUnknown):
        a_rest_hook().approve(a_bill(sandbox), notes="x")


@pytest.mark.parametrize("key", ["", "12/../13", "1?x=1", "٣", "12 "])
def test_a_key_that_is_no_number_goes_nowhere(sandbox: Any, a_rest_hook: Any, variables: Any, key: str) -> None:
    for call in (lambda: a_rest_hook().bill(key), lambda: a_rest_hook().approve(key, notes="x")):
        with pytest.raises(UnexpectedReply, match="so nothing was sent"):
            call()
    assert not sandbox.counters()


def test_no_secret_stands_in_a_log_an_error_a_url_or_a_repr(
    sandbox: Any, a_rest_hook: Any, variables: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The stand-in repeats what it was sent in its errors, as a careless server does."""
    caplog.set_level(logging.DEBUG)
    key, said = a_bill(sandbox), []
    for action in ("lost_answer", "status:500", "status:403", "html", "half_success", "refuse"):
        sandbox.fault("intacct", "REST approve", action)
        hook = a_rest_hook()
        try:
            hook.approve(key, notes="x")
        except IntacctAsanaError as error:
            said += [repr(error), str(error), repr(error.__cause__), repr(hook.tokens.current), repr(hook.settings)]
    sandbox.fault("intacct", "REST decline", "refuse", detail={"message": f"bad {hook.tokens.current.text} and {SECRET}"})
    for call in (lambda: hook.decline(key, notes="x"), lambda: a_rest_hook(password=f"{SECRET}-old").bill(key)):
        with pytest.raises((Refused, Misconfigured)) as caught:
            call()
        said += [str(caught.value), repr(caught.value)]
    told = "\n".join([*said, caplog.text])
    issued = sandbox.state("intacct")["tokens"]
    assert "bad *** and ***" in told
    assert issued
    assert not [secret for secret in (SECRET, *issued) if secret in told]


def test_a_limit_of_the_token_endpoint_is_told_as_one(sandbox: Any, a_rest_hook: Any, variables: Any) -> None:
    sandbox.fault("intacct", "REST token", "status:429", times=9, detail={"retry_after": "900"})
    with pytest.raises(TryLater) as caught:
        a_rest_hook().bill("1")
    assert caught.value.wait_seconds == 900
