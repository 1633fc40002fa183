"""The part of Asana that preflight looks at and makes: the project, its custom fields, options and sections."""

from __future__ import annotations

from intacct_asana.errors import Refused
from intacct_asana.hooks.asana_wire import AsanaWire
from intacct_asana.hooks.guard import mutates
from intacct_asana.protocol import asana_project_calls as calls
from intacct_asana.protocol.asana_records import (
    definition_from,
    option_from,
    project_from,
    section_from,
    setting_from,
)
from intacct_asana.protocol.asana_replies import one
from intacct_asana.records import EnumOption, FieldDefinition, FieldNeed, Section


class AsanaSetup(AsanaWire):
    """Reads and makes what a flow's project needs. Nothing existing is ever changed."""

    def project(self, project_gid: str) -> tuple[str, str, str]:
        """(gid, name, workspace gid). Raises Refused when the project is not there for this token."""
        return self.ask(calls.read_project(project_gid), one(project_from))

    def field_definitions(self, project_gid: str) -> list[FieldDefinition]:
        """The custom fields of the project's tasks; those that are private to others are missing."""
        return self.all_of(calls.read_settings(project_gid), setting_from)

    def workspace_fields(self, project_gid: str) -> list[FieldDefinition]:
        """The custom fields of the project's workspace, whether they are on the project or not."""
        workspace_gid = self.project(project_gid)[2]
        return self.all_of(calls.read_workspace_fields(workspace_gid), definition_from)

    @mutates
    def attach_field(self, project_gid: str, field_gid: str) -> FieldDefinition:
        """A field of the workspace, put onto the project."""
        return self.ask(calls.attach_field(project_gid, field_gid), one(setting_from))

    def sections(self, project_gid: str) -> list[Section]:
        return self.all_of(calls.read_sections(project_gid), section_from)

    @mutates
    def create_field(self, project_gid: str, need: FieldNeed) -> FieldDefinition:
        """A new custom field on the project: its own where Asana allows, else one of the workspace, attached to it."""
        workspace_gid = self.project(project_gid)[2]
        try:
            return self.ask(calls.create_local_field(project_gid, need, workspace_gid=workspace_gid), one(setting_from))
        except Refused as error:
            if error.code == "402":
                raise
            self.log.info("No field of the project's own: %s", error)
        shared = self.ask(calls.create_shared_field(need, workspace_gid=workspace_gid), one(definition_from))
        return self.ask(calls.attach_field(project_gid, shared.gid), one(setting_from))

    @mutates
    def add_option(self, field_gid: str, name: str) -> EnumOption:
        """A new option of an enum field. Options can never be deleted again, only disabled."""
        return self.ask(calls.add_option(field_gid, name), one(option_from))

    @mutates
    def create_section(self, project_gid: str, name: str) -> Section:
        return self.ask(calls.create_section(project_gid, name), one(section_from))
