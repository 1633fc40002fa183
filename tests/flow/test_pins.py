"""Names to gids: what fits is pinned, what does not is told with its cure, and a rename breaks nothing."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.codec import from_json
from intacct_asana.errors import Problem
from intacct_asana.pins import (
    coarse_fields,
    draft_words,
    gaps_of,
    pins_drift,
    required_fields,
    required_sections,
    resolve_person,
    resolve_pins,
)
from intacct_asana.records import (
    EnumOption,
    FieldDefinition,
    FieldNeed,
    FieldValue,
    Person,
    PinnedField,
    Pins,
    Section,
    TaskDraft,
)

from tests.flow.mapping_builders import BOT, a_definition, board_of, demo_flow, pins_of, sections_of, with_bills

AMOUNT = FieldNeed(name="Amount", kind="number", precision=2)
CHOICE = FieldNeed(name="Approval", kind="enum", options=("Pending", "Approved"))


def resolved(need: FieldNeed, *definitions: FieldDefinition, known: Pins | None = None) -> tuple[Pins, list[Problem]]:
    return resolve_pins("77", definitions, [], [need], bot_gid=BOT, known=known)


def only_problem(need: FieldNeed, *definitions: FieldDefinition, known: Pins | None = None) -> str:
    pins, problems = resolved(need, *definitions, known=known)
    assert need.name not in pins.fields
    assert len(problems) == 1
    assert problems[0].mend
    return str(problems[0])


def test_demo_needs_fewer_than_twenty_fields_a_project() -> None:
    flow = demo_flow()
    assert len(required_fields(flow, "bill")) < 20
    assert len(required_fields(flow, "vendor")) < 20


def test_needs_hold_key_approval_and_reason_first() -> None:
    needs = required_fields(demo_flow(), "bill")
    assert [need.name for need in needs[:3]] == ["Intacct key", "Approval", "Decision reason"]
    assert needs[1].options == ("Pending", "Approved", "Rejected")


def test_no_two_needs_share_a_name() -> None:
    flow = demo_flow()
    names = [need.name for kind in ("bill", "vendor") for need in required_fields(flow, kind)]
    assert len(set(names)) == len(names)


def test_flow_without_a_reason_field_does_not_need_one() -> None:
    flow = demo_flow()
    flow = flow.model_copy(update={"approval": flow.approval.model_copy(update={"reason_field": None})})
    assert "Decision reason" not in [need.name for need in required_fields(flow, "bill")]


def test_money_needs_two_decimals_unless_the_file_says_more() -> None:
    flow = with_bills(demo_flow(), fields=[{"name": "A", "kind": "number", "source": "total_due"}])
    assert required_fields(flow, "bill")[-1].precision == 2


def test_enum_needs_every_option_once() -> None:
    rule = {"name": "A", "kind": "enum", "source": "term", "options": {"N30": "Net", "N60": "Net"}, "other": "Else"}
    assert required_fields(with_bills(demo_flow(), fields=[rule]), "bill")[-1].options == ("Net", "Else")


def test_everything_that_fits_is_pinned() -> None:
    flow = demo_flow()
    pins = pins_of(flow)
    assert pins.project_gid == flow.bills.project
    assert pins.bot_gid == BOT
    assert pins.fields["Amount"].gid == "f-Amount"
    assert pins.fields["Approval"].options["Approved"] == "f-Approval:Approved"
    assert pins.sections == {"Open": "s-Open", "Done": "s-Done"}


def test_field_may_be_named_by_its_gid() -> None:
    need = FieldNeed(name="1200000000009999", kind="text")
    pins, problems = resolved(need, FieldDefinition(gid="1200000000009999", name="Vendor", kind="text"))
    assert not problems
    assert pins.fields["1200000000009999"].name == "Vendor"


def test_missing_field_is_told() -> None:
    assert "it is not on the project, or this account may not see it" in only_problem(AMOUNT)


def test_two_fields_of_one_name_are_told_with_their_gids() -> None:
    told = only_problem(AMOUNT, a_definition(AMOUNT, "1"), a_definition(AMOUNT, "2"))
    assert "2 fields could be meant" in told
    assert "'Amount' is 1, 'Amount' is 2" in told


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "text"}, "of kind text, and the flow needs number"),
        ({"precision": None}, "does not say how many decimal places"),
        ({"enabled": False}, "it is disabled"),
        ({"writable": False}, "may not write it"),
    ],
)
def test_field_that_does_not_fit_is_told(change: dict[str, Any], words: str) -> None:
    assert words in only_problem(AMOUNT, a_definition(AMOUNT, "1", **change))


def test_field_with_fewer_decimals_is_pinned_and_told_until_it_has_them() -> None:
    coarse = a_definition(AMOUNT, "1", precision=0)
    pins, problems = resolved(AMOUNT, coarse)
    assert (pins.fields["Amount"].precision, problems) == (0, [])
    (told,) = coarse_fields(pins, [coarse], [AMOUNT])
    assert "it shows 0 decimal places, and the flow names 2" in str(told)
    assert told.mend.startswith("set 2 in Asana")
    assert coarse_fields(pins, [a_definition(AMOUNT, "1")], [AMOUNT]) == []
    # What was lowered after it was pinned is drift, and told once.
    assert coarse_fields(resolved(AMOUNT, a_definition(AMOUNT, "1"))[0], [coarse], [AMOUNT]) == []


def test_option_names_compare_with_blanks_folded() -> None:
    need = FieldNeed(name="Terms", kind="enum", options=("2%  10 Net 30",))
    definition = a_definition(need, "1", options=(EnumOption(gid="7", name="2% 10 Net 30"),))
    pins, problems = resolved(need, definition)
    assert (dict(pins.fields["Terms"].options), problems) == ({"2%  10 Net 30": "7"}, [])
    assert pins_drift(pins, [definition]) == []


def test_field_with_more_decimals_than_needed_is_fine() -> None:
    _, problems = resolved(AMOUNT, a_definition(AMOUNT, "1", precision=4))
    assert not problems


def options(*named: tuple[str, str, bool]) -> dict[str, Any]:
    return {"options": tuple(EnumOption(gid=gid, name=name, enabled=enabled) for gid, name, enabled in named)}


def test_missing_option_is_told() -> None:
    assert "no option 'Approved'" in only_problem(CHOICE, a_definition(CHOICE, "1", **options(("o1", "Pending", True))))


def test_disabled_option_is_told() -> None:
    changed = options(("o1", "Pending", True), ("o2", "Approved", False))
    assert "its option 'Approved' is disabled" in only_problem(CHOICE, a_definition(CHOICE, "1", **changed))


def test_two_options_of_one_name_are_told_unless_one_is_disabled() -> None:
    two = options(("o1", "Pending", True), ("o2", "Approved", True), ("o3", "Approved", True))
    assert "several options could be 'Approved'" in only_problem(CHOICE, a_definition(CHOICE, "1", **two))
    one = options(("o1", "Pending", True), ("o2", "Approved", False), ("o3", "Approved", True))
    pins, problems = resolved(CHOICE, a_definition(CHOICE, "1", **one))
    assert not problems
    assert pins.fields["Approval"].options["Approved"] == "o3"


def test_every_problem_of_a_field_is_told_at_once() -> None:
    changed = options(("o1", "Pending", False)) | {"enabled": False, "writable": False}
    _, problems = resolved(CHOICE, a_definition(CHOICE, "1", **changed))
    assert len(problems) == 4


def test_missing_and_double_sections_are_told() -> None:
    sections = [Section(gid="1", name="Open"), Section(gid="2", name="Open")]
    pins, problems = resolve_pins("77", [], sections, [], bot_gid=BOT, section_names=("Open", "Done"))
    assert [problem.what for problem in problems] == ["2 sections have this name", "it does not exist"]
    assert not pins.sections


def test_renamed_field_keeps_its_pin_through_the_next_preflight() -> None:
    flow = demo_flow()
    before = pins_of(flow)
    renamed = [dataclasses.replace(one, name="Supplier") if one.name == "Vendor" else one for one in board_of(flow)]
    needs = required_fields(flow, "bill")
    after, problems = resolve_pins("77", renamed, [], needs, bot_gid=BOT, known=before)
    assert not problems
    assert after.fields["Vendor"].gid == before.fields["Vendor"].gid
    assert not gaps_of(needs, renamed, [], known=before).fields


def test_renamed_option_keeps_its_pin_through_the_next_preflight() -> None:
    known, _ = resolved(CHOICE, a_definition(CHOICE, "1"))
    renamed = a_definition(CHOICE, "1", **options(("1:Pending", "Pending", True), ("1:Approved", "OK", True)))
    after, problems = resolved(CHOICE, renamed, known=known)
    assert not problems
    assert after.fields["Approval"].options["Approved"] == "1:Approved"
    assert not gaps_of([CHOICE], [renamed], [], known=known).options


def test_new_field_under_the_old_name_of_a_renamed_one_is_for_a_person_to_decide() -> None:
    known, _ = resolved(AMOUNT, a_definition(AMOUNT, "1"))
    told = only_problem(AMOUNT, a_definition(AMOUNT, "1", name="Old amount"), a_definition(AMOUNT, "2"), known=known)
    assert "'Old amount' is 1, 'Amount' is 2" in told


def test_gaps_are_what_is_missing_and_nothing_else() -> None:
    flow = demo_flow()
    needs = required_fields(flow, "bill")
    everything = gaps_of(needs, [], [], section_names=required_sections(flow, "bill"))
    assert everything.fields == needs
    assert everything.sections == ("Open", "Done")
    nothing = gaps_of(needs, board_of(flow), sections_of(flow), section_names=required_sections(flow, "bill"))
    assert (nothing.fields, nothing.options, nothing.sections) == ((), (), ())


def test_gaps_name_missing_options_of_a_field_that_exists() -> None:
    field = a_definition(CHOICE, "1", **options(("o1", "Pending", True)))
    assert gaps_of([CHOICE], [field], []).options == (("1", "Approved"),)


def test_disabled_option_is_not_made_a_second_time() -> None:
    field = a_definition(CHOICE, "1", **options(("o1", "Pending", True), ("o2", "Approved", False)))
    assert gaps_of([CHOICE], [field], []).options == ()


def test_nothing_is_made_for_a_field_named_by_gid() -> None:
    assert gaps_of([FieldNeed(name="1200000000009999", kind="text")], [], []).fields == ()


def test_no_drift_when_nothing_moved() -> None:
    flow = demo_flow()
    assert pins_drift(pins_of(flow), board_of(flow), sections_of(flow)) == []


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("Vendor", {"name": "Supplier"}, "it is called 'Supplier' now; the flow goes on with it"),
        ("Vendor", {"enabled": False}, "it is disabled"),
        ("Vendor", {"writable": False}, "may no longer write it"),
        ("Amount", {"precision": 0}, "0 decimal places now instead of 2"),
        ("On hold", options(("f-On hold:On hold", "Held", True), ("f-On hold:Not on hold", "Not on hold", True)), "'Held' now"),
        ("On hold", options(("f-On hold:On hold", "On hold", True)), "its option 'Not on hold' is gone"),
        (
            "On hold",
            options(("f-On hold:On hold", "On hold", False), ("f-On hold:Not on hold", "Not on hold", True)),
            "its option 'On hold' is disabled",
        ),
    ],
)
def test_what_people_changed_is_told(name: str, change: dict[str, Any], words: str) -> None:
    flow = demo_flow()
    board = [dataclasses.replace(one, **change) if one.name == name else one for one in board_of(flow)]
    problems = pins_drift(pins_of(flow), board, sections_of(flow))
    assert len(problems) == 1
    assert words in str(problems[0])
    assert problems[0].mend


def test_vanished_field_and_section_are_told() -> None:
    flow = demo_flow()
    board = [one for one in board_of(flow) if one.name != "Vendor"]
    sections = [Section(gid="s-Open", name="To do")]
    told = [str(problem) for problem in pins_drift(pins_of(flow), board, sections)]
    assert len(told) == 3
    assert "gone from the project, or hidden" in told[0]
    assert "it is called 'To do' now" in told[1]
    assert "section 'Done': it is gone" in told[2]


def test_an_option_that_people_decide_by_does_not_count_under_an_undeclared_name() -> None:
    flow = demo_flow()
    renamed = {"Approved": "OK to pay"}
    board = [
        replace(one, options=tuple(replace(each, name=renamed.get(each.name, each.name)) for each in one.options))
        for one in board_of(flow)
    ]
    [problem] = pins_drift(pins_of(flow), board, signal=flow.approval.signal)
    assert "counts for nothing under that name" in problem.what
    declared = flow.approval.signal.model_copy(update={"other_names": {"Approved": ("OK to pay",)}})
    assert pins_drift(pins_of(flow), board, signal=declared) == []


# People.

ALICE = Person(gid="1", name="Alice", email="alice@northwind.example")
ADDRESS = "alice@northwind.example"


def test_an_address_is_pinned_to_the_user_who_has_it() -> None:
    assert resolve_person(ADDRESS, person=ALICE) == ("1", None)
    assert resolve_person(ADDRESS, person=ALICE, pinned_gid="1") == ("1", None)
    assert resolve_person(ADDRESS, person=replace(ALICE, email="ALICE@northwind.example")) == ("1", None)


def test_an_approver_whose_address_asana_does_not_show_is_told_before_a_choice_is_refused() -> None:
    gid, problem = resolve_person(ADDRESS, person=replace(ALICE, email=""))
    assert gid == "1"
    assert problem is not None
    assert "what they choose would be refused" in problem.what


@pytest.mark.parametrize(
    ("person", "pinned_gid", "told"),
    [
        (replace(ALICE, gid="2", name="Mallory"), "1", "belongs to user 2 (Mallory)"),
        (None, "1", "belongs to nobody"),
        (None, "", "no such user"),
        (replace(ALICE, email="other@northwind.example"), "1", "Asana shows other@northwind.example"),
        (replace(ALICE, email="other@northwind.example"), "", "Asana shows other@northwind.example"),
    ],
)
def test_an_address_that_moved_or_fits_nobody_changes_no_pin(person: Person | None, pinned_gid: str, told: str) -> None:
    gid, problem = resolve_person(ADDRESS, person=person, pinned_gid=pinned_gid)
    assert gid == pinned_gid
    assert problem is not None
    assert told in problem.what
    assert problem.mend


def test_pins_of_an_older_release_are_readable() -> None:
    old = '{"project_gid":"7","fields":{},"sections":{},"bot_gid":"9"}'
    assert from_json(Pins, old) == Pins(project_gid="7", fields={}, bot_gid="9")


def test_a_task_reads_as_people_would_see_it() -> None:
    pins = Pins(
        project_gid="1",
        sections={"Open": "8"},
        fields={
            "Amount": PinnedField(name="Amount", gid="11", kind="number"),
            "Approval": PinnedField(name="Approval", gid="12", kind="enum", options={"Pending": "121"}),
            "Tags": PinnedField(name="Tags", gid="13", kind="multi_enum", options={"New": "131", "Old": "132"}),
            "Paid on": PinnedField(name="Paid on", gid="14", kind="date"),
        },
    )
    fields: dict[str, FieldValue] = {"11": Decimal("100.00"), "13": ("132", "131"), "14": None}
    draft = TaskDraft(
        key="CO:ap:7", name="INV-7", due_on=date(2026, 12, 1), section_gid="8", fields=fields, initial_fields={"12": "121"}
    )
    assert draft_words(draft, pins) == "INV-7, due 2026-12-01, in Open; Amount: 100.00; Approval: Pending; Tags: Old, New"
