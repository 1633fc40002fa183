"""Custom fields and their enum options."""

from __future__ import annotations

from sandbox.asana import definitions
from sandbox.asana.calls import Answer, Call, created, done, many, one, route
from sandbox.asana.errors import bad, unknown
from sandbox.asana.model import CustomField, EnumOption


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
    definitions.update_option(call.user, field, option, call.data)
    return one(call, option)


def _option(call: Call) -> tuple[CustomField, EnumOption]:
    for field in call.space.visible_fields(call.user):
        option = field.option(call.args["gid"])
        if option:
            return field, option
    raise unknown("enum_option", call.args["gid"], in_path=True)
