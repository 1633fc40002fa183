"""`init`: a first flow file that preflight accepts, from what both systems tell; nothing written to either."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from intacct_asana import deployment
from intacct_asana.commands import init
from intacct_asana.flow.load import load_flow

from sandbox import constants

ALICE, BEN, ERIN = (f"{name}@northwind.example" for name in ("alice.martin", "ben.okafor", "erin.wolf"))
BASE = ("init", "--yes", "--flow", "acme")


def file_of(prompt: Any) -> Path:
    return Path(prompt.folder / "acme.yaml")


def test_the_file_is_one_that_preflight_accepts_once_it_made_what_is_missing(prompt: Any) -> None:
    told = prompt.data(*BASE)
    assert prompt.writes() == 0
    assert not prompt.store.exists()
    assert told["failed"] == []
    assert "Approval" in told["missing"][0]
    flow = load_flow(file_of(prompt))
    assert flow.rehearsal
    assert (flow.bills.project, flow.vendors.project) == (constants.BILLS_PROJECT_GID, constants.VENDORS_PROJECT_GID)
    prompt.make_missing("acme")
    assert prompt.data("check", "acme")[0]["failed"] == 0
    assert prompt.data("plan", "acme")["counts"]["create"] > 0


def test_it_says_what_was_read_and_decided(prompt: Any) -> None:
    said = prompt.say(*BASE).stdout
    for part in (
        constants.COMPANY_ID,
        "UK01 (GBP",
        "US01 (USD",
        "Northwind",
        "bills: Bills; vendors: Vendors",
        ALICE,
        "acme.yaml",
    ):
        assert part in said
    flow = load_flow(file_of(prompt))
    assert flow.write_back.used == {"stamp"}
    assert flow.bills.show_private, "UK01 is private"
    assert {one.email: one.logins for one in flow.approval.approvers}[BEN] == ("bokafor",)
    assert {unit for one in flow.approval.approvers for unit in one.limits} == {"USD", "GBP"}
    assert ERIN not in {one.email for one in flow.approval.approvers}, "those with a login in Intacct are proposed"
    assert ERIN in file_of(prompt).read_text()


def test_every_line_that_says_something_is_explained_and_no_secret_is_in_it(prompt: Any) -> None:
    prompt.say(*BASE)
    text = file_of(prompt).read_text()
    assert "CHANGE" in text
    for secret in (constants.SENDER_PASSWORD, constants.WS_PASSWORD, constants.ASANA_TOKEN, constants.SENDER_ID, "127.0.0.1"):
        assert secret not in text
    lines = text.splitlines()
    parts = [number for number, line in enumerate(lines) if line and line[0].isalpha()]
    # Each part of the file, or its first key, has a comment above it.
    assert all(any("#" in lines[near] for near in (number - 1, number + 1)) for number in parts)
    assert lines[0] == "# yaml-language-server: $schema=flow.schema.json"
    assert json.loads((prompt.folder / "flow.schema.json").read_text())["properties"]["rehearsal"]


def test_a_file_that_is_there_stays_unless_force_is_said(prompt: Any) -> None:
    file_of(prompt).write_text("mine\n")
    prompt.sandbox.zero_counters()
    said = prompt.say(*BASE)
    assert (said.exit_code, file_of(prompt).read_text()) == (2, "mine\n")
    assert "--force" in said.stderr
    assert not prompt.sandbox.counters(), "it is known before anything is asked"
    assert prompt.say(*BASE, "--force").exit_code == 0
    assert load_flow(file_of(prompt)).flow == "acme"
    assert sorted(path.name for path in prompt.folder.iterdir()) == ["acme.yaml", "flow.schema.json"]


def test_questions_are_asked_at_a_terminal_and_answered(prompt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "at_a_terminal", lambda: True)
    answers = ["acme", "1", f"{BEN}, {ERIN}", "2500.50", "n", "n"]
    said = prompt.say("init", typed="\n".join(answers) + "\n")
    assert said.exit_code == 0, said.output
    flow = load_flow(file_of(prompt))
    assert {one.email: one.logins for one in flow.approval.approvers} == {BEN: ("bokafor",), ERIN: ()}
    assert str(flow.approval.approvers[0].limits["USD"]) == "2500.50"
    assert not flow.bills.show_private
    assert flow.write_back.used == set()
    assert "Bills" in said.stderr


def test_a_field_of_the_same_name_and_another_kind_is_left_alone(prompt: Any) -> None:
    wrong = {"workspace": constants.WORKSPACE_GID, "name": "Amount", "resource_subtype": "text"}
    prompt.asana("POST", f"/projects/{constants.BILLS_PROJECT_GID}/addCustomFieldSetting", {"custom_field": wrong})
    assert prompt.data(*BASE)["decided"]["names"] == {"Amount": "Amount (Intacct)"}
    prompt.make_missing("acme")
    assert prompt.data("check", "acme")[0]["failed"] == 0


def test_a_company_that_tells_no_base_currency_no_users_and_no_payments(prompt: Any) -> None:
    prompt.sandbox.settings(missing_fields=["APBILL.BASECURR"], denied_objects=["USERINFO", "APPYMT"])
    said = prompt.say(*BASE)
    assert (said.exit_code, "--base-currency" in said.stderr) == (2, True)
    told = prompt.data(*BASE, "--base-currency", "usd")
    assert told["failed"] == []
    flow = load_flow(file_of(prompt))
    assert flow.approval.base_currency == "USD"
    assert flow.bills.payments == "totals"
    assert not flow.approval.segregation_of_duties
    assert "intacct_users: [login]" in file_of(prompt).read_text()
    prompt.make_missing("acme")
    assert prompt.data("check", "acme")[0]["failed"] == 0


def test_a_company_without_the_stamp_fields_is_observed(prompt: Any) -> None:
    prompt.sandbox.settings(missing_fields=["APBILL.ASANA_DECISION_BY"])
    assert prompt.say(*BASE, "--stamp").exit_code == 2
    assert prompt.data(*BASE)["failed"] == []
    assert load_flow(file_of(prompt)).write_back.used == set()
    assert "ASANA_DECISION_BY" in file_of(prompt).read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--approver", "ben.okafr@northwind.example"), "did you mean 'ben.okafor@northwind.example'?"),
        (("--approver", "gus.guest@partner.example"), "a guest"),
        (("--approver", constants.BOT_EMAIL), "cannot be an approver"),
        (("--bills-project", "Bils"), "did you mean 'Bills'?"),
        (("--bills-project", "Vendors", "--vendors-project", "Vendors"), "no project for vendors 'Vendors'"),
        (("--limit", "ten"), "no amount"),
        (("--limit", "NaN"), "no amount"),
        (("--entity", "US02"), "did you mean 'US01'?"),
        (("--timezone", "Mars/Olympus"), "no time zone"),
        (("--workspace", "Northwnd"), "did you mean 'Northwind'?"),
        (("--flow", "Not A Slug"), "lower-case"),
    ],
)
def test_what_cannot_be_taken_is_told_and_nothing_is_written(prompt: Any, words: tuple[str, ...], told: str) -> None:
    said = prompt.say("init", "--yes", "--flow", "acme", *words)
    assert said.exit_code == 2, said.output
    assert told in " ".join(said.stderr.replace("│", " ").split()), said.stderr
    assert list(prompt.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "said"),
    [("--flow", "Not A Slug"), ("--timezone", "Mars/Olympus"), ("--limit", "10,000"), ("--base-currency", "EURO")],
)
def test_a_wrong_option_is_told_by_its_name_before_anybody_is_called(prompt: Any, option: str, said: str) -> None:
    prompt.sandbox.zero_counters()
    told = prompt.say("init", "--yes", option, said)
    words = " ".join(told.stderr.replace("│", " ").split())
    assert told.exit_code == 2
    assert f"{option} is '{said}'" in words or f"{option} has '{said}'" in words, words
    assert ".yaml" not in words
    assert prompt.sandbox.counters() == {}


def test_a_name_that_no_flow_may_have_is_asked_for_again(prompt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "at_a_terminal", lambda: True)
    said = prompt.say("init", typed="Not A Slug\nacme\n" + "\n" * 9)
    assert said.exit_code == 0, said.output
    assert "It is 'Not A Slug'" in said.stderr
    assert (prompt.folder / "acme.yaml").exists()


def test_an_answer_that_cannot_be_taken_is_asked_for_again_and_nothing_is_lost(
    prompt: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(init, "at_a_terminal", lambda: True)
    (prompt.folder / "taken.yaml").write_text("mine\n")
    people = ["nobody@northwind.example", BEN]
    limits = ["2,500.50", "lots", "-1", "1e3", "2500 USD", "2500.50"]
    said = prompt.say("init", typed="\n".join(["taken", "acme", "1", *people, *limits, "n", "n"]) + "\n")
    assert said.exit_code == 0, said.output
    told = " ".join(said.stderr.split())
    for why in (
        "taken.yaml is there already",
        "nobody@northwind.example cannot be an approver",
        "It is '2,500.50', which is no amount (write digits and a point, as in 10000.00: no thousands marks, no currency).",
        "It is 'lots', which is no amount",
        "It is -1, less than nothing",
        "It is '1e3', which is no amount",
        "It is '2500 USD', which is no amount",
    ):
        assert told.count(why) == 1, said.stderr
    assert told.count("Number of the project for vendors") <= 1
    assert [one.email for one in load_flow(file_of(prompt)).approval.approvers] == [BEN]
    assert str(load_flow(file_of(prompt)).approval.approvers[0].limits["USD"]) == "2500.50"
    assert (prompt.folder / "taken.yaml").read_text() == "mine\n"


def test_a_base_currency_is_asked_for_until_it_is_one(prompt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "at_a_terminal", lambda: True)
    prompt.sandbox.settings(missing_fields=["APBILL.BASECURR"])
    said = prompt.say("init", "--flow", "acme", typed="\n".join(["1", "", "Euro", "eur", "", "", ""]) + "\n")
    assert said.exit_code == 0, said.output
    assert "It has 'EURO', which is no currency code" in said.stderr
    assert load_flow(file_of(prompt)).approval.base_currency == "EUR"


@pytest.mark.parametrize(
    "words",
    [
        ("--approver", "ben.okafr@northwind.example"),
        ("--entity", "US02"),
        ("--vendors-project", "Vendrs"),
        ("--bills-project", "Bils"),
    ],
)
def test_an_option_that_cannot_be_taken_is_told_before_anybody_answers(
    prompt: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(init, "at_a_terminal", lambda: True)
    said = prompt.say("init", *words, typed="\n" * 9)
    assert (said.exit_code, "did you mean" in said.stderr) == (2, True), said.output
    assert "Name of the flow" not in said.stderr


def test_a_stamp_without_fields_is_told_before_anybody_answers(prompt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "at_a_terminal", lambda: True)
    prompt.sandbox.settings(missing_fields=["APBILL.ASANA_DECISION_BY"])
    said = prompt.say("init", "--stamp", typed="\n" * 9)
    assert (said.exit_code, "Name of the flow" in said.stderr) == (2, False), said.output


def test_where_the_file_cannot_be_written_its_text_is_on_the_screen(
    prompt: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(init, "at_a_terminal", lambda: True)
    (tmp_path / "no_folder").write_text("a file\n")
    said = prompt.say("init", "--flow", "acme", "--to", str(tmp_path / "no_folder" / "acme.yaml"), typed="\n" * 9)
    assert (said.exit_code, "cannot be written" in said.stderr) == (2, True), said.output
    file = tmp_path / "acme.yaml"
    file.write_text(said.stdout)
    assert load_flow(file).flow == "acme"


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_folder_is_no_file_and_nothing_is_left_beside_it(prompt: Any, tmp_path: Path, force: tuple[str, ...]) -> None:
    folder = tmp_path / "beside" / "folder"
    folder.mkdir(parents=True)
    said = prompt.say("init", "--yes", "--flow", "acme", "--to", str(folder), *force)
    assert (said.exit_code, "is a folder" in said.stderr) == (2, True)
    assert [path for path in folder.parent.rglob("*") if path != folder] == []


def test_where_nothing_can_be_put_in_its_place_nothing_half_is_left(prompt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_names: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(deployment.os, "replace", full)
    said = prompt.say("init", "--yes", "--flow", "acme", "--force")
    assert (said.exit_code, "No space left" in said.stderr) == (2, True)
    assert [path.name for path in prompt.folder.iterdir() if path.name != "flow.schema.json"] == []


def test_a_file_elsewhere_is_said_to_be_moved_where_flows_lie(prompt: Any, tmp_path: Path) -> None:
    elsewhere = prompt.say("init", "--yes", "--flow", "acme", "--to", str(tmp_path / "elsewhere" / "acme.yaml"))
    assert f"move it to {prompt.folder / 'acme.yaml'}" in " ".join(elsewhere.stdout.split())
    assert "move it to" not in prompt.say("init", "--yes", "--flow", "acme").stdout


def test_it_says_that_airflow_needs_a_file_by_which_it_has_dags(
    prompt: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "of airflow" / "dags"
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(folder))

    def steps() -> list[str]:
        text = str(prompt.say("init", "--yes", "--flow", "acme", "--force").stdout)
        return text.partition("Next:")[2].strip().splitlines()

    [line] = [one for one in steps() if "flow_dags" in one]
    assert str(folder) in line
    before, after = steps().index(line) - 1, steps().index(line) + 1
    assert ("CHANGE" in steps()[before], "acme_preflight" in steps()[after]) == (True, True)
    (folder / "team").mkdir(parents=True)
    (folder / "other.py").write_text("from airflow.sdk import DAG\n")
    (folder / "gone.py").symlink_to(folder / "nothing.py")
    assert line in steps()
    # What it says to write there is what does it.
    (folder / "team" / "acme.py").write_text(line.partition("has DAGs: ")[2] + "\n")
    assert not any("flow_dags" in one for one in steps())


def test_projects_of_other_flows_are_not_proposed(prompt: Any) -> None:
    prompt.write_flow()
    said = prompt.say(*BASE)
    assert (said.exit_code, "2 belong to other flows" in said.stderr) == (2, True)


def test_names_from_the_other_sides_stay_names(prompt: Any) -> None:
    name = 'Bills: "AP" # {{ 7 * 7 }}\nrehearsal: false'
    prompt.asana("PUT", f"/projects/{constants.BILLS_PROJECT_GID}", {"name": name})
    assert prompt.say(*BASE, "--bills-project", constants.BILLS_PROJECT_GID).exit_code == 0
    assert yaml.safe_load(file_of(prompt).read_text())["rehearsal"] is True
    assert "{{ 7 * 7 }}" in file_of(prompt).read_text()
