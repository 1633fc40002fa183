"""How long from a person's choice to a confirmed decision, under real Airflow: by its schedule, the watcher, the webhook."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

from sandbox.bench.table import Result, load, table
from sandbox.demo.airflow_server import AirflowServer, DemoFailed, environment, put_demo_flow
from sandbox.demo.people import amount
from sandbox.demo.steering import Steering, free_port

FLOW = "demo"
GOAL_SECONDS = 15.0
APPROVER = "carla.ruiz@northwind.example"
LIMITS = {"USD": 250_000, "GBP": 200_000}
SERVICE_USER, SERVICE_PASSWORD = "waker", "sandbox-waker-secret"
ADMIN, ADMIN_PASSWORD = "bench", "sandbox-bench-secret"
NEVER, EVERY_MINUTE = "0 0 1 1 *", "* * * * *"
"""A schedule that does not come while we measure, where that is the hint alone; and one whose interval we can wait for."""
PATIENCE_SECONDS = 300.0
LONGEST_GAP_SECONDS = 6.0
SCHEDULED_GAP_SECONDS = 12.0
"""Where choices wait for the schedule, not for each other: thirty of them are spread over three intervals."""
LOOK_SECONDS = 0.05
LOOK = "asana GET /events"
READS, SETTLES = "read_decisions", "settle_decisions"
IDLE = "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME"


class Way(StrEnum):
    WEBHOOK = "webhook"
    SCHEDULE = "schedule"
    WATCHER = "watcher"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One approval: when it was chosen, when it was CONFIRMED, and between them what came of it. Seconds of one clock."""

    chosen: float
    confirmed: float

    @property
    def seconds(self) -> float:
        return self.confirmed - self.chosen


