"""Plans to JSON and back, exactly: money is text all the way, as `records.drafts` writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from intacct_asana.records import FieldValue, Snapshot, Task
from intacct_asana.records.drafts import draft_from_json, draft_to_json, value_from_json, value_to_json
from intacct_asana.sync.plan import Action, Adopt, Close, Create, Leave, Plan, Reopen, Update
from intacct_asana.sync.plan_value import from_text, to_text

VERSION = 1
Json = dict[str, Any]
Readers = Mapping[str, Callable[[Any], Any]]


def plan_to_json(plan: Plan) -> str:
    """The whole plan as text that `plan_from_json` reads back as an equal plan."""
    return to_text(plan, version=VERSION, write=_action_out)


def plan_from_json(text: str) -> Plan:
    """The plan in `text`. Raises UnexpectedReply when it is not one that this version wrote."""
    actions, notes = from_text(text, version=VERSION, read=_action_in)
    return Plan(actions=actions, notes=notes)


def _action_out(action: Action) -> Json:
    data: Json = {
        "kind": action.kind,
        "key": action.key,
        "record_no": action.record_no,
        "amount": str(action.amount),
        "reason": action.reason,
    }
    if isinstance(action, Leave):
        return data
    data |= {"desired": draft_to_json(action.desired), "snapshot": _snapshot_out(action.snapshot)}
    if isinstance(action, Create):
        return data | {"replaces": action.replaces}
    if isinstance(action, Adopt):
        return data | {"actual": _task_out(action.actual), "changed": list(action.changed), "replaces": action.replaces}
    confirmed = draft_to_json(action.confirmed) if action.confirmed else None
    return data | {"task_gid": action.task_gid, "confirmed": confirmed, "changed": list(action.changed)}


def _action_in(data: Json) -> Action:
    common: Json = {name: data[name] for name in ("key", "record_no", "reason")} | {"amount": Decimal(data["amount"])}
    kind = data["kind"]
    if kind == Leave.kind:
        return Leave(**common)
    common |= {"desired": draft_from_json(data["desired"]), "snapshot": _snapshot_in(data["snapshot"])}
    if kind == Create.kind:
        return Create(**common, replaces=data["replaces"])
    common["changed"] = tuple(data["changed"])
    if kind == Adopt.kind:
        return Adopt(**common, actual=_task_in(data["actual"]), replaces=data["replaces"])
    confirmed = draft_from_json(data["confirmed"]) if data["confirmed"] else None
    return _CHANGES[kind](**common, task_gid=data["task_gid"], confirmed=confirmed)


_CHANGES: Mapping[str, type[Update]] = {change.kind: change for change in (Update, Close, Reopen)}


def _task_out(task: Task) -> Json:
    return {
        "gid": task.gid,
        "name": task.name,
        "project_gids": list(task.project_gids),
        "section_gid": task.section_gid,
        "completed": task.completed,
        "due_on": _day_out(task.due_on),
        "notes": task.notes,
        "assignee_gid": task.assignee_gid,
        "kind": task.kind,
        "approval_status": task.approval_status,
        "permalink_url": task.permalink_url,
        "modified_at": task.modified_at.isoformat() if task.modified_at else None,
        "created_by_gid": task.created_by_gid,
        "created_by_kind": task.created_by_kind,
        "fields": _fields_out(task.fields),
    }


def _task_in(data: Json) -> Task:
    read: Readers = {"due_on": _day_in, "fields": _fields_in, "project_gids": tuple, "modified_at": _instant_in}
    return Task(**{name: read[name](value) if name in read else value for name, value in data.items()})


def _snapshot_out(snapshot: Snapshot | None) -> Json | None:
    return {"digest": snapshot.digest, "body": dict(snapshot.body)} if snapshot else None


def _snapshot_in(data: Json | None) -> Snapshot | None:
    return Snapshot(digest=data["digest"], body=data["body"]) if data else None


def _fields_out(fields: Mapping[str, FieldValue]) -> Json:
    return {gid: value_to_json(value) for gid, value in fields.items()}


def _fields_in(data: Json) -> dict[str, FieldValue]:
    return {gid: value_from_json(value) for gid, value in data.items()}


def _day_out(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _day_in(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _instant_in(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
