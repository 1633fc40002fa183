"""Records that were read against links and board: a page of keys at a time, so that memory holds a page of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from intacct_asana.operators.flow_run import FlowRun, utc_now
from intacct_asana.operators.planning.spilling import Spilled, SpilledTexts, batched, in_pages
from intacct_asana.reading.following import CHANGED, Follower, Reading, Sight
from intacct_asana.records import Intent, Link, Pins, Snapshot, Task, Unread, UnreadTask
from intacct_asana.store.links import StoredLinks
from intacct_asana.sync import (
    Leave,
    PagedPlan,
    Plan,
    PlanPages,
    Progress,
    Wanted,
    creations_in_doubt,
    open_writes,
    parts_of,
    plan_records,
    settled,
    tasks_by_key,
)
from intacct_asana.sync.plan import of_no_record
from intacct_asana.task.project import NoPlace

if TYPE_CHECKING:
    from intacct_asana.asana.hook import AsanaHook

LATEST_ARRIVAL = timedelta(hours=24)
"""A task whose creation was noted shows up within this time, or it was never made: by then every try of the step that noted
it is over. A shorter time would give up creations of a long step that still goes on, when a backfill plans beside it."""

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Planner:
    """One planning. `wanted` projects a record, `name_of` calls it as people do, `key_field_gid` is where tasks carry keys."""

    run: FlowRun
    board: AsanaHook
    pins: Pins
    kind: str
    follower: Follower
    sight: Sight
    reading: Reading
    key_field_gid: str
    wanted: Callable[[Any], Wanted]
    name_of: Callable[[Any], str]
    owed: list[Unread] = field(default_factory=list)
    """What of all that was read is not planned: it cannot be read, or has no place in Asana."""

    _left: set[str] = field(default_factory=set)
    _written: set[str] = field(default_factory=set)

    def plan(self) -> PagedPlan:
        unread: list[UnreadTask] = []
        found = self._found(unread)
        self.owed += [*self.sight.unread, *self._of_unread_tasks(unread)]
        numbers = [one.record_no for one in self.owed if not one.key]
        left_alone = {one.key for one in self.owed} | self._links.by_record_no(numbers).keys()
        records, pages = self.sight.records, PlanPages(SpilledTexts())
        # A full pass speaks of every link, whether its record came or not.
        more = self._links.keys_but(records) if self.reading.compares_all else self.sight.gone.keys() - records.keys()
        keys = sorted(key for key in (*records, *more) if key not in left_alone)
        progress = Progress(f"{self.kind}s planned", total=len(keys), now=utc_now, say=log.info)
        done = 0
        for page in batched(keys):
            pages.add(self._page(page, found))
            progress.note(done := done + len(page))
        if self.reading.compares_all and found:
            speaks_of = (records, {*more}, left_alone)
            unknown = sorted(key for key in found if not any(key in known for known in speaks_of))
            pages.add(Plan(actions=(), notes=tuple(of_no_record(key, len(found[key])) for key in unknown)))
        self._give_up(found)
        return pages.whole()

    @cached_property
    def _links(self) -> StoredLinks:
        return self.run.store.links(self.kind)

    @cached_property
    def _unsure(self) -> list[Intent]:
        return open_writes(self.run.store.intents(), self.kind)

    @cached_property
    def _doubts(self) -> Mapping[str, frozenset[str]]:
        return parts_of(self._unsure)

    def _page(self, keys: Sequence[str], found: Mapping[str, list[Task]] | None) -> Plan:
        [records] = in_pages(self.sight.records, keys)
        wanted, unplaced = self._wanted_of(records)
        known = self._links.digests(keys)
        # Of what no task was looked at for, and nothing is in doubt, digests say what did not move.
        told = known.keys() & wanted.keys() - self._doubts.keys() if found is None else ()
        same = {key: leave for key in told if (leave := settled(key, wanted[key], known[key]))}
        keys = [key for key in keys if key not in same and key not in unplaced]
        here = None if found is None else {key: found[key] for key in keys if key in found}
        links = self._links.of(keys)
        plan = plan_records(
            {key: wanted[key] for key in keys if key in wanted},
            links=links,
            found=here,
            compares_all=self.reading.compares_all,
            gone={key: self.sight.gone[key] for key in keys if key in self.sight.gone},
            shown=lambda key: Snapshot(digest=known[key].shown_digest, body={}) if _shows(known.get(key)) else None,
            doubts=self._doubts,
            bot_gid=self.pins.bot_gid,
            owners=self._owners(here or {}, links),
        )
        for action in (*same.values(), *plan.actions):
            if action.key in self._doubts:
                (self._left if isinstance(action, Leave) else self._written).add(action.key)
        return Plan(actions=(*same.values(), *plan.actions), notes=plan.notes)

    def _owners(self, found: Mapping[str, list[Task]], links: Mapping[str, Link]) -> Mapping[str, str]:
        """Whose the tasks are that carry these keys, and are not the ones linked there."""
        linked = {link.task_gid for link in links.values()}
        gids = [task.gid for tasks in found.values() for task in tasks if task.gid not in linked]
        return {gid: link.key for gid, link in self._links.by_task(gids).items()}

    def _wanted_of(self, records: Mapping[str, Any]) -> tuple[dict[str, Wanted], set[str]]:
        """What each record wants, and those of which a value has no place in Asana: they are named, and hold up no other."""
        wanted: dict[str, Wanted] = {}
        for key, record in records.items():
            try:
                wanted[key] = self.wanted(record)
            except NoPlace as error:
                why = f"{self.name_of(record)}, {error.message}"
                self.owed.append(Unread(record_no=record.record_no, key=key, why=why, has_no_place=True))
        return wanted, records.keys() - wanted.keys()

    def _of_unread_tasks(self, unread: Sequence[UnreadTask]) -> Iterable[Unread]:
        """The records whose tasks cannot be read: nobody knows what those say, and a second task would be worse."""
        linked = self._links.by_task([task.gid for task in unread])
        for task in unread:
            link, key = linked.get(task.gid), task.texts.get(self.key_field_gid, "")
            if link:
                yield Unread(record_no=link.record_no, key=link.key, why=f"{link.key}: {task.why}")
            elif key in self.sight.records:
                yield Unread(record_no=self.sight.records[key].record_no, key=key, why=f"{key}: {task.why}")
            else:
                log.warning("%s", task.why)

    def _found(self, unread: list[UnreadTask]) -> MutableMapping[str, list[Task]] | None:
        """Tasks on the board by key: all of them for a full pass, else only around creations that never ended.

        Without a cursor no full pass was ever finished with this store, so even a narrowed run looks at the whole board:
        after a lost store the tasks are there, and must be found instead of made again. A record that was owed since then
        was left out of that look.
        """
        unfinished = creations_in_doubt(self._unsure)
        looks_at_all = self.reading.compares_all or self.follower.known[CHANGED] is None or self._is_late()
        if not looks_at_all and not unfinished:
            return None
        return tasks_by_key(
            self.board,
            self.pins.project_gid,
            key_field_gid=self.key_field_gid,
            since=None if looks_at_all else min(unfinished.values()),
            unread=unread.append,
            into=Spilled(),
        )

    def _is_late(self) -> bool:
        """Whether a record that was owed can be planned now and has no task yet. One without a place gets none."""
        owed = self.follower.owed
        late = {key: one for key, one in self.sight.records.items() if one.record_no in owed} if owed else {}
        known = self._links.of(late)
        return any(self._has_place(one) for key, one in late.items() if key not in known)

    def _has_place(self, record: Any) -> bool:
        try:
            self.wanted(record)
        except NoPlace:
            return False
        return True

    def _give_up(self, found: Mapping[str, list[Task]] | None) -> None:
        """Old writes that this plan has no use for: creations that never reached the board, parts that nobody speaks of now.

        They would be looked for, and their records be read, by every run.
        """
        if self.run.flow.rehearsal:
            return
        journal, long_ago = self.run.store.intents(), self.run.now() - LATEST_ARRIVAL
        for write in self._unsure:
            may_be_there = bool(write.since) and write.state.is_in_doubt
            is_absent = found is not None and write.subject not in found
            is_idle = is_absent if may_be_there else bool(write.since) or write.subject in self._left
            if is_idle and write.subject not in self._written and write.noted_at and write.noted_at < long_ago:
                journal.drop(write)


def _shows(link: Any) -> bool:
    return bool(link and link.shown_digest)
