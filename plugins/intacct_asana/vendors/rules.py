"""The fields that people own on a vendor's task, with Asana's gids: how a task's value becomes Intacct's text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from intacct_asana.records import Task, Vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRule:
    """One field. `intacct_field` is empty for one whose value is kept here only.

    `texts` maps option gids to Intacct's values for an enum; it is None for text.
    """

    name: str
    field_gid: str
    intacct_field: str = ""
    texts: Mapping[str, str] | None = None
    clears: bool = False

    @property
    def key(self) -> str:
        """The name that its values are kept under: a field that is renamed in Asana stays the same one."""
        return self.intacct_field or self.name

    def wanted(self, task: Task) -> str | None:
        """What the task says, as Intacct would hold it; None for an option that the flow does not know."""
        value = task.fields.get(self.field_gid)
        if isinstance(value, tuple):
            value = value[0] if value else None
        if not isinstance(value, str):
            return ""
        return canonical(value) if self.texts is None else self.texts.get(value)

    def actual(self, vendor: Vendor | None) -> str | None:
        """What Intacct says; None when the vendor is gone."""
        return canonical(vendor.custom.get(self.intacct_field, "")) if vendor else None


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorPolicy:
    """How one flow carries vendors' fields. `bot_gid` is our own user: what it set, nobody chose."""

    flow: str
    rules: tuple[VendorRule, ...]
    bot_gid: str = ""
    write_inactive: bool = False
    edits_wait: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    """Names of fields by their `key`, for people."""


def canonical(text: str) -> str:
    """Outer blanks and line ends make no difference between the two sides."""
    return " ".join(text.split())
