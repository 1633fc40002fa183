"""`sageintacctsdk` against the sandbox, unchanged but for its URL.

run_sageintacctsdk.py URL CREDENTIALS(json): what became of each call as JSON.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from sageintacctsdk import SageIntacctSDK
from sageintacctsdk.apis.api_base import ApiBase

url, credentials = sys.argv[1], json.loads(sys.argv[2])
original = ApiBase.__init__


def at_the_sandbox(self: ApiBase, *arguments: Any, **more: Any) -> None:
    original(self, *arguments, **more)
    self._ApiBase__api_url = url


ApiBase.__init__ = at_the_sandbox
client = SageIntacctSDK(
    sender_id=credentials["senderId"],
    sender_password=credentials["senderPassword"],
    company_id=credentials["companyId"],
    user_id=credentials["userId"],
    user_password=credentials["userPassword"],
)
told: dict[str, str] = {"login": "ok"}


def call(name: str, act: Callable[[], Any]) -> Any:
    try:
        found = act()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        told[name] = "refused"
        print(name, getattr(error, "response", error), file=sys.stderr)
        return {}
    told[name] = "ok"
    return found


vendor = {"VENDORID": "V-SDK", "NAME": "An SDK's", "DISPLAYCONTACT": {"PRINTAS": "An SDK's"}}
for name in ("bills", "vendors", "accounts", "departments", "locations", "projects", "classes"):
    part_of = getattr(client, name)
    call(f"{name}.get_all", part_of.get_all)
    call(f"{name}.count", partial(part_of.count, None))
call("bills.get_lookup", client.bills.get_lookup)
call("vendors.post", lambda: client.vendors.post(vendor))
line = {"ACCOUNTNO": "5200", "TRX_AMOUNT": "10", "ENTRYDESCRIPTION": "a line"}
bill = {
    "WHENCREATED": "11/02/2026",
    "VENDORID": "V-SDK",
    "WHENDUE": "11/24/2026",
    "ACTION": "Draft",
    "APBILLITEMS": {"APBILLITEM": [line]},
}
made = call("bills.post", lambda: client.bills.post(bill))
number = (made.get("data") or {}).get("apbill", {}).get("RECORDNO", "0")
call("bills.update_attachment", lambda: client.bills.update_attachment(number, "A-1"))
call("bills.delete", lambda: client.bills.delete(number))
call("bills.read_by_query", lambda: client.bills.read_by_query(fields=["RECORDNO", "STATE"]))
owed = client.bills.get_by_query(["RECORDNO", "VENDORID", "CURRENCY"], and_filter=[("equalto", "STATE", "Posted")])[0]
part = {"APPYMTDETAIL": [{"RECORDKEY": owed["RECORDNO"], "TRX_PAYMENTAMOUNT": "1"}]}
payment = {
    "FINANCIALENTITY": "BA-1",
    "PAYMENTMETHOD": "Cash",
    "VENDORID": owed["VENDORID"],
    "PAYMENTDATE": "11/30/2026",
    "CURRENCY": owed["CURRENCY"],
    "APPYMTDETAILS": part,
}
call("ap_payments.post", lambda: client.ap_payments.post(payment))
call("ap_payments.get_all", client.ap_payments.get_all)
call("dimensions.get_all", client.dimensions.get_all)
call("location_entities.get_all", client.location_entities.get_all)
call("attachments.get_attachment", lambda: client.attachments.get_attachment("supdocid", "A-1"))
call("attachments.get_all_folders", client.attachments.get_all_folders)
print(json.dumps(told))
