"""What a flow needs on its Asana projects, and what of it is not there yet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from intacct_asana.mapping.model import Flow
from intacct_asana.records import FieldDefinition, FieldNeed, Pins, Section


def required_fields(flow: Flow, kind: str) -> tuple[FieldNeed, ...]:
    """Custom fields that the project of `kind` (`bill` or `vendor`) must have: the key first, then the file's order."""
    return tuple(_bill_needs(flow) if kind == "bill" else _vendor_needs(flow))


def required_sections(flow: Flow, kind: str) -> tuple[str, ...]:
    """Sections that the project of `kind` must have, by name."""
    sections = flow.bills.sections if kind == "bill" else None
    return tuple(dict.fromkeys((sections.open, sections.closed, *sections.by_state.values()))) if sections else ()


def required_people(flow: Flow, kind: str) -> tuple[str, ...]:
    """E-mails of the people whom tasks of `kind` are given to or followed by, each once."""
    if kind != "bill":
        return ()
    assignee = flow.bills.assignee
    named = (assignee.email, *(assignee.people or {}).values()) if assignee else ()
    return tuple(dict.fromkeys(email for email in (*named, *flow.bills.followers) if email))


def _bill_needs(flow: Flow) -> Iterator[FieldNeed]:
    signal, reason = flow.approval.signal, flow.approval.reason_text_field
    yield FieldNeed(name=flow.bills.key_field, kind="text")
    if signal.kind == "enum":
        yield FieldNeed(name=signal.field, kind="enum", options=(signal.pending, signal.approve, signal.reject))
    if reason:
        yield FieldNeed(name=reason, kind="text")
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
    found = [one for one in definition.options if option in (one.name, one.gid) or one.gid == known_gid]
    return [one.gid for one in found if one.enabled] or [one.gid for one in found]
