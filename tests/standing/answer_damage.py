"""What can become of Asana's answers on their way: damage that says nothing, and lies that say something else.

Everything is drawn from one `Random`, so that a seed repeats a case.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from random import Random
from typing import Any

Place = tuple[Any, Any]
"""A container, and the key or the index of something in it."""
STATUSES = (201, 204, 302, 400, 401, 402, 403, 404, 412, 424, 429, 451, 500, 502, 503, 524)
OTHERS = (
    0,
    -1,
    1.5,
    10**400,
    True,
    False,
    "",
    "x",
    "true",
    "null",
    [],
    {},
    [None],
    [{}],
    {"gid": None},
    {"gid": "1"},
    {"gid": 7},
)
PERSON = ("created_by", "user", "assignee", "author")


def places(value: Any) -> Iterator[Place]:
    """Everything in `value`, whatever holds it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places(inner)


def _telling(value: Any, random: Random) -> list[Place]:
    """Places that are read: half the time those of which a decision is made."""
    found = list(places(value))
    mine = [place for place in found if place[1] in TELLING]
    return mine if mine and random.random() < 0.6 else found


TELLING = frozenset(
    (
        "gid", "created_at", "modified_at", "created_by", "resource_type", "resource_subtype", "source", "text", "html_text",
        "is_edited", "custom_field", "new_enum_value", "new_approval_status", "enum_value", "approval_status", "name", "email",
        "is_guest", "user", "custom_fields", "memberships", "number_value", "text_value", "data", "resource", "parent",
    )
)  # fmt: skip


# Damage: what was said is said no more, or not in the form that is documented


def _drop(body: Any, random: Random) -> Any:
    """A key is not there. What a list lacks is a lie of its own, since nobody can see it."""
    found = [place for place in _telling(body, random) if isinstance(place[0], dict)]
    if found:
        holder, key = random.choice(found)
        del holder[key]
    return body


def _null(body: Any, random: Random) -> Any:
    return _put(body, random, lambda old: None)


def _retype(body: Any, random: Random) -> Any:
    return _put(body, random, lambda old: random.choice([one for one in OTHERS if type(one) is not type(old)]))


def _wrap(body: Any, random: Random) -> Any:
    return _put(
        body, random, lambda old: random.choice([[old], {"data": old}, {"gid": old}, str(old) if old is not None else {}])
    )


def _put(body: Any, random: Random, become: Callable[[Any], Any]) -> Any:
    found = _telling(body, random)
    if found:
        holder, key = random.choice(found)
        holder[key] = become(holder[key])
    return body


def _lists(body: Any) -> list[list[Any]]:
    inner = [holder[key] for holder, key in places(body) if isinstance(holder[key], list) and holder[key]]
    return [body, *inner] if isinstance(body, list) and body else inner


def _double(body: Any, random: Random) -> Any:
    """An item comes again, as it does where a page moved on while it was read."""
    if found := _lists(body):
        items = random.choice(found)
        items.insert(random.randint(0, len(items)), deepcopy(random.choice(items)))
    return body


def _shuffle(body: Any, random: Random) -> Any:
    if found := _lists(body):
        random.shuffle(random.choice(found))
    return body


def _foreign_item(body: Any, random: Random) -> Any:
    if found := _lists(body):
        items = random.choice(found)
        items.insert(random.randint(0, len(items)), random.choice(OTHERS))
    return body


def _more(body: Any, random: Random) -> Any:
    found = [holder[key] for holder, key in places(body) if isinstance(holder[key], dict)]
    if found:
        random.choice(found)[random.choice(("new_in_2027", "errors", "next_page", "data", "sync"))] = random.choice(OTHERS)
    return body


def _cut(body: Any, random: Random) -> Any:
    whole = json.dumps(body).encode()
    return whole[: random.randint(0, len(whole) - 1)]


def _constant(body: Any, random: Random) -> Any:
    return random.choice(
        (b"", b"null", b"[]", b"{}", b'{"data": null}', b'{"data": []}', b'{"data": {}}', b"<html>", b"\xff\xfe")
    )


