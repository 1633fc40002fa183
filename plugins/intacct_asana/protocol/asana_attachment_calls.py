"""What we ask about a task's attachments. Each function makes one whole request. Never part of a batch: Asana forbids it."""

from __future__ import annotations

import hashlib

from intacct_asana.protocol.asana_call import Request, get_list
from intacct_asana.protocol.asana_forms import FilePart, Form
from intacct_asana.protocol.asana_shapes import Json, gid, number, text
from intacct_asana.records.documents import Attachment, DocumentFile

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
