"""What the audit's findings take to be over: what the bill sync has to write, and what becomes of tasks that stand for nothing.

Pure. Only our own tasks are ever completed. What people made is told, once; what people decided past the record stays theirs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from intacct_asana.reading.following import GONE
from intacct_asana.records import Link
from intacct_asana.records.drift import Drift, Drifted
from intacct_asana.records.remarks import reference
from intacct_asana.sync import Plan, Retire, plan_records

FOR_PEOPLE = {
    Drift.EXTRA: "whoever made the task: delete it, or its key",
    Drift.UNRECORDED: "whoever answers for the approvals: see who set it, then decide on the task anew",
    Drift.BYPASS: "accounts payable: take the payment back, or accept it with a reason where there are exceptions",
}
"""Classes that no run mends, and whose they are."""


def for_the_bill_sync(found: Sequence[Drifted]) -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
    """Parts to be written by key, and record numbers of bills to be read that nobody knows here."""
    parts = {one.key: one.parts for one in found if one.parts}
    return parts, frozenset(one.record_no for one in found if one.record_no)


def repair_plan(found: Sequence[Drifted], *, links: Mapping[str, Link], bot_gid: str, told: Collection[str] = ()) -> Plan:
    """What is done with tasks that stand for nothing, in the order of the findings. `told` are gids of those that people made
    and that were told before.

    A task of which we know that it stood for a bill is completed as the bill sync completes it.
    """
    orphans = [one for one in found if one.drift is Drift.ORPHANED]
    known = {one.key: links[one.key] for one in orphans if one.key in links and links[one.key].task_gid == one.task_gid}
    closed = plan_records({}, links=known, found=None, gone=dict.fromkeys(known, GONE), bot_gid=bot_gid)
    unknown = [_orphan(one) for one in orphans if one.key not in known]
    copies = [_copy(one, gid) for one in found if one.drift is Drift.DUPLICATE and one.key in links for gid in one.others]
    extra = [_extra(one, links.get(one.key)) for one in found if one.drift is Drift.EXTRA and one.task_gid not in told]
    return replace(closed, actions=(*closed.actions, *unknown, *copies, *extra))


def stays(found: Sequence[Drifted]) -> list[dict[str, object]]:
    """What a repair leaves to people, by class: how many, and to whom."""
    counted = {drift: sum(one.drift is drift for one in found) for drift in FOR_PEOPLE}
    return [{"drift": str(drift), "count": count, "for": FOR_PEOPLE[drift]} for drift, count in counted.items() if count]


def _orphan(one: Drifted) -> Retire:
    said = f"This task is closed, because Intacct has no bill {one.key} any more, and nothing here says that it stood for one."
    return _retired(one, one.task_gid, reason="its bill is not in Intacct any more", said=said, completes=True)


def _copy(one: Drifted, gid: str) -> Retire:
    said = (
        f"This task is a copy and is closed: the task of this bill is {one.task_url}. What is chosen here counts for nothing."
    )
    reason = f"a copy; task {one.task_gid} stands for the bill"
    return replace(_retired(one, gid, reason=reason, said=said, completes=True), clears_key=True)


def _extra(one: Drifted, link: Link | None) -> Retire:
    stands = f"the task of this bill is {link.task_url}, and what" if link and link.task_url else "what"
    said = f"This task carries the key of a bill and does not stand for it: {stands} is chosen here counts for nothing. "
    said += "Delete this task, or empty its field with the key."
    return _retired(one, one.task_gid, reason="somebody else made it", said=said, completes=False)


def _retired(one: Drifted, gid: str, *, reason: str, said: str, completes: bool) -> Retire:
    text = f"{said}\n\n{reference(f'{one.drift}-{gid}')}"
    return Retire(key=one.key, reason=reason, task_gid=gid, name=one.name, text=text, completes=completes)
