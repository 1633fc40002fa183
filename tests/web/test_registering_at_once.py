"""Several processes register the flow's webhook at the same moment: one may, whichever database the store stands in."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.operators.flow_run import utc_now
from intacct_asana.operators.webhooks import register

from sandbox import constants
from tests.databases import NewStore, airflow_connection
from tests.store.store_world import crowd
from tests.web.conftest import Office

PROCESSES = 4


def test_of_a_crowd_that_registers_a_webhook_one_may(
    office: Office, new_store: NewStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_INTACCT_ASANA_STORE", json.dumps(airflow_connection(new_store())))
    assert office.hooks.all() == []

    def work(number: int) -> str:
        run, board = office.run, office.run.unpinned_board
        create = board.create_webhook

        def while_the_others_try(*about: str) -> Any:
            made = create(*about)
            for _ in range(2000):
                if len(list(tmp_path.glob("over *"))) == PROCESSES - 1:
                    break
                time.sleep(0.01)
            return made

        board.create_webhook = while_the_others_try
        try:
            return str(register(run, board=board, now=utc_now()).webhook.gid)
        finally:
            (tmp_path / f"over {number}").touch()

    answers = crowd(PROCESSES, work)
    [there] = office.run.unpinned_board.webhooks(constants.WORKSPACE_GID, constants.BILLS_PROJECT_GID)
    assert sorted(answer.partition(":")[0] for answer in answers) == [there.gid, *["TryLater"] * (PROCESSES - 1)], answers
    assert [row.webhook_gid for row in office.hooks.all()] == [there.gid]
