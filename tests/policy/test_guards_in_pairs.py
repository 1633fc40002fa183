"""What stands in the way of a decision: each reason is told, and each two of them are told together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from intacct_asana.approvals.rules import findings_of
from intacct_asana.flow.rules import Approver
from intacct_asana.records import BillState, DecisionState, Link, TaskDraft, Verdict, snapshot_of
from intacct_asana.records.documents import UNREAD

from tests.approvals.settle_world import BEN, ERIN, KEY, PEOPLE, TASK, a_bill, a_policy
from tests.approvals.test_guard_findings import a_case, a_decision, a_signal

RULES = [{"name": "all", "steps": [{"name": "first", "by": ["ben@x.example"]}, {"name": "second", "by": ["alice@x.example"]}]}]
FIRST = [{"name": "all", "steps": [{"name": "first", "by": ["alice@x.example"]}]}]
OTHERS = [{**FIRST[0], "when": {"vendor": ["V2"]}}]
ENDED = Approver.model_validate(
    {"email": "alice@x.example", "limits": {"USD": "10000"}, "intacct_users": ["amartin"], "valid_to": date(2026, 11, 1)}
)
Changes = Mapping[str, Any]

FAULTS: dict[str, Changes] = {
    # the rule that is told: what is so about the bill, the choice, the flow, or around it
    "still open": {"bill": {"state": BillState.DRAFT}},
    "open books": {"case": {"is_closed": True}},
    "found approved": {"bill": {"custom": {"D": "Approved", "ID": "dec-of-others"}}},
    "already decided": {"before": True},
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
    "segregation of duties": {"bill": {"created_by": "amartin"}},
    "reason": {"signal": {"verdict": Verdict.REJECT}},
}
NOT_TOLD = {
    # by whom it is not asked, once the other one is so
    "approver list": {"limit", "segregation of duties", "delegation dates", "policy rule", "step"},
    "reason": {"limit"},
    "step": {"limit"},
}
CANNOT_BE_BOTH = [{"policy rule", "step"}, {"a person decides", "approver list"}, {"unchanged since shown", "already decided"}]


def merged(*faults: Changes) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for fault in faults:
        for name, change in fault.items():
            parts[name] = {**parts.get(name, {}), **change} if isinstance(change, Mapping) else change
    return parts


def told(*names: str) -> set[str]:
    """The rules by which a choice is refused of which all of this is so."""
    parts = merged(*(FAULTS[name] for name in names))
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
    case = replace(case, task=task, link=link, others=[earlier] if parts.get("before") else [], **parts.get("case", {}))
    return {one.rule for one in findings_of(case) if not one.passed}


def expected(*names: str) -> set[str]:
    return {name for name in names if not any(name in NOT_TOLD.get(other, ()) for other in names)}


def test_a_decision_without_fault_is_not_refused() -> None:
    assert told() == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_each_reason_is_told_alone(fault: str) -> None:
    assert told(fault) == {fault}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_two_reasons_are_told_together(fault: str) -> None:
    for one, other in combinations(FAULTS, 2):
        if fault == one and {one, other} not in CANNOT_BE_BOTH:
            assert told(one, other) == expected(one, other), (one, other)
