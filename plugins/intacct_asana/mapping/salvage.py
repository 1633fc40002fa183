"""What is left of a flow file when every part with a problem is dropped, so that the checks can look at the rest."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from pydantic import ValidationError

from intacct_asana.mapping.approval_rules import Approval
from intacct_asana.mapping.checks import Path
from intacct_asana.mapping.field_rules import Part
from intacct_asana.mapping.model import BillScope, VendorScope
from intacct_asana.mapping.shape_words import path_of
from intacct_asana.mapping.yaml_text import Items, Table

AnyPart = TypeVar("AnyPart", bound=Part)

STAND_INS: Mapping[type[Part], Mapping[str, object]] = MappingProxyType(
    {
        BillScope: {"project": "0", "states": ["Posted"]},
        VendorScope: {"project": "00"},
        Approval: {"approvers": [{"email": "nobody@example.com", "limits": {"USD": "0"}}]},
    }
)
"""Harmless values for what a part cannot do without, chosen so that no check finds anything in them."""


def salvaged(table: Table, key: str, model: type[AnyPart]) -> AnyPart | None:
    """The part of `table` under `key`, without what is wrong in it. Changes `table`, so that paths stay true.

    A list item with a problem goes as a whole: half of a field would only look wrong in new ways.
    """
    part = table.get(key)
    if not isinstance(part, Table):
        return None
    while True:
        try:
            return model.model_validate(part)
        except ValidationError as error:
            bad = {_droppable(path_of(one)) for one in error.errors(include_url=False)}
            mended = [_mend(part, path, model) for path in sorted(bad, key=later_items_first, reverse=True)]
            if not any(mended):
                return None


def later_items_first(path: Path) -> tuple[str, int]:
    """Sort key, reversed: an item that goes must not move the ones that go after it."""
    return str(path[0]) if path else "", int(path[1]) if len(path) > 1 else -1


def _droppable(path: Path) -> Path:
    """`fields, 3` for anything wrong in the fourth field; the key of the part for everything else."""
    return path[:2] if len(path) > 1 and isinstance(path[1], int) else path[:1]


def _mend(part: Table, path: Path, model: type[Part]) -> bool:
    """Whether anything could be done about `path`."""
    dropped = _drop(part, path)
    return _stand_in(part, path, model) or dropped


def _drop(part: Table, path: Path) -> bool:
    if not path or path[0] not in part:
        return False
    key = str(path[0])
    here = part[key]
    if len(path) == 1:
        del part[key]
        part.lines.pop(key, None)
    elif isinstance(here, Items):
        place = int(path[1])
        del here[place], here.lines[place]
    return True


def _stand_in(part: Table, path: Path, model: type[Part]) -> bool:
    """Fill in what the part cannot do without."""
    key = str(path[0]) if len(path) == 1 else ""
    if key in part or key not in STAND_INS.get(model, {}):
        return False
    part[key] = STAND_INS[model][key]
    return True
