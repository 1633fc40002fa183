"""The company that the stand-in plays: its tables, its settings, its clock, and what people do in it."""

from __future__ import annotations

import gc
import json
import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sandbox import constants
from sandbox.core import World
from sandbox.gateway.acts import people as acts
from sandbox.gateway.books import dumps, purchasing
from sandbox.gateway.books.approvals import Approval
from sandbox.gateway.books.documents import Document
from sandbox.gateway.books.roles import GIVEN, Roles
from sandbox.gateway.books.rows import NO_VENDOR, NOTHING, Audit, Bill, Dimension, Line, Summary, User, Vendor
from sandbox.gateway.books.table import Table, Undo
from sandbox.gateway.functions.objects import CURRENCY_FIELDS, schema_of
from sandbox.gateway.functions.reads import Reader
from sandbox.gateway.functions.schema import ObjectType, Schema
from sandbox.gateway.rest.tokens import Tokens
from sandbox.gateway.sessions import Sessions
from sandbox.generator import fill

log = logging.getLogger("sandbox")

OWED_STATES = frozenset({"Posted", "Partially Paid", "Selected"})
"""Bills that count into a vendor's TOTALDUE: on the general ledger and not fully paid."""


PRIVATE_ENTITIES = ("UK01",)
"""Default of the setting `private_entities`: a query at top level does not see their documents without `showprivate`."""