STEPS = ("run asked for", "run began", "decision read", "settling began", "CONFIRMED")
"""What a choice goes through, each from the one before it."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """When Airflow says that a run was asked for and began, that its first step was over, and that its second one began."""

    asked: float
    began: float
    read: float
    settling: float

    def parts(self, choice: Choice) -> list[float]:
        """Seconds of each step. One that was over before the choice, which fell into a run that worked already, took none."""
        reached = [choice.chosen]
        for at in (self.asked, self.began, self.read, self.settling, choice.confirmed):
            reached.append(min(max(at, reached[-1]), choice.confirmed))
        return [after - before for before, after in pairwise(reached)]


@dataclass(kw_only=True)
class Measured:
    way: str
    choices: list[Choice] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    @property
    def seconds(self) -> list[float]:
        return [choice.seconds for choice in self.choices]

    @property
    def p95(self) -> float:
        """The nearest rank: of 30, the 29th."""
        ordered = sorted(self.seconds)
        return ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]

    def run_of(self, choice: Choice) -> Run:
        """The run that confirmed it: the last that was settling by then."""
        return max((run for run in self.runs if run.settling <= choice.confirmed), key=lambda run: run.settling)

    def parts(self) -> list[float]:
        """The mean of each step, because means add up."""
        return [statistics.mean(part) for part in zip(*(self.run_of(one).parts(one) for one in self.choices), strict=True)]

    def row(self) -> tuple[str, ...]:
        figures = (min(self.seconds), statistics.median(self.seconds), self.p95, max(self.seconds))
        return (self.way, str(len(self.seconds)), *(f"{figure:.1f}" for figure in figures), str(len(self.runs)))

    def parts_row(self) -> tuple[str, ...]:
        return (self.way, *(f"{part:.1f}" for part in self.parts()), f"{statistics.mean(self.seconds):.1f}")


class Office:
    """A sandbox and a standalone Airflow with one flow, woken in one way; stopped by `stop`."""

    def __init__(self, home: Path, way: Way, *, bills: int, seed: int, idle_seconds: float | None) -> None:
        self.home, self.way = home, way
        ports = [free_port() for _ in range(4)]
        self.steering = Steering(ports[0], log=home / "sandbox.log")
        self.data = {"seed": seed, "vendors": 20, "bills": bills}
        self.url = f"http://127.0.0.1:{ports[1]}"
        env = environment(
            home,
            port=ports[1],
            spare_ports=(ports[2], ports[3]),
            sandbox_url=self.steering.url,
            mappings=_mapping(home, way, self.url),
        )
        env |= _users(home, self.url)
        # Airflow's own default, unless asked otherwise: the demo's is shorter.
        env.pop(IDLE)
        if idle_seconds is not None:
            env[IDLE] = str(idle_seconds)
        try:
            self.airflow = AirflowServer(env, log=home / "airflow.log", login=(ADMIN, ADMIN_PASSWORD))
        except BaseException:
            self.steering.stop()
            raise

    def open(self) -> None:
        """Everything up, fields made, tasks there, the first reconciliation done."""
        self.steering.wait_until_up()
        self.steering.call("POST", "reset", self.data)
        server = self.airflow
        server.wait_until_healthy()
        server.make_pool("intacct_api", 1, "Calls to one Intacct company at a time")
        server.make_pool("asana_api", 4, "Tasks that talk to Asana with one token")
        for job, conf in (("preflight", {"create_missing": True}), ("bill_sync", {}), ("approval_reconciliation", {})):
            dag_id = f"{FLOW}_{job}"
            server.wait_for_dag(dag_id)
            server.unpause(dag_id)
            run_id = server.trigger(dag_id, conf)
            if server.wait_for_run(dag_id, run_id, seconds=240, watch=lambda _text: None) != "success":
                raise DemoFailed(f"{dag_id} failed: {server.errors_of(dag_id, run_id)}")
        if self.way is Way.WATCHER:
            self._wait_for_looks()

    def _wait_for_looks(self) -> None:
        """What happens before the watcher's first look is the schedule's, and here no schedule comes."""
        first = self.steering.counters().get(LOOK, 0)
        end = time.monotonic() + PATIENCE_SECONDS
        while self.steering.counters().get(LOOK, 0) < first + 2:
            if time.monotonic() > end:
                raise DemoFailed(f"The watcher does not look at Asana's events; see {self.home}")
            time.sleep(0.5)

    def bills(self) -> list[Mapping[str, Any]]:
        """Bills that the approver may approve, with their tasks' gids."""
        tasks = self.steering.tasks_by_key()
        found = []
        for bill in self.steering.bills():
            task = tasks.get(Steering.key_of(bill))
            limit = LIMITS.get(bill["base_currency"], 0)
            if task and bill["state"] in ("Submitted", "Posted") and 0 < amount(bill) < limit:
                found.append({**bill, "task_gid": task["gid"]})
        return found

    def choose(self, bill: Mapping[str, Any]) -> None:
        self.steering.act("asana", APPROVER, "choose", task=bill["task_gid"], field="Approval", option="Approved")

    def confirmed(self) -> set[str]:
        """Gids of the tasks whose decision the store calls CONFIRMED."""
        with sqlite3.connect(f"file:{self.home / 'intacct_asana.db'}?mode=ro", uri=True) as store:
            rows = store.execute("SELECT body FROM ia_decisions WHERE state = 'CONFIRMED'").fetchall()
        return {json.loads(body)["task_gid"] for (body,) in rows}

    def stands(self, task_gid: str) -> str:
        """What the store says of the task's decisions, for whoever waits for one in vain."""
        with sqlite3.connect(f"file:{self.home / 'intacct_asana.db'}?mode=ro", uri=True) as store:
            rows = store.execute("SELECT state, body FROM ia_decisions").fetchall()
        told = ((state, json.loads(body)) for state, body in rows)
        mine = [f"{state} ({body['rule'] or body['outcome']})" for state, body in told if body["task_gid"] == task_gid]
        return ", ".join(mine) or f"no run has read that decision; {self._newest_run()}"

    def _newest_run(self) -> str:
        dag_id = f"{FLOW}_approval_reconciliation"
        run = next(iter(self.airflow.runs(dag_id)), None)
        if run is None:
            return "there is no run"
        tasks = self.airflow.tasks(dag_id, run["dag_run_id"])
        steps = ", ".join(f"{task['task_id']} {task['state'] or 'waits'}" for task in tasks)
        return f"the newest run, asked for at {run['queued_at']}, is {run['state']}: {steps}"

    def runs(self, *, since: float) -> list[Run]:
        """Those that began to settle from then on."""
        dag_id, found = f"{FLOW}_approval_reconciliation", []
        for run in self.airflow.runs(dag_id):
            tasks = {task["task_id"]: task for task in self.airflow.tasks(dag_id, run["dag_run_id"])}
            ends = (run["queued_at"], run["start_date"], tasks[READS]["end_date"], tasks[SETTLES]["start_date"])
            if all(ends) and (settling := _instant(ends[-1])) >= since:
                asked, began, read = map(_instant, ends[:-1])
                found.append(Run(asked=asked, began=began, read=read, settling=settling))
        return found

    def stop(self) -> None:
        self.airflow.stop()
        self.steering.stop()


