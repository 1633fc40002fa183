"""### Approvals return to Intacct

Reads what people decided since the last run (in the Approval field, by an Asana approval, on approval subtasks of their own or
by a comment, as the flow says), proves it from the tasks' stories, checks it against the flow's policy, stamps it onto the bill
in Intacct, reads it back, and says on the task what became of it. Then it looks again at bills that were decided before: an
approval of a bill that changed since is void on both sides.

**On Intacct:** does what the flow's `write_back.steps` name for bills that passed every rule: with `stamp` the flow's custom
fields, and `void` where a decision stands no more; nothing else (unless the flow says `send_due_on` or `send_submit`), and
never lines. **On Asana:** one comment for each decision, one more when it becomes void; a task shows what stands, so a choice
that was refused goes back to Pending. A task that left the project is put back. Who chooses on a copy of a task is told once
that it counts for nothing. With `approval_subtasks` each person who is due gets a subtask, closed when nobody waits for it.

**When something fails half-way** the decision stays in its stored state and the next run goes on from there; a bill is always
read back before it is written again. A decision that Intacct accepted but does not show fails the run and is tried again,
under another control id once it was proven absent twice.

**How it reads.** Asana's events and its listing by time of change say where to look; both can miss something. So at least
every `crawl_hours` a run looks at the whole project, and reads the stories of every task that changed since they were read
last. For ten minutes after a change a task is read again, because its history may come later than the change itself.

**Controls:** where the flow names any under `controls`, `check_bills` reads what changed among all bills of the company, has
each control look at it, and tells what was found on the tasks, once. With `payee_change` a call-back task is made for each
vendor that changed; with `hold` its bills are on hold in Intacct until a second person releases them. With `mode: block` an
approval waits for what was found. When this step fails, approvals that such a control guards wait for the next run; all else
is carried out.

**Context:** where the flow says `context`, `write_context` writes what stands beside a bill into a text field of its task: what
its vendor bills usually, order, discount, what is left of budgets. Once for each state of the bill that the task shows.

**Asking people:** where the flow says `approval.assign_next` or `approval.remind`, `remind_approvers` assigns each bill's task
to who is next and reminds those who are due, at most once a day and bill. What it reads is what is due that day.

**Exceptions:** where the flow says `exceptions`, `keep_exceptions` gives whatever needs a person (a decision that waits or was
refused, a bill that cannot be read or written, what the audit of both sides found) a task with an owner, and completes it when
it is over (docs/drift-and-exceptions.md).

**While the flow says `rehearsal: true`** nothing is stamped, told or noted: `settle_decisions` says in its log, and in what it
returns, which choices it would stamp or refuse and which approvals would become void, and why. Each run says so anew.

**Waking early:** with `wake: watcher` or `wake: webhook` in the flow file a run also starts a few seconds after somebody
touched a task. That is a hint only; the schedule alone always suffices. A webhook is looked after by a step of its own, which
makes it anew in Asana when it is gone or failing, and never fails itself.

**The trigger form:** a *dry run* says what would become of each decision and writes nothing, as a rehearsal does. With *bill
numbers* a run looks at those bills alone and carries their decisions out; reminders, context and exceptions are left to the
next run. *Changed since* reads tasks that changed from then on once more. None of them moves a cursor: the next run meets all
that there is.

**To stop:** pause the DAG; decisions wait in Asana, and nothing is lost for as long as it is paused. **To re-run:** trigger
it. It reads from its own cursors, so there is no interval to choose and no backfill to make.
"""

from __future__ import annotations

