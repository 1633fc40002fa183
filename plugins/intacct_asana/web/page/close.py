"""The close view of a day: sums, the bills that are held, and both as files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

from fastapi import Response

from intacct_asana.closing.table import SUMMED, Sum, by_of, rows_csv, sums_csv, sums_of
from intacct_asana.closing.view import Row, View, not_over
from intacct_asana.reports.listed import Known
from intacct_asana.store.reporting.closing import close_view
from intacct_asana.text import is_web_address, money_text, one_line, short
from intacct_asana.web.page.flows import shown_for
from intacct_asana.web.page.frame import Asked, Page, Seen, Sentence
from intacct_asana.web.page.rows import LONGEST, Away, Cell, Shown, Table, away_of

PIECE = 100
"""Bills on one page."""
BY = ("entity,period", "entity", "period", "account", "project", "entity,account", "entity,project", "account,period")
"""What the page offers to sum by; the command takes any."""
WHICH = {"unposted": "unposted", "unapproved": "unapproved", "parked": "parked"}


def add_to(page: Page) -> None:
    page.tab("close", "Close")
    page.get("/flows/{flow}/close", close)
    page.get("/flows/{flow}/close.csv", bills_file)
    page.get("/flows/{flow}/close-sums.csv", sums_file)


def close(asked: Asked) -> Response:
    seen = asked.flow()
    view, by, place = _view(asked, seen), _by(asked), asked.place()
    which = asked.one_of("which", WHICH)
    held = [row for row in view.held if which in ("", *row.kinds)]
    piece = held[(place - 1) * PIECE : place * PIECE]
    said = {"as_of": view.day.isoformat(), "by": by, "which": which}
    address = ("flows", seen.flow.flow)
    return asked.html(
        "close.html",
        seen,
        tab="close",
        notes=[note for note in (*view.notes, not_over(view.day, _zone(seen), now=asked.now)) if note],
        said=said,
        all_by=BY,
        all_which=WHICH,
        told=f"{len(view.held)} of {len(view.rows)} open bills are held.",
        sums=_sum_table(sums_of(view, by_of(by)), by),
        table=_bill_table(piece, seen.store.listing().known([row.key for row in piece]), shown_for(asked, seen.flow)),
        files=[
            (words, asked.url(*address, name, as_of=said["as_of"], by=by))
            for words, name in (("Bills as CSV", "close.csv"), ("Sums as CSV", "close-sums.csv"))
        ],
        may_download=_may_download(asked, seen),
        place=place,
        back=asked.url(*address, "close", **said, page=place - 1) if place > 1 else "",
        onward=asked.url(*address, "close", **said, page=place + 1) if len(held) > place * PIECE else "",
    )


def bills_file(asked: Asked) -> Response:
    seen = _downloader(asked)
    view = _view(asked, seen)
    return asked.file(_name(view, "close"), rows_csv(view, by_of(_by(asked))), kind="text/csv; charset=utf-8")


def sums_file(asked: Asked) -> Response:
    seen = _downloader(asked)
    view = _view(asked, seen)
    return asked.file(_name(view, "close_sums"), sums_csv(view, by_of(_by(asked))), kind="text/csv; charset=utf-8")


def _name(view: View, what: str) -> str:
    return f"{view.flow}_{what}_{view.day.isoformat()}.csv"


def _downloader(asked: Asked) -> Seen:
    """A file leaves Airflow, with names and addresses in it, as evidence does."""
    seen = asked.flow()
    if not _may_download(asked, seen):
        raise Sentence(403, f"The close view is downloaded by who may start the DAG {seen.flow.flow}_evidence.")
    return seen


def _may_download(asked: Asked, seen: Seen) -> bool:
    return asked.rights.may_start(f"{seen.flow.flow}_evidence")


def _zone(seen: Seen) -> ZoneInfo:
    return ZoneInfo(seen.flow.schedules.timezone)


def _view(asked: Asked, seen: Seen) -> View:
    said = asked.query("as_of", longest=10)
    try:
        day = date.fromisoformat(said) if said else asked.now.astimezone(_zone(seen)).date()
    except ValueError:
        raise Sentence(400, "“as_of” is a day, written as 2026-11-30.") from None
    if not 2000 <= day.year < 2200:
        raise Sentence(400, "“as_of” is a day of this century or the next.")
    return close_view(seen.flow, seen.store.history(), day)


def _by(asked: Asked) -> str:
    return asked.one_of("by", {name: name for name in BY}, default=BY[0])


# As rows.


def _sum_table(sums: list[Sum], by: str) -> Table:
    rows = []
    for one in sums:
        pairs = (one.open, one.unposted, one.unapproved, one.parked)
        amounts = [
            Cell(text=money_text(amount), note=f"{count:,} bill{'' if count == 1 else 's'}", is_number=True)
            for count, amount in pairs
        ]
        rows.append((*(Cell(text=one_line(name) or "none") for name in one.group), Cell(text=one.currency), *amounts))
    headings = tuple(name.capitalize() for name in (*by.split(","), "currency", *SUMMED))
    return Table(headings=headings, rows=tuple(rows), empty="No bill was open.")


def _bill_table(rows: list[Row], known: Mapping[str, Known], shown: Shown) -> Table:
    headings = ("Bill", "Entity", "Amount", "What is missing", "Who holds it", "Days", "Open in")
    return Table(headings=headings, rows=tuple(_bill(row, known.get(row.key), shown) for row in rows), empty="No bill is held.")


def _bill(row: Row, known: Known | None, shown: Shown) -> tuple[Cell, ...]:
    bill = row.bill
    links = {one.text: one for one in away_of(known)}
    if is_web_address(bill.url):
        links["Intacct"] = Away(text="Intacct", url=one_line(bill.url))
    since = [f"{row.since_known} since it was known"]
    since += [f"{row.since_bill_date} since its date"] if row.since_bill_date is not None else []
    return (
        Cell(
            text=short(f"{bill.vendor_name} {bill.number}", longest=LONGEST) or row.key,
            url=shown.bill_url(row.key),
            note=bill.period,
        ),
        Cell(text=one_line(bill.entity_id), note=one_line(bill.entity_name)),
        Cell(text=money_text(bill.amount, bill.currency), is_number=True),
        Cell(text=", ".join(row.kinds), look="bad" if row.is_parked else "wait", note=str(bill.state)),
        Cell(text=short(row.waits_for, longest=LONGEST), note=short("; ".join(row.exceptions), longest=LONGEST)),
        Cell(text=str(row.waits), note=", ".join(since), is_number=True),
        Cell(away=tuple(links.values())),
    )
