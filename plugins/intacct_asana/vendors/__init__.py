"""Vendors' fields that people own in Asana, on their way into named custom fields of Intacct.

`plan_fields` compares what the task says, what both sides last agreed on and what Intacct says (`decide` is the table),
`raise_if_unsafe` refuses what is too big, `write_vendors` writes and reads back, `tell_people` says on the task what waits
or was refused.
"""

from __future__ import annotations

from intacct_asana.vendors.plan import (
    VendorPlan,
    plan_fields,
    raise_if_unsafe,
    vendor_id_of,
    vendor_key_of,
)
from intacct_asana.vendors.rules import NamedPeople, VendorPolicy, VendorRule, kept_fields, vendor_policy
from intacct_asana.vendors.tell import tell_people
from intacct_asana.vendors.write import write_vendors

__all__ = [
    "NamedPeople",
    "VendorPlan",
    "VendorPolicy",
    "VendorRule",
    "kept_fields",
    "plan_fields",
    "raise_if_unsafe",
    "tell_people",
    "vendor_id_of",
    "vendor_key_of",
    "vendor_policy",
    "write_vendors",
]
