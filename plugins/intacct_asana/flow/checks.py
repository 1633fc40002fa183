"""What a schema cannot say: rules between two values of a flow. Each check is one small function that yields what it found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from intacct_asana.flow.context import Budget, Context
from intacct_asana.flow.controls import PayeeRule
from intacct_asana.flow.model import Assignee, BillScope, VendorScope
from intacct_asana.flow.rules import PAIR_PLACEHOLDERS, Approval, FieldRule, VendorField
from intacct_asana.flow.running.alerts import Alerts, Notifier
from intacct_asana.flow.sources import BILL_SOURCES, FITS, VENDOR_SOURCES, Shape
from intacct_asana.flow.words import did_you_mean, placeholders, template_flaw

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something wrong at `path` of the file, counted from its top."""

    path: Path
    what: str
    mend: str = ""


# One field.


def check_rule(rule: FieldRule, path: Path) -> Iterator[Found]:
    yield from check_owner(rule, path)
    yield from check_fit(rule, path)
    yield from check_options(rule, path)
    yield from check_format(rule, path)


def check_owner(rule: FieldRule, path: Path) -> Iterator[Found]:
    if rule.owner == "intacct" and rule.source is None:
        what, mend = f"field {rule.name!r} has no `source`", "name its source, or write `owner: asana` if people fill it"
        yield Found(path=path, what=what, mend=mend)
    if rule.owner == "asana" and rule.source is not None:
        what = f"field {rule.name!r} is owned by Asana and still has a `source`"
        yield Found(path=(*path, "source"), what=what, mend="people would be overwritten; remove `source` or `owner`")
    if rule.owner == "intacct" and rule.initial is not None:
        what = f"`initial` is for fields that Asana owns, and {rule.name!r} is owned by Intacct"
        yield Found(path=(*path, "initial"), what=what, mend="remove `initial`, or write `owner: asana`")
    if rule.initial is not None and rule.kind in ("number", "date", "people"):
        yield Found(path=(*path, "initial"), what="`initial` works for text and enums only", mend="remove it")


def check_fit(rule: FieldRule, path: Path) -> Iterator[Found]:
    if rule.precision is not None and rule.kind != "number":
        what = f"`precision` is for numbers, and {rule.name!r} is of kind {rule.kind}"
        yield Found(path=(*path, "precision"), what=what, mend="remove it, or write `kind: number`")
    if rule.currency is not None and not (rule.kind == "number" and rule.reads and rule.reads.shape is Shape.MONEY):
        what = f"`currency` is for amounts of money, and {rule.name!r} shows none as a number"
        yield Found(path=(*path, "currency"), what=what, mend="remove it")
    if rule.reads is None or rule.reads.shape in FITS[rule.kind]:
        if rule.reads and rule.reads.shape is Shape.MONEY and (rule.places or 0) < 2 and rule.kind == "number":
            what = f"field {rule.name!r} shows money with {rule.places} decimal places"
            yield Found(path=(*path, "precision"), what=what, mend="write 2 or more, so that no cent is lost")
        return
    fitting = [kind for kind, shapes in FITS.items() if rule.reads.shape in shapes]
    what = f"a field of kind {rule.kind} cannot show {rule.source!r}, which is {rule.reads.shape.value}"
    yield Found(path=(*path, "kind"), what=what, mend=f"write kind {' or '.join(fitting)}")


def check_options(rule: FieldRule, path: Path) -> Iterator[Found]:
    if rule.kind not in ("enum", "multi_enum"):
        for key in ("options", "other"):
            if getattr(rule, key) is not None:
                what = f"`{key}` is for enums, and {rule.name!r} is of kind {rule.kind}"
                yield Found(path=(*path, key), what=what, mend=f"remove `{key}`, or write `kind: enum`")
        return
    if not rule.option_names:
        what = f"enum {rule.name!r} has no `options`"
        yield Found(path=path, what=what, mend="list the names of its options as they are in Asana")
    if rule.owner == "asana" and rule.options and rule.initial and rule.initial not in rule.options.values():
        what = f"`initial` is {rule.initial!r}, which is not among the options"
        yield Found(path=(*path, "initial"), what=what, mend=did_you_mean(rule.initial, rule.options.values()))
    if rule.reads and rule.reads.choices and rule.options:
        yield from check_choices(rule, rule.reads.choices, path)


