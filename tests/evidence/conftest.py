"""A flow whose approvals leave evidence, with the real operators on the sandbox."""

from __future__ import annotations

from tests.standing.conftest import a_flow, connected

__all__ = ["a_flow", "connected"]
