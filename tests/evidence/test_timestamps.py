"""Time stamps from a server outside: taken by each run that left evidence, kept, exported, proven offline."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.audit.export import Query
from intacct_asana.audit.timestamps import TimeStamp, request_for, stamp_findings, stamp_from
from intacct_asana.audit.verify import verify_export
from intacct_asana.errors import Misconfigured, Refused, UnexpectedReply
from intacct_asana.flow.load import load_flow
from intacct_asana.operators.preflight import CheckIntacctOperator
from intacct_asana.operators.runs.reporting import ReportRunOperator
from intacct_asana.records.anchors import Anchor
from intacct_asana.store import FlowStore

from sandbox.timestamps import stamped
from tests.conftest import free_port
from tests.databases import NewStore
from tests.evidence.evidence_world import NOON, OURS, ROWS, chained, exported, told
from tests.evidence.test_exported_files import made_anew
from tests.reconciliation.reconciliation_world import ALICE
from tests.standing.standing_world import Standing
from tests.store.store_world import opened, run_sql, settled, unlock

OF_18 = Query(bill="INV-18")
"""Rows 3 and 4."""

URL = "https://timestamp.example.com/tsa"


@pytest.fixture(scope="module")
def root() -> str:
    """The root certificate of the sandbox's server, in this process."""
    from cryptography.hazmat.primitives.serialization import Encoding

    from sandbox.timestamps import _authority

    return _authority()[2].public_bytes(Encoding.PEM).decode()


def a_stamp(root: str, anchor: Anchor, *, at: datetime = NOON, flow: str = "demo") -> TimeStamp:
    request = request_for(anchor, flow=flow)
    answer = stamped(request.as_bytes(), at=at)
    return stamp_from(answer, request=request, anchor=anchor, flow=flow, url=URL, certificates=root)


def newest(rows: int = 6) -> Anchor:
    return Anchor(sequence=rows, digest=chained(ROWS)[rows - 1].digest)


def test_a_stamped_chain_proves_when_it_stood_to_anybody_with_the_servers_certificate(root: str) -> None:
    export = exported(timestamps=[a_stamp(root, newest())])
    for keys in (OURS, None):
        report = verify_export(export, keys=keys, certificates=root)
        assert report.problems == ()
        assert (
            f"by anybody with the server's certificate: rows 1 to 6 stood so at 2026-11-23 12:00:00 UTC from {URL}"
            in report.proven
        )
    assert not any("certificate" in line for line in verify_export(export, keys=None).proven)


def test_an_export_has_the_stamps_that_vouch_for_its_rows_and_the_newest(root: str) -> None:
    stamps = [a_stamp(root, newest(row)) for row in (1, 2, 4, 5, 6)]
    kept = {query: [one.sequence for one in exported(query, timestamps=stamps).timestamps] for query in (OF_18, Query())}
    assert kept == {OF_18: [4, 6], Query(): [1, 2, 4, 5, 6]}
    assert exported(OF_18).timestamps == ()


def test_a_chain_made_anew_with_the_very_key_behind_a_stamp_is_told(root: str) -> None:
    forged = replace(made_anew(OURS), timestamps=(a_stamp(root, newest(2)),), seal="", signed_by="")
    (sentence, _) = told(forged, keys=None)
    assert sentence.startswith(
        "the time stamp of 2026-11-23 12:00:00 UTC from https://timestamp.example.com/tsa: it names row 2 with"
    )


