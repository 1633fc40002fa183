"""What we ask about a project: its custom fields, sections, people and events. Each function makes one whole request."""

from __future__ import annotations

from typing import Any

from intacct_asana.asana.records import Json
from intacct_asana.asana.request import FIELD_FIELDS, PAGE_SIZE, Request, get, get_list, segment, send
from intacct_asana.records import FieldNeed

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
    return _attach(
        project_gid, _definition(need, workspace_gid), asked=f"creating field {need.name!r} in project {project_gid}"
    )


def create_shared_field(need: FieldNeed, *, workspace_gid: str) -> Request:
    """A custom field of the whole workspace. Source: developers.asana.com/reference/createcustomfield."""
    asked = f"creating field {need.name!r} in workspace {workspace_gid}"
    data = _definition(need, workspace_gid)
    return send("POST", "/custom_fields", asked=asked, data=data, fields=_DEFINITION, repeatable=False)


def attach_field(project_gid: str, field_gid: str) -> Request:
    return _attach(project_gid, field_gid, asked=f"adding field {field_gid} to project {project_gid}")


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
    """Who is a guest. Source: developers.asana.com/reference/getworkspacemembershipsforworkspace."""
    path = f"/workspaces/{segment(workspace_gid)}/workspace_memberships"
    more = {"user": user_gid} if user_gid else {}
    return get_list(path, asked=f"reading who is a guest of workspace {workspace_gid}", fields=("user", "is_guest"), **more)


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


def _attach(project_gid: str, what: str | Json, *, asked: str) -> Request:
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
