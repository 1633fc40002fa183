"""A bill's attachment on its task: as link or as files, once, and never in the way of the task."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.airflow
ALICE = "alice.martin@northwind.example"
SECTIONS = "  sections: {open: Open, closed: Done}\n"
ALL_DONE = dict.fromkeys(("plan_tasks", "apply_plan", "attach_documents", "report_run"), "success")
RED = {"report_run": "failed"}


@pytest.fixture
def with_attachments(world: Any, flow_file: Callable[[str, str], None], request: pytest.FixtureRequest) -> Any:
    """A world whose flow attaches `file`s, or what the test's parameter says, and whose preflight has run."""
    from airflow.dag_processing.dagbag import DagBag

    from tests.airflow.conftest import ROOT

    form = getattr(request, "param", "file")
    flow_file(SECTIONS, f"{SECTIONS}  attachments: {form}\n")
    world.bag.dags.update(DagBag(dag_folder=str(ROOT / "dags" / "bill_sync.py")).dags)
    world.have_run()
    return world


def a_bill(world: Any) -> dict[str, Any]:
    bills: list[dict[str, Any]] = world.sandbox.state("intacct")["bills"]
    return next(bill for bill in bills if bill["state"] == "Submitted" and bill["module"] == "3.AP")


def attach(world: Any, bill: dict[str, Any], document_id: str, *files: dict[str, Any]) -> None:
    told = {"record_no": bill["record_no"], "document_id": document_id, "files": list(files) or [{}]}
    world.sandbox.act("intacct", "mgarcia", "attach_document", **told)


def on_task(world: Any, bill: dict[str, Any]) -> list[dict[str, Any]]:
    key = f":ap:{bill['record_no']}"
    found: list[dict[str, Any]] = next(one for one in world.tasks() if one["fields"]["Intacct key"].endswith(key))[
        "attachments"
    ]
    return found


def test_files_of_a_bill_hang_on_its_task_once(with_attachments: Any) -> None:
    world, bill = with_attachments, a_bill(with_attachments)
    text = "%PDF-1.7 the invoice"
    attach(world, bill, "ATT-7", {"name": "Rechnung Nº 7", "text": text}, {"name": "lines", "type": "csv", "text": "a,b"})
    assert world.run("bill_sync") == ALL_DONE
    pdf, csv = on_task(world, bill)
    assert (pdf["name"], pdf["content_type"]) == ("Rechnung Nº 7 (ATT-7).pdf", "application/pdf")
    assert pdf["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    assert (csv["name"], csv["content_type"], csv["size"]) == ("lines (ATT-7).csv", "text/csv", 3)
    before = world.writes()
    reads = world.sandbox.counters()["intacct get SUPDOC"]
    world.must("bill_sync", full=True)
    assert world.writes() == before
    assert world.sandbox.counters()["intacct get SUPDOC"] == reads


@pytest.mark.parametrize("with_attachments", ["link"], indirect=True)
def test_link_leads_to_the_bill_and_costs_intacct_nothing(with_attachments: Any) -> None:
    world, bill = with_attachments, a_bill(with_attachments)
    attach(world, bill, "ATT-7")
    world.must("bill_sync")
    (link,) = on_task(world, bill)
    assert link["kind"] == "external"
    assert link["url"].startswith("https://www.intacct.com/")
    assert link["url"].endswith(f"-{bill['record_no']}")
    assert "ATT-7" in link["name"]
    assert "intacct get SUPDOC" not in world.sandbox.counters()
    world.must("bill_sync", full=True)
    assert len(on_task(world, bill)) == 1


@pytest.mark.parametrize("with_attachments", ["file", pytest.param("link", marks=pytest.mark.slow)], indirect=True)
def test_lost_answer_makes_no_second_attachment(with_attachments: Any) -> None:
    world, bill = with_attachments, a_bill(with_attachments)
    attach(world, bill, "ATT-7", {"name": "one"})
    world.sandbox.fault("asana", "POST /attachments", "lost_answer")
    assert world.run("bill_sync") == ALL_DONE
    assert world.result("attach_documents")["documents"] == {"attached": 1}
    assert len(on_task(world, bill)) == 1
    world.must("bill_sync")
    assert len(on_task(world, bill)) == 1


def test_lost_answer_that_nobody_can_look_after_is_looked_for_by_the_next_run(with_attachments: Any) -> None:
    world, bill = with_attachments, a_bill(with_attachments)
    attach(world, bill, "ATT-7", {"name": "one"})
    world.sandbox.fault("asana", "POST /attachments", "lost_answer")
    world.sandbox.fault("asana", "GET /attachments", "status:403", on_call=2)
    assert world.run("bill_sync") == ALL_DONE | RED | {"attach_documents": "failed"}
    assert "it may have" in str(world.error)
    assert len(on_task(world, bill)) == 1
    world.must("bill_sync")
    assert len(on_task(world, bill)) == 1
    assert world.result("attach_documents")["documents"] == {"found there": 1}


@pytest.mark.slow
def test_lost_store_makes_no_second_attachment(with_attachments: Any) -> None:
    world, bill = with_attachments, a_bill(with_attachments)
    attach(world, bill, "ATT-7", {"name": "one"}, {"name": "one"})
    world.must("bill_sync")
    world.lose_store()
    world.must("preflight")
    world.must("bill_sync")
    assert [one["name"] for one in on_task(world, bill)] == ["one (ATT-7).pdf", "one (ATT-7, 2).pdf"]


def test_another_attachment_id_brings_the_new_files_and_leaves_the_old(with_attachments: Any) -> None:
    world, bill = with_attachments, a_bill(with_attachments)
    attach(world, bill, "ATT-7", {"name": "invoice"})
    world.must("bill_sync")
    attach(world, bill, "ATT-8", {"name": "invoice"})
    world.must("bill_sync")
    assert [one["name"] for one in on_task(world, bill)] == ["invoice (ATT-7).pdf", "invoice (ATT-8).pdf"]


def test_failure_costs_no_task_and_is_tried_again_without_reading_the_bill_anew(with_attachments: Any) -> None:
    world, bill = with_attachments, a_bill(with_attachments)
    attach(world, bill, "ATT-7")
    world.sandbox.fault("asana", "POST /attachments", "status:403")
    states = world.run("bill_sync")
    assert states == ALL_DONE | RED | {"attach_documents": "failed"}
    assert f"document ATT-7 of SANDBOX-CO:ap:{bill['record_no']}" in str(world.error)
    assert on_task(world, bill) == []
    world.must("bill_sync", bill_numbers=["nothing by this number"])
    assert len(on_task(world, bill)) == 1


def test_one_bill_that_cannot_be_written_keeps_no_document_back_and_the_run_stays_red(with_attachments: Any) -> None:
    world, bill = with_attachments, a_bill(with_attachments)
    attach(world, bill, "ATT-7")
    world.sandbox.act("asana", ALICE, "lock_field", field="GL account")
    assert world.run("bill_sync") == ALL_DONE | RED | {"apply_plan": "failed", "attach_documents": "failed"}
    assert "apply_plan did not succeed" in str(world.error)
    assert len(on_task(world, bill)) == 1


def test_what_will_never_fit_is_named_once_and_the_rest_is_attached(with_attachments: Any) -> None:
    world, bill = with_attachments, a_bill(with_attachments)
    good, program = {"name": "good"}, {"name": "free money", "type": "exe", "text": "MZ"}
    disguised = {"name": "..\\..\\etc\\invoice", "type": "pdf", "text": "MZ"}
    attach(world, bill, "ATT-7", good, program, disguised)
    assert world.run("bill_sync")["attach_documents"] == "failed"
    said = str(world.error)
    assert "free money.exe is of the kind 'exe'" in said
    assert "invoice.pdf calls itself pdf and does not begin as one" in said
    assert [one["name"] for one in on_task(world, bill)] == ["good (ATT-7).pdf"]
    world.must("bill_sync", full=True)


@pytest.mark.slow
def test_attachment_id_that_intacct_does_not_know_costs_only_itself(with_attachments: Any) -> None:
    world, bill = with_attachments, a_bill(with_attachments)
    other = next(b for b in world.sandbox.state("intacct")["bills"] if b["state"] == "Posted" and b["module"] == "3.AP")
    attach(world, other, "ATT-9")
    world.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=bill["record_no"], changes={"attachment_id": "ATT-404"})
    assert world.run("bill_sync")["attach_documents"] == "failed"
    assert "ATT-404" in str(world.error)
    assert len(on_task(world, other)) == 1


