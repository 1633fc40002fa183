"""Tasks: listed, read, created, changed, moved, deleted; their stories and attachments."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from sandbox.asana.acts import comments, tasks
from sandbox.asana.errors import bad, unknown, unplayed
from sandbox.asana.routes.calls import Answer, Call, created, done, many, one, route
from sandbox.asana.routes.relations import tagged
from sandbox.asana.state.model import Attachment, Project, Story, Task
from sandbox.asana.state.values import parse_instant

EXACTLY_ONE = "Must specify exactly one of project, tag, section, user task list, or assignee + workspace"
CONTAINERS = ("project", "tag", "section", "user_task_list", "assignee")


@route("GET", "/tasks")
def list_tasks(call: Call) -> Answer:
    """Of a project, a section, or a person; narrowed by `completed_since` and `modified_since`."""
    return many(call, _since(call, _container(call)))


def _container(call: Call) -> Iterable[Task]:
    asked = [name for name in CONTAINERS if call.query.get(name)]
    if len(asked) != 1:
        raise bad(EXACTLY_ONE)
    if asked == ["project"]:
        return call.space.project(call.query["project"], call.user, in_path=False).tasks.values()
    if asked == ["section"]:
        section = call.space.section(call.query["section"], call.user, in_path=False)
        return [each for each in section.project.tasks.values() if each.places[section.project.gid] is section]
    if asked == ["assignee"]:
        call.space.site_of(call.asked("workspace"))
        user = call.space.find_user(call.query["assignee"], me=call.user)
        return [each for each in call.space.live_tasks if each.assignee is user and call.space.is_visible(each, call.user)]
    if asked == ["tag"]:
        return tagged(call, call.query["tag"])
    raise unplayed("GET /tasks by user_task_list")


def _since(call: Call, rows: Iterable[Task]) -> Iterable[Task]:
    modified, finished = call.query.get("modified_since"), call.query.get("completed_since")
    if delay_seconds := float(call.space.world.setting("asana_listing_delay_seconds", 0)):
        known = call.space.now() - timedelta(seconds=delay_seconds)
        rows = [task for task in rows if task.created_at <= known]
    if modified:
        after = parse_instant(modified, key="modified_since")
        rows = [task for task in rows if task.modified_at >= after]
    if finished:
        since = call.space.now() if finished == "now" else parse_instant(finished, key="completed_since")
        rows = [task for task in rows if not task.completed_at or task.completed_at > since]
    return rows


@route("GET", "/projects/{gid}/tasks")
def project_tasks(call: Call) -> Answer:
    rows = call.space.project(call.args["gid"], call.user).tasks.values()
    call.query.pop("modified_since", None)
    return many(call, _since(call, rows))


@route("GET", "/sections/{gid}/tasks")
def section_tasks(call: Call) -> Answer:
    section = call.space.section(call.args["gid"], call.user)
    rows = [each for each in section.project.tasks.values() if each.places[section.project.gid] is section]
    call.query.pop("modified_since", None)
    return many(call, _since(call, rows))


@route("POST", "/tasks")
def create_task(call: Call) -> Answer:
    return created(call, tasks.create(call.edit, call.data, viewer=call.user))


@route("GET", "/tasks/{gid}")
def get_task(call: Call) -> Answer:
    return one(call, call.space.task(call.args["gid"], call.user))


@route("PUT", "/tasks/{gid}")
def update_task(call: Call) -> Answer:
    task = call.space.task(call.args["gid"], call.user)
    tasks.update(call.edit, task, call.data, viewer=call.user)
    return one(call, task)


@route("DELETE", "/tasks/{gid}")
def delete_task(call: Call) -> Answer:
    tasks.delete(call.edit, call.space.task(call.args["gid"], call.user))
    return done()


@route("GET", "/tasks/{gid}/subtasks")
def list_subtasks(call: Call) -> Answer:
    return many(call, call.space.task(call.args["gid"], call.user).live_subtasks)


@route("POST", "/tasks/{gid}/subtasks")
def create_subtask(call: Call) -> Answer:
    parent = call.space.task(call.args["gid"], call.user)
    return created(call, tasks.create(call.edit, {**call.data, "parent": parent.gid}, viewer=call.user))


@route("POST", "/tasks/{gid}/addProject")
def add_project(call: Call) -> Answer:
    task = call.space.task(call.args["gid"], call.user)
    project = call.space.project(call.given("project"), call.user, in_path=False)
    section = call.space.section(call.data["section"], call.user, in_path=False) if call.data.get("section") else None
    tasks.add_to_project(call.edit, task, project, section)
    return done()


@route("POST", "/tasks/{gid}/addFollowers")
def add_followers(call: Call) -> Answer:
    """Who follows already goes on following. Everybody is known, or nobody is added."""
    task = call.space.task(call.args["gid"], call.user)
    tasks.add_followers(call.edit, task, call.given("followers"), viewer=call.user)
    return one(call, task)


@route("POST", "/tasks/{gid}/removeFollowers")
def remove_followers(call: Call) -> Answer:
    task = call.space.task(call.args["gid"], call.user)
    tasks.remove_followers(call.edit, task, call.given("followers"), viewer=call.user)
    return one(call, task)


@route("POST", "/tasks/{gid}/removeProject")
def remove_project(call: Call) -> Answer:
    task = call.space.task(call.args["gid"], call.user)
    tasks.remove_from_project(call.edit, task, call.space.project(call.given("project"), call.user, in_path=False))
    return done()


@route("GET", "/tasks/{gid}/projects")
def task_projects(call: Call) -> Answer:
    task = call.space.task(call.args["gid"], call.user)
    return many(call, [section.project for section in task.places.values()])


# --- stories: a task's history, and comments


@route("GET", "/tasks/{gid}/stories")
def list_stories(call: Call) -> Answer:
    """Oldest first. `created_after` is cut to the start of its second; `resource_subtype` knows comments only."""
    now = call.space.now()
    rows = call.space.task(call.args["gid"], call.user).stories
    rows = [story for story in rows if story.seen_from is None or story.seen_from <= now]
    after, kind = call.query.get("created_after"), call.query.get("resource_subtype")
    if after:
        since = parse_instant(after, key="created_after").replace(microsecond=0)
        rows = [story for story in rows if story.created_at > since]
    if kind:
        if kind != "comment_added":
            raise bad(f"resource_subtype: Only comment_added is supported, not: {kind}")
        rows = [story for story in rows if story.kind == kind]
    return many(call, rows)


@route("POST", "/tasks/{gid}/stories")
def create_comment(call: Call) -> Answer:
    task = call.space.task(call.args["gid"], call.user)
    return created(call, comments.comment(call.edit, task, call.data))


@route("GET", "/stories/{gid}")
def get_story(call: Call) -> Answer:
    return one(call, _story(call))


@route("PUT", "/stories/{gid}")
def edit_comment(call: Call) -> Answer:
    story = _story(call)
    comments.reword(call.edit, story, call.data)
    return one(call, story)


@route("DELETE", "/stories/{gid}")
def delete_comment(call: Call) -> Answer:
    comments.remove(call.edit, _story(call))
    return done()


def _story(call: Call) -> Story:
    story = call.space.stories.get(call.args["gid"])
    if not story:
        raise unknown("story", call.args["gid"], in_path=True)
    call.space.task(story.task.gid, call.user)
    return story


# --- attachments: links and small files


SIZE_LIMIT = 100 * 1024 * 1024


@route("POST", "/attachments")
def create_attachment(call: Call) -> Answer:
    """200, not 201. `resource_subtype=external` needs `url` and `name`; otherwise a file part is needed."""
    parent = _parent(call, call.given("parent"))
    kind = call.data.get("resource_subtype") or "asana"
    if kind not in ("asana", "external"):
        raise bad(f"resource_subtype: Cannot create attachments of type {kind}")
    gid, now = call.space.new_gid(), call.space.now()
    if kind == "external":
        attachment = Attachment(gid, call.given("name"), kind, parent, now, url=call.given("url"))
    else:
        name, content, content_type = call.upload or ("", b"", "")
        if not name or len(content) > SIZE_LIMIT:
            raise bad("file: Missing input" if not name else "file: The file is larger than 100 MB")
        attachment = Attachment(gid, name, kind, parent, now, content=content, content_type=content_type)
    parent.attachments.append(attachment)
    call.space.attachments[gid] = attachment
    if isinstance(parent, Task):
        call.edit.story(parent, "attachment_added", f"{call.user.name} attached {attachment.name}")
    return one(call, attachment)


def _parent(call: Call, gid: str) -> Task | Project:
    """What a file hangs on: a task, or a project, whose files are its key resources."""
    if gid in call.space.projects:
        return call.space.project(gid, call.user, in_path=False, key="parent")
    return call.space.task(gid, call.user, in_path=False, key="parent")


@route("GET", "/attachments")
def list_attachments(call: Call) -> Answer:
    return many(call, _parent(call, call.asked("parent")).attachments)


@route("GET", "/attachments/{gid}")
def get_attachment(call: Call) -> Answer:
    return one(call, _attachment(call))


@route("DELETE", "/attachments/{gid}")
def delete_attachment(call: Call) -> Answer:
    attachment = _attachment(call)
    _parent(call, attachment.task.gid).attachments.remove(attachment)
    del call.space.attachments[attachment.gid]
    return done()


def _attachment(call: Call) -> Attachment:
    attachment = call.space.attachments.get(call.args["gid"])
    if not attachment:
        raise unknown("attachment", call.args["gid"], in_path=True)
    return attachment
