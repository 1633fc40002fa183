"""What the owner of the database can do to evidence with every trigger out of the way, and the sentence that tells of it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.audit.chain import MEND, Keyring, fingerprint
from intacct_asana.errors import Misconfigured, Refused
from intacct_asana.records.anchors import Anchor, anchor_text, anchors_in, without_anchors
from intacct_asana.store import FlowStore, open_store
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.conftest import EVIDENCE_KEY
from tests.store.store_world import NOON, a_decision, make_older, minutes, opened, run_sql, settled, unlock

OTHER_KEY = b"a key that somebody else made up"
POLICY = '{"approvers":["alice@example.com"]}'
POLICY_DIGEST = hashlib.sha256(POLICY.encode()).hexdigest()
HEAD_OF_FOUR = "UPDATE ia_evidence_heads SET sequence = 4, digest = (SELECT digest FROM ia_evidence WHERE sequence = 4)"
NOTHING_LEFT = ("DELETE FROM ia_evidence", "DELETE FROM ia_evidence_heads", "DELETE FROM ia_decisions")

Sign = Callable[[list[object]], tuple[str, str]]


def plain(parts: list[object]) -> tuple[str, str]:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest(), ""


def keyed(secret: bytes, *, said_to_be: bytes) -> Sign:
    def sign(parts: list[object]) -> tuple[str, str]:
        name = fingerprint(said_to_be)
        return hmac.new(secret, json.dumps([*parts, name]).encode(), hashlib.sha256).hexdigest(), name

    return sign


def rewrite(url: str, sign: Sign, *, until: int = 99) -> None:
    """Somebody puts Mallory in Alice's place, in evidence and decisions, and makes every digest anew as far as they can."""
    unlock(url)
    with create_engine(url, poolclass=NullPool).begin() as connection:
        decision = connection.execute(text("SELECT body FROM ia_decisions")).scalar_one()
        forged = decision.replace("Alice", "Mallory")
        connection.execute(text("UPDATE ia_decisions SET body = :body"), {"body": forged})
        old, new = (hashlib.sha256(one.encode()).hexdigest() for one in (decision, forged))
        previous = "0" * 64
        for row in connection.execute(text("SELECT * FROM ia_evidence ORDER BY sequence")).mappings().all():
            if row["sequence"] > until:
                break
            body = row["body"].replace("Alice", "Mallory").replace(old, new)
            parts = ["demo", row["sequence"], row["key"], row["decision_id"], row["written_at"], body, previous]
            digest, name = sign(parts)
            values = {"body": body, "previous": previous, "digest": digest, "name": name, "sequence": row["sequence"]}
            change = "UPDATE ia_evidence SET body=:body, previous=:previous, digest=:digest, signed_by=:name"
            connection.execute(text(f"{change} WHERE sequence = :sequence"), values)
            previous = digest
        if until == 99:
            connection.execute(text("UPDATE ia_evidence_heads SET digest = :digest"), {"digest": previous})


def told(flow: FlowStore, *anchors: Anchor) -> list[str]:
    return [str(problem).removeprefix("evidence of demo, ") for problem in flow.verify_evidence(anchors)]


def stamp_of(flow: FlowStore, decision_id: str = "decision-1", *, key: str = "bill-1") -> str:
    """What stands in the bill's stamp: outside the database, and read back from there as text."""
    anchor = flow.decisions().anchor(a_decision(decision_id, key=key), step="SUBMITTED")
    assert anchor
    return f"{decision_id} {anchor_text(anchor)}"


def anchors_of(stamp: str, where: str = "the stamp on bill 17") -> tuple[Anchor, ...]:
    return anchors_in(stamp, where=where)


# Digests made anew


def test_a_chain_made_anew_with_plain_digests_is_not_believed(flow: FlowStore, url: str) -> None:
    settled(flow)
    rewrite(url, plain)
    (sentence,) = told(flow)
    assert sentence.startswith(
        "rows 1 to 4: none is keyed, though a key is configured: either nothing was written since, or all"
    )


