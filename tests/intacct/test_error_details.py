"""Errors with stable ids: asked for only where the gateway has taken it, and read in every documented nesting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured, Refused
from intacct_asana.intacct.replies import decipher
from lxml import etree
from requests.adapters import HTTPAdapter

NAME = "intacct_error_details__intacct_default"


@pytest.fixture
def asks_for_details(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """For each request whether it holds the element."""
    found: list[bool] = []
    send = HTTPAdapter.send

    def noted(adapter: Any, request: Any, **how: Any) -> Any:
        found.append(etree.fromstring(request.body).find("control/showadditionalerrorinfo") is not None)
        return send(adapter, request, **how)

    monkeypatch.setattr(HTTPAdapter, "send", noted)
    return found


def refusal(hook: Any) -> str:
    with pytest.raises(Refused) as caught:
        hook.stamp_bill("999999", values={"ASANA_DECISION": "Approved"}, control_id="dec-1")
    return str(caught.value)


def test_nothing_newer_than_the_schema_is_sent_before_it_was_taken(
    sandbox: Any, a_hook: Any, variables: Any, asks_for_details: list[bool]
) -> None:
    sandbox.settings(error_details="refused")
    hook = a_hook()
    hook.probe("VENDOR")
    assert "SBX-" not in refusal(hook)
    assert not any(asks_for_details)


def test_it_is_tried_once_and_from_then_on_asked_for(
    sandbox: Any, a_hook: Any, variables: Any, asks_for_details: list[bool]
) -> None:
    hook = a_hook()
    hook.probe("VENDOR")
    assert "takes requests" in hook.error_details()
    assert "IA.CANNOT_FIND_THE_APBILL_RECORD_WITH_RECORDNO_TO_UPDATE, VALUE_1 999999" in refusal(hook)
    later = a_hook()
    assert "SBX-" in refusal(later)
    del asks_for_details[:]
    assert "takes requests" in a_hook().error_details()
    assert asks_for_details == []


def test_a_gateway_that_does_not_take_it_is_asked_once_and_works_on(
    sandbox: Any, a_hook: Any, variables: Any, asks_for_details: list[bool]
) -> None:
    sandbox.settings(error_details="refused")
    hook = a_hook()
    hook.probe("VENDOR")
    assert "does not take requests" in hook.error_details()
    hook.probe("VENDOR")
    later = a_hook()
    assert "does not take requests" in later.error_details()
    later.probe("VENDOR")
    assert sum(asks_for_details) == 1


def test_what_was_seen_of_another_company_does_not_count(a_hook: Any, variables: Any) -> None:
    variables.values[NAME] = '{"where": "https://elsewhere.example ACME", "taken": true}'
    assert a_hook().gateway.error_details is False


@pytest.mark.parametrize(("setting", "asks"), [("on", True), ("off", False)])
def test_the_connection_may_say_so_itself(
    sandbox: Any, a_hook: Any, variables: Any, asks_for_details: list[bool], setting: str, asks: bool
) -> None:
    hook = a_hook(extra={"error_details": setting})
    assert hook.error_details() == f"{setting}, as the connection says"
    hook.probe("VENDOR")
    assert set(asks_for_details) == {asks}
    with pytest.raises(Misconfigured, match="error_details is none of when taken, on, off"):
        a_hook(extra={"error_details": "maybe"}).probe("VENDOR")


DOCUMENTED = """<response><control><status>success</status></control><operation><authentication><status>success</status>
</authentication><result><status>failure</status><function>create</function><controlid>c-1</controlid>
<data listtype="objects" count="0"/><errormessage><error><errorno>BL01001973</errorno><description></description>
<description2>The account number &#039;5000.11&#039; already exists</description2><correction></correction><additionalinfo>
<errorid>GL-0493</errorid><category>Duplication Prevention</category>
<target domain="" requestinfo="d3DJI%7EZEck" object="GLACCOUNT" field="" businessinfo=""/>
<description><messageid></messageid><category></category><target domain="" object="" field="" businessInfo=""/>
<placeholders></placeholders></description><cdescription><messageid>IA.THE_ACCOUNT_NUMBER_ALREADY_EXISTS</messageid>
<target domain="" requestinfo="" object="" field="ACCOUNTNO" businessInfo=""/><placeholders>
<placeholder name="ACCOUNTNO" value="5000.11"/></placeholders></cdescription></additionalinfo></error></errormessage></result>
</operation></response>"""


@pytest.mark.parametrize("is_write", [False, True])
def test_documented_error_details_are_read_beside_either_description(is_write: bool) -> None:
    with pytest.raises(Refused) as caught:
        decipher(200, {}, DOCUMENTED.encode(), asked="making an account", is_write=is_write, control_id="c-1")
    assert str(caught.value) == (
        "making an account: Intacct said: The account number '5000.11' already exists [BL01001973, GL-0493, "
        "IA.THE_ACCOUNT_NUMBER_ALREADY_EXISTS, object GLACCOUNT, field ACCOUNTNO, ACCOUNTNO 5000.11] (support id d3DJI~ZEck)"
    )
