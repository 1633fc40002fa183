"""Mangled answers: only our errors come out, in time, and never a success or a harmless no that the bytes do not say.

`--slow` runs at least 200,000 cases; a failure names the seed that repeats it.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, UnexpectedReply
from intacct_asana.intacct import records
from intacct_asana.intacct import replies as answers
from intacct_asana.intacct.replies import Reply, decipher
from intacct_asana.intacct.timestamps import ServerClock, format_of, offset_of
from lxml import etree

from tests.intacct import answer_mutations as mutations
from tests.intacct.bounded_time import in_time

SLOW_CASES = 200_000
SLOWEST_SECONDS = 2.0
CLOCK = ServerClock()

pytestmark = pytest.mark.fuzz


def judge(body: bytes, status: int, *, is_write: bool) -> str:
    """What came out, as a word. Fails when it is not one of ours, or says more than the bytes do."""
    with in_time(SLOWEST_SECONDS):
        try:
            reply = decipher(
                status,
                {"retry-after": "1"},
                body,
                asked="query",
                is_write=is_write,
                control_id="c-1",
                function="update" if is_write else "",
            )
        except IntacctAsanaError as error:
            return refused(error, body, status, is_write=is_write)
        assert status == 200
        assert levels(body) == SUCCESS
        assert len(tree(body).findall("operation/result/data")) <= 1
        assert not is_write or answers_our_write(body)
        read_all(reply)
        return "data"


def refused(error: IntacctAsanaError, body: bytes, status: int, *, is_write: bool) -> str:
    if is_write:
        assert not isinstance(error, UnexpectedReply)
        # Whatever is not "unknown" says that nothing was done, so the answer must have said so.
        assert isinstance(error, OutcomeUnknown) or status == 429 or says_that_nothing_was_done(body)
    else:
        assert not isinstance(error, OutcomeUnknown)
    assert error.message.startswith("query: ")
    return type(error).__name__


def answers_our_write(body: bytes) -> bool:
    (result,) = tree(body).findall("operation/result")
    return [text(node) for name in ("function", "controlid") for node in result.findall(name)[:1]] == ["update", "c-1"]


# What the bytes say, by another parser than the code's

SUCCESS = {"control": ["success"], "authentication": ["success"], "result": ["success"]}


def tree(body: bytes) -> Any:
    """The root. Expat goes by an older edition of XML and knows fewer names, so lxml gets a second try."""
    with suppress(ElementTree.ParseError, ValueError, LookupError):
        return ElementTree.fromstring(body)
    with suppress(etree.XMLSyntaxError, ValueError):
        return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True))
    return None


def has_doctype(body: bytes) -> bool:
    found: list[str] = []
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda name, *_: found.append(name)
    with suppress(expat.ExpatError):
        parser.Parse(body, True)
    return bool(found)


def levels(body: bytes) -> dict[str, list[str]]:
    """The words of every level's statuses, errors among them as a word of their own."""
    root = tree(body)
    assert root is not None, "a success in a body that no other parser reads"
    assert not has_doctype(body)
    assert root.tag == "response"
    found = {
        "control": statuses(root, "control"),
        "authentication": statuses(root, "operation/authentication"),
        "result": statuses(root, "operation/result"),
    }
    said = [message for message in root.iter("errormessage") if len(message) or text(message)]
    return {name: words + ["errors"] * bool(said) for name, words in found.items()}


def statuses(root: Any, path: str) -> list[str]:
    return [text(status) for level in root.findall(path) for status in level.findall("status")]


def text(node: Any) -> str:
    return (node.text or "").strip()


def says_that_nothing_was_done(body: bytes) -> bool:
    """One level failed, none below it answered, and no record is named as written."""
    root = tree(body)
    if root is None:
        return False
    if statuses(root, "control") == ["failure"]:
        return root.find("operation") is None
    if statuses(root, "operation/authentication") == ["failure"]:
        return root.find("operation/result") is None
    if statuses(root, "operation/result") != ["failure"]:
        return False
    written = [*root.findall("operation/result/data/*"), *root.findall("operation/result/key")]
    return not any(node.tag != "key" or text(node) for node in written)


# What a success is read for

OBJECTS: dict[str, Callable[[dict[str, str]], object]] = {
    "APBILL": lambda row: records.bill_of(row, company_id="ACME", custom_fields=("ASANA_DECISION",)),
    "APBILLITEM": lambda row: (records.line_of(row), records.parent_bill_of(row)),
    "VENDOR": lambda row: records.vendor_of(row, company_id="ACME"),
}


def read_all(reply: Reply) -> None:
    """Every reader of a success, on this one."""
    assert answers.record_no_of(reply) is not None
    left = answers.remaining_of(reply)
    assert left is None or left >= 0
    for name, become in OBJECTS.items():
        with suppress(UnexpectedReply):
            for row in answers.rows_of(reply, name, asked="query"):
                with suppress(UnexpectedReply):
                    become(row)
                with suppress(UnexpectedReply):
                    CLOCK.earlier(CLOCK.latest([row.get("WHENMODIFIED", "")]), minutes=10)
    with suppress(UnexpectedReply):
        answers.object_fields_of(reply, asked="lookup")
    with suppress(UnexpectedReply, Misconfigured):
        formatting = answers.user_formatting_of(reply, asked="formatting")
        assert format_of(formatting)
        offset_of(formatting.gmt_offset)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(random=st.randoms(use_true_random=False), status=st.sampled_from(mutations.STATUSES), is_write=st.booleans())
def test_only_our_errors_come_out_of_mangled_answers(random: Random, status: int, is_write: bool) -> None:
    judge(mutations.a_mangled_answer(random), status, is_write=is_write)


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=300), status=st.integers(100, 599), is_write=st.booleans())
def test_only_our_errors_come_out_of_any_bytes(body: bytes, status: int, is_write: bool) -> None:
    assert judge(body, status, is_write=is_write) != "data"


@pytest.mark.parametrize("name", mutations.NAMES)
def test_every_sample_cut_at_every_tag_is_never_more_than_it_says(name: str) -> None:
    body = mutations.SAMPLES[name]
    for at in [at for at, byte in enumerate(body) if byte == ord("<")]:
        for is_write in (False, True):
            judge(body[:at], 200, is_write=is_write)


def run(cases: int, *, seed: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for number in range(cases):
        random = Random(f"{seed}-{number}")
        status, is_write = random.choice(mutations.STATUSES), random.random() < 0.5
        body = mutations.a_mangled_answer(random)
        try:
            found[judge(body, status, is_write=is_write)] += 1
        except Exception as error:
            raise AssertionError(f"case {seed}-{number}, HTTP {status}, is_write={is_write}: {body!r}") from error
    return found


def report(found: Counter[str], seconds: float) -> str:
    parts = ", ".join(f"{name} {count:,}" for name, count in found.most_common())
    return f"\n{found.total():,} mangled answers in {seconds:.0f} s: {parts}"


def test_two_thousand_cases_reach_every_verdict() -> None:
    found = run(2_000, seed="quick")
    assert set(found) == {
        "data", "TryLater", "SessionEnded", "OutcomeUnknown", "Refused", "Misconfigured", "UnexpectedReply",
    }  # fmt: skip


@pytest.mark.slow
def test_two_hundred_thousand_mangled_answers(capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    found = run(SLOW_CASES, seed="slow")
    with capsys.disabled():
        sys.stdout.write(report(found, time.monotonic() - started))
    assert found.total() >= SLOW_CASES
