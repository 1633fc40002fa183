"""Each question finds out what the sandbox plays: its answer is another one where a setting plays another company."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from intacct_asana.proving.catalogue import ALL
from intacct_asana.proving.question import Answer, Ports

from sandbox import constants
from tests.proving.conftest import Ask
from tests.proving.proving_world import ALICE, a_project_in_use, asana
from tests.sandbox_gateway.conftest import GatewayClient

CLERK = "mgarcia"
Prepare = Callable[[Any], object]


def nothing(sandbox: Any) -> None:
    """The data as it is."""


def made_and_changed(sandbox: Any) -> None:
    """Two bills whose change time is that of their making, in winter and in summer."""
    for day in ("2026-01-15T09:07:11Z", "2026-01-16T09:07:13Z", "2026-07-15T09:07:11Z", "2026-07-16T09:07:17Z"):
        sandbox.clock(freeze=day)
        number = sandbox.act("intacct", CLERK, "create_bill", amount="5.00")["record_no"]
        sandbox.act("intacct", CLERK, "edit_bill", record_no=number, changes={"description": "touched"})


def paid_and_voided(sandbox: Any) -> None:
    number = sandbox.act("intacct", CLERK, "create_bill", amount="5.00", state="Posted")["record_no"]
    paid = sandbox.act("intacct", CLERK, "pay_bill", record_no=number)
    sandbox.act("intacct", CLERK, "void_payment", record_no=paid["payment"]["record_no"])


def attached(sandbox: Any) -> None:
    number = sandbox.act("intacct", CLERK, "create_bill", amount="5.00")["record_no"]
    sandbox.act("intacct", CLERK, "attach_document", record_no=number, document_id="DOC-1")


def added_line(sandbox: Any) -> None:
    number = sandbox.act("intacct", CLERK, "create_bill", amount="5.00")["record_no"]
    sandbox.clock(advance_seconds=60)
    changes = {"add_line": {"amount": "1.00"}}
    sandbox.act("intacct", CLERK, "edit_bill", record_no=number, changes=changes)


def edited_vendor(sandbox: Any) -> None:
    """Over the gateway: an edit on Intacct's own pages is approved by whoever makes it."""
    vendor = sandbox.state("intacct")["vendors"][0]["record_no"]
    written = f"<update><VENDOR><RECORDNO>{vendor}</RECORDNO><NAME>Another name</NAME></VENDOR></update>"
    assert GatewayClient(sandbox.gateway_url).result(written).findtext("status") == "success"


def unsigned(sandbox: Any) -> None:
    sandbox.act("intacct", CLERK, "create_bill", amount="5.00", creator_unknown=True)


def edited(sandbox: Any) -> None:
    number = sandbox.act("intacct", CLERK, "create_bill", amount="5.00")["record_no"]
    sandbox.act("intacct", CLERK, "edit_bill", record_no=number, changes={"description": "touched"})


