"""Evidence that the operators wrote over the sandbox: exported by step and by command, read back, verified."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from intacct_asana.__main__ import app
from intacct_asana.audit.export import read_export
from intacct_asana.deployment import evidence_keys
from intacct_asana.errors import UnexpectedReply
from intacct_asana.operators.evidence import ExportEvidenceOperator, ReportFindingsOperator
from intacct_asana.records.anchors import anchor_text
from intacct_asana.store import open_store
from typer.testing import CliRunner

from sandbox import constants
from tests.begun import begun
from tests.databases import airflow_connection
from tests.reconciliation.reconciliation_world import ALICE, BEN
from tests.standing.standing_world import Standing
from tests.standing.test_what_is_found import cut_the_end_off
from tests.store.store_world import run_sql, unlock

SECRET = "forty-random-characters-that-are-secret-x"


@pytest.fixture
def airflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Standing, str], None]:
    """Folders and the key as Airflow gives them; called with a flow and the URL of its store, that store too."""
    monkeypatch.setenv("INTACCT_ASANA_EXPORTS", str(tmp_path / "exports"))
    monkeypatch.setenv("INTACCT_ASANA_MAPPINGS", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_VAR_INTACCT_ASANA_EVIDENCE_SECRET", SECRET)
    # Not Airflow's own database, which these tests do not have.
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "client")

    def has(flow: Standing, url: str) -> None:
        flow.url, flow.store = url, open_store(url, evidence_keys=evidence_keys).for_flow("small")
        monkeypatch.setenv("AIRFLOW_CONN_INTACCT_ASANA_STORE", json.dumps(airflow_connection(url)))

    return has


@pytest.fixture
def flow(a_flow: Callable[..., Standing], airflow: Callable[[Standing, str], None]) -> Standing:
    """Alice approved one bill and Ben another, with the keys and the store that Airflow gives."""
    flow = a_flow(bills=2)

    def approved() -> tuple[str, Any]:
        flow.store = open_store(flow.url, evidence_keys=evidence_keys).for_flow("small")
        flow.approve(ALICE)
        flow.approve(BEN, bill=1)
        flow.heal()
        return flow.url, flow.at

    url, flow.at = begun(flow.sandbox, flow.new_store, "evidence of two approvals", approved)
    airflow(flow, url)
    return flow


def step(flow: Standing, **form: Any) -> dict[str, Any]:
    made: dict[str, Any] = flow.step(ExportEvidenceOperator(task_id="export", flow="small"), **form)
    return made


def report(made: dict[str, Any]) -> None:
    """The step after it, which has what the one before returned from Airflow."""
    ti = SimpleNamespace(xcom_pull=lambda task_ids: made)
    ReportFindingsOperator(task_id="report", flow="small", exported="export").work({"ti": ti})  # type: ignore[typeddict-item]


def command(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["evidence", *map(str, words)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, " ".join(done.output.split())


def forge(flow: Standing) -> None:
    """The database's owner puts Mallory in Alice's place."""
    unlock(flow.url)
    run_sql(flow.url, "UPDATE ia_evidence SET body = replace(body, 'alice.martin', 'mallory')")


def test_a_run_writes_a_file_that_verifies_and_returns_path_and_digest(flow: Standing) -> None:
    made = step(flow, bill=flow.bills[0])
    path = Path(made["file"])
    content = path.read_bytes()
    assert made["sha256"] == hashlib.sha256(content).hexdigest()
    assert path.with_name(path.name + ".sha256").read_text() == f"{made['sha256']}  {path.name}\n"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert (made["findings"], made["stamps_unread"], made["anchors"]) == ([], "", 1)
    rows = read_export(content.decode()).in_full
    assert {row.key for row in rows} == {flow.key()}
    assert [row.said["step"] for row in rows] == ["RECORDED", "CLEARED", "SUBMITTED", "CONFIRMED", "ACKNOWLEDGED"]
    assert (made["rows"], made["left_out"]) == (5, 5)
    report(made)
    assert step(flow, bill=flow.bills[0])["file"] != made["file"], "nothing is overwritten"


def test_a_person_is_found_by_gid_and_by_address(flow: Standing) -> None:
    (gid,) = {row.body["who"]["gid"] for row in flow.store.evidence(flow.key(1)) if "who" in row.body}
    for person in (gid, BEN.upper()):
        assert {row.key for row in read_export(Path(step(flow, person=person)["file"]).read_text()).in_full} == {flow.key(1)}


def test_a_table_is_written_for_people(flow: Standing) -> None:
    made = step(flow, format="csv")
    lines = list(csv.DictReader(io.StringIO(Path(made["file"]).read_text(encoding="utf-8-sig"), newline="")))
    assert len(lines) == made["rows"] == 10
    assert {line["address"] for line in lines} == {ALICE, BEN}
    assert {line["amount"] for line in lines if line["step"] != "RECORDED"} == {"500"}


def test_forged_evidence_is_exported_named_and_fails_the_run(flow: Standing) -> None:
    forge(flow)
    made = step(flow, bill=flow.bills[0])
    (first,) = {row.sequence for row in flow.store.evidence(flow.key()) if row.body["step"] == "RECORDED"}
    for what in ("evidence", "export"):
        named = f"{what} of small, row {first} ({flow.key()}): it was changed after it was written"
        assert any(one.startswith(named) for one in made["findings"]), made["findings"]
    with pytest.raises(UnexpectedReply, match="it was changed after it was written"):
        report(made)


def test_a_stamp_in_intacct_tells_of_an_end_that_was_cut_off(flow: Standing) -> None:
    cut_the_end_off(flow.url, from_row=min(row.sequence for row in flow.store.evidence() if row.body["step"] == "SUBMITTED"))
    run_sql(flow.url, "DELETE FROM ia_decisions WHERE decision_id NOT IN (SELECT decision_id FROM ia_evidence)")
    findings = step(flow)["findings"]
    assert any("the stamp on bill" in one and "the end was taken away" in one for one in findings), findings


def test_without_intacct_there_is_an_export_that_says_what_was_not_compared(flow: Standing) -> None:
    flow.sandbox.fault("intacct", "query APBILL", "refuse", times=100)
    made = step(flow)
    assert made["stamps_unread"].startswith("The stamps in Intacct were not compared")
    assert (made["anchors"], made["findings"]) == (0, [])
    assert step(flow, compare_stamps=False)["stamps_unread"] == ""


def test_the_commands_export_and_verify_store_and_file(flow: Standing, tmp_path: Path) -> None:
    file = tmp_path / "alice.json"
    code, said = command("export", "--flow", "small", "--person", ALICE, "--to", file, "--stamps")
    assert (code, "rows in full │ 5" in said, "anchors │ 1" in said) == (0, True, True), said
    assert hashlib.sha256(file.read_bytes()).hexdigest() in said
    code, said = command("verify", file, "--flow", "small")
    assert (code, "Nothing is wrong." in said, "the words of the rows are those that were written" in said) == (0, True, True)
    code, said = command("verify", file, "--without-key")
    assert (code, "without key" in said, "the words of the rows are those" in said) == (0, True, False), said
    assert command("verify", "--flow", "small", "--against", file)[0] == 0
    anchor = anchor_text(read_export(file.read_text()).header.head)
    assert command("verify", file, "--anchor", anchor)[0] == 0
    code, said = command("export", "--flow", "small", "--to", file)
    assert (code, "overwrites nothing" in said) == (2, True)


def test_findings_give_one_and_what_cannot_be_read_gives_two(flow: Standing, tmp_path: Path) -> None:
    file, table = tmp_path / "all.json", tmp_path / "all.csv"
    assert command("export", "--flow", "small", "--to", file)[0] == 0
    assert command("export", "--flow", "small", "--to", table, "--format", "csv")[0] == 0
    code, said = command("verify", table)
    assert (code, "This file cannot be read as an export of evidence" in said) == (2, True)
    assert command("verify", tmp_path / "nothing")[0] == 2
    assert command("verify")[0] == 2
    assert command("verify", "--flow", "none")[0] == 2
    assert command("verify", file, "--anchor", "row 41")[0] == 2
    code, said = command("verify", file, "--anchor", "#1:0000000000000000")
    assert (code, "with another digest" in said) == (1, True)
    assert command("verify", file, "--flow", "other")[0] == 1
    file.write_text(file.read_text().replace("alice.martin", "mallory"))
    code, said = command("verify", file)
    assert (code, "it was changed after it was written" in said, "its SHA-256 is not the one in all.json.sha256" in said) == (
        1,
        True,
        True,
    ), said
    forge(flow)
    assert command("verify", "--flow", "small")[0] == 1


def test_no_store_is_made_where_there_is_none(flow: Standing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "elsewhere.db"
    monkeypatch.setenv("AIRFLOW_CONN_INTACCT_ASANA_STORE", json.dumps({"conn_type": "sqlite", "host": str(missing)}))
    code, said = command("verify", "--flow", "small")
    assert (code, "There is no store of flow small here" in said, missing.exists()) == (2, True, False)


# What may be in it: docs/evidence.md says the same in words.

MAY_BE_IN = {
    "": "answer control_id decider_email decision_sha256 flow_file outcome package policy_version record_no rule shown_digest "
    "step step_before story_gid task_gid task_url",
    "who": "email gid is_guest name",
    "chosen": "at reason said source story_gid verdict",
    "signal": "decided_at decider_gid decider_name reason replaced said source story_gid task_gid verdict",
    "rules": "passed rule said",
    "changed": "is was what",
    "bill": "created_by entity_id modified_at_text modified_by record_no state digest",
    "bill, shown": "base_currency bill_number currency description document_digest document_id due_on lines total_entered "
    "transaction_total_entered vendor_id version",
}
FREE = {"limits", "before", "after", "values"}
"""Names in these come from the flow's file: currencies, the fields of the stamp."""


