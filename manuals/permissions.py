"""What the code asks of each system, and the right that each call needs: the sheets of docs/connect-real-accounts.md.

What is called is read from the code: objects of Intacct by their names, writes by the mark that every writing method has, and Asana's
calls by method and path. What each needs is said below; a call without its right here fails `script/docs`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from intacct_asana.intacct.reading import NEEDED, WISHED
from intacct_asana.intacct.records import DOCUMENT, DOCUMENT_SELECT
from intacct_asana.intacct.walks import AUDIT, EDIT_FIELDS

from manuals import PACKAGE
from manuals.pages import NoPlace, Parts, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """A right of Intacct's roles, by what asks for it. `when` is which flows need it, and `without` what is so if it is missing."""

    right: str
    when: str
    without: str = "preflight says so, and the runs stop"


ALWAYS = "every flow"
READS: dict[str, Right] = {
    "APBILL": Right(right="Accounts Payable, Bills: List, View", when=ALWAYS),
    "APBILLITEM": Right(right="Accounts Payable, Bills: List, View (the lines come with it)", when=ALWAYS),
    "VENDOR": Right(right="Accounts Payable, Vendors: List, View", when=ALWAYS),
    "APPYMT": Right(
        right="Accounts Payable, AP payments: List, View",
        when="`payments: details` (the default), `payee_change`",
        without="say `payments: totals`",
    ),
    "APPYMTDETAIL": Right(right="Accounts Payable, AP payments: List, View", when="as above", without="say `payments: totals`"),
    "APBILLBATCH": Right(
        right="Accounts Payable, AP summaries: List, View",
        when="`closed_books: refuse` or a number of days",
        without="decisions wait, since nobody can tell whether the books are open; or say `closed_books: accept`",
    ),
    "USERINFO": Right(
        right="Company, Users: List, View",
        when="segregation of duties",
        without="logins are compared as the flow file declares them, and not looked up",
    ),
    "AUDITHISTORY": Right(
        right="Platform Services, Custom reports: View",
        when="`deletions: audit` (the default), `payee_change`",
        without="deletions are found within `sweep_hours`; `payee_change` cannot do without",
    ),
    "ROLEASSIGNMENT": Right(
        right="Company, Roles: List, View", when="the access matrix (docs/evidence.md)", without="it says that it cannot tell"
    ),
    "ROLEPOLICYASSIGNMENT": Right(right="Company, Roles: List, View", when="as above", without="as above"),
    "MEMBERUSERGROUP": Right(right="Company, User groups: List, View", when="as above", without="as above"),
    "PODOCUMENT": Right(
        right="Purchasing, Purchasing transactions: List, View",
        when="the step `purchasing`",
        without="preflight says so; take the step out",
    ),
}
"""By the object that is read."""

WRITES: dict[str, Right] = {
    "stamp_bill": Right(
        right="Accounts Payable, Bills: Edit",
        when="the step `stamp`: eight custom fields of the bill, nothing else",
        without="use `steps: [observe]`",
    ),
    "hold_bill": Right(
        right="Accounts Payable, Bills: Edit",
        when="`hold`, `release_hold`, `intake: [hold]`, `payee_change` with `hold`",
        without="take the step out",
    ),
    "submit_bill": Right(right="Accounts Payable, Bills: Edit, Post", when="the step `submit`", without="take the step out"),
    "request_payment": Right(
        right="Accounts Payable, AP payments: Add", when="the step `payment_request`", without="take the step out"
    ),
    "approve_document": Right(
        right="Purchasing, Purchasing transactions: List, View; and to be an approver of them",
        when="the step `purchasing`",
        without="take the step out",
    ),
    "update_vendor": Right(
        right="Accounts Payable, Vendors: Edit",
        when="vendors' fields with `intacct_field`",
        without="leave `intacct_field` out",
    ),
}
"""By the method that writes."""

ATTACHMENTS = Right(right="Company, Attachments: List, View", when="`attachments: file`", without="say `link` or `none`")
NATIVE = Right(
    right="Accounts Payable, Bills: List, View, Edit; Approve bills: List, with the approval level where approvals go by value",
    when="the step `rest_workflow`, for the user of the REST connection",
    without="take the step out",
)