def test_a_stamp_that_was_altered_or_taken_from_elsewhere_proves_nothing(root: str) -> None:
    good = a_stamp(root, newest())
    later = replace(good, at=datetime.fromisoformat("2026-12-23T12:00:00Z"))
    others = replace(a_stamp(root, newest(), flow="other"), url=URL)
    moved = replace(good, sequence=2, digest=newest(2).digest)
    for bad in (later, others, moved, replace(good, token="AAAA"), replace(good, token="not base64"), replace(good, token="")):
        ((where, what, _),) = stamp_findings([bad], flow="demo", certificates=root)
        assert where.startswith("the time stamp of")
        assert what.startswith(f"it does not prove row {bad.sequence}: ")
    assert list(stamp_findings([good], flow="demo", certificates=root)) == []
    in_a_file = exported(timestamps=[others])
    assert told(in_a_file) == [], "without the certificate it is an anchor like any other"
    (problem,) = verify_export(in_a_file, keys=OURS, certificates=root).problems
    assert problem.what.startswith("it does not prove row 6: ")


def test_another_servers_certificate_proves_nothing_and_what_is_none_is_said(root: str, another_root: str) -> None:
    good = a_stamp(root, newest())
    assert len(list(stamp_findings([good], flow="demo", certificates=another_root))) == 1
    for pem in ("nothing", root.replace("MII", "AAA", 1)):
        with pytest.raises(Misconfigured, match="certificates of the time stamp server"):
            list(stamp_findings([good], flow="demo", certificates=pem))


def test_an_answer_to_another_request_is_not_taken(root: str) -> None:
    asked, other = request_for(newest(), flow="demo"), request_for(newest(), flow="demo")
    answer = stamped(other.as_bytes(), at=NOON)
    for wrong in (answer, b"", b"{}", answer[:-1]):
        with pytest.raises(UnexpectedReply, match="is no time stamp of row 6"):
            stamp_from(wrong, request=asked, anchor=newest(), flow="demo", url=URL, certificates=root)


@pytest.fixture(scope="module")
def another_root(sandbox_process: Any) -> str:
    """The sandbox's own process has another key than this one."""
    with urllib.request.urlopen(f"{sandbox_process.url}/tsa/certificate") as answer:
        text: str = answer.read().decode()
    return text


# In the store


@pytest.fixture
def store(new_store: NewStore) -> FlowStore:
    return opened(new_store())


def test_a_stamp_is_kept_once_and_for_ever(store: FlowStore, root: str) -> None:
    settled(store)
    anchor = store.newest_anchor()
    assert anchor
    first, second = a_stamp(root, anchor), a_stamp(root, anchor, at=datetime.fromisoformat("2026-12-23T12:00:00Z"))
    store.keep_timestamp(first)
    store.keep_timestamp(second)
    assert store.timestamps() == [first]
    for change in ("UPDATE ia_timestamps SET url = 'x'", "DELETE FROM ia_timestamps"):
        with pytest.raises(Refused, match="append-only"), store._database.write() as connection:
            connection.exec_driver_sql(change)
    assert store.verify_evidence() == []


def test_a_stamp_in_the_store_tells_of_a_cut_tail(store: FlowStore, root: str) -> None:
    settled(store)
    anchor = store.newest_anchor()
    assert anchor
    store.keep_timestamp(a_stamp(root, anchor))
    with store._database.read() as connection:
        url = connection.engine.url.render_as_string(hide_password=False)
    unlock(url)
    run_sql(url, "DELETE FROM ia_evidence", "DELETE FROM ia_evidence_heads", "DELETE FROM ia_decisions")
    (problem,) = store.verify_evidence()
    assert "the time stamp of 2026-11-23" in problem.where


# By the runs of a flow


@pytest.fixture
def flow(a_flow: Callable[..., Standing], another_root: str) -> Standing:
    flow = a_flow()
    name_server(flow, f"{flow.sandbox.url}/tsa", another_root)
    flow.approve(ALICE)
    flow.heal()
    return flow


def name_server(flow: Standing, url: str, certificate: str) -> None:
    text = flow.path.read_text(encoding="utf-8").partition("evidence:\n")[0]
    pem = "".join(f"    {line}\n" for line in certificate.splitlines())
    flow.path.write_text(f"{text}evidence:\n  timestamp_url: {url}\n  timestamp_certificate: |\n{pem}", encoding="utf-8")
    flow.flow = load_flow(flow.path)