INTACCT: list[tuple[str, dict[str, Any], str, Any, Prepare]] = [
    ("intacct-preferences", {"user_dateformat": "-dmY"}, "format", "%d-%m-%Y %H:%M:%S", nothing),
    ("intacct-preferences", {"user_clock": "12"}, "format", "%m/%d/%Y %I:%M:%S %p", nothing),
    ("intacct-preferences", {"gmt_offset_minutes": -480}, "offset", "-08:00", nothing),
    ("intacct-time-forms", {"shown_values": {"APBILL.WHENDUE": "iso"}}, "forms of days", {"99/99/9999", "9999-99-99"}, nothing),
    ("intacct-time-zone", {}, "distance of WHENMODIFIED from AUWHENCREATED", {"+00:00"}, made_and_changed),
    (
        "intacct-time-zone", {"gmt_offset_minutes": -480}, "distance of WHENMODIFIED from AUWHENCREATED", {"-08:00"},
        made_and_changed,
    ),
    (
        "intacct-time-zone", {"company_zone": "America/Los_Angeles"}, "distance of WHENMODIFIED from AUWHENCREATED",
        {"-08:00", "-07:00"}, made_and_changed,
    ),
    ("intacct-preferences", {}, "offset", "+00:00", nothing),
    ("intacct-preferences", {}, "format", "%m/%d/%Y %H:%M:%S", nothing),
    ("intacct-time-forms", {}, "forms of days", {"99/99/9999"}, nothing),
    ("intacct-session-end", {}, "ended between minutes", "not", nothing),
    ("intacct-login-leads", {}, "the endpoint's host is allowed", True, nothing),
    ("intacct-login-leads", {"login_leads_to": "UK01"}, "entity", "another one than asked for", nothing),
    ("intacct-dead-session", {}, "words", "Invalid session", nothing),
    ("intacct-repeated-read", {}, "code", "none", nothing),
    ("intacct-page-totals", {}, "bills that only one walk brought", 0, nothing),
    ("intacct-payments", {}, "their details that show it", 1, paid_and_voided),
    ("intacct-payments", {}, "payments that were taken back", 1, paid_and_voided),
    ("intacct-payments", {}, "details with a negative amount", 0, paid_and_voided),
    ("intacct-value-forms", {}, "ONHOLD", {"false"}, nothing),
    ("intacct-value-forms", {}, "LINE_NO", {"9"}, nothing),
    (
        "intacct-value-forms", {"shown_values": {"APBILL.TOTALDUE": {"0": "nil"}}}, "amounts that our code does not read", 1,
        nothing,
    ),
    ("intacct-lines", {}, "bills whose newest line changed after them", 0, added_line),
    ("intacct-draft-times", {}, "the deletion shows in the history", "9", nothing),
    ("intacct-draft-times", {}, "seconds until then", 0, nothing),
    ("rest-unknown-bill", {}, "HTTP", 404, nothing),
    ("intacct-bad-characters", {}, "C0 as it is", {"our code ends with": "Refused"}, nothing),
    ("intacct-bad-characters", {}, "emoji", {"our code ends with": "success"}, nothing),
    ("intacct-session", {}, "minutes between them", 60, nothing),
    ("intacct-session", {"session_minutes": 30}, "minutes between them", 30, nothing),
    ("intacct-session", {}, "sessiontimestamp moves with each call", True, nothing),
    ("intacct-session", {"sessiontimestamp": "login"}, "sessiontimestamp moves with each call", False, nothing),
    ("intacct-session-end", {}, "used for minutes", 90, nothing),
    ("intacct-session-end", {"session_hard_minutes": 45}, "ended between minutes", [40, 50], nothing),
    ("intacct-login-leads", {}, "entity", "as asked", nothing),
    ("intacct-login-leads", {"intacct_endpoint": "https://a.example/x"}, "the endpoint's host is allowed", False, nothing),
    ("intacct-error-details", {}, "taken as the last of control", True, nothing),
    ("intacct-error-details", {}, "taken before includewhitespace", False, nothing),
    ("intacct-error-details", {"error_details": "anywhere"}, "taken before includewhitespace", True, nothing),
    ("intacct-error-details", {"error_details": "refused"}, "taken as the last of control", False, nothing),
    ("intacct-dead-session", {}, "code", "XL03000006", nothing),
    ("intacct-dead-session", {"dead_session": "gateway"}, "code", "XMLGW_JPP0002", nothing),
    ("intacct-dead-session", {"dead_session_says": "The session has expired."}, "words", "The session has expired.", nothing),
    ("intacct-unknown-field", {}, "code", "XL03000010", nothing),
    ("intacct-unknown-object", {}, "code", "DL02000001", nothing),
    ("intacct-rights", {}, "refused", set(), nothing),
    ("intacct-rights", {"denied_objects": ["AUDITHISTORY", "APPYMT"]}, "refused", {"AUDITHISTORY", "APPYMT"}, nothing),
    ("intacct-rights", {"denied_objects": ["AUDITHISTORY", "APPYMT"]}, "refused ones that lookup shows", 2, nothing),
    ("intacct-rights", {}, "refused ones that lookup shows", 0, nothing),
    ("intacct-repeated-read", {}, "result status", "absent", nothing),
    ("intacct-repeated-read", {"duplicate_answer": "error"}, "code", "BL34000061", nothing),
    ("intacct-at-once", {"intacct_latency_ms": 150}, "refused", 0, nothing),
    ("intacct-at-once", {"intacct_latency_ms": 150, "intacct_max_concurrency": 1}, "refused", 2, nothing),
    ("intacct-absent-fields", {}, "fields that objects lack", set(), nothing),
    ("intacct-absent-fields", {"missing_fields": ["APBILL.TERMNAME"]}, "fields that objects lack", {"APBILL"}, nothing),
    ("intacct-page-totals", {}, "pages whose totals do not add up", 0, nothing),
    ("intacct-page-totals", {"leaves_out_rows_of": ["APBILL"]}, "pages whose totals do not add up", 3, nothing),
    (
        "intacct-page-totals", {"leaves_out_rows_of": ["APBILL"], "totals_hide_what_is_left_out": True},
        "bills that only one walk brought", 3, nothing,
    ),
    ("intacct-order", {}, "they come", "last", nothing),
    ("intacct-lookup", {}, "custom fields", 8, nothing),
    ("intacct-lookup", {"missing_custom_fields": ["ASANA_DIGEST"]}, "custom fields", 7, nothing),
    ("intacct-read-more", {}, "lives", True, nothing),
    ("intacct-read-more-later", {}, "lives", True, nothing),
    ("intacct-attachments", {}, "get", {"files came": True}, attached),
    ("intacct-attachments", {"supdoc_function": "get_list"}, "get", {"files came": False}, attached),
    ("intacct-private-bills", {}, "without", 16, nothing),
    ("intacct-private-bills", {"private_entities": []}, "without", 20, nothing),
    ("intacct-summaries", {}, "OPEN", {"Open"}, nothing),
    ("intacct-summaries", {"books_closed_through": "2099-12-31"}, "OPEN", {"Closed"}, nothing),
    ("intacct-audit-history", {}, "OBJECTKEY of bills", {"9"}, edited),
    ("intacct-audit-history", {"audit_object_key": "rec"}, "OBJECTKEY of bills", {"9--A"}, edited),
    ("intacct-login-fields", {}, "CREATEDBYLOGINID", {"login"}, nothing),
    ("intacct-login-fields", {"login_fields_hold": "record_no"}, "CREATEDBYLOGINID", {"record number"}, nothing),
    ("intacct-login-fields", {"login_fields_hold": "name"}, "CREATEDBYLOGINID", {"name"}, nothing),
    ("intacct-login-fields", {"login_fields_hold": "nothing"}, "CREATEDBYLOGINID", {"nothing"}, nothing),
    ("intacct-login-fields", {}, "bills whose creator nobody can tell", 0, nothing),
    ("intacct-login-fields", {}, "bills whose creator nobody can tell", 1, unsigned),
    ("intacct-payments", {"payment_state_shows": "codes"}, "STATE is a code", 3, paid_and_voided),
    ("intacct-payments", {}, "STATE is a code", 0, paid_and_voided),
    ("intacct-payments", {"void_shows_in": "payment"}, "their details that show it", 0, paid_and_voided),
    ("intacct-payments", {"void_shows_in": "details"}, "payments that were taken back", 0, paid_and_voided),
    ("intacct-payments", {"void_shows_in": "reversal"}, "details with a negative amount", 1, paid_and_voided),
    ("intacct-value-forms", {}, "amounts that our code does not read", 0, nothing),
    ("intacct-value-forms", {"shown_values": {"APBILL.ONHOLD": {"false": "maybe"}}}, "ONHOLD", {"another word"}, nothing),
    ("intacct-value-forms", {"shown_values": {"APBILLITEM.LINE_NO": {"1": "1A"}}}, "LINE_NO", {"9", "9A"}, nothing),
    ("intacct-lines", {}, "lines without WHENMODIFIED", 4, added_line),
    ("intacct-lines", {"new_lines_have_no_change_time": True}, "lines without WHENMODIFIED", 5, added_line),
    ("intacct-lines", {"line_changes_touch_header": False}, "bills whose newest line changed after them", 1, added_line),
    ("intacct-vendor-states", {}, "STATE", {"A"}, nothing),
    ("intacct-vendor-states", {"vendor_approvals_on": True}, "STATE", {"A", "S"}, edited_vendor),
    ("intacct-wrong-password", {}, "code", "XL03000006", nothing),
    ("intacct-wrong-password", {"bad_login": "gateway"}, "code", "XMLGW_JPP0002", nothing),
    ("intacct-draft-times", {}, "WHENMODIFIED less the gateway's clock", "+00:00", nothing),
    ("intacct-draft-times", {"gmt_offset_minutes": 330}, "WHENMODIFIED less the gateway's clock", "+05:30", nothing),
    ("intacct-draft-times", {"audit_object_key": "rec"}, "the deletion shows in the history", "9--A", nothing),
    ("intacct-draft-times", {"audit_delay_seconds": 12}, "seconds until then", 15, nothing),
    ("intacct-draft-update", {}, "with it", "not tried", nothing),
    ("intacct-draft-update", {"update_needs_when_due": True}, "with it", {"our code ends with": "success"}, nothing),
    ("intacct-draft-line", {}, "the bill's WHENMODIFIED moved", True, nothing),
    ("intacct-text-length", {}, "characters", {"80": "kept", "255": "kept", "256": "refused"}, nothing),
    ("intacct-text-length", {"custom_field_length": 80}, "characters", {"80": "kept", "255": "refused"}, nothing),
    (
        "intacct-text-length", {"custom_field_length": 300, "custom_field_too_long": "cut"}, "characters",
        {"256": "kept", "400": "cut to 300"}, nothing,
    ),
    ("intacct-text-characters", {}, "texts", {"emoji": "kept", "blanks around": "trimmed"}, nothing),
    ("intacct-hold", {}, "it is free then", True, nothing),
    ("intacct-hold", {"refuses_release": True}, "it is free then", False, nothing),
    ("intacct-repeated-write", {}, "a status in the repeat", "absent", nothing),
    ("intacct-repeated-write", {"duplicate_answer": "error"}, "a status in the repeat", "failure", nothing),
    ("intacct-failed-create", {}, "the failure tells", "data with a count of 0", nothing),
    ("intacct-failed-create", {"failed_create_tells": "nothing"}, "the failure tells", "no data", nothing),
    ("intacct-bill-numbers", {}, "bill numbers with", {"&": "kept"}, nothing),
    ("rest-token", {}, "expires_in", 43200, nothing),
    ("rest-token", {"rest_token_seconds": None}, "expires_in", "absent", nothing),
    ("rest-dead-token", {}, "HTTP", 401, nothing),
    ("rest-dead-token", {"rest_dead_token": 400}, "HTTP", 400, nothing),
    ("rest-unknown-bill", {}, "the error stands", "under ia::result", nothing),
    ("rest-unknown-bill", {"rest_unknown_bill": 400, "rest_errors": "top"}, "the error stands", "ia::error", nothing),
    ("rest-unknown-bill", {"rest_unknown_bill": 400}, "HTTP", 400, nothing),
    ("rest-same-bills", {}, "bills", {"the same"}, nothing),
    ("rest-same-bills", {"rest_key_offset": 1_000_000}, "bills", {"HTTP 404"}, nothing),
]  # fmt: skip


