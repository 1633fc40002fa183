"""An auditor's pack: what is in it, and that the program in it, alone, names whatever was done to it."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.audit import verify_alone
from intacct_asana.audit.pack import BillSeen, Period, Populations, Sample, Source, TaskSeen, pack_of, seal_finding
from intacct_asana.errors import Misconfigured
from intacct_asana.operators.evidence import EvidenceFormOperator
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.reading.both_sides import Sides, period_of

from tests.evidence.evidence_world import NOON, OTHER, OURS, ROWS, chained, exported
from tests.evidence.test_evidence_of_a_flow import airflow, command, flow
from tests.reconciliation.reconciliation_world import BEGIN, BEN
from tests.standing.standing_world import FLOW, Standing

__all__ = ["airflow", "flow"]
pytestmark = pytest.mark.airflow


def bill(number: int, *, amount: str = "12.50", **more: Any) -> BillSeen:
    told = {"bill_number": f"INV-{number}", "vendor_id": "V1", "vendor_name": "=1+1", "entity": "US01", "state": "Posted"}
    return BillSeen(
        key=f"c:bill:{number}",
        record_no=str(number),
        bill_date=date(2026, 11, number),
        currency="USD",
        amount=Decimal(amount),
        **{**told, **more},
    )


def task(of: BillSeen) -> TaskSeen:
    return TaskSeen(
        key=of.key,
        task_gid=f"90{of.record_no}",
        task_url="",
        name=of.bill_number,
        completed=False,
        entity=of.entity,
        currency=of.currency,
        amount=of.amount,
        approval="Approved",
    )


def source(system: str) -> Source:
    return Source(system=system, query="all", parameters={}, read_at=NOON, read_by="somebody")


def populations() -> Populations:
    evidence = exported()
    stamped = {row.sequence: f"dec-1 #{row.sequence}:{row.digest[:16]}" for row in evidence.chain}
    bills = [bill(1, decision="Approved", decision_id=stamped[2]), bill(2, amount="-3.10"), bill(3, entity="UK01"), bill(4)]
    return Populations(
        period=Period(since=date(2026, 11, 1), until=date(2026, 11, 30)),
        bills=bills,
        tasks=[task(one) for one in bills],
        differences=[],
        sources=(source("Sage Intacct"), source("Asana")),
    )


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    for name, content in pack_of(populations(), evidence=exported(), sample=Sample(size=2, seed="november"), keys=OURS).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def verified(folder: Path, *words: str) -> tuple[int, str]:
    """The program in the folder, with Python alone: no site packages, no environment, another working folder."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py"), *words], capture_output=True, text=True, cwd="/", check=False
    )
    return done.returncode, done.stdout + done.stderr


def edit_json(path: Path, edit: Callable[[Any], object]) -> None:
    said = json.loads(path.read_text())
    edit(said)
    path.write_text(json.dumps(said))


