"""What changes around the tasks: fields and their options, who may see and write what, people and workspaces, webhooks."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.asana.acts import definitions, projects
from sandbox.asana.acts.edits import Edit
from sandbox.asana.acts.named import (
    Action,
    Args,
    field_named,
    option_named,
    person_named,
    project_named,
    who_named,
    workspace_named,
)
from sandbox.asana.errors import AsanaError
from sandbox.asana.state.deliveries import forge
from sandbox.asana.state.model import CustomField, FieldMembership, Project, ProjectMembership, Site, SiteMembership, Team, User


def _rename_field(edit: Edit, viewer: User, args: Args) -> CustomField:
    field = field_named(edit, args)
    definitions.update(edit.space, viewer, field, {"name": args["name"]})
    return field


def _option_action(change: Callable[[Args], Args]) -> Action:
    def action(edit: Edit, viewer: User, args: Args) -> CustomField:
        field = field_named(edit, args)
        definitions.update_option(edit.space, viewer, field, option_named(field, args["option"]), change(args))
        return field

    return action


def _add_option(edit: Edit, viewer: User, args: Args) -> CustomField:
    field = field_named(edit, args)
    definitions.add_option(edit.space, viewer, field, {"name": args["option"]})
    return field


def _set_precision(edit: Edit, _viewer: User, args: Args) -> CustomField:
    """What tasks hold already stays as it is, and is shown with so many decimals."""
    field = field_named(edit, args)
    field.precision = int(args["precision"])
    return field


def _lock(edit: Edit, viewer: User, args: Args) -> CustomField:
    field = field_named(edit, args)
    definitions.raise_if_locked(field, viewer)
    field.locked_by = viewer
    return field


def _unlock(edit: Edit, viewer: User, args: Args) -> CustomField:
    field = field_named(edit, args)
    definitions.raise_if_locked(field, viewer)
    field.locked_by = None
    return field


def _hide_field(edit: Edit, _viewer: User, args: Args) -> CustomField:
    """Make the field private: `person` (the bot when none is named) no longer sees it."""
    field = field_named(edit, args)
    hidden = who_named(edit.space, args.get("person", "bot"))
    field.hidden_from |= {hidden.gid} if hidden else set()
    return field


def _detach_field(edit: Edit, _viewer: User, args: Args) -> CustomField:
    field = field_named(edit, args)
    definitions.detach(project_named(edit, args), field)
    return field


def _attach_field(edit: Edit, _viewer: User, args: Args) -> CustomField:
    field = field_named(edit, args)
    definitions.attach(edit.space, project_named(edit, args), field)
    return field


def _delete_field(edit: Edit, viewer: User, args: Args) -> None:
    definitions.remove(edit.space, viewer, field_named(edit, args))


def _create_field(edit: Edit, viewer: User, args: Args) -> CustomField:
    """`name`, `kind`, and `options` (names) or `precision`; attached to the project."""
    options = [{"name": name} for name in args.get("options") or []]
    data = {"name": args["name"], "resource_subtype": args["kind"], "precision": args.get("precision"), "enum_options": options}
    field = definitions.create(edit.space, viewer, data, is_global=True)
    definitions.attach(edit.space, project_named(edit, args), field)
    return field


def _share_field(edit: Edit, _viewer: User, args: Args) -> CustomField:
    """Who may do what with it, as Asana tells it: `privacy`, `default_access_level`, `members` (person or team to level)."""
    field = field_named(edit, args)
    field.privacy = args.get("privacy", field.privacy)
    field.default_access = args.get("default_access_level", field.default_access)
    for name, level in (args.get("members") or {}).items():
        member = _member_named(edit, name)
        field.members[member.gid] = FieldMembership(edit.space.new_gid(), field, member, level)
    return field


def _share_project(edit: Edit, _viewer: User, args: Args) -> Project:
    """The same for a project; there the levels are admin, editor, commenter, viewer, of whom the last two write no task."""
    project = project_named(edit, args)
    project.privacy = args.get("privacy", project.privacy)
    project.default_access = args.get("default_access_level", project.default_access)
    for name, level in (args.get("members") or {}).items():
        member = _member_named(edit, name)
        project.members[member.gid] = ProjectMembership(edit.space.new_gid(), project, member, level)
    return project


def _member_named(edit: Edit, name: str) -> User | Team:
    team = next((each for each in edit.space.teams.values() if name in (each.gid, each.name)), None)
    return team or person_named(edit, {"person": name})


def _add_team(edit: Edit, _viewer: User, args: Args) -> Team:
    """`name` and `people`. It sees and writes nothing before something is shared with it."""
    team = Team(edit.space.new_gid(), args["name"], [person_named(edit, {"person": each}) for each in args["people"]])
    edit.space.teams[team.gid] = team
    return team


def _add_agent(edit: Edit, _viewer: User, args: Args) -> User:
    """An AI teammate called `name`; it acts by that name."""
    return edit.space.actor(args["name"], "agent")


def _move_email(edit: Edit, _viewer: User, args: Args) -> User:
    """`person`'s address is `to`'s from now on, somebody new where nobody has that name; `person` keeps `left_with`."""
    person, address = person_named(edit, args), person_named(edit, args).email
    try:
        heir = person_named(edit, args, "to")
    except AsanaError:
        heir = edit.space.add_person(edit.space.new_gid(), args["to"], "")
        for project in edit.space.projects.values():
            if project.levels_of(person):
                project.members[heir.gid] = ProjectMembership(edit.space.new_gid(), project, heir)
    heir.email, person.email = address, args.get("left_with", f"former.{address}")
    return heir


def _add_workspace(edit: Edit, _viewer: User, args: Args) -> Site:
    """Another workspace called `name`, with `people` as members (everybody where nobody is named)."""
    site = Site(edit.space.new_gid(), args["name"])
    edit.space.sites[site.gid] = site
    for name in args.get("people", list(edit.space.users)):
        edit.space.join(person_named(edit, {"person": name}), site, guest=False)
    return site


def _join_workspace(edit: Edit, _viewer: User, args: Args) -> SiteMembership:
    """`person` is a member there, a `guest` or an `admin`, from now on; with `active: false` the account is shut off."""
    joined = edit.space.join(person_named(edit, args), workspace_named(edit, args), guest=bool(args.get("guest", False)))
    joined.admin, joined.active = bool(args.get("admin", False)), bool(args.get("active", True))
    return joined


def _leave_workspace(edit: Edit, _viewer: User, args: Args) -> None:
    person, site = person_named(edit, args), workspace_named(edit, args)
    person.workspaces.remove(site)
    edit.space.site_memberships = [each for each in edit.space.site_memberships if (each.user, each.site) != (person, site)]


def _create_project(edit: Edit, viewer: User, args: Args) -> Project:
    """Another project called `name`, of which everybody is a member, guests too, as of the first two."""
    project = projects.create(edit, {"name": args["name"], "privacy_setting": "private"}, viewer=viewer)
    for user in edit.space.users.values():
        projects.add_member(edit, project, user, "editor")
    return project


def _archive_project(edit: Edit, viewer: User, args: Args) -> Project:
    """`archived` false takes it back."""
    project = project_named(edit, args)
    projects.update(edit, project, {"archived": bool(args.get("archived", True))}, viewer=viewer)
    return project


def _move_project(edit: Edit, _viewer: User, args: Args) -> Project:
    """With its tasks into another workspace."""
    project = project_named(edit, args)
    project.site = workspace_named(edit, args)
    for task in project.tasks.values():
        task.site = project.site
    return project


def _remove_member(edit: Edit, _viewer: User, args: Args) -> None:
    gone = who_named(edit.space, args["person"])
    project_named(edit, args).members.pop(gone.gid if gone else "", None)


def _revoke_token(edit: Edit, _viewer: User, args: Args) -> None:
    edit.space.revoked_tokens.add(args["token"])


def _heartbeat(edit: Edit, _viewer: User, _args: Args) -> None:
    edit.space.deliveries.heartbeat()


def _forge(edit: Edit, _viewer: User, args: Args) -> None:
    """`how`: one of `deliveries.WAYS`; `times`."""
    forge(edit.space.deliveries, str(args["how"]), times=int(args.get("times", 1)))


def _set_webhooks(active: bool) -> Action:
    def action(edit: Edit, _viewer: User, _args: Args) -> None:
        for webhook in edit.space.webhooks.values():
            webhook.active = active

    return action


def _lose_webhooks(edit: Edit, _viewer: User, _args: Args) -> None:
    """As Asana deletes those that fail for a day: nothing is announced."""
    edit.space.webhooks.clear()


ACTIONS: dict[str, Action] = {
    "create_field": _create_field,
    "rename_field": _rename_field,
    "attach_field": _attach_field,
    "detach_field": _detach_field,
    "set_precision": _set_precision,
    "delete_field": _delete_field,
    "hide_field": _hide_field,
    "lock_field": _lock,
    "unlock_field": _unlock,
    "rename_option": _option_action(lambda args: {"name": args["name"]}),
    "disable_option": _option_action(lambda _args: {"enabled": False}),
    "enable_option": _option_action(lambda _args: {"enabled": True}),
    "add_option": _add_option,
    "share_field": _share_field,
    "share_project": _share_project,
    "remove_member": _remove_member,
    "add_team": _add_team,
    "add_agent": _add_agent,
    "move_email": _move_email,
    "add_workspace": _add_workspace,
    "join_workspace": _join_workspace,
    "leave_workspace": _leave_workspace,
    "create_project": _create_project,
    "archive_project": _archive_project,
    "move_project": _move_project,
    "revoke_token": _revoke_token,
    "heartbeat": _heartbeat,
    "forge": _forge,
    "lose_webhooks": _lose_webhooks,
    "stop_webhooks": _set_webhooks(active=False),
}
