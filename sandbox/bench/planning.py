"""How fast planning is: many bills against as many links of which few changed, beside a plain comparison of dicts."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sandbox.bench.table import Result, load, middle, table

if TYPE_CHECKING:
    from intacct_asana.store import FlowStore
    from intacct_asana.sync import Wanted

GOAL = 3.0
OURS, READ, HELD = "planning", "dicts, read from the same store", "dicts, in memory already"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Seconds of the processor in each round, by way. A ratio is that of one round, in which all ways took their turn."""

    bills: int
    changed: int
    seconds: dict[str, list[float]]

    def ratios(self, to: str) -> list[float]:
        return [ours / other for ours, other in zip(self.seconds[OURS], self.seconds[to], strict=True)]

    def rows(self) -> list[tuple[str, ...]]:
        rows = []
        for way, seconds in self.seconds.items():
            ratios = self.ratios(way)
            spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
            each = f"{statistics.median(seconds) / self.bills * 1e6:.1f}"
            rows.append((way, f"{statistics.median(seconds):.2f}", each, f"{statistics.median(ratios):.2f}", spread))
        return rows


def main(
    bills: Annotated[int, typer.Option(min=100, max=1_000_000, help="Bills, and links.")] = 100_000,
    percent: Annotated[int, typer.Option(min=0, max=100, help="Of them, how many changed.")] = 1,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="How often each way takes its turn.")] = 5,
) -> None:
    """Planning beside a plain comparison of dicts: the same bills, the same links, the same result."""
    before = load()
    measured = measure(bills=bills, percent=percent, rounds=rounds)
    print(f"\nPlanning {measured.bills:,} bills against as many links, {measured.changed:,} of them changed")
    print(table(("way", "seconds", "us a bill", "ours to it", "spread"), measured.rows()))
    ratio = statistics.median(measured.ratios(READ))
    print(f"{ratio:.2f} times a comparison of dicts that reads the links too. ", end="")
    print(f"Goal at most {GOAL:.0f} times: {'met' if ratio <= GOAL else 'NOT met'}.")
    print(f"Before: {before}\nAfter:  {load()}")


def measure(*, bills: int, percent: int, rounds: int) -> Measured:
    """Each way finds the same keys, or this raises. Projecting bills onto tasks is in none of them."""
    with TemporaryDirectory(prefix="intacct-asana-bench-") as folder:
        store, wanted, url = _a_world(Path(folder), bills=bills, percent=percent)
        desired = {key: _plain(one) for key, one in wanted.items()}
        held = _read(url)
        ways: dict[str, Callable[[], list[str]]] = {
            OURS: lambda: _planned(store, wanted),
            READ: lambda: _compared(desired, _read(url)),
            HELD: lambda: _compared(desired, held),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        found: set[tuple[str, ...]] = set()
        # The first round imports and makes what lasts: it belongs to none.
        for place in range(rounds + 1):
            for way, work in ways.items():
                began = time.process_time()
                keys = work()
                found.add(tuple(keys))
                if place:
                    seconds[way].append(time.process_time() - began)
    if len(found) != 1:
        raise AssertionError(f"the ways found {sorted(map(len, found))} bills changed")
    return Measured(bills=bills, changed=len(found.pop()), seconds=seconds)


def _a_world(folder: Path, *, bills: int, percent: int) -> tuple[FlowStore, dict[str, Wanted], str]:
    """A store with a link and what its task shows for each bill, and what is wanted now."""
    from intacct_asana.records import Link, Snapshot
    from intacct_asana.store import open_store

    url = f"sqlite:///{folder / 'store.db'}"
    store = open_store(url).for_flow("bench")
    wanted = {key: _wanted(key) for key in (f"bill-{number:07}" for number in range(bills))}
    now, links = datetime(2026, 11, 23, tzinfo=UTC), store.links("bill")
    with store.together():
        for number, (key, one) in enumerate(wanted.items()):
            link = Link(key=key, task_gid=str(1200000000000000 + number), record_no=one.record_no, confirmed=one.draft)
            links.save(link, shown=one.snapshot, shown_at=now)
    for key in list(wanted)[:: 100 // percent] if percent else ():
        draft = wanted[key].draft
        fields = {**draft.fields, "1": Decimal("99.99")}
        snapshot = Snapshot(digest="b" * 64, body={})
        wanted[key] = replace(wanted[key], draft=replace(draft, fields=fields), snapshot=snapshot)
    return store, wanted, url


def _wanted(key: str) -> Wanted:
    from intacct_asana.records import Snapshot, TaskDraft
    from intacct_asana.sync import Wanted

    texts = {str(number): f"what field {number} of {key} says" for number in range(10, 22)}
    fields = {"1": Decimal("1234.56"), "2": date(2026, 12, 1), "3": "1200000000000001", "4": None, **texts}
    draft = TaskDraft(
        key=key,
        name=f"Acme Ltd {key}",
        html_notes=f"<body>{'<li>6000 Office, 12.50</li>' * 12}</body>",
        due_on=date(2026, 12, 1),
        section_gid="1200000000000002",
        fields=fields,
        initial_fields={"5": "1200000000000003"},
    )
    snapshot = Snapshot(digest="a" * 64, body={"bill_number": key})
    return Wanted(draft=draft, record_no=key[5:], amount=Decimal("1234.56"), currency="USD", in_scope=True, snapshot=snapshot)


def _planned(store: FlowStore, wanted: dict[str, Wanted]) -> list[str]:
    """The planner of the bill sync over what an ordinary run read. Each record says itself what it wants."""
    from intacct_asana.operators.planning.planner import Planner
    from intacct_asana.reading.following import CHANGED, Sight
    from intacct_asana.store import kept_open

    run: Any = SimpleNamespace(store=store, flow=SimpleNamespace(rehearsal=True))
    whole: Any = SimpleNamespace(known={CHANGED: "a cursor"}, owed=frozenset())
    ordinary: Any = SimpleNamespace(compares_all=False)
    nobody: Any = SimpleNamespace(bot_gid="", project_gid="")
    planner = Planner(
        run=run,
        board=nobody,
        pins=nobody,
        kind="bill",
        follower=whole,
        sight=Sight(records=wanted),
        reading=ordinary,
        key_field_gid="9",
        wanted=lambda one: one,
        name_of=lambda one: str(one.record_no),
    )
    # As every step does.
    with kept_open():
        plan = planner.plan()
    return [action.key for page in plan.pages() for action in page.writing]


def _plain(one: Wanted) -> dict[str, Any]:
    from intacct_asana.codec import to_json

    said: dict[str, Any] = json.loads(to_json(one.draft))
    return said


def _read(url: str) -> dict[str, dict[str, Any]]:
    """What somebody would do instead: each link's JSON, as a dict."""
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        rows = connection.execute("SELECT key, confirmed FROM ia_links WHERE flow = 'bench' AND kind = 'bill'")
        return {key: json.loads(text) for key, text in rows}


def _compared(desired: dict[str, dict[str, Any]], confirmed: dict[str, dict[str, Any]]) -> list[str]:
    return sorted(key for key, said in desired.items() if confirmed.get(key) != said)


def results(*, quick: bool) -> list[Result]:
    found = measure(bills=10_000 if quick else 100_000, percent=1, rounds=3 if quick else 5)
    note = f"{found.bills:,} bills, {found.changed:,} of them changed; the dicts are read from the same store"
    return [middle("planning_vs_dicts", "times as long", found.ratios(READ), at_most=GOAL, note=note)]
