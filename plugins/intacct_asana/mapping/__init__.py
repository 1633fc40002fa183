"""What a flow file declares, and what it makes of a bill or a vendor.

`load` reads a file (`yaml_text` knows the lines, `model` the shape, `checks` the rules between values), `projection` turns
records into tasks, `needs` and `pins` tie names to Asana's gids, `sources` lists what can be shown.
"""

from __future__ import annotations

from intacct_asana.mapping.approval_rules import Approval, Approver, StampFields, WriteBack
from intacct_asana.mapping.documents import document_of
from intacct_asana.mapping.field_rules import BillField, FieldRule, VendorField
from intacct_asana.mapping.load import load_flow, load_flows
from intacct_asana.mapping.model import (
    Alerts,
    Assignee,
    BillScope,
    Connections,
    Flow,
    Limits,
    Notifier,
    Pools,
    Schedules,
    Sections,
    VendorScope,
)
from intacct_asana.mapping.needs import Gaps, gaps_of, required_fields, required_people, required_sections
from intacct_asana.mapping.pins import pins_drift, resolve_pins, shared_field
from intacct_asana.mapping.projection import project_bill, project_vendor
from intacct_asana.mapping.signal_rules import ApprovalTaskSignal, CommentSignal, EnumSignal, SignalRule
from intacct_asana.mapping.sources import BILL_SOURCES, VENDOR_SOURCES

__all__ = [
    "BILL_SOURCES",
    "VENDOR_SOURCES",
    "Alerts",
    "Approval",
    "ApprovalTaskSignal",
    "Approver",
    "Assignee",
    "BillField",
    "BillScope",
    "CommentSignal",
    "Connections",
    "EnumSignal",
    "FieldRule",
    "Flow",
    "Gaps",
    "Limits",
    "Notifier",
    "Pools",
    "Schedules",
    "Sections",
    "SignalRule",
    "StampFields",
    "VendorField",
    "VendorScope",
    "WriteBack",
    "document_of",
    "gaps_of",
    "load_flow",
    "load_flows",
    "pins_drift",
    "project_bill",
    "project_vendor",
    "required_fields",
    "required_people",
    "required_sections",
    "resolve_pins",
    "shared_field",
]
