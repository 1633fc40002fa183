"""What is asked about tasks, stories and attachments: pure requests, with the fields each one reads."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from intacct_asana.asana.records import Json, gid, number, text, value_to_wire
from intacct_asana.asana.request import (
    FIELD_FIELDS,
    FilePart,
    Form,
    Request,
    get,
    get_list,
    segment,
    send,
)
from intacct_asana.errors import Misconfigured, Refused
from intacct_asana.records import FieldValue, TaskDraft
from intacct_asana.records.documents import Attachment, DocumentFile

ALLOWED = frozenset({"body", "strong", "em", "u", "s", "code", "ol", "ul", "li", "a", "h1", "h2", "hr", "pre", "blockquote"})
LINK_ATTRIBUTES = frozenset({"href", "data-asana-gid", "data-asana-dynamic", "data-asana-type"})


def checked_html(html: str) -> str:
    """`html` itself, when Asana can take it: one well-formed `<body>`, known tags, attributes on links only.

    Raises Refused with the reason. Asana answers bad markup with the misleading "You should specify one of workspace,
    parent, projects". Source: developers.asana.com/docs/rich-text.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        body = etree.fromstring(html, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Refused(f"html_notes is not well-formed: {error}") from error
    wrong = _wrong(body)
    if wrong:
        raise Refused(f"html_notes has what Asana does not take: {', '.join(wrong)}")
    return html


def _wrong(body: etree._Element) -> list[str]:
    found = [f"root <{body.tag}> instead of <body>"] if body.tag != "body" else []
    for element in body.iter():
        if element.tag not in ALLOWED:
            found.append(f"<{element.tag}>")
        elif element.tag == "a" and not LINK_ATTRIBUTES.issuperset(element.attrib):
            found.append("an attribute of <a>")
        elif element.tag != "a" and element.attrib:
            found.append(f"an attribute of <{element.tag}>")
    return found


# Naming opt_fields replaces Asana's default set, so each list is complete. gid always comes along.
_VALUE = ("display_value", "text_value", "number_value", "enum_value", "multi_enum_values", "date_value", "people_value")
TASK_FIELDS = (
    "name",
    "resource_subtype",
    "approval_status",
    "completed",
    "modified_at",
    "created_by",
    "created_by.resource_type",
    "assignee",
    "due_on",
    "notes",
    "permalink_url",
    "memberships.project",
    "memberships.section",
    *(f"custom_fields.{part}" for part in (*FIELD_FIELDS, *_VALUE, "reference_value")),
)
STORY_FIELDS = (
    "created_at",
    "created_by",
    "created_by.name",
    "created_by.resource_type",
    "resource_subtype",
    "source",
    "text",
    "custom_field",
    "old_enum_value",
    "new_enum_value",
    "new_enum_value.name",
    "new_approval_status",
    "html_text",
    "is_edited",
)


def read_tasks(project_gid: str, *, modified_since: datetime | None = None) -> Request:
    """The project's tasks. Source: developers.asana.com/reference/gettasks."""
    more = {"project": project_gid}
    if modified_since:
        more["modified_since"] = _instant(modified_since)
    return get_list("/tasks", asked=f"reading the tasks of project {project_gid}", fields=TASK_FIELDS, **more)


def read_task(task_gid: str) -> Request:
    return get(f"/tasks/{segment(task_gid)}", asked=f"reading task {task_gid}", fields=TASK_FIELDS)


def create_task(project_gid: str, draft: TaskDraft) -> Request:
    """A new task, whole, in one call. Source: developers.asana.com/reference/createtask."""
    named = {"due_on": draft.due_on.isoformat() if draft.due_on else None, "assignee": draft.assignee}
    data: dict[str, Any] = {
        "name": draft.name,
        **_description(draft),
        **{key: value for key, value in named.items() if value is not None},
        "projects": [project_gid],
        "custom_fields": _custom_fields(_filled({**draft.initial_fields, **draft.fields})),
    }
    if draft.section_gid:
        data["memberships"] = [{"project": project_gid, "section": draft.section_gid}]
    if draft.followers:
        data["followers"] = list(draft.followers)
    if draft.kind != "default_task":
        data["resource_subtype"] = draft.kind
    if draft.completed:
        data["completed"] = True
    return send("POST", "/tasks", asked=f"creating the task of {draft.key}", data=data, fields=TASK_FIELDS, repeatable=False)


def update_task(task_gid: str, draft: TaskDraft, *, changed: Collection[str]) -> Request:
    """Only what `changed` names: attributes of the draft and `field:<gid>`; section and followers are calls of their own.

    Source: developers.asana.com/reference/updatetask.
    """
    data: dict[str, Any] = {}
    fields: dict[str, FieldValue] = {}
    for part in changed:
        match part:
            case "name" | "completed" | "assignee":
                data[part] = getattr(draft, part)
            case "due_on":
                data[part] = draft.due_on.isoformat() if draft.due_on else None
            case "notes" | "html_notes":
                data.update(_description(draft))
            case "section_gid" | "followers":
                continue
            case _:
                gid = _named_field(part, draft)
                fields[gid] = draft.fields.get(gid, draft.initial_fields.get(gid))
    if fields:
        data["custom_fields"] = _custom_fields(fields)
    return _write_task(task_gid, data, asked=f"updating task {task_gid} of {draft.key}")


