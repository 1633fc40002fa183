"""Words of a flow file: what every part of it has in common, what each kind of text may be, cron expressions, near misses."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from croniter import croniter  # type: ignore[import-untyped]
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from intacct_asana.text import cut


class Part(BaseModel):
    """What every part of a flow file has in common: no unknown keys, no changes after loading.

    The text below an attribute describes it in editors. Only `schema` collects it: doing so at import would make the import
    half as long again, and Airflow imports this for every task that it starts.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


def flaw(what: str, mend: str = "") -> PydanticCustomError:
    """An error for a validator to raise. `what` goes on after the key's name: "`project` is no gid"."""
    return PydanticCustomError("flow", "{what}", {"what": what, "mend": mend})


ALL_WORDS = "write one of: "
"""How an answer begins that found nothing near."""

MOST_HOMES = 2


def is_near(written: str, known: Iterable[str]) -> bool:
    """Whether the written word is all but a known one."""
    return bool(get_close_matches(written.lower(), [word.lower() for word in known], n=1, cutoff=NEAR))


NEAR = 0.85


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """The known word that is all but the written one; else the nearest, with those that begin as it does; else all of them."""
    words = list(known)
    lower = {word.lower(): word for word in words}
    first, mark, _ = written.lower().partition("_")
    kin = [word for word in lower if mark and word.startswith(first + mark)]
    near = get_close_matches(written.lower(), lower, n=1, cutoff=NEAR)
    near = near or list(dict.fromkeys([*get_close_matches(written.lower(), lower, n=1, cutoff=0.6), *kin]))
    if not near:
        return f"{ALL_WORDS}{', '.join(words)}"
    *others, last = (repr(lower[word]) for word in near)
    return f"did you mean {', '.join(others)} or {last}?" if others else f"did you mean {last}?"


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The parts that a value of this type may be, or hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def parts_of(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], type[BaseModel]]]:
    """Every part of a file, from the file itself on, with the keys that lead to it."""
    yield path, model
    for name, field in model.model_fields.items():
        for inner in dict.fromkeys(models_in(field.annotation)):
            yield from parts_of(inner, (*path, name))


def homes_of(key: str, model: type[BaseModel], *, besides: tuple[str | int, ...]) -> list[str]:
    """Where in a file a key of this name belongs, for one that is indented wrongly; nothing for one that has a home in
    `besides`, where it stands, or in many places: those say nothing about what was meant."""
    paths = dict.fromkeys(path for path, part in parts_of(model) if key in part.model_fields)
    if tuple(part for part in besides if isinstance(part, str)) in paths or len(paths) > MOST_HOMES:
        return []
    return [f"`{'.'.join(path)}`" if path else "the file itself" for path in paths]


def _gid(value: Any) -> Any:
    """gids are text; an unquoted one reaches some readers as a whole number, and that is accepted."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and not re.fullmatch(r"[0-9]{1,32}", text):
        mend = "a gid is the long number in the address of the project in Asana"
        if found := re.search(r"asana\.com/(?:0|1/[0-9]+/project)/([0-9]{6,32})", text):
            mend = f"write the number alone: {found[1]}"
        elif re.fullmatch(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+", text):
            mend = "a spreadsheet made it shorter: copy the whole number from the address of the project in Asana"
        raise flaw(f"is {text!r}, which is no gid", mend)
    return text


def _day(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise flaw(f"is {value!r}, which is no date", "write it as 2026-01-31")
    return value


def _amount(value: Any) -> Any:
    """Amounts come from the file's own text. A Python float is refused: 10000.10 is not exact as one."""
    if isinstance(value, float):
        raise flaw(f"is {value!r}, a float", "use Decimal or text, so that the cents are exact")
    text = str(value) if isinstance(value, str | int | Decimal) else ""
    if text.startswith("-"):
        raise flaw(f"is {text}, less than nothing", "write an amount of 0 or more")
    if text and not re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,4})?", text):
        raise flaw(
            f"is {text!r}, which is no amount", "write digits and a point, as in 10000.00: no thousands marks, no currency"
        )
    return value


