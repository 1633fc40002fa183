"""A flow's approval rules as the decisions take them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from intacct_asana.approvals import ApprovalTask, Approver, ChoiceField, DeclaredComment, Policy, StampNames, Way
from intacct_asana.flow.rules import SignalRule
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.records import Pins, Verdict


def policy_of(run: FlowRun, pins: Pins) -> Policy:
    """The flow's approval rules with Asana's gids and Intacct's field names."""
    approval, write_back = run.flow.approval, run.flow.write_back
    stamps = "stamp" in write_back.steps and write_back.stamp
    reason = approval.reason_text_field
    return Policy(
        flow=run.flow.flow,
        version=approval.policy_version,
        way=way_of(approval.signal, pins),
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
        accepts_untold_guests=approval.guests_untold == "accept",
        reason_field_gid=pins.fields[reason].gid if reason else "",
        stamp=StampNames(**{name: value or "" for name, value in stamps.model_dump().items()}) if stamps else None,
        timezone=ZoneInfo(run.flow.schedules.timezone),
    )


def way_of(signal: SignalRule, pins: Pins) -> Way:
    """How people decide, with names already turned into gids."""
    if signal.kind == "approval_task":
        return ApprovalTask(changes_requested=Verdict.REJECT if signal.changes_requested == "reject" else None)
    if signal.kind == "comment":
        words = dict.fromkeys(signal.approve, Verdict.APPROVE) | dict.fromkeys(signal.reject, Verdict.REJECT)
        return DeclaredComment(words={word.casefold(): verdict for word, verdict in words.items()})
    field = pins.fields[signal.field]
    return ChoiceField(
        field_gid=field.gid,
        pending=field.options[signal.pending],
        verdicts={field.options[signal.approve]: Verdict.APPROVE, field.options[signal.reject]: Verdict.REJECT},
        name=signal.field,
        pending_name=signal.pending,
        names={Verdict.APPROVE: signal.approve, Verdict.REJECT: signal.reject},
    )
