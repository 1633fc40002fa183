"""What makes two incidents the same, and what is said of each kind and error."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from intacct_asana import errors
from intacct_asana.reports.incidents import (
    BY_KIND,
    MEANS,
    Incident,
    Kind,
    Sighting,
    ended,
    late,
    means,
    message,
    noted,
    subject,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEEN = Sighting(
    kind=Kind.FAILURE, what="a_bill_sync", cause="apply Refused", title="a_bill_sync failed", words="no", error="Refused"
)


def test_every_error_and_every_kind_has_its_runbook_sentence() -> None:
    six = {one.__name__ for one in errors.IntacctAsanaError.__subclasses__()}
    assert six < set(MEANS)
    assert set(BY_KIND) == set(Kind) - {Kind.FAILURE}
    assert "mistake in it" in means(replace(SEEN, error="KeyError"))


def test_the_same_thing_is_one_incident_however_often_it_is_met() -> None:
    first = noted(None, SEEN, flow="a", at=NOON)
    again = noted(first, replace(SEEN, words="no again", run_id="r2"), flow="a", at=NOON + timedelta(hours=1))
    assert (again.incident_id, again.times, again.opened_at) == (first.incident_id, 2, NOON)
    assert noted(None, replace(SEEN, cause="apply TryLater"), flow="a", at=NOON).key != first.key
    assert noted(None, SEEN, flow="b", at=NOON).incident_id != first.incident_id


def test_what_is_back_is_another_one_when_people_heard_that_it_was_over() -> None:
    over = ended(noted(None, SEEN, flow="a", at=NOON), why="", at=NOON)
    assert noted(over, SEEN, flow="a", at=NOON).turn == 1
    assert noted(replace(over, told_over=("mail",)), SEEN, flow="a", at=NOON).turn == 2


@pytest.mark.parametrize(("hours", "is_late"), [(1, False), (2, False), (3, True)])
def test_a_dag_is_late_after_longer_than_it_may(hours: int, is_late: bool) -> None:
    seen = late(
        "a_bill_sync", job="bill_sync", since=NOON, at=NOON + timedelta(hours=hours), longest=timedelta(hours=2), succeeded=True
    )
    assert bool(seen) is is_late


def test_a_message_is_bounded_and_names_its_incidents_last() -> None:
    many = [Incident(flow="a", seen=replace(SEEN, cause=str(number), words="x" * 9000), opened_at=NOON) for number in range(30)]
    text = message(many, page="https://airflow/page")
    assert len(text) < 100_000
    assert "And 10 more." in text
    assert text.rpartition("\n")[2].startswith("Incidents: inc-a-")
    assert subject(many).endswith("and 29 more")
    assert text.count(means(SEEN)) == 1


def test_errors_that_are_told_together_each_have_their_sentence() -> None:
    both = [Incident(flow="a", seen=replace(SEEN, cause=name, error=name), opened_at=NOON) for name in ("Refused", "TryLater")]
    assert all(MEANS[name] in message(both) for name in ("Refused", "TryLater"))
