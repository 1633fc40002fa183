"""Starts runs for news, at most one at a time for each flow: a burst of deliveries makes one run and one that follows it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock, Thread

from intacct_asana.errors import IntacctAsanaError, OutcomeUnknown, TryLater

GATHER_SECONDS = 0.5
"""A moment for what belongs together, such as a reason and a choice."""

TRIES = 3
PAUSE_SECONDS = 1.0

log = logging.getLogger(__name__)


class Waker:
    """`wake(flow)` returns at once; a thread does the work, which may take seconds. A hint that is lost costs only time."""

    def __init__(
        self,
        start_run: Callable[[str], str | None],
        *,
        gather_seconds: float = GATHER_SECONDS,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._start_run, self._gather_seconds, self._pause_seconds = start_run, gather_seconds, pause_seconds
        self._lock = Lock()
        self._busy: set[str] = set()
        self._again: set[str] = set()

    def wake(self, flow: str) -> None:
        """Start a run soon, unless somebody is about to: then that one is asked to look once more."""
        with self._lock:
            self._again.add(flow)
            if flow in self._busy:
                return
            self._busy.add(flow)
        # Not the request's own background task: the next delivery on the same line would wait for it.
        Thread(target=self._until_quiet, args=(flow,), name=f"wake-{flow}", daemon=True).start()

    def _until_quiet(self, flow: str) -> None:
        while True:
            time.sleep(self._gather_seconds)
            with self._lock:
                if flow not in self._again:
                    self._busy.discard(flow)
                    return
                # Whatever came until now is seen by the run that starts next.
                self._again.discard(flow)
            self._try(flow)

    def _try(self, flow: str) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                run_id = self._start_run(flow)
            except (TryLater, OutcomeUnknown) as error:
                if attempt < TRIES:
                    time.sleep(self._pause_seconds * attempt)
                    continue
                self._lost(flow, error.message)
            except IntacctAsanaError as error:
                self._lost(flow, error.message)
            except Exception as error:  # noqa: BLE001  (only our own errors are known to hold no secret)
                self._lost(flow, type(error).__name__)
            else:
                log.info("Flow %s is woken by its webhook: %s", flow, run_id or "a run is queued already")
            return

    def _lost(self, flow: str, why: str) -> None:
        log.warning("Flow %s is not woken, which costs only time: its schedule comes. %s", flow, why)
