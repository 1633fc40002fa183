"""Vendors' fields that people own in Asana, through every step of the sync: they reach Intacct, wait, are refused, are told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.vendors.vendor_world import ALICE, BEN, CARLA, VendorWorld

AWorld = Callable[..., VendorWorld]


def test_a_team_chosen_in_asana_reaches_its_vendor_and_a_second_run_writes_nothing(world: VendorWorld) -> None:
    vendor_id = world.an_id()
    world.choose(vendor_id, "IT")
    world.must_run()
    assert world.team(vendor_id) == "IT"
    assert world.results["write_vendors"]["written"] == 1
    before = world.writes()
    world.must_run()
    assert world.writes() == before
    assert world.comments(vendor_id) == []
    (row,) = (one for one in world.store.evidence() if one.body["step"] == "AGREED")
    value = row.body["value"]
    assert (value["changed_by"], value["replaced"], value["wanted"]) == ("Ben Okafor", "", "IT")
    assert value["changed_at"]
    assert world.store.verify_evidence() == []


def test_runs_without_a_change_ask_for_no_vendor_and_no_task_by_itself(world: VendorWorld) -> None:
    for place in range(3):
        world.choose(world.an_id(place), "IT")
    world.must_run()
    world.sandbox.zero_counters()
    world.must_run()
    counters = world.sandbox.counters()
    assert "asana GET /tasks/{gid}" not in counters
    assert counters["intacct query VENDOR"] <= 4
    assert world.results["plan_vendor_fields"]["counts"]["write"] == 0
    assert world.results["plan_vendor_fields"]["counts"]["leave"] == 0


def test_what_somebody_changes_in_intacct_is_put_back_and_said(world: VendorWorld) -> None:
    vendor_id = world.an_id()
    world.choose(vendor_id, "IT")
    world.must_run()
    world.edit(vendor_id, ASANA_TEAM="Marketing")
    world.must_run()
    assert world.team(vendor_id) == "IT"
    assert "Intacct said 'Marketing'; 'IT' of Asana goes over it" in world.results["write_vendors"]["said"]["drift"][0]


def test_a_rehearsal_says_what_would_flow_and_where_it_would_stop(a_world: AWorld) -> None:
    world = a_world(("vendor_writes: 100", "vendor_writes: 1"))
    world.must_run()
    for place in range(2):
        world.choose(world.an_id(place), "IT")
    live, before = world.flow, world.writes()
    world.flow, world.books = live.model_copy(update={"rehearsal": True}), None
    world.must_run()
    planned = world.results["plan_vendor_fields"]
    assert (planned["counts"]["write"], world.writes()) == (2, before)
    assert "too many vendors to write" in planned["would_stop"]
    world.flow, world.books = live, None
    world.must_run(allow_unsafe_plan=True)
    assert [world.team(world.an_id(place)) for place in range(2)] == ["IT", "IT"]


def test_a_dry_run_shows_the_plan_and_writes_nothing(world: VendorWorld) -> None:
    world.choose(world.an_id(), "IT")
    before = world.writes()
    world.must_run(dry_run=True)
    assert world.results["plan_vendor_fields"]["counts"]["write"] == 1
    assert world.writes() == before
    world.must_run()
    assert world.vendor(world.an_id())["custom"]["ASANA_TEAM"] == "IT"


def test_a_dry_run_tells_nobody_what_is_still_to_be_told(world: VendorWorld) -> None:
    world.sandbox.settings(vendor_approvals_on=True)
    world.choose(world.an_id(), "IT")
    world.sandbox.fault("asana", "POST /tasks/{gid}/stories", "status:500", times=20)
    assert world.run()["tell_people"] == "failed"
    world.sandbox.clear_faults()
    world.must_run(dry_run=True)
    assert world.comments(world.an_id()) == []
    world.must_run()
    assert len(world.comments(world.an_id())) == 1


def test_vendors_whose_ids_differ_by_capitals_only_are_two(world: VendorWorld) -> None:
    for vendor_id in ("V-x", "V-X"):
        world.sandbox.act("intacct", "mgarcia", "create_vendor", vendor_id=vendor_id, name=vendor_id)
    world.must_run()
    world.choose("V-x", "IT")
    world.must_run()
    assert (world.team("V-x"), world.team("V-X")) == ("IT", "")


def test_on_a_read_only_connection_values_wait_and_nothing_is_kept_as_sent(
    world: VendorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.choose(world.an_id(), "IT")
    world.connect(monkeypatch, read_only=True)
    states = world.run()
    assert (states["write_vendors"], "read-only" in str(world.error)) == ("failed", True)
    assert world.store.vendor_values().all() == {}
    world.connect(monkeypatch, read_only=False)
    world.must_run()
    assert world.team(world.an_id()) == "IT"


def test_an_emptied_field_keeps_intaccts_value_and_says_so_once(world: VendorWorld) -> None:
    vendor_id = world.an_id()
    for team in ("IT", None):
        world.choose(vendor_id, team)
        world.must_run()
    world.must_run()
    assert world.team(vendor_id) == "IT"
    assert len(world.comments(vendor_id)) == 1
    assert "Intacct keeps 'IT'" in world.comments(vendor_id)[0]


def test_with_clears_an_emptied_field_is_emptied_in_intacct(a_world: AWorld) -> None:
    world = a_world(("intacct_field: ASANA_TEAM", "intacct_field: ASANA_TEAM\n      clears: true"))
    world.must_run()
    vendor_id = world.an_id()
    for team in ("IT", None):
        world.choose(vendor_id, team)
        world.must_run()
    assert world.team(vendor_id) == ""


@pytest.mark.parametrize(
    ("shows", "answer"),
    [
        ("after", "approve_vendor"),
        ("before", "decline_vendor"),
        pytest.param("after", "decline_vendor", marks=pytest.mark.slow),
        pytest.param("before", "approve_vendor", marks=pytest.mark.slow),
    ],
)
def test_a_value_that_waits_for_approval_is_shown_and_not_written_again(world: VendorWorld, shows: str, answer: str) -> None:
    world.sandbox.settings(vendor_approvals_on=True, vendor_edit_shows=shows)
    vendor_id = world.an_id()
    world.choose(vendor_id, "IT")
    world.must_run()
    assert "Team 'IT' waits for approval in Intacct" in world.comments(vendor_id)[0]
    assert "waits" in world.results["write_vendors"]["said"]["waiting"][0]
    world.sandbox.zero_counters()
    world.must_run()
    assert "intacct WRITE" not in world.sandbox.counters()
    assert world.results["write_vendors"]["open"]
    world.sandbox.act("intacct", "mgarcia", answer, vendor_id=vendor_id)
    for _ in range(2):
        world.must_run()
    assert "intacct WRITE" not in world.sandbox.counters()
    told = world.comments(vendor_id)
    assert len(told) == 2
    if answer == "approve_vendor":
        assert world.team(vendor_id) == "IT"
        assert "is in Intacct now" in told[1]
        return
    assert world.vendor(vendor_id)["custom"] == {}
    assert "declined in Intacct" in told[1]
    world.choose(vendor_id, "Marketing")
    world.must_run()
    assert world.vendor(vendor_id)["waiting"] == {"ASANA_TEAM": "Marketing"}


def test_a_queue_that_the_vendors_state_does_not_show_is_the_flow_files_to_say(a_world: AWorld) -> None:
    said = ("  # edits_wait_for_approval: true  ", "  edits_wait_for_approval: true  ")
    world = a_world(said, vendor_approvals_on=True, vendor_waiting_state="A")
    world.must_run()
    vendor_id = world.an_id()
    world.choose(vendor_id, "IT")
    for _ in range(2):
        world.must_run()
    assert world.sandbox.counters()["intacct update VENDOR"] == 1
    assert "waits for approval" in world.comments(vendor_id)[0]
    world.sandbox.act("intacct", "mgarcia", "approve_vendor", vendor_id=vendor_id)
    world.must_run()
    assert "is in Intacct now" in world.comments(vendor_id)[1]


def test_an_answer_lost_after_the_write_is_found_by_reading_back(world: VendorWorld) -> None:
    vendor_id = world.an_id()
    world.choose(vendor_id, "IT")
    world.sandbox.fault("intacct", "update VENDOR", "lost_answer")
    world.must_run()
    assert world.team(vendor_id) == "IT"
    assert world.sandbox.counters()["intacct update VENDOR"] == 1


ANSWERS = ("drop", "no_status", "aborted", "half_success", "html", "empty", "truncated", "status:503", "status_after:500")


@pytest.mark.parametrize("action", [pytest.param(name, marks=[] if name == "drop" else pytest.mark.slow) for name in ANSWERS])
def test_whatever_is_answered_to_the_write_the_next_runs_end_with_one_value_and_no_noise(
    world: VendorWorld, action: str
) -> None:
    vendor_id = world.an_id()
    world.choose(vendor_id, "IT")
    world.sandbox.fault("intacct", "update VENDOR", action)
    states = [world.run()["write_vendors"] for _ in range(3)]
    assert states[1:] == ["success", "success"]
    assert world.team(vendor_id) == "IT"
    assert world.sandbox.counters()["intacct update VENDOR"] <= 2
    assert [row.body["step"] for row in world.store.evidence() if row.body["step"] == "AGREED"] == ["AGREED"]
    assert world.comments(vendor_id) == []


def test_a_write_that_intacct_loses_fails_the_run_and_the_next_ones_heal_it(world: VendorWorld) -> None:
    vendor_id = world.an_id()
    world.choose(vendor_id, "IT")
    world.sandbox.fault("intacct", "update VENDOR", "lose_stamp")
    assert world.run()["write_vendors"] == "failed"
    assert "does not show what was written" in str(world.error)
    states = [world.run()["write_vendors"] for _ in range(3)]
    assert states == ["failed", "success", "success"]
    assert world.team(vendor_id) == "IT"


def test_an_inactive_vendor_is_left_alone_until_it_is_active_again(world: VendorWorld) -> None:
    vendor_id = world.an_id()
    world.edit(vendor_id, status="inactive")
    world.choose(vendor_id, "IT")
    for _ in range(2):
        world.must_run()
    assert world.task(vendor_id)["completed"]
    assert world.vendor(vendor_id)["custom"] == {}
    assert len(world.comments(vendor_id)) == 1
    assert "the vendor is inactive in Intacct" in world.comments(vendor_id)[0]
    world.edit(vendor_id, status="active")
    world.must_run()
    assert world.team(vendor_id) == "IT"


def test_only_the_vendors_own_task_speaks_for_it(world: VendorWorld) -> None:
    vendor_id = world.an_id()
    copy = world.sandbox.act("asana", BEN, "duplicate", task=world.task(vendor_id)["gid"])["result"]
    world.sandbox.act("asana", BEN, "choose", task=copy["gid"], field="Team", option="Marketing")
    world.must_run()
    assert world.vendor(vendor_id)["custom"] == {}
    assert "only what its own task says counts" in " ".join(world.results["plan_vendor_fields"]["notes"])


def test_two_vendors_of_one_name_are_two_vendors_and_are_said(world: VendorWorld) -> None:
    first, second = world.an_id(), world.an_id(1)
    name = world.vendor(first)["name"]
    world.sandbox.act("intacct", "mgarcia", "edit_vendor", vendor_id=second, changes={"name": f" {name.upper()} "})
    world.must_run()
    world.choose(first, "IT")
    world.choose(second, "Marketing")
    world.must_run(full=True)
    assert world.vendor(first)["custom"]["ASANA_TEAM"] == "IT"
    assert world.vendor(second)["custom"]["ASANA_TEAM"] == "Marketing"
    assert f"vendors {first}, {second} have the same name" in " ".join(world.results["plan_vendor_fields"]["notes"])


def test_a_value_for_a_vendor_that_is_gone_is_kept_and_said(world: VendorWorld) -> None:
    world.sandbox.act("intacct", "mgarcia", "create_vendor", vendor_id="V-GONE", name="Gone")
    world.must_run()
    world.choose("V-GONE", "IT")
    world.sandbox.act("intacct", "mgarcia", "delete_vendor", vendor_id="V-GONE")
    world.must_run()
    assert "the vendor is gone from Intacct" in world.comments("V-GONE")[-1]
    assert world.task("V-GONE")["fields"]["Team"] == "IT"


@pytest.mark.parametrize("side", ["Intacct", "Asana"])
def test_a_vendor_that_cannot_be_read_fails_by_name_and_the_others_are_written(world: VendorWorld, side: str) -> None:
    bad, good = world.an_id(), world.an_id(1)
    for vendor_id in (bad, good):
        world.choose(vendor_id, "IT")
    if side == "Intacct":
        number = world.vendor(bad)["record_no"]
        world.sandbox.settings(shown_values={"VENDOR.CREDITLIMIT": {f"#{number}": "1,234.00"}})
    else:
        world.sandbox.settings(asana_odd_values={world.task(bad)["gid"]: {"completed": "perhaps"}})
    for _ in range(2):
        assert world.run()["write_vendors"] == "failed"
        assert "1 vendors failed" in str(world.error)
        assert ("field CREDITLIMIT" if side == "Intacct" else "completed should be") in str(world.error)
        assert (world.team(bad), world.team(good)) == ("", "IT")
    world.sandbox.settings(shown_values={}, asana_odd_values={})
    world.must_run()
    assert world.team(bad) == "IT"


def test_too_many_vendors_to_write_stop_the_run(a_world: AWorld) -> None:
    world = a_world(("vendor_writes: 100", "vendor_writes: 1"))
    world.must_run()
    for place in range(2):
        world.choose(world.an_id(place), "IT")
    assert world.run()["plan_vendor_fields"] == "failed"
    assert "intacct WRITE" not in world.sandbox.counters()
    world.must_run(allow_unsafe_plan=True)
    assert world.sandbox.counters()["intacct WRITE"] == 2


def test_a_side_that_turns_empty_stops_the_run(a_world: AWorld) -> None:
    world = a_world(vendors=14)
    world.must_run()
    ids = [world.an_id(place) for place in range(10)]
    for vendor_id in ids:
        world.choose(vendor_id, "IT")
    world.must_run()
    for vendor_id in ids:
        world.choose(vendor_id, None)
    assert world.run()["plan_vendor_fields"] == "failed"
    assert {world.team(vendor_id) for vendor_id in ids} == {"IT"}


def test_a_lost_store_agrees_anew_and_writes_nothing(world: VendorWorld) -> None:
    for place in range(3):
        world.choose(world.an_id(place), "IT")
    world.must_run()
    _, before = world.writes()
    world.open_new_store()
    world.must_run()
    assert world.writes()[1] == before
    assert world.results["write_vendors"]["done"] == {"AGREED": 3}


def test_preflight_names_a_field_that_intacct_lacks_and_an_option_that_its_picklist_lacks(a_world: AWorld) -> None:
    legal = ("options: [Facilities, IT, Marketing, Operations]", "options: [Facilities, IT, Marketing, Legal]")
    world = a_world(legal, missing_custom_fields=["ASANA_APPROVER"])
    said = " ".join(row["result"] for row in world.checks if row["ok"] == "no")
    assert "VENDOR field ASANA_APPROVER: does not exist" in said
    assert "takes Facilities, IT, Marketing, Operations only, not 'Legal'" in said


# Whose task a bill becomes


def test_a_bills_task_is_given_to_the_person_whom_its_vendor_names(world: VendorWorld) -> None:
    vendor_id = world.an_id()
    world.name_approver(vendor_id, "Alice.Martin@northwind.example")
    record_no = world.add_bill(vendor_id)
    world.sync_bills()
    assert world.bill_task(record_no)["assignee"] == ALICE
    before = world.writes()
    world.sync_bills()
    assert world.writes() == before


def test_when_a_vendor_names_another_person_its_tasks_follow_unless_somebody_handed_them_over(world: VendorWorld) -> None:
    vendor_id = world.an_id()
    world.name_approver(vendor_id, ALICE)
    kept, moved = world.add_bill(vendor_id), world.add_bill(vendor_id)
    world.sync_bills()
    world.sandbox.act("asana", ALICE, "assign", task=world.bill_task(kept)["gid"], to=CARLA)
    world.name_approver(vendor_id, BEN)
    world.sync_bills()
    assert world.bill_task(moved)["assignee"] == BEN
    assert world.bill_task(kept)["assignee"] == CARLA
    world.name_approver(vendor_id, ALICE)
    world.sync_bills()
    assert (world.bill_task(moved)["assignee"], world.bill_task(kept)["assignee"]) == (ALICE, CARLA)


def test_a_choice_names_the_person_whom_the_flow_says_it_is(a_world: AWorld) -> None:
    named = "assignee: {vendor_field: Team, people: {IT: ben.okafor@northwind.example}, email: carla.ruiz@northwind.example}"
    world = a_world(("assignee: {vendor_field: Default approver}", named))
    world.must_run()
    world.choose(world.an_id(), "IT")
    world.must_run()
    bills = [world.add_bill(world.an_id()), world.add_bill(world.an_id(1))]
    world.sync_bills()
    assert [world.bill_task(bill)["assignee"] for bill in bills] == [BEN, CARLA]


def test_a_people_field_names_a_person_and_needs_no_field_in_intacct(a_world: AWorld) -> None:
    text = "{name: Default approver, kind: text, owner: asana, intacct_field: ASANA_APPROVER}"
    world = a_world((text, "{name: Default approver, kind: people, owner: asana}"))
    world.must_run()
    gid = world.task(world.an_id())["gid"]
    world.sandbox.act("asana", BEN, "set_people", task=gid, field="Default approver", people=[ALICE])
    world.must_run()
    record_no = world.add_bill(world.an_id())
    world.sync_bills()
    assert world.bill_task(record_no)["assignee"] == ALICE
    assert world.writes()[1] == 0


def test_a_person_unknown_to_asana_never_stops_a_bill(world: VendorWorld) -> None:
    vendor_id = world.an_id()
    world.name_approver(vendor_id, "nobody@northwind.example")
    record_no = world.add_bill(vendor_id)
    planned = world.sync_bills()
    assert world.bill_task(record_no)["assignee"] is None
    assert planned["unknown_people"] == ["nobody@northwind.example"]
