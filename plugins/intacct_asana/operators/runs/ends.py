"""What every step leaves behind when it ends: its calls on the meter, and why it failed, for the run's last step to say."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from intacct_asana.errors import IntacctAsanaError
from intacct_asana.reports.meter import INTACCT
from intacct_asana.store import FlowStore
from intacct_asana.text import cut

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

FAILURE = "failure"
"""XCom key under which a step that failed says why, and what it called."""
LONGEST_FAILURE = 2000

log = logging.getLogger(__name__)


class Counted(Protocol):
    """What a step worked with, as far as the meter asks."""

    def calls(self) -> Mapping[str, int]: ...

    def now(self) -> datetime: ...

    def workspace_gid(self) -> str: ...

    @property
    def company_id(self) -> str: ...

    @property
    def store(self) -> FlowStore: ...


def note_end(context: Context, flow: str, run: Counted | None, error: BaseException | None = None) -> None:
    """Counts the calls. Of a failure nobody can ask Airflow later on, so its words are left as an XCom."""
    if error:
        # Another's error may hold anything; only our own are made to be read.
        said = error.message if isinstance(error, IntacctAsanaError) else f"{type(error).__name__}, see the step's log"
        kept = {"words": cut(said, characters=LONGEST_FAILURE), "calls": run.calls() if run else {}}
        # No word about an error may take the error's place.
        with suppress(Exception):
            context["ti"].xcom_push(key=FAILURE, value=kept)
    if run and (job := job_of(context, flow=flow)):
        count_calls(run, job)


def count_calls(run: Counted, job: str) -> None:
    """Adds what a step called to the meter. That something cannot be counted is no reason to fail."""
    try:
        for system, calls in run.calls().items():
            if calls:
                account = run.company_id if system == INTACCT else run.workspace_gid()
                run.store.calls().add(system=system, company=account, job=job, day=run.now().date(), calls=calls)
    except IntacctAsanaError as error:
        log.warning("The calls of this step are not counted: %s", error.message)


def job_of(context: Context, *, flow: str) -> str:
    """The DAG's name without the flow's: `bill_sync`. Empty where a step is run by itself."""
    dag = context.get("dag")
    return dag.dag_id.removeprefix(f"{flow}_") if dag else ""