def test_a_chain_made_anew_with_a_key_of_their_own_is_not_believed(flow: FlowStore, url: str) -> None:
    settled(flow)
    rewrite(url, keyed(OTHER_KEY, said_to_be=OTHER_KEY))
    (sentence,) = told(flow)
    assert sentence.startswith(f"rows 1 to 4: signed with key {fingerprint(OTHER_KEY)}, which is not configured here")


def test_a_chain_made_anew_under_our_keys_name_is_seen_in_every_row(flow: FlowStore, url: str) -> None:
    settled(flow)
    rewrite(url, keyed(OTHER_KEY, said_to_be=EVIDENCE_KEY))
    assert told(flow) == [f"row {number} (bill-1): it was changed after it was written ({MEND})" for number in range(1, 5)]


def test_rows_before_the_first_keyed_one_cannot_be_made_anew(url: str) -> None:
    settled(opened(url, keys=()))
    flow = opened(url)
    settled(flow, "decision-2", key="bill-2")
    assert told(flow) == []
    unlock(url)
    run_sql(url, "DELETE FROM ia_decisions WHERE decision_id = 'decision-2'")
    rewrite(url, plain, until=4)
    assert any(sentence.startswith("row 5 (bill-2): it does not follow the row before it") for sentence in told(flow))


def test_bytes_and_odd_letters_in_place_of_digests_are_told_like_everything_else(flow: FlowStore, url: str) -> None:
    settled(flow)
    unlock(url)
    run_sql(url, "UPDATE ia_evidence SET digest = 'ü', previous = '€' WHERE sequence = 2")
    if url.startswith("sqlite"):
        run_sql(url, "UPDATE ia_evidence SET body = x'00ff', digest = x'00' WHERE sequence = 3")
    assert any(sentence.startswith("row 2 (bill-1): it was changed") for sentence in told(flow))


def test_a_chain_made_anew_on_which_the_next_run_signed_is_told_by_the_stamp(flow: FlowStore, url: str) -> None:
    settled(flow)
    anchors = anchors_of(stamp_of(flow))
    rewrite(url, plain)
    settled(flow, "decision-2", key="bill-2")
    report = flow.examine_evidence(anchors)
    assert (report.keyed_from, report.anchors) == (5, 1), "an auditor who knows that it was keyed from row 1 on is warned, too"
    (sentence,) = (str(problem) for problem in report.problems)
    assert "the stamp on bill 17: it names row 3 with another digest: the row was replaced" in sentence
    assert str(report).endswith(f"compared with 1 anchors: 1 findings.\n- {sentence}")


# Rows taken away from the end


def test_a_cut_tail_with_its_head_moved_back_is_told_by_the_stamp(flow: FlowStore, url: str) -> None:
    settled(flow)
    settled(flow, "decision-2", key="bill-2")
    anchors = anchors_of(stamp_of(flow, "decision-2", key="bill-2"))
    assert told(flow, *anchors) == []
    unlock(url)
    run_sql(url, "DELETE FROM ia_evidence WHERE sequence > 4", "DELETE FROM ia_decisions WHERE key = 'bill-2'", HEAD_OF_FOUR)
    assert told(flow) == [], "the database alone cannot know"
    (sentence,) = told(flow, *anchors)
    assert sentence.startswith("the stamp on bill 17: it names row 7, and the last row is 4: the end was taken away")


def test_everything_deleted_is_told_by_the_runs_own_record(flow: FlowStore, url: str) -> None:
    settled(flow)
    newest = flow.newest_anchor()
    assert newest
    anchors = anchors_of(anchor_text(newest), "run scheduled__1")
    unlock(url)
    run_sql(url, *NOTHING_LEFT)
    (sentence,) = told(flow, *anchors)
    assert sentence.startswith("run scheduled__1: it names row 4, and the last row is 0: the end was taken away")


