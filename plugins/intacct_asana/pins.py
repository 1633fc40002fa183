"""What a flow needs in Asana, and the names resolved to gids once, so that a rename there does not break it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from intacct_asana.errors import Problem
from intacct_asana.flow.model import Flow
from intacct_asana.flow.signals import EnumSignal, SignalRule
from intacct_asana.records import (
    EnumOption,
    FieldDefinition,
    FieldNeed,
    FieldValue,
    Person,
    PinnedField,
    Pins,
    Section,
    TaskDraft,
)
from intacct_asana.text import one_line


def required_fields(flow: Flow, kind: str) -> tuple[FieldNeed, ...]:
    """Custom fields that the project of `kind` (`bill` or `vendor`) must have: the key first, then the file's order."""
    return tuple(_bill_needs(flow) if kind == "bill" else _vendor_needs(flow))


def required_sections(flow: Flow, kind: str) -> tuple[str, ...]:
    """Sections that the project of `kind` must have, by name."""
    sections = flow.bills.sections if kind == "bill" else None
    return tuple(dict.fromkeys((sections.open, sections.closed, *sections.by_state.values()))) if sections else ()


def required_people(flow: Flow, kind: str) -> tuple[str, ...]:
    """E-mails of the people whom tasks of `kind` or below them are given to or followed by, each once."""
    if kind != "bill":
        return ()
    assignee = flow.bills.assignee
    named = (assignee.email, *(assignee.people or {}).values()) if assignee else ()
    payees = flow.controls.payee_change
    callers = (payees.callback.assignee,) if payees and payees.callback else ()
    return tuple(dict.fromkeys(email for email in (*named, *flow.bills.followers, *callers) if email))


def _bill_needs(flow: Flow) -> Iterator[FieldNeed]:
    signal, reason = flow.approval.signal, flow.approval.reason_text_field
    yield FieldNeed(name=flow.bills.key_field, kind="text")
    if signal.kind == "enum":
        yield FieldNeed(name=signal.field, kind="enum", options=(signal.pending, signal.approve, signal.reject))
    if reason:
        yield FieldNeed(name=reason, kind="text")
    if flow.approval.progress_field:
        yield FieldNeed(name=flow.approval.progress_field, kind="text")
    if flow.context:
        yield FieldNeed(name=flow.context.field, kind="text")
    yield from _rule_needs(flow, "bill")


def _vendor_needs(flow: Flow) -> Iterator[FieldNeed]:
    yield FieldNeed(name=flow.vendors.key_field, kind="text")
    yield from _rule_needs(flow, "vendor")


