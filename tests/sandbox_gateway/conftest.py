"""A bare client for the gateway: builds envelopes as the published schema shows them and hands back the parsed answer."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import pytest
import requests
from lxml import etree

from sandbox import constants

LOGIN = (
    f"<login><userid>{constants.WS_USER}</userid><companyid>{constants.COMPANY_ID}</companyid>"
    f"<password>{constants.WS_PASSWORD}</password></login>"
)


class GatewayClient:
    """`ask` sends one or more functions; `reply` is the last answer's root, `status` its HTTP status."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()
        self.auth = LOGIN
        self.counter = 0

    def post(self, body: bytes | str, **headers: str) -> requests.Response:
        data = body.encode() if isinstance(body, str) else body
        return self.http.post(self.url, data=data, headers={"Content-Type": "application/xml", **headers}, timeout=20)

    def envelope(
        self,
        *functions: str,
        auth: str | None = None,
        sender: str = constants.SENDER_ID,
        password: str = constants.SENDER_PASSWORD,
        unique: str | None = "false",
        transaction: bool = False,
        control_ids: tuple[str, ...] = (),
        extra: str = "",
    ) -> str:
        self.counter += 1
        ids = control_ids or tuple(f"f{self.counter}-{at}" for at in range(len(functions)))
        calls = "".join(
            f'<function controlid="{escape(control_id)}">{function}</function>'
            for control_id, function in zip(ids, functions, strict=True)
        )
        once = f"<uniqueid>{unique}</uniqueid>" if unique is not None else ""
        atomic = ' transaction="true"' if transaction else ""
        return (
            f"<?xml version='1.0' encoding='UTF-8'?><request><control><senderid>{sender}</senderid>"
            f"<password>{password}</password><controlid>c{self.counter}</controlid>{once}<dtdversion>3.0</dtdversion>"
            f"<includewhitespace>false</includewhitespace>{extra}</control>"
            f"<operation{atomic}><authentication>{self.auth if auth is None else auth}</authentication>"
            f"<content>{calls}</content></operation></request>"
        )

    def ask(self, *functions: str, **options: Any) -> etree._Element:
        answer = self.post(self.envelope(*functions, **options))
        self.status, self.text = answer.status_code, answer.text
        return etree.fromstring(answer.content)

    def result(self, function: str, **options: Any) -> etree._Element:
        found = self.ask(function, **options).find("operation/result")
        assert found is not None, self.text
        return found

    def data(self, function: str, **options: Any) -> etree._Element:
        result = self.result(function, **options)
        assert result.findtext("status") == "success", self.text
        found = result.find("data")
        assert found is not None
        return found

    def open_session(self, inner: str = "") -> str:
        session_id = self.data(f"<getAPISession>{inner}</getAPISession>").findtext("api/sessionid")
        assert session_id
        self.auth = f"<sessionid>{session_id}</sessionid>"
        return session_id

    def query(
        self,
        name: str,
        select: str = "RECORDNO",
        where: str = "",
        order: str = "RECORDNO",
        page: str = "<pagesize>2000</pagesize>",
        options: str = "",
    ) -> etree._Element:
        fields = "".join(f"<field>{field}</field>" for field in select.split())
        filtered = f"<filter>{where}</filter>" if where else ""
        orders = "".join(f"<order><field>{field}</field><ascending/></order>" for field in order.split())
        ordered = f"<orderby>{orders}</orderby>" if orders else ""
        extra = f"<options>{options}</options>" if options else ""
        return self.data(f"<query><object>{name}</object><select>{fields}</select>{filtered}{ordered}{extra}{page}</query>")

    def rows(self, *arguments: str, **options: str) -> list[dict[str, str]]:
        return [{cell.tag: cell.text or "" for cell in row} for row in self.query(*arguments, **options)]

    def update_bill(self, record_no: str, fields: str, **options: Any) -> etree._Element:
        return self.result(f"<update><APBILL><RECORDNO>{record_no}</RECORDNO>{fields}</APBILL></update>", **options)


def said(element: etree._Element) -> list[tuple[str, str]]:
    """Errors as (errorno, description2)."""
    return [(error.findtext("errorno") or "", error.findtext("description2") or "") for error in element.iter("error")]


@pytest.fixture
def gateway(sandbox: Any) -> GatewayClient:
    return GatewayClient(sandbox.gateway_url)


@pytest.fixture(name="said")
def _said() -> Any:
    return said
