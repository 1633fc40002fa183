"""Custom field values, both ways: exact money, days, options."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.asana import calls as asana_task_calls
from intacct_asana.asana.records import story_from, task_from, task_or_unread, value_from_wire, value_to_wire
from intacct_asana.errors import Misconfigured, Refused, UnexpectedReply
from intacct_asana.records import FieldNeed, TaskDraft, UnreadTask

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_bytes(), parse_float=Decimal)["data"]


def a_draft(**said: Any) -> TaskDraft:
    return TaskDraft(**{"key": "CO:ap:17", "name": "A bill", **said})


def test_a_task_is_read_whole() -> None:
    task = task_from(sample("task.json"), project_gid="1200000000000010")
    assert task.section_gid == "1200000000000012"
    assert task.project_gids == ("1200000000000099", "1200000000000010")
    assert (task.due_on, task.assignee_gid) == (date(2026, 12, 1), "1200000000000101")
    assert task.modified_at == datetime(2026, 11, 23, 8, 15, 30, 250_000, tzinfo=UTC)
    assert task.fields == {
        "501": "SANDBOX-CO:ap:17",
        "502": Decimal("1234.50"),
        "503": "5031",
        "504": date(2026, 11, 20),
        "505": ("5051", "5052"),
        "506": ("1200000000000101",),
        "507": Decimal("0.25"),
        "508": None,
        "509": None,
        "510": None,
        "511": "Orion",
    }
    assert str(task.fields["502"]) == "1234.50"


def test_without_a_named_project_the_section_is_the_first_projects() -> None:
    assert task_from(sample("task.json")).section_gid is None


def test_a_story_says_who_chose_what_and_when() -> None:
    system, choice, approval = (story_from(body) for body in sample("stories.json"))
    assert system.author_gid is None
    assert (choice.author_gid, choice.author_name, choice.source) == ("1200000000000101", "Alice Martin", "web")
    assert (choice.field_gid, choice.old_enum_gid, choice.new_enum_gid) == ("503", "5031", "5032")
    assert choice.created_at == datetime(2026, 11, 23, 8, 20, 0, 125_000, tzinfo=UTC)
    assert approval.new_approval_status == "approved"


def test_a_story_without_a_time_is_no_evidence() -> None:
    body = {**sample("stories.json")[1], "created_at": None}
    with pytest.raises(UnexpectedReply):
        story_from(body)


@given(st.integers(min_value=-(10**14), max_value=10**14), st.integers(min_value=0, max_value=6))
def test_a_number_that_can_be_carried_comes_back_to_the_cent(digits: int, precision: int) -> None:
    value = Decimal(digits).scaleb(-precision)
    sent = json.dumps({"number_value": value_to_wire("1", value), "resource_subtype": "number", "precision": precision})
    back = value_from_wire(json.loads(sent, parse_float=Decimal))
    assert back == value
    assert isinstance(back, Decimal)
    assert back.as_tuple().exponent == -precision


@pytest.mark.parametrize("text", ["12345678901234567.89", "0.1234567890123456789", "NaN", "Infinity", "1E+400"])
def test_a_number_that_would_change_on_its_way_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="exactly"):
        value_to_wire("502", Decimal(text))


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ("text", "text"),
        (None, None),
        (date(2026, 11, 23), {"date": "2026-11-23"}),
        (("1", "2"), ["1", "2"]),
        (Decimal("0.10"), 0.1),
        (Decimal("-0.00"), 0),
        (Decimal("100.00"), 100),
    ],
)
def test_each_kind_of_value_has_its_shape(value: Any, wire: Any) -> None:
    assert value_to_wire("1", value) == wire


def test_a_text_over_the_limit_is_refused_before_it_leaves() -> None:
    assert value_to_wire("1", "x" * 1024)
    with pytest.raises(Refused, match="1024"):
        value_to_wire("1", "x" * 1025)


@pytest.mark.parametrize("body", [{"number_value": "12"}, {"number_value": True}, {"number_value": Decimal("1E+999999")}])
def test_a_number_of_the_wrong_shape_is_not_guessed_at(body: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedReply):
        value_from_wire({"resource_subtype": "number", "precision": 2, **body})


def test_a_new_task_is_made_in_one_call() -> None:
    draft = a_draft(
        notes="plain",
        due_on=date(2026, 12, 1),
        section_gid="12",
        fields={"502": Decimal("1234.50"), "508": None},
        initial_fields={"503": "5031"},
    )
    request = asana_task_calls.create_task("10", draft)
    assert request.content is not None
    assert json.loads(request.content) == {
        "data": {
            "name": "A bill",
            "notes": "plain",
            "due_on": "2026-12-01",
            "projects": ["10"],
            "memberships": [{"project": "10", "section": "12"}],
            "custom_fields": {"502": 1234.5, "503": "5031"},
        }
    }
    assert not request.repeatable
    assert "custom_fields.number_value" in request.params["opt_fields"].split(",")


def test_an_update_says_only_what_changed() -> None:
    draft = a_draft(notes="plain", completed=True, fields={"502": None, "501": "x"}, initial_fields={"503": "5031"})
    request = asana_task_calls.update_task("1", draft, changed=["due_on", "completed", "field:502", "field:503", "section_gid"])
    assert request.data == {"due_on": None, "completed": True, "custom_fields": {"502": None, "503": "5031"}}
    assert request.method == "PUT"


@pytest.mark.parametrize("part", ["nmae", "field:999", "key"])
def test_a_part_that_the_draft_does_not_have_is_not_written(part: str) -> None:
    with pytest.raises(Misconfigured, match=part):
        asana_task_calls.update_task("1", a_draft(), changed=[part])


@pytest.mark.parametrize("html", ["<body>a & b</body>", "<p>no</p>", "<body><p>no</p></body>", "<body><em id='1'/></body>"])
def test_bad_markup_is_refused_with_the_true_reason(html: str) -> None:
    with pytest.raises(Refused, match="html_notes"):
        asana_task_calls.create_task("10", a_draft(html_notes=html))


def test_good_markup_goes_out_alone() -> None:
    html = '<body><strong>1 &amp; 2</strong>\n<a href="https://x.example">bill</a></body>'
    data = asana_task_calls.create_task("10", a_draft(html_notes=html, notes="plain")).data
    assert data is not None
    assert data["html_notes"] == html
    assert "notes" not in data


def test_the_listing_names_its_start_in_utc() -> None:
    since = datetime.fromisoformat("2026-11-23T09:00:00.123456+01:00")
    assert asana_task_calls.read_tasks("10", modified_since=since).params["modified_since"] == "2026-11-23T08:00:00.123Z"


def test_names_cannot_leave_their_place_in_the_path() -> None:
    assert asana_task_calls.read_person("a/../b?c@x.example").path == "/users/a%2F..%2Fb%3Fc@x.example"


def test_a_field_is_made_with_its_options_and_digits() -> None:
    need = FieldNeed(name="Approval", kind="enum", options=("Pending", "Approved"))
    assert asana_task_calls.create_local_field("10", need, workspace_gid="1").data == {
        "custom_field": {
            "workspace": "1",
            "name": "Approval",
            "resource_subtype": "enum",
            "enum_options": [{"name": "Pending"}, {"name": "Approved"}],
        }
    }
    number = asana_task_calls.create_shared_field(FieldNeed(name="Amount", kind="number", precision=2), workspace_gid="1")
    assert number.data == {"workspace": "1", "name": "Amount", "resource_subtype": "number", "precision": 2}


def test_only_calls_that_set_a_state_may_be_repeated() -> None:
    makes = [
        asana_task_calls.create_task("10", a_draft()),
        asana_task_calls.write_comment("1", "hello"),
        asana_task_calls.create_section("10", "Open"),
        asana_task_calls.add_option("5", "Approved"),
        asana_task_calls.attach_field("10", "5"),
        asana_task_calls.create_shared_field(FieldNeed(name="x", kind="text"), workspace_gid="1"),
    ]
    sets = [asana_task_calls.set_fields("1", {"5": None}), asana_task_calls.move_to_section("1", "12")]
    sets.append(asana_task_calls.add_to_project("1", "10", section_gid="12"))
    assert not any(request.repeatable for request in makes)
    assert all(request.repeatable for request in sets)


def test_a_task_that_cannot_be_read_tells_what_of_it_can() -> None:
    number = {"gid": "12", "name": "Amount", "resource_subtype": "number", "number_value": "1,234.00"}
    key = {"gid": "11", "name": "Intacct key", "resource_subtype": "text", "text_value": "CO:ap:41"}
    found = task_or_unread({"gid": "5", "completed": False, "custom_fields": [number, key]}, project_gid="900")
    assert isinstance(found, UnreadTask)
    assert (found.gid, dict(found.texts)) == ("5", {"11": "CO:ap:41"})
    assert "field 'Amount': number_value should be a number and is text '1,234.00'" in found.why
    with pytest.raises(UnexpectedReply, match="a gid should be text"):
        task_or_unread({"custom_fields": [number]}, project_gid="900")


def test_a_number_says_how_many_decimals_its_field_shows() -> None:
    shown = {"gid": "12", "resource_subtype": "number", "number_value": Decimal("990.4"), "precision": 0}
    percent = {
        "gid": "13",
        "resource_subtype": "number",
        "number_value": Decimal("0.25"),
        "precision": 1,
        "format": "percentage",
    }
    untold = {"gid": "14", "resource_subtype": "number", "number_value": Decimal("1.5")}
    task = task_from({"gid": "5", "completed": False, "custom_fields": [shown, percent, untold]})
    assert (dict(task.fields), dict(task.places)) == (
        {"12": Decimal(990), "13": Decimal("0.250"), "14": Decimal("1.5")},
        {"12": 0, "13": 3},
    )
