"""What Airflow knows of this provider: connection types and their forms, operators, assets, settings.

Found through `plugins/intacct_asana-*.dist-info` when the plugins folder is on PYTHONPATH, or through an editable install.
"""

from __future__ import annotations

from typing import Any

TEXT = {"type": ["string", "null"]}
SECRET = {"type": ["string", "null"], "format": "password"}
SWITCH = {"type": "boolean", "default": False}


def whole_number(default: int) -> dict[str, Any]:
    return {"type": ["integer", "null"], "default": default}


INTACCT: dict[str, Any] = {
    "hook-class-name": "intacct_asana.intacct.hook.IntacctHook",
    "connection-type": "intacct",
    "hook-name": "Sage Intacct (XML gateway)",
    "ui-field-behaviour": {
        "hidden-fields": ["port", "schema"],
        "relabeling": {"host": "Gateway URL", "login": "Web services user id", "password": "Web services user password"},
        "placeholders": {"host": "https://api.intacct.com/ia/xml/xmlgw.phtml"},
    },
    "conn-fields": {
        "company_id": {"label": "Company id", "schema": {"type": "string"}},
        "sender_id": {"label": "Sender id", "schema": {"type": "string"}},
        "sender_password": {"label": "Sender password", "schema": SECRET},
        "entity_id": {"label": "Entity id", "description": "Blank works at top level", "schema": TEXT},
        "client_id": {"label": "Client id", "description": "Multi-company consoles only", "schema": TEXT},
        "read_only": {"label": "Read only", "description": "Refuse every write to Intacct", "schema": SWITCH},
        "timeout_seconds": {"label": "Timeout, seconds", "schema": whole_number(300)},
    },
}

INTACCT_REST: dict[str, Any] = {
    "hook-class-name": "intacct_asana.intacct.rest.hook.IntacctRestHook",
    "connection-type": "intacct_rest",
    "hook-name": "Sage Intacct (REST, native approval)",
    "ui-field-behaviour": {
        "hidden-fields": ["port", "schema"],
        "relabeling": {"host": "API URL", "login": "Client id", "password": "Client secret"},
        "placeholders": {"host": "https://api.intacct.com/ia/api/v1"},
    },
    "conn-fields": {
        "username": {"label": "User", "description": "user@company, or user@company|entity", "schema": {"type": "string"}},
        "entity_id": {"label": "Entity id", "description": "For a user of the top level; blank works there", "schema": TEXT},
        "read_only": {"label": "Read only", "description": "Refuse every approval and decline", "schema": SWITCH},
        "timeout_seconds": {"label": "Timeout, seconds", "schema": whole_number(120)},
    },
}

ASANA: dict[str, Any] = {
    "hook-class-name": "intacct_asana.asana.hook.AsanaHook",
    "connection-type": "asana_rest",
    "hook-name": "Asana (REST)",
    "ui-field-behaviour": {
        "hidden-fields": ["port", "schema", "login"],
        "relabeling": {"host": "API URL", "password": "Personal access or service account token"},
        "placeholders": {"host": "https://app.asana.com/api/1.0"},
    },
    "conn-fields": {
        "workspace": {"label": "Workspace gid", "schema": TEXT},
        "read_only": {"label": "Read only", "description": "Refuse every write to Asana", "schema": SWITCH},
        "requests_per_minute": {
            "label": "Requests per minute",
            "description": "1500 on paid plans, 150 on a free one",
            "schema": whole_number(1500),
        },
        "max_reads": {"label": "Reads at once", "schema": whole_number(50)},
        "max_writes": {"label": "Writes at once", "schema": whole_number(15)},
        "client_id": {"label": "OAuth client id", "description": "Instead of a token, with the next two", "schema": TEXT},
        "client_secret": {"label": "OAuth client secret", "schema": SECRET},
        "refresh_token": {"label": "OAuth refresh token", "schema": SECRET},
    },
}


