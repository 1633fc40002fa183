"""The evidence DAG as a worker runs it, from its form to the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from intacct_asana.audit.export import read_export

from tests.airflow.test_whole_run import ALICE, bills_for, choose
from tests.store.store_world import run_sql, unlock

pytestmark = pytest.mark.airflow


def test_the_evidence_of_a_bill_is_a_file_and_forged_evidence_fails_the_run(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTACCT_ASANA_EXPORTS", str(tmp_path / "exports"))
    world.have_run("bill_sync")
    bill = bills_for(world)[0]
    choose(world, ALICE, bill, "Approved")
    world.must("approval_reconciliation")

    before = world.writes()
    world.must("evidence", bill=str(bill["record_no"]), since="2000-01-01", until=None)
    made = world.result("export_evidence")
    export = read_export(Path(made["file"]).read_text(encoding="utf-8"))
    assert (len(export.in_full), made["anchors"], made["findings"]) == (5, 1, [])
    assert export.header.query.bill == str(bill["record_no"])
    world.must("evidence", format="pack", since="2000-01-01", until="2099-12-31", sample=3)
    pack = world.result("export_evidence")
    assert (pack["findings"], len(list((Path(pack["file"]) / "sample").iterdir()))) == ([], 3)
    assert world.writes() == before

    unlock(world.store_url)
    run_sql(world.store_url, "UPDATE ia_evidence SET body = replace(body, 'alice', 'mallory')")
    assert world.run("evidence", format="csv") == {"export_evidence": "success", "report_findings": "failed"}
    assert "it was changed after it was written" in str(world.error)
    assert Path(world.result("export_evidence")["file"]).suffix == ".csv"
