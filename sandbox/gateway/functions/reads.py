"""`query` and the older ways to read: read, readByName, readByQuery, readMore, lookup, inspect, readUserFormatting."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from sandbox.gateway.failures import Failure, bad_value, no_permission, support_id
from sandbox.gateway.functions.contacts import contact_list_xml
from sandbox.gateway.functions.filters import EVERYTHING, Filter, parse_filter
from sandbox.gateway.functions.oldquery import filter_of
from sandbox.gateway.functions.schema import Field, ObjectType, Schema, null_last
from sandbox.gateway.texts import is_null, offset_text
from sandbox.gateway.wire import Data, element, row_xml

MAX_PAGE, DEFAULT_PAGE, MAX_LEGACY_PAGE, MAX_KEYS = 2000, 100, 1000, 100
_AGGREGATES = {"count": "COUNT", "sum": "SUM", "avg": "AVG", "min": "MIN", "max": "MAX"}
_REDUCE: dict[str, Callable[[Any], Any]] = {
    "sum": sum,
    "min": min,
    "max": max,
    "avg": lambda values: round(sum(values) / len(values)),
}
_STATUS_CODES = {"active": "T", "inactive": "F"}
"""What readByQuery calls a STATUS. The codes of others are documented nowhere."""


@dataclass(slots=True)
class Cursor:
    """What a readByQuery still has to give."""

    object_type: ObjectType
    fields: list[Field]
    rows: list[Any]
    total: int
    page_size: int


class _Found(Sequence[Any]):
    """Rows that were tested, then rows that need no test; only the page that is asked for is looked up."""

    def __init__(self, tested: list[Any], surely: Sequence[Any]) -> None:
        self.tested, self.surely = tested, surely

    def __len__(self) -> int:
        return len(self.tested) + len(self.surely)

    def __getitem__(self, at: Any) -> Any:
        start, end, _ = at.indices(len(self))
        split = len(self.tested)
        return [*self.tested[start:end], *self.surely[max(0, start - split) : max(0, end - split)]]

    def __iter__(self) -> Iterator[Any]:
        yield from self.tested
        yield from self.surely


class Reader:
    """Answers reading functions for one company. `entity` is the entity of the session, empty at top level."""

    def __init__(self, company: Any) -> None:
        self.company = company
        self.cursors: dict[str, Cursor] = {}
        self.latest: dict[tuple[str, str], str] = {}
        """The last readByQuery of a login, by object."""

    @property
    def schema(self) -> Schema:
        schema: Schema = self.company.schema
        return schema

    def query(self, asked: etree._Element, entity: str) -> Data:
        """`query`: filter, order and one page. Every page is a new query over the rows as they are now."""
        target = self._allowed("READ_BY_QUERY", text_of(asked, "object"))
        options = asked.find("options")
        _only_xml(text_of(options, "returnformat"))
        fold = text_of(options, "caseinsensitive").lower() == "true"
        private = text_of(options, "showprivate").lower() == "true"
        limits = parse_filter(asked.find("filter"), lambda name: self.schema.find(target, name), case_insensitive=fold)
        rows = self._found(target, limits, asked.find("orderby"))
        if entity or not private:
            rows = [row for row in rows if self.company.is_visible(target, row, entity, private)]
        if target.name == "AUDITHISTORY":
            rows = [row for row in rows if self.company.is_audited(row)]
        page_size = _number(asked, "pagesize", DEFAULT_PAGE, 1, MAX_PAGE)
        offset = _number(asked, "offset", 0, 0, 1 << 40)
        return self._answer(target, asked.find("select"), rows, page_size, offset)

    def _answer(
        self, target: ObjectType, select: etree._Element | None, rows: Sequence[Any], page_size: int, offset: int
    ) -> Data:
        chosen = [] if select is None else list(select)
        if not chosen:
            raise Failure("XL03000003", "Query Failed", f"The query selects no field. {support_id()}")
        fields = [self.schema.find(target, (each.text or "").strip()) for each in chosen]
        if any(each.tag != "field" for each in chosen):
            groups = _aggregated([str(each.tag) for each in chosen], fields, rows)
            shown = groups[offset : offset + page_size]
            left = max(0, len(groups) - offset - len(shown))
            counts = {"totalcount": len(groups), "offset": offset, "count": len(shown), "numremaining": left}
            return Data(target.name, [element(target.name, *cells) for cells in shown], counts)
        page = rows[offset : offset + page_size]
        left = max(0, len(rows) - offset - len(page))
        counts = {"totalcount": len(rows), "offset": offset, "count": len(page), "numremaining": left}
        if target.name in self.company.world.setting("leaves_out_rows_of", []) and len(page) > 2:
            # From the middle: the walk goes on behind the last row, so this one is never seen.
            page = [*page[: len(page) // 2], *page[len(page) // 2 + 1 :]]
            hidden = self.company.world.setting("totals_hide_what_is_left_out", False)
            counts |= {"totalcount": len(rows) - hidden, "count": len(page)}
        return Data(target.name, [row_xml(target.name, fields, row) for row in page], counts)

    def _found(self, target: ObjectType, limits: Filter, orderby: etree._Element | None) -> Sequence[Any]:
        """Rows that match, in the order asked for. Looks through as little of the table as the filter's hints allow."""
        listed = () if orderby is None else orderby
        orders = [(text_of(order, "field"), order.find("descending") is not None) for order in listed]
        for attribute, values in limits.among.items():
            if target.table.is_grouped_by(attribute):
                rows = target.table.where(attribute, values)
                return self._sorted(target, [row for row in rows if limits.accepts(row)], orders)
        by_change = "modified_at" in limits.low and orders[:1] != [("RECORDNO", False)]
        attribute = "modified_at" if by_change else "record_no"
        maybe, surely = target.table.ascending(attribute, limits.low.get(attribute), limits.sure.get(attribute))
        if limits is EVERYTHING:
            maybe, surely = surely, maybe
        found = _Found([row for row in maybe if limits.accepts(row)], surely)
        plain = (["WHENMODIFIED"], ["WHENMODIFIED", "RECORDNO"]) if by_change else (["RECORDNO"],)
        is_sorted = [name for name, _ in orders] in plain and not any(descending for _, descending in orders)
        return found if is_sorted else self._sorted(target, found, orders)

    def _sorted(self, target: ObjectType, rows: Sequence[Any], orders: list[tuple[str, bool]]) -> Sequence[Any]:
        for name, descending in reversed(orders):
            get = self.schema.find(target, name).get
            rows = sorted(rows, key=lambda row, get=get: null_last(get(row)), reverse=descending)  # type: ignore[misc]
        return rows

    def read(self, asked: etree._Element, entity: str, *, by_name: bool = False) -> Data:
        """`read` by RECORDNO and `readByName`; both give the lines of a bill when all fields are asked for."""
        target = self._allowed("READ", text_of(asked, "object"))
        _only_xml(text_of(asked, "returnFormat"))
        keys = [key.strip() for key in text_of(asked, "keys").split(",") if key.strip()]
        if len(keys) > MAX_KEYS:
            raise Failure("XL03000003", "Read Failed", f"At most {MAX_KEYS} keys can be read at once. {support_id()}")
        name = target.name_field if by_name else "RECORDNO"
        get = self.schema.find(target, name).get
        if name == "RECORDNO":
            rows = target.table.where("record_no", [int(key) for key in keys if key.isdigit()])
        else:
            rows = [row for key in keys for row in target.table if str(get(row)) == key]
        rows = [row for row in rows if self.company.is_visible(target, row, entity, True)]
        fields, with_lines = self._fields(target, text_of(asked, "fields"))
        found = [self._whole(target, fields, row, with_lines) for row in rows]
        return Data(target.name, found, {"count": len(found)})

    def _whole(self, target: ObjectType, fields: list[Field], row: Any, with_lines: bool) -> str:
        extra = ""
        if with_lines and target.name == "APBILL":
            lines = self.schema.object("APBILLITEM")
            extra = element("APBILLITEMS", *(row_xml("apbillitem", list(lines.fields.values()), line) for line in row.lines))
        if with_lines and target.name == "VENDOR":
            extra = contact_list_xml(row.contacts)
        return row_xml(target.name, fields, row, extra)

    def read_by_query(self, asked: etree._Element, entity: str, login: str = "") -> Data:
        """`readByQuery` with its SQL-like text."""
        target = self._allowed("READ_BY_QUERY", text_of(asked, "object"))
        limits = parse_filter(filter_of(text_of(asked, "query")), lambda name: self._by_code(target, name))
        rows = [row for row in target.table if limits.accepts(row)]
        rows = [row for row in rows if self.company.is_visible(target, row, entity, False)]
        page_size = _number(asked, "pagesize", DEFAULT_PAGE, 1, MAX_LEGACY_PAGE)
        fields, _ = self._fields(target, text_of(asked, "fields"))
        result_id = self.company.new_token()[:24]
        self.cursors[result_id] = Cursor(target, fields, rows, len(rows), page_size)
        self.latest[login, target.name] = result_id
        return self._next(result_id)

    def read_more(self, asked: etree._Element, entity: str, login: str = "") -> Data:
        """What is left of a readByQuery: the one named by `resultId`, or this user's last one of the `object`."""
        result_id = text_of(asked, "resultId")
        if not result_id:
            result_id = self.latest.get((login, self.schema.object(text_of(asked, "object")).name), "")
        if result_id not in self.cursors:
            raise Failure("readMore Failed", "", f"The result id '{result_id}' is not valid. {support_id()}")
        return self._next(result_id)

    def _next(self, result_id: str) -> Data:
        cursor = self.cursors[result_id]
        page, cursor.rows = cursor.rows[: cursor.page_size], cursor.rows[cursor.page_size :]
        counts = {"count": len(page), "totalcount": cursor.total, "numremaining": len(cursor.rows), "resultId": result_id}
        if not cursor.rows:
            del self.cursors[result_id]
        name = cursor.object_type.name.lower()
        return Data(name, [row_xml(name, cursor.fields, row) for row in page], counts)

    def _by_code(self, target: ObjectType, name: str) -> Field:
        """readByQuery filters by database codes, so STATE there means RAWSTATE; it follows no relation."""
        if "." in name and name not in target.fields:
            said = f"Field(s) '{name}' is/are not found in the object {target.name}. Joins are not supported. {support_id()}"
            raise Failure("XL03000010", "Query Failed", said, "Use query to ask for fields of related objects.")
        field = self.schema.find(target, "RAWSTATE" if name == "STATE" and "RAWSTATE" in target.fields else name)
        if name != "STATUS":
            return field
        return replace(field, get=lambda row: _STATUS_CODES.get(field.get(row), field.get(row)), attribute="", values=())

    def read_related(self, asked: etree._Element) -> Data:
        """`readRelated` is documented for custom objects only, and this company has none."""
        target = self._allowed("READ", text_of(asked, "object"))
        said = f"readRelated works on custom objects, and {target.name} is a standard one. {support_id()}"
        raise Failure("XL03000003", "Read Failed", said, "Use query, which follows relations by dotted names.")

    def inspect(self, asked: etree._Element) -> Data:
        """`inspect`, lookup's elder: names of fields, or with detail="1" their definitions; `*` for all objects.

        Its answers are recorded, those with definitions of one integer field alone: what the others' data types are called is
        taken from that. https://developer.intacct.com/api/platform-services/objects/
        """
        name = text_of(asked, "object") or text_of(asked, "name")
        if name == "*":
            listed = [f'<type typename="{each.lower()}">{each.title()}</type>' for each in self.schema.objects]
            return Data("All", listed, {"count": len(listed)})
        target = self.schema.object(name)
        whole = asked.get("detail") == "1"
        told = _inspected if whole else lambda field: element("Field", field.name, raw=False)
        named = [("SingularName", target.name.title()), ("PluralName", f"{target.name.title()}s"), ("Description", "")]
        about = element("Attributes", *(element(cell, text, raw=False) for cell, text in named)) if whole else ""
        fields = element("Fields", *map(told, target.fields.values()))
        return Data("All", [f'<Type Name="{target.name}">{about}{fields}</Type>'], {"count": 1})

    def lookup(self, asked: etree._Element, entity: str) -> Data:
        """`lookup`: fields and relations. Object permissions are not asked."""
        target = self.schema.object(text_of(asked, "object"))
        listed = "".join(_field_definition(each) for each in target.fields.values())
        related = "".join(
            element(
                "Relationship",
                element("OBJECTPATH", relation.path, raw=False),
                element("OBJECTNAME", relation.object_name, raw=False),
                element("LABEL"),
                element("RELATIONSHIPTYPE", "MANY2ONE", raw=False),
                element("RELATEDBY", relation.related_by, raw=False),
            )
            for relation in target.relations.values()
        )
        body = f"{element('Fields', listed)}{element('Relationships', related)}"
        return Data("All", [f'<Type Name="{target.name}" DocumentType="">{body}</Type>'], {"count": 1})

    def user_formatting(self, asked: etree._Element, entity: str) -> Data:
        """`readUserFormatting` by `key` (user RECORDNO) or `userId` (login). One of them is required."""
        key, login = text_of(asked, "key"), text_of(asked, "userId")
        users = self.company.users
        user = next((each for each in users if str(each.record_no) == key or (login and each.login == login)), None)
        if user is None:
            raise Failure("readUserFormatting Failed", "", f"Provide a valid key or userId. {support_id()}")
        setting = self.company.world.setting
        told = {
            "recordno": str(user.record_no),
            "locale": setting("user_locale", "en_US"),
            "dateformat": setting("user_dateformat", "/mdY"),
            "gmtoffset": offset_text(self.company.zone_minutes),
            "clock": str(setting("user_clock", "24")),
        }
        row = element("userformatting", *(element(name, value, raw=False) for name, value in told.items()))
        return Data("userformatting", [row], {"count": 1})

    def _fields(self, target: ObjectType, names: str) -> tuple[list[Field], bool]:
        if names in ("", "*"):
            return list(target.fields.values()), True
        asked = [name.strip() for name in names.split(",")]
        return [self.schema.find(target, name) for name in asked if name != "APBILLITEMS"], "APBILLITEMS" in asked

    def _allowed(self, operation: str, name: str) -> ObjectType:
        target = self.schema.object(name)
        if self.company.is_denied(target.name):
            raise no_permission(operation, target.name)
        if self.company.is_broken(target.name):
            raise Failure("DL02000001", "There was an error processing the request.", support_id())
        return target


