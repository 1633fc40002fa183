"""A bill as Intacct's REST API shows it, as far as its own approval is concerned."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from intacct_asana.records.intacct import BillState


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeBill:
    """`key` is the record number, as far as anybody knows: who acts on a bill compares it with what the XML gateway tells.

    `total` is in the bill's own currency. `currency`, `entity_id`, `module` and `modified_at_text` are empty where nobody
    tells them; the last is the server's own text.
    """

    key: str
    state: BillState
    bill_number: str
    vendor_id: str
    total: Decimal
    currency: str = ""
    entity_id: str = ""
    module: str = ""
    on_hold: bool = False
    modified_at_text: str = ""
