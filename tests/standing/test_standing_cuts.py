"""A cut at every single call of decisions: what both sides say in the end is what they say without a cut.

All stories of a decision happen in one company, each on a bill of its own. A crash is an exception that nothing of ours
catches, raised below everything of ours; what the network does is played by the sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from intacct_asana.errors import IntacctAsanaError
from requests.adapters import HTTPAdapter

from tests.databases import NewStore
from tests.intacct_rest.rest_world import rest_connection
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN
from tests.standing.standing_world import COMMENT_WAY, OPEN_STATES, TRIES, Standing

pytestmark = [pytest.mark.cuts, pytest.mark.airflow]
CRASH_BEFORE, CRASH_AFTER = "our process dies before the call", "our process dies after the call"
LINE = {"the call never arrives": "drop", "its answer is lost": "lost_answer"}
KINDS = (CRASH_BEFORE, CRASH_AFTER, *LINE)
SAMPLES = 2
"""Cuts of each decision in the short half."""
TOGETHER = 4
"""Bills that are made at once, for a cut each."""
FOREIGN = {"ASANA_DECISION": "Approved", "ASANA_DECISION_BY": "Frida Former", "ASANA_DECISION_ID": "dec-of-another-flow"}
APPROVED, REJECTED, UNDECIDED = ("approved", "Approved"), ("rejected", "Rejected"), ("", "Pending")
TWO_STEPS = f"  rules: [{{name: all, steps: [{{name: first, by: [{ALICE}]}}, {{name: second, by: [{BEN}]}}]}}]"
NOT_APPROVED = (UNDECIDED, ("void", "Pending"))

Flow = Callable[..., Standing]


class Crash(BaseException):
    """Our process is gone."""


# The decisions. Each is prepared, and what is cut is one run; `last` is the newest bill.


@dataclass(frozen=True, kw_only=True)
class Story:
    """`make` is the bill; `before` happens without cuts; `what` is cut; both sides say one of `ends` in the end."""

    before: Callable[[Standing, int], None]
    ends: tuple[tuple[str, str], ...]
    make: dict[str, Any] | None = None
    syncs: bool = False
    """Whether the bill sync is part of what is cut."""
    alone: bool = False
    """Whether each cut needs a company of its own."""
    approval: str = ""
    again: bool = False
    """Whether the bill can be approved after all of it."""
    steps: str = "stamp"
    writes: int | None = None
    """Updates that Intacct carries out in the end, where their number is certain."""
    on_hold: bool = False
    """Whether the bill is on hold in the end."""
    write_back: str = ""
    """What its steps need to be allowed."""
    payments: int = 0
    """Payments of the bill in the end."""
    documents: tuple[str, ...] = ()
    """Who approved the document behind the bill, once each."""


def approves(flow: Standing, bill: int) -> None:
    flow.approve(ALICE, bill=bill)


def rejects(flow: Standing, bill: int) -> None:
    flow.act(BEN, "comment", bill=bill, text="too dear")
    flow.choose(BEN, "Rejected", bill=bill)


def both_choose(flow: Standing, bill: int) -> None:
    approves(flow, bill)
    rejects(flow, bill)


def is_edited_after_the_stamp(flow: Standing, bill: int) -> None:
    approves(flow, bill)
    flow.run()
    assert flow.says(bill) == APPROVED
    flow.edit(bill=bill, amount="40000.00")


def changes_in_the_second_of_the_write(flow: Standing, bill: int) -> None:
    approves(flow, bill)
    flow.edit_in_the_moment("act_before", bill=bill, amount="40000.00")


def is_found_with_a_task_of_ours(flow: Standing, bill: int) -> None:
    """The store is lost between the choice and the run."""
    approves(flow, bill)
    flow.pass_time(1)
    flow.open_new_store()
    flow.preflight()


def was_altered(flow: Standing, bill: int) -> None:
    flow.act(ERIN, "write", bill=bill, field="Amount", value="9.90")
    approves(flow, bill)


def gives_the_last_step(flow: Standing, bill: int) -> None:
    approves(flow, bill)
    flow.run()
    assert flow.says(bill) == UNDECIDED
    flow.choose(BEN, "Approved", bill=bill)


def is_edited_between_two_steps(flow: Standing, bill: int) -> None:
    approves(flow, bill)
    flow.run()
    flow.edit(bill=bill, amount="700.00")
    flow.sync()
    flow.choose(BEN, "Approved", bill=bill)


def says_approve(flow: Standing, bill: int) -> None:
    flow.act(ALICE, "comment", bill=bill, text="approve")


def may_not_be_released(flow: Standing, bill: int) -> None:
    """The second step is refused for good."""
    flow.sandbox.settings(refuses_release=True)
    approves(flow, bill)


def approves_a_document_too(flow: Standing, bill: int) -> None:
    flow.sandbox.act("intacct", "mgarcia", "set_document_state", record_no=flow.bills[bill], state="Submitted")
    approves(flow, bill)


PAIR, HELD = "stamp, release_hold", {"on_hold": True}
STORIES: dict[str, Story] = {
    "approve": Story(before=approves, ends=(APPROVED,)),
    "reject with a reason": Story(before=rejects, ends=(REJECTED,)),
    "refused over the limit": Story(before=approves, ends=(UNDECIDED,), make={"amount": "40000.00"}),
    "superseded": Story(before=both_choose, ends=(REJECTED,)),
    "void after the stamp": Story(before=is_edited_after_the_stamp, ends=(("void", "Pending"),)),
    "changed in the second of the write": Story(before=changes_in_the_second_of_the_write, ends=NOT_APPROVED),
    "a stamp as found": Story(before=rejects, ends=(("approved", "Approved"), ("approved", "Pending")), make=FOREIGN),
    "an adopted task": Story(before=is_found_with_a_task_of_ours, ends=(UNDECIDED,), syncs=True, alone=True, again=True),
    "an altered amount": Story(before=was_altered, ends=(UNDECIDED,), syncs=True, again=True),
    "the first of two steps": Story(before=approves, ends=(UNDECIDED,), approval=TWO_STEPS),
    "the last of two steps": Story(before=gives_the_last_step, ends=(APPROVED,), approval=TWO_STEPS),
    "changed between two steps": Story(before=is_edited_between_two_steps, ends=(UNDECIDED,), approval=TWO_STEPS),
    "a comment": Story(before=says_approve, ends=(("approved", "None"),), approval=COMMENT_WAY),
    "two writes": Story(before=approves, ends=(APPROVED,), make=HELD, steps=PAIR, writes=2),
    "a second write that is refused": Story(
        before=may_not_be_released, ends=(("void", "Pending"),), make=HELD, steps=PAIR, writes=2, on_hold=True
    ),
    "held again after two writes": Story(
        before=is_edited_after_the_stamp, ends=(("void", "Pending"),), make=HELD, steps=PAIR, writes=4, on_hold=True
    ),
    "a draft that is submitted": Story(
        before=approves,
        ends=(APPROVED,),
        make={"state": "Draft"},
        steps="submit, stamp",
        write_back="  submit_may_post: true",
        approval="  states: [Draft, Submitted, Posted]",
        writes=2,
    ),
    "a payment request": Story(
        before=approves,
        ends=(APPROVED,),
        steps="stamp, payment_request",
        write_back="  payment_request: {account: OPER_CHK, method: ACH}",
        writes=1,
        payments=1,
    ),
    "an approval in Purchasing": Story(
        before=approves_a_document_too,
        ends=(APPROVED,),
        make={"module": "9.PO"},
        steps="stamp, purchasing",
        writes=1,
        documents=("xml_gateway",),
    ),
    "approved in Intacct itself": Story(
        before=approves,
        ends=(APPROVED,),
        make={"state": "Submitted"},
        steps="stamp, rest_workflow",
        write_back="  rest_workflow: {approve: true, decline: true}",
        writes=2,
    ),
}


# Playing them.


class Cutter:
    """Counts HTTP calls below everything of ours, and dies at the one that is named."""

    def __init__(self, sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sandbox, self.made, self.at, self.kind = sandbox, 0, 0, ""
        send = HTTPAdapter.send

        def counted(adapter: Any, *args: Any, **kwargs: Any) -> Any:
            self.made += 1
            dies = self.made == self.at
            if dies and self.kind == CRASH_BEFORE:
                raise Crash
            answer = send(adapter, *args, **kwargs)
            if dies and self.kind == CRASH_AFTER:
                raise Crash
            return answer

        monkeypatch.setattr(HTTPAdapter, "send", counted)

    @contextmanager
    def cutting(self, at: int, kind: str) -> Iterator[None]:
        """`at` 0 cuts nothing and counts."""
        self.made, self.at, self.kind = 0, at, kind
        if at and kind in LINE:
            self.sandbox.fault("*", "*", LINE[kind], on_call=at)
        try:
            yield
        except Crash:
            assert kind in (CRASH_BEFORE, CRASH_AFTER)
        except IntacctAsanaError:
            # A task that failed; Airflow runs it again.
            assert at, "it failed without a cut"
        finally:
            self.at = 0


def told_of(
    flow: Standing, story: Story, cutter: Cutter, *, bill: int, at: int = 0, kind: str = ""
) -> tuple[int, tuple[Any, ...]]:
    """Play it on this bill; how it ended, without times and ids."""
    # No run lists tasks of the story before.
    flow.pass_time(minutes=25)
    flow.sandbox.clear_faults()
    story.before(flow, bill)
    flow.pass_time(1)
    with cutter.cutting(at, kind):
        for step in ((flow.sync,) if story.syncs else ()) + (flow.read, flow.settle, flow.tell):
            step()
    calls = cutter.made
    clear_all_but_moments(flow)
    heal(flow)
    end = (flow.says(bill), flow.held(bill)["ASANA_DECISION_BY"], flow.held(bill)["ASANA_DECISION_REASON"])
    ends = (*end, len(flow.comments(bill)), sorted((str(one.state), one.rule) for one in flow.decisions(bill)))
    assert flow.says(bill) in story.ends, (at, kind, ends)
    assert flow.bill(bill)["on_hold"] is story.on_hold, (at, kind)
    if story.writes:
        made = flow.sandbox.state("intacct")["api_updates"].get(flow.bills[bill], 0)
        assert made == story.writes, f"call {at}: {kind}: {made} writes in Intacct"
    if story.payments or story.documents:
        whole, record_no = flow.sandbox.state("intacct"), flow.bills[bill]
        paid = [one for one in whole["payments"] if record_no in {each["bill"] for each in one["details"]}]
        assert len(paid) == story.payments, (at, kind)
        behind = f"PO{int(flow.bill(bill)['source_document'] or 0):05d}"
        by = [who for one in whole["documents"] if one["name"].endswith(behind) for who in one["approved_by"]]
        assert tuple(by) == story.documents, (at, kind)
    assert all(one.acknowledged for one in flow.decisions(bill)), (at, kind)
    if story.again:
        flow.approve(ALICE, bill=bill)
        heal(flow)
        assert flow.says(bill) == APPROVED, (at, kind, flow.told(bill), flow.rules_of(bill))
    return calls, ends


def new_bills(flow: Standing, story: Story, count: int) -> range:
    """So many more, with their tasks."""
    flow.sandbox.clear_faults()
    before = len(flow.bills)
    flow.bills += [flow.make_bill(**(story.make or {})) for _ in range(count)]
    # Whoever logs in does it here, and not where calls are counted.
    assert flow.cycle() == []
    return range(before, len(flow.bills))


def clear_all_but_moments(flow: Standing) -> None:
    """What a person was about to do in the second of a write, they do when it comes to that."""
    faults = flow.sandbox.call("GET", "/_sandbox/faults")
    flow.sandbox.clear_faults()
    for fault in faults:
        if fault["action"].startswith("act_") and not fault["struck"]:
            flow.sandbox.fault(fault["system"], fault["kind"], fault["action"], detail=fault["detail"])


def heal(flow: Standing) -> None:
    """Runs as a schedule would start them, until one is green, and one more, which writes anew what that one found altered."""
    for _ in range(TRIES):
        flow.pass_time(minutes=6)
        if not (failed := flow.cycle()):
            break
    assert not failed, [error.message for error in failed]
    assert flow.cycle() == []


@pytest.fixture
def a_cutter(connected: Any, monkeypatch: pytest.MonkeyPatch) -> Cutter:
    monkeypatch.setenv("AIRFLOW_CONN_INTACCT_REST_DEFAULT", json.dumps(rest_connection(connected)))
    return Cutter(connected, monkeypatch)


def play(a_flow: Flow, cutter: Cutter, story: Story, pick: Callable[[list[tuple[int, str]]], list[tuple[int, str]]]) -> int:
    def begun() -> Standing:
        return a_flow(
            bills=0,
            approval=story.approval,
            write_back=story.write_back,
            bill_states=OPEN_STATES.replace("[", "[Draft, "),
            replace=("steps: [stamp]", f"steps: [{story.steps}]"),
            make_bill=story.make,
        )

    flow = begun()
    calls, whole = told_of(flow, story, cutter, bill=new_bills(flow, story, 1)[0])
    # Some stories may end in one of two ways; each of them has one look.
    looks = {whole[0]: whole}
    cuts = pick([(at, kind) for at in range(1, calls + 1) for kind in KINDS])
    together, struck = 1 if story.alone else TOGETHER, 0
    for some in (cuts[start : start + together] for start in range(0, len(cuts), together)):
        flow = begun() if story.alone else flow
        for (at, kind), bill in zip(some, new_bills(flow, story, len(some)), strict=True):
            made, end = told_of(flow, story, cutter, bill=bill, at=at, kind=kind)
            struck += made >= at
            look = looks.setdefault(end[0], end)
            assert end[:3] == look[:3], f"call {at} of {calls}: {kind}"
            assert end[3] == look[3], f"call {at} of {calls}: {kind}: {end[3]} comments instead of {look[3]}"
    assert flow.store.verify_evidence() == []
    # The first bill of a company may take a few calls more than the others, and then the last cuts strike nothing.
    assert struck >= len(cuts) * 0.9
    return struck


@pytest.mark.parametrize("name", STORIES)
def test_a_cut_of_a_decision_ends_in_what_stands(
    a_flow: Flow, a_cutter: Cutter, new_store: NewStore, name: str, figures: Callable[[str, object], None]
) -> None:
    """Two of its cuts, one on each database; over all decisions each way of being cut comes up on both."""

    def some(cuts: list[tuple[int, str]]) -> list[tuple[int, str]]:
        # A step that is no multiple of the four kinds, from another kind for each decision.
        step = max(1, len(cuts) // SAMPLES) | 1
        begin = step // 2 // len(KINDS) * len(KINDS) + list(STORIES).index(name) % len(KINDS)
        return list(new_store.share(cuts[begin::step][:SAMPLES]))

    figures(f"cuts of a decision, {name}", play(a_flow, a_cutter, STORIES[name], some))


@pytest.mark.slow
@pytest.mark.parametrize("name", STORIES)
def test_every_cut_of_a_decision_ends_in_what_stands(
    a_flow: Flow, a_cutter: Cutter, name: str, figures: Callable[[str, object], None]
) -> None:
    """All of them."""
    figures(f"every cut of a decision, {name}", play(a_flow, a_cutter, STORIES[name], list))
