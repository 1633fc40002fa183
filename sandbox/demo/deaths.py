"""Tasks that die on a running Airflow without a word, and who hears of it: one message each, and one when it is over."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sandbox.demo.airflow_server import LOCAL_SETTINGS, AirflowServer
from sandbox.demo.checks import Check
from sandbox.demo.steering import Steering

WATCHED, STEP = "demo_vendor_sync", "plan_tasks"
HEARTBEAT_SECONDS = 45
"""After so long without a sign of life Airflow's scheduler fails a task; 300 where nobody sets it."""

SETTINGS = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(HEARTBEAT_SECONDS),
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "300",
}
"""The DAG processor tells of what died, and is ended itself when a file takes it longer than that: 50 seconds where nobody
sets it, which a busy machine does not always keep to."""

POLICY = f"""

def task_policy(task):
    # A deployment's own rule: tasks of this DAG have no second try.
    if task.dag_id == {WATCHED!r}:
        task.retries = 0


__all__ += ["task_policy"]
"""
"""Behind the sandbox's settings: a task that dies is repeated, and the repeated one tells nobody that the first died."""

SLACK = "slack_default"
NEWS_WITHIN, SILENT_FOR = 300.0, 45.0
"""Seconds: how long a message may take, and how long no second one may come. The DAG processor waits for a task's own words,
and a DAG's failure is told behind its task's."""


class Channel:
    """A channel of Slack's, as an incoming webhook sees it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._came = threading.Condition()
        channel = self

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                channel.take(json.loads(body)["text"])
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)

    @property
    def connection(self) -> str:
        """For AIRFLOW_CONN_..."""
        host = f"http://127.0.0.1:{self.server.server_port}"
        return json.dumps({"conn_type": "http", "host": host, "password": "services/T0/B0/word"})

    def take(self, text: str) -> None:
        with self._came:
            self.texts.append(text)
            self._came.notify_all()

    def wait_for(self, count: int, *, seconds: float) -> list[str]:
        """All that came, as soon as it is so many; what is there when the time is up."""
        with self._came:
            self._came.wait_for(lambda: len(self.texts) >= count, timeout=seconds)
            return list(self.texts)


@contextmanager
def channel() -> Iterator[Channel]:
    opened = Channel()
    thread = threading.Thread(target=opened.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield opened
    finally:
        opened.server.shutdown()
        thread.join(10)
        opened.server.server_close()


def put_policy(home: Path) -> None:
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / LOCAL_SETTINGS.name).write_text(LOCAL_SETTINGS.read_text(encoding="utf-8") + POLICY)


def tasks_that_die(airflow: AirflowServer, steering: Steering, heard: Channel, *, say: Callable[[str], None]) -> list[Check]:
    """A task whose process is killed, and one whose machine stands still, so that the scheduler gives it up."""
    found = []
    for name, end in (("a task that is killed", _kill), ("a task without a heartbeat", _freeze)):
        before = len(heard.texts)
        steering.call("POST", "faults", {"system": "intacct", "kind": "query VENDOR", "action": "delay:100", "times": 1})
        run_id = airflow.trigger(WATCHED, {"full": True})
        process = airflow.wait_for(lambda run_id=run_id: _process_of(airflow, run_id), "the task's process", seconds=120)
        airflow.wait_for(lambda: steering.call("GET", "faults")[-1]["struck"], "the task to wait for Intacct", seconds=60)
        wake = end(process)
        try:
            airflow.wait_for(lambda run_id=run_id: _step(airflow, run_id)["state"] == "failed", "the task to fail", seconds=300)
        finally:
            wake()
        state = airflow.wait_for_run(WATCHED, run_id, seconds=600, watch=lambda text: None)
        heard.wait_for(before + 1, seconds=NEWS_WITHIN)
        told = heard.wait_for(before + 2, seconds=SILENT_FOR)[before:]
        say(f"{name}: {WATCHED} {state}, {len(told)} messages")
        good = state == "failed" and len(told) == 1 and f"{WATCHED} failed at {STEP}" in told[0]
        found.append(Check(name, f"run {state}, {len(told)} messages: {_first_line(told)}", good))
        steering.call("DELETE", "faults")
        state = airflow.run(WATCHED, say, {"full": True})
        over = heard.wait_for(before + 2, seconds=NEWS_WITHIN)[before + 1 :]
        good = state == "success" and len(over) == 1 and "over:" in over[0]
        found.append(Check(f"{name}, when the next run succeeds", f"{len(over)} messages: {_first_line(over)}", good))
    return found


def _first_line(texts: list[str]) -> str:
    return texts[0].splitlines()[0] if texts else "none"


def _step(airflow: AirflowServer, run_id: str) -> dict[str, Any]:
    return next((one for one in airflow.tasks(WATCHED, run_id) if one["task_id"] == STEP), {"state": None})


def _process_of(airflow: AirflowServer, run_id: str) -> int:
    """The process of the step, or 0: Airflow names it by the task instance's id."""
    task = _step(airflow, run_id)
    if task["state"] != "running":
        return 0
    title = f"airflow worker -- {task['id']}".encode()
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if line.read_bytes().rstrip(b"\0 ").startswith(title):
                return int(line.parent.name)
        except OSError:
            continue
    return 0


def _kill(process: int) -> Callable[[], None]:
    """As the kernel does when memory runs out."""
    os.kill(process, signal.SIGKILL)
    return lambda: None


def _freeze(process: int) -> Callable[[], None]:
    """The task and the worker that tells of it, as a machine that hangs. The answer lets them go on: the task holds the
    company's place in line as long as it is there."""
    worker = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    for number in (worker, process):
        os.kill(number, signal.SIGSTOP)

    def wake() -> None:
        for number in (process, worker):
            try:
                os.kill(number, signal.SIGCONT)
            except ProcessLookupError:
                continue

    return wake
