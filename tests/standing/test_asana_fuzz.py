"""Mangled answers of Asana: our errors come out, or a decision that is refused, and never a stamp that is not due.

*Damage* leaves out, empties, retypes, doubles, reorders or cuts what Asana says, or answers another status. It says nothing
new: whatever it does, a stamp has to be exactly that of the whole answers (verdict, person, story).
*Lies* say something else in the right form, so that nobody could tell: a story that is missing from the list, other people,
options, names, sources, kinds and times, another text. These change the truth, and a stamp must be the one that the mangled
answers themselves prove, as `what_answers_say` reads them without the code.

`--slow` runs at least 100,000 cases; a failure names the seed that repeats it.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests
from intacct_asana.approvals import Stands
from intacct_asana.errors import IntacctAsanaError

from sandbox import constants
from tests.begun import begun
from tests.databases import NewStore, files_in
from tests.reconciliation.reconciliation_world import connections
from tests.standing.answer_damage import Lies, damaged, mangled
from tests.standing.recorded_answers import (
    GUS_IS_LISTED,
    SCENES,
    End,
    Reader,
    Scene,
    Stamp,
    record_scenes,
)
from tests.standing.standing_world import Standing
from tests.standing.what_answers_say import due

pytestmark = [pytest.mark.fuzz, pytest.mark.airflow]
PARTS, SLOW_CASES = 4, 100_000
STANDS = {"approve": Stands.APPROVED, "reject": Stands.REJECTED}
ERRORS = {"TryLater", "Misconfigured", "UnexpectedReply", "OddRecord"}
"""Those of our six errors that reading can end in."""
Figures = Callable[[str, object], None]

_scenes: list[Scene] = []


@pytest.fixture
def scenes(connected: Any, tmp_path: Path) -> list[Scene]:
    """Recorded once for each process."""
    if not _scenes:
        new_store = files_in(tmp_path)
        _scenes.extend(record_scenes(lambda **how: Standing(connected, tmp_path, new_store, **how)))
    return _scenes


def values_of(scenes: list[Scene]) -> dict[str, list[Any]]:
    """What the scenes' world holds under the telling keys, for lies."""
    people = [{**person, "resource_type": "user"} for person in constants.PEOPLE]
    actors: list[Any] = [None, *people, {"gid": constants.BOT_GID, "resource_type": "user", "name": constants.BOT_NAME}]
    names = {scene.way: scene for scene in scenes}
    way: Any = names["ChoiceField"].policy.way
    options = [
        {"gid": gid, "name": name} for gid in (*way.verdicts, way.pending) for name in ("Approved", "Rejected", "Pending")
    ]
    field = {"gid": way.field_gid, "name": "Approval", "resource_type": "custom_field"}
    return {
        "created_by": [*actors, {"gid": "77", "resource_type": "agent", "name": "Alice Martin"}],
        "gid": [person["gid"] for person in people] + [way.field_gid, *way.verdicts, way.pending, "77"],
        "new_enum_value": [None, *options],
        "enum_value": [None, *options],
        "custom_field": [None, field, {"gid": "88", "name": "Approval"}],
        "source": ["web", "mobile", "api", "rule", "", None],
        "resource_type": ["user", "agent", "app", "task", "story"],
        "resource_subtype": ["comment_added", "enum_custom_field_changed", "approval", "default_task", "marked_complete"],
        "new_approval_status": ["approved", "rejected", "pending", "changes_requested"],
        "approval_status": ["approved", "rejected", "pending", "changes_requested"],
        "text": ["approve", "reject", "reject: no", "wait", ""],
        "html_text": ["<body>approve</body>", "<body><s>approve</s></body>", "<body>reject: no</body>", ""],
        "is_edited": [True, False],
        "is_guest": [True, False],
        "email": [person["email"] for person in people] + [""],
        "number_value": [500, 9.9, 9000],
        "action": ["added", "changed", "deleted", "removed"],
    }


