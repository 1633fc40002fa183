"""The demo world's fixed names: credentials, gids, people, fields. All of it is invented; none of it is a secret."""

from __future__ import annotations

from typing import TypedDict


class DemoPerson(TypedDict):
    gid: str
    name: str
    email: str
    guest: bool


COMPANY_ID = "SANDBOX-CO"
SENDER_ID = "sandbox_sender"
SENDER_PASSWORD = "sandbox-sender-secret"
WS_USER = "xml_gateway"
WS_PASSWORD = "sandbox-user-secret"
REST_CLIENT_ID = "sandbox-client.app.sage.example"
REST_CLIENT_SECRET = "sandbox-client-secret"
REST_USERNAME = f"{WS_USER}@{COMPANY_ID}"

ASANA_TOKEN = "sandbox-asana-token-1"
WORKSPACE_GID = "1200000000000001"
BILLS_PROJECT_GID = "1200000000000010"
VENDORS_PROJECT_GID = "1200000000000020"

BOT_GID = "1200000000000100"
BOT_NAME = "Intacct Sync"
BOT_EMAIL = "intacct-sync@northwind.example"

PEOPLE: list[DemoPerson] = [
    {"gid": "1200000000000101", "name": "Alice Martin", "email": "alice.martin@northwind.example", "guest": False},
    {"gid": "1200000000000102", "name": "Ben Okafor", "email": "ben.okafor@northwind.example", "guest": False},
    {"gid": "1200000000000103", "name": "Carla Ruiz", "email": "carla.ruiz@northwind.example", "guest": False},
    {"gid": "1200000000000104", "name": "Dev Patel", "email": "dev.patel@northwind.example", "guest": False},
    {"gid": "1200000000000105", "name": "Erin Wolf", "email": "erin.wolf@northwind.example", "guest": False},
    {"gid": "1200000000000110", "name": "Gus Guest", "email": "gus.guest@partner.example", "guest": True},
]

INTACCT_LOGINS = {
    "alice.martin@northwind.example": "amartin",
    "ben.okafor@northwind.example": "bokafor",
    "carla.ruiz@northwind.example": "cruiz",
    "dev.patel@northwind.example": "dpatel",
}
"""Asana email to Intacct login."""

BILL_CLERKS = ("mgarcia", "jchen", "amartin")
"""Logins that enter bills. Alice is one of them, so that segregation of duties bites."""

STAMP_FIELDS = (
    "ASANA_DECISION",
    "ASANA_DECISION_BY",
    "ASANA_DECISION_AT",
    "ASANA_DECISION_ID",
    "ASANA_DECISION_REASON",
    "ASANA_TASK_URL",
    "ASANA_AMOUNT",
    "ASANA_DIGEST",
)
"""Custom text fields on APBILL."""

VENDOR_FIELDS = ("ASANA_TEAM", "ASANA_APPROVER", "ASANA_TASK_URL")
"""Custom text fields on VENDOR."""

PICKLISTS = {"ASANA_TEAM": ("Facilities", "IT", "Marketing", "Operations")}
"""Custom fields that take these values only."""

BASE_CURRENCY = "USD"
ENTITIES = {"US01": "USD", "UK01": "GBP"}
"""Entity id to its base currency."""
BILL_CURRENCIES = ("USD", "EUR", "GBP")
