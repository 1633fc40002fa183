"""Evidence: complete, in order, only ever added to; and whoever changes it behind our back is seen."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import date
from decimal import Decimal

import pytest
from intacct_asana.errors import Refused
from intacct_asana.store import FlowStore, database, open_store

from tests.conftest import EVIDENCE_KEY
from tests.store.store_world import NOON, STATES, a_decision, everything, minutes, opened, run_sql, settled, unlock


def test_each_step_says_who_when_and_what(flow: FlowStore) -> None:
    (decision,) = flow.decisions().record([a_decision()], at=minutes(1))
    facts = {
        "limit": Decimal("5000.00"),
        "policy": "p-1",
        "due_on": date(2026, 12, 1),
        "seen_at": minutes(2),
        "answer": {"ok": True},
    }
    flow.decisions().advance(decision, to=STATES.CLEARED, facts=facts, at=minutes(2))
    recorded, cleared = flow.evidence("bill-1")
    assert recorded.body["step"] == "RECORDED"
    assert recorded.body["signal"]["decider_gid"] == "101"
    assert recorded.body["signal"]["story_gid"] == "story of decision-1"
    assert recorded.body["shown_digest"] == "d"
    assert (cleared.body["step"], cleared.body["step_before"]) == ("CLEARED", "RECORDED")
    assert (cleared.body["limit"], cleared.body["due_on"]) == ("5000.00", "2026-12-01")
    assert (cleared.body["seen_at"], cleared.body["answer"]) == ("2026-11-23T12:02:00.000000Z", {"ok": True})
    assert (cleared.key, cleared.decision_id, cleared.written_at) == ("bill-1", "decision-1", "2026-11-23T12:02:00.000000Z")


def test_facts_cannot_disguise_the_step(flow: FlowStore) -> None:
    (decision,) = flow.decisions().record([a_decision()], at=NOON)
    lie = {"step": "CONFIRMED", "step_before": "SUBMITTED", "decision_sha256": "0"}
    flow.decisions().advance(decision, to=STATES.CLEARED, facts=lie, at=NOON)
    assert flow.evidence()[1].body["step"] == "CLEARED"
    assert flow.verify_evidence() == []


def test_evidence_of_one_bill_is_found_among_others(flow: FlowStore) -> None:
    settled(flow, "one")
    settled(flow, "two", key="bill-2")
    assert [row.sequence for row in flow.evidence("bill-2")] == [5, 6, 7, 8]
    assert [row.sequence for row in flow.evidence()] == list(range(1, 9))
    assert flow.verify_evidence() == []


def test_whoever_has_the_key_can_check_the_chain_with_the_published_recipe(flow: FlowStore) -> None:
    settled(flow)
    previous = "0" * 64
    for row in flow.evidence():
        body = json.dumps(row.body, sort_keys=True, separators=(",", ":"))
        parts = ["demo", row.sequence, row.key, row.decision_id, row.written_at, body, previous, row.signed_by]
        assert row.digest == hmac.new(EVIDENCE_KEY, json.dumps(parts).encode(), hashlib.sha256).hexdigest()
        previous = row.digest


ROW = "flow, sequence, key, decision_id, written_at, body, previous, digest, signed_by"
REWRITTEN = "flow, sequence, key, decision_id, '2020-01-01T00:00:00.000000Z', body, previous, digest, signed_by"
NEXT = "flow, sequence + 1, key, decision_id, written_at, body, previous, digest, signed_by"
FORBIDDEN_BY_BOTH = [
    "UPDATE ia_evidence SET body = '{}'",
    "DELETE FROM ia_evidence WHERE sequence = 1",
    f"INSERT INTO ia_evidence ({ROW}) SELECT {REWRITTEN} FROM ia_evidence WHERE sequence = 2",
    f"INSERT INTO ia_evidence ({ROW}) SELECT {REWRITTEN} FROM ia_evidence WHERE sequence = 2 "
    "ON CONFLICT (flow, sequence) DO UPDATE SET body = '{}'",
    f"INSERT INTO ia_evidence ({ROW}) SELECT flow, 9, key, decision_id, written_at, body, previous, digest, signed_by "
    "FROM ia_evidence WHERE sequence = 4",
    "INSERT INTO ia_evidence (flow, sequence, key, decision_id, written_at, body, previous, digest) "
    "SELECT flow, 5, key, decision_id, written_at, body, previous, digest FROM ia_evidence WHERE sequence = 4",
    "UPDATE ia_evidence_heads SET sequence = 2",
    "UPDATE ia_evidence_heads SET digest = 'x'",
    "UPDATE ia_evidence_heads SET flow = 'other', sequence = 9",
    "DELETE FROM ia_evidence_heads",
    "UPDATE ia_policies SET body = 'x'",
    "DELETE FROM ia_policies",
]
FORBIDDEN_BY_SQLITE = [
    f"INSERT OR REPLACE INTO ia_evidence ({ROW}) SELECT {REWRITTEN} FROM ia_evidence WHERE sequence = 2",
    f"REPLACE INTO ia_evidence (rowid, {ROW}) SELECT 2, {NEXT} FROM ia_evidence WHERE sequence = 4",
    "UPDATE OR REPLACE ia_evidence SET sequence = 1 WHERE sequence = 2",
    "INSERT OR REPLACE INTO ia_evidence_heads VALUES ('demo', 2, 'x')",
    "INSERT OR REPLACE INTO ia_evidence_heads (rowid, flow, sequence, digest) VALUES (1, 'another', 2, 'x')",
    "INSERT OR REPLACE INTO ia_policies SELECT flow, digest, 'x', first_used_at FROM ia_policies",
    "INSERT OR REPLACE INTO ia_policies (rowid, flow, digest, body, first_used_at) VALUES (1, 'another', 'd', 'x', 'y')",
]
FORBIDDEN_BY_POSTGRESQL = ["TRUNCATE ia_evidence", "TRUNCATE ia_evidence_heads", "TRUNCATE ia_policies"]


@pytest.mark.parametrize("statement", [*FORBIDDEN_BY_BOTH, *FORBIDDEN_BY_SQLITE, *FORBIDDEN_BY_POSTGRESQL])
def test_the_database_itself_forbids_changes(flow: FlowStore, url: str, statement: str) -> None:
    if statement in (FORBIDDEN_BY_POSTGRESQL if url.startswith("sqlite") else FORBIDDEN_BY_SQLITE):
        pytest.skip("the other database's words")
    settled(flow)
    flow.keep_policy(hashlib.sha256(b"p").hexdigest(), text="p", at=NOON)
    before = everything(url)
    with pytest.raises(Refused, match=r"append-only"), open_store(url)._database.write() as connection:
        connection.exec_driver_sql(statement)
    assert everything(url) == before


def test_an_empty_store_is_in_order(flow: FlowStore) -> None:
    assert flow.verify_evidence() == []
    flow.decisions().record([], at=NOON)
    assert flow.verify_evidence() == []


KEYED_COPY = "flow, 5, key, decision_id, written_at, body, previous, digest, signed_by"
THIRD_TO_NINTH = "UPDATE ia_evidence SET sequence = 9 WHERE sequence = 3"
COLUMNS = "flow, sequence, key, decision_id, written_at, body, previous, digest"
COPY = "flow, 5, key, decision_id, written_at, body, previous, digest"


@pytest.mark.parametrize(
    ("deed", "found"),
    [
        (
            ["UPDATE ia_evidence SET body = replace(body, 'alice', 'mallory') || ' ' WHERE sequence = 2"],
            "row 2 (bill-1): it was changed",
        ),
        (
            ["UPDATE ia_evidence SET written_at = '2020-01-01T00:00:00.000000Z' WHERE sequence = 2"],
            "row 2 (bill-1): it was changed",
        ),
        (["UPDATE ia_evidence SET key = 'bill-2' WHERE sequence = 2"], "row 2 (bill-2): it was changed"),
        (["UPDATE ia_evidence SET digest = 'x' WHERE sequence = 2"], "row 3 (bill-1): it does not follow"),
        (["UPDATE ia_evidence SET body = 'no json' WHERE sequence = 4"], "row 4 (bill-1): it was changed"),
        (["DELETE FROM ia_evidence WHERE sequence = 1"], "row 2 (bill-1): the rows from 1 to 1 are missing"),
        (["DELETE FROM ia_evidence WHERE sequence = 2"], "row 3 (bill-1): the rows from 2 to 2 are missing"),
        (["DELETE FROM ia_evidence WHERE sequence = 4"], "head: it names row 4, but the last row is 3: the end was cut off"),
        (["DELETE FROM ia_evidence"], "head: it names row 4, but the last row is 0"),
        (["DELETE FROM ia_evidence_heads"], "head: it is missing, and the last row is 4"),
        (["DELETE FROM ia_evidence", "DELETE FROM ia_evidence_heads"], "decision decision-1 (bill-1): it has no evidence"),
        (
            [
                THIRD_TO_NINTH,
                "UPDATE ia_evidence SET sequence = 3 WHERE sequence = 2",
                "UPDATE ia_evidence SET sequence = 2 WHERE sequence = 9",
            ],
            "row 2 (bill-1): it does not follow",
        ),
        (
            [f"INSERT INTO ia_evidence SELECT {KEYED_COPY} FROM ia_evidence WHERE sequence = 4"],
            "head: it names row 4, which is not the last row 5",
        ),
        (
            [f"INSERT INTO ia_evidence ({COLUMNS}) SELECT {COPY} FROM ia_evidence WHERE sequence = 4"],
            "row 5 (bill-1): it is not keyed, though every row from 1 on has to be",
        ),
        (["UPDATE ia_evidence SET signed_by = '' WHERE sequence = 2"], "row 2 (bill-1): it is not keyed"),
        (["UPDATE ia_evidence SET signed_by = 'x' WHERE sequence = 2"], "rows 2 to 2: signed with key x, which is not"),
        (["UPDATE ia_decisions SET state = 'REFUSED'"], "decision decision-1 (bill-1): it is not what row 4 says"),
        (
            ["UPDATE ia_decisions SET acknowledged = NOT acknowledged"],
            "decision decision-1 (bill-1): it is not what row 4 says",
        ),
        (
            ["UPDATE ia_decisions SET body = replace(body, 'Alice', 'Mallory')"],
            "decision decision-1 (bill-1): it is not what row 4 says",
        ),
        (["UPDATE ia_decisions SET body = 'no json'"], "decision decision-1 (bill-1): it is not what row 4 says"),
        (["DELETE FROM ia_decisions"], "row 4 (bill-1): its decision decision-1 is missing"),
    ],
)
def test_every_deed_behind_our_back_is_seen(flow: FlowStore, url: str, deed: list[str], found: str) -> None:
    settled(flow)
    assert flow.verify_evidence() == []
    unlock(url)
    run_sql(url, *deed)
    problems = [str(problem) for problem in flow.verify_evidence()]
    assert any(problem.startswith(f"evidence of demo, {found}") for problem in problems), problems


def test_evidence_of_another_flow_cannot_be_passed_off_as_ours(flow: FlowStore, url: str) -> None:
    settled(opened(url, "other"))
    unlock(url)
    run_sql(url, *(f"UPDATE {table} SET flow = 'demo'" for table in ("ia_evidence", "ia_evidence_heads", "ia_decisions")))
    assert "was changed" in str(flow.verify_evidence()[0])


def test_evidence_goes_on_after_a_restart(flow: FlowStore, url: str) -> None:
    settled(flow, "one")
    database.open_database.cache_clear()
    again = opened(url)
    settled(again, "two")
    assert len(again.evidence()) == 8
    assert again.verify_evidence() == []
