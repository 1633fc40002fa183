"""Mangled answers for the fuzz tests: every sample cut, flipped, doubled, spliced, rewritten as a tree, or made up whole.

Everything is drawn from one `Random`, so that Hypothesis can steer and shrink a case, and a seed can repeat one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from random import Random

from lxml import etree

SAMPLES = {path.name: path.read_bytes() for path in sorted((Path(__file__).parent / "samples").iterdir())}
NAMES = list(SAMPLES)
STATUSES = (*[200] * 20, 201, 202, 204, 301, 307, 400, 401, 403, 404, 408, 429, 498, 500, 502, 503, 524)
WORDS = (b"success", b"failure", b"aborted", b"pending", b"", b"Success", b"success ", b"successful", b"failure success")
TAGS = (
    "response", "control", "operation", "authentication", "result", "status", "errormessage", "error", "errorno",
    "description", "description2", "correction", "additionalinfo", "errorid", "data", "key", "function", "controlid",
    "acknowledgement", "apbill", "APBILL", "VENDOR", "APBILLITEM", "RECORDNO", "RECORDKEY", "VENDORID", "STATE",
    "TOTALENTERED", "WHENDUE", "WHENMODIFIED", "LINE_NO", "AMOUNT", "Field", "ID", "dateformat", "gmtoffset", "clock",
    "sessiontimestamp", "sessiontimeout", "companyid",
)  # fmt: skip
TEXTS = (
    "success", "failure", "aborted", "c-1", "c-2", "0", "1", "41", "-1", "9" * 25, "9" * 5000, "1e5", "NaN", "²", "٣", "12.5",
    "Posted", "Draft", "/mdY", "%%%", "-08:00", "+99:99", "12", "02/30/2026", "01/01/0001 00:00:00", "12/31/9999 23:59:59",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-11-23T08:00:00+00:00", "XL03000006", "XL03000003",
    "PL04000005", "DL02000001", "GW-0010", "GW-0011", "Invalid session abc....", "Session ID is invalid", "not authorized",
    "API rate limit exceeded", "Rate Limit Partners already exists", "You don\u2019t have permission", "Access denied",
    "control id already used", "[Support ID: %7E%ZZ%]", "&#0;", "<b>&amp;amp;</b>", "\u202e\u2028", " " * 300, "",
)  # fmt: skip
SPLICES = (
    b"<", b">", b"&", b"&amp;", b"&lt;", b"&#0;", b"&#x1F;", b"&nope;", b"]]>", b"<![CDATA[success]]>", b"<!-- -->", b"<?pi?>",
    b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xc3", b"\xf4\x90\x80\x80", b"\r\n", b'"', b"<status>success</status>",
    b"<status>failure</status>", b"<result>", b"</result>", b"<result><status>success</status></result>",
    b"<errormessage><error><description>no</description></error></errormessage>", b"<errormessage>no</errormessage>",
    b"<data count='1'><x/></data>", b"<key>9</key>", b"<acknowledgement/>", b"<!DOCTYPE response>",
    b'<!DOCTYPE response [<!ENTITY e SYSTEM "file:///etc/hostname">]>', b"&e;", b'<?xml version="1.0" encoding="UTF-16"?>',
    b' xmlns="urn:x"', b"<x:y/>", b"<html>", b"cf-error-details", b"API rate limit exceeded", b"<a>" * 300,
)  # fmt: skip


def cut(body: bytes, random: Random) -> bytes:
    return body[: random.randint(0, len(body))]


def drop(body: bytes, random: Random) -> bytes:
    at = random.randint(0, len(body))
    return body[:at] + body[at + random.randint(1, 80) :]


def flip(body: bytes, random: Random) -> bytes:
    if not body:
        return body
    changed = bytearray(body)
    for _ in range(random.randint(1, 3)):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def double(body: bytes, random: Random) -> bytes:
    start = random.randint(0, len(body))
    part = body[start : start + random.randint(1, 400)]
    return body[:start] + part * random.randint(2, 4) + body[start + len(part) :]


def splice(body: bytes, random: Random) -> bytes:
    at = random.randint(0, len(body))
    return body[:at] + random.choice(SPLICES) + body[at:]


def graft(body: bytes, random: Random) -> bytes:
    """Goes on as another sample from some point on."""
    other = SAMPLES[random.choice(NAMES)]
    return body[: random.randint(0, len(body))] + other[random.randint(0, len(other)) :]


def swap_status(body: bytes, random: Random) -> bytes:
    found = list(re.finditer(rb"<status>[^<]*</status>", body))
    if not found:
        return body
    one = random.choice(found)
    word = random.choice(WORDS)
    instead = random.choice([b"<status>" + word + b"</status>", b"", one.group() + b"<status>" + word + b"</status>"])
    return body[: one.start()] + instead + body[one.end() :]


def swap_element(body: bytes, random: Random) -> bytes:
    """One run of an element's text becomes one of the telling texts."""
    found = list(re.finditer(rb">[^<]*<", body))
    if not found:
        return body
    one = random.choice(found)
    return body[: one.start() + 1] + random.choice(TEXTS).encode() + body[one.end() - 1 :]


