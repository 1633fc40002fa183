"""Whole DAG runs, each in a process of its own, one of which is cut at one of its HTTP calls.

A crash is a real one: the process is gone in the middle, with everything that it had not stored. What the network does is
played by the sandbox. Nothing here knows which calls a run makes; they are only counted.
"""

from __future__ import annotations

import gc
import json
import mmap
import os
import re
import struct
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from intacct_asana.sync import open_writes

CRASH_BEFORE, CRASH_AFTER = "our process dies before the call", "our process dies after the call"
LINE = {"the call never arrives": "drop", "its answer is lost": "lost_answer"}
"""What the sandbox is told to do."""
KINDS = (CRASH_BEFORE, CRASH_AFTER, *LINE)
RUNS_AFTER_A_CUT = 3
"""As often as Airflow would try a task again."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Where a story is cut: at its `call`-th HTTP call (from 1), to whichever system it goes."""

    call: int
    kind: str

    def __str__(self) -> str:
        return f"call {self.call}: {self.kind}"


class FileVariables(MutableMapping[str, str]):
    """Airflow's Variables, kept where the next process finds them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def __getitem__(self, key: str) -> str:
        try:
            return (self.folder / key).read_text()
        except FileNotFoundError:
            raise KeyError(key) from None

    def __setitem__(self, key: str, value: str) -> None:
        new = self.folder / f"new.{os.getpid()}"
        new.write_text(value)
        new.replace(self.folder / key)

    def __delitem__(self, key: str) -> None:
        (self.folder / key).unlink()

    def __iter__(self) -> Iterator[str]:
        return (path.name for path in self.folder.iterdir())

    def __len__(self) -> int:
        return len(list(self.folder.iterdir()))


class CallCounter:
    """Counts HTTP calls over all processes of a story, below everything of ours, and dies at the one that is named."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, 8)
        self._lock = threading.Lock()

    @property
    def made(self) -> int:
        return int(struct.unpack("q", self._shared[:8])[0])

    def zero(self) -> None:
        self._shared[:8] = struct.pack("q", 0)

    def watch(self, cut: Cut | None) -> None:
        """In the process of a run, before it calls anybody."""
        from requests.adapters import HTTPAdapter

        send = HTTPAdapter.send

        def counted(adapter: Any, *args: Any, **kwargs: Any) -> Any:
            with self._lock:
                number = self.made + 1
                self._shared[:8] = struct.pack("q", number)
                if cut and number == cut.call and cut.kind == CRASH_BEFORE:
                    os._exit(9)
            answer = send(adapter, *args, **kwargs)
            if cut and number == cut.call and cut.kind == CRASH_AFTER:
                os._exit(9)
            return answer

        HTTPAdapter.send = counted  # type: ignore[method-assign]


