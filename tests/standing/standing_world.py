"""One small flow whose stamp carries amount and digest, with the real operators on the sandbox over HTTP.

`heal` runs what the schedules would run, until nothing fails any more: what both sides say then is what stands.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intacct_asana.errors import IntacctAsanaError
from intacct_asana.flow.load import load_flow
from intacct_asana.flow.model import Flow
from intacct_asana.intacct.hook import IntacctHook
from intacct_asana.operators.documents import AttachDocumentsOperator
from intacct_asana.operators.preflight import CheckAsanaOperator
from intacct_asana.store import open_store

from sandbox import constants
from tests.begun import begun
from tests.conftest import evidence_keys
from tests.databases import NewStore
from tests.reconciliation.reconciliation_world import ALICE, BEGIN, Reconciliation

FLOW = """
flow: small
bills:
  project: {bills}
  states: {bill_states}
  task_name: "{{vendor_name}} {{bill_number}} {{total_entered}}"
  notes: none
  payments: totals
  fields:
    - {{name: Amount, kind: number, source: total_entered, precision: 2}}
    - {{name: Vendor, kind: text, source: vendor_id}}
vendors:
  project: {vendors}
approval:
{approval}
  approvers:
    - {{email: alice.martin@northwind.example, limits: {{USD: 1000.00}}, intacct_users: [amartin]}}
    - {{email: ben.okafor@northwind.example, limits: {{USD: 50000.00}}, intacct_users: [bokafor]}}
write_back:
  steps: [stamp]
{write_back}
  stamp:
    decision: ASANA_DECISION
    decided_by: ASANA_DECISION_BY
    decided_at: ASANA_DECISION_AT
    decision_id: ASANA_DECISION_ID
    reason: ASANA_DECISION_REASON
    amount: ASANA_AMOUNT
    digest: ASANA_DIGEST
