"""Attachments (supporting documents): files under an id, read with the legacy functions `get` and `get_list`.

The functions are documented (https://developer.intacct.com/api/company-console/attachments/); the answer's shape is not, and is
the one of a recording.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from sandbox.gateway.failures import Failure, support_id
from sandbox.gateway.wire import Listed

FUNCTIONS = ("get", "get_list")


@dataclass(slots=True)
class Document:
    """Everything under one attachment id. A file is name, type and content."""

    id: str
    files: list[tuple[str, str, bytes]] = field(default_factory=list)


def read(company: Any, asked: etree._Element) -> Listed:
    """`get` by key, or `get_list` by a filter on supdocid. Setting `supdoc_function` says which of them works."""
    name = str(asked.tag)
    works = company.world.setting("supdoc_function", "both")
    if works not in ("both", name):
        said = f"{name} is not supported for supdoc. {support_id()}"
        raise Failure("XL03000003", "Invalid request", said)
    wanted = asked.get("key") if name == "get" else asked.findtext("filter/expression/value")
    found = company.documents.get(wanted or "")
    if found is None and name == "get":
        raise Failure("BL03000130", "", f"No attachment {wanted} was found. {support_id()}")
    return Listed("supdoc", [_xml(found)] if found else [], total=1 if found else 0)


def _xml(document: Document) -> str:
    files = "".join(
        f"<attachment><attachmentname>{escape(name)}</attachmentname><attachmenttype>{escape(kind)}</attachmenttype>"
        f"{_data(content)}</attachment>"
        for name, kind, content in document.files
    )
    return (
        f"<supdoc><recordno>1</recordno><supdocid>{escape(document.id)}</supdocid><supdocname>{escape(document.id)}</supdocname>"
        f"<folder>Bills</folder><description></description><attachments>{files}</attachments></supdoc>"
    )


def _data(content: bytes) -> str:
    """Empty elements were recorded self-closed."""
    return f"<attachmentdata>{base64.b64encode(content).decode()}</attachmentdata>" if content else "<attachmentdata/>"


def file_of(told: dict[str, Any]) -> tuple[str, str, bytes]:
    """A file from JSON: `name`, `type`, and `text`, `base64`, or `size` bytes of a PDF."""
    if "base64" in told:
        content = base64.b64decode(told["base64"])
    elif "size" in told:
        content = b"%PDF-1.7\n".ljust(int(told["size"]), b"x")
    else:
        content = str(told.get("text", "%PDF-1.7 invoice")).encode()
    return str(told.get("name", "invoice")), str(told.get("type", "pdf")), content
