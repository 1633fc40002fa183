"""Vendors' fields that flow from Asana into Intacct: custom fields only, and never one that could move money.

Intacct's own fields are refused when the file is loaded; whether the rest are really custom fields, `lookup` tells later.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from intacct_asana.mapping.checks import Found, Path
from intacct_asana.mapping.field_rules import VendorField
from intacct_asana.mapping.model import Assignee, BillScope, VendorScope
from intacct_asana.mapping.words import did_you_mean

BANK_OR_TAX = re.compile(r"(ACH|WIRE|TAX|BANK|PAYMETHOD|PAYMENTMETHOD|FORM1099)[A-Z0-9]*")
BANK_OR_TAX_WORDS = frozenset({"ACH", "WIRE", "TAX", "TAXID", "BANK", "IBAN", "SWIFT", "BIC", "ROUTING", "SSN", "EIN", "VAT"})
STANDARD_WORDS = """RECORDNO VENDORID NAME STATUS STATE ONHOLD DONOTCUTCHECK ONETIME VENDTYPE PARENTID PARENTKEY PARENTNAME
    TERMNAME CURRENCY CREDITLIMIT TOTALDUE PAYMENTPRIORITY BILLINGTYPE APACCOUNT APACCOUNTTITLE GLGROUP COMMENTS SUPDOCID
    BILLAPPROVERID OBJECTRESTRICTION WHENCREATED WHENMODIFIED CREATEDBY MODIFIEDBY CREATEDBYLOGINID MODIFIEDBYLOGINID
    MEGAENTITYKEY MEGAENTITYID MEGAENTITYNAME RECORD_URL DISPLAYCONTACT VENDORCONTACTS VENDORACCOUNTNO ACCOUNTLABEL
    CONTACTINFO PAYTO RETURNTO ENTITY MERGEPAYMENTREQ PAYMENTNOTIFY DISPLAYTERMDISCOUNT DISPLOCACCTNOCHECK"""
STANDARD = frozenset(STANDARD_WORDS.split())
"""Intacct's own fields of a vendor. Source: the vendor's fields as `lookup` lists them."""


def check_written_fields(vendors: VendorScope) -> Iterator[Found]:
    first: dict[str, str] = {}
    for index, rule in enumerate(vendors.fields):
        path: Path = ("vendors", "fields", index)
        if rule.intacct_field is None:
            if rule.clears:
                what = f"`clears` is for fields that flow to Intacct, and {rule.name!r} does not"
                yield Found(path=(*path, "clears"), what=what, mend="name its `intacct_field`, or remove `clears`")
            continue
        yield from _check_field(rule, (*path, "intacct_field"))
        yield from _check_options(rule, path)
        other = first.setdefault(rule.intacct_field.upper(), rule.name)
        if other != rule.name:
            what = f"{other!r} and {rule.name!r} are both written into {rule.intacct_field}"
            yield Found(path=(*path, "intacct_field"), what=what, mend="each needs a custom field of its own")


def _check_field(rule: VendorField, path: Path) -> Iterator[Found]:
    name = (rule.intacct_field or "").upper()
    if rule.owner != "asana":
        what = f"{rule.name!r} is owned by Intacct, so nothing flows from Asana into {rule.intacct_field}"
        yield Found(path=path, what=what, mend="write `owner: asana` and no `source`, or remove `intacct_field`")
    if rule.kind not in ("text", "enum"):
        what = f"a field of kind {rule.kind} cannot flow to Intacct"
        yield Found(path=path, what=what, mend="write kind text or enum, or remove `intacct_field`")
    if BANK_OR_TAX.fullmatch(name) or BANK_OR_TAX_WORDS & set(name.split("_")):
        what = f"{rule.intacct_field} is a bank or tax field, or named like one; those are never written"
        yield Found(path=path, what=what, mend="name a custom field that holds neither")
    elif name in STANDARD:
        what = f"{rule.intacct_field} is one of Intacct's own fields; only custom fields are written"
        yield Found(path=path, what=what, mend="have a custom field made, such as ASANA_TEAM, and name that")


def _check_options(rule: VendorField, path: Path) -> Iterator[Found]:
    """From an option back to Intacct's value there has to be one way."""
    if rule.other is not None:
        what = f"`other` stands for many values, and {rule.name!r} has to be one value in Intacct"
        yield Found(path=(*path, "other"), what=what, mend="list every option in `options`")
    for option, count in Counter((rule.options or {}).values()).items():
        if count > 1:
            what = f"{count} values of Intacct stand for the option {option!r} of {rule.name!r}"
            yield Found(path=(*path, "options"), what=what, mend="give each value an option of its own")


def check_assignee(bills: BillScope, vendors: VendorScope) -> Iterator[Found]:
    """The person that a vendor's field names."""
    assignee = bills.assignee
    if assignee is None or assignee.vendor_field is None:
        return
    path: Path = ("bills", "assignee", "vendor_field")
    rules = {rule.name: rule for rule in vendors.fields if rule.owner == "asana"}
    rule = rules.get(assignee.vendor_field)
    if rule is None:
        what = f"`vendor_field` is {assignee.vendor_field!r}, which is no field of vendors that Asana owns"
        yield Found(path=path, what=what, mend=did_you_mean(assignee.vendor_field, rules) if rules else "add it to `vendors`")
    elif rule.kind not in ("text", "enum", "people"):
        what = f"`vendor_field` is {rule.name!r}, which is of kind {rule.kind}"
        mend = "name a people field, a text field that holds e-mail addresses, or an enum with `people`"
        yield Found(path=path, what=what, mend=mend)
    else:
        yield from _check_people(assignee, rule)


def _check_people(assignee: Assignee, rule: VendorField) -> Iterator[Found]:
    path: Path = ("bills", "assignee", "people")
    if rule.kind == "enum" and not assignee.people:
        what = f"{rule.name!r} is a choice, and nothing says who its options are"
        yield Found(path=path, what=what, mend="map each option to an e-mail address with `people`")
    for option in (assignee.people or {}).keys() - set(rule.option_names if rule.kind == "enum" else assignee.people or ()):
        what = f"{rule.name!r} has no option {option!r}"
        yield Found(path=(*path, option), what=what, mend=did_you_mean(option, rule.option_names))
