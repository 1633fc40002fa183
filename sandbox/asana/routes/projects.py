"""Projects, their sections, custom fields with their enum options, and which of them are on which project."""

from __future__ import annotations

from sandbox.asana.acts import definitions, projects
from sandbox.asana.acts.tasks import add_to_project
from sandbox.asana.errors import bad, forbidden, unknown
from sandbox.asana.routes.calls import Answer, Call, created, done, is_true, many, one, route
from sandbox.asana.state.model import CustomField, EnumOption, OlderMembership, Project, ProjectMembership
from sandbox.asana.state.shapes import visible_settings


@route("GET", "/projects")
def list_projects(call: Call) -> Answer:
    return many(call, _own(call))


def _own(call: Call) -> list[Project]:
    mine = [each for each in call.space.projects.values() if each.levels_of(call.user)]
    if call.query.get("archived"):
        mine = [each for each in mine if each.archived is is_true(call.query["archived"])]
    return [each for each in mine if call.query.get("workspace") in (None, "", each.site.gid)]


@route("GET", "/workspaces/{gid}/projects")
def workspace_projects(call: Call) -> Answer:
    site = call.space.site_of(call.args["gid"], in_path=True)
    return many(call, [each for each in _own(call) if each.site is site])


@route("POST", "/projects")
def create_project(call: Call) -> Answer:
    call.given("workspace")
    return created(call, projects.create(call.edit, call.data, viewer=call.user))


@route("POST", "/workspaces/{gid}/projects")
def create_workspace_project(call: Call) -> Answer:
    site = call.space.site_of(call.args["gid"], in_path=True)
    return created(call, projects.create(call.edit, {**call.data, "workspace": site.gid}, viewer=call.user))


@route("GET", "/projects/{gid}")
def get_project(call: Call) -> Answer:
    return one(call, call.space.project(call.args["gid"], call.user))


@route("PUT", "/projects/{gid}")
def update_project(call: Call) -> Answer:
    project = _editable(call)
    projects.update(call.edit, project, call.data, viewer=call.user)
    return one(call, project)


@route("DELETE", "/projects/{gid}")
def delete_project(call: Call) -> Answer:
    projects.delete(call.edit, _editable(call))
    return done()


@route("POST", "/projects/{gid}/addMembers")
def add_members(call: Call) -> Answer:
    """New ones as editors; those that are members already stay what they are."""
    project = _editable(call)
    for user in projects.people_of(call.edit, call.given("members"), viewer=call.user):
        if user.gid not in project.members:
            projects.add_member(call.edit, project, user, "editor")
    return one(call, project)


@route("POST", "/projects/{gid}/removeMembers")
def remove_members(call: Call) -> Answer:
    project = _editable(call)
    for user in projects.people_of(call.edit, call.given("members"), viewer=call.user):
        project.members.pop(user.gid, None)
    return one(call, project)


def _editable(call: Call) -> Project:
    project = call.space.project(call.args["gid"], call.user)
    if not project.levels_of(call.user) & {"admin", "editor"}:
        raise forbidden("You do not have permission to edit this project.")
    return project


@route("GET", "/projects/{gid}/project_memberships")
def project_memberships(call: Call) -> Answer:
    """The older form of a project's memberships, optionally those of one user."""
    rows = list(call.space.project(call.args["gid"], call.user).members.values())
    if who := call.query.get("user"):
        rows = [each for each in rows if each.member is call.space.find_user(who, me=call.user)]
    return many(call, [_older(each) for each in rows])


@route("GET", "/project_memberships/{gid}")
def project_membership(call: Call) -> Answer:
    rows = (each for project in call.space.projects.values() for each in project.members.values())
    found = next((each for each in rows if each.gid == call.args["gid"] and each.project.levels_of(call.user)), None)
    if found is None:
        raise unknown("project_membership", call.args["gid"], in_path=True)
    return one(call, _older(found))


def _older(membership: ProjectMembership) -> OlderMembership:
    return OlderMembership(membership.gid, membership.project, membership.member, membership.access_level)


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


# --- custom fields and their enum options


@route("POST", "/custom_fields")
def create_field(call: Call) -> Answer:
    call.space.site_of(call.given("workspace"))
    return created(call, definitions.create(call.space, call.user, call.data, is_global=True))


@route("GET", "/workspaces/{gid}/custom_fields")
def workspace_fields(call: Call) -> Answer:
    """Full definitions, as the spec has it; fields that live on one project only are not listed."""
    definitions.needs_paid_plan(call.space)
    call.space.site_of(call.args["gid"], in_path=True)
    return many(call, [field for field in call.space.visible_fields(call.user) if field.is_global], full=True)


@route("GET", "/custom_fields/{gid}")
def get_field(call: Call) -> Answer:
    return one(call, call.space.field(call.args["gid"], call.user))


@route("PUT", "/custom_fields/{gid}")
def update_field(call: Call) -> Answer:
    field = call.space.field(call.args["gid"], call.user)
    definitions.update(call.space, call.user, field, call.data)
    return one(call, field)


@route("DELETE", "/custom_fields/{gid}")
def delete_field(call: Call) -> Answer:
    definitions.remove(call.space, call.user, call.space.field(call.args["gid"], call.user))
    return done()


@route("POST", "/custom_fields/{gid}/enum_options")
def create_option(call: Call) -> Answer:
    field = call.space.field(call.args["gid"], call.user)
    return created(call, definitions.add_option(call.space, call.user, field, call.data))


@route("POST", "/custom_fields/{gid}/enum_options/insert")
def move_option(call: Call) -> Answer:
    field = call.space.field(call.args["gid"], call.user)
    definitions.raise_if_locked(field, call.user)
    option = field.option(call.given("enum_option"))
    neighbour = field.option(call.data.get("before_enum_option") or call.data.get("after_enum_option"))
    if not option or not neighbour:
        raise bad("enum_option: Not a recognized ID")
    field.options.remove(option)
    field.options.insert(field.options.index(neighbour) + bool(call.data.get("after_enum_option")), option)
    return one(call, option)


@route("PUT", "/enum_options/{gid}")
def update_option(call: Call) -> Answer:
    field, option = _option(call)
    definitions.update_option(call.space, call.user, field, option, call.data)
    return one(call, option)


def _option(call: Call) -> tuple[CustomField, EnumOption]:
    for field in call.space.visible_fields(call.user):
        option = field.option(call.args["gid"])
        if option:
            return field, option
    raise unknown("enum_option", call.args["gid"], in_path=True)
