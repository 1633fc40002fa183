"""The controls: reset, clock, counters, settings, what people do, and who may use them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from sandbox.app import create_app


def test_counters_tell_kinds_and_zero(gateway: Any, sandbox: Any) -> None:
    gateway.open_session()
    gateway.query("APBILL")
    gateway.update_bill("0", "<ONHOLD>true</ONHOLD>")
    assert sandbox.counters() == {
        "intacct WRITE": 1,
        "intacct getAPISession": 1,
        "intacct query APBILL": 1,
        "intacct update APBILL": 1,
    }
    sandbox.zero_counters()
    assert sandbox.counters() == {}


def test_the_clock_freezes_moves_and_runs_on(sandbox: Any) -> None:
    assert sandbox.clock(freeze="2026-01-01T00:00:00Z") == {"now": "2026-01-01T00:00:00+00:00", "frozen": True}
    assert sandbox.clock(advance_seconds=3600)["now"] == "2026-01-01T01:00:00+00:00"
    released = sandbox.clock(release=True)
    assert released["now"].startswith("2026-01-01T01:00:0")
    assert released["frozen"] is False
    with pytest.raises(AssertionError, match="422"):
        sandbox.clock(fast=True)


def test_a_reset_forgets_everything_that_was_steered(gateway: Any, sandbox: Any) -> None:
    sandbox.settings(denied_objects=["APBILL"])
    sandbox.clock(freeze="2020-01-01T00:00:00Z")
    sandbox.fault("intacct", "*", "drop")
    summary = sandbox.reset(bills=3, vendors=2)
    assert summary["intacct"]["bills"] == 3
    assert len(gateway.query("APBILL", options="<showprivate>true</showprivate>")) == 3
    assert not sandbox.clock(advance_seconds=0)["now"].startswith("2020")


def test_the_same_seed_makes_the_same_company(sandbox: Any) -> None:
    def company(seed: int) -> Any:
        sandbox.reset(seed=seed)
        state = sandbox.state("intacct")
        return [(bill["record_no"], bill["bill_number"], bill["vendor_name"], bill["total_entered"]) for bill in state["bills"]]

    assert company(3) == company(3) != company(4)


def test_controls_answer_to_this_machine_only() -> None:
    app = create_app(vendors=1, bills=1)

    async def status(client: str) -> int:
        transport = httpx.ASGITransport(app=app, client=(client, 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
            return (await http.get("/_sandbox/counters")).status_code

    hosts = ("127.0.0.1", "::1", "10.0.0.5", "example.org")
    assert [asyncio.run(status(host)) for host in hosts] == [200, 200, 403, 403]


def test_paying_a_bill_leaves_payment_details_that_add_up(gateway: Any, sandbox: Any) -> None:
    made = sandbox.act("intacct", "jchen", "create_bill", state="Posted", lines=[{"amount": "10.10"}, {"amount": "20.20"}])
    number = made["record_no"]
    part = sandbox.act("intacct", "jchen", "pay_bill", record_no=number, amount="15.00")["bill"]
    assert (part["state"], part["total_paid"], part["total_due"]) == ("Partially Paid", "15.00", "15.30")
    rest = sandbox.act("intacct", "jchen", "pay_bill", record_no=number)
    assert (rest["bill"]["state"], rest["bill"]["total_due"]) == ("Paid", "0.00")
    where = f"<equalto><field>RECORDKEY</field><value>{number}</value></equalto>"
    details = gateway.rows("APPYMTDETAIL", "PAYMENTKEY RECORDKEY PAYMENTAMOUNT PAYMENTDATE APPYMT.PAYMENTMETHOD", where)
    assert [row["PAYMENTAMOUNT"] for row in details] == ["10.1", "4.9", "15.3"]
    assert {row["APPYMT.PAYMENTMETHOD"] for row in details} == {"ACH"}
    voided = sandbox.act("intacct", "jchen", "void_payment", record_no=rest["payment"]["record_no"])
    assert voided["payment"]["state"] == "Voided"
    bill = next(bill for bill in sandbox.state("intacct")["bills"] if bill["record_no"] == number)
    assert (bill["state"], bill["total_due"], bill["paid_on"]) == ("Partially Paid", "15.30", "")


def test_purchasing_recreates_a_bill_under_a_new_number(sandbox: Any) -> None:
    old = sandbox.act("intacct", "jchen", "create_bill", module="9.PO", amount="50.00")["bill"]
    made = sandbox.act("intacct", "jchen", "recreate_bill", record_no=old["record_no"], changes={"line": 1, "amount": "60.00"})
    new = made["bill"]
    assert new["record_no"] != old["record_no"]
    assert (new["source_document"], new["bill_number"]) == (old["source_document"], old["bill_number"])
    state = sandbox.state("intacct")
    assert {"object": "apbill", "key": old["record_no"]} in state["deleted"]
    assert old["record_no"] not in {bill["record_no"] for bill in state["bills"]}
    assert next(bill for bill in state["bills"] if bill["record_no"] == new["record_no"])["total_entered"] == "60.00"


def test_editing_a_line_changes_the_header_and_its_change_time(sandbox: Any) -> None:
    made = sandbox.act("intacct", "jchen", "create_bill", amount="50.00")["bill"]
    sandbox.clock(advance_seconds=60)
    after = sandbox.act("intacct", "mgarcia", "edit_bill", record_no=made["record_no"], changes={"line": 1, "amount": "999.00"})
    assert after["bill"]["total_entered"] == "999.00"
    assert (after["bill"]["modified_by"], after["bill"]["modified_at"] > made["modified_at"]) == ("mgarcia", True)
    sandbox.settings(line_changes_touch_header=False)
    sandbox.clock(advance_seconds=60)
    again = sandbox.act("intacct", "mgarcia", "edit_bill", record_no=made["record_no"], changes={"line": 1, "amount": "1.00"})
    assert again["bill"]["modified_at"] == after["bill"]["modified_at"]


@pytest.mark.parametrize(
    "told",
    [
        {"action": "nope"},
        {"action": "edit_bill", "record_no": "0", "changes": {}},
        {"action": "set_state", "record_no": "x", "state": "Posted"},
        {"action": "create_bill", "vendor_id": "nobody"},
        {"action": "pay_bill"},
    ],
)
def test_what_cannot_be_done_is_said_plainly(sandbox: Any, told: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="422"):
        sandbox.act("intacct", "jchen", **told)
