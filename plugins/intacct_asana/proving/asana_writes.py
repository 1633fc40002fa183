"""Questions that write to Asana: on a task that each makes for itself, outside of every project where that will do.

A task of its own is deleted afterwards. Asana keeps what is deleted in the user's trash for thirty days.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from intacct_asana.errors import OutcomeUnknown
from intacct_asana.proving.asana_reads import STORY
from intacct_asana.proving.at_asana import AsanaPort, Json, Said
from intacct_asana.proving.masks import api_word, api_words
from intacct_asana.proving.question import Answer, NotAsked, Ports, Question, taken_back

MARK = "prove-live: made by a check, may be deleted"
MOST_LOOKS, LOOK_SECONDS = 6, 5.0


@contextmanager
def a_task(ports: Ports, *, in_project: bool = False, **data: object) -> Iterator[tuple[AsanaPort, str]]:
    """A task of our own and its gid: of nobody else's sight outside of projects. It is deleted afterwards and looked for.

    Where no answer came, it is looked for by its name among our own tasks, or those of the project.
    """
    board, name = ports.board, f"{MARK} ({uuid.uuid4()})"
    where: Json = {"projects": [board.project_gid]} if in_project else {"workspace": board.workspace_gid, "assignee": "me"}
    made: list[str] = []
    is_unsure = False

    def undo() -> bool:
        found = made or _listed(board, name, made, in_project=in_project)
        for gid in found:
            board.delete(f"/tasks/{gid}")
        return not _listed(board, name, made, in_project=in_project) and (bool(found) or not is_unsure)

    place = f"project {board.project_gid}" if in_project else "your tasks (of this token's user)"
    with taken_back(ports, undo=undo, remains=f"It may still be there: task {name!r} in {place}. Delete it in Asana."):
        try:
            task = board.post("/tasks", {"name": name, **where, **data}).data
        except (OutcomeUnknown, KeyboardInterrupt):
            # Nobody said whether it is made: it may yet be, after it was looked for.
            is_unsure = True
            raise
        made.append(str(task["gid"]))
        yield board, made[0]


def _listed(board: AsanaPort, name: str, gids: list[str], *, in_project: bool) -> list[str]:
    """Tasks of the last hour with this name or one of these gids that stand in the list where ours belongs."""
    params = {"project": board.project_gid} if in_project else {"workspace": board.workspace_gid, "assignee": "me"}
    params["modified_since"] = board.an_hour_ago()
    found: list[str] = []
    offset = ""
    while True:
        more = {"offset": offset} if offset else {}
        said = board.get("/tasks", limit="100", opt_fields="name", **params, **more)
        found += [str(one["gid"]) for one in said.data if one.get("name") == name or str(one["gid"]) in gids]
        offset = str((said.body.get("next_page") or {}).get("offset") or "")
        if not offset:
            return found


def _trash(ports: Ports) -> Answer:
    with a_task(ports) as (board, gid):
        deleted = board.delete(f"/tasks/{gid}")
        read, history = board.get(f"/tasks/{gid}"), board.get(f"/tasks/{gid}/stories")
        written = board.put(f"/tasks/{gid}", {"notes": "x"})
    figures: dict[str, Any] = {
        "deleting": deleted.status,
        "reading it": read.figures,
        "its stories": history.figures,
        "writing it": written.figures,
    }
    return Answer(seen=f"a task in the trash answers {read.status}, its stories {history.status}", figures=figures)


def _kind(ports: Ports) -> Answer:
    with a_task(ports, resource_subtype="approval") as (board, gid):
        said = board.put(f"/tasks/{gid}", {"resource_subtype": "default_task"})
        after = board.get(f"/tasks/{gid}", opt_fields="resource_subtype,approval_status").data
        back = board.put(f"/tasks/{gid}", {"resource_subtype": "approval"})
        stories = board.listed(f"/tasks/{gid}/stories", fields=STORY)
    became = api_word(after.get("resource_subtype"))
    figures: dict[str, Any] = {
        "answer": said.figures,
        "it is then": became,
        "back to an approval": back.status,
        "stories": api_words(one.get("resource_subtype") for one in stories),
    }
    return Answer(seen=f"HTTP {said.status}; it is {became} then", figures=figures)


def _approval_events(ports: Ports) -> Answer:
    with a_task(ports, resource_subtype="approval") as (board, gid):
        token = str(board.get("/events", resource=gid).body.get("sync") or "")
        board.put(f"/tasks/{gid}", {"approval_status": "approved"}).data  # noqa: B018 - raises what was refused
        events: list[Json] = []
        waited = 0.0
        for _ in range(MOST_LOOKS):
            said = board.get("/events", resource=gid, sync=token)
            events += said.body.get("data") or []
            token = str(said.body.get("sync") or token)
            if any(one.get("action") == "changed" for one in events):
                break
            ports.wait(LOOK_SECONDS)
            waited += LOOK_SECONDS
        stories = board.listed(f"/tasks/{gid}/stories", fields=STORY)
    fields = api_words((one.get("change") or {}).get("field") for one in events if one.get("action") == "changed")
    added = api_words((one.get("resource") or {}).get("resource_subtype") for one in events if one.get("type") == "story")
    figures: dict[str, Any] = {
        "events": len(events),
        "changed fields": fields,
        "added stories": added,
        "seconds waited": waited,
        "stories": api_words(one.get("resource_subtype") for one in stories),
        "source of our story": api_words(
            one.get("source") for one in stories if one.get("resource_subtype") == "approval_status_changed"
        ),
    }
    return Answer(
        seen=f"events of an approval name: {', '.join(fields) or 'no field'}; stories: {', '.join(added) or 'none'}",
        figures=figures,
    )


def _ticked(ports: Ports) -> Answer:
    with a_task(ports, resource_subtype="approval") as (board, gid):
        before = {str(one["gid"]) for one in board.listed(f"/tasks/{gid}/stories")}
        board.put(f"/tasks/{gid}", {"completed": True}).data  # noqa: B018 - raises what was refused
        after = board.get(f"/tasks/{gid}", opt_fields="approval_status,completed").data
        stories = [one for one in board.listed(f"/tasks/{gid}/stories", fields=STORY) if str(one["gid"]) not in before]
    status = api_word(after.get("approval_status"))
    told = api_words(one.get("resource_subtype") for one in stories)
    return Answer(
        seen=f"a ticked approval is {status}; its story: {', '.join(told) or 'none'}",
        figures={"status": status, "stories": told},
    )


def _comment(ports: Ports) -> Answer:
    with a_task(ports) as (board, gid):
        board.post(f"/tasks/{gid}/stories", {"text": "one of our own"}).data  # noqa: B018 - raises what was refused
        stories = [
            one for one in board.listed(f"/tasks/{gid}/stories", fields=STORY) if one.get("resource_subtype") == "comment_added"
        ]
    source = next(iter(api_words(one.get("source") for one in stories)), "no story")
    figures: dict[str, Any] = {
        "stories": len(stories),
        "source": source,
        "with an author": sum(bool(one.get("created_by")) for one in stories),
        "is_edited told": sum("is_edited" in one for one in stories),
    }
    return Answer(seen=f"the source of a comment by the API: {source}", figures=figures)


LENGTHS = {"name": (255, 1024, 1025, 5000, 20_000), "notes": (10_000, 65_000, 66_000, 130_000)}


def _lengths(ports: Ports) -> Answer:
    fates: dict[str, dict[str, str]] = {}
    refusals: dict[str, Said] = {}
    with a_task(ports) as (board, gid):
        name = str(board.get(f"/tasks/{gid}").data["name"])
        for what, lengths in LENGTHS.items():
            fates[what] = {}
            for length in lengths:
                said = board.put(f"/tasks/{gid}", {what: "x" * length})
                kept = len(str(board.get(f"/tasks/{gid}", opt_fields=what).data.get(what) or ""))
                if said.error:
                    refusals.setdefault(what, said)
                fates[what][str(length)] = "refused" if said.error else "kept" if kept == length else f"cut to {kept}"
        # Its own name again, by which it would be looked for.
        board.put(f"/tasks/{gid}", {"name": name})
    kept_most = {
        what: max((int(length) for length, fate in of.items() if fate == "kept"), default=0) for what, of in fates.items()
    }
    figures: dict[str, Any] = {"characters": fates, "refusals": {what: said.figures for what, said in refusals.items()}}
    return Answer(seen=", ".join(f"{what}: {most} characters are kept" for what, most in kept_most.items()), figures=figures)


TEXTS = {
    "emoji": "a 😀 b",
    "two blanks": "a  b",
    "blanks around": " a ",
    "tab": "a\tb",
    "line end": "a\nb",
    "C0": "a\u0001b",
    "markup": "a <b> & c",
}


def _characters(ports: Ports) -> Answer:
    fates: dict[str, dict[str, str]] = {"name": {}, "notes": {}}
    with a_task(ports) as (board, gid):
        name = str(board.get(f"/tasks/{gid}").data["name"])
        for field, of in fates.items():
            for what, text in TEXTS.items():
                said = board.put(f"/tasks/{gid}", {field: text})
                kept = str(board.get(f"/tasks/{gid}", opt_fields=field).data.get(field) or "")
                of[what] = (
                    "refused"
                    if said.error
                    else "kept"
                    if kept == text
                    else "trimmed"
                    if kept == text.strip()
                    else "another text"
                )
        board.put(f"/tasks/{gid}", {"name": name})
    otherwise = [f"{field} with {what}" for field, of in fates.items() for what, fate in of.items() if fate != "kept"]
    return Answer(seen=f"not kept as sent: {', '.join(otherwise) or 'none'}", figures=fates)


def _due(ports: Ports) -> Answer:
    day = date(2030, 2, 28)
    with a_task(ports) as (board, gid):
        board.put(f"/tasks/{gid}", {"due_on": day.isoformat()}).data  # noqa: B018 - raises what was refused
        kept = str(board.get(f"/tasks/{gid}", opt_fields="due_on").data.get("due_on") or "")
    off = (date.fromisoformat(kept) - day) if kept else None
    words = "not kept" if off is None else "kept" if off == timedelta() else f"{off.days} days off"
    return Answer(seen=f"a due date is {words}", figures={"due_on": words})


def _listing(ports: Ports) -> Answer:
    with a_task(ports, in_project=True) as (board, gid):
        seconds = None
        for look in range(MOST_LOOKS):
            newest = board.listed("/tasks", project=board.project_gid, modified_since=_a_moment_ago(board, gid))
            if any(str(one["gid"]) == gid for one in newest):
                seconds = round(look * LOOK_SECONDS)
                break
            ports.wait(LOOK_SECONDS)
    seen = "at once" if seconds == 0 else f"after {seconds} seconds" if seconds else "not within half a minute"
    return Answer(
        seen=f"a new task is in the list of changed tasks {seen}",
        figures={"seconds": "not seen" if seconds is None else seconds},
    )


def _a_moment_ago(board: AsanaPort, gid: str) -> str:
    return str(board.get(f"/tasks/{gid}", opt_fields="created_at").data["created_at"])


def _fields_of(board: AsanaPort, kind: str) -> list[Json]:
    fields = "custom_field.resource_subtype,custom_field.precision,custom_field.is_value_read_only,custom_field.format"
    settings = board.listed(f"/projects/{board.project_gid}/custom_field_settings", fields=fields)
    found = [one["custom_field"] for one in settings if (one.get("custom_field") or {}).get("resource_subtype") == kind]
    return [one for one in found if not one.get("is_value_read_only")]


def _first_values(ports: Ports) -> Answer:
    """A text in the first text field of the project's that may be written."""
    fields = _fields_of(ports.board, "text")
    if not fields:
        raise NotAsked("the project has no text field that may be written")
    with a_task(ports, in_project=True, custom_fields={str(fields[0]["gid"]): "prove-live"}) as (board, gid):
        stories = api_words(one.get("resource_subtype") for one in board.listed(f"/tasks/{gid}/stories", fields=STORY))
    told = sum(count for word, count in stories.items() if word.endswith("custom_field_changed"))
    return Answer(seen=f"a value that a task is made with leaves {told or 'no'} stories", figures={"stories": stories})


