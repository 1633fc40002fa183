"""What is asked of Asana about tasks, stories, attachments, projects and people: each function makes one whole request."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from intacct_asana.asana.records import Json, gid, number, text, value_to_wire
from intacct_asana.asana.request import (
    FIELD_FIELDS,
    PAGE_SIZE,
    FilePart,
    Form,
    Request,
    get,
    get_list,
    segment,
    send,
)
from intacct_asana.errors import Misconfigured, Refused
from intacct_asana.records import FieldNeed, FieldValue, TaskDraft
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


def read_subtasks(task_gid: str) -> Request:
    """Source: developers.asana.com/reference/getsubtasksfortask."""
    return get_list(
        f"/tasks/{segment(task_gid)}/subtasks", asked=f"reading the subtasks of task {task_gid}", fields=TASK_FIELDS
    )


def create_subtask(task_gid: str, *, name: str, notes: str, assignee: str, due_on: str, kind: str) -> Request:
    """A subtask, an approval or an ordinary one. Source: developers.asana.com/reference/createsubtaskfortask."""
    data = {"name": name, "notes": notes, "resource_subtype": kind}
    given = {name: value for name, value in (("assignee", assignee), ("due_on", due_on)) if value}
    return send(
        "POST",
        f"/tasks/{segment(task_gid)}/subtasks",
        asked=f"creating a subtask ({kind}) below task {task_gid}",
        data={**data, **given},
        fields=TASK_FIELDS,
        repeatable=False,
    )


def make_ordinary(task_gid: str) -> Request:
    """A task that is no approval any more. Whether Asana takes that is not documented: the answer tells."""
    return _write_task(task_gid, {"resource_subtype": "default_task"}, asked=f"making task {task_gid} an ordinary one")


def unassign(task_gid: str) -> Request:
    return _write_task(task_gid, {"assignee": None}, asked=f"taking task {task_gid} off its person's list")


def complete_task(task_gid: str) -> Request:
    return _write_task(task_gid, {"completed": True}, asked=f"completing task {task_gid}")


def set_fields(task_gid: str, fields: Mapping[str, FieldValue]) -> Request:
    """These custom fields and no others. Source: developers.asana.com/docs/custom-fields-guide."""
    return _write_task(task_gid, {"custom_fields": _custom_fields(fields)}, asked=f"setting fields of task {task_gid}")


def set_approval(task_gid: str, status: str) -> Request:
    """`pending` opens the task again, every other status completes it. Source: developers.asana.com/reference/updatetask."""
    return _write_task(task_gid, {"approval_status": status}, asked=f"setting the approval of task {task_gid} to {status}")


def assign(task_gid: str, user_gid: str) -> Request:
    return _write_task(task_gid, {"assignee": user_gid}, asked=f"assigning task {task_gid} to user {user_gid}")


def move_to_section(task_gid: str, section_gid: str) -> Request:
    """A POST that may be repeated: the task is in the section afterwards, however often it is said."""
    path = f"/sections/{segment(section_gid)}/addTask"
    return send(
        "POST", path, asked=f"moving task {task_gid} to section {section_gid}", data={"task": task_gid}, repeatable=True
    )


def add_to_project(task_gid: str, project_gid: str, *, section_gid: str | None = None) -> Request:
    """A POST that may be repeated: the task is in the project afterwards, however often it is said.

    Source: developers.asana.com/reference/addprojectfortask. Its answer is empty.
    """
    path = f"/tasks/{segment(task_gid)}/addProject"
    data = {"project": project_gid, **({"section": section_gid} if section_gid else {})}
    return send("POST", path, asked=f"putting task {task_gid} into project {project_gid}", data=data, repeatable=True)


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


def write_comment(task_gid: str, text: str, *, html: str = "") -> Request:
    """`html` is a well-formed `<body>` and stands in the place of `text`; a link with a user's gid in it mentions the user.

    Source: developers.asana.com/docs/rich-text.
    """
    return send(
        "POST",
        f"/tasks/{segment(task_gid)}/stories",
        asked=f"commenting on task {task_gid}",
        data={"html_text": checked_html(html)} if html else {"text": text},
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


_DEFINITION = (
    *FIELD_FIELDS,
    "currency_code",
    "enabled",
    "enum_options",
    "enum_options.name",
    "enum_options.enabled",
    "is_formula_field",
    "is_value_read_only",
    "representation_type",
    "privacy_setting",
    "default_access_level",
)
SETTING_FIELDS = tuple(f"custom_field.{part}" for part in _DEFINITION)
EVENT_FIELDS = (
    "action",
    "created_at",
    "user",
    "resource.resource_type",
    "parent.resource_type",
)


def read_project(project_gid: str) -> Request:
    return get(f"/projects/{segment(project_gid)}", asked=f"reading project {project_gid}", fields=("name", "workspace"))


def read_workspaces() -> Request:
    """Those of the token's user. Source: developers.asana.com/reference/getworkspaces."""
    return get_list("/workspaces", asked="reading the workspaces", fields=("name",))


def read_projects(workspace_gid: str) -> Request:
    """Projects that are not archived. Source: developers.asana.com/reference/getprojects."""
    asked = f"reading the projects of workspace {workspace_gid}"
    return get_list("/projects", asked=asked, fields=("name",), workspace=workspace_gid, archived="false")


def read_settings(project_gid: str) -> Request:
    """The custom fields of a project. Fields that are private to others are silently left out by Asana."""
    path = f"/projects/{segment(project_gid)}/custom_field_settings"
    return get_list(path, asked=f"reading the custom fields of project {project_gid}", fields=SETTING_FIELDS)


