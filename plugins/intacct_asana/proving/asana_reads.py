"""Questions about Asana that only read: events, stories, people, fields, pages, and what a plan lacks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from intacct_asana.asana.request import segment
from intacct_asana.errors import Refused
from intacct_asana.flow.rules import Approval
from intacct_asana.proving.at_asana import AsanaPort, Json, Said
from intacct_asana.proving.masks import api_word, api_words, counted
from intacct_asana.proving.question import Answer, NotAsked, Ports, Question, Setting

NOBODY = "1"
"""A gid that no record of Asana has."""

TASKS = 25
LIMIT_HEADER = re.compile(r"[a-z0-9-]*(retry|limit|quota|remaining|asana-change|deprecat|sunset)[a-z0-9-]*")
PEOPLES = Approval.model_fields["sources"].default


def _events(ports: Ports) -> Answer:
    """No token, then the token of that answer, then the same one again after its successor was used."""
    board, project = ports.board, ports.board.project_gid
    first = board.get("/events", resource=project)
    token = str(first.body.get("sync") or "")
    if first.status != 412 or not token:
        return Answer(
            seen=f"without a token HTTP {first.status}, {'a' if token else 'no'} token", figures={"first": first.figures}
        )
    second = board.get("/events", resource=project, sync=token)
    following = str(second.body.get("sync") or "")
    third = board.get("/events", resource=project, sync=following)
    again = board.get("/events", resource=project, sync=token)
    figures: dict[str, Any] = {
        "first": first.figures,
        "second": second.status,
        "a token in each answer": bool(token and following),
        "has_more where nothing happened": bool(third.body.get("has_more")),
        "an older token is good": again.status == 200,
        "older token": again.figures,
    }
    return Answer(seen=f"412 with a token, then {second.status}; an older token answers {again.status}", figures=figures)


def _tasks(board: AsanaPort, fields: str, limit: int = TASKS) -> list[Json]:
    found = board.listed("/tasks", project=board.project_gid, fields=fields, limit=limit)
    if not found:
        raise NotAsked("the project has no tasks")
    return found


STORY = "created_at,created_by.resource_type,resource_subtype,source,is_edited,type"


def _stories(ports: Ports) -> Answer:
    board = ports.board
    me = str(board.get("/users/me").data["gid"])
    stories = [
        one
        for task in _tasks(board, "gid")
        for one in board.listed(f"/tasks/{task['gid']}/stories", fields=STORY)
    ]  # fmt: skip
    if not stories:
        raise NotAsked("no task has a story")
    by_people = [one for one in stories if _author(one) not in ("", me)]
    sources = api_words(one.get("source") for one in by_people)
    figures: dict[str, Any] = {
        "stories": len(stories),
        "source, of others' than ours": sources,
        "source, of ours": api_words(one.get("source") for one in stories if _author(one) == me),
        "resource_subtype": api_words(one.get("resource_subtype") for one in stories),
        "without created_by": sum(not _author(one) for one in stories),
        "created_by is": api_words((one.get("created_by") or {}).get("resource_type") for one in stories),
        "without source": sum(not one.get("source") for one in stories),
        "without is_edited": sum("is_edited" not in one for one in stories),
    }
    settings: tuple[Setting, ...] = ()
    new = [word for word in sources if word not in (*PEOPLES, "absent", "api", "rule", "system")]
    if new:
        why = f"stories of others come from {', '.join(new)} too: add what is people's own doing, and nothing else"
        settings = (Setting(place="flow", key="approval.sources", value=[*PEOPLES, *new], why=why),)
    unsigned = figures["without created_by"]
    seen = f"{len(stories)} stories, {unsigned} without an author; others' from {', '.join(sources) or 'nowhere'}"
    return Answer(seen=seen, figures=figures, settings=settings)


def _author(story: Json) -> str:
    return str((story.get("created_by") or {}).get("gid") or "")


TOLD = ("created_by", "modified_at", "permalink_url", "resource_subtype", "memberships", "assignee", "due_on")


def _absent(ports: Ports) -> Answer:
    tasks = _tasks(ports.board, ",".join(TOLD), 100)
    absent = {name: sum(name not in one for one in tasks) for name in TOLD}
    empty = {name: sum(name in one and one[name] in (None, "", []) for one in tasks) for name in TOLD}
    figures: dict[str, Any] = {
        "tasks": len(tasks),
        "not told": {name: count for name, count in absent.items() if count},
        "empty": {name: count for name, count in empty.items() if count},
        "resource_subtype": api_words(one.get("resource_subtype") for one in tasks),
    }
    return Answer(
        seen=f"of {len(tasks)} tasks some do not tell: {', '.join(figures['not told']) or 'nothing'}", figures=figures
    )


def _people(ports: Ports) -> Answer:
    board = ports.board
    me = board.get("/users/me", opt_fields="email").data
    others = board.listed("/users", workspace=board.workspace_gid, fields="email")
    told = sum(bool(one.get("email")) for one in others)
    email = next((str(one["email"]) for one in [me, *others] if one.get("email")), "")
    gid = next((str(one["gid"]) for one in [me, *others] if one.get("email") == email), "")
    found = board.get(f"/users/{segment(email)}") if email else None
    unknown = board.get("/users/nobody-of-this-name@example.com")
    figures: dict[str, Any] = {
        "people": len(others),
        "whose address is told": told,
        "found by an address": bool(found and found.status == 200 and str(found.data.get("gid")) == gid),
        "an address that nobody has": unknown.figures,
    }
    seen = (
        f"{told} of {len(others)} addresses are told; a user is {'' if figures['found by an address'] else 'not '}found by one"
    )
    return Answer(seen=seen, figures=figures)


def _guests(ports: Ports) -> Answer:
    board = ports.board
    said = board.get(
        f"/workspaces/{board.workspace_gid}/workspace_memberships", limit="100", opt_fields="is_guest,is_active,user"
    )
    rows: list[Json] = said.data if not said.error else []
    untold = sum(one.get("is_guest") is None for one in rows)
    figures: dict[str, Any] = said.figures | {
        "memberships": len(rows),
        "is_guest untold": untold,
        "guests": sum(bool(one.get("is_guest")) for one in rows),
    }
    settings: tuple[Setting, ...] = ()
    if not rows or untold:
        why = "whether people are guests is not told to this user: let it see the members; or see to it by hand, and accept"
        settings = (Setting(place="flow", key="approval.guests_untold", value="accept", why=why),)
    return Answer(
        seen=f"{len(rows)} memberships, {untold} that do not tell whether a guest's", figures=figures, settings=settings
    )


def _plan(ports: Ports) -> Answer:
    board = ports.board
    asked = {
        "custom fields of the project": board.get(f"/projects/{board.project_gid}/custom_field_settings", limit="1"),
        "custom fields of the workspace": board.get(f"/workspaces/{board.workspace_gid}/custom_fields", limit="1"),
        "search of tasks": board.get(f"/workspaces/{board.workspace_gid}/tasks/search", limit="1", text="prove-live"),
        "webhooks": board.get("/webhooks", workspace=board.workspace_gid, limit="1"),
        "memberships of the project": board.get("/memberships", parent=board.project_gid, limit="1"),
    }
    without = [name for name, said in asked.items() if said.status == 402]
    settings: tuple[Setting, ...] = ()
    if "custom fields of the project" in without:
        why = "the plan is a free one: no custom fields, so no flow can run, and 150 requests a minute"
        settings = (Setting(place="connection asana", key="requests_per_minute", value=150, why=why),)
    refused = [name for name, said in asked.items() if said.error]
    return Answer(
        seen=f"refused: {', '.join(refused) or 'nothing'}",
        figures={name: said.figures for name, said in asked.items()},
        settings=settings,
    )


def _bare(ports: Ports) -> Answer:
    """Which keys a task's custom fields have when opt_fields names the list and none of its parts."""
    board = ports.board
    task = _tasks(board, "gid", 1)[0]
    bare, named, usual = (
        _keys(board.get(f"/tasks/{task['gid']}", **({"opt_fields": fields} if fields else {})))
        for fields in ("custom_fields", "custom_fields.name,custom_fields.text_value,custom_fields.resource_subtype", "")
    )
    lacks = sorted(set(usual) - set(bare))
    figures: dict[str, Any] = {
        "with the bare name": sorted(bare),
        "with parts named": sorted(named),
        "without opt_fields": sorted(usual),
    }
    return Answer(seen=f"the bare name brings {len(bare)} keys, {len(lacks)} fewer than no opt_fields", figures=figures)