NOT_SAID = "not documented"
SCOPES: dict[tuple[str, str], str] = {
    ("GET", "/attachments"): "attachments:read",
    ("POST", "/attachments"): "attachments:write",
    ("POST", "/custom_fields"): "custom_fields:write",
    ("POST", "/custom_fields/{gid}/enum_options"): "custom_fields:write",
    ("GET", "/events"): NOT_SAID,
    ("GET", "/memberships"): NOT_SAID,
    ("GET", "/projects"): "projects:read",
    ("GET", "/projects/{gid}"): "projects:read",
    ("POST", "/projects/{gid}/addCustomFieldSetting"): "projects:write",
    ("GET", "/projects/{gid}/custom_field_settings"): "projects:read",
    ("GET", "/projects/{gid}/sections"): NOT_SAID,
    ("POST", "/projects/{gid}/sections"): NOT_SAID,
    ("POST", "/sections/{gid}/addTask"): "tasks:write",
    ("GET", "/tasks"): "tasks:read",
    ("POST", "/tasks"): "tasks:write",
    ("GET", "/tasks/{gid}"): "tasks:read",
    ("PUT", "/tasks/{gid}"): "tasks:write",
    ("POST", "/tasks/{gid}/addFollowers"): "tasks:write",
    ("POST", "/tasks/{gid}/addProject"): "tasks:write",
    ("GET", "/tasks/{gid}/stories"): "stories:read",
    ("POST", "/tasks/{gid}/stories"): "stories:write",
    ("GET", "/tasks/{gid}/subtasks"): "tasks:read",
    ("POST", "/tasks/{gid}/subtasks"): "tasks:write",
    ("GET", "/teams/{gid}/users"): "users:read",
    ("GET", "/users"): "users:read",
    ("GET", "/users/{gid}"): "users:read",
    ("GET", "/webhooks"): "webhooks:read",
    ("POST", "/webhooks"): "webhooks:write",
    ("PUT", "/webhooks/{gid}"): "webhooks:write",
    ("DELETE", "/webhooks/{gid}"): "webhooks:delete",
    ("GET", "/workspaces"): "workspaces:read",
    ("GET", "/workspaces/{gid}/agents"): NOT_SAID,
    ("GET", "/workspaces/{gid}/custom_fields"): "custom_fields:read",
    ("GET", "/workspaces/{gid}/workspace_memberships"): NOT_SAID,
}
"""Scopes of OAuth by call, as Asana's OpenAPI description has them; a test compares both where that file is at hand."""


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def writing_methods(path: Path) -> list[str]:
    """Methods that are marked as writing, in the order of the file."""
    return [
        node.name
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(mark, ast.Name) and mark.id == "mutates" for mark in node.decorator_list)
    ]


def asana_calls() -> list[tuple[str, str]]:
    """Method and path of each call to Asana, sorted by path."""
    found = {call for name in ("calls", "webhooks") for call in _calls_in(_tree(PACKAGE / "asana" / f"{name}.py"))}
    return sorted(found, key=lambda call: (call[1], call[0]))


def _calls_in(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        paths = {
            node.targets[0].id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and (call := _call(node, paths)):
                yield call


def _call(node: ast.Call, paths: dict[str, ast.expr]) -> tuple[str, str] | None:
    given = {word.arg: word.value for word in node.keywords} | dict(zip(("first", "second"), node.args, strict=False))
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in ("get", "get_list"):
        return "GET", _path(given["first"], paths)
    if name == "send":
        return _path(given["first"], paths), _path(given["second"], paths)
    return (_path(given["method"], paths), _path(given["path"], paths)) if name == "Request" else None


def _path(node: ast.expr, paths: dict[str, ast.expr]) -> str:
    if isinstance(node, ast.Name):
        return _path(paths[node.id], paths)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{gid}" for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""


def fields_read() -> dict[str, tuple[str, ...]]:
    """Every field that the code selects, by object; the fields of a flow's own `stamp` and `intacct_field` come on top."""
    found = {name: tuple(dict.fromkeys((*NEEDED[name], *WISHED[name]))) for name in NEEDED}
    return found | {AUDIT: EDIT_FIELDS, DOCUMENT: DOCUMENT_SELECT}


def intacct_sheet() -> str:
    """One row for each right, with what asks for it."""
    writes = writing_methods(PACKAGE / "intacct" / "writing.py")
    missing = [name for name in writes if name not in WRITES] + [name for name in fields_read() if name not in READS]
    if missing:
        raise NoPlace(f"these calls to Intacct have no right in manuals/permissions.py: {', '.join(missing)}")
    rows = [(right.right, f"reading {name}", right.when, right.without) for name, right in READS.items()]
    rows += [(right.right, f"`{name}`", right.when, right.without) for name, right in WRITES.items()]
    rows += [(ATTACHMENTS.right, "reading attachments", ATTACHMENTS.when, ATTACHMENTS.without)]
    rows += [(NATIVE.right, "approve and decline over REST", NATIVE.when, NATIVE.without)]
    return table(("right of the role", "for", "needed by", "without it"), rows)


def field_sheet() -> str:
    """Every field that is read of Intacct, by object."""
    return table(("object", "fields"), [(name, ", ".join(fields)) for name, fields in fields_read().items()])


def asana_sheet() -> str:
    """One row for each scope, with the calls that need it."""
    calls = asana_calls()
    if missing := [f"{method} {path}" for method, path in calls if (method, path) not in SCOPES]:
        raise NoPlace(f"these calls to Asana have no scope in manuals/permissions.py: {', '.join(missing)}")
    by_scope: dict[str, list[str]] = {}
    for call in calls:
        by_scope.setdefault(SCOPES[call], []).append(f"`{call[0]} {call[1]}`")
    rows = [(f"`{scope}`" if scope != NOT_SAID else scope, ", ".join(named)) for scope, named in sorted(by_scope.items())]
    return table(("scope", "calls"), rows)


PARTS: Parts = {"intacct-rights": intacct_sheet, "asana-scopes": asana_sheet}
PRIVACY: Parts = {"intacct-fields": field_sheet}
