"""The kind of an error goes by its code or by a text that says nothing else; names that a text quotes decide nothing."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import pytest
from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, SessionEnded, TryLater
from intacct_asana.intacct.replies import decipher

ENVELOPE = (
    "<response><control><status>success</status><controlid>c-1</controlid></control><operation><authentication>"
    "<status>success</status></authentication><result><status>failure</status><function>update</function><controlid>c-1"
    "</controlid><errormessage><error><errorno>{}</errorno><description></description><description2>{}</description2>"
    "<correction></correction></error></errormessage></result></operation></response>"
)


def kind_of(text: str, *, code: str = "", is_write: bool = True) -> type[IntacctAsanaError]:
    body = ENVELOPE.format(code, escape(text)).encode()
    with pytest.raises(IntacctAsanaError) as caught:
        decipher(200, {}, body, asked="stamp of bill 41", is_write=is_write, control_id="c-1")
    return type(caught.value)


QUOTED = [
    "The vendor Rate Limit Partners already exists [Support ID: Sbx%7EZ]",
    "Rate Limit Partners already exists",
    "Another Vendor with the given value(s) 'API rate limit exceeded' already exists",
    "Vendor GW-0010 Trading already exists",
    "The training session has ended, so its bill can't be changed.",
    "The invoice for 'Invalid session abc' is paid",
    "Bill 'Session ID is invalid' is posted",
    "The description 'You do not have permission to enter' is too long",
    "PL04000005 is no valid reference number",
    "Vendor 'Temporarily Off-line Media' is inactive",
    "Service unavailable Ltd is on hold",
    "Vendor 'Access denied' is inactive",
    "Error: vendor You Lack Rights Ltd is inactive",
    "The bill is not permitted in this state",
    "Duplicate of vendor 'Already Control ID Systems'",
]


@pytest.mark.parametrize("text", QUOTED)
@pytest.mark.parametrize("code", ["BL34000061", ""])
def test_a_refusal_that_quotes_telling_words_stays_a_refusal(text: str, code: str) -> None:
    assert kind_of(text, code=code) is Refused
    assert kind_of(text, code=code, is_write=False) is Refused


WHOLE = [
    ("API rate limit exceeded", TryLater),
    ("Too many requests. Your company has reached its limit of concurrent requests. [Request ID: r-7]", TryLater),
    ("too many operations", TryLater),
    ("The server is too busy, try again later", TryLater),
    ("server is too busy, try again later", TryLater),
    ("The server is currently busy. Please try again in a few minutes.", TryLater),
    ("The Service is Temporarily Off-line", TryLater),
    ("Service unavailable", TryLater),
    ("Invalid session sEcReT....", SessionEnded),
    ("Session ID is invalid", SessionEnded),
    ("Session not found.", SessionEnded),
    ("Your session has expired. Please sign in again.", SessionEnded),
    ("You do not have permission for API operation UPDATE on objects of type apbill", Misconfigured),
    ("You don't have permission", Misconfigured),
    ("You don\u2019t have permission to update bills, vendors or payments", Misconfigured),
    ("The user 'api_user' doesn\u2019t have permission for this operation. Its role lacks it.", Misconfigured),
    ("Error: You lack permission to update bills.", Misconfigured),
    ("You do not have edit permission", Misconfigured),
    ("User not authorized", Misconfigured),
    ("Insufficient privileges", Misconfigured),
    ("You have insufficient privileges to perform this operation.", Misconfigured),
    ("You are not authorized to access this company's bills", Misconfigured),
    ("Access denied", Misconfigured),
    ("The control ID c-1 has already been used", OutcomeUnknown),
    ("Another operation with the given value(s) controlid 'c-1' already exists", OutcomeUnknown),
]


@pytest.mark.parametrize(("text", "kind"), WHOLE)
@pytest.mark.parametrize("code", ["BL01001973", "", "XL03000006"])
def test_a_sentence_that_is_known_from_start_to_end_decides_under_any_code(
    text: str, kind: type[IntacctAsanaError], code: str
) -> None:
    assert kind_of(text, code=code) is kind


@pytest.mark.parametrize(("code", "kind"), [("GW-0010", TryLater), ("PL04000005", Misconfigured)])
def test_a_code_decides_in_whatever_words(code: str, kind: type[IntacctAsanaError]) -> None:
    assert kind_of("Words that nobody knows yet", code=code) is kind


def bill_to_stamp(sandbox: Any) -> str:
    return next(str(bill["record_no"]) for bill in sandbox.state("intacct")["bills"] if bill["state"] == "Submitted")


STAMP = {"ASANA_DECISION": "Approved"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Vendor 'Rate Limit Partners' already exists", Refused),
        ("The training session has ended", Refused),
        ("You don\u2019t have permission to update this bill", Misconfigured),
        ("The server is too busy, try again later", TryLater),
    ],
)
def test_a_stamp_meets_the_same_kinds_at_the_gateway(
    sandbox: Any, a_hook: Any, text: str, kind: type[IntacctAsanaError]
) -> None:
    sandbox.fault("intacct", "update APBILL", "refuse", detail={"errorno": "BL34000061", "description2": text})
    hook, record_no = a_hook(), bill_to_stamp(sandbox)
    with pytest.raises(IntacctAsanaError) as caught:
        hook.stamp_bill(record_no, values=STAMP, control_id="dec-1")
    assert type(caught.value) is kind
    assert (hook.calls["update APBILL"], hook.calls["getAPISession"]) == (1, 1)
    hook.stamp_bill(record_no, values=STAMP, control_id="dec-1")
    assert hook.bill(record_no).custom["ASANA_DECISION"] == "Approved"
