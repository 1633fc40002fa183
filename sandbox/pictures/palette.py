"""A picture in 256 colours: a fraction of what Chromium writes, and no difference that anybody sees in a user interface."""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]

COARSER = bytes(min(255, round(value / 4) * 4) for value in range(256))
"""Shades that differ less than this are one, so that few colours are left to be matched."""


def small_png(pixels: bytes, *, width: int, height: int) -> bytes:
    """The PNG of RGBA pixels, row by row. Colours beyond the 256 most frequent become the nearest of those."""
    channels = [pixels[place::4].translate(COARSER) for place in range(3)]
    dots = list(zip(*channels, strict=True))
    counted = Counter(dots).most_common()
    palette = [colour for colour, _ in counted[:256]]
    places = {colour: place for place, colour in enumerate(palette)}
    places |= {colour: _nearest(colour, palette) for colour, _ in counted[256:]}
    found = bytes(places[dot] for dot in dots)
    rows = b"".join(b"\0" + found[start : start + width] for start in range(0, width * height, width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"PLTE", b"".join(map(bytes, palette))),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_part(name, body) for name, body in parts)


def _nearest(colour: Colour, palette: list[Colour]) -> int:
    return min(range(len(palette)), key=lambda at: sum((a - b) ** 2 for a, b in zip(colour, palette[at], strict=True)))


def _part(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
