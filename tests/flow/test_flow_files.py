"""Flow files: the demo loads, and every mistake is told with its line, in plain words, all of a file at once."""

from __future__ import annotations

import hashlib
import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from intacct_asana.errors import Misconfigured
from intacct_asana.flow import yaml_text
from intacct_asana.flow.load import load_flow, load_flows
from intacct_asana.flow.model import Flow
from intacct_asana.flow.running.one_of_many import load_flow_of
from intacct_asana.flow.words import cron_flaw, spread
from intacct_asana.records import BillState

HERE = Path(__file__).parent
DEMO = HERE.parents[1] / "include" / "mappings" / "demo.yaml"
BAD_FILES = sorted((HERE / "bad").glob("*.yaml"))

SMALL = """\
flow: small
bills: {project: 1, states: [Posted]}
vendors: {project: 2}
approval:
  approvers:
    - {email: Alice@Northwind.example, intacct_users: [amartin], limits: {USD: 10000.10}}
"""


def load_text(text: str, folder: Path, name: str = "flow.yaml") -> Flow:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_flow(path)


def problems_of(text: str, folder: Path) -> list[str]:
    with pytest.raises(Misconfigured) as caught:
        load_text(text, folder)
    return [str(problem) for problem in caught.value.problems]


def expected_in(path: Path) -> list[tuple[int, str]]:
    lines = path.read_text().splitlines()
    return [(number, part.strip()) for number, line in enumerate(lines, 1) for part in line.split("# PROBLEM:")[1:]]


