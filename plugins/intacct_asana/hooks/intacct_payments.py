"""Reading payments: those of a page of bills in two queries, and which bills' payments changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from intacct_asana.hooks.intacct_reading import Reader, Row
from intacct_asana.protocol.intacct_payments import CREATED, DETAIL, PAID_BILL, PAID_BY, PAYMENT, payments_of
from intacct_asana.protocol.intacct_query import MOST_ROWS, MOST_VALUES, Filter, at_least, is_known, is_null, one_of
from intacct_asana.protocol.intacct_records import MODIFIED, RECORD_NO
from intacct_asana.protocol.intacct_time import ServerClock
from intacct_asana.protocol.intacct_walks import Walk
from intacct_asana.records import Payment

ZONES_MINUTES = 24 * 60
"""A creation time may be in another zone than a change time; a day covers every zone."""


def payments_of_bills(reader: Reader, bill_record_nos: Iterable[str]) -> dict[str, tuple[Payment, ...]]:
    """The payments of these bills by the bill's record number, in as many calls as 2,000 details and payments take."""
    bills = list(dict.fromkeys(bill_record_nos))
    if not bills:
        return {}
    details = list(_rows(reader, DETAIL, Walk(scope=(one_of(PAID_BILL, bills),))))
    numbers = list(dict.fromkeys(row[PAID_BY] for row in details if row.get(PAID_BY)))
    headers = _rows(reader, PAYMENT, Walk(scope=(one_of(RECORD_NO, numbers),))) if numbers else ()
    return payments_of(details, headers)


def changed_payments(reader: Reader, since_text: str, *, clock: ServerClock) -> tuple[tuple[str, ...], str]:
    """Record numbers of the bills whose payments changed since the server's text, and the newest text seen.

    A change is a detail row that changed or came, or a payment that changed while its details did not (a void may do so).
    A selection that was deleted leaves nothing to be found here: the bill's own change tells, or the next full pass.
    Details that were never changed have no change time; those are taken that were created since.
    """
    since = at_least(MODIFIED, since_text)
    bills: dict[str, None] = {}
    texts = [since_text]
    for row in _rows(reader, DETAIL, Walk(scope=(since,), time_field=MODIFIED)):
        texts.append(row.get(MODIFIED, ""))
        bills[row.get(PAID_BILL, "")] = None
    for row in _rows(reader, DETAIL, Walk(scope=_never_changed(reader, since_text, clock))):
        bills[row.get(PAID_BILL, "")] = None
    changed: list[str] = []
    for row in _rows(reader, PAYMENT, Walk(scope=(since,), time_field=MODIFIED)):
        texts.append(row.get(MODIFIED, ""))
        changed.append(row[RECORD_NO])
    for start in range(0, len(changed), MOST_VALUES):
        some = one_of(PAID_BY, changed[start : start + MOST_VALUES])
        bills.update((row.get(PAID_BILL, ""), None) for row in _rows(reader, DETAIL, Walk(scope=(some,))))
    return tuple(number for number in bills if number), clock.latest(texts)


def newest_payment_change(reader: Reader, *, clock: ServerClock) -> str:
    """The newest change of any payment or detail, as the server's own text; empty when there is none. Two calls."""
    return clock.latest(reader.newest(name, MODIFIED, where=is_known(MODIFIED)) for name in (DETAIL, PAYMENT))


def _never_changed(reader: Reader, since_text: str, clock: ServerClock) -> tuple[Filter, ...]:
    if CREATED not in reader.select(DETAIL):
        return (is_null(MODIFIED),)
    return is_null(MODIFIED), at_least(CREATED, clock.earlier(since_text, minutes=ZONES_MINUTES))


def _rows(reader: Reader, object_name: str, walk: Walk) -> Iterator[Row]:
    for page in reader.pages(object_name, walk, page_size=MOST_ROWS):
        yield from page
