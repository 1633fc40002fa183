"""`check`: files with mistakes, what preflight would say, and nothing written or pinned."""

from __future__ import annotations

from typing import Any

import pytest


def test_what_preflight_would_make_is_one_row_and_afterwards_nothing_is_wrong(prompt: Any) -> None:
    prompt.write_flow()
    (before,) = prompt.data("check", "demo", code=1)
    wrong = [row for row in before["checks"] if row["ok"] != "yes"]
    assert len(wrong) == before["failed"] == 1
    assert "Approval" in wrong[0]["result"]
    assert "airflow dags test demo_preflight" in wrong[0]["mend"]
    prompt.make_missing()
    (after,) = prompt.data("check", "demo")
    assert after["failed"] == 0
    assert {"Intacct login", "Asana bill project: fields", "evidence", "rehearsal"} <= {row["check"] for row in after["checks"]}


def test_nothing_is_written_pinned_or_made(prompt: Any) -> None:
    prompt.write_flow()
    prompt.say("check", "demo")
    assert prompt.writes() == 0
    assert not prompt.store.exists()
    prompt.make_missing()
    pins = prompt.kept()
    prompt.sandbox.zero_counters()
    assert prompt.say("check").exit_code == 0
    assert prompt.writes() == 0
    assert prompt.kept() == pins


def test_a_mistake_is_told_with_its_line_and_the_nearest_word(prompt: Any) -> None:
    path = prompt.write_flow(lambda text: text.replace("  reason_field:", "  reasn_field:"))
    prompt.sandbox.zero_counters()
    for word in ("demo", str(path)):
        said = prompt.say("check", word)
        assert said.exit_code == 1
        assert "| reasn_field: Decision reason" in said.stdout
        assert "did you mean 'reason_field'?" in said.stdout
    (told,) = prompt.data("check", "demo", code=1)
    assert told["problems"][0]["quote"].startswith("reasn_field:")
    assert not prompt.sandbox.counters()


def test_offline_calls_nobody(prompt: Any) -> None:
    prompt.write_flow()
    prompt.sandbox.zero_counters()
    said = prompt.say("check", "--offline")
    assert (said.exit_code, "nothing is wrong with the file" in said.stdout) == (0, True)
    assert not prompt.sandbox.counters()


@pytest.mark.parametrize(
    ("word", "told"),
    [("demi", "did you mean 'demo'?"), ("no/such.yaml", "There is no file no/such.yaml"), ("xxxxxx", "demo")],
)
def test_a_word_that_means_nothing_is_wrong_use(prompt: Any, word: str, told: str) -> None:
    prompt.write_flow()
    said = prompt.say("check", word)
    assert (said.exit_code, told in said.stderr) == (2, True), said.output


def test_no_flow_file_at_all_says_what_makes_one(prompt: Any) -> None:
    said = prompt.say("check")
    assert (said.exit_code, "intacct-asana init" in said.stderr) == (2, True)


def test_a_connection_that_is_missing_is_a_row_like_any_other(prompt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt.write_flow()
    monkeypatch.delenv("AIRFLOW_CONN_ASANA_DEFAULT")
    (told,) = prompt.data("check", "demo", code=1)
    token = next(row for row in told["checks"] if row["check"] == "Asana token")
    assert token["ok"] == "no"
    assert "asana_default" in token["result"]


def test_one_bad_file_hides_no_good_one(prompt: Any) -> None:
    prompt.write_flow()
    (prompt.folder / "acme.yaml").write_text("flow: acme\n")
    found = {one["name"].rsplit("/", 1)[-1]: one for one in prompt.data("check", "--offline", code=1)}
    assert set(found) == {"demo", "acme.yaml"}
    assert not found["demo"]["problems"]
