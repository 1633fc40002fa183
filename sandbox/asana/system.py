"""Asana as the controls, the demo and the board page have it: begun anew, acted upon by names, and dumped as JSON in which
fields have their names and values are as people read them."""

from __future__ import annotations

import hashlib
from typing import Any

from sandbox.asana.acts.people import act
from sandbox.asana.state.model import Attachment, CustomField, EnumOption, Project, Story, Task, User, Webhook
from sandbox.asana.state.shapes import entries, stamp
from sandbox.asana.state.values import plain
from sandbox.asana.state.workspace import Workspace
from sandbox.core import World

EVERYBODY = User("0", "", "")
"""A viewer from whom nothing is hidden."""


class Asana:
    """The stand-in as a whole. `world.asana` is one."""

    def __init__(self, world: World, *, seed: int = 7) -> None:
        self.space = Workspace(world, seed=seed)

    def reset(self, seed: int, **options: Any) -> dict[str, Any]:
        return self.space.reset(seed, **options)

    def dump(self) -> dict[str, Any]:
        return dump(self.space)

    def act(self, user: str, action: str, **args: Any) -> dict[str, Any]:
        """Do `action` as that person would in Asana's own pages; see `people.ACTIONS`."""
        return act(self.space, user, action, args)


def dump(space: Workspace) -> dict[str, Any]:
    """Tasks are live ones, in gid order; `fields` of a task maps field name to text or None."""
    return {
        "workspace": {"gid": space.site.gid, "name": space.site.name},
        "users": [_user(space, user) for user in space.users.values()],
        "projects": [_project(project) for project in space.projects.values()],
        "fields": [_field(field) for field in space.fields.values()],
        "tasks": [_task(task) for task in space.live_tasks],
        "webhooks": [_webhook(webhook) for webhook in space.webhooks.values()],
        "deleted_tasks": [task.gid for task in space.tasks.values() if task.trashed],
    }


def _webhook(webhook: Webhook) -> dict[str, Any]:
    return {
        "gid": webhook.gid,
        "resource": webhook.resource.gid,
        "target": webhook.target,
        "active": webhook.active,
        "answers": webhook.answers,
    }


def _user(space: Workspace, user: User) -> dict[str, Any]:
    """`guest` is how it is in the first workspace, `guest_in` in each."""
    guest_in = {each.site.gid: each.guest for each in space.site_memberships if each.user is user}
    guest = guest_in.get(space.site.gid)
    return {"gid": user.gid, "name": user.name, "email": user.email, "guest": guest, "guest_in": guest_in}


def _project(project: Project) -> dict[str, Any]:
    return {
        "gid": project.gid,
        "name": project.name,
        "workspace": project.site.gid,
        "sections": [{"gid": section.gid, "name": section.name} for section in project.sections],
        "fields": [setting.custom_field.name for setting in project.settings.values()],
        "members": [getattr(each.member, "email", each.member.name) for each in project.members.values()],
        "task_count": len(project.tasks),
    }


def _field(field: CustomField) -> dict[str, Any]:
    return {
        "gid": field.gid,
        "name": field.name,
        "kind": field.kind,
        "precision": field.precision,
        "format": field.format,
        "currency_code": field.currency_code,
        "options": [_option(option) for option in field.options],
        "locked_by": field.locked_by.email if field.locked_by else None,
        "is_global": field.is_global,
    }


def _option(option: EnumOption) -> dict[str, Any]:
    return {"gid": option.gid, "name": option.name, "enabled": option.enabled}


def _task(task: Task) -> dict[str, Any]:
    return {
        "gid": task.gid,
        "name": task.name,
        "resource_subtype": task.kind,
        "parent": task.parent.gid if task.parent else None,
        "approval_status": task.approval_status,
        "completed": task.completed,
        "completed_at": stamp(task.completed_at) if task.completed_at else None,
        "created_at": stamp(task.created_at),
        "modified_at": stamp(task.modified_at),
        "assignee": task.assignee.email if task.assignee else None,
        "followers": [user.email for user in task.followers],
        "due_on": task.due_on,
        "notes": task.notes,
        "html_notes": task.html_notes,
        "projects": list(task.places),
        "sections": {gid: section.name for gid, section in task.places.items()},
        "fields": {entry.custom_field.name: plain(entry.custom_field, entry.value) for entry in entries(task, EVERYBODY)},
        "stories": [story_of(story) for story in task.stories],
        "attachments": [attachment_of(each) for each in task.attachments],
    }


def attachment_of(attachment: Attachment) -> dict[str, Any]:
    told = {name: getattr(attachment, name) for name in ("gid", "name", "kind", "url", "content_type")}
    digest = hashlib.sha256(attachment.content).hexdigest()
    return {**told, "size": len(attachment.content), "sha256": digest}


def story_of(story: Story) -> dict[str, Any]:
    told = {
        "gid": story.gid,
        "resource_subtype": story.kind,
        "created_at": stamp(story.created_at),
        "by": story.created_by.email if story.created_by else None,
        "by_kind": story.created_by.author_kind if story.created_by else None,
        "by_name": story.created_by.name if story.created_by else None,
        "source": story.source,
        "text": story.text,
        "html_text": story.html_text,
        "is_edited": story.is_edited,
        "new_approval_status": story.extra.get("new_approval_status"),
    }
    changed = story.extra.get("custom_field")
    if changed:
        old = next((value for name, value in story.extra.items() if name.startswith("old_")), None)
        new = next((value for name, value in story.extra.items() if name.startswith("new_")), None)
        told |= {"field": changed.name, "old": _story_value(changed, old), "new": _story_value(changed, new)}
    return told


def _story_value(field: CustomField, value: Any) -> str | None:
    """Stories have their own form of a day."""
    return value["due_on"] if field.kind == "date" and value else plain(field, value)
