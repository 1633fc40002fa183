"""Names of fields that a company's objects have: looked up once a day by all task processes, and never believed too long."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured, Refused
from intacct_asana.intacct.session import FIELDS_AGAIN, KnownFields
from intacct_asana.records import ReadWindow

from sandbox import constants

NAME = "intacct_fields__intacct_default__top"


def lookups(hook: Any) -> int:
    return sum(count for kind, count in hook.calls.items() if kind == "lookup")


def read(hook: Any) -> int:
    return sum(len(page) for page in hook.bills(ReadWindow()))


def changed(variables: Any, name: str, change: Any) -> None:
    """What somebody who may edit Variables writes, with the signature that was there."""
    kept = json.loads(variables.values[NAME])
    fields = json.loads(kept["fields"])
    fields[name] = change(fields[name])
    variables.values[NAME] = json.dumps(kept | {"fields": json.dumps(fields, sort_keys=True)})


@pytest.fixture
def first(a_hook: Any, variables: Any) -> int:
    """Bills that a first process read, which looked fields up."""
    hook = a_hook()
    found = read(hook)
    assert lookups(hook) >= 4
    return found


def test_the_next_process_asks_for_no_fields(a_hook: Any, first: int) -> None:
    later = a_hook()
    assert read(later) == first > 0
    assert lookups(later) == 0


def test_no_secret_is_kept(variables: Any, first: int) -> None:
    for secret in (constants.SENDER_PASSWORD, constants.WS_PASSWORD):
        assert secret not in variables.values[NAME]


def test_a_field_that_is_gone_is_looked_for_again_and_reading_goes_on(sandbox: Any, a_hook: Any, first: int) -> None:
    sandbox.settings(missing_fields=["APBILL.TERMNAME"])
    later = a_hook()
    assert read(later) == first
    assert lookups(later) == 1
    assert "TERMNAME" not in later.reader.select("APBILL")
    after = a_hook()
    assert read(after) == first
    assert lookups(after) == 0


def test_a_query_that_is_refused_for_another_reason_stays_refused(sandbox: Any, a_hook: Any, first: int) -> None:
    sandbox.fault("intacct", "query APBILL", "refuse", times=9, detail={"errorno": "BL01001973"})
    later = a_hook()
    with pytest.raises(Refused):
        read(later)
    assert lookups(later) == 1


def test_a_field_that_the_flow_names_is_looked_for_where_it_is_not_known(sandbox: Any, a_hook: Any, variables: Any) -> None:
    name = constants.STAMP_FIELDS[0]
    sandbox.settings(missing_fields=[f"APBILL.{name}"])
    read(a_hook())
    sandbox.settings(missing_fields=[])
    later = a_hook()
    read(later)
    assert lookups(later) == 1
    assert name in later.reader.select("APBILL")


def test_one_that_we_cannot_do_without_is_asked_for_before_it_is_said_to_be_missing(
    sandbox: Any, a_hook: Any, first: int
) -> None:
    sandbox.settings(missing_fields=["APBILL.STATE"])
    with pytest.raises(Misconfigured, match="APBILL of this company cannot be read"):
        read(a_hook())
    sandbox.settings(missing_fields=[])
    assert read(a_hook()) == first


def test_preflight_asks_and_does_not_go_by_what_is_known(a_hook: Any, first: int) -> None:
    hook = a_hook()
    hook.missing_fields("APBILL")
    assert lookups(hook) == 1


def test_names_that_are_known_already_are_not_kept_again(a_hook: Any, variables: Any, first: int) -> None:
    before = variables.values[NAME]
    hook = a_hook()
    hook.lookup("APBILL")
    assert lookups(hook) == 1
    assert variables.values[NAME] == before


def test_whoever_may_edit_variables_hides_no_field(a_hook: Any, variables: Any, first: int) -> None:
    def without_creator(kept: dict[str, Any]) -> dict[str, Any]:
        return kept | {"names": [name for name in kept["names"] if name != "CREATEDBY"]}

    changed(variables, "APBILL", without_creator)
    later = a_hook()
    read(later)
    assert lookups(later) >= 4
    assert "CREATEDBY" in later.reader.select("APBILL")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"fields": "{}"}', '{"signature": 1, "fields": 2}', "null"])
def test_what_cannot_be_read_is_not_known(a_hook: Any, variables: Any, first: int, text: str) -> None:
    variables.values[NAME] = text
    assert read(a_hook()) == first


def test_another_company_password_or_day_is_not_known(a_hook: Any, first: int) -> None:
    settings = a_hook().settings
    now = a_hook().gateway.now()
    assert KnownFields(settings, now=lambda: now).names("APBILL")
    assert KnownFields(settings, now=lambda: now + FIELDS_AGAIN).names("APBILL") is None
    assert KnownFields(settings, now=lambda: now - timedelta(minutes=5)).names("APBILL") is None, "a clock that was ahead"
    other = a_hook(password="another").settings
    assert KnownFields(other, now=lambda: now).names("APBILL") is None
