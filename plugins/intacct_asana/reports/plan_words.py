"""A plan as people read it: bills by their numbers, vendors by their names, and of each field what it says and what it will."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from intacct_asana.approvals.words import bill_words
from intacct_asana.records import Bill, FieldValue, PinnedField, Pins, Vendor
from intacct_asana.sync.difference import FIELD, said
from intacct_asana.sync.paged import PagedPlan
from intacct_asana.sync.plan import Action, Adopt, Create, Plan, Update
from intacct_asana.sync.release import calls_of
from intacct_asana.text import amount_text, money_text, short

LONGEST_VALUE = 60
NOTHING = "nothing"


def plan_text(plan: Plan | PagedPlan, pins: Pins, *, records: Mapping[str, Bill | Vendor], rows: int = 50) -> str:
    """Markdown for the log. A record that was not read, as one that is gone, is called as its task is."""
    by_gid = {pin.gid: pin for pin in pins.fields.values()}
    first = [one for one in plan.first(rows) if isinstance(one, Create | Adopt | Update)]
    titles = {one.key: f'"{short(one.desired.name, longest=LONGEST_VALUE)}"' for one in first if one.desired.name}
    read = {one.key: record_words(records[one.key]) for one in first if one.key in records}
    text = plan.render(names=lambda action: _changes(action, by_gid), records={**titles, **read}, rows=rows)
    worth = [money_text(amount, currency) for currency, amount in sorted(plan.at_stake().items()) if currency]
    return f"{text}\n\nWhat would be written is worth {', '.join(worth)}." if worth else text


def cost_words(plan: Plan | PagedPlan) -> str:
    """What carrying it out takes, before it is carried out: of Asana about this, of Intacct nothing."""
    calls = calls_of(plan)
    return f"Carrying it out takes about {calls:,} calls of Asana and none of Intacct." if calls else ""


def record_words(record: Bill | Vendor) -> str:
    if isinstance(record, Bill):
        return bill_words(record)
    return f"vendor {short(record.vendor_id, longest=LONGEST_VALUE)} {short(record.name, longest=LONGEST_VALUE)}"


def changes_of(action: Action, pins: Pins) -> list[tuple[str, str, str]]:
    """Of each part that would be written: what people call it, what it says now, what it will say.

    Texts of a description are not told, and what is now is empty for a new task and where nobody knows it.
    """
    by_gid = {FIELD + pin.gid: pin for pin in pins.fields.values()}
    sections = {gid: name for name, gid in pins.sections.items()}
    if isinstance(action, Create):
        named = {FIELD + gid: value for gid, value in {**action.desired.initial_fields, **action.desired.fields}.items()}
        return [(by_gid[part].name, "", _shown(by_gid[part], value)) for part, value in named.items() if part in by_gid]
    told = list[tuple[str, str, str]]()
    if not isinstance(action, Update | Adopt):
        return told
    for part in action.changed:
        confirmed = action.confirmed if isinstance(action, Update) else None
        before = said(confirmed, part) if confirmed else None
        after = said(action.desired, part)
        if pin := by_gid.get(part):
            told.append((pin.name, _shown(pin, before) if confirmed else "", _shown(pin, after)))
        elif part == "section_gid":
            told.append(("section", sections.get(str(before), ""), sections.get(str(after), "")))
        elif part == "completed":
            told.append(("task", "done" if before else "open" if confirmed else "", "done" if after else "open"))
        elif part in ("name", "due_on"):
            told.append((part.removesuffix("_on"), _plain(before), _plain(after)))
        else:
            told.append((PARTS.get(part, part), "", ""))
    return told


PARTS = {"html_notes": "description", "notes": "description", "remark": "a comment with the news", "assignee": "assignee"}


def _plain(value: object) -> str:
    return short(str(value), longest=LONGEST_VALUE) if value else ""


def _changes(action: Action, pins: Mapping[str, PinnedField]) -> dict[str, str]:
    """By gid what to call the field: its name, and before and after where both are known and differ."""
    called = {gid: pin.name for gid, pin in pins.items()}
    if isinstance(action, Update) and action.confirmed:
        for part in action.changed:
            pin = pins.get(part.removeprefix(FIELD)) if part.startswith(FIELD) else None
            if pin:
                before, after = (_shown(pin, said(draft, part)) for draft in (action.confirmed, action.desired))
                called[pin.gid] = f"{pin.name} {before} -> {after}" if before != after else pin.name
    return called


def _shown(pin: PinnedField, value: FieldValue | bool) -> str:
    names = {gid: name for name, gid in pin.options.items()}
    if value in (None, "", ()):
        return NOTHING
    if isinstance(value, tuple):
        return ", ".join(names.get(one, one) for one in value)
    if isinstance(value, Decimal):
        return money_text(value) if (pin.precision or 0) >= 2 else amount_text(value)
    return short(names.get(str(value), str(value)), longest=LONGEST_VALUE)
