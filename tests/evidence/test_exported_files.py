"""What can be done to an exported file, and the sentence that tells of it: with the key, and without."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.audit.chain import Keyring
from intacct_asana.audit.export import Export, Query, export_text, read_export
from intacct_asana.audit.verify import anchors_of, verify_export
from intacct_asana.errors import Misconfigured
from intacct_asana.records.anchors import Anchor

from tests.evidence.evidence_world import OTHER, OURS, POLICY_DIGEST, ROWS, chained, document, exported, told

PART = Query(bill="INV-17")
"""Rows 1, 2 and 5; the others are left out."""

Edit = Callable[[dict[str, Any]], object]


def chain(said: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = said["chain"]
    return rows


def cut(said: dict[str, Any], *, rows: int) -> None:
    """The end taken away, and everything that anybody can make fit made to fit."""
    del chain(said)[rows:]
    last = chain(said)[-1]
    said["header"]["head"].update(sequence=last["sequence"], digest=last["digest"])
    full = [row["sequence"] for row in chain(said) if "body" in row]
    said["header"].update(rows=len(full), left_out=rows - len(full), in_full=[[1, 2]])


def hide(said: dict[str, Any]) -> None:
    """A row that was asked for put among those that were left out."""
    for name in ("key", "decision_id", "written_at", "body"):
        del chain(said)[4][name]
    said["header"].update(rows=2, left_out=4, in_full=[[1, 2]])


def invent(said: dict[str, Any]) -> None:
    """Words made up for a row that was left out."""
    chain(said)[2].update(key="c:bill:1", decision_id="dec-9", written_at="2026-11-23T12:00:00.000000Z", body="{}")
    said["header"].update(rows=4, left_out=2, in_full=[[1, 3], [5, 5]])


def link(said: dict[str, Any]) -> None:
    """The digests of two rows that follow each other and were left out, both replaced."""
    chain(said)[2]["digest"] = chain(said)[3]["previous"] = "a" * 64


def emptied(said: dict[str, Any]) -> None:
    """The words of a row taken out, and nothing else."""
    for name in ("key", "decision_id", "written_at", "body"):
        del chain(said)[4][name]


SEAL = "seal: it does not fit"
POLICY_12 = f"policy {POLICY_DIGEST[:12]}"

TOLD_TO_ANYBODY: dict[str, tuple[Edit, str]] = {
    "a digest altered": (lambda f: chain(f)[1].update(digest="a" * 64), "row 3: it does not follow the row before it"),
    "a link altered": (lambda f: chain(f)[2].update(digest="a" * 64), "row 4: it does not follow the row before it"),
    "removed": (lambda f: chain(f).pop(1), "row 3: the rows from 2 to 2 are missing"),
    "a link removed": (lambda f: chain(f).pop(2), "row 4: the rows from 3 to 3 are missing"),
    "reordered": (lambda f: chain(f).insert(0, chain(f).pop(1)), "row 1 (c:bill:1): it stands behind row 2"),
    "twice": (lambda f: chain(f).insert(1, chain(f)[0]), "row 1 (c:bill:1): it stands behind row 1"),
    "cut off": (lambda f: chain(f).pop(), "head: it names row 6, but the last row is 5: the end was cut off"),
    "emptied": (emptied, "row 5: its words were taken out"),
    "policy altered": (lambda f: f["policies"].update({POLICY_DIGEST: "x"}), f"{POLICY_12}: its text was changed"),
    "policy removed": (lambda f: f["policies"].clear(), f"{POLICY_12}: row 1 was judged by it, and its text is not kept"),
    "anchor altered": (lambda f: f["anchors"][0].update(digest="a" * 16), "in this file, the stamp: it names row 2 with"),
    "seal removed": (lambda f: f["seal"].update(digest="", signed_by=""), "seal: it is missing"),
    "key's name removed": (lambda f: chain(f)[1].update(signed_by=""), "row 2 (c:bill:1): it is not keyed"),
}
TOLD_TO_THE_HOLDER: dict[str, tuple[Edit, str]] = {
    "words altered": (lambda f: chain(f)[1].update(body='{"step":"VOID"}'), "row 2 (c:bill:1): it was changed"),
    "bill altered": (lambda f: chain(f)[1].update(key="c:bill:9"), "row 2 (c:bill:9): it was changed"),
    "time altered": (lambda f: chain(f)[1].update(written_at="2025"), "row 2 (c:bill:1): it was changed"),
    "flow altered": (lambda f: f["header"].update(flow="other"), "export of other, row 1 (c:bill:1): it was changed"),
    "links altered": (link, SEAL),
    "cut off, head too": (lambda f: cut(f, rows=4), SEAL),
    "hidden": (hide, SEAL),
    "invented": (invent, "row 3 (c:bill:1): it was changed"),
    "another time": (lambda f: f["header"].update(exported_at="2025-01-01T00:00:00.000000Z"), SEAL),
    "anchor removed": (lambda f: f["anchors"].clear(), SEAL),
}


def of_bill_17() -> dict[str, Any]:
    anchor = Anchor(sequence=2, digest=chained(ROWS)[1].digest, where="the stamp")
    said = document(PART, anchors=[anchor])
    assert told(said) == told(said, keys=None) == []
    return said


@pytest.mark.parametrize(("edit", "sentence"), TOLD_TO_ANYBODY.values(), ids=TOLD_TO_ANYBODY)
def test_what_anybody_is_told_without_a_key(edit: Edit, sentence: str) -> None:
    said = of_bill_17()
    edit(said)
    for keys in (OURS, None):
        assert any(one.startswith(sentence) for one in told(said, keys=keys)), told(said, keys=keys)


@pytest.mark.parametrize(("edit", "sentence"), TOLD_TO_THE_HOLDER.values(), ids=TOLD_TO_THE_HOLDER)
def test_what_only_the_holder_of_the_key_is_told(edit: Edit, sentence: str) -> None:
    said = of_bill_17()
    edit(said)
    assert any(one.startswith(sentence) for one in told(said)), told(said)
    assert told(said, keys=None) == []


def made_anew(keys: Keyring, *, said_to_be: str | None = None, rows: int = 6) -> Export:
    """Somebody puts Mallory in Alice's place and makes the whole chain, and the file, anew as far as their key goes."""
    forged = [row | {"body": row["body"].replace("alice@", "mallory@")} for row in ROWS[:rows]]
    chain = chained(forged, keys=keys, said_to_be=said_to_be)
    export = exported(rows=chain, keys=keys)
    return replace(export, signed_by=said_to_be) if said_to_be else export


