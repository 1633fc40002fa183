"""`pyintacct` against the sandbox, unchanged but for its URL.

run_pyintacct.py URL CREDENTIALS(json): what became of each call as JSON.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from pyintacct import IntacctAPI

url, credentials = sys.argv[1], json.loads(sys.argv[2])
client = IntacctAPI(
    {
        "SENDER_ID": credentials["senderId"],
        "SENDER_PW": credentials["senderPassword"],
        "COMPANY_ID": credentials["companyId"],
        "USER_ID": credentials["userId"],
        "USER_PW": credentials["userPassword"],
    }
)
client.url = url
told: dict[str, str] = {}


def call(name: str, act: Callable[[], Any]) -> None:
    try:
        act()
        told[name] = "ok"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        told[name] = "refused"
        print(name, error, file=sys.stderr)


call("get_session_id", client.get_session_id)
call("read_by_query", lambda: client.read_by_query("APBILL", "STATE = 'A' OR STATE = 'D'", pagesize=3))
call("inspect", lambda: client.inspect("VENDOR", detail=True))
call("inspect of all objects", client.inspect)
vendor = {"VENDOR": {"VENDORID": "V-PY", "NAME": "Py", "DISPLAYCONTACT": {"PRINTAS": "Py"}}}
call("create", lambda: client.create(vendor))
call("update", lambda: client.update({"VENDOR": {"VENDORID": "V-PY", "COMMENTS": "x"}}))
print(json.dumps(told))
