"""The decision table, branch by branch."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from intacct_asana.records import Link, Task, TaskDraft
from intacct_asana.sync import Adopt, Close, Create, Leave, Plan, Reopen, Update, Wanted, plan_records

from tests.sync.sync_world import (
    AMOUNT,
    APPROVAL,
    APPROVED,
    BOT,
    CLOSED,
    ELSEWHERE,
    KEY,
    OPEN,
    PENDING,
    PROJECT,
    SOMEBODY,
    VENDOR,
    wanted,
)


def a_link(record: Wanted, *, task_gid: str = "501", **parts: object) -> Link:
    """The link of a record whose task says what `record` says, but for `parts` of the draft."""
    confirmed = replace(record.draft, **parts)
    return Link(key=record.draft.key, task_gid=task_gid, record_no=record.record_no, confirmed=confirmed)


def a_task(record: Wanted, *, gid: str = "501", fields: dict[str, object] | None = None, **parts: object) -> Task:
    """A task that shows `record`, but for `parts`."""
    draft = record.draft
    shown = {"name": draft.name, "section_gid": draft.section_gid, "completed": draft.completed, "due_on": draft.due_on}
    merged = {**draft.fields, **draft.initial_fields, **(fields or {})}
    return Task(
        **{"gid": gid, "project_gids": (PROJECT,), "fields": merged, "notes": "x", "created_by_gid": BOT, **shown, **parts}
    )


def only(plan: Plan) -> object:
    (action,) = plan.actions
    return action


def decide(record: Wanted, *, link: Link | None = None, tasks: list[Task] | None = None, full: bool = False) -> object:
    links = {link.key: link} if link else {}
    found = None if tasks is None else {record.draft.key: tasks}
    return only(plan_records({record.draft.key: record}, links=links, found=found, compares_all=full, bot_gid=BOT))


def test_new_bill_gets_a_task() -> None:
    action = decide(wanted("a"))
    assert isinstance(action, Create)
    assert action.reason == "new in scope"


def test_bill_out_of_scope_that_never_had_a_task_is_left() -> None:
    assert isinstance(decide(wanted("a", state="void")), Leave)


def test_task_that_carries_the_key_is_adopted_instead_of_made_twice() -> None:
    record = wanted("a")
    action = decide(record, tasks=[a_task(record, fields={AMOUNT: Decimal("1")})])
    assert isinstance(action, Adopt)
    assert action.task_gid == "501"
    assert f"field:{AMOUNT}" in action.changed
    assert "name" not in action.changed


def test_an_adopted_task_begins_undecided_whatever_it_says() -> None:
    record = wanted("a")
    for said in (APPROVED, PENDING):
        action = decide(record, tasks=[a_task(record, fields={APPROVAL: said})])
        assert isinstance(action, Adopt)
        assert f"field:{APPROVAL}" in action.changed


@pytest.mark.parametrize(("maker", "words"), [(SOMEBODY, f"made by user {SOMEBODY}"), (None, "Asana does not name")])
def test_task_that_somebody_else_made_is_not_adopted_and_people_are_told(maker: str | None, words: str) -> None:
    record = wanted("a")
    task = a_task(record, created_by_gid=maker)
    plan = plan_records({"a": record}, links={}, found={"a": [task]}, compares_all=True, bot_gid=BOT)
    assert isinstance(only(plan), Create)
    assert "a: task 501 carries this key" in plan.notes[0]
    assert words in plan.notes[0]


def test_linked_task_stays_linked_whoever_made_it() -> None:
    record = wanted("a")
    assert isinstance(decide(record, link=a_link(record), tasks=[a_task(record, created_by_gid=None)], full=True), Leave)


def test_oldest_of_several_tasks_is_adopted_and_the_others_are_noted() -> None:
    record = wanted("a")
    tasks = [a_task(record, gid=gid) for gid in ("1000", "999", "1001")]
    plan = plan_records({"a": record}, links={}, found={"a": tasks}, bot_gid=BOT)
    assert only(plan).task_gid == "999"
    assert plan.notes == ("a: task 999 is kept; also with this key: 1000, 1001. Delete what is a copy.",)


def test_copy_of_a_linked_task_is_noted_and_the_linked_one_is_kept_even_if_it_is_younger() -> None:
    record = wanted("a")
    tasks = [a_task(record, gid="400"), a_task(record, gid="501")]
    plan = plan_records({"a": record}, links={"a": a_link(record)}, found={"a": tasks}, compares_all=True)
    assert isinstance(only(plan), Leave)
    assert "task 501 is kept" in plan.notes[0]


def test_task_that_stands_for_another_bill_is_not_adopted() -> None:
    one, other = wanted("a"), wanted("b")
    stolen = a_task(other, fields={KEY: "a"})
    plan = plan_records({"a": one, "b": other}, links={"b": a_link(other)}, found={"a": [stolen]}, compares_all=True)
    assert [type(action) for action in plan.actions] == [Create, Create]
    assert [action.replaces for action in plan.writing] == ["", "501"]
    assert "a: task 501 carries this key but stands for b" in plan.notes


def test_unchanged_bill_is_left() -> None:
    record = wanted("a")
    assert isinstance(decide(record, link=a_link(record)), Leave)
    assert isinstance(decide(record, link=a_link(record), tasks=[a_task(record)], full=True), Leave)


def test_only_what_changed_is_written() -> None:
    before, record = wanted("a", amount=Decimal("1.00")), wanted("a", amount=Decimal("2.00"))
    action = decide(record, link=a_link(before))
    assert type(action) is Update
    assert action.changed == ("html_notes", f"field:{AMOUNT}")
    assert action.reason == f"changed in Intacct: html_notes, field:{AMOUNT}"


def test_amount_with_other_zeros_is_no_change() -> None:
    before, record = wanted("a", amount=Decimal("1.50")), wanted("a", amount=Decimal("1.500"))
    link = a_link(before, html_notes=record.draft.html_notes)
    assert isinstance(decide(record, link=link), Leave)


def test_paid_bill_closes_its_task_and_voided_payment_reopens_it() -> None:
    open_bill, paid = wanted("a"), wanted("a", state="paid")
    closing = decide(paid, link=a_link(open_bill))
    assert isinstance(closing, Close)
    assert closing.changed == ("completed", "section_gid")
    assert isinstance(decide(open_bill, link=a_link(paid)), Reopen)


def test_bill_that_left_the_scope_is_closed_once_and_then_left() -> None:
    record = wanted("a", state="void")
    action = decide(record, link=a_link(wanted("a")))
    assert isinstance(action, Close)
    assert action.desired.completed
    after = a_link(record, completed=True)
    assert isinstance(decide(record, link=after), Leave)
    assert isinstance(decide(record, link=after, tasks=[a_task(record, completed=False)], full=True), Leave)


def test_unfinished_creation_of_a_bill_out_of_scope_is_adopted_and_closed() -> None:
    record = wanted("a", state="void")
    action = decide(record, tasks=[a_task(wanted("a"))])
    assert isinstance(action, Adopt)
    assert "completed" in action.changed
    assert action.desired.completed


def test_field_that_intacct_owns_is_put_back_when_a_person_edited_it() -> None:
    record = wanted("a")
    action = decide(record, link=a_link(record), tasks=[a_task(record, fields={VENDOR: "mine"})], full=True)
    assert type(action) is Update
    assert action.changed == (f"field:{VENDOR}",)
    assert action.reason == f"edited in Asana: field:{VENDOR}"


def test_task_completed_by_hand_is_opened_again() -> None:
    record = wanted("a")
    action = decide(record, link=a_link(record), tasks=[a_task(record, completed=True)], full=True)
    assert isinstance(action, Reopen)
    assert action.reason == "edited in Asana: completed"


def test_answered_approval_task_is_not_opened_again() -> None:
    record = wanted("a")
    task = a_task(record, completed=True, kind="approval", approval_status="approved")
    assert isinstance(decide(record, link=a_link(record), tasks=[task], full=True), Leave)


def test_task_that_a_person_moved_stays_there_until_the_bill_moves() -> None:
    record = wanted("a")
    moved = a_task(record, section_gid=ELSEWHERE)
    assert isinstance(decide(record, link=a_link(record), tasks=[moved], full=True), Leave)
    action = decide(wanted("a", state="paid"), link=a_link(record), tasks=[moved], full=True)
    assert "section_gid" in action.changed
    assert action.desired.section_gid == CLOSED != OPEN


def test_answer_given_by_a_person_is_never_reset() -> None:
    before, record = wanted("a", amount=Decimal("1.00")), wanted("a", amount=Decimal("2.00"))
    action = decide(record, link=a_link(before), tasks=[a_task(before, fields={APPROVAL: APPROVED})], full=True)
    assert f"field:{APPROVAL}" not in action.changed
    assert PENDING in action.desired.initial_fields.values()


def test_description_and_due_date_of_people_are_left_where_the_flow_writes_none() -> None:
    bare = Wanted(draft=TaskDraft(key="a", name="a"), record_no="1", amount=Decimal(1), in_scope=True)
    link = Link(key="a", task_gid="501", record_no="1", confirmed=bare.draft)
    task = Task(gid="501", name="a", notes="my own words", due_on=date(2026, 5, 1))
    assert isinstance(decide(bare, link=link, tasks=[task], full=True), Leave)


def test_due_date_that_intacct_took_away_is_cleared() -> None:
    record = wanted("a")
    action = decide(record, link=a_link(record, due_on=date(2026, 5, 1)))
    assert action.changed == ("due_on",)


def test_description_that_the_flow_stopped_writing_is_cleared_once() -> None:
    record = wanted("a")
    plain = replace(record, draft=replace(record.draft, html_notes=""))
    assert decide(plain, link=a_link(record)).changed == ("notes",)
    assert isinstance(decide(plain, link=a_link(plain)), Leave)


def test_field_added_to_the_mapping_is_written_and_a_removed_one_is_left_alone() -> None:
    record = wanted("a")
    fewer = {gid: value for gid, value in record.draft.fields.items() if gid != VENDOR}
    assert decide(record, link=a_link(record, fields=fewer)).changed == (f"field:{VENDOR}",)
    narrow = replace(record, draft=replace(record.draft, fields=fewer))
    assert isinstance(decide(narrow, link=a_link(record)), Leave)


def test_field_that_intacct_emptied_is_cleared() -> None:
    record = wanted("a")
    emptied = replace(record, draft=replace(record.draft, fields={**record.draft.fields, VENDOR: None}))
    assert decide(emptied, link=a_link(record)).changed == (f"field:{VENDOR}",)


def test_linked_task_missing_from_the_whole_board_is_made_anew() -> None:
    record = wanted("a")
    action = decide(record, link=a_link(record), tasks=[], full=True)
    assert isinstance(action, Create)
    assert action.replaces == "501"


def test_linked_task_missing_from_a_narrow_listing_is_no_news() -> None:
    record = wanted("a")
    assert isinstance(decide(record, link=a_link(record), tasks=[]), Leave)


def test_linked_task_replaced_by_a_copy_moves_the_link() -> None:
    record = wanted("a")
    action = decide(record, link=a_link(record), tasks=[a_task(record, gid="777")], full=True)
    assert isinstance(action, Adopt)
    assert (action.task_gid, action.replaces) == ("777", "501")


def test_a_record_proven_gone_between_two_full_passes_closes_its_task_and_says_why() -> None:
    record, other = wanted("a"), wanted("b")
    links = {"a": a_link(record), "b": a_link(other)}
    plan = plan_records({"b": other}, links=links, found=None, gone={"a": "it was deleted"})
    close, leave = plan.actions
    assert isinstance(close, Close)
    assert close.reason.startswith("it was deleted")
    assert "it was deleted" in close.desired.remark
    assert isinstance(leave, Leave)


def test_a_record_that_is_read_is_not_gone_whatever_was_said() -> None:
    record = wanted("a")
    (action,) = plan_records({"a": record}, links={"a": a_link(record)}, found=None, gone={"a": "it was deleted"}).actions
    assert isinstance(action, Leave)


def test_bill_deleted_in_intacct_closes_its_task_when_everything_was_read() -> None:
    record = wanted("a")
    links = {"a": a_link(record)}
    action = only(plan_records({}, links=links, found={"a": [a_task(record)]}, compares_all=True))
    assert isinstance(action, Close)
    assert action.changed == ("completed", "remark")
    assert "deleted" in action.desired.remark
    assert plan_records({}, links=links, found=None).actions == ()


def test_bill_made_anew_by_purchasing_keeps_its_task_and_moves_the_link() -> None:
    record = wanted("a", record_no="99")
    action = decide(record, link=replace(a_link(record), record_no="12"))
    assert type(action) is Update
    assert action.changed == ()
    assert action.reason == "record 12 was made anew as 99"


@pytest.mark.parametrize("known", [True, False])
def test_bill_that_changed_where_its_task_shows_nothing_still_moves_what_the_task_stands_for(known: bool) -> None:
    record = wanted("a")
    before = replace(record.snapshot, digest="older") if known else None
    plan = plan_records({"a": record}, links={"a": a_link(record)}, found=None, shown=lambda key: before)
    action = only(plan)
    assert type(action) is Update
    assert action.changed == ()
    same = plan_records({"a": record}, links={"a": a_link(record)}, found=None, shown=lambda key: record.snapshot)
    assert isinstance(only(same), Leave)


def test_order_of_several_gids_and_blanks_around_text_make_no_difference() -> None:
    record = wanted("a")
    many = replace(record, draft=replace(record.draft, fields={"1": ("x", "y"), "2": "text", "3": ""}))
    task = a_task(many, fields={"1": ("y", "x"), "2": " text\r\n", "3": None})
    assert isinstance(decide(many, link=a_link(many), tasks=[task], full=True), Leave)


def test_plan_counts_and_sums_by_kind_in_the_order_of_keys() -> None:
    records = {key: wanted(key, amount=Decimal(amount)) for key, amount in (("b", "-2.50"), ("a", "1.00"), ("c", "3.00"))}
    plan = plan_records(records, links={"c": a_link(records["c"])}, found=None)
    assert [action.key for action in plan.actions] == ["a", "b", "c"]
    assert plan.counts() == {"create": 2, "adopt": 0, "update": 0, "close": 0, "reopen": 0, "leave": 1}
    assert plan.money() == {"create": Decimal("3.50"), "leave": Decimal("3.00")}


def test_printed_plan_says_what_why_and_how_much() -> None:
    records = {"a|b": wanted("a|b"), "c": wanted("c", amount=Decimal("2.00"))}
    plan = plan_records(records, links={"c": a_link(wanted("c", amount=Decimal("1.00")))}, found=None)
    text = plan.render(names={AMOUNT: "Amount"})
    assert "| create | 1       | 100.00 |" in text
    assert "| create | a\\|b | new in scope" in text
    assert "changed in Intacct: html_notes, Amount" in text
    assert "... and 1 more." in plan.render(rows=1)