def test_a_tail_that_was_cut_and_grew_again_is_told_by_the_comment(flow: FlowStore, url: str) -> None:
    settled(flow)
    settled(flow, "decision-2", key="bill-2")
    anchors = anchors_of(stamp_of(flow, "decision-2", key="bill-2"), "the comment on task 900")
    unlock(url)
    run_sql(url, "DELETE FROM ia_evidence WHERE sequence > 4", "DELETE FROM ia_decisions WHERE key = 'bill-2'", HEAD_OF_FOUR)
    settled(flow, "decision-3", key="bill-3")
    assert told(flow) == []
    (sentence,) = told(flow, *anchors)
    assert sentence.startswith(
        "the comment on task 900: it names row 7 with another digest: the row was replaced after it was noted there"
    )


def test_a_row_missing_in_the_middle_is_told_by_its_anchor_too(flow: FlowStore, url: str) -> None:
    settled(flow)
    unlock(url)
    anchors = anchors_of(stamp_of(flow))
    run_sql(url, "DELETE FROM ia_evidence WHERE sequence = 3")
    assert any(one.startswith("the stamp on bill 17: it names row 3, which is missing") for one in told(flow, *anchors))


def test_a_head_moved_back_is_seen_and_nothing_is_written_over_what_it_left(flow: FlowStore, url: str) -> None:
    settled(flow)
    unlock(url)
    run_sql(url, HEAD_OF_FOUR.replace("4", "2"))
    assert any(one.startswith("head: it names row 2, which is not the last row 4 as it stands") for one in told(flow))
    with pytest.raises(Refused):
        flow.decisions().record([a_decision("decision-2")], at=NOON)
    assert [row.sequence for row in flow.evidence()] == [1, 2, 3, 4]


# Keys


def test_without_a_key_verifying_says_so_and_runs_go_on(url: str) -> None:
    flow = opened(url, keys=())
    settled(flow)
    (sentence,) = told(flow)
    assert sentence.startswith(
        "key: no key is configured: whoever owns the database can write rows anew, and nobody could tell"
    )


def test_nobody_goes_back_to_rows_without_a_key(flow: FlowStore, url: str) -> None:
    settled(flow)
    with pytest.raises(Misconfigured, match=r"evidence of flow demo is keyed, and no key is configured here"):
        opened(url, keys=()).decisions().record([a_decision("decision-2")], at=NOON)
    assert (len(flow.evidence()), len(flow.decisions().of("bill-1"))) == (4, 1)


def test_an_older_store_is_keyed_from_its_next_row_on(url: str) -> None:
    settled(opened(url, keys=()))
    make_older(url, 6)
    flow = opened(url)
    assert told(flow)[0].startswith("rows 1 to 4: none is keyed, though a key is configured")
    settled(flow, "decision-2", key="bill-2")
    report = flow.examine_evidence()
    assert (report.keyed_from, report.problems) == (5, ())
    with pytest.raises(Refused, match="append-only"), open_store(url)._database.write() as connection:
        connection.exec_driver_sql("UPDATE ia_evidence_heads SET sequence = 1")
    unlock(url)
    run_sql(url, "UPDATE ia_evidence SET body = '{}' WHERE sequence = 2")
    assert told(flow)[0].startswith("row 2 (bill-1): it was changed after it was written")


def test_a_new_key_signs_and_the_old_one_goes_on_verifying(flow: FlowStore, url: str) -> None:
    settled(flow)
    both = opened(url, keys=(OTHER_KEY, EVIDENCE_KEY))
    settled(both, "decision-2", key="bill-2")
    report = both.examine_evidence()
    assert report.signed_by == (fingerprint(EVIDENCE_KEY), fingerprint(OTHER_KEY))
    assert str(report) == (
        f"Evidence of demo: 8 rows, keyed from row 1 on (key {fingerprint(EVIDENCE_KEY)}, {fingerprint(OTHER_KEY)}), "
        "compared with 0 anchors: nothing is wrong."
    )
    (sentence,) = told(opened(url, keys=(OTHER_KEY,)))
    assert sentence.startswith(f"rows 1 to 4: signed with key {fingerprint(EVIDENCE_KEY)}, which is not configured here")
    assert "old keys stay usable behind a new one" in sentence


