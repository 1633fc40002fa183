"""What a flow file says of plans over its limits: who may let one through, and how long they are asked."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from intacct_asana.flow.words import FRACTION, Line, Part


class Release(Part):
    """A plan over a limit waits for a person in Airflow, in the DAG `<flow>_release_plan`."""

    people: Annotated[tuple[Line, ...], Field(min_length=1)]
    """Airflow users who may answer, by the id that Airflow's auth manager gives them: the user name with the simple one, the
    number of the user with FAB."""

    wait_hours: Annotated[float, Field(ge=0.01, le=720), FRACTION] = 24
    """How long a plan waits; 0.5 is half an hour. Without an answer nothing is written."""
