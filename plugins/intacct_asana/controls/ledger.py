"""A bill as the ledger of bills holds it: numbers and names as people mean them, however they were typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal

from intacct_asana.records import Bill
from intacct_asana.records.concerns import BillFacts

FORM = 2
"""Counts up when numbers or names are likened differently, so that every bill is read and looked at again."""

WORDS = "INV INVOICE INVNO BILL NO NR NUM NUMBER REF RE RG RECHNUNG FACT FACTURE FACTURA DOC"
PREFIXES = frozenset(WORDS.split())
"""What people write before a number, or leave out."""
FORMS = (
    "inc incorporated llc llp lp ltd limited co company corp corporation plc gmbh ag kg ohg ug se sa sas sarl srl spa bv nv "
    "ab as oy aps pty pte kk sl and"
)
LEGAL_FORMS = frozenset(FORMS.split())
CONFUSED = str.maketrans("OI", "01")
LEAST_STEM = 2
"""What is left of a number says something from so many characters on."""


def _plain(text: str) -> str:
    """Without accents."""
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))


def _parts(number: str) -> list[str]:
    """What a number is made of, without the words before it."""
    parts = re.findall("[0-9A-Z]+", _plain(number).upper())
    while len(parts) > 1 and parts[0] in PREFIXES:
        parts = parts[1:]
    letters = re.match("[A-Z]+(?=[0-9])", parts[0]) if parts else None
    if letters and letters[0] in PREFIXES:
        parts[0] = parts[0][letters.end() :]
    return parts


def number_like(number: str) -> str:
    """`INV-0042`, `inv 42` and `O042` are 42: no words before it, zeros in front, spaces or dashes; O is 0 and I is 1.

    Empty for one without a digit: `n/a` or `rent` stands on many bills and tells none from another.
    """
    told = "".join(_parts(number))
    told = told.translate(CONFUSED) if re.search("[0-9]", told) else ""
    return _without_zeros(told) or told[-1:]


def _without_zeros(told: str) -> str:
    """`A-0042` is `A-42`: zeros in front count for nothing, nor do those between the letters and the number."""
    return re.sub("^([A-Z]+)0+(?=[0-9])", r"\1", told.lstrip("0"))


def number_stem(number: str) -> str:
    """`42A` and `42-1` come from 42: what people put behind a number to write it once more. Empty where nothing is behind."""
    parts = _parts(number)
    if len(parts) > 1 and parts[-1].lstrip("0") == "1":
        stem = "".join(parts[:-1])
    else:
        told = "".join(parts)
        stem = told[:-1] if re.search("[0-9][A-Z]$", told) else ""
    stem = _without_zeros(stem.translate(CONFUSED))
    return stem if len(stem) >= LEAST_STEM else ""


def name_like(name: str) -> str:
    """`Müller & Co. KG` and `MULLER` are one name: no legal forms at its end, marks, accents or capitals."""
    words = re.sub(r"[.'’]", "", _plain(name).casefold().replace("&", " and "))
    parts = re.findall(r"\w+", words)
    while len(parts) > 1 and parts[-1] in LEGAL_FORMS:
        parts.pop()
    return " ".join(parts[1:] if len(parts) > 1 and parts[0] == "the" else parts)


def facts_of(bill: Bill, known: BillFacts | None = None) -> BillFacts:
    """What is kept of `bill`; `known` is what was kept until now."""
    return BillFacts(
        key=bill.bill_key,
        record_no=bill.record_no,
        first_no=known.first_no if known else bill.record_no,
        number=bill.bill_number,
        vendor_id=bill.vendor_id,
        vendor_name=bill.vendor_name,
        currency=bill.currency,
        amount=bill.transaction_total_entered,
        state=str(bill.state),
        number_like=number_like(bill.bill_number),
        number_stem=number_stem(bill.bill_number),
        vendor_like=name_like(bill.vendor_name),
        base_currency=bill.base_currency,
        base_amount=bill.total_entered,
        bill_date=bill.bill_date,
        due_on=bill.due_on,
        paid_on=bill.paid_on,
        created_by=bill.created_by,
        modified_by=bill.modified_by,
        created_at_text=bill.created_at_text,
        modified_at_text=bill.modified_at_text,
        document_id=bill.document_id,
        module=bill.module,
        source_document=bill.source_document,
        entity_id=bill.entity_id,
        record_url=bill.record_url,
    )


class HeldLedger:
    """`control_ports.Ledger` in memory: where nothing may be kept, and where so many bills are new that asking takes long."""

    def __init__(self, facts: Iterable[BillFacts]) -> None:
        self._by_key: dict[str, BillFacts] = {one.key: one for one in facts}
        self._vendors: dict[str, list[BillFacts]] = {}
        self._numbers: dict[str, list[BillFacts]] = {}
        self._amounts: dict[tuple[str, Decimal], list[BillFacts]] = {}
        self._documents: dict[str, list[BillFacts]] = {}
        for one in self._by_key.values():
            self._vendors.setdefault(one.vendor_id, []).append(one)
            self._amounts.setdefault((one.currency, one.amount), []).append(one)
            self._documents.setdefault(one.document_id, []).append(one)
            for number in {one.number_like, one.number_stem}:
                self._numbers.setdefault(number, []).append(one)

    def of(self, keys: Collection[str]) -> Mapping[str, BillFacts]:
        return {key: self._by_key[key] for key in keys if key in self._by_key}

    def of_vendor(self, vendor_id: str, *, since: date) -> list[BillFacts]:
        return _from(since, self._vendors.get(vendor_id, ()))

    def dated(self, *, since: date) -> list[BillFacts]:
        return _from(since, self._by_key.values())

    def same_number(self, *numbers: str) -> list[BillFacts]:
        found = [one for number in {*numbers} - {""} for one in self._numbers.get(number, ())]
        return list({one.key: one for one in found}.values())

    def same_amount(self, currency: str, amount: Decimal, *, since: date) -> list[BillFacts]:
        return _from(since, self._amounts.get((currency, amount), ()))

    def same_document(self, document_id: str) -> list[BillFacts]:
        return list(self._documents.get(document_id, ())) if document_id else []


def _from(since: date, facts: Iterable[BillFacts]) -> list[BillFacts]:
    return [one for one in facts if one.bill_date and one.bill_date >= since]
