"""Names made of placeholders, as in `{vendor_name} {bill_number}`. No format codes, no attributes, filled in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from intacct_asana.mapping.words import did_you_mean

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def placeholders(template: str) -> tuple[str, ...]:
    return tuple(PLACEHOLDER.findall(template))


def template_flaw(template: str, known: Iterable[str]) -> tuple[str, str] | None:
    """What is wrong with a template and how to mend it, or None when every placeholder is known."""
    words = list(known)
    if re.search(r"[{}]", PLACEHOLDER.sub("", template)):
        return f"is {template!r}, with a brace that has no partner", "write placeholders as {name}"
    unknown = next((word for word in placeholders(template) if word not in words), None)
    if unknown is None:
        return None
    return f"has the placeholder {{{unknown}}}, which does not exist", did_you_mean(unknown, words)


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with its placeholders replaced. Braces inside a value are text and are not looked at again."""
    return PLACEHOLDER.sub(lambda match: values[match.group(1)], template)
