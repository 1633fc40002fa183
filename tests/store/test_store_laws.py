"""Laws of the store: what goes in comes out, time order is text order, and no history of decisions breaks the chain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from intacct_asana.codec import from_json, instant_of, instant_text, json_text, to_json
from intacct_asana.errors import Refused
from intacct_asana.records import ON_THE_WAY, Decision, DecisionState, PinnedField, Pins, Signal, TaskDraft
from intacct_asana.store import FlowStore, Store, open_store

from tests.conftest import evidence_keys
from tests.databases import KINDS
from tests.store.store_world import NOON, a_decision, a_link, a_snapshot, minutes

pytestmark = pytest.mark.laws

# Lone surrogates too: a broken emoji in a comment comes out of JSON as one.
TEXT = st.text(alphabet=st.characters(exclude_categories=()))
MONEY = st.decimals(allow_nan=False, allow_infinity=False)
INSTANTS = st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.timezones())  # noqa: DTZ001
SAFE_TEXT = st.text(st.characters(codec="utf-8"))
VALUES = st.none() | TEXT | MONEY | st.dates() | st.lists(TEXT).map(tuple)

_numbers = count(1)


@pytest.fixture(scope="module", params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    if request.param == "postgresql":
        return open_store(request.getfixturevalue("postgres_server").new_database(kept=True), evidence_keys=evidence_keys)
    return open_store(f"sqlite:///{tmp_path_factory.mktemp('laws') / 'store.db'}", evidence_keys=evidence_keys)


def fresh(store: Store) -> FlowStore:
    """Each example has a flow of its own: as good as a new database, and much faster."""
    return store.for_flow(f"flow-{next(_numbers)}")


@given(st.builds(Decision, signal=st.builds(Signal, decided_at=INSTANTS.map(lambda each: each.astimezone(UTC)))))
@settings(max_examples=60, deadline=None)
def test_any_decision_survives_its_json(decision: Decision) -> None:
    assert from_json(Decision, to_json(decision)) == decision


@given(TEXT, INSTANTS)
@settings(max_examples=100, deadline=None)
def test_any_text_and_instant_of_a_signal_survives(text: str, decided_at: datetime) -> None:
    # In UTC, because Python calls instants of two zones unequal around a change of clocks.
    decision = a_decision(decided_at=decided_at.astimezone(UTC), outcome=text, rule=text)
    assert from_json(Decision, to_json(decision)) == decision
    assert to_json(decision).isascii()


TEXTS = st.dictionaries(st.text(), st.text())
FIELDS = st.builds(PinnedField, options=TEXTS)


@given(st.builds(Pins, fields=st.dictionaries(st.text(), FIELDS), sections=TEXTS, people=TEXTS))
@settings(max_examples=60, deadline=None)
def test_any_pins_survive_their_json(pins: Pins) -> None:
    assert from_json(Pins, to_json(pins)) == pins


@given(INSTANTS, INSTANTS)
@settings(max_examples=200, deadline=None)
def test_text_order_is_time_order(one: datetime, two: datetime) -> None:
    assert instant_of(instant_text(one)) == one.astimezone(UTC)
    assert (instant_text(one) < instant_text(two)) == (one.astimezone(UTC) < two.astimezone(UTC))
    assert len(instant_text(one)) == 27


@given(st.dictionaries(SAFE_TEXT, MONEY | SAFE_TEXT | st.integers()), st.randoms())
@settings(max_examples=60, deadline=None)
def test_canonical_json_does_not_depend_on_the_order_of_keys(facts: dict[str, object], random: object) -> None:
    names = list(facts)
    random.shuffle(names)  # type: ignore[attr-defined]
    assert json_text({name: facts[name] for name in names}) == json_text(facts)


@given(st.dictionaries(TEXT, VALUES, max_size=4), TEXT)
@settings(max_examples=40, deadline=None)
def test_any_confirmed_draft_survives_the_store(store: Store, fields: dict[str, object], name: str) -> None:
    draft = TaskDraft(key="k", name=name, notes=name, fields=fields)  # type: ignore[arg-type]
    links = fresh(store).links("bill")
    links.save(a_link("k", confirmed=draft))
    found = links.of(["k"])["k"].confirmed
    assert found == draft
    assert {gid: str(value) for gid, value in found.fields.items()} == {gid: str(value) for gid, value in fields.items()}
    assert not any(isinstance(value, float) for value in found.fields.values())


@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from("abc")), min_size=1, max_size=7))
@settings(max_examples=25, deadline=None)
def test_what_was_shown_is_what_was_saved_last_by_then(store: Store, saved: list[tuple[int, str]]) -> None:
    links = fresh(store).links("bill")
    history: list[tuple[int, str]] = []
    for minute, digest in saved:
        links.save(a_link(), shown=a_snapshot(digest), shown_at=minutes(minute))
        # Saving the same again is no news, so it does not move the newest time either.
        if not history or history[-1][1] != digest:
            history.append((max(minute, history[-1][0] if history else 0), digest))
    for at in range(-1, 11):
        before = [digest for minute, digest in history if minute <= at]
        found = links.shown("bill-1", task_gid="task of bill-1", at=minutes(at))
        assert (found.digest if found else None) == (before[-1] if before else None)
    assert links.showing(["bill-1"])["bill-1"].digest == saved[-1][1]


STEPS = st.tuples(
    st.sampled_from(["record", "advance", "acknowledge"]), st.integers(0, 2), st.sampled_from(list(DecisionState))
)


@given(st.lists(STEPS, max_size=14))
@example([("record", 0, DecisionState.RECORDED), *[("advance", 0, DecisionState.CONFIRMED)] * 2])
@settings(max_examples=30, deadline=None)
def test_no_history_of_decisions_breaks_the_chain(store: Store, steps: list[tuple[str, int, DecisionState]]) -> None:
    flow = fresh(store)
    known: dict[int, Decision] = {}
    written = 0
    for verb, number, state in steps:
        decision = known.get(number, a_decision(str(number), decided_at=NOON + timedelta(minutes=number)))
        before = decision
        try:
            if verb == "record":
                new = flow.decisions().record([replace_state(decision)], at=NOON)
                assert bool(new) == (number not in known)
                known.setdefault(number, decision)
                written += len(new)
                continue
            if verb == "advance":
                known[number] = flow.decisions().advance(decision, to=state, facts={"n": Decimal("1.10")}, at=NOON)
            else:
                known[number] = flow.decisions().acknowledge(decision, story_gid="1", at=NOON)
            assert number in known
            # An arrow to itself is evidence too; telling a second time is none.
            written += verb == "advance" or known[number] != before
        except Refused:
            assert known.get(number, before) == before
    oldest_first = [known[number] for number in sorted(known)]
    assert flow.decisions().of("bill-1") == oldest_first
    assert flow.decisions().unsettled() == [each for each in oldest_first if each.state in ON_THE_WAY]
    assert flow.decisions().unacknowledged() == [
        each for each in oldest_first if each.state not in ON_THE_WAY and not each.acknowledged
    ]
    assert len(flow.evidence()) == written
    assert flow.verify_evidence() == []


def replace_state(decision: Decision) -> Decision:
    """As reading the same story once more would find it."""
    return a_decision(decision.decision_id, decided_at=decision.signal.decided_at)
