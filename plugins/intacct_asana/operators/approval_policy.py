"""A flow's approval rules as the decisions take them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from intacct_asana.approvals import ApprovalTask, ChoiceField, DeclaredComment, Policy, Way
from intacct_asana.flow.rules import EnumSignal, SignalRule
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.records import PinnedField, Pins, Verdict


def policy_of(run: FlowRun, pins: Pins) -> Policy:
    """The flow's approval rules with Asana's gids."""
    approval, write_back = run.flow.approval, run.flow.write_back
    reason = approval.reason_text_field
    return Policy(
        flow=run.flow.flow,
        approval=approval,
        way=way_of(approval.signal, pins),
        bot_gid=pins.bot_gid,
        people=pins.people,
        field_names={field.gid: field.name for field in pins.fields.values()},
        reason_field_gid=pins.fields[reason].gid if reason else "",
        stamp=write_back.stamp if "stamp" in write_back.steps else None,
        send_due_on=write_back.send_due_on,
        send_submit=write_back.send_submit,
        compares_files=run.files.compared,
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
        known_names=_known_names(signal, field),
    )


def _known_names(signal: EnumSignal, field: PinnedField) -> dict[str, tuple[str, ...]]:
    """The names under which each option may be chosen: its own, and those that the flow declares beside it."""
    return {field.options[name]: (name, *signal.other_names.get(name, ())) for name in (signal.approve, signal.reject)}