def main(
    approvals: Annotated[int, typer.Option(min=1, max=200, help="Choices measured in each way.")] = 30,
    way: Annotated[list[Way] | None, typer.Option(help="One way only; may be given twice.")] = None,
    idle_seconds: Annotated[float | None, typer.Option(help="Airflow's scheduler_idle_sleep_time; its default is 1.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed makes other bills and other gaps.")] = 7,
) -> None:
    """From Approve to CONFIRMED: how long people wait."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Airflow and the sandbox are stopped however this ends.
        signal.signal(number, _stop)
    before = load()
    measured = [_measure(one, approvals=approvals, seed=seed, idle_seconds=idle_seconds) for one in way or list(Way)]
    print(f"\nFrom a choice on the board to a decision that is CONFIRMED, in seconds; goal: p95 under {GOAL_SECONDS:.0f}")
    head = ("woken by", "approvals", "min", "median", "p95", "max", "runs")
    print(table(head, [one.row() for one in measured]))
    print("\nWhere they go: seconds from one to the next, means")
    print(table(("woken by", *STEPS, "all"), [one.parts_row() for one in measured]))
    for one in measured:
        if one.way == Way.WEBHOOK:
            print(f"{one.way}: goal {'met' if one.p95 < GOAL_SECONDS else 'NOT met'}.")
    print(f"Before: {before}\nAfter:  {load()}")


def results(*, quick: bool) -> list[Result]:
    """The webhook alone where it has to be quick: that is the way with a goal."""
    ways, approvals = ([Way.WEBHOOK], 3) if quick else (list(Way), 30)
    return [_result(_measure(way, approvals=approvals, seed=7, idle_seconds=None)) for way in ways]


def _result(one: Measured) -> Result:
    parts = ", ".join(f"{step} {part:.1f} s" for step, part in zip(STEPS, one.parts(), strict=True))
    return Result(
        id=f"approval_to_confirmed_{one.way}_p95",
        value=one.p95,
        unit="s",
        at_most=GOAL_SECONDS if one.way == Way.WEBHOOK else None,
        samples=tuple(one.seconds),
        note=f"{len(one.seconds)} approvals, {len(one.runs)} runs; the value is the 95th of a hundred; means of parts: {parts}",
    )


def _stop(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(f"signal {number}")


def _measure(way: Way, *, approvals: int, seed: int, idle_seconds: float | None) -> Measured:
    with _office(way, bills=3 * approvals + 20, seed=seed, idle_seconds=idle_seconds) as office:
        found, began = Measured(way=way), time.time()
        for choice in _choices(office, office.bills()[:approvals], random.Random(seed)):
            found.choices.append(choice)
            print(f"{way} {len(found.choices)}: {choice.seconds:.1f} s, {load()}", flush=True)
        found.runs = office.runs(since=began)
    return found


def _choices(office: Office, bills: Sequence[Mapping[str, Any]], chance: random.Random) -> Iterator[Choice]:
    """Each as it is CONFIRMED. Random pauses let choices fall anywhere between two looks, and into runs that still work.

    One comes after the other, but where the schedule is waited for: people do not wait for each other there.
    """
    one_by_one, longest = office.way is not Way.SCHEDULE, LONGEST_GAP_SECONDS
    longest = longest if one_by_one else SCHEDULED_GAP_SECONDS
    left, waiting = list(bills), dict[str, float]()
    next_at = time.time() + chance.uniform(0, longest)
    while left or waiting:
        if left and time.time() >= next_at and not (one_by_one and waiting):
            bill = left.pop(0)
            waiting[bill["task_gid"]] = time.time()
            office.choose(bill)
            next_at = time.time() + chance.uniform(0, longest)
        for gid in office.confirmed() & waiting.keys():
            now = time.time()
            next_at = now + chance.uniform(0, longest) if one_by_one else next_at
            yield Choice(chosen=waiting.pop(gid), confirmed=now)
        if waiting and time.time() > min(waiting.values()) + PATIENCE_SECONDS:
            longest_waiting = min(waiting, key=lambda gid: waiting[gid])
            raise DemoFailed(
                f"task {longest_waiting} is not CONFIRMED after {PATIENCE_SECONDS:.0f} s: {office.stands(longest_waiting)}"
            )
        time.sleep(LOOK_SECONDS)


@contextmanager
def _office(way: Way, *, bills: int, seed: int, idle_seconds: float | None) -> Iterator[Office]:
    with tempfile.TemporaryDirectory(prefix="intacct-asana-wake-") as folder:
        office = Office(Path(folder), way, bills=bills, seed=seed, idle_seconds=idle_seconds)
        try:
            print(f"{way}: starting the sandbox and Airflow ...", flush=True)
            office.open()
            yield office
        finally:
            office.stop()


def _mapping(home: Path, way: Way, url: str) -> Path:
    is_scheduled = way is Way.SCHEDULE
    schedules = {"bill_sync": None, "vendor_sync": None, "approval_reconciliation": EVERY_MINUTE if is_scheduled else NEVER}
    waking = {"poll_seconds": 3, "public_url": url}
    return put_demo_flow(home / "mappings", schedules=schedules, wake="none" if is_scheduled else str(way), waking=waking)


def _instant(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _users(home: Path, url: str) -> dict[str, str]:
    """Two users of Airflow's simple auth manager: one for us, and the service user with the least role that may start runs."""
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps({ADMIN: ADMIN_PASSWORD, SERVICE_USER: SERVICE_PASSWORD}), encoding="utf-8")
    service = {"conn_type": "http", "host": url, "login": SERVICE_USER, "password": SERVICE_PASSWORD}
    return {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin,{SERVICE_USER}:user",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW_CONN_INTACCT_ASANA_AIRFLOW": json.dumps(service),
    }
