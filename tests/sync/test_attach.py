"""Files onto a task, cut off at every step: each hangs there once in the end, and what fails stands in nobody's way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO

import pytest
from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, TryLater
from intacct_asana.records.documents import UNFIT, Attachment, DocumentFile, DueDocument, WantedDocument
from intacct_asana.store import FlowStore
from intacct_asana.sync import Report, attach_documents

from tests.journal.journal_world import Crash, CutJournal, Wire
from tests.store.conftest import flow, url
from tests.store.store_world import NOON, a_link

__all__ = ["flow", "url"]
FILES = {"ATT-7": ["invoice.pdf", "invoice.pdf", "lines.csv"], "ATT-8": ["order.pdf"]}
THERE = ["invoice (ATT-7).pdf", "invoice (ATT-7, 2).pdf", "lines (ATT-7).csv", "order (ATT-8).pdf"]


@dataclass
class World:
    """Two documents that hang on one task each, a board that minds no repetition, and processes that can die anywhere."""

    flow: FlowStore
    wire: Wire = field(default_factory=Wire)
    there: dict[str, list[Attachment]] = field(default_factory=lambda: {"11": [], "12": []})
    faults: dict[str, IntacctAsanaError] = field(default_factory=dict)
    """What the next send of a name meets after it was done."""
    unfit: Mapping[str, str] = field(default_factory=dict)
    digest = "d"
    now = NOON

    def begin(self) -> None:
        wanted = [WantedDocument(key=key, form="file", document_id=one) for key, one in (("a", "ATT-7"), ("b", "ATT-8"))]
        self.documents.want(wanted, keys={"a", "b"})
        for key, task_gid in (("a", "11"), ("b", "12")):
            self.flow.links("bill").save(a_link(key, task_gid=task_gid))

    @property
    def documents(self) -> object:
        return self.flow.documents("bill")

    @property
    def names(self) -> list[str]:
        return [one.name for task_gid in ("11", "12") for one in self.there[task_gid]]

    def attachments(self, task_gid: str) -> list[Attachment]:
        with self.wire.step():
            return list(self.there[task_gid])

    def attach_file(self, task_gid: str, *, name: str, file: DocumentFile) -> Attachment:
        with self.wire.step():
            made = Attachment(gid=str(len(self.names)), name=name, size=len(file.content.read()))
            self.there[task_gid].append(made)
        if fault := self.faults.pop(name, None):
            raise fault
        return made

    def attach_link(self, task_gid: str, *, name: str, url: str) -> Attachment:
        raise AssertionError("nobody asked for a link")

    def document(self, document_id: str) -> list[DocumentFile]:
        about = {"content_type": "application/pdf", "size": 3, "digest": self.digest}
        return [
            DocumentFile(name=name, content=BytesIO(b"abc"), unfit=self.unfit.get(name, ""), **about)
            for name in FILES[document_id]
        ]

    def run(self, *due: DueDocument) -> Report:
        journal = CutJournal(self.flow._database, flow=self.flow._flow)
        journal.wire = self.wire
        given = {"board": self, "books": self, "store": self.documents, "journal": journal}
        return attach_documents(due or self.documents.due(), owner="run", now=lambda: self.now, **given)


@pytest.fixture
def world(flow: FlowStore) -> World:
    made = World(flow)
    made.begin()
    return made


def test_each_file_hangs_on_its_task_once(world: World) -> None:
    assert world.run().counts() == {"attached": 4}
    assert world.names == THERE
    assert world.run().counts() == {}


@pytest.mark.parametrize("after", [False, True])
def test_wherever_a_run_dies_each_file_hangs_there_once_in_the_end(world: World, after: bool) -> None:
    world.run()
    steps = world.wire.steps
    assert steps >= 15
    for cut in range(1, steps + 1):
        world.flow, world.there = FlowStore(world.flow._database, flow=f"flow {cut}"), {"11": [], "12": []}
        world.begin()
        world.wire.cut_at, world.wire.after, world.wire.steps = cut, after, 0
        with pytest.raises(Crash):
            world.run()
        world.wire.cut_at = None
        world.run()
        assert (world.names, world.documents.due()) == (THERE, []), f"cut at step {cut}"


def test_a_lost_answer_is_looked_for_and_costs_no_second_file(world: World) -> None:
    world.faults = {THERE[0]: OutcomeUnknown("no answer"), THERE[3]: OutcomeUnknown("no answer")}
    assert world.run().counts() == {"attached": 4}
    assert world.names == THERE


@pytest.mark.parametrize("error", [TryLater("busy"), Refused("no")])
def test_one_failure_stops_no_other_file_and_is_found_out_about_by_the_next_run(world: World, error: Exception) -> None:
    """The worst case: what says that it failed was done."""
    world.faults = {THERE[1]: error}
    report = world.run()
    assert Counter(world.names) == Counter(THERE)
    if isinstance(error, TryLater):
        assert [failure.key for failure in report.failures] == ["document ATT-7 of a"]
        assert report.counts() == {"attached": 3}
        assert world.run().counts() == {"found there": 3}
    assert world.documents.due() == []
    assert Counter(world.names) == Counter(THERE)


def test_what_would_meet_every_document_stops_the_run(world: World) -> None:
    world.faults = {THERE[1]: Misconfigured("the token is wrong")}
    report = world.run()
    assert (len(report.failures), report.not_started) == (1, 1)
    assert len(world.documents.due()) == 2


def test_a_document_that_does_not_fit_is_refused_once_and_what_fits_is_attached(world: World) -> None:
    world.unfit = {"lines.csv": "is too big"}
    report = world.run()
    assert [(failure.error.code, str(failure)) for failure in report.failures] == [
        (UNFIT, "document ATT-7 of a: lines.csv is too big")
    ]
    assert world.names == [name for name in THERE if "lines" not in name]
    assert world.run().failures == []


def test_another_content_under_the_same_name_is_another_file(world: World) -> None:
    world.run()
    replaced = DueDocument(wanted=WantedDocument(key="b", form="file", document_id="ATT-8"), task_gid="12")
    assert world.run(replaced).counts() == {"found there": 1}
    world.digest = "e"
    assert world.run(replaced).counts() == {"attached": 1}
    assert world.run(replaced).counts() == {"found there": 1}
    assert [one.name for one in world.there["12"]] == ["order (ATT-8).pdf", "order (ATT-8, 2).pdf"]


def test_what_others_hung_there_under_the_same_name_is_told_by_its_size_and_kind(world: World) -> None:
    world.there["11"].append(Attachment(gid="old", name=THERE[0], size=999))
    world.there["12"].append(Attachment(gid="link", name=THERE[3], kind="external"))
    assert world.run().counts() == {"attached": 4}
