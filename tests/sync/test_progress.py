"""The lines that say how far a long piece of work is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from intacct_asana.sync.report import Progress

START = datetime(2026, 1, 1, tzinfo=UTC)


class Work:
    """A progress whose clock moves when it is told to."""

    def __init__(self, *, total: int | None) -> None:
        self.at = START
        self.lines: list[str] = []
        self.progress = Progress("tasks written", total=total, now=lambda: self.at, say=self.lines.append)

    def go_on(self, *, seconds: float, done: int) -> None:
        self.at += timedelta(seconds=seconds)
        self.progress.note(done)


def test_it_says_done_to_do_per_minute_and_time_left() -> None:
    work = Work(total=3002)
    work.go_on(seconds=30, done=700)
    assert work.lines == ["700 of 3,002 tasks written, 2,302 to do, 1,400 a minute, 1 min 39 s left"]


def test_it_says_a_line_every_15_seconds_however_often_something_is_done() -> None:
    work = Work(total=1000)
    for done in range(1, 1001):
        work.go_on(seconds=0.05, done=done)
    assert len(work.lines) == 3


def test_short_work_says_nothing() -> None:
    work = Work(total=300)
    for done in range(1, 301):
        work.go_on(seconds=0.04, done=done)
    assert work.lines == []


def test_what_nobody_knows_the_end_of_has_no_time_left() -> None:
    work = Work(total=None)
    work.go_on(seconds=60, done=4000)
    assert work.lines == ["4,000 tasks written, 4,000 a minute"]


def test_nothing_done_yet_promises_nothing() -> None:
    work = Work(total=10)
    work.go_on(seconds=20, done=0)
    assert work.lines == ["0 of 10 tasks written, 10 to do, 0 a minute"]


def test_long_work_is_told_in_hours() -> None:
    work = Work(total=10_000)
    work.go_on(seconds=60, done=100)
    assert work.lines == ["100 of 10,000 tasks written, 9,900 to do, 100 a minute, 1 h 39 min left"]
