"""Attachments read from the sandbox's gateway: exact, in little memory, through a lost session."""

from __future__ import annotations

import hashlib
import tracemalloc
from typing import Any

import pytest
from intacct_asana.errors import Refused, UnexpectedReply

from tests.intacct.conftest import AHook


@pytest.fixture
def attach(sandbox: Any) -> Any:
    bill = sandbox.state("intacct")["bills"][0]

    def give(document_id: str, *files: dict[str, Any]) -> None:
        told = {"record_no": bill["record_no"], "document_id": document_id, "files": list(files)}
        sandbox.act("intacct", "mgarcia", "attach_document", **told)

    return give


@pytest.mark.parametrize("function", ["get", "get_list"])
def test_files_come_as_they_are_by_either_function(a_hook: AHook, attach: Any, function: Any) -> None:
    attach("ATT-1", {"name": "a", "text": "%PDF-1"}, {"name": "b & c", "type": "txt", "text": "é"})
    hook = a_hook()
    hook.document_function = function
    first, second = hook.document("ATT-1")
    assert (first.name, first.content.read(), first.unfit) == ("a.pdf", b"%PDF-1", "")
    assert (second.name, second.content.read()) == ("b & c.txt", "é".encode())
    with pytest.raises(Refused):
        hook.document("ATT-2")


def test_large_file_is_read_in_little_memory(a_hook: AHook, attach: Any) -> None:
    size = 12 << 20
    attach("ATT-1", {"name": "large", "size": size})
    hook = a_hook()
    hook.identity()
    tracemalloc.start()
    (file,) = hook.document("ATT-1")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert file.size == size
    assert file.digest == hashlib.sha256(b"%PDF-1.7\n".ljust(size, b"x")).hexdigest()
    assert peak < 6 << 20


def test_session_that_ends_and_an_answer_that_breaks_off_leave_no_half_file(a_hook: AHook, attach: Any, sandbox: Any) -> None:
    attach("ATT-1", {"name": "a", "text": "%PDF-" + "y" * 200_000})
    hook = a_hook()
    sandbox.fault("intacct", "get SUPDOC", "end_session")
    (file,) = hook.document("ATT-1")
    assert file.size == 200_005
    sandbox.fault("intacct", "get SUPDOC", "truncated")
    with pytest.raises(UnexpectedReply):
        hook.document("ATT-1")
