"""Each guard refuses in plain words, and passes when its point is met."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from intacct_asana.approvals.rules import findings_of
from intacct_asana.approvals.seen import Case, Finding
from intacct_asana.flow.rules import Approver
from intacct_asana.records import BillState, Decision, DecisionState, Signal, Story, Task, Verdict, snapshot_of

from tests.approvals.settle_world import ALICE, KEY, PEOPLE, TASK, USERS, a_bill, a_policy

AT = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)


def a_signal(**changes: object) -> Signal:
    parts: dict[str, object] = {
        "task_gid": TASK,
        "story_gid": "s1",
        "verdict": Verdict.APPROVE,
        "decider_gid": ALICE,
        "decider_name": "Alice Martin",
        "decided_at": AT,
        "source": "web",
    }
    return Signal(**{**parts, **changes})


def a_decision(**changes: object) -> Decision:
    parts: dict[str, object] = {
        "decision_id": "dec-1",
        "key": KEY,
        "task_gid": TASK,
        "task_url": "",
        "record_no": "65",
        "signal": a_signal(),
        "shown_digest": snapshot_of(a_bill()).digest,
        "decider_email": "alice@x.example",
    }
    return Decision(**{**parts, **changes})


def a_case(**changes: object) -> Case:
    decision = changes.get("decision", a_decision())
    signal = decision.signal
    story = Story(
        gid="s1", created_at=AT, author_gid=signal.decider_gid, field_gid="71", new_enum_gid="711", new_enum_name="Approved"
    )
    story = replace(story, author_kind="user", kind="enum_custom_field_changed", source="web")
    parts: dict[str, object] = {
        "decision": decision,
        "policy": a_policy(),
        "person": PEOPLE[ALICE],
        "stories": [story],
        "task": Task(gid=TASK, name="INV-4711", fields={"71": "711"}, modified_at=AT),
        "bill": a_bill(),
        "users": USERS,
        "own_login": "xml_ws",
    }
    return Case(**{**parts, **changes})


def refused(case: Case) -> dict[str, str]:
    return {one.rule: one.sentence for one in findings_of(case) if not one.passed}


def a_case_about(bill: object) -> Case:
    """The task showed the bill as it is."""
    return a_case(bill=bill, decision=a_decision(shown_digest=snapshot_of(bill).digest))


def test_a_good_approval_passes_every_guard_and_says_by_which_numbers() -> None:
    found = findings_of(a_case())
    assert all(one.passed for one in found)
    said = {one.rule: one.said for one in found}
    assert said["limit"] == "900.00 USD is within Alice Martin's limit of 10,000.00 USD"
    assert len(said) == 14


def test_an_amount_over_the_limit_is_named_with_the_limit() -> None:
    bill = a_bill(amount=Decimal("12480.00"))
    assert refused(a_case_about(bill)) == {
        "limit": "12,480.00 USD is over Alice Martin's limit of 10,000.00 USD. Ask somebody with a higher limit."
    }


def test_the_limit_itself_may_be_approved_and_a_tenth_of_a_cent_more_is_seen() -> None:
    assert not refused(a_case_about(a_bill(amount=Decimal("10000.00"))))
    assert "10,000.001 USD is over" in refused(a_case_about(a_bill(amount=Decimal("10000.001"))))["limit"]


def test_a_credit_counts_by_its_size() -> None:
    assert "limit" in refused(a_case_about(a_bill(amount=Decimal("-12480.00"))))


@pytest.mark.parametrize("currency", ["GBP", ""])
def test_a_currency_without_a_limit_may_not_be_approved(currency: str) -> None:
    assert "no limit" in refused(a_case_about(a_bill(base_currency=currency)))["limit"]


def test_a_rejection_needs_a_reason_and_no_limit() -> None:
    bill = a_bill(amount=Decimal("99999.00"))
    bare = a_decision(signal=a_signal(verdict=Verdict.REJECT), shown_digest=snapshot_of(bill).digest)
    assert list(refused(a_case(decision=bare, bill=bill))) == ["reason"]
    explained = replace(bare, signal=replace(bare.signal, reason="Wrong vendor"))
    assert not refused(a_case(decision=explained, bill=bill))


def test_a_rule_a_guest_an_unknown_person_and_the_integration_cannot_decide() -> None:
    rule = "a person decides"
    assert rule in refused(a_case(decision=a_decision(signal=a_signal(decider_gid=None)), person=None))
    assert rule in refused(a_case(decision=a_decision(signal=a_signal(decider_gid="1"))))
    assert rule in refused(a_case(person=None))
    assert "guest" in refused(a_case(person=replace(PEOPLE[ALICE], is_guest=True)))[rule]


def test_somebody_who_may_be_a_guest_decides_only_where_the_flow_says_so() -> None:
    untold = replace(PEOPLE[ALICE], is_guest=None)
    assert "does not tell whether Alice Martin is a guest" in refused(a_case(person=untold))["a person decides"]
    assert not refused(a_case(person=untold, policy=a_policy(guests_untold="accept")))


@pytest.mark.parametrize("email", ["erin@x.example", "", "alice@x.example.evil.example"])
def test_somebody_who_is_not_on_the_approver_list_is_refused(email: str) -> None:
    stranger = replace(PEOPLE[ALICE], gid="777", email=email)
    decision = a_decision(decider_email=email, signal=a_signal(decider_gid="777"))
    assert list(refused(a_case(decision=decision, person=stranger))) == ["approver list"]


def test_a_deputy_decides_between_the_dates_in_the_flows_time_zone() -> None:
    def case(**dates: object) -> Case:
        deputy = Approver(email="alice@x.example", limits={"USD": Decimal(1000)}, intacct_users=("amartin",), **dates)
        return a_case(policy=a_policy(approvers=(deputy,)))

    assert not refused(case(valid_from=date(2026, 11, 23), valid_to=date(2026, 11, 23)))
    assert "from 2026-11-24" in refused(case(valid_from=date(2026, 11, 24)))["delegation dates"]
    assert "until 2026-11-22" in refused(case(valid_to=date(2026, 11, 22)))["delegation dates"]
    tokyo = case(valid_from=date(2026, 11, 24))
    assert not refused(replace(tokyo, policy=replace(tokyo.policy, timezone=ZoneInfo("Asia/Tokyo"))))


def test_of_two_entries_for_a_person_the_one_that_holds_that_day_counts() -> None:
    old = Approver(email="alice@x.example", limits={"USD": Decimal(1)}, valid_to=date(2026, 10, 1))
    new = Approver(
        email="alice@x.example", limits={"USD": Decimal(1000)}, intacct_users=("amartin",), valid_from=date(2026, 11, 1)
    )
    assert not refused(a_case(policy=a_policy(approvers=(old, new))))


def test_who_entered_the_bill_cannot_decide_about_it() -> None:
    rule = "segregation of duties"
    assert "(AMartin)" in refused(a_case(bill=a_bill(created_by="AMartin")))[rule]
    unknown = findings_of(a_case(bill=a_bill(created_by="", modified_by="mgarcia")))
    assert "does not say who entered" in next(one.said for one in unknown if not one.passed)
    assert rule in refused(a_case(bill=a_bill(created_by="alice@x.example")))
    assert not refused(a_case(bill=a_bill(created_by=""), policy=a_policy(segregation_of_duties=False)))


@pytest.mark.parametrize("bill", [None, a_bill(bill_key="co:ap:66")])
def test_a_bill_that_is_gone_or_another_one_is_refused(bill: object) -> None:
    assert "bill exists" in refused(a_case(bill=bill))


@pytest.mark.parametrize("state", ["Draft", "Declined", "Paid", "Reversed", "Reversal", "Analyzing"])
def test_a_bill_in_this_state_cannot_be_decided(state: str) -> None:
    said = refused(a_case(bill=a_bill(state=BillState(state))))
    assert list(said) == ["still open"]
    assert said["still open"].startswith(f"Bill INV-4711 is {state} in Intacct")


@pytest.mark.parametrize("state", ["Submitted", "Partially Approved", "No Value", "Posted"])
def test_a_bill_in_this_state_can_be_decided(state: str) -> None:
    assert not refused(a_case(bill=a_bill(state=BillState(state))))


def test_a_bill_that_changed_since_it_was_shown_is_refused_with_what_it_is_now() -> None:
    said = refused(a_case(bill=a_bill(amount=Decimal("950.00"))))["unchanged since shown"]
    assert "changed in Intacct" in said
    assert "950.00 USD, due 2026-12-01" in said


def test_a_decision_about_something_nobody_knows_was_shown_is_refused() -> None:
    assert list(refused(a_case(decision=a_decision(shown_digest="")))) == ["unchanged since shown"]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_confirmed_decision_holds_for_the_same_content_whichever_way_the_new_one_goes(verdict: Verdict) -> None:
    before = a_decision(decision_id="dec-0", state=DecisionState.CONFIRMED)
    new = a_decision(signal=a_signal(verdict=verdict, reason="because"))
    said = refused(a_case(decision=new, others=(before,)))
    assert list(said) == ["already decided"]
    assert "Alice Martin already decided bill INV-4711 as it is now: Approved, 2026-11-23 23:30 UTC" in said["already decided"]


def test_a_changed_bill_may_be_decided_anew() -> None:
    bill = a_bill(amount=Decimal("950.00"))
    before = a_decision(decision_id="dec-0", state=DecisionState.CONFIRMED)
    new = a_decision(shown_digest=snapshot_of(bill).digest)
    assert not refused(a_case(decision=new, bill=bill, others=(before,)))


@pytest.mark.parametrize("state", [state for state in DecisionState if state is not DecisionState.CONFIRMED])
def test_a_decision_that_was_not_confirmed_stands_in_nobodys_way(state: DecisionState) -> None:
    assert not refused(a_case(others=(a_decision(decision_id="dec-0", state=state),)))


def test_a_choice_without_its_story_is_unproven_and_nothing_else_is_said() -> None:
    for stories in ([], None):
        assert list(refused(a_case(stories=stories, bill=None, person=None))) == ["unproven"]


def test_every_reason_is_collected() -> None:
    bill = a_bill(amount=Decimal("12480.00"), created_by="amartin", state=BillState.DRAFT)
    found: list[Finding] = findings_of(a_case(bill=bill, person=replace(PEOPLE[ALICE], is_guest=True)))
    assert {one.rule for one in found if not one.passed} == {
        "still open",
        "unchanged since shown",
        "a person decides",
        "limit",
        "segregation of duties",
    }


def test_a_choice_on_a_task_that_shows_something_nobody_is_known_to_have_chosen_is_refused() -> None:
    """The story that took it back was late or lost, and the choice was stamped over what the task said."""
    rule = "task as its history says"
    shows = lambda value, **more: replace(a_case().task, fields={"71": value}, **more)  # noqa: E731
    assert rule not in refused(a_case())
    for value in ("710", "712", None):
        assert "no record of who changed it" in refused(a_case(task=shows(value)))[rule]
    assert rule in refused(a_case(task=shows("712", modified_at=None)))
    assert rule not in refused(a_case(task=shows("710", modified_at=AT - timedelta(minutes=1)))), "read before the choice"
    assert "can no longer be read" in refused(a_case(task=None))[rule]


def test_a_choice_in_a_field_that_is_not_named_takes_an_earlier_one_back() -> None:
    """It may be this field, so it says nothing, and nothing is what stands."""
    [story] = a_case().stories
    unnamed = replace(story, gid="s2", created_at=AT + timedelta(minutes=1), field_gid=None)
    assert set(refused(a_case(stories=[story, unnamed]))) == {"withdrawn"}
    assert not refused(a_case(stories=[story, replace(unnamed, field_gid="99")]))


def test_an_account_whose_address_is_not_shown_does_not_decide() -> None:
    """It may have moved to somebody else."""
    assert "does not show the address" in refused(a_case(decision=a_decision(decider_email="")))["approver list"]
