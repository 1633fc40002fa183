"""Waking early: settings of what may start approval_reconciliation between two scheduled runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from intacct_asana.mapping.field_rules import Part
from intacct_asana.mapping.words import PublicUrl


class Waking(Part):
    """How `wake` does its work."""

    poll_seconds: Annotated[int, Field(ge=2, le=300)] = 3
    """`watcher`: seconds between two looks at Asana's events. Each look is one request of the token's minute."""

    public_url: PublicUrl | None = None
    """`webhook`: where Asana reaches Airflow's API server, as in https://airflow.example.com."""