def check_choices(rule: FieldRule, choices: tuple[str, ...], path: Path) -> Iterator[Found]:
    """A source with a closed set of values: every value needs an option, and nothing else can come."""
    for value in rule.choices.keys() - set(choices):
        what = f"{rule.source!r} never has the value {value!r}"
        yield Found(path=(*path, "options", value), what=what, mend=did_you_mean(value, choices))
    without = [value for value in choices if value not in rule.choices]
    if without and not rule.other:
        what = f"enum {rule.name!r} has no option for {', '.join(without)}"
        yield Found(path=(*path, "options"), what=what, mend="add them, or name an option for the rest with `other`")


def check_format(rule: FieldRule, path: Path) -> Iterator[Found]:
    if rule.format is None:
        return
    where = (*path, "format")
    if rule.reads is None or rule.reads.shape not in (Shape.PAIR, Shape.LINES):
        what = f"`format` joins an id and a name, and {rule.source!r} has no two parts"
        yield Found(path=where, what=what, mend="remove it")
    elif bad := template_flaw(rule.format, PAIR_PLACEHOLDERS):
        yield Found(path=where, what=f"`format` {bad[0]}", mend=bad[1])
    elif not placeholders(rule.format):
        what = f"`format` is {rule.format!r}, with neither {{id}} nor {{name}} in it"
        yield Found(path=where, what=what, mend="write {id}, {name} or both")


# One part of the file.


def check_bills(bills: BillScope) -> Iterator[Found]:
    for index, rule in enumerate(bills.fields):
        yield from check_rule(rule, ("bills", "fields", index))
    yield from check_task_name(bills.task_name, BILL_SOURCES, ("bills", "task_name"))
    if bills.sections and bills.sections.open == bills.sections.closed:
        what = "`open` and `closed` are the same section"
        yield Found(path=("bills", "sections", "closed"), what=what, mend="name two, or remove `sections`")
    yield from check_sections(bills)
    yield from check_once(bills.states, ("bills", "states"))
    yield from check_once(bills.entities, ("bills", "entities"))
    yield from check_once(bills.followers, ("bills", "followers"))


def check_sections(bills: BillScope) -> Iterator[Found]:
    """A section holds open tasks or closed ones, so that people can tell by it."""
    sections = bills.sections
    for state, name in sections.by_state.items() if sections else ():
        is_open = state in bills.states
        other = sections.closed if is_open else sections.open  # type: ignore[union-attr]
        if name == other:
            kind = "open" if is_open else "closed"
            what = f"bills in state {state.value} have {kind} tasks, and {name!r} is the section of the others"
            yield Found(path=("bills", "sections", "by_state", state.value), what=what, mend="name another section")


def check_vendors(vendors: VendorScope) -> Iterator[Found]:
    for index, rule in enumerate(vendors.fields):
        yield from check_rule(rule, ("vendors", "fields", index))
    yield from check_task_name(vendors.task_name, VENDOR_SOURCES, ("vendors", "task_name"))
    yield from check_once(vendors.statuses, ("vendors", "statuses"))
    named = [((*("vendors", "fields", n), "name"), rule.name) for n, rule in enumerate(vendors.fields)]
    yield from check_names([(("vendors", "key_field"), vendors.key_field), *named])


def check_task_name(template: str, sources: Iterable[str], path: Path) -> Iterator[Found]:
    if bad := template_flaw(template, sources):
        yield Found(path=path, what=f"`task_name` {bad[0]}", mend=bad[1])
    elif not placeholders(template):
        what = f"`task_name` is {template!r}, so every task would have the same name"
        yield Found(path=path, what=what, mend="use placeholders, as in {vendor_name} {bill_number}")


def check_once(values: Iterable[str], path: Path) -> Iterator[Found]:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield Found(path=(*path, index), what=f"{str(value)!r} is listed twice", mend="keep one of them")
        seen.add(value)


def check_names(named: Iterable[tuple[Path, str]]) -> Iterator[Found]:
    """Two parts of the flow on one custom field would overwrite each other. Asana's names differ by more than capitals."""
    first: dict[str, Path] = {}
    for path, name in named:
        known = first.setdefault(name.casefold(), path)
        if known != path:
            what = f"the Asana field {name!r} is used twice, here and by {place_words(known)}"
            yield Found(path=path, what=what, mend="every field of a project has one job; choose another name")


