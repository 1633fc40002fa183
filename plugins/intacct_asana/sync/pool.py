"""Calls side by side, results one after the other in the calling thread."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


def each_done(
    work: Callable[[Item], Outcome], items: Iterable[Item], *, workers: int
) -> Generator[tuple[Item, Outcome], None, None]:
    """Runs `work` on `items` in `workers` threads and yields each item with its outcome as it gets done.

    Items are drawn only a little ahead of the work, so whoever ends `items` early stops the rest and still gets what was
    under way. Closing the generator, or an interruption, drops what has not started and waits for nothing; close it
    (`contextlib.closing`), or an interruption outside leaves it running.
    """
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="asana")
    under_way: dict[Future[Outcome], Item] = {}
    try:
        for item in items:
            under_way[pool.submit(work, item)] = item
            if len(under_way) >= 2 * workers:
                yield from _finished(under_way)
        while under_way:
            yield from _finished(under_way)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _finished(under_way: dict[Future[Outcome], Item]) -> Iterator[tuple[Item, Outcome]]:
    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in done:
        item = under_way.pop(future)
        yield item, future.result()