def noted(flow: Standing) -> str:
    report = flow.step(ReportRunOperator(task_id="report", flow="small", steps=["read"], vouches=True))
    return str(report.get("timestamp", ""))


def test_a_run_that_left_evidence_has_it_stamped_once_and_exports_prove_it(flow: Standing, another_root: str) -> None:
    assert noted(flow).startswith(f"#{flow.store.newest_anchor().sequence}:")  # type: ignore[union-attr]
    assert "was stamped before" in noted(flow)
    flow.pass_time(hours=1)
    flow.edit(due_on="2027-03-01")
    flow.heal()
    noted(flow)
    first, second = flow.store.timestamps()
    assert first.at < second.at
    export = flow.store.export_evidence(Query(), at=NOON, by="a test")
    report = verify_export(export, keys=None, certificates=another_root)
    assert (report.problems, len(report.export.timestamps)) == ((), 2)
    assert any("rows 1 to" in line and "stood so at" in line for line in report.proven)


def test_a_server_that_is_down_or_talks_nonsense_stops_no_run_and_is_asked_again(flow: Standing, another_root: str) -> None:
    base = flow.sandbox.url
    for url, said in (
        (f"http://127.0.0.1:{free_port()}", "does not answer"),
        (f"{base}/nowhere", "answers with status 40"),
        (f"{base}/_sandbox/reset/no", "answers with status 40"),
    ):
        name_server(flow, url, another_root)
        assert said in noted(flow)
    assert flow.store.timestamps() == []
    name_server(flow, f"{base}/tsa", another_root)
    noted(flow)
    assert len(flow.store.timestamps()) == 1


def test_a_stamp_by_another_server_than_the_flow_trusts_is_not_kept(flow: Standing, root: str) -> None:
    name_server(flow, f"{flow.sandbox.url}/tsa", root)
    assert noted(flow).startswith("none: What ")
    assert flow.store.timestamps() == []


BROKEN = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def test_preflight_tries_the_server_and_keeps_nothing(flow: Standing, root: str, another_root: str) -> None:
    tried = lambda: next(  # noqa: E731 - the row as it is then
        row for row in flow.step(CheckIntacctOperator(task_id="check", flow="small")) if row["check"] == "evidence time stamps"
    )
    row = tried()
    assert (row["ok"], "stamps, as its certificates prove" in row["result"]) == ("yes", True)
    assert flow.store.timestamps() == []
    for url, certificate, said in (
        (f"http://127.0.0.1:{free_port()}", another_root, "does not answer"),
        (f"{flow.sandbox.url}/tsa", root, "is no time stamp"),
        (f"{flow.sandbox.url}/tsa", BROKEN, "certificates of the time stamp server cannot be read"),
    ):
        name_server(flow, url, certificate)
        row = tried()
        assert (row["ok"], said in row["result"]) == ("no", True), row


def test_without_the_library_one_error_says_so(flow: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    with pytest.raises(Misconfigured, match="need the package rfc3161-client"):
        noted(flow)


BAD = {
    "no certificate": ("{timestamp_url: 'https://a.example/tsa'}", "needs `timestamp_url` and `timestamp_certificate`"),
    "no address": ("{timestamp_certificate: '-----BEGIN CERTIFICATE-----'}", "needs `timestamp_url` and"),
    "not encrypted": ("{timestamp_url: 'http://a.example/tsa', timestamp_certificate: x}", "is not encrypted"),
}


@pytest.mark.parametrize(("part", "said"), BAD.values(), ids=BAD)
def test_what_a_flow_may_not_say_is_one_error_with_its_line(flow_text: str, part: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(f"{flow_text}\nevidence: {part}\n", encoding="utf-8")
    with pytest.raises(Misconfigured, match=said):
        load_flow(tmp_path / "bad.yaml")


@pytest.fixture
def flow_text() -> str:
    return (Path(__file__).resolve().parents[2] / "include" / "mappings" / "demo.yaml").read_text(encoding="utf-8")
