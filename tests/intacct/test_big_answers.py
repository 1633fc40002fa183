"""A hundred megabytes through the real transport: read to the bound and no further, whatever they are wrapped in."""

from __future__ import annotations

import json
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from intacct_asana.errors import IntacctAsanaError, OutcomeUnknown, UnexpectedReply
from intacct_asana.http import MOST_BYTES, Transport

SIZE = 100_000_000
MOST_MEMORY = 2 * MOST_BYTES
BLOCK = b" " * (1 << 16)
START = b"<response><control><status>success</status></control>"

pytestmark = pytest.mark.fuzz


class Flood(BaseHTTPRequestHandler):
    """Begins like an answer and goes on for 100 MB: announced, in chunks, or packed into a hundred kilobytes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        try:
            {"/announced": self.announced, "/chunked": self.chunked, "/packed": self.packed}[self.path]()
        except OSError:
            self.close_connection = True

    def announced(self) -> None:
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        self.wfile.write(START)
        for _ in range(SIZE // len(BLOCK)):
            self.wfile.write(BLOCK)

    def chunked(self) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(SIZE // len(BLOCK) + 1):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK))
        self.wfile.write(b"0\r\n\r\n")

    def packed(self) -> None:
        squeeze = zlib.compressobj(wbits=31)
        body = squeeze.compress(START) + b"".join(squeeze.compress(BLOCK) for _ in range(SIZE // len(BLOCK) + 1))
        body += squeeze.flush()
        assert len(body) < 200_000
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def flood_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Flood)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", ["/announced", "/chunked", "/packed"])
@pytest.mark.parametrize("is_write", [False, True], ids=["read", "write"])
def test_a_hundred_megabytes_are_not_read_into_memory(
    monkeypatch: pytest.MonkeyPatch, flood_url: str, path: str, is_write: bool
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FLOOD", json.dumps({"conn_type": "intacct", "extra": {"timeout_seconds": 20}}))
    transport = Transport("flood")
    _ = transport.session
    started = time.monotonic()
    tracemalloc.start()
    try:
        with pytest.raises(IntacctAsanaError, match=f"over {MOST_BYTES} bytes") as caught:
            transport.send("POST", flood_url + path, headers={}, content=b"<r/>", is_write=is_write, asked="stamp of bill 41")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert type(caught.value) is (OutcomeUnknown if is_write else UnexpectedReply)
    assert peak < MOST_MEMORY
    assert time.monotonic() - started < 20
