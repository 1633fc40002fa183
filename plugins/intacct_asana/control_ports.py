"""How the controls around a bill reach the world, and what a control is: Protocols that hooks and the store satisfy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from intacct_asana.ports import TellUnread, Trails
from intacct_asana.records import Bill
from intacct_asana.records.concerns import BillFacts, Concern


class BillHeaders(Protocol):
    """Intacct, as far as knowing every bill of the company needs it: their headers, without lines and payments."""

    @property
    def trails(self) -> Trails: ...

    def header_fields(self) -> tuple[str, ...]:
        """Fields of a header that this company has. Asked for once and kept, since asking is a call of its own."""
        ...

    def bill_headers(
        self, fields: Sequence[str], *, since_text: str = "", created_since_text: str = "", unread: TellUnread | None = None
    ) -> Iterator[list[Bill]]:
        """Pages of bills that changed, or were made, since the server's texts; by record number, in one walk."""
        ...

    def bill_headers_of_days(
        self, fields: Sequence[str], *, since: datetime, unread: TellUnread | None = None
    ) -> Iterator[list[Bill]]:
        """Pages of bills that are dated, were made or were changed on that day or later."""
        ...

    def bill_headers_again(
        self, fields: Sequence[str], record_nos: Collection[str], *, unread: TellUnread | None = None
    ) -> Iterator[list[Bill]]:
        """Pages of the bills with these record numbers; those that are gone do not come."""
        ...

    def earlier(self, text: str, *, minutes: float) -> str: ...

    def latest(self, texts: Sequence[str]) -> str: ...


class Ledger(Protocol):
    """What is known of every bill of the company. `since` is the first bill date that counts; without a date none does."""

    def of(self, keys: Collection[str]) -> Mapping[str, BillFacts]: ...

    def of_vendor(self, vendor_id: str, *, since: date) -> list[BillFacts]: ...

    def dated(self, *, since: date) -> list[BillFacts]:
        """Every bill of that day or later."""
        ...

    def same_number(self, *numbers: str) -> list[BillFacts]:
        """Bills of which `number_like` or `number_stem` is one of these. An empty one finds none."""
        ...

    def same_amount(self, currency: str, amount: Decimal, *, since: date) -> list[BillFacts]: ...

    def same_document(self, document_id: str) -> list[BillFacts]:
        """Bills with this attachment; none for an empty id."""
        ...


class Concerns(Protocol):
    """What was found against bills."""

    def of(self, keys: Collection[str]) -> list[Concern]:
        """Every concern of these bills, oldest first."""
        ...

    def save(self, concerns: Sequence[Concern]) -> None:
        """Keep them, and that people heard of them as it was."""
        ...


class Control(Protocol):
    """One thing that is looked at around a bill. Pure: it knows the ledger and nothing else."""

    @property
    def kind(self) -> str:
        """What its concerns are called: `duplicate`."""
        ...

    def concerns(self, changed: Sequence[BillFacts], ledger: Ledger) -> Iterable[Concern]:
        """All that holds now about these bills and, where they are open still, about those that they meet.

        The ledger knows the changed bills as they are now.
        """
        ...