def edit_text(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def edit_bytes(path: Path, edit: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(edit(path.read_bytes().splitlines(keepends=True))))


def make_fit(folder: Path) -> None:
    """What somebody with an editor can do: every digest in the manifest is made to fit the files again."""

    def fit(manifest: dict[str, Any]) -> None:
        there = [path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"]
        manifest["files"] = {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in there
        }

    edit_json(folder / "manifest.json", fit)


def test_a_pack_that_nobody_touched_verifies_by_itself(pack: Path) -> None:
    code, said = verified(pack)
    assert (code, "Nothing is wrong." in said, "give --manifest" in said) == (0, True, True)
    digest = verify_alone.manifest_digest(pack)
    assert verified(pack, "--manifest", digest)[0] == 0
    assert "it was changed or made anew" in verified(pack, "--manifest", "0" * 64)[1]
    assert seal_finding(verify_alone.read_manifest(pack), OURS) == ""
    assert (pack / "verify.py").read_bytes() == Path(verify_alone.__file__).read_bytes()


def test_no_cell_is_a_formula_and_each_side_adds_up(pack: Path) -> None:
    with (pack / "intacct_bills.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["vendor_name"] for row in rows] == ["'=1+1"] * 4
    books, board = verify_alone.read_manifest(pack)["populations"]
    assert books["control_totals"] == [
        {"entity": "UK01", "currency": "USD", "rows": 1, "amount": "12.50"},
        {"entity": "US01", "currency": "USD", "rows": 3, "amount": "21.90"},
    ]
    assert board["control_totals"] == books["control_totals"]


LAST = 6

DONE_TO_IT: dict[str, tuple[Callable[[Path], object], str]] = {
    "a word in a row of evidence": (
        lambda pack: edit_text(pack / "evidence.json", "ben@example.com", "mallory@example.com"),
        "evidence row 3 (c:bill:2): it was altered",
    ),
    "a row of evidence removed": (
        lambda pack: edit_json(pack / "evidence.json", lambda said: said["chain"].pop(2)),
        "evidence row 4 (c:bill:2): rows 3 to 3 were removed",
    ),
    "two rows put in another order": (
        lambda pack: edit_json(pack / "evidence.json", lambda said: said["chain"].insert(1, said["chain"].pop(2))),
        "rows 2 to 2 were removed",
    ),
    "the end of the evidence cut off": (
        lambda pack: edit_json(pack / "evidence.json", lambda said: said["chain"].pop()),
        f"its end was cut off: rows {LAST} to {LAST}",
    ),
    "a bill taken out": (
        lambda pack: edit_bytes(pack / "intacct_bills.csv", lambda lines: lines[:-1]),
        "intacct_bills.csv: it has 3 rows, and the manifest says 4",
    ),
    "a bill's vendor": (
        lambda pack: edit_text(pack / "intacct_bills.csv", '"V1"', '"V2"'),
        "intacct_bills.csv, row 1 (c:bill:1): it was altered",
    ),
    "a bill taken out, by name": (
        lambda pack: edit_bytes(pack / "intacct_bills.csv", lambda lines: lines[:2] + lines[3:]),
        "intacct_bills.csv, c:bill:2: its row was removed",
    ),
    "a bill twice": (
        lambda pack: edit_bytes(pack / "intacct_bills.csv", lambda lines: [*lines, lines[1]]),
        "intacct_bills.csv, row 5 (c:bill:1): it stands twice",
    ),
    "a bill's key": (
        lambda pack: edit_text(pack / "intacct_bills.csv", '"c:bill:4"', '"c:bill:5"'),
        "intacct_bills.csv, row 4 (c:bill:5): it was added, or its key was altered",
    ),
    "a task completed": (
        lambda pack: edit_text(pack / "asana_tasks.csv", '"no"', '"yes"'),
        "asana_tasks.csv, row 1 (901): it was altered",
    ),
    "an amount": (
        lambda pack: edit_text(pack / "intacct_bills.csv", '"12.50"', '"12.51"'),
        "intacct_bills.csv, entity US01, USD: 3 rows and 21.91 do not make the control total of 3 rows and 21.90",
    ),
    "an amount on the other side": (
        lambda pack: edit_text(pack / "asana_tasks.csv", '"12.50"', '"12.51"'),
        "asana_tasks.csv, entity US01, USD",
    ),
    "an anchor on a bill": (
        lambda pack: edit_text(pack / "intacct_bills.csv", "#2:", "#9:"),
        "the stamp on bill INV-1: it names evidence row 9, which is not there",
    ),
    "a bill of the sample": (
        lambda pack: shutil.rmtree(next((pack / "sample").iterdir())),
        "its folder is not there",
    ),
    "evidence in the sample": (
        lambda pack: [(one / "evidence.json").write_text('[{"sequence": 1}]\n') for one in (pack / "sample").iterdir()],
        "it does not hold the rows of",
    ),
    "another sample": (
        lambda pack: edit_json(pack / "manifest.json", lambda said: said["sample"].update(seed="mine")),
        "sample: the seed draws",
    ),
    "a difference": (
        lambda pack: edit_text(pack / "differences.csv", '"key"', '"key"\r\n"x"'),
        "differences.csv: it has 1 rows",
    ),
    "a file added": (lambda pack: (pack / "more.txt").write_text("x"), "more.txt: it was added"),
    "a file removed": (lambda pack: (pack / "evidence.csv").unlink(), "evidence.csv: it was removed"),
    "a file altered": (lambda pack: edit_text(pack / "README.txt", "bills", "pills"), "README.txt: it was altered"),
}
HIDDEN_BY_FITTING = {"a file altered", "a file added", "a file removed"}


@pytest.mark.parametrize("what", DONE_TO_IT)
def test_whatever_is_done_to_it_is_named(pack: Path, what: str) -> None:
    """Also where the digests of the files were made to fit, but for what only they tell of."""
    does, told = DONE_TO_IT[what]
    does(pack)
    findings = [f"{where}: {wrong}" for where, wrong in verify_alone.findings_in(pack)]
    assert [one for one in findings if told in one], findings
    if what not in HIDDEN_BY_FITTING:
        make_fit(pack)
        assert [one for one in verify_alone.findings_in(pack) if told in ": ".join(one)]


def test_a_pack_made_anew_as_a_whole_is_told_by_its_digest_its_seal_and_an_anchor(pack: Path, tmp_path: Path) -> None:
    before = verify_alone.manifest_digest(pack)
    anchor = f"#{LAST}:{exported().chain[-1].digest[:16]}"
    anew = exported(rows=chained(ROWS, keys=OTHER), keys=OTHER)
    forged = pack_of(populations(), evidence=anew, sample=Sample(size=2, seed="november"), keys=OTHER)
    for name, content in forged.items():
        (pack / name).write_bytes(content)
    assert "made anew" in verified(pack, "--manifest", before)[1]
    assert f"it names evidence row {LAST} with another digest" in verified(pack, "--anchor", anchor)[1]
    assert "not configured here" in seal_finding(verify_alone.read_manifest(pack), OURS)
    edit_json(pack / "manifest.json", lambda said: said["seal"].update(signed_by=OURS.signer))
    assert "does not fit" in seal_finding(verify_alone.read_manifest(pack), OURS)


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (lambda pack: (pack / "manifest.json").unlink(), "cannot be read"),
        (lambda pack: (pack / "manifest.json").write_text("{"), "cannot be read"),
        (lambda pack: edit_json(pack / "manifest.json", lambda said: said.update(version=2)), "this program reads"),
        (lambda pack: edit_json(pack / "manifest.json", lambda said: said.pop("files")), "cannot be read"),
        (lambda pack: edit_json(pack / "manifest.json", lambda said: said.pop("made_at")), "cannot be read"),
    ],
)
def test_what_is_no_pack_is_said_in_a_sentence(pack: Path, does: Callable[[Path], object], said: str) -> None:
    does(pack)
    code, told = verified(pack)
    assert (code, said in told, "Traceback" in told) == (2, True, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("populations", []),
        ("populations", [{"file": "a"}]),
        ("files", 1),
        ("sample", {"seed": "1", "size": "many", "keys": []}),
        ("evidence", {"rows": None, "head": None}),
        ("evidence_rows", 7),
    ],
)
def test_a_manifest_of_another_form_is_no_pack(pack: Path, name: str, value: object) -> None:
    edit_json(pack / "manifest.json", lambda said: said.update({name: value}))
    code, told = verified(pack)
    assert (code, "cannot be read" in told, "Traceback" in told) == (2, True, False)


