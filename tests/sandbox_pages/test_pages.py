"""The sandbox's pages: nothing from elsewhere, nothing that data says is markup, links that stay here, and what they show."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.constants import ASANA_TOKEN, BILLS_PROJECT_GID, WORKSPACE_GID
from sandbox.pages.router import FOLDER, PAGES

ALICE = "alice.martin@northwind.example"
FILES = sorted(path for path in FOLDER.iterdir() if path.suffix in (".html", ".css", ".js"))
MAKES_MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|setHTML|srcdoc|\beval\(|new Function"
    r'|setAttribute\("(?:on|style|href|src)'
)
EVIL = "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"


@pytest.fixture
def web(sandbox: Any) -> httpx.Client:
    return httpx.Client(base_url=sandbox.url, trust_env=False, headers={"Authorization": f"Bearer {ASANA_TOKEN}"}, timeout=20)


def add_task(web: httpx.Client, name: str = "Bill 1", **more: Any) -> str:
    body = {"data": {"name": name, "projects": [BILLS_PROJECT_GID], **more}}
    gid: str = web.post("/api/1.0/tasks", json=body).json()["data"]["gid"]
    return gid


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_nothing_but_its_own_files(web: httpx.Client, path: str) -> None:
    page = web.get(path)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'" in policy
    assert "unsafe" not in policy
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert all(name.startswith("/") for name in named)
    for name in (each for each in named if each.startswith("/pages/")):
        assert web.get(name).is_success
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page.text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_of_a_page_makes_markup_of_text_or_names_another_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not MAKES_MARKUP.search(text)
    assert not re.search(r"https?://\w", text)


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium")
def test_a_bill_named_like_a_script_is_text_on_the_board(web: httpx.Client, sandbox: Any, tmp_path: Path) -> None:
    task = add_task(web, EVIL, notes=EVIL)
    sandbox.act("asana", ALICE, "comment", task=task, text=EVIL)
    sandbox.act("intacct", "mgarcia", "create_bill", bill_number=EVIL, description=EVIL)
    number = web.get("/bills.json", params={"text": "pwned"}).json()["bills"][0]["record_no"]
    for place in (f"/board#task={task}", f"/bills#bill={number}"):
        quiet = ("--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--virtual-time-budget=4000")
        ran = subprocess.run(
            ["chromium", *quiet, "--dump-dom", sandbox.url + place], capture_output=True, text=True, timeout=60
        )
        assert ran.stdout.count("&lt;script&gt;document.title='pwned'&lt;/script&gt;") >= 2, ran.stderr
        assert len(re.findall(r"<script[ >]", ran.stdout)) == 1
        assert "<img" not in ran.stdout
        assert "<title>pwned" not in ran.stdout


def test_a_files_content_is_saved_and_never_shown(web: httpx.Client) -> None:
    parent = {"parent": add_task(web)}
    made = web.post("/api/1.0/attachments", data=parent, files={"file": ("a.html", b"<script>", "text/html")}).json()["data"]
    got = web.get(f"/attachments/{made['gid']}")
    assert (got.content, got.headers["content-type"]) == (b"<script>", "application/octet-stream")
    assert got.headers["content-disposition"].startswith("attachment;")


def test_the_board_has_cards_in_columns_and_finds_them_by_all_that_they_say(web: httpx.Client, sandbox: Any) -> None:
    field = {"workspace": WORKSPACE_GID, "name": "Verdict", "resource_subtype": "enum"}
    options = [{"name": "Open"}, {"name": "Approved"}, {"name": "Rejected"}]
    made = web.post("/api/1.0/custom_fields", json={"data": {**field, "enum_options": options}}).json()["data"]
    web.post(f"/api/1.0/projects/{BILLS_PROJECT_GID}/addCustomFieldSetting", json={"data": {"custom_field": made["gid"]}})
    task = add_task(web, assignee=ALICE, notes="seven chairs")
    add_task(web, "Bill 2")
    sandbox.act("asana", ALICE, "choose", task=task, field="Verdict", option="Approved")
    board = web.get("/board.json", params={"project": BILLS_PROJECT_GID, "text": "CHAIRS"}).json()
    ((card,),) = (column["cards"] for column in board["columns"])
    assert (card["gid"], card["decision"], card["assignee"]["email"]) == (task, "Approved", ALICE)
    assert (board["found"], board["total"]) == (1, 2)
    whole = web.get(f"/tasks/{task}.json").json()
    assert [field["value"] for field in whole["fields"] if field["decides"]] == ["Approved"]
    assert [story["by"] for story in whole["stories"]][-1] == ALICE
    subtask = {"data": {"name": "Approve it", "resource_subtype": "approval", "assignee": ALICE}}
    web.post(f"/api/1.0/tasks/{task}/subtasks", json=subtask)
    mine = web.get("/board.json", params={"project": "mine", "assignee": ALICE}).json()
    assert [card["name"] for column in mine["columns"] for card in column["cards"]] == ["Bill 1", "Approve it"]


def test_another_project_can_be_made_in_which_everybody_can_work(web: httpx.Client, sandbox: Any) -> None:
    gid = sandbox.act("asana", ALICE, "create_project", name="Bills of Canada")["result"]["gid"]
    task = sandbox.act("asana", "gus.guest@partner.example", "create", name="Bill 1", project=gid)["result"]["gid"]
    assert web.get(f"/api/1.0/tasks/{task}").json()["data"]["projects"][0]["name"] == "Bills of Canada"
    assert gid in [each["gid"] for each in web.get("/board.json").json()["projects"]]
    sandbox.act("asana", ALICE, "archive_project", project=gid)
    assert gid not in [each["gid"] for each in web.get("/board.json").json()["projects"]]


def test_bills_are_listed_with_their_tasks_holds_and_stamps(web: httpx.Client, sandbox: Any) -> None:
    listed = web.get("/bills.json", params={"text": "smith & sons"}).json()
    assert 0 < listed["found"] < listed["total"]
    assert {bill["vendor_id"] for bill in listed["bills"]} == {"V1002"}
    number = listed["bills"][0]["record_no"]
    sandbox.act("intacct", "mgarcia", "edit_bill", record_no=number, changes={"on_hold": True, "ASANA_DECISION": "Approved"})
    for state in ("hold", "decided"):
        assert number in [bill["record_no"] for bill in web.get("/bills.json", params={"state": state}).json()["bills"]]
    assert number not in [bill["record_no"] for bill in web.get("/bills.json", params={"state": "undecided"}).json()["bills"]]
    key = {"workspace": WORKSPACE_GID, "name": "Key", "resource_subtype": "text"}
    field = web.post("/api/1.0/custom_fields", json={"data": key}).json()["data"]["gid"]
    web.post(f"/api/1.0/projects/{BILLS_PROJECT_GID}/addCustomFieldSetting", json={"data": {"custom_field": field}})
    task = add_task(web, custom_fields={field: f"SANDBOX-CO:ap:{number}"})
    bill = web.get(f"/bills/{number}.json").json()
    assert bill["task"] == task
    assert bill["lines"]
    assert bill["history"][-1]["by"] == "mgarcia"
    assert web.get("/bills/999999.json").status_code == 404


def test_a_paid_bill_shows_its_payments_and_a_vendor_what_flowed_back(web: httpx.Client, sandbox: Any) -> None:
    number = sandbox.act("intacct", "mgarcia", "create_bill", state="Posted", vendor_id="V1002")["record_no"]
    sandbox.act("intacct", "mgarcia", "pay_bill", record_no=number)
    (payment,) = web.get(f"/bills/{number}.json").json()["payments"]
    assert [detail["bill"] for detail in payment["details"]] == [number]
    sandbox.act("intacct", "mgarcia", "edit_vendor", vendor_id="V1002", changes={"ASANA_TEAM": "IT"})
    (vendor,) = web.get("/vendors.json", params={"text": "v1002"}).json()["vendors"]
    assert vendor["custom"]["ASANA_TEAM"] == "IT"


def test_links_of_both_systems_lead_to_the_pages_here(web: httpx.Client, sandbox: Any) -> None:
    task = add_task(web)
    assert web.get(f"/api/1.0/tasks/{task}").json()["data"]["permalink_url"].startswith("https://app.asana.com/1/")
    sandbox.settings(asana_pages=sandbox.url)
    link = web.get(f"/api/1.0/tasks/{task}").json()["data"]["permalink_url"]
    assert web.get(link).headers["location"] == f"/board#task={task}"
    for path, leads_to in (
        ("/ia/acct/ur.phtml?.r=SANDBOX-CO-apbill-127", "/bills#bill=127"),
        ("/ia/acct/ur.phtml?.r=SANDBOX-CO-vendor-12", "/bills#vendor=12"),
        (f"/1/{WORKSPACE_GID}/project/{BILLS_PROJECT_GID}", f"/board#project={BILLS_PROJECT_GID}"),
        ("/0/1/2", "/board#task=2"),
    ):
        assert web.get(path).headers["location"] == leads_to