@pytest.mark.parametrize("path", BAD_FILES, ids=lambda path: path.stem)
def test_every_marked_line_of_a_bad_file_is_told_and_no_other(path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        load_flow(path)
    told = [(int(problem.where.rsplit(":", 1)[1]), f"{problem.what} ({problem.mend})") for problem in caught.value.problems]
    wanted = expected_in(path)
    assert wanted, "a bad file marks its problems"
    for line, words in wanted:
        assert any(at == line and words in text for at, text in told), f"line {line} should say {words!r}\n{caught.value}"
    assert len(told) == len(wanted), f"{len(wanted)} problems are marked\n{caught.value}"


@pytest.mark.parametrize("path", BAD_FILES, ids=lambda path: path.stem)
def test_problems_are_free_of_jargon_and_say_how_to_mend(path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        load_flow(path)
    for problem in caught.value.problems:
        assert problem.mend, f"no cure: {problem}"
        assert not re.search(r"pydantic|Input should|validation|NoneType|<class|Traceback|\bdict\b", str(problem)), problem


def test_a_new_file_rehearses_and_one_from_before_writes(tmp_path: Path) -> None:
    """Who copies the example gets a rehearsal; an upgrade takes no approvals away from a flow that runs."""
    assert load_flow(DEMO).rehearsal
    assert not load_text(SMALL, tmp_path).rehearsal


def test_demo_flow_loads() -> None:
    flow = load_flow(DEMO)
    assert flow.flow == "demo"
    assert flow.bills.project == "1200000000000010"
    assert BillState.PARTIALLY_APPROVED in flow.bills.states
    assert BillState.PAID not in flow.bills.states
    assert flow.approval.approvers[0].limits == {"USD": Decimal("10000.00"), "GBP": Decimal("8000.00")}
    assert flow.write_back.stamp is not None
    assert flow.write_back.stamp.decision_id == "ASANA_DECISION_ID"


def test_problem_of_a_project_file_is_named_by_its_place_in_the_project(tmp_path: Path) -> None:
    folder = tmp_path / "include" / "mappings"
    folder.mkdir(parents=True)
    with pytest.raises(Misconfigured) as caught:
        load_text("flow: x\n", folder, "acme.yaml")
    assert all(problem.where == "include/mappings/acme.yaml:1" for problem in caught.value.problems)
    assert "include/mappings/acme.yaml has 3 problems." in str(caught.value)


def test_limit_is_the_text_of_the_file_to_the_cent(tmp_path: Path) -> None:
    limit = load_text(SMALL, tmp_path).approval.approvers[0].limits["USD"]
    assert str(limit) == "10000.10"


def test_a_signal_is_the_field_unless_it_says_another_kind(tmp_path: Path) -> None:
    assert load_text(SMALL, tmp_path).approval.signal.kind == "enum"
    for signal in ("{field: A}", "{kind: enum, field: A}", "{kind: approval_task}", "{kind: comment, approve: [ok, yes]}"):
        text = SMALL.replace("approval:\n", f"approval:\n  signal: {signal}\n")
        kind = re.findall(r"kind: (\w+)", signal) or ["enum"]
        assert load_text(text, tmp_path).approval.signal.kind == kind[0]


@pytest.mark.parametrize(
    ("signal", "line", "what"),
    [
        ("kind: aproval_task", 6, "did you mean 'approval_task'?"),
        ("kind:", 6, "approval_task, comment, enum"),
        ("kind: approval_task\n    field: X", 7, "the key `field` does not exist in `signal` (write one of: kind, changes_req"),
        ("kind: comment\n    approves: [x]", 7, "did you mean 'approve'?"),
        ("kind: comment\n    approve: [ok, two words]", 7, "'two words', which is no single word"),
        ("kind: comment\n    approve: [o:k]", 7, "'o:k', which is no single word"),
        ("kind: comment\n    approve: []", 7, "`approve` is empty"),
        ("kind: comment\n    approve: [ok]\n    reject: [OK]", 8, "`reject` and `approve` are both 'OK'"),
        ("kind: comment\n  reason_field: Why", 7, "people who decide by comment give the reason there"),
        ("pendin: P", 6, "did you mean 'pending'?"),
        ("approve: A\n    reject: a", 7, "`reject` and `approve` are both 'a'"),
    ],
)
def test_a_mistake_in_a_signal_is_told_with_its_line(signal: str, line: int, what: str, tmp_path: Path) -> None:
    text = SMALL.replace("approval:\n", f"approval:\n  signal:\n    {signal}\n")
    [problem] = problems_of(text, tmp_path)
    assert f"flow.yaml:{line}: " in problem
    assert what in problem


def test_email_of_an_approver_is_lower_case(tmp_path: Path) -> None:
    assert load_text(SMALL, tmp_path).approval.approvers[0].email == "alice@northwind.example"


@pytest.mark.parametrize("written", ["1200000000000010", '"1200000000000010"', "'1200000000000010'", "001200"])
def test_gid_may_be_quoted_or_not(written: str, tmp_path: Path) -> None:
    flow = load_text(SMALL.replace("project: 1,", f"project: {written},"), tmp_path)
    assert flow.bills.project == written.strip("\"'")


@pytest.mark.parametrize("word", ["no", "yes", "on", "off", "12:30:45", "0123", "1e3", "2026-01-01", "=", "NULL and void"])
def test_word_that_yaml_would_turn_into_something_else_stays_a_word(word: str, tmp_path: Path) -> None:
    text = SMALL.replace("states: [Posted]", f"states: [Posted], entities: [{word}], key_field: {word}")
    flow = load_text(text, tmp_path)
    assert flow.bills.entities == (word,)
    assert flow.bills.key_field == word


@pytest.mark.parametrize(("written", "meant"), [("true", True), ("no", False), ("off", False), ("Yes", True)])
def test_switches_take_the_usual_words(written: str, meant: bool, tmp_path: Path) -> None:
    text = SMALL.replace("approval:\n", f"approval:\n  segregation_of_duties: {written}\n")
    assert load_text(text, tmp_path).approval.segregation_of_duties is meant


def test_anchors_and_merges_save_typing(tmp_path: Path) -> None:
    text = SMALL.replace(
        "{USD: 10000.10}}", "&low {USD: 10000.10}}\n    - {email: b@northwind.example, intacct_users: [b], limits: *low}"
    ) + (
        "    - email: c@northwind.example\n      intacct_users: [c]\n      limits: {<<: *low, GBP: 7}\n"
        "    - email: d@northwind.example\n      intacct_users: [d]\n      limits: {<<: *low, USD: 9}\n"
    )
    _, second, third, fourth = load_text(text, tmp_path).approval.approvers
    assert second.limits == {"USD": Decimal("10000.10")}
    assert third.limits == {"USD": Decimal("10000.10"), "GBP": Decimal(7)}
    assert fourth.limits == {"USD": Decimal(9)}


def test_problem_inside_an_alias_is_told_where_the_text_stands(tmp_path: Path) -> None:
    text = SMALL.replace(
        "{USD: 10000.10}}", "&low {USD: lots}}\n    - {email: b@northwind.example, intacct_users: [b], limits: *low}"
    )
    told = problems_of(text, tmp_path)
    assert len(told) == 1
    assert ":6: `USD` is 'lots'" in told[0]


def test_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"flow: x\ndescription: caf\xe9\n")
    with pytest.raises(Misconfigured, match=r"latin\.yaml:2: the file is not UTF-8"):
        load_flow(path)


def test_unprintable_character_is_told_with_its_line(tmp_path: Path) -> None:
    assert "U+0007" in problems_of("flow: x\ndescription: a\x07b\n", tmp_path)[0]
    assert ":2: " in problems_of("flow: x\ndescription: a\x07b\n", tmp_path)[0]


def test_deep_nesting_is_told_and_does_not_crash(tmp_path: Path) -> None:
    assert "nested too deeply" in problems_of("flow: " + "[" * 20_000, tmp_path)[0]


def test_byte_order_mark_of_windows_editors_is_no_problem(tmp_path: Path) -> None:
    assert load_text("\ufeff" + SMALL.replace("\n", "\r\n"), tmp_path).flow == "small"


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"gone\.yaml: the file cannot be read"):
        load_flow(tmp_path / "gone.yaml")