def place_words(path: Path) -> str:
    """A path as people say it: `bills.fields` for its third item, `approval.reason_field`."""
    return "`" + ".".join(part for part in path if isinstance(part, str) and part != "name") + "`"


def check_approval(approval: Approval) -> Iterator[Found]:
    yield from check_signal(approval)
    emails: set[str] = set()
    logins: dict[str, str] = {}
    for index, approver in enumerate(approval.approvers):
        path: Path = ("approval", "approvers", index)
        if approver.email in emails:
            yield Found(path=(*path, "email"), what=f"approver {approver.email} is listed twice", mend="keep one entry")
        emails.add(approver.email)
        if approval.segregation_of_duties and approver.intacct_users is None:
            what = f"approver {approver.email} has no `intacct_users`, so nobody can tell which bills they entered"
            mend = "list their logins in Intacct, write `intacct_users: []` for none, or `segregation_of_duties: false`"
            yield Found(path=path, what=what, mend=mend)
        if approver.valid_from and approver.valid_to and approver.valid_to < approver.valid_from:
            what = f"approver {approver.email} is valid to {approver.valid_to}, before the first day"
            yield Found(path=(*path, "valid_to"), what=what, mend="swap `valid_from` and `valid_to`")
        for place, login in enumerate(approver.logins):
            owner = logins.setdefault(login.casefold(), approver.email)
            if owner != approver.email:
                what = f"the Intacct login {login!r} belongs to {owner} already"
                yield Found(path=(*path, "intacct_users", place), what=what, mend="one login is one person")
    if approval.segregation_from_vendors and not approval.segregation_of_duties:
        what = "`segregation_from_vendors` asks who made a vendor, and `segregation_of_duties` is off"
        yield Found(path=("approval", "segregation_from_vendors"), what=what, mend="switch both on, or both off")
    for index, email in enumerate(approval.creator_untold):
        if email not in emails:
            what = f"{email} is no approver, and `creator_untold` names approvers"
            yield Found(path=("approval", "creator_untold", index), what=what, mend="list them under `approvers` too")


def check_signal(approval: Approval) -> Iterator[Found]:
    signal, path = approval.signal, ("approval", "signal")
    if signal.kind == "enum":
        yield from check_apart([(key, getattr(signal, key)) for key in ("pending", "approve", "reject")], path)
    elif signal.kind == "comment":
        yield from check_apart([(key, word) for key in ("approve", "reject") for word in getattr(signal, key)], path)
    if approval.reason_text_field is None and "reason_field" in approval.model_fields_set and approval.reason_field:
        how = "by comment give the reason there" if signal.kind == "comment" else "on subtasks give the reason in a comment"
        what = f"`reason_field` is named, and people who decide {how}"
        yield Found(path=("approval", "reason_field"), what=what, mend="remove it")


def check_apart(named: Iterable[tuple[str, str]], path: Path) -> Iterator[Found]:
    """Names that mean different things differ by more than capitals, or a choice could mean either."""
    seen: dict[str, str] = {}
    for key, name in named:
        other = seen.setdefault(name.casefold(), key)
        if other != key:
            what = f"`{key}` and `{other}` are both {name!r}, so a choice could mean either"
            yield Found(path=(*path, key), what=what, mend="name different ones")


OF_NOTIFIERS = {
    "smtp": ("to", "a mail alert has nobody in `to`", "list at least one address"),
    "slack": ("", "", ""),
    "asana_comment": ("task", "a comment needs a `task`", "write the gid of the task, the long number in its address"),
    "asana_task": ("project", "a task needs a `project`", "write the gid of the project, the long number in its address"),
    "log": ("", "", ""),
}
"""What each kind cannot do without, and what is said where that is missing."""
PARTS_OF_NOTIFIERS = {
    "smtp": {"connection", "to", "from_email"},
    "slack": {"connection"},
    "asana_comment": {"task"},
    "asana_task": {"project", "assignee"},
    "log": set[str](),
}


def check_alerts(alerts: Alerts) -> Iterator[Found]:
    for key in ("on_failure", "on_refusal", "on_parked", "on_drift", "on_meter"):
        for index, notifier in enumerate(getattr(alerts, key)):
            yield from _check_notifier(notifier, ("alerts", key, index))


