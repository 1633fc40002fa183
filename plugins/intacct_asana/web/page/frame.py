"""What every view of the page stands in: who asks, what they may see, how an answer looks, and what is said when there is none.

A view is a plain function from `Asked` to a `Response`; `Page.get` registers it. So each has a login before it, runs on
threads of our own, and carries the same headers, whoever adds it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from airflow.api_fastapi.core_api.security import GetUserDep
from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException as StarletteHTTPException

from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.flow.model import Flow
from intacct_asana.store import FlowStore

HERE = Path(__file__).parent
MOST_AT_ONCE = 4
"""Threads that ask stores. Airflow's own pages share one pool of threads, which ours must not use up."""

PREFIX = "/intacct-asana/page"
"""Where the page is mounted, below Airflow's own root."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer. The page stands in a frame of Airflow's own UI, and in nobody else's."""

log = logging.getLogger(__name__)


class Sentence(Exception):
    """What is said instead of a view: one sentence, with its HTTP status."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


class Rights(Protocol):
    """What the person who asks may see, as Airflow's auth manager says."""

    @property
    def name(self) -> str: ...

    def may_read(self, dag_id: str) -> bool: ...

    def may_start(self, dag_id: str) -> bool:
        """Whether they may start the DAG, so get whatever its runs make."""
        ...

    def may_see_import_errors(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DagRuns:
    """What Airflow knows of one DAG. `next_at` is None where nothing is planned; times are of ends but `running_since`."""

    dag_id: str
    is_paused: bool = False
    next_at: datetime | None = None
    succeeded_at: datetime | None = None
    succeeded_run: str = ""
    failed_at: datetime | None = None
    failed_run: str = ""
    running_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the page reads: flow files, stores, Airflow's runs, rights and the clock."""

    flows: Callable[[], Sequence[Flow]]
    bad_files: Callable[[], Sequence[Misconfigured]]
    store_of: Callable[[Flow], FlowStore]
    rights_of: Callable[[Any], Rights]
    runs_of: Callable[[Sequence[str]], Mapping[str, DagRuns]]
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Seen:
    """A flow that the person may read."""

    flow: Flow
    store: FlowStore


@dataclass
class Asked:
    """One request of a person who is logged in."""

    request: Request
    rights: Rights
    page: Page

    @property
    def sources(self) -> Sources:
        return self.page.sources

    @cached_property
    def now(self) -> datetime:
        return self.sources.now()

    def query(self, name: str, *, longest: int = 200) -> str:
        """A parameter of the address, or nothing. Raises Sentence for one that is too long or stands there twice."""
        said = self.request.query_params.getlist(name)
        if len(said) > 1:
            raise Sentence(400, f"“{name}” stands in the address more than once.")
        text = said[0].strip() if said else ""
        if len(text) > longest or "\x00" in text:
            raise Sentence(400, f"“{name}” is too long: at most {longest} characters are looked for.")
        return text

    def one_of(self, name: str, known: Mapping[str, str], *, default: str = "") -> str:
        """A parameter that has to be one of the known names. Raises Sentence for any other."""
        said = self.query(name) or default
        if said and said not in known:
            raise Sentence(400, f"“{name}” can be {', '.join(known)}; the address says something else.")
        return said

    def place(self) -> int:
        """The number of the page of a long list, from 1. Raises Sentence for what is no such number."""
        said = self.query("page", longest=6) or "1"
        if not (said.isascii() and said.isdecimal() and int(said)):
            raise Sentence(400, "“page” is a number from 1 on.")
        return int(said)

    def may_read(self, flow: Flow) -> bool:
        return self.rights.may_read(f"{flow.flow}_bill_sync")

    def flow(self) -> Seen:
        """The flow that the address names. One that the person may not read is not told from one that does not exist."""
        name = str(self.request.path_params["flow"])
        found = next((flow for flow in self.sources.flows() if flow.flow == name), None)
        if found is None or not self.may_read(found):
            raise Sentence(404, "There is no such flow here, or its DAGs are not yours to read.")
        return Seen(found, self.sources.store_of(found))

    @property
    def root(self) -> str:
        """The path of the page, also behind a proxy."""
        return str(self.request.scope.get("root_path", "")).rstrip("/")

    @property
    def airflow(self) -> str:
        """The path of Airflow itself."""
        return self.root.removesuffix(PREFIX)

    def url(self, *parts: str, **query: object) -> str:
        """The address of a view: `url("flows", "demo", "drift", page=2)`. Empty parameters are left out."""
        said = urlencode({name: str(value) for name, value in query.items() if value not in ("", None)})
        path = "/".join(quote(part, safe="") for part in parts)
        return f"{self.root}/{path}" + (f"?{said}" if said else "")

    def dag_url(self, dag_id: str, run_id: str = "") -> str:
        """The DAG in Airflow, or one of its runs."""
        run = f"/runs/{quote(run_id, safe='')}" if run_id else ""
        return f"{self.airflow}/dags/{quote(dag_id, safe='')}{run}"

    def html(self, template: str, seen: Seen | None = None, *, status: int = 200, **values: Any) -> Response:
        """A template with what it is given; `seen` adds the flow's name and its tabs."""
        known = {"asked": self, "flow": seen.flow if seen else None, "tabs": self.page.tabs, "tab": None, **values}
        return HTMLResponse(self.page.templates.get_template(template).render(known), status_code=status)

    def file(self, name: str, text: str, *, kind: str) -> Response:
        """A download; `name` is made of words of ours."""
        disposition = f'attachment; filename="{name}"'
        return Response(text.encode(), media_type=kind, headers={"Content-Disposition": disposition})


View = Callable[[Asked], Response]


@dataclass
class Page:
    """The app, its views and its tabs."""

    sources: Sources
    tabs: dict[str, str] = field(default_factory=dict)
    """Of a flow: the last part of each view's address, and the word that people read. `""` is the flow itself."""

    def __post_init__(self) -> None:
        self.app = FastAPI(title="Intacct and Asana", docs_url=None, redoc_url=None, openapi_url=None)
        self.templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._threads = CapacityLimiter(MOST_AT_ONCE)
        self.app.add_exception_handler(StarletteHTTPException, _not_logged_in)

    def tab(self, name: str, words: str) -> None:
        """One more entry in the row of a flow's views."""
        self.tabs[name] = words

    def get(self, path: str, view: View) -> None:
        """Register a view. Nothing of it runs before Airflow knows who asks."""

        async def serve(request: Request, user: GetUserDep) -> Response:
            return await to_thread.run_sync(self._answer, view, request, user, limiter=self._threads)

        self.app.add_api_route(path, serve, methods=["GET"], name=view.__name__, include_in_schema=False)

    def _answer(self, view: View, request: Request, user: Any) -> Response:
        asked = Asked(request=request, rights=self.sources.rights_of(user), page=self)
        try:
            response = view(asked)
        except Sentence as said:
            response = asked.html("sentence.html", status=said.status, words=said.words)
        except IntacctAsanaError as error:
            log.warning("The page cannot be shown now: %s", error.message)
            response = asked.html("sentence.html", status=503, words=first_line(error.message))
        except Exception:
            log.exception("The page failed")
            words = "This page could not be made. Airflow's log of its API server says why."
            response = asked.html("sentence.html", status=500, words=words)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response


def first_line(text: str) -> str:
    return next(iter(text.splitlines()), "")


async def _not_logged_in(request: Request, error: Exception) -> Response:
    """Nothing of a flow is told to whoever Airflow does not know. A browser's own page goes to Airflow's login."""
    status = error.status_code if isinstance(error, HTTPException | StarletteHTTPException) else 401
    if status not in (401, 403):
        return Response("Nothing is here but pages to read.", status_code=status, media_type="text/plain", headers=HEADERS)
    root = str(request.scope.get("root_path", "")).rstrip("/")
    login = f"{root.removesuffix(PREFIX)}/api/v2/auth/login"
    if request.headers.get("sec-fetch-dest") == "document":
        return RedirectResponse(f"{login}?{urlencode({'next': str(request.url)})}", status_code=303, headers=HEADERS)
    words = "Log in to Airflow to see this page."
    return Response(words, status_code=401, media_type="text/plain", headers=HEADERS)
