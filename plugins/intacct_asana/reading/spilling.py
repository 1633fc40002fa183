"""Records and texts of any number, of which memory holds the first few and a file without a name the others.

The file is this process's own: nobody else can open it, and it is gone when the process ends, however it ends. What it holds
is compressed. Temporary files are where TMPDIR says.
"""

from __future__ import annotations

import os
import pickle
import zlib
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import islice
from tempfile import TemporaryFile
from typing import Generic, TypeVar

MOST_HELD = 2000
"""Records that stay in memory: a run that reads what changed since the last one seldom has more."""

FASTEST = 1
"""Of zlib: bills shrink to a third of their size."""

PAGE = 500

Item = TypeVar("Item")


def in_pages(records: Mapping[str, Item], keys: Iterable[str] | None = None, *, page: int = PAGE) -> Iterator[dict[str, Item]]:
    """The records a few at a time, in the order of `keys` where that is given; keys without a record are left out."""
    for chunk in batched(records if keys is None else keys, page):
        yield {key: records[key] for key in chunk if key in records}


def batched(items: Iterable[Item], size: int = PAGE) -> Iterator[list[Item]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


class _File:
    """Pieces of bytes, each found again by where it begins."""

    def __init__(self) -> None:
        self._file = TemporaryFile(prefix="intacct-asana-")  # noqa: SIM115 - it lives as long as this object
        self._end = 0

    def put(self, piece: bytes) -> int:
        packed = zlib.compress(piece, FASTEST)
        place, self._end = self._end, self._end + 4 + len(packed)
        self._file.write(len(packed).to_bytes(4, "big") + packed)
        return place

    def get(self, place: int) -> bytes:
        self._file.flush()
        number = self._file.fileno()
        size = int.from_bytes(os.pread(number, 4, place), "big")
        return zlib.decompress(os.pread(number, size, place + 4))


class Spilled(MutableMapping[str, Item], Generic[Item]):
    """A mapping of keys to records, in the order in which the keys came. Beyond `most` only keys and places are in memory.

    What is read is a copy: a changed record has to be put again. For one thread.
    """

    def __init__(self, *, most: int = MOST_HELD) -> None:
        self._most, self._file = most, None if most else _File()
        self._records: dict[str, Item | _Place] = {}
        self._held = 0

    def __getitem__(self, key: str) -> Item:
        found = self._records[key]
        if not isinstance(found, _Place):
            return found
        assert self._file is not None
        record: Item = pickle.loads(self._file.get(found))  # noqa: S301 - written by this very process
        return record

    def __setitem__(self, key: str, record: Item) -> None:
        before = self._records.get(key)
        is_held = before is not None and not isinstance(before, _Place)
        if is_held or self._held < self._most:
            self._held += not is_held
            self._records[key] = record
            return
        self._file = self._file or _File()
        self._records[key] = _Place(self._file.put(pickle.dumps(record, pickle.HIGHEST_PROTOCOL)))

    def __delitem__(self, key: str) -> None:
        self._held -= not isinstance(self._records.pop(key), _Place)

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, key: object) -> bool:
        return key in self._records


class _Place(int):
    """Where a record begins in the file."""

    __slots__ = ()


class SpilledTexts:
    """Texts in their order, as often as they are asked for; all of them are in the file."""

    def __init__(self) -> None:
        self._file: _File | None = None
        self._places: list[int] = []

    def append(self, text: str, /) -> None:
        self._file = self._file or _File()
        self._places.append(self._file.put(text.encode("utf-8", "surrogatepass")))

    def __iter__(self) -> Iterator[str]:
        for place in self._places:
            assert self._file is not None
            yield self._file.get(place).decode("utf-8", "surrogatepass")

    def __len__(self) -> int:
        return len(self._places)
