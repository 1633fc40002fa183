"""Our requests, and the stand-in's answers, have the shapes that Intacct publishes for a bill's workflow.

The shapes are those of the published description of Accounts Payable, version 1; the two examples are its own.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import jsonschema
import pytest
from intacct_asana.errors import Refused
from intacct_asana.intacct.rest.calls import STATES, act_on_bill, bill_from, read_bill, read_waiting
from intacct_asana.intacct.rest.replies import acted, decipher
from intacct_asana.records import BillState

pytestmark = pytest.mark.contract

BASE = "/workflows/accounts-payable/bill"
TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
META = {
    "type": "object",
    "required": ["totalCount", "totalSuccess", "totalError"],
    "properties": {"totalCount": NUMBER, "totalSuccess": NUMBER, "totalError": NUMBER},
}
REQUEST = {
    "type": "object",
    "required": ["key"],
    "properties": {"key": TEXT, "notes": TEXT},
    "additionalProperties": False,
}
ERROR = {
    "type": "object",
    "required": ["ia::result", "ia::meta"],
    "properties": {
        "ia::meta": META,
        "ia::result": {
            "type": "object",
            "required": ["ia::error"],
            "properties": {
                "ia::error": {
                    "type": "object",
                    "required": ["code", "message", "errorId", "additionalInfo", "supportId"],
                    "properties": {"code": TEXT, "message": TEXT, "errorId": TEXT, "supportId": TEXT},
                }
            },
        },
    },
}
STATE_ENUM = [
    *("reversed", "reversal", "analyzing", "partiallyApproved", "submitted", "declined", "noValue"),
    *("posted", "paid", "partiallyPaid", "selected", "draft"),
]
BILL = {
    "type": "object",
    "required": ["key", "id", "state", "billNumber", "vendor", "totalTxnAmount", "currency", "sourceModule", "isOnHold"],
    "properties": {
        "key": TEXT,
        "id": TEXT,
        "state": {"enum": STATE_ENUM},
        "billNumber": TEXT,
        "isOnHold": {"type": "boolean"},
        "recordType": {"const": "pi"},
        "vendor": {"type": "object", "required": ["id"], "properties": {"id": TEXT}},
        "totalTxnAmount": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
        "sourceModule": {"enum": ["accountsPayable", "purchasing"]},
    },
}

APPROVED = """{"ia::result": {"key": "132", "id": "132", "href": "/objects/accounts-payable/bill/132", "state": "approved"},
 "ia::meta": {"totalCount": 3, "totalSuccess": 2, "totalError": 1}}"""
REFUSED = """{"ia::result": {"ia::error": {"code": "invalidRequest",
   "message": "A POST request requires a payload", "errorId": "REST-1028",
   "additionalInfo": {"messageId": "IA.REQUEST_REQUIRES_A_PAYLOAD", "placeholders": {"OPERATION": "POST"}, "propertySet": {}},
   "supportId": "Kxi78%7EZuyXBDEGVHD2UmO1phYXDQAAAAo"}},
 "ia::meta": {"totalCount": 1, "totalSuccess": 0, "totalError": 1}}"""


def acted_schema(said: str) -> dict[str, Any]:
    result = {"key": TEXT, "id": TEXT, "href": TEXT, "state": {"enum": [said]}}
    return {
        "type": "object",
        "required": ["ia::result", "ia::meta"],
        "properties": {"ia::meta": META, "ia::result": {"type": "object", "required": list(result), "properties": result}},
    }


class Overheard:
    """Every request and answer of a hook."""

    def __init__(self, hook: Any) -> None:
        self.heard: list[tuple[str, str, dict[str, Any], bytes | None, int, bytes]] = []
        send, base = hook.transport.send, hook.settings.base_url

        def listen(method: str, url: str, **how: Any) -> Any:
            answer = send(method, url, **how)
            told = (method, url.removeprefix(base), dict(how["headers"]), how["content"], answer.status, answer.body)
            self.heard.append(told)
            return answer

        hook.transport.send = listen


@pytest.mark.parametrize("meta", ["single", "published"])
@pytest.mark.parametrize(("act", "said"), [("approve", "approved"), ("decline", "declined")])
def test_requests_and_answers_have_the_published_shapes(
    sandbox: Any, a_rest_hook: Any, variables: Any, act: str, said: str, meta: str
) -> None:
    sandbox.settings(rest_meta=meta)
    hook = a_rest_hook(extra={"entity_id": "US01"})
    overheard = Overheard(hook)
    key = sandbox.act("intacct", "mgarcia", "create_bill")["record_no"]
    hook.bill(key)
    getattr(hook, act)(key, notes="Carla Ruiz")
    with pytest.raises(Refused):
        getattr(hook, act)(key, notes="Carla Ruiz")
    token, read, done, refused = overheard.heard
    assert (token[0], token[1]) == ("POST", "/oauth2/token")
    assert token[2]["Content-Type"] == "application/x-www-form-urlencoded"
    assert set(parse_qs(str(token[3], "ascii"))) == {"grant_type", "client_id", "client_secret", "username"}
    assert set(json.loads(token[5])) == {"token_type", "access_token", "refresh_token", "expires_in"}
    assert (read[0], read[1], read[3]) == ("GET", f"/objects/accounts-payable/bill/{key}", None)
    jsonschema.validate(json.loads(read[5])["ia::result"], BILL)
    for each, status, schema in ((done, 200, acted_schema(said)), (refused, 422, ERROR)):
        assert (each[0], each[1], each[4]) == ("POST", f"{BASE}/{act}", status)
        assert each[2]["Authorization"].startswith("Bearer ")
        assert (each[2]["Content-Type"], each[2]["X-IA-API-Param-Entity"]) == ("application/json", "US01")
        jsonschema.validate(json.loads(each[3] or b""), REQUEST)
        jsonschema.validate(json.loads(each[5]), schema)


def test_the_published_examples_are_understood() -> None:
    envelope = decipher(200, {}, APPROVED.encode(), asked="approve", is_write=True)
    acted(envelope, key="132", asked="approve")
    with pytest.raises(Refused, match="400 invalidRequest REST-1028 'A POST request requires a payload'") as caught:
        decipher(400, {}, REFUSED.encode(), asked="approve", is_write=True)
    assert "Kxi78%7EZuyXBDEGVHD2UmO1phYXDQAAAAo" in caught.value.message


def test_every_published_state_is_one_of_the_gateways_and_no_other() -> None:
    assert set(STATES) == set(STATE_ENUM)
    assert set(STATES.values()) == set(BillState)


def test_a_query_keeps_to_the_published_filters() -> None:
    content = read_waiting(start=1).content
    assert content is not None
    assert set(content) == {"object", "fields", "filters", "filterParameters", "orderBy", "start", "size"}
    assert content["filters"] == [{"$in": {"state": ["submitted", "partiallyApproved"]}}]
    assert content["size"] <= 4000


def test_only_approve_and_decline_are_writes() -> None:
    assert not read_bill("1").is_write
    assert not read_waiting(start=1).is_write
    assert act_on_bill("approve", "1", notes="").is_write


def test_a_bill_of_the_published_shape_is_read() -> None:
    body = {"key": "60", "state": "submitted", "billNumber": "B", "vendor": {"id": "V"}, "totalTxnAmount": "12.50"}
    assert str(bill_from(body, key="60").total) == "12.50"