def test_a_chain_made_anew_is_not_believed_by_whoever_has_the_key() -> None:
    assert told(made_anew(Keyring()))[0].startswith("rows 1 to 6: none is keyed, though a key is configured")
    another = told(made_anew(OTHER))
    assert another[0].startswith(f"rows 1 to 6: signed with key {OTHER.signer}, which is not configured here")
    assert another[1].startswith(f"seal: made with key {OTHER.signer}, which is not configured here")
    lied = told(made_anew(OTHER, said_to_be=OURS.signer))
    assert [one.partition(":")[2][:33] for one in lied[:6]] == [
        " c:bill:1)" * 0 + one.partition(":")[2][:33] for one in lied[:6]
    ]
    assert sum("it was changed after it was written" in one for one in lied) == 6
    assert lied[-1].startswith(SEAL)


@pytest.mark.parametrize("keys", [Keyring(), OTHER, OURS], ids=["plain", "another key", "the very key"])
def test_a_chain_made_anew_behind_an_anchor_is_told_to_anybody_who_has_the_anchor(keys: Keyring) -> None:
    stamp = Anchor(sequence=2, digest=chained(ROWS)[1].digest[:16], where="the stamp on bill 17")
    (sentence,) = told(made_anew(keys), keys=None, anchors=[stamp])
    assert sentence.startswith("the stamp on bill 17: it names row 2 with another digest: the row was replaced")
    if keys is OURS:
        assert told(made_anew(keys)) == [], "with the key alone nobody can tell"
    (cut_off,) = told(made_anew(keys, rows=1), keys=None, anchors=[stamp])
    assert cut_off.startswith("the stamp on bill 17: it names row 2, and the last row is 1: the end was taken away")


def test_an_earlier_export_is_an_anchor_for_every_row_that_it_has() -> None:
    earlier = exported(PART, rows=chained(ROWS[:4]))
    assert told(exported(), anchors=anchors_of(earlier, where="the file of May")) == []
    wrong = told(made_anew(OURS), anchors=anchors_of(earlier, where="the file of May"))
    assert len(wrong) == 4
    assert wrong[2].startswith("the file of May: it names row 3 with another digest")


def test_the_report_tells_apart_what_the_key_proves_and_what_anybody_can_prove() -> None:
    holder, anybody = (verify_export(exported(PART), keys=keys) for keys in (OURS, None))
    assert [line.partition(":")[0] for line in holder.proven] == [*[f"with key {OURS.signer}"] * 2, "by anybody", "by anybody"]
    assert [line.partition(":")[0] for line in anybody.proven] == ["by anybody", "by anybody"]
    assert any("a row was hidden among those left out" in line for line in anybody.not_proven)
    assert not any("a row was hidden" in line for line in holder.not_proven)
    for report in (holder, anybody):
        assert any("3 rows say that are left out" in line for line in report.not_proven)
        assert any("whether the end was cut off before" in line for line in report.not_proven)


def test_evidence_of_an_older_release_and_of_no_key_at_all_still_exports() -> None:
    plain = exported(rows=chained(ROWS, keys=Keyring()), keys=Keyring())
    assert told(plain, keys=None) == []
    assert any("older releases" in line for line in verify_export(plain, keys=None).not_proven)
    empty = exported(rows=[])
    assert told(empty) == told(empty, keys=None) == []


@given(st.data())
def test_whatever_single_character_of_a_file_is_changed_the_holder_of_the_key_is_told(data: st.DataObject) -> None:
    text = export_text(exported(PART))
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.characters(min_codepoint=32, max_codepoint=126)) + text[place + 1 :]
    try:
        export = read_export(changed)
    except Misconfigured:
        return
    assert told(export) != [] or json.loads(changed) == json.loads(text)


NOT_EXPORTS = {
    "nothing": "",
    "a table": "row,written_at\r\n1,2026\r\n",
    "other JSON": '{"format": "something"}',
    "a list": "[1]",
    "a newer version": json.dumps(document() | {"version": 2}),
    "a part that is missing": json.dumps({name: part for name, part in document().items() if name != "policies"}),
    "a part that nobody knows": json.dumps(document() | {"more": 1}),
    "a name that stands twice": export_text(exported()).replace('"format"', '"version": 1, "format"', 1),
    "deep": "[" * 100_000,
    "half a letter": export_text(exported()).replace("alice\"", "alice\\ud800\"", 1),
    "no row": json.dumps(document() | {"chain": [{"sequence": "one"}]}),
}  # fmt: skip


@pytest.mark.parametrize("text", NOT_EXPORTS.values(), ids=NOT_EXPORTS)
def test_what_is_no_export_is_said_to_be_none(text: str) -> None:
    with pytest.raises(Misconfigured, match="cannot be read as an export of evidence"):
        read_export(text)


def test_a_file_says_the_same_when_it_is_read_and_written_again() -> None:
    text = export_text(exported(PART))
    assert export_text(read_export(text)) == text
