"""What preflight finds about a connection for native approvals."""

from __future__ import annotations

from typing import Any

from intacct_asana.flow.write_back import RestWorkflow
from intacct_asana.operators.checks import Row
from intacct_asana.operators.native_checks import rows_of_native

from tests.intacct_rest.rest_world import ALLOWED, RestWorld


def rows(world: RestWorld, *, rules: RestWorkflow = ALLOWED, **changed: Any) -> list[Row]:
    return rows_of_native(world.a_hook(**changed), world.books, rules)


def only_wrong(found: list[Row], check: str) -> str:
    assert [row["check"] for row in found if row["ok"] == "no"] == [check], found
    return next(row["result"] for row in found if row["ok"] == "no")


def test_a_good_connection_passes_and_names_what_it_compared(world: RestWorld) -> None:
    world.a_bill()
    found = rows(world)
    assert [row["ok"] for row in found] == ["yes"] * 3
    assert found[0]["result"].endswith("the flow lets it approve and decline")
    assert "are the same to both APIs: number, vendor, total" in found[2]["result"]
    assert world.acts() == {}


def test_a_refused_login_fails(world: RestWorld) -> None:
    found = rows(world, password="wrong")
    assert [row["ok"] for row in found] == ["no", "yes", "no"]


def test_another_user_than_the_gateways_fails(world: RestWorld) -> None:
    world.sandbox.settings(rest_users=["bokafor"])
    found = rows(world, extra={"username": "bokafor@SANDBOX-CO"})
    assert "its user is bokafor, the gateway's is xml_gateway" in only_wrong(found, "Intacct REST user")


def test_a_step_that_may_do_nothing_fails(world: RestWorld) -> None:
    assert "allows nothing" in only_wrong(rows(world, rules=RestWorkflow()), "Intacct REST login")


def test_a_read_only_connection_is_named(world: RestWorld) -> None:
    assert "read only" in rows(world, extra={"read_only": True})[0]["result"]


def test_a_key_that_is_another_bill_at_the_gateway_fails(world: RestWorld) -> None:
    bill, other = world.a_bill(), world.a_bill(vendor_id=world.sandbox.state("intacct")["vendors"][-1]["vendor_id"])
    world.sandbox.settings(rest_key_offset=int(other.record_no) - int(bill.record_no))
    found = rows(world)
    assert "is another one to the REST API" in only_wrong(found, "Intacct REST bills")