def _whole(value: Any) -> Any:
    """A number is digits. True is no 1, and neither are 1_0 or 1.0 a 10 or a 1, as Python has them."""
    if isinstance(value, bool) or (isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,18}", value)):
        raise PydanticKnownError("int_parsing")
    return value


def _fraction(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", value)):
        raise PydanticKnownError("float_parsing")
    return value


def _cron(value: str) -> str:
    if what := cron_flaw(value):
        raise flaw(f"is no schedule: {what}", 'as in "*/15 * * * *" for every 15 minutes; leave it out to start runs by hand')
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError) as error:
        raise flaw(f"is {value!r}, which is no time zone", "write a name such as UTC or Europe/Lisbon") from error
    return value


LONGEST_EMAIL = 500
"""Characters in which an address is looked for, of a value that is none."""


def _email(value: str) -> str:
    # Braces too: Airflow's own notifiers render addresses as templates.
    if not re.fullmatch(r"[^@\s<>,;{}]+@[^@\s<>,;{}]+\.[^@\s<>,;{}]+", value):
        found = re.findall(r"[^@\s<>,;{}:]+@[^@\s<>,;{}]+\.[^@\s<>,;{}]+", value[:LONGEST_EMAIL])
        raise flaw(
            f"is {cut(value, characters=80)!r}, which is no e-mail address",
            f"write {found[0] if len(found) == 1 else 'it as name@example.com'}",
        )
    return value.lower()


def _currency(value: str) -> str:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        raise flaw("is what a comma left of an amount", "write amounts as 10000.00: no comma, a point before the cents")
    if found := re.fullmatch(r"([A-Za-z]{3}):(\S+)", value):
        raise flaw("has no blank after its colon", f"write {found[1].upper()}: {found[2]}")
    if not re.fullmatch(r"[A-Z]{3}", value):
        mend = (
            f"write three capitals: {value.upper()}"
            if re.fullmatch(r"[A-Za-z]{3}", value)
            else "write three capitals, as in USD"
        )
        raise flaw(f"has {value!r}, which is no currency code", mend)
    return value


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", value):
        raise flaw(f"is {value!r}", "lower-case letters, digits and _, a letter first, 40 at most: it starts every DAG's name")
    return value


def _intacct_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,79}", value):
        raise flaw(f"is {value!r}, which is no Intacct field name", "write the field's integration name, as in ASANA_DECISION")
    return value


def _connection(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.\-]{1,250}", value):
        raise flaw(f"is {value!r}, which is no connection id", "write the id only; host and secrets belong into the connection")
    return value


LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _public_url(value: str) -> str:
    return _url(value, "write where Asana reaches Airflow's API server, as in https://airflow.example.com")


def _server_url(value: str) -> str:
    return _url(value, "write the address of the time stamp server, as in https://timestamp.example.com/tsa")


def _url(value: str, mend: str) -> str:
    """Scheme, host and perhaps a path; https, but for this very machine, where the sandbox plays the others."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise flaw(f"is {value!r}, which is no address", mend) from error
    # First, because what follows shows the value, and this may be a password.
    if "@" in value or parts.query or parts.fragment:
        raise flaw("holds more than host and path", mend)
    if not parts.hostname or not re.fullmatch(r"[!-~]{1,200}", value) or parts.scheme not in ("https", "http"):
        raise flaw(f"is {value!r}, which is no address", mend)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise flaw(f"is {value!r}, which is not encrypted", mend)
    return value.rstrip("/")


ASANA_OWN_FIELDS = frozenset({"due date", "assignee"})
"""Names that Asana keeps for itself. https://developers.asana.com/docs/custom-fields-guide"""


def _field_name(value: str) -> str:
    if value.lower() in ASANA_OWN_FIELDS:
        raise flaw(f"is {value!r}, a name that Asana keeps for itself", "choose another, as in 'Payment due'")
    return value