def test_a_bill_of_the_sample_stands_with_all_of_its_tasks() -> None:
    two = populations()
    again = replace(two.tasks[0], task_gid="999")
    files = pack_of(replace(two, tasks=[*two.tasks, again]), evidence=exported(), sample=Sample(size=4, seed="all"), keys=OURS)
    assert [one["task_gid"] for one in json.loads(files["sample/1/bill.json"])["tasks"]] == ["901", "999"]


def test_a_sample_larger_than_the_population_is_refused() -> None:
    with pytest.raises(Misconfigured, match="A sample of 5 is larger than the population: 4 bills"):
        pack_of(populations(), evidence=exported(), sample=Sample(size=5, seed="1"), keys=OURS)


def test_the_pack_of_a_flow_says_what_both_systems_hold(flow: Standing, tmp_path: Path) -> None:
    days = sorted(one["bill_date"] for one in flow.sandbox.state("intacct")["bills"])
    asked = ("pack", "--flow", "small", "--since", days[0], "--until", days[-1], "--sample", 1)
    code, told = command(*asked, "--to", tmp_path / "pack")
    assert code == 0, told
    manifest = verify_alone.read_manifest(tmp_path / "pack")
    books, board = manifest["populations"]
    wanted = sum(Decimal(one["total_entered"]) for one in flow.sandbox.state("intacct")["bills"])
    assert [sum(Decimal(one["amount"]) for one in side["control_totals"]) for side in (books, board)] == [wanted, wanted]
    assert (books["rows"], board["rows"], manifest["differences"]) == (2, 2, 0)
    assert books["parameters"]["show_private"] is False
    assert verify_alone.manifest_digest(tmp_path / "pack") in told
    assert verified(tmp_path / "pack")[0] == 0
    assert command("verify", tmp_path / "pack")[0] == 0
    assert "overwrites nothing" in command(*asked, "--to", tmp_path / "pack")[1]
    assert "larger than the population" in command(*asked[:-1], 3, "--to", tmp_path / "other")[1]


