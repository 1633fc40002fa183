"""Asana as the rest of the project sees it: tasks, stories, fields, people, events, webhooks, and what preflight makes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property

from airflow.sdk.log import mask_secret

from intacct_asana.asana import calls, webhooks
from intacct_asana.asana.records import (
    access_from,
    definition_from,
    guest_from,
    named_from,
    option_from,
    person_from,
    project_from,
    section_from,
    setting_from,
    sharing_from,
    story_from,
    task_from,
    task_or_unread,
    workspace_member_from,
    workspaces_from,
)
from intacct_asana.asana.replies import nothing, one
from intacct_asana.asana.request import Request
from intacct_asana.asana.wire import ATTEMPTS, TIMEOUT_SECONDS, AsanaWire
from intacct_asana.errors import IntacctAsanaError, OddRecord, Problem, Refused
from intacct_asana.http import mutates
from intacct_asana.ports import TellUnreadTask
from intacct_asana.records import (
    Access,
    EnumOption,
    EventPage,
    FieldDefinition,
    FieldNeed,
    NewWebhook,
    Person,
    Section,
    Story,
    Task,
    TaskDraft,
    UnreadTask,
    Webhook,
)
from intacct_asana.records.access import WorkspaceMember
from intacct_asana.records.documents import Attachment, DocumentFile


class ProjectSetup:
    """Reads and makes what a flow's project needs. Nothing existing is ever changed."""

    def __init__(self, wire: AsanaWire) -> None:
        self.wire = wire

    @property
    def conn_id(self) -> str:
        return self.wire.conn_id

    @property
    def read_only(self) -> bool:
        return self.wire.read_only

    @property
    def rehearses(self) -> bool:
        return self.wire.rehearses

    def field_definitions(self, project_gid: str) -> list[FieldDefinition]:
        """The custom fields of the project's tasks; those that are private to others are missing."""
        return self.wire.all_of(calls.read_settings(project_gid), setting_from)

    def workspace_fields(self, project_gid: str) -> list[FieldDefinition]:
        """The custom fields of the project's workspace, whether they are on the project or not."""
        workspace_gid = self._workspace_of(project_gid)
        return self.wire.all_of(calls.read_workspace_fields(workspace_gid), definition_from)

    def workspaces(self) -> list[tuple[str, str]]:
        """(gid, name) of each that the token's user is in."""
        return self.wire.all_of(calls.read_workspaces(), named_from)

    def projects(self, workspace_gid: str) -> list[tuple[str, str]]:
        """(gid, name) of each project of the workspace that the user may see and that is not archived."""
        return self.wire.all_of(calls.read_projects(workspace_gid), named_from)

    def sharing(self, project_gid: str) -> tuple[str, str]:
        """(privacy, default access level) of the project, in Asana's words."""
        return self.wire.ask(calls.read_sharing(project_gid), one(sharing_from))

    def access(self, parent_gid: str) -> list[Access]:
        """The members of a project or a custom field, people and teams."""
        return self.wire.all_of(calls.read_access(parent_gid), access_from)

    def team(self, team_gid: str) -> list[Person]:
        return self.wire.all_of(calls.read_team(team_gid), person_from)

    def workspace_members(self, workspace_gid: str) -> list[WorkspaceMember]:
        return self.wire.all_of(calls.read_guests(workspace_gid), workspace_member_from)

    def agents(self, workspace_gid: str) -> list[Person]:
        """AI teammates of the workspace: they write on tasks as people do."""
        return self.wire.all_of(calls.read_agents(workspace_gid), person_from)

    @mutates
    def attach_field(self, project_gid: str, field_gid: str) -> FieldDefinition:
        """A field of the workspace, put onto the project."""
        return self.wire.ask(calls.attach_field(project_gid, field_gid), one(setting_from))

    def sections(self, project_gid: str) -> list[Section]:
        return self.wire.all_of(calls.read_sections(project_gid), section_from)

    @mutates
    def create_field(self, project_gid: str, need: FieldNeed) -> FieldDefinition:
        """A new custom field on the project: its own where Asana allows, else one of the workspace, attached to it."""
        workspace_gid = self._workspace_of(project_gid)
        try:
            return self.wire.ask(calls.create_local_field(project_gid, need, workspace_gid=workspace_gid), one(setting_from))
        except Refused as error:
            if error.code == "402":
                raise
            self.wire.log.info("No field of the project's own: %s", error)
        shared = self.wire.ask(calls.create_shared_field(need, workspace_gid=workspace_gid), one(definition_from))
        return self.wire.ask(calls.attach_field(project_gid, shared.gid), one(setting_from))

    @mutates
    def add_option(self, field_gid: str, name: str) -> EnumOption:
        """A new option of an enum field. Options can never be deleted again, only disabled."""
        return self.wire.ask(calls.add_option(field_gid, name), one(option_from))

    @mutates
    def create_section(self, project_gid: str, name: str) -> Section:
        return self.wire.ask(calls.create_section(project_gid, name), one(section_from))

    def _workspace_of(self, project_gid: str) -> str:
        return self.wire.ask(calls.read_project(project_gid), one(project_from))[2]


