"""Questions about Intacct's REST API, by GET alone: whether it approves as documented nobody can ask without approving."""

from __future__ import annotations

import re
from typing import Any

from intacct_asana.intacct.records import money
from intacct_asana.proving.at_asana import Said
from intacct_asana.proving.masks import code_of, counted, masked
from intacct_asana.proving.question import Answer, NotAsked, Ports, Question

NO_BILL = "999999999999"
BILL = "/objects/accounts-payable/bill"
COMPARED = 3
LIMIT_HEADER = re.compile(r"[a-z0-9-]*(retry|limit|throttle|quota)[a-z0-9-]*")
KEYS = ("ia::result", "ia::error", "ia::meta", "error")


def _token(ports: Ports) -> Answer:
    said = ports.native.token()
    life = said.body.get("expires_in")
    kind = str(said.body.get("token_type") or "absent")
    figures: dict[str, Any] = {
        "HTTP": said.status,
        "token_type": kind if kind.lower() in ("bearer", "absent") else "another word",
        "expires_in": life if isinstance(life, int) else "absent",
        "a refresh token": bool(said.body.get("refresh_token")),
    }
    if said.status != 200:
        figures |= _shape(said)
    return Answer(seen=f"HTTP {said.status}; a token lives for {figures['expires_in']} seconds", figures=figures)


def _shape(said: Said) -> dict[str, object]:
    """Where the error stands and what it holds, of the three envelopes that are known."""
    body, result = said.body, said.body.get("ia::result")
    inside = isinstance(result, dict) and "ia::error" in result
    error = result["ia::error"] if inside and isinstance(result, dict) else body.get("ia::error") or body.get("error") or {}
    error = error if isinstance(error, dict) else {}
    return {
        "HTTP": said.status,
        "the error stands": "under ia::result" if inside else next((key for key in KEYS if key in body), "nowhere"),
        "code": code_of(str(error.get("code") or "")) or "absent",
        "errorId": code_of(str(error.get("errorId") or "")) or "absent",
        "words": masked(str(error.get("message") or "")) or "none",
        "our code ends with": said.ends_as,
        "headers that speak of limits": sorted(name for name in said.headers if LIMIT_HEADER.fullmatch(name)),
    }


def _dead_token(ports: Ports) -> Answer:
    said = ports.native.get(f"{BILL}/{NO_BILL}", bearer="prove-live-no-such-token")
    return Answer(seen=f"HTTP {said.status}, read as {said.ends_as}", figures=_shape(said))


def _unknown_bill(ports: Ports) -> Answer:
    said = ports.native.get(f"{BILL}/{NO_BILL}")
    return Answer(seen=f"HTTP {said.status}, read as {said.ends_as}", figures=_shape(said))


def _same_bills(ports: Ports) -> Answer:
    """The newest bills of the gateway by their record numbers: whether number, amount and vendor are the same over there."""
    bills = ports.books.newest_bills()[:COMPARED]
    if not bills:
        raise NotAsked("there are no bills")
    fates, metas = [], []
    for row in bills:
        said = ports.native.get(f"{BILL}/{row['RECORDNO']}")
        found = said.body.get("ia::result")
        metas.append(sorted(set(said.body.get("ia::meta") or {}) & {"totalCount", "totalSuccess", "totalError"}))
        if said.error or not isinstance(found, dict):
            fates.append(f"HTTP {said.status}")
            continue
        same = str(found.get("key")) == row["RECORDNO"] and (found.get("vendor") or {}).get("id") == row.get("VENDORID")
        amount = str(found.get("totalTxnAmount") or "0")
        wanted = row.get("TRX_TOTALENTERED") or row.get("TOTALENTERED") or "0"
        fates.append("the same" if same and money(amount) == money(wanted) else "another bill")
    figures: dict[str, Any] = {"bills": counted(fates), "meta": [list(one) for one in metas[:1]]}
    return Answer(seen=f"bills by record number: {', '.join(dict.fromkeys(fates))}", figures=figures)


QUESTIONS = (
    Question(
        id="rest-token",
        system="intacct rest",
        asks="How long does an access token live, and is that told?",
        unsure="Twelve hours were reported, promised nowhere.",
        otherwise="What `expires_in` says counts; without it a token is taken for five minutes.",
        ask=_token,
    ),
    Question(
        id="rest-dead-token",
        system="intacct rest",
        asks="How is a token refused that nobody has?",
        unsure="401 and 400 have both been met.",
        otherwise="One new token on either, and the call again.",
        ask=_dead_token,
    ),
    Question(
        id="rest-unknown-bill",
        system="intacct rest",
        asks="How is a bill answered that is not there, and where in the answer does the error stand?",
        unsure="Statuses and the place of errors are published in three forms.",
        otherwise="A 404 is a bill that is gone; any other refusal fails that bill.",
        ask=_unknown_bill,
    ),
    Question(
        id="rest-same-bills",
        system="intacct rest",
        asks="Are a bill's key here and its record number at the gateway the same?",
        unsure="It is inferred.",
        otherwise="Preflight compares three bills, and stops where they differ.",
        ask=_same_bills,
    ),
)
