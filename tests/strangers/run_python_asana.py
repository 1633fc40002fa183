"""The official Python client of Asana against the sandbox.

run_python_asana.py URL TOKEN WORKSPACE PROJECT: what became of each call as JSON.
"""

import json
import sys
from typing import Any

import asana
from asana.rest import ApiException

url, token, workspace, project = sys.argv[1:5]
settings = asana.Configuration()
settings.host, settings.access_token = f"{url}/api/1.0", token
client = asana.ApiClient(settings)
told: dict[str, str] = {}


def call(name: str, *arguments: Any) -> Any:
    api, method = name.split(".")
    try:
        answer = getattr(getattr(asana, api)(client), method)(*arguments)
        found = answer if isinstance(answer, dict) else list(answer)
    except ApiException as error:
        told[name] = str(error.status)
        return {"gid": "0"}
    told[name] = "ok"
    return found


def body(**data: Any) -> dict[str, Any]:
    return {"data": data}


call("UsersApi.get_user", "me", {})
call("UsersApi.get_users", {"workspace": workspace, "limit": 2})
call("WorkspacesApi.get_workspaces", {})
call("ProjectsApi.get_projects", {"workspace": workspace, "archived": False, "opt_fields": "name,archived,modified_at"})
call("ProjectsApi.get_project", project, {"opt_fields": "name,custom_field_settings.custom_field.name"})
made = call("ProjectsApi.create_project", body(name="A stranger's", workspace=workspace), {})
call("ProjectsApi.update_project", body(archived=True), made["gid"], {})
call("ProjectsApi.get_task_counts_for_project", project, {"opt_fields": "num_tasks"})
section = call("SectionsApi.create_section_for_project", project, {"body": body(name="New")})
call("SectionsApi.get_sections_for_project", project, {})
field = call("CustomFieldsApi.create_custom_field", body(workspace=workspace, name="Shade", resource_subtype="text"), {})
call("ProjectsApi.add_custom_field_setting_for_project", body(custom_field=field["gid"]), project, {})
call("CustomFieldSettingsApi.get_custom_field_settings_for_project", project, {})
task = call("TasksApi.create_task", body(name="Task", projects=[project], custom_fields={field["gid"]: "red"}), {})
call("TasksApi.get_task", task["gid"], {"opt_fields": "name,custom_fields.display_value"})
call("TasksApi.get_tasks", {"project": project, "opt_fields": "name,modified_at"})
call("TasksApi.update_task", body(completed=True), task["gid"], {})
call("SectionsApi.add_task_for_section", section["gid"], {"body": body(task=task["gid"])})
call("TasksApi.create_subtask_for_task", body(name="Part"), task["gid"], {})
call("TasksApi.get_subtasks_for_task", task["gid"], {})
call("StoriesApi.create_story_for_task", body(text="Hello"), task["gid"], {})
call("StoriesApi.get_stories_for_task", task["gid"], {})
call("AttachmentsApi.get_attachments_for_object", project, {})
call("TypeaheadApi.typeahead_for_workspace", workspace, "task", {"query": "Task"})
call("TasksApi.search_tasks_for_workspace", workspace, {"text": "Task"})
call("MembershipsApi.get_memberships", {"parent": project})
call("TeamsApi.get_teams_for_workspace", workspace, {})
call("BatchAPIApi.create_batch_request", body(actions=[{"method": "get", "relative_path": "/users/me"}]), {})
call("WebhooksApi.get_webhooks", workspace, {})
call("PortfoliosApi.get_portfolios", workspace, {})
call("GoalsApi.get_goals", {"workspace": workspace})
call("TasksApi.delete_task", task["gid"])
print(json.dumps(told))