def test_date_that_is_a_number_of_seconds_is_no_date(tmp_path: Path) -> None:
    assert "is '1704067200', which is no date (" in problems_of(SMALL + "schedules: {start_date: 1704067200}\n", tmp_path)[0]


def test_cron_presets_and_names_of_days_are_fine(tmp_path: Path) -> None:
    text = SMALL + 'schedules: {bill_sync: "@hourly", vendor_sync: "0 9 * * mon-fri"}\n'
    assert load_text(text, tmp_path).schedules.vendor_sync == "0 9 * * mon-fri"


@pytest.mark.parametrize(
    "cron", ["@reboot", "* * * * * *", "*/90 * * * *", "H * * * *", "5 4 * * xyz", "0 0 * * 8", "; rm -rf /"]
)
def test_cron_that_airflow_would_refuse_or_that_surprises_is_told(cron: str, tmp_path: Path) -> None:
    assert "`bill_sync` is no schedule" in problems_of(SMALL + f'schedules: {{bill_sync: "{cron}"}}\n', tmp_path)[0]


WAKING = SMALL + 'schedules: {approval_reconciliation: "*/5 * * * *"}\nwake: webhook\n'


@pytest.mark.parametrize("url", ["https://airflow.example.com", "https://a.example:8443/airflow/", "http://127.0.0.1:8080"])
def test_the_address_that_asana_calls_is_an_encrypted_one_or_this_machine(url: str, tmp_path: Path) -> None:
    flow = load_text(WAKING + f"waking: {{public_url: {url}}}\n", tmp_path)
    assert (flow.wake, flow.waking.public_url) == ("webhook", url.rstrip("/"))


@pytest.mark.parametrize(
    "url",
    [
        "airflow.example.com",
        "https://",
        "https://u:secret@a.example",
        "http://u:secret@a.example",
        "'https://a.example/?x=1'",
        "ftp://a.example",
        "'https://a b'",
    ],
)
def test_an_address_that_asana_could_not_call_is_told(url: str, tmp_path: Path) -> None:
    [told] = problems_of(WAKING + f"waking: {{public_url: {url}}}\n", tmp_path)
    assert ":9: `public_url`" in told
    assert "secret" not in told


def test_a_bad_schedule_is_told_once_although_waking_needs_it(tmp_path: Path) -> None:
    text = WAKING.replace("*/5 * * * *", "often").replace("webhook", "watcher")
    [told] = problems_of(text, tmp_path)
    assert "is no schedule" in told


def test_waking_changes_nothing_that_tasks_say() -> None:
    flow = load_flow(DEMO)
    woken = flow.model_copy(update={"wake": "watcher"})
    assert woken.fingerprint("bill") == flow.fingerprint("bill")