def _precision(ports: Ports) -> Answer:
    fields = [one for one in _fields_of(ports.board, "number") if one.get("format") != "percentage"]
    if not fields:
        raise NotAsked("the project has no number field that may be written")
    field = fields[0]
    places = int(field.get("precision") or 0)
    sent = float(f"1.{'0' * places}6")
    with a_task(ports, in_project=True) as (board, gid):
        said = board.put(f"/tasks/{gid}", {"custom_fields": {str(field["gid"]): sent}})
        names = "custom_fields.number_value,custom_fields.display_value"
        values = board.get(f"/tasks/{gid}", opt_fields=names).data.get("custom_fields") or []
    kept = next((one.get("number_value") for one in values if one.get("gid") == field["gid"]), None)
    fate = "refused" if said.error else "kept" if kept == sent else "rounded" if kept is not None else "lost"
    return Answer(
        seen=f"a number with more decimals than its field is {fate}",
        figures=said.figures | {"precision": places, "it is": fate},
    )


def _webhook_twice(ports: Ports) -> Answer:
    if not ports.target:
        raise NotAsked("no address was given with --target at which Asana reaches a receiver that answers its handshake")
    with a_task(ports) as (board, gid):
        made: list[str] = []

        def undo() -> bool:
            for one in made:
                board.delete(f"/webhooks/{one}")
            left = board.listed("/webhooks", workspace=board.workspace_gid, resource=gid)
            return not left

        remains = f"A webhook on task {gid} of our own is still registered for {ports.target}: delete it over the API."
        with taken_back(ports, undo=undo, remains=remains):
            answers = []
            for _ in range(2):
                said = board.post("/webhooks", {"resource": gid, "target": ports.target})
                answers.append(said)
                if not said.error:
                    made.append(str(said.data["gid"]))
    figures: dict[str, Any] = {
        "first": answers[0].figures,
        "the same again": answers[1].figures,
        "two of them": len(set(made)) == 2,
        "a secret in the answer": "X-Hook-Secret" in answers[0].body,
    }
    return Answer(seen=f"first {answers[0].status}, the same again {answers[1].status}", figures=figures)


