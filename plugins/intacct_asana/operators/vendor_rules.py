"""The flow file's vendor fields with Asana's gids: what flows into Intacct, and who a vendor's bills are given to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.flow.model import Flow
from intacct_asana.flow.rules import VendorField
from intacct_asana.records import Pins, VendorValue
from intacct_asana.vendors import VendorPolicy, VendorRule


def kept_fields(flow: Flow) -> tuple[VendorField, ...]:
    """Fields that people own and whose values are needed: those that flow into Intacct, and the one that names a person."""
    named = flow.bills.assignee.vendor_field if flow.bills.assignee else None
    return tuple(rule for rule in flow.vendors.fields if rule.owner == "asana" and (rule.intacct_field or rule.name == named))


def vendor_policy(flow: Flow, pins: Pins) -> VendorPolicy:
    """Raises Misconfigured for a field or option that preflight has not pinned."""
    rules = tuple(_rule(rule, pins) for rule in kept_fields(flow))
    return VendorPolicy(
        flow=flow.flow,
        rules=rules,
        bot_gid=pins.bot_gid,
        write_inactive=flow.vendors.write_inactive,
        edits_wait=flow.vendors.edits_wait_for_approval,
        names={rule.key: rule.name for rule in rules},
    )


def _rule(rule: VendorField, pins: Pins) -> VendorRule:
    pin = pins.fields.get(rule.name)
    values = rule.intacct_values if rule.kind == "enum" else {}
    if pin is None or any(option not in pin.options for option in values):
        where = f"Asana project {pins.project_gid}, field {rule.name!r}"
        problem = Problem(where=where, what="it or one of its options is not pinned", mend="run the flow's preflight again")
        raise Misconfigured("The flow file names something that preflight has not resolved yet.", problems=(problem,))
    return VendorRule(
        name=rule.name,
        field_gid=pin.gid,
        intacct_field=rule.intacct_field or "",
        texts={pin.options[option]: value for option, value in values.items()} if rule.kind == "enum" else None,
        clears=rule.clears,
    )


class NamedPeople:
    """Who the vendors' last confirmed values name: e-mails, or user gids where a people field holds them, by vendor key."""

    def __init__(self, flow: Flow) -> None:
        assignee = flow.bills.assignee
        named = assignee.vendor_field if assignee else None
        self._rule = next((rule for rule in kept_fields(flow) if rule.name == named), None)
        self._people: Mapping[str, str] = (assignee.people if assignee else None) or {}

    @property
    def asked(self) -> bool:
        return self._rule is not None

    def emails(self, values: Iterable[VendorValue]) -> dict[str, str]:
        """By vendor key, empty for a vendor that names nobody; text that is no option's name is an e-mail itself."""
        if self._rule is None:
            return {}
        kept_as = self._rule.intacct_field or self._rule.name
        return {row.key: self._email(row.agreed or "") for row in values if row.field == kept_as}

    def _email(self, value: str) -> str:
        if self._rule is None or self._rule.kind == "people":
            return value
        option = (self._rule.options or {}).get(value, value)
        return self._people.get(option, "" if self._rule.kind == "enum" else option.lower())
