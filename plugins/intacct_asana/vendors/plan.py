"""The plan for vendors' fields: a value that can be printed, stored, refused and applied."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from intacct_asana.errors import UnexpectedReply, UnsafePlan
from intacct_asana.records import Task, ValueState, Vendor, VendorValue
from intacct_asana.vendors.decide import Facts, Step, decide
from intacct_asana.vendors.rules import VendorPolicy, VendorRule

VERSION = 1
FEWEST_VALUES = 10
"""With fewer agreed values an empty side proves nothing: a new flow looks like that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field: what Asana wants, what both sides last agreed on, what Intacct says, and what is done about it.

    `before` is the state of the field's row that it was planned on.
    """

    field: str
    step: str
    wanted: str
    agreed: str | None
    actual: str | None
    why: str
    drift: bool = False
    before: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorAction:
    """All that happens to one vendor's fields: one write at most."""

    key: str
    vendor_id: str
    task_gid: str
    changes: tuple[Change, ...]

    @property
    def writes(self) -> bool:
        return any(change.step == Step.WRITE for change in self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorPlan:
    """Actions in the order of their keys; `left` counts fields with nothing to do."""

    actions: tuple[VendorAction, ...]
    left: int = 0
    notes: tuple[str, ...] = ()
    emptied_in_asana: int = 0
    emptied_in_intacct: int = 0

    def counts(self) -> dict[str, int]:
        """Fields by step, every step, and the vendors that are written."""
        counted = Counter(change.step for action in self.actions for change in action.changes)
        found = {str(step): counted[step] for step in Step}
        return found | {"leave": self.left, "vendors_to_write": sum(action.writes for action in self.actions)}

    def render(self, *, names: Mapping[str, str], rows: int = 50) -> str:
        """A table for logs. `names` gives fields their names."""
        totals = ", ".join(f"{count} {name}" for name, count in self.counts().items())
        lines = [
            f"| {change.step} | {action.vendor_id} | {names.get(change.field, change.field)} | "
            f"{_shown(change.actual)} -> {_shown(change.wanted)} | {change.why} |"
            for action in self.actions
            for change in action.changes
        ]
        more = [f"... and {len(lines) - rows} more."] if len(lines) > rows else []
        head = ["| step | vendor | field | Intacct -> Asana | why |", "|---|---|---|---|---|"] if lines else []
        return "\n".join([totals, *head, *lines[:rows], *more, *(f"- {note}" for note in self.notes[:rows])])


def plan_fields(
    policy: VendorPolicy,
    *,
    tasks: Mapping[str, Task],
    vendors: Mapping[str, Vendor],
    rows: Mapping[str, Mapping[str, VendorValue]],
    gone: frozenset[str] = frozenset(),
    notes: tuple[str, ...] = (),
) -> VendorPlan:
    """What to do for each field of each vendor whose task is known. Reads nothing, writes nothing.

    `tasks` and `vendors` are by vendor key; `gone` are keys that Intacct was asked for and does not have. A vendor that was
    not read, and is not gone, is left alone. `rows` are what the store keeps, by key and field.
    """
    actions, left, emptied_there, emptied_here = [], 0, 0, 0
    for key in sorted(tasks):
        vendor = vendors.get(key)
        if vendor is None and key not in gone:
            continue
        known = rows.get(key, {})
        changes = []
        for rule in policy.rules:
            facts = facts_of(rule, policy, wanted=rule.wanted(tasks[key]), vendor=vendor, row=known.get(rule.key))
            emptied_here += bool(facts.agreed) and facts.wanted == ""
            emptied_there += bool(facts.agreed) and facts.flows and facts.actual == ""
            change = change_of(rule.key, facts)
            if change.step == Step.LEAVE:
                left += 1
            else:
                changes.append(change)
        if changes:
            vendor_id = vendor.vendor_id if vendor else vendor_id_of(key)
            actions.append(VendorAction(key=key, vendor_id=vendor_id, task_gid=tasks[key].gid, changes=tuple(changes)))
    return VendorPlan(
        actions=tuple(actions), left=left, notes=notes, emptied_in_asana=emptied_here, emptied_in_intacct=emptied_there
    )


def facts_of(
    rule: VendorRule, policy: VendorPolicy, *, wanted: str | None, vendor: Vendor | None, row: VendorValue | None
) -> Facts:
    return Facts(
        wanted=wanted,
        row=row,
        actual=rule.actual(vendor),
        status=vendor.status if vendor else "",
        approval_state=vendor.approval_state if vendor else "",
        flows=bool(rule.intacct_field),
        clears=rule.clears,
        write_inactive=policy.write_inactive,
        edits_wait=policy.edits_wait,
    )


def change_of(field: str, facts: Facts) -> Change:
    """What is decided about a field. What waits and was told to wait is left alone."""
    verdict = decide(facts)
    row, wanted = facts.row, facts.wanted or ""
    known = row is not None and row.state is ValueState.WAITING and row.wanted == wanted and verdict.step is Step.WAIT
    return Change(
        field=field,
        step=str(Step.LEAVE if known else verdict.step),
        wanted=wanted,
        agreed=facts.agreed,
        actual=facts.actual,
        why=verdict.why,
        drift=verdict.drift,
        before=standing(row),
    )


def vendor_key_of(company_id: str, vendor_id: str) -> str:
    return f"{company_id}:vendor:{vendor_id}"


def vendor_id_of(key: str) -> str:
    """The vendor's id in its key, `<company>:vendor:<id>`; an id may hold colons itself."""
    return key.split(":", 2)[2]


def standing(row: VendorValue | None) -> str:
    """What a plan was made on, as text: applied later, it must still be so."""
    return f"{row.state}|{row.turn}|{row.wanted}" if row else ""


def raise_if_unsafe(plan: VendorPlan, *, vendor_writes: int, agreed: int, nothing_listed: bool = False) -> None:
    """Raises UnsafePlan with every reason. `agreed` is how many values that are not empty both sides agreed on so far."""
    writes = plan.counts()["vendors_to_write"]
    reasons = []
    if writes > vendor_writes:
        reasons.append(f"too many vendors to write in Intacct: {writes}, the limit is {vendor_writes}")
    if agreed >= FEWEST_VALUES:
        sides = {"Asana": plan.emptied_in_asana, "Intacct": plan.emptied_in_intacct}
        reasons += [
            f"a side is going empty: {count} of {agreed} known values are empty in {side} now"
            for side, count in sides.items()
            if count * 2 >= agreed
        ]
        if nothing_listed:
            reasons.append(f"a side is empty: the Asana project showed no vendor's task, but {agreed} values are known")
    if reasons:
        listed = "".join(f"\n  - {reason}" for reason in reasons)
        way_out = "Nothing was written. Read the plan; if it is right, run again with allow_unsafe_plan."
        raise UnsafePlan(f"The plan for vendors' fields is bigger than the flow's limits:{listed}\n{way_out}")


def plan_to_json(plan: VendorPlan) -> str:
    return json.dumps({"version": VERSION, **asdict(plan)}, separators=(",", ":"))


def plan_from_json(text: str) -> VendorPlan:
    """The plan in `text`. Raises UnexpectedReply when it is not one that this version wrote."""
    try:
        data: dict[str, Any] = json.loads(text)
        if data.pop("version") != VERSION:
            raise ValueError("another version")
        actions = tuple(
            VendorAction(**{**action, "changes": tuple(Change(**change) for change in action["changes"])})
            for action in data.pop("actions")
        )
        return VendorPlan(actions=actions, **{**data, "notes": tuple(data["notes"])})
    except (ValueError, KeyError, TypeError) as error:
        raise UnexpectedReply(
            f"The stored plan cannot be read ({type(error).__name__}: {error}). Clear the planning step and run it again."
        ) from error


def _shown(value: str | None) -> str:
    return "(gone)" if value is None else (value or "(empty)").replace("|", "\\|")
