"""Preflight makes what is missing: once, whatever is lost or done at the same time; what it cannot make it says with a cure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox import constants

pytestmark = pytest.mark.airflow
ALICE = "alice.martin@northwind.example"
AMOUNT = "    - {name: Amount, kind: number, source: total_entered, precision: 2}"


def on_project(world: Any) -> Counter[str]:
    """Fields and sections of the bills' project, by name."""
    projects = world.sandbox.state("asana")["projects"]
    bills = next(one for one in projects if one["gid"] == constants.BILLS_PROJECT_GID)
    return Counter([*bills["fields"], *(section["name"] for section in bills["sections"])])


def make(world: Any) -> str:
    """What a preflight said that could not make everything."""
    assert world.run("preflight", create_missing=True)["report_checks"] == "failed"
    return str(world.error)


def a_field(world: Any, **told: Any) -> None:
    """A field of the workspace, which is on no project of ours."""
    world.sandbox.act("asana", ALICE, "create_field", project=constants.VENDORS_PROJECT_GID, **told)
    world.sandbox.act("asana", ALICE, "detach_field", project=constants.VENDORS_PROJECT_GID, field=told["name"])


def test_second_run_makes_nothing(world: Any) -> None:
    world.must("preflight", create_missing=True)
    before, writes = on_project(world), world.writes()
    assert set(before.values()) == {1}
    world.must("preflight", create_missing=True)
    assert (on_project(world), world.writes()) == (before, writes)


@pytest.mark.parametrize(
    "call", ["POST /projects/{gid}/addCustomFieldSetting", "POST /projects/{gid}/sections"], ids=["field", "section"]
)
def test_lost_answer_makes_no_double(world: Any, call: str) -> None:
    world.sandbox.fault("asana", call, "lost_answer", on_call=2)
    world.must("preflight", create_missing=True)
    assert set(on_project(world).values()) == {1}
    rows = [row for row in world.result("check_asana") if "its answer was lost" in row["result"]]
    assert len(rows) == 1


@pytest.mark.slow
def test_creation_that_never_arrived_is_said_and_the_rest_is_made(world: Any) -> None:
    world.sandbox.fault("asana", "POST /projects/{gid}/sections", "drop", on_call=1)
    said = make(world)
    assert "section Open" in said
    assert "run preflight again" in said
    assert on_project(world)["Done"] == 1
    world.must("preflight", create_missing=True)
    assert set(on_project(world).values()) == {1}


def test_two_preflights_at_once_make_no_double(world: Any) -> None:
    with world.store().lease("making what is missing in Asana", now=datetime.now(UTC)):
        before = world.writes()
        said = make(world)
        assert "is making what is missing in Asana just now" in said
        assert "can be run again 15 minutes after it began" in said
        assert world.writes() == before
    world.must("preflight", create_missing=True)
    assert set(on_project(world).values()) == {1}


@pytest.mark.slow
def test_lease_of_a_run_that_died_ends_by_itself(world: Any) -> None:
    hold = world.store().lease("making what is missing in Asana", now=datetime.now(UTC) - timedelta(minutes=16))
    hold.__enter__()
    world.must("preflight", create_missing=True)


def test_fitting_field_of_the_workspace_is_used_and_not_made_again(world: Any) -> None:
    a_field(world, name="Vendor", kind="text")
    world.must("preflight", create_missing=True)
    fields = [field for field in world.sandbox.state("asana")["fields"] if field["name"] == "Vendor"]
    assert [(field["is_global"], field["kind"]) for field in fields] == [(True, "text")]
    assert on_project(world)["Vendor"] == 1


@pytest.mark.slow
def test_name_that_an_unfit_field_has_taken_is_said_where_asana_refuses_it(world: Any) -> None:
    world.sandbox.settings(asana_local_names_unique=True)
    a_field(world, name="Vendor", kind="date")
    said = make(world)
    assert "field Vendor" in said
    assert "of kind date, which does not fit: write another name in the flow file" in said
    # The others are there all the same.
    assert on_project(world)["Bill number"] == 1


def test_free_plan_is_said_in_words(world: Any) -> None:
    world.sandbox.settings(asana_free_plan=True)
    said = make(world)
    assert "paid Asana plan" in said


@pytest.mark.slow
def test_project_that_takes_no_more_fields_is_said(world: Any) -> None:
    world.sandbox.settings(asana_fields_per_project=5)
    assert "A project can have at most 5 custom fields" in make(world)


def test_currency_field_is_made_with_its_currency_and_another_one_is_said(
    world: Any, flow_file: Callable[[str, str], None]
) -> None:
    flow_file(AMOUNT, AMOUNT.replace("precision: 2", "precision: 2, currency: USD"))
    world.must("preflight", create_missing=True)
    (field,) = [field for field in world.sandbox.state("asana")["fields"] if field["name"] == "Amount"]
    assert (field["format"], field["currency_code"], field["precision"]) == ("currency", "USD", 2)
    flow_file(AMOUNT, AMOUNT.replace("precision: 2", "precision: 2, currency: EUR"))
    said = make(world)
    assert "it shows USD, and the flow says EUR" in said
