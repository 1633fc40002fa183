"""Requests read with a hardened parser, answers written without white space."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from sandbox.gateway.failures import ControlFailure, Failure
from sandbox.gateway.functions.schema import Field

MAX_REQUEST_BYTES = 8_000_000
_ENTITIES = {"'": "&#039;", '"': "&quot;"}
_SUPPORT = re.compile(r"\[(?:Support|Request) ID: ([^\]]*)\]")
_CDATA_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


@dataclass(slots=True)
class Data:
    """What a function answers: `items` are finished XML, `counts` the attributes after listtype."""

    listtype: str
    items: list[str]
    counts: dict[str, Any] = field(default_factory=dict)
    bare: bool = False

    def xml(self) -> str:
        if self.bare:
            return f"<data>{''.join(self.items)}</data>"
        attributes = "".join(f' {name}="{escape(str(value), _ENTITIES)}"' for name, value in self.counts.items())
        return f'<data listtype="{self.listtype}"{attributes}>{"".join(self.items)}</data>'


@dataclass(slots=True)
class Listed(Data):
    """What `get` and `get_list` answer: how much there is stands in front of the data, counted from 0 to the last one shown."""

    start: int = 0
    total: int = 0

    def xml(self) -> str:
        end = self.start + max(len(self.items) - 1, 0)
        shown = f'start="{self.start}" end="{end}" total="{self.total}"'
        return f"<listtype {shown}>{self.listtype}</listtype><data>{''.join(self.items)}</data>"


def parse(body: bytes) -> etree._Element:
    """The request's root. Raises ControlFailure for ill-formed XML; entities, DTDs and the network are off."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    if len(body) > MAX_REQUEST_BYTES:
        raise ControlFailure("XL03000003", "The XML request does not conform to the schema", "The request is too large.")
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        said = f"XML parse error: Fatal Error: {error.msg}"
        raise ControlFailure("XL03000003", "The XML request does not conform to the schema", said) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise ControlFailure("XL03000003", "The XML request does not conform to the schema", "A DTD is not allowed here.")
    return root


def element(name: str, *content: str, raw: bool = True) -> str:
    """An element. `raw` content is XML already, other content is text."""
    inner = "".join(content) if raw else escape(_CDATA_UNSAFE.sub("", "".join(content)))
    return f"<{name}>{inner}</{name}>" if inner else f"<{name}></{name}>"


def row_xml(name: str, fields: Iterable[Field], row: Any, extra: str = "") -> str:
    cells = [f"<{each.name}>{escape(each.text(row))}</{each.name}>" for each in fields]
    return f"<{name}>{''.join(cells)}{extra}</{name}>"


def errors_xml(errors: Iterable[Failure], *, additional: bool = False) -> str:
    """`errormessage` with its errors. Apostrophes are numeric entities, as the gateway writes them."""
    return element("errormessage", *(_error(error, additional) for error in errors))


def _error(error: Failure, additional: bool) -> str:
    told = [("errorno", error.errorno)] if error.errorno else []
    told += [("description", error.description), ("description2", error.description2), ("correction", error.correction)]
    cells = _cells(told)
    if additional:
        cells.append(_more(error))
    return element("error", *cells)


def _more(error: Failure) -> str:
    """`additionalinfo` as it is documented: ids, targets and placeholders nest, and the first description may have no id."""
    support = _SUPPORT.search(error.description2)
    cells = [element("errorid", _error_id(error)), element("category", "Unable to complete the operation")]
    cells.append(f'<target domain="" requestinfo="{support.group(1) if support else ""}" object="" field="" businessinfo=""/>')
    told = {"description": error.description, "cdescription": error.description2, "correction": error.correction}
    cells += [element(name, *_message(said)) for name, said in told.items()]
    return element("additionalinfo", *cells)


def _message(said: str) -> list[str]:
    """The id that a text would have, and the names that the text quotes as its placeholders."""
    words = re.sub("[^A-Z]+", "_", _SUPPORT.sub("", re.sub("'[^']*'", "", said)).upper()).strip("_")
    quoted = re.findall("'([^']*)'", said)
    values = [f'<placeholder name="VALUE_{at}" value="{escape(value, _ENTITIES)}"/>' for at, value in enumerate(quoted, 1)]
    target = '<target domain="" requestinfo="" object="" field="" businessInfo=""/>'
    return [element("messageid", f"IA.{words}" if words else ""), target, element("placeholders", *values)]


def _cells(told: list[tuple[str, str]]) -> list[str]:
    return [f"<{name}>{escape(text, _ENTITIES)}</{name}>" for name, text in told]


def _error_id(error: Failure) -> str:
    return f"SBX-{sum(map(ord, error.errorno)) % 10_000:04d}"