def test_the_form_makes_a_pack_and_a_run_without_a_period_says_what_is_missing(flow: Standing) -> None:
    step = EvidenceFormOperator(task_id="pack", flow="small")
    made = flow.step(step, format="pack", since="2026-01-01", until="2026-12-31", sample=2, seed="x")
    assert (made["rows"], made["tasks"], made["differences"], made["findings"]) == (2, 2, 0, [])
    assert made["sha256"] == verify_alone.manifest_digest(Path(made["file"]))
    assert (Path(made["file"]) / "evidence.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(Misconfigured, match="two days such as 2026-07-01"):
        flow.step(EvidenceFormOperator(task_id="pack", flow="small"), format="pack")


@pytest.mark.parametrize("older", [False, True])
def test_a_bill_without_a_task_is_a_difference_unless_the_flow_leaves_it_alone(
    flow: Standing, tmp_path: Path, older: bool
) -> None:
    flow.make_bill()
    if older:
        text = flow.path.read_text(encoding="utf-8").replace("bills:\n", "bills:\n  bill_date_from: 2099-01-01\n", 1)
        flow.path.write_text(text, encoding="utf-8")
    asked = ("--since", "2000-01-01", "--until", "2098-12-31", "--sample", 0, "--to", tmp_path / "pack")
    assert command("pack", "--flow", "small", *asked)[0] == 0
    with (tmp_path / "pack" / "differences.csv").open(newline="") as file:
        assert [row["what"] for row in csv.DictReader(file)] == ([] if older else ["no task"])


def test_a_pack_names_where_the_sides_differ(flow: Standing, tmp_path: Path) -> None:
    flow.edit(amount="40000.00")
    flow.choose("ben.okafor@northwind.example", "Pending", bill=1)
    days = sorted(one["bill_date"] for one in flow.sandbox.state("intacct")["bills"])
    command("pack", "--flow", "small", "--since", days[0], "--until", days[-1], "--sample", 0, "--to", tmp_path / "pack")
    with (tmp_path / "pack" / "differences.csv").open(newline="") as file:
        rows = [(row["key"], row["what"], row["in_intacct"]) for row in csv.DictReader(file)]
    assert rows == [(flow.key(), "amount", "40000.00"), (flow.key(1), "approval", "Approved")]
    rows_of_it = tmp_path / "pack" / "evidence.json"
    rows_of_it.write_text(rows_of_it.read_text().replace("alice.martin", "mallory"))
    code, told = command("verify", tmp_path / "pack")
    assert (code, "it was altered" in told, "it was changed after it was written" in told) == (1, True, True)


def test_a_flow_that_writes_no_stamp_is_not_blamed_for_none(
    a_flow: Callable[..., Standing],
) -> None:
    flow = a_flow(replace=("  steps: [stamp]\n\n" + FLOW[FLOW.index("  stamp:\n") :], "  steps: [observe]\n"))
    flow.approve("alice.martin@northwind.example")
    flow.heal()
    run = FlowRun(flow.flow, now=lambda: flow.at)
    run.__dict__["store"] = flow.store
    board, pins = run.own_board("bill")
    sides = Sides(flow.flow, run.books, board, pins, company_id="", login="", now=run.now)
    found = sides.read(period_of("2026-01-01", "2026-12-31"))
    assert ([one.approval for one in found.tasks], found.differences) == (["Approved"], [])


# A quarter of a company


def settle_a_company(world: Standing, *, bills: int, decided: int) -> None:
    """In place of the flow's few bills a generated company, synced; Ben decides on the first ones that he may decide on."""
    world.sandbox.reset(vendors=40, bills=bills, keep_fields=True, now=BEGIN.isoformat())
    world.sandbox.settings(asana_requests_per_minute=1_000_000)
    world.sandbox.clock(freeze=world.at.isoformat())
    world.books = None
    world.sync()
    world.bills = [
        one["record_no"]
        for one in world.sandbox.state("intacct")["bills"]
        if (one["state"], one["base_currency"], one["source_document"]) == ("Posted", "USD", "")
        and one["created_by"] != "bokafor"
        and 0 < Decimal(one["total_entered"]) < 40_000
        and one["bill_date"] >= FIRST_DAY
    ][:decided]
    for place in range(decided):
        world.act(BEN, "comment", bill=place, text="see the contract")
        world.choose(BEN, "Rejected" if place % 5 == 4 else "Approved", bill=place)
    world.heal()


FIRST_DAY, LAST_DAY = "2026-10-01", "2026-12-31"
FEW = 12
IN_A_QUARTER: dict[str, Callable[[Path], object]] = {
    # Another vendor: no total and no number of rows tells of it.
    "a row altered": lambda pack: edit_bytes(
        pack / "intacct_bills.csv", lambda rows: [*rows[:40], rows[40].replace(b'"V10', b'"V99'), *rows[41:]]
    ),
    "a row removed": lambda pack: edit_bytes(pack / "intacct_bills.csv", lambda rows: rows[:40] + rows[41:]),
    "the end of the evidence cut off": DONE_TO_IT["the end of the evidence cut off"][0],
}


@pytest.mark.slow
def test_the_pack_of_a_generated_quarter_is_verified_by_its_own_program_alone(
    a_flow: Callable[..., Standing],
    airflow: Callable[[Standing, str], None],
    tmp_path: Path,
    figures: Callable[[str, object], None],
) -> None:
    world = a_flow(bills=0, replace=("\nbills:\n", "\nbills:\n  entities: [US01, UK01]\n  show_private: true\n"))
    airflow(world, world.url)
    settle_a_company(world, bills=300, decided=FEW)
    whole = tmp_path / "quarter"
    asked = ("--since", FIRST_DAY, "--until", LAST_DAY, "--sample", 25, "--seed", "drawn by lot", "--to", whole)
    code, told = command("pack", "--flow", "small", *asked)
    assert code == 0, told
    digest = verify_alone.manifest_digest(whole)
    code, said = verified(whole, "--manifest", digest)
    assert (code, "Nothing is wrong." in said) == (0, True), said

    held = [one for one in world.sandbox.state("intacct")["bills"] if FIRST_DAY <= (one["bill_date"] or "") <= LAST_DAY]
    manifest = verify_alone.read_manifest(whole)
    books, board = manifest["populations"]
    assert books["rows"] == len(held)
    assert sum(Decimal(one["amount"]) for one in books["control_totals"]) == sum(Decimal(one["total_entered"]) for one in held)
    assert len(list((whole / "sample").iterdir())) == 25
    assert {one.key for one in world.store.evidence()} >= {world.key(place) for place in range(FEW)}

    named = {}
    for what, does in IN_A_QUARTER.items():
        shutil.copytree(whole, tmp_path / what)
        does(tmp_path / what)
        make_fit(tmp_path / what)
        code, named[what] = verified(tmp_path / what)
        assert code == 1, named[what]
    told_rows = manifest["evidence"]["rows"]
    keys = [one["key"] for one in verify_alone.rows_in((whole / "intacct_bills.csv").read_bytes())]
    assert f"intacct_bills.csv, row 40 ({keys[39]}): it was altered" in named["a row altered"]
    assert f"intacct_bills.csv, {keys[39]}: its row was removed" in named["a row removed"]
    assert f"it has {len(held) - 1} rows, and the manifest says {len(held)}" in named["a row removed"]
    assert f"its end was cut off: rows {told_rows} to {told_rows}" in named["the end of the evidence cut off"]
    figures(
        "pack of a quarter: bills, tasks, differences, rows of evidence, sample",
        (*(one["rows"] for one in (books, board)), manifest["differences"], told_rows, 25),
    )
