"""Projects: made, changed, shared, deleted."""

from __future__ import annotations

from typing import Any

from sandbox.asana.acts.edits import Edit
from sandbox.asana.errors import bad
from sandbox.asana.state import richtext
from sandbox.asana.state.model import Project, ProjectMembership, User
from sandbox.asana.state.values import parse_day

PRIVACY = ("public_to_workspace", "private_to_team", "private")
LEVELS = ("admin", "editor", "commenter", "viewer")
VIEWS = ("list", "board", "calendar", "timeline")
_PLAIN = {"name": "name", "notes": "notes", "color": "color", "icon": "icon", "due_on": "due_on", "due_date": "due_on"}
_PLAIN |= {"start_on": "start_on", "archived": "archived", "default_view": "default_view", "privacy_setting": "privacy"}
_PLAIN |= {"default_access_level": "default_access"}
_CHOICES = {"privacy_setting": PRIVACY, "default_access_level": LEVELS, "default_view": VIEWS}
_DAYS = ("due_on", "due_date", "start_on")


def create(edit: Edit, data: dict[str, Any], *, viewer: User) -> Project:
    """A new project with one section; whoever makes it is its admin.

    Unless it is private, everybody of the workspace who is no guest has its default access, here by a membership each. Which
    privacy it has when none is said is not documented: here it is the workspace's.
    """
    site = edit.space.site_of(data.get("workspace") or edit.space.site.gid)
    if not data.get("name"):
        raise bad("name: Missing input")
    own = {"privacy_setting": "public_to_workspace", **{key: value for key, value in data.items() if key != "workspace"}}
    project = Project(edit.space.new_gid(), "", site, edit.space.now())
    update(edit, project, own, viewer=viewer)
    everybody = [each.user for each in edit.space.site_memberships if each.site is site and not each.guest]
    for user in everybody if project.privacy != "private" else []:
        add_member(edit, project, user, project.default_access)
    add_member(edit, project, viewer, "admin")
    edit.space.projects[project.gid] = project
    edit.space.add_section(project, "Untitled section")
    return project


def update(edit: Edit, project: Project, data: dict[str, Any], *, viewer: User) -> None:
    """Everything is checked before anything changes. Raises 400 for what Asana does not take."""
    changes: dict[str, Any] = {}
    for key, value in data.items():
        if key == "owner":
            changes["owner"] = _person(edit, value, viewer, key) if value else None
        elif key == "html_notes":
            changes["html_notes"], changes["notes"] = richtext.accepted(value, key=key)
        elif key == "followers":
            changes["followers"] = [_person(edit, each, viewer, key) for each in str(value).split(",") if each]
        elif key in _PLAIN:
            changes[_PLAIN[key]] = _checked(key, value)
        else:
            raise bad(f"{key}: Cannot write this property")
    for name, value in changes.items():
        setattr(project, name, value)
    if "notes" in changes and "html_notes" not in changes:
        project.html_notes = None
    project.modified_at = edit.space.now()


def delete(edit: Edit, project: Project) -> None:
    """With its sections; its tasks stay where else they are."""
    for task in project.tasks.values():
        task.places.pop(project.gid, None)
    for section in project.sections:
        edit.space.sections.pop(section.gid, None)
    del edit.space.projects[project.gid]


def add_member(edit: Edit, project: Project, member: User, level: str) -> ProjectMembership:
    known = project.members.get(member.gid)
    if known:
        known.access_level = level
        return known
    project.members[member.gid] = ProjectMembership(edit.space.new_gid(), project, member, level)
    return project.members[member.gid]


def people_of(edit: Edit, members: Any, *, viewer: User) -> list[User]:
    """Those of a list of gids and addresses, or of such a list as text with commas."""
    listed = members.split(",") if isinstance(members, str) else members
    if not isinstance(listed, list):
        raise bad(f"members: Value is not an array: {members}")
    return [_person(edit, each, viewer, "members") for each in listed]


def _person(edit: Edit, who: Any, viewer: User, key: str) -> User:
    found = edit.space.find_user(who.strip() if isinstance(who, str) else who, me=viewer)
    if found is None:
        raise bad(f"{key}: Not a user in Organization: {who}")
    return found


def _checked(key: str, value: Any) -> Any:
    if key in _DAYS:
        return None if value is None else parse_day(value, key=key)
    if key == "archived":
        if not isinstance(value, bool):
            raise bad(f"archived: Value is not a boolean: {value}")
    elif key in _CHOICES and value not in _CHOICES[key]:
        raise bad(f"{key}: Not a recognized value: {value}")
    elif not isinstance(value, str) and not (value is None and key in ("color", "icon")):
        raise bad(f"{key}: Value is not a string: {value}")
    return value
