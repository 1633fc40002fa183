"""The demo's command line: see `script/demo --help`."""

from __future__ import annotations

import fcntl
import shutil
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox.demo import checks, people, prompt
from sandbox.demo.airflow_server import (
    ROOT,
    AirflowServer,
    DemoFailed,
    end_on_signals,
    environment,
    put_demo_flow,
    put_other_flows,
)
from sandbox.demo.checks import Check
from sandbox.demo.steering import Steering, ports

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False)
if not console.is_terminal:
    # Into a file or a pipe, rows stay whole.
    console = Console(highlight=False, width=160)
HOME = ROOT / ".demo"
LOCK = HOME / "lock"
FLOW = "demo"
AILS_OFTEN = 10
"""Looks in a row, two seconds apart: the scheduler counts as gone half a minute after it last told of itself."""

WHAT_NEXT = """
Airflow          {airflow}
Asana's board    {sandbox}/board
Intacct's bills  {sandbox}/bills

What to try next
  1. On the board, as Alice Martin, approve {bills[0]}
  2. In Airflow, trigger 'demo: approvals return to Intacct', or wait (at most five minutes):
     {airflow}/dags/{flow}_approval_reconciliation
  3. See who approved it, in Intacct's bills and in the task's history.
  4. The same again with one that is over her limit, and the task says why not: {bills[1]}
  5. In another terminal, from this folder, look what the next run would write, and do an hour again:
     .demo/bin/intacct-asana plan {flow}
     .demo/bin/airflow backfill create --dag-id {flow}_bill_sync --from-date {day}T00:00 --to-date {day}T01:00
  6. Add a flow file of your own to include/mappings: it is loaded too. It needs projects of its own (New project on the board).
     The demo's own flow is .demo/mappings/demo.yaml, a copy of include/mappings/demo.yaml with other settings: edit the copy.

Ctrl-C ends it all.
"""


class Sabotage(StrEnum):
    """What the sandbox is told to break, to see the demo's checks fail."""

    LOSE_STAMP = "lose-stamp"
    END_SESSION = "end-session"


