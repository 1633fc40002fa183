"""The people of the demo: what each does on the board, and what has to come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.demo.airflow_server import DemoFailed
from sandbox.demo.steering import Steering

OPEN_STATES = ("Submitted", "Partially Approved", "Posted")
COMPANY = "northwind.example"
CLERKS = ("mgarcia", "jchen")
NAMES = ("alice.martin", "ben.okafor", "carla.ruiz", "dev.patel", "erin.wolf")
ALICE, BEN, CARLA, DEV, ERIN = (f"{name}@{COMPANY}" for name in NAMES)
LARGE = 20_000
"""Dollars from which on a bill takes two steps."""


def rules() -> dict[str, Any]:
    """What the demo adds to the example's flow file: two steps for large bills, a deputy, holds that an approval lifts,
    controls around each bill, and an owner for whatever needs a person."""
    today = datetime.now(UTC).date()
    away = {"from": CARLA, "to": BEN, "first_day": today - timedelta(days=1), "last_day": today + timedelta(days=14)}
    two = [{"name": "manager", "by": [ALICE], "limit": "none"}, {"name": "controller", "by": [CARLA]}]
    one = [{"name": "approval", "by": [ALICE, BEN, CARLA, DEV]}]
    large = {"name": "large bills", "when": {"amount_from": {"USD": LARGE}}, "steps": two}
    policy = {"delegations": [away], "rules": [large, {"name": "all others", "steps": one}], "closed_books": 5}
    called_back = {"mode": "block", "callback": {"assignee": ERIN, "release_by": [BEN, CARLA]}}
    controls = {"duplicates": {"mode": "advise"}, "slices": {"mode": "advise"}, "payee_change": called_back}
    return {
        "approval": policy,
        "write_back": {"steps": ["stamp", "release_hold"]},
        "controls": controls,
        "exceptions": {"owner": ERIN},
    }


def native_rules(vendor_id: str) -> dict[str, Any]:
    """For this vendor's bills two people are asked by subtasks, and what they decide becomes Intacct's own approval."""
    steps = [{"name": "manager", "by": [ALICE], "limit": "none"}, {"name": "controller", "by": [CARLA], "limit": "none"}]
    rule = {"name": "one vendor", "when": {"vendor": [vendor_id]}, "steps": steps}
    # The reason of a rejection is a comment on the subtask then.
    policy = {"signal": {"kind": "approval_subtasks"}, "reason_field": None, "rules": [rule], "closed_books": 5}
    native = {"steps": ["stamp", "rest_workflow"], "rest_workflow": {"approve": True, "decline": True}}
    return {"approval": policy, "write_back": native}


@dataclass
class Scene:
    """One person's act on one bill. `stamp` is what Intacct must hold afterwards, `says` what the task must explain.

    With `second` it goes on after the first run: that person approves too, and then the bill has to be approved.
    """

    title: str
    person: str
    option: str
    stamp: str
    says: str
    suits: Callable[[Mapping[str, Any]], bool]
    reason: str = ""
    edits_bill: bool = False
    edited_later: bool = False
    """The bill is changed after the decision was stamped."""
    on_hold: bool = False
    """The bill is put on hold before anybody decides."""
    closed_books: bool = False
    """The bill's books are closed when somebody decides and opened afterwards: the decision waits for that."""
    new_account: bool = False
    """Somebody changes the payment details of the bill's vendor after the choice: the decision waits for a call."""
    native: bool = False
    """Played when people are asked by subtasks, and their decisions become Intacct's own: it has to hold the bill as posted."""
    second: str = ""
    then_says: str = ""
    bill: Mapping[str, Any] = field(default_factory=dict)
    task_gid: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether something happens to the bill between the first run and the second."""
        return self.edited_later or self.waits or bool(self.second)

    @property
    def waits(self) -> bool:
        """Whether its decision is parked at first."""
        return self.closed_books or self.new_account

    @property
    def email(self) -> str:
        return f"{self.person}@{COMPANY}"


def amount(bill: Mapping[str, Any]) -> Decimal:
    return Decimal(bill["total_entered"])


def _plain(bill: Mapping[str, Any]) -> bool:
    return bill["state"] in OPEN_STATES and bill["base_currency"] == "USD" and bill["created_by"] in CLERKS


def _one_step(bill: Mapping[str, Any]) -> bool:
    return _plain(bill) and amount(bill) < LARGE - 1_000


def _two_steps(bill: Mapping[str, Any]) -> bool:
    return _plain(bill) and amount(bill) >= LARGE


def scenes() -> list[Scene]:
    """A good approval, a rejection, somebody not on the list, an amount over the limit, a bill that changes before its approval
    arrives, one that changes after it was stamped; two steps, a deputy, a hold that an approval lifts, books that are closed,
    a vendor with another bank account, and an approval that becomes Intacct's own."""
    return [
        Scene(
            title="a good approval",
            person="alice.martin",
            option="Approved",
            stamp="Approved",
            says="Recorded in Intacct",
            suits=lambda bill: _plain(bill) and amount(bill) < 10_000,
        ),
        Scene(
            title="a rejection with a reason",
            person="ben.okafor",
            option="Rejected",
            stamp="Rejected",
            says="Recorded in Intacct",
            suits=_one_step,
            reason="The goods never arrived; the vendor will send a credit note.",
        ),
        Scene(
            title="an approval by someone not on the list",
            person="erin.wolf",
            option="Approved",
            stamp="",
            says="approver list",
            suits=lambda bill: _plain(bill) and amount(bill) < 10_000,
        ),
        Scene(
            title="an approval over the limit",
            person="alice.martin",
            option="Approved",
            stamp="",
            says="limit",
            suits=lambda bill: _one_step(bill) and amount(bill) > 10_000,
        ),
        Scene(
            title="an approval of a bill that changes afterwards",
            person="carla.ruiz",
            option="Approved",
            stamp="",
            says="changed",
            suits=_one_step,
            edits_bill=True,
        ),
        Scene(
            title="an approval of a bill that changes after it was stamped",
            person="ben.okafor",
            option="Approved",
            stamp="Approved",
            says="Recorded in Intacct",
            suits=_one_step,
            edited_later=True,
        ),
        Scene(
            title="an approval in two steps",
            person="alice.martin",
            option="Approved",
            stamp="",
            says="step 1 of 2",
            suits=_two_steps,
            second="carla.ruiz",
            then_says="Recorded in Intacct",
        ),
        Scene(
            title="a second step by a deputy",
            person="alice.martin",
            option="Approved",
            stamp="",
            says="step 1 of 2",
            suits=lambda bill: _two_steps(bill) and amount(bill) > 50_000,
            second="ben.okafor",
            then_says="controller: Ben Okafor for Carla Ruiz",
        ),
        Scene(
            title="an approval that lifts a hold",
            person="ben.okafor",
            option="Approved",
            stamp="Approved",
            says="It is not on hold there",
            suits=_one_step,
            on_hold=True,
        ),
        Scene(
            title="an approval that waits for closed books",
            person="carla.ruiz",
            option="Approved",
            stamp="",
            says="and that waits: The books of",
            then_says="Recorded in Intacct",
            suits=_one_step,
            closed_books=True,
        ),
        Scene(
            title="an approval that waits for a call to the vendor",
            person="alice.martin",
            option="Approved",
            stamp="",
            says="and that waits: The record of vendor",
            then_says="Recorded in Intacct",
            suits=lambda bill: _plain(bill) and amount(bill) < 10_000,
            new_account=True,
        ),
        Scene(
            title="two steps by subtasks that become Intacct's own approval",
            person="alice.martin",
            second="carla.ruiz",
            option="Approved",
            stamp="Approved",
            says="Intacct itself holds it as Posted",
            suits=lambda bill: _plain(bill) and bill["state"] == "Submitted",
            native=True,
        ),
    ]


