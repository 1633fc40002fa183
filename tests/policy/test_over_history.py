"""Two policies over what was decided: which decisions would have ended otherwise, and in what."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from intacct_asana.__main__ import app
from intacct_asana.audit.export import Query
from intacct_asana.commands.over_history import Compared, Replay, compared
from intacct_asana.commands.policy import over_history
from intacct_asana.flow.load import load_flow
from intacct_asana.flow.model import Flow
from intacct_asana.operators.evidence import write_export
from intacct_asana.records import DecisionState, Verdict
from intacct_asana.records.recorded import STANDS, Recorded, recorded_in
from intacct_asana.store import open_store
from typer.testing import CliRunner

from tests.policy.policy_world import ALICE, BEN, DEV, Steps

BEGAN = datetime(2026, 7, 1, 9, tzinfo=UTC)
ANN, BOB, CY = "ann@x.example", "bob@x.example", "cy@x.example"
LIMITS = {ANN: "1000", BOB: "5000", CY: "90000"}


def a_flow(*rules: Any, limits: dict[str, str] | None = None, **approval: Any) -> Flow:
    people = [{"email": one, "limits": {"USD": most}, "intacct_users": [one[:2]]} for one, most in (limits or LIMITS).items()]
    said = {"approvers": people, "rules": [{"name": name, "steps": steps} for name, steps in rules], **approval}
    parts = {"bills": {"project": "1", "states": ["Posted"]}, "vendors": {"project": "2"}, "write_back": {"steps": ["observe"]}}
    return Flow.model_validate({"flow": "small", "approval": said, **parts})


def a_step(name: str, *people: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "by": list(people), **more}


def chosen(by: str, amount: str = "900", *, at: int = 0, key: str = "k", ended: str = "CONFIRMED", **more: Any) -> Recorded:
    """Ann approved INV-k of 900.00 USD, and that was carried out."""
    failed = more.pop("failed", "")
    bill = {"bill_number": f"INV-{key}", "total_entered": amount, "base_currency": "USD", "vendor_id": "V1", "state": "Posted"}
    bill |= {
        "digest": f"{key} {amount}",
        "entity_id": "US01",
        "lines": [["6100", "OPS", "", "", "", amount]],
        **more.pop("bill", {}),
    }
    parts = {
        "decision_id": f"dec-{at}",
        "key": key,
        "verdict": Verdict.APPROVE,
        "at": BEGAN + timedelta(days=at),
        "gid": by[:2],
        "name": by[:3].strip("@").capitalize(),
        "email": by,
        "source": "web",
        "is_guest": False,
        "bill": bill,
        "states": (DecisionState.RECORDED, DecisionState(ended)),
        "rules": ((failed or "limit", not failed, f"because of {failed}"),),
        "judged_at": at * 10,
    }
    return Recorded(**{**parts, **more})


ONE = ("all", [a_step("first", ANN, BOB, CY)])
TWO = ("all", [a_step("first", ANN, BOB, CY), a_step("second", CY)])
SMALLER = {**LIMITS, ANN: "899.99"}
MONTH = [{"days": 30, "amounts": {"USD": "2000"}}]
BY_VENDOR = ("all", [{"name": "first", "vendor_field": "Approver"}])
TABLE: dict[str, tuple[Flow, Flow, list[Recorded], list[str]]] = {
    # the policy as it is, the policy as it would be, what was decided, and what is told
    "the same policy": (a_flow(ONE), a_flow(ONE), [chosen(ANN)], []),
    "nothing but reminders": (a_flow(ONE), a_flow(ONE, remind={"before_days": [1]}), [chosen(ANN)], []),
    "a lower limit": (a_flow(), a_flow(limits=SMALLER), [chosen(ANN)], ["dec-0 approved, refused: end, people"]),
    "a higher limit": (
        a_flow(limits=SMALLER),
        a_flow(),
        [chosen(ANN, ended="REFUSED", failed="limit")],
        ["dec-0 refused, approved: end, people"],
    ),
    "one more step": (a_flow(ONE), a_flow(TWO), [chosen(ANN)], ["dec-0 approved, waits: end, steps"]),
    "one step less": (
        a_flow(TWO),
        a_flow(ONE),
        [chosen(ANN, ended="GRANTED"), chosen(CY, at=1)],
        ["dec-0 waits, approved: end, steps", "dec-1 approved, refused: end, steps, people"],
    ),
    "another name of the rule": (
        a_flow(ONE),
        a_flow(("every bill", ONE[1])),
        [chosen(ANN)],
        ["dec-0 approved, approved: rule"],
    ),
    "other people, and who decided is among them": (
        a_flow(ONE),
        a_flow(("all", [a_step("first", ANN, CY)])),
        [chosen(ANN)],
        ["dec-0 approved, approved: people"],
    ),
    "other people, and who decided is not": (
        a_flow(ONE),
        a_flow(("all", [a_step("first", BOB, CY)])),
        [chosen(ANN)],
        ["dec-0 approved, refused: end, people"],
    ),
    "somebody left the list": (
        a_flow(),
        a_flow(limits={BOB: "5000", CY: "90000"}),
        [chosen(ANN)],
        ["dec-0 approved, refused: end, people"],
    ),
    "a cumulative limit": (
        a_flow(),
        a_flow(cumulative_limits=MONTH),
        [chosen(ANN, at=at, key=str(at)) for at in range(3)],
        ["dec-2 approved, refused: end"],
    ),
    "a cumulative limit, and one of them became void": (
        a_flow(),
        a_flow(cumulative_limits=MONTH),
        [chosen(ANN, key="0", void_at=15), *(chosen(ANN, at=at, key=str(at)) for at in (1, 2))],
        [],
    ),
    "a cumulative limit, and one of them was rejected later": (
        a_flow(counter_decision="hold"),
        a_flow(counter_decision="hold", cumulative_limits=MONTH),
        [
            chosen(ANN, key="0"),
            chosen(BOB, at=1, key="0", verdict=Verdict.REJECT, reason="no"),
            *(chosen(ANN, at=at, key=str(at)) for at in (2, 3)),
        ],
        [],
    ),
    "a source that counts": (
        a_flow(),
        a_flow(sources=["web", "api"]),
        [chosen(ANN, source="api", ended="REFUSED", failed="source")],
        ["dec-0 refused, approved: end"],
    ),
    "a state in which it may be decided": (
        a_flow(states=["Posted"]),
        a_flow(states=["Submitted"]),
        [chosen(ANN)],
        ["dec-0 approved, refused: end"],
    ),
    "refused for what no record holds": (
        a_flow(),
        a_flow(limits={**LIMITS, ANN: "5000"}),
        [chosen(ANN, "2000", ended="REFUSED", failed="task as we wrote it")],
        ["dec-0 refused, refused: people"],
    ),
    "a rejection": (
        a_flow(ONE),
        a_flow(limits=SMALLER),
        [chosen(ANN, verdict=Verdict.REJECT, reason="no")],
        ["dec-0 rejected, rejected: rule, steps, people"],
    ),
    "a step that is good for a day, after which nobody would be left for the second": (
        a_flow(TWO),
        a_flow(("all", [{**TWO[1][0], "good_for_days": 1}, TWO[1][1]])),
        [chosen(ANN, ended="GRANTED"), chosen(CY, at=2)],
        ["dec-2 approved, refused: end, people"],
    ),
    "another content of the bill begins anew": (
        a_flow(TWO),
        a_flow(TWO),
        [chosen(ANN, ended="GRANTED", void_at=5), chosen(ANN, "950", at=1, ended="GRANTED"), chosen(CY, "950", at=2)],
        [],
    ),
    "whom a vendor names, as it is recorded": (
        a_flow(BY_VENDOR),
        a_flow(("all", [*BY_VENDOR[1], a_step("second", CY)])),
        [chosen(ANN, route={"rule": "all", "steps": [{"step": "first", "people": [ANN], "given": []}]})],
        ["dec-0 approved, waits: end, steps"],
    ),
}


def told(found: Compared) -> list[str]:
    return [f"{one.decision.decision_id} {one.before.end}, {one.after.end}: {', '.join(one.what)}" for one in found.differences]


@pytest.mark.parametrize("name", TABLE)
def test_what_would_have_ended_otherwise(name: str) -> None:
    old, new, decisions, expected = TABLE[name]
    found = compared(old, new, decisions, since=BEGAN)
    assert told(found) == expected
    assert found.judged == len(decisions)
    assert not found.not_judged


NOT_JUDGED: dict[str, tuple[Flow, Recorded, str]] = {
    "a bill that was gone": (a_flow(), chosen(ANN, bill={"total_entered": None}), "it was gone"),
    "nobody judged it yet": (a_flow(), chosen(ANN, rules=(), ended="RECORDED"), "not judged yet"),
    "found by its stamp": (a_flow(), chosen(ANN, rules=()), "found by its stamp"),
    "of a rule, or a program": (a_flow(), chosen(ANN, gid=""), "nobody knows who chose it"),
    "whom a vendor names": (a_flow(BY_VENDOR), chosen(ANN), "vendor's field Approver"),
    "duties": (a_flow(segregation_of_duties=False), chosen(ANN), "`segregation_of_duties` differs"),
}


@pytest.mark.parametrize("name", NOT_JUDGED)
def test_what_cannot_be_judged_is_named(name: str) -> None:
    new, decision, why = NOT_JUDGED[name]
    found = compared(a_flow(), new, [decision], since=BEGAN)
    assert [count for reason, count in found.not_judged.items() if why in reason] == [1]


def test_an_entity_that_older_evidence_does_not_say_is_not_guessed() -> None:
    rules = [{"name": "one", "when": {"entity": ["US01"]}, "steps": ONE[1]}]
    older = chosen(ANN)
    del older.bill["entity_id"]  # type: ignore[attr-defined]
    found = compared(a_flow(), a_flow(rules=rules), [older, chosen(ANN, at=1, key="2")], since=BEGAN)
    assert (found.judged, list(found.not_judged.values())) == (1, [1])


def test_money_counts_each_bill_once_by_currency_and_only_since_the_day() -> None:
    pounds = {"base_currency": "GBP"}
    limits = {"approvers": [{"email": ANN, "limits": {"USD": "5000", "GBP": "5000"}, "intacct_users": []}]}
    none = {"approvers": [{"email": ANN, "limits": {"USD": "1"}, "intacct_users": []}]}
    decisions = [
        chosen(ANN, key="before"),
        chosen(ANN, at=3, key="1"),
        chosen(ANN, "950", at=4, key="1"),
        chosen(ANN, "100", at=5, key="2"),
        chosen(ANN, "70", at=6, key="3", bill=pounds),
    ]
    found = compared(a_flow(**limits), a_flow(**none), decisions, since=BEGAN + timedelta(days=2))
    assert found.money() == {"approved, would be refused": {"USD": (2, Decimal(1050)), "GBP": (1, Decimal(70))}}
    assert (found.judged, found.bills) == (4, 3)


# The command, over what the real operators left in the store and in an export.


def diff(*words: object) -> Result:
    return CliRunner(env={"COLUMNS": "300"}).invoke(app, ["policy", "diff", *map(str, words)])


@pytest.fixture
def decided(a_policy: Callable[..., Steps]) -> Steps:
    """One bill approved in two steps, one that the wrong person tried, one whose first step a change made void."""
    flow = a_policy(bills=3)
    flow.say(ALICE, bill=0)
    flow.say(BEN, bill=1)
    flow.say(DEV, bill=2)
    flow.heal()
    flow.say(BEN, bill=0)
    flow.edit(bill=2, due_on="2026-12-30")
    flow.heal()
    return flow


def test_the_policy_of_then_gives_what_was_recorded_and_another_one_what_differs(decided: Steps, tmp_path: Path) -> None:
    old = load_flow(decided.path)
    export = tmp_path / "evidence.json"
    write_export(export, decided.store.export_evidence(Query(), at=BEGAN, by="an auditor"), form="json")
    new_file = tmp_path / "new.yaml"
    smaller = decided.path.read_text().replace("1000.00}, intacct_users: [amartin]", "1.00}, intacct_users: [amartin]")
    new_file.write_text(smaller)
    recorded = recorded_in((row.key, row.decision_id, row.body) for row in decided.store.evidence())
    same = over_history(old, old, store=decided.url)
    assert (same.judged, same.waiting, same.differences, same.not_judged) == (4, 2, (), {})
    ends = Replay(old, named_in=old).over(recorded).ends
    for one in recorded:
        assert (ends[one.decision_id].end != "refused") is bool(STANDS & set(one.states))
    in_file = diff(decided.path, new_file, "--evidence", export, "--check")
    assert in_file.exit_code == 1, in_file.output
    for words in ("waits", "refused", "is over Alice Martin's limit of 1.00 USD", "4 of 4 decisions", "1 bill of 500.00 USD"):
        assert words in in_file.stdout, words
    as_json = json.loads(diff(decided.path, new_file, "--store", decided.url, "--format", "json").stdout)
    assert as_json["money"]["waits, would be refused"] == {"USD": {"bills": 1, "amount": "500"}}
    rows = list(csv.DictReader(diff(decided.path, new_file, "--evidence", export, "--format", "csv").stdout.splitlines()))
    in_store = [row["decision_id"] for row in as_json["differences"]]
    assert [row["decision_id"] for row in rows] == in_store[:4]
    # The store knows what nobody decided yet, too.
    assert in_store[4:] == [f"waits {decided.key(bill)}" for bill in (1, 2)]
    assert diff(decided.path, decided.path, "--evidence", export, "--check").exit_code == 0


FLOW = "flow: {name}\nbills: {{project: 1, states: [Posted]}}\nvendors: {{project: 2}}\nwrite_back: {{steps: [observe]}}\n"
FLOW += "approval: {{approvers: [{{email: ann@x.example, limits: {{USD: 1.00}}, intacct_users: []}}]}}\n"


@pytest.mark.parametrize(
    ("new", "words", "said"),
    [
        ("a", ["--since", "2126-07-01"], "--since 2126-07-01 is in the future, so there is nothing to compare."),
        ("a", ["--since", "July"], "since 'July' is neither a day"),
        ("b", [], "is flow a and "),
        ("a", ["--evidence", "{folder}/a.yaml"], "This file cannot be read as an export of evidence"),
        ("a", ["--evidence", "{folder}/none.json"], "cannot be read: No such file"),
        ("a", ["--store", "sqlite:///{folder}/none.db"], "none.db does not exist. Name it with --store, or --evidence."),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, new: str, words: list[str], said: str) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(FLOW.format(name=name), encoding="utf-8")
    ended = diff(tmp_path / "a.yaml", tmp_path / f"{new}.yaml", *(word.format(folder=tmp_path) for word in words))
    assert ended.exit_code == 2, ended.output
    assert said in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_store_without_decisions_and_evidence_of_another_flow_are_said_so(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(FLOW.format(name=name), encoding="utf-8")
    url, files = f"sqlite:///{tmp_path}/kept.db", (tmp_path / "a.yaml", tmp_path / "a.yaml")
    of_b = open_store(url).for_flow("b").export_evidence(Query(), at=BEGAN, by="an auditor")
    write_export(tmp_path / "of_b.json", of_b, form="json")
    for words, said in (
        (("--store", url), "There is no decision in the store."),
        (("--store", url, "--since", "2026-07-01"), "There is no decision since 2026-07-01 in the store."),
        (("--evidence", tmp_path / "of_b.json"), "holds the evidence of flow b, and the files are of flow a."),
    ):
        ended = diff(*files, *words)
        assert (ended.exit_code, said in ended.stderr) == (2, True), ended.output