def test_a_key_shows_itself_nowhere(flow: FlowStore, url: str) -> None:
    settled(flow)
    store, rows = opened(url), [str(row) for row in flow.evidence()]
    shown = [repr(Keyring([EVIDENCE_KEY])), repr(store), repr(store.decisions()), str(flow.examine_evidence()), *rows]
    assert not [one for one in shown if EVIDENCE_KEY.decode() in one or EVIDENCE_KEY.hex() in one]
    assert repr(Keyring([EVIDENCE_KEY])) == f"Keyring({fingerprint(EVIDENCE_KEY)})"


# Policies


def judged(flow: FlowStore) -> None:
    (decision,) = flow.decisions().record([a_decision()], at=NOON)
    flow.decisions().advance(decision, to=decision.state.CLEARED, facts={"policy_version": POLICY_DIGEST}, at=NOON)


def test_a_policy_is_kept_in_full_from_its_first_use(flow: FlowStore) -> None:
    flow.keep_policy(POLICY_DIGEST, text=POLICY, at=NOON)
    flow.keep_policy(POLICY_DIGEST, text=POLICY, at=minutes(5))
    judged(flow)
    assert flow.policies() == {POLICY_DIGEST: POLICY}
    assert told(flow) == []
    with pytest.raises(Refused, match="its text has another digest"):
        flow.keep_policy(POLICY_DIGEST, text=POLICY + " ", at=NOON)


def test_a_policy_whose_text_nobody_has_is_told(flow: FlowStore) -> None:
    judged(flow)
    (sentence,) = told(flow)
    assert sentence.startswith(f"policy {POLICY_DIGEST[:12]}: row 2 was judged by it, and its text is not kept")


def test_a_policy_whose_text_was_changed_is_told(flow: FlowStore, url: str) -> None:
    flow.keep_policy(POLICY_DIGEST, text=POLICY, at=NOON)
    judged(flow)
    unlock(url)
    run_sql(url, "UPDATE ia_policies SET body = 'everybody may'")
    (sentence,) = told(flow)
    assert sentence.startswith(f"policy {POLICY_DIGEST[:12]}: its text was changed: it does not have this digest")


# Anchors as text


@given(st.integers(1, 10**9), st.binary(min_size=32, max_size=32), st.sampled_from(["", "dec-0123abcd ", "Noted: ", "x\n"]))
def test_any_anchor_is_found_again_in_the_text_that_carries_it(sequence: int, digest: bytes, before: str) -> None:
    anchor = Anchor(sequence=sequence, digest=digest.hex())
    text_of_it = before + anchor_text(anchor)
    (found,) = anchors_in(text_of_it, where="here")
    assert (found.sequence, found.where) == (sequence, "here")
    assert anchor.digest.startswith(found.digest)
    assert len(found.digest) == 16
    assert without_anchors(text_of_it) == before.strip()


NO_ANCHORS = ["", "#41", "#41:9f3a", "#0:9f3a0c11d2e4b5a6", "a#41:9f3a0c11d2e4b5a6", "#41:9F3A0C11D2E4B5A6"]


@pytest.mark.parametrize("text_of_it", NO_ANCHORS)
def test_what_is_no_anchor_is_not_taken_for_one(text_of_it: str) -> None:
    assert anchors_in(text_of_it, where="here") == ()


def test_each_step_of_a_decision_has_an_anchor_of_its_own(flow: FlowStore) -> None:
    decision = settled(flow)
    by_step = {step: flow.decisions().anchor(decision, step=step) for step in ("RECORDED", "SUBMITTED", "", "REFUSED")}
    assert {step: found and found.sequence for step, found in by_step.items()} == {
        "RECORDED": 1,
        "SUBMITTED": 3,
        "": 4,
        "REFUSED": None,
    }
    assert by_step[""] == flow.newest_anchor()
    assert flow.decisions().anchor(replace(decision, decision_id="another")) is None
