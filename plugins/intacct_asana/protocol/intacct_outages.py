"""Answers that carry no verdict of Intacct's own: limits, outages, CDN pages, plain text, nothing at all.

After a write each of them leaves the outcome unknown, but for a limit: there the gateway did not take the request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from intacct_asana.errors import IntacctAsanaError, OutcomeUnknown, TryLater, UnexpectedReply
from intacct_asana.protocol.intacct_errors import BUSY, OFF_LINE, READ_BACK, Faults, any_of, plain

LOOKED_AT = 1 << 16
"""As much of a body as is searched: pages are short, and a body may be anything."""

CLOUDFLARE = re.compile(
    rb"cf-error-details|cf-browser-verification|Cloudflare Ray ID|cf_chl_opt|challenges\.cloudflare\.com", re.IGNORECASE
)
PROXY_DOWN = re.compile(r"upstream connect error|disconnect/reset before headers|no healthy upstream", re.IGNORECASE)


def wait_seconds(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds, at most an hour; None when it is absent or a date."""
    text = headers.get("retry-after", "").strip()
    return min(float(text), 3600.0) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) else None


def limited(headers: Mapping[str, str], faults: Faults, *, asked: str) -> TryLater:
    """429: `GW-0010` when the answer says so, but the status is enough."""
    said = f"{asked}: Intacct limits our calls (HTTP 429)" + (f". {faults}" if faults.listed else "")
    return TryLater(said, code="429", wait_seconds=wait_seconds(headers))


def outage(
    status: int, headers: Mapping[str, str], body: bytes, faults: Faults, *, asked: str, is_write: bool
) -> OutcomeUnknown | TryLater:
    """5xx, and 524 where the CDN gave up while the server goes on working."""
    said = f"{asked}: HTTP {status} from the gateway ({faults if faults.listed else glimpse(body)})"
    if is_write:
        return OutcomeUnknown(f"{said}. {READ_BACK}", code=str(status))
    return TryLater(said, code=str(status), wait_seconds=wait_seconds(headers))


def not_intacct(status: int, headers: Mapping[str, str], body: bytes, *, asked: str, is_write: bool) -> IntacctAsanaError:
    """No envelope: a CDN page, plain text, nothing at all, a cut-off document."""
    said = f"{asked}: HTTP {status} without an Intacct answer ({glimpse(body)})"
    if is_write:
        return OutcomeUnknown(f"{said}. {READ_BACK}", code=str(status))
    text = plain(body[:LOOKED_AT].decode("utf-8", "replace"))
    if status == 408 or CLOUDFLARE.search(body, 0, LOOKED_AT) or any_of((BUSY, OFF_LINE, PROXY_DOWN), text):
        return TryLater(said, code=str(status), wait_seconds=wait_seconds(headers))
    return UnexpectedReply(said, code=str(status))


def glimpse(body: bytes) -> str:
    """What kind of body it is. Never its text: a page may quote our request."""
    start = body[:LOOKED_AT].lstrip().lower()
    if not start:
        return "empty body"
    if CLOUDFLARE.search(start):
        return "a Cloudflare page"
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if start.startswith(b"<"):
        return f"{len(body)} bytes of XML, cut off or not an Intacct response"
    return f"{len(body)} bytes of text"
