"""Records and texts of any number, of which memory holds the first few and a file without a name the others.

The file is this process's own: nobody else can open it, and it is gone when the process ends, however it ends. What it holds
is compressed. Temporary files are where TMPDIR says.
"""

from __future__ import annotations

import os
import pickle
import zlib
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from itertools import islice
from tempfile import TemporaryFile, gettempdir
from typing import Generic, TypeVar

from intacct_asana.errors import TryLater

MOST_HELD = 2000
"""Records that stay in memory: a run that reads what changed since the last one seldom has more."""

FASTEST = 1
"""Of zlib: bills shrink to about half of their size."""

PAGE = 500

Item = TypeVar("Item")


def in_pages(records: Mapping[str, Item], keys: Iterable[str] | None = None) -> Iterator[dict[str, Item]]:
    """The records a few at a time, in the order of `keys` where that is given; keys without a record are left out."""
    for chunk in batched(records if keys is None else keys):
        yield {key: records[key] for key in chunk if key in records}


def batched(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Lists of a page's length."""
    rest = iter(items)
    while chunk := list(islice(rest, PAGE)):
        yield chunk


class _File:
    """Pieces of bytes, each found again by where it begins."""

    def __init__(self) -> None:
        with _told():
            self._file = TemporaryFile(prefix="intacct-asana-")  # noqa: SIM115 - it lives as long as this object
        self._end = 0

    def put(self, piece: bytes) -> int:
        packed = zlib.compress(piece, FASTEST)
        place, self._end = self._end, self._end + 4 + len(packed)
        with _told():
            self._file.write(len(packed).to_bytes(4, "big") + packed)
        return place

    def get(self, place: int) -> bytes:
        with _told():
            self._file.flush()
            number = self._file.fileno()
            size = int.from_bytes(os.pread(number, 4, place), "big")
            return zlib.decompress(os.pread(number, size, place + 4))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = f"What was read could not be kept in a temporary file in {gettempdir()}"
        cure = "Make room there, or name a folder with room in TMPDIR; the next try reads anew"
        raise TryLater(f"{where} ({error.strerror}). Nothing was planned or written. {cure}.") from error


class Spilled(MutableMapping[str, Item], Generic[Item]):
    """A mapping of keys to records, in the order in which the keys came. Beyond MOST_HELD only keys and places are in memory.

    Records are no numbers. What is read is a copy: a changed record has to be put again. For one thread.
    """

    def __init__(self) -> None:
        self._file: _File | None = None
        self._records: dict[str, Item | int] = {}
        """Where it begins in the file stands in the record's place."""
        self._held = 0

    def __getitem__(self, key: str) -> Item:
        found = self._records[key]
        if not isinstance(found, int):
            return found
        assert self._file is not None
        record: Item = pickle.loads(self._file.get(found))  # noqa: S301 - written by this very process
        return record

    def __setitem__(self, key: str, record: Item) -> None:
        before = self._records.get(key)
        is_held = before is not None and not isinstance(before, int)
        if is_held or self._held < MOST_HELD:
            self._held += not is_held
            self._records[key] = record
            return
        self._file = self._file or _File()
        self._records[key] = self._file.put(pickle.dumps(record, pickle.HIGHEST_PROTOCOL))

    def __delitem__(self, key: str) -> None:
        self._held -= not isinstance(self._records.pop(key), int)

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, key: object) -> bool:
        return key in self._records


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