def regrow(body: bytes, random: Random) -> bytes:
    """The document as a tree with nodes taken out, moved, copied, renamed or given another text."""
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        return body
    for _ in range(random.randint(1, 4)):
        _regrow(root, random)
    return etree.tostring(root)


def _regrow(root: etree._Element, random: Random) -> None:
    nodes = [node for node in root.iter() if isinstance(node.tag, str)]
    node, other = random.choice(nodes), random.choice(nodes)
    match random.randrange(5):
        case 0:
            node.tag = random.choice(TAGS)
        case 1:
            node.text = _legal(random.choice(TEXTS))
        case 2:
            other.append(deepcopy(node))
        case 3 if node is not root:
            node.getparent().remove(node)
        case _:
            node.set(random.choice(["count", "numremaining", "status"]), _legal(random.choice(TEXTS)))


def _legal(text: str) -> str:
    return text.replace("\x00", "")


def a_tree(random: Random) -> bytes:
    """A document made up from nothing, more often than not of the envelope's own words."""
    root = etree.Element("response" if random.random() < 0.9 else random.choice(TAGS))
    parents = [root]
    for name in ("control", "operation"):
        parents.append(etree.SubElement(root, name))
    for name in ("authentication", "result"):
        parents.append(etree.SubElement(parents[2], name))
    for parent in parents[1:]:
        etree.SubElement(parent, "status").text = random.choice(WORDS[:4]).decode()
    for _ in range(random.randint(0, 12)):
        grown = etree.SubElement(random.choice(parents), random.choice(TAGS))
        grown.text = random.choice(TEXTS)
        parents.append(grown)
    return etree.tostring(root, xml_declaration=True, encoding=random.choice(["UTF-8", "UTF-16", "ISO-8859-1", "US-ASCII"]))


Mutation = Callable[[bytes, Random], bytes]
STRUCTURAL: tuple[Mutation, ...] = (swap_status, swap_element, regrow)
MUTATIONS: tuple[Mutation, ...] = (cut, drop, flip, double, splice, graft, *STRUCTURAL)


def a_mangled_answer(random: Random) -> bytes:
    """One case: a sample after one to four mutations, a tree of its own, or bytes at random.

    Half of them stay well-formed, since the others hardly ever get past the parser.
    """
    kind = random.random()
    if kind < 0.02:
        return bytes(random.randrange(256) for _ in range(random.randint(0, 60)))
    mutations = random.choice([STRUCTURAL, MUTATIONS])
    body = a_tree(random) if kind < 0.15 else SAMPLES[random.choice(NAMES)]
    for _ in range(random.randint(0 if kind < 0.15 else 1, 4)):
        body = random.choice(mutations)(body, random)
    return body
