"""Who and what counts as somebody who may: rows of the review about people, sources, duties, currencies, actors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured
from intacct_asana.flow.load import load_flow
from intacct_asana.operators.preflight import CheckIntacctOperator

from sandbox import constants
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN
from tests.standing.standing_world import COMMENT_WAY, Standing

Flow = Callable[..., Standing]
WITHOUT_LOGINS = (", intacct_users: [amartin]", "")


# 7: segregation of duties


def test_who_entered_the_bill_does_not_approve_it_though_the_flow_names_no_login(a_flow: Flow) -> None:
    """Without `intacct_users`, the default, the bill's own creator passed."""
    flow = a_flow(make_bill={"who": "amartin"})
    flow.path.write_text(flow.path.read_text().replace(*WITHOUT_LOGINS))
    refused = ""
    try:
        flow.flow = load_flow(flow.path)
    except Misconfigured as error:
        refused = str(error)
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()
    assert "intacct_users" in refused or flow.told()


def test_a_bill_whose_creator_intacct_does_not_tell_is_not_approved(a_flow: Flow) -> None:
    """Where nothing is known, nothing is proven."""
    flow = a_flow(make_bill={"creator_unknown": True})
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()
    assert flow.told()


DECLARED = ("  approvers:\n", "  creator_untold: [alice.martin@northwind.example]\n  approvers:\n")


def test_a_bill_without_a_creator_is_decided_by_whom_the_flow_names_for_it(a_flow: Flow) -> None:
    """Bills of a migration could be decided by nobody."""
    flow = a_flow(make_bill={"creator_unknown": True}, replace=DECLARED)
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()


@pytest.mark.parametrize("held", ["record_no", "name", "nothing"])
def test_the_creator_is_found_out_whatever_the_login_fields_hold(a_flow: Flow, held: str) -> None:
    """A record number or a name never equals a login, so the creator passed."""
    flow = a_flow(make_bill={"who": "amartin"}, settings={"login_fields_hold": held})
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()


FROM_VENDORS = "  segregation_from_vendors: true"


def of_vendor(a_flow: Flow, made: str, changed: str = "") -> Standing:
    """A bill of a vendor that somebody made, and maybe somebody changed; empty is somebody whom Intacct does not tell."""
    flow = a_flow(approval=FROM_VENDORS)
    vendor_id = flow.bill()["vendor_id"]
    flow.sandbox.act("intacct", "admin", "set_vendor_maker", vendor_id=vendor_id, login=made)
    if changed:
        flow.sandbox.act("intacct", changed, "edit_vendor", vendor_id=vendor_id, changes={"comments": "looked at"})
    flow.approve(ALICE)
    flow.heal()
    return flow


@pytest.mark.parametrize("changed", ["", "bokafor"])
def test_a_vendor_that_others_made_and_changed_is_no_reason(a_flow: Flow, changed: str) -> None:
    of_vendor(a_flow, "mgarcia", changed).is_approved()


@pytest.mark.parametrize(
    ("made", "changed", "said"),
    [
        ("amartin", "", "Alice Martin made vendor"),
        ("amartin", "bokafor", "Alice Martin made vendor"),
        ("mgarcia", "amartin", "Alice Martin last changed vendor"),
        ("", "bokafor", "Intacct does not say who made vendor"),
        ("mgarcia", "xml_gateway", "The integration wrote on vendor"),
    ],
)
def test_who_made_or_changed_the_vendor_does_not_decide_about_its_bills(
    a_flow: Flow, made: str, changed: str, said: str
) -> None:
    """Somebody could make up a vendor and approve its bills."""
    flow = of_vendor(a_flow, made, changed)
    flow.is_unapproved()
    assert said in flow.told()


def test_a_vendor_that_may_not_be_read_proves_nothing(a_flow: Flow) -> None:
    flow = a_flow(approval=FROM_VENDORS)
    flow.approve(ALICE)
    flow.sandbox.settings(denied_objects=["VENDOR"])
    flow.read()
    flow.settle()
    flow.tell()
    flow.is_unapproved()
    assert "so it cannot be shown that somebody else made it" in flow.told()


