"""A company's week as the steps keep it: what its days looked like is the same, whatever happened since."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.__main__ import app
from intacct_asana.closing.table import rows_csv, sums_csv, sums_of
from intacct_asana.closing.view import View
from intacct_asana.store.reporting.closing import close_view
from typer.testing import CliRunner

from tests.drift.drift_world import CLERK, OWNER, Kept
from tests.reconciliation.reconciliation_world import ALICE, BEN, GUS

pytestmark = pytest.mark.airflow
BY = ("entity", "period")


def view_at(world: Kept, day: date) -> View:
    return close_view(world.flow, world.store.history(), day)


def books_of(world: Kept) -> dict[str, tuple[int, Decimal]]:
    """What Intacct itself says is open, by base currency."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    counts: dict[str, int] = defaultdict(int)
    for bill in world.sandbox.state("intacct")["bills"]:
        if bill["state"] not in ("Paid", "Reversed", "Reversal"):
            sums[bill["base_currency"]] += Decimal(bill["total_entered"])
            counts[bill["base_currency"]] += 1
    return {currency: (counts[currency], sums[currency]) for currency in sums}


def open_in(view: View) -> dict[str, tuple[int, Decimal]]:
    return {one.currency: one.open for one in sums_of(view, ())}


def files_of(view: View) -> tuple[str, str]:
    return rows_csv(view, BY), sums_csv(view, BY)


def at_noon(world: Kept) -> date:
    """The next day at noon in the flow's zone, which is UTC."""
    tomorrow = world.at.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    world.pass_time(hours=(tomorrow - world.at).total_seconds() / 3600)
    return tomorrow.date()


def test_a_past_day_is_the_same_whatever_happened_since(kept: Any) -> None:
    world: Kept = kept(young=2, settings={"private_entities": []})
    monday = at_noon(world)
    british = world.make_bill(amount="75.00", entity="UK01", state="Submitted")
    world.bills.append(british)
    world.heal()
    # A person who may not decide: refused, so that it is an exception with an owner.
    world.approve(GUS, bill=1)
    world.heal()
    world.keep()
    then = books_of(world)
    world.audited()
    held = {row.bill.record_no: row for row in view_at(world, monday).rows}
    assert open_in(view_at(world, monday)) == then
    assert set(then) == {"USD", "GBP"}
    assert held[world.bills[0]].kinds == ()
    assert held[british].kinds == ("unposted", "unapproved")
    # Nobody has a limit in pounds.
    assert held[british].waits_for == "nobody who could give it by the policy as it is"
    assert held[world.bills[2]].waits_for == f"{ALICE} or {BEN}"
    [exception] = held[world.bills[1]].exceptions
    assert exception.startswith(f"{OWNER}: ")

    tuesday = at_noon(world)
    before = files_of(view_at(world, monday))
    monday_then = view_at(world, monday)
    world.approve(ALICE, bill=1)
    world.edit(bill=2, line=1, amount="510.00")
    world.sandbox.act("intacct", CLERK, "set_state", record_no=british, state="Posted")
    world.sandbox.act("intacct", CLERK, "delete_bill", record_no=world.bills[3])
    world.pay(0)
    world.heal()
    world.audited()
    assert files_of(view_at(world, monday)) == before
    assert view_at(world, monday) == monday_then
    assert open_in(view_at(world, tuesday)) == books_of(world) != then
    rows = {row.bill.record_no: row for row in view_at(world, tuesday).rows}
    assert {world.bills[0], world.bills[3]} & rows.keys() == set()
    assert (rows[world.bills[1]].approved, rows[world.bills[1]].exceptions) == ("approved", ())
    assert rows[british].kinds == ("unapproved",)

    # Reading the same once more keeps nothing more.
    count = history_rows(world)
    world.sync(full=True)
    assert history_rows(world) == count


def history_rows(world: Kept) -> int:
    return sum(len(kept) for kept in world.store.history().of("bill", every_key(world), until=world.at).values())


def every_key(world: Kept) -> set[str]:
    return set(world.store.links("bill").all())


def test_the_command_writes_what_is_held(kept: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world: Kept = kept(young=1)
    monkeypatch.setenv("INTACCT_ASANA_MAPPINGS", str(world.path.parent))
    store = {"conn_type": "sqlite", "host": world.url.removeprefix("sqlite:///")}
    monkeypatch.setenv("AIRFLOW_CONN_INTACCT_ASANA_STORE", json.dumps(store))
    rows, sums = tmp_path / "rows.csv", tmp_path / "sums.csv"
    day = world.at.date().isoformat()
    asked = ["close", "--flow", "small", "--as-of", day, "--by", "entity,account"]
    said = CliRunner().invoke(app, [*asked, "--csv", str(rows), "--sums-csv", str(sums)])
    assert said.exit_code == 0, said.output
    held = [*csv.DictReader(io.StringIO(rows.read_bytes().decode("utf-8-sig")))]
    assert [row["approved"] for row in held] == ["no", "no"]
    assert {row["as_of"] for row in held} == {day}
    assert sums.read_bytes().startswith(b'\xef\xbb\xbf"entity","account","currency","open_bills"')
    early = CliRunner().invoke(app, ["close", "--flow", "small", "--as-of", "2020-01-01"])
    assert "Nothing was known at the end of 2020-01-01" in early.stderr
    for wrong in (["--as-of", "30.11.2026"], ["--by", "vendor"], ["--csv", str(tmp_path / "none" / "x.csv")]):
        assert CliRunner().invoke(app, ["close", "--flow", "small", *wrong]).exit_code == 2
