"""The commands of docs/operations.md, as they stand there: what is backed up comes back whole, pruning harms no evidence."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from intacct_asana.__main__ import app
from intacct_asana.deployment import derived
from intacct_asana.records import Cursor
from intacct_asana.store import FlowStore, open_store
from intacct_asana.store.database import open_database
from sqlalchemy import make_url
from typer.testing import CliRunner

from sandbox.cluster.topology import ROOT
from tests.databases import NewStore, Postgres, airflow_connection, rows
from tests.store.store_world import a_link, everything, settled

PAGE = (ROOT / "docs" / "operations.md").read_text()
BLOCKS: dict[str, str] = dict(re.findall(r"^```sh ([a-z ]+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
OURS = "python -m intacct_asana "
SECRET = "what-signs-evidence-here-and-is-kept-elsewhere"
DAGS_PASSWORD = "p@ss:/%#?'\"$ w"


def follow(block: str) -> str:
    """Each line of the page, by a shell; our own program without starting Python anew. The answer is what was printed."""
    said = []
    for line in BLOCKS[block].splitlines():
        if line.startswith(OURS):
            words = [os.path.expandvars(word) for word in shlex.split(line.removeprefix(OURS))]
            done = CliRunner().invoke(app, words)
            assert done.exit_code == 0, f"{line}: {done.output} {done.exception}"
            said.append(done.output)
        else:
            subprocess.run(["sh", "-euc", line], check=True, timeout=60)
    return "\n".join(said)


@pytest.fixture
def in_use(new_store: NewStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store with something in it, and the names of the page."""
    url = new_store()
    use(url, monkeypatch)
    monkeypatch.setenv("BACKUP", str(tmp_path / "backup"))
    (tmp_path / "backup").mkdir()
    monkeypatch.setenv("STORE_FILE", str(make_url(url).database))
    monkeypatch.setenv("STORE_URL", url.replace("+psycopg2", ""))
    monkeypatch.setenv("STORE_PASSWORD", DAGS_PASSWORD)
    monkeypatch.setenv("AIRFLOW_VAR_INTACCT_ASANA_EVIDENCE_SECRET", SECRET)
    monkeypatch.setenv("INTACCT_ASANA_MAPPINGS", str(ROOT / "include" / "mappings"))
    flow = opened(url)
    settled(flow)
    flow.links("bill").save(a_link())
    flow.save_cursor(Cursor(name="bills", value="here"))
    return url


def use(url: str, patch: pytest.MonkeyPatch, *, owner: str = "") -> None:
    open_database.cache_clear()
    patch.setenv("AIRFLOW_CONN_INTACCT_ASANA_STORE", json.dumps(airflow_connection(url)))
    patch.setenv("AIRFLOW_CONN_INTACCT_ASANA_STORE_OWNER", json.dumps(airflow_connection(owner or url)))


def opened(url: str) -> FlowStore:
    return open_store(url, evidence_keys=lambda: [derived(SECRET)]).for_flow("demo")


def test_every_block_of_the_page_is_followed_here() -> None:
    kinds = {f"{what} {kind}" for what in ("backup", "restore") for kind in ("sqlite", "postgresql")}
    assert set(BLOCKS) == {"status", "retention", *kinds}
    assert "```sh\n" not in PAGE


def test_status_and_retention(in_use: str) -> None:
    anchor = opened(in_use).newest_anchor()
    assert anchor
    assert f"ends at #{anchor.sequence}:{anchor.digest[:16]}" in follow("status")
    assert "Nothing is wrong" in follow("retention")


def test_a_lost_store_is_put_back(
    in_use: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = make_url(in_use).get_backend_name()
    before = everything(in_use)
    if kind == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        programs(postgres, monkeypatch)
        follow("backup postgresql")
        rows(in_use, "DROP TABLE ia_evidence")
        new = postgres.new_database()
        monkeypatch.setenv("NEW_STORE_URL", new.replace("+psycopg2", ""))
        theirs = make_url(new).set(username="intacct_asana", password=DAGS_PASSWORD).render_as_string(hide_password=False)
        use(theirs, monkeypatch, owner=new)
    else:
        follow("backup sqlite")
        Path(str(make_url(in_use).database)).write_bytes(b"broken" * 1000)
        new = theirs = in_use
        use(new, monkeypatch)
    assert "Nothing is wrong" in follow(f"restore {kind}")
    assert everything(new) == before
    flow = opened(theirs)
    settled(flow, "decision-2", key="bill-2")
    assert flow.verify_evidence() == []


def programs(postgres: Postgres, patch: pytest.MonkeyPatch) -> None:
    """pg_dump has to be of the server's version or newer: the server's own, or the system's."""
    if (postgres.programs / "pg_dump").exists():
        patch.setenv("PATH", f"{postgres.programs}{os.pathsep}{os.environ['PATH']}")
    found = shutil.which("pg_dump")
    said = subprocess.run([str(found), "--version"], capture_output=True, text=True).stdout if found else ""
    if int((re.findall(r"(\d+)", said) or ["0"])[0]) < 18:
        pytest.skip("there is no pg_dump of the server's version here")


def test_a_backup_overwrites_nothing_and_postgresql_has_its_own(in_use: str) -> None:
    words = ["store", "backup", "--to", f"{os.environ['BACKUP']}/store.db"]
    first, second = (CliRunner().invoke(app, words) for _ in range(2))
    if in_use.startswith("sqlite"):
        assert first.exit_code == 0
        assert "is there already" in second.output
    else:
        assert "pg_dump" in first.output


@pytest.mark.parametrize("age", ["400", "1d", "400 days", "-5d"])
def test_an_age_that_is_none_takes_nothing(in_use: str, age: str) -> None:
    done = CliRunner().invoke(app, ["store", "prune", f"--older-than={age}", "--yes"])
    assert done.exit_code == 2
    assert "--older-than takes days, such as 400d" in done.output
