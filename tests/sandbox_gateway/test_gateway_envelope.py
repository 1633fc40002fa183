"""The gateway checks the envelope by the published schema: unknown children, and children in another order."""

from __future__ import annotations

from typing import Any

import pytest

QUERY = "<query><object>VENDOR</object><select><field>RECORDNO</field></select></query>"
NEWER = "<showadditionalerrorinfo>true</showadditionalerrorinfo>"


def changed(gateway: Any, old: str, new: str) -> str:
    body = gateway.envelope(QUERY)
    assert old in body
    return str(gateway.post(body.replace(old, new)).text)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "<dtdversion>3.0</dtdversion>",
            "<dtdversion>3.0</dtdversion><colour>red</colour>",
            "'colour' is not expected in control",
        ),
        (
            "<uniqueid>false</uniqueid><dtdversion>3.0</dtdversion>",
            "<dtdversion>3.0</dtdversion><uniqueid>false</uniqueid>",
            "order",
        ),
        ("<content>", "<content><note/>", "'note' is not expected in content"),
        ("</password></login>", "</password><locationid/><clientid/></login>", "The children of login are not in the order"),
        ("<object>VENDOR</object>", "<object>VENDOR</object><colour/>", "'colour' is not expected in query"),
        ("<object>VENDOR</object>", "<object>VENDOR</object><object>APBILL</object>", "query has one child twice"),
        (
            "</control>",
            f"{NEWER}<includewhitespace>false</includewhitespace></control>",
            "not expected before includewhitespace",
        ),
    ],
)
def test_what_the_schema_does_not_have_is_refused_before_anything_runs(
    sandbox: Any, gateway: Any, old: str, new: str, said: str
) -> None:
    text = changed(gateway, old, new)
    assert "XL03000003" in text
    assert said in text.replace("&#039;", "'")
    assert "<operation>" not in text


def test_error_details_are_taken_last_anywhere_or_not_at_all(sandbox: Any, gateway: Any) -> None:
    assert "<status>success</status><function>query" in changed(gateway, "</control>", f"{NEWER}</control>")
    sandbox.settings(error_details="anywhere")
    assert "<status>success</status><function>query" in changed(gateway, "<dtdversion>", f"{NEWER}<dtdversion>")
    sandbox.settings(error_details="refused")
    assert "XL03000003" in changed(gateway, "</control>", f"{NEWER}</control>")
