"""The plan for vendors' fields: for each field of each vendor what is done about it, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from intacct_asana.records import Task, ValueState, Vendor, VendorValue
from intacct_asana.sync.difference import FIELD
from intacct_asana.sync.plan_value import FEWEST, LEAVE, PlanValue, refuse_if_any, too_many
from intacct_asana.vendors.decide import Facts, Step, decide
from intacct_asana.vendors.rules import VendorPolicy, VendorRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field: what Asana wants, what both sides last agreed on, what Intacct says, and what is done about it.

    `kind` is a Step. `before` is how the field's row stood when it was planned. `emptied` names the sides on which a value
    that both had is empty now.
    """

    kind: str
    key: str
    vendor_id: str
    task_gid: str
    field: str
    wanted: str
    agreed: str | None
    actual: str | None
    why: str
    drift: bool = False
    before: str = ""
    emptied: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        return f"{FIELD}{self.field}, {_shown(self.actual)} -> {_shown(self.wanted)}: {self.why}"


@dataclass(frozen=True, kw_only=True)
class VendorPlan(PlanValue[Change]):
    """One action a field. All that is written of one vendor is one request."""

    __slots__ = ()
    version = 2
    kinds = tuple(str(step) for step in Step)
    actions: tuple[Change, ...]

    def acting(self) -> VendorPlan:
        """What is to be done, which is all that is worth keeping: without the fields that are left alone."""
        return replace(self, actions=tuple(change for change in self.actions if change.kind != LEAVE))

    def counts(self) -> dict[str, int]:
        """Fields by step, every step, and the vendors that are written."""
        return super().counts() | {"vendors_to_write": len({one.key for one in self.actions if one.kind == Step.WRITE})}


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
    changes = [
        change_of(
            rule,
            policy,
            key=key,
            task_gid=tasks[key].gid,
            wanted=rule.wanted(tasks[key]),
            vendor=vendors.get(key),
            row=rows.get(key, {}).get(rule.key),
        )
        for key in sorted(tasks)
        if key in vendors or key in gone
        for rule in policy.rules
    ]
    return VendorPlan(actions=tuple(changes), notes=notes)


def change_of(
    rule: VendorRule,
    policy: VendorPolicy,
    *,
    key: str,
    task_gid: str,
    wanted: str | None,
    vendor: Vendor | None,
    row: VendorValue | None,
    taken: bool | None = None,
) -> Change:
    """What is decided about a field. What waits and was told to wait is left alone."""
    facts = Facts(
        wanted=wanted,
        row=row,
        actual=rule.actual(vendor),
        status=vendor.status if vendor else "",
        approval_state=vendor.approval_state if vendor else "",
        flows=bool(rule.intacct_field),
        clears=rule.clears,
        write_inactive=policy.write_inactive,
        edits_wait=policy.edits_wait,
        taken=taken,
    )
    verdict = decide(facts)
    known = row is not None and row.state is ValueState.WAITING and row.wanted == wanted and verdict.step is Step.WAIT
    return Change(
        kind=str(Step.LEAVE if known else verdict.step),
        key=key,
        vendor_id=vendor.vendor_id if vendor else vendor_id_of(key),
        task_gid=task_gid,
        field=rule.key,
        wanted=wanted or "",
        agreed=facts.agreed,
        actual=facts.actual,
        why=verdict.why,
        drift=verdict.drift,
        before=standing(row),
        emptied=_emptied(facts),
    )


def vendor_key_of(company_id: str, vendor_id: str) -> str:
    return f"{company_id}:vendor:{vendor_id}"


def vendor_id_of(key: str) -> str:
    """The vendor's id in its key, `<company>:vendor:<id>`; an id may hold colons itself."""
    return key.split(":", 2)[2]


def standing(row: VendorValue | None) -> str:
    """What a plan was made on, as text: applied later, it must still be so."""
    return f"{row.state}|{row.wanted}|{row.at.isoformat()}" if row else ""


def raise_if_unsafe(plan: VendorPlan, *, vendor_writes: int, agreed: int, nothing_listed: bool = False) -> None:
    """Raises UnsafePlan with every reason. `agreed` is how many values that are not empty both sides agreed on so far."""
    reasons = too_many("vendors to write in Intacct", plan.counts()["vendors_to_write"], vendor_writes)
    if agreed >= FEWEST:
        emptied = Counter(side for change in plan.actions for side in change.emptied)
        reasons += [
            f"a side is going empty: {count} of {agreed} known values are empty in {side} now"
            for side, count in sorted(emptied.items())
            if count * 2 >= agreed
        ]
        if nothing_listed:
            reasons.append(f"a side is empty: the Asana project showed no vendor's task, but {agreed} values are known")
    refuse_if_any(reasons)


def _emptied(facts: Facts) -> tuple[str, ...]:
    if not facts.agreed:
        return ()
    sides = {"Asana": facts.wanted == "", "Intacct": facts.flows and facts.actual == ""}
    return tuple(side for side, is_empty in sides.items() if is_empty)


def _shown(value: str | None) -> str:
    return "(gone)" if value is None else (value or "(empty)")
