"""The one loop for every write to the other side, so that each happens exactly once or is proven not to have happened.

    NOTED -> SENT -> DONE, REFUSED or UNKNOWN; what is SENT or UNKNOWN from an earlier try is looked for before it is sent

Whatever interrupts it, the next run goes on from the rows of the journal. A kind of write says with three functions how it
is sent, how it is found again over there, and whether what is found is what was to be written.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from intacct_asana.errors import IntacctAsanaError, Misconfigured, Refused, TryLater, UnexpectedReply
from intacct_asana.ports import Journal
from intacct_asana.records import Intent, IntentState

LONGEST = timedelta(minutes=15)
"""How long a call may be under way before another process takes it for dead. Longer than any call with its repeats."""

TWICE = 2
"""Sent so often under one control id and not there: the other side may refuse that control id for ever."""

Item = TypeVar("Item")
Done = TypeVar("Done")


class Kind(Protocol):
    """One kind of write. Derive from it: most kinds need the three functions only. They raise our six errors only.

    What `send` answers and what `find` finds is the kind's own business, as long as both are of one form.
    """

    name: str

    exclusive: bool = False
    """Whether one write about a subject has to be settled before the next one is sent."""

    looks_first: bool = False
    """Whether it is looked for even before it is sent for the first time: where a look costs little."""

    remembered: bool = True
    """Whether its row stays when it is done, to be overwritten by the next one of its id. Else it goes."""

    def send(self, intent: Intent) -> Any:
        """Write it once. None when the answer proves nothing. Called from several threads.

        TryLater says that nothing happened, Misconfigured that nothing did and that the same would meet the whole batch.
        """
        ...

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Any]:
        """What the other side shows of them now, by intent id; without those that are not there. One look for all.

        An error of ours stands for one of which nobody can tell; raised, it is one for all.
        """
        ...

    def same(self, intent: Intent, found: Any) -> bool:
        """Whether what was answered or found is what was to be written."""
        ...

    def next_control_id(self, intent: Intent) -> str:
        """The control id of a first write, and of one that was proven absent after it was sent twice. Deterministic."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an intent stands after a step, what the other side showed, and why it is not done."""

    intent: Intent
    found: Any = None
    error: IntacctAsanaError | None = None

    @property
    def is_done(self) -> bool:
        return self.intent.state is IntentState.DONE


Keep = Callable[[Outcome], Mapping[str, object] | None]
"""Keeps in the store what goes with an intent's new state, in the same transaction; the answer stays on the intent's row."""


def keep_nothing(outcome: Outcome) -> None:
    """For writes whose own row says everything."""


