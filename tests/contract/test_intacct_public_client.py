"""A second opinion on the gateway's stand-in: `sageintacctsdk` as its users run it against Intacct, unchanged but for its URL.

It builds its envelopes and reads the answers in its own way: an optional `locationid`, one element or a list, `RECORDNO` as
text, errors by `description2`. What it needs and does not find is the stand-in's fault.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sageintacctsdk import SageIntacctSDK
from sageintacctsdk.apis import Bills
from sageintacctsdk.apis.api_base import ApiBase
from sageintacctsdk.exceptions import InvalidTokenError, NoPrivilegeError, WrongParamsError

from sandbox import constants

pytestmark = pytest.mark.contract

FIELDS = ["RECORDNO", "RECORDID", "VENDORID", "STATE", "TOTALDUE", "WHENMODIFIED"]
CREDENTIALS = {
    "sender_id": constants.SENDER_ID,
    "sender_password": constants.SENDER_PASSWORD,
    "company_id": constants.COMPANY_ID,
    "user_id": constants.WS_USER,
    "user_password": constants.WS_PASSWORD,
}
LogIn = Callable[..., SageIntacctSDK]


@pytest.fixture
def log_in(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> LogIn:
    """Makes a client that knows another URL; it logs in as it is made."""
    original = ApiBase.__init__

    def at_the_sandbox(self: ApiBase, *args: Any, **more: Any) -> None:
        original(self, *args, **more)
        self._ApiBase__api_url = sandbox.gateway_url

    monkeypatch.setattr(ApiBase, "__init__", at_the_sandbox)
    return lambda **changed: SageIntacctSDK(**{**CREDENTIALS, **changed})


@pytest.fixture
def client(log_in: LogIn) -> SageIntacctSDK:
    return log_in(show_private=True)


@pytest.fixture
def known(sandbox: Any) -> dict[str, dict[str, Any]]:
    """What the company really has, by RECORDNO."""
    return {bill["record_no"]: bill for bill in sandbox.state("intacct")["bills"]}


def numbers(rows: list[dict[str, str]]) -> set[str]:
    return {row["RECORDNO"] for row in rows}


def a_bill(known: dict[str, dict[str, Any]], state: str = "Posted") -> str:
    """One that the older query finds too: it knows no `showprivate`, so the private entity's stay hidden from it."""
    return next(number for number, bill in known.items() if bill["state"] == state and bill["entity"] == "US01")