_WITH_CURRENCY = ("APBILL", "APBILLITEM", "APPYMT", "APPYMTDETAIL", "VENDOR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Something whose time stamps say `done_at` and that nobody sees before `seen_at`."""

    seen_at: float
    done_at: int
    do: Callable[[], Any]


class Company:
    """All state of the Intacct side. Changes go through `change_bill`, `change_vendor` and the tables' `edit`."""

    company_id = constants.COMPANY_ID

    def __init__(self, world: World, *, seed: int = 7, **options: Any) -> None:
        self.world = world
        self._schemas: dict[Any, Schema] = {}
        self.reset(seed, **options)

    def reset(self, seed: int = 7, **options: Any) -> dict[str, Any]:
        """A new company with generated data. Options are the generator's; unknown ones are left to the other system."""
        self.documents: dict[str, Document] = {}
        self.vendors, self.bills, self.payments, self.audits = Table(grouped_by=["vendor_id"]), Table(), Table(), Table()
        self.lines, self.summaries, self.purchases = Table(grouped_by=["bill_no"]), Table(), Table()
        self.details = Table(grouped_by=["bill_no", "payment_no"])
        self.accounts, self.departments, self.locations, self.entities = Table(), Table(), Table(), Table()
        self.classes, self.projects, self.users, self.roles = Table(), Table(), Table(), Roles()
        self.sessions, self.tokens = Sessions(self.world), Tokens(self.world)
        self.approvals: list[Approval] = []
        self.reader = Reader(self)
        self.completed_ids: set[str] = set()
        self.late: list[Late] = []
        self._pinned: int | None = None
        self.last_record_no = 0
        self._schemas.clear()
        # A million fresh objects: the cycle collector would walk them again and again and find nothing.
        gc.disable()
        try:
            fill(self, seed, **options)
        finally:
            gc.enable()
        for login, role in GIVEN.items():
            self.roles.give(role, self.user(login))
        return self.summary()

    def summary(self) -> dict[str, int]:
        names = ("vendors", "bills", "lines", "payments")
        return {name: len(getattr(self, name)) for name in names}

    def dump(self) -> dict[str, Any]:
        """The whole state as JSON-able data; money is text."""
        self.catch_up()
        return dumps.dump(self)

    def act(self, user: str, action: str, *, late_seconds: float = 0, **arguments: Any) -> dict[str, Any]:
        """Let a person do something in Intacct's own pages. Raises ValueError with a plain sentence.

        With `late_seconds` it is done now by its time stamps, and seen only that much later, as a late commit is.
        """
        self.catch_up()
        if not late_seconds:
            return acts.act(self, self.user(user), action, arguments)
        self.later(late_seconds, lambda: acts.act(self, self.user(user), action, arguments))
        return {"late_seconds": late_seconds}

    def later(self, seconds: float, do: Callable[[], Any]) -> None:
        """What `do` does happens now, by its time stamps, and is seen only in so many seconds."""
        now = self.now()
        self.late.append(Late(seen_at=now + seconds, done_at=now, do=do))

    def catch_up(self) -> None:
        """Bring to light what was done a while ago. What can no longer be done by then was never committed."""
        now = self.now()
        due = [each for each in self.late if each.seen_at <= now]
        self.late = [each for each in self.late if each.seen_at > now]
        for each in due:
            self._pinned = each.done_at
            try:
                each.do()
            except ValueError as error:
                log.info("a late act was never committed: %s", error)
            finally:
                self._pinned = None

    @property
    def tables(self) -> tuple[Table, ...]:
        return (self.vendors, self.bills, self.lines, self.payments, self.details, self.audits, self.purchases)

    @property
    def zone_minutes(self) -> int:
        minutes: int = self.world.setting("gmt_offset_minutes", 0)
        return minutes

    @property
    def schema(self) -> Schema:
        missing = frozenset(self.world.setting("missing_custom_fields", ()))
        lacking = tuple(self.world.setting("missing_fields", ()))
        if self.world.setting("single_currency", False):
            lacking += tuple(f"{owner}.{field}" for owner in _WITH_CURRENCY for field in CURRENCY_FIELDS)
        shown = self.world.setting("shown_values", {})
        named = self.world.setting("audit_names_fields", "")
        key = (self.zone_minutes, self.world.setting("company_zone", ""), missing, lacking, json.dumps(shown), named)
        known = self._schemas.get(key)
        if known is None:
            known = schema_of(self, zone_minutes=self.zone_minutes, missing_custom=missing)
            for name in lacking:
                owner, _, field = name.partition(".")
                known.object(owner).fields.pop(field, None)
            for name, how in shown.items():
                owner, _, field = name.partition(".")
                known.object(owner).fields[field] = replace(known.object(owner).fields[field], shown=how)
            self._schemas[key] = known
        return known

    def now(self) -> int:
        return self._pinned if self._pinned is not None else int(self.world.clock.now().timestamp())

    def today(self) -> date:
        return self.world.clock.now().date()

    def next_no(self) -> int:
        self.last_record_no += 1
        return self.last_record_no

    def new_token(self) -> str:
        return secrets.token_hex(24)

    def user(self, login: str) -> User:
        """The user of this login; someone new is added to the company."""
        known = self.known_user(login)
        return known or self.users.add(User(record_no=self.next_no(), login=login, name=login))  # type: ignore[no-any-return]

    def known_user(self, login: str) -> User | None:
        return next((known for known in self.users if known.login == login), None)

    def vendor(self, vendor_id: str) -> Vendor | None:
        return next(iter(self.vendors.where("vendor_id", [vendor_id])), None)

    def dimension(self, table: Table, wanted: str) -> Dimension | None:
        """A dimension by id; NOTHING for an empty id, None for an unknown one."""
        return NOTHING if not wanted else next((row for row in table if row.id == wanted), None)

    def is_denied(self, object_name: str) -> bool:
        return object_name in {name.upper() for name in self.world.setting("denied_objects", ())}

    def is_closed(self, day: date) -> bool:
        """Whether the books are closed for that day: the setting `books_closed_through`, a day such as 2026-06-30."""
        through = self.world.setting("books_closed_through", "")
        return bool(through) and day <= date.fromisoformat(through)

    def is_broken(self, object_name: str) -> bool:
        return object_name in {name.upper() for name in self.world.setting("broken_objects", ())}

    def is_audited(self, row: Audit) -> bool:
        """Whether the audit history shows this row yet."""
        delay: int = self.world.setting("audit_delay_seconds", 0)
        return row.at + delay <= self.now()

    def is_visible(self, target: ObjectType, row: Any, entity: str, private: bool) -> bool:
        """In an entity one sees its own documents; at top level those of private entities only with `showprivate`."""
        if target.entity_of is None:
            return True
        owner = target.entity_of(row)
        if entity:
            return bool(owner == entity)
        return private or owner not in self.world.setting("private_entities", PRIVATE_ENTITIES)

    def change_bill(self, bill: Bill, user: User, **changes: Any) -> None:
        """Change a bill's header and everything that follows from it: who and when, and what the vendor is owed."""
        vendor, owed = bill.vendor, self._owed(bill)
        self.bills.edit(bill, **changes, modified_by=user, modified_at=self.now())
        self.note_summary(bill)
        if bill.vendor is not vendor:
            self._owe(vendor, -owed)
            owed = 0
        self._owe(bill.vendor, self._owed(bill) - owed)

    def change_line(self, bill: Bill, line: Line, **changes: Any) -> None:
        self.lines.edit(line, **changes, modified_at=self.now())

    def change_vendor(self, vendor: Vendor, user: User, **changes: Any) -> None:
        self.vendors.edit(vendor, **changes, modified_by=user, modified_at=self.now())

    def add_bill(self, bill: Bill) -> Bill:
        self.bills.add(bill)
        self.note_summary(bill)
        purchasing.note(self, bill)
        for line in bill.lines:
            self.lines.add(line)
        self._owe(bill.vendor, self._owed(bill))
        return bill

    def remove_bill(self, bill: Bill, user: User, source: str) -> None:
        self._owe(bill.vendor, -self._owed(bill))
        for line in bill.lines:
            self.lines.remove(line)
        self.bills.remove(bill)
        self.audit("apbill", str(bill.record_no), "D", user, source)

    def audit(
        self,
        object_type: str,
        object_key: str,
        mode: str,
        user: User,
        source: str,
        action: str = "",
        changed: dict[str, Any] | None = None,
        named: Iterable[str] = (),
    ) -> None:
        number = self.next_no()
        if self.world.setting("audit_object_key", "recordno") == "rec" and object_key.isdigit():
            object_key = f"{object_key}--REC"
        self.audits.add(
            Audit(
                record_no=number,
                id=f"{number}",
                object_type=object_type,
                object_key=object_key,
                mode=mode,
                at=self.now(),
                user=user.login,
                source=source,
                action=action,
                changed=changed,
                named=", ".join(named),
            )
        )

    @contextmanager
    def undoable(self) -> Iterator[list[Undo]]:
        """Collects how to undo what happens inside; call `undo` with it to take everything back."""
        log: list[Undo] = []
        for table in self.tables:
            table.undo_log = log
        try:
            yield log
        finally:
            for table in self.tables:
                table.undo_log = None

    def undo(self, log: list[Undo]) -> None:
        for table in self.tables:
            table.undo_log = None
        for step in reversed(log):
            step()

    def note_summary(self, bill: Bill) -> None:
        day = bill.summary_day
        if self.summaries.get(day.toordinal()) is None:
            self.summaries.add(Summary(record_no=day.toordinal(), day=day))

    def _owed(self, bill: Bill) -> int:
        return bill.due if bill.state in OWED_STATES else 0

    def _owe(self, vendor: Vendor, cents: int) -> None:
        if cents and vendor is not NO_VENDOR:
            self.vendors.edit(vendor, total_due=vendor.total_due + cents)
