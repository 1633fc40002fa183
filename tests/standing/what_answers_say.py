"""What answers of Asana prove, by another reader than the code's: plain JSON, and the rules once more in short.

For answers that say something else than they did: a stamp is due only where they, all together and without a contradiction,
say that a listed person chose it on the task as we wrote it. When in doubt nothing is due here.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.standing.answer_damage import places
from tests.standing.recorded_answers import GUESTS, LISTING, STORIES, TASK, USER, Documents, Scene, Stamp

WAYS = {"approved": "approve", "rejected": "reject", "changes_requested": "reject", "approve": "approve", "reject": "reject"}
PARTS = {"name_changed": "name", "due_date_changed": "due_on"}
Json = dict[str, Any]


def due(scene: Scene, documents: Documents) -> list[Stamp]:
    """The stamp that these answers prove, or none."""
    with suppress(KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError):
        stories = _stories(documents[scene.key(STORIES)][1])
        task = documents[scene.key(TASK)][1]["data"]
        choice, verdict = _last_choice(scene, stories)
        who = choice["created_by"]
        proven = (
            who["resource_type"] == "user"
            and choice["source"].casefold() in ("web", "mobile")
            and _may_decide(scene, documents, who["gid"], verdict)
            and _is_shown(scene, task, stories, choice)
            and _is_as_written(scene, task, stories, _at(choice))
            and (verdict == "approve" or _has_reason(scene, documents, stories, choice))
        )
        return [(verdict, who["gid"], choice["gid"])] if proven else []
    return []


def _stories(body: Json) -> list[Json]:
    """Oldest first, each once. Raises ValueError where two of them have one gid and say different things."""
    found: dict[str, Json] = {}
    for story in body["data"]:
        if _said(found.setdefault(story["gid"], story)) != _said(story):
            raise ValueError("a story in two forms")
    return sorted(found.values(), key=_at)


def _said(story: Json) -> Json:
    return {key: value for key, value in story.items() if key in ("created_at", "created_by", "text") or "enum" in key}


def _at(story: Json) -> datetime:
    return datetime.fromisoformat(story["created_at"])


def _gid(body: Json, key: str) -> str | None:
    return (body.get(key) or {}).get("gid")


def _last_choice(scene: Scene, stories: list[Json]) -> tuple[Json, str]:
    """What people chose last; with a verdict, else ValueError."""
    mine = [one for one in stories if _value(scene, one) is not None and _gid(one, "created_by") != scene.policy.bot_gid]
    choice = mine[-1]
    if scene.way == "ChoiceField":
        options = scene.policy.way.known_names  # type: ignore[attr-defined]
        value = choice["new_enum_value"]
        verdict = str(scene.policy.way.verdicts.get(value["gid"], ""))
        if value["name"] not in options[value["gid"]]:
            raise ValueError("an option that nobody declared")
        return choice, verdict
    if scene.way == "DeclaredComment" and (choice["is_edited"] is not False or not choice["html_text"]):
        raise ValueError("nobody knows what it said, or how it looks")
    return choice, WAYS[str(_value(scene, choice))]


def _value(scene: Scene, story: Json) -> str | None:
    if scene.way == "ApprovalTask":
        return story.get("new_approval_status")
    if scene.way == "DeclaredComment":
        head = (story.get("text") or "").strip().partition("\n")[0].partition(":")[0].strip().casefold()
        markup = (story.get("html_text") or "").removeprefix("<body>").lstrip().casefold()
        counts = story["resource_subtype"] == "comment_added" and head in WAYS and (not markup or markup.startswith(head))
        return head if counts else None
    field_gid = scene.policy.way.field_gid  # type: ignore[attr-defined]
    unnamed = story["resource_subtype"] == "enum_custom_field_changed" and not story.get("custom_field")
    return _gid(story, "new_enum_value") or "" if unnamed or _gid(story, "custom_field") == field_gid else None


def _may_decide(scene: Scene, documents: Documents, gid: str, verdict: str) -> bool:
    """On the list by the pinned account, which has that address still, proven to be no guest, within the limit."""
    emails = [email for email, pinned in scene.policy.people.items() if pinned == gid]
    [approver] = scene.policy.entries(emails[0])
    status, user = documents[scene.key(USER, gid=gid)]
    memberships = documents[f"{GUESTS}:{gid}"][1]["data"]
    guest = [one["is_guest"] for one in memberships if one["user"]["gid"] == gid]
    listed = user["data"]["gid"] == gid and user["data"]["email"].casefold() == emails[0].casefold()
    within = verdict == "reject" or scene.bill.total_entered <= approver.limits.get(scene.bill.base_currency, Decimal(-1))
    return status < 300 and listed and bool(guest) and not any(one is not False for one in guest) and within


def _is_shown(scene: Scene, task: Json, stories: list[Json], choice: Json) -> bool:
    """On the task that was asked for. One that was read before the choice cannot show it; one that does not say when it
    changed last has to."""
    if task["gid"] != scene.link.task_gid:
        return False
    changed = task.get("modified_at")
    if scene.way == "DeclaredComment" or (changed is not None and datetime.fromisoformat(changed) < _at(choice)):
        return True
    last = [one for one in stories if _value(scene, one) is not None][-1]
    return _shows(scene, task) in {_value(scene, choice), _value(scene, last)}


def _shows(scene: Scene, task: Json) -> str | None:
    if scene.way == "ApprovalTask":
        return str(task["approval_status"])
    [shown] = {_gid(one, "enum_value") for one in task["custom_fields"] if one["gid"] == scene.policy.way.field_gid}  # type: ignore[attr-defined]
    return shown


def _is_as_written(scene: Scene, task: Json, stories: list[Json], at: datetime) -> bool:
    """Name, day and fields are ours now, and nobody had them say something else when it was chosen."""
    draft = scene.link.confirmed
    assert draft
    fields: dict[str, Any] = {one["gid"]: one for one in task["custom_fields"]}
    if task["name"] != draft.name or len(fields) != len({str(one) for one in task["custom_fields"]}):
        return False
    for gid, value in draft.fields.items():
        held = fields[gid].get("number_value") if isinstance(value, Decimal) else fields[gid].get("text_value")
        if held is None or (Decimal(str(held)) != value if isinstance(value, Decimal) else held != value):
            return False
    return not any(_was_another(scene, part, stories, at) for part in ("name", "due_on", *draft.fields))


def _was_another(scene: Scene, part: str, stories: list[Json], at: datetime) -> bool:
    about = [one for one in stories if (_gid(one, "custom_field") or PARTS.get(one["resource_subtype"])) == part]
    before = [one for one in about if _at(one) <= at]
    return bool(before) and _gid(before[-1], "created_by") != scene.policy.bot_gid and len(before) < len(about)


def _has_reason(scene: Scene, documents: Documents, stories: list[Json], choice: Json) -> bool:
    """Any word of the same person, by whichever answer about the task."""
    if scene.way == "DeclaredComment":
        return ":" in choice["text"] or "\n" in choice["text"].strip()
    own = [one for one in stories if _gid(one, "created_by") == _gid(choice, "created_by")]
    field_gid = scene.policy.reason_field_gid
    told = [holder[key] for name in (LISTING, scene.key(TASK)) for holder, key in places(documents[name][1])]
    written = any(isinstance(one, dict) and one.get("gid") == field_gid and one.get("text_value") for one in told)
    said = any(one["resource_subtype"] == "comment_added" and one["text"].strip() for one in own)
    return said or (written and any(_gid(one, "custom_field") == field_gid for one in own))
