"""What a flow's runs may cost, and when they need not ask."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from intacct_asana.flow.words import FRACTION, WHOLE, Part, flaw


class Meter(Part):
    """How many calls a month the company's contract with Intacct holds."""

    monthly_calls: Annotated[int, Field(ge=1), WHOLE]
    """Calls a month, of all flows of the company together. Runs forecast the month against it and warn."""

    warn_at: Annotated[float, Field(gt=0, le=1), FRACTION] = 0.8
    """The part of them from which runs warn, and before it where the month will need more than all of them."""


class Idle(Part):
    """A quiet time, in which scheduled runs leave out what they would ask Intacct. Decisions are carried out as ever."""

    after_minutes: Annotated[int, Field(ge=10, le=10_080), WHOLE] = 120
    """How long nothing may have changed before a quiet time begins."""

    every_minutes: Annotated[int, Field(ge=10, le=1440), WHOLE] = 60
    """How often everything is read in a quiet time: the longest that a change in Intacct waits for a run to read it."""

    glance_minutes: Annotated[int, Field(ge=10, le=1440), WHOLE] | None = None
    """How often, between two of those, a few calls ask whether any bill was made or changed. Left out, nothing is asked."""

    @model_validator(mode="after")
    def _glances_between(self) -> Idle:
        if self.glance_minutes and self.glance_minutes >= self.every_minutes:
            raise flaw("has a `glance_minutes` that is not below `every_minutes`", "leave it out, or make it smaller")
        return self