ASANA: list[tuple[str, dict[str, Any], str, Any]] = [
    ("asana-events", {}, "an older token is good", True),
    ("asana-events", {"asana_refuse_older_tokens": True}, "an older token is good", False),
    ("asana-events", {"asana_events_never_end": True}, "has_more where nothing happened", True),
    ("asana-events", {}, "has_more where nothing happened", False),
    ("asana-pages", {}, "offsets that came twice", 0),
    ("asana-approval-events", {}, "seconds waited", 0.0),
    ("asana-stories", {}, "source, of others' than ours", {"web"}),
    ("asana-stories", {"asana_untold": ["story.source"]}, "source, of others' than ours", {"absent"}),
    ("asana-stories", {"asana_untold": ["story.is_edited"]}, "without is_edited", 11),
    ("asana-stories", {}, "without is_edited", 0),
    ("asana-authors", {}, "author and source", {"user by web"}),
    ("asana-authors", {"asana_untold": ["story.source"]}, "author and source", {"user by absent"}),
    ("asana-absent-fields", {}, "not told", set()),
    ("asana-absent-fields", {"asana_untold": ["task.created_by"]}, "not told", {"created_by"}),
    ("asana-people", {}, "whose address is told", 7),
    ("asana-people", {"asana_untold": ["user.email"]}, "whose address is told", 0),
    ("asana-guests", {}, "is_guest untold", 0),
    ("asana-guests", {"asana_untold": ["workspace_membership.is_guest"]}, "is_guest untold", 7),
    ("asana-plan", {}, "custom fields of the project", {"HTTP": 200}),
    ("asana-plan", {"asana_free_plan": True}, "custom fields of the project", {"HTTP": 402}),
    ("asana-bare-opt-fields", {}, "with parts named", ["gid", "name", "resource_subtype", "text_value"]),
    ("asana-numbers", {}, "with more decimals than their field shows", 0),
    ("asana-pages", {}, "tasks that came twice", 0),
    ("asana-pages", {"asana_pages_in_a_circle": True}, "offsets that came twice", 3),
    ("asana-offset-life", {}, "dead after minutes", 15),
    ("asana-offset-life", {"asana_offset_minutes": 45}, "dead after minutes", 60),
    ("asana-refusals", {}, "a task that is not there", {"HTTP": 404}),
    ("asana-trash", {}, "reading it", {"HTTP": 404}),
    ("asana-trash", {"asana_trashed_task": 403}, "reading it", {"HTTP": 403}),
    ("asana-kind", {}, "it is then", "default_task"),
    ("asana-kind", {"asana_approvals_stay_approvals": True}, "it is then", "approval"),
    ("asana-approval-events", {}, "changed fields", {"approval_status", "completed"}),
    ("asana-approval-events", {"asana_task_changed_events": False}, "changed fields", set()),
    ("asana-approval-events", {"asana_event_delay_seconds": 12}, "seconds waited", 15.0),
    ("asana-ticked", {}, "stories", {"approval_status_changed"}),
    ("asana-ticked", {"asana_ticked_approval_story": "completion"}, "stories", {"marked_complete"}),
    ("asana-comment", {}, "source", "api"),
    ("asana-comment", {"asana_untold": ["story.source"]}, "source", "absent"),
    ("asana-lengths", {}, "characters > name", {"1024": "kept"}),
    ("asana-lengths", {"asana_keeps_otherwise": {"name": "cut:300"}}, "characters > name", {"1024": "cut to 300"}),
    ("asana-characters", {}, "name", {"two blanks": "kept"}),
    ("asana-characters", {"asana_keeps_otherwise": {"name": "trimmed"}}, "name", {"blanks around": "trimmed"}),
    ("asana-due-date", {}, "due_on", "kept"),
    ("asana-due-date", {"asana_keeps_otherwise": {"due_on": "days:-1"}}, "due_on", "-1 days off"),
    ("asana-listing", {}, "seconds", 0),
    ("asana-listing", {"asana_listing_delay_seconds": 12}, "seconds", 15),
    ("asana-first-values", {}, "stories", {"added_to_project"}),
    (
        "asana-first-values",
        {"asana_field_stories_on_create": True},
        "stories",
        {"text_custom_field_changed", "name_changed", "added_to_project"},
    ),
    ("asana-precision", {}, "it is", "rounded"),
]