GONE = ("403", "404")
COMMENT_LAG = timedelta(seconds=1)


class AsanaHook(AsanaWire):
    """One Asana connection; satisfies `ports.TaskBoard`. Raises our six errors only, may be used from several threads.

    `setup` is its part that reads and makes what a project needs.

    `asana_conn_id` names a connection of type `asana_rest` (or the Asana provider's `asana`): its password is a personal
    access token or a service account's, or its extra holds an OAuth grant.
    """

    conn_name_attr = "asana_conn_id"
    default_conn_name = "asana_default"
    conn_type = "asana_rest"
    hook_name = "Asana (REST)"

    def __init__(
        self, asana_conn_id: str = default_conn_name, *, attempts: int = ATTEMPTS, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        super().__init__(asana_conn_id, attempts=attempts, timeout_seconds=timeout_seconds)
        self.asana_conn_id = asana_conn_id
        self.setup = ProjectSetup(self)
        self.made: dict[str, datetime] = {}
        """Tasks that this hook created, by gid, with Asana's time of change in the answer."""
        self.wrote: dict[str, datetime] = {}
        """Tasks that this hook changed, the same way. A later change by anybody has a later time."""

    def tasks(
        self, project_gid: str, *, modified_since: datetime | None = None, unread: TellUnreadTask | None = None
    ) -> Iterator[list[Task]]:
        """Pages of the project's tasks, completed ones too.

        `unread` is told of each that cannot be read, and that does not come; without it, that is raised. Raises TryLater when
        the caller was so slow that Asana forgot where the walk stood.
        """
        request = calls.read_tasks(project_gid, modified_since=modified_since)
        if unread is None:
            yield from self.walk(request, lambda body: task_from(body, project_gid=project_gid))
            return
        for page in self.walk(request, lambda body: task_or_unread(body, project_gid=project_gid)):
            for found in page:
                if isinstance(found, UnreadTask):
                    unread(found)
            yield [found for found in page if isinstance(found, Task)]

    def task(self, task_gid: str) -> Task | None:
        """The task as it stands, or None when it is deleted or hidden: Asana tells the two apart only now and then."""
        try:
            return self.ask(calls.read_task(task_gid), one(task_from, gid=task_gid))
        except Refused as error:
            if error.code in GONE:
                return None
            raise

    @mutates
    def create_task(self, project_gid: str, draft: TaskDraft) -> Task:
        """The new task as Asana has it. OutcomeUnknown when no clear answer came: look for its key before trying again."""
        task = self.ask(calls.create_task(project_gid, draft), one(lambda body: task_from(body, project_gid=project_gid)))
        _note(self.made, task)
        if not draft.completed or task.completed:
            return task
        try:
            done = self.ask(calls.complete_task(task.gid), one(lambda body: task_from(body, project_gid=project_gid)))
            return _note(self.wrote, done)
        except IntacctAsanaError as error:
            # The task is there and its gid must not be lost; that it is open shows in the answer.
            self.log.warning("Task %s of %s was created but not completed: %s", task.gid, draft.key, error)
            return task

    @mutates
    def update_task(self, task_gid: str, draft: TaskDraft, *, changed: Collection[str]) -> Task:
        """The task as read back after writing what `changed` names. Raises Refused when the task is gone."""
        written = [part for part in changed if part not in ("section_gid", "followers")]
        request = calls.update_task(task_gid, draft, changed=written)
        # The calls of their own come first, so that the answer to the update shows everything.
        if "section_gid" in changed and draft.section_gid:
            self._part("section_gid", calls.move_to_section(task_gid, draft.section_gid))
        if "followers" in changed and draft.followers:
            self._part("followers", calls.add_followers(task_gid, draft.followers))
        if not written:
            # Asana's time of change does not move with the section, so it need not be not one of ours.
            return self.ask(calls.read_task(task_gid), one(task_from))
        return _note(self.wrote, self.ask(request, one(task_from)))

    @mutates
    def add_to_project(self, task_gid: str, project_gid: str, *, section_gid: str | None = None) -> None:
        """The task is in the project afterwards, also when it was before. Asana's time of change does not move with that."""
        self.ask(calls.add_to_project(task_gid, project_gid, section_gid=section_gid), nothing)

    def _part(self, part: str, request: Request) -> None:
        """A part of a task that is a call of its own; its refusal names the part."""
        try:
            self.ask(request, nothing)
        except Refused as error:
            raise error.naming(part) from error.__cause__

    @mutates
    def set_fields(self, task_gid: str, fields: Mapping[str, str | None]) -> Task:
        """The task as read back after setting enum (option gid) or text fields; None clears."""
        return _note(self.wrote, self.ask(calls.set_fields(task_gid, fields), one(task_from)))

    def subtasks(self, task_gid: str) -> list[Task]:
        """The task's subtasks, completed ones too. Raises Refused when the task is gone."""
        return self.all_of(calls.read_subtasks(task_gid), task_from)

    @mutates
    def create_approval(self, task_gid: str, *, name: str, notes: str, assignee: str, due_on: str) -> Task:
        """A new approval below the task. OutcomeUnknown when no clear answer came: look at the subtasks before trying again."""
        return self._subtask(task_gid, name=name, notes=notes, assignee=assignee, due_on=due_on, kind="approval")

    @mutates
    def create_subtask(self, task_gid: str, *, name: str, notes: str, assignee: str, due_on: str) -> Task:
        """A new ordinary task below the task. As `create_approval` otherwise."""
        return self._subtask(task_gid, name=name, notes=notes, assignee=assignee, due_on=due_on, kind="default_task")

    def _subtask(self, task_gid: str, **said: str) -> Task:
        return _note(self.made, self.ask(calls.create_subtask(task_gid, **said), one(task_from)))

    @mutates
    def make_ordinary(self, task_gid: str) -> Task:
        """The task as read back after asking that it be no approval any more; its `kind` says whether Asana did so."""
        return _note(self.wrote, self.ask(calls.make_ordinary(task_gid), one(task_from)))

    @mutates
    def unassign(self, task_gid: str) -> Task:
        return _note(self.wrote, self.ask(calls.unassign(task_gid), one(task_from)))

    @mutates
    def complete(self, task_gid: str) -> Task:
        return _note(self.wrote, self.ask(calls.complete_task(task_gid), one(task_from)))

    @mutates
    def set_approval(self, task_gid: str, status: str) -> Task:
        """The task as read back after setting the status of its approval."""
        return _note(self.wrote, self.ask(calls.set_approval(task_gid, status), one(task_from)))

    @mutates
    def assign(self, task_gid: str, user_gid: str) -> Task:
        """The task as read back after giving it to this user."""
        return _note(self.wrote, self.ask(calls.assign(task_gid, user_gid), one(task_from)))

    def stories(self, task_gid: str) -> list[Story]:
        """The task's whole history, oldest first, each story once. Raises Refused when the task is gone.

        Raises UnexpectedReply for a story that comes twice and says two things: none of them is proof.
        """
        found: dict[str, Story] = {}
        for story in self.all_of(calls.read_stories(task_gid), story_from):
            if found.setdefault(story.gid, story) != story:
                raise OddRecord(f"Connection {self.conn_id}: story {story.gid} of task {task_gid} comes in two forms.")
        return sorted(found.values(), key=lambda story: story.created_at)

    @mutates
    def comment(self, task_gid: str, text: str, *, html: str = "") -> Story:
        """The new comment, with `html` in the place of `text` where there is any.

        OutcomeUnknown when no clear answer came: read the stories before commenting again.
        """
        story = self.ask(calls.write_comment(task_gid, text, html=html), one(story_from))
        # The answer does not say the task's own time of change, which may be a moment later than the comment's.
        self.wrote[task_gid] = max(self.wrote.get(task_gid, story.created_at), story.created_at + COMMENT_LAG)
        return story

    def attachments(self, task_gid: str) -> list[Attachment]:
        """Files and links on the task. Raises Refused when the task is gone."""
        return self.all_of(calls.read_attachments(task_gid), calls.attachment_from)

    @mutates
    def attach_link(self, task_gid: str, *, name: str, url: str) -> Attachment:
        """The new link. OutcomeUnknown when no clear answer came: read the attachments before trying again."""
        request = calls.attach_link(task_gid, name=name, url=url)
        return self.ask(request, one(calls.attachment_from))

    @mutates
    def attach_file(self, task_gid: str, *, name: str, file: DocumentFile) -> Attachment:
        """The new file, sent while it is read. OutcomeUnknown as for a link."""
        request = calls.attach_file(task_gid, name=name, file=file)
        return self.ask(request, one(calls.attachment_from))

    def events(self, resource_gid: str, sync_token: str | None) -> EventPage:
        """One page of what happened since `sync_token`; `reset` when there was none or Asana no longer knows it."""
        return self.ask_events(calls.read_events(resource_gid, sync_token))

    def webhooks(self, workspace_gid: str, project_gid: str) -> list[Webhook]:
        """The webhooks of a project that this token's user made: Asana shows no others, so they cannot be touched."""
        return self.all_of(webhooks.read_webhooks(workspace_gid, project_gid), webhooks.webhook_from)

    @mutates
    def create_webhook(self, project_gid: str, target: str) -> NewWebhook:
        """The new webhook; `target` shook hands meanwhile. OutcomeUnknown when no clear answer came.

        Raises Refused when Asana could not reach the target, or the target did not answer as it must.
        """
        made = self.ask(webhooks.create_webhook(project_gid, target), webhooks.new_webhook_from)
        mask_secret(made.secret)
        return made

    @mutates
    def set_webhook_filters(self, webhook_gid: str) -> Webhook:
        return self.ask(webhooks.change_filters(webhook_gid), one(webhooks.webhook_from))

    @mutates
    def delete_webhook(self, webhook_gid: str) -> None:
        """Gone afterwards, also when it was gone before."""
        try:
            self.ask(webhooks.delete_webhook(webhook_gid), nothing)
        except Refused as error:
            if error.code not in GONE:
                raise

    def project(self, project_gid: str) -> tuple[str, str, str]:
        """(gid, name, workspace gid). Raises Refused when the project is not there for this token."""
        return self.ask(calls.read_project(project_gid), one(project_from))

    def me(self) -> Person:
        """The user whose token this is."""
        return self.ask(calls.read_person("me"), one(person_from))

    def person(self, gid_or_email: str) -> Person | None:
        """The user with that gid or e-mail, or None. `is_guest` is None where the connection may not ask."""
        try:
            gid = gid_or_email if gid_or_email.isdecimal() else ""
            person = self.ask(calls.read_person(gid_or_email), one(person_from, gid=gid))
        except Refused as error:
            if error.code in (*GONE, "400"):
                return None
            raise
        guests = self._guests(self.workspace_gid, user_gid=person.gid)
        return _with_guest(person, guests)

    def people(self, workspace_gid: str) -> list[Person]:
        """Everyone in the workspace. `is_guest` is None where the connection may not ask."""
        guests = self._guests(workspace_gid)
        everyone = self.all_of(calls.read_people(workspace_gid), person_from)
        return [_with_guest(person, guests) for person in everyone]

    def test_connection(self) -> tuple[bool, str]:
        """For Airflow's Test button."""
        try:
            who, problem = self.me(), self.workspace_problem()
        except IntacctAsanaError as error:
            return False, error.message
        if problem:
            return False, str(problem)
        return True, f"Asana knows this token as {who.name} {who.email}".rstrip()

    def workspace_problem(self) -> Problem | None:
        """What is wrong with the workspace that the connection names: one that its user is not in says nothing of anybody."""
        named, known = self.settings.workspace_gid, self.ask(calls.read_person("me"), one(workspaces_from))
        if not named or not known or named in known:
            return None
        what = f"this token knows no workspace {named}; it knows {', '.join(known)}"
        mend = (
            "write one of these as `workspace` into the connection's extra, or leave it out: the bills' project tells its own"
        )
        return Problem(where=f"connection {self.conn_id}", what=what, mend=mend)

    @cached_property
    def workspace_gid(self) -> str:
        """Where people are asked for: the connection's workspace, or the only one that its user has; empty when there are
        several. Whoever knows the project sets its workspace here: who is a member elsewhere may be a guest in this one.
        """
        if self.settings.workspace_gid:
            return self.settings.workspace_gid
        found = self.ask(calls.read_person("me"), one(workspaces_from))
        return found[0] if len(found) == 1 else ""

    def _guests(self, workspace_gid: str, *, user_gid: str = "") -> Mapping[str, bool | None]:
        """Who is a guest, by user gid; nothing where Asana does not say. Of two words about one user the worse counts."""
        if not workspace_gid:
            return {}
        try:
            said = self.all_of(calls.read_guests(workspace_gid, user_gid=user_gid), guest_from)
        except Refused as error:
            self.log.info("Whether people are guests is not known: %s", error)
            return {}
        return dict(sorted(said, key=lambda told: (False, None, True).index(told[1])))


def _note(times: dict[str, datetime], task: Task) -> Task:
    if task.modified_at:
        times[task.gid] = task.modified_at
    return task


def _with_guest(person: Person, guests: Mapping[str, bool | None]) -> Person:
    return Person(gid=person.gid, name=person.name, email=person.email, is_guest=guests.get(person.gid))


LOOK_SECONDS = 20.0


class AsanaWatch(AsanaHook):
    """The hook without its patience: a limit, an outage or a bad token comes out at once, as the error that it is."""

    def __init__(self, asana_conn_id: str) -> None:
        super().__init__(asana_conn_id, attempts=1, timeout_seconds=LOOK_SECONDS)
