"""What leaves for the gateway: the envelope, filters, keyset steps, and texts that XML cannot carry."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.errors import Misconfigured, UnexpectedReply
from intacct_asana.intacct import query
from intacct_asana.intacct.records import bill_scope, stamp_fields
from intacct_asana.intacct.timestamps import ServerClock
from intacct_asana.intacct.walks import walks
from intacct_asana.intacct.xml import Login, Sender, SessionId, clean, element, get_session, request, update
from intacct_asana.records import ReadWindow
from lxml import etree

SENDER = Sender(sender_id="a_sender", password="sender<&>secret")
CLOCK = ServerClock()


def xml(node: etree._Element) -> str:
    return etree.tostring(node, encoding="unicode")


def test_a_login_request_is_as_the_schema_orders_it() -> None:
    login = Login(user_id="api", company_id="ACME", password="p&w", client_id="c", entity_id="US01")
    made = request(SENDER, login, get_session(), control_id="id-1", unique=False)
    assert made.decode() == (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        "<request><control><senderid>a_sender</senderid><password>sender&lt;&amp;&gt;secret</password>"
        "<controlid>id-1</controlid><uniqueid>false</uniqueid><dtdversion>3.0</dtdversion>"
        "<includewhitespace>false</includewhitespace></control>"
        '<operation transaction="false"><authentication><login><userid>api</userid><companyid>ACME</companyid>'
        "<password>p&amp;w</password><clientid>c</clientid><locationid>US01</locationid></login></authentication>"
        '<content><function controlid="id-1"><getAPISession/></function></content></operation></request>'
    )


def test_error_details_are_asked_for_behind_what_the_schema_knows() -> None:
    made = request(SENDER, SessionId(value="s"), get_session(), control_id="id-1", unique=False, error_details=True)
    assert b"</includewhitespace><showadditionalerrorinfo>true</showadditionalerrorinfo></control>" in made


def test_a_write_asks_intacct_to_refuse_repeats_of_its_control_id() -> None:
    made = request(SENDER, SessionId(value="s"), get_session(), control_id="decision-1", unique=True).decode()
    assert "<uniqueid>true</uniqueid>" in made
    assert '<function controlid="decision-1">' in made
    assert "<authentication><sessionid>s</sessionid></authentication>" in made


def test_no_secret_is_in_a_repr() -> None:
    login = Login(user_id="api", company_id="ACME", password="user-secret")
    assert not any(word in repr((SENDER, login, SessionId(value="sess-secret"))) for word in ("secret",))


@pytest.mark.parametrize("control_id", ["", "x" * 257])
def test_a_control_id_has_1_to_256_characters(control_id: str) -> None:
    with pytest.raises(Misconfigured):
        request(SENDER, SessionId(value="s"), get_session(), control_id=control_id, unique=True)


@given(st.text())
def test_any_text_can_be_sent_and_arrives_without_what_xml_forbids(text: str) -> None:
    arrived = etree.fromstring(etree.tostring(element("x", text), encoding="UTF-8")).text or ""
    # A parser reads CR LF and CR as LF, unless they are references, which lxml writes.
    assert arrived == clean(text)


def test_surrogates_and_control_characters_are_taken_out() -> None:
    assert clean("a\x00b\x0bc\ud800d\ufffee\tf\n") == "abcde\tf\n"


@pytest.mark.parametrize(
    ("more", "sent"),
    [
        ({}, ""),
        ({"due_on": date(2026, 10, 6)}, "<WHENDUE>10/06/2026</WHENDUE>"),
        ({"submit": True}, "<ACTION>Submit</ACTION>"),
        ({"due_on": date(2026, 10, 6), "submit": True}, "<WHENDUE>10/06/2026</WHENDUE><ACTION>Submit</ACTION>"),
    ],
)
def test_a_stamp_sends_its_custom_fields_and_what_it_is_told_to_send_along(more: dict[str, Any], sent: str) -> None:
    fields = stamp_fields("41", values={"ASANA_DECISION": "<ok> & fine"}, **more)
    assert xml(update("APBILL", fields)) == (
        f"<update><APBILL><RECORDNO>41</RECORDNO>{sent}<ASANA_DECISION>&lt;ok&gt; &amp; fine</ASANA_DECISION></APBILL></update>"
    )


@pytest.mark.parametrize("name", ["A B", "1A", "A/B", "", "A.B"])
def test_a_field_name_that_is_no_integration_id_is_refused(name: str) -> None:
    with pytest.raises(Misconfigured, match="integration id"):
        update("APBILL", {name: "x"})


def test_one_filter_stands_alone_and_several_share_one_top_node() -> None:
    assert xml(query.all_of(query.equal("A", "1")).element()) == "<equalto><field>A</field><value>1</value></equalto>"
    both = xml(query.all_of(query.equal("A", "1"), query.is_null("B")).element())
    assert both == ("<and><equalto><field>A</field><value>1</value></equalto><isnull><field>B</field></isnull></and>")


def test_more_values_than_one_in_may_hold_become_several() -> None:
    made = query.one_of("A", [str(number) for number in range(2100)]).element()
    assert made.tag == "or"
    assert [len(part.findall("value")) for part in made] == [1000, 1000, 100]


def test_a_query_asks_for_private_entities_and_bounds_its_page() -> None:
    made = xml(query.Query(object_name="VENDOR", select=("A",), page_size=9999, show_private=True).element())
    assert made == (
        "<query><object>VENDOR</object><select><field>A</field></select>"
        "<orderby><order><field>RECORDNO</field><ascending/></order></orderby>"
        "<options><showprivate>true</showprivate></options><pagesize>2000</pagesize></query>"
    )


def test_a_full_read_walks_by_record_number_alone() -> None:
    (walk,) = walks(ReadWindow(), scope=(), clock=CLOCK)
    assert walk.order_by == ("RECORDNO",)
    assert walk.where(None) is None
    assert walk.where(("41",)) == query.more_than("RECORDNO", "41")


def test_a_cursor_starts_inclusive_in_the_servers_own_text_and_steps_over_ties() -> None:
    text = "09/16/2026 15:50:21"
    by_time, without_time = walks(ReadWindow(since_text=text), scope=(), clock=CLOCK)
    assert by_time.order_by == ("WHENMODIFIED", "RECORDNO")
    start = query.at_least("WHENMODIFIED", text)
    assert by_time.where(None) == start
    assert by_time.where((text, "41")) == query.all_of(
        start,
        query.any_of(
            query.more_than("WHENMODIFIED", text),
            query.all_of(query.equal("WHENMODIFIED", text), query.more_than("RECORDNO", "41")),
        ),
    )
    assert without_time.order_by == ("RECORDNO",)
    assert without_time.where(None) == query.is_null("WHENMODIFIED")


def test_a_window_is_half_open_and_written_in_the_servers_zone() -> None:
    window = ReadWindow(
        modified_from=datetime(2026, 11, 1, tzinfo=UTC), modified_to=datetime(2026, 11, 2, tzinfo=UTC), vendor_ids=("V-1",)
    )
    clock = ServerClock(gmt_offset=timedelta(hours=-8))
    by_time, without_time = walks(window, scope=bill_scope(window), clock=clock)
    assert by_time.where(None) == query.all_of(
        query.one_of("VENDORID", ["V-1"]),
        query.at_least("WHENMODIFIED", "10/31/2026 16:00:00"),
        query.less_than("WHENMODIFIED", "11/01/2026 16:00:00"),
    )
    assert without_time.where(None) == query.all_of(query.one_of("VENDORID", ["V-1"]), query.is_null("WHENMODIFIED"))


def test_every_narrowing_of_a_window_becomes_a_filter() -> None:
    window = ReadWindow(record_nos=("1", "2"), bill_numbers=("INV",), entity_ids=("US01",), bill_date_from=date(2026, 1, 2))
    assert bill_scope(window) == (
        query.one_of("RECORDNO", ["1", "2"]),
        query.one_of("RECORDID", ["INV"]),
        query.one_of("MEGAENTITYID", ["US01"]),
        query.at_least("WHENCREATED", "01/02/2026"),
    )


def test_a_server_that_does_not_move_on_is_found_out() -> None:
    (walk,) = walks(ReadWindow(), scope=(), clock=CLOCK)
    assert walk.step(None, [{"RECORDNO": "41"}], asked="query") == ("41",)
    with pytest.raises(UnexpectedReply, match="not obeyed"):
        walk.step(("41",), [{"RECORDNO": "41"}], asked="query")