def test_bad_file_does_not_hide_good_ones(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SMALL)
    (tmp_path / "b.yaml").write_text("flow: [")
    shutil.copy(DEMO, tmp_path / "c.yaml")
    (tmp_path / "flow.schema.json").write_text("{}")
    (tmp_path / "README.md").write_text("words")
    (tmp_path / ".hidden.yaml").write_text("flow: [")
    flows, errors = load_flows(tmp_path)
    assert [flow.flow for flow in flows] == ["small", "demo"]
    assert len(errors) == 1
    assert "b.yaml" in str(errors[0])


def test_of_two_files_of_one_flow_neither_is_loaded(tmp_path: Path) -> None:
    """The copy may have other approvers, and its name may come first."""
    (tmp_path / "a copy.yaml").write_text(
        "# a copy\n" + SMALL.replace("project: 1", "project: 91").replace("project: 2", "project: 92")
    )
    (tmp_path / "b.yaml").write_text(SMALL)
    shutil.copy(DEMO, tmp_path / "c.yaml")
    flows, errors = load_flows(tmp_path)
    assert [flow.flow for flow in flows] == ["demo"]
    assert "a copy.yaml:2: the flow 'small' is claimed by b.yaml too, so none of these files is loaded" in str(errors[0])
    assert "b.yaml:1: the flow 'small' is claimed by a copy.yaml too" in str(errors[1])


def test_a_copy_does_not_take_over_while_the_live_file_has_a_problem(tmp_path: Path) -> None:
    (tmp_path / "copy.yaml").write_text(SMALL)
    (tmp_path / "live.yaml").write_text(SMALL.replace("approval:", "aproval:"))
    flows, errors = load_flows(tmp_path)
    assert not flows
    assert len(errors) == 2


@pytest.mark.parametrize("other", ["1", "2"])
def test_of_two_flows_on_one_project_neither_is_loaded(tmp_path: Path, other: str) -> None:
    """Also where the project of the one's bills is the other's vendors'."""
    (tmp_path / "a.yaml").write_text(SMALL)
    renamed = (
        SMALL.replace("flow: small", "flow: renamed").replace("project: 1", "project: 91").replace("project: 2", "project: 92")
    )
    (tmp_path / "b.yaml").write_text(renamed.replace("project: 91", f"project: {other}"))
    flows, errors = load_flows(tmp_path)
    assert not flows
    assert f"the Asana project '{other}' is claimed by b.yaml too" in str(errors[0])
    assert f"the Asana project '{other}' is claimed by a.yaml too" in str(errors[1])


