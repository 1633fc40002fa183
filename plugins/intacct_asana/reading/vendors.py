"""Which vendors a run over their fields has to look at, and what of each side is still lacking for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from intacct_asana.records import Link, Task, Unread, Vendor, VendorValue
from intacct_asana.text import one_line
from intacct_asana.vendors import VendorPolicy, VendorRule, vendor_id_of

CHUNK = 200
"""Vendor ids in one query."""

Rows = Mapping[str, Mapping[str, VendorValue]]
"""What the store keeps, by vendor key and field."""


@dataclass(slots=True, kw_only=True)
class SeenVendors:
    """What a planning step has read so far, by vendor key. `lists_all` says that the whole board was listed."""

    tasks: dict[str, Task] = field(default_factory=dict)
    vendors: dict[str, Vendor] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    lists_all: bool = False
    shows_none: bool = False
    unread: dict[str, str] = field(default_factory=dict)
    """Vendors of which something cannot be read, on either side, and why. Nothing is planned for them."""

    def tell_unread(self, one: Unread) -> None:
        self.unread[one.key or one.record_no] = one.why

    def take_listing(self, found: Mapping[str, Sequence[Task]], *, links: Mapping[str, Link], lists_all: bool) -> None:
        """Tasks by the key that they carry. A copy of a task carries it too; only the linked one speaks."""
        self.lists_all, self.shows_none = lists_all, lists_all and not found
        for key, tasks in found.items():
            for task in tasks:
                if key in links and links[key].task_gid == task.gid:
                    self.tasks[key] = task
                else:
                    self.notes.append(f"{key}: task {task.gid} carries this key too; only what its own task says counts")

    def worth_a_look(self, policy: VendorPolicy, rows: Rows) -> set[str]:
        """Keys whose task or vendor says something else than was agreed, so that unchanged vendors cost no call."""
        keys = {*self.tasks, *self.vendors} - self.unread.keys()
        return {key for key in keys if any(self._differs(key, rule, rows.get(key, {})) for rule in policy.rules)}

    def _differs(self, key: str, rule: VendorRule, known: Mapping[str, VendorValue]) -> bool:
        row = known.get(rule.key)
        agreed = (row.agreed if row else None) or ""
        task, vendor = self.tasks.get(key), self.vendors.get(key)
        if task and rule.wanted(task) != agreed:
            return True
        return bool(rule.intacct_field) and vendor is not None and rule.actual(vendor) != agreed

    def without_task(self, keys: Collection[str]) -> list[str]:
        """Whose task is still to be asked for, by its gid; after a whole listing a task that was not there is not there."""
        return [] if self.lists_all else sorted(key for key in keys if key not in self.tasks)

    def without_vendor(self, keys: Collection[str]) -> Iterator[list[str]]:
        """Whose vendor is still to be asked for, as many as one query takes."""
        lacking = sorted(key for key in keys if key not in self.vendors)
        yield from (lacking[start : start + CHUNK] for start in range(0, len(lacking), CHUNK))

    def take_answer(self, keys: Collection[str], vendors: Iterable[Vendor]) -> None:
        """The vendors that were asked for; who did not come is gone. Ids are case sensitive, whatever a query matches."""
        self.vendors.update((one.vendor_key, one) for one in vendors if one.vendor_key in keys)
        self.gone.update(key for key in keys if key not in self.vendors and key not in self.unread)


def ids_of(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(vendor_id_of(key) for key in keys)


def newest_change(tasks: Iterable[Task], *, known: str | None) -> str:
    """How far the board has been seen, by Asana's own times; empty when nothing says so."""
    times = [task.modified_at for task in tasks if task.modified_at]
    newest = max([*times, *([datetime.fromisoformat(known)] if known else [])], default=None)
    return newest.isoformat() if newest else ""


def same_names(vendors: Iterable[Vendor]) -> list[str]:
    """Two vendors of one name are two vendors: their ids tell them apart, and people are told."""
    by_name: dict[str, list[str]] = {}
    for vendor in vendors:
        by_name.setdefault(one_line(vendor.name).casefold(), []).append(vendor.vendor_id)
    return [
        f"vendors {', '.join(sorted(ids))} have the same name; one may be a duplicate"
        for _, ids in sorted(by_name.items())
        if len(ids) > 1
    ]
