"""Steps of a flow that are carried out at a prompt to be looked at: both systems are read, and nothing is written or kept.

A look works as a rehearsal does, so the hooks refuse writes. What a rehearsal still keeps (pins, plans, calls) goes into a
scratch store beside the flow's own, which is thrown away; the flow's own is opened for reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from intacct_asana.commands.terminal import in_airflow, missing_file
from intacct_asana.deployment import evidence_keys
from intacct_asana.flow.model import Flow
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, store_url
from intacct_asana.records import Pins
from intacct_asana.store import FlowStore, StoredPlan, kept_open
from intacct_asana.store.database import Database, open_database

Step = TypeVar("Step", bound=FlowOperator)


class LookingStore(FlowStore):
    """A flow's store for a look. `own` is the flow's, which is only read; `scratch` takes whatever a step keeps."""

    def __init__(self, own: Database, *, scratch: Database, flow: Flow) -> None:
        super().__init__(own, flow=flow.flow, evidence_keys=evidence_keys, rehearses=True, file_digest=flow.file_digest)
        self._always = scratch
        self._noted = FlowStore(scratch, flow=flow.flow)

    def pins(self, kind: str) -> Pins | None:
        """Those that this look made, else those of the flow's last preflight."""
        return self._noted.pins(kind) or super().pins(kind)

    def plan(self, plan_id: str) -> StoredPlan | None:
        return self._noted.plan(plan_id) or super().plan(plan_id)


@contextmanager
def looked_at(flow: Flow) -> Iterator[FlowRun]:
    """The flow with both systems and its store, for a look. A store that is not there yet is not made: it is empty."""
    in_airflow()
    url = store_url(flow.connections.store)
    with TemporaryDirectory(prefix="intacct-asana-look-", ignore_cleanup_errors=True) as folder, kept_open():
        scratch = open_database(f"sqlite:///{Path(folder) / 'look.db'}")
        run = FlowRun(flow).dry()
        run.store = LookingStore(scratch if missing_file(url) else open_database(url), scratch=scratch, flow=run.flow)
        yield run


def step_of(kind: type[Step], run: FlowRun, **more: object) -> Step:
    """A step that works with what the look works with."""
    step = kind(task_id="look", flow=run.flow.flow, **more)
    step.__dict__["run_parts"] = run
    return step