def _aggregated(functions: list[str], fields: list[Field], rows: Sequence[Any]) -> list[list[str]]:
    """The cells of each group: plain fields say what is grouped by, and without any all rows are one group."""
    for function in functions:
        if function not in (*_AGGREGATES, "field"):
            raise Failure("XL03000003", "Query Failed", f"'{function}' is not an aggregate function. {support_id()}")
    by = [field for function, field in zip(functions, fields, strict=True) if function == "field"]
    groups: dict[tuple[Any, ...], list[Any]] = {} if by else {(): list(rows)}
    for row in rows if by else ():
        groups.setdefault(tuple(field.get(row) for field in by), []).append(row)
    pairs = list(zip(functions, fields, strict=True))
    return [[_aggregate(function, field, group) for function, field in pairs] for group in groups.values()]


def _aggregate(function: str, field: Field, rows: Sequence[Any]) -> str:
    """`sum` comes under the plain name, the others with a prefix."""
    if function == "field":
        return element(field.name, field.text(rows[0]), raw=False)
    values = [value for row in rows if not is_null(value := field.get(row))]
    if function == "count":
        text = str(len(values))
    else:
        result = _REDUCE[function](values) if values or function == "sum" else None
        text = Field(name=field.name, kind=field.kind, get=lambda row: row).text(result)
    return element(field.name if function == "sum" else f"{_AGGREGATES[function]}.{field.name}", text, raw=False)


