"""The dimensions that a bill's lines carry, as objects: accounts, departments, locations, entities, classes, projects.

Fields that a live company has and this one leaves empty are there too, since clients ask for them by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.gateway.books.rows import Dimension
from sandbox.gateway.books.table import Table
from sandbox.gateway.functions.schema import Field, ObjectType, fields, key, text

STATUSES = ("active", "active non-posting", "inactive")
_EMPTY = {
    "GLACCOUNT": "CATEGORY ALTERNATIVEACCOUNT CLOSINGACCOUNTNO TAXCODE",
    "DEPARTMENT": "SUPERVISORID SUPERVISORNAME CUSTTITLE",
    "LOCATION": "SUPERVISORID STARTDATE ENDDATE",
    "LOCATIONENTITY": (
        "SUPERVISORID FIRSTMONTHTAX WEEKSTART FEDERALID STARTDATE ENDDATE CUSTOMERID CUSTOMERNAME VENDORID VENDORNAME TAXID "
        "ENABLELEGALCONTACT LEGALNAME LEGALADDRESS1 LEGALADDRESS2 LEGALCITY LEGALSTATE LEGALZIPCODE LEGALCOUNTRY OPCOUNTRY "
        "ADDRESSCOUNTRYDEFAULT"
    ),
    "CLASS": "DESCRIPTION CREATEDBY MODIFIEDBY MEGAENTITYKEY MEGAENTITYID MEGAENTITYNAME",
    "PROJECT": (
        "DESCRIPTION CURRENCY CUSTOMERKEY CUSTOMERID CUSTOMERNAME PROJECTTYPE DEPARTMENTNAME LOCATIONID LOCATIONNAME BUDGETID "
        "BEGINDATE ENDDATE MANAGERID MEGAENTITYID MEGAENTITYNAME"
    ),
}


def dimension_objects(company: Any, times: Iterable[Field]) -> list[ObjectType]:
    """One object for each; `times` are its creation and change as the company shows them."""
    status = text("STATUS", "status", "Status", values=STATUSES)

    def build(name: str, table: Table, id_field: str, name_field: str, *more: Field) -> ObjectType:
        def above(row: Dimension, attribute: str) -> str:
            found = next((each for each in table if each.id == row.parent), None) if row.parent else None
            return str(getattr(found, attribute, ""))

        own = [key(), text(id_field, "id", id_field.title()), text(name_field, "name", "Name")]
        parent = [
            text("PARENTID", "parent", "Parent"),
            text("PARENTKEY", lambda row: above(row, "record_no"), "Parent key"),
            text("PARENTNAME", lambda row: above(row, "name"), "Parent name"),
        ]
        empty = [text(each, lambda row: "") for each in _EMPTY[name].split()]
        above_it = [] if name in ("GLACCOUNT", "LOCATIONENTITY") else parent
        listed = fields(*own, status, *above_it, *more, *empty, *times)
        return ObjectType(name=name, table=table, fields=listed, name_field=id_field)

    locality = (text("CURRENCY", "currency"), text("LOCATIONTYPE", "kind"), text("ENTITY", "entity"))
    project = (text("PROJECTCATEGORY", lambda row: "Internal Non-billable"), text("PROJECTSTATUS", "kind", "Project status"))
    entity = (
        text("CURRENCY", "currency"),
        text("REPORTPRINTAS", "name", "Print as"),
        text("FIRSTMONTH", lambda row: "1", "First fiscal month"),
        text("HAS_IE_RELATION", lambda row: "false", "Inter-entity relations"),
        _record_url(company, "locationentity"),
    )
    account = (
        text("ACCOUNTTYPE", lambda row: "balancesheet" if row.id < "4" else "incomestatement", "Account type"),
        text("NORMALBALANCE", lambda row: "debit", "Normal balance"),
        text("CLOSINGTYPE", lambda row: "closing account", "Closing type"),
    )
    return [
        build("GLACCOUNT", company.accounts, "ACCOUNTNO", "TITLE", *account),
        build("DEPARTMENT", company.departments, "DEPARTMENTID", "TITLE"),
        build("LOCATION", company.locations, "LOCATIONID", "NAME", *locality),
        build("LOCATIONENTITY", company.entities, "LOCATIONID", "NAME", *entity),
        build("CLASS", company.classes, "CLASSID", "NAME", _record_url(company, "class")),
        build("PROJECT", company.projects, "PROJECTID", "NAME", *project),
    ]


def _record_url(company: Any, kind: str) -> Field:
    pages = company.world.setting
    path = f"/ia/acct/ur.phtml?.r={company.company_id}-{kind}"
    return text("RECORD_URL", lambda row: f"{pages('intacct_pages', 'https://www.intacct.com')}{path}-{row.record_no}")
