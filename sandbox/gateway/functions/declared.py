"""What `lookup` of a live company says of the fields that are played: READONLY, REQUIRED, DATATYPE and VALIDVALUES.

These are labels of the definition, not rules: a live company calls the vendor's name on a bill writable. What the sandbox takes
when it is written stands in the fields themselves. The facts are lookups of one company of December 2025
(CPAanalytics/intacct_sdk, fixtures/lookup); a field whose object is not listed is told by what can be written.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sandbox.gateway.functions.schema import ObjectType

_MADE = "CREATEDBY MODIFIEDBY CREATEDBYLOGINID MODIFIEDBYLOGINID MEGAENTITYKEY MEGAENTITYID MEGAENTITYNAME RECORD_URL"
_TIMES = "WHENCREATED WHENMODIFIED"
_TOTALS = " ".join(f"{prefix}TOTAL{name}" for prefix in ("", "TRX_") for name in ("ENTERED", "SELECTED", "PAID", "DUE"))


@dataclass(frozen=True, slots=True)
class Definition:
    """Names of fields by what they are; everything else is neither read-only nor required."""

    read_only: str
    required: str
    types: dict[str, str] = field(default_factory=dict)
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Other values than those that a write takes; none for a field without a list."""


_PAID_AMOUNTS = ("PAYMENT", "INLINE", "ADJUSTMENT", "POSTEDADVANCE", "DISCOUNT")
LOOKUPS = {
    "APBILL": Definition(
        f"RECORDNO STATE RAWSTATE TRX_ENTITYDUE WHENDISCOUNT {_TOTALS} PRBATCHKEY MODULEKEY SYSTEMGENERATED AUWHENCREATED "
        f"WHENMODIFIED DUE_IN_DAYS TOTALRETAINED TRX_TOTALRETAINED TRX_TOTALRELEASED USERID CREATEDUSERID DOCHDRKEY {_MADE}",
        "VENDORID WHENCREATED WHENDUE BASECURR CURRENCY",
        {"TOTALDUE": "CURRENCY", "EXCH_RATE_TYPE_ID": "INTEGER"},
        {"MODULEKEY": (), "INCLUSIVETAX": ("true", "false")},
    ),
    "APBILLITEM": Definition(
        f"RECORDNO AMOUNT LINE_NO CURRENCY BASECURR TRX_AMOUNTRETAINED ORIGDOCID {_TIMES}",
        "AMOUNT TRX_AMOUNT CURRENCY BASECURR",
        {"LINE_NO": "TEXT", "FORM1099TYPE": "ENUM", "FORM1099BOX": "ENUM"},
        {"BILLABLE": ("true", "false")},
    ),
    "APPYMT": Definition(
        f"RECORDNO RECORDID FINANCIALENTITYTYPE STATE VENDORNAME {_TOTALS} AUWHENCREATED WHENMODIFIED DISPLAYSTATE {_MADE}",
        "PAYMENTMETHOD VENDORID WHENCREATED BASECURR CURRENCY",
        {},
        {
            "STATE": (),
            "SYSTEMGENERATED": ("T", "F"),
            "DISPLAYSTATE": (
                *("Partially Approved", "Submitted", "Voided", "Confirmed", "Approved", "Draft", "Declined", "Delivered"),
                *("Print Voided", "Quick Delivery"),
            ),
        },
    ),
    "APPYMTDETAIL": Definition(
        f"RECORDNO DISCOUNTAMOUNT TRX_DISCOUNTAMOUNT MODULEKEY CREATEDBY CREATEDBYLOGINID {_TIMES}",
        "CURRENCY",
        {f"{prefix}{name}AMOUNT": "CURRENCY" for prefix in ("", "TRX_") for name in _PAID_AMOUNTS},
    ),
    "VENDOR": Definition(
        f"STATE TOTALDUE FORM1099BOX {_TIMES} {_MADE}",
        "VENDORID NAME DISPLAYCONTACT.CONTACTNAME DISPLAYCONTACT.PRINTAS CONTACTINFO.CONTACTNAME",
        {"CONTACTINFO.CONTACTNAME": "ENUM", "PAYTO.CONTACTNAME": "ENUM"},
        {"BILLINGTYPE": ("openitem", "balanceforward"), "ISINDIVIDUAL": ("true", "false")},
    ),
    "AUDITHISTORY": Definition(
        "",
        "",
        dict.fromkeys(("OBJECTTYPE", "USERID", "ACCESSMODE", "SOURCE"), "ENUM"),
        {"SOURCE": ("api", "csv", "system", "ui", "sev", "flatf")},
    ),
    "APBILLBATCH": Definition("", "TITLE", {"RECORDNO": "TEXT", "RECORDTYPE": "ENUM", "OPEN": "ENUM"}),
    "GLACCOUNT": Definition(
        f"RECORDNO {_TIMES}",
        "ACCOUNTNO TITLE ACCOUNTTYPE NORMALBALANCE CLOSINGTYPE",
        {},
        {
            "ACCOUNTTYPE": ("balancesheet", "incomestatement"),
            "NORMALBALANCE": ("debit", "credit"),
            "CLOSINGTYPE": ("non-closing account", "closing account", "closed to account"),
            "STATUS": ("active", "inactive"),
        },
    ),
    "DEPARTMENT": Definition(_TIMES, "DEPARTMENTID TITLE"),
    "LOCATION": Definition(f"RECORDNO {_TIMES}", "LOCATIONID NAME"),
}


def declare(target: ObjectType) -> ObjectType:
    """The object with its fields labelled as a live company labels them. Custom fields are never read-only or required."""
    definition = LOOKUPS.get(target.name)
    if definition is None:
        return target
    read_only, required = definition.read_only.split(), definition.required.split()
    for name, known in target.fields.items():
        target.fields[name] = replace(
            known,
            told_read_only=name in read_only,
            required=name in required,
            told_kind=definition.types.get(name, ""),
            told_values=definition.values.get(name),
        )
    return target