def test_the_client_logs_in_once_and_works_in_that_session(client: SageIntacctSDK, sandbox: Any) -> None:
    client.bills.count(None)
    client.vendors.count(None)
    counted = sandbox.counters()
    assert (counted["intacct getAPISession"], counted["intacct query APBILL"], counted["intacct query VENDOR"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("changed", "settings", "error", "said"),
    [
        ({"user_password": "wrong"}, {}, InvalidTokenError, "Sign-in information is incorrect"),
        ({"user_password": "wrong"}, {"bad_login": "gateway"}, InvalidTokenError, "Sign-in information is incorrect"),
        ({"company_id": "ELSEWHERE"}, {}, InvalidTokenError, "Sign-in information is incorrect"),
        ({"sender_password": "wrong"}, {}, WrongParamsError, "Incorrect Intacct XML Partner ID or password"),
        ({"sender_password": "wrong"}, {"bad_sender": "gateway"}, WrongParamsError, "Invalid Request"),
        ({}, {"sender_authorized": False}, InvalidTokenError, "is not authorized to make Web Services requests"),
    ],
)
def test_the_client_understands_why_it_may_not_enter(
    log_in: LogIn, sandbox: Any, changed: dict[str, str], settings: dict[str, Any], error: type[Exception], said: str
) -> None:
    sandbox.settings(**settings)
    with pytest.raises(error) as refusal:
        log_in(**changed)
    assert said in str(refusal.value.response)


def test_a_dead_session_is_told_as_bad_credentials(client: SageIntacctSDK, sandbox: Any) -> None:
    sandbox.act("intacct", constants.BILL_CLERKS[0], "end_sessions")
    with pytest.raises(InvalidTokenError) as refusal:
        client.bills.count(None)
    assert "Invalid session" in str(refusal.value.response)


def test_an_entity_session_sees_only_that_entity(log_in: LogIn, known: dict[str, dict[str, Any]]) -> None:
    expected = [bill for bill in known.values() if bill["entity"] == "UK01"]
    assert log_in(entity_id="UK01").bills.count(None) == len(expected) > 0


def test_the_top_level_hides_a_private_entity_unless_asked(log_in: LogIn, known: dict[str, dict[str, Any]]) -> None:
    assert 0 < log_in().bills.count(None) < log_in(show_private=True).bills.count(None) == len(known)


def test_counts_agree_with_the_company(client: SageIntacctSDK, known: dict[str, dict[str, Any]], sandbox: Any) -> None:
    vendors = sandbox.state("intacct")["vendors"]
    assert client.vendors.count(None) == len(vendors)
    assert client.vendors.count() == sum(vendor["status"] == "active" for vendor in vendors)
    assert client.bills.count("STATE", "Posted") == sum(bill["state"] == "Posted" for bill in known.values())


def test_all_vendors_come_with_the_fields_that_the_client_asks_for(client: SageIntacctSDK, sandbox: Any) -> None:
    vendors = sandbox.state("intacct")["vendors"]
    rows = client.vendors.get_all()
    assert {row["VENDORID"]: row["NAME"] for row in rows} == {each["vendor_id"]: each["name"] for each in vendors}
    assert rows[0]["DISPLAYCONTACT.PRINTAS"] == rows[0]["NAME"]
    one = client.vendors.get("VENDORID", rows[0]["VENDORID"])["VENDOR"]
    assert one == [rows[0]]


def test_all_bills_come_with_the_fields_that_the_client_asks_for(
    client: SageIntacctSDK, known: dict[str, dict[str, Any]]
) -> None:
    rows = client.bills.get_all()
    assert {row["RECORDNO"]: row["STATE"] for row in rows} == {number: bill["state"] for number, bill in known.items()}
    assert {row["RECORDNO"]: row["TOTALDUE"] is not None for row in rows} == dict.fromkeys(known, True)


def test_pages_by_offset_hold_every_bill_once(log_in: LogIn, known: dict[str, dict[str, Any]]) -> None:
    small = ApiBase.__init__
    client = log_in(show_private=True)
    pages = Bills()
    small(pages, dimension="APBILL", pagesize=7)
    pages.set_sender_id(constants.SENDER_ID)
    pages.set_sender_password(constants.SENDER_PASSWORD)
    pages.set_show_private(True)
    pages.set_session_id(client._SageIntacctSDK__session_id)
    found = list(pages.get_all_generator(fields=FIELDS, order_by_field="RECORDNO", order="descending"))
    assert [len(page) for page in found] == [7, 7, 6]
    listed = [int(row["RECORDNO"]) for page in found for row in page]
    assert listed == sorted(map(int, known), reverse=True)
    with warnings.catch_warnings():
        # The client warns when the rows it got are not as many as the gateway said there are.
        warnings.simplefilter("error")
        assert numbers(pages.get_by_query(FIELDS, and_filter=[("isnotnull", "RECORDNO", "")])) == set(known)


def has_state(*states: str) -> Callable[[dict[str, str]], bool]:
    return lambda row: row["STATE"] in states


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"and_filter": [("equalto", "STATE", "Posted")]}, has_state("Posted")),
        ({"and_filter": [("in", "STATE", ["Posted", "Paid"])]}, has_state("Posted", "Paid")),
        (
            {"and_filter": [("like", "STATE", "P%"), ("notequalto", "STATE", "Paid")]},
            has_state("Posted", "Partially Paid", "Partially Approved"),
        ),
        ({"or_filter": [("equalto", "STATE", "Posted"), ("equalto", "STATE", "Draft")]}, has_state("Posted", "Draft")),
        (
            {"and_filter": [("greaterthan", "TOTALDUE", "100"), ("lessthanorequalto", "TOTALDUE", "9000.5")]},
            lambda row: 100 < float(row["TOTALDUE"]) <= 9000.5,
        ),
        (
            {"and_filter": [("between", "WHENMODIFIED", ["01/01/2020 00:00:00", "12/31/2099 23:59:59"])]},
            lambda row: bool(row["WHENMODIFIED"]),
        ),
        ({"filter_payload": {"isnull": {"field": "WHENMODIFIED"}}}, lambda row: not row["WHENMODIFIED"]),
    ],
)
def test_the_clients_filters_select_what_they_say(
    client: SageIntacctSDK, asked: dict[str, Any], expected: Callable[[dict[str, str]], bool]
) -> None:
    everything = client.bills.get_all(fields=FIELDS)
    assert numbers(client.bills.get_by_query(FIELDS, **asked)) == numbers([row for row in everything if expected(row)])
    assert client.bills.count(**asked) == len([row for row in everything if expected(row)]) > 0


