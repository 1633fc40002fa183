"""Requests to the Intacct XML gateway, as bytes. One function in one request, always."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from intacct_asana.errors import Misconfigured

Element = etree._Element

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML 1.0 cannot carry, not even as a reference (https://www.w3.org/TR/xml/#charsets)."""

FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The web services sender: the programme that calls, not the user it calls for."""

    sender_id: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The web services user. `entity_id` blank means top level; `client_id` is for multi-company consoles only."""

    user_id: str
    company_id: str
    password: str = field(repr=False)
    client_id: str = ""
    entity_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionId:
    value: str = field(repr=False)


def clean(text: str) -> str:
    """`text` without the characters that would make the gateway refuse the whole request."""
    return FORBIDDEN.sub("", text)


def element(name: str, *content: str | Element) -> Element:
    """An element holding either one text or other elements. The text is cleaned here and escaped when it is written."""
    made = etree.Element(name)
    for part in content:
        if isinstance(part, str):
            made.text = clean(part)
        else:
            made.append(part)
    return made


def record(name: str, fields: Mapping[str, str]) -> Element:
    """An object for `create` or `update`, one element a field.

    Raises Misconfigured for a field name that is not an integration id, since flow files name custom fields.
    """
    for field_name in fields:
        if not FIELD_NAME.fullmatch(field_name):
            raise Misconfigured(f"{field_name!r} cannot be an Intacct field: integration ids are letters, digits and _.")
    return element(name, *(element(field_name, text) for field_name, text in fields.items()))


def request(
    sender: Sender,
    who: Login | SessionId,
    function: Element,
    *,
    control_id: str,
    unique: bool,
    error_details: bool = False,
) -> bytes:
    """The whole request for one function, as UTF-8. With `error_details` errors are asked for with their stable ids.

    `control_id` stands on the function, where the gateway looks for repeats when `unique` is true; leaving `uniqueid` out
    would switch that check on (https://developer.intacct.com/web-services/requests/). It is 1 to 256 characters.
    """
    if not 1 <= len(control_id) <= 256:
        raise Misconfigured(f"A control id has 1 to 256 characters, not {len(control_id)}.")
    carried = element("function", function)
    carried.set("controlid", clean(control_id))
    operation = element("operation", element("authentication", _identity(who)), element("content", carried))
    operation.set("transaction", "false")
    root = element("request", _control(sender, control_id, unique=unique, error_details=error_details), operation)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _control(sender: Sender, control_id: str, *, unique: bool, error_details: bool) -> Element:
    """Children in the order of the vendor's published schema (2019).

    `showadditionalerrorinfo` is documented and newer than the schema; where it stands among the others is told nowhere, so
    it goes last, and only where it has been taken before.
    """
    newer = (element("showadditionalerrorinfo", "true"),) if error_details else ()
    return element(
        "control",
        element("senderid", sender.sender_id),
        element("password", sender.password),
        element("controlid", control_id),
        element("uniqueid", "true" if unique else "false"),
        element("dtdversion", "3.0"),
        element("includewhitespace", "false"),
        *newer,
    )


def _identity(who: Login | SessionId) -> Element:
    if isinstance(who, SessionId):
        return element("sessionid", who.value)
    login = element(
        "login", element("userid", who.user_id), element("companyid", who.company_id), element("password", who.password)
    )
    if who.client_id:
        login.append(element("clientid", who.client_id))
    if who.entity_id:
        login.append(element("locationid", who.entity_id))
    return login


def get_session() -> Element:
    """`getAPISession`: has to be alone in its request (https://developer.intacct.com/api/company-console/api-sessions/)."""
    return element("getAPISession")


def lookup(object_name: str) -> Element:
    return element("lookup", element("object", object_name))


def read_user_formatting(user_id: str) -> Element:
    return element("readUserFormatting", element("userId", user_id))


def create(object_name: str, fields: Mapping[str, str], *lists: Element) -> Element:
    """`create` of one record, with the lists that belong to it."""
    made = record(object_name, fields)
    made.extend(lists)
    return element("create", made)


def update(object_name: str, fields: Mapping[str, str]) -> Element:
    """`update` of one record. Only the fields named are touched; a list element would replace the list, so none is sent."""
    return element("update", record(object_name, fields))
