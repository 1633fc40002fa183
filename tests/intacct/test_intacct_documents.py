"""Files out of Intacct's answers: the same in any chunks, bounded, and never taken for what they are not."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.errors import Refused, UnexpectedReply
from intacct_asana.intacct import documents as protocol
from intacct_asana.intacct.documents import KINDS, Sieve, clean_name, files_of, get_document, why_unfit
from intacct_asana.intacct.replies import Reply, decipher
from intacct_asana.intacct.xml import etree
from intacct_asana.records.documents import DocumentFile

FILES = st.lists(st.tuples(st.text(alphabet="ab.é /\\", max_size=6), st.binary(max_size=300)), max_size=4)


def answer(*files: tuple[str, bytes], document_id: str = "ATT-7", data: str | None = None) -> bytes:
    """The gateway's answer with these files."""
    listed = "".join(
        f"<attachment><attachmentname>{name}</attachmentname><attachmenttype>txt</attachmenttype>"
        f"<attachmentdata>{base64.b64encode(content).decode()}</attachmentdata></attachment>"
        for name, content in files
    )
    inner = data if data is not None else f"<supdoc><supdocid>{document_id}</supdocid>{wrap(listed)}</supdoc>"
    return (
        "<response><control><status>success</status></control><operation><authentication><status>success</status>"
        "</authentication><result><status>success</status><function>get</function><controlid>1</controlid>"
        f'<data listtype="supdoc">{inner}</data></result></operation></response>'
    ).encode()


def wrap(listed: str) -> str:
    return f"<attachments>{listed}</attachments>"


def sifted(body: bytes, *, sizes: Iterator[int] | None = None) -> tuple[Sieve, Reply]:
    sieve = Sieve(io.BytesIO)
    sieve.begin()
    kept, at = b"", 0
    while at < len(body):
        step = next(sizes) if sizes else len(body)
        kept += sieve.feed(body[at : at + step])
        at += step
    kept += sieve.end()
    return sieve, decipher(200, {}, kept, asked="attachment ATT-7", is_write=False)


def files_in(body: bytes, *, sizes: Iterator[int] | None = None) -> list[DocumentFile]:
    sieve, reply = sifted(body, sizes=sizes)
    return files_of(reply, sieve, document_id="ATT-7", asked="attachment ATT-7")


@given(files=FILES, steps=st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_files_are_the_same_in_whatever_chunks_they_come(files: list[tuple[str, bytes]], steps: list[int]) -> None:
    def around() -> Iterator[int]:
        while True:
            yield from steps

    found = files_in(answer(*files), sizes=around())
    assert [file.content.read() for file in found] == [content for _, content in files]
    assert [file.size for file in found] == [len(content) for _, content in files]
    whole = files_in(answer(*files))
    assert [(file.name, file.digest, file.unfit) for file in found] == [(file.name, file.digest, file.unfit) for file in whole]


def test_a_self_closed_file_is_an_empty_one_and_the_others_come() -> None:
    empty = (
        "<attachment><attachmentname>empty</attachmentname><attachmenttype>txt</attachmenttype><attachmentdata/></attachment>"
    )
    body = answer(("first", b"1"), ("last", b"2")).replace(b"<attachments>", b"<attachments>" + empty.encode(), 1)
    found = files_in(body)
    assert [(file.name, file.content.read(), file.unfit) for file in found] == [
        ("empty.txt", b"", "is empty"),
        ("first.txt", b"1", ""),
        ("last.txt", b"2", ""),
    ]


def test_nothing_of_a_file_stays_in_the_answer() -> None:
    sieve, reply = sifted(answer(("a", b"x" * 100_000)))
    assert reply.data is not None
    assert len(etree.tostring(reply.data)) < 300
    assert sieve.files[0].size == 100_000


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("<other/>", "not about this one attachment"),
        ("<supdoc><supdocid>ATT-8</supdocid></supdoc>", "not about this one attachment"),
        ("<supdoc><supdocid>ATT-7</supdocid></supdoc>" * 2, "not about this one attachment"),
        ("<supdoc><supdocid>ATT-7</supdocid><attachment/></supdoc>", "1 files are named, 0 came"),
        (
            "<supdoc><supdocid>ATT-7</supdocid><attachment><attachmentdata><![CDATA[AAAA]]></attachmentdata></attachment></supdoc>",
            "another form",
        ),
    ],
)
def test_answer_of_another_shape_is_not_believed(data: str, words: str) -> None:
    with pytest.raises(UnexpectedReply, match=words):
        files_in(answer(data=data))


def test_attachment_that_is_not_there_is_a_plain_no() -> None:
    with pytest.raises(Refused, match="no attachment of this id"):
        files_in(answer(data=""))


@pytest.mark.parametrize("text", ["%%%%", "QUJD=QUJ", "QUI=QUJD", "QUJ"])
def test_broken_base64_is_not_attached(text: str) -> None:
    body = answer(("a", b"")).replace(b"<attachmentdata>", f"<attachmentdata>{text}".encode())
    (file,) = files_in(body)
    assert "base64" in file.unfit
    assert file.digest == ""


def test_file_over_the_limit_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MOST_BYTES", 1 << 20)
    big, small = files_in(answer(("big", b"x" * (1 << 20) + b"x"), ("small", b"y")))
    assert "over 1 MB" in big.unfit
    assert len(big.content.read()) <= 1 << 20
    assert big.digest == hashlib.sha256(b"x" * (1 << 20) + b"x").hexdigest()
    assert not small.unfit


def test_answer_without_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MOST_STREAMED", 1000)
    with pytest.raises(UnexpectedReply):
        sifted(answer(("a", b"x" * 2000)))


def test_an_id_is_data_and_never_markup() -> None:
    hostile = '"/><delete key="x'
    for function in ("get", "get_list"):
        element = etree.fromstring(etree.tostring(get_document(hostile, function=function)))
        assert hostile in (element.get("key"), element.findtext("filter/expression/value"))
        assert len(element) <= 1


@given(stem=st.text(max_size=200), extension=st.text(max_size=12))
def test_whatever_a_file_is_called_its_name_is_one_plain_name(stem: str, extension: str) -> None:
    name = clean_name(stem, extension)
    assert 0 < len(name) <= 135
    assert not re.search(r'[\\/<>:"|?*\x00-\x1f\u202a-\u202e\u2066-\u2069]', name)
    assert not name.startswith(".")
    assert name.isprintable()


@pytest.mark.parametrize(
    ("stem", "extension", "name"),
    [
        ("../../etc/passwd", "pdf", "passwd.pdf"),
        ("C:\\temp\\invoice.pdf", "PDF", "invoice.pdf"),
        ("fdp.exe\u202egnp", "pdf", "fdp.exe gnp.pdf"),
        ("...", "pdf", "document.pdf"),
        ("Rechnung Nº 7", "pdf", "Rechnung Nº 7.pdf"),
        ("a\r\nContent-Type: x", "p/d\nf", "a Content-Type x.pdf"),
    ],
)
def test_tricks_in_a_name_are_taken_out(stem: str, extension: str, name: str) -> None:
    assert clean_name(stem, extension) == name


def test_a_file_is_what_it_begins_with() -> None:
    assert not why_unfit("a.pdf", b"%PDF-1.4")
    assert "does not begin as one" in why_unfit("a.pdf", b"MZ\x90")
    assert "kind 'exe'" in why_unfit("a.exe", b"MZ")
    assert "kind 'unknown'" in why_unfit("a", b"")
    assert not {"exe", "js", "html", "svg", "bat", "zip"} & set(KINDS)