def _keys(said: Said) -> list[str]:
    fields = said.data.get("custom_fields") or []
    return list(api_words(key for one in fields for key in one) if fields else {})


NUMBER = "custom_fields.resource_subtype,custom_fields.precision,custom_fields.number_value,custom_fields.format"


def _numbers(ports: Ports) -> Answer:
    board = ports.board
    fields = [one for task in _tasks(board, NUMBER, 100) for one in task.get("custom_fields") or []]
    numbers = [one for one in fields if one.get("resource_subtype") == "number"]
    filled = [one for one in numbers if one.get("number_value") is not None]
    finer = sum(_places(one["number_value"]) > _shown_places(one) for one in filled)
    figures: dict[str, Any] = {
        "kinds": api_words(one.get("resource_subtype") for one in fields),
        "precision": counted(str(one.get("precision")) for one in numbers),
        "format": api_words(one.get("format") for one in numbers),
        "numbers": len(filled),
        "with more decimals than their field shows": finer,
    }
    return Answer(seen=f"{len(filled)} numbers, {finer} with more decimals than their field shows", figures=figures)


def _places(number: Any) -> int:
    return len(repr(number).partition(".")[2].rstrip("0")) if isinstance(number, float) else 0


def _shown_places(field: Json) -> int:
    return int(field.get("precision") or 0) + (2 if field.get("format") == "percentage" else 0)


