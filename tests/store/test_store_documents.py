"""Documents that tasks should carry: wanted once, due until done, due again on another task."""

from __future__ import annotations

import json

import pytest
from intacct_asana.records import Cursor, Link
from intacct_asana.records.documents import DueDocument, WantedDocument
from intacct_asana.store import FlowStore, open_store
from intacct_asana.sync import attach

from tests.store.store_world import make_older, run_sql

A = WantedDocument(key="a", form="file", document_id="ATT-7", name="invoice", url="")


@pytest.fixture
def linked(flow: FlowStore) -> FlowStore:
    links = flow.links("bill")
    links.save(Link(key="a", task_gid="11", record_no="1"))
    return flow


def test_wanted_document_is_due_until_it_is_done(linked: FlowStore) -> None:
    stored = linked.documents("bill")
    stored.want([A], keys={"a"})
    (due,) = stored.due()
    assert due == DueDocument(wanted=A, task_gid="11")
    stored.finish(due)
    stored.want([A], keys={"a"})
    assert stored.due() == []


def test_document_without_a_task_is_not_due_yet(flow: FlowStore) -> None:
    flow.documents("bill").want([A], keys={"a"})
    assert flow.documents("bill").due() == []


def test_document_on_a_task_that_was_replaced_is_due_again(linked: FlowStore) -> None:
    stored = linked.documents("bill")
    stored.want([A], keys={"a"})
    stored.finish(stored.due()[0])
    linked.links("bill").save(Link(key="a", task_gid="12", record_no="1"))
    (due,) = stored.due()
    assert due.task_gid == "12"


def test_refused_document_is_not_due_again(linked: FlowStore) -> None:
    stored = linked.documents("bill")
    stored.want([A], keys={"a"})
    stored.finish(stored.due()[0], refused="it is over 100 MB")
    assert stored.due() == []


def test_what_a_bill_no_longer_names_is_not_waited_for(linked: FlowStore) -> None:
    stored = linked.documents("bill")
    stored.want([A], keys={"a"})
    stored.want([], keys={"b"})
    assert len(stored.due()) == 1
    other = WantedDocument(key="a", form="file", document_id="ATT-8")
    stored.want([other], keys={"a"})
    assert [due.wanted.document_id for due in stored.due()] == ["ATT-8"]


def test_flows_and_kinds_do_not_see_each_others_documents(linked: FlowStore) -> None:
    linked.documents("bill").want([A], keys={"a"})
    assert linked.documents("vendor").due() == []


def test_a_store_without_documents_gets_the_table_and_keeps_what_it_has(url: str) -> None:
    open_store(url).for_flow("demo").save_cursor(Cursor(name="bills", value="here"))
    make_older(url, 3)
    flow = open_store(url).for_flow("demo")
    assert flow.cursor("bills") == "here"
    flow.links("bill").save(Link(key="a", task_gid="11", record_no="1"))
    flow.documents("bill").want([A], keys={"a"})
    assert [due.wanted for due in flow.documents("bill").due()] == [A]


def test_files_of_an_older_store_are_carried_over(linked: FlowStore, url: str) -> None:
    """What was sent and had no answer is looked for on the task; what hangs there is known by its content."""
    link = WantedDocument(key="a", form="link", document_id="ATT-7", name="ATT-7", url="https://x")
    linked.documents("bill").want([A, link], keys={"a"})
    linked.documents("bill").finish(DueDocument(wanted=link, task_gid="11"))
    make_older(url, 9)
    files = [
        {"name": "invoice (ATT-7).pdf", "size": 3, "digest": "d", "attachment_gid": "77"},
        {"name": "lines (ATT-7).csv", "size": 4, "digest": "e", "attachment_gid": ""},
    ]
    given = {"file": files, "link": [{"name": "ATT-7", "size": 0, "digest": "", "attachment_gid": "78"}]}
    for form, told in given.items():
        run_sql(
            url,
            f"UPDATE ia_documents SET task_gid = '11', files = '{json.dumps(told)}' WHERE form = '{form}'".replace(":", r"\:"),
        )
    flow = open_store(url).for_flow("demo")
    assert [due.wanted for due in flow.documents("bill").due()] == [A]
    kept = {str(one.body["name"]): one for one in flow.intents().about(["11"])}
    assert {name: (str(one.state), one.answer) for name, one in kept.items()} == {
        "invoice (ATT-7).pdf": ("DONE", {"gid": "77"}),
        "lines (ATT-7).csv": ("UNKNOWN", {}),
        "ATT-7": ("DONE", {"gid": "78"}),
    }
    for one in kept.values():
        assert attach._intent(flow.documents("bill").due()[0], one.body).intent_id == one.intent_id
    assert kept["ATT-7"].body == {"kind": "external", "name": "ATT-7", "url": "https://x"}
    assert kept["lines (ATT-7).csv"].body == {"kind": "asana", "name": "lines (ATT-7).csv", "size": 4, "digest": "e"}