class Demo:
    """The steps of the demo, in order, with a line of progress for each."""

    def __init__(self, *, seed: int, vendors: int, bills: int, port: int | None, sabotage: Sabotage | None) -> None:
        self.started = time.monotonic()
        self.sabotage = sabotage
        self.seed, self.vendors, self.bills = seed, vendors, bills
        self.results: list[Check] = []
        self.cast: list[people.Scene] = []
        self.home = HOME
        self.last_run = ""
        self.lock = _only_one()
        for left in HOME.iterdir():
            if left != LOCK:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        (HOME / "logs").mkdir()
        airflow_port, sandbox_port, *spare = ports(port)
        self.steering = Steering(sandbox_port, log=HOME / "sandbox.log")
        # It runs only when it is told to, so that no scheduled run joins in.
        self.schedules = dict.fromkeys(("bill_sync", "vendor_sync", "approval_reconciliation", "drift_audit"))
        mappings = put_demo_flow(HOME / "mappings", schedules=self.schedules, **people.rules())
        env = environment(
            HOME, port=airflow_port, spare_ports=(spare[0], spare[1]), sandbox_url=self.steering.url, mappings=mappings
        )
        self.airflow = AirflowServer(env, log=HOME / "airflow.log")

    def say(self, text: str) -> None:
        console.print(f"[dim]{time.monotonic() - self.started:6.1f} s[/dim]  {text}")

    def start(self, *, now: str = "") -> None:
        """`now`: where the sandbox's clock stands until it is moved; the real time when left out."""
        self.say("Starting the sandbox and Airflow (about half a minute) ...")
        self.steering.wait_until_up()
        made = self.steering.seed(seed=self.seed, vendors=self.vendors, in_scope=self.bills, now=now)
        self.steering.call("POST", "settings", {"asana_pages": self.steering.url, "intacct_pages": self.steering.url})
        self.say(f"Sandbox is up at {self.steering.url}: {made['intacct']}, {self.bills} bills in scope")
        self.airflow.wait_until_healthy()
        self.airflow.make_pool("intacct_api", 1, "Calls to one Intacct company at a time")
        self.airflow.make_pool("asana_api", 4, "Tasks that talk to Asana with one token")
        for job in ("preflight", "vendor_sync", "bill_sync", "approval_reconciliation", "drift_audit", "evidence"):
            self.airflow.wait_for_dag(f"{FLOW}_{job}")
            self.airflow.unpause(f"{FLOW}_{job}")
        self.say(f"Airflow is up at {self.airflow.url}")

    def run(self, job: str, conf: dict[str, Any] | None = None, *, may_fail: bool = False) -> bool:
        """Trigger one DAG and wait for it; True when it succeeded."""
        dag_id = f"{FLOW}_{job}"
        self.last_run = run_id = self.airflow.trigger(dag_id, conf)
        began = time.monotonic()
        with console.status(dag_id) as status:
            state = self.airflow.wait_for_run(
                dag_id, run_id, seconds=600, watch=lambda text: status.update(f"{dag_id}: {text}")
            )
        self.say(f"{dag_id}: {state} in {time.monotonic() - began:.1f} s")
        if state != "success":
            for line in self.airflow.errors_of(dag_id, run_id):
                self.say(f"[red]{dag_id}: {escape(line)}[/red]")
            if not may_fail:
                raise DemoFailed(f"{dag_id} failed")
        return state == "success"

    def sync(self) -> None:
        self.run("preflight", {"create_missing": True})
        self.run("vendor_sync")
        if self.sabotage is Sabotage.END_SESSION:
            self.say("[yellow]Sabotage: Intacct will end the session in the middle of bill_sync[/yellow]")
            self.steering.call("POST", "faults", {"system": "intacct", "kind": "query APBILLITEM", "action": "end_session"})
        self.run("bill_sync")
        self.results += [checks.each_bill_once(self.steering), checks.equal_to_the_cent(self.steering)]

    def approve(self) -> None:
        self.cast = people.cast(self.steering)
        native = next(scene for scene in self.cast if scene.native)
        cast = [scene for scene in self.cast if scene is not native]
        for scene in cast:
            self.play(scene)
        if self.sabotage is Sabotage.LOSE_STAMP:
            self.say("[yellow]Sabotage: Intacct will answer success to the next stamp and keep nothing of it[/yellow]")
            fault = {"system": "intacct", "kind": "update APBILL", "action": "lose_stamp", "times": 1}
            self.steering.call("POST", "faults", fault)
        done = self.run("approval_reconciliation", may_fail=True)
        self.results.append(Check("reconciliation run", "succeeded" if done else "failed", done))
        self.results += [checks.scene_ended_well(scene, self.steering) for scene in cast]
        self.go_on([scene for scene in cast if scene.goes_on])
        self.go_native(native)

    def play(self, scene: people.Scene) -> None:
        people.act(scene, self.steering)
        name = scene.bill["bill_number"] or f"record {scene.bill['record_no']}"
        self.say(f"{scene.person} chooses {scene.option} on bill {name}: {scene.title}")
        if scene.new_account:
            people.change_account(scene, self.steering)
            self.say(f"Somebody changes the payment details of vendor {scene.bill['vendor_id']} in Intacct")

    def go_on(self, scenes: list[people.Scene]) -> None:
        """Bills are edited after their approvals were stamped, others get their second step, closed books are opened; the next
        run has to make both sides say so."""
        for scene in scenes:
            if scene.second:
                people.give_second_step(scene, self.steering)
                self.say(f"{scene.second} chooses {scene.option} on bill {scene.bill['bill_number']}: {scene.title}")
            elif scene.new_account:
                people.call_back(scene, self.steering)
                self.say(f"erin.wolf called vendor {scene.bill['vendor_id']} and says so, ben.okafor releases its bills")
            elif scene.closed_books:
                people.open_books(scene, self.steering)
                self.say(f"The books of bill {scene.bill['bill_number']} are opened in Intacct")
            else:
                people.change_later(scene, self.steering)
                self.say(f"Somebody edits bill {scene.bill['bill_number']} in Intacct after its approval was stamped")
        done = self.run("approval_reconciliation", may_fail=True)
        self.results.append(Check("reconciliation after that", "succeeded" if done else "failed", done))
        self.results += [checks.scene_ended_well(scene, self.steering) for scene in scenes]

    def go_native(self, scene: people.Scene) -> None:
        """From now on the flow asks people by subtasks, and has Intacct itself approve, over its REST API."""
        put_demo_flow(self.home / "mappings", schedules=self.schedules, **people.native_rules(scene.bill["vendor_id"]))
        bill = scene.bill["bill_number"]
        self.say("The flow file now says: ask by subtasks, and have the decision become Intacct's own approval")
        self.run("approval_reconciliation")
        for person in (scene.person, scene.second):
            people.answer_subtask(scene, self.steering, person=person)
            self.say(f"{person} approves bill {bill} on the subtask in their own list")
            done = self.run("approval_reconciliation", may_fail=True)
        self.results.append(Check("reconciliation of subtasks", "succeeded" if done else "failed", done))
        self.results.append(checks.scene_ended_well(scene, self.steering))

    def run_again(self) -> None:
        """The changed bill is carried over first; then nothing is left to write."""
        self.run("bill_sync")
        before = self.steering.counters()
        self.run("bill_sync")
        asana, intacct = checks.writes(before, self.steering.counters())
        self.results.append(
            Check("writes of another bill_sync run", f"Asana {asana}, Intacct {intacct}", asana == intacct == 0)
        )

    def audit_both_sides(self) -> None:
        self.run("drift_audit", may_fail=True)
        self.results.append(checks.nothing_drifted(self.airflow.result(f"{FLOW}_drift_audit", self.last_run, "compare_sides")))
        self.results.append(checks.what_needs_a_person(self.steering, people.ERIN))

    def export_evidence(self) -> None:
        self.run("evidence", may_fail=True)
        self.results.append(checks.evidence_verifies(self.airflow.result(f"{FLOW}_evidence", self.last_run, "export_evidence")))

    def look_back(self) -> None:
        logins = self.steering.counters().get("intacct getAPISession", 0)
        wanted = 2 if self.sabotage is Sabotage.END_SESSION else 1
        self.results.append(Check("Intacct logins in the whole run", f"{logins}, expected {wanted}", logins == wanted))
        sessions = self.steering.state("intacct").get("session_ids", [])
        self.results.append(checks.no_secret_in_logs(self.home, sessions))

    def report(self) -> bool:
        table = Table(title="What happened", title_justify="left")
        for column in ("", "check", "figure"):
            table.add_column(column, overflow="fold")
        for check in self.results:
            # Of what went well the first sentence of a comment will do; the whole stands on the task.
            figure = check.figure.partition("\n")[0] if check.ok else check.figure
            table.add_row("[green]ok[/green]" if check.ok else "[red]OFF[/red]", check.name, figure)
        console.print(table)
        return all(check.ok for check in self.results)

    def stay_up(self) -> None:
        """Put the schedules back, say what there is to see, and wait for Ctrl-C."""
        put_demo_flow(HOME / "mappings", **people.rules())
        prompt.put_commands(HOME, self.airflow.env)
        console.print(self.what_to_try_next(), soft_wrap=True, markup=False)
        ailed = 0
        while True:
            for name in put_other_flows(HOME / "mappings"):
                self.say(f"include/mappings/{name}: copied; Airflow shows its DAGs, or what is wrong in it, in a moment")
            ailed = ailed + 1 if self.airflow.ails() else 0
            if ailed == AILS_OFTEN:
                self.start_again()
            time.sleep(2)

    def start_again(self) -> None:
        """A backfill that SQLite refused half-way may end the scheduler, which `airflow standalone` does not start again."""
        self.say(
            "[yellow]A part of Airflow stopped; starting it again (its log before that is .demo/airflow-stopped.log)[/yellow]"
        )
        self.airflow.stop()
        log = self.airflow.log.rename(HOME / "airflow-stopped.log").with_name("airflow.log")
        self.airflow = AirflowServer(self.airflow.env, log=log)
        self.airflow.wait_until_healthy()
        self.say(f"Airflow is up again at {self.airflow.url}")

    def what_to_try_next(self) -> str:
        vendors = {scene.bill["vendor_id"] for scene in self.cast}
        found = [
            f"bill {bill['bill_number']} of {bill['total_entered']} USD:\n     {self.steering.url}/board#task={task_gid}"
            for bill, task_gid in people.to_try(self.steering, besides=vendors)
        ]
        bills = [*found, "any bill", "any bill"]
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        return WHAT_NEXT.format(airflow=self.airflow.url, sandbox=self.steering.url, flow=FLOW, bills=bills, day=day)

    def stop(self) -> None:
        self.say("Stopping Airflow and the sandbox ...")
        self.airflow.stop()
        self.steering.stop()


