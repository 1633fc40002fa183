"""A vendor's contacts and the fields that are only kept for it: how they are read from a request, and as fields of VENDOR.

https://developer.intacct.com/api/accounts-payable/vendors/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from sandbox.gateway.failures import Failure, support_id
from sandbox.gateway.functions.schema import Field, kept
from sandbox.gateway.wire import element

DISPLAY = "DISPLAYCONTACT"
NAMED = ("CONTACTINFO", "PAYTO", "RETURNTO", "CONTACTTO1099")
"""Structures that name a contact by its CONTACTNAME."""
LISTS = ("VENDORCONTACTS", "CONTACT_LIST_INFO")
"""The contact list, in two forms; the first wins where both are sent."""
STRUCTURES = frozenset({DISPLAY, *NAMED, *LISTS})
_ADDRESS = ("ADDRESS1", "ADDRESS2", "ADDRESS3", "CITY", "STATE", "ZIP", "COUNTRY", "COUNTRYCODE")
_PARTS = (
    *(
        "COMPANYNAME",
        "PREFIX",
        "FIRSTNAME",
        "LASTNAME",
        "INITIAL",
        "TAXABLE",
        "TAXGROUP",
        "TAXSOLUTIONID",
        "TAXSCHEDULE",
        "TAXID",
    ),
    *("PHONE1", "PHONE2", "CELLPHONE", "PAGER", "FAX", "EMAIL1", "EMAIL2", "URL1", "URL2", "STATUS"),
    *(f"MAILADDRESS.{name}" for name in _ADDRESS),
)
_TEXTS = (
    *("GLGROUP", "NAME1099", "FORM1099TYPE", "FORM1099BOX", "SUPDOCID", "PAYMETHODKEY", "BILLINGTYPE", "OFFSETGLACCOUNTNO"),
    *("BILLAPPROVERID", "ACHBANKROUTINGNUMBER", "ACHACCOUNTNUMBER", "ACHACCOUNTTYPE", "ACHREMITTANCETYPE"),
    *("RESTRICTEDLOCATIONS", "RESTRICTEDDEPARTMENTS", "RETAINAGEPERCENTAGE", "DEFAULT_LEAD_TIME"),
)
_FLAGS = (
    *("HIDEDISPLAYCONTACT", "MERGEPAYMENTREQ", "PAYMENTNOTIFY", "DISPLAYTERMDISCOUNT", "ACHENABLED", "DISPLOCACCTNOCHECK"),
    "ISINDIVIDUAL",
)


def display_name(row: Any) -> str:
    """The name of a vendor's contact: the one it was given, else the vendor's with the vendor id behind it."""
    given = (row.kept or {}).get(f"{DISPLAY}.CONTACTNAME")
    return given or (f"{row.name}(V{row.vendor_id})" if row.vendor_id else "")


def contact_fields() -> list[Field]:
    return [
        kept("TEXT", f"{DISPLAY}.CONTACTNAME", display_name, "Contact name"),
        kept("TEXT", f"{DISPLAY}.PRINTAS", "name", "Print as"),
        *(kept("TEXT", f"{DISPLAY}.{name}") for name in _PARTS),
        *(kept("TEXT", f"{name}.CONTACTNAME", display_name) for name in NAMED[:-1]),
        kept("TEXT", f"{NAMED[-1]}.CONTACTNAME"),
    ]


def other_fields() -> list[Field]:
    """What the vendor's page documents and nothing here depends on."""
    return [*(kept("TEXT", name) for name in _TEXTS), *(kept("BOOLEAN", name) for name in _FLAGS)]


def contacts_in(sent: etree._Element) -> dict[str, str]:
    """What the structures of a request say, by field. Raises Failure for a part that no contact has."""
    found: dict[str, str] = {}
    for structure in sent.iterchildren(DISPLAY, *NAMED):
        for name, text in _leaves(structure):
            known = f"{structure.tag}.{name}".replace("ISOCOUNTRYCODE", "COUNTRYCODE")
            parts = ("CONTACTNAME",) if structure.tag in NAMED else ("CONTACTNAME", "PRINTAS", *_PARTS)
            if known.partition(".")[2] not in parts:
                raise Failure("XL03000010", "", f"Field '{known}' is not defined on object VENDOR. {support_id()}")
            found[known] = text
    return found


def contact_list_in(sent: etree._Element) -> tuple[str, ...] | None:
    """The contact list of a request, `Category: Name` each; None where it sends none. What is sent replaces what was there."""
    for name in LISTS:
        listed = list(sent.iterchildren(name))
        if listed:
            entries = listed if name == "CONTACT_LIST_INFO" else list(listed[0])
            return tuple(_entry(each) for each in entries if len(each))
    return None


def contact_list_xml(contacts: tuple[str, ...]) -> str:
    def entry(told: str) -> str:
        category, _, name = told.rpartition(": ")
        named = element("CONTACT", element("NAME", name, raw=False))
        return element("VENDORENTITYCONTACTS", element("CATEGORYNAME", category, raw=False), named)

    return element("VENDORCONTACTS", *map(entry, contacts))


def _entry(sent: etree._Element) -> str:
    category, name = (sent.findtext("CATEGORYNAME") or "").strip(), (sent.findtext("CONTACT/NAME") or "").strip()
    if not name:
        raise Failure("BL03000018", "", f"Required field CONTACT.NAME of {sent.tag} is missing. {support_id()}")
    return f"{category}: {name}" if category else name


def _leaves(structure: etree._Element, before: str = "") -> Iterator[tuple[str, str]]:
    for child in structure:
        if len(child):
            yield from _leaves(child, f"{before}{child.tag}.")
        else:
            yield f"{before}{child.tag}", (child.text or "").strip()
