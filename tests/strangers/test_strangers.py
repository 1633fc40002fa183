"""Strangers' clients against the sandbox: what each of their calls comes to is what the table in docs/sandbox.md says.

Two of them come with the development requirements. The others are installed by whoever wants them, each into a folder of its
own, and named by an environment variable; without it they are skipped. This test installs nothing.

    STRANGERS_NODE_MODULES   a folder with node_modules: npm install asana @intacct/intacct-sdk
    STRANGERS_TAP_ASANA      the python of an environment with tap-asana
    STRANGERS_AIRBYTE        the python of an environment with airbyte-source-asana
    STRANGERS_PYINTACCT      the python of an environment with pyintacct
    STRANGERS_SCHEMATHESIS   the python of an environment with schemathesis (and ASANA_OAS, Asana's description)
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from sandbox import constants
from sandbox.asana import router
from sandbox.asana.routes.calls import ROUTES

pytestmark = pytest.mark.contract

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs" / "sandbox.md"
PROJECT, WORKSPACE = constants.BILLS_PROJECT_GID, constants.WORKSPACE_GID
CREDENTIALS = {
    "companyId": constants.COMPANY_ID,
    "senderId": constants.SENDER_ID,
    "senderPassword": constants.SENDER_PASSWORD,
    "userId": constants.WS_USER,
    "userPassword": constants.WS_PASSWORD,
}
EXAMPLES = "6"


def table() -> dict[str, dict[str, str]]:
    """What the page says of each client: its calls, and what they come to."""
    found = {}
    for name, works, other in re.findall(r"^\| (\S+) \| (.*?) \| (.*?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        told = dict.fromkeys(re.findall(r"`([^`]+)`", works), "ok")
        found[name] = told | dict(re.findall(r"`([^`]+)` \(([^)]+)\)", other))
    return found


def run(*asked: str) -> dict[str, str]:
    """The last line of what a client's script says, as JSON."""
    ran = subprocess.run(asked, capture_output=True, text=True, timeout=600, cwd=HERE, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    told: dict[str, str] = json.loads(ran.stdout.strip().splitlines()[-1])
    return told


def given(name: str) -> str:
    if not os.environ.get(name):
        pytest.skip(f"{name} names no client; docs/sandbox.md says how to try it")
    return os.environ[name]


@pytest.fixture
def work(sandbox: Any) -> dict[str, str]:
    """Something of everything that a reader reads, by the name of its gid in paths."""
    headers = {"Authorization": f"Bearer {constants.ASANA_TOKEN}"}
    with httpx.Client(base_url=sandbox.asana_url, headers=headers, trust_env=False, timeout=20) as client:

        def make(path: str, **data: Any) -> str:
            answer = client.post(path, json={"data": data})
            assert answer.is_success, answer.text
            gid: str = answer.json()["data"].get("gid", "")
            return gid

        field = make("/custom_fields", workspace=WORKSPACE, name="Depth", resource_subtype="text")
        make(f"/projects/{PROJECT}/addCustomFieldSetting", custom_field=field)
        task = make("/tasks", name="A task", projects=[PROJECT], custom_fields={field: "red"})
        make(f"/tasks/{task}/subtasks", name="A part")
        attached = {"parent": task, "resource_subtype": "external", "name": "bill", "url": "https://a.example/1"}
        client.post("/attachments", files={name: (None, value) for name, value in attached.items()}).raise_for_status()
        gids = {
            "task_gid": task,
            "custom_field_gid": field,
            "story_gid": make(f"/tasks/{task}/stories", text="Hello"),
            "tag_gid": make("/tags", name="urgent", workspace=WORKSPACE),
            "section_gid": make(f"/projects/{PROJECT}/sections", name="Open"),
        }
    sandbox.act("asana", "bot", "add_team", name="Finance", people=["alice"])
    return gids | {"project_gid": PROJECT, "workspace_gid": WORKSPACE, "user_gid": constants.PEOPLE[0]["gid"]}


Ask = Callable[[Any], dict[str, str]]
CLIENTS: dict[str, Ask] = {
    "asana-python": lambda at: run(sys.executable, "run_python_asana.py", at.url, constants.ASANA_TOKEN, WORKSPACE, PROJECT),
    "sageintacctsdk": lambda at: run(sys.executable, "run_sageintacctsdk.py", at.gateway_url, json.dumps(CREDENTIALS)),
    "asana-javascript": lambda at: (
        given("STRANGERS_NODE_MODULES") and run("node", "run_asana.mjs", at.url, constants.ASANA_TOKEN, WORKSPACE, PROJECT)
    ),
    "intacct-sdk-javascript": lambda at: (
        given("STRANGERS_NODE_MODULES") and run("node", "run_intacct.mjs", at.gateway_url, json.dumps(CREDENTIALS))
    ),
    "tap-asana": lambda at: run(given("STRANGERS_TAP_ASANA"), "run_tap.py", at.url),
    "airbyte-source-asana": lambda at: run(given("STRANGERS_AIRBYTE"), "run_airbyte.py", at.url, constants.ASANA_TOKEN),
    "pyintacct": lambda at: run(given("STRANGERS_PYINTACCT"), "run_pyintacct.py", at.gateway_url, json.dumps(CREDENTIALS)),
}


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("name", CLIENTS)
def test_a_stranger_s_calls_come_to_what_the_page_says(sandbox: Any, name: str, figures: Callable[[str, object], None]) -> None:
    told = CLIENTS[name](sandbox)
    assert told == table()[name]
    figures(f"calls of {name} that work", f"{list(told.values()).count('ok')} of {len(told)}")


def test_the_page_s_table_is_of_these_clients() -> None:
    assert set(CLIENTS) <= set(table())
    assert all(len(calls) > 5 for name, calls in table().items() if name in CLIENTS)


# --- Schemathesis


def served(gids: dict[str, str]) -> dict[str, Any]:
    """Asana's description of the routes that are served, with the gids of what there is.

    Deletions are left out, since everything else needs what there is, and so are new webhooks, which would be called. Objects
    may be null, which the description forgets to say of most of them; domains are no URIs, which it says they are.
    """
    assert router.LOADED
    described = yaml.load(Path(os.environ["ASANA_OAS"]).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    played = {(method.lower(), _bare(route.pattern)) for method, routes in ROUTES.items() for route in routes}
    paths = {}
    for path, operations in described["paths"].items():
        left = {
            method: what
            for method, what in operations.items()
            if (method, _bare(path)) in played and method != "delete" and (method, path) != ("post", "/webhooks")
        }
        if left:
            paths[path] = left | {"parameters": operations.get("parameters", [])}
    described["paths"] = paths
    for parameter in described["components"]["parameters"].values():
        if parameter.get("in") == "path" and parameter["name"] in gids:
            parameter["schema"] = {"type": "string", "enum": [gids[parameter["name"]], "999"]}
    described["components"]["schemas"] = {name: _loose(each) for name, each in described["components"]["schemas"].items()}
    described["components"]["responses"] = {name: _loose(each) for name, each in described["components"]["responses"].items()}
    return described  # type: ignore[no-any-return]


def _bare(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def _loose(node: Any) -> Any:
    if isinstance(node, list):
        return [_loose(each) for each in node]
    if not isinstance(node, dict):
        return node
    left = {name: _loose(each) for name, each in node.items() if (name, each) != ("format", "uri")}
    return left | {"nullable": True} if isinstance(left.get("type"), str) else left


def test_no_route_answers_with_an_error_of_its_own_or_against_the_description(
    sandbox: Any, work: dict[str, str], tmp_path: Path, figures: Callable[[str, object], None]
) -> None:
    python = given("STRANGERS_SCHEMATHESIS")
    given("ASANA_OAS")
    sandbox.settings(asana_requests_per_minute=10_000_000)
    description = tmp_path / "served.json"
    description.write_text(json.dumps(served(work), default=str), encoding="utf-8")
    told: Any = run(python, "run_schemathesis.py", sandbox.url, constants.ASANA_TOKEN, str(description), EXAMPLES)
    assert told["operations"] > 80, told
    assert told["failures"] == []
    figures("operations of Asana's that Schemathesis asked, and cases", f"{told['operations']}, {told['cases']}")