def test_preflight_asks_intacct_for_the_logins_that_the_flow_names(a_flow: Flow) -> None:
    """A login with a slip in it was never noticed, and matched nobody."""
    flow = a_flow(replace=("[amartin]", "[amartim]"))
    rows = flow.step(CheckIntacctOperator(task_id="check", flow="small"))
    assert [row for row in rows if row["ok"] == "no" and "amartim" in f"{row['check']} {row['result']} {row['mend']}"]


def test_a_right_login_passes_preflight(a_flow: Flow) -> None:
    """The other side of the check above."""
    flow = a_flow()
    rows = flow.step(CheckIntacctOperator(task_id="check", flow="small"))
    assert not [row for row in rows if row["ok"] == "no" and "login" in f"{row['check']} {row['result']}".casefold()]


WITHOUT_LOGIN = (
    "    - {email: ben.okafor@northwind.example, limits: {USD: 50000.00}, intacct_users: [bokafor]}",
    "    - {email: erin.wolf@northwind.example, limits: {USD: 50000.00}, intacct_users: []}",
)


def test_an_approver_who_has_no_login_in_intacct_decides_where_the_flow_says_so(a_flow: Flow) -> None:
    """Nobody could be listed who does not work in Intacct at all."""
    flow = a_flow(replace=WITHOUT_LOGIN)
    rows = flow.step(CheckIntacctOperator(task_id="check", flow="small"))
    assert [row["ok"] for row in rows if ERIN in row["check"]] == ["yes"]
    flow.approve(ERIN)
    flow.heal()
    flow.is_approved()


@pytest.mark.parametrize("why", ["a login with their address", "users may not be listed"])
def test_that_an_approver_has_no_login_is_proven_or_refused(a_flow: Flow, why: str) -> None:
    """The flow's word alone would let them approve what they entered."""
    flow = a_flow(replace=WITHOUT_LOGIN)
    if why == "users may not be listed":
        flow.sandbox.settings(denied_objects=["USERINFO"])
    else:
        flow.sandbox.act("intacct", "admin", "edit_user", login="dpatel", changes={"email": "Erin.Wolf@northwind.example"})
    rows = flow.step(CheckIntacctOperator(task_id="check", flow="small"))
    assert [row["check"] for row in rows if row["ok"] == "no" and ERIN in f"{row['check']} {row['result']}"]
    flow.approve(ERIN)
    flow.heal()
    flow.is_unapproved()
    assert "listed as having no login in Intacct" in flow.told()


# 8: where a choice comes from


@pytest.mark.parametrize("source", ["unknown", "", None, "api", "ai_studio", "email", "rule", "something new"])
def test_a_choice_from_elsewhere_than_declared_counts_for_nothing(a_flow: Flow, source: str | None) -> None:
    """All of them counted but for three words that were documented nowhere."""
    flow = a_flow()
    flow.approve(ALICE, source=source)
    flow.heal()
    flow.is_unapproved()
    assert flow.told()


@pytest.mark.parametrize("source", ["web", "mobile"])
def test_a_choice_in_asana_s_own_pages_and_app_counts(a_flow: Flow, source: str) -> None:
    """The other side of the list."""
    flow = a_flow()
    flow.approve(ALICE, source=source)
    flow.heal()
    flow.is_approved()


def test_the_flow_says_which_sources_count(a_flow: Flow) -> None:
    """No setting said so."""
    flow = a_flow(approval="  sources: [web, email]")
    flow.approve(ALICE, source="email")
    flow.heal()
    flow.is_approved()


# 12: currencies


@pytest.mark.parametrize("missing", [{"missing_fields": ["APBILL.BASECURR"]}, {"single_currency": True}])
def test_without_a_base_currency_no_limit_is_judged(a_flow: Flow, missing: dict[str, Any]) -> None:
    """About 890 USD were judged as GBP, of which more was allowed."""
    limits = ("{USD: 1000.00}", "{USD: 500.00, GBP: 1000.00}")
    flow = a_flow(replace=limits, make_bill={"amount": "700.00", "currency": "GBP"}, settings=missing)
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()
    assert "currency" in flow.told()


