"""A flow's approval rules as the decisions take them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from intacct_asana.approvals import Approver, Policy, StampNames
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.records import Pins, Verdict


def policy_of(run: FlowRun, pins: Pins) -> Policy:
    """The flow's approval rules with Asana's gids and Intacct's field names."""
    approval, write_back = run.flow.approval, run.flow.write_back
    signal_field = pins.fields[approval.signal.field]
    stamps = "stamp" in write_back.steps and write_back.stamp
    reason = approval.reason_field
    return Policy(
        flow=run.flow.flow,
        version=approval.policy_version,
        field_gid=signal_field.gid,
        pending_gid=signal_field.options[approval.signal.pending],
        verdicts={
            signal_field.options[approval.signal.approve]: Verdict.APPROVE,
            signal_field.options[approval.signal.reject]: Verdict.REJECT,
        },
        approvers=tuple(
            Approver(
                email=one.email,
                limits=dict(one.limits),
                intacct_users=one.intacct_users,
                valid_from=one.valid_from,
                valid_to=one.valid_to,
            )
            for one in approval.approvers
        ),
        bot_gid=pins.bot_gid,
        segregation_of_duties=approval.segregation_of_duties,
        reason_field_gid=pins.fields[reason].gid if reason else "",
        stamp=StampNames(**{name: value or "" for name, value in stamps.model_dump().items()}) if stamps else None,
        field_name=approval.signal.field,
        pending_name=approval.signal.pending,
        approve_name=approval.signal.approve,
        reject_name=approval.signal.reject,
        timezone=ZoneInfo(run.flow.schedules.timezone),
    )