def test_file_that_ends_in_yml_is_told_instead_of_being_overlooked(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(SMALL)
    flows, errors = load_flows(tmp_path)
    assert not flows
    assert "end it in .yaml" in str(errors[0])


def test_missing_folder_is_told(tmp_path: Path) -> None:
    _, errors = load_flows(tmp_path / "nowhere")
    assert "there is no such folder" in str(errors[0])


def changed(flow: Flow, **parts: dict[str, object]) -> Flow:
    return flow.model_copy(update={name: getattr(flow, name).model_copy(update=update) for name, update in parts.items()})


def test_policy_version_changes_with_the_policy_only() -> None:
    flow = load_flow(DEMO)
    version = flow.approval.policy_version
    assert version == hashlib.sha256(flow.approval.policy_text.encode()).hexdigest()
    assert changed(flow, approval={"crawl_hours": 7}).approval.policy_version == version
    assert changed(flow, bills={"page_size": 7}).approval.policy_version == version
    assert changed(flow, approval={"segregation_of_duties": False}).approval.policy_version != version


def test_policy_version_is_the_same_for_the_same_amount(tmp_path: Path) -> None:
    one = load_text(SMALL, tmp_path).approval.policy_version
    same = load_text(SMALL.replace("10000.10", "10000.1"), tmp_path).approval.policy_version
    other = load_text(SMALL.replace("10000.10", "10000.11"), tmp_path).approval.policy_version
    assert one == same != other


def test_fingerprint_changes_with_what_tasks_say_and_not_with_speed() -> None:
    flow = load_flow(DEMO)
    assert changed(flow, bills={"page_size": 7, "look_back_minutes": 1}).fingerprint("bill") == flow.fingerprint("bill")
    assert changed(flow, bills={"task_name": "{vendor_id}"}).fingerprint("bill") != flow.fingerprint("bill")
    assert changed(flow, bills={"task_name": "{vendor_id}"}).fingerprint("vendor") == flow.fingerprint("vendor")
    assert changed(flow, connections={"intacct": "other"}).fingerprint("vendor") != flow.fingerprint("vendor")


def assigned(assignee: str) -> str:
    fields = "fields: [{name: Team, kind: enum, owner: asana, options: [IT]}, {name: Who, kind: text, owner: asana}]"
    text = SMALL.replace("states: [Posted]}", f"states: [Posted], assignee: {assignee}}}")
    return text.replace("vendors: {project: 2}", f"vendors: {{project: 2, {fields}}}")


@pytest.mark.parametrize(
    "assignee",
    ["{email: a@b.example}", "{vendor_field: Who}", "{vendor_field: Team, people: {IT: a@b.example}, email: c@d.example}"],
)
def test_whose_task_a_bill_becomes_can_be_said_in_several_ways(tmp_path: Path, assignee: str) -> None:
    assert load_text(assigned(assignee), tmp_path).bills.assignee is not None


@pytest.mark.parametrize(
    ("assignee", "said"),
    [
        ("{}", "names nobody"),
        ("{email: a@b.example, people: {IT: a@b.example}}", "`people` without a `vendor_field`"),
        ("{vendor_field: Team}", "nothing says who its options are"),
        ("{vendor_field: Team, people: {It: a@b.example}}", "did you mean 'IT'?"),
    ],
)
def test_an_assignee_that_names_nobody_is_told(tmp_path: Path, assignee: str, said: str) -> None:
    (problem,) = problems_of(assigned(assignee), tmp_path)
    assert said in problem


def test_who_decides_about_bills_without_a_creator_is_an_approver(tmp_path: Path) -> None:
    text = SMALL.replace("approval:\n", "approval:\n  creator_untold: [Alice@Northwind.example]\n")
    approval = load_text(text, tmp_path).approval
    assert approval.decides_without_creator("alice@northwind.example")
    assert not load_text(SMALL, tmp_path).approval.decides_without_creator("alice@northwind.example")
    with pytest.raises(Misconfigured, match=r"zoe@northwind\.example is no approver"):
        load_text(text.replace("[Alice@", "[zoe@"), tmp_path)


# The line as it is written.


def test_a_problem_quotes_its_line(tmp_path: Path) -> None:
    [problem] = problems_of(SMALL.replace("[Posted]", "[Postd]"), tmp_path)
    what, quote = problem.split("\n")
    assert what.endswith("flow.yaml:2: `states` is 'Postd', which is not allowed (did you mean 'Posted'?)")
    assert quote == "      | bills: {project: 1, states: [Postd]}"


@pytest.mark.parametrize(
    ("written", "secret"),
    [
        ("asana_token: abc", "abc"),
        ("sender_password : 'abc d'", "abc d"),
        ('"api_key": abc', "abc"),
        ("intacct: {Password: abc, more: 1}", "abc"),
        ("apikey: abc", "abc"),
        ("waking: {public_url: 'https://me:abc@airflow.example.com'}", "abc"),
        ("waking: {public_url: https://airflow.example.com/?key=abc}", "abc"),
        ("asana: 2/1200000000000010/1200000000000020:0123456789abcdef0123456789abcdef", "0123456789abcdef"),
    ],
)
def test_a_quoted_line_keeps_a_secret_that_somebody_wrote_there(written: str, secret: str, tmp_path: Path) -> None:
    told = "\n".join(problems_of(f"{SMALL}{written}\n", tmp_path))
    quotes = [line for line in told.splitlines() if line.startswith("      | ")]
    assert quotes
    assert all(secret not in line for line in quotes), quotes


def test_gids_and_names_are_quoted_as_they_are(tmp_path: Path) -> None:
    line = "boards: {project: 1200000000000010, mail: alice.martin2@northwind.example, field: ASANA_DECISION_REASON}"
    [problem] = problems_of(f"{SMALL}{line}\n", tmp_path)
    assert problem.endswith(f"| {line}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{SMALL}sweep_hours: 3\n", "it is a key of `bills` and of `vendors`: indent it below that"),
        (SMALL.replace("vendors: {project: 2}", "vendors: {project: 2, approvers: []}"), "it is a key of `approval`"),
        (SMALL.replace("vendors: {project: 2}", "vendors: {project: 2, rehearsal: true}"), "it is a key of the file itself"),
    ],
)
def test_a_key_that_is_indented_wrongly_is_told_where_it_belongs(text: str, said: str, tmp_path: Path) -> None:
    [problem] = problems_of(text, tmp_path)
    assert said in problem