def read_workspace_fields(workspace_gid: str) -> Request:
    """The custom fields that any project of the workspace may use. Source: .../reference/getcustomfieldsforworkspace."""
    path = f"/workspaces/{segment(workspace_gid)}/custom_fields"
    return get_list(path, asked=f"reading the custom fields of workspace {workspace_gid}", fields=_DEFINITION)


def read_sections(project_gid: str) -> Request:
    path = f"/projects/{segment(project_gid)}/sections"
    return get_list(path, asked=f"reading the sections of project {project_gid}", fields=("name",))


def create_section(project_gid: str, name: str) -> Request:
    return send(
        "POST",
        f"/projects/{segment(project_gid)}/sections",
        asked=f"creating section {name!r} in project {project_gid}",
        data={"name": name},
        fields=("name",),
        repeatable=False,
    )


def create_local_field(project_gid: str, need: FieldNeed, *, workspace_gid: str) -> Request:
    """A custom field that only this project has. Source: developers.asana.com/reference/addcustomfieldsettingforproject."""
    return _put_field(
        project_gid, _definition(need, workspace_gid), asked=f"creating field {need.name!r} in project {project_gid}"
    )


def create_shared_field(need: FieldNeed, *, workspace_gid: str) -> Request:
    """A custom field of the whole workspace. Source: developers.asana.com/reference/createcustomfield."""
    asked = f"creating field {need.name!r} in workspace {workspace_gid}"
    data = _definition(need, workspace_gid)
    return send("POST", "/custom_fields", asked=asked, data=data, fields=_DEFINITION, repeatable=False)


def attach_field(project_gid: str, field_gid: str) -> Request:
    return _put_field(project_gid, field_gid, asked=f"adding field {field_gid} to project {project_gid}")


def add_option(field_gid: str, name: str) -> Request:
    """A new enum option. Source: developers.asana.com/reference/createenumoptionforcustomfield."""
    return send(
        "POST",
        f"/custom_fields/{segment(field_gid)}/enum_options",
        asked=f"adding option {name!r} to field {field_gid}",
        data={"name": name},
        fields=("name", "enabled"),
        repeatable=False,
    )


def read_person(gid_or_email: str) -> Request:
    """A user by gid, e-mail or `me`. Source: developers.asana.com/reference/getuser."""
    return get(
        f"/users/{segment(gid_or_email)}", asked=f"looking up user {gid_or_email}", fields=("name", "email", "workspaces")
    )


def read_people(workspace_gid: str) -> Request:
    asked = f"reading the users of workspace {workspace_gid}"
    return get_list("/users", asked=asked, fields=("name", "email"), workspace=workspace_gid)


def read_guests(workspace_gid: str, *, user_gid: str = "") -> Request:
    """Who is a guest, an admin, active. Source: developers.asana.com/reference/getworkspacemembershipsforworkspace."""
    path = f"/workspaces/{segment(workspace_gid)}/workspace_memberships"
    more, fields = {"user": user_gid} if user_gid else {}, ("user", "is_guest", "is_admin", "is_active")
    return get_list(path, asked=f"reading who is a guest of workspace {workspace_gid}", fields=fields, **more)


def read_sharing(project_gid: str) -> Request:
    """Whom a project is shared with by itself. Source: developers.asana.com/reference/getproject."""
    fields = ("privacy_setting", "default_access_level")
    return get(f"/projects/{segment(project_gid)}", asked=f"reading how project {project_gid} is shared", fields=fields)


def read_access(parent_gid: str) -> Request:
    """Members of a project or a custom field, as Asana shows them by itself: it describes no fields to choose from here.

    Source: developers.asana.com/reference/getmemberships.
    """
    params = {"parent": parent_gid, "limit": str(PAGE_SIZE)}
    return Request(method="GET", path="/memberships", asked=f"reading who has access to {parent_gid}", params=params)


def read_team(team_gid: str) -> Request:
    """Up to 2,000 people in one answer, which has no pages. Source: developers.asana.com/reference/getusersforteam."""
    return get(f"/teams/{segment(team_gid)}/users", asked=f"reading the people of team {team_gid}", fields=("name",))


def read_agents(workspace_gid: str) -> Request:
    """AI teammates. Source: developers.asana.com/reference/getagents."""
    path = f"/workspaces/{segment(workspace_gid)}/agents"
    return get_list(path, asked=f"reading the agents of workspace {workspace_gid}", fields=("name",))


def read_events(resource_gid: str, sync_token: str | None) -> Request:
    """What happened since the token. Source: developers.asana.com/reference/getevents."""
    params = {"resource": resource_gid, "opt_fields": ",".join(EVENT_FIELDS)}
    if sync_token:
        params["sync"] = sync_token
    return Request(method="GET", path="/events", asked=f"reading the events of {resource_gid}", params=params)


def _put_field(project_gid: str, what: str | Json, *, asked: str) -> Request:
    path = f"/projects/{segment(project_gid)}/addCustomFieldSetting"
    return send("POST", path, asked=asked, data={"custom_field": what}, fields=SETTING_FIELDS, repeatable=False)


def _definition(need: FieldNeed, workspace_gid: str) -> Json:
    data: dict[str, Any] = {"workspace": workspace_gid, "name": need.name, "resource_subtype": need.kind}
    if need.precision is not None:
        data["precision"] = need.precision
    if need.currency:
        data |= {"format": "currency", "currency_code": need.currency}
    if need.options:
        data["enum_options"] = [{"name": option} for option in need.options]
    return data