class Fuzz:
    """Reads mangled answers and judges what came out of it."""

    def __init__(self, scenes: list[Scene]) -> None:
        self.scenes, self.reader, self.lies = scenes, Reader(), Lies(values_of(scenes))
        self.whole = [self.reader.read(scene, scene.wire).stamps for scene in scenes]
        self.ends: Counter[str] = Counter()

    def run(self, cases: int, *, seed: str) -> None:
        for number in range(cases):
            try:
                self.case(Random(f"{seed}-{number}"))
            except Exception as error:
                raise AssertionError(f"case {seed}-{number}: {error}") from error

    def case(self, random: Random) -> None:
        place, lies = random.randrange(len(self.scenes)), random.random() < 0.4
        scene = self.scenes[place]
        changed = mangled(scene.documents, random, lies=self.lies if lies else None)
        allowed = due(scene, {**scene.documents, **changed}) if lies else self.whole[place]
        self.judge(scene, self.reader.read(scene, scene.answers(changed)), allowed)

    def judge(self, scene: Scene, end: End, allowed: list[Stamp]) -> None:
        what = f"{scene.way}, {scene.name!r}"
        assert end.stamps in ([], allowed), f"{what}: stamped {end.stamps}, allowed {allowed}, {end.words}"
        assert end.stands is (STANDS[end.stamps[0][0]] if end.stamps else Stands.PENDING), f"{what}: {end}"
        assert {word for word in end.words if not word.isupper()} <= ERRORS | {"gone"}, f"{what}: {end}"
        self.ends.update({"stamp": 1} if end.stamps else end.words or ["nothing"])


def test_whole_answers_give_what_each_scene_is_about(scenes: list[Scene]) -> None:
    """By both readers; and of each way some are stamped and some are not."""
    fuzz = Fuzz(scenes)
    for scene, stamps in zip(scenes, fuzz.whole, strict=True):
        assert due(scene, scene.documents) == stamps, (scene.way, scene.name)
        wanted = {"approved": "approve", "rejected": "reject", "overruled": "reject", "thought better of": "approve"}
        name = scene.name.removesuffix(" with the field")
        assert [one[0] for one in stamps] == ([wanted[name]] if name in wanted else []), (scene.way, scene.name)
    assert len(scenes) > sum(len(acts) for acts in SCENES.values())


