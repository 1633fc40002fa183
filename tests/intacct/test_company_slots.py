"""The limit of calls at once to one company: across threads, processes and connections of a machine, and without it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured, TryLater
from intacct_asana.intacct.gateway import Slots

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys, time
from pathlib import Path
from intacct_asana.intacct.gateway import Slots
with Slots(gateway_host="gateway", company_id="northwind", size=1, folder=Path(sys.argv[1])).held(asked="holding"):
    print("held", flush=True)
    time.sleep(60)
"""


def slots(folder: Path, *, size: int = 1, company_id: str = "northwind", wait_seconds: float = 0.1) -> Slots:
    return Slots(gateway_host="gateway", company_id=company_id, size=size, folder=folder, longest_wait_seconds=wait_seconds)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "slots"


@pytest.fixture
def elsewhere(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the company's only slot."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "plugins")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert "held\n" in process.stdout
        yield process
        process.kill()


def test_a_slot_that_another_process_holds_is_waited_for_within_bounds(folder: Path, elsewhere: Any) -> None:
    with pytest.raises(TryLater, match=r"query of APBILL: .* nothing was sent"), slots(folder).held(asked="query of APBILL"):
        pytest.fail("two held one slot")
    with slots(folder, company_id="contoso").held(asked="another company's call"):
        pass


def test_a_process_that_dies_gives_its_slot_back(folder: Path, elsewhere: subprocess.Popen[str]) -> None:
    elsewhere.kill()
    elsewhere.wait(10)
    with slots(folder, wait_seconds=2).held(asked="query"):
        pass


def test_a_call_that_fails_gives_its_slot_back(folder: Path) -> None:
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), slots(folder).held(asked="query"):
            _ = 1 / 0


def test_as_many_as_the_limit_hold_at_once_and_no_more(folder: Path) -> None:
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(slots(folder, size=3).held(asked="query"))
        with pytest.raises(TryLater, match="all 3 calls"), slots(folder, size=3).held(asked="query"):
            pytest.fail("four of three")


def test_company_ids_are_the_same_in_any_case_and_gateways_are_apart(folder: Path) -> None:
    with slots(folder).held(asked="query"):
        with pytest.raises(TryLater), slots(folder, company_id="NorthWind").held(asked="query"):
            pytest.fail("two held one slot")
        other = Slots(gateway_host="elsewhere", company_id="northwind", size=1, folder=folder, longest_wait_seconds=0.1)
        with other.held(asked="query"):
            pass


def test_a_task_that_calls_without_a_pause_lets_others_in(folder: Path) -> None:
    """Whoever gives a slot back and wants it again at once would always be quicker than those who look now and then."""
    stop, pages = threading.Event(), 0

    def read_on_and_on() -> None:
        nonlocal pages
        while not stop.is_set():
            with slots(folder, wait_seconds=30).held(asked="page after page"):
                pages += 1
                time.sleep(0.01)

    reader = threading.Thread(target=read_on_and_on)
    reader.start()
    try:
        waited_pages = []
        for _ in range(4):
            before = pages
            while pages == before:
                time.sleep(0.001)
            before = pages
            with slots(folder, wait_seconds=30).held(asked="a stamp"):
                waited_pages.append(pages - before)
    finally:
        stop.set()
        reader.join()
    assert max(waited_pages) <= 10


def test_only_we_may_enter_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder.parent))
    mine = Slots(gateway_host="gateway", company_id="northwind", size=1)
    with mine.held(asked="query"):
        assert stat.S_IMODE(mine.folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in mine.folder.iterdir()} == {0o600}
    assert str(mine.folder).startswith(str(folder.parent))
    assert "northwind" not in str(mine.paths)


@pytest.mark.parametrize("trap", ["writable", "link", "file", "slot_link"])
def test_a_folder_that_others_could_have_laid_out_is_not_trusted(folder: Path, tmp_path: Path, trap: str) -> None:
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    if trap == "writable":
        folder.mkdir()
        folder.chmod(0o777)
    elif trap == "link":
        folder.symlink_to(target)
    elif trap == "file":
        folder.touch()
    else:
        folder.mkdir(mode=0o700)
        for path in slots(folder).paths:
            path.symlink_to(target / "precious")
    with pytest.raises(Misconfigured, match="TMPDIR"), slots(folder).held(asked="query"):
        pytest.fail("went in")
    assert list(target.iterdir()) == []


# Whole task processes against the gateway


def test_processes_and_connections_of_a_machine_keep_the_limit_together(sandbox: Any, task_processes: Any) -> None:
    """The second connection works in an entity, so it has a session of its own: the company is the same all the same."""
    sandbox.settings(intacct_max_concurrency=1, intacct_latency_ms=20)
    reports = task_processes({}, {"entity_id": "UK01"}, probes=8)
    assert [report["errors"] for report in reports] == [[], []]
    counters = sandbox.counters()
    assert counters["intacct query VENDOR"] == 16
    assert "intacct 429" not in counters


def test_between_two_machines_a_429_is_waited_out(sandbox: Any, task_processes: Any) -> None:
    """They do not see each other's slots."""
    sandbox.settings(intacct_max_concurrency=1, intacct_latency_ms=20)
    reports = task_processes({}, {}, probes=8, machines=2)
    assert [report["errors"] for report in reports] == [[], []]
    counters = sandbox.counters()
    assert counters["intacct query VENDOR"] == 16
    assert counters["intacct 429"] > 0
    assert sum(sum(report["calls"].values()) for report in reports) == 16 + logins(sandbox) + counters["intacct 429"]


def logins(sandbox: Any) -> int:
    return sandbox.counters()["intacct getAPISession"]  # type: ignore[no-any-return]


def test_gateways_on_two_ports_of_a_host_are_two(a_hook: Any) -> None:
    def paths(host: str) -> list[Path]:
        return a_hook(host=host, extra={"allowed_endpoint_hosts": ["*.intacct.com", "127.0.0.1"]}).gateway.slots.paths

    assert paths("http://127.0.0.1:8001/ia/xml/xmlgw.phtml") != paths("http://127.0.0.1:8002/ia/xml/xmlgw.phtml")
    assert paths("https://api.intacct.com/x") == paths("https://api.intacct.com:443/y")
