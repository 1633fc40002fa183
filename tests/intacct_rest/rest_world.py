"""Decisions that become Intacct's own approval, over the sandbox by HTTP, in runs that can die at every call."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from intacct_asana.approvals.native import NATIVE, NativeApprovals, facts_of, unclear
from intacct_asana.approvals.write_steps import step_id
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.flow.write_back import RestWorkflow
from intacct_asana.http import Answer
from intacct_asana.intacct.hook import IntacctHook
from intacct_asana.intacct.rest.hook import IntacctRestHook
from intacct_asana.journal import Outcome, carry_out
from intacct_asana.records import Bill, Decision, Intent, IntentState, Signal, Verdict
from intacct_asana.store import FlowStore

from sandbox import constants
from tests.journal.journal_world import CutJournal, Wire

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ALLOWED = RestWorkflow(approve=True, decline=True)
CLERK = "mgarcia"


def rest_connection(sandbox: Any, **extra: Any) -> dict[str, Any]:
    """An Airflow connection to the stand-in of the REST API, as its JSON."""
    changed = {name: extra.pop(name) for name in ("conn_type", "host", "login", "password") if name in extra}
    return {
        "conn_type": "intacct_rest",
        "host": f"{sandbox.url}/ia/api/v1",
        "login": constants.REST_CLIENT_ID,
        "password": constants.REST_CLIENT_SECRET,
        "extra": {"username": constants.REST_USERNAME, "allowed_endpoint_hosts": ["127.0.0.1"], **extra},
        **changed,
    }


def a_decision(bill: Bill, *, verdict: Verdict = Verdict.APPROVE, number: int = 1, name: str = "Carla Ruiz") -> Decision:
    signal = Signal(
        task_gid="900",
        story_gid=f"story {number}",
        verdict=verdict,
        decider_gid="103",
        decider_name=name,
        decided_at=NOON,
        source="web",
    )
    return Decision(
        decision_id=f"d{number:015d}",
        key=bill.bill_key,
        task_gid="900",
        task_url="https://app.asana.com/0/1/900",
        record_no=bill.record_no,
        signal=signal,
        shown_digest="d",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeEnd:
    """How the step ended, in words for the approver.

    `done`: the bill is approved, or declined. `partly`: the approval is recorded, and more are due in Intacct. `refused`:
    nothing was done, and nothing will be for this decision. `unclear`: a person has to look; each run looks again.
    """

    how: Literal["done", "partly", "refused", "unclear"]
    words: str
    code: str | None = None


def end_of(intent: Intent) -> NativeEnd:
    """The end of a write that is DONE or REFUSED, as its row holds it."""
    told = intent.answer
    how = "refused" if intent.state is IntentState.REFUSED else str(told["how"])
    code = told.get("code")
    return NativeEnd(how=how, words=str(told["words"]), code=str(code) if code else None)  # type: ignore[arg-type]


@dataclass
class RestWorld:
    """One company with both connections, one flow's store, and runs of the step about one bill."""

    sandbox: Any
    flow: FlowStore
    a_hook: Callable[..., IntacctRestHook]
    books: IntacctHook
    rules: RestWorkflow = ALLOWED
    now: datetime = NOON
    kept: list[Outcome] = field(default_factory=list)
    wire: Wire = field(default_factory=Wire)
    """Counts every call and every commit, and can let the process die at one."""

    def a_bill(self, **how: Any) -> Bill:
        made = self.sandbox.act("intacct", CLERK, "create_bill", amount="1200.50", **how)
        return self.read(made["record_no"])

    def read(self, record_no: str) -> Bill:
        """As the XML gateway tells it."""
        bill = self.books.bill(record_no)
        assert bill is not None
        return bill

    def carried_out(self, hook: IntacctRestHook, decision: Decision, bill: Bill, **more: Any) -> NativeEnd:
        """As the settling of decisions has the journal do it."""
        journal = CutJournal(self.flow._database, flow=self.flow._flow)
        journal.wire = self.wire
        earlier = journal.of([step_id(NATIVE, decision)]).get(step_id(NATIVE, decision))
        if earlier and not earlier.state.is_open:
            return end_of(earlier)
        asked = {"look": lambda: None, "check": lambda bill: None, **more}
        native = NativeApprovals(workflow=hook, rules=self.rules)
        kind, intent = native.prepared(decision, bill, earlier=earlier, **asked)
        keep = lambda outcome: {**facts_of(outcome), **self.keep(outcome)}  # noqa: E731 - the journal's own name for it
        with closing(
            carry_out([intent], kinds=[kind], journal=journal, keep=keep, owner="run", now=lambda: self.now, workers=1)
        ) as outcomes:
            [ended] = outcomes
        if not ended.intent.state.is_open:
            return end_of(ended.intent)
        why = unclear(ended)
        return NativeEnd(how="unclear", words=why.message, code=why.code)

    def run(self, decision: Decision, bill: Bill, **more: Any) -> NativeEnd | IntacctAsanaError:
        """One run in a process of its own: the end, or what only the next run can mend."""
        hook = self.a_hook()
        send = hook.transport.send

        def cut(*told: Any, **how: Any) -> Answer:
            with self.wire.step():
                return send(*told, **how)

        hook.transport.send = cut  # type: ignore[method-assign]
        try:
            return self.carried_out(hook, decision, bill, **more)
        except IntacctAsanaError as error:
            return error
        finally:
            self.now += timedelta(minutes=16)

    def run_to_the_end(self, decision: Decision, bill: Bill) -> NativeEnd:
        for _ in range(5):
            if isinstance(end := self.run(decision, bill), NativeEnd):
                return end
        raise AssertionError(end)

    def keep(self, outcome: Outcome) -> Mapping[str, object]:
        self.kept.append(outcome)
        return {"control": outcome.intent.control_id}

    def row(self, decision: Decision) -> Intent | None:
        return self.flow.intents().of([step_id(NATIVE, decision)]).get(step_id(NATIVE, decision))

    def approvals(self) -> list[dict[str, Any]]:
        """Every approval and decline that took effect in Intacct, oldest first."""
        found: list[dict[str, Any]] = self.sandbox.state("intacct")["approvals"]
        return found

    def acts(self) -> Counter[str]:
        return Counter(each["act"] for each in self.approvals())

    @contextmanager
    def strikes(self, kind: str, action: str, **more: Any) -> Iterator[None]:
        self.sandbox.fault("intacct", kind, action, **more)
        yield
        self.sandbox.clear_faults()


def connection_json(sandbox: Any, **extra: Any) -> str:
    return json.dumps(rest_connection(sandbox, **extra))
