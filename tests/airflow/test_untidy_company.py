"""The DAGs run through companies that lack what a bill need not have, that have one entity, or that write values oddly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.airflow
ALICE = "alice.martin@northwind.example"
CHECK = "Intacct bills without a creator"


def run_through(world: Any) -> None:
    """Preflight, vendors, bills and approvals, twice: the second time nothing is left to write."""
    world.must("preflight", create_missing=True)
    world.must("vendor_sync")
    world.must("bill_sync")
    world.must("approval_reconciliation")
    before = world.writes()
    for job in ("vendor_sync", "bill_sync", "approval_reconciliation"):
        world.must(job)
    assert world.writes() == before


def row_of(world: Any, check: str) -> dict[str, str]:
    world.must("preflight", create_missing=True)
    found: dict[str, str] = next(row for row in world.result("check_intacct") if row["check"] == check)
    return found


COMPANIES: dict[str, dict[str, Any]] = {
    "bills that lack something": {"untidy": 0.3},
    "bills that lack everything": {"untidy": 1},
    "one entity": {"entities": 1},
    "one entity, one currency": {"entities": 1, "settings": {"single_currency": True}},
    "values written oddly": {
        "settings": {
            "shown_values": {
                "APBILL.WHENDUE": "iso",
                "APBILL.ONHOLD": {"false": "0"},
                "APBILL.TOTALPAID": {"0": "-9.09E-13"},
                "APBILLITEM.LINE_NO": {"1": "1A"},
            }
        }
    },
}


@pytest.mark.parametrize("name", COMPANIES)
def test_the_dags_run_through(world: Any, flow_file: Callable[[str, str], None], name: str) -> None:
    world.sandbox.reset(**COMPANIES[name])
    if name.endswith("currency"):
        flow_file("  # guests_untold", "  base_currency: USD\n  # guests_untold")
    run_through(world)


def test_preflight_counts_bills_that_do_not_tell_who_entered_them(world: Any, flow_file: Callable[[str, str], None]) -> None:
    assert row_of(world, CHECK)["result"] == "none in the states that the flow decides in"
    for _ in range(2):
        world.sandbox.act("intacct", "mgarcia", "create_bill", creator_unknown=True)
    world.sandbox.act("intacct", "mgarcia", "create_bill", creator_unknown=True, state="Draft")
    row = row_of(world, CHECK)
    assert row["result"] == "2 in the states that the flow decides in; nobody may decide about them"
    assert "creator_untold" in row["mend"]
    flow_file("  # guests_untold", f"  creator_untold: [{ALICE}]\n  # guests_untold")
    row = row_of(world, CHECK)
    assert (row["result"], row["mend"]) == (f"2 in the states that the flow decides in; {ALICE} may decide about them", "")
