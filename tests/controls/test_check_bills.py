"""The step that looks around bills: what it reads and keeps, what it tells, and what waits for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.controls.controls_world import Controlled
from tests.reconciliation.reconciliation_world import ALICE, BEN

pytestmark = pytest.mark.airflow
Company = Callable[..., Controlled]


def test_an_approval_waits_for_a_concern_until_a_second_person_releases_it(a_company: Company) -> None:
    flow = a_company()
    flow.enter("INV-0042")
    flow.enter("INV42")
    flow.choose(ALICE, "Approved", bill=1)
    flow.choose(ALICE, "Approved", bill=0)
    reports = [flow.run() for _ in range(2)]
    assert [report["states"].get("PARKED") for report in reports] == [1, 1]
    assert flow.held(0)["ASANA_DECISION"] == "Approved"
    assert flow.held(1)["ASANA_DECISION"] == ""
    [told] = flow.warned(1)
    assert told == "Bill INV42 may be entered twice: bill INV-0042 of the same vendor, 500.00 USD too, dated the same day."
    assert flow.warned(0) == [
        "Bill INV-0042 may have been entered once more: bill INV42 of the same vendor, 500.00 USD too, dated the same day."
    ]
    flow.act(ALICE, "comment", bill=1, text="Not a duplicate: I say so")
    flow.run()
    assert flow.held(1)["ASANA_DECISION"] == ""
    flow.act(BEN, "comment", bill=1, text="Not a duplicate: two deliveries")
    flow.run()
    assert flow.held(1)["ASANA_DECISION"] == "Approved"
    [concern] = flow.concerns(1)
    assert (concern.state, concern.released_by.partition(" (")[0]) == ("RELEASED", "Ben Okafor")
    assert "two deliveries" in concern.why
    cleared = [row for row in flow.store.evidence(flow.key(1)) if "concerns" in row.body]
    assert "Ben Okafor" in str(cleared[-1].body)
    assert flow.store.verify_evidence() == []
