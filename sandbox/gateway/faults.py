"""What goes wrong on demand, and when: before the gateway looks at a request, in a function, or on the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sandbox.core import Fault, World
from sandbox.gateway.failures import HttpFailure
from sandbox.gateway.operation import control_failure

IN_FUNCTION = frozenset(
    {"no_status", "no_control_id", "other_function", "aborted", "half_success", "end_session", "lose_stamp", "refuse"}
)
BEFORE = frozenset({"drop", "html"})
AFTER = frozenset({"lost_answer", "empty", "truncated"})
WITH_NUMBER = frozenset({"status", "status_after", "delay"})
_PAGE = (
    "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>"
    '<div class="cf-error-details"><h1>{title}</h1><p>The web server reported an error.</p></div></body></html>'
)
_XML_STATUSES = {400: ("GW-0011", "Invalid Request"), 401: ("XMLGW_JPP0002", "Sign-in information is incorrect.")}


@dataclass(slots=True)
class Trouble:
    """The faults that strike one request, sorted by when they act."""

    delay_seconds: float = 0
    before: str = ""
    after: str = ""
    in_function: dict[int, Fault] = field(default_factory=dict)
    retry_after: str = ""


def is_known(action: str) -> bool:
    """Whether the gateway can play this fault. Controls refuse others, so that a typo does not pass for a calm sea."""
    name, _, number = action.partition(":")
    if name in WITH_NUMBER:
        return number.replace(".", "", 1).isdigit()
    return not number and name in IN_FUNCTION | BEFORE | AFTER


def is_of_the_line(action: str) -> bool:
    """Whether it happens on the way there or back, as it may with either system."""
    return is_known(action) and action.partition(":")[0] not in IN_FUNCTION


def trouble_for(world: World, kinds: Sequence[str]) -> Trouble:
    """Ask once for each function, by its kind, which fault strikes it."""
    trouble = Trouble()
    for at, kind in enumerate(kinds):
        fault = world.fault("intacct", kind)
        if fault is not None:
            _sort(trouble, fault, at)
    return trouble


def _sort(trouble: Trouble, fault: Fault, at: int) -> None:
    name, _, number = fault.action.partition(":")
    trouble.retry_after = str(fault.detail.get("retry_after", trouble.retry_after))
    if name == "delay":
        trouble.delay_seconds += float(number)
    elif name in IN_FUNCTION:
        trouble.in_function[at] = fault
    elif name in BEFORE or name == "status":
        trouble.before = fault.action
    else:
        trouble.after = fault.action


def http_body(status: int) -> tuple[str, str]:
    """Media type and body that come with a status: XML from the gateway itself, HTML from what stands before it."""
    if status == 429:
        return "application/xml", too_many_requests()
    if status in _XML_STATUSES:
        number, said = _XML_STATUSES[status]
        return "application/xml", control_failure(HttpFailure(number, "", f"{said} [Request ID: sbx-7d21]"), None).body
    return "text/html; charset=UTF-8", html_page(f"Error {status}")


def too_many_requests() -> str:
    said = "Too many requests. Your company has reached its limit of concurrent requests. [Request ID: sbx-42aa]"
    return control_failure(HttpFailure("GW-0010", "", said), None).body


def html_page(title: str) -> str:
    return _PAGE.format(title=title)
