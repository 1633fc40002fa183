"""From an HTTP request to a Call: token, query, JSON body or multipart form, opt_fields."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from fastapi import Request
from starlette.datastructures import UploadFile

from sandbox.asana.errors import bad
from sandbox.asana.selection import Tree, parse

TOP_LEVEL = ("data", "options")


def token_of(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


Upload = tuple[str, bytes, str]
"""Name, content and content type of an uploaded file."""


async def read_body(request: Request) -> tuple[dict[str, Any], Upload | None]:
    """The parsed body and an uploaded file, if there is one. Raises 400 for broken JSON."""
    if request.headers.get("Content-Type", "").startswith("multipart/form-data"):
        form = await request.form()
        upload = form.get("file")
        data = {name: value for name, value in form.items() if isinstance(value, str)}
        if not isinstance(upload, UploadFile):
            return {"data": data}, None
        return {"data": data}, (_name_of(upload), await upload.read(), upload.content_type or "")
    return parse_json(await request.body()), None


def _name_of(upload: UploadFile) -> str:
    """A name that is not ASCII comes URL-encoded, twice: as `filename`, and with its encoding as `filename*`."""
    extended = re.search(r"filename\*=UTF-8''([^;]+)", upload.headers.get("content-disposition", ""))
    return unquote(extended.group(1)) if extended else upload.filename or ""


def parse_json(body: bytes) -> dict[str, Any]:
    """The body's object. Numbers keep their own text, so that amounts stay exact."""
    if not body:
        return {}
    try:
        parsed = json.loads(body, parse_float=Decimal)
    except ValueError:
        raise bad("Could not parse request data, invalid JSON") from None
    if not isinstance(parsed, dict):
        raise bad("Could not parse request data, invalid JSON")
    odd = next((name for name in parsed if name not in TOP_LEVEL), None)
    if odd is not None:
        raise bad(
            f"Unrecognized request field {odd} . The only allowed keys at the top level are: data, options. "
            "Is it possible you did not wrap object properties in a data object?"
        )
    if not isinstance(parsed.get("data", {}), dict):
        raise bad(f"data: Value is not a JSON object: {parsed['data']}")
    return parsed


def wanted_of(query: dict[str, str], body: dict[str, Any]) -> Tree | None:
    """What opt_fields, or `options.fields` of the body, asks for. None means the default set."""
    paths = query["opt_fields"].split(",") if "opt_fields" in query else (body.get("options") or {}).get("fields") or []
    return parse(paths) or None