def holds(figure: Any, expected: Any) -> bool:
    """A set is the keys, a dictionary some of the items."""
    if isinstance(expected, set):
        return set(figure) == expected
    if isinstance(expected, dict):
        return all(figure.get(name) == value for name, value in expected.items())
    return bool(figure == expected)


def figure_of(answer: Answer, path: str) -> Any:
    found: Any = answer.figures
    for name in path.split(" > "):
        found = found[name]
    return found


def named(case: tuple[Any, ...]) -> str:
    return f"{case[0]}: {json.dumps(case[1])}, {case[2]}"


@pytest.mark.parametrize("case", INTACCT, ids=named)
def test_the_answer_is_what_this_company_plays(case: Any, sandbox: Any, answer: Ask, ports: Ports) -> None:
    name, settings, figure, expected, prepare = case
    sandbox.settings(**settings)
    prepare(sandbox)
    found = answer(name)
    assert holds(figure_of(found, figure), expected), found.figures
    assert ports.left == []


@pytest.mark.parametrize("case", ASANA, ids=named)
def test_the_answer_is_what_this_workspace_plays(case: Any, sandbox: Any, answer: Ask, ports: Ports) -> None:
    name, settings, figure, expected = case
    a_project_in_use(sandbox, tasks=8)
    found = answer(name, **settings)
    assert holds(figure_of(found, figure), expected), found.figures
    assert ports.left == []


