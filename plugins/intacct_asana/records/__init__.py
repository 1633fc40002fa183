"""The nouns: what a bill, a vendor, a task, a decision is on our side of the wire.

Money is `Decimal`, made from the wire's own text. Days are `date`, instants are aware UTC `datetime`. Nothing here knows
Airflow, HTTP or SQL. The two sides are told apart by system (`bill_key`, `task_gid`), the states by role (`desired`,
`actual`, `confirmed`).
"""

from __future__ import annotations

from intacct_asana.records.asana import (
    EnumOption,
    Event,
    EventPage,
    FieldDefinition,
    FieldNeed,
    Person,
    PinnedField,
    Pins,
    Section,
    Story,
    Task,
    TaskDraft,
)
from intacct_asana.records.intacct import (
    SETTLED_STATES,
    Bill,
    BillLine,
    BillState,
    IntacctIdentity,
    IntacctUser,
    ObjectField,
    ReadWindow,
    Trail,
    UserFormatting,
    Vendor,
)
from intacct_asana.records.payments import (
    Payment,
    PaymentState,
)
from intacct_asana.records.state import (
    NEXT_STATES,
    Cursor,
    Decision,
    DecisionState,
    Link,
    Mark,
    Signal,
    Snapshot,
    Verdict,
    shows,
    snapshot_of,
)
from intacct_asana.records.values import (
    FieldValue,
    amount_text,
)
from intacct_asana.records.vendor_values import ValueState, VendorValue
from intacct_asana.records.webhooks import NewWebhook, Registered, Registration, Webhook

__all__ = [
    "NEXT_STATES",
    "SETTLED_STATES",
    "Bill",
    "BillLine",
    "BillState",
    "Cursor",
    "Decision",
    "DecisionState",
    "EnumOption",
    "Event",
    "EventPage",
    "FieldDefinition",
    "FieldNeed",
    "FieldValue",
    "IntacctIdentity",
    "IntacctUser",
    "Link",
    "Mark",
    "NewWebhook",
    "ObjectField",
    "Payment",
    "PaymentState",
    "Person",
    "PinnedField",
    "Pins",
    "ReadWindow",
    "Registered",
    "Registration",
    "Section",
    "Signal",
    "Snapshot",
    "Story",
    "Task",
    "TaskDraft",
    "Trail",
    "UserFormatting",
    "ValueState",
    "Vendor",
    "VendorValue",
    "Verdict",
    "Webhook",
    "amount_text",
    "shows",
    "snapshot_of",
]