class Story:
    """One company and one board from preflight on. `run` is a DAG run that has to come to its end, cut or not."""

    def __init__(self, world: Any, folder: Path, *, store_url: str) -> None:
        # Once here, or in each process again.
        import_module("intacct_asana.intacct.hook")
        import_module("intacct_asana.asana.hook")
        self.world, self.counter, self.cut = world, CallCounter(), None
        world.api.variables = FileVariables(folder / "variables")
        world.use_store(store_url)
        self.runs_after_the_cut = 0

    def begin(self, cut: Cut | None) -> None:
        """From here on calls are counted."""
        self.cut = cut
        self.counter.zero()
        self.world.sandbox.zero_counters()
        if cut and cut.kind in LINE:
            self.world.sandbox.fault("*", "*", LINE[cut.kind], on_call=cut.call)

    def run(self, job: str, **conf: Any) -> None:
        """Run the DAG; after a cut run it again as a schedule would, until every task is green."""
        states = self._in_a_process(job, conf)
        for _ in range(RUNS_AFTER_A_CUT):
            if states and set(states.values()) == {"success"}:
                return
            self.runs_after_the_cut += 1
            states = self._in_a_process(job, conf)
        assert states, f"{job} died again and again ({self.cut})"
        assert set(states.values()) == {"success"}, f"{job} does not heal after {self.cut}: {states}"

    def _in_a_process(self, job: str, conf: dict[str, Any]) -> dict[str, str]:
        """The state of each task; nothing when the process died."""
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            try:
                # The collector would copy the parent's whole memory, page by page.
                gc.disable()
                hurry()
                self.counter.watch(self.cut)
                os.write(writing, json.dumps(self.world.run(job, **conf)).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as report:
            told = report.read()
        os.waitpid(child, 0)
        # What a dead process had under way is on its way still.
        time.sleep(0 if told else 0.03)
        return json.loads(told) if told else {}

    def calls_at_the_sandbox(self) -> int:
        counters = self.world.sandbox.counters()
        return sum(count for kind, count in counters.items() if kind.split()[1] not in ("WRITE", "429"))


def hurry() -> None:
    """Outages are waited for as ever, only not for seconds; and what a dead run had reserved is free when the next begins."""
    from intacct_asana import journal
    from intacct_asana.asana.wire import AsanaWire
    from intacct_asana.intacct.hook import IntacctHook
    from intacct_asana.store import flow_store

    flow_store.LONGEST_LEASE = timedelta()
    journal.carry_out.__kwdefaults__["longest"] = timedelta()
    AsanaWire.first_wait_seconds = 0.01
    IntacctHook.__init__.__kwdefaults__["first_wait_seconds"] = 0.01


# The end of a story, in words that do not depend on when it was and in which order things were made.

Task = dict[str, Any]
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00| UTC)?")
GID = re.compile(r"\b\d{16,19}\b")
DECISION = re.compile(r"dec-[0-9a-f]+( #\d+:[0-9a-f]{16})?|#\d+:[0-9a-f]{16}")
SOUND = ("fields", "name", "completed", "due_on", "assignee", "followers", "notes", "resource_subtype", "approval_status")


def end_of(world: Any) -> dict[str, Any]:
    """What both systems and the store say in the end."""
    board, books = world.sandbox.state("asana"), world.sandbox.state("intacct")
    tasks = sorted(board["tasks"], key=key_of)
    keys = {task["gid"]: key_of(task) for task in tasks}

    def plain(value: Any) -> Any:
        text = DECISION.sub("a decision", INSTANT.sub("then", json.dumps(value, sort_keys=True)))
        return json.loads(GID.sub(lambda found: json.dumps(keys.get(found[0], "some gid"))[1:-1], text))

    return {
        "tasks": [(key_of(task), plain({part: task[part] for part in SOUND})) for task in tasks],
        "sections": [(key_of(task), sorted(task["sections"].values())) for task in tasks],
        "said": [(key_of(task), sorted(plain(comments(task)))) for task in tasks],
        "files": [(key_of(task), sorted(each["name"] for each in task["attachments"])) for task in tasks],
        "fields": sorted(field["name"] for field in board["fields"]),
        "bills": plain([{**bill, "modified_by": ""} for bill in books["bills"]]),
        "vendors": plain(books["vendors"]),
        "payments": plain(books["payments"]),
        "written to Intacct": world.sandbox.counters().get("intacct WRITE", 0),
        **stored(world, plain),
    }


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    """Where two ends differ, and how."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted(one.keys() | other.keys())
        return [found for name in names for found in differences(one.get(name), other.get(name), f"{where}/{name}")]
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [found for at, (mine, theirs) in pairs for found in differences(mine, theirs, f"{where}/{at}")]
    return [] if one == other else [f"{where}: {one!r} instead of {other!r}"]


def key_of(task: Task) -> str:
    return task["fields"].get("Intacct key") or task["fields"].get("Intacct vendor key") or task["name"]


def comments(task: Task) -> list[str]:
    return [f"{story['by']}: {story['text']}" for story in task["stories"] if story["resource_subtype"] == "comment_added"]


def stored(world: Any, plain: Callable[[Any], Any]) -> dict[str, Any]:
    store = world.store()
    links = {kind: store.links(kind) for kind in ("bill", "vendor")}
    return {
        "links": {
            kind: sorted((key, plain(link.task_gid)) for key, link in kept.all().items()) for kind, kept in links.items()
        },
        "unfinished": {kind: sorted(one.intent_id for one in open_writes(store.intents(), kind)) for kind in links},
        "cursors": sorted(plain(name) for name, value in world.cursors().items() if value),
        "unsettled": len(store.decisions().unsettled()),
        "untold": len(store.decisions().unacknowledged()),
        "evidence is broken": [str(problem) for problem in store.verify_evidence()],
    }
