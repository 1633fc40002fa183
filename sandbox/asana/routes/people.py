"""Users, workspaces and who is a member of what."""

from __future__ import annotations

from sandbox.asana.errors import bad, unknown
from sandbox.asana.routes.calls import Answer, Call, many, one, route


@route("GET", "/users/{gid}")
def get_user(call: Call) -> Answer:
    user = call.space.find_user(call.args["gid"], me=call.user)
    if not user:
        raise unknown("user", call.args["gid"], in_path=True)
    return one(call, user)


@route("GET", "/users")
def list_users(call: Call) -> Answer:
    if call.query.get("workspace"):
        call.space.site_of(call.query["workspace"])
    return many(call, call.space.users.values())


@route("GET", "/workspaces")
def list_workspaces(call: Call) -> Answer:
    return many(call, [call.space.site])


@route("GET", "/workspaces/{gid}")
def get_workspace(call: Call) -> Answer:
    return one(call, call.space.site_of(call.args["gid"], in_path=True))


@route("GET", "/workspaces/{gid}/users")
def workspace_users(call: Call) -> Answer:
    call.space.site_of(call.args["gid"], in_path=True)
    return many(call, call.space.users.values())


@route("GET", "/workspaces/{gid}/workspace_memberships")
def workspace_memberships(call: Call) -> Answer:
    """The spec's answer has compact memberships; name `is_guest` in opt_fields to get it."""
    call.space.site_of(call.args["gid"], in_path=True)
    wanted = call.space.find_user(call.query["user"], me=call.user) if call.query.get("user") else None
    return many(call, [each for each in call.space.site_memberships if wanted in (None, each.user)])


@route("GET", "/users/{gid}/workspace_memberships")
def user_memberships(call: Call) -> Answer:
    user = call.space.find_user(call.args["gid"], me=call.user)
    if not user:
        raise unknown("user", call.args["gid"], in_path=True)
    return many(call, [each for each in call.space.site_memberships if each.user is user])


@route("GET", "/workspace_memberships/{gid}")
def workspace_membership(call: Call) -> Answer:
    found = next((each for each in call.space.site_memberships if each.gid == call.args["gid"]), None)
    if not found:
        raise unknown("workspace_membership", call.args["gid"], in_path=True)
    return one(call, found)


@route("GET", "/memberships")
def memberships(call: Call) -> Answer:
    """Of a project, optionally for one member."""
    project = call.space.project(call.asked("parent"), call.user, in_path=False, key="parent")
    member = call.query.get("member")
    wanted = call.space.find_user(member, me=call.user) if member else None
    if member and not wanted:
        raise bad(f"member: Unknown object: {member}")
    return many(call, [each for each in project.members.values() if wanted in (None, each.member)])