@pytest.mark.slow
def test_task_that_is_made_anew_gets_its_files_again(with_attachments: Any) -> None:
    world, bill = with_attachments, a_bill(with_attachments)
    attach(world, bill, "ATT-7")
    world.must("bill_sync")
    key = f":ap:{bill['record_no']}"
    gid = next(one["gid"] for one in world.tasks() if one["fields"]["Intacct key"].endswith(key))
    world.sandbox.act("asana", ALICE, "delete", task=gid)
    world.must("bill_sync", full=True)
    assert [one["name"] for one in on_task(world, bill)] == ["invoice (ATT-7).pdf"]


@pytest.mark.slow
def test_dry_run_attaches_nothing(with_attachments: Any) -> None:
    world, bill = with_attachments, a_bill(with_attachments)
    world.must("bill_sync")
    attach(world, bill, "ATT-7")
    before = world.writes()
    world.must("bill_sync", dry_run=True)
    assert world.writes() == before
    world.sandbox.settings(denied_objects=["APBILL"])
    assert world.run("bill_sync", dry_run=True)["attach_documents"] == "failed"


@pytest.mark.slow
def test_the_other_documented_function_reads_them_too(with_attachments: Any, flow_file: Callable[[str, str], None]) -> None:
    world, bill = with_attachments, a_bill(with_attachments)
    attach(world, bill, "ATT-7")
    world.sandbox.settings(supdoc_function="get_list")
    assert world.run("bill_sync")["attach_documents"] == "failed"
    assert "get is not supported" in str(world.error)
    flow_file(SECTIONS, f"{SECTIONS}  attachments: file\n  attachment_function: get_list\n")
    world.must("bill_sync")
    assert len(on_task(world, bill)) == 1


@pytest.mark.slow
def test_read_only_asana_refuses_before_anything_is_sent(with_attachments: Any) -> None:
    import json

    world, bill = with_attachments, a_bill(with_attachments)
    world.must("bill_sync")
    attach(world, bill, "ATT-7")
    connection = world.api.connections["asana_default"]
    connection["extra"] = json.dumps(json.loads(connection["extra"]) | {"read_only": True})
    before = world.writes()
    world.run("bill_sync")
    assert world.writes() == before