def test_thousands_of_mangled_answers_give_no_stamp_that_is_not_due(scenes: list[Scene], figures: Figures) -> None:
    fuzz = Fuzz(scenes)
    fuzz.run(3_000, seed="quick")
    assert {"stamp", "nothing", "REFUSED", "OddRecord", "TryLater"} <= set(fuzz.ends)
    figures("mangled answers of Asana, short", dict(fuzz.ends))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_hundred_thousand_mangled_answers_give_no_stamp_that_is_not_due(
    scenes: list[Scene], part: int, figures: Figures
) -> None:
    fuzz = Fuzz(scenes)
    fuzz.run(SLOW_CASES // PARTS, seed=f"slow-{part}")
    figures(f"mangled answers of Asana, {SLOW_CASES // PARTS:,} as part {part + 1} of {PARTS}", dict(fuzz.ends))


# Over HTTP: the real operators, with a proxy between them and the sandbox


class Proxy:
    """Passes every call on to the sandbox, and damages the answers to some of the reads while `random` is set."""

    def __init__(self, url: str) -> None:
        self.upstream, self.random, self.count = url, None, 0  # type: tuple[str, Random | None, int]
        self.lock = threading.Lock()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        kept = {name: value for name, value in headers.items() if name.lower() in ("authorization", "content-type", "accept")}
        found = requests.request(method, self.upstream + path, headers=kept, data=body, timeout=60)
        with self.lock:
            if self.random is None or method != "GET" or "/users/me" in path or self.random.random() > 0.12:
                return found.status_code, {"Date": found.headers["Date"]}, found.content
            self.count += 1
            told = damaged(json.loads(found.content), self.random)
        return (
            found.status_code,
            {"Date": found.headers["Date"]},
            told if isinstance(told, bytes) else json.dumps(told).encode(),
        )


@contextmanager
def proxy_to(url: str) -> Iterator[tuple[Proxy, str]]:
    proxy = Proxy(url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, told = proxy.answer(self.command, self.path, dict(self.headers), body)
            self.send_response_only(status)
            for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(told))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PUT = do_DELETE = do_any

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield proxy, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


ENUM = next(iter(SCENES))
OVER_HTTP = (
    "approved",
    "rejected",
    "overruled",
    "overruled without a word",
    "taken back",
    "a guest",
    "another amount for a while",
)
ROUNDS, SLOW_ROUNDS = 6, 60
"""Each round damages several answers: some dozens in the short half, hundreds in the long one."""


class OverHttp:
    """A board with a bill for each scene, as it was for each round: what was stamped once stays so."""

    def __init__(self, proxy: Proxy, make: Callable[..., Standing]) -> None:
        self.proxy, self.ends = proxy, Counter[str]()
        self.make = partial(make, bills=0, approval=ENUM, replace=GUS_IS_LISTED)

    def round(self, random: Random | None) -> list[str]:
        """What the stamps say after one run of the operators on damaged answers."""
        flow = self.make()

        def decided() -> tuple[str, Any]:
            flow.bills = [flow.make_bill() for _ in OVER_HTTP]
            flow.sync()
            for place, name in enumerate(OVER_HTTP):
                for act in SCENES[ENUM][name]:
                    act(flow, place)
            return flow.url, (flow.bills, flow.at)

        url, (flow.bills, flow.at) = begun(flow.sandbox, flow.new_store, "over HTTP", decided)
        flow.use_store(url)
        flow.pass_time(hours=1)
        self.proxy.random = random
        for step in (flow.read, flow.settle):
            try:
                step()
            except IntacctAsanaError as error:
                self.ends[type(error).__name__] += 1
        self.proxy.random = None
        stamps = [flow.held(place)["ASANA_DECISION"] for place in range(len(OVER_HTTP))]
        self.ends.update(f"stamped {one}" for one in stamps if one)
        return stamps


@pytest.fixture
def over_http(connected: Any, tmp_path: Path, new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[OverHttp]:
    with proxy_to(connected.url) as (proxy, url):
        told = json.loads(connections(connected)["AIRFLOW_CONN_ASANA_DEFAULT"])
        monkeypatch.setenv("AIRFLOW_CONN_ASANA_DEFAULT", json.dumps({**told, "host": f"{url}/api/1.0"}))
        yield OverHttp(proxy, lambda **how: Standing(connected, tmp_path, new_store, **how))


def play(over_http: OverHttp, *, rounds: int, seed: str) -> str:
    whole = over_http.round(None)
    assert whole == ["Approved", "Rejected", "Rejected", "", "", "", ""]
    for number in range(rounds):
        stamps = over_http.round(Random(f"{seed}-{number}"))
        for name, is_due, said in zip(OVER_HTTP, whole, stamps, strict=True):
            assert said in ("", is_due), f"case {seed}-{number}, {name!r}: stamped {said}"
    return f"{over_http.proxy.count}: {dict(over_http.ends)}"


def test_the_operators_stamp_nothing_undue_on_damaged_answers_over_http(over_http: OverHttp, figures: Figures) -> None:
    figures("damaged answers of Asana over HTTP", play(over_http, rounds=ROUNDS, seed="http"))


@pytest.mark.slow
def test_the_operators_stamp_nothing_undue_on_hundreds_of_damaged_answers_over_http(
    over_http: OverHttp, figures: Figures
) -> None:
    figures("hundreds of damaged answers of Asana over HTTP", play(over_http, rounds=SLOW_ROUNDS, seed="http-slow"))
