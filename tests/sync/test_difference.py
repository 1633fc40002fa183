"""What is a difference between a draft and a task, what is only how Asana shows it, and what is neither."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from intacct_asana.records import FieldValue, Task, TaskDraft
from intacct_asana.sync.difference import parts_edited, parts_not_taken, same, shown_otherwise

AMOUNT, VENDOR = "field:12", "field:13"


def a_draft(**parts: object) -> TaskDraft:
    return TaskDraft(**{"key": "a", "name": "Bill", "fields": {"12": Decimal("990.40"), "13": "Acme"}, **parts})


def a_task(amount: str = "990.40", *, places: int | None = 2, vendor: str = "Acme", **parts: object) -> Task:
    fields = {"12": Decimal(amount), "13": vendor}
    return Task(**{"gid": "1", "name": "Bill", "fields": fields, "places": {} if places is None else {"12": places}, **parts})


@pytest.mark.parametrize(
    ("amount", "places", "taken", "exact"),
    [
        ("990.40", 2, True, True),
        ("990", 0, True, False),
        ("990.4", 1, True, True),
        ("991", 0, False, False),
        ("990", None, False, False),
        ("990", 2, False, False),
        ("9.90", 2, False, False),
    ],
)
def test_a_number_is_taken_as_its_field_shows_it_and_shown_when_it_is_the_same(
    amount: str, places: int | None, taken: bool, exact: bool
) -> None:
    draft, task = a_draft(), a_task(amount, places=places)
    assert (parts_not_taken(draft, task, changed=(AMOUNT,)) == ()) is taken
    assert (parts_edited(draft, task, confirmed=draft) == ()) is taken
    assert (parts_edited(draft, task) == ()) is exact
    assert shown_otherwise(draft, task) == ((AMOUNT,) if taken and not exact else ())


def test_a_form_of_asanas_own_is_no_edit_as_long_as_the_same_is_meant() -> None:
    confirmed = a_draft(shown_as={VENDOR: "Ac", "due_on": date(2026, 3, 4)}, due_on=date(2026, 3, 5))
    task = a_task(vendor="Ac", due_on=date(2026, 3, 4))
    assert parts_edited(a_draft(due_on=date(2026, 3, 5)), task, confirmed=confirmed) == ()
    assert shown_otherwise(confirmed, task) == ("due_on", VENDOR)
    # Another vendor is meant now, or somebody wrote something else.
    meant = a_draft(due_on=date(2026, 3, 5), fields={"12": Decimal("990.40"), "13": "Bcme"})
    assert parts_edited(meant, task, confirmed=confirmed) == (VENDOR,)
    assert parts_edited(a_draft(), a_task(vendor="A"), confirmed=confirmed) == (VENDOR,)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2%  10 Net 30", "2% 10 Net 30", True),
        (" Acme\r\nCorp ", "Acme Corp", True),
        ("Cafe\u0301", "Caf\u00e9", True),
        ("", None, True),
        ("Acme", "acme", False),
        ("Acme Corp", "AcmeCorp", False),
        ("²", "2", False),
        (Decimal("990.00"), Decimal(990), True),
        (("2", "1"), ("1", "2"), True),
    ],
)
def test_blanks_and_the_coding_of_accents_make_no_difference(one: FieldValue, other: FieldValue, is_same: bool) -> None:
    assert same(one, other) is is_same
