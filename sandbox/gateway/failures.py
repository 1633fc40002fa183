"""What the gateway says when it says no: one exception for each level of an answer."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

_support = itertools.count(0x51A0)


@dataclass
class Failure(Exception):
    """A failure of one function. `description2` usually holds the cause, `correction` what to do."""

    errorno: str
    description: str = ""
    description2: str = ""
    correction: str = ""

    def __post_init__(self) -> None:
        super().__init__(self.description2 or self.description)


class AuthenticationFailure(Failure):
    """The gateway does not know the user, the session, or the sender's right to the company."""


class ControlFailure(Failure):
    """The gateway did not look at the operation at all."""


class HttpFailure(Failure):
    """A control failure of the front gateway, with an HTTP status of its own."""

    status = 400


def support_id() -> str:
    """`[Support ID: ...]` with the id percent-encoded, as the gateway appends it."""
    return f"[Support ID: Sbx{next(_support):04X}%7EZ-DZ%7EAAAAA%2Db%5F1]"


def invalid_session(session_id: str) -> AuthenticationFailure:
    return AuthenticationFailure("XL03000006", "", f"Invalid session {session_id[:10]}....")


def bad_login() -> AuthenticationFailure:
    return AuthenticationFailure("XL03000006", "", "Sign-in information is incorrect")


def bad_value(name: str, value: str, why: str) -> Failure:
    said = f"The value '{value}' of {name} is not valid: {why}. {support_id()}"
    return Failure("XL03000003", f"Invalid value for {name}", said)


def no_permission(operation: str, object_name: str) -> Failure:
    said = f"You do not have permission for API operation {operation} on objects of type {object_name.lower()} {support_id()}"
    # Seen in the wild: a refusal to read the audit history comes without a number.
    return Failure("" if object_name == "AUDITHISTORY" else "PL04000005", "", said)
