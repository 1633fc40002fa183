"""What the page shows, to whom, and what it says to whoever asks for something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
import yaml
from intacct_asana.asking.turns import turn_id
from intacct_asana.audit.chain import Keyring
from intacct_asana.audit.export import read_export
from intacct_asana.audit.verify import verify_export
from intacct_asana.closing.facts import BILL, Fact
from intacct_asana.codec import to_json
from intacct_asana.deployment import derived
from intacct_asana.records import BillState, DecisionState, Intent, Link, Snapshot, TaskDraft
from intacct_asana.records.concerns import Concern
from intacct_asana.records.drift import Drift, Drifted
from intacct_asana.records.matters import Matter
from intacct_asana.reports.incidents import Kind, Sighting
from intacct_asana.reports.run_report import RunReport, RunState
from intacct_asana.sync.release import Release, ReleaseState

from tests.page.conftest import PAGE, SECRET, Office, facts, keep_facts
from tests.store.store_world import a_decision, run_sql

pytestmark = pytest.mark.airflow
Ago = Callable[..., datetime]
HOSTILE = '<script>alert("x")</script>'
NOTES = '<body><a href="https://intacct.test/bill?id=7&amp;x=1">Open the bill in Intacct</a></body>'


def a_bill(office: Office, number: int, *, name: str = "", at: datetime, done: bool = False) -> str:
    """A bill with a task, and what it shows."""
    key = f"acme:ap:{number}"
    draft = TaskDraft(key=key, name=name or f"Office World INV-{number}", completed=done, html_notes=NOTES)
    link = Link(
        key=key,
        task_gid=f"9{number}",
        record_no=str(number),
        confirmed=draft,
        task_url=f"https://asana.test/9{number}",
        linked_at=at,
    )
    body = {"vendor_id": "V-7", "bill_number": f"INV-{number}", "total_entered": "12.5", "base_currency": "USD"}
    office.store.links("bill").save(link, shown=Snapshot(digest=f"d{number}", body=body), shown_at=at)
    return key


def a_decided_bill(office: Office, number: int, *, at: datetime, state: DecisionState, outcome: str = "") -> str:
    key = a_bill(office, number, at=at)
    decisions = office.store.decisions()
    (one,) = decisions.record([a_decision(f"dec-{number}", key=key, decided_at=at)], at=at)
    steps = {
        DecisionState.CONFIRMED: (DecisionState.CLEARED, DecisionState.SUBMITTED, DecisionState.CONFIRMED),
        DecisionState.RECORDED: (),
    }
    for to in steps.get(state, (state,)):
        one = decisions.advance(replace(one, outcome=outcome), to=to, facts={"outcome": outcome}, at=at)
    return key


def a_report(**more: Any) -> RunReport:
    report = {"flow": "demo", "job": "bill_sync", "dag_id": "demo_bill_sync", "run_id": "manual__1", "run_type": "manual"}
    return RunReport(**{**report, "state": RunState.SUCCESS, "words": "3 tasks were made.", "calls": {"intacct": 4}, **more})


# Who may see it


def paths_of(office: Office) -> list[str]:
    """The routes are those of the app, so a new one is tried too."""
    paths = [path.replace(":path", "").format(flow="demo", name="page.css", rest="x") for path in office.routes()]
    assert len(paths) > 12
    return paths


def test_no_route_answers_whoever_is_not_logged_in(office: Office, ago: Ago) -> None:
    key = a_bill(office, 7, name="Secret vendor", at=ago(hours=1))
    expired = "eyJhbGciOiJIUzI1NiJ9.e30.x"
    for path in paths_of(office):
        for headers in ({}, {"Cookie": f"_token={expired}"}, {"Authorization": "Bearer nonsense"}):
            answer = office.client.get(f"{PAGE}{path}", params={"key": key}, headers=headers)
            assert (path, answer.status_code) == (path, 401)
            assert "demo" not in answer.text
            assert "Secret" not in answer.text
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_a_browser_without_login_is_led_to_airflows_login(office: Office) -> None:
    answer = office.client.get(f"{PAGE}/flows/demo", headers={"Sec-Fetch-Dest": "document"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/api/v2/auth/login?next=http")


def test_a_flow_is_shown_only_to_who_may_read_its_dags(office: Office, monkeypatch: pytest.MonkeyPatch, ago: Ago) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    asked: list[Any] = []

    def is_authorized_dag(*, method: str, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        asked.append((method, details.id))
        return details.id != "demo_bill_sync"

    monkeypatch.setattr(get_auth_manager(), "is_authorized_dag", is_authorized_dag)
    assert "No flow here is yours to read." in office.read("/", "vic")
    key = a_bill(office, 7, name="Secret vendor", at=ago(hours=1))
    of_flows = [path for path in paths_of(office) if path.startswith("/flows/demo")]
    assert len(of_flows) > 9
    for path in of_flows:
        said = office.refused(path, "vic", key=key)
        assert (path, *said) == (path, 404, "There is no such flow here, or its DAGs are not yours to read.")
    # Whatever is no flow's tells nothing of one.
    for path in set(paths_of(office)) - set(of_flows):
        answer = office.get(path, "vic")
        assert "Secret" not in answer.text, path
        assert "demo" not in answer.text, path
    assert set(asked) == {("GET", "demo_bill_sync")}


def test_evidence_leaves_airflow_only_with_who_may_start_its_export(office: Office, ago: Ago) -> None:
    key = a_decided_bill(office, 7, at=ago(hours=1), state=DecisionState.REFUSED, outcome="Over the limit.")
    a_decided_bill(office, 8, at=ago(hours=1), state=DecisionState.CONFIRMED)
    assert office.refused("/flows/demo/evidence.json", "vic", key=key)[0] == 403
    assert "Download" not in office.read("/flows/demo/bill", "vic", key=key)
    answer = office.get("/flows/demo/evidence.json", key=key)
    assert answer.headers["content-disposition"] == 'attachment; filename="demo_evidence.json"'
    export = read_export(answer.text)
    assert {row.key for row in export.in_full} == {key}
    assert export.header.exported_by == "ann"
    assert verify_export(export, keys=Keyring([derived(SECRET)])).problems == ()
    table = office.get("/flows/demo/evidence.csv", key=key)
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert "Over the limit." in table.text


# What it shows


def test_flows_say_how_they_are(office: Office, ago: Ago) -> None:
    a_decided_bill(office, 7, at=ago(hours=2), state=DecisionState.PARKED, outcome="Its books are closed.")
    office.store.run_reports().save(a_report(started_at=ago(minutes=9), ended_at=ago(minutes=8)))
    said = office.read("/")
    assert "1 parked" in said
    assert "bill_sync succeeded. 3 tasks were made." in said
    said = office.read("/flows/demo")
    assert "3 tasks were made. calls: Intacct 4" in said
    assert "8 minutes ago" in said


def test_airflows_runs_say_how_fresh_a_flow_is(office: Office, ago: Ago) -> None:
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with create_session() as session:
        session.merge(DagBundleModel(name="dags-folder"))
        session.flush()
        for job, paused in (("bill_sync", False), ("drift_audit", True)):
            session.merge(DagModel(dag_id=f"demo_{job}", bundle_name="dags-folder", is_paused=paused, fileloc="x"))
        ends = {"good": (9, "success"), "bad": (4, "failed"), "old": (99, "success"), "backfill": (2, "success")}
        for run_id, (minutes, state) in ends.items():
            at = ago(minutes=minutes)
            session.add(
                DagRun(
                    dag_id="demo_bill_sync",
                    run_id=run_id,
                    run_after=at,
                    start_date=at,
                    state=state,
                    run_type="backfill" if run_id == "backfill" else "manual",
                )
            )
            session.flush()
            session.query(DagRun).filter_by(run_id=run_id).update({"end_date": at})
    said = office.read("/flows/demo")
    assert "Bills become tasks demo_bill_sync failed" in said
    assert "paused in Airflow" in said
    assert 'href="/dags/demo_bill_sync/runs/bad"' in office.get("/flows/demo").text
    assert "Bills become tasks: 9 minutes ago" in office.read("/")


def test_a_bill_waits_for_whoever_is_due(office: Office, ago: Ago) -> None:
    old, new = a_bill(office, 7, at=ago(days=2)), a_bill(office, 8, name="Öl & Gas INV-8", at=ago(hours=1))
    a_bill(office, 9, at=ago(hours=1), done=True)
    a_decided_bill(office, 10, at=ago(hours=1), state=DecisionState.CONFIRMED)
    turn = {"due": ["ben@x.test"], "next": "ben@x.test", "step": "all, step 1", "seen": "s", "assignee": ""}
    office.store.intents().note([Intent(intent_id=turn_id(old), kind="turn", subject="97", body=turn)], at=ago(days=1))
    said = office.read("/flows/demo/waiting")
    assert "INV-9" not in said
    assert "INV-10" not in said
    assert said.index("INV-7") < said.index("ben@x.test all, step 1") < said.index("Öl & Gas INV-8") < said.index("an approver")
    assert "12.50 USD" in said
    assert "2 days ago" in said
    html = office.get("/flows/demo/waiting").text
    assert 'href="https://asana.test/97"' in html
    assert 'href="https://intacct.test/bill?id=7&amp;x=1"' in html
    for narrowed, key in (
        ({"person": "BEN@"}, old),
        ({"text": "öl & gas"}, new),
        ({"vendor": "Öl &"}, new),
        ({"text": new}, new),
    ):
        found = office.get("/flows/demo/waiting", **narrowed).text
        assert [one for one in (old, new) if f"<small>{one}</small>" in found] == [key], narrowed


def test_where_nobody_was_asked_by_name_the_rules_say_who_may_decide(office: Office, ago: Ago) -> None:
    path = office.folder / "demo.yaml"
    flow, steps = yaml.safe_load(path.read_text()), [{"name": "manager", "by": ["bosses"], "limit": "none"}]
    flow["approval"]["groups"] = {"bosses": ["alice.martin@northwind.example", "carla.ruiz@northwind.example"]}
    steps.append({"name": "controller", "by": ["ben.okafor@northwind.example"], "limit": "none"})
    flow["approval"]["rules"] = [{"name": "large", "when": {"amount_from": {"USD": 1000}}, "steps": steps}]
    path.write_text(yaml.safe_dump(flow))
    keys = [a_bill(office, number, at=ago(days=20 - number)) for number in (7, 8, 9, 10)]
    large, paid, small = Decimal(2000), BillState.SELECTED, Decimal(5)
    keep_facts(office, facts(7, amount=large), facts(8, amount=small), facts(9, amount=large, state=paid), at=ago(days=2))
    said = office.read("/flows/demo/waiting")
    first = "INV-7 acme:ap:7 12.50 USD alice.martin@northwind.example or carla.ruiz@northwind.example step 1 of 2 (manager)"
    assert first in said
    assert "INV-8 acme:ap:8 12.50 USD nobody: no rule of the policy is for it" in said
    assert "INV-9 acme:ap:9 12.50 USD Intacct: Selected" in said
    assert "INV-10 acme:ap:10 12.50 USD an approver" in said
    assert "alice.martin@northwind.example or carla.ruiz@northwind.example" in office.read("/flows/demo/bill", key=keys[0])
    decisions, gave = office.store.decisions(), {"decider_email": "alice.martin@northwind.example"}
    (one,) = decisions.record([replace(a_decision("dec-7", key=keys[0], decided_at=ago(hours=1)), **gave)], at=ago(hours=1))
    decisions.advance(one, to=DecisionState.GRANTED, facts={}, at=ago(hours=1))
    assert "12.50 USD ben.okafor@northwind.example step 2 of 2 (controller)" in office.read("/flows/demo/waiting")


def test_a_bill_that_another_release_kept_waits_for_an_approver_and_hides_no_other(office: Office, ago: Ago) -> None:
    keys = [a_bill(office, number, at=ago(days=20 - number)) for number in (7, 8)]
    keep_facts(office, facts(8, state=BillState.SELECTED), at=ago(days=2))
    newer = json.dumps({**json.loads(to_json(facts(7))), "state": "Pending Review"})
    office.store.history().keep(BILL, {keys[0]: Fact(text=newer)}, read_at=ago(days=1), at=ago(days=1))
    said = office.read("/flows/demo/waiting")
    assert "INV-7 acme:ap:7 12.50 USD an approver" in said
    assert "INV-8 acme:ap:8 12.50 USD Intacct: Selected" in said
    assert "an approver" in office.read("/flows/demo/bill", key=keys[0])
    told = f"1 open bill(s) missing here, since another release kept what they said: {keys[0]}"
    assert told in office.read("/flows/demo/close")


def test_each_decision_leads_to_the_run_that_brought_it_where_it_is(office: Office, ago: Ago) -> None:
    a_decided_bill(office, 7, at=ago(hours=2), state=DecisionState.CONFIRMED)
    key = a_bill(office, 8, at=ago(hours=1))
    runs = [office.flow("demo", run_id=name).decisions() for name in ("scheduled__1+00:00", "manual__2")]
    (one,) = runs[0].record([a_decision("dec-8", key=key, decided_at=ago(hours=1))], at=ago(hours=1))
    of_dag = 'href="/dags/demo_approval_reconciliation/runs/{}"'
    assert of_dag.format("scheduled__1%2B00%3A00") in office.get("/flows/demo/decisions").text
    runs[1].advance(one, to=DecisionState.REFUSED, facts={}, at=ago(hours=1))
    for path in ("/flows/demo/decisions", "/flows/demo/bill"):
        text = office.get(path, key=key).text
        assert of_dag.format("manual__2") in text
        assert "scheduled__1" not in text
    # What an older release brought there leads to the DAG.
    assert 'href="/dags/demo_approval_reconciliation"' in office.get("/flows/demo/decisions").text
    told = [row.body.get("run") for row in office.store.evidence(key)]
    assert told == ["scheduled__1+00:00", "manual__2"]


def test_decisions_are_narrowed_by_state_person_and_words(office: Office, ago: Ago) -> None:
    for number, state in enumerate((DecisionState.REFUSED, DecisionState.PARKED, DecisionState.CONFIRMED), start=7):
        a_decided_bill(office, number, at=ago(hours=number), state=state, outcome=f"Because of {number}.")
    said = office.read("/flows/demo/decisions")
    assert said.index("INV-7") < said.index("INV-8") < said.index("INV-9")
    assert "Alice Martin approves" in said
    assert "Because of 7." in said
    assert "INV-8" not in office.read("/flows/demo/decisions", state="refused")
    assert "INV-9" in office.read("/flows/demo/decisions", state="carried-out", person="alice martin")
    assert "No decision." in office.read("/flows/demo/decisions", person="ben")
    assert "INV-8" in office.read("/flows/demo/decisions", text="because of 8")


def test_lists_come_in_pieces(office: Office, ago: Ago) -> None:
    found = [Drifted(drift=Drift.MISSING, key=f"acme:ap:{number}", cause="c", words=f"word {number}") for number in range(120)]
    office.store.findings().keep(found, at=ago(hours=1))
    pages = [office.get("/flows/demo/drift", page=page, text="word").text for page in (1, 2, 3)]
    assert [page.count("<tr>") - 1 for page in pages] == [50, 50, 20]
    assert "text=word&amp;page=3" in pages[1]
    assert "text=word&amp;page=1" in pages[1]
    assert "More" not in pages[2]
    assert "120 drifted" in office.read("/flows/demo")


def test_exceptions_and_concerns_are_listed(office: Office, ago: Ago) -> None:
    key = a_bill(office, 7, at=ago(hours=1))
    told = {"matter_id": "exc-1", "kind": "bypass", "cause": "c", "words": "It was paid.", "title": "Paid without approval"}
    office.store.matters().save(Matter(**told, opened_at=ago(hours=1), caused_at=ago(hours=1), about=key), at=ago(hours=1))
    told = {"concern_id": "con-1", "key": key, "kind": "duplicate", "cause": "c", "words": "It looks like INV-6."}
    office.store.concerns().save([Concern(**told, blocks=True, found_at=ago(hours=1))])
    assert "Paid without approval bypass open It was paid." in office.read("/flows/demo/exceptions")
    assert "Nothing needs a person." in office.read("/flows/demo/exceptions", text="nothing like it")
    assert "duplicate It looks like INV-6. approvals wait" in office.read("/flows/demo/concerns", state="open", vendor="office")
    assert "It looks like INV-6." in office.read("/flows/demo/bill", key=key)


def test_a_bills_evidence_is_proven_or_says_what_is_wrong(office: Office, ago: Ago) -> None:
    key = a_decided_bill(office, 7, at=ago(hours=1), state=DecisionState.CONFIRMED)
    other = a_decided_bill(office, 8, at=ago(hours=1), state=DecisionState.REFUSED)
    said = office.read("/flows/demo/bill", key=key)
    assert "These are the rows that were written (key " in said
    assert "Carried out".lower() in said.lower()
    assert "nothing is wrong" in office.read("/flows/demo/chain")
    unlocked = "DROP TRIGGER ia_evidence_no_update"
    if office.url.startswith("postgresql"):
        unlocked = "DROP TRIGGER ia_evidence_guard_update ON ia_evidence"
    run_sql(office.url, unlocked, f"UPDATE ia_evidence SET body = '{{}}' WHERE key = '{key}' AND sequence = 2")
    said = office.read("/flows/demo/bill", key=key)
    assert "not as it was written" in said
    assert "Row 2 was changed after it was written." in said
    assert "These are the rows that were written" in office.read("/flows/demo/bill", key=other)
    assert "row 2 (acme:ap:7): it was changed after it was written" in office.read("/flows/demo/chain")


def test_figures_can_be_read_as_tables(office: Office, ago: Ago) -> None:
    a_decided_bill(office, 7, at=ago(days=1), state=DecisionState.CONFIRMED)
    office.store.calls().add(system="intacct", company="ACME", job="bill_sync", day=ago(days=1).date(), calls=41)
    html = office.get("/flows/demo/figures").text
    assert html.count("<details") == 2
    assert html.count('<div class="plot">') == 2
    day = f"{ago(days=1):%Y-%m-%d}"
    assert f"{day} 1 " in office.read("/flows/demo/figures")
    assert f"{day} 41 " in office.read("/flows/demo/figures")


def test_files_of_the_page_are_served_and_no_others(office: Office) -> None:
    assert "uPlot" in office.get("/static/uPlot.iife.min.js").text
    assert office.get("/static/page.css").headers["content-type"].startswith("text/css")
    assert office.refused("/static/..%2Fframe.py") == (404, "There is no such page.")
    html = office.get("/flows/demo/figures").text
    assert "http" not in html.replace("https://asana.test", "")
    assert "style=" not in html
    assert "<script>" not in html


# What it says to bad input


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/flows/nobody", {}, 404),
        ("/flows/a%2Fb", {}, 404),
        ("/nothing/here", {}, 404),
        ("/flows/demo/decisions", {"state": "'; DROP TABLE ia_links; --"}, 400),
        ("/flows/demo/decisions", {"state": ["parked", "void"]}, 400),
        ("/flows/demo/decisions", {"page": "-1"}, 400),
        ("/flows/demo/decisions", {"page": "0"}, 400),
        ("/flows/demo/decisions", {"page": "９"}, 400),
        ("/flows/demo/decisions", {"page": "999999"}, 400),
        ("/flows/demo/waiting", {"text": "x" * 201}, 400),
        ("/flows/demo/waiting", {"text": "\x00"}, 400),
        ("/flows/demo/bill", {}, 400),
        ("/flows/demo/bill", {"key": "acme:ap:404"}, 404),
        ("/flows/demo/evidence.json", {"key": "acme:ap:404"}, 404),
    ],
)
def test_a_bad_request_is_told_in_one_sentence(office: Office, path: str, params: dict[str, Any], status: int) -> None:
    said, words = office.refused(path, **params)
    assert said == status
    assert words.count(".") == 1 or words.startswith("There is no such flow here")


@pytest.mark.parametrize("text", [HOSTILE, "' OR 1=1 --", "%", "_", "\\", '"', "/", "🧾"])
def test_hostile_words_are_only_looked_for(office: Office, text: str, ago: Ago) -> None:
    a_bill(office, 7, at=ago(hours=1))
    for view in ("waiting", "decisions", "drift", "exceptions", "concerns"):
        answer = office.get(f"/flows/demo/{view}", text=text, person=text, vendor=text)
        assert answer.status_code == 200
        assert "INV-7" not in answer.text
        assert HOSTILE not in answer.text


def test_what_vendors_write_is_shown_and_never_run(office: Office, ago: Ago) -> None:
    key = a_bill(office, 7, name=f"{HOSTILE} INV-7", at=ago(hours=1))
    draft = TaskDraft(key=key, name=f"{HOSTILE} {{{{ 7 * 7 }}}}", html_notes=NOTES.replace("https:", "javascript:"))
    link = Link(key=key, task_gid="97", record_no="7", confirmed=draft, task_url="javascript:alert(1)", linked_at=ago(hours=1))
    office.store.links("bill").save(link)
    for path, params in (("/flows/demo/waiting", {}), ("/flows/demo/bill", {"key": key})):
        html = office.get(path, **params).text
        assert HOSTILE not in html
        assert "javascript:" not in html
        assert "49" not in html
        assert "&lt;script&gt;" in html


def test_a_store_that_does_not_answer_is_one_sentence_on_its_card(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    other = (office.folder / "demo.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("\nflow: demo ", "\nflow: other "),
        ("1200000000000010", "1200000000000011"),
        ("1200000000000020", "1200000000000021"),
        ("store: intacct_asana_store", "store: lost_store"),
    ):
        assert old in other
        other = other.replace(old, new)
    (office.folder / "other.yaml").write_text(other, encoding="utf-8")
    (office.folder / "broken.yaml").write_text("flow: broken\nbills: 7\n", encoding="utf-8")
    lost = {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "login": "u", "password": "hunter2", "schema": "x"}
    monkeypatch.setenv("AIRFLOW_CONN_LOST_STORE", json.dumps(lost))
    html = office.get("/").text
    assert ">demo</a>" in html
    assert ">other</a>" in html
    assert "broken.yaml" in html
    assert html.count("could not be used") == 1
    assert "hunter2" not in html
    status, words = office.refused("/flows/other")
    assert status == 503
    assert "could not be used" in words
    assert "hunter2" not in words


def test_plans_and_incidents_that_hold_stand_on_top(office: Office, ago: Ago) -> None:
    seen = Sighting(
        kind=Kind.LATE, what="demo_bill_sync", cause="late", title="demo_bill_sync is late", words="No success since 9."
    )
    office.store.incidents().note(seen, at=ago(hours=1))
    told = {"plan_id": "p", "refused_in": "r", "dag_id": "demo_bill_sync", "counts": {"create": 3}, "money": {"USD": "12.5"}}
    plan = Release(
        digest="ab" * 32,
        kind="bill",
        state=ReleaseState.WAITING,
        reasons=("3 tasks would be new, and the limit is 2",),
        run_id="release__1",
        refused_at=ago(hours=2),
        calls=3,
        **told,
    )
    office.store.releases().save(plan)
    said = office.read("/flows/demo")
    assert "late demo_bill_sync is late No success since 9. 1 hour ago" in said
    assert "bill plan abababababab tasks: 3 new, records worth 12.50 USD waiting 3 tasks would be new" in said
    question = "/dags/demo_release_plan/runs/release__1/tasks/ask_people/required_actions"
    assert question in office.get("/flows/demo").text
    assert "1 incident 1 plan over a limit" in office.read("/")
