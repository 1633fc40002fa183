"""A flow with exceptions over the sandbox, whose clock the test moves."""

from __future__ import annotations

from tests.drift.conftest import kept

__all__ = ["kept"]
