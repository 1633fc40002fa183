"""What stands in the way of a decision: each reason is told, and each two of them are told together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from intacct_asana.approvals.rules import BILL, BOTH, PERSON, STANDING, findings_of
from intacct_asana.approvals.seen import Case
from intacct_asana.flow.rules import Approver
from intacct_asana.records import BillState, DecisionState, Link, TaskDraft, Vendor, Verdict, snapshot_of
from intacct_asana.records.concerns import Concern
from intacct_asana.records.documents import UNREAD

from tests.approvals.settle_world import BEN, ERIN, KEY, PEOPLE, TASK, USERS, a_bill, a_policy
from tests.approvals.test_guard_findings import a_case, a_decision, a_signal

RULES = [{"name": "all", "steps": [{"name": "first", "by": ["ben@x.example"]}, {"name": "second", "by": ["alice@x.example"]}]}]
FIRST = [{"name": "all", "steps": [{"name": "first", "by": ["alice@x.example"]}]}]
OTHERS = [{**FIRST[0], "when": {"vendor": ["V2"]}}]
ENDED = Approver.model_validate(
    {"email": "alice@x.example", "limits": {"USD": "10000"}, "intacct_users": ["amartin"], "valid_to": date(2026, 11, 1)}
)
Changes = Mapping[str, Any]

VENDOR = Vendor(vendor_key="co:vendor:1", record_no="1", vendor_id="V1", name="Harbor Supply", created_by="amartin")
CONCERN = Concern(
    concern_id="con-1", key=KEY, kind="duplicate", cause="", words="Twice.", blocks=True, found_at=a_signal().decided_at
)
FAULTS: dict[str, Changes] = {
    # the rule that is told, and behind a colon which of its guards: what is so about the bill, the choice, the flow, around it
    "bill exists": {"bill": {"bill_key": "co:ap:66"}},
    "still open": {"bill": {"state": BillState.DRAFT}},
    "open books": {"case": {"is_closed": True}},
    "found approved": {"bill": {"custom": {"D": "Approved", "ID": "dec-of-others"}}},
    "already decided": {"before": True},
    "open concern": {"case": {"concerns": (CONCERN,)}},
    "attached files": {"bill": {"document_id": "ATT", "document_digest": UNREAD}, "policy": {"compares_files": True}},
    "unchanged since shown": {"decision": {"shown_digest": "another"}},
    "task as its history says": {"task": {"fields": {"71": "712"}}},
    "task as we wrote it": {"task": {"name": "INV-9"}},
    "a person decides": {"case": {"person": None}},
    "source": {"signal": {"source": "api"}},
    "approver list": {
        "signal": {"decider_gid": ERIN},
        "decision": {"decider_email": "erin@x.example"},
        "case": {"person": PEOPLE[ERIN]},
    },
    "delegation dates": {"flow": {"approvers": (ENDED, *a_policy().approval.approvers[1:])}},
    "policy rule": {"flow": {"rules": OTHERS}},
    "step": {"flow": {"rules": RULES}},
    "limit": {"bill": {"amount": Decimal("10000.01")}},
    "segregation of duties: entered": {"bill": {"created_by": "amartin"}},
    "segregation of duties: changed": {"bill": {"modified_by": "amartin"}},
    "segregation of duties: unknown": {"case": {"users": [user for user in USERS if user.login != "amartin"]}},
    "segregation of duties: the vendor": {"case": {"vendor": VENDOR}, "flow": {"segregation_from_vendors": True}},
    "reason": {"signal": {"verdict": Verdict.REJECT}},
}
[STORY] = a_case().stories
LATER = replace(
    STORY, gid="s2", created_at=STORY.created_at + timedelta(minutes=1), new_enum_gid="712", new_enum_name="Rejected"
)
GAP = a_signal(source="unproven", story_gid="unproven:711", decided_at=STORY.created_at + timedelta(minutes=1))
ENDS: dict[str, Changes] = {
    # a choice of which this is so is looked at no further; the first of them is told alone
    "unproven": {"case": {"stories": []}},
    "counts as it stands": {"case": {"stories": [replace(STORY, new_enum_name="Do not pay")]}},
    "superseded": {"case": {"stories": [STORY, LATER]}},
    "answered before": {"case": {"others": [a_decision(decision_id="dec-9", signal=GAP, state=DecisionState.REFUSED)]}},
}
NOT_TOLD = {
    # by whom it is not asked, once the other one is so
    "approver list": {"limit", "segregation of duties", "delegation dates", "policy rule", "step"},
    "reason": {"limit"},
    "step": {"limit"},
}
CANNOT_BE_BOTH = [
    {"policy rule", "step"},
    {"a person decides", "approver list"},
    {"unchanged since shown", "already decided"},
    {"reason", "open concern"},
]


def merged(*faults: Changes) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for fault in faults:
        for name, change in fault.items():
            parts[name] = {**parts.get(name, {}), **change} if isinstance(change, Mapping) else change
    return parts


def told(*names: str) -> set[str]:
    """The rules by which a choice is refused of which all of this is so."""
    return {one.rule for one in findings_of(case_of(*names)) if not one.passed}


def case_of(*names: str) -> Case:
    parts = merged(*({**FAULTS, **ENDS}[name] for name in names))
    bill = a_bill(**parts.get("bill", {}))
    signal = a_signal(**parts.get("signal", {}))
    decision = a_decision(**{"signal": signal, "shown_digest": snapshot_of(bill).digest, **parts.get("decision", {})})
    policy = a_policy(**parts.get("policy", {}), **{"rules": FIRST, **parts.get("flow", {})})
    # Read again, so that rules and groups are what the flow's loader makes of them.
    policy = replace(policy, approval=type(policy.approval).model_validate(policy.approval.model_dump(by_alias=True)))
    case = a_case(decision=decision, bill=bill, policy=policy)
    task = replace(case.task, **parts.get("task", {}))
    link = Link(key=KEY, task_gid=TASK, record_no="65", confirmed=TaskDraft(key=KEY, kind="bill", name="INV-4711", fields={}))
    ben = a_signal(decider_gid=BEN, decider_name="Ben Okafor", story_gid="s0")
    earlier = replace(decision, decision_id="dec-0", signal=ben, state=DecisionState.CONFIRMED)
    earlier = replace(earlier, shown_digest=snapshot_of(bill).digest)
    around = {"others": [earlier] if parts.get("before") else [], **parts.get("case", {})}
    return replace(case, task=task, link=link, **around)


def rule_of(name: str) -> str:
    return name.partition(":")[0]


def expected(*names: str) -> set[str]:
    rules = {rule_of(name) for name in names}
    return {rule for rule in rules if not any(rule in NOT_TOLD.get(other, ()) for other in rules)}


def test_a_decision_without_fault_is_not_refused() -> None:
    assert told() == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_each_reason_is_told_alone(fault: str) -> None:
    assert told(fault) == {rule_of(fault)}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_two_reasons_are_told_together(fault: str) -> None:
    for one, other in combinations(FAULTS, 2):
        if fault == one and {one, other} not in CANNOT_BE_BOTH:
            assert told(one, other) == expected(one, other), (one, other)


@pytest.mark.parametrize("end", ENDS)
def test_a_choice_that_does_not_stand_is_told_so_and_nothing_else(end: str) -> None:
    assert told(end) == {end}
    for fault in FAULTS:
        # What was answered before was the same verdict, among the bill's other decisions.
        if end != "answered before" or fault not in ("already decided", "reason"):
            assert told(fault, end) == {end}, fault


def test_each_guard_has_a_row() -> None:
    """A new one has to come with an example, alone and beside every other."""
    guards = dict.fromkeys((*STANDING, *BILL, *PERSON, *BOTH))
    cases = [case_of(name) for name in (*FAULTS, *ENDS)]
    refuses = {guard for guard in guards for case in cases if (found := guard(case)) and not found.passed}
    assert [guard.__name__ for guard in guards if guard not in refuses] == []
