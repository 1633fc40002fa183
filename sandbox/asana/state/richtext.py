"""html_notes and html_text: well-formed XML under `<body>` with a short list of tags, else 400."""

from __future__ import annotations

import re
from html import escape

from lxml import etree

from sandbox.asana.errors import bad

TAGS = frozenset(
    [
        "body",
        "strong",
        "em",
        "u",
        "s",
        "code",
        "pre",
        "blockquote",
        "ol",
        "ul",
        "li",
        "a",
        "h1",
        "h2",
        "hr",
        "img",
        "table",
        "tr",
        "td",
    ]
)
ATTRIBUTES = {
    "a": frozenset({"href", "data-asana-gid", "data-asana-dynamic", "data-asana-type", "data-asana-accessible"}),
    "img": frozenset({"src", "data-asana-gid", "data-src-width", "data-src-height", "style"}),
}
INVALID = "XML is invalid"

SHOWN_AS_WRITTEN = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)(?=#?\w+;)")
"""A reference that is none of XML's five named ones. Users report that Asana shows its source."""


def accepted(html: object, *, key: str) -> tuple[str, str]:
    """The markup as given and its plain text. Raises 400 for anything Asana's renderer would not take."""
    if not isinstance(html, str):
        raise bad(f"{key}: Value is not a string: {html}")
    html = SHOWN_AS_WRITTEN.sub("&amp;", html)
    try:
        root = etree.fromstring(html, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        raise bad(f"{key}: {INVALID}") from None
    if root.tag != "body":
        raise bad(f"{key}: {INVALID}")
    for element in root.iter():
        _check(element, key)
    return html, _plain(root)


def _check(element: etree._Element, key: str) -> None:
    if element.tag not in TAGS:
        raise bad(f"{key}: {INVALID}: Unsupported tag {element.tag}")
    odd = set(element.attrib) - ATTRIBUTES.get(str(element.tag), frozenset())
    if odd:
        raise bad(f"{key}: {INVALID}: Unsupported attribute {sorted(map(str, odd))[0]} on {element.tag}")


def _plain(element: etree._Element) -> str:
    """Text as Asana's plain `notes` shows it: list items and headings on lines of their own."""
    inner = (element.text or "") + "".join(_plain(child) + (child.tail or "") for child in element)
    return f"{inner}\n" if element.tag in ("li", "h1", "h2", "tr") else inner


def from_plain(text: str) -> str:
    return f"<body>{escape(text, quote=False)}</body>"