def cast(steering: Steering) -> list[Scene]:
    """The scenes, each with a bill of its own that suits it."""
    tasks = steering.tasks_by_key()
    free = sorted(steering.bills(), key=lambda bill: int(bill["record_no"]))
    taken: set[str] = set()
    played = scenes()
    waits = next(scene for scene in played if scene.closed_books)
    earliest = _first(waits, sorted(free, key=lambda bill: str(bill["summary_day"])), taken, tasks)
    # Books are closed up to a day, and only this one bill is to meet that.
    free = [bill for bill in free if bill is earliest or bill["summary_day"] > earliest["summary_day"]]
    # Those that few bills suit choose first; last the one whose vendor nobody else may have, since all its bills are held up.
    for scene in sorted(played, key=lambda one: (one.new_account, 0 if one is waits else sum(map(one.suits, free)))):
        if scene.new_account:
            vendors = {one.bill["vendor_id"] for one in played if one.bill}
            free = [bill for bill in free if bill["vendor_id"] not in vendors]
        scene.bill = earliest if scene is waits else _first(scene, free, taken, tasks)
        scene.task_gid = tasks[Steering.key_of(scene.bill)]["gid"]
        taken.add(scene.bill["record_no"])
    return played


def _first(scene: Scene, bills: Iterable[Mapping[str, Any]], taken: set[str], tasks: Mapping[str, Any]) -> Mapping[str, Any]:
    for bill in bills:
        if bill["record_no"] not in taken and scene.suits(bill) and Steering.key_of(bill) in tasks:
            return bill
    raise DemoFailed(f"The sandbox has no bill for {scene.title}; choose another --seed")