def _word(value: str) -> str:
    if not re.fullmatch(r"[^\s:]{1,40}", value) or not value.isprintable():
        raise flaw(f"has {value!r}, which is no single word", "write one word of 40 characters at most, without a colon")
    return value


def _is_one_line(value: str) -> str:
    if not value.isprintable():
        raise flaw(f"is {value!r}: line ends and unprintable characters are not allowed", "write it on one line")
    return value


Gid = Annotated[str, BeforeValidator(_gid), WithJsonSchema({"type": ["string", "integer"], "pattern": "^[0-9]{1,32}$"})]
WHOLE = BeforeValidator(_whole)
FRACTION = BeforeValidator(_fraction)
"""Stand behind the bounds of every number, which editors would not see otherwise."""
Day = Annotated[date, BeforeValidator(_day)]
Amount = Annotated[Decimal, BeforeValidator(_amount), WithJsonSchema({"type": ["number", "string"], "minimum": 0})]
Cron = Annotated[str, AfterValidator(_cron)]
Timezone = Annotated[str, AfterValidator(_timezone)]
Email = Annotated[str, AfterValidator(_email)]
Currency = Annotated[str, AfterValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})]
Slug = Annotated[str, AfterValidator(_slug), WithJsonSchema({"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"})]
IntacctName = Annotated[str, AfterValidator(_intacct_name)]
ServerUrl = Annotated[str, AfterValidator(_server_url)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
ConnectionId = Annotated[str, AfterValidator(_connection)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=250), AfterValidator(_is_one_line)]
FieldName = Annotated[Line, AfterValidator(_field_name)]
Word = Annotated[str, AfterValidator(_word)]


def said_otherwise(mend: str) -> WrapValidator:
    """For a value that may be of several kinds: one sentence about it, where pydantic has one for each kind."""

    def checked(value: Any, inner: Callable[[Any], Any]) -> Any:
        try:
            return inner(value)
        except ValidationError:
            written = f"is {cut(str(value), characters=80)!r}, which" if isinstance(value, str | int) else "has what"
            raise flaw(f"{written} is not allowed here" if value is not None else "is empty", mend) from None

    return WrapValidator(checked)


PRESETS = ("@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
SOME_MOMENT = 1_767_225_600.0
"""2026-01-01. Any moment does: the question is whether a next time exists at all."""


def cron_flaw(text: str) -> str | None:
    """What is wrong with a five-part cron expression or preset, or None when it is fine."""
    if text.startswith("@"):
        return None if text in PRESETS else f"{text!r} is not one of {', '.join(PRESETS)}"
    parts = text.split()
    if len(parts) != 5:
        return f"{text!r} has {len(parts)} parts; cron has five: minute, hour, day of month, month, day of week"
    if not re.fullmatch(r"[0-9A-Za-z*/,\-#? ]+", text) or {"H", "R"} & set(parts):
        return f"{text!r} is not a cron expression"
    if too_wide := next((step for step in re.findall(r"/(\d+)", parts[0]) if int(step) > 59), None):
        return f"{text!r}: minutes run from 0 to 59, so a step of {too_wide} is once an hour"
    try:
        croniter(" ".join(parts), SOME_MOMENT).get_next()
    except (ValueError, KeyError) as error:
        return f"{text!r} never comes or is out of range: {error}"
    return None


AS_CRON = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}


def spread(cron: str, *, by: str) -> str:
    """The same schedule at minutes of its own, which `by` decides: `*/15` becomes `7-59/15`, a minute another of its hour.

    A list or a range of minutes was chosen with care, and stays.
    """
    minute, *rest = AS_CRON.get(cron, cron).split()
    number = int(hashlib.sha256(by.encode()).hexdigest(), 16)
    if found := re.fullmatch(r"\*/([0-9]+)", minute):
        step = int(found[1])
        minute = f"{number % step}-59/{step}" if step > 1 else minute
    elif minute.isdigit():
        minute = str(number % 60)
    return " ".join([minute, *rest])


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
