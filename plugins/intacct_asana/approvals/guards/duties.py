"""Segregation of duties: whoever decides is nobody who made the bill what it is, nor, where the flow says so, its vendor.

What cannot be proven is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from intacct_asana.approvals.seen import Case, Finding
from intacct_asana.approvals.words import bill_name
from intacct_asana.flow.rules import Approver
from intacct_asana.records import IntacctUser

SEPARATE = "segregation of duties"


def decider_is_known_in_intacct(case: Case) -> Finding | None:
    approver, users = case.approver, case.users
    if not case.policy.approval.segregation_of_duties or approver is None or case.bill is None:
        return None
    mend = "Whoever looks after the flow file has to add their logins (intacct_users)."
    if approver.has_no_login:
        return _has_no_login(case, approver, mend=mend)
    if not approver.logins:
        return _no(SEPARATE, f"The approver list does not say who {case.who} is in Intacct.", mend)
    if users is not None and not any(_user(login, "", users) for login in approver.logins):
        return _no(SEPARATE, f"Intacct has no user {' or '.join(approver.logins)}, as whom {case.who} is listed.", mend)
    how = "" if users is not None else "; Intacct's list of users may not be read, so this is as the flow declares it"
    return _yes(SEPARATE, f"{case.who} is {', '.join(approver.logins)} in Intacct{how}")


def _has_no_login(case: Case, approver: Approver, *, mend: str) -> Finding:
    """Nobody enters bills without one. The flow's word alone is no proof: somebody may have been given one since."""
    if case.users is None:
        said = f"{case.who} is listed as having no login in Intacct, and its list of users may not be read to show that."
        return _no(SEPARATE, said, "Whoever looks after Intacct lets the integration list the users.")
    addresses = {address.casefold() for address in (approver.email, case.decision.decider_email) if address}
    if logins := [user.login for user in case.users if user.email.casefold() in addresses]:
        said = f"{case.who} is listed as having no login in Intacct, and {' and '.join(logins)} has their address there."
        return _no(SEPARATE, said, mend)
    return _yes(SEPARATE, f"{case.who} has no login in Intacct, as the flow declares, and no user there has their address")


def decider_did_not_enter_the_bill(case: Case) -> Finding | None:
    return _is_anothers(case, "entered", case.bill.created_by, case.bill.created_by_no) if case.bill else None


def decider_did_not_change_the_bill(case: Case) -> Finding | None:
    """Whoever changed a bill last made it what it is."""
    bill, editor = case.bill, case.editor
    if bill is None or not case.policy.approval.segregation_of_duties or case.approver is None:
        return None
    if editor is None and bill.modified_by:
        said = f"The integration wrote on {bill_name(bill)} last, and who changed it before that is not known."
        return _no(SEPARATE, said, "Have it saved again in Intacct by whoever is responsible for it.")
    return _is_anothers(case, "last changed", editor or "", bill.modified_by_no if editor == bill.modified_by else "")


def decider_did_not_make_the_vendor(case: Case) -> Finding | None:
    """Whoever makes up a vendor, or gives it another name, does not approve its bills."""
    bill, vendor, approval = case.bill, case.vendor, case.policy.approval
    if bill is None or case.approver is None or not (approval.segregation_of_duties and approval.segregation_from_vendors):
        return None
    name = f"vendor {bill.vendor_id}"
    if vendor is None:
        return _no(SEPARATE, f"Intacct does not show {name}, so it cannot be shown that somebody else made it.")
    made = _is_anothers(case, "made", vendor.created_by, vendor.created_by_no, what=name)
    if made is None or not made.passed or not (vendor.modified_at_text or vendor.modified_by):
        # One that was never changed is as its maker left it.
        return made
    if vendor.modified_by and vendor.modified_by.casefold() == case.own_login.casefold():
        said = f"The integration wrote on {name} last, and who changed it before that is not known."
        return _no(SEPARATE, said, "Have it saved again in Intacct by whoever is responsible for it.")
    return _is_anothers(case, "last changed", vendor.modified_by, vendor.modified_by_no, what=name)


def _is_anothers(case: Case, did: str, login: str, record_no: str, *, what: str = "") -> Finding | None:
    """That somebody else than the decider did it, to the bill or to `what`."""
    approver, bill, users = case.approver, case.bill, case.users
    if not case.policy.approval.segregation_of_duties or approver is None or bill is None:
        return None
    user = _user(login, record_no, users or ())
    name = what or bill_name(bill)
    if not (what or login or user or bill.created_by or bill.created_by_no) and _may_without(case):
        return _yes(SEPARATE, f"Intacct does not say who {did} it, and the flow lets {approver.email} decide about such bills")
    if not login and not user:
        return _no(SEPARATE, f"Intacct does not say who {did} {name}, so it cannot be shown that somebody else did.")
    if users is not None and user is None:
        return _no(SEPARATE, f"Intacct's list of users does not know {login}, who {did} {name}.")
    by = login or (user.login if user else "")
    own = {one.casefold() for one in (approver.email, *approver.logins)}
    if own & {by.casefold(), *({user.login.casefold(), user.email.casefold()} if user else ())}:
        return _no(SEPARATE, f"{case.who} {did} {what or 'this bill'} ({by}).", "Somebody else has to decide.")
    return _yes(SEPARATE, f"{by} {did} {what or 'it'}")


def _may_without(case: Case) -> bool:
    """Whether the flow names the decider for bills that do not tell who entered them, as after a migration."""
    return case.approver is not None and case.policy.approval.decides_without_creator(case.approver.email)


def _user(login: str, record_no: str, users: Sequence[IntacctUser]) -> IntacctUser | None:
    wanted = login.casefold()
    same = (one for one in users if one.login.casefold() == wanted or (record_no and one.record_no == record_no))
    return next(same, None) if wanted or record_no else None


SEPARATED: tuple[Callable[[Case], Finding | None], ...] = (
    decider_is_known_in_intacct,
    decider_did_not_enter_the_bill,
    decider_did_not_change_the_bill,
    decider_did_not_make_the_vendor,
)


def _no(rule: str, said: str, mend: str = "") -> Finding:
    return Finding(rule=rule, passed=False, said=said, mend=mend)


def _yes(rule: str, said: str) -> Finding:
    return Finding(rule=rule, passed=True, said=said)
