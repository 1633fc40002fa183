"""Who the users are, what bills call them, and whether a bill's books are closed."""

from __future__ import annotations

from typing import Any

import pytest
from intacct_asana.errors import Misconfigured
from intacct_asana.intacct.hook import IntacctHook
from intacct_asana.records import Bill, ReadWindow


def a_bill(sandbox: Any, hook: IntacctHook, **how: Any) -> Bill:
    number = sandbox.act("intacct", "mgarcia", "create_bill", state="Posted", **how)["record_no"]
    sandbox.act("intacct", "jchen", "edit_bill", record_no=number, changes={"description": "x"})
    bill = hook.bill(number)
    assert bill is not None
    return bill


def test_every_user_comes_with_login_name_address_and_status(sandbox: Any, a_hook: Any) -> None:
    sandbox.act("intacct", "admin", "edit_user", login="cruiz", changes={"status": "inactive"})
    users = {user.login: user for user in a_hook().users()}
    alice = users["amartin"]
    assert (alice.name, alice.email, alice.status) == ("Alice Martin", "alice.martin@northwind.example", "active")
    assert alice.record_no.isdigit()
    assert users["cruiz"].status == "inactive"
    assert [login for login, user in users.items() if user.web_services_only] == ["xml_gateway"]


def test_a_company_that_keeps_addresses_in_contacts_only_tells_them_too(sandbox: Any, a_hook: Any) -> None:
    sandbox.settings(missing_fields=["USERINFO.EMAIL"])
    assert {user.email for user in a_hook().users() if user.login == "amartin"} == {"alice.martin@northwind.example"}


def test_users_that_may_not_be_listed_are_a_missing_permission(sandbox: Any, a_hook: Any) -> None:
    sandbox.settings(denied_objects=["USERINFO"])
    with pytest.raises(Misconfigured, match="permission"):
        a_hook().users()


def test_a_bill_names_its_creator_and_last_editor_by_login_and_by_number(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook()
    bill = a_bill(sandbox, hook)
    numbers = {user.login: user.record_no for user in hook.users()}
    assert (bill.created_by, bill.modified_by) == ("mgarcia", "jchen")
    assert (bill.created_by_no, bill.modified_by_no) == (numbers["mgarcia"], numbers["jchen"])


@pytest.mark.parametrize("held", ["name", "nothing", "record_no"])
def test_the_number_still_tells_who_it_was_where_the_login_does_not(sandbox: Any, a_hook: Any, held: str) -> None:
    sandbox.settings(login_fields_hold=held)
    hook = a_hook()
    bill = a_bill(sandbox, hook)
    assert bill.created_by != "mgarcia"
    assert {user.login for user in hook.users() if user.record_no == bill.created_by_no} == {"mgarcia"}


def test_a_bill_without_a_creator_names_none(sandbox: Any, a_hook: Any) -> None:
    bill = a_bill(sandbox, a_hook(), creator_unknown=True)
    assert (bill.created_by, bill.created_by_no, bill.modified_by) == ("", "", "jchen")


def test_a_bill_of_closed_books_is_known_by_its_summary(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook()
    bill = a_bill(sandbox, hook)
    assert bill.bill_date is not None
    assert hook.closed_summaries([bill.summary_no]) == frozenset()
    sandbox.settings(books_closed_through=bill.bill_date.isoformat())
    old = [one.summary_no for page in hook.bills(ReadWindow()) for one in page]
    assert bill.summary_no in hook.closed_summaries([bill.summary_no, *old])
    assert hook.closed_summaries([""]) == frozenset()


def test_summaries_that_may_not_be_listed_are_a_missing_permission(sandbox: Any, a_hook: Any) -> None:
    sandbox.settings(denied_objects=["APBILLBATCH"])
    hook = a_hook()
    bill = a_bill(sandbox, hook)
    with pytest.raises(Misconfigured, match="permission"):
        hook.closed_summaries([bill.summary_no])
