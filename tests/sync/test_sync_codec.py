"""A plan that was stored is the plan that was made."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.codec import from_json, plan_from_json, plan_to_json, to_json
from intacct_asana.errors import UnexpectedReply
from intacct_asana.records import Snapshot, Task, TaskDraft
from intacct_asana.sync import Adopt, Close, Create, Leave, Plan, Reopen, Update

TEXT = st.text(max_size=12)
MONEY = st.decimals(allow_nan=False, allow_infinity=False)
VALUES = st.one_of(st.none(), TEXT, MONEY, st.dates(), st.lists(TEXT, max_size=3).map(tuple))
# A repeated hour (fold) does not exist in UTC.
INSTANTS = st.datetimes(timezones=st.just(UTC)).map(lambda instant: instant.replace(fold=0))
FIELDS = st.dictionaries(TEXT, VALUES, max_size=4)
PARTS = st.lists(TEXT, max_size=3).map(tuple)
DRAFTS = st.builds(
    TaskDraft,
    key=TEXT,
    name=TEXT,
    notes=TEXT,
    html_notes=TEXT,
    due_on=st.none() | st.dates(),
    completed=st.booleans(),
    section_gid=st.none() | TEXT,
    assignee=st.none() | TEXT,
    followers=PARTS,
    fields=FIELDS,
    initial_fields=FIELDS,
    remark=TEXT,
)
TASKS = st.builds(
    Task,
    gid=TEXT,
    name=TEXT,
    project_gids=PARTS,
    section_gid=st.none() | TEXT,
    due_on=st.none() | st.dates(),
    modified_at=st.none() | INSTANTS,
    fields=FIELDS,
)
SNAPSHOTS = st.none() | st.builds(
    Snapshot, digest=TEXT, body=st.dictionaries(TEXT, TEXT | st.lists(TEXT, max_size=2), max_size=3)
)
COMMON = {"key": TEXT, "record_no": TEXT, "amount": MONEY, "reason": TEXT}
MADE = {**COMMON, "desired": DRAFTS, "snapshot": SNAPSHOTS}
CHANGED = {**MADE, "task_gid": TEXT, "confirmed": st.none() | DRAFTS, "changed": PARTS}
ACTIONS = st.one_of(
    st.builds(Leave, **COMMON),
    st.builds(Create, **MADE, replaces=TEXT),
    st.builds(Adopt, **MADE, actual=TASKS, changed=PARTS, replaces=TEXT),
    *(st.builds(kind, **CHANGED) for kind in (Update, Close, Reopen)),
)
PLANS = st.builds(Plan, actions=st.lists(ACTIONS, max_size=3).map(tuple), notes=PARTS)


@pytest.mark.laws
@given(PLANS)
def test_stored_plan_reads_back_as_the_same_plan(plan: Plan) -> None:
    again = plan_from_json(Plan, plan_to_json(plan))
    assert again == plan
    # Equal is not the same for money: 1.5 == 1.50, and Update is not Close.
    assert repr(again).replace("TzInfo(0)", "datetime.timezone.utc") == repr(plan)


def test_text_that_looks_like_money_or_a_day_stays_text() -> None:
    fields = {"1": "12.50", "2": "2026-01-31", "3": Decimal("12.50"), "4": date(2026, 1, 31), "5": ("7",)}
    action = Create(
        key="a", record_no="1", amount=Decimal("1E+3"), reason="", desired=TaskDraft(key="a", name="", fields=fields)
    )
    again = plan_from_json(Plan, plan_to_json(Plan(actions=(action,))))
    assert dict(again.writing[0].desired.fields) == fields
    assert str(again.writing[0].amount) == "1E+3"


def test_time_of_an_adopted_task_keeps_its_zone() -> None:
    task = Task(gid="1", name="", modified_at=datetime(2026, 1, 1, tzinfo=UTC))
    draft = TaskDraft(key="a", name="")
    action = Adopt(key="a", record_no="1", amount=Decimal(1), reason="", desired=draft, actual=task, changed=())
    assert plan_from_json(Plan, plan_to_json(Plan(actions=(action,)))).writing[0].actual.modified_at.tzinfo is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"version":2,"actions":[],"notes":[]}',
        '{"version":1,"actions":[{"kind":"burn"}],"notes":[]}',
        '{"version":1,"actions":[{"kind":"leave","key":"a","record_no":"1","reason":"","amount":"many"}],"notes":[]}',
        '{"version":1,"actions":[3],"notes":[]}',
    ],
)
def test_text_that_is_no_plan_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(UnexpectedReply, match="Clear the planning step"):
        plan_from_json(Plan, text)


def test_plan_and_draft_of_an_earlier_release_are_read() -> None:
    """Text that the first release wrote: actions by their kind, values by their tag, and no followers, remark or kind yet."""
    draft = (
        '{"key":"a","name":"n","notes":"","html_notes":"","due_on":"2026-01-02","completed":false,"section_gid":null,'
        '"assignee":null,"fields":{"1":"12.50","2":{"number":"12.50"},"3":{"day":"2026-01-31"},"4":{"gids":["7"]},"5":null},'
        '"initial_fields":{}}'
    )
    fields = {"1": "12.50", "2": Decimal("12.50"), "3": date(2026, 1, 31), "4": ("7",), "5": None}
    expected = TaskDraft(key="a", name="n", due_on=date(2026, 1, 2), fields=fields)
    assert from_json(TaskDraft, draft) == expected
    assert from_json(TaskDraft, to_json(expected)) == expected
    action = f'"kind":"close","key":"a","record_no":"1","amount":"1.50","reason":"r","desired":{draft},"snapshot":null'
    text = f'{{"version":1,"actions":[{{{action},"task_gid":"9","confirmed":{draft},"changed":[]}}],"notes":["n"]}}'
    made = {"key": "a", "record_no": "1", "amount": Decimal("1.50"), "reason": "r", "task_gid": "9", "changed": ()}
    assert plan_from_json(Plan, text) == Plan(actions=(Close(**made, desired=expected, confirmed=expected),), notes=("n",))


def test_a_value_that_would_lose_its_tag_is_not_written() -> None:
    draft = TaskDraft(key="a", name="n", fields=MappingProxyType({"1": Decimal("1.5")}))
    with pytest.raises(ValueError, match="fields"):
        to_json(draft)
    action = Create(key="a", record_no="1", amount=Decimal(1), reason="", desired=draft)
    with pytest.raises(ValueError, match="fields"):
        plan_to_json(Plan(actions=(action,)))