ALONE = "one task of the token's own user, outside of every project"
IN_PROJECT = "one task in the project that was named; its members may be told of it"
DELETED = "the task is deleted and looked for; Asana keeps it in the trash for thirty days"


def _question(
    name: str, asks: str, unsure: str, otherwise: str, ask: Callable[[Ports], Answer], writes: str = ALONE
) -> Question:
    return Question(
        id=f"asana-{name}",
        system="asana",
        asks=asks,
        unsure=unsure,
        otherwise=otherwise,
        ask=ask,
        writes=writes,
        taken_back=DELETED,
    )


QUESTIONS = (
    _question(
        "trash",
        "How do a task in the trash and its stories answer?",
        "404 or 200 is told nowhere.",
        "403 and 404 count as gone. One that still answers would be taken for a live task until a list is read.",
        _trash,
    ),
    _question(
        "kind",
        "Does a change of `resource_subtype` make an approval an ordinary task?",
        "Stories tell of such changes; whether the API makes them is told nowhere.",
        "The step reads back and says that the task stayed an approval.",
        _kind,
    ),
    _question(
        "approval-events",
        "Which field do events name when an approval is decided, and does its story come?",
        "No sample has been found, and `changed` events are reported to be lost since 2026.",
        "Every event of a task, and every story, has that task read again.",
        _approval_events,
    ),
    _question(
        "ticked",
        "Which status has an approval that is ticked, and how does its history tell it?",
        "By its status or as any task's: told nowhere.",
        "Only a story of the status proves a decision: without one, people are asked to choose again.",
        _ticked,
    ),
    _question(
        "comment",
        "Which source has a story that the API makes?",
        "The words of `source` are listed nowhere.",
        "A source that the flow does not name counts for nothing.",
        _comment,
    ),
    _question(
        "lengths",
        "How long may a task's name and description be, and is a longer one refused or cut?",
        "It is not in the description.",
        "This project cuts names at 300 characters and descriptions at 60,000; a shorter limit fails such a task by name.",
        _lengths,
    ),
    _question(
        "characters",
        "Which characters do names and descriptions keep as they are?",
        "It is told nowhere.",
        "Texts are compared as Asana gives them back, so that no run writes them again and again.",
        _characters,
    ),
    _question(
        "due-date",
        "Is a due date kept as it was written?",
        "It once moved by a day with the user's zone.",
        "A day that Asana keeps otherwise is not written again and again.",
        _due,
    ),
    _question(
        "listing",
        "How soon is a new task in the project's list of changed tasks?",
        "Lists are said to be late at times.",
        "Tasks that were just made are known from the store.",
        _listing,
        IN_PROJECT,
    ),
    _question(
        "first-values",
        "Do values that a task is made with leave stories?",
        "It is told nowhere.",
        "Stories of our own user count for nothing.",
        _first_values,
        IN_PROJECT,
    ),
    _question(
        "precision",
        "What becomes of a number with more decimals than its field shows?",
        "Rounded, kept or refused: told nowhere.",
        "Amounts are written with the decimals of the flow file, and a rounded one counts as written.",
        _precision,
        IN_PROJECT,
    ),
    _question(
        "webhook-twice",
        "How is a second webhook of the same resource and target answered, and is there a secret in the answer?",
        "No text of an error has been found.",
        "What is registered is looked at before anything is, so a second one is never asked for on purpose.",
        _webhook_twice,
        "two webhooks on a task of our own, for the address that --target names",
    ),
)
