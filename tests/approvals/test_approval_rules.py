"""What becomes of a choice: one sentence a situation."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.errors import TryLater
from intacct_asana.flow.rules import Approver
from intacct_asana.records import BillState, DecisionState
from intacct_asana.records.anchors import without_anchors

from tests.approvals.approvals_world import (
    ALICE,
    APPROVED,
    BEN,
    BOT,
    ERIN,
    GUS,
    PENDING,
    REJECTED,
    Person,
    World,
    a_bill,
    a_policy,
)
from tests.databases import NewStore

pytestmark = pytest.mark.usefixtures("on_each_database")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def refused(world: World, *words: str) -> None:
    """Refused for these words, nothing written to Intacct, explained once, and the field is Pending again."""
    assert world.reconcile() == []
    assert world.state() is DecisionState.REFUSED
    assert world.stamps == 0
    [comment] = world.comments()
    for word in words:
        assert word in comment
    assert world.shown_option() == PENDING


def test_a_good_approval_is_stamped_confirmed_and_told_once(world: World) -> None:
    world.choose(ALICE, APPROVED)
    assert world.reconcile() == []
    decision = world.the_decision()
    assert (decision.state, decision.acknowledged) == (DecisionState.CONFIRMED, True)
    assert world.bill_now is not None
    assert world.bill_now.custom["D"] == "Approved"
    assert world.bill_now.custom["D_BY"] == "Alice Martin <alice@northwind.example>"
    assert without_anchors(world.bill_now.custom["D_ID"]) == decision.decision_id
    assert world.shown_option() == APPROVED
    assert world.reconcile() == []
    assert (world.stamps, len(world.comments())) == (1, 1)
    assert world.store.verify_evidence() == []


def test_a_rejection_with_a_comment_as_reason_is_stamped(world: World) -> None:
    world.say(BEN, "Goods never arrived")
    world.choose(BEN, REJECTED)
    world.reconcile()
    assert world.bill_now is not None
    assert (world.bill_now.custom["D"], world.bill_now.custom["D_REASON"]) == ("Rejected", "Goods never arrived")


def test_a_rejection_without_a_reason_is_refused(world: World) -> None:
    world.say(ALICE, "Somebody else's comment is no reason of Ben's")
    world.choose(BEN, REJECTED)
    refused(world, "needs a reason")


def test_somebody_not_on_the_list_is_refused(world: World) -> None:
    world.choose(ERIN, APPROVED)
    refused(world, "Erin Wolf is not on the approver list")


def test_an_amount_over_the_limit_is_refused_with_both_numbers(world: World) -> None:
    world.edit_bill(total_entered=Decimal("12480.00"))
    world.show()
    world.choose(ALICE, APPROVED)
    refused(world, "12,480.00 USD", "10,000.00 USD")


def test_a_currency_without_a_limit_is_refused(world: World) -> None:
    world.edit_bill(base_currency="CHF")
    world.show()
    world.choose(ALICE, APPROVED)
    refused(world, "no limit for bills in CHF")


def test_who_entered_the_bill_cannot_decide(world: World) -> None:
    world.edit_bill(created_by="AMartin")
    world.choose(ALICE, APPROVED)
    refused(world, "entered this bill")


def test_a_bill_of_unknown_origin_cannot_be_decided(world: World) -> None:
    world.edit_bill(created_by="")
    world.choose(ALICE, APPROVED)
    refused(world, "does not say who entered")


def test_segregation_of_duties_can_be_switched_off(tmp_path: Path) -> None:
    world = World(tmp_path, policy=a_policy(segregation_of_duties=False), bill=a_bill(created_by="amartin"))
    world.choose(ALICE, APPROVED)
    world.reconcile()
    assert world.held() == "Approved"


def test_a_guest_cannot_decide_even_when_listed(world: World) -> None:
    world.choose(GUS, APPROVED)
    refused(world, "guest")


def test_a_rule_cannot_decide(world: World) -> None:
    world.choose(None, APPROVED)
    refused(world, "no record of a person")


def test_a_bot_that_is_no_person_cannot_decide(world: World) -> None:
    world.choose(Person(gid="x", name="Some rule"), APPROVED)
    refused(world, "not a person")


def test_a_field_without_a_story_proves_nothing(world: World) -> None:
    world.choose(ALICE, APPROVED)
    world.history.clear()
    refused(world, "choose again")


def test_the_integrations_own_changes_are_no_decisions(world: World) -> None:
    world.choose(Person(gid=BOT, name="Intacct Sync"), APPROVED)
    world.reconcile()
    assert world.decisions() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"total_entered": Decimal("500.01")},
        {"vendor_id": "V2"},
        {"currency": "EUR"},
        {"due_on": date(2027, 1, 1)},
        {"lines": ()},
    ],
)
def test_a_bill_that_changed_after_the_choice_is_refused(world: World, changes: dict[str, Any]) -> None:
    world.choose(ALICE, APPROVED)
    world.edit_bill(**changes)
    refused(world, "changed in Intacct after")


def test_a_task_that_was_brought_up_to_date_after_the_choice_does_not_cover_it_up(world: World) -> None:
    world.choose(ALICE, APPROVED)
    world.edit_bill(total_entered=Decimal("900.00"))
    world.show()
    refused(world, "changed in Intacct after")


def test_a_choice_on_a_task_that_showed_nothing_yet_is_refused(world: World) -> None:
    story = world.choose(ALICE, APPROVED)
    world.history[-1] = replace(story, created_at=story.created_at.replace(year=2025))
    refused(world, "what the task said")


def test_a_choice_from_before_the_task_stood_for_the_bill_again_is_refused(world: World) -> None:
    """The task had shown this very bill once, and then another task did: nobody looked after what this one said."""
    world.choose(ALICE, APPROVED)
    (link,) = world.links.all().values()
    world.links.save(replace(link, linked_at=world.now()))
    refused(world, "what the task said")


@pytest.mark.parametrize("state", [BillState.PAID, BillState.REVERSED, BillState.DRAFT, BillState.DECLINED])
def test_a_bill_that_is_not_open_is_refused(world: World, state: BillState) -> None:
    world.choose(ALICE, APPROVED)
    world.edit_bill(state=state)
    refused(world, str(state))


def test_a_bill_that_is_gone_is_refused(world: World) -> None:
    world.choose(ALICE, APPROVED)
    world.bill_now = None
    refused(world, "no longer exists")


@pytest.mark.parametrize(
    ("dates", "words"), [({"valid_from": date(2027, 1, 1)}, "from 2027"), ({"valid_to": date(2026, 1, 1)}, "until 2026")]
)
def test_a_delegation_holds_between_its_dates(tmp_path: Path, dates: dict[str, date], words: str) -> None:
    deputy = Approver(email="alice@northwind.example", limits={"USD": Decimal(10000)}, **dates)  # type: ignore[arg-type]
    world = World(tmp_path, policy=a_policy(approvers=(deputy,)))
    world.choose(ALICE, APPROVED)
    refused(world, words)


def test_every_reason_is_told_at_once(world: World) -> None:
    world.edit_bill(created_by="", state=BillState.PAID)
    world.choose(ALICE, REJECTED)
    refused(world, "who entered", "Paid", "needs a reason")


def test_only_the_last_of_several_choices_counts(world: World) -> None:
    world.choose(ALICE, APPROVED)
    world.say(BEN, "No, wrong vendor")
    world.choose(BEN, REJECTED)
    world.reconcile()
    assert world.held() == "Rejected"
    assert [(one.state, one.rule) for one in world.decisions()] == [
        (DecisionState.REFUSED, "superseded"),
        (DecisionState.CONFIRMED, ""),
    ]
    assert len(world.comments()) == 1


def test_a_choice_taken_back_before_the_run_is_seen_and_not_carried_out(world: World) -> None:
    world.choose(ALICE, APPROVED)
    world.choose(ALICE, PENDING)
    world.reconcile()
    assert (world.state(), world.the_decision().rule) == (DecisionState.REFUSED, "withdrawn")
    assert (world.stamps, world.comments()) == (0, [])


def test_a_decided_bill_is_not_decided_again(world: World) -> None:
    world.choose(ALICE, APPROVED)
    world.reconcile()
    world.say(BEN, "I would rather not")
    world.choose(BEN, REJECTED)
    world.reconcile()
    assert world.held() == "Approved"
    assert "already decided" in world.comments()[-1]


def test_a_changed_bill_may_be_decided_anew(world: World) -> None:
    world.choose(ALICE, APPROVED)
    world.reconcile()
    world.edit_bill(total_entered=Decimal("700.00"))
    world.show()
    world.choose(ALICE, PENDING)
    world.choose(ALICE, APPROVED)
    assert world.reconcile() == []
    assert [one.state for one in world.decisions()] == [DecisionState.VOID, DecisionState.CONFIRMED]
    assert world.stamps == 2


def test_what_intacct_refuses_is_told_in_its_words(world: World) -> None:
    world.choose(ALICE, APPROVED)
    world.refuse_with = "Intacct refused: the period is closed (BL01001973)"
    world.reconcile()
    assert world.state() is DecisionState.REJECTED
    assert "the period is closed" in world.comments()[0]
    assert world.shown_option() == PENDING


def test_a_stamp_that_is_not_there_on_reading_back_is_never_confirmed(world: World) -> None:
    world.choose(ALICE, APPROVED)
    world.lose_stamps = 1
    assert "read-back" in world.reconcile()[0]
    assert world.state() is DecisionState.SUBMITTED
    assert world.comments() == []
    assert world.reconcile() != []
    assert world.state() is DecisionState.SUBMITTED


def test_a_lost_stamp_heals_under_another_control_id(world: World) -> None:
    """Intacct refuses the first control id for ever, so the third try has another; it is written down before the call."""
    world.choose(ALICE, APPROVED)
    world.lose_stamps = 1
    assert world.reconcile() != []
    assert world.reconcile() != []
    assert world.reconcile() == []
    assert world.the_decision().control_id.endswith("-stamp-again2")
    assert (world.state(), world.stamps, world.held()) == (DecisionState.CONFIRMED, 1, "Approved")
    assert world.store.verify_evidence() == []


def test_a_choice_taken_back_while_its_write_had_not_arrived_is_not_written(world: World) -> None:
    world.choose(ALICE, APPROVED)
    world.unclear_stamps = 1
    world.reconcile()
    world.choose(ALICE, PENDING)
    assert world.reconcile() == []
    assert (world.state(), world.stamps, world.held()) == (DecisionState.REJECTED, 0, "")


def test_a_stamp_that_is_there_already_is_not_written_again(world: World, new_store: NewStore) -> None:
    world.choose(ALICE, APPROVED)
    world.reconcile()
    stamped = world.bill_now
    another = World(world.folder / "second", bill=stamped, store_url=new_store.ready())
    another.history, another.task_now = world.history, world.task_now
    assert another.reconcile() == []
    assert "stamp_bill" not in another.cuts.names
    assert another.state() is DecisionState.CONFIRMED


def test_no_clear_answer_and_no_stamp_waits_for_the_next_run(world: World) -> None:
    world.choose(ALICE, APPROVED)
    world.unclear_stamps = 1
    world.reconcile()
    assert [type(error) for error in world.failures] == [TryLater]
    assert world.state() is DecisionState.SUBMITTED
    assert world.reconcile() == []
    assert (world.stamps, world.held()) == (1, "Approved")


def test_observing_writes_nothing_to_intacct(tmp_path: Path) -> None:
    world = World(tmp_path, policy=a_policy(stamp=None))
    world.choose(ALICE, APPROVED)
    world.reconcile()
    assert (world.state(), world.stamps) == (DecisionState.CONFIRMED, 0)
    assert "Intacct was not changed" in world.comments()[0]


def test_the_reset_leaves_a_newer_choice_alone(world: World) -> None:
    """Ben chooses while Erin's refusal is on its way to the task."""
    world.choose(ERIN, APPROVED)
    original = world.stories

    def stories_after_ben(task_gid: str) -> Any:
        is_refused = bool(world.decisions()) and world.decisions()[0].state is DecisionState.REFUSED
        if is_refused and world.history[-1].author_gid == ERIN.gid:
            world.choose(BEN, APPROVED)
        return original(task_gid)

    world.stories = stories_after_ben  # type: ignore[method-assign]
    world.reconcile()
    assert world.shown_option() == APPROVED
    world.reconcile()
    assert world.held() == "Approved"


def test_the_reason_field_goes_before_a_comment(world: World) -> None:
    world.say(BEN, "a comment")
    world.fill_in(BEN, "the field")
    world.choose(BEN, REJECTED)
    world.reconcile()
    assert world.bill_now is not None
    assert world.bill_now.custom["D_REASON"] == "the field"