# One flow of many


def a_file(name: str, number: int) -> str:
    text = SMALL.replace("flow: small", f"flow: {name}")
    return text.replace("project: 1", f"project: 120000000000{number}1").replace(
        "project: 2", f"project: 120000000000{number}2"
    )


OURS = a_file("small", 1)
OTHERS = {"another": a_file("another", 2), "small_too": a_file("small_too", 3)}
OTHER = a_file("other", 4)


def in_folder(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("asked", ["small", "small_bill_sync", "small_approval_reconciliation"])
def test_one_flow_is_loaded_without_reading_the_others_in_full(asked: str, tmp_path: Path) -> None:
    folder = in_folder(tmp_path, small=OURS, **OTHERS, broken="flow: broken\nbills: [\n")
    flows, errors = load_flow_of(folder, asked)
    assert [flow.flow for flow in flows] == ["small"]
    assert errors == []
    assert [flow.flow for flow in load_flow_of(folder, "small_too_bill_sync")[0]][-1] == "small_too"


@pytest.mark.parametrize(
    "copied",
    [
        OTHER.replace("flow: other", "flow: small"),
        OTHER.replace("flow: other", 'flow: "sm\\u0061ll"'),
        OTHER.replace("flow: other", "? flow\n# a word\n: small"),
        OTHER.replace("flow: other", "flow: # the name\n  small"),
        OTHER.replace("flow: other", "description: &a small\nflow: *a"),
        OTHER.replace("12000000000041", "'12000000000012'"),
        OTHER.replace("12000000000041", '"1200000000\\u0030011"'),
        "flow: small\nbills: {project: 77}\n",
    ],
)
def test_one_flow_is_claimed_as_when_all_files_are_read(copied: str, tmp_path: Path) -> None:
    """However a second file says the same name or project, neither is loaded."""
    folder = in_folder(tmp_path, small=OURS, copied=copied, **OTHERS)
    assert "small" not in {flow.flow for flow in load_flows(folder)[0]}
    flows, errors = load_flow_of(folder, "small_bill_sync")
    assert "small" not in {flow.flow for flow in flows}
    assert any("is claimed by copied.yaml too" in str(error) for error in errors)


def test_both_readers_of_yaml_read_the_same_values() -> None:
    text = DEMO.read_text(encoding="utf-8")
    assert yaml_text.is_read_fast(text)
    fast, slow = (yaml_text.read_yaml(text, fast=fast) for fast in (True, False))
    assert fast == slow
    assert fast[0].lines == slow[0].lines  # type: ignore[union-attr]


def test_a_text_that_nests_too_deeply_for_c_is_left_to_python() -> None:
    assert not yaml_text.is_read_fast("[" * 5000)
    assert not yaml_text.is_read_fast("- " * 5000)


@pytest.mark.parametrize(
    ("cron", "pattern"),
    [
        ("*/15 * * * *", r"([0-9]|1[0-4])-59/15 \* \* \* \*"),
        ("30 2 * * 1-5", r"[0-9]{1,2} 2 \* \* 1-5"),
        ("@daily", r"[0-9]{1,2} 0 \* \* \*"),
        ("0,30 * * * *", r"0,30 \* \* \* \*"),
        ("* * * * *", r"\* \* \* \* \*"),
    ],
)
def test_schedules_are_spread_by_name_and_stay_as_frequent(cron: str, pattern: str) -> None:
    made = [spread(cron, by=f"company_{number}_bill_sync") for number in range(50)]
    assert all(re.fullmatch(pattern, one) and cron_flaw(one) is None for one in made)
    assert made[0] == spread(cron, by="company_0_bill_sync")
    if "/" in cron or cron == "@daily":
        assert len(set(made)) > 8
