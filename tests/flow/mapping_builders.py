"""Records and pins for mapping tests: each builder says only what a test is about."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from intacct_asana.flow.load import load_flow
from intacct_asana.flow.model import Flow
from intacct_asana.pins import required_fields, required_sections, resolve_pins
from intacct_asana.records import (
    Bill,
    BillLine,
    BillState,
    EnumOption,
    FieldDefinition,
    FieldNeed,
    FieldValue,
    Pins,
    Section,
    TaskDraft,
    Vendor,
)

DEMO = Path(__file__).parents[2] / "include" / "mappings" / "demo.yaml"
BOT = "1200000000000100"


def a_line(**facts: Any) -> BillLine:
    known: dict[str, Any] = {
        "record_no": "9",
        "line_no": 1,
        "account_no": "6100",
        "account_title": "Office supplies",
        "amount": Decimal("100.00"),
        "transaction_amount": Decimal("100.00"),
    }
    return BillLine(**known | facts)


def a_bill(**facts: Any) -> Bill:
    known: dict[str, Any] = {
        "bill_key": "SANDBOX-CO:ap:7",
        "record_no": "7",
        "bill_number": "INV-7",
        "vendor_id": "V-12",
        "vendor_name": "Northwind Paper",
        "state": BillState.SUBMITTED,
        "currency": "USD",
        "base_currency": "USD",
        "total_entered": Decimal("100.00"),
        "total_due": Decimal("100.00"),
        "transaction_total_entered": Decimal("100.00"),
        "lines": (a_line(),),
    }
    return Bill(**known | facts)


def a_vendor(**facts: Any) -> Vendor:
    known: dict[str, Any] = {
        "vendor_key": "SANDBOX-CO:vendor:12",
        "record_no": "12",
        "vendor_id": "V-12",
        "name": "Northwind Paper",
    }
    return Vendor(**known | facts)


def a_definition(need: FieldNeed, gid: str, **facts: Any) -> FieldDefinition:
    """The Asana field that `need` asks for."""
    options = tuple(EnumOption(gid=f"{gid}:{name}", name=name) for name in need.options)
    known: dict[str, Any] = {"gid": gid, "name": need.name, "kind": need.kind, "precision": need.precision, "options": options}
    return FieldDefinition(**known | facts)


def demo_flow() -> Flow:
    return load_flow(DEMO)


def with_bills(flow: Flow, **changes: Any) -> Flow:
    """The flow with other bill settings, checked by the model again."""
    return Flow.model_validate(flow.model_dump() | {"bills": flow.bills.model_dump() | changes})


def board_of(flow: Flow, kind: str = "bill") -> list[FieldDefinition]:
    """Asana's side of a project that preflight has set up. Option gids are `<field gid>:<option name>`."""
    return [a_definition(need, f"f-{need.name}") for need in required_fields(flow, kind)]


def sections_of(flow: Flow) -> list[Section]:
    return [Section(gid=f"s-{name}", name=name) for name in required_sections(flow, "bill")]


def pins_of(flow: Flow, kind: str = "bill") -> Pins:
    scope = flow.bills if kind == "bill" else flow.vendors
    pins, problems = resolve_pins(
        scope.project,
        board_of(flow, kind),
        sections_of(flow),
        required_fields(flow, kind),
        bot_gid=BOT,
        section_names=required_sections(flow, kind),
    )
    assert not problems
    return pins


def shown(draft: TaskDraft, name: str) -> FieldValue:
    """The value of the field `name`, an enum's option as its name."""
    value = draft.fields[f"f-{name}"]
    return value.removeprefix(f"f-{name}:") if isinstance(value, str) else value