def test_comparisons_include_or_leave_out_their_bound(client: SageIntacctSDK) -> None:
    everything = client.bills.get_all(fields=FIELDS)
    middle = sorted(int(number) for number in numbers(everything))[len(everything) // 2]

    def found(operator: str) -> set[int]:
        return {int(number) for number in numbers(client.bills.get_by_query(FIELDS, [(operator, "RECORDNO", str(middle))]))}

    assert found("lessthanorequalto") - found("lessthan") == {middle}
    assert found("greaterthanorequalto") - found("greaterthan") == {middle}
    assert found("lessthan") | found("greaterthanorequalto") == {int(number) for number in numbers(everything)}


def test_the_older_query_reads_by_text_and_by_code(log_in: LogIn) -> None:
    client = log_in()
    everything = client.bills.get_all(fields=FIELDS)
    posted = client.bills.get("STATE", "A", FIELDS)
    assert posted["@listtype"] == "apbill"
    assert numbers(posted["apbill"]) == numbers([row for row in everything if row["STATE"] == "Posted"])
    one = client.bills.get("RECORDNO", everything[0]["RECORDNO"], FIELDS)["apbill"]
    assert one == everything[0]
    whole = client.bills.read_by_query()["data"]
    assert (whole["@count"], whole["@numremaining"]) == (str(len(everything)), "0")


def test_the_older_query_knows_codes_or_and_not(log_in: LogIn, sandbox: Any) -> None:
    client = log_in()
    active = [each["vendor_id"] for each in sandbox.state("intacct")["vendors"] if each["status"] == "active"]
    asked = {"readByQuery": {"object": "VENDOR", "fields": "VENDORID", "query": "STATUS = 'T'", "pagesize": "100"}}
    assert {row["VENDORID"] for row in client.vendors.format_and_send_request(asked)["data"]["vendor"]} == set(active)
    text = "NOT (STATE = 'A' OR STATE = 'P')"
    asked = {"readByQuery": {"object": "APBILL", "fields": "RECORDNO,STATE", "query": text, "pagesize": "3"}}
    page = client.bills.format_and_send_request(asked)["data"]
    rows = page["apbill"]
    while page["@numremaining"] != "0":
        page = client.bills.format_and_send_request({"readMore": {"object": "APBILL"}})["data"]
        rows += page["apbill"] if isinstance(page["apbill"], list) else [page["apbill"]]
    seen = client.bills.get_all(fields=FIELDS)
    assert numbers(rows) == {row["RECORDNO"] for row in seen if row["STATE"] not in ("Posted", "Paid")}


def test_sums_come_by_what_else_is_selected(client: SageIntacctSDK, known: dict[str, dict[str, Any]]) -> None:
    select = {"field": ["STATE"], "count": "RECORDNO"}
    told = client.bills.format_and_send_request(
        {"query": {"object": "APBILL", "select": select, "options": {"showprivate": True}}}
    )
    counted = Counter(bill["state"] for bill in known.values())
    assert {row["STATE"]: int(row["COUNT.RECORDNO"]) for row in told["data"]["APBILL"]} == counted


def test_lookup_lists_every_field_that_the_client_reads(client: SageIntacctSDK) -> None:
    definitions = client.bills.get_lookup()["Type"]["Fields"]["Field"]
    found = {each["ID"]: each for each in definitions}
    assert set(FIELDS) <= set(found)
    assert {found[name]["ISCUSTOM"] for name in constants.STAMP_FIELDS} == {"true"}
    assert (found["STATE"]["READONLY"], found["WHENMODIFIED"]["DATATYPE"]) == ("true", "TIMESTAMP")


def test_an_update_changes_what_it_names_and_nothing_else(
    client: SageIntacctSDK, known: dict[str, dict[str, Any]], sandbox: Any
) -> None:
    number, said = a_bill(known), 'It\'s <approved> & "fine" – Zoë'
    told = client.bills.update({"RECORDNO": number, "ASANA_DECISION": said})
    assert told["data"]["apbill"]["RECORDNO"] == number
    client.bills.update_attachment(number, "ATT-1")
    row = client.bills.get("RECORDNO", number, ["ASANA_DECISION", "SUPDOCID", "STATE", "TOTALDUE"])["apbill"]
    assert (row["ASANA_DECISION"], row["SUPDOCID"], row["STATE"]) == (said, "ATT-1", "Posted")
    after = next(bill for bill in sandbox.state("intacct")["bills"] if bill["record_no"] == number)
    assert after["lines"] == known[number]["lines"]
    assert sandbox.counters()["intacct WRITE"] == 2


def test_vendors_can_be_created_and_updated_and_not_created_twice(client: SageIntacctSDK) -> None:
    new = {"VENDORID": "V-NEW", "NAME": "New Vendor", "DISPLAYCONTACT": {"PRINTAS": "New Vendor"}}
    assert client.vendors.post(new)["data"]["vendor"]["VENDORID"] == "V-NEW"
    client.vendors.update({"VENDORID": "V-NEW", "ASANA_TEAM": "Facilities"})
    assert client.vendors.get("VENDORID", "V-NEW", ["NAME", "ASANA_TEAM"])["VENDOR"] == [
        {"NAME": "New Vendor", "ASANA_TEAM": "Facilities"}
    ]
    with pytest.raises(WrongParamsError) as refusal:
        client.vendors.post(new)
    first, last = refusal.value.response["error"]
    assert (first["errorno"], last["errorno"]) == ("BL34000061", "BL01001973")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"RECORDNO": "999999", "ASANA_DECISION": "Approved"}, "Cannot find the APBILL record"),
        ({"RECORDNO": "posted", "STATE": "Paid"}, "read only"),
        ({"RECORDNO": "posted", "NOPE": "x"}, "NOPE"),
        ({"RECORDNO": "paid", "DESCRIPTION": "x"}, "state is Paid"),
    ],
)
def test_a_refused_update_comes_with_its_reason_and_support_id(
    client: SageIntacctSDK, known: dict[str, dict[str, Any]], fields: dict[str, str], said: str
) -> None:
    number = {"posted": a_bill(known), "paid": a_bill(known, "Paid")}.get(fields["RECORDNO"], fields["RECORDNO"])
    with pytest.raises(WrongParamsError, match="Error during update") as refusal:
        client.bills.update({**fields, "RECORDNO": number})
    reason = refusal.value.response["error"][0]["description2"]
    # The client decodes the percent-encoded support id of the first error.
    assert said in reason
    assert "[Support ID: " in reason
    assert "%7E" not in reason


def test_a_missing_permission_is_told_apart_from_a_bad_request(client: SageIntacctSDK, sandbox: Any) -> None:
    sandbox.settings(denied_objects=["APBILL"])
    with pytest.raises(NoPrivilegeError):
        client.bills.count(None)
    assert client.vendors.count(None)
    with pytest.raises(WrongParamsError):
        client.vendors.get_all(fields=["NOPE"])


def test_a_deleted_bill_is_gone(client: SageIntacctSDK, known: dict[str, dict[str, Any]]) -> None:
    number = a_bill(known)
    assert client.bills.delete(number)["status"] == "success"
    assert number not in numbers(client.bills.get_all(fields=FIELDS))


@pytest.mark.slow
def test_a_big_company_comes_whole_in_pages_of_two_thousand(log_in: LogIn, sandbox: Any) -> None:
    sandbox.reset(vendors=200, bills=4500)
    known = {bill["record_no"] for bill in sandbox.state("intacct")["bills"]}
    client = log_in(show_private=True)
    assert numbers(client.bills.get_all()) == known
    assert len(known) == 4500
