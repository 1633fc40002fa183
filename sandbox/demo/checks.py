"""What has to be true after the demo, measured at the sandbox and in the logs, not by the plugin itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox import constants
from sandbox.demo.people import Scene
from sandbox.demo.steering import IN_SCOPE, Steering

AMOUNTS = {"Amount": "total_entered", "Amount due": "total_due", "Amount paid": "total_paid"}


@dataclass(frozen=True)
class Check:
    name: str
    figure: str
    ok: bool


def in_scope(bills: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [bill for bill in bills if bill["state"] in IN_SCOPE]


def each_bill_once(steering: Steering) -> Check:
    """Tasks created are exactly the bills in scope."""
    tasks = steering.tasks_by_key()
    wanted = {Steering.key_of(bill) for bill in in_scope(steering.bills())}
    missing, extra = wanted - set(tasks), set(tasks) - wanted
    figure = f"{len(tasks)} tasks for {len(wanted)} bills in scope, {len(missing)} missing, {len(extra)} extra"
    return Check("each bill in scope has one task", figure, not missing and not extra)


def equal_to_the_cent(steering: Steering) -> Check:
    """The amounts on the tasks are Intacct's."""
    tasks = steering.tasks_by_key()
    compared, wrong = 0, 0
    for bill in in_scope(steering.bills()):
        task = tasks.get(Steering.key_of(bill))
        for name, source in AMOUNTS.items():
            compared += 1
            shown = task["fields"].get(name) if task else None
            wrong += shown is None or Decimal(str(shown)) != Decimal(bill[source])
    return Check("amounts on tasks equal Intacct's to the cent", f"{compared} compared, {wrong} differ", wrong == 0)


def scene_ended_well(scene: Scene, steering: Steering) -> Check:
    """Intacct holds what it should, the task explains it, and a refused Approval is Pending again."""
    bill = steering.bill(scene.bill["record_no"])
    held = bill["stamps"]["ASANA_DECISION"]
    task = next(task for task in steering.tasks(constants.BILLS_PROJECT_GID) if task["gid"] == scene.task_gid)
    said = [story["text"] for story in task["stories"] if story["resource_subtype"] == "comment_added"]
    told = [text for text in said if scene.says.lower() in text.lower()]
    subtasks = ", ".join(
        f"{one['assignee'].partition('@')[0]} {one['approval_status']}" for one in steering.subtasks(task["gid"])
    )
    approval = task["fields"].get("Approval")
    # A choice stays as it is where it stands, and while it waits.
    approval_ok = approval == (scene.option if scene.stamp == scene.option or scene.waits else "Pending")
    if scene.native:
        # People decide elsewhere by then, and Intacct itself approves.
        approval_ok = bill["state"] == "Posted" and subtasks.count("approved") == 2
    # A hold is there until an approval lifts it.
    hold_ok = bill["on_hold"] is (scene.on_hold and not held)
    ok = held == scene.stamp and len(told) == 1 and approval_ok and hold_ok
    said_by = f"subtasks: {subtasks}; Intacct's own state: {bill['state']}" if scene.native else f"Approval: {approval}"
    figure = f"Intacct: {held or 'no decision'}{', on hold' if bill['on_hold'] else ''}; {said_by}"
    return Check(scene.title, f"{figure}; {told[0] if told else 'no comment'}", ok)


def evidence_verifies(found: Mapping[str, Any] | None) -> Check:
    """What the export's step returned: a file of every row, in which nothing is wrong."""
    told = found or {}
    rows, findings = int(told.get("rows", 0)), list(told.get("findings", ["nothing was exported"]))
    figure = f"{rows} rows, {told.get('anchors', 0)} anchors on stamps, {len(findings)} findings"
    return Check("evidence exported and verified", figure, bool(rows) and not findings)


def nothing_drifted(found: Mapping[str, Any] | None) -> Check:
    """What the audit returned: every bill and task compared, sums by entity and currency, and no class of drift."""
    told = found or {}
    counts, totals = dict(told.get("counts", {"not": "run"})), list(told.get("totals", []))
    unequal = [one for one in totals if Decimal(one["in_intacct"]) != Decimal(one["in_asana"])]
    figure = f"{told.get('bills', 0)} bills against {told.get('tasks', 0)} tasks, {len(totals)} sums, {len(unequal)} unequal; "
    figure += ", ".join(f"{count} {name}" for name, count in counts.items()) or "nothing drifted"
    return Check("audit of both sides", figure, bool(totals) and not counts and not unequal)


def what_needs_a_person(steering: Steering, gid: str) -> Check:
    """Each parked or refused decision is a task with an owner."""
    owned = [task for task in steering.tasks(constants.BILLS_PROJECT_GID) if "Reference: exc-" in task["notes"]]
    still_open = [task for task in owned if not task["completed"]]
    figure = f"{len(owned)} tasks, {len(still_open)} of them open, all of {gid.partition('@')[0]}"
    return Check("exceptions have an owner", figure, bool(owned) and all(task["assignee"] == gid for task in still_open))


def no_secret_in_logs(folder: Path, session_ids: Iterable[str]) -> Check:
    """No password, token or session id in any file that Airflow wrote as a log."""
    known = (constants.SENDER_PASSWORD, constants.WS_PASSWORD, constants.ASANA_TOKEN, constants.REST_CLIENT_SECRET)
    secrets = [*known, *session_ids]
    files = [path for path in folder.rglob("*.log") if path.is_file()]
    found = sum(secret.encode() in path.read_bytes() for path in files for secret in secrets if secret)
    return Check(
        "secrets in logs", f"{found} found in {len(files)} log files for {len(secrets)} secrets", found == 0 and bool(files)
    )


def writes(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[int, int]:
    """Asana and Intacct writes between two readings of the sandbox's counters."""
    asana = after.get("asana WRITE", 0) - before.get("asana WRITE", 0)
    intacct = after.get("intacct WRITE", 0) - before.get("intacct WRITE", 0)
    return asana, intacct