"""
OPEN_STATES = "[Submitted, Posted, Selected, Partially Paid]"
WITH_FILES = ("  payments: totals\n", "  payments: totals\n  attachments: file\n")
COMMENT_WAY = "  signal: {kind: comment, approve: [approve], reject: [reject]}"
CLERK = "mgarcia"
TRIES = 4


class Standing(Reconciliation):
    """A company with a few bills of two vendors, and its tasks. `approved`: Alice did so with the first, stamped and told."""

    def __init__(
        self,
        sandbox: Any,
        folder: Path,
        new_store: NewStore,
        *,
        approval: str = "",
        write_back: str = "",
        bill_states: str = OPEN_STATES,
        bills: int = 1,
        approved: bool = False,
        settings: dict[str, Any] | None = None,
        replace: tuple[str, str] = ("", ""),
        make_bill: dict[str, Any] | None = None,
    ) -> None:
        self.sandbox, self.new_store = sandbox, new_store
        self.from_purchasing = (make_bill or {}).get("module") == "9.PO"
        self.path = folder / "small.yaml"
        projects = {"bills": constants.BILLS_PROJECT_GID, "vendors": constants.VENDORS_PROJECT_GID}
        text = FLOW.format(approval=approval, write_back=write_back, bill_states=bill_states, **projects)
        text = text.replace(*replace) if replace[0] else text
        self.path.write_text(text, encoding="utf-8")
        self.flow: Flow = load_flow(self.path)

        def make() -> tuple[str, Any]:
            sandbox.reset(vendors=2, bills=0)
            sandbox.settings(asana_requests_per_minute=1_000_000, **(settings or {}))
            self.at = BEGIN
            sandbox.clock(freeze=BEGIN.isoformat())
            self.books: IntacctHook | None = None
            self.use_store(new_store.ready())
            self.preflight()
            self.bills = [self.make_bill(**(make_bill or {})) for _ in range(bills)]
            self.sync()
            if approved:
                self.approve(ALICE)
                self.heal()
            return self.url, (self.bills, self.at)

        how = ("standing", text, bills, approved, settings, make_bill)
        url, (self.bills, self.at) = begun(sandbox, new_store, how, make)
        self.books = None
        self.use_store(url)

    # What runs.

    def use_store(self, url: str) -> None:
        self.url = url
        self.store = open_store(url, evidence_keys=evidence_keys).for_flow("small")

    def open_new_store(self) -> None:
        self.use_store(self.new_store.ready())

    def preflight(self) -> list[dict[str, str]]:
        rows: list[dict[str, str]] = self.step(CheckAsanaOperator(task_id="check", flow="small", create_missing=True))
        return rows

    def lose_store(self) -> None:
        """The database is gone; somebody runs preflight on an empty one, and the bill sync begins with a full pass."""
        self.pass_time(1)
        self.open_new_store()
        self.preflight()
        self.heal()

    def sync(self, **params: Any) -> dict[str, Any]:
        planned = super().sync(**params)
        if self.flow.bills.attachments == "file":
            self.step(AttachDocumentsOperator(task_id="attach", flow="small", applied={"done": {}}), **params)
        return planned

    def cycle(self) -> list[IntacctAsanaError]:
        """Bill sync, then the steps of the approvals; what failed, as Airflow would go on: a step needs the one before."""
        failed: list[IntacctAsanaError] = []
        for steps in ((self.sync,), (self.read, self.settle, self.tell)):
            self.pass_time(1)
            try:
                for step in steps:
                    step()
            except IntacctAsanaError as error:
                failed.append(error)
        return failed

    def steps(self) -> dict[str, Any]:
        """A bill sync and a run of the approvals; what the settling said."""
        self.sync()
        self.pass_time(1)
        self.read()
        settled: dict[str, Any] = self.settle()
        self.tell()
        return settled

    def heal(self, *, hours: int = 0) -> None:
        """Cycles until one has no failure; one more, since a task that is written anew is decided on in the next."""
        self.pass_time(hours=hours)
        for _ in range(TRIES):
            failed = self.cycle()
            if not failed:
                break
        assert not failed, [error.message for error in failed]
        assert self.cycle() == []

    # What people do.

    def make_bill(self, *, amount: str = "500.00", who: str = CLERK, state: str = "Posted", **more: Any) -> str:
        made = self.sandbox.act("intacct", who, "create_bill", amount=amount, state=state, **more)
        number: str = made["record_no"]
        return number

    def edit(self, *, bill: int = 0, who: str = CLERK, **changes: Any) -> None:
        self.pass_time(1)
        self.sandbox.act("intacct", who, "edit_bill", record_no=self.bills[bill], changes=changes)

    def attach(self, text: str = "invoice", *, bill: int = 0) -> None:
        """The clerk hangs a PDF on the bill, under an id of its own."""
        self.pass_time(1)
        files = [{"name": "invoice", "text": f"%PDF-1.7 {text}"}]
        told = {"record_no": self.bills[bill], "document_id": f"ATT-{bill}", "files": files}
        self.sandbox.act("intacct", CLERK, "attach_document", **told)

    def replace_files(self, text: str, *, bill: int = 0) -> None:
        """Another PDF under the same id: the bill in Intacct shows nothing of it."""
        self.pass_time(1)
        files = [{"name": "invoice", "text": f"%PDF-1.7 {text}"}]
        self.sandbox.act("intacct", CLERK, "replace_document", document_id=f"ATT-{bill}", files=files)

    def approve(self, who: str, *, bill: int = 0, **how: Any) -> None:
        self.act(who, "choose", bill=bill, field="Approval", option="Approved", **how)

    def edit_in_the_moment(self, when: str, *, kind: str = "update APBILL", bill: int = 0, **changes: Any) -> None:
        """A clerk's edit in the second of our write: `act_before` it takes effect, or `act_after` it."""
        detail = {"user": CLERK, "action": "edit_bill", "record_no": self.bills[bill], "changes": changes}
        self.sandbox.fault("intacct", kind, when, detail=detail)

    def make_by_hand(self, who: str, **fields: str) -> str:
        self.pass_time(1)
        made = self.sandbox.act("asana", who, "create", name="Please approve", fields=fields)
        gid: str = made["result"]["gid"]
        return gid

    def rename_option(self, option: str, name: str) -> None:
        self.sandbox.act("asana", "erin", "rename_option", field="Approval", option=option, name=name)

    # What is there.

    def bill(self, bill: int = 0) -> dict[str, Any]:
        bills = self.sandbox.state("intacct")["bills"]
        found: dict[str, Any] = next(one for one in bills if one["record_no"] == self.bills[bill])
        return found

    def key(self, bill: int = 0) -> str:
        if self.from_purchasing:
            return f"{constants.COMPANY_ID}:po:{self.bill(bill)['source_document']}"
        return f"{constants.COMPANY_ID}:ap:{self.bills[bill]}"

    def tasks(self, bill: int = 0) -> list[dict[str, Any]]:
        """Every living task that carries the bill's key, also one that somebody made by hand."""
        tasks = self.sandbox.state("asana")["tasks"]
        return [task for task in tasks if str(task["fields"].get("Intacct key")).casefold() == self.key(bill).casefold()]

    def says(self, bill: int = 0) -> tuple[str, str]:
        """What the stamp says in Intacct, and what the task shows in Asana."""
        return self.held(bill)["ASANA_DECISION"].casefold(), str(self.task(bill)["fields"].get("Approval"))

    def rules_of(self, bill: int = 0) -> list[str]:
        return [one.rule for one in self.decisions(bill)]

    def told(self, bill: int = 0) -> str:
        """Everything that we said on the task."""
        return "\n".join(self.comments(bill))

    def noted(self, bill: int = 0) -> str:
        """All evidence about the bill as text."""
        return "\n".join(str(dict(row.body)) for row in self.store.evidence(self.key(bill)))

    def is_unapproved(self, bill: int = 0) -> None:
        """Neither side says that the bill is approved."""
        stamp, shown = self.says(bill)
        assert stamp != "approved", "the stamp says approved"
        assert shown == "Pending", f"the task shows {shown}"

    def is_approved(self, bill: int = 0) -> None:
        assert self.says(bill) == ("approved", "Approved"), (self.says(bill), self.told(bill))
