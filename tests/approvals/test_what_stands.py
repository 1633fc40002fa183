"""What stands, on whose word: rules about people, names and stamps, and what a changed bill does to an approval."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from intacct_asana.approvals import Stands, standing_of
from intacct_asana.records import DecisionState, IntentState, TaskDraft, snapshot_of

from tests.approvals.settle_world import ALICE, APPROVED, BEN, KEY, PENDING, World, a_bill, a_policy
from tests.approvals.test_guard_findings import a_case, a_decision, a_signal, refused


def test_a_changed_bill_voids_its_approval_on_both_sides_and_tells_once_with_both_amounts() -> None:
    world = World()
    world.board.choose(ALICE, APPROVED)
    world.run_in_peace()
    world.books.edit(amount=Decimal("40000.00"))
    for _ in range(3):
        world.run_in_peace()
    assert (world.last.state, world.bill.custom["D"], world.shows) == (DecisionState.VOID, "void", PENDING)
    [_, told] = world.board.comments()
    assert "was 900.00 USD when Alice Martin approved it and is 40,000.00 USD now" in told


def test_a_bill_that_changes_in_the_second_of_the_write_is_never_confirmed() -> None:
    world = World()
    world.board.choose(ALICE, APPROVED)
    world.books.on_stamp = lambda bill, values: world.books.edit(amount=Decimal("40000.00")) if values["D"] != "void" else None
    world.run_in_peace()
    assert "CONFIRMED" not in [step for _, step, _ in world.store.evidence]
    assert (world.last.state, world.bill.custom["D"], world.shows) == (DecisionState.VOID, "void", PENDING)


def test_a_newer_choice_that_was_written_over_is_put_back_and_counted() -> None:
    world = World()
    world.board.choose("105", APPROVED)
    world.read()
    world.settle()
    put = world.board.set_fields

    def as_ben_chooses(task_gid: str, fields: dict[str, str]) -> object:
        world.board.set_fields = put
        world.board.choose(BEN, "712")
        return put(task_gid, fields)

    world.board.set_fields = as_ben_chooses
    assert world.tell().put_back == 1
    assert world.shows == "712"


def test_a_stamp_that_this_store_does_not_know_is_left_alone_and_named() -> None:
    bill = a_bill(custom={"D": "Approved", "ID": "dec-of-another", "BY": "Zoe"})
    said = refused(a_case(bill=bill, decision=a_decision(shown_digest=snapshot_of(bill).digest)))
    assert "Approved by Zoe, under dec-of-another" in said["found approved"]


def test_people_are_known_by_their_account() -> None:
    moved = refused(a_case(decision=a_decision(decider_email="other@x.example")))["approver list"]
    taken = refused(a_case(decision=a_decision(signal=a_signal(decider_gid="999"))))["approver list"]
    unpinned = refused(a_case(policy=a_policy(people={})))["approver list"]
    assert "shows the address other@x.example" in moved
    assert "has moved" in taken
    assert "run preflight" in unpinned


def test_what_asana_does_not_prove_is_refused() -> None:
    story = a_case().stories[0]
    assert "a person decides" in refused(a_case(stories=[replace(story, author_kind="")]))
    assert "counts as it stands" in refused(a_case(stories=[replace(story, new_enum_name="OK to pay")]))
    assert "source" in refused(a_case(decision=a_decision(signal=a_signal(source=""))))


def test_a_limit_needs_a_base_currency_and_books_that_are_open() -> None:
    bill = a_bill(base_currency="")
    shown = a_decision(shown_digest=snapshot_of(bill).digest)
    assert "does not tell the base currency" in refused(a_case(bill=bill, decision=shown))["limit"]
    assert not refused(a_case(bill=bill, decision=shown, policy=a_policy(base_currency="USD")))
    assert "open books" in refused(a_case(is_closed=True))
    assert "open books" in refused(a_case(is_closed=None))


def test_whoever_changed_the_bill_last_may_not_decide_and_after_our_stamp_the_one_before_counts() -> None:
    rule = "segregation of duties"
    assert "last changed this bill (amartin)" in refused(a_case(bill=a_bill(modified_by="amartin")))[rule]
    ours = a_bill(modified_by="xml_ws")
    assert "is not known" in refused(a_case(bill=ours))[rule]
    before = a_decision(decision_id="dec-0", state=DecisionState.VOID, editor="mgarcia")
    assert not refused(a_case(bill=ours, others=(before,)))
    assert rule in refused(a_case(bill=ours, others=(replace(before, editor="amartin"),)))
    assert "does not know stranger" in refused(a_case(bill=a_bill(created_by="stranger", modified_by="mgarcia")))[rule]


def test_a_task_that_somebody_altered_is_written_anew() -> None:
    world = World()
    draft = TaskDraft(key=world.links.link.key, name="INV-4711", fields={"80": Decimal("900.00")})
    world.links.link = replace(world.links.link, confirmed=draft)
    world.board.there = replace(world.board.there, fields={**world.board.there.fields, "80": Decimal("9.00")})
    world.board.choose(ALICE, APPROVED)
    world.run_in_peace()
    assert (world.last.rule, world.books.stamped) == ("task as we wrote it", [])
    (written,) = [one for one in world.store.rows.values() if one.kind == "bill task"]
    assert (written.subject, written.state, written.body) == (KEY, IntentState.NOTED, {"parts": [], "anew": ["field:80"]})


def test_a_choice_on_a_task_that_is_to_be_written_anew_is_refused_as_well() -> None:
    """That we mean to mend it is no excuse for what it shows; only a write of ours that is under way is."""
    world = World()
    draft = TaskDraft(key=KEY, name="INV-4711", fields={"80": Decimal("900.00")})
    world.links.link = replace(world.links.link, confirmed=draft)
    world.board.there = replace(world.board.there, fields={**world.board.there.fields, "80": Decimal("9.00")})
    for _ in range(2):
        world.board.choose(ALICE, APPROVED)
        world.run_in_peace()
    assert {one.rule for one in world.store.kept.values()} == {"task as we wrote it"}
    assert len(world.store.kept) == 2
    assert world.books.stamped == []


def test_nothing_stands_before_anything_was_decided() -> None:
    assert standing_of([a_decision()], a_bill(), None, a_policy(), shown={}).state is Stands.PENDING
