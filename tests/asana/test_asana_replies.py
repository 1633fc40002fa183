"""Every answer that Asana documents, and many that it does not, becomes data or one of our errors."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.asana.connection import Grant, decipher_token, refresh_form, token_url
from intacct_asana.asana.records import project_from, setting_from, story_from, task_from
from intacct_asana.asana.replies import announced_changes, decipher, decipher_events, nothing, one, page
from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, TryLater, UnexpectedReply
from intacct_asana.records import Event, EventPage, Task

SAMPLES = Path(__file__).parent / "samples"
GRANT = Grant(client_id="app", client_secret="the-secret", refresh_token="the-refresh")


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def complaint(message: str) -> bytes:
    return json.dumps({"errors": [{"message": message, "help": "docs"}]}).encode()


def understand(
    status: int, body: bytes, *, is_write: bool = False, headers: dict[str, str] | None = None, read: Any = nothing
) -> Any:
    return decipher(status, headers or {}, body, asked="reading task 1", is_write=is_write, read=read)


def test_a_created_object_is_data_too() -> None:
    assert understand(201, sample("task.json"), is_write=True, read=one(task_from)).gid == "1209000000000001"


def test_a_page_knows_where_the_next_one_begins() -> None:
    tasks, offset = understand(200, sample("tasks_page.json"), read=page(task_from))
    assert [task.gid for task in tasks] == ["1", "2"]
    assert offset == "eyJvIjoxfQ"
    assert understand(200, sample("stories.json"), read=page(story_from))[1] is None


@pytest.mark.parametrize(
    ("status", "said", "kind", "words"),
    [
        (400, "name: Missing input", Refused, "name: Missing input"),
        (400, "custom_fields: Custom field with ID 5 is not on given object", Misconfigured, "preflight"),
        (400, "custom_fields: Not a recognized ID: 77", Misconfigured, "preflight"),
        (400, "custom_fields: Enum option 77 is disabled", Misconfigured, "preflight"),
        (400, "offset: Your pagination token is invalid.", TryLater, "too long"),
        (401, "Not Authorized", Misconfigured, "token"),
        (402, "Search is only available to premium users.", Refused, "paid"),
        (403, "You do not have access to this task.", Refused, "access"),
        (403, "This custom field is locked.", Misconfigured, "administrator"),
        (404, "task: Unknown object: 1", Refused, "Unknown object"),
        (424, "whatever", TryLater, "424"),
        (451, "Not in your country", Refused, "451"),
        (500, "Server Error", TryLater, "500"),
        (503, "Busy", TryLater, "503"),
    ],
)
def test_each_no_of_a_read_is_one_of_our_errors(status: int, said: str, kind: type[IntacctAsanaError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        understand(status, complaint(said))
    assert type(caught.value) is kind
    assert caught.value.code == str(status)
    assert caught.value.message.startswith("reading task 1")


@pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "7"}, 7.0), ({"retry-after": "soon"}, 30.0), ({}, 30.0)])
def test_a_limit_says_how_long_to_wait(headers: dict[str, str], seconds: float) -> None:
    """Also after a write: a refused request did nothing."""
    with pytest.raises(TryLater) as caught:
        understand(429, complaint("too many"), headers=headers, is_write=True)
    assert caught.value.wait_seconds == seconds


def test_a_424_is_a_limit_for_reads_and_unclear_for_writes() -> None:
    with pytest.raises(TryLater) as caught:
        understand(424, complaint("too many"), headers={"Retry-After": "9"})
    assert caught.value.wait_seconds == 9
    with pytest.raises(OutcomeUnknown):
        understand(424, complaint("too many"), headers={"Retry-After": "9"}, is_write=True)


def test_the_support_phrase_of_a_server_fault_is_told() -> None:
    with pytest.raises(TryLater, match="6 sad squid snuggle softly"):
        understand(500, sample("server_fault_500.json"))


@pytest.mark.parametrize("status", [424, 500, 502, 504, 524])
def test_an_outage_after_a_write_leaves_the_outcome_unknown(status: int) -> None:
    with pytest.raises(OutcomeUnknown):
        understand(status, sample("bad_gateway.html"), is_write=True)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"null"),
        (200, b"[1]"),
        (200, b'{"data": null}'),
        (200, b'{"data": {"gid": 12}}'),
        (200, b'{"data": {"gid": "1"}}'),
        (200, b'{"data": {"gid": "1", "completed": NaN}}'),
        (200, b'{"data": {"gid": "1", "completed": false}'),
        (200, b"\xff\xfe\xfa"),
        (200, b"[" * 100_000),
        (204, b""),
        (302, b""),
        (403, b"<html>proxy</html>"),
        (404, b"<html>no such page</html>"),
        (404, b'{"errors": [{"message": "No matching route for request"}]}'),
        (404, b'{"errors": []}'),
    ],
)
def test_what_is_not_documented_is_never_taken_for_an_answer(status: int, body: bytes) -> None:
    """A 404 of some proxy above all: it must not say that a bill's task is gone."""
    with pytest.raises(UnexpectedReply):
        understand(status, body, read=one(task_from))
    with pytest.raises(OutcomeUnknown):
        understand(status, body, read=one(task_from), is_write=True)


def test_a_page_of_events_is_read() -> None:
    found = decipher_events(200, {}, sample("events.json"), asked="reading events")
    assert found.sync_token == "de4774f6915eae04714ca93bb2f5ee81"
    assert found.has_more
    assert not found.reset
    assert [event.resource_type for event in found.events] == ["task", "story"]
    story = found.events[1]
    assert isinstance(story, Event)
    assert (story.user_gid, story.parent_gid, story.parent_type) == (None, "1209000000000001", "task")


