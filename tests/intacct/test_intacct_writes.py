"""The bytes of every write that the hook can make. A write that is added later is held to the same."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured, OutcomeUnknown
from intacct_asana.intacct.hook import IntacctHook
from intacct_asana.records import Bill, BillState, PaymentOrder, ReadWindow
from lxml import etree
from requests.adapters import HTTPAdapter

from sandbox import constants

READS = {"query", "read", "readByName", "readByQuery", "readMore", "lookup", "readUserFormatting", "getAPISession"}
WRITES = sorted(name for name, method in inspect.getmembers(IntacctHook) if getattr(method, "changes_other_system", False))
CONTROL_ID = "ia-dec-7f3a-stamp"
KINDS = {"request_payment": "create *", "approve_document": "approve *"}
"""What the sandbox calls those that update no record."""
MORE = {"submit_bill": {"ACTION"}}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[etree._Element]:
    """Every request that left and does not only read."""
    found: list[etree._Element] = []
    send = HTTPAdapter.send

    def noted(adapter: Any, request: Any, **how: Any) -> Any:
        root = etree.fromstring(request.body)
        functions = root.findall("operation/content/function/*")
        if any(function.tag not in READS for function in functions):
            found.append(root)
        return send(adapter, request, **how)

    monkeypatch.setattr(HTTPAdapter, "send", noted)
    return found


@pytest.fixture(autouse=True)
def _a_document_waits(sandbox: Any) -> None:
    """The document of the first bill that comes from Purchasing can be approved."""
    numbers = [int(bill["record_no"]) for bill in sandbox.state("intacct")["bills"] if bill["source_document"]]
    sandbox.act("intacct", "mgarcia", "set_document_state", record_no=str(min(numbers)), state="Submitted")


def a_bill(hook: IntacctHook) -> Bill:
    return next(bill for page in hook.bills(ReadWindow()) for bill in page if bill.state is BillState.POSTED)


def called(name: str, hook: IntacctHook, bill: Bill) -> Callable[[], Any]:
    """The write `name` on a record of the sandbox, as its parameters ask for."""
    vendor = next(vendor for page in hook.vendors(ReadWindow()) for vendor in page if vendor.vendor_id == bill.vendor_id)
    is_vendor = "vendor" in name
    purchased = min(
        (bill for page in hook.bills(ReadWindow()) for bill in page if bill.source_document), key=lambda one: int(one.record_no)
    )
    known = {
        "record_no": vendor.record_no if is_vendor else bill.record_no,
        "values": {"ASANA_TASK_URL" if is_vendor else "ASANA_DECISION": "Approved <b> & good"},
        "control_id": CONTROL_ID,
        "on_hold": True,
        "order": PaymentOrder(
            bill_no=bill.record_no,
            vendor_id=bill.vendor_id,
            amount=Decimal("1.50"),
            currency=bill.currency,
            account="OPER_CHK",
            method="ACH",
            pay_on=date(2026, 12, 1),
            marker="dec-7f3a",
        ),
        "document": hook.purchasing_document(purchased.source_document),
        "comment": "Approved <b> & good",
    }
    method = getattr(hook, name)
    wanted = [one for one in inspect.signature(method).parameters.values() if one.default is inspect.Parameter.empty]
    unknown = [one.name for one in wanted if one.name not in known]
    assert not unknown, f"say here what {name} takes as {unknown}, so that its bytes are looked at"
    return lambda: method(**{one.name: known[one.name] for one in wanted})


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("fault", ["no_control_id", "other_function", "no_status"])
def test_a_success_that_does_not_tell_what_it_answers_is_an_unknown_outcome(
    sandbox: Any, a_hook: Callable[..., IntacctHook], name: str, fault: str
) -> None:
    hook = a_hook()
    write = called(name, hook, a_bill(hook))
    sandbox.fault("intacct", KINDS.get(name, "update *"), fault)
    with pytest.raises(OutcomeUnknown, match="read the record back"):
        write()


def only(nodes: list[etree._Element]) -> etree._Element:
    assert len(nodes) == 1
    return nodes[0]


def test_there_are_writes_to_look_at() -> None:
    assert {"stamp_bill", "hold_bill", "update_vendor"} <= set(WRITES)


@pytest.mark.parametrize("name", WRITES)
def test_in_a_rehearsal_no_write_is_sent(sandbox: Any, a_hook: Callable[..., IntacctHook], sent: Any, name: str) -> None:
    hook = a_hook()
    write = called(name, hook, a_bill(hook))
    hook.rehearses = True
    with pytest.raises(Misconfigured, match="rehearsal: true"):
        write()
    assert sent == []


@pytest.mark.parametrize("name", WRITES)
def test_a_write_is_one_function_that_intacct_may_carry_out_once(sandbox: Any, a_hook: Any, sent: Any, name: str) -> None:
    hook = a_hook()
    bill = a_bill(hook)
    called(name, hook, bill)()
    request = only(sent)
    function = only(request.findall("operation/content/function"))
    assert len(function) == 1
    assert request.findtext("control/uniqueid") == "true"
    assert function.get("controlid") == CONTROL_ID
    assert request.find("operation").get("transaction") == "false"


@pytest.mark.parametrize("name", [name for name in WRITES if name not in KINDS])
def test_a_write_touches_one_record_and_sends_no_list(sandbox: Any, a_hook: Any, sent: Any, name: str) -> None:
    """What is sent of a list replaces the list: lines, contacts. What is not sent stays."""
    hook = a_hook()
    bill = a_bill(hook)
    before = sandbox.state("intacct")
    called(name, hook, bill)()
    record = only(only(sent).findall("operation/content/function/*/*"))
    assert record.findtext("RECORDNO") or record.findtext("recordno")
    assert [cell.tag for cell in record if len(cell)] == []
    assert [line for bill in sandbox.state("intacct")["bills"] for line in bill["lines"]] == [
        line for bill in before["bills"] for line in bill["lines"]
    ]


@pytest.mark.parametrize("name", WRITES)
def test_an_update_of_a_bill_sends_custom_fields_or_the_hold_alone(sandbox: Any, a_hook: Any, sent: Any, name: str) -> None:
    hook = a_hook()
    bill = a_bill(hook)
    called(name, hook, bill)()
    function = only(only(sent).findall("operation/content/function/*"))
    for record in (child for child in function if function.tag == "update" and child.tag == "APBILL"):
        assert {cell.tag for cell in record} - {"RECORDNO"} <= {*constants.STAMP_FIELDS, "ONHOLD"} | MORE.get(name, set())


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("action", ["lost_answer", "status_after:524", "no_status", "truncated"])
def test_a_write_without_a_clear_answer_is_unknown_and_its_repeat_does_nothing(
    sandbox: Any, a_hook: Any, sent: Any, name: str, action: str
) -> None:
    """The repeat goes out under the same control id, and Intacct refuses it; whoever called has read the record by then."""
    hook = a_hook()
    write = called(name, hook, a_bill(hook))
    sandbox.fault("intacct", KINDS.get(name, "update *"), action)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            write()
    assert [request.find("operation/content/function").get("controlid") for request in sent] == [CONTROL_ID] * 2
    assert sandbox.counters()["intacct WRITE"] == 1
