"""Projects, their sections, and which custom fields are on them."""

from __future__ import annotations

from sandbox.asana import definitions
from sandbox.asana.calls import Answer, Call, created, done, many, one, route
from sandbox.asana.errors import bad
from sandbox.asana.model import Project
from sandbox.asana.shapes import visible_settings
from sandbox.asana.tasks import add_to_project


@route("GET", "/projects")
def list_projects(call: Call) -> Answer:
    return many(call, _own(call))


def _own(call: Call) -> list[Project]:
    return [each for each in call.space.projects.values() if call.user.gid in each.members]


@route("GET", "/workspaces/{gid}/projects")
def workspace_projects(call: Call) -> Answer:
    call.space.site_of(call.args["gid"], in_path=True)
    return many(call, _own(call))


@route("GET", "/projects/{gid}")
def get_project(call: Call) -> Answer:
    return one(call, call.space.project(call.args["gid"], call.user))


@route("GET", "/projects/{gid}/sections")
def list_sections(call: Call) -> Answer:
    return many(call, call.space.project(call.args["gid"], call.user).sections)


@route("POST", "/projects/{gid}/sections")
def create_section(call: Call) -> Answer:
    project = call.space.project(call.args["gid"], call.user)
    name = call.given("name")
    if not isinstance(name, str):
        raise bad(f"name: Value is not a string: {name}")
    return created(call, call.space.add_section(project, name))


@route("GET", "/sections/{gid}")
def get_section(call: Call) -> Answer:
    return one(call, call.space.section(call.args["gid"], call.user))


@route("PUT", "/sections/{gid}")
def rename_section(call: Call) -> Answer:
    section = call.space.section(call.args["gid"], call.user)
    section.name = call.given("name")
    return one(call, section)


@route("DELETE", "/sections/{gid}")
def delete_section(call: Call) -> Answer:
    section = call.space.section(call.args["gid"], call.user)
    if any(section in task.places.values() for task in section.project.tasks.values()) or len(section.project.sections) == 1:
        raise bad("section: Cannot delete a section that has tasks, or the last one")
    section.project.sections.remove(section)
    del call.space.sections[section.gid]
    return done()


@route("POST", "/sections/{gid}/addTask")
def add_task_to_section(call: Call) -> Answer:
    section = call.space.section(call.args["gid"], call.user)
    task = call.space.task(call.given("task"), call.user, in_path=False)
    add_to_project(call.edit, task, section.project, section)
    return done()


@route("GET", "/projects/{gid}/custom_field_settings")
def field_settings(call: Call) -> Answer:
    """Compact settings carry gid and type only; fields that the caller may not see are left out."""
    definitions.needs_paid_plan(call.space)
    return many(call, visible_settings(call.space.project(call.args["gid"], call.user), call.user))


@route("POST", "/projects/{gid}/addCustomFieldSetting")
def add_field_setting(call: Call) -> Answer:
    """An existing field by gid, or an object for a new one that only this project has."""
    project = call.space.project(call.args["gid"], call.user)
    wanted = call.given("custom_field")
    if isinstance(wanted, dict):
        field = definitions.create(call.space, call.user, wanted, is_global=False)
    else:
        field = call.space.field(wanted, call.user, in_path=False)
    return one(call, definitions.attach(call.space, project, field, is_important=bool(call.data.get("is_important"))))


@route("POST", "/projects/{gid}/removeCustomFieldSetting")
def remove_field_setting(call: Call) -> Answer:
    project = call.space.project(call.args["gid"], call.user)
    definitions.detach(project, call.space.field(call.given("custom_field"), call.user, in_path=False))
    return done()
