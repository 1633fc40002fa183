"""Both sides of a period as they stand now, for an auditor's pack: bills by bill date, their tasks, and where they differ."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from intacct_asana.approvals.words import read_stamp
from intacct_asana.audit.pack import BillSeen, Difference, Period, Populations, Source, TaskSeen, amount_cell
from intacct_asana.errors import Misconfigured
from intacct_asana.flow.model import Flow
from intacct_asana.flow.signals import EnumSignal
from intacct_asana.ports import Books, TaskBoard
from intacct_asana.records import Bill, FieldValue, Pins, ReadWindow, Task, Verdict
from intacct_asana.records.anchors import without_anchors
from intacct_asana.text import rounded

AMOUNT = "total_entered"


def period_of(since: str, until: str) -> Period:
    """Two days of bill dates. Raises Misconfigured for what is none, and for an end before the beginning."""
    try:
        period = Period(since=date.fromisoformat(since.strip()), until=date.fromisoformat(until.strip()))
    except ValueError as error:
        raise Misconfigured(f"A pack is of a period of bill dates, two days such as 2026-07-01; {error}.") from error
    if period.until < period.since:
        raise Misconfigured(f"The period ends ({until}) before it begins ({since}).")
    return period


@dataclass(slots=True)
class Sides:
    """Reads the bills whose bill date is in the period, and the tasks of those bills."""

    flow: Flow
    books: Books
    board: TaskBoard
    pins: Pins
    company_id: str
    login: str
    now: Callable[[], datetime]
    ours: Collection[str] = ()
    """Ids of the decisions that this store stamped."""
    unread_bills: list[str] = field(default_factory=list)
    unread_tasks: list[str] = field(default_factory=list)

    def read(self, period: Period) -> Populations:
        began = self.now()
        bills = self._bills(period)
        tasks_began = self.now()
        tasks = self._tasks({bill.bill_key for bill in bills})
        scope = self.flow.bills
        where = {
            "bill_date_from": period.since,
            "bill_date_to": period.until,
            "entities": list(scope.entities),
            # Without it Intacct leaves bills that are private to an entity out, and says nothing of that.
            "show_private": scope.show_private,
        }
        return Populations(
            period=period,
            bills=[self._bill(bill) for bill in bills],
            tasks=[self._task(task, bill) for bill in bills for task in tasks.get(bill.bill_key, ())],
            differences=[one for bill in bills for one in self._differences(bill, tasks.get(bill.bill_key, ()))],
            sources=(
                Source(
                    system="Sage Intacct",
                    query="query APBILL: every bill of the flow's entities whose bill date is in the period",
                    parameters={"company": self.company_id, **where},
                    read_at=began,
                    read_by=self.login,
                    unread=tuple(self.unread_bills),
                ),
                Source(
                    system="Asana",
                    query="GET /tasks of the project, completed ones too: those that carry the key of one of these bills",
                    parameters={"project": self.flow.bills.project},
                    read_at=tasks_began,
                    read_by=self.pins.bot_gid,
                    unread=tuple(self.unread_tasks),
                ),
            ),
        )

    def _bills(self, period: Period) -> list[Bill]:
        window = ReadWindow(bill_date_from=period.since, entity_ids=tuple(self.flow.bills.entities))
        pages = self.books.bills(window, unread=lambda one: self.unread_bills.append(one.why))
        found = [bill for page in pages for bill in page if bill.bill_date and bill.bill_date <= period.until]
        return sorted(found, key=lambda bill: (len(bill.record_no), bill.record_no))

    def _tasks(self, keys: Collection[str]) -> dict[str, list[Task]]:
        found: dict[str, list[Task]] = {}
        project = self.flow.bills.project
        for page in self.board.tasks(project, unread=lambda one: self.unread_tasks.append(f"task {one.gid}: {one.why}")):
            for task in page:
                key = self.shown(task, self.flow.bills.key_field)
                if isinstance(key, str) and key in keys:
                    found.setdefault(key, []).append(task)
        return found

    # What either side shows, also for whoever compares more than a period.

    def shown(self, task: Task, name: str) -> FieldValue:
        pinned = self.pins.fields.get(name)
        return task.fields.get(pinned.gid) if pinned else None

    def currency_of(self, bill: Bill) -> str:
        return bill.base_currency or self.flow.approval.base_currency or ""

    def _bill(self, bill: Bill) -> BillSeen:
        names = self.flow.write_back.stamp
        assert bill.bill_date
        return BillSeen(
            key=bill.bill_key,
            record_no=bill.record_no,
            bill_number=bill.bill_number,
            vendor_id=bill.vendor_id,
            vendor_name=bill.vendor_name,
            entity=bill.entity_id,
            state=bill.state,
            bill_date=bill.bill_date,
            currency=self.currency_of(bill),
            amount=bill.total_entered,
            decision=bill.custom.get(names.decision, "") if names else "",
            decided_by=bill.custom.get(names.decided_by, "") if names else "",
            decision_id=self._decision_id(bill.custom.get(names.decision_id, "")) if names else "",
        )

    def _decision_id(self, text: str) -> str:
        """With the anchor behind it where this store made the stamp: what another store noted is in no evidence here."""
        return text if text.startswith(tuple(self.ours)) else without_anchors(text)

    def _task(self, task: Task, bill: Bill) -> TaskSeen:
        return TaskSeen(
            key=bill.bill_key,
            task_gid=task.gid,
            task_url=task.permalink_url,
            name=task.name,
            completed=task.completed,
            entity=bill.entity_id,
            currency=self.currency_of(bill),
            amount=self.amount_on(task),
            approval=self.approval_on(task),
        )

    def amount_on(self, task: Task) -> Decimal | None:
        name = next((rule.name for rule in self.flow.bills.fields if rule.source == AMOUNT and rule.kind == "number"), "")
        shown = self.shown(task, name)
        return shown if isinstance(shown, Decimal) else None

    def approval_on(self, task: Task) -> str:
        """The option's name; of an approval task its status; nothing where people decide by comments."""
        signal = self.flow.approval.signal
        if not isinstance(signal, EnumSignal):
            return task.approval_status or ""
        pinned, chosen = self.pins.fields.get(signal.field), self.shown(task, signal.field)
        return next((name for name, gid in pinned.options.items() if gid == chosen), "") if pinned else ""

    def _differences(self, bill: Bill, tasks: Sequence[Task]) -> Iterator[Difference]:
        scope = self.flow.bills
        is_later = scope.bill_date_from is None or (bill.bill_date is not None and bill.bill_date >= scope.bill_date_from)
        if not tasks and is_later and bill.state in scope.states:
            yield Difference(key=bill.bill_key, what="no task", in_intacct=bill.state, in_asana="")
        if len(tasks) > 1:
            gids = ", ".join(task.gid for task in tasks)
            yield Difference(key=bill.bill_key, what="several tasks", in_intacct="", in_asana=gids)
        stamp = read_stamp(bill, self.flow.write_back.stamp)
        entered = bill.total_entered
        for task in tasks:
            shown = self.amount_on(task)
            if shown is not None and shown != rounded(entered, places=max(2, -int(shown.as_tuple().exponent))):
                amounts = {"in_intacct": amount_cell(entered), "in_asana": amount_cell(shown)}
                yield Difference(key=bill.bill_key, what="amount", **amounts)
            says = self.approval_on(task)
            if stamp is not None and says and self.meaning(says) != stamp.verdict:
                yield Difference(key=bill.bill_key, what="approval", in_intacct=stamp.says, in_asana=says)
            elif stamp is None and self._is_stamped(self.meaning(says)):
                yield Difference(key=bill.bill_key, what="approval", in_intacct="", in_asana=says)

    def _is_stamped(self, verdict: Verdict | None) -> bool:
        """A flow that only observes, or carries a decision out in another way, leaves no stamp of it."""
        steps = self.flow.write_back
        done = steps.after_approval if verdict is Verdict.APPROVE else steps.after_rejection
        return verdict is not None and "stamp" in done

    def meaning(self, says: str) -> Verdict | None:
        signal = self.flow.approval.signal
        if isinstance(signal, EnumSignal):
            return {signal.approve: Verdict.APPROVE, signal.reject: Verdict.REJECT}.get(says)
        return {"approved": Verdict.APPROVE, "rejected": Verdict.REJECT}.get(says)
