"""A plan in the log names bills as people do, and says of each field what it says and what it will say."""

from __future__ import annotations

from decimal import Decimal

from intacct_asana.records import PinnedField, Pins, TaskDraft
from intacct_asana.reports.plan_words import plan_text
from intacct_asana.sync import Create, Plan
from intacct_asana.sync.plan import Close, Update

from tests.approvals.approvals_world import a_bill

AMOUNT, STATE = "500", "501"
PINS = Pins(
    project_gid="1",
    fields={
        "Amount": PinnedField(name="Amount", gid=AMOUNT, kind="number", precision=2),
        "State": PinnedField(name="State", gid=STATE, kind="enum", options={"Posted": "9001", "Paid": "9002"}),
    },
)


def draft(key: str, name: str, **fields: object) -> TaskDraft:
    return TaskDraft(key=key, name=name, fields=fields)  # type: ignore[arg-type]


def text_of(*actions: object) -> str:
    bill = a_bill(bill_key="CO:ap:7", bill_number="4711", vendor_name="Öl | GmbH", total_entered=Decimal("1234.50"))
    return plan_text(Plan(actions=actions), PINS, records={"CO:ap:7": bill})  # type: ignore[arg-type]


def test_a_bill_is_named_by_number_vendor_and_amount_and_its_key_stands_last() -> None:
    new = Create(key="CO:ap:7", record_no="7", amount=Decimal(1), reason="new in scope", desired=draft("CO:ap:7", "x"))
    [row] = [line for line in text_of(new).splitlines() if "new in scope" in line]
    cells = [cell.strip() for cell in row.strip("| ").replace("\\|", "/").split("|")]
    assert cells == ["create", "bill 4711 of Öl / GmbH, 1,234.50 USD", "new in scope", "CO:ap:7"]


def test_a_change_says_what_was_there_and_what_will_be() -> None:
    before = draft("CO:ap:7", "x", **{AMOUNT: Decimal("1200.00"), STATE: "9001"})
    after = draft("CO:ap:7", "x", **{AMOUNT: Decimal("1234.50"), STATE: "9002"})
    change = Update(
        key="CO:ap:7",
        record_no="7",
        amount=Decimal(1),
        reason=f"changed in Intacct: field:{AMOUNT}, field:{STATE}",
        task_gid="9",
        desired=after,
        confirmed=before,
        changed=(f"field:{AMOUNT}", f"field:{STATE}"),
    )
    assert "changed in Intacct: Amount 1,200.00 -> 1,234.50, State Posted -> Paid" in text_of(change)


def test_a_record_that_is_gone_is_called_as_its_task_is() -> None:
    gone = Close(
        key="CO:ap:8",
        record_no="8",
        amount=Decimal(0),
        reason="deleted",
        task_gid="9",
        desired=draft("CO:ap:8", "Acme 4712"),
        confirmed=None,
        changed=("completed",),
    )
    assert '"Acme 4712"' in text_of(gone)