def _check_notifier(notifier: Notifier, path: Path) -> Iterator[Found]:
    needed, what, mend = OF_NOTIFIERS[notifier.kind]
    if needed and not getattr(notifier, needed):
        yield Found(path=path, what=what, mend=mend)
    if notifier.kind == "log" and (notifier.to or notifier.from_email):
        yield Found(path=path, what="a log alert sends no mail", mend="write `kind: smtp`, or remove the addresses")
        return
    if foreign := sorted(notifier.model_fields_set - PARTS_OF_NOTIFIERS[notifier.kind] - {"kind"}):
        if notifier.kind == "log" and foreign == ["connection"]:
            return
        words = ", ".join(f"`{one}`" for one in foreign)
        yield Found(path=path, what=f"an alert of kind `{notifier.kind}` has {words}", mend="remove it, or write another kind")


# Across parts.


def check_waking(wake: object, *, has_schedule: bool, has_url: bool) -> Iterator[Found]:
    """A hint may be lost, so there is always a schedule; and Asana has to know whom to call."""
    if wake in ("watcher", "webhook") and not has_schedule:
        what = f"`{wake}` only adds to a schedule, and approval_reconciliation has none"
        yield Found(path=("wake",), what=what, mend='add `approval_reconciliation: "*/5 * * * *"` to `schedules`')
    if wake == "webhook" and not has_url:
        mend = "add `waking: {public_url: https://...}`: where Asana reaches Airflow's API server"
        yield Found(path=("wake",), what="`webhook` has no address for Asana to call", mend=mend)


def check_bill_fields(bills: BillScope, approval: Approval | None, context: Context | None) -> Iterator[Found]:
    """Key, approval, context and declared fields of the bills' project are all different."""
    named: list[tuple[Path, str]] = [(("bills", "key_field"), bills.key_field)]
    if approval:
        if approval.signal.kind == "enum":
            named.append((("approval", "signal", "field"), approval.signal.field))
        if approval.reason_text_field:
            named.append((("approval", "reason_field"), approval.reason_text_field))
        if approval.progress_field:
            named.append((("approval", "progress_field"), approval.progress_field))
    if context:
        named.append((("context", "field"), context.field))
    named += [(("bills", "fields", index, "name"), rule.name) for index, rule in enumerate(bills.fields)]
    yield from check_names(named)


def check_payees(rule: PayeeRule, approval: Approval) -> Iterator[Found]:
    """Releasing is deciding: only of approvers is it known who they are, in Asana and in Intacct."""
    if rule.callback is None:
        return
    path: Path = ("controls", "payee_change", "callback", "release_by")
    listed = {one.email for one in approval.approvers}
    for index, email in enumerate(rule.callback.release_by):
        if email not in listed:
            what = f"{email} is no approver, and `release_by` names approvers"
            yield Found(path=(*path, index), what=what, mend="list them under `approvers` too")
    if not set(rule.callback.release_by) - {rule.callback.assignee}:
        what = f"{rule.callback.assignee} is asked to call, and nobody else could release what they called about"
        yield Found(path=path, what=what, mend="name a second person")


def check_context(context: Context) -> Iterator[Found]:
    """A line belongs to one budget of a year at most, or what is left of two would be told of the same money."""
    for place, budget in enumerate(context.budgets):
        path: Path = ("context", "budgets", place)
        for earlier in context.budgets[:place]:
            yield from _check_two_budgets(budget, earlier, path)
        for currency, amount in budget.amount.items():
            if not amount:
                what = f"the budget {budget.name!r} has nothing in {currency}"
                yield Found(path=(*path, "amount"), what=what, mend="write how much there is for the year, or remove it")


def _check_two_budgets(budget: Budget, earlier: Budget, path: Path) -> Iterator[Found]:
    if clash := budget.clashes(earlier):
        what = f"the budgets {budget.name!r} and {earlier.name!r} of {budget.year} both claim {clash}"
        mend = "take it out of one of them, or name the departments of each, so that every line has one budget"
        yield Found(path=path, what=what, mend=mend)
    elif (budget.name, budget.year) == (earlier.name, earlier.year):
        what = f"{budget.year} has two budgets that are called {budget.name!r}"
        yield Found(path=(*path, "name"), what=what, mend="give each a name of its own, or make one of them")


def check_projects(bills: BillScope, vendors: VendorScope) -> Iterator[Found]:
    if bills.project == vendors.project:
        what = "bills and vendors share one Asana project"
        yield Found(path=("vendors", "project"), what=what, mend="give vendors a project of their own")


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
