"""Marks the methods that change the other system, and stops them on a read-only connection."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from intacct_asana.errors import Misconfigured


class Guarded(Protocol):
    """A hook that knows its connection's id and whether its extra says `"read_only": true`."""

    @property
    def conn_id(self) -> str: ...

    @property
    def read_only(self) -> bool: ...


Hook = TypeVar("Hook", bound=Guarded)
Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def mutates(
    method: Callable[Concatenate[Hook, Arguments], Answer],
) -> Callable[Concatenate[Hook, Arguments], Answer]:
    """`method`, but Misconfigured before anything leaves when the hook's connection is read-only.

    Not Refused: that is the other side's no, and would end a decision that only has to wait.

    The result carries `changes_other_system = True`, so that a test can list every writing method.
    """

    @wraps(method)
    def guarded(self: Hook, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        if self.read_only:
            raise Misconfigured(
                f"Connection {self.conn_id} is read-only, so {method.__name__} was not sent. "
                'Take "read_only" out of its extra if it may write.',
                code="read_only",
            )
        return method(self, *args, **kwargs)

    guarded.changes_other_system = True  # type: ignore[attr-defined]
    return guarded
