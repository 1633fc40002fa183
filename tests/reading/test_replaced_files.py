"""A file that was replaced under its attachment's id, with the same name and size: nothing in Intacct tells of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest


class Desk:
    """A company whose tasks carry files; our clock moves by days."""

    def __init__(self, company: Any) -> None:
        self.company, self.at = company, datetime.now(UTC)
        company.now = lambda: self.at
        company.flow(attachments="file")
        self.bill = company.a_bill(module="3.AP")
        files = [{"name": "invoice", "text": "%PDF-1.7 old"}]
        company.act("attach_document", record_no=self.bill, document_id="ATT-7", files=files)
        self.run()

    def run(self, *, hours: float = 0, **params: Any) -> int:
        """How many attachments were read."""
        self.at += timedelta(hours=hours)
        self.company.sandbox.zero_counters()
        self.company.sync(**params)
        read: int = self.company.sandbox.counters().get("intacct get SUPDOC", 0)
        self.company.attach()
        return read

    def replace(self) -> None:
        self.company.act("replace_document", document_id="ATT-7", files=[{"name": "invoice", "text": "%PDF-1.7 new"}])

    def names(self) -> list[str]:
        return [one["name"] for one in self.company.task(self.bill)["attachments"]]


@pytest.fixture
def desk(company: Any) -> Desk:
    return Desk(company)


def test_a_file_replaced_by_another_of_its_name_and_size_comes_onto_the_task_within_a_day(desk: Desk) -> None:
    desk.replace()
    assert desk.run(full=True) == 0
    assert desk.names() == ["invoice (ATT-7).pdf"]
    assert desk.run(hours=25) == 1
    assert desk.names() == ["invoice (ATT-7).pdf", "invoice (ATT-7, 2).pdf"]
    assert desk.run(hours=1) == 0
    assert desk.run(hours=25) == 1
    assert len(desk.names()) == 2


def test_files_that_cannot_be_read_that_day_leave_the_task_as_it_is(desk: Desk) -> None:
    desk.company.sandbox.fault(
        "intacct", "get SUPDOC", "refuse", times=9, detail={"errorno": "XL03000009", "description": "no"}
    )
    assert desk.run(hours=25) == 1
    assert desk.company.plan["counts"]["update"] == 0
    desk.company.sandbox.clear_faults()
    assert desk.names() == ["invoice (ATT-7).pdf"]
