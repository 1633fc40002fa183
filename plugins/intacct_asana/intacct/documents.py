"""Attachments of bills: asking for one, and reading its files out of an answer of any size."""

from __future__ import annotations

import binascii
import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import BinaryIO, Literal

from lxml import etree

from intacct_asana.errors import Refused, UnexpectedReply
from intacct_asana.intacct.replies import Reply
from intacct_asana.intacct.xml import Element, element
from intacct_asana.records.documents import UNFIT, DocumentFile
from intacct_asana.text import one_line

Function = Literal["get", "get_list"]

MOST_BYTES = 100 << 20
"""Asana takes files up to this. Source: developers.asana.com/reference/createattachmentforobject."""

MOST_STREAMED = 1 << 30
OPEN = b"<attachmentdata>"
BLANKS = b" \t\r\n"


def get_document(document_id: str, *, function: Function) -> Element:
    """The request for everything under an attachment id (SUPDOCID of a bill).

    `get` by key and `get_list` with a filter are both documented, and both as legacy functions; how the answer looks is
    not. Source: https://developer.intacct.com/api/company-console/attachments/
    """
    asked = etree.Element(function)
    asked.set("object", "supdoc")
    if function == "get":
        asked.set("key", document_id)
        return asked
    asked.set("maxitems", "2")
    condition = (element("field", "supdocid"), element("operator", "="), element("value", document_id))
    asked.append(element("filter", element("expression", *condition)))
    return asked


class Sifted:
    """One file on its way out of an answer."""

    def __init__(self, content: BinaryIO) -> None:
        self.content = content
        self.size = 0
        self.fault = ""
        self._is_damaged = False
        self._digest = hashlib.sha256()
        self._rest = b""

    def feed(self, text: bytes) -> None:
        """A piece of base64; blanks in it mean nothing."""
        text = self._rest + text.translate(None, BLANKS)
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        if self._is_damaged or not whole:
            return
        try:
            data = binascii.a2b_base64(text[:whole], strict_mode=True)
        except binascii.Error:
            self._damaged("is not the base64 text that Intacct documents")
            return
        self.size += len(data)
        # Whatever its size: it may be compared with another one that is never attached either.
        self._digest.update(data)
        if self.size > MOST_BYTES:
            self.fault = f"is over {MOST_BYTES >> 20} MB, which is the most that Asana takes"
        else:
            self.content.write(data)

    def end(self) -> None:
        if self._rest and not self._is_damaged:
            self._damaged("is base64 that breaks off")
        self.content.seek(0)

    def _damaged(self, fault: str) -> None:
        self.fault, self._is_damaged = fault, True

    @property
    def digest(self) -> str:
        """Of all that came; empty where something of it is not known."""
        return "" if self._is_damaged else self._digest.hexdigest()


class Sieve:
    """Takes the files out of an answer as it comes. `files` holds them in order; in the answer their number is left."""

    def __init__(self, open_file: Callable[[], BinaryIO]) -> None:
        self.files: list[Sifted] = []
        self._open_file = open_file
        self._streamed = 0
        self._held = b""
        self._inside = False

    def begin(self) -> None:
        """Forget what an earlier try brought."""
        self.close()
        self.files.clear()
        self._streamed, self._held, self._inside = 0, b"", False

    def feed(self, chunk: bytes) -> bytes:
        """What is left of the answer of this chunk. Raises UnexpectedReply for an answer without an end."""
        self._streamed += len(chunk)
        if self._streamed > MOST_STREAMED:
            raise UnexpectedReply(f"the answer is over {MOST_STREAMED >> 20} MB")
        return b"".join(self._parts(self._held + chunk))

    def end(self) -> bytes:
        """What is left when nothing more comes."""
        return b"" if self._inside else self._held

    def close(self) -> None:
        for file in self.files:
            file.content.close()

    def _parts(self, text: bytes) -> Iterator[bytes]:
        """Text around files. A name of which only a part has come is held back."""
        self._held = b""
        while text:
            # Base64 has no angle bracket, so the next one ends the file.
            at = text.find(b"<") if self._inside else text.lower().find(OPEN)
            if at < 0 and self._inside:
                self.files[-1].feed(text)
                return
            if at < 0:
                held = min(len(text), len(OPEN) - 1)
                yield text[: len(text) - held]
                self._held = text[len(text) - held :]
                return
            if self._inside:
                self.files[-1].feed(text[:at])
                self.files[-1].end()
                text = text[at:]
            else:
                yield text[: at + len(OPEN)] + b"%d" % len(self.files)
                self.files.append(Sifted(self._open_file()))
                text = text[at + len(OPEN) :]
            self._inside = not self._inside


