"""Every answer the gateway has been seen or documented to give, as a sample file, and what it becomes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from intacct_asana.errors import (
    IntacctAsanaError,
    Misconfigured,
    OutcomeUnknown,
    Refused,
    SessionEnded,
    TryLater,
    UnexpectedReply,
)
from intacct_asana.intacct.replies import Reply, decipher

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def read(name: str, *, status: int = 200, is_write: bool = False, **headers: str) -> Reply:
    function = "update" if name.startswith("update_") else ""
    return decipher(
        status, headers, sample(name), asked="stamp of bill 41", is_write=is_write, control_id="c-1", function=function
    )


def test_a_success_tells_whose_session_it_is_and_until_when() -> None:
    reply = read("session_opened.xml")
    assert (reply.function, reply.company_id, reply.user_id, reply.entity_id) == ("getAPISession", "ACME", "api_user", "")
    assert reply.session_from == datetime(2026, 11, 23, 16, tzinfo=UTC)
    assert reply.session_until == datetime(2026, 11, 23, 22, tzinfo=UTC)


BOTH = [
    # sample, HTTP status, what a read becomes, what a write becomes, part of the message
    ("bad_sender.xml", 200, Misconfigured, Misconfigured, "Partner ID"),
    ("bad_sender_front.xml", 400, Misconfigured, Misconfigured, "support id r-77"),
    ("bad_login_2019.xml", 401, Misconfigured, Misconfigured, "lock"),
    ("bad_login.xml", 200, Misconfigured, Misconfigured, "lock"),
    ("sender_not_authorised.xml", 200, Misconfigured, Misconfigured, "Web Services authorizations"),
    ("invalid_session.xml", 200, SessionEnded, SessionEnded, "Invalid session"),
    ("invalid_session_front.xml", 200, SessionEnded, SessionEnded, "Invalid session"),
    ("demo_expired.xml", 200, Misconfigured, Misconfigured, "renews"),
    ("unknown_policy.xml", 200, Misconfigured, Misconfigured, "policy id"),
    ("bad_login_400.xml", 400, Misconfigured, Misconfigured, "lock"),
    ("bad_login.xml", 403, Misconfigured, Misconfigured, "lock"),
    ("session_refused.xml", 200, Misconfigured, Misconfigured, "entity id"),
    ("control_failure_silent.xml", 200, UnexpectedReply, OutcomeUnknown, "no reason"),
    ("control_failure_silent.xml", 401, Misconfigured, Misconfigured, "lock"),
    ("control_failure_with_result.xml", 200, UnexpectedReply, OutcomeUnknown, "control status 'failure'"),
    ("login_failure_with_result.xml", 200, UnexpectedReply, OutcomeUnknown, "authentication status 'failure'"),
    ("authentication_aborted.xml", 200, UnexpectedReply, OutcomeUnknown, "authentication status 'aborted'"),
    ("no_control.xml", 200, UnexpectedReply, OutcomeUnknown, "control status 'missing'"),
    ("two_controls.xml", 200, UnexpectedReply, OutcomeUnknown, "control status 'missing'"),
    ("malformed_request.xml", 200, Refused, Refused, "Error 502"),
    ("control_failure_unknown.xml", 200, UnexpectedReply, OutcomeUnknown, "Something new"),
    ("off_line.xml", 200, TryLater, TryLater, "Off-line"),
    ("off_line_no_status.xml", 200, TryLater, OutcomeUnknown, "Off-line"),
    ("too_many.xml", 200, TryLater, TryLater, "GW-0010"),
    ("too_many.xml", 400, TryLater, TryLater, "GW-0010"),
    ("error_as_bare_text.xml", 200, TryLater, TryLater, "rate limit"),
    ("rate_limit_inside_200.xml", 200, TryLater, TryLater, "rate limit"),
    ("no_permission.xml", 200, Misconfigured, Misconfigured, "READ_BY_QUERY on objects of type apbill"),
    ("no_permission_unnumbered.xml", 200, Misconfigured, Misconfigured, "audit history"),
    ("update_refused.xml", 200, Refused, Refused, "Reverse the payment"),
    ("update_refused.xml", 400, Refused, Refused, "Reverse the payment"),
    ("update_duplicate.xml", 200, Refused, Refused, "[BL01001973, GL-0493, IA.DUPLICATE_ACCOUNT_NUMBER]"),
    ("query_failed.xml", 200, Refused, Refused, "support id Qq1~Ww="),
    ("field_unknown.xml", 200, Refused, Refused, "SHOESIZE"),
    ("object_unknown.xml", 200, Refused, Refused, "APBILLS"),
    ("update_without_status.xml", 200, UnexpectedReply, OutcomeUnknown, "missing"),
    ("update_aborted.xml", 200, UnexpectedReply, OutcomeUnknown, "rolled back"),
    ("update_aborted_itself.xml", 200, UnexpectedReply, OutcomeUnknown, "Department is missing"),
    ("rollback_of_two.xml", 200, UnexpectedReply, OutcomeUnknown, "Department is missing"),
    ("update_half_done.xml", 200, Refused, OutcomeUnknown, "already exists"),
    ("update_half_done_key.xml", 200, Refused, OutcomeUnknown, "already exists"),
    ("update_half_done_second.xml", 200, Refused, OutcomeUnknown, "already exists"),
    ("update_repeated.xml", 200, Refused, OutcomeUnknown, "control ID"),
    ("update_broke.xml", 200, TryLater, OutcomeUnknown, "DL02000001"),
    ("no_such_object.xml", 200, Refused, OutcomeUnknown, "SHOES not found"),
    ("failure_without_reason.xml", 200, UnexpectedReply, OutcomeUnknown, "no reason"),
    ("status_nobody_knows.xml", 200, UnexpectedReply, OutcomeUnknown, "pending"),
    ("two_statuses.xml", 200, UnexpectedReply, OutcomeUnknown, "'missing'"),
    ("data_twice.xml", 200, UnexpectedReply, OutcomeUnknown, "more than one data"),
    ("success_with_errors.xml", 200, UnexpectedReply, OutcomeUnknown, "a success that lists errors"),
    ("success_with_other_errors.xml", 200, UnexpectedReply, OutcomeUnknown, "Could not update apbill record!"),
    ("three_results.xml", 200, UnexpectedReply, OutcomeUnknown, "3 results"),
    ("two_results.xml", 200, UnexpectedReply, OutcomeUnknown, "2 results"),
    ("no_result.xml", 200, UnexpectedReply, OutcomeUnknown, "0 results"),
    ("anothers_answer.xml", 200, UnexpectedReply, OutcomeUnknown, "another request"),
    ("acknowledgement.xml", 200, UnexpectedReply, OutcomeUnknown, "acknowledgement"),
    ("acknowledgement_full.xml", 200, UnexpectedReply, OutcomeUnknown, "acknowledgement"),
    ("update_done.xml", 202, UnexpectedReply, OutcomeUnknown, "HTTP 202"),
    ("entities.xml", 200, UnexpectedReply, OutcomeUnknown, "without an Intacct answer"),
    ("truncated.xml", 200, UnexpectedReply, OutcomeUnknown, "cut off"),
    ("ill_formed_tag.xml", 200, UnexpectedReply, OutcomeUnknown, "cut off"),
    ("two_roots.xml", 200, UnexpectedReply, OutcomeUnknown, "cut off"),
    ("empty.txt", 200, UnexpectedReply, OutcomeUnknown, "empty body"),
    ("empty.txt", 204, UnexpectedReply, OutcomeUnknown, "HTTP 204"),
    ("rows.csv", 200, UnexpectedReply, OutcomeUnknown, "bytes of text"),
    ("rows.json", 200, UnexpectedReply, OutcomeUnknown, "bytes of text"),
    ("parser_text.txt", 200, UnexpectedReply, OutcomeUnknown, "bytes of text"),
    ("proxy_down.txt", 200, TryLater, OutcomeUnknown, "bytes of text"),
    ("proxy_down.txt", 503, TryLater, OutcomeUnknown, "HTTP 503"),
    ("page.html", 404, UnexpectedReply, OutcomeUnknown, "HTTP 404"),
    ("page.html", 401, UnexpectedReply, OutcomeUnknown, "HTTP 401"),
    ("page.html", 408, TryLater, OutcomeUnknown, "HTTP 408"),
    ("page_error.html", 200, TryLater, OutcomeUnknown, "HTML page"),
    ("page.html", 200, UnexpectedReply, OutcomeUnknown, "HTML page"),
    ("page.html", 307, UnexpectedReply, OutcomeUnknown, "HTTP 307"),
    ("page.html", 503, TryLater, OutcomeUnknown, "HTTP 503"),
    ("cloudflare.html", 200, TryLater, OutcomeUnknown, "Cloudflare"),
    ("cloudflare_challenge.html", 403, TryLater, OutcomeUnknown, "Cloudflare"),
    ("cloudflare.html", 524, TryLater, OutcomeUnknown, "HTTP 524"),
    ("update_done.xml", 500, TryLater, OutcomeUnknown, "HTTP 500"),
    ("bad_sender_front.xml", 500, TryLater, OutcomeUnknown, "support id r-77"),
    ("too_many.xml", 429, TryLater, TryLater, "Too many requests [GW-0010]"),
    ("page.html", 429, TryLater, TryLater, "HTTP 429"),
]


@pytest.mark.parametrize(("name", "status", "as_read", "as_write", "says"), BOTH)
def test_each_answer_becomes_the_error_named_for_what_happens_next(
    name: str, status: int, as_read: type[Exception], as_write: type[Exception], says: str
) -> None:
    for is_write, kind in ((False, as_read), (True, as_write)):
        with pytest.raises(IntacctAsanaError) as caught:
            read(name, status=status, is_write=is_write)
        assert type(caught.value) is kind
        assert says in str(caught.value)
        assert "stamp of bill 41" in str(caught.value)


def test_a_write_that_does_not_say_whose_answer_it_is_has_an_unknown_outcome() -> None:
    for name, doubt in (
        ("update_without_control_id.xml", "another request"),
        ("update_other_function.xml", "another function"),
    ):
        assert read(name).data is not None
        with pytest.raises(OutcomeUnknown, match=doubt):
            read(name, is_write=True)


def test_missing_children_of_control_do_not_matter_to_a_success() -> None:
    assert read("query_control_bare.xml").data is not None


@pytest.mark.parametrize("content_type", ["application/xml", "text/html; charset=UTF-8", "application/octet-stream", ""])
def test_the_body_decides_and_not_the_content_type(content_type: str) -> None:
    headers = {"content-type": content_type}
    assert decipher(200, headers, sample("update_done.xml"), asked="update", is_write=True).data is not None
    with pytest.raises(OutcomeUnknown, match="an HTML page"):
        decipher(200, headers, sample("page.html"), asked="update", is_write=True)


def test_a_refusal_is_told_in_plain_words_with_every_error_and_a_decoded_support_id() -> None:
    with pytest.raises(Refused) as caught:
        read("update_refused.xml", is_write=True)
    assert caught.value.code == "BL03000018"
    assert str(caught.value) == (
        'stamp of bill 41: Intacct said: stripthesetags: the bill\'s "state" is Paid. Reverse the payment. '
        "[BL03000018, AP-0123] | Could not update apbill record! [BL01001973] (support id x9yT~Z-1-b)"
    )


def test_no_part_of_a_session_id_reaches_a_message() -> None:
    for name in ("invalid_session.xml", "invalid_session_front.xml"):
        with pytest.raises(SessionEnded) as caught:
            read(name)
        assert "sEcReT" not in str(caught.value)


def test_no_text_of_a_page_reaches_a_message() -> None:
    with pytest.raises(UnexpectedReply) as caught:
        read("page.html")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("99999", 3600.0), ("Mon, 23 Nov 2026 08:00:00 GMT", None), ("", None)]
)
def test_retry_after_is_honoured_within_reason(text: str, seconds: float | None) -> None:
    for status, name in ((429, "page.html"), (503, "page.html"), (200, "rate_limit_inside_200.xml")):
        with pytest.raises(TryLater) as caught:
            decipher(status, {"retry-after": text}, sample(name), asked="query", is_write=False)
        assert caught.value.wait_seconds == seconds


@pytest.mark.parametrize("body", [b"   ", b"<a/><b/>", b"\xff\xfe\x00", b"<a>" * 5000])
def test_what_is_no_answer_is_never_a_success(body: bytes) -> None:
    with pytest.raises(UnexpectedReply):
        decipher(200, {}, body, asked="query", is_write=False)
    with pytest.raises(OutcomeUnknown):
        decipher(200, {}, body, asked="update", is_write=True)