def test_an_ended_sync_token_is_a_page_that_says_so() -> None:
    found = decipher_events(412, {}, sample("events_expired_412.json"), asked="reading events")
    assert found == EventPage(events=(), sync_token="0123456789abcdef0123456789abcdef", reset=True)


@pytest.mark.parametrize("body", [b"{}", b'{"sync": ""}', b"<html>", b'{"sync": 5}'])
def test_a_412_without_a_new_token_is_not_believed(body: bytes) -> None:
    with pytest.raises(UnexpectedReply):
        decipher_events(412, {}, body, asked="reading events")


def test_settings_tell_what_can_be_written() -> None:
    fields, _ = understand(200, sample("custom_field_settings.json"), read=page(setting_from))
    assert [(field.name, field.kind, field.precision, field.writable) for field in fields] == [
        ("Amount", "number", 2, True),
        ("Approval", "enum", None, False),
        ("Days left", "number", 0, False),
    ]
    assert [(option.name, option.enabled) for option in fields[1].options] == [("Pending", True), ("Old", False)]


def test_a_project_names_its_workspace() -> None:
    found = understand(200, sample("project.json"), read=one(project_from))
    assert found == ("1200000000000010", "AP bills", "1200000000000001")


def test_announced_changes_are_read_from_the_header() -> None:
    headers = {"asana-change": "name=old_thing;info=https://x.example/a;affected=true, name=other;info=https://x.example/b"}
    first, second = announced_changes(headers)
    assert (first.name, first.info, first.affects_us) == ("old_thing", "https://x.example/a", True)
    assert (second.name, second.affects_us) == ("other", False)
    assert announced_changes({}) == []


def test_a_refresh_gives_a_token_and_hides_it() -> None:
    found = decipher_token(200, {}, sample("oauth_token.json"), grant=GRANT)
    assert (found.text, found.lifetime_seconds, found.refresh_token) == ("short-lived", 3600, "")
    assert "short-lived" not in repr(found)
    assert "the-" not in repr(GRANT)
    assert b"grant_type=refresh_token" in refresh_form(GRANT)
    assert token_url("https://app.asana.com/api/1.0") == "https://app.asana.com/-/oauth_token"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, sample("oauth_refused_400.json"), Misconfigured),
        (429, b"", TryLater),
        (503, b"<html>", TryLater),
        (200, b"{}", UnexpectedReply),
        (404, b"<html>", UnexpectedReply),
    ],
)
def test_a_failed_refresh_says_what_to_do(status: int, body: bytes, kind: type[IntacctAsanaError]) -> None:
    with pytest.raises(kind):
        decipher_token(status, {}, body, grant=GRANT)


@pytest.mark.fuzz
@given(body=st.binary(max_size=60), status=st.integers(min_value=100, max_value=599), is_write=st.booleans())
def test_any_bytes_are_data_or_one_of_our_errors(body: bytes, status: int, is_write: bool) -> None:
    try:
        understand(status, body, is_write=is_write, read=one(task_from))
    except (TryLater, Refused, Misconfigured, OutcomeUnknown):
        pass
    except UnexpectedReply:
        assert not is_write


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "1", "2026-13-45", "x"]) | st.just(1e300),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["gid", "date", "name"]), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.fuzz
@given(value=JSON_VALUES, at=st.data())
def test_a_task_with_any_part_changed_is_a_task_or_unexpected(value: Any, at: st.DataObject) -> None:
    body = json.loads(sample("task.json"))
    task = body["data"]
    entry = at.draw(st.sampled_from([task, *task["custom_fields"], *task["memberships"]]))
    entry[at.draw(st.sampled_from(sorted(entry)))] = value
    with suppress(UnexpectedReply):
        assert isinstance(understand(200, json.dumps(body).encode(), read=one(task_from)), Task)


# What is left out or said twice is no proof


STORY = {
    "gid": "31",
    "created_at": "2026-11-23T08:00:00.000Z",
    "created_by": None,
    "resource_subtype": "comment_added",
    "text": "approve",
}


@pytest.mark.parametrize("part", ["created_at", "resource_subtype", "text"])
@pytest.mark.parametrize("how", ["left out", "null"])
def test_a_story_that_leaves_out_what_it_is_about_is_not_believed(part: str, how: str) -> None:
    """It was passed over, and the choice that it took back stood."""
    body = {**STORY, part: None} if how == "null" else {key: value for key, value in STORY.items() if key != part}
    assert story_from(STORY).text == "approve"
    with pytest.raises(UnexpectedReply, match=part):
        story_from(body)


def test_a_field_that_comes_twice_with_two_values_is_not_believed() -> None:
    """The second hid what somebody had made of the first."""
    entries = [{"gid": "502", "type": "number", "number_value": value} for value in (5, 5, 9)]
    assert task_from({"gid": "1", "completed": False, "custom_fields": entries[:2]}).fields == {"502": 5}
    with pytest.raises(UnexpectedReply, match="twice"):
        task_from({"gid": "1", "completed": False, "custom_fields": entries})


def test_an_answer_about_another_object_than_the_one_asked_for_is_not_believed() -> None:
    """A guest passed as whoever the answer was about, and a task that people had altered as one that is not ours."""
    gid = "1209000000000001"
    assert understand(200, sample("task.json"), read=one(task_from, gid=gid)).gid == gid
    with pytest.raises(UnexpectedReply, match=f"about {gid}"):
        understand(200, sample("task.json"), read=one(task_from, gid="7"))
