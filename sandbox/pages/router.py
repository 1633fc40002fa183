"""Which page, style, script and JSON is served where; and the addresses that links of both systems lead to."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from sandbox import constants
from sandbox.control import only_from_here
from sandbox.core import World
from sandbox.pages import board, books

FOLDER = Path(__file__).parent
PAGES = {"/": "index.html", "/board": "board.html", "/bills": "bills.html"}
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""No script and no style but those files, and nothing from elsewhere, whatever gets into a page."""
_RECORD = re.compile(r"-(apbill|vendor)-(\d+)$")
Json = dict[str, Any]


def build(world: World) -> APIRouter:
    """Pages, their files, the JSON that they show (for this machine only, as what people do is), and where links lead."""
    router = APIRouter(include_in_schema=False)
    for path, name in PAGES.items():
        router.add_api_route(path, _page(name), methods=["GET"])
    router.add_api_route("/pages/{name}", _file, methods=["GET"])
    _add_links(router)
    _add_data(router, world)
    return router


def _page(name: str) -> Callable[[], Awaitable[Response]]:
    async def page() -> Response:
        return Response((FOLDER / name).read_bytes(), media_type="text/html", headers=SAFE)

    return page


async def _file(name: str) -> Response:
    path = FOLDER / name
    if path.suffix not in KINDS or path.parent != FOLDER or not path.is_file():
        raise HTTPException(404, f"there is no page {name!r}")
    return Response(path.read_bytes(), media_type=KINDS[path.suffix], headers=SAFE)


def _add_links(router: APIRouter) -> None:
    """The paths of Asana's and Intacct's own links: the settings `asana_pages` and `intacct_pages` make those lead here."""

    @router.get("/1/{_workspace}/task/{gid}")
    @router.get("/0/{_workspace}/{gid}")
    async def task(gid: str) -> Response:
        return RedirectResponse(f"/board#task={quote(gid, safe='')}")

    @router.get("/1/{_workspace}/project/{gid}")
    async def project(gid: str) -> Response:
        return RedirectResponse(f"/board#project={quote(gid, safe='')}")

    @router.get("/ia/acct/ur.phtml")
    async def record(request: Request) -> Response:
        found = _RECORD.search(request.query_params.get(".r", ""))
        if not found:
            raise HTTPException(404, "the link names no bill and no vendor")
        return RedirectResponse(f"/bills#{found[1].removeprefix('ap')}={found[2]}")


def _add_data(router: APIRouter, world: World) -> None:
    data = APIRouter(dependencies=[Depends(only_from_here)])

    @data.get("/about.json")
    async def about() -> Json:
        return _about(world)

    @data.get("/board.json")
    async def cards(project: str = "", text: str = "", assignee: str = "") -> Json:
        return board.board_of(world.asana.space, project, text=text.casefold().strip(), assignee=assignee)

    @data.get("/tasks/{gid}.json")
    async def task(gid: str) -> Json:
        return _found(board.task_of(world.asana.space, gid), f"task {gid}")

    @data.get("/attachments/{gid}")
    async def attachment(gid: str) -> Response:
        """To be saved, never shown: anybody may have written it."""
        found = world.asana.space.attachments.get(gid)
        if found is None:
            raise HTTPException(404, f"there is no attachment {gid}")
        headers = SAFE | {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"}
        return Response(found.content, media_type="application/octet-stream", headers=headers)

    @data.get("/bills.json")
    async def bills(text: str = "", state: str = "", limit: int = 500) -> Json:
        return books.bills(world, text.casefold().strip(), state=state, limit=limit)

    @data.get("/bills/{record_no}.json")
    async def bill(record_no: str) -> Json:
        return _found(books.bill(world, record_no), f"bill {record_no}")

    @data.get("/vendors.json")
    async def vendors(text: str = "") -> Json:
        return books.vendors(world, text.casefold().strip())

    router.include_router(data)


def _found(told: Json | None, what: str) -> Json:
    if told is None:
        raise HTTPException(404, f"there is no {what}")
    return told


def _about(world: World) -> Json:
    """What a client needs in order to talk to either system, and how much each holds."""
    space, company = world.asana.space, world.intacct
    return {
        "now": world.clock.now().isoformat(),
        "frozen": world.clock.frozen is not None,
        "holds": {"bills": len(company.bills), "vendors": len(company.vendors), "tasks": len(space.live_tasks)},
        "projects": [{"gid": each.gid, "name": each.name, "tasks": len(each.tasks)} for each in space.projects.values()],
        "intacct": {
            "sender id": constants.SENDER_ID,
            "sender password": constants.SENDER_PASSWORD,
            "company id": constants.COMPANY_ID,
            "user id": constants.WS_USER,
            "user password": constants.WS_PASSWORD,
        },
        "asana": {"token": constants.ASANA_TOKEN, "workspace": space.site.gid},
    }
