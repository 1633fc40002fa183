"""Has a server outside stamp the newest evidence. A server that is down stops no run: it is said, and the next one tries."""

from __future__ import annotations

import logging
import secrets

from intacct_asana.audit.timestamps import TimeStamp, request_for, stamp_from
from intacct_asana.errors import IntacctAsanaError, Misconfigured, Refused, TryLater, UnexpectedReply
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.records.anchors import Anchor, anchor_text

log = logging.getLogger(__name__)

WAIT_SECONDS = (5, 15)
MOST_BYTES = 1 << 18
ASKS, ANSWERS = "application/timestamp-query", "application/timestamp-reply"
"""https://www.rfc-editor.org/rfc/rfc3161#section-3.4"""


def stamp_newest(run: FlowRun) -> str:
    """What became of it, for the run's own record; empty where the flow asks for none, or nothing was written.

    Raises Misconfigured for what a person has to mend: the library is missing, or a certificate is none.
    """
    asked, newest = run.flow.evidence, run.store.newest_anchor()
    if not asked.timestamp_url or newest is None or run.flow.rehearsal:
        return ""
    before = run.store.newest_timestamp()
    if before and before.sequence == newest.sequence:
        return f"{anchor_text(newest)} was stamped before, at {before.at.isoformat()}"
    try:
        stamp = _stamped(run, newest, url=asked.timestamp_url)
    except Misconfigured:
        raise
    except IntacctAsanaError as error:
        log.warning("The newest evidence has no time stamp; the next run tries again. %s", error.message)
        return f"none: {error.message}"
    run.store.keep_timestamp(stamp)
    return f"{anchor_text(newest)} at {stamp.at.isoformat()}"


def try_server(run: FlowRun) -> str:
    """That the server answers and its certificates prove it, by a stamp of a random digest that nobody keeps."""
    url = run.flow.evidence.timestamp_url
    if not url:
        return "none: the flow names no server"
    stamp = _stamped(run, Anchor(sequence=0, digest=secrets.token_hex(32), where="a trial"), url=url)
    return f"{url} stamps, as its certificates prove; its clock says {stamp.at:%Y-%m-%d %H:%M:%S} UTC"


def _stamped(run: FlowRun, anchor: Anchor, *, url: str) -> TimeStamp:
    request = request_for(anchor, flow=run.flow.flow)
    return stamp_from(
        _answer(url, request.as_bytes()),
        request=request,
        anchor=anchor,
        flow=run.flow.flow,
        url=url,
        certificates=run.flow.evidence.timestamp_certificate,
    )


def _answer(url: str, request: bytes) -> bytes:
    """Follows no redirect, so that nobody but the named host answers."""
    # Imported when it is used: most flows name no server, and every run's last step has this module.
    import requests
    from urllib3.exceptions import HTTPError

    from intacct_asana.http import nobody

    try:
        with requests.post(
            url,
            data=request,
            headers={"Content-Type": ASKS, "Accept": ANSWERS},
            auth=nobody,
            timeout=WAIT_SECONDS,
            allow_redirects=False,
            stream=True,
        ) as answer:
            body: bytes = answer.raw.read(MOST_BYTES + 1, decode_content=True)
    except (requests.RequestException, HTTPError, OSError) as error:
        raise TryLater(f"{url} does not answer: {type(error).__name__}.") from error
    if answer.status_code != 200:
        raise Refused(f"{url} answers with status {answer.status_code}.")
    if len(body) > MOST_BYTES or answer.headers.get("Content-Type", "").split(";")[0].strip().lower() != ANSWERS:
        raise UnexpectedReply(f"{url} answers with something else than a time stamp.")
    return body
