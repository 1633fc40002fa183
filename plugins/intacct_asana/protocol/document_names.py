"""Names and kinds of files that come from people: cleaned, and checked against what the file begins with."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

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
    plain = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in unicodedata.normalize("NFC", last))
    plain = " ".join(UNSAFE.sub(" ", plain).split()).strip(". ")
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
