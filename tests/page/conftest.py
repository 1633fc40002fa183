"""The page in Airflow's own API app, with its own login, over a store that a test fills."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from intacct_asana.closing.facts import APPROVAL, BILL, RULES, BillThen, Fact
from intacct_asana.codec import to_json
from intacct_asana.deployment import flow_named
from intacct_asana.operators.flow_run import utc_now
from intacct_asana.records import BillState
from intacct_asana.store import FlowStore

from tests.conftest import live_demo
from tests.databases import NewStore, airflow_connection
from tests.store.store_world import opened

ROOT = Path(__file__).resolve().parents[2]
PAGE = "/intacct-asana/page"
SECRET = "a-secret-of-the-evidence-that-is-long-enough"
SETTINGS = {
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "ann:admin,vic:viewer",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
    "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of the tokens, which is long enough for each of them and more",
    "AIRFLOW_VAR_INTACCT_ASANA_EVIDENCE_SECRET": SECRET,
}


@pytest.fixture(scope="session")
def airflow_app() -> Iterator[Any]:
    """Airflow's API server with our plugin, as it is deployed; its own database has the tables and nothing in them."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in SETTINGS.items():
            patched.setenv(name, value)
        patched.setattr("airflow.settings.PLUGINS_FOLDER", str(ROOT / "plugins"))
        from airflow import models, plugins_manager, settings
        from airflow.api_fastapi.app import create_app
        from airflow.models.base import Base

        for loaded in (plugins_manager._get_plugins, plugins_manager.get_fastapi_plugins):
            loaded.cache_clear()
        app = create_app(apps="core")
        models.import_all_models()
        Base.metadata.create_all(settings.engine)
        yield app


class Office:
    """Somebody at the page. `get` asks as Ann, who may do everything, unless another name is given."""

    def __init__(self, app: Any, url: str, folder: Path) -> None:
        from starlette.testclient import TestClient

        self.app, self.url, self.folder = app, url, folder
        [mount] = [route for route in app.routes if getattr(route, "path", "") == PAGE]
        self.lazy = mount.app
        self.lazy._read_at = float("-inf")
        self.client = TestClient(app, follow_redirects=False, raise_server_exceptions=False)

    def token(self, who: str) -> str:
        from airflow.api_fastapi.app import get_auth_manager
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

        role = {"ann": "ADMIN", "vic": "VIEWER"}[who]
        return str(get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=who, role=role)))

    def get(self, path: str, who: str = "ann", **params: Any) -> httpx.Response:
        headers = {"Cookie": f"_token={self.token(who)}"} if who else {}
        answer: httpx.Response = self.client.get(f"{PAGE}{path}", params=params, headers=headers)
        return answer

    def read(self, path: str, who: str = "ann", **params: Any) -> str:
        """The words of a page that has to be there, without its marks."""
        answer = self.get(path, who, **params)
        assert answer.status_code == 200, answer.text
        return words_of(answer.text)

    def refused(self, path: str, who: str = "ann", **params: Any) -> tuple[int, str]:
        """The status, and the one sentence that is said instead of a view."""
        answer = self.get(path, who, **params)
        found = re.findall(r'<p class="trouble">(.*?)</p>', answer.text, re.DOTALL)
        assert len(found) == 1, answer.text
        return answer.status_code, unescape(found[0])

    @property
    def store(self) -> FlowStore:
        return self.flow("demo")

    def flow(self, name: str, **more: Any) -> FlowStore:
        from intacct_asana.deployment import derived

        return opened(self.url, name, keys=[derived(SECRET)], **more)

    def routes(self) -> list[str]:
        self.get("/")
        return [route.path for route in self.lazy._app.routes]


def facts(number: int, **more: Any) -> BillThen:
    """A bill as it was read."""
    basis = BillThen(
        record_no=str(number),
        number=f"INV-{number}",
        vendor_id="V-7",
        vendor_name="Office World",
        state=BillState.SUBMITTED,
        entity_id="US01",
        currency="USD",
        amount=Decimal("12.50"),
        url="https://intacct.test/bill",
    )
    return replace(basis, **more)


def keep_facts(office: Office, *bills: BillThen, gone: tuple[int, ...] = (), at: datetime) -> None:
    """With the rules of the flow file, as a whole look at Intacct."""
    history = office.store.history()
    rules = Fact(text=flow_named("demo").approval.model_dump_json(by_alias=True))
    history.keep(RULES, {APPROVAL: rules}, read_at=at, at=at)
    read = {f"acme:ap:{one.record_no}": Fact(text=to_json(one)) for one in bills}
    history.keep(BILL, read, gone=[f"acme:ap:{number}" for number in gone], read_at=at, at=at)
    history.looked(whole=True, at=at)


def words_of(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


@pytest.fixture
def office(airflow_app: Any, new_store: NewStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "demo.yaml").write_text(live_demo(), encoding="utf-8")
    monkeypatch.setenv("INTACCT_ASANA_MAPPINGS", str(folder))
    url = new_store.ready()
    connection = airflow_connection(url)
    monkeypatch.setenv("AIRFLOW_CONN_INTACCT_ASANA_STORE", json.dumps(connection))
    return Office(airflow_app, url, folder)


@pytest.fixture
def ago() -> Callable[..., Any]:
    now = utc_now()
    return lambda **how: now - timedelta(**how)
