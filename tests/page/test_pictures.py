"""The pictures of the documentation: there, small, and written so that whoever reads PNG reads them."""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

from sandbox.pictures.palette import small_png

DOCS = Path(__file__).resolve().parents[2] / "docs"
MOST_BYTES = 150_000


def test_every_picture_that_a_page_shows_is_there_and_small_and_no_other() -> None:
    named = {
        name
        for page in (DOCS.parent / "README.md", *DOCS.glob("*.md"))
        for name in re.findall(r"\]\((?:docs/)?pictures/([\w-]+\.png)\)", page.read_text(encoding="utf-8"))
    }
    there = {file.name: file.stat().st_size for file in (DOCS / "pictures").glob("*.png")}
    assert named == set(there)
    assert not {name: size for name, size in there.items() if size > MOST_BYTES}


def test_colours_beyond_the_palette_become_their_nearest() -> None:
    shades = [(red, green, 0, 255) for red in range(0, 256, 8) for green in range(0, 256, 8)]
    dots = [*[(252, 252, 252, 255)] * 3000, *shades[:1000]]
    made = small_png(bytes(value for dot in dots for value in dot), width=100, height=40)
    parts, at = {}, 8
    while at < len(made):
        size, name = struct.unpack(">I4s", made[at : at + 8])
        body = made[at + 8 : at + 8 + size]
        assert struct.unpack(">I", made[at + 8 + size : at + 12 + size])[0] == zlib.crc32(name + body)
        parts[name], at = body, at + 12 + size
    palette, rows = parts[b"PLTE"], zlib.decompress(parts[b"IDAT"])
    assert (len(palette), len(rows)) == (3 * 256, 40 * 101)
    found = [rows[101 * row + 1 + column] for row in range(40) for column in range(100)]
    seen = [tuple(palette[3 * place : 3 * place + 3]) for place in found]
    assert seen[:3000] == [(252, 252, 252)] * 3000
    # Those within the palette are as they were, but for shades that nobody tells apart.
    off = [max(abs(a - b) for a, b in zip(dot[:3], one, strict=True)) for dot, one in zip(dots, seen, strict=True)]
    assert sum(difference <= 4 for difference in off) >= 3000 + 255
