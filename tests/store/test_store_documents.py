"""Documents that tasks should carry: wanted once, due until done, due again on another task."""

from __future__ import annotations

from pathlib import Path

import pytest
from intacct_asana.records import Cursor, Link
from intacct_asana.records.documents import AttachedFile, WantedDocument
from intacct_asana.store import FlowStore, open_store

from tests.store.store_world import make_older

A = WantedDocument(key="a", form="file", document_id="ATT-7", name="invoice", url="")
FILE = AttachedFile(name="invoice (ATT-7).pdf", size=3, digest="d")


@pytest.fixture
def linked(flow: FlowStore) -> FlowStore:
    links = flow.links("bill")
    links.save(Link(key="a", task_gid="11", record_no="1"))
    return flow


def test_wanted_document_is_due_until_it_is_done(linked: FlowStore) -> None:
    stored = linked.documents("bill")
    stored.want([A], keys={"a"})
    (due,) = stored.due()
    assert (due.wanted, due.task_gid, due.files) == (A, "11", ())
    stored.note(due, files=[FILE])
    assert stored.due()[0].files == (FILE,)
    stored.finish(due, files=[FILE])
    stored.want([A], keys={"a"})
    assert stored.due() == []


def test_document_without_a_task_is_not_due_yet(flow: FlowStore) -> None:
    flow.documents("bill").want([A], keys={"a"})
    assert flow.documents("bill").due() == []


def test_document_on_a_task_that_was_replaced_is_due_again_without_its_old_files(linked: FlowStore) -> None:
    stored = linked.documents("bill")
    stored.want([A], keys={"a"})
    stored.finish(stored.due()[0], files=[FILE])
    linked.links("bill").save(Link(key="a", task_gid="12", record_no="1"))
    (due,) = stored.due()
    assert (due.task_gid, due.files) == ("12", ())


def test_refused_document_is_not_due_again(linked: FlowStore) -> None:
    stored = linked.documents("bill")
    stored.want([A], keys={"a"})
    stored.finish(stored.due()[0], files=[], refused="it is over 100 MB")
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


def test_store_of_the_release_before_gets_the_table_and_keeps_what_it_has(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    open_store(url).for_flow("demo").save_cursor(Cursor(name="bills", value="here"))
    make_older(url, 3)
    flow = open_store(url).for_flow("demo")
    assert flow.cursor("bills") == "here"
    flow.links("bill").save(Link(key="a", task_gid="11", record_no="1"))
    flow.documents("bill").want([A], keys={"a"})
    assert [due.wanted for due in flow.documents("bill").due()] == [A]
