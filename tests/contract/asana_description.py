"""Asana's own OpenAPI description as an oracle: which calls exist, what may be sent, what may come back.

The description is stricter than the service in some places and laxer in others (each is named in `_overlay`), so it is read
with corrections and then taken strictly: properties, query parameters and opt_fields that it does not name are errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from jsonschema import Draft202012Validator, FormatChecker

BASE = "/api/1.0"
JSON_TYPE = "application/json; charset=utf-8"
NULLABLE = {
    # Events of the system have no user; a changed thing has no parent.
    "EventResponse": ("user", "parent"),
    # What a rule did was done by nobody.
    "StoryCompact": ("created_by",),
    "StoryResponse": (
        "created_by",
        *(f"{when}_{kind}_value" for when in ("old", "new") for kind in ("text", "number", "enum")),
    ),
    # Projects have belonged to no team since 2025.
    "ProjectResponse": ("team",),
    # A day that was cleared, or was not there before.
    "StoryResponseDates": ("due_on",),
    # A link has no size.
    "AttachmentResponse": ("size",),
    # Before anything was delivered, and while nothing fails.
    "WebhookResponse": ("last_success_at", "last_failure_at", "next_attempt_after", "failure_deletion_timestamp"),
}
"""What the description says is never null, and the service or its guides leave null."""
ALSO_ANSWERED = (402, 412, 429, 503)
"""Statuses that any call can meet and few or none of the operations list."""
ALWAYS_ASKABLE = ("gid", "resource_type")
_KEPT = ("type", "enum", "format", "pattern", "minimum", "maximum", "minItems", "maxItems", "required")

Json = dict[str, Any]
formats = FormatChecker(formats=())


@dataclass(frozen=True)
class Exchange:
    """One request and its answer. `query` is decoded, `sent` the JSON body or None."""

    method: str
    path: str
    query: dict[str, str]
    sent: Any
    status: int
    content_type: str
    answered: Any

    @classmethod
    def of(cls, response: Any) -> Exchange:
        """From a response of `requests` or `httpx` whose body has been read."""
        request = response.request
        where = urlsplit(str(request.url))
        query = dict(parse_qsl(where.query, keep_blank_values=True))
        body = request.body if hasattr(request, "body") else request.read()
        is_json = body and "json" in request.headers.get("Content-Type", "")
        return cls(
            method=request.method,
            path=where.path.removeprefix(BASE),
            query=query,
            sent=json.loads(body) if is_json else None,
            status=response.status_code,
            content_type=response.headers.get("Content-Type", ""),
            answered=json.loads(response.content),
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path} -> {self.status}"


class Description:
    """The parsed file. Operations are looked up by method and concrete path."""

    def __init__(self, file: Path) -> None:
        # Reading the whole file with libyaml takes 1.5 seconds; what is not looked at costs nothing more.
        self.document: Json = yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)
        _overlay(self.document["components"]["schemas"])
        self.paths = sorted(self.document["paths"], key=lambda path: path.count("{"))
        self.schema = cache(self._schema)

    def template(self, method: str, path: str) -> str | None:
        """The described path that this one is an instance of, for this method."""
        for known in self.paths:
            pattern = re.sub(r"\{[^}]+\}", "[^/]+", known)
            if re.fullmatch(pattern, path) and method.lower() in self.document["paths"][known]:
                return str(known)
        return None

    def methods(self, path: str) -> list[str]:
        """How the described path can be called."""
        return [name for name in self.document["paths"][path] if name in ("get", "post", "put", "delete")]

    def operation(self, method: str, path: str) -> tuple[str, Json]:
        """Its operationId and definition. Raises LookupError for a call that Asana does not have."""
        known = self.template(method, path)
        if known is None:
            raise LookupError(f"Asana has no {method} {path}")
        found: Json = self.document["paths"][known][method.lower()]
        shared = self.document["paths"][known].get("parameters", [])
        return found["operationId"], {**found, "parameters": [*shared, *found.get("parameters", [])]}

    def problems(self, exchange: Exchange) -> list[str]:
        """Everything in which the exchange departs from the description."""
        name, operation = self.operation(exchange.method, exchange.path)
        found = [
            *self._query_problems(exchange, operation),
            *self._sent_problems(exchange, operation),
            *self._answer_problems(exchange, operation),
        ]
        return [f"{name} ({exchange}): {problem}" for problem in found]

    def _query_problems(self, exchange: Exchange, operation: Json) -> Iterator[str]:
        listed = [self._resolved(each) for each in operation["parameters"]]
        known = {each["name"]: each for each in listed if each["in"] == "query"}
        for name, text in exchange.query.items():
            if name not in known:
                yield f"query parameter {name} is not described"
            elif name == "opt_fields":
                yield from _opt_fields_problems(text, known[name]["schema"]["items"]["enum"])
            else:
                yield from self._mismatches(known[name]["schema"], _typed(text, known[name]["schema"]), f"query {name}")
        missing = [name for name, each in known.items() if each.get("required") and name not in exchange.query]
        yield from (f"query parameter {name} is missing" for name in missing)

    def _sent_problems(self, exchange: Exchange, operation: Json) -> Iterator[str]:
        if "requestBody" not in operation:
            if exchange.sent:
                yield "a body where none is described"
            return
        wanted = self._resolved(operation["requestBody"])["content"].get("application/json")
        if wanted is None:
            # Uploads are forms.
            return
        if not isinstance(exchange.sent, dict) or "data" not in exchange.sent:
            yield "the body is not wrapped in data"
            return
        yield from self._mismatches(wanted["schema"], exchange.sent, "body", is_request=True)

    def _answer_problems(self, exchange: Exchange, operation: Json) -> Iterator[str]:
        if exchange.content_type.lower() != JSON_TYPE:
            yield f"content type {exchange.content_type}"
        listed = operation["responses"].get(exchange.status)
        if exchange.status >= 400:
            if not listed and exchange.status not in ALSO_ANSWERED:
                yield f"status {exchange.status} is not described"
            yield from _error_problems(exchange)
            return
        if not listed:
            yield f"status {exchange.status} is not described"
            return
        wanted = self._resolved(listed)["content"]["application/json"]["schema"]
        if "data" not in exchange.answered:
            yield "the answer is not wrapped in data"
        if "opt_fields" in exchange.query:
            wanted = self._whole(wanted)
        yield from self._mismatches(wanted, exchange.answered, "answer")

    def _whole(self, answer: Json) -> Json:
        """Lists are described with compact records; opt_fields may name anything that the whole record has."""
        text = json.dumps(answer["properties"]["data"], default=str)
        for name in re.findall(r"schemas/(\w+)Compact", text):
            if f"{name}Response" in self.document["components"]["schemas"]:
                text = text.replace(f"schemas/{name}Compact", f"schemas/{name}Response")
        return {**answer, "properties": {**answer["properties"], "data": json.loads(text)}}

    def _mismatches(self, schema: Json, value: Any, where: str, *, is_request: bool = False) -> Iterator[str]:
        validator = self.schema(json.dumps(schema, default=str), is_request)
        for error in validator.iter_errors(value):
            yield f"{where} {error.json_path}: {error.message[:300]}"

    def _schema(self, described: str, is_request: bool) -> Draft202012Validator:
        return Draft202012Validator(self._strict(json.loads(described), is_request), format_checker=formats)

    def _strict(self, node: Json, is_request: bool) -> Json:
        """JSON Schema for an OpenAPI schema, closed: an object has no properties but the named ones."""
        node = self._merged(node)
        strict: Json = {key: node[key] for key in _KEPT if key in node}
        if "properties" in node:
            named = {name: self._merged(each) for name, each in node["properties"].items()}
            writable = {name: each for name, each in named.items() if not (is_request and each.get("readOnly"))}
            strict["properties"] = {name: self._strict(each, is_request) for name, each in writable.items()}
            strict["required"] = [name for name in node.get("required", ()) if name in writable]
            strict["additionalProperties"] = False
        if isinstance(more := node.get("additionalProperties"), dict):
            strict["additionalProperties"] = self._strict(more, is_request)
        if "items" in node:
            strict["items"] = self._strict(node["items"], is_request)
        for choice in ("anyOf", "oneOf"):
            if choice in node:
                # "One of" is "any of" here: closed objects that fit two descriptions are no fault.
                strict["anyOf"] = [self._strict(each, is_request) for each in node[choice]]
        return _or_null(strict) if node.get("nullable") else strict

    def _merged(self, node: Json) -> Json:
        """`node` without `$ref` and `allOf` at its top. Null is allowed where any part allows it; else the last word wins."""
        node = self._resolved(node)
        if "allOf" not in node:
            return node
        result: Json = {}
        rest = {key: value for key, value in node.items() if key != "allOf"}
        for part in (*map(self._merged, node["allOf"]), rest):
            properties = dict(result.get("properties", {}))
            for name, each in part.get("properties", {}).items():
                properties[name] = {"allOf": [properties[name], each]} if name in properties else each
            required = [*result.get("required", ()), *part.get("required", ())]
            nullable = bool(result.get("nullable") or part.get("nullable"))
            result = {**result, **part, "nullable": nullable}
            result |= {"properties": properties} if properties else {}
            result |= {"required": required} if required else {}
        return result

    def _resolved(self, node: Json) -> Json:
        while "$ref" in node:
            found: Any = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            node = found
        return node


def _or_null(schema: Json) -> Json:
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    options = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **options}


def _overlay(schemas: Json) -> None:
    """Where the description is known to be wrong, or too strict for what the service does and its guides show."""
    # A task's field values: numbers, date objects, lists and null, not only strings.
    task = _own(schemas["TaskRequestBase"])
    task["custom_fields"]["additionalProperties"] = {}
    # Memberships are read-only in the base; on create they place the task in a section.
    place = {"type": "object", "properties": {"project": {"type": "string"}, "section": {"type": "string"}}}
    _own(schemas["TaskCreateRequest"])["memberships"] = {"type": "array", "items": place, "readOnly": False}
    # A field's workspace is create-only by its own words, yet required of every request.
    schemas["CustomFieldRequest"]["allOf"][1]["required"] = []
    schemas["CustomFieldCreateRequest"]["allOf"][1]["required"].append("workspace")
    # The subtype of an event's resource is shown in the guide's examples.
    _own(schemas["AsanaNamedResource"])["resource_subtype"] = {"type": "string"}
    # Amounts are no integers; a day has no time.
    story = _own(schemas["StoryResponse"])
    story["old_number_value"] = story["new_number_value"] = {"type": "number"}
    _own(schemas["CustomFieldCompact"])["date_value"]["properties"]["date_time"]["nullable"] = True
    for name, properties in NULLABLE.items():
        for each in properties:
            own = _own(schemas[name])
            own[each] = {"allOf": [own[each], {"nullable": True}]}


def _own(schema: Json) -> Json:
    """The properties that a schema adds itself, not those that it inherits."""
    parts = [schema, *schema.get("allOf", ())]
    found: Json = next(part["properties"] for part in reversed(parts) if "properties" in part)
    return found


def _opt_fields_problems(text: str, listed: list[str]) -> Iterator[str]:
    """The lists leave out gid and resource_type, which every object has."""
    known = {*listed, *ALWAYS_ASKABLE}
    for name in text.split(","):
        parent, _, last = name.rpartition(".")
        if name not in known and not (last in ALWAYS_ASKABLE and parent in known):
            yield f"opt_fields {name} is not described"


def _error_problems(exchange: Exchange) -> Iterator[str]:
    """`errors` with a message each; the 412 of the event stream also brings the new token."""
    answered = exchange.answered
    if not isinstance(answered, dict) or not answered.get("errors"):
        yield "no errors in the answer"
        return
    beside = {"sync"} if exchange.status == 412 else set()
    if set(answered) != {"errors"} | beside:
        yield f"beside errors stand {sorted(set(answered) - {'errors'})}"
    for error in answered["errors"]:
        if set(error) - {"message", "help", "phrase"} or not isinstance(error.get("message"), str):
            yield f"an error like {error}"


def _typed(text: str, schema: Json) -> Any:
    """A query parameter's text as its described type."""
    if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if schema.get("type") == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


@formats.checks("date-time", raises=ValueError)
def _is_instant(value: Any) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@formats.checks("date", raises=ValueError)
def _is_day(value: Any) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))
