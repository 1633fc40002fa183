"""Facts by time: only a change is a row, the newest reading wins, and nobody changes what was known."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import Any

import pytest
from intacct_asana.closing.facts import BILL, Fact
from intacct_asana.errors import Refused
from intacct_asana.store import FlowStore
from intacct_asana.store.reporting import history as module

from tests.store.store_world import NOON, minutes, opened, run_sql


def fact(text: str, *, is_open: bool = True) -> Fact:
    return Fact(text=text, is_open=is_open)


def held(flow: FlowStore, until: datetime) -> dict[str, str]:
    return {key: one.text for key, one in flow.history().open_at(BILL, until=until).items()}


def keep(flow: FlowStore, at: float, read_at: float | None = None, gone: tuple[str, ...] = (), **facts: Fact) -> int:
    return flow.history().keep(BILL, facts, gone=gone, read_at=minutes(at if read_at is None else read_at), at=minutes(at))


def test_each_instant_holds_what_was_known_before_it(flow: FlowStore) -> None:
    assert keep(flow, 1, a=fact("1"), b=fact("1")) == 2
    assert keep(flow, 2, a=fact("1"), b=fact("2")) == 1
    assert keep(flow, 3, gone=("a", "unknown")) == 1
    assert keep(flow, 4, a=fact("3")) == 1
    told = [held(flow, minutes(at)) for at in (1, 1.5, 2.5, 3.5, 4.5)]
    assert told == [{}, {"a": "1", "b": "1"}, {"a": "1", "b": "2"}, {"b": "2"}, {"a": "3", "b": "2"}]
    assert [one.text for one in flow.history().of(BILL, ["a"], until=minutes(9))["a"]] == ["1", "1", "3"]
    assert flow.history().looked_at(until=minutes(9)) == (minutes(1), None, None)


def test_what_begins_as_over_is_no_news_and_what_is_over_changes_no_more(flow: FlowStore) -> None:
    assert keep(flow, 1, a=fact("paid", is_open=False)) == 0
    assert keep(flow, 2, a=fact("open")) == 1
    assert keep(flow, 3, a=fact("paid", is_open=False)) == 1
    assert keep(flow, 4, a=fact("paid twice", is_open=False)) == 0
    assert held(flow, minutes(9)) == {}


def test_a_run_that_read_before_what_is_known_says_nothing(flow: FlowStore) -> None:
    keep(flow, 5, 4, a=fact("new"))
    assert keep(flow, 6, 3, a=fact("old")) == 0
    assert keep(flow, 7, 3, gone=("a",)) == 0
    assert held(flow, minutes(9)) == {"a": "new"}


def test_where_all_was_read_the_rest_is_gone_but_what_could_not_be_read(flow: FlowStore) -> None:
    keep(flow, 1, a=fact("1"), b=fact("1"), c=fact("1"))
    flow.history().keep(BILL, {"a": fact("1")}, all_but=("b",), read_at=minutes(2), at=minutes(2))
    assert held(flow, minutes(9)) == {"a": "1", "b": "1"}


def test_a_clock_that_was_set_back_puts_nothing_into_the_past(flow: FlowStore) -> None:
    keep(flow, 5, 5, a=fact("1"))
    keep(flow, 3, 6, a=fact("2"))
    assert held(flow, minutes(4)) == {}
    assert held(flow, minutes(5.5)) == {"a": "2"}


def test_looks_are_kept_once_an_hour(flow: FlowStore) -> None:
    for at in (1, 2, 61):
        flow.history().looked(whole=at == 2, at=minutes(at))
    assert flow.history().looked_at(until=minutes(60)) == (None, minutes(2), minutes(1))
    assert flow.history().looked_at(until=minutes(90)) == (None, minutes(2), minutes(61))


@pytest.mark.parametrize("what", ["UPDATE ia_history SET body = 'x'", "DELETE FROM ia_history"])
def test_nobody_changes_what_was_known(flow: FlowStore, url: str, what: str) -> None:
    keep(flow, 1, a=fact("1"))
    with pytest.raises(Exception, match="append-only"):
        run_sql(url, what)
    assert held(flow, minutes(9)) == {"a": "1"}


def test_a_flow_sees_its_own_facts(flow: FlowStore) -> None:
    keep(flow, 1, a=fact("1"))
    other = type(flow)(flow._database, flow="other")
    assert held(other, minutes(9)) == {}
    with pytest.raises(Refused, match="time zone"):
        flow.history().open_at(BILL, until=datetime(2026, 11, 30))  # noqa: DTZ001


def test_of_two_runs_at_once_the_one_that_read_later_is_believed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, other = opened(url).history(), opened(url).history()
    real, stands = module._is_news, threading.Event()

    def slow(*given: Any) -> bool:
        if threading.current_thread().name == "slow":
            stands.set()
            time.sleep(1)
        return real(*given)

    monkeypatch.setattr(module, "_is_news", slow)
    before = {"b": Fact(text="old")}
    thread = threading.Thread(name="slow", target=lambda: other.keep(BILL, before, read_at=NOON, at=minutes(2)))
    thread.start()
    assert stands.wait(5)
    mine.keep(BILL, {"b": Fact(text="new")}, read_at=minutes(1), at=minutes(2))
    thread.join()
    assert mine.open_at(BILL, until=minutes(60))["b"].text == "new"


def test_what_holds_and_nobody_named_is_found(flow: FlowStore) -> None:
    keep(flow, 1, a=fact("1"), b=fact("1"), c=fact("1"), d=fact("1"))
    keep(flow, 2, gone=("b",), a=fact("2"))
    assert sorted(flow.history().open_but(BILL, {"c"}, ("x",))) == ["a", "d"]
    with flow.together():
        keep(flow, 3, e=fact("1"))
        assert sorted(flow.history().open_but(BILL, {"a", "c"}, {"d"})) == ["e"]
