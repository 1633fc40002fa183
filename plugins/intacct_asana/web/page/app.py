"""The app of the page: its views, its few files, and what is said where there is none."""

from __future__ import annotations

from fastapi import FastAPI, Response

from intacct_asana.web.page import bill, close, figures, flows, lists
from intacct_asana.web.page.frame import HERE, Asked, Page, Sentence, Sources

VIEWS = (flows, lists, close, figures, bill)
"""Modules with `add_to(page)`. Their tabs stand in this order; who adds a view adds its module here."""

FILES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "theme.js": "text/javascript",
    "uPlot.iife.min.js": "text/javascript",
    "uPlot.min.css": "text/css",
    "icon.svg": "image/svg+xml",
}


def build(sources: Sources) -> FastAPI:
    page = Page(sources)
    for module in VIEWS:
        module.add_to(page)
    page.get("/static/{name}", static)
    page.get("/{rest:path}", nothing)
    return page.app


def static(asked: Asked) -> Response:
    name = str(asked.request.path_params["name"])
    if name not in FILES:
        return nothing(asked)
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response((HERE / "static" / name).read_bytes(), media_type=FILES[name], headers=headers)


def nothing(_asked: Asked) -> Response:
    raise Sentence(404, "There is no such page.")
