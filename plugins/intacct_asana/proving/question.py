"""What a question is, what comes of it, and how many are asked one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from intacct_asana.errors import IntacctAsanaError
from intacct_asana.proving.at_asana import AsanaPort
from intacct_asana.proving.at_intacct import IntacctPort
from intacct_asana.proving.at_rest import RestPort
from intacct_asana.proving.masks import code_of, masked

System = Literal["intacct", "asana", "intacct rest"]
SYSTEMS: tuple[System, ...] = ("intacct", "asana", "intacct rest")
Place = Literal["connection intacct", "connection asana", "flow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A line that follows from an answer. `key` is a key of a connection's extra, or a dotted key of the flow file."""

    place: Place
    key: str
    value: Any
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was seen, in our own words, with counts, codes and shapes in `figures`; nothing of what records say."""

    seen: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    settings: tuple[Setting, ...] = ()


@dataclass(slots=True, kw_only=True)
class Ports:
    """The systems that are asked, as far as there is a connection, and what the person who asks has said.

    `wait` waits so many seconds. `left` is what could not be taken back and where it is, for that person's eyes only.
    """

    wait: Callable[[float], None]
    intacct: IntacctPort | None = None
    asana: AsanaPort | None = None
    rest: RestPort | None = None
    text_field: str = ""
    target: str = ""
    left: list[str] = field(default_factory=list)

    @property
    def books(self) -> IntacctPort:
        if self.intacct is None:
            raise NotAsked("there is no connection to Intacct")
        return self.intacct

    @property
    def board(self) -> AsanaPort:
        if self.asana is None:
            raise NotAsked("there is no connection to Asana, or no project was named")
        return self.asana

    @property
    def native(self) -> RestPort:
        if self.rest is None:
            raise NotAsked("there is no connection to Intacct's REST API")
        return self.rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. `unsure` is why nobody knows, `otherwise` what this project does where the answer is another one.

    `writes` says what it changes, empty for one that only reads, and `taken_back` how that is undone. A `slow` one waits for
    minutes or hours.
    """

    id: str
    system: System
    asks: str
    unsure: str
    otherwise: str
    ask: Callable[[Ports], Answer]
    writes: str = ""
    taken_back: str = ""
    slow: bool = False


class NotAsked(Exception):
    """There is nothing to ask about: no such record, no such field, no connection."""


Outcome = Literal["answered", "failed", "not asked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of one question; `why` it failed or was not asked. `remains` where something could not be taken back."""

    question: Question
    outcome: Outcome
    answer: Answer | None = None
    why: str = ""
    remains: bool = False


def put(questions: Iterable[Question], ports: Ports, *, may: Callable[[Question], str]) -> Iterator[Row]:
    """A row for each question. `may` says why one is not asked, empty for one that is. What fails stops no other."""
    for question in questions:
        if why := may(question):
            yield Row(question=question, outcome="not asked", why=why)
            continue
        before = len(ports.left)
        row = _asked(question, ports)
        yield Row(
            question=row.question,
            outcome=row.outcome,
            answer=row.answer,
            why=row.why,
            remains=len(ports.left) > before,
        )


def _asked(question: Question, ports: Ports) -> Row:
    doors = [port for port in (ports.intacct, ports.asana) if port]
    try:
        for port in doors:
            port.may_write = bool(question.writes)
        return Row(question=question, outcome="answered", answer=question.ask(ports))
    except NotAsked as reason:
        return Row(question=question, outcome="not asked", why=str(reason))
    except IntacctAsanaError as error:
        return Row(question=question, outcome="failed", why=told(error))
    except Exception as error:  # noqa: BLE001 - a mistake of ours in one question is a row, and takes no other one along
        return Row(question=question, outcome="failed", why=f"the question itself broke: {type(error).__name__}")
    finally:
        for port in doors:
            port.may_write = False


def told(error: IntacctAsanaError) -> str:
    """An error as the report may say it: its kind, its code, and its words as far as they are nobody's."""
    code = f" {code_of(error.code)}" if error.code else ""
    return f"{type(error).__name__}{code}: {masked(error.message)}"


@contextmanager
def taken_back(ports: Ports, *, undo: Callable[[], bool], remains: str) -> Iterator[None]:
    """Whatever happens inside, `undo` is done after it; it reads back and says whether nothing is left.

    Where something is, or undoing fails, `remains` goes to the person who asks: what it is, and where.
    """
    try:
        yield
    finally:
        gone, why = False, ""
        try:
            gone = undo()
        except IntacctAsanaError as error:
            why = f" ({error.message})"
        finally:
            # Also where somebody lost patience meanwhile.
            if not gone:
                ports.left.append(f"{remains}{why}")