def _rule_needs(flow: Flow, kind: str) -> Iterator[FieldNeed]:
    rules = flow.bills.fields if kind == "bill" else flow.vendors.fields
    for rule in rules:
        yield FieldNeed(
            name=rule.name, kind=rule.kind, precision=rule.places, currency=rule.currency or "", options=rule.option_names
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """What preflight's create_missing has to make. Nothing that exists in another shape is in here: people mend that."""

    fields: tuple[FieldNeed, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    """Field gid and option name."""
    sections: tuple[str, ...] = ()


def gaps_of(
    needs: Sequence[FieldNeed],
    definitions: Sequence[FieldDefinition],
    sections: Sequence[Section],
    *,
    section_names: Collection[str] = (),
    known: Pins | None = None,
) -> Gaps:
    """Fields, options and sections that are missing. A pinned field under a new name is not missing, and is not made again.

    A field named by its gid cannot be made, so it is left out; `resolve_pins` reports it.
    """
    matches = [(need, matching(need, definitions, known=known)) for need in needs]
    present = {section.name for section in sections}
    return Gaps(
        fields=tuple(need for need, found in matches if not found and not is_gid(need.name)),
        options=tuple(
            (found[0].gid, option)
            for need, found in matches
            if len(found) == 1 and found[0].kind == need.kind
            for option in need.options
            if not matching_options(option, found[0], known_gid=known_option(known, need, option))
        ),
        sections=tuple(name for name in dict.fromkeys(section_names) if name not in present),
    )


def is_gid(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) >= 10


def matching(need: FieldNeed, definitions: Sequence[FieldDefinition], *, known: Pins | None = None) -> list[FieldDefinition]:
    """Definitions that `need` could mean: the one it was pinned to and every one of its name or gid."""
    pin = known.fields.get(need.name) if known else None
    return [one for one in definitions if need.name in (one.name, one.gid) or (pin and one.gid == pin.gid)]


def known_option(known: Pins | None, need: FieldNeed, option: str) -> str | None:
    pin = known.fields.get(need.name) if known else None
    return pin.options.get(option) if pin else None


def matching_options(option: str, definition: FieldDefinition, *, known_gid: str | None = None) -> list[str]:
    """gids of the options that `option` could mean, enabled ones only if there are any."""
    found = [one for one in definition.options if is_option(option, one) or one.gid == known_gid]
    return [one.gid for one in found if one.enabled] or [one.gid for one in found]


def is_option(name: str, option: EnumOption) -> bool:
    """Whether `name` is the option's gid or its name; blanks that Asana folds make it no other option."""
    return name == option.gid or one_line(name) == one_line(option.name)


UNTIL_THEN = "until then no choice counts on a task that does not show its whole amount"
ODD_FORMATS = frozenset({"percentage", "duration"})
"""A percentage shows 0.25 as 25%, a duration shows minutes: neither is an amount."""


def resolve_pins(
    project_gid: str,
    definitions: Sequence[FieldDefinition],
    sections: Sequence[Section],
    needs: Sequence[FieldNeed],
    *,
    bot_gid: str,
    section_names: Collection[str] = (),
    known: Pins | None = None,
) -> tuple[Pins, list[Problem]]:
    """gids for every need, and a problem for each need that the project does not meet; such a need has no pin.

    Matches by gid, by exact name, and by what `known` (the pins of an earlier preflight) says, so that a field that
    somebody renamed stays the same field. An earlier pin and another field of the wanted name is a problem: a person decides.
    """
    place = f"Asana project {project_gid}"
    problems: list[Problem] = []
    fields: dict[str, PinnedField] = {}
    for need in needs:
        pin, found = _resolve(need, definitions, known=known, place=place)
        problems += found
        if pin and not found:
            fields[need.name] = pin
    by_name, found = _resolve_sections(sections, section_names, place=place)
    return Pins(project_gid=project_gid, fields=fields, sections=by_name, bot_gid=bot_gid), problems + found


def _resolve(
    need: FieldNeed, definitions: Sequence[FieldDefinition], *, known: Pins | None, place: str
) -> tuple[PinnedField | None, list[Problem]]:
    found = matching(need, definitions, known=known)
    where = f"{place}, field {need.name!r}"
    if not found:
        what = "it is not on the project, or this account may not see it"
        mend = f"add a field of this name and of kind {need.kind}, or run with create_missing"
        return None, [Problem(where=where, what=what, mend=mend)]
    if len(found) > 1:
        gids = ", ".join(f"{one.name!r} is {one.gid}" for one in found)
        mend = f"write the gid of the right one as its name in the flow file: {gids}"
        return None, [Problem(where=where, what=f"{len(found)} fields could be meant", mend=mend)]
    definition = found[0]
    problems = [Problem(where=where, what=what, mend=mend) for what, mend in _unfit(need, definition)]
    options, missing = _resolve_options(need, definition, known=known, where=where)
    pin = PinnedField(
        name=definition.name,
        gid=definition.gid,
        kind=definition.kind,
        precision=definition.precision,
        options=options,
    )
    return pin, problems + missing


def _unfit(need: FieldNeed, definition: FieldDefinition) -> Iterator[tuple[str, str]]:
    if definition.kind != need.kind:
        what = f"it is of kind {definition.kind}, and the flow needs {need.kind}"
        yield what, "Asana cannot change a field's kind: use another field, or change `kind` in the flow file"
    elif need.precision is not None and definition.precision is None:
        yield "Asana does not say how many decimal places it has", "open the field in Asana and set its decimal places"
    if need.currency and definition.currency != need.currency:
        what = f"it shows {definition.currency or 'no currency'}, and the flow says {need.currency}"
        yield what, f"set its format to currency {need.currency} in Asana, or change `currency` in the flow file"
    if need.kind == "number" and definition.format in ODD_FORMATS:
        what = f"it shows numbers as a {definition.format}, so amounts would look like others"
        yield what, "set its format to number or currency in Asana, or use another field"
    if not definition.enabled:
        yield "it is disabled on the project", "add it to the project again"
    if not definition.writable:
        what = "this account may not write it: it is locked, private or computed"
        yield what, "unlock it or give the account the right to edit its values; a formula cannot be used"


def shared_field(need: FieldNeed, definitions: Sequence[FieldDefinition]) -> tuple[FieldDefinition | None, bool]:
    """The workspace's field of the wanted name, and whether it can be used as it is, options included."""
    named = next((one for one in definitions if one.name.casefold() == need.name.casefold()), None)
    if named is None:
        return None, False
    enabled = {option.name for option in named.options if option.enabled}
    fits = not list(_unfit(need, named)) and not _is_coarse(need, named)
    return named, fits and enabled.issuperset(need.options)


def coarse_fields(pins: Pins, definitions: Sequence[FieldDefinition], needs: Sequence[FieldNeed]) -> list[Problem]:
    """Number fields that have fewer decimal places than the flow names ever since they were pinned; `pins_drift` tells of those
    that were lowered later. It breaks nothing: amounts are compared as such a field shows them, and a choice on a task that
    does not show all of its amount is refused."""
    by_gid, told = {definition.gid: definition for definition in definitions}, list[Problem]()
    for need in needs:
        pin = pins.fields.get(need.name)
        definition = by_gid.get(pin.gid) if pin else None
        lowered = pin and definition and (definition.precision or 0) < (pin.precision or 0)
        if definition and _is_coarse(need, definition) and not lowered:
            what = f"it shows {definition.precision} decimal places, and the flow names {need.precision}"
            mend = f"set {need.precision} in Asana; {UNTIL_THEN}"
            told.append(Problem(where=f"Asana project {pins.project_gid}, field {need.name!r}", what=what, mend=mend))
    return told


def _is_coarse(need: FieldNeed, definition: FieldDefinition) -> bool:
    return need.precision is not None and definition.precision is not None and definition.precision < need.precision


def _resolve_options(
    need: FieldNeed, definition: FieldDefinition, *, known: Pins | None, where: str
) -> tuple[dict[str, str], list[Problem]]:
    if definition.kind != need.kind:
        return {}, []
    options: dict[str, str] = {}
    problems: list[Problem] = []
    disabled = {option.gid for option in definition.options if not option.enabled}
    for name in need.options:
        gids = matching_options(name, definition, known_gid=known_option(known, need, name))
        if not gids:
            problems.append(Problem(where=where, what=f"it has no option {name!r}", mend="add it, or run with create_missing"))
        elif len(gids) > 1:
            mend = f"rename or disable all but one of {', '.join(gids)}"
            problems.append(Problem(where=where, what=f"several options could be {name!r}", mend=mend))
        elif gids[0] in disabled:
            problems.append(Problem(where=where, what=f"its option {name!r} is disabled", mend="enable it in Asana"))
        else:
            options[name] = gids[0]
    return options, problems


def _resolve_sections(
    sections: Sequence[Section], names: Collection[str], *, place: str
) -> tuple[dict[str, str], list[Problem]]:
    by_name: dict[str, str] = {}
    problems: list[Problem] = []
    for name in dict.fromkeys(names):
        gids = [section.gid for section in sections if section.name == name]
        where = f"{place}, section {name!r}"
        if len(gids) == 1:
            by_name[name] = gids[0]
        elif not gids:
            problems.append(Problem(where=where, what="it does not exist", mend="add it, or run with create_missing"))
        else:
            problems.append(Problem(where=where, what=f"{len(gids)} sections have this name", mend="rename all but one"))
    return by_name, problems


def resolve_person(
    email: str, *, person: Person | None, pinned_gid: str = "", pinned: Person | None = None
) -> tuple[str, Problem | None]:
    """The user gid to pin for an approver's address, and what is wrong with the address.

    `person` is whom Asana shows under the address, `pinned` whom it shows under the gid of an earlier preflight. The earlier
    pin stays while the two differ: an address can be given to somebody else, and a person has to say that this is meant.
    """
    where = f"Asana, approver {email}"
    now = "nobody" if person is None else f"user {person.gid} ({person.name})"
    if pinned_gid and (person is None or person.gid != pinned_gid):
        was = f"{pinned.name}, whose address is {pinned.email or 'not shown'} now" if pinned else "who is gone"
        what = f"the address belonged to user {pinned_gid} ({was}) when it was pinned, and belongs to {now}"
        mend = "make sure whose address it is; then run preflight with it in *People to pin anew*, or mend the flow file"
        return pinned_gid, Problem(where=where, what=what, mend=mend)
    if person is None:
        return "", Problem(where=where, what="no such user", mend="mend the e-mail in the flow file")
    if person.email and person.email.casefold() != email.casefold():
        what = f"{now} answers to the address, and Asana shows {person.email} as theirs"
        return pinned_gid, Problem(where=where, what=what, mend="make sure who it is, and write the address that Asana shows")
    if not person.email:
        what = f"{now} answers to the address, and Asana does not show theirs, so what they choose would be refused"
        return person.gid, Problem(where=where, what=what, mend="let the token's user see people's addresses")
    return person.gid, None


def pins_drift(
    pins: Pins,
    definitions: Sequence[FieldDefinition],
    sections: Sequence[Section] | None = None,
    *,
    signal: SignalRule | None = None,
) -> list[Problem]:
    """What people changed in Asana since preflight pinned it; without `sections` those are not looked at.

    A rename is told and breaks nothing: gids stay. Only an option that people decide by, as `signal` says, does not count
    under a name that the flow does not declare.
    """
    place = f"Asana project {pins.project_gid}"
    by_gid = {definition.gid: definition for definition in definitions}
    problems: list[Problem] = []
    for name, pin in pins.fields.items():
        decides = isinstance(signal, EnumSignal) and name == signal.field
        told = _field_drift(pin, by_gid.get(pin.gid), also=signal.other_names if decides else None)  # type: ignore[union-attr]
        problems += [Problem(where=f"{place}, field {pin.name!r}", what=what, mend=mend) for what, mend in told]
    names = {section.gid: section.name for section in sections or ()}
    for name, gid in pins.sections.items() if sections is not None else ():
        problems += _section_drift(f"{place}, section {name!r}", name, names.get(gid))
    return problems


Names = Mapping[str, Sequence[str]]


def _field_drift(pin: PinnedField, definition: FieldDefinition | None, *, also: Names | None) -> Iterator[tuple[str, str]]:
    if definition is None:
        yield "it is gone from the project, or hidden from this account", "add it again, then run preflight"
        return
    if definition.name != pin.name:
        what = f"it is called {definition.name!r} now; the flow goes on with it"
        yield what, "write the new name in the flow file and run preflight, or rename it back"
    if not definition.enabled:
        yield "it is disabled on the project", "add it to the project again"
    if not definition.writable:
        yield "this account may no longer write it", "unlock it or give the account the right to edit its values"
    if (definition.precision or 0) < (pin.precision or 0):
        what = f"it has {definition.precision or 0} decimal places now instead of {pin.precision}"
        yield what, f"set {pin.precision} again; {UNTIL_THEN}"
    yield from _option_drift(pin, definition, also=also)


def _option_drift(pin: PinnedField, definition: FieldDefinition, *, also: Names | None) -> Iterator[tuple[str, str]]:
    """`also`: by option, the other names under which it counts, where people decide by it."""
    options = {option.gid: option for option in definition.options}
    for name, gid in pin.options.items():
        option = options.get(gid)
        if option is None:
            yield f"its option {name!r} is gone", "add it again, then run preflight"
            continue
        called = f"its option {name!r} is called {option.name!r} now"
        if not is_option(name, option) and also is None:
            yield (
                f"{called}; the flow goes on with it",
                "write the new name in the flow file and run preflight, or rename it back",
            )
        elif not is_option(name, option) and option.name not in (also or {}).get(name, ()):
            mend = "rename it back, or write the new name in the flow file (`other_names` too) and run preflight"
            yield f"{called}, and a choice of it counts for nothing under that name", mend
        if not option.enabled:
            yield f"its option {name!r} is disabled", "enable it in Asana"


def _section_drift(where: str, name: str, now: str | None) -> list[Problem]:
    if now == name:
        return []
    if now is None:
        return [Problem(where=where, what="it is gone", mend="add it again, then run preflight")]
    what = f"it is called {now!r} now; the flow goes on with it"
    return [Problem(where=where, what=what, mend="write the new name in the flow file and run preflight, or rename it back")]


def draft_words(draft: TaskDraft, pins: Pins) -> str:
    """A task as people would read it: `Northwind INV-7, due 2026-12-01, in Open; Amount: 100.00; Approval: Pending`."""
    section = next((name for name, gid in pins.sections.items() if gid == draft.section_gid), "")
    head = [draft.name, f"due {draft.due_on}" if draft.due_on else "", f"in {section}" if section else ""]
    values = {**draft.initial_fields, **draft.fields}
    shown = [f"{pin.name}: {_shown(pin, values[pin.gid])}" for pin in pins.fields.values() if values.get(pin.gid) is not None]
    return "; ".join([", ".join(part for part in head if part), *shown])


def _shown(pin: PinnedField, value: FieldValue) -> str:
    names = {gid: name for name, gid in pin.options.items()}
    return ", ".join(names.get(one, one) for one in value) if isinstance(value, tuple) else names.get(str(value), str(value))
