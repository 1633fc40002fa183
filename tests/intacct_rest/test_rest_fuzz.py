"""Mangled answers of the REST API: only our six errors come out, and never a success that the bytes do not say."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intacct_asana.errors import (
    IntacctAsanaError,
    Misconfigured,
    OutcomeUnknown,
    Refused,
    SessionEnded,
    TryLater,
    UnexpectedReply,
)
from intacct_asana.intacct.rest.calls import bill_from, page_from
from intacct_asana.intacct.rest.replies import acted, decipher, token_from

from tests.intacct_rest.test_published_shapes import APPROVED, REFUSED

pytestmark = pytest.mark.fuzz

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BILL = {
    "ia::result": {
        "key": "132",
        "state": "submitted",
        "billNumber": "B-1",
        "vendor": {"id": "V1"},
        "totalTxnAmount": "12.50",
        "currency": {"txnCurrency": "USD"},
        "entity": {"id": "US01"},
        "sourceModule": "accountsPayable",
        "isOnHold": False,
    },
    "ia::meta": {"totalCount": 1},
}
PAGE = {"ia::result": [{"key": "1", "state": "posted", "vendor.id": "V", "totalTxnAmount": "1"}], "ia::meta": {"next": None}}
TOKEN = {"token_type": "Bearer", "access_token": "t" * 40, "refresh_token": "r" * 40, "expires_in": 43200}
DEAD = {"error": {"code": "tokenInvalid", "message": "Token is not valid", "errorId": "REST-2102"}}
SAMPLES = [json.loads(APPROVED), json.loads(REFUSED), BILL, PAGE, TOKEN, DEAD]
ODD = [None, True, False, 0, -1, 1.5, "", "x", "132", [], {}, [1], {"a": 1}, "\u202e", "é" * 300, 10**30, "NaN", [[]]]
STATUSES = [200, 200, 200, 200, 201, 202, 204, 207, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503, 524]
HEADERS = [{}, {"retry-after": "3"}, {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}, {"retry-after": "soon"}]


def mangled(random: Random) -> bytes:
    """One published answer with a few values put out of shape, or bytes cut, doubled or replaced."""
    body = deepcopy(random.choice(SAMPLES))
    for _ in range(random.randint(0, 3)):
        spot, name = random.choice(list(spots(body)))
        if random.random() < 0.3 and (isinstance(spot, list) or name in spot):
            del spot[name]
        else:
            spot[name] = deepcopy(random.choice(ODD))
    raw = bytearray(json.dumps(body, ensure_ascii=random.random() < 0.5).encode())
    if random.random() < 0.2 and raw:
        at = random.randrange(len(raw))
        raw = raw[:at] if random.random() < 0.5 else raw[:at] + random.randbytes(3) + raw[at:]
    return bytes(raw)


def spots(body: Any) -> Any:
    names = list(body) if isinstance(body, dict) else range(len(body))
    for name in names:
        yield body, name
        if isinstance(body[name], dict | list) and body[name]:
            yield from spots(body[name])
    if isinstance(body, dict):
        yield body, "ia::error"


def fits(error: IntacctAsanaError, status: int, *, is_write: bool) -> None:
    """Whether the error says no more than the bytes do: after a write, nothing but a clear no says that nothing happened."""
    assert len(error.message) < 1500
    assert status != 200 or isinstance(error, OutcomeUnknown if is_write else UnexpectedReply)
    assert not (is_write and status >= 500) or isinstance(error, OutcomeUnknown)
    assert not isinstance(error, Refused) or 400 <= status < 500
    assert not isinstance(error, TryLater) or isinstance(error, SessionEnded) or status == 429 or not is_write


def judge(status: int, headers: dict[str, str], body: bytes) -> None:
    for is_write in (True, False):
        try:
            envelope = decipher(status, headers, body, asked="approve", is_write=is_write, now=NOW)
        except IntacctAsanaError as error:
            fits(error, status, is_write=is_write)
            continue
        assert status == 200
        assert isinstance(json.loads(body), dict)
        with suppress(IntacctAsanaError):
            acted(envelope, key="132", asked="approve")
            assert envelope["ia::result"]["key"] == "132"
        with suppress(IntacctAsanaError):
            assert bill_from(envelope.get("ia::result"), key="132").key == "132"
        with suppress(IntacctAsanaError):
            page_from(envelope)
    with suppress(TryLater, Misconfigured, UnexpectedReply):
        found = token_from(status, headers, body, asked="token", now=NOW)
        assert status == 200
        assert found.text
        assert 0 < found.lifetime_seconds < 10**8
        assert found.text not in repr(found)


def test_mangled_answers_raise_our_errors_only() -> None:
    random = Random(7)
    for _ in range(4000):
        judge(random.choice(STATUSES), random.choice(HEADERS), mangled(random))


@pytest.mark.slow
def test_many_mangled_answers_raise_our_errors_only() -> None:
    random = Random(8)
    for _ in range(200_000):
        judge(random.choice(STATUSES), random.choice(HEADERS), mangled(random))


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200), status=st.integers(100, 599))
def test_any_bytes_raise_our_errors_only(body: bytes, status: int) -> None:
    judge(status, {}, body)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 50_000, b'{"ia::result": 1e999999999}', b"\xff\xfe{}"])
def test_bodies_made_to_hurt_do_not(body: bytes) -> None:
    judge(200, {}, body)


@pytest.mark.parametrize("field", ["key", "state", "vendor", "totalTxnAmount"])
def test_a_bill_without_what_is_compared_is_none(field: str) -> None:
    for value in (None, 7.5, "", [], "unheard of"):
        body = {**BILL["ia::result"], field: value}
        if field == "totalTxnAmount" and value == 7.5:
            continue
        with pytest.raises(UnexpectedReply):
            bill_from(body, key="132")
