"""What a schema cannot say of the approval policy: groups, deputies, rules that nobody reaches, steps that nobody can give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from intacct_asana.flow.checks import Found, Path, check_once
from intacct_asana.flow.controls import Controls
from intacct_asana.flow.model import VendorScope
from intacct_asana.flow.policy import Delegation, RoutingRule, Step, can_be_given, count_of, people_of
from intacct_asana.flow.rules import Approval
from intacct_asana.flow.words import did_you_mean

LEAST_TO_RELEASE = 2
WAYS = ("by", "vendor_field", "department")


def check_policy(approval: Approval) -> Iterator[Found]:
    listed = {one.email.casefold() for one in approval.approvers}
    yield from _check_groups(approval, listed)
    yield from _check_delegations(approval.delegations, listed)
    yield from _check_reminders(approval)
    yield from _check_reach(approval.rules)
    for place, rule in enumerate(approval.rules):
        yield from _check_rule(rule, approval, listed, ("approval", "rules", place))


def check_controls(controls: Controls, approval: Approval) -> Iterator[Found]:
    """What blocks has to be released by somebody, in words that mean nothing else."""
    decides = {word.casefold() for name in ("approve", "reject") for word in _words(approval, name)}
    for name in type(controls).model_fields:
        rule = getattr(controls, name)
        if getattr(rule, "mode", "") != "block":
            continue
        if len({one.email.casefold() for one in approval.approvers}) < LEAST_TO_RELEASE:
            what = f"`{name}` blocks, and there is one approver only, while a second person releases what it finds"
            yield Found(path=("controls", name, "mode"), what=what, mend="list another approver, or write `mode: advise`")
        word = getattr(rule, "release_word", "")
        if word.casefold() in decides:
            what = f"`release_word` is {word!r}, with which people decide"
            yield Found(path=("controls", name, "release_word"), what=what, mend="choose other words")


def _words(approval: Approval, name: str) -> Sequence[str]:
    words = getattr(approval.signal, name, ()) if approval.signal.kind == "comment" else ()
    return tuple(words)


def _check_groups(approval: Approval, listed: set[str]) -> Iterator[Found]:
    for name, people in approval.groups.items():
        path: Path = ("approval", "groups", name)
        if "@" in name:
            yield Found(path=path, what=f"the group {name!r} is called like an address", mend="give it a name without @")
        if not people:
            yield Found(path=path, what=f"the group {name!r} is empty", mend="name at least one approver, or remove it")
        for email in people:
            if email not in listed:
                what = f"{email} of the group {name!r} is no approver"
                yield Found(path=(*path, email), what=what, mend="list them under `approvers` too")


# Deputies.


def _check_delegations(delegations: Sequence[Delegation], listed: set[str]) -> Iterator[Found]:
    for place, one in enumerate(delegations):
        path: Path = ("approval", "delegations", place)
        for key, email in (("from", one.absent), ("to", one.deputy)):
            if email not in listed:
                what = f"{email} is no approver, and a delegation is from one approver to another"
                yield Found(path=(*path, key), what=what, mend="list them under `approvers` too")
        if one.last_day < one.first_day:
            what = f"the delegation of {one.absent} ends on {one.last_day}, before its first day"
            yield Found(path=(*path, "last_day"), what=what, mend="swap `first_day` and `last_day`")
            continue
        for earlier in delegations[:place]:
            if earlier.absent == one.absent and earlier.overlaps(one):
                what = f"{one.absent} has two deputies at once, from {max(one.first_day, earlier.first_day)} on"
                yield Found(path=path, what=what, mend="let one delegation end before the next begins")
        if loop := _loop(one, delegations[: place + 1]):
            what = f"delegations go in a circle: {' to '.join(loop)}"
            yield Found(path=path, what=what, mend="let one of them be somebody else's, or on other days")


def _loop(last: Delegation, delegations: Sequence[Delegation]) -> list[str]:
    """The people of a circle that `last` closes, all on one day; empty without one."""

    def follow(person: str, trail: list[str], held: list[Delegation]) -> list[str]:
        if person == last.absent:
            return [*trail, person]
        nexts = (one for one in delegations if one.absent == person and person not in trail)
        ways = (follow(one.deputy, [*trail, person], [*held, one]) for one in nexts if all(one.overlaps(by) for by in held))
        return next((way for way in ways if way), [])

    return follow(last.deputy, [last.absent], [last])


# Reminders.


def _check_reminders(approval: Approval) -> Iterator[Found]:
    remind, path = approval.remind, ("approval", "remind")
    if remind is None:
        return
    if remind.is_empty:
        what = "`remind` names no day, so nobody is reminded"
        yield Found(path=path, what=what, mend="write `before_days`, `after_days` or `escalate_after_days`, or remove it")
    for key in ("before_days", "after_days"):
        yield from check_once([str(day) for day in getattr(remind, key)], (*path, key))
    if 0 in remind.after_days:
        what = "`after_days` has 0, and the due date itself is no day after it"
        yield Found(path=(*path, "after_days", remind.after_days.index(0)), what=what, mend="write 0 in `before_days`")
    if remind.escalate_to and remind.escalate_after_days is None:
        what = f"{remind.escalate_to} would be told, and `remind` does not say when"
        yield Found(path=(*path, "escalate_to"), what=what, mend="write `escalate_after_days`, or remove it")
    if remind.escalate_after_days and not remind.escalate_to and not approval.delegations:
        what = "nobody could be told: there is no `escalate_to`, and nobody has a deputy"
        yield Found(path=(*path, "escalate_after_days"), what=what, mend="name somebody in `escalate_to`")


# Rules and their steps.


def _check_reach(rules: Sequence[RoutingRule]) -> Iterator[Found]:
    names: set[str] = set()
    takes_all = ""
    for place, rule in enumerate(rules):
        path: Path = ("approval", "rules", place)
        if rule.name in names:
            yield Found(path=(*path, "name"), what=f"two rules are called {rule.name!r}", mend="give each a name of its own")
        names.add(rule.name)
        if takes_all:
            what = f"no bill ever reaches the rule {rule.name!r}: {takes_all!r} stands before it, and is for every bill"
            yield Found(path=path, what=what, mend="write the rule without `when` last")
        elif rule.when.is_empty:
            takes_all = rule.name
        for currency, most in rule.when.amount_below.items():
            if rule.when.amount_from.get(currency, -1) >= most:
                what = f"no amount in {currency} is from {rule.when.amount_from[currency]} and below {most}"
                yield Found(path=(*path, "when", "amount_below"), what=what, mend="write the larger amount as `amount_below`")


def _check_rule(rule: RoutingRule, approval: Approval, listed: set[str], path: Path) -> Iterator[Found]:
    found = [
        one for place, step in enumerate(rule.steps) for one in _check_step(step, approval, listed, (*path, "steps", place))
    ]
    names = [step.name for step in rule.steps]
    for place, name in enumerate(names):
        if name in names[:place]:
            what = f"two steps of the rule {rule.name!r} are called {name!r}"
            found.append(Found(path=(*path, "steps", place, "name"), what=what, mend="give each a name of its own"))
    yield from found
    if not found:
        yield from _check_enough(rule, approval, path)


def _check_enough(rule: RoutingRule, approval: Approval, path: Path) -> Iterator[Found]:
    """Nobody gives two steps, so there have to be enough different people for all of them."""
    known: list[tuple[Sequence[str], int]] = []
    for place, step in enumerate(rule.steps):
        if step.by is None:
            continue
        people = people_of(step.by, approval.groups)
        known.append((people, count_of(step.need, people)))
        if not can_be_given(known):
            what = f"the step {step.name!r} can never be given: nobody gives two steps, and too few others are in it"
            yield Found(path=(*path, "steps", place), what=what, mend="name more people in it, or in the steps before it")
            return


def _check_step(step: Step, approval: Approval, listed: set[str], path: Path) -> Iterator[Found]:
    ways = [way for way in WAYS if getattr(step, way) is not None]
    if len(ways) != 1:
        what = f"the step {step.name!r} names its people {'in no way' if not ways else 'in more than one way'}"
        yield Found(path=path, what=what, mend=f"write one of {', '.join(f'`{way}`' for way in WAYS)}")
        return
    named = [("by", step.by)] if step.by else [(f"department {one}", who) for one, who in (step.department or {}).items()]
    for where, names in named:
        yield from _check_names(names, where, approval, listed, (*path, ways[0]))
        people = people_of(names, approval.groups)
        if people and count_of(step.need, people) > len(people):
            what = f"the step {step.name!r} needs {step.need}, and {len(people)} can give it ({where})"
            yield Found(path=(*path, "need"), what=what, mend="name more people, or need fewer")
    if step.vendor_field and step.need not in ("any", "all", 1):
        what = f"the step {step.name!r} needs {step.need}, and a vendor's field names one person"
        yield Found(path=(*path, "need"), what=what, mend="remove `need`")


def _check_names(names: Iterable[str], where: str, approval: Approval, listed: set[str], path: Path) -> Iterator[Found]:
    for name in names:
        if name in approval.groups or name.casefold() in listed:
            continue
        what = f"{name!r} ({where}) is neither an approver's address nor a group"
        yield Found(path=(*path, name), what=what, mend=did_you_mean(name, [*approval.groups, *sorted(listed)]))


def check_policy_vendors(approval: Approval, vendors: VendorScope) -> Iterator[Found]:
    """The fields of vendors that name who gives a step."""
    rules = {rule.name: rule for rule in vendors.fields if rule.owner == "asana"}
    for place, rule in enumerate(approval.rules):
        for at, step in enumerate(rule.steps):
            path: Path = ("approval", "rules", place, "steps", at, "vendor_field")
            if step.vendor_field is None:
                continue
            named = rules.get(step.vendor_field)
            if named is None:
                what = f"`vendor_field` is {step.vendor_field!r}, which is no field of vendors that Asana owns"
                yield Found(
                    path=path, what=what, mend=did_you_mean(step.vendor_field, rules) if rules else "add it to `vendors`"
                )
            elif named.kind not in ("text", "people"):
                what = f"`vendor_field` is {named.name!r}, which is of kind {named.kind}"
                yield Found(path=path, what=what, mend="name a people field, or a text field that holds e-mail addresses")