from airflow.sdk import DAG, TriggerRule, chain
from intacct_asana import dag_parts
from intacct_asana.deployment import good_flows
from intacct_asana.operators.approvals import SettleDecisionsOperator, TellPeopleOperator
from intacct_asana.operators.controls.checking import CheckBillsOperator
from intacct_asana.operators.controls.context import WriteContextOperator
from intacct_asana.operators.flow_run import FlowOperator
from intacct_asana.operators.people.exceptions import KeepExceptionsOperator
from intacct_asana.operators.people.reminding import RemindApproversOperator
from intacct_asana.operators.read_decisions import ReadDecisionsOperator
from intacct_asana.operators.runs.reporting import ReportRunOperator
from intacct_asana.operators.webhooks import KeepWebhookOperator

for flow in good_flows():
    settings = dag_parts.dag_settings(
        flow,
        job="approval_reconciliation",
        title="approvals return to Intacct",
        manual=__doc__,
        cron=flow.schedules.approval_reconciliation,
    )
    if flow.wake == "watcher":
        # Imported where it is used: most flows have no watcher, and a DAG file is parsed again for every task start.
        from intacct_asana.triggers.asana_events import also_when_touched

        settings["schedule"] = also_when_touched(flow, settings["schedule"])
    form = {
        "dry_run": dag_parts.dry_run_param("Say what would become of each decision, write nothing to either system."),
        "bill_numbers": dag_parts.list_param(
            title="Bill numbers", description="Only these bills; everything else stays for the next run."
        ),
        "since": dag_parts.since_param(),
    }
    with DAG(**settings, params=form):
        read = ReadDecisionsOperator(
            task_id="read_decisions",
            flow=flow.flow,
            pool=flow.pools.asana,
            inlets=[dag_parts.asana_asset(flow.bills.project)],
        )
        steps: list[FlowOperator] = [read]
        if flow.controls.declared or (flow.context and flow.context.compares):
            # Before anything is settled: what it finds may hold an approval back, and bills that it did not see do.
            steps.append(
                CheckBillsOperator(
                    task_id="check_bills", flow=flow.flow, pool=flow.pools.intacct, trigger_rule=TriggerRule.ALL_DONE
                )
            )
        # What was recorded before is settled even when reading fails, and people are told even when settling fails.
        settle = SettleDecisionsOperator(
            task_id="settle_decisions",
            flow=flow.flow,
            plan_id="{{ (ti.xcom_pull('read_decisions') or {}).get('plan_id') }}",
            pool=flow.pools.intacct,
            trigger_rule=TriggerRule.ALL_DONE,
            outlets=[dag_parts.intacct_asset(flow, "apbill")],
        )
        tell = TellPeopleOperator(
            task_id="tell_people", flow=flow.flow, pool=flow.pools.asana, trigger_rule=TriggerRule.ALL_DONE
        )
        steps += [settle, tell]
        if flow.approval.assign_next or flow.approval.remind:
            # After people were told of their decisions, so that nobody is asked for one that was made.
            steps.append(
                RemindApproversOperator(
                    task_id="remind_approvers",
                    flow=flow.flow,
                    pool=flow.pools.asana,
                    trigger_rule=TriggerRule.ALL_DONE,
                )
            )
        if flow.context:
            # Nobody waits for it. Bills that it compares with were read by check_bills.
            steps.append(
                WriteContextOperator(
                    task_id="write_context", flow=flow.flow, pool=flow.pools.intacct, trigger_rule=TriggerRule.ALL_DONE
                )
            )
        if flow.exceptions:
            steps.append(
                KeepExceptionsOperator(
                    task_id="keep_exceptions", flow=flow.flow, pool=flow.pools.asana, trigger_rule=TriggerRule.ALL_DONE
                )
            )
        report = ReportRunOperator(
            task_id="report_run",
            flow=flow.flow,
            steps=[step.task_id for step in steps],
            vouches=True,
        )
        chain(*steps)
        steps >> report
        if flow.wake == "webhook":
            # Last, because people wait for the other steps; it never fails, and nothing depends on it.
            keep = KeepWebhookOperator(
                task_id="keep_webhook", flow=flow.flow, pool=flow.pools.asana, trigger_rule=TriggerRule.ALL_DONE
            )
            tell >> keep
