"""Answers made to fetch, to grow or to sink: nothing is fetched, nothing is read for long, nothing passes for a success."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from intacct_asana.errors import IntacctAsanaError, OutcomeUnknown, Refused, TryLater, UnexpectedReply
from intacct_asana.intacct.replies import BOUND, Reply, decipher

from tests.intacct.bounded_time import in_time

DONE = (Path(__file__).parent / "samples" / "update_done.xml").read_bytes()
REFUSED = (Path(__file__).parent / "samples" / "update_refused.xml").read_bytes()
PROLOG, ROOT = DONE.split(b"<response>")[0], DONE[DONE.index(b"<response>") :]
SLOWEST_SECONDS = 3

pytestmark = pytest.mark.fuzz


def understood(body: bytes, *, is_write: bool = True) -> Reply:
    return decipher(200, {}, body, asked="stamp of bill 41", is_write=is_write, control_id="c-1")


@pytest.fixture
def hits() -> Iterator[list[str]]:
    """The paths that were asked of a local server, whose address is the first."""

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'<!ENTITY out "success">' if self.path.endswith(".dtd") else b"success")

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    found = [f"http://127.0.0.1:{server.server_port}"]
    yield found
    server.shutdown()
    server.server_close()


REACHING_OUT = {
    "entity in a status": '<!DOCTYPE response [<!ENTITY out SYSTEM "{place}/success">]>',
    "public entity": '<!DOCTYPE response [<!ENTITY out PUBLIC "any" "{place}/success">]>',
    "document type": '<!DOCTYPE response SYSTEM "{place}/out.dtd">',
    "parameter entity": '<!DOCTYPE response [<!ENTITY % far SYSTEM "{place}/out.dtd"> %far;]>',
    "entity of its own": '<!DOCTYPE response [<!ENTITY out "success">]>',
}


@pytest.mark.parametrize("doctype", REACHING_OUT.values(), ids=REACHING_OUT.keys())
@pytest.mark.parametrize("near", [True, False], ids=["file", "http"])
def test_nothing_outside_an_answer_is_fetched(hits: list[str], tmp_path: Path, doctype: str, near: bool) -> None:
    (tmp_path / "success").write_text("success")
    (tmp_path / "out.dtd").write_text('<!ENTITY out "success">')
    place = tmp_path.as_uri() if near else hits[0]
    body = PROLOG + doctype.format(place=place).encode() + ROOT.replace(b"<status>success", b"<status>&out;")
    with pytest.raises(OutcomeUnknown):
        understood(body)
    assert hits[1:] == []


def test_a_harmless_document_type_is_refused_too() -> None:
    with pytest.raises(OutcomeUnknown):
        understood(PROLOG + b"<!DOCTYPE response>" + ROOT)


def test_an_inclusion_is_not_followed(hits: list[str], tmp_path: Path) -> None:
    (tmp_path / "success").write_text("success")
    for place in (hits[0], tmp_path.as_uri()):
        include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{place}/success" parse="text"/>'.encode()
        style = f'<?xml-stylesheet type="text/xsl" href="{place}/x.xsl"?>'.encode()
        with pytest.raises(OutcomeUnknown):
            understood(PROLOG + style + ROOT.replace(b"<status>success", b"<status>" + include))
    assert hits[1:] == []


def laughs(levels: int) -> bytes:
    """Entities that hold ten of the one before: ten to the power of `levels`."""
    entities = "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10}">' for at in range(1, levels))
    doctype = f'<!DOCTYPE response [<!ENTITY l0 "ha">{entities}]>'.encode()
    return PROLOG + doctype + ROOT.replace(b"<RECORDNO>41", b"<RECORDNO>&l%d;" % (levels - 1))


def quadratic() -> bytes:
    doctype = b'<!DOCTYPE response [<!ENTITY a "' + b"a" * 100_000 + b'">]>'
    return PROLOG + doctype + ROOT.replace(b"<RECORDNO>41", b"<RECORDNO>" + b"&a;" * 100_000)


def inside(text: bytes, *, of: bytes = DONE, at: bytes = b"</RECORDNO>") -> bytes:
    return of.replace(at, text + at)


def told(text: bytes) -> bytes:
    """A refusal with this text in its second description."""
    return re.sub(rb"(<description2>).*?(</description2>)", lambda found: found[1] + text + found[2], REFUSED, count=1)


MILLION = 1_000_000
LARGE = {
    "ten billion laughs": (laughs(10), OutcomeUnknown),
    "one entity very often": (quadratic(), OutcomeUnknown),
    "entities that hold each other": (laughs(3).replace(b'"ha"', b'"&l2;"'), OutcomeUnknown),
    "a hundred thousand levels": (inside(b"<a>" * 100_000 + b"</a>" * 100_000), OutcomeUnknown),
    "levels never closed": (PROLOG + b"<response>" * MILLION, OutcomeUnknown),
    "many attributes": (DONE.replace(b"<apbill>", b"<apbill" + b"".join(b" a%d=''" % n for n in range(30_000)) + b">"), None),
    "many namespaces": (
        DONE.replace(b"<apbill>", b"<apbill" + b"".join(b" xmlns:a%d='u'" % n for n in range(3_000)) + b">"),
        None,
    ),
    "a million elements": (inside(b"<a/>" * MILLION), None),
    "a text of 20 MB": (inside(b"a" * 20 * MILLION), OutcomeUnknown),
    "a long name": (inside(b"<" + b"a" * 20 * MILLION), OutcomeUnknown),
    "an error of 8 MB of blanks": (told(b"a" + b" " * 8 * MILLION + b"b"), Refused),
    "an error of a million brackets": (told(b"[" * MILLION), Refused),
    "an error of a million tags": (told(b"&lt;a" * MILLION), Refused),
    "an error of a million repeats": (told(b"already " * MILLION), Refused),
    "an error of a million concurrences": (told(b"concurren" * MILLION), Refused),
    "a support id of 8 MB": (told(b"[Support ID: " + b"%7E" * 2 * MILLION), Refused),
    "a hundred thousand errors": (
        REFUSED.replace(
            b"</errormessage>",
            b"".join(b"<error><description>%d already</description></error>" % n for n in range(100_000)) + b"</errormessage>",
        ),
        Refused,
    ),
    "a hundred thousand error messages": (REFUSED.replace(b"</result>", b"<errormessage/>" * 100_000 + b"</result>"), Refused),
    "60 MB of blanks": (b" " * 60 * MILLION, OutcomeUnknown),
    "60 MB of text": (b"cf-error-detail" * 4 * MILLION, OutcomeUnknown),
    "60 MB of a page": (b"<html>" + b"<p>" * 20 * MILLION, OutcomeUnknown),
    "more than is ever parsed": (inside((b" " * 9 * MILLION + b"<a/>") * (BOUND // (9 * MILLION) + 1)), OutcomeUnknown),
}


@pytest.mark.parametrize("case", LARGE.values(), ids=LARGE.keys())
def test_bombs_and_deep_or_broad_documents_are_read_in_bounded_time(
    case: tuple[bytes, type[IntacctAsanaError] | None],
) -> None:
    body, kind = case
    with in_time(SLOWEST_SECONDS):
        if kind is None:
            assert understood(body).data is not None
            return
        with pytest.raises(IntacctAsanaError) as caught:
            understood(body)
    assert type(caught.value) is kind
    assert len(str(caught.value)) < 40_000


@pytest.mark.parametrize("levels", [200, 300, 5000])
def test_a_document_that_nests_too_deep_is_no_answer(levels: int) -> None:
    body = inside(b"<a>" * levels + b"</a>" * levels)
    if levels < 250:
        assert understood(body, is_write=False).data is not None
        return
    with pytest.raises(UnexpectedReply):
        understood(body, is_write=False)


@pytest.mark.parametrize("encoding", ["UTF-16", "UTF-16LE", "UTF-32", "ISO-8859-1", "latin-9", "UTF-7", "nonsense", ""])
def test_another_encoding_is_read_rightly_or_not_at_all(encoding: str) -> None:
    """Bytes in the encoding that they declare may be read; bytes in another never become a success by chance."""
    for codec in ("utf-16", "utf-32", "latin-1", "utf-8"):
        body = DONE.decode().replace("UTF-8", encoding).encode(codec)
        with suppress(OutcomeUnknown):
            assert understood(body).company_id == "ACME"


def test_a_limit_told_in_a_page_counts_for_reads_only() -> None:
    page = b"<html>" + b" " * 1000 + b"API rate limit exceeded</html>"
    with pytest.raises(TryLater):
        understood(page, is_write=False)
    with pytest.raises(OutcomeUnknown):
        understood(page)
