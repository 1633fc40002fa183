"""The envelope as the vendor's published schema has it (2019): which children, in which order.

The live gateway is said to refuse what its schema does not know; how strict it is about the order is not documented, so the
stand-in is. `showadditionalerrorinfo` is documented and newer than the schema: the setting `error_details` says where it is
taken ("last", "anywhere"), or that it is "refused".
"""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from sandbox.gateway.failures import ControlFailure

NEWER = "showadditionalerrorinfo"
ORDERED = {
    "request": ("control", "operation"),
    "control": (
        "senderid",
        "password",
        "controlid",
        "uniqueid",
        "dtdversion",
        "policyid",
        "debug",
        "validate",
        "includewhitespace",
    ),
    "operation": ("authentication", "preferences", "content"),
    "login": ("userid", "companyid", "password", "clientid", "locationid"),
    "get": ("fields",),
    "get_list": ("filter", "sorts", "fields", "additional_parameters"),
}
IN_ANY_ORDER = {
    "authentication": {"login", "sessionid"},
    "content": {"function"},
    "query": {"object", "select", "filter", "orderby", "options", "pagesize", "offset", "docparid"},
    "options": {"caseinsensitive", "showprivate", "returnformat"},
    "lookup": {"object", "docparid"},
    "getAPISession": {"locationid"},
    "readUserFormatting": {"key", "userId"},
}
REPEATED = {"content"}
_NAMES = """
    accountgroup achbankconfiguration adjjournal allocation apaccountlabel apadjustment apadjustmentbatch appayment
    appaymentrequest apterm araccountlabel aradjustment aradjustmentbatch araging arpayment arpaymentbatch arterm
    artransactiondef bankaccount bill billbatch cctransaction class company_info contact contacttaxgroup csnhistory custglgroup
    customer customerachinfo customerbankaccount customerchargecard customerppackage customervisibility department earningtype
    employee employeepref employeerate expenseadjustmentreport expensepaymenttype expensereport expensereportbatch expensetypes
    glaccount glbudget glbudgetitem glentry gltransaction icitem icitemtotals ictotal ictransaction ictransactiondef invoice
    invoicebatch itemglgroup itemtaxgroup itemtotal journal location locationentity locationgroup popricelist potransaction
    potransactiondef pricelistitem productline project projectstatus projecttype recursotransaction renewalmacro reportingperiod
    revrecchangelog revrecschedule revrecscheduleentry revrectemplate smarteventlog sopricelist sotransaction sotransactiondef
    statglaccount statjournal stkittransaction subscription supdoc supdocfolder task taxdetail taxschedule taxscheduledetail
    taxschedulemap territory timesheet timetype trxcurrencies uom vendglgroup vendor vendorentityaccount vendorpref
    vendorvisibility vsoeallocation vsoeitempricelist vsoepricelist warehouse
"""
LISTED = frozenset(_NAMES.split())
"""What the schema lets `get` and `get_list` be asked for."""


def check(root: etree._Element, *, error_details: str, more: Mapping[str, tuple[str, ...]]) -> None:
    """Raises ControlFailure for a child that the schema does not know there, or in another place than its own.

    `more` are orders of object-specific functions.
    """
    ordered = {**ORDERED, **more}
    for parent in root.iter(*ordered, *IN_ANY_ORDER):
        name = str(parent.tag)
        if name in ("get", "get_list") and parent.get("object") not in LISTED:
            raise malformed(f'Value "{parent.get("object")}" for attribute object of {name} is not among the enumerated set.')
        children = [str(child.tag) for child in parent]
        if name == "control":
            children = _without_newer(children, error_details)
        if name in ordered:
            _in_order(name, children, ordered[name])
        elif unknown := set(children) - IN_ANY_ORDER[name]:
            raise malformed(f"Element '{sorted(unknown)[0]}' is not expected in {name}.")
        if len(set(children)) < len(children) and name not in REPEATED:
            raise malformed(f"{name} has one child twice.")


def _without_newer(children: list[str], where: str) -> list[str]:
    if NEWER not in children or where == "refused":
        return children
    if where == "last" and children[-1] != NEWER:
        raise malformed(f"Element '{NEWER}' is not expected before {children[-1]}.")
    return [child for child in children if child != NEWER]


def _in_order(name: str, children: list[str], known: tuple[str, ...]) -> None:
    if unknown := [child for child in children if child not in known]:
        raise malformed(f"Element '{unknown[0]}' is not expected in {name}.")
    if children != sorted(children, key=known.index):
        raise malformed(f"The children of {name} are not in the order {', '.join(known)}.")


def malformed(said: str) -> ControlFailure:
    return ControlFailure("XL03000003", "The XML request does not conform to the schema", f"XML parse error: Error 502: {said}")