def files_of(reply: Reply, sieve: Sieve, *, document_id: str, asked: str) -> list[DocumentFile]:
    """The files under `document_id`, names cleaned and contents checked, in the answer's order.

    Raises UnexpectedReply for an answer of another shape or about another document, Refused when there is none of that id.
    """
    found = [] if reply.data is None else [one for one in reply.data.iter() if _tag(one) == "supdoc"]
    if reply.data is not None and not found and not len(reply.data):
        raise Refused(f"{asked}: Intacct holds no attachment of this id", code=UNFIT)
    if len(found) != 1 or _cell(found[0], "supdocid") != document_id:
        raise UnexpectedReply(f"{asked}: the answer is not about this one attachment")
    listed = [one for one in found[0].iter() if _tag(one) == "attachment"]
    if len(listed) - sum(map(_is_empty, listed)) != len(sieve.files):
        raise UnexpectedReply(f"{asked}: {len(listed)} files are named, {len(sieve.files)} came")
    return [_file(one, sieve, asked=asked) for one in listed]


def _is_empty(listed: Element) -> bool:
    """`<attachmentdata/>`: a file without content, of which nothing came through the sieve."""
    return any(_tag(cell) == "attachmentdata" and not (cell.text or "").strip() for cell in listed)


def _file(listed: Element, sieve: Sieve, *, asked: str) -> DocumentFile:
    name = clean_name(_cell(listed, "attachmentname"), _cell(listed, "attachmenttype"))
    if _is_empty(listed):
        nothing = Sifted(BytesIO())
        return DocumentFile(
            name=name,
            content_type=content_type_of(name),
            size=0,
            digest=nothing.digest,
            content=nothing.content,
            unfit="is empty",
        )
    number = _cell(listed, "attachmentdata")
    if not (number.isascii() and number.isdigit() and int(number) < len(sieve.files)):
        raise UnexpectedReply(f"{asked}: a file came in another form than the documented one")
    sifted = sieve.files[int(number)]
    opening = sifted.content.read(16)
    sifted.content.seek(0)
    empty = "is empty" if sifted.size == 0 else ""
    return DocumentFile(
        name=name,
        content_type=content_type_of(name),
        size=sifted.size,
        digest=sifted.digest,
        content=sifted.content,
        unfit=sifted.fault or empty or why_unfit(name, opening),
    )


def _tag(one: Element) -> str:
    return str(one.tag).lower()


def _cell(parent: Element, name: str) -> str:
    return next(((cell.text or "").strip() for cell in parent if _tag(cell) == name), "")


NAME_CHARACTERS = 120
UNSAFE = re.compile(r'[<>:"|?*%;\\/]')
DEFAULT_NAME = "document"

PDF, ZIP, OLE = (b"%PDF-",), (b"PK\x03\x04",), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",)
JPEG, TIFF = (b"\xff\xd8\xff",), (b"II*\x00", b"MM\x00*")
OFFICE = "application/vnd.openxmlformats-officedocument"

KINDS: Mapping[str, tuple[str, tuple[bytes, ...]]] = {
    "pdf": ("application/pdf", PDF),
    "png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    "jpg": ("image/jpeg", JPEG),
    "jpeg": ("image/jpeg", JPEG),
    "gif": ("image/gif", (b"GIF8",)),
    "tif": ("image/tiff", TIFF),
    "tiff": ("image/tiff", TIFF),
    "docx": (f"{OFFICE}.wordprocessingml.document", ZIP),
    "xlsx": (f"{OFFICE}.spreadsheetml.sheet", ZIP),
    "doc": ("application/msword", OLE),
    "xls": ("application/vnd.ms-excel", OLE),
    "msg": ("application/vnd.ms-outlook", OLE),
    "csv": ("text/csv", ()),
    "txt": ("text/plain", ()),
    "xml": ("application/xml", ()),
    "eml": ("message/rfc822", ()),
}
"""Extension to content type and what such a file begins with. Nothing that runs when it is opened is attached."""


def clean_name(stem: str, extension: str) -> str:
    """`invoice 7.pdf`: one plain file name, whatever folders, marks and lengths were written into it."""
    extension = re.sub(r"[^a-z0-9]", "", extension.lower())[:10]
    last = re.split(r"[\\/]", stem)[-1]
    # Direction and format marks can make one extension look like another.
    safe = UNSAFE.sub(" ", unicodedata.normalize("NFC", last))
    plain = one_line("".join(one if one.isprintable() else " " for one in safe)).strip(". ")
    if extension and plain.lower().endswith(f".{extension}"):
        plain = plain[: -len(extension) - 1].rstrip(". ")
    plain = plain[:NAME_CHARACTERS].rstrip(". ") or DEFAULT_NAME
    return f"{plain}.{extension}" if extension else plain


def content_type_of(name: str) -> str:
    """The content type of a cleaned name; empty for a kind that is not attached."""
    return KINDS.get(_extension(name), ("", ()))[0]


def why_unfit(name: str, opening: bytes) -> str:
    """Why a file of this name that begins with `opening` is not attached; empty when it may be."""
    extension = _extension(name)
    if extension not in KINDS:
        return f"is of the kind {extension or 'unknown'!r}, and only {', '.join(KINDS)} are attached"
    beginnings = KINDS[extension][1]
    if beginnings and not opening.startswith(beginnings):
        return f"calls itself {extension} and does not begin as one"
    return ""


def _extension(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""