def may_be_in() -> set[str]:
    return FREE | {
        f"{part}.{name}".lstrip(".")
        for place, names in MAY_BE_IN.items()
        for part in place.split(", ")
        for name in names.split()
    }


def paths(value: object, at: str = "") -> Iterator[str]:
    """`who.email`, `rules.said`: every name in a body, with those that it stands in."""
    if isinstance(value, dict) and at not in FREE:
        for name, each in value.items():
            yield from paths(each, f"{at}.{name}".lstrip("."))
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for each in value:
            yield from paths(each, at)
    else:
        yield at


def test_nothing_is_in_it_but_what_is_listed_and_no_secret(flow: Standing) -> None:
    flow.edit(due_on="2027-03-01")
    flow.choose(ALICE, "Rejected", bill=1)
    flow.heal()
    file = Path(step(flow)["file"])
    bodies = [row.said for row in read_export(file.read_text()).in_full]
    found = sorted({path for body in bodies for path in paths(body)} - may_be_in())
    assert not found, " ".join(found)
    secrets = {
        constants.ASANA_TOKEN,
        constants.WS_PASSWORD,
        constants.SENDER_PASSWORD,
        SECRET,
        *(key.hex() for key in evidence_keys()),
    }
    for text in (file.read_text(), Path(step(flow, format="csv")["file"]).read_text()):
        assert not [secret for secret in secrets if secret in text]
