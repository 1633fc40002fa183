"""What `lookup` of a live company says of the fields that are played: READONLY, REQUIRED, DATATYPE and VALIDVALUES.

These are labels of the definition, not rules: a live company calls the vendor's name on a bill writable. What the sandbox takes
when it is written stands in the fields themselves. The facts are lookups of one company of December 2025
(CPAanalytics/intacct_sdk, fixtures/lookup), of every object that is played. Lists of countries are left out.
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


_SWITCH = ("true", "false")
_MONTHS = (*map(str, range(1, 13)), "")
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
    "LOCATIONENTITY": Definition(
        f"RECORDNO RECORD_URL {_TIMES}",
        "LOCATIONID NAME",
        {
            **dict.fromkeys(("STARTDATE", "ENDDATE"), "DATE"),
            **dict.fromkeys(("ENABLELEGALCONTACT", "HAS_IE_RELATION"), "BOOLEAN"),
            **dict.fromkeys(("OPCOUNTRY", "ADDRESSCOUNTRYDEFAULT"), "ENUM"),
        },
        {
            "STATUS": ("active", "inactive"),
            "FIRSTMONTH": _MONTHS,
            "FIRSTMONTHTAX": _MONTHS,
            "WEEKSTART": ("1", "2", "3", "4", "5", "6", "7", "9", ""),
            "ENABLELEGALCONTACT": _SWITCH,
            "HAS_IE_RELATION": _SWITCH,
        },
    ),
    "CLASS": Definition(
        f"RECORDNO {_TIMES} {_MADE}",
        "CLASSID NAME",
        dict.fromkeys(("PARENTKEY", "CREATEDBY", "MODIFIEDBY", "MEGAENTITYKEY"), "INTEGER"),
    ),
    "PROJECT": Definition(
        f"WHENCREATED {_MADE}",
        "PROJECTID NAME PROJECTCATEGORY",
        {
            **dict.fromkeys(("BEGINDATE", "ENDDATE"), "DATE"),
            **dict.fromkeys(("PARENTKEY", "CUSTOMERKEY"), "INTEGER"),
        },
        {
            "STATUS": ("active", "inactive"),
            "PROJECTCATEGORY": ("Contract", "Capitalized", "Internal Non-billable", "Internal Billable"),
        },
    ),
    "USERINFO": Definition(
        "RECORDNO CONTACTINFO.EMAIL1",
        "LOGINID EMAIL CONTACTINFO.CONTACTNAME CONTACTINFO.FIRSTNAME CONTACTINFO.LASTNAME CONTACTINFO.PRINTAS ADMIN",
        {},
        {
            "ADMIN": ("false", "true", "Full"),
            "LOGINDISABLED": _SWITCH,
            "USERTYPE": (
                *("business user", "employee user", "view only user", "dashboard user", "project manager user"),
                *("payment approver", "platform user", "CRM user", "warehouse user", "Construction manager user"),
            ),
        },
    ),
    "ROLES": Definition("RECORDNO", "NAME"),
    "USERGROUP": Definition("RECORDNO", "NAME"),
    "ROLEPOLICYASSIGNMENT": Definition("", ""),
    "ROLEASSIGNMENT": Definition("RECORDNO", "", {}, {"TYPE": ()}),
    "MEMBERUSERGROUP": Definition("RECORDNO", "", {"USERGROUPKEY": "TEXT"}),
    "PODOCUMENT": Definition(
        "RECORDNO DOCID",
        "DOCID",
        {"RECORDNO": "TEXT"},
        {
            "STATE": (
                *("Submitted", "Approved", "Partially Approved", "Declined", "Draft", "Pending", "Closed", "In Progress"),
                *("Converted", "Partially Converted", "Converted By Line", "Partially Converted By Line", "Exception"),
                "Analyzing",
            )
        },
    ),
}


def declare(target: ObjectType) -> ObjectType:
    """The object with its fields labelled as a live company labels them. Custom fields are never read-only or required."""
    definition = LOOKUPS[target.name]
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
