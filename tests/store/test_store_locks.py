"""Of several processes at once, one gets what only one may have."""

from __future__ import annotations

import time

from intacct_asana.store import open_store
from intacct_asana.store.flow_store import lease

from tests.store.store_world import NOON, crowd


def test_of_a_crowd_that_wants_a_lease_one_holds_it(url: str) -> None:
    open_store(url)

    def hold(number: int) -> str:
        with lease(open_store(url)._database, flow="demo", name="making fields", now=NOON):
            time.sleep(1)
            return "held"

    answers = crowd(4, hold)
    assert answers.count("held") == 1
    assert sum("making fields just now" in answer for answer in answers) == 3
