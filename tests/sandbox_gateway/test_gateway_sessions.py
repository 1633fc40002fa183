"""Logins, sessions and every level at which the gateway says no."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

BAD_LOGIN = "<login><userid>xml_gateway</userid><companyid>SANDBOX-CO</companyid><password>wrong</password></login>"
ONE = "<query><object>APBILL</object><select><field>RECORDNO</field></select><pagesize>1</pagesize></query>"


def test_a_session_is_bound_to_the_gateway_s_own_address(gateway: Any) -> None:
    api = gateway.data("<getAPISession/>").find("api")
    assert api.findtext("endpoint") == gateway.url
    assert api.findtext("locationid") == ""
    assert len(api.findtext("sessionid")) > 20


def test_every_answer_tells_when_the_session_ends(gateway: Any) -> None:
    gateway.open_session()
    told = gateway.ask(ONE).find("operation/authentication")
    times = [datetime.fromisoformat(told.findtext(name)) for name in ("sessiontimestamp", "sessiontimeout")]
    assert (times[1] - times[0]).total_seconds() == 3600
    assert told.findtext("userid") == "xml_gateway"
    assert told.findtext("companyid") == "SANDBOX-CO"


def test_a_session_lives_by_use_and_dies_of_silence(gateway: Any, sandbox: Any, said: Any) -> None:
    session_id = gateway.open_session()
    for _ in range(3):
        sandbox.clock(advance_seconds=3000)
        assert gateway.result(ONE).findtext("status") == "success"
    sandbox.clock(advance_seconds=3600)
    answer = gateway.ask(ONE)
    told = answer.find("operation/authentication")
    assert (gateway.status, answer.findtext("control/status"), told.findtext("status")) == (200, "success", "failure")
    assert said(answer) == [("XL03000006", f"Invalid session {session_id[:10]}....")]
    assert told.findtext("userid") == ""
    assert answer.find("operation/result") is None


def test_a_hard_end_comes_whatever_the_session_did(gateway: Any, sandbox: Any) -> None:
    sandbox.settings(session_hard_minutes=30)
    gateway.open_session()
    sandbox.clock(advance_seconds=1200)
    assert gateway.result(ONE).findtext("status") == "success"
    sandbox.clock(advance_seconds=1200)
    assert gateway.ask(ONE).findtext("operation/authentication/status") == "failure"


def test_people_can_end_all_sessions(gateway: Any, sandbox: Any, said: Any) -> None:
    gateway.open_session()
    assert sandbox.act("intacct", "mgarcia", "end_sessions") == {"ended": 1}
    assert said(gateway.ask(ONE))[0][1].startswith("Invalid session")


def test_a_session_of_an_entity_sees_only_that_entity(gateway: Any) -> None:
    everything = {
        row["MEGAENTITYID"] for row in gateway.rows("APBILL", "MEGAENTITYID", options="<showprivate>true</showprivate>")
    }
    gateway.open_session("<locationid>UK01</locationid>")
    assert {row["MEGAENTITYID"] for row in gateway.rows("APBILL", "MEGAENTITYID")} == {"UK01"} < everything


def test_private_entities_hide_from_the_top_level_unless_asked_for(gateway: Any) -> None:
    assert {row["MEGAENTITYID"] for row in gateway.rows("APBILL", "MEGAENTITYID")} == {"US01"}


def test_opening_a_session_must_be_alone_in_its_request(gateway: Any) -> None:
    results = gateway.ask("<getAPISession/>", ONE).findall("operation/result")
    assert [result.findtext("status") for result in results] == ["failure", "success"]


@pytest.mark.parametrize("setting", ["control", "gateway"])
def test_a_wrong_sender_fails_the_control_block(gateway: Any, sandbox: Any, said: Any, setting: str) -> None:
    sandbox.settings(bad_sender=setting)
    answer = gateway.ask(ONE, password="wrong")
    assert answer.findtext("control/status") == "failure"
    assert answer.find("operation") is None
    number = said(answer)[0][0]
    assert (gateway.status, number) == ((200, "XL03000006") if setting == "control" else (400, "GW-0011"))


@pytest.mark.parametrize("setting", ["authentication", "gateway"])
def test_a_wrong_password_fails_the_authentication(gateway: Any, sandbox: Any, said: Any, setting: str) -> None:
    sandbox.settings(bad_login=setting)
    answer = gateway.ask(ONE, auth=BAD_LOGIN)
    number, text = said(answer)[0]
    assert "Sign-in information is incorrect" in text
    expected = (200, "XL03000006") if setting == "authentication" else (401, "XMLGW_JPP0002")
    assert (gateway.status, number) == expected


def test_a_sender_can_lack_the_right_to_the_company(gateway: Any, sandbox: Any, said: Any) -> None:
    sandbox.settings(sender_authorized=False)
    answer = gateway.ask(ONE)
    assert answer.findtext("operation/authentication/status") == "failure"
    assert "is not authorized to make Web Services requests" in said(answer)[0][1]


@pytest.mark.parametrize(
    "body",
    [
        "not xml",
        "<request><control></request>",
        "<request><control><controlid>1</controlid></control><operation><content><function/></content></operation></request>",
        '<!DOCTYPE r [<!ENTITY a "b">]><request>&a;</request>',
        "<request>&#1;</request>",
    ],
)
def test_a_malformed_request_fails_the_control_block(gateway: Any, body: str) -> None:
    answer = gateway.post(body)
    assert answer.status_code == 200
    assert "<status>failure</status>" in answer.text
    assert "XL03000003" in answer.text


def test_only_xml_by_post_is_accepted(gateway: Any) -> None:
    assert gateway.http.get(gateway.url, timeout=5).status_code == 405
    answer = gateway.http.post(gateway.url, data={"xmlrequest": "<request/>"}, timeout=5)
    assert (answer.status_code, "GW-0011" in answer.text) == (400, True)


def test_a_missing_permission_fails_query_and_update_but_not_lookup(gateway: Any, sandbox: Any, said: Any) -> None:
    sandbox.settings(denied_objects=["APBILL", "AUDITHISTORY"])
    results = gateway.ask(
        ONE, "<update><APBILL><RECORDNO>1</RECORDNO></APBILL></update>", ONE.replace("APBILL", "AUDITHISTORY")
    )
    refusals = [said(result)[0] for result in results.iter("result")]
    assert [number for number, _ in refusals] == ["PL04000005", "PL04000005", ""]
    assert "READ_BY_QUERY on objects of type apbill [Support ID: " in refusals[0][1]
    assert gateway.result("<lookup><object>APBILL</object></lookup>").findtext("status") == "success"


def test_support_ids_are_percent_encoded_and_apostrophes_are_entities(gateway: Any) -> None:
    gateway.result("<query><object>APBILL</object><select><field>NOPE</field></select></query>")
    assert "%7E" in gateway.text
    assert "&#039;NOPE&#039;" in gateway.text


def test_answers_carry_no_white_space_between_elements(gateway: Any) -> None:
    gateway.open_session()
    gateway.query("APBILL", "RECORDNO RECORDID")
    assert "> <" not in gateway.text.replace("?>\n<", "")
    assert ">\n" not in gateway.text.split("?>\n", 1)[1]


def test_additional_error_information_comes_when_asked_for(gateway: Any) -> None:
    extra = "<showadditionalerrorinfo>true</showadditionalerrorinfo>"
    answer = gateway.ask("<lookup><object>NOPE</object></lookup>", extra=extra)
    assert answer.find("operation/result/errormessage/error/additionalinfo/errorid").text
