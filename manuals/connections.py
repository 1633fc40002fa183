"""Every field of the connections: the form's from the provider information, those of the extra alone from the list below.

Which keys of the extra are read is not told here: a test has the code read an extra that notes what it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from intacct_asana.get_provider_info import ASANA, INTACCT, INTACCT_REST

from manuals.pages import Parts, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What one field is for; `default` is what counts when it is left out."""

    what: str
    default: str = ""


HOSTS = Key(
    what="a JSON list of host names, with `*`, to which credentials may go; anything else is refused",
    default='`["*.intacct.com"]`',
)
TIMEOUT = "seconds to wait for a byte of the answer, and for the whole of it"

ANY_LINE: Mapping[str, Key] = {
    "verify": Key(
        what="path of a CA bundle, where a proxy of yours re-signs TLS; it cannot be switched off",
        default="the usual authorities",
    ),
    "verify_ssl": Key(what="another name of `verify`"),
    "cert": Key(what="client certificate: a file, or `[certificate, key]` as two files"),
    "proxies": Key(
        what='a proxy for each scheme, as in `{"https": "http://proxy.example.com:3128"}`', default="what HTTPS_PROXY says"
    ),
    "proxy": Key(what="one proxy for both schemes, as text"),
    "trust_env": Key(what="`false` keeps HTTPS_PROXY, NO_PROXY and the like out of it", default="`true`"),
}
"""Of the extra of every connection that speaks HTTP."""

FIELDS: Mapping[str, Mapping[str, Key]] = {
    "intacct": {
        "host": Key(what="the gateway", default="`https://api.intacct.com/ia/xml/xmlgw.phtml`"),
        "login": Key(what="the Web Services user; such users cannot sign in to Intacct's pages", default="needed"),
        "password": Key(what="that user's", default="needed"),
        "company_id": Key(what="as at sign-in", default="needed"),
        "sender_id": Key(
            what="of your Web Services subscription; the company authorises it under Company, Security", default="needed"
        ),
        "sender_password": Key(what="of your Web Services subscription", default="needed"),
        "entity_id": Key(what="work inside one entity", default="the top level"),
        "client_id": Key(what="for consoles of several companies only"),
        "read_only": Key(what="refuse every write to Intacct", default="`false`"),
        "timeout_seconds": Key(what=f"{TIMEOUT}; Intacct may take minutes", default="300"),
        "max_concurrency": Key(
            what="calls at once to the company from one machine, whichever connection makes them, 1 to 10; give the Airflow pool as many slots",
            default="1",
        ),
        "allowed_endpoint_hosts": HOSTS,
        "timestamp_format": Key(
            what="how this user's preferences write times, as Python's strptime says it", default="`%m/%d/%Y %H:%M:%S`"
        ),
        "timestamp_offset": Key(what="how far those times are from GMT, as in `-08:00`", default="0"),
        "timestamp_zone": Key(
            what="`America/Los_Angeles`: instead of an offset, where Intacct writes change times by the company's clocks with daylight "
            "saving; manual windows and backfills follow them",
        ),
        "error_details": Key(
            what="`when taken`: errors are asked for with their stable ids once preflight has seen that the gateway takes such a "
            "request, which it tries once; or `on`, `off`. To have it tried again, delete the Variable `intacct_error_details__<connection>`",
            default="`when taken`",
        ),
        **ANY_LINE,
    },
    "intacct_rest": {
        "host": Key(what="for production and sandbox companies alike", default="`https://api.intacct.com/ia/api/v1`"),
        "login": Key(
            what="client id of an application that you register in Sage's developer console; its scope (Production or "
            "Non-production) has to be that of the company, and cannot be changed later",
            default="needed",
        ),
        "password": Key(what="that application's secret", default="needed"),
        "username": Key(
            what="`user@company`, or `user@company|entity` to work inside one entity: the Web Services user of `intacct_default`",
            default="needed",
        ),
        "entity_id": Key(what="for a user of the top level that is to act in one entity", default="the top level"),
        "read_only": Key(what="refuse every approval and decline", default="`false`"),
        "timeout_seconds": Key(what=TIMEOUT, default="120"),
        "allowed_endpoint_hosts": HOSTS,
        **ANY_LINE,
    },
    "asana_rest": {
        "host": Key(what="Asana's API", default="`https://app.asana.com/api/1.0`"),
        "password": Key(
            what="a personal access token or service account token of a user made for the integration",
            default="needed, unless OAuth is used",
        ),
        "workspace": Key(what="gid of the projects' workspace; once preflight ran, that of the bills' project is asked"),
        "read_only": Key(what="refuse every write to Asana", default="`false`"),
        "requests_per_minute": Key(what="1500 on paid plans, 150 on a free one; what one task may use", default="1500"),
        "max_reads": Key(what="reads at once; 50 is Asana's limit. What one task may use", default="50"),
        "max_writes": Key(what="writes at once; 15 is Asana's limit. What one task may use", default="15"),
        "client_id": Key(what="of an OAuth app, instead of a token; with the next two, and with full permissions"),
        "client_secret": Key(what="of that app"),
        "refresh_token": Key(what="what the user granted that app"),
        "timeout_seconds": Key(what=TIMEOUT, default="60"),
        **ANY_LINE,
    },
}
FORMS: Mapping[str, dict[str, Any]] = {one["connection-type"]: one for one in (INTACCT, INTACCT_REST, ASANA)}
STANDARD = ("host", "login", "password")
"""Fields that every connection has; all others are keys of the extra."""


def field_table(kind: str) -> str:
    """All fields of one type of connection, those of the form first."""
    return table(("in the form", "key", "what", "when left out"), _rows(kind))


def _rows(kind: str) -> Iterator[tuple[str, str, str, str]]:
    form = FORMS[kind]
    labels = form["ui-field-behaviour"]["relabeling"]
    labels = {**labels, **{name: field["label"] for name, field in form["conn-fields"].items()}}
    for name, key in FIELDS[kind].items():
        yield labels.get(name, "(extra only)"), f"`{name}`" if name in STANDARD else f"extra `{name}`", key.what, key.default


PARTS: Parts = {kind: partial(field_table, kind) for kind in FIELDS}
