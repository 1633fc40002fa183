"""Attachments on the sandbox: names, types, sizes as sent; nothing sent twice; large files in little memory."""

from __future__ import annotations

import hashlib
import io
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intacct_asana.asana.hook import AsanaHook
from intacct_asana.asana.request import FilePart, Form
from intacct_asana.errors import OutcomeUnknown, Refused
from intacct_asana.records import TaskDraft
from intacct_asana.records.documents import DocumentFile

from sandbox import constants
from tests.asana.asana_connections import a_hook

PROJECT = constants.BILLS_PROJECT_GID


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch, sandbox: Any) -> AsanaHook:
    return a_hook(monkeypatch, sandbox.asana_url)


@pytest.fixture
def task(hook: AsanaHook) -> str:
    return hook.create_task(PROJECT, TaskDraft(key="1", name="Bill 1")).gid


def a_file(content: bytes) -> DocumentFile:
    digest = hashlib.sha256(content).hexdigest()
    return DocumentFile(
        name="x.pdf", content_type="application/pdf", size=len(content), digest=digest, content=io.BytesIO(content)
    )


def held(sandbox: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.state("asana")["tasks"][0]["attachments"]
    return found


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=2000), name=st.text(alphabet="aé日 %'(),;=.-_", min_size=1, max_size=20))
def test_any_file_arrives_as_it_was_sent(hook: AsanaHook, task: str, sandbox: Any, content: bytes, name: str) -> None:
    name = f"x{name.strip()}.pdf"
    made = hook.attach_file(task, name=name, file=a_file(content))
    arrived = held(sandbox)[-1]
    assert (arrived["gid"], arrived["name"], arrived["content_type"]) == (made.gid, name, "application/pdf")
    assert arrived["sha256"] == hashlib.sha256(content).hexdigest()


def test_links_and_files_are_listed_with_what_tells_them_apart(hook: AsanaHook, task: str) -> None:
    link = hook.attach_link(task, name="Bill é in Intacct", url="https://www.intacct.com/x?a=1&b=2")
    file = hook.attach_file(task, name="a (ATT-1).pdf", file=a_file(b"%PDF-1"))
    assert hook.attachments(task) == [link, file]
    assert (link.kind, file.kind, file.size) == ("external", "asana", 6)


def test_refused_limit_is_waited_for_and_the_whole_file_is_sent_again(hook: AsanaHook, task: str, sandbox: Any) -> None:
    sandbox.fault("asana", "POST /attachments", "429:0")
    content = b"%PDF-" + b"y" * 300_000
    hook.attach_file(task, name="a.pdf", file=a_file(content))
    assert [one["sha256"] for one in held(sandbox)] == [hashlib.sha256(content).hexdigest()]


def test_lost_answer_is_unknown_and_is_not_sent_again(hook: AsanaHook, task: str, sandbox: Any) -> None:
    sandbox.fault("asana", "POST /attachments", "lost_answer")
    with pytest.raises(OutcomeUnknown):
        hook.attach_file(task, name="a.pdf", file=a_file(b"%PDF-"))
    assert len(held(sandbox)) == 1


def test_task_that_is_gone_is_a_plain_no(hook: AsanaHook, task: str, sandbox: Any) -> None:
    sandbox.act("asana", constants.PEOPLE[0]["email"], "delete", task=task)
    with pytest.raises(Refused):
        hook.attachments(task)


def test_large_file_is_sent_in_little_memory(hook: AsanaHook, task: str, tmp_path: Any, sandbox: Any) -> None:
    size = 20 << 20
    path = tmp_path / "large.pdf"
    path.write_bytes(b"%PDF-".ljust(size, b"z"))
    with path.open("rb") as content:
        file = DocumentFile(name="l.pdf", content_type="application/pdf", size=size, digest="d", content=content)
        tracemalloc.start()
        made = hook.attach_file(task, name="l.pdf", file=file)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert made.size == size
    assert peak < 4 << 20


@given(content=st.binary(max_size=300))
def test_form_is_the_same_however_often_it_is_sent(content: bytes) -> None:
    part = FilePart(name="a.pdf", content_type="application/pdf", size=len(content), content=io.BytesIO(content))
    form = Form(fields=(("parent", "1"),), boundary="b", file=part)
    whole = b"".join(form)
    assert whole == b"".join(form)
    assert len(whole) == len(form)
    assert whole.startswith(b'--b\r\nContent-Disposition: form-data; name="parent"\r\n\r\n1\r\n--b\r\n')
    assert content + b"\r\n--b--\r\n" == whole[-len(content) - 9 :]
