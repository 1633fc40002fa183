"""Users, workspaces and who is a member of what."""

from __future__ import annotations

import zlib

from sandbox.asana.errors import bad, unknown
from sandbox.asana.routes.calls import Answer, Call, many, one, route
from sandbox.asana.state.model import CustomField, Project, Site, Team, TeamMembership, User


@route("GET", "/users/{gid}")
def get_user(call: Call) -> Answer:
    user = call.space.find_user(call.args["gid"], me=call.user)
    if not user:
        raise unknown("user", call.args["gid"], in_path=True)
    return one(call, user)


@route("GET", "/users")
def list_users(call: Call) -> Answer:
    if not call.query.get("workspace"):
        return many(call, call.space.users.values())
    return many(call, _people_of(call, call.space.site_of(call.query["workspace"])))


def _people_of(call: Call, site: Site) -> list[User]:
    return [user for user in call.space.users.values() if site in user.workspaces]


@route("GET", "/workspaces")
def list_workspaces(call: Call) -> Answer:
    return many(call, call.user.workspaces)


@route("GET", "/workspaces/{gid}")
def get_workspace(call: Call) -> Answer:
    return one(call, call.space.site_of(call.args["gid"], in_path=True))


@route("GET", "/workspaces/{gid}/users")
def workspace_users(call: Call) -> Answer:
    return many(call, _people_of(call, call.space.site_of(call.args["gid"], in_path=True)))


@route("GET", "/workspaces/{gid}/workspace_memberships")
def workspace_memberships(call: Call) -> Answer:
    """The spec's answer has compact memberships; name `is_guest` in opt_fields to get it."""
    site = call.space.site_of(call.args["gid"], in_path=True)
    wanted = call.space.find_user(call.query["user"], me=call.user) if call.query.get("user") else None
    rows = [each for each in call.space.site_memberships if each.site is site]
    return many(call, [each for each in rows if wanted in (None, each.user)])


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
    """Of a project or a custom field, optionally for one member: a person or a team."""
    parent, member = call.asked("parent"), call.query.get("member")
    place: Project | CustomField
    if parent in call.space.fields:
        place = call.space.field(parent, call.user, in_path=False)
    else:
        place = call.space.project(parent, call.user, in_path=False, key="parent")
    wanted = call.space.find_user(member, me=call.user) or call.space.teams.get(member) if member else None
    if member and not wanted:
        raise bad(f"member: Unknown object: {member}")
    return many(call, [each for each in place.members.values() if wanted in (None, each.member)])


@route("GET", "/workspaces/{gid}/users/{person}")
def workspace_user(call: Call) -> Answer:
    site = call.space.site_of(call.args["gid"], in_path=True)
    user = call.space.find_user(call.args["person"], me=call.user)
    if not user or site not in user.workspaces:
        raise unknown("user", call.args["person"], in_path=True)
    return one(call, user)


@route("GET", "/organizations/{gid}/teams")
@route("GET", "/workspaces/{gid}/teams")
def workspace_teams(call: Call) -> Answer:
    """The first path is the older one, which readers still use and the description no longer has."""
    call.space.site_of(call.args["gid"], in_path=True)
    return many(call, call.space.teams.values())


@route("GET", "/users/{gid}/teams")
def user_teams(call: Call) -> Answer:
    call.space.site_of(call.asked("organization"))
    user = call.space.find_user(call.args["gid"], me=call.user)
    if not user:
        raise unknown("user", call.args["gid"], in_path=True)
    return many(call, [team for team in call.space.teams.values() if user in team.people])


@route("GET", "/teams/{gid}")
def get_team(call: Call) -> Answer:
    return one(call, _team(call))


@route("GET", "/teams/{gid}/users")
def team_users(call: Call) -> Answer:
    return many(call, _team(call).people)


def _team(call: Call) -> Team:
    team = call.space.teams.get(call.args["gid"])
    if not team:
        raise unknown("team", call.args["gid"], in_path=True)
    return team


@route("GET", "/teams/{gid}/team_memberships")
def team_memberships(call: Call) -> Answer:
    return many(call, [each for each in _in_teams(call) if each.team is _team(call)])


@route("GET", "/users/{gid}/team_memberships")
def user_team_memberships(call: Call) -> Answer:
    call.space.site_of(call.asked("workspace"))
    user = call.space.find_user(call.args["gid"], me=call.user)
    if not user:
        raise unknown("user", call.args["gid"], in_path=True)
    return many(call, [each for each in _in_teams(call) if each.user is user])


@route("GET", "/team_memberships")
def list_team_memberships(call: Call) -> Answer:
    """Of a team; or, in a workspace, of a user."""
    if call.query.get("team"):
        if call.query["team"] not in call.space.teams:
            raise bad(f"team: Unknown object: {call.query['team']}")
        return many(call, [each for each in _in_teams(call) if each.team.gid == call.query["team"]])
    call.space.site_of(call.asked("workspace"))
    user = call.space.find_user(call.asked("user"), me=call.user)
    if not user:
        raise bad(f"user: Unknown object: {call.query['user']}")
    return many(call, [each for each in _in_teams(call) if each.user is user])


@route("GET", "/team_memberships/{gid}")
def team_membership(call: Call) -> Answer:
    found = next((each for each in _in_teams(call) if each.gid == call.args["gid"]), None)
    if not found:
        raise unknown("team_membership", call.args["gid"], in_path=True)
    return one(call, found)


def _in_teams(call: Call) -> list[TeamMembership]:
    guests = {each.user.gid for each in call.space.site_memberships if each.guest}
    rows = [(team, user) for team in call.space.teams.values() for user in team.people]
    gids = [f"{zlib.crc32(f'{team.gid} {user.gid}'.encode()):016d}" for team, user in rows]
    return [TeamMembership(gid, team, user, user.gid in guests) for gid, (team, user) in zip(gids, rows, strict=True)]


@route("GET", "/portfolios")
def list_portfolios(call: Call) -> Answer:
    """None: nobody makes portfolios here, and making one is not played. A reader of everything gets past them."""
    call.space.site_of(call.asked("workspace"))
    if call.query.get("owner") and not call.space.find_user(call.query["owner"], me=call.user):
        raise bad(f"owner: Unknown object: {call.query['owner']}")
    return many(call, [])


@route("GET", "/workspaces/{gid}/agents")
def workspace_agents(call: Call) -> Answer:
    call.space.site_of(call.args["gid"], in_path=True)
    return many(call, call.space.agents)


@route("GET", "/agents/{gid}")
def get_agent(call: Call) -> Answer:
    found = next((each for each in call.space.agents if each.gid == call.args["gid"]), None)
    if not found:
        raise unknown("agent", call.args["gid"], in_path=True)
    return one(call, found)