DAMAGE = (*[_drop] * 4, *[_null] * 4, *[_retype] * 3, _wrap, _double, _double, _shuffle, _foreign_item, _more, _cut, _constant)

# Lies: another form would not show it, so they are compared with what they themselves say


def _leave_out(body: Any, random: Random) -> Any:
    if found := _lists(body):
        items = random.choice(found)
        del items[random.randrange(len(items))]
    return body


def _same_key(body: Any, random: Random, keys: tuple[str, ...]) -> Any:
    """What stands under one of these keys becomes what stands under such a key elsewhere."""
    found = [place for place in places(body) if place[1] in keys]
    if found:
        (holder, key), (other, name) = random.choice(found), random.choice(found)
        holder[key] = deepcopy(other[name])
    return body


def _exchange(body: Any, random: Random) -> Any:
    keys = (
        "gid",
        "created_by",
        "user",
        "new_enum_value",
        "enum_value",
        "text",
        "source",
        "resource_subtype",
        "created_at",
        "data",
    )
    return _same_key(body, random, (random.choice(keys),))


def _move_time(body: Any, random: Random) -> Any:
    found = [
        place for place in places(body) if place[1] in ("created_at", "modified_at") and isinstance(place[0][place[1]], str)
    ]
    if found:
        holder, key = random.choice(found)
        moved = datetime.fromisoformat(holder[key]) + timedelta(seconds=random.choice((-7200, -2, -1, 1, 2, 3600)))
        holder[key] = random.choice((moved, moved.replace(year=1970), moved.replace(year=2999))).isoformat()
    return body


class Lies:
    """Values of the scenes' own world, to be put where others were."""

    def __init__(self, values: dict[str, list[Any]]) -> None:
        self.values = values
        self.kinds = (self._value, self._value, self._value, self._text, _leave_out, _leave_out, _exchange, _move_time)

    def _value(self, body: Any, random: Random) -> Any:
        """Another gid, person, option, name, source, kind, status, address."""
        found = [place for place in places(body) if place[1] in self.values]
        if found:
            name = random.choice(sorted({str(key) for _, key in found}))
            holder, key = random.choice([place for place in found if place[1] == name])
            holder[key] = deepcopy(random.choice(self.values[name]))
        return body

    def _text(self, body: Any, random: Random) -> Any:
        found = [place for place in places(body) if isinstance(place[0][place[1]], str)]
        if found:
            holder, key = random.choice(found)
            holder[key] = random.choice(
                ("", " ", "approve", "Approved", "rejected", "\u202e", "9" * 3000, holder[key] + "\u200b")
            )
        return body


def damaged(body: Any, random: Random) -> Any:
    """A copy of one answer after one piece of damage."""
    return random.choice(DAMAGE)(deepcopy(body), random)


def mangled(documents: dict[str, tuple[int, Any]], random: Random, *, lies: Lies | None) -> dict[str, tuple[int, Any]]:
    """One to three answers after one to three mutations; with `lies` one of these at least. Answers that stay are left out."""
    found: dict[str, tuple[int, Any]] = {}
    must_lie = lies is not None
    for _ in range(random.choice((1, 1, 1, 2, 2, 3))):
        key = random.choice(_weighted(documents))
        status, body = found.get(key, documents[key])
        if isinstance(body, bytes):
            continue
        if not must_lie and random.random() < 0.06:
            found[key] = random.choice(STATUSES), body
            continue
        if lies and (must_lie or random.random() < 0.5):
            found[key], must_lie = (status, random.choice(lies.kinds)(deepcopy(body), random)), False
        else:
            found[key] = status, damaged(body, random)
    return found


def _weighted(documents: dict[str, tuple[int, Any]]) -> list[str]:
    """Stories prove, so they are mangled most."""
    weights = {"stories": 8, "events": 1}
    return [key for key in documents for _ in range(weights.get(key.rpartition("/")[2], 4 if key.startswith("/tasks") else 1))]
