"""Fixtures for every test: the sandbox over real HTTP, the network shut but for loopback, and the slow half opt-in."""

from __future__ import annotations

import atexit
import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.databases"]
ROOT = Path(__file__).resolve().parent.parent
MEMORY = "/dev/shm"
"""Linux's folder in memory: to make and to delete the many small files of a database costs ten times as much on a disk."""


def _folder() -> str | None:
    """Where test processes keep their files: in memory where each of them has a gigabyte and may run what it puts there."""
    wanted = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) << 30
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < wanted:
        return None
    return None if os.statvfs(MEMORY).f_flag & os.ST_NOEXEC else MEMORY


_home, _made_by = tempfile.mkdtemp(prefix="intacct-asana-tests-", dir=_folder()), os.getpid()
# Where root runs the tests, the PostgreSQL server runs as nobody, who has to get through to its folder.
os.chmod(_home, 0o711)
# Processes of one machine share the limit of calls to a company by files there; each test process is a machine of its own.
os.environ["TMPDIR"] = tempfile.tempdir = _home
os.environ.update(
    {
        "AIRFLOW_HOME": _home,
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_home}/airflow.db",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
)
os.environ.pop("AIRFLOW_CONN_INTACCT_DEFAULT", None)
# Whoever runs the tests in the background starts us deaf to these, and what tests start and end by them would inherit it.
for _number, _usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(_number, _usual)
# A machine with much else to do fails no law.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


EVIDENCE_KEY = b"a key that no database holds ...."


def evidence_keys() -> list[bytes]:
    """What Airflow gives a task; for stores that a test opens itself."""
    return [EVIDENCE_KEY]


def pytest_xdist_auto_num_workers() -> int:
    """One more than processors: a third of their time test processes wait for what they start, and for moments to pass."""
    return (os.cpu_count() or 1) + 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the slow half of each kind of test")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="slow half: run with --slow")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skip)


def pytest_collection_finish() -> None:
    """What is imported by now stays until the end: the collector need not look at Airflow's half a million objects again."""
    gc.collect()
    gc.freeze()
    # And at the rest less often: a test process lives for minutes on a machine that has room.
    gc.set_threshold(50_000, 20, 50)


def _with_room(work: Callable[[], Any]) -> Any:
    """`work`, with room for its frames.

    Python keeps frames in chunks of 16 kB, and fetches a chunk from the system for each call over the edge of one, and gives it
    back with each return. Where a loop of a test happens to call over an edge, that takes as long as all the rest. The frame of
    this function asks for so much that everything that is called from it finds room in the same chunk.
    """
    return work()


_with_room.__code__ = _with_room.__code__.replace(co_stacksize=(1 << 19) + 1)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """As pytest's own, with room."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    _with_room(lambda: runtestprotocol(item, nextitem=nextitem))
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@atexit.register
def pytest_unconfigure() -> None:
    """Also at the end of a process that a test starts and that reads this file. A forked one has made none."""
    if os.getpid() == _made_by:
        shutil.rmtree(_home, ignore_errors=True)


FIGURE = "figure: "


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Callable[[str, object], None]:
    """`figures("cuts of a bill sync", 312)`: a count that stands in the summary at the end of the run.

    It travels on the test's report, so it also arrives from a worker process.
    """
    return lambda name, value: record_property(FIGURE + name, value)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    found = [(name, value) for report in reports for name, value in report.user_properties if name.startswith(FIGURE)]
    if found:
        terminalreporter.section("figures")
        for name, value in sorted(found, key=str):
            terminalreporter.line(f"{name.removeprefix(FIGURE)}: {value}")


@pytest.fixture(scope="session", autouse=True)
def _only_loopback() -> Iterator[None]:
    """No test may reach anything but this machine."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and str(address[0]) not in ("127.0.0.1", "::1", "localhost"):
            raise ConnectionRefusedError(f"tests may not connect to {address[0]}")
        return real(self, address)

    socket.socket.connect = connect  # type: ignore[method-assign]
    yield
    socket.socket.connect = real  # type: ignore[method-assign]


def live_demo() -> str:
    """The demo's flow file as people have it once its rehearsal is over."""
    text = (ROOT / "include" / "mappings" / "demo.yaml").read_text(encoding="utf-8")
    assert "rehearsal: true" in text
    return text.replace("\nrehearsal: true\n", "\nrehearsal: false\n")


class Sandbox:
    """The stand-ins' process, steered over HTTP as anyone could."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.gateway_url = f"{url}/ia/xml/xmlgw.phtml"
        self.asana_url = f"{url}/api/1.0"
        self._lines = threading.local()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        try:
            status, said = self._exchange(method, path, data)
        except ConnectionError:
            # Nobody said anything for so long that the server hung up.
            status, said = self._exchange(method, path, data)
        if status >= 400:
            raise AssertionError(f"{method} {path}: {status} {said.decode()}")
        return json.loads(said or b"null")

    def _exchange(self, method: str, path: str, data: bytes | None) -> tuple[int, bytes]:
        line = self._line()
        try:
            line.request(method, path, data, {"Content-Type": "application/json"})
            answer = line.getresponse()
            return answer.status, answer.read()
        except BaseException:
            line.close()
            raise

    def _line(self) -> HTTPConnection:
        """One that stays open, for each thread of each process."""
        if getattr(self._lines, "of", None) != os.getpid():
            self._lines.of, self._lines.line = os.getpid(), HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        line: HTTPConnection = self._lines.line
        return line

    def reset(self, **options: Any) -> Any:
        return self.call("POST", "/_sandbox/reset", {"seed": 7, "vendors": 8, "bills": 20, **options})

    def state(self, system: str) -> Any:
        return self.call("GET", f"/_sandbox/state/{system}")

    def counters(self) -> dict[str, int]:
        answer: dict[str, int] = self.call("GET", "/_sandbox/counters")
        return answer

    def zero_counters(self) -> None:
        self.call("DELETE", "/_sandbox/counters")

    def fault(self, system: str, kind: str, action: str, **more: Any) -> None:
        self.call("POST", "/_sandbox/faults", {"system": system, "kind": kind, "action": action, **more})

    def clear_faults(self) -> None:
        self.call("DELETE", "/_sandbox/faults")

    def clock(self, **what: Any) -> Any:
        return self.call("POST", "/_sandbox/clock", what)

    def settings(self, **what: Any) -> Any:
        return self.call("POST", "/_sandbox/settings", what)

    def act(self, system: str, user: str, action: str, **arguments: Any) -> Any:
        return self.call("POST", "/_sandbox/act", {"system": system, "user": user, "action": action, **arguments})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_sandbox(*options: str) -> Iterator[Sandbox]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "sandbox", "--port", str(port), *options], cwd=ROOT)
    sandbox = Sandbox(f"http://127.0.0.1:{port}")
    try:
        for _ in range(300):
            try:
                sandbox.counters()
                break
            except OSError:
                time.sleep(0.1)
                assert process.poll() is None, "the sandbox did not start"
        yield sandbox
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def another_sandbox() -> Iterator[Sandbox]:
    """A second process, for what has to hold with two companies: other data, other sessions."""
    with running_sandbox("--seed", "12", "--vendors", "8", "--bills", "20") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """A fresh sandbox: both systems seeded anew, counters zero, no faults, the clock real."""
    sandbox_process.reset()
    return sandbox_process
