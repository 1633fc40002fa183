"""Documents that tasks should carry: wanted once, due until done, due again on another task."""

from __future__ import annotations

import pytest
from intacct_asana.records import Cursor, Link
from intacct_asana.records.documents import DueDocument, WantedDocument
from intacct_asana.store import FlowStore, open_store

from tests.store.store_world import NOON, make_older, run_sql

A = WantedDocument(key="a", form="file", document_id="ATT-7", name="invoice", url="")


@pytest.fixture
def linked(flow: FlowStore) -> FlowStore:
    links = flow.links("bill")
    links.begin(["a"], at=NOON)
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


def test_a_document_that_was_under_way_in_an_older_store_is_due_still(linked: FlowStore, url: str) -> None:
    """Its files are looked for on the task before they are sent, so nothing has to be known of them."""
    other = WantedDocument(key="a", form="file", document_id="ATT-8")
    linked.documents("bill").want([A, other], keys={"a"})
    linked.documents("bill").finish(DueDocument(wanted=other, task_gid="11"))
    make_older(url, 9)
    run_sql(url, """UPDATE ia_documents SET files = '[{"name": "invoice (ATT-7).pdf", "attachment_gid": ""}]'""")
    assert [due.wanted for due in open_store(url).for_flow("demo").documents("bill").due()] == [A]
