"""What a bill's task tells beside the bill: how the vendor bills usually, and what is left of a budget. Off when not named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import Field

from intacct_asana.flow.policy import Ids
from intacct_asana.flow.words import WHOLE, Amount, Currency, FieldName, Line, Part

A_YEAR = 366


class VendorHistory(Part):
    """The vendor's bills before this one."""

    days: Annotated[int, Field(ge=30, le=1100), WHOLE] = 365
    """Bills that are dated so many days back and less."""

    bills: Annotated[int, Field(ge=1, le=100), WHOLE] = 12
    """The usual amount is the middle one of so many of the newest, in the bill's own currency."""


class Budget(Part):
    """An amount for a year, and the lines of bills that it is for."""

    name: Line
    """What the budget is called on the task."""

    gl_account: Ids
    """Numbers of GL accounts: of the lines that count."""

    department: Ids | None = None
    """Ids of departments: of the lines that count. Lines of every department, and of none, when left out."""

    year: Annotated[int, Field(ge=2000, le=2100), WHOLE]
    """Bills that are dated in this year count."""

    amount: Annotated[Mapping[Currency, Amount], Field(min_length=1)]
    """How much there is, by base currency, as in `USD: 120000.00`. Bills in another base currency do not count."""

    def covers(self, account: str, department: str) -> bool:
        return account in self.gl_account and (self.department is None or department in self.department)

    def clashes(self, other: Budget) -> str:
        """What lines both claim, in words; empty where none can be both's."""
        accounts = [one for one in self.gl_account if one in other.gl_account]
        if self.year != other.year or not accounts:
            return ""
        if self.department is None or other.department is None:
            return f"account {accounts[0]}"
        departments = [one for one in self.department if one in other.department]
        return f"account {accounts[0]} of department {departments[0]}" if departments else ""


class Context(Part):
    """What is told about a bill in a text field of its task, once for each state of the bill that the task shows."""

    field: FieldName = "Context"
    """Text field of the bills' tasks that takes it. Nobody decides by it, and changing it is no change of the bill."""

    vendor_history: VendorHistory | None = None
    """The vendor's usual amount, and the last three bills."""

    purchase_order: bool = True
    """The document in Purchasing that the bill comes from."""

    discount: bool = True
    """Until when a discount may be taken."""

    budgets: tuple[Budget, ...] = ()
    """What is left of these, bills that wait for approval counted."""

    @property
    def compares(self) -> bool:
        """Whether other bills have to be known."""
        return bool(self.vendor_history or self.budgets)

    def ledger_days(self, today: date) -> int:
        """How far back bills have to be known; 0 where none but the bill itself is. It grows with the year, not by the day."""
        history = self.vendor_history.days if self.vendor_history else 0
        running = [one.year for one in self.budgets if today.year - 1 <= one.year <= today.year]
        return max([history, *(A_YEAR * (today.year - year + 1) for year in running)])
