"""Of several processes at once, one gets what only one may have."""

from __future__ import annotations

import time
from datetime import timedelta

from intacct_asana.store import FlowStore, open_store
from intacct_asana.store.flow_store import lease

from tests.store.store_world import NOON, crowd


def test_of_a_crowd_that_registers_a_webhook_one_may(flow: FlowStore) -> None:
    def begin(number: int) -> str:
        ends = NOON + timedelta(minutes=2)
        flow.webhooks().begin(f"{number}" * 32, project_gid="1", bot_gid="2", at=NOON, expires_at=ends)
        return "may"

    for _ in range(4):
        answers = crowd(4, begin)
        (begun,) = flow.webhooks().all()
        assert answers.count("may") == 1
        assert sum("is being registered right now" in answer for answer in answers) == 3
        flow.webhooks().give_up(begun.hook_id)


def test_of_a_crowd_that_wants_a_lease_one_holds_it(url: str) -> None:
    open_store(url)

    def hold(number: int) -> str:
        with lease(open_store(url)._database, flow="demo", name="making fields", now=NOON):
            time.sleep(1)
            return "held"

    answers = crowd(4, hold)
    assert answers.count("held") == 1
    assert sum("making fields just now" in answer for answer in answers) == 3
