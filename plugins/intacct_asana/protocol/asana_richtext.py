"""The little XML that Asana takes as `html_notes`, checked before it leaves."""

from __future__ import annotations

from lxml import etree

from intacct_asana.errors import Refused

ALLOWED = frozenset({"body", "strong", "em", "u", "s", "code", "ol", "ul", "li", "a", "h1", "h2", "hr", "pre", "blockquote"})
LINK_ATTRIBUTES = frozenset({"href", "data-asana-gid", "data-asana-dynamic", "data-asana-type"})


def checked_html(html: str) -> str:
    """`html` itself, when Asana can take it: one well-formed `<body>`, known tags, attributes on links only.

    Raises Refused with the reason. Asana answers bad markup with the misleading "You should specify one of workspace,
    parent, projects". Source: developers.asana.com/docs/rich-text.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        body = etree.fromstring(html, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Refused(f"html_notes is not well-formed: {error}") from error
    wrong = _wrong(body)
    if wrong:
        raise Refused(f"html_notes has what Asana does not take: {', '.join(wrong)}")
    return html


def _wrong(body: etree._Element) -> list[str]:
    found = [f"root <{body.tag}> instead of <body>"] if body.tag != "body" else []
    for element in body.iter():
        if element.tag not in ALLOWED:
            found.append(f"<{element.tag}>")
        elif element.tag == "a" and not LINK_ATTRIBUTES.issuperset(element.attrib):
            found.append("an attribute of <a>")
        elif element.tag != "a" and element.attrib:
            found.append(f"an attribute of <{element.tag}>")
    return found