def carry_out(
    intents: Sequence[Intent],
    *,
    kinds: Iterable[Kind],
    journal: Journal,
    keep: Keep = keep_nothing,
    owner: str,
    now: Callable[[], datetime],
    workers: int = 8,
    longest: timedelta = LONGEST,
) -> Generator[Outcome]:
    """Writes what `intents` say and yields how each ended, as it ends; one that fails does not stop the others.

    `keep` is called for each new state: SENT before the call leaves, then how it ended. What it raises of ours undoes that
    step alone: before the call the intent is not sent, afterwards it is UNKNOWN and looked for by the next run. Where plans
    can be old, `keep` refuses SENT for what the caller's own rows say is done: to the journal a wish for it is a new one.
    A Misconfigured stops the batch; intents that were not started yield nothing. `send` is called in `workers` threads, the
    journal and `keep` from the calling thread only. `owner` is who claims what is under way: a process that shares its name
    with a dead one goes on at once, any other one after `longest`. `now` gives aware UTC instants.
    An interruption comes out at once, and what was kept stays kept; close the generator (`contextlib.closing`).
    """
    by_name = {kind.name: kind for kind in kinds}
    run = _Run(kinds=by_name, journal=journal, keep=keep, owner=owner, now=now, workers=workers, longest=longest)
    return run.outcomes(intents)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flight:
    """An intent whose call is leaving: its row before, and as it is SENT."""

    before: Intent
    sent: Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What was seen of one intent over there; `error` when nobody could look."""

    found: Any = None
    is_there: bool = False
    error: IntacctAsanaError | None = None


@dataclass(slots=True, kw_only=True)
class _Run:
    """One batch."""

    kinds: Mapping[str, Kind]
    journal: Journal
    keep: Keep
    owner: str
    now: Callable[[], datetime]
    workers: int
    longest: timedelta
    stopped: bool = False
    not_sent: list[Outcome] = field(default_factory=list)

    def outcomes(self, intents: Sequence[Intent]) -> Generator[Outcome]:
        if not intents:
            return
        free: list[Intent] = []
        for intent in self.journal.note(intents, at=self.now()).values():
            if self._is_busy(intent):
                yield Outcome(intent=intent, error=under_way(intent))
            else:
                free.append(intent)
        ready = yield from self._looked_for(free)
        unclear: list[tuple[_Flight, IntacctAsanaError]] = []
        with closing(each_done(self._send, self._leaving(ready), workers=self.workers)) as answers:
            for flight, (found, error) in answers:
                if outcome := self._clear(flight, found, error):
                    yield outcome
                else:
                    unclear.append((flight, error or _not_shown(flight.sent)))
                yield from self._drained()
        yield from self._drained()
        yield from self._cleared_up(unclear)

    # Before anything leaves

    def _is_busy(self, intent: Intent) -> bool:
        """Another process is sending it now. Our own name on it is that of a process that died."""
        until = intent.claimed_until
        return until is not None and until > self.now() and intent.claimed_by != self.owner

    def _looked_for(self, intents: Sequence[Intent]) -> Generator[Outcome, None, list[Intent]]:
        """Ends what is over there already; the answer is what may be sent."""
        doubtful = [one for one in intents if one.state.is_in_doubt or self.kinds[one.kind].looks_first]
        looks = self._look(doubtful)
        ready: list[Intent] = []
        for intent in intents:
            look = looks.get(intent.intent_id)
            if look is None:
                ready.append(intent)
            elif look.error:
                # Sending without having looked is how a second one comes about.
                yield Outcome(intent=intent, error=look.error)
            elif look.is_there:
                yield self._settle(intent, replace(intent, state=IntentState.DONE), found=look.found)
            else:
                ready.append(self._absent(intent))
        return ready

    def _look(self, intents: Sequence[Intent]) -> dict[str, _Look]:
        """One look for each kind."""
        looks: dict[str, _Look] = {}
        for name in dict.fromkeys(intent.kind for intent in intents):
            kind, asked = self.kinds[name], [intent for intent in intents if intent.kind == name]
            try:
                found = kind.find(asked)
                looks |= {one.intent_id: _seen(kind, one, found.get(one.intent_id)) for one in asked}
            except IntacctAsanaError as error:
                self.stopped = self.stopped or isinstance(error, Misconfigured)
                looks |= {one.intent_id: _Look(error=error) for one in asked}
        return looks

    def _absent(self, intent: Intent) -> Intent:
        """The same write, proven not to be there. After it was sent twice it goes out under another control id."""
        if intent.tries < TWICE:
            return intent
        return replace(intent, control_id=self.kinds[intent.kind].next_control_id(intent), tries=0)

    # Leaving

    def _leaving(self, ready: Sequence[Intent]) -> Iterator[_Flight]:
        """Each intent after its row says SENT; a few at a time, so that few rows are in doubt when something dies."""
        # An exclusive one takes its subject when it is SENT, so it does so at the last moment.
        few = 1 if any(self._is_exclusive(intent) for intent in ready) else 2 * self.workers
        for start in range(0, len(ready), few):
            flights = [] if self.stopped else self._mark_sent(ready[start : start + few])
            for flight in flights:
                if self.stopped:
                    self._settle(flight.sent, self._back(flight))
                else:
                    yield flight

    def _mark_sent(self, intents: Sequence[Intent]) -> list[_Flight]:
        flights: list[_Flight] = []
        kept_back: list[Outcome] = []
        try:
            with self.journal.together():
                for before in intents:
                    try:
                        flights.append(_Flight(before=before, sent=self._kept(before, Outcome(intent=self._claimed(before)))))
                    except IntacctAsanaError as error:
                        kept_back.append(Outcome(intent=before, error=error))
        except IntacctAsanaError as error:
            flights, kept_back = [], [Outcome(intent=before, error=error) for before in intents]
        self.not_sent += kept_back
        return flights

    def _claimed(self, intent: Intent) -> Intent:
        kind = self.kinds[intent.kind]
        return replace(
            intent,
            state=IntentState.SENT,
            control_id=intent.control_id or kind.next_control_id(intent),
            turn=intent.turn + 1,
            tries=intent.tries + 1,
            answer={},
            claimed_by=self.owner,
            claimed_until=self.now() + self.longest,
        )

    def _send(self, flight: _Flight) -> tuple[Any, IntacctAsanaError | None]:
        """Runs in a worker thread, so it touches nothing but the other side. Our own errors are answers here."""
        try:
            return self.kinds[flight.sent.kind].send(flight.sent), None
        except IntacctAsanaError as error:
            return None, error

    def _drained(self) -> Iterator[Outcome]:
        """What could not leave, said once."""
        kept_back, self.not_sent = self.not_sent, []
        yield from kept_back

    # After each answer

    def _clear(self, flight: _Flight, found: Any, error: IntacctAsanaError | None) -> Outcome | None:
        """The end that the answer itself proves; None when the other side has to be looked at."""
        sent = flight.sent
        if isinstance(error, TryLater | Misconfigured):
            self.stopped = self.stopped or isinstance(error, Misconfigured)
            return self._settle(sent, self._back(flight), error=error)
        if error is None and _seen(self.kinds[sent.kind], sent, found).is_there:
            return self._settle(sent, replace(sent, state=IntentState.DONE), found=found)
        return None

    def _back(self, flight: _Flight) -> Intent:
        """As before it was sent. An exclusive one keeps its subject: whoever came first is settled first."""
        was_noted = flight.before.state is IntentState.NOTED and not self._is_exclusive(flight.before)
        state = IntentState.NOTED if was_noted else IntentState.UNKNOWN
        return replace(flight.sent, state=state, tries=flight.before.tries)

    def _cleared_up(self, unclear: Sequence[tuple[_Flight, IntacctAsanaError]]) -> Iterator[Outcome]:
        """Looks once for all that had no clear answer. A refusal can be that of a repeat whose first try was carried out."""
        looks = self._look([flight.sent for flight, _ in unclear])
        for flight, error in unclear:
            sent, look = flight.sent, looks[flight.sent.intent_id]
            if look.is_there:
                yield self._settle(sent, replace(sent, state=IntentState.DONE), found=look.found)
            elif look.error:
                yield self._settle(sent, replace(sent, state=IntentState.UNKNOWN), error=error)
            elif isinstance(error, Refused):
                yield self._settle(sent, replace(sent, state=IntentState.REFUSED), found=look.found, error=error)
            else:
                # Not sent again in this run: the call may still be under way.
                unknown = replace(self._absent(sent), state=IntentState.UNKNOWN)
                yield self._settle(sent, unknown, found=look.found, error=error)

    # In the store

    def _settle(self, before: Intent, after: Intent, *, found: Any = None, error: IntacctAsanaError | None = None) -> Outcome:
        outcome = Outcome(intent=replace(after, claimed_by="", claimed_until=None), found=found, error=error)
        try:
            return replace(outcome, intent=self._kept(before, outcome))
        except IntacctAsanaError as problem:
            unknown = replace(outcome.intent, state=IntentState.UNKNOWN, answer=_said(problem))
            with suppress(IntacctAsanaError):
                self.journal.move(before, unknown, exclusive=self._is_exclusive(before), at=self.now())
            return Outcome(intent=unknown, found=found, error=problem)

    def _kept(self, before: Intent, outcome: Outcome) -> Intent:
        """The new state, and what `keep` has to say about it, in one transaction."""
        with self.journal.together():
            answer = self.keep(outcome) or (_said(outcome.error) if outcome.error else {})
            after = replace(outcome.intent, answer=answer)
            if outcome.is_done and not self.kinds[after.kind].remembered:
                self.journal.drop(before)
            else:
                self.journal.move(before, after, exclusive=self._is_exclusive(after), at=self.now())
        return after

    def _is_exclusive(self, intent: Intent) -> bool:
        return self.kinds[intent.kind].exclusive


def name_of(intent: Intent) -> str:
    return f"{intent.kind} of {intent.subject} ({intent.intent_id})"


def under_way(intent: Intent) -> TryLater:
    """Says who is sending it, and when that ends by itself."""
    until = f"{intent.claimed_until:%Y-%m-%d %H:%M} UTC" if intent.claimed_until else "that run is over"
    return TryLater(
        f"{name_of(intent)}: {intent.claimed_by} is doing this just now. If that run was stopped or died, this can be run "
        f"again after {until}."
    )


def each_done(work: Callable[[Item], Done], items: Iterable[Item], *, workers: int) -> Generator[tuple[Item, Done]]:
    """Runs `work` on `items` in `workers` threads and yields each item with its outcome as it gets done.

    Items are drawn in the calling thread and only a little ahead of the work, so whoever ends `items` early stops the rest
    and still gets what was under way. Closing the generator, or an interruption, drops what has not started and waits for
    nothing; close it (`contextlib.closing`), or an interruption outside leaves it running.
    """
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="journal")
    under_way: dict[Future[Done], Item] = {}
    try:
        for item in items:
            under_way[pool.submit(work, item)] = item
            if len(under_way) >= 2 * workers:
                yield from _finished(under_way)
        while under_way:
            yield from _finished(under_way)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _finished(under_way: dict[Future[Done], Item]) -> Iterator[tuple[Item, Done]]:
    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in done:
        yield under_way.pop(future), future.result()


def _seen(kind: Kind, intent: Intent, found: Any) -> _Look:
    if isinstance(found, IntacctAsanaError):
        return _Look(error=found)
    return _Look(found=found, is_there=found is not None and kind.same(intent, found))


def _said(error: IntacctAsanaError) -> dict[str, object]:
    return {"error": type(error).__name__, "said": error.message, "code": error.code}


def _not_shown(intent: Intent) -> UnexpectedReply:
    return UnexpectedReply(
        f"{name_of(intent)} was answered with success, but a look at it does not show what was written "
        f"(control id {intent.control_id or 'none'}). The next run looks again before it writes."
    )
