"""Seeded, believable AP data of any size: vendors, bills with lines, payments, dimensions.

The same seed, sizes and clock give the same company. The first bills are chosen rather than drawn, so that even a small
company holds every situation that matters: a purchasing bill, an empty bill number, a duplicate number, a bill entered by
an approver, one without a change time. Amounts add up to the cent.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any

from sandbox import constants
from sandbox.gateway.books import demo_names as names
from sandbox.gateway.books.payments import new_payment, spread
from sandbox.gateway.books.rows import LACKING, NOBODY, NOTHING, Bill, Dimension, Line, User, Vendor, totals_of

DAY = 86_400
HORIZON_DAYS = 75
OPENING_STATES = (
    "Submitted",
    "Posted",
    "Partially Approved",
    "Paid",
    "Partially Paid",
    "Selected",
    "Draft",
    "Declined",
    "Submitted",
    "Submitted",
    "Posted",
    "Submitted",
    "Posted",
)
RARE_STATES = ("No Value", "Analyzing", "Reversed", "Reversal")
"""Follow the opening ones when there are at least 40 bills."""
STATE_WEIGHTS = {
    "Submitted": 34,
    "Posted": 31,
    "Partially Approved": 10,
    "Paid": 9,
    "Partially Paid": 5,
    "Draft": 4,
    "Selected": 3,
    "Declined": 2,
    "Reversed": 0.7,
    "Reversal": 0.7,
    "No Value": 0.3,
    "Analyzing": 0.3,
}
FROM_PURCHASING, BY_AN_APPROVER, WITHOUT_NUMBER, SAME_NUMBER, WITHOUT_CHANGE_TIME = 1, 9, 10, 11, 12
_PER_BILL_LINES = (1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 8)
STAMPABLE_STATES = frozenset({"Submitted", "Partially Approved", "Posted"})
_POSTED_STATES = frozenset({"Posted", "Paid", "Partially Paid", "Selected", "Reversed", "Reversal"})


def fill(
    company: Any,
    seed: int,
    *,
    vendors: int = 40,
    bills: int = 250,
    null_modified: float = 0.02,
    stamped: int = 0,
    untidy: float = 0,
    entities: int = len(constants.ENTITIES),
    **_others: Any,
) -> None:
    """Fill an empty company. `null_modified` is the share of old records without a WHENMODIFIED.

    `untidy` is the share of bills that lack each of what a bill need not have in live companies: a creator, a number, an
    entity, a bill date, a due date. `entities` is how many the company has.

    The first `stamped` undecided bills carry a stamp that nobody here made: of another flow, or of a store that was lost.
    """
    _Maker(company, seed, null_modified, entities).fill(vendors, bills)
    _untidy(company, Random(f"{seed} untidy"), untidy)
    open_bills = [bill for bill in company.bills if bill.state in STAMPABLE_STATES]
    for bill in open_bills[:stamped]:
        bill.custom = foreign_stamp(bill)


def _untidy(company: Any, random: Random, share: float) -> None:
    """The first open bills lack one thing each, so that a small company holds every lack; the others by chance."""
    first = [bill for bill in company.bills if share and bill.state in STAMPABLE_STATES][: len(LACKING)]
    for bill, name in zip(first, LACKING, strict=False):
        company.bills.edit(bill, **{name: LACKING[name]})
    for bill in company.bills:
        lacks = {name: value for name, value in LACKING.items() if random.random() < share}
        if lacks and bill not in first:
            company.bills.edit(bill, **lacks)
    # Who is not known to have made a bill is not known to have changed it either: such bills came with a migration.
    for bill in company.bills:
        if share and bill.created_by is NOBODY and random.random() < 0.5:
            company.bills.edit(bill, modified_by=NOBODY, modified_at=None)
        company.note_summary(bill)


def foreign_stamp(bill: Bill) -> dict[str, str]:
    """An approval of the bill as another flow would have written it."""
    decided = datetime.fromtimestamp(bill.created_at, UTC)
    told = ("Approved", "Frida Former", f"{decided:%Y-%m-%d %H:%M} UTC", f"dec-{bill.record_no:020x}")
    # An older release told neither what was decided on nor where.
    return dict(zip(constants.STAMP_FIELDS, told, strict=False))


class _Maker:
    def __init__(self, company: Any, seed: int, null_modified: float, entities: int) -> None:
        self.company, self.null_modified = company, null_modified
        self.currencies = dict(list(constants.ENTITIES.items())[: max(1, entities)])
        self.random = Random(seed)
        self.now, self.today = company.now(), company.today()
        self.states = list(STATE_WEIGHTS)
        self.state_weights = list(accumulate(STATE_WEIGHTS.values()))

    def fill(self, vendors: int, bills: int) -> None:
        addresses = {login: email for email, login in constants.INTACCT_LOGINS.items()}
        for login, name in names.USERS.items():
            email = addresses.get(login) or f"{name.lower().replace(' ', '.')}@northwind.example"
            is_ours = login == constants.WS_USER
            user = User(record_no=self.company.next_no(), login=login, name=name, email=email, web_services_only=is_ours)
            self.company.users.add(user)
        self.clerks = [self.company.user(login) for login in constants.BILL_CLERKS]
        self._dimensions()
        self.vendors = [self._vendor(index) for index in range(vendors)]
        previous: Bill | None = None
        for index in range(bills if self.vendors else 0):
            previous = self._bill(index, bills, previous)

    def _dimensions(self) -> None:
        company = self.company
        for entity, currency in self.currencies.items():
            row = self._dimension(entity, names.ENTITY_NAMES[entity], currency=currency, kind="E", entity=entity)
            company.entities.add(row)
            company.locations.add(row)
        for place, name, entity in names.LOCATIONS:
            if entity not in self.currencies:
                continue
            currency = self.currencies[entity]
            row = self._dimension(place, name, parent=entity, currency=currency, kind="N", entity=entity)
            company.locations.add(row)
        listed = (
            (company.accounts, names.ACCOUNTS),
            (company.departments, names.DEPARTMENTS),
            (company.classes, names.CLASSES),
            (company.projects, names.PROJECTS),
        )
        for table, pairs in listed:
            for number, name in pairs:
                table.add(self._dimension(number, name, kind="In Progress" if table is company.projects else ""))
        self.accounts, self.departments = list(company.accounts), [*company.departments, NOTHING]
        self.classes, self.projects = [*company.classes, NOTHING], [*company.projects, NOTHING, NOTHING, NOTHING]
        self.places = {
            entity: [place for place in company.locations if place.entity == entity and place.parent]
            for entity in self.currencies
        }
        self.entities: dict[str, Dimension] = {entity.id: entity for entity in company.entities}

    def _dimension(self, number: str, name: str, **more: str) -> Dimension:
        made = self.now - 900 * DAY
        return Dimension(record_no=self.company.next_no(), id=number, name=name, created_at=made, modified_at=made + 1, **more)

    def _vendor(self, index: int) -> Vendor:
        pick, clerk = self.random, self.random.choice(self.clerks)
        made = self.now - pick.randrange(80, 1500) * DAY - pick.randrange(DAY)
        is_untouched = self.null_modified > 0 and (index == 4 or pick.random() < self.null_modified)
        currency = pick.choices(constants.BILL_CURRENCIES, (80, 10, 10))[0]
        return self.company.vendors.add(  # type: ignore[no-any-return]
            Vendor(
                record_no=self.company.next_no(),
                vendor_id=f"V{1001 + index}",
                name=self._vendor_name(index),
                created_by=clerk,
                modified_by=clerk,
                created_at=made,
                modified_at=None if is_untouched else made + pick.randrange(60, self.now - made),
                status="inactive" if index == 7 else "active",
                kind=pick.choice(names.VENDOR_KINDS),
                term=pick.choice(list(names.TERMS)),
                currency=currency,
                credit_limit=pick.choice((None, 500_000, 2_500_000, 10_000_000)),
                priority=pick.choice(("Normal", "Normal", "Normal", "High", "Urgent", "Low")),
                tax_id=f"{pick.randrange(10, 99)}-{pick.randrange(1_000_000, 9_999_999)}",
            )
        )

    def _vendor_name(self, index: int) -> str:
        if index % 2 and index // 2 < len(names.ODD_VENDORS):
            return names.ODD_VENDORS[index // 2]
        number, trade = divmod(index, len(names.TRADES))
        number, place = divmod(number * 7 + index * 5, len(names.PLACES))
        more = f" {number // 7 + 1}" if index > 1000 else ""
        return f"{names.PLACES[place]} {names.TRADES[trade]}{more} {names.FORMS[index % len(names.FORMS)]}"

    def _bill(self, index: int, count: int, previous: Bill | None) -> Bill:
        pick, company = self.random, self.company
        vendor: Vendor = self.vendors[index % len(self.vendors)] if index < 13 else pick.choice(self.vendors)
        entity = self._entity(vendor)
        clerk = self.clerks[-1] if index == BY_AN_APPROVER else pick.choices(self.clerks, (50, 42, 8))[0]
        state = self._state(index, count)
        made = self.now - 3600 - int((HORIZON_DAYS * DAY) * (1 - index / count)) - pick.randrange(1800)
        day = _day_of(made) - timedelta(days=pick.randrange(6))
        bill = Bill(
            record_no=company.next_no(),
            number=self._number(index, vendor, previous),
            vendor=vendor,
            state=state,
            bill_date=day,
            due_on=day + timedelta(days=names.TERMS[vendor.term] or 3),
            currency=vendor.currency,
            base_currency=entity.currency,
            rate=names.EXCHANGE_RATES.get((vendor.currency, entity.currency), 1_000_000),
            entity=entity,
            created_by=clerk,
            modified_by=clerk,
            created_at=made,
            modified_at=self._changed_at(index, made, previous),
            lines=[],
            posted_on=day if state in _POSTED_STATES else None,
            reference=f"PO-{pick.randrange(10_000, 99_999)}" if pick.random() < 0.4 else "",
            description=pick.choice(names.BILL_TEXTS),
            priority=pick.choice(("normal", "normal", "normal", "high", "urgent", "low")),
            term=vendor.term,
        )
        self._from_purchasing(index, bill)
        self._lines(bill, negative=state == "Reversal")
        self._pay(bill)
        return company.add_bill(bill)  # type: ignore[no-any-return]

    def _entity(self, vendor: Vendor) -> Dimension:
        in_uk = self.random.random() < (0.8 if vendor.currency == "GBP" else 0.12)
        return self.entities["UK01" if in_uk and "UK01" in self.entities else "US01"]

    def _state(self, index: int, count: int) -> str:
        chosen = OPENING_STATES + (RARE_STATES if count >= 40 else ())
        if index < len(chosen):
            return chosen[index]
        return self.random.choices(self.states, cum_weights=self.state_weights)[0]

    def _number(self, index: int, vendor: Vendor, previous: Bill | None) -> str:
        draw = self.random.random()
        if index == WITHOUT_NUMBER or (index > 20 and draw < 0.004):
            return ""
        if (index == SAME_NUMBER or (index > 20 and draw > 0.996)) and self.company.bills:
            return str(next(iter(self.company.bills)).number if previous is None or not previous.number else previous.number)
        form = ("INV-{:05d}", "{:07d}", "{:05d}/26", "SI {:05d}", "R{:06d}")[vendor.record_no % 5]
        return form.format(10_000 + index * 3)

    def _changed_at(self, index: int, made: int, previous: Bill | None) -> int | None:
        is_old = index == WITHOUT_CHANGE_TIME or (index > 20 and self.random.random() < self.null_modified)
        if is_old and self.null_modified > 0:
            return None
        # Imports and batch runs change many bills in one second, so ties are common.
        if previous is not None and previous.modified_at and previous.modified_at > made and self.random.random() < 0.3:
            return previous.modified_at
        return made + self.random.randrange(1, min(10 * DAY, self.now - made))

    def _from_purchasing(self, index: int, bill: Bill) -> None:
        if index == FROM_PURCHASING or self.random.random() < 0.12:
            bill.module, bill.source_key = "9.PO", self.company.next_no()
            bill.document_id = f"Vendor Invoice-VI{1000 + index:05d}"

    def _lines(self, bill: Bill, *, negative: bool) -> None:
        pick, company = self.random, self.company
        places = self.places[bill.entity.id]
        department, place = pick.choice(self.departments), pick.choice(places)
        count = pick.choice(_PER_BILL_LINES)
        for line_no in range(1, count + 1):
            cents = int(10 ** pick.uniform(3.3, 6.2 if pick.random() < 0.85 else 6.9))
            if pick.random() < 0.3:
                department, place = pick.choice(self.departments), pick.choice(places)
            if line_no == count > 2 and pick.random() < 0.1:
                cents = -min(cents, sum(line.trx_amount for line in bill.lines) // 10)  # a discount
            cents = -abs(cents) if negative else cents or 100
            line = Line(
                record_no=company.next_no(),
                bill_no=bill.record_no,
                line_no=line_no,
                account=pick.choice(self.accounts),
                amount=bill.to_base(cents),
                trx_amount=cents,
                created_at=bill.created_at,
                modified_at=bill.modified_at,
                description=pick.choice(names.LINE_TEXTS),
                department=department,
                location=place,
                project=pick.choice(self.projects),
                cls=pick.choice(self.classes),
            )
            bill.lines.append(line)
        self._total(bill)

    def _total(self, bill: Bill) -> None:
        for attribute, cents in totals_of(bill.lines).items():
            setattr(bill, attribute, cents)

    def _pay(self, bill: Bill) -> None:
        if bill.state in ("Reversed", "Reversal"):
            # A reversal settles its bill: nothing is due on either.
            for line in bill.lines:
                line.paid, line.trx_paid = line.amount, line.trx_amount
            self._total(bill)
        elif bill.state in ("Paid", "Partially Paid", "Selected"):
            share = 1.0 if bill.state != "Partially Paid" else self.random.choice((0.25, 0.4, 0.5, 0.75))
            self._payment(bill, max(1, int(bill.trx_entered * share)))

    def _payment(self, bill: Bill, cents: int) -> None:
        pick, company = self.random, self.company
        at = max(bill.created_at, (bill.modified_at or bill.created_at) - pick.randrange(1, DAY))
        on = min(self.today, _day_of(at))
        is_selected = bill.state == "Selected"
        state = pick.choice(("Draft", "Submitted", "Approved")) if is_selected else "Posted"
        payment = new_payment(company, bill, self.clerks[0], state=state, method=pick.choice(names.METHODS), on=on, at=at)
        spread(company, bill, payment, cents, count_as_paid=not is_selected)
        if is_selected:
            bill.selected, bill.trx_selected = payment.entered, payment.trx_entered
        else:
            self._total(bill)
        if bill.state == "Paid":
            bill.paid_on = on
        company.payments.add(payment)
        for detail in payment.details:
            company.details.add(detail)


def _day_of(at: int) -> date:
    return datetime.fromtimestamp(at, UTC).date()