INTEGRATIONS = [
    {"integration-name": "Sage Intacct", "external-doc-url": "https://developer.intacct.com/", "tags": ["service"]},
    {"integration-name": "Asana", "external-doc-url": "https://developers.asana.com/", "tags": ["service"]},
]

OPERATORS = (
    "operators.approvals",
    "operators.controls.checking",
    "operators.controls.context",
    "operators.documents",
    "operators.drift.comparing",
    "operators.drift.repairing",
    "operators.evidence",
    "operators.flow_run",
    "operators.people.exceptions",
    "operators.people.reminding",
    "operators.preflight",
    "operators.read_decisions",
    "operators.release.asking",
    "operators.runs.reporting",
    "operators.syncing",
    "operators.vendor_fields",
    "operators.watching.watch",
    "operators.webhooks",
)
"""Modules in which there are some, a line each; a test says which are missing."""

INTACCT_HOOKS, ASANA_HOOKS = ("intacct.hook", "intacct.rest.hook"), ("asana.hook",)
HOOKS = (*INTACCT_HOOKS, *ASANA_HOOKS)

CONFIG: dict[str, Any] = {
    "intacct_asana": {
        "description": "Sage Intacct and Asana, joined. An environment variable that is named here goes before the option.",
        "options": {
            "mappings": {
                "description": "Folder of the flow files: include/mappings beside the plugins folder when empty. "
                "INTACCT_ASANA_MAPPINGS goes before it.",
                "version_added": "0.1.0",
                "type": "string",
                "example": "/opt/airflow/include/mappings",
                "default": "",
            },
            "exports": {
                "description": "Folder that exports of the evidence are written to: intacct_asana_exports under AIRFLOW_HOME "
                "when empty. INTACCT_ASANA_EXPORTS goes before it.",
                "version_added": "0.1.0",
                "type": "string",
                "example": "/opt/airflow/exports",
                "default": "",
            },
            "preload": {
                "description": "Whether the process that task processes are forked from imports the steps once: the scheduler "
                "with LocalExecutor, and Celery workers whose configuration imports intacct_asana.workers.celery.",
                "version_added": "0.1.0",
                "type": "boolean",
                "example": None,
                "default": "True",
            },
        },
    }
}


def get_provider_info() -> dict[str, Any]:
    """In Airflow's provider format. `airflow providers get intacct-asana --full` shows it."""
    return {
        "package-name": "intacct-asana",
        "name": "Intacct and Asana",
        "description": "Sage Intacct's XML gateway and Asana's REST API, joined: bills become tasks, approvals return.",
        "integrations": INTEGRATIONS,
        "connection-types": [INTACCT, INTACCT_REST, ASANA],
        "hooks": [
            {"integration-name": "Sage Intacct", "python-modules": _modules(*INTACCT_HOOKS)},
            {"integration-name": "Asana", "python-modules": _modules(*ASANA_HOOKS)},
        ],
        "operators": [{"integration-name": "Sage Intacct", "python-modules": _modules(*OPERATORS)}],
        "triggers": [{"integration-name": "Asana", "python-modules": _modules("triggers.asana_events")}],
        "notifications": _modules("operators.watching.callbacks.TellFailure", "operators.watching.callbacks.TellFailedRun"),
        # No plugin: Airflow finds it in the plugins folder, and says of one that comes twice that it is in error.
        "asset-uris": [_assets(scheme) for scheme in ("intacct", "asana")],
        "config": CONFIG,
    }


def _modules(*names: str) -> list[str]:
    return [f"intacct_asana.{name}" for name in names]


def _assets(scheme: str) -> dict[str, Any]:
    return {
        "schemes": [scheme],
        "handler": f"intacct_asana.lineage.assets.checked_{scheme}_uri",
        "factory": f"intacct_asana.lineage.assets.{scheme}_asset",
        "to_openlineage_converter": "intacct_asana.lineage.openlineage.to_openlineage",
    }