def test_a_state_that_nobody_documented_is_counted_and_not_told(sandbox: Any, answer: Ask, ports: Ports) -> None:
    number = ports.books.newest_bills()[0]["RECORDNO"]
    assert "another word" not in answer("intacct-bill-states").figures["STATE"]
    found = answer("intacct-bill-states", shown_values={"APBILL.STATE": {f"#{number}": "Parked"}})
    assert found.figures["STATE"]["another word"] == 1
    assert "Parked" not in str(found)


def test_numbers_that_are_finer_than_their_field_shows_are_counted(sandbox: Any, answer: Ask) -> None:
    a_project_in_use(sandbox)
    assert answer("asana-numbers").figures["with more decimals than their field shows"] == 0
    sandbox.act("asana", ALICE, "set_precision", field="Amount", precision=1)
    assert answer("asana-numbers").figures["with more decimals than their field shows"] == 1


class Receiver(BaseHTTPRequestHandler):
    """Answers the handshake of a webhook."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("X-Hook-Secret", self.headers.get("X-Hook-Secret", ""))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def receiver() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook"
        server.shutdown()
        thread.join(5)


@pytest.mark.parametrize(("told", "expected"), [("same", True), ("none", False)])
def test_two_webhooks_are_registered_and_taken_back(
    told: str, expected: bool, sandbox: Any, answer: Ask, ports: Ports, receiver: str
) -> None:
    ports.target = receiver
    found = answer("asana-webhook-twice", asana_webhook_secret=told)
    assert found.figures["two of them"]
    assert found.figures["a secret in the answer"] is expected
    assert asana(sandbox, "GET", f"/webhooks?workspace={constants.WORKSPACE_GID}") == []
    assert ports.left == []
    assert receiver not in str(found)


CASES = [(name, figure, expected, bool(settings)) for name, settings, figure, expected, *_ in [*INTACCT, *ASANA]]
ALONE = {"intacct-bill-states", "asana-numbers", "asana-webhook-twice"}
"""Tested by themselves, above."""

NO_VARIANT = {
    *("intacct-unknown-field", "intacct-unknown-object", "intacct-order", "intacct-read-more", "intacct-read-more-later"),
    *("intacct-bad-characters", "intacct-draft-line", "intacct-text-characters", "intacct-bill-numbers"),
    *("asana-bare-opt-fields", "asana-refusals", "asana-precision"),
}
"""The sandbox plays one way; each is held to that."""


def test_every_question_is_put_to_the_sandbox() -> None:
    asked = {name for name, *_ in CASES} | ALONE
    assert {one.id for one in ALL} == asked
    varied = {name for name, _, _, has_settings in CASES if has_settings}
    assert {one.id for one in ALL} - varied - ALONE == NO_VARIANT


@pytest.mark.parametrize("case", [case for case in CASES if case[3]], ids=lambda case: f"{case[0]}, {case[1]}")
def test_no_answer_that_is_always_the_same_would_do(case: Any) -> None:
    """For each variant another company has to be answered otherwise, in the same figure."""
    name, figure, expected, _ = case
    others = [other for other_name, other_figure, other, _ in CASES if (other_name, other_figure) == (name, figure)]
    assert any(other != expected for other in others), f"{name}, {figure}: nothing but {expected} is expected"
