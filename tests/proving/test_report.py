"""The report names nobody; what fails is a row; settings that follow are lines that connections and flow files take."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from intacct_asana import proving
from intacct_asana.commands.prove_live import identifiers
from intacct_asana.errors import Misconfigured, Refused
from intacct_asana.flow.load import load_flow
from intacct_asana.flow.model import Flow
from intacct_asana.intacct.xml import update
from intacct_asana.proving.catalogue import ALL
from intacct_asana.proving.intacct_writes import a_draft
from intacct_asana.proving.masks import code_of, form_of, masked, number_form
from intacct_asana.proving.question import Answer, Ports, Row, put
from intacct_asana.proving.report import anonymous, as_data, as_json, as_page, as_settings, without

from manuals import connections as connection_keys
from sandbox import constants
from tests.flow.mapping_builders import DEMO
from tests.proving.proving_world import a_project_in_use

DAY = date(2026, 11, 30)
CLERK = "mgarcia"
MARKS = ("Zylph", "Quorvane", "Brindlewick", "Ostrafel", "Wexomar", "Harkenby", "Tollivant", "Vendrosk", "48213.77", "ZX-90417")


def texts(rows: list[Row], ports: Ports) -> str:
    """Everything that is written of these rows."""
    rows = anonymous(rows, identifiers(ports))
    parts = (as_json(as_data(rows, package="1.0", day=DAY)), as_page(rows, package="1.0", day=DAY), as_settings(rows))
    return "\n".join(parts)


def a_company_full_of_marks(sandbox: Any) -> None:
    vendor = sandbox.state("intacct")["vendors"][0]["vendor_id"]
    sandbox.act("intacct", CLERK, "edit_vendor", vendor_id=vendor, changes={"name": "Zylph Roofing", "comments": "Ostrafel"})
    made = sandbox.act(
        "intacct",
        CLERK,
        "create_bill",
        amount="48213.77",
        vendor_id=vendor,
        bill_number="ZX-90417",
        description="Quorvane roof",
    )
    changes = {"ASANA_DECISION_REASON": "Brindlewick agreed"}
    sandbox.act("intacct", CLERK, "edit_bill", record_no=made["record_no"], changes=changes)
    files = [{"name": "Wexomar.pdf", "text": "Harkenby"}]
    sandbox.act("intacct", CLERK, "attach_document", record_no=made["record_no"], document_id="Tollivant-1", files=files)
    sandbox.act("intacct", CLERK, "edit_user", login="jchen", changes={"name": "Vendrosk Chen"})
    a_project_in_use(sandbox, name="Zylph ZX-90417 48213.77 Quorvane")


def a_company_that_quotes(sandbox: Any) -> None:
    """Refusals that repeat what records say, quoted and not."""
    said = {
        "errorno": "BL34000061",
        "description": "Zylph Roofing has an invoice 'ZX-90417'",
        "description2": "Bill ZX-90417 of Zylph Roofing (Quorvane) over 48213.77 is entered by Vendrosk; Brindlewick's account",
        "correction": "Ask Harkenby <b>Tollivant</b> about &quot;Wexomar&quot; [Ostrafel]",
    }
    for kind in ("query APBILL", "query VENDOR", "create APBILL", "lookup", "query USERINFO", "readUserFormatting"):
        sandbox.fault("intacct", kind, "refuse", times=1, on_call=2, detail=said)


@pytest.mark.parametrize("prepare", [lambda sandbox: None, a_company_that_quotes], ids=["plain", "quoting"])
def test_no_report_holds_what_records_say_or_whose_they_are(prepare: Callable[[Any], None], sandbox: Any, ports: Ports) -> None:
    a_company_full_of_marks(sandbox)
    prepare(sandbox)
    rows = list(put([one for one in ALL if not one.slow], ports, may=lambda question: ""))
    report = texts(rows, ports)
    people = [part for person in constants.PEOPLE for part in (person["name"], person["email"], person["gid"])]
    secrets = [constants.SENDER_PASSWORD, constants.WS_PASSWORD, constants.ASANA_TOKEN, constants.REST_CLIENT_SECRET]
    names = [constants.COMPANY_ID, constants.SENDER_ID, constants.WS_USER, constants.WORKSPACE_GID, constants.BILLS_PROJECT_GID]
    state = sandbox.state("intacct")
    business = [str(one[key]) for one in state["vendors"] for key in ("vendor_id", "name")]
    business += [str(one["bill_number"]) for one in state["bills"] if one.get("bill_number")]
    found = [one for one in (*MARKS, *people, *secrets, *names, *business, "127.0.0.1") if one.casefold() in report.casefold()]
    assert found == []
    assert sum(row.outcome == "answered" for row in rows) > 40
    if prepare is a_company_that_quotes:
        # The refusals have to come to the report, or there was nothing to find.
        assert sum("BL34000061" in str(row.answer or row.why) for row in rows) >= 3
    assert ports.left == []


@pytest.mark.parametrize("answer", ["drop", "html", "empty", "truncated", "status:503"])
def test_a_question_that_fails_is_a_row_and_stops_no_other(answer: str, sandbox: Any, ports: Ports) -> None:
    sandbox.fault("intacct", "readUserFormatting", answer, times=1000)
    asked = [one for one in ALL if one.id in ("intacct-preferences", "intacct-unknown-object", "rest-token")]
    rows = {row.question.id: row for row in put(asked, ports, may=lambda question: "")}
    assert rows["intacct-preferences"].outcome == "failed"
    assert rows["intacct-unknown-object"].outcome == rows["rest-token"].outcome == "answered"
    assert "TryLater" in rows["intacct-preferences"].why or "UnexpectedReply" in rows["intacct-preferences"].why


def test_a_session_that_ends_between_two_questions_fails_none(sandbox: Any, ports: Ports, row_of: Callable[..., Row]) -> None:
    assert row_of("intacct-unknown-object").outcome == "answered"
    sandbox.fault("intacct", "lookup", "end_session", times=1)
    assert row_of("intacct-lookup").outcome == "answered"
    assert ports.left == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Invalid session sEcReT1234....", "Invalid session …"),
        ("No such field 'SHOESIZE' in APBILL", "No such field … in APBILL"),
        ("Bill 4711 of Acme is Paid", "Bill … of … is Paid"),
        ("<b>You</b> do not have permission &quot;x&quot; [Support ID: a]", "You do not have permission …"),
        ("Error XL03000006: see acme.com", "Error XL03000006: see …"),
        ("https://example.com/acme?x=1 jane@example.com", "…"),
        ("due 12.50 EUR", "due …"),
        ("The Vendor Project One Company is on hold", "The Vendor … is on hold"),
        ("It is of Another Project Partner", "It is of Another … Partner"),
    ],
)
def test_of_a_text_only_words_of_nobody_are_left(text: str, left: str) -> None:
    assert masked(text) == left


def test_codes_and_shapes() -> None:
    assert (code_of("XL03000006"), code_of("404"), code_of("notFound"), code_of(None)) == ("XL03000006", "404", "notFound", "")
    assert code_of("Acme Query Failed") == "… Query Failed"
    assert form_of("09/16/2013 22:50:21") == "99/99/9999 99:99:99"
    assert number_form("-48213.77") == "-9.9"
    assert number_form("4711--REC") == "9--A"
    assert form_of("") == "empty"


def test_identifiers_are_taken_out_whatever_put_them_there(ports: Ports) -> None:
    named = f"{constants.COMPANY_ID.lower()} and {constants.BILLS_PROJECT_GID}"
    assert without(named, identifiers(ports)) == "… and …"
    assert without("as US is", ["US", ""]) == "as US is", "what is short is a part of words"


def test_a_user_whose_name_is_a_word_of_ours_leaves_keys_and_questions_as_they_are(row_of: Callable[..., Row]) -> None:
    row = row_of("intacct-draft-times", gmt_offset_minutes=-480)
    [cleaned] = anonymous([row], ["intacct", "timestamp", "connection", "draft", "answered", "2026", "hidden-name"])
    assert list(yaml.safe_load(as_settings([cleaned]))) == ["intacct"]
    [told] = json.loads(as_json(as_data([cleaned], package="1", day=DAY)))["questions"]
    assert (told["id"], told["system"], told["outcome"]) == ("intacct-draft-times", "intacct", "answered")
    said = Answer(seen="of Hidden-Name", figures={"Hidden-Name": ["hidden-name", 2026, {"a": "x HIDDEN-NAME"}]})
    [cleaned] = anonymous([replace(row, answer=said, why="hidden-name")], ["hidden-name", "2026"])
    assert cleaned.answer == Answer(seen="of …", figures={"…": ["…", 2026, {"a": "x …"}]})
    assert cleaned.why == "…"


SETTINGS: dict[str, dict[str, Any]] = {
    "intacct-time-forms": {"user_dateformat": "-dmY"},
    "intacct-draft-times": {"gmt_offset_minutes": -480},
    "intacct-error-details": {"error_details": "refused"},
    "intacct-rights": {"denied_objects": ["APPYMT", "APBILLBATCH", "AUDITHISTORY"]},
    "intacct-draft-update": {"update_needs_when_due": True},
    "intacct-private-bills": {},
    "asana-guests": {"asana_untold": ["workspace_membership.is_guest"]},
}


def test_settings_that_follow_are_taken_by_connections_and_flow_files(row_of: Callable[..., Row], tmp_path: Any) -> None:
    rows = [row_of(name, **settings) for name, settings in SETTINGS.items()]
    found = yaml.safe_load(as_settings(rows))
    assert found["intacct"] == {
        "timestamp_format": "%m/%d/%Y %H:%M:%S",
        "timestamp_offset": "-08:00",
        "error_details": "off",
    }
    assert found["flow"] == {
        "bills": {"payments": "totals", "deletions": "sweep", "show_private": True},
        "vendors": {"deletions": "sweep"},
        "approval": {"closed_books": "accept", "guests_untold": "accept"},
        "write_back": {"send_due_on": True},
    }
    assert set(found["intacct"]) <= set(connection_keys.FIELDS["intacct"])
    flow = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    for part, values in found["flow"].items():
        flow.setdefault(part, {}).update(values)
    path = tmp_path / "demo.yaml"
    path.write_text(yaml.safe_dump(flow), encoding="utf-8")
    assert load_flow(path).write_back.send_due_on


def test_every_key_that_may_follow_is_one_of_a_connection_or_of_the_flow_file() -> None:
    """Also those that no company of the sandbox leads to, as they stand in the code."""
    source = "\n".join(path.read_text() for path in Path(proving.__file__).parent.glob("*.py"))
    places = re.findall(r'place="(connection \w+|flow)",\s*key="([\w.]+)"', source)
    assert len(places) > 8
    for place, key in places:
        if place != "flow":
            kind = {"connection intacct": "intacct", "connection asana": "asana_rest"}[place]
            assert key in connection_keys.FIELDS[kind], key
            continue
        part: Any = Flow
        for name in key.split("."):
            fields = getattr(part, "model_fields", {})
            assert name in fields, key
            inner = fields[name].annotation
            inner = next((one for one in getattr(inner, "__args__", ()) if hasattr(one, "model_fields")), inner)
            part = inner


def test_a_report_says_what_was_not_taken_back(sandbox: Any, ports: Ports, row_of: Callable[..., Row]) -> None:
    sandbox.fault("intacct", "delete", "refuse", times=100, detail={"errorno": "BL01001973", "description2": "Not now"})
    row = row_of("intacct-draft-update")
    assert row.remains
    [left] = ports.left
    assert "prove-live" in left
    assert constants.COMPANY_ID in left
    report = texts([row], ports)
    assert "could be taken back" in report
    assert json.loads(as_json(as_data([row], package="1", day=DAY)))["questions"][0]["taken back"].startswith("no")
    assert constants.COMPANY_ID not in report


def drafts(sandbox: Any) -> list[Any]:
    return [one for one in sandbox.state("intacct")["bills"] if "prove-live" in str(one.get("description"))]


WRITING = [one.id for one in ALL if one.writes and one.id.startswith("intacct-") and one.id != "intacct-wrong-password"]


@pytest.mark.parametrize("name", WRITING)
def test_what_is_written_to_intacct_is_taken_back(name: str, sandbox: Any, ports: Ports, row_of: Callable[..., Row]) -> None:
    before = sandbox.state("intacct")["bills"]
    row_of(name)
    after = sandbox.state("intacct")["bills"]
    assert [one["record_no"] for one in after] == [one["record_no"] for one in before]
    assert after == before, "no other bill was touched"
    assert ports.left == []


@pytest.mark.parametrize("kind", ["create APBILL", "update APBILL", "query APBILL", "delete"])
@pytest.mark.parametrize("action", ["lost_answer", "drop", "status_after:500", "truncated"])
def test_a_draft_is_taken_back_or_named_whatever_is_cut(
    kind: str, action: str, sandbox: Any, ports: Ports, row_of: Callable[..., Row]
) -> None:
    for call in (1, 2, 3):
        sandbox.reset()
        ports.left.clear()
        ports.books._sample = None
        sandbox.fault("intacct", kind, action, on_call=call, times=1)
        row_of("intacct-draft-update")
        sandbox.clear_faults()
        assert not drafts(sandbox) or ports.left, f"call {call}: a draft is there, and nobody was told"


def test_a_draft_that_somebody_renamed_is_found_by_its_number(sandbox: Any, ports: Ports) -> None:
    before = [one["record_no"] for one in sandbox.state("intacct")["bills"]]
    ports.books.may_write = True
    with a_draft(ports) as (_, draft, _):
        sandbox.act("intacct", CLERK, "edit_bill", record_no=draft["RECORDNO"], changes={"description": "somebody's own"})
    assert [one["record_no"] for one in sandbox.state("intacct")["bills"]] == before
    assert ports.left == []


def test_a_company_that_numbers_no_bills_gets_a_number(sandbox: Any, row_of: Callable[..., Row]) -> None:
    detail = {"errorno": "BL03000018", "description2": "Required field RECORDID is missing."}
    sandbox.fault("intacct", "create APBILL", "refuse", times=1, detail=detail)
    assert row_of("intacct-hold").outcome == "answered"


TASKS = [one.id for one in ALL if one.writes and one.id.startswith("asana-")]


@pytest.mark.parametrize("name", TASKS)
def test_what_is_written_to_asana_is_taken_back(name: str, sandbox: Any, ports: Ports, row_of: Callable[..., Row]) -> None:
    a_project_in_use(sandbox)
    before = live_tasks(sandbox)
    row_of(name)
    assert live_tasks(sandbox) == before
    assert ports.left == []


def live_tasks(sandbox: Any) -> list[str]:
    return sorted(one["gid"] for one in sandbox.state("asana")["tasks"] if not one.get("trashed"))


@pytest.mark.parametrize("action", ["lost_answer", "status_after:500"])
def test_a_task_whose_answer_is_lost_is_found_by_its_name(
    action: str, sandbox: Any, ports: Ports, row_of: Callable[..., Row]
) -> None:
    before = live_tasks(sandbox)
    sandbox.fault("asana", "POST /tasks", action, times=1)
    assert row_of("asana-comment").outcome == "failed"
    assert live_tasks(sandbox) == before
    assert ports.left == []


@pytest.mark.parametrize(
    ("system", "kind", "name"),
    [("intacct", "create APBILL", "intacct-hold"), ("asana", "POST /tasks", "asana-comment")],
)
def test_what_may_yet_be_made_after_it_was_looked_for_is_named(
    system: str, kind: str, name: str, sandbox: Any, ports: Ports, row_of: Callable[..., Row]
) -> None:
    """Nothing is there when it is looked for, and no answer had come: it may be made a moment later."""
    sandbox.fault(system, kind, "drop", times=1)
    assert row_of(name).remains
    [left] = ports.left
    assert "It may still be there" in left
    ports.left.clear()
    detail = {"errorno": "BL03000018", "description2": "No."}
    sandbox.fault(system, kind, *(("refuse",) if system == "intacct" else ("status:400",)), times=2, detail=detail)
    assert not row_of(name).remains, "what was refused is not made"


def test_a_task_that_cannot_be_deleted_is_named(sandbox: Any, ports: Ports, row_of: Callable[..., Row]) -> None:
    sandbox.fault("asana", "DELETE /tasks/{gid}", "status:503", times=100)
    assert row_of("asana-comment").remains
    assert "prove-live" in ports.left[0]


def test_nothing_writes_that_was_not_allowed_to(ports: Ports, sandbox: Any) -> None:
    """The door is shut between questions, whatever a question that only reads would do."""
    with pytest.raises(Misconfigured):
        ports.books.send(update("APBILL", {"RECORDNO": "1"}))
    with pytest.raises(Misconfigured):
        ports.board.post("/tasks", {"name": "x"})
    sandbox.zero_counters()
    pretends = replace(ALL[0], ask=lambda ports: ports.books.send(update("APBILL", {"RECORDNO": "1"})))
    assert next(put([pretends], ports, may=lambda question: "")).why.startswith("Misconfigured")
    list(put([one for one in ALL if not one.writes and not one.slow], ports, may=lambda question: ""))
    assert not {kind for kind in sandbox.counters() if "WRITE" in kind}


def test_a_mistake_in_a_question_is_a_row_too(ports: Ports) -> None:
    def broken(ports: Ports) -> Any:
        raise KeyError("Zylph")

    def refusing(ports: Ports) -> Any:
        raise Refused("Zylph says no", code="Zylph")

    rows = list(put([replace(ALL[0], ask=broken), replace(ALL[0], ask=refusing)], ports, may=lambda question: ""))
    assert [row.why for row in rows] == ["the question itself broke: KeyError", "Refused …: … says no"]
