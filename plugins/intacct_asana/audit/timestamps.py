"""Time stamps (RFC 3161): a server outside signs the newest row's digest with its own time; proven offline.

The client library is there only where somebody uses this: it is imported when it is needed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from intacct_asana.audit.chain import MEND, Found
from intacct_asana.errors import Misconfigured, UnexpectedReply
from intacct_asana.records.anchors import Anchor

if TYPE_CHECKING:
    from rfc3161_client import TimeStampRequest, TimeStampResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStamp:
    """A server's word that row `sequence` had this digest at the time `at`. `token` is its whole answer in base64."""

    sequence: int
    digest: str
    at: datetime
    url: str
    token: str

    @property
    def anchor(self) -> Anchor:
        return Anchor(sequence=self.sequence, digest=self.digest, where=self.where)

    @property
    def where(self) -> str:
        return f"the time stamp of {self.made}"

    @property
    def made(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} UTC from {self.url}"


def message_of(anchor: Anchor, *, flow: str) -> bytes:
    """What is stamped: the server gets no more of it than its SHA-256."""
    return f"intacct_asana evidence {flow} #{anchor.sequence}:{anchor.digest}".encode()


def request_for(anchor: Anchor, *, flow: str) -> TimeStampRequest:
    """A request with a nonce that asks for the server's certificate too; `as_bytes()` goes to the server."""
    request: TimeStampRequest = _library().TimestampRequestBuilder().data(message_of(anchor, flow=flow)).build()
    return request


def stamp_from(
    answer: bytes, *, request: TimeStampRequest, anchor: Anchor, flow: str, url: str, certificates: str
) -> TimeStamp:
    """The time stamp in the server's answer. Raises UnexpectedReply for one that proves nothing."""
    try:
        at = _proven(answer, anchor, flow=flow, certificates=certificates, nonce=request.nonce)
    except ValueError as error:
        raise UnexpectedReply(f"What {url} answered is no time stamp of row {anchor.sequence}: {error}") from error
    token = base64.b64encode(answer).decode()
    return TimeStamp(sequence=anchor.sequence, digest=anchor.digest, at=at, url=url, token=token)


def stamp_findings(stamps: Sequence[TimeStamp], *, flow: str, certificates: str) -> Iterator[Found]:
    """Time stamps that the certificates do not prove, or that were made for something else."""
    for stamp in stamps:
        try:
            answer = base64.b64decode(stamp.token, validate=True)
            at = _proven(answer, stamp.anchor, flow=flow, certificates=certificates)
            if at != stamp.at:
                raise ValueError(f"the server's own time is {at:%Y-%m-%d %H:%M:%S} UTC")
        except (ValueError, binascii.Error) as error:
            yield stamp.where, f"it does not prove row {stamp.sequence}: {error}", MEND


def _proven(answer: bytes, anchor: Anchor, *, flow: str, certificates: str, nonce: int | None = None) -> datetime:
    """The server's time. Raises ValueError when the answer is none, or not to this, or not by one of these certificates."""
    library, (roots, others) = _library(), _certificates(certificates)
    try:
        read: TimeStampResponse = library.decode_timestamp_response(answer)
        proves = library.VerifierBuilder(roots=roots, intermediates=others, nonce=nonce).build()
        proves.verify_message(read, message_of(anchor, flow=flow))
        return read.tst_info.gen_time
    except library.VerificationError as error:
        raise ValueError(str(error)) from error


def _certificates(pem: str) -> tuple[list[Any], list[Any]]:
    """Those that signed themselves, which are trusted, and those between."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        found = load_pem_x509_certificates(pem.encode())
        roots = [one for one in found if one.issuer == one.subject]
    except ValueError as error:
        raise Misconfigured(f"The certificates of the time stamp server cannot be read: {error}") from error
    if not roots:
        raise Misconfigured("None of the certificates of the time stamp server is a root: add the one that signed itself.")
    return roots, [one for one in found if one not in roots]


def _library() -> Any:
    try:
        import rfc3161_client
    except ImportError as error:
        raise Misconfigured(
            "Time stamps of the evidence need the package rfc3161-client: install it on every worker "
            "(pip install 'rfc3161-client>=1.0.9,<2'), or take `evidence.timestamp_url` out of the flow's file."
        ) from error
    return rfc3161_client
