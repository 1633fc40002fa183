"""Asana's error envelope and the texts that its clients meet."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException

HELP = (
    "For more information on API status codes and how to handle them, read the docs on errors: "
    "https://developers.asana.com/docs/errors"
)
PHRASE = "6 sad squid snuggle softly"
RATE_LIMIT = "You've made too many requests and hit a rate limit. Please retry after the given amount of time."
STALE_SYNC = (
    "Sync token invalid or too old. If you are attempting to keep resources in sync, you must fetch the full dataset "
    "for this query now and use the new sync token for the next sync."
)


class AsanaError(HTTPException):
    """One refusal. `beside` goes into the body next to `errors` (the new `sync` of a 412)."""

    def __init__(self, status: int, message: str, *, headers: dict[str, str] | None = None, **beside: Any) -> None:
        super().__init__(status_code=status, detail=message, headers=headers)
        self.beside = beside

    def body(self) -> dict[str, Any]:
        error = {"message": self.detail, "help": HELP}
        if self.status_code == 500:
            error["phrase"] = PHRASE
        return {"errors": [error], **self.beside}


def bad(message: str) -> AsanaError:
    return AsanaError(400, message)


def no_route() -> AsanaError:
    return AsanaError(404, "No matching route for request")


def unauthorized() -> AsanaError:
    return AsanaError(401, "Not Authorized")


def forbidden(message: str) -> AsanaError:
    return AsanaError(403, message)


def needs_payment(message: str) -> AsanaError:
    return AsanaError(402, message)


def unknown(resource: str, gid: object, *, in_path: bool = False) -> AsanaError:
    """An object that does not exist: 404 where it was in the path, 400 where it was in the body or query."""
    return AsanaError(404 if in_path else 400, f"{resource}: Unknown object: {gid}")


def unplayed(what: str) -> AsanaError:
    """Asana has it, this stand-in does not. Said aloud, so that nobody takes an answer of ours for Asana's."""
    return AsanaError(501, f"The sandbox does not play {what}, which Asana has. docs/sandbox.md says what it plays.")


def too_many(retry_after_seconds: int) -> AsanaError:
    return AsanaError(429, RATE_LIMIT, headers={"Retry-After": str(retry_after_seconds)})