def _pages(ports: Ports) -> Answer:
    board = ports.board
    seen: list[str] = []
    offset, gids = "", []
    for _ in range(4):
        said = board.get("/tasks", project=board.project_gid, limit="2", **({"offset": offset} if offset else {}))
        gids += [str(one["gid"]) for one in said.data]
        offset = str((said.body.get("next_page") or {}).get("offset") or "")
        if not offset:
            break
        seen.append(offset)
    if not seen:
        raise NotAsked("the project has too few tasks for a second page")
    figures: dict[str, Any] = {
        "pages": len(seen) + 1,
        "tasks that came twice": len(gids) - len(set(gids)),
        "offsets that came twice": len(seen) - len(set(seen)),
    }
    return Answer(seen=f"{len(gids)} tasks in pages of two, {figures['tasks that came twice']} twice", figures=figures)


OFFSET_STEPS = (300, 300, 300, 900, 1800)


def _offset_life(ports: Ports) -> Answer:
    """A fresh offset for each age, since using one may keep it alive."""
    board = ports.board
    gone, dead = 0, None
    offsets = []
    for _ in OFFSET_STEPS:
        said = board.get("/tasks", project=board.project_gid, limit="1")
        offsets.append(str((said.body.get("next_page") or {}).get("offset") or ""))
    if not all(offsets):
        raise NotAsked("the project has too few tasks for a second page")
    for offset, step in zip(offsets, OFFSET_STEPS, strict=True):
        ports.wait(step)
        gone += step
        said = board.get("/tasks", project=board.project_gid, limit="1", offset=offset)
        if said.error:
            dead = gone // 60
            figures: dict[str, Any] = said.figures | {"dead after minutes": dead, "our code ends with": said.ends_as}
            return Answer(seen=f"an offset is dead after {dead} minutes or less", figures=figures)
    return Answer(seen=f"an offset lives for {gone // 60} minutes or more", figures={"alive after minutes": gone // 60})


def _refusals(ports: Ports) -> Answer:
    board = ports.board
    asked = {
        "a task that is not there": board.get(f"/tasks/{NOBODY}"),
        "a project that is not there": board.get(f"/projects/{NOBODY}"),
        "a token that nobody has": board.send("GET", "/users/me", bearer="prove-live-no-such-token"),
        "a field that is not there": board.get(f"/projects/{board.project_gid}", opt_fields="no_such_field"),
        "a limit of 101": board.get("/tasks", project=board.project_gid, limit="101"),
    }
    headers = sorted({name for said in asked.values() for name in said.headers if LIMIT_HEADER.fullmatch(name)})
    figures: dict[str, Any] = {name: said.figures for name, said in asked.items()}
    figures["headers that speak of limits and changes"] = headers
    odd = [name for name, said in asked.items() if said.error and not isinstance(said.error, Refused)]
    return Answer(
        seen=", ".join(f"{name}: {said.status}" for name, said in asked.items()),
        figures=figures | {"not read as refusals": odd},
    )


def _authors(ports: Ports) -> Answer:
    """How often each kind of author stands behind the changes of fields, by source: what a decision looks like."""
    board = ports.board
    stories = [one for task in _tasks(board, "gid") for one in board.listed(f"/tasks/{task['gid']}/stories", fields=STORY)]
    changes = [
        one
        for one in stories
        if str(one.get("resource_subtype", "")).endswith(("_custom_field_changed", "approval_status_changed"))
    ]
    pairs = Counter(
        f"{api_word((one.get('created_by') or {}).get('resource_type'))} by {api_word(one.get('source'))}" for one in changes
    )
    return Answer(
        seen=f"{len(changes)} changes of fields and approvals", figures={"author and source": dict(pairs.most_common())}
    )


def _question(
    name: str, asks: str, unsure: str, otherwise: str, ask: Callable[[Ports], Answer], *, slow: bool = False
) -> Question:
    return Question(id=f"asana-{name}", system="asana", asks=asks, unsure=unsure, otherwise=otherwise, ask=ask, slow=slow)


QUESTIONS = (
    _question(
        "events",
        "How are events answered without a token, with one, and with one that is older than the last?",
        "Ordering, repeats and what becomes of older tokens are told nowhere.",
        "Whatever the answer, the project is crawled on a schedule, so a lost event only delays.",
        _events,
    ),
    _question(
        "stories",
        "From which sources do stories come, of which kinds are they, and what do some of them not tell?",
        "The words of `source` are listed nowhere, and authors are said to be absent for rules.",
        "A choice from a source that the flow does not name, or without an author, counts for nothing.",
        _stories,
    ),
    _question(
        "authors",
        "What kind of author, and which source, stand behind changes of fields and approvals?",
        "Whether a rule's change names the rule, a person or nobody is told nowhere.",
        "Only persons count, and only from sources that the flow names.",
        _authors,
    ),
    _question(
        "absent-fields",
        "Which attributes do tasks of the project not tell?",
        "The description says that they are never absent, and some have been.",
        "A task that lacks what is needed fails by itself.",
        _absent,
    ),
    _question(
        "people",
        "Are people's addresses told, is a user found by one, and how is an unknown one answered?",
        "Addresses are said to be told where one shares a workspace.",
        "An approver who is not found by address is told by preflight.",
        _people,
    ),
    _question(
        "guests",
        "Do memberships of the workspace tell who is a guest?",
        "It depends on the user's own rights.",
        "A decision is refused where it is not told, until the flow file says `guests_untold`.",
        _guests,
    ),
    _question(
        "plan",
        "Which features does the workspace's plan have for this user?",
        "Plans change, and refusals are 402 or 403.",
        "Preflight stops without custom fields; this project uses no search.",
        _plan,
    ),
    _question(
        "bare-opt-fields",
        "What does a bare `opt_fields=custom_fields` bring?",
        "It is told nowhere.",
        "Nothing: this project names each part.",
        _bare,
    ),
    _question(
        "numbers",
        "Which precision do number fields have, and do values have more decimals than that?",
        "Whether Asana rounds or only shows fewer decimals is told nowhere.",
        "A number that was rounded to its field's decimals counts as written, so no run writes it again and again.",
        _numbers,
    ),
    _question(
        "pages",
        "Do pages of a list lead on, and does nothing come twice?",
        "Offsets are opaque.",
        "A list that goes in a circle fails.",
        _pages,
    ),
    _question(
        "offset-life",
        "For how long is an offset good?",
        "It expires after some time; one connector broke on it.",
        "The step ends as after an outage, and Airflow tries it again from the beginning.",
        _offset_life,
        slow=True,
    ),
    _question(
        "refusals",
        "How are records, tokens, fields and limits refused that are not there, and which headers speak of limits or changes?",
        "Of some only the status is documented.",
        "403 and 404 of a task count as gone or hidden; a token that is refused stops the run.",
        _refusals,
    ),
)