ALICES_LIMIT = 10_000
"""In the example's flow file."""


def to_try(steering: Steering, *, besides: Iterable[str]) -> list[tuple[Mapping[str, Any], str]]:
    """Bills that nobody decided on, each with its task's gid: one that Alice Martin may approve alone, and one over her limit,
    as far as the sandbox has them.

    `besides`: vendors about whose bills something is going on already.
    """
    tasks, others, found = steering.tasks_by_key(), set(besides), []
    untouched = [
        (bill, tasks[key])
        for bill in steering.bills()
        if (key := Steering.key_of(bill)) in tasks
        and _one_step(bill)
        and bill["bill_number"]
        and bill["vendor_id"] not in others
        and not bill["stamps"]["ASANA_DECISION"]
        and not bill["on_hold"]
        and tasks[key]["fields"].get("Approval") == "Pending"
    ]
    for is_over in (False, True):
        found += [(bill, task["gid"]) for bill, task in untouched if (amount(bill) > ALICES_LIMIT) is is_over][:1]
    return found


def act(scene: Scene, steering: Steering) -> None:
    """Do on the board what the person does; and edit the bill afterwards where the scene says so."""
    if scene.on_hold:
        changes = {"on_hold": True}
        steering.act("intacct", CLERKS[0], "edit_bill", record_no=scene.bill["record_no"], changes=changes)
    if scene.closed_books:
        steering.close_books(scene.bill["summary_day"])
    if scene.reason:
        steering.act("asana", scene.email, "set_text", task=scene.task_gid, field="Decision reason", text=scene.reason)
    steering.act("asana", scene.email, "choose", task=scene.task_gid, field="Approval", option=scene.option)
    if scene.edits_bill:
        steering.raise_first_line(scene.bill["record_no"], by=Decimal(1000))


def answer_subtask(scene: Scene, steering: Steering, *, person: str) -> None:
    """The person approves on the subtask that stands in their own list."""
    email = f"{person}@{COMPANY}"
    asked = [task for task in steering.subtasks(scene.task_gid) if task["assignee"] == email]
    if not asked:
        raise DemoFailed(f"Nobody asked {person} about bill {scene.bill['bill_number']} by a subtask")
    steering.act("asana", email, "set_approval", task=asked[-1]["gid"], status="approved")


def give_second_step(scene: Scene, steering: Steering) -> None:
    """The other person approves too: now both sides have to say that the bill is approved."""
    steering.act("asana", f"{scene.second}@{COMPANY}", "choose", task=scene.task_gid, field="Approval", option=scene.option)
    scene.stamp, scene.says = scene.option, scene.then_says


def change_account(scene: Scene, steering: Steering) -> None:
    steering.act("intacct", CLERKS[1], "change_payment_details", vendor_id=scene.bill["vendor_id"])


def call_back(scene: Scene, steering: Steering) -> None:
    """One calls the vendor and notes that on the task, a second person releases: now it has to be carried out."""
    # One call for all of the vendor's bills, below the task of the first.
    vendor = scene.bill["vendor_id"]
    tasks = steering.state("asana")["tasks"]
    asked = [task for task in tasks if task["name"].startswith("Call back ") and vendor in task["name"]]
    if not asked:
        raise DemoFailed(f"Nobody was asked to call vendor {vendor} back")
    said = "called: Jo Lee in their accounts office, number from the contract of 2021, today at 10:15, confirmed"
    for who, text in ((ERIN, said), (BEN, "release")):
        steering.act("asana", who, "comment", task=asked[-1]["gid"], text=text)
    scene.stamp, scene.says = scene.option, scene.then_says


def open_books(scene: Scene, steering: Steering) -> None:
    """What the decision waits for comes true: now it has to be carried out."""
    steering.close_books("")
    scene.stamp, scene.says = scene.option, scene.then_says


def change_later(scene: Scene, steering: Steering) -> None:
    """The bill is edited although its approval stands in Intacct: from now on that has to be void on both sides."""
    steering.raise_first_line(scene.bill["record_no"], by=Decimal(1000))
    scene.stamp, scene.says = "void", "no longer counts"
