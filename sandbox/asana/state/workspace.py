"""The workspace: who and what exists, and how things are found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sandbox import constants
from sandbox.asana.errors import AsanaError, bad, forbidden, unauthorized, unknown
from sandbox.asana.state.deliveries import Deliveries
from sandbox.asana.state.events import Events
from sandbox.asana.state.limits import Limits
from sandbox.asana.state.model import (
    Attachment,
    CustomField,
    Project,
    ProjectMembership,
    Section,
    Site,
    SiteMembership,
    Story,
    Tag,
    Task,
    Team,
    User,
    Webhook,
)
from sandbox.asana.state.paging import Offsets
from sandbox.core import World

PERSON_TOKEN = "sandbox-person-"
FIRST_GID = 1211000000000000


class Workspace:
    """One Asana workspace with its people, projects and tasks."""

    def __init__(self, world: World, *, seed: int = 7) -> None:
        self.world = world
        self.reset(seed)

    def reset(self, seed: int, *, keep_fields: bool = False, **_options: Any) -> dict[str, Any]:
        """A new workspace: people, two empty projects with one section each, no custom fields. Answers a summary.

        With `keep_fields` only tasks and what hangs on them are gone; projects stay with their fields and sections.
        """
        self.tasks: dict[str, Task] = {}
        self.stories: dict[str, Story] = {}
        self.attachments: dict[str, Attachment] = {}
        self.tags: dict[str, Tag] = {}
        self.webhooks: dict[str, Webhook] = {}
        self.oauth_tokens: dict[str, tuple[User, datetime]] = {}
        self.revoked_tokens: set[str] = set()
        self.current_kind = ""
        self.events = Events(self.world, seed=seed)
        self.offsets = Offsets(self.world, seed=seed)
        self.limits = Limits(self.world)
        self.deliveries = Deliveries(self.world, self.webhooks)
        if keep_fields:
            for project in self.projects.values():
                project.tasks.clear()
        else:
            self._begin(seed)
        return {"people": len(self.users), "projects": len(self.projects), "tasks": len(self.tasks)}

    def _begin(self, seed: int) -> None:
        self.last_gid = FIRST_GID + (seed % 1000) * 1_000_000
        self.site = Site(
            constants.WORKSPACE_GID, "Northwind", partial(self.world.setting, "asana_pages", "https://app.asana.com")
        )
        self.sites = {self.site.gid: self.site}
        self.site_memberships: list[SiteMembership] = []
        self.teams: dict[str, Team] = {}
        self.actors: dict[tuple[str, str | None], User] = {}
        self.users: dict[str, User] = {}
        self.projects: dict[str, Project] = {}
        self.sections: dict[str, Section] = {}
        self.fields: dict[str, CustomField] = {}
        self._people()
        self._project(constants.BILLS_PROJECT_GID, "Bills")
        self._project(constants.VENDORS_PROJECT_GID, "Vendors")

    def _people(self) -> None:
        self.add_person(constants.BOT_GID, constants.BOT_NAME, constants.BOT_EMAIL)
        for one in constants.PEOPLE:
            self.add_person(one["gid"], one["name"], one["email"], guest=one["guest"])

    def _project(self, gid: str, name: str) -> None:
        project = Project(gid, name, self.site, self.now(), modified_at=self.now())
        project.members = {user.gid: ProjectMembership(self.new_gid(), project, user) for user in self.users.values()}
        self.projects[gid] = project
        self.add_section(project, "Untitled section")

    def add_person(self, gid: str, name: str, email: str, *, guest: bool = False) -> User:
        untold = partial(self.world.setting, "asana_untold", ())
        odd = partial(self.world.setting, "asana_odd_values", {})
        self.users[gid] = User(gid, name, email, untold=untold, odd=odd)
        self.join(self.users[gid], self.site, guest=guest)
        return self.users[gid]

    def join(self, user: User, site: Site, *, guest: bool) -> SiteMembership:
        """Into the workspace, or there as a guest from now on, or as a member."""
        found = next((each for each in self.site_memberships if each.user is user and each.site is site), None)
        if found is None:
            found = SiteMembership(self.new_gid(), user, site)
            self.site_memberships.append(found)
            user.workspaces.append(site)
        found.guest = guest
        return found

    def actor(self, who: User | str, kind: str | None) -> User:
        """That person as an author of another kind, or somebody who is no person at all, such as an agent."""
        key = (who.gid if isinstance(who, User) else who, kind)
        if key not in self.actors:
            known = who if isinstance(who, User) else User(self.new_gid(), who, "", [self.site])
            self.actors[key] = replace(known, author_kind=kind)
        return self.actors[key]

    @property
    def agents(self) -> list[User]:
        return [each for each in self.actors.values() if each.author_kind == "agent" and each.gid not in self.users]

    def add_section(self, project: Project, name: str) -> Section:
        section = Section(self.new_gid(), name, project, self.now())
        project.sections.append(section)
        self.sections[section.gid] = section
        return section

    def new_gid(self) -> str:
        self.last_gid += 1
        return str(self.last_gid)

    def now(self) -> datetime:
        return self.world.clock.now()

    # --- who is asking

    def user_of_token(self, token: str) -> User:
        """The token's user. Raises 401."""
        if token in self.revoked_tokens:
            raise unauthorized()
        if token == constants.ASANA_TOKEN:
            return self.users[constants.BOT_GID]
        if token.startswith(PERSON_TOKEN) and token.removeprefix(PERSON_TOKEN) in self.users:
            return self.users[token.removeprefix(PERSON_TOKEN)]
        user, until = self.oauth_tokens.get(token, (None, self.now()))
        if user is None or until <= self.now():
            raise unauthorized()
        return user

    def grant(self, token: str, user: User, *, seconds: int) -> None:
        self.oauth_tokens[token] = (user, self.now() + timedelta(seconds=seconds))

    # --- finding things

    def find_user(self, who: object, *, me: User | None = None) -> User | None:
        """By gid, email or `me`."""
        if who == "me":
            return me
        if isinstance(who, str) and "@" in who:
            return next((user for user in self.users.values() if user.email.lower() == who.lower()), None)
        return self.users.get(who) if isinstance(who, str) else None

    def project(self, gid: object, viewer: User, *, in_path: bool = True, key: str = "project") -> Project:
        """Raises 403 for a project the viewer is not a member of."""
        project = self.projects.get(as_gid(gid, key))
        if not project:
            raise unknown(key, gid, in_path=in_path)
        if not project.levels_of(viewer):
            raise forbidden("You do not have access to this project.")
        return project

    def section(self, gid: object, viewer: User, *, in_path: bool = True) -> Section:
        section = self.sections.get(as_gid(gid, "section"))
        if not section:
            raise unknown("section", gid, in_path=in_path)
        self.project(section.project.gid, viewer)
        return section

    def task(self, gid: object, viewer: User, *, in_path: bool = True, key: str = "task") -> Task:
        """Raises 404 for a task that never was or is in the trash (a setting makes that 403), 403 for a hidden one."""
        task = self.tasks.get(as_gid(gid, key))
        if not task:
            raise unknown(key, gid, in_path=in_path)
        if task.trashed:
            raise self._trashed(task, key)
        if not self.is_visible(task, viewer):
            raise forbidden("You do not have access to this task.")
        return task

    def _trashed(self, task: Task, key: str) -> AsanaError:
        if self.world.setting("asana_trashed_task", 404) == 403:
            return forbidden("You do not have access to this task.")
        return unknown(key, task.gid, in_path=True)

    def is_visible(self, task: Task, viewer: User) -> bool:
        if any(section.project.levels_of(viewer) for section in task.places.values()):
            return True
        if task.parent and self.is_visible(task.parent, viewer):
            return True
        return viewer.gid in [who.gid for who in (task.created_by, task.assignee, *task.followers) if who]

    def field(self, gid: object, viewer: User, *, in_path: bool = True) -> CustomField:
        field = self.fields.get(as_gid(gid, "custom_field"))
        if not field or viewer.gid in field.hidden_from:
            raise unknown("custom_field", gid, in_path=in_path)
        return field

    def visible_fields(self, viewer: User) -> Iterable[CustomField]:
        return (field for field in self.fields.values() if viewer.gid not in field.hidden_from)

    def site_of(self, gid: object, *, in_path: bool = False) -> Site:
        if as_gid(gid, "workspace") not in self.sites:
            raise unknown("workspace", gid, in_path=in_path)
        return self.sites[str(gid)]

    @property
    def live_tasks(self) -> list[Task]:
        return [task for task in self.tasks.values() if not task.trashed]


def as_gid(value: object, key: str) -> str:
    if not isinstance(value, str):
        kind = "number" if isinstance(value, (int, float)) else type(value).__name__
        raise bad(f"{key}: Not a valid GID type: {kind}")
    return value
