"""Who may ask, what the refusals say, people and memberships, OAuth."""

from __future__ import annotations

from typing import Any

import httpx

from sandbox.asana.router import CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN
from sandbox.constants import BILLS_PROJECT_GID, BOT_GID, PEOPLE, WORKSPACE_GID

ALICE, GUS = PEOPLE[0], PEOPLE[-1]


def test_routes_are_looked_at_before_the_token(api: Any) -> None:
    nobody = type(api)(api.url, "wrong")
    assert nobody.refusal("GET", "/users/me") == (401, "Not Authorized")
    assert nobody.refusal("GET", "/no/such/path") == (404, "No matching route for request")
    assert api.refusal("PATCH", "/users/me") == (404, "No matching route for request")


def test_the_envelope_has_help_and_no_phrase(api: Any) -> None:
    (error,) = api.raw("GET", "/tasks/1").json()["errors"]
    assert set(error) == {"message", "help"}


def test_people_are_found_by_me_gid_and_email(api: Any) -> None:
    assert api.get("/users/me")["gid"] == BOT_GID
    assert api.get(f"/users/{ALICE['email']}")["gid"] == api.get(f"/users/{ALICE['gid']}")["gid"] == ALICE["gid"]
    assert api.refusal("GET", "/users/nobody@northwind.example")[0] == 404
    assert api.as_person(ALICE["gid"]).get("/users/me")["name"] == "Alice Martin"


def test_compact_people_have_no_email(api: Any) -> None:
    assert "email" not in api.get("/users", workspace=WORKSPACE_GID, limit=5)[0]
    assert api.get("/users", workspace=WORKSPACE_GID, opt_fields="email")[0]["email"]


def test_guests_are_told_by_their_workspace_membership(api: Any) -> None:
    rows = api.get(f"/workspaces/{WORKSPACE_GID}/workspace_memberships", opt_fields="user,is_guest")
    assert [row["user"]["gid"] for row in rows if row["is_guest"]] == [GUS["gid"]]
    (own,) = api.get(f"/users/{GUS['gid']}/workspace_memberships", opt_fields="is_guest")
    assert own["is_guest"] is True


def test_project_members_are_listed_and_leaving_hides_the_project(api: Any, sandbox: Any) -> None:
    assert len(api.get("/memberships", parent=BILLS_PROJECT_GID)) == 7
    task = api.add_task()
    sandbox.act("asana", "alice", "remove_member", person="erin.wolf@northwind.example")
    erin = api.as_person("1200000000000105")
    assert erin.refusal("GET", f"/projects/{BILLS_PROJECT_GID}") == (403, "You do not have access to this project.")
    assert erin.refusal("GET", f"/tasks/{task}")[0] == 403
    assert len(api.get("/memberships", parent=BILLS_PROJECT_GID)) == 6


def test_unknown_objects_are_404_in_the_path_and_400_in_the_body(api: Any) -> None:
    assert api.refusal("GET", "/projects/99") == (404, "project: Unknown object: 99")
    assert api.refusal("GET", "/tasks", project="99") == (400, "project: Unknown object: 99")


def test_oauth_refresh_gives_a_token_that_dies_after_an_hour(api: Any, sandbox: Any) -> None:
    form = {
        "grant_type": "refresh_token",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": REFRESH_TOKEN,
    }
    told = httpx.post(f"{sandbox.url}/-/oauth_token", data=form, trust_env=False).json()
    assert (told["token_type"], told["expires_in"], told["data"]["gid"]) == ("bearer", 3600, BOT_GID)
    bearer = type(api)(api.url, told["access_token"])
    assert bearer.get("/users/me")["gid"] == BOT_GID
    sandbox.clock(advance_seconds=3601)
    assert bearer.refusal("GET", "/users/me")[0] == 401


def test_bad_refresh_token_has_oauths_error_shape(sandbox: Any) -> None:
    form = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "refresh_token": "x"}
    answer = httpx.post(f"{sandbox.url}/-/oauth_token", data=form, trust_env=False)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_grant"
    assert answer.json()["error_description"] == "The `refresh_token` provided was invalid."


def test_readers_of_everything_find_teams_by_the_older_path_and_no_portfolios(api: Any, sandbox: Any) -> None:
    team = sandbox.act("asana", "bot", "add_team", name="Finance", people=["alice"])["result"]["gid"]
    assert [each["gid"] for each in api.get("/organizations/1200000000000001/teams")] == [team]
    assert api.get("/portfolios", workspace="1200000000000001", owner="me") == []
    assert api.refusal("GET", "/portfolios")[0] == 400
    assert api.refusal("POST", "/portfolios", {"name": "x"})[0] == 501
    members = api.get(f"/teams/{team}/team_memberships", opt_fields="user.email,is_guest")
    assert [(each["user"]["email"], each["is_guest"]) for each in members] == [("alice.martin@northwind.example", False)]
    assert api.get(f"/team_memberships/{members[0]['gid']}")["team"]["gid"] == team
    assert api.refusal("GET", "/team_memberships", team="9")[0] == 400


def test_an_authorization_that_is_given_back_is_over(api: Any, sandbox: Any) -> None:
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    form = {"grant_type": "refresh_token", **client, "refresh_token": REFRESH_TOKEN}
    told = httpx.post(f"{sandbox.url}/-/oauth_token", data=form, trust_env=False).json()
    bearer = type(api)(api.url, told["access_token"])
    assert bearer.get("/users/me")["gid"] == BOT_GID
    for odd, status in (({"token": REFRESH_TOKEN}, 401), (client, 400)):
        assert httpx.post(f"{sandbox.url}/-/oauth_revoke", data=odd, trust_env=False).status_code == status
    gone = httpx.post(f"{sandbox.url}/-/oauth_revoke", data={**client, "token": REFRESH_TOKEN}, trust_env=False)
    assert (gone.status_code, bearer.refusal("GET", "/users/me")[0]) == (200, 401)
    refused = httpx.post(f"{sandbox.url}/-/oauth_token", data=form, trust_env=False)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_revoked_token_is_401(api: Any, sandbox: Any) -> None:
    sandbox.act("asana", "alice", "revoke_token", token="sandbox-asana-token-1")
    assert api.refusal("GET", "/users/me")[0] == 401
