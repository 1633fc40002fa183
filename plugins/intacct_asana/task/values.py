"""One field rule and one record to one canonical value: what Asana would give back if nobody touched it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeVar

from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.flow.rules import PAIR_FORMAT, FieldRule
from intacct_asana.flow.sources import Plain, Shape, Source
from intacct_asana.flow.words import filled
from intacct_asana.records import Bill, BillLine, FieldValue, PinnedField, Vendor
from intacct_asana.text import WIDE, joined, money_text, one_line, rounded

Record = TypeVar("Record", Bill, Vendor)


def field_value(rule: FieldRule, record: Bill | Vendor, pin: PinnedField) -> FieldValue:
    """The value of `rule` for `record`; None clears the field. Raises Misconfigured when an enum has no option for it."""
    source = rule.reads
    if source is None:
        return None
    if rule.kind == "number":
        amount = plain_value(source, record)
        return rounded(amount, places=rule.places or 0) if isinstance(amount, Decimal) else None
    if rule.kind == "date":
        day = plain_value(source, record)
        return day if isinstance(day, date) else None
    texts = texts_of(source, record, format=rule.format)
    if rule.kind == "text":
        return joined(texts) or None
    gids = [option_gid(rule, text, pin) for text in texts]
    if rule.kind == "enum":
        return gids[0] if gids else None
    return tuple(sorted(set(gids)))


def option_gid(rule: FieldRule, value: str, pin: PinnedField) -> str:
    """gid of the option that stands for `value`, or of `other`."""
    name = rule.choices.get(value, rule.other)
    if name is None:
        raise _no_option(
            rule, f"no option for {value!r}", f"add {value!r} to its `options` in the flow file, or name an `other`"
        )
    if name not in pin.options:
        raise _no_option(rule, f"the option {name!r} is not pinned", "run the flow's preflight again")
    return pin.options[name]


def _no_option(rule: FieldRule, what: str, mend: str) -> Misconfigured:
    problem = Problem(where=f"field {rule.name!r}", what=what, mend=mend)
    return Misconfigured("A value has no place in Asana.", problems=(problem,))


def plain_value(source: Source[Record], record: Record) -> Plain:
    return source.read(record) if source.read else None


def texts_of(source: Source[Record], record: Record, *, format: str | None = None) -> tuple[str, ...]:
    """The source as text: none when it is empty, several for lines that differ, the largest amount first."""
    if source.line and isinstance(record, Bill):
        return by_amount([(pair_text(source.line(line), format), line) for line in record.lines])
    if source.pair:
        text = pair_text(source.pair(record), format)
    else:
        text = plain_text(plain_value(source, record))
    return (text,) if text else ()


def by_amount(named: Sequence[tuple[str, BillLine]]) -> tuple[str, ...]:
    """Distinct texts by the sum of their lines' amounts without sign, largest first; equal sums by text."""
    sums: dict[str, Decimal] = {}
    for text, line in named:
        if text:
            sums[text] = WIDE.add(sums.get(text, Decimal(0)), abs(line.amount))
    return tuple(sorted(sums, key=lambda text: (-sums[text], text)))


def pair_text(pair: tuple[str, str], format: str | None = None) -> str:
    """`6100 Office supplies`. A pair without an id and a name is empty, whatever the format adds."""
    known = {"id": one_line(pair[0]), "name": one_line(pair[1])}
    return one_line(filled(format or PAIR_FORMAT, known)) if any(known.values()) else ""


def plain_text(value: Plain) -> str:
    """A value as a text field shows it: amounts with a point and no thousands marks, days as 2026-01-31."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return one_line(value or "")


def name_text(source: Source[Record], record: Record) -> str:
    """A value as a task's name shows it: amounts with thousands marks, because people read them."""
    value = plain_value(source, record)
    if isinstance(value, Decimal) and source.shape is Shape.MONEY:
        return money_text(value)
    return "; ".join(texts_of(source, record))


def name_values(sources: Mapping[str, Source[Record]], wanted: Sequence[str], record: Record) -> dict[str, str]:
    return {word: name_text(sources[word], record) for word in wanted}