def _only_one() -> TextIO:
    """The lock of this checkout's demo; raises DemoFailed while another demo holds it."""
    HOME.mkdir(exist_ok=True)
    lock = LOCK.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise DemoFailed("Another demo runs from this folder; end it first, or use a second clone.") from error
    return lock


@app.command()
def main(
    once: Annotated[bool, typer.Option("--once", help="Run the loop, check it, exit: non-zero if anything is off.")] = False,
    port: Annotated[
        int | None,
        typer.Option(min=1024, max=65534, help="Airflow's port; the sandbox takes the next one. Free ones if left out."),
    ] = None,
    sabotage: Annotated[Sabotage | None, typer.Option(help="Break something, to see the checks fail.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed makes other vendors and bills.")] = 7,
    vendors: Annotated[int, typer.Option(help="Vendors in the sandbox.")] = 40,
    bills: Annotated[int, typer.Option(help="Bills in the flow's scope.")] = 250,
) -> None:
    """Run Intacct, Asana and Airflow on this machine and watch bills become tasks and approvals return."""
    end_on_signals()
    try:
        demo = Demo(seed=seed, vendors=vendors, bills=bills, port=port, sabotage=sabotage)
    except DemoFailed as error:
        console.print(f"[red]{error}[/red]")
        raise typer.Exit(1) from None
    try:
        demo.start()
        demo.sync()
        demo.approve()
        demo.run_again()
        demo.audit_both_sides()
        demo.export_evidence()
        demo.look_back()
        good = demo.report()
        demo.say("All is well." if good else "[red]Something is off.[/red]")
        if not once:
            demo.stay_up()
    except DemoFailed as error:
        demo.report()
        console.print(f"[red]{error}[/red]")
        good = False
    except KeyboardInterrupt:
        good = True
    finally:
        demo.stop()
    raise typer.Exit(0 if good else 1)


if __name__ == "__main__":
    app()
