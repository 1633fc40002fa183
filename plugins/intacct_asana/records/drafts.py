"""A task draft as JSON and back, exactly: numbers and days are tagged, so that text that looks like one stays text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from intacct_asana.records.asana import FieldValue, TaskDraft


def value_to_json(value: FieldValue) -> Any:
    """Text and empty as they are; `{"number": "12.50"}`, `{"day": "2026-11-23"}`, `{"gids": [...]}`."""
    if isinstance(value, Decimal):
        return {"number": str(value)}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    if isinstance(value, tuple):
        return {"gids": list(value)}
    return value


def value_from_json(value: Any) -> FieldValue:
    if not isinstance(value, dict):
        return str(value) if value is not None else None
    if "number" in value:
        return Decimal(value["number"])
    if "day" in value:
        return date.fromisoformat(value["day"])
    return tuple(value["gids"])


def draft_to_json(draft: TaskDraft) -> dict[str, Any]:
    """The draft as a JSON-able dict."""
    return {
        "key": draft.key,
        "name": draft.name,
        "notes": draft.notes,
        "html_notes": draft.html_notes,
        "due_on": draft.due_on.isoformat() if draft.due_on else None,
        "completed": draft.completed,
        "section_gid": draft.section_gid,
        "assignee": draft.assignee,
        "followers": list(draft.followers),
        "fields": {gid: value_to_json(value) for gid, value in draft.fields.items()},
        "initial_fields": {gid: value_to_json(value) for gid, value in draft.initial_fields.items()},
        "remark": draft.remark,
        "kind": draft.kind,
    }


def draft_from_json(body: Mapping[str, Any]) -> TaskDraft:
    """The draft that `draft_to_json` wrote. What a draft of an earlier release does not say has its default."""
    return TaskDraft(
        key=body["key"],
        name=body["name"],
        notes=body["notes"],
        html_notes=body["html_notes"],
        due_on=date.fromisoformat(body["due_on"]) if body["due_on"] else None,
        completed=body["completed"],
        section_gid=body["section_gid"],
        assignee=body["assignee"],
        # Drafts that an earlier release confirmed have none.
        followers=tuple(body.get("followers") or ()),
        fields={gid: value_from_json(value) for gid, value in body["fields"].items()},
        initial_fields={gid: value_from_json(value) for gid, value in body["initial_fields"].items()},
        remark=body.get("remark", ""),
        kind=body.get("kind", "default_task"),
    )
