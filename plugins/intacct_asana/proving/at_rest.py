"""Intacct's REST API as it answers: a token, and reading by GET. Nothing here can write."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from intacct_asana.errors import IntacctAsanaError
from intacct_asana.intacct.rest.connection import ENTITY_HEADER
from intacct_asana.intacct.rest.hook import IntacctRestHook
from intacct_asana.intacct.rest.replies import decipher
from intacct_asana.proving.at_asana import Said

TOKEN_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class RestPort:
    def __init__(self, hook: IntacctRestHook) -> None:
        self.hook = hook

    @property
    def company_id(self) -> str:
        return self.hook.settings.company_id

    def token(self) -> Said:
        """The answer to a request for a token; what is secret in it goes no further than the question."""
        settings = self.hook.settings
        answer = self.hook.transport.send(
            "POST",
            f"{settings.base_url}/oauth2/token",
            headers=TOKEN_HEADERS,
            content=settings.token_form,
            is_write=False,
            asked="asking for a token",
        )
        return Said(status=answer.status, headers=answer.headers, body=_json(answer.body))

    def get(self, path: str, *, bearer: str = "") -> Said:
        """The answer to a GET, with our token unless another one is given."""
        settings, asked = self.hook.settings, "GET of a question"
        headers = {"Authorization": f"Bearer {bearer or self.hook.tokens.token().text}", "Accept": "application/json"}
        if settings.sends_entity:
            headers[ENTITY_HEADER] = settings.entity_id
        answer = self.hook.transport.send("GET", settings.base_url + path, headers=headers, is_write=False, asked=asked)
        error = None
        try:
            decipher(answer.status, answer.headers, answer.body, asked=asked, is_write=False)
        except IntacctAsanaError as no:
            error = no
        return Said(status=answer.status, headers=answer.headers, body=_json(answer.body), error=error)


def _json(body: bytes) -> dict[str, Any]:
    with suppress(ValueError):
        found = json.loads(body)
        return found if isinstance(found, dict) else {}
    return {}