def complete_task(task_gid: str) -> Request:
    return _write_task(task_gid, {"completed": True}, asked=f"completing task {task_gid}")


def set_fields(task_gid: str, fields: Mapping[str, FieldValue]) -> Request:
    """These custom fields and no others. Source: developers.asana.com/docs/custom-fields-guide."""
    return _write_task(task_gid, {"custom_fields": _custom_fields(fields)}, asked=f"setting fields of task {task_gid}")


def set_approval(task_gid: str, status: str) -> Request:
    """`pending` opens the task again, every other status completes it. Source: developers.asana.com/reference/updatetask."""
    return _write_task(task_gid, {"approval_status": status}, asked=f"setting the approval of task {task_gid} to {status}")


def move_to_section(task_gid: str, section_gid: str) -> Request:
    """A POST that may be repeated: the task is in the section afterwards, however often it is said."""
    path = f"/sections/{segment(section_gid)}/addTask"
    return send(
        "POST", path, asked=f"moving task {task_gid} to section {section_gid}", data={"task": task_gid}, repeatable=True
    )


def add_followers(task_gid: str, followers: Collection[str]) -> Request:
    """A POST that may be repeated: who follows already goes on following.

    Source: developers.asana.com/reference/addfollowersfortask.
    """
    path = f"/tasks/{segment(task_gid)}/addFollowers"
    data = {"followers": list(followers)}
    return send("POST", path, asked=f"adding followers to task {task_gid}", data=data, repeatable=True)


def read_stories(task_gid: str) -> Request:
    """The task's history. Source: developers.asana.com/reference/getstoriesfortask."""
    path = f"/tasks/{segment(task_gid)}/stories"
    return get_list(path, asked=f"reading the stories of task {task_gid}", fields=STORY_FIELDS)


def write_comment(task_gid: str, text: str) -> Request:
    return send(
        "POST",
        f"/tasks/{segment(task_gid)}/stories",
        asked=f"commenting on task {task_gid}",
        data={"text": text},
        fields=STORY_FIELDS,
        repeatable=False,
    )


def _write_task(task_gid: str, data: Json, *, asked: str) -> Request:
    return send("PUT", f"/tasks/{segment(task_gid)}", asked=asked, data=data, fields=TASK_FIELDS, repeatable=True)


def _description(draft: TaskDraft) -> dict[str, str]:
    """One of the two, never both."""
    return {"html_notes": checked_html(draft.html_notes)} if draft.html_notes else {"notes": draft.notes}


def _custom_fields(fields: Mapping[str, FieldValue]) -> dict[str, Any]:
    return {gid: value_to_wire(gid, value) for gid, value in fields.items()}


def _filled(fields: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    """A new task is empty as it is."""
    return {gid: value for gid, value in fields.items() if value not in (None, "", ())}


def _named_field(part: str, draft: TaskDraft) -> str:
    gid = part.removeprefix("field:")
    if gid == part or gid not in {*draft.fields, *draft.initial_fields}:
        raise Misconfigured(f"The task of {draft.key}: {part!r} is not a part of its draft that can be updated.")
    return gid


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


FIELDS = ("name", "resource_subtype", "size")


def read_attachments(task_gid: str) -> Request:
    """Everything on the task, inline pictures too. Source: developers.asana.com/reference/getattachmentsforobject."""
    return get_list("/attachments", asked=f"reading the attachments of task {task_gid}", fields=FIELDS, parent=task_gid)


def attach_link(task_gid: str, *, name: str, url: str) -> Request:
    """A link. Answered with 200, not 201. Source: developers.asana.com/reference/createattachmentforobject."""
    fields = (("parent", task_gid), ("resource_subtype", "external"), ("name", name), ("url", url))
    return _attach(task_gid, Form(fields=fields, boundary=_boundary(name + url)), asked=f"linking {name!r} to task {task_gid}")


def attach_file(task_gid: str, *, name: str, file: DocumentFile) -> Request:
    """A file, sent while it is read."""
    part = FilePart(name=name, content_type=file.content_type, size=file.size, content=file.content)
    form = Form(fields=(("parent", task_gid),), boundary=_boundary(name + file.digest), file=part)
    return _attach(task_gid, form, asked=f"attaching {name!r} to task {task_gid}")


def attachment_from(body: Json) -> Attachment:
    size = number(body, "size")
    return Attachment(
        gid=gid(body),
        name=text(body, "name"),
        kind=text(body, "resource_subtype") or "asana",
        size=int(size) if size is not None else None,
    )


def _attach(task_gid: str, form: Form, *, asked: str) -> Request:
    params = {"opt_fields": ",".join(FIELDS)}
    return Request(method="POST", path="/attachments", asked=asked, params=params, form=form, repeatable=False)


def _boundary(seed: str) -> str:
    """Made from a hash of what is sent, so nobody can have written it into a file on purpose."""
    return f"ia{hashlib.sha256(seed.encode()).hexdigest()}"
