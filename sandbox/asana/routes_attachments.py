"""Attachments: links and small files on tasks."""

from __future__ import annotations

from sandbox.asana.calls import Answer, Call, many, one, route
from sandbox.asana.errors import bad, unknown
from sandbox.asana.model import Attachment

SIZE_LIMIT = 100 * 1024 * 1024


@route("POST", "/attachments")
def create_attachment(call: Call) -> Answer:
    """200, not 201. `resource_subtype=external` needs `url` and `name`; otherwise a file part is needed."""
    task = call.space.task(call.given("parent"), call.user, in_path=False, key="parent")
    kind = call.data.get("resource_subtype") or "asana"
    if kind not in ("asana", "external"):
        raise bad(f"resource_subtype: Cannot create attachments of type {kind}")
    gid, now = call.space.new_gid(), call.space.now()
    if kind == "external":
        attachment = Attachment(gid, call.given("name"), kind, task, now, url=call.given("url"))
    else:
        name, content, content_type = call.upload or ("", b"", "")
        if not name or len(content) > SIZE_LIMIT:
            raise bad("file: Missing input" if not name else "file: The file is larger than 100 MB")
        attachment = Attachment(gid, name, kind, task, now, content=content, content_type=content_type)
    task.attachments.append(attachment)
    call.space.attachments[gid] = attachment
    call.edit.story(task, "attachment_added", f"{call.user.name} attached {attachment.name}")
    return one(call, attachment)


@route("GET", "/attachments")
def list_attachments(call: Call) -> Answer:
    return many(call, call.space.task(call.asked("parent"), call.user, in_path=False, key="parent").attachments)


@route("GET", "/attachments/{gid}")
def get_attachment(call: Call) -> Answer:
    attachment = call.space.attachments.get(call.args["gid"])
    if not attachment:
        raise unknown("attachment", call.args["gid"], in_path=True)
    return one(call, attachment)