_INSPECTED = {
    "INTEGER": ("Pt_FieldInt", "integer", "8"),
    "DECIMAL": ("Pt_FieldDouble", "decimal", "12"),
    "CURRENCY": ("Pt_FieldCurrency", "currency", "12"),
    "DATE": ("Pt_FieldDate", "date", "10"),
    "TIMESTAMP": ("Pt_FieldDateTime", "timestamp", "19"),
    "BOOLEAN": ("Pt_FieldBoolean", "boolean", "5"),
}


def _inspected(field: Field) -> str:
    data_name, external, longest = _INSPECTED.get(field.data_type, ("Pt_FieldString", "string", "255"))
    told = [
        ("Name", field.name),
        ("GroupName", ""),
        ("dataName", data_name),
        ("externalDataName", external),
        ("isRequired", str(field.required).lower()),
        ("isReadOnly", str(field.is_told_read_only).lower()),
        ("maxLength", longest),
        ("DisplayLabel", field.label),
        ("Description", field.label),
        ("id", str(zlib.crc32(field.name.encode()))),
    ]
    return element("Field", *(element(name, text, raw=False) for name, text in told))


def _field_definition(field: Field) -> str:
    told = [
        ("ID", field.name),
        ("LABEL", field.label),
        ("DESCRIPTION", "No description specified"),
        ("REQUIRED", str(field.required).lower()),
        ("READONLY", str(field.is_told_read_only).lower()),
        ("DATATYPE", field.data_type),
    ]
    cells = [element(name, value, raw=False) for name, value in told]
    if field.listed_values:
        cells.append(element("VALIDVALUES", *(element("VALIDVALUE", value, raw=False) for value in field.listed_values)))
    cells.append(element("ISCUSTOM", str(field.custom).lower(), raw=False))
    return element("Field", *cells)


def _only_xml(wanted: str) -> None:
    """json and csv are documented; what they look like is not, so they are not played."""
    if wanted not in ("", "xml"):
        raise Failure("XL03000003", "Query Failed", f"The return format '{wanted}' is not played here. {support_id()}")


def _number(asked: etree._Element, name: str, default: int, low: int, high: int) -> int:
    text = text_of(asked, name)
    if not text:
        return default
    if not text.isdigit() or not low <= int(text) <= high:
        raise bad_value(name, text, f"it must be between {low} and {high}")
    return int(text)


def text_of(parent: etree._Element | None, name: str) -> str:
    """The stripped text of a child, empty when it is not there."""
    if parent is None:
        return ""
    return (parent.findtext(name) or "").strip()