@pytest.mark.parametrize("missing", [{"missing_fields": ["APBILL.BASECURR"]}, {"single_currency": True}])
def test_the_flow_may_name_the_base_currency(a_flow: Flow, missing: dict[str, Any]) -> None:
    """There was no setting, and the transaction's own was taken. Where there is none either, task and stamp said none."""
    name = ("{total_entered}", "{total_entered} {currency}")
    flow = a_flow(approval="  base_currency: USD", settings=missing, replace=name)
    assert flow.task()["name"].endswith("500.00 USD")
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()
    assert flow.held()["ASANA_AMOUNT"] == "500 USD"


def test_a_base_currency_that_is_named_later_has_the_tasks_written_anew_first(a_flow: Flow) -> None:
    flow = a_flow(settings={"single_currency": True})
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()
    flow.path.write_text(flow.path.read_text().replace("approval:\n", "approval:\n  base_currency: USD\n"))
    flow.flow, flow.books = load_flow(flow.path), None
    flow.heal()
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()


# 13: people by gid, guests of the project's workspace


def test_who_got_an_approver_s_address_is_not_the_approver(a_flow: Flow) -> None:
    """An approver was whoever had the address now."""
    flow = a_flow()
    flow.sandbox.act("asana", "erin", "move_email", person="alice", to="Mallory")
    flow.act("Mallory", "choose", field="Approval", option="Approved")
    flow.heal()
    flow.is_unapproved()
    assert "Mallory" in flow.told()


def test_guests_are_asked_of_the_project_s_workspace(a_flow: Flow) -> None:
    """They were asked of the connection's workspace, where the guest of this one was a member."""
    flow = a_flow()
    flow.sandbox.act("asana", "erin", "add_workspace", name="Partners")
    flow.sandbox.act("asana", "erin", "join_workspace", person="alice", workspace="Partners", guest=True)
    flow.sandbox.act("asana", "erin", "move_project", workspace="Partners")
    flow.preflight()
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()


def test_where_nothing_says_whether_somebody_is_a_guest_they_do_not_decide(a_flow: Flow) -> None:
    """Absent read as no."""
    flow = a_flow(settings={"asana_untold": ["workspace_membership.is_guest"]})
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()


def test_a_comment_of_which_nothing_says_whether_it_was_edited_does_not_count(a_flow: Flow) -> None:
    """Absent read as no."""
    flow = a_flow(approval=COMMENT_WAY, settings={"asana_untold": ["story.is_edited"]})
    flow.act(ALICE, "comment", text="approve")
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == ""


# 17: actors that are no people


@pytest.mark.parametrize("kind", ["agent", "app", "rule", "something new", None])
def test_an_actor_of_another_kind_than_a_user_never_decides(a_flow: Flow, kind: str | None) -> None:
    """`created_by` was read without its kind."""
    flow = a_flow()
    flow.approve(ALICE, author_kind=kind)
    flow.heal()
    flow.is_unapproved()
    assert flow.told()


def test_a_script_of_a_rule_that_acts_as_a_person_does_not_decide(a_flow: Flow) -> None:
    """It bears the person's name; where it came from tells it."""
    flow = a_flow()
    flow.approve(ALICE, source="rule")
    flow.heal()
    flow.is_unapproved()


def test_a_comment_by_an_agent_does_not_decide(a_flow: Flow) -> None:
    """The same for the way of comments."""
    flow = a_flow(approval=COMMENT_WAY)
    flow.act(ALICE, "comment", text="approve", author_kind="agent")
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == ""


def test_preflight_lists_who_and_what_can_write_the_approval_field(a_flow: Flow) -> None:
    """Nobody was told of agents and teams with access."""
    flow = a_flow()
    flow.sandbox.act("asana", "erin", "add_agent", name="Robo Clerk")
    flow.sandbox.act("asana", "erin", "share_project", members={constants.PEOPLE[4]["email"]: "editor"})
    told = str(flow.preflight())
    assert "Robo Clerk" in told
    assert "Erin Wolf" in told


def test_the_limit_of_who_may_is_what_the_stamp_is_for(a_flow: Flow) -> None:
    """Ben's limit holds for Ben alone; Alice over hers is refused, and Ben's choice counts."""
    flow = a_flow(make_bill={"amount": "9000.00"})
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()
    flow.approve(BEN)
    flow.heal()
    flow.is_approved()
