"""`plan`: the rows of what the next run writes, limits, cost; nothing written, and nothing kept that a run goes by."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import constants


@pytest.fixture
def made(prompt: Any) -> Any:
    """The demo's flow with its fields, and no task yet."""
    prompt.write_flow()
    prompt.make_missing()
    prompt.sandbox.zero_counters()
    return prompt


def tasks(prompt: Any) -> list[dict[str, Any]]:
    return [one for one in prompt.sandbox.state("asana")["tasks"] if constants.BILLS_PROJECT_GID in one["projects"]]


def test_it_shows_what_the_run_then_does(made: Any) -> None:
    plan = made.data("plan", "demo")
    assert made.writes() == 0
    made.sync()
    shown = {task["fields"]["Intacct key"]: task["name"] for task in tasks(made)}
    assert {action["key"]: action["task"] for action in plan["actions"]} == shown
    assert {action["action"] for action in plan["actions"]} == {"create"}
    assert plan["calls_to_asana"] == made.sandbox.counters()["asana WRITE"]
    assert made.data("plan", "demo")["actions"] == []


def test_a_change_is_told_before_and_after_with_number_vendor_and_amount(made: Any) -> None:
    made.sync()
    bills = [one for one in made.sandbox.state("intacct")["bills"] if one["bill_number"] and one["state"] == "Posted"]
    bill = next(one for one in bills if one["currency"] == one["base_currency"])
    made.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=bill["record_no"], changes={"amount": "4321.00"})
    (row,) = made.data("plan", "demo")["actions"]
    assert (row["action"], row["number"], row["amount"]) == ("update", bill["bill_number"], "4321")
    assert row["vendor"]
    changes = {one["part"]: (one["before"], one["after"]) for one in row["changes"]}
    assert changes["Amount"][1] == "4,321.00"
    assert changes["Amount"][0] not in ("", changes["Amount"][1])
    said = made.say("plan", "demo").stdout
    assert f"Amount: {changes['Amount'][0]} -> 4,321.00" in said
    assert f"4,321.00 {bill['base_currency']}" in said
    assert "Carrying it out takes about" in said


def test_nothing_is_kept_and_no_cursor_moves(made: Any) -> None:
    made.sync()
    before = made.kept()
    made.sandbox.zero_counters()
    for words in (("plan", "demo"), ("plan", "demo", "--full"), ("plan", "demo", "--vendors")):
        assert made.say(*words).exit_code == 0
    assert made.kept() == before
    assert made.writes() == 0


def test_what_is_left_as_it_is_is_counted_too(made: Any) -> None:
    told = made.data("plan", "demo")
    creates, left = told["counts"]["create"], told["counts"]["leave"]
    assert (creates + left, left > 0) == (told["read"], True)
    said = " ".join(made.say("plan", "demo").stdout.split())
    assert f"{told['read']} bills read, {creates} create" in said
    assert f"Left as they are: {left} bills that need no task" in said
    made.sync()
    said = " ".join(made.say("plan", "demo", "--full").stdout.split())
    assert "bills read, nothing would change" in said
    assert "Left as they are: " in said


def test_a_limit_is_told_and_is_the_exit_code(made: Any) -> None:
    made.write_flow(lambda text: text.replace("  creates: 1000", "  creates: 3"))
    said = made.say("plan", "demo")
    assert said.exit_code == 1
    assert "A real run would stop here." in said.stdout
    assert "the limit is 3" in said.stdout
    assert "the limit is 3" in made.data("plan", "demo", code=1)["would_stop"]


def test_before_preflight_it_finds_the_fields_by_itself_and_keeps_nothing(made: Any) -> None:
    made.store.unlink()
    said = made.say("plan", "demo")
    assert said.exit_code == 0
    assert "demo_preflight" in said.stdout
    assert not made.store.exists()


def test_fields_that_are_missing_are_told_with_what_makes_them(prompt: Any) -> None:
    prompt.write_flow()
    said = prompt.say("plan", "demo")
    assert (said.exit_code, prompt.writes()) == (2, 0)
    assert "create_missing" in said.stderr
    assert "Approval" in said.stderr


def test_it_can_be_narrowed_to_bills(made: Any) -> None:
    number = made.data("plan", "demo")["actions"][0]["number"]
    assert {row["number"] for row in made.data("plan", "demo", "--bill", number)["actions"]} == {number}
    wrong = made.say("plan", "demo", "--vendors", "--bill", number)
    assert (wrong.exit_code, "--bill" in wrong.stderr) == (2, True)


def test_a_bill_that_nobody_finds_is_said(made: Any) -> None:
    [said] = made.data("plan", "demo", "--bill", "NOPE")["warnings"]
    assert said.startswith("Nothing of the flow's scope was found for NOPE: ")


def test_a_flow_that_rehearses_is_planned_too_and_says_that_its_runs_write_nothing(made: Any) -> None:
    path = made.write_flow(lambda text: text.replace("\nrehearsal: false\n", "\nrehearsal: true\n"))
    said = made.say("plan", str(path))
    assert "the flow rehearses, so its runs write nothing either" in said.stdout
    assert made.say("plan", "demo", "--rows", "2").stdout.count("│ create") == 2
