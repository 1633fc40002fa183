"""What one step of a flow works with: the flow's file, both systems, the store, and its rules as the decisions take them.

The only place where they are joined.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo

from airflow.sdk import BaseHook, BaseOperator
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowTaskTimeout

from intacct_asana import __version__
from intacct_asana.approvals import ApprovalSubtasks, ApprovalTask, ChoiceField, DeclaredComment, Policy, Way
from intacct_asana.deployment import evidence_keys, flow_named
from intacct_asana.errors import Misconfigured, Problem, TryLater, UnsafePlan
from intacct_asana.flow.model import Flow
from intacct_asana.flow.signals import EnumSignal, SignalRule
from intacct_asana.lineage.openlineage import lineage_of
from intacct_asana.operators.runs.ends import note_end, tell_assets
from intacct_asana.operators.runs.links import AsanaProjectLink, FlowPageLink
from intacct_asana.reading.documents import BillFiles
from intacct_asana.records import Bill, Cursor, Decision, Link, Person, PinnedField, Pins, Verdict
from intacct_asana.reports.meter import ASANA, INTACCT
from intacct_asana.store import FlowStore, StoredPlan, kept_open, open_store
from intacct_asana.vendors import NamedPeople, vendor_key_of

if TYPE_CHECKING:
    from airflow.sdk import Connection
    from airflow.sdk.definitions.context import Context

    from intacct_asana.asana.hook import AsanaHook
    from intacct_asana.intacct.hook import IntacctHook
    from intacct_asana.intacct.rest.hook import IntacctRestHook


WAITS = "waits"
"""In a plan's summary: why nothing of it is written by its own run, which is no failure."""

AWAY_SINCE = "intacct_away_since"
"""Cursor: when a run first found that Intacct does not answer; empty when it does."""


class FlowRun:
    """One flow's two systems and its store, opened when they are first used. `now` gives aware UTC instants."""

    def __init__(self, flow: Flow, *, now: Callable[[], datetime] | None = None) -> None:
        self.flow = flow
        self._gids: dict[str, str] = {}
        self._pinned: dict[str, Pins] = {}
        self._named: dict[str, dict[str, str]] = {}
        self.now = now or utc_now
        self.run_id = ""  # Airflow's run for which this works: decisions that it moves name it.
        self.is_dry_run = False
        """Whether one run of a flow that writes was asked to say only what it would do."""
        self.is_away: bool | None = None
        """Whether Intacct answered for none of the decided bills that were asked for; None before any was."""

    def dry(self) -> FlowRun:
        """The same flow for a run that only says what it would do, held as a rehearsal is: hooks and store refuse writes."""
        run = FlowRun(self.flow.model_copy(update={"rehearsal": True}), now=self.now)
        run.is_dry_run = not self.flow.rehearsal
        return run

    @cached_property
    def books(self) -> IntacctHook:
        # Hooks are imported when they are used: a DAG file is parsed again for every task start.
        from intacct_asana.intacct.hook import IntacctHook

        stamp = self.flow.write_back.stamp
        custom = tuple(stamp.model_dump().values()) if stamp else ()
        return IntacctHook(
            self.flow.connections.intacct,
            custom_fields=tuple(name for name in custom if name),
            vendor_custom_fields=tuple(rule.intacct_field for rule in self.flow.vendors.fields if rule.intacct_field),
            reads_payments=self.flow.bills.payments == "details",
            show_private=self.flow.bills.show_private,
            base_currency=self.flow.approval.base_currency or "",
            rehearses=self.flow.rehearsal,
            document_function=self.flow.bills.attachment_function,
        )

    @cached_property
    def native(self) -> IntacctRestHook:
        """Intacct's own approvals, for flows that have decisions carried out so."""
        from intacct_asana.intacct.rest.hook import IntacctRestHook

        return IntacctRestHook(self.flow.connections.intacct_rest, rehearses=self.flow.rehearsal)

    @cached_property
    def files(self) -> BillFiles:
        return BillFiles(books=self.books, compared=self.flow.bills.attachments == "file")

    @cached_property
    def unpinned_board(self) -> AsanaHook:
        """Asana as whoever the token's user is: for preflight, which pins that user. Steps take `own_board`."""
        from intacct_asana.asana.hook import AsanaHook

        board, pins = AsanaHook(self.flow.connections.asana), self.store.pins("bill")
        if pins and pins.workspace_gid:
            # Who is a member elsewhere may be a guest where the bills are.
            board.workspace_gid = pins.workspace_gid
        return board

    @cached_property
    def _me(self) -> Person:
        return self.unpinned_board.me()

    @cached_property
    def store(self) -> FlowStore:
        store, flow = open_store(store_url(self.flow.connections.store), evidence_keys=evidence_keys), self.flow
        return store.for_flow(flow.flow, rehearses=flow.rehearsal, file_digest=flow.file_digest, run_id=self.run_id)

    def own_board(self, kind: str) -> tuple[AsanaHook, Pins]:
        """Asana as the user that preflight pinned, and what it pinned for `bill` or `vendor`: the only board of a step.

        What the token's user does is our own doing and no decision. With the token of an approver who is not pinned, a task
        that the bill sync completes would count as approved by that person. Raises Misconfigured for another user, and when
        preflight has not run yet. In a rehearsal the board refuses every write.
        """
        pins = self._pins(kind)
        self._raise_unless_pinned_for_this(kind, pins)
        if self._me.gid == pins.bot_gid:
            self.unpinned_board.rehearses = self.flow.rehearsal
            return self.unpinned_board, pins
        raise Misconfigured(
            f"Connection {self.unpinned_board.conn_id} acts as {self._me.name} ({self._me.gid}), and preflight pinned user "
            f"{pins.bot_gid}. Nothing was read or written. Put the former user's token back, or run the DAG "
            f"{self.flow.flow}_preflight."
        )

    def _raise_unless_pinned_for_this(self, kind: str, pins: Pins) -> None:
        """The flow file or a connection may have changed since preflight: then the pins are of something else."""
        project = self.flow.bills.project if kind == "bill" else self.flow.vendors.project
        company = self.books.settings.login.company_id if pins.company_id else ""
        changed = [
            f"{what} {now} where preflight pinned {then}"
            for what, now, then in (("Asana project", project, pins.project_gid), ("Intacct company", company, pins.company_id))
            if then and now.casefold() != then.casefold()
        ]
        if changed:
            raise Misconfigured(
                f"Flow {self.flow.flow} names {' and '.join(changed)}. Nothing was read or written. Put it back, or "
                f"run the DAG {self.flow.flow}_preflight."
            )

    def _pins(self, kind: str) -> Pins:
        """Read once: one step goes by one preflight."""
        if pins := self._pinned.get(kind) or self.store.pins(kind):
            self._pinned[kind] = pins
            return pins
        raise Misconfigured(
            f"Flow {self.flow.flow} does not know the Asana fields of its {kind} project yet.",
            problems=(
                Problem(
                    where=f"store {self.flow.connections.store}",
                    what="nothing is pinned",
                    mend=f"run the DAG {self.flow.flow}_preflight; with create_missing it makes the fields too",
                ),
            ),
        )

    def people(self, emails: Iterable[str]) -> Mapping[str, str]:
        """User gids by e-mail, each asked for once a task; who is unknown to Asana is left out."""
        for email in emails:
            if email not in self._gids:
                person = self.own_board("bill")[0].person(email)
                self._gids[email] = person.gid if person else ""
        return {email: gid for email, gid in self._gids.items() if gid}

    @cached_property
    def named_people(self) -> Mapping[str, str]:
        """E-mails by vendor key, as the vendors' last confirmed values name them; nothing where the flow does not ask."""
        named = NamedPeople(self.flow)
        return (
            named.emails(row for rows in self.store.values_of_vendors().values() for row in rows.values())
            if named.asked
            else {}
        )

    def person_of(self, bill: Bill) -> str:
        """The e-mail that the bill's vendor names; empty when it names nobody."""
        company = bill.bill_key.split(":", 1)[0]
        return self.named_people.get(vendor_key_of(company, bill.vendor_id), "")

    def vendor_person(self, field: str, bill: Bill) -> str:
        """The address of the approver whom a field of the bill's vendor names; empty when it names nobody."""
        if field not in self._named:
            rows = (row for rows in self.store.values_of_vendors().values() for row in rows.values())
            self._named[field] = NamedPeople(self.flow, field=field).emails(rows)
        named = self._named[field].get(vendor_key_of(bill.bill_key.split(":", 1)[0], bill.vendor_id), "")
        return next((email for email, gid in self._pins("bill").people.items() if gid == named), named)

    def in_turn(self, keys: Collection[str], *, name: str, most: int) -> list[str]:
        """As many of them as one run does. The next run begins behind these, so that none waits behind others that stay.

        `name` is that of the cursor which says where.
        """
        ordered = sorted(keys)
        if len(ordered) <= most:
            return ordered
        start = bisect_right(ordered, self.store.cursor(name) or "")
        chosen = [*ordered[start:], *ordered[:start]][:most]
        if not self.flow.rehearsal:
            self.store.save_cursor(Cursor(name=name, value=chosen[-1]))
        return chosen

    def away_since(self) -> datetime | None:
        """Since when Intacct does not answer, as far as the runs before this one could tell."""
        since = self.store.cursor(AWAY_SINCE)
        return datetime.fromisoformat(since) if since else None

    def note_away(self) -> None:
        if self.is_away is not None and not self.flow.rehearsal and self.is_away != bool(self.store.cursor(AWAY_SINCE)):
            self.store.save_cursor(Cursor(name=AWAY_SINCE, value=self.now().isoformat() if self.is_away else ""))

    @property
    def unknown_people(self) -> tuple[str, ...]:
        """E-mails that `people` was asked for and Asana does not know."""
        return tuple(email for email, gid in self._gids.items() if not gid)

    def calls(self) -> dict[str, int]:
        """Calls used by this task, by system: of Intacct as it bills them, of Asana as they were sent."""
        used: Counter[str] = Counter()
        if "books" in self.__dict__:
            used[INTACCT] += self.books.billed
        for name, system in (("native", INTACCT), ("unpinned_board", ASANA)):
            if name in self.__dict__:
                used[system] += sum(self.__dict__[name].calls.values())
        return dict(used)

    @property
    def company_id(self) -> str:
        return self.books.settings.login.company_id

    def workspace_gid(self) -> str:
        """As preflight pinned it: to ask Asana would be one more call."""
        pins = next(iter(self._pinned.values()), None) or self.store.pins("bill")
        return pins.workspace_gid if pins else ""


def store_url(conn_id: str) -> str:
    """SQLAlchemy URL of the store: the connection when there is one, else a SQLite file under AIRFLOW_HOME."""
    try:
        return _sqlalchemy_url(BaseHook.get_connection(conn_id))
    except AirflowNotFoundException:
        from airflow.configuration import AIRFLOW_HOME

        return f"sqlite:///{Path(AIRFLOW_HOME) / 'intacct_asana.db'}"


def _sqlalchemy_url(connection: Connection) -> str:
    """Airflow writes `postgres://`; SQLAlchemy wants the driver that Airflow's own database uses named."""
    from sqlalchemy import URL

    drivers = {"postgres": "postgresql+psycopg2", "postgresql": "postgresql+psycopg2", "sqlite": "sqlite"}
    driver = drivers.get(connection.conn_type or "")
    if not driver:
        raise Misconfigured(
            f"Connection {connection.conn_id} has type {connection.conn_type!r}; the store needs postgres or sqlite."
        )
    if driver == "sqlite":
        return f"sqlite:///{connection.host or connection.schema}"
    extra = connection.extra_dejson if isinstance(connection.extra_dejson, dict) else {}
    url = URL.create(
        driver,
        username=connection.login,
        password=connection.password,
        host=connection.host,
        port=connection.port,
        database=connection.schema,
        # How far the server has to prove who it is; unheeded, a connection that asks for it would be open without a word.
        query={name: str(value) for name, value in extra.items() if name.startswith("ssl")},
    )
    return url.render_as_string(hide_password=False)


def find_bill(run: FlowRun, decision: Decision) -> Bill | None:
    """The decision's bill as it is now, also when Purchasing deleted it and made it anew from the same document."""
    try:
        bill = run.books.bill(decision.record_no)
    except TryLater:
        run.is_away = run.is_away is not False
        raise
    run.is_away = False
    if bill is not None:
        return bill if bill.bill_key == decision.key else None
    _, kind, document = decision.key.split(":", 2)
    remade = run.books.bills_of_document(document) if kind == "po" else []
    return next((one for one in remade if one.bill_key == decision.key), None)


def is_closed(link: Link) -> bool:
    """Whether we completed the record's task, because there is nothing left to do about it in Intacct."""
    return bool(link.confirmed and link.confirmed.completed)


def utc_now() -> datetime:
    return datetime.now(UTC)


class FlowOperator(BaseOperator):
    """A step of a flow. `flow` is the flow's name; its file is read again at run time, so an edit counts at once."""

    ui_color = "#e8f1ea"
    operator_extra_links = (AsanaProjectLink(), FlowPageLink())
    rehearses_when_dry: ClassVar[bool] = True
    """Whether a dry run is held as a rehearsal; the plans of the syncs are made and shown as those of a real run."""
    is_for_all_bills: ClassVar[bool] = False
    """Whether the step is left to the next run by one that was asked to look at some bills only."""

    def __init__(self, *, flow: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.flow = flow

    @cached_property
    def run_parts(self) -> FlowRun:
        return FlowRun(flow_named(self.flow))

    def execute(self, context: Context) -> Any:
        params = context.get("params") or {}
        self.run_parts.run_id = str(context.get("run_id") or "")
        if self.is_for_all_bills and params.get("bill_numbers"):
            self.log.info("Left to the next run: this one looks at %s only.", ", ".join(params["bill_numbers"]))
            return {}
        with kept_open(), self._held(is_dry=self.rehearses_when_dry and bool(params.get("dry_run"))):
            try:
                done = self.work(context)
            except (Exception, AirflowTaskTimeout) as error:
                note_end(context, self.flow, self.__dict__.get("run_parts"), error)
                raise
            note_end(context, self.flow, self.run_parts)
            tell_assets(context, self.outlets, flow=self.flow, plan_id=str(getattr(self, "plan_id", None) or ""), done=done)
            return done

    @contextmanager
    def _held(self, *, is_dry: bool) -> Iterator[None]:
        """Within it a dry run works with a rehearsal of the flow."""
        if not is_dry:
            yield
            return
        live = self.run_parts
        self.__dict__["run_parts"] = live.dry()
        try:
            yield
        finally:
            self.__dict__["run_parts"] = live

    def work(self, context: Context) -> Any:
        """What the step does; what it returns goes to the steps after it."""
        raise NotImplementedError

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """What the step read and wrote, by its inlets and outlets. Asked for where the provider openlineage is installed."""
        result = task_instance.xcom_pull(task_ids=self.task_id)
        written = result.get("written") if isinstance(result, Mapping) else None
        tags = {"flow": self.flow, "flow_file": self.run_parts.flow.file_digest, "intacct_asana": __version__}
        return lineage_of(inlets=self.inlets, outlets=self.outlets, written=written, tags=tags)

    def is_dry(self, context: Context) -> bool:
        """Whether this run only says what it would do."""
        return self.run_parts.flow.rehearsal or bool(context["params"].get("dry_run"))

    def refused(self, check: Callable[[], None]) -> str:
        """What `check` refuses as unsafe. A rehearsal says it and stays green; any other run ends with it."""
        try:
            check()
        except UnsafePlan as error:
            if not self.run_parts.flow.rehearsal:
                raise
            self.log.warning("A real run would stop here. %s", error.message)
            return error.message
        return ""


class StoredPlanOperator(FlowOperator):
    """Reads the plan with `plan_id` and hands it to `carry_out`, unless its run was a dry one or the flow rehearses."""

    template_fields: Sequence[str] = ("plan_id",)
    rehearses_when_dry = False

    def __init__(self, *, plan_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_id = plan_id

    def work(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        if not self.plan_id:
            self.log.info("Nothing was planned in a quiet time, so nothing is written")
            return {"rests": True, "written": 0}
        stored = run.store.plan(self.plan_id)
        if stored is None:
            raise Misconfigured(f"Plan {self.plan_id} is not in the store; clear the planning task and run it again.")
        if run.flow.rehearsal or stored.summary.get("dry_run"):
            return self.rehearsed(stored)
        if waits := stored.summary.get(WAITS):
            self.log.info("%s", waits)
            return {WAITS: waits, "written": 0}
        return self.carry_out(run, stored)

    def rehearsed(self, stored: StoredPlan) -> dict[str, Any]:
        counts, rehearses = json.dumps(stored.summary.get("counts")), self.run_parts.flow.rehearsal
        after = "" if not rehearses else ". Runs do it once the flow file says `rehearsal: false`"
        self.log.info("%s: %s planned, nothing written%s", "Rehearsal" if after else "Dry run", counts, after)
        return {"dry_run": True, "written": 0}

    def carry_out(self, run: FlowRun, stored: StoredPlan) -> dict[str, Any]:
        raise NotImplementedError


def policy_of(run: FlowRun, pins: Pins) -> Policy:
    """The flow's approval rules with Asana's gids."""
    approval, write_back = run.flow.approval, run.flow.write_back
    reason = approval.reason_text_field
    return Policy(
        flow=run.flow.flow,
        approval=approval,
        way=way_of(approval.signal, pins, since=_words_since(run)),
        bot_gid=pins.bot_gid,
        people=pins.people,
        field_names={field.gid: field.name for field in pins.fields.values()},
        reason_field_gid=pins.fields[reason].gid if reason else "",
        stamp=write_back.stamp if "stamp" in write_back.used else None,
        on_approve=write_back.after_approval,
        on_reject=write_back.after_rejection,
        intake=write_back.intake,
        payment_request=write_back.payment_request,
        progress_field_gid=pins.fields[approval.progress_field].gid if approval.progress_field else "",
        send_due_on=write_back.send_due_on,
        send_submit=write_back.send_submit,
        compares_files=run.files.compared,
        timezone=ZoneInfo(run.flow.schedules.timezone),
        vendor_person=run.vendor_person,
        concern_days=run.flow.controls.wait_days,
    )


WORDS = "approval_words"
"""Cursor: by declared word and what it means, Asana's time from which it does; empty where it did when first looked."""


def note_words(run: FlowRun, *, at: datetime) -> None:
    """Words that the flow has not declared until now begin to count. `at` is Asana's clock.

    What was written before that was a comment and nothing else, be the word new or the way of deciding.
    """
    before = run.store.cursor(WORDS)
    known: dict[str, str] = json.loads(before or "{}")
    begin = "" if before is None else at.isoformat()
    now = json.dumps({meaning: known.get(meaning, begin) for meaning in _meanings(run.flow.approval.signal)}, sort_keys=True)
    if now != before:
        run.store.save_cursor(Cursor(name=WORDS, value=now))


def _words_since(run: FlowRun) -> Mapping[str, datetime]:
    words = _meanings(run.flow.approval.signal)
    known: dict[str, str] = json.loads((run.store.cursor(WORDS) if words else None) or "{}")
    return {word: datetime.fromisoformat(known[meaning]) for meaning, (word, _) in words.items() if known.get(meaning)}


def _meanings(signal: SignalRule) -> dict[str, tuple[str, Verdict]]:
    """Each word with its verdict, by both as text; none where people do not decide by comment."""
    if signal.kind != "comment":
        return {}
    words = [(word, Verdict.APPROVE) for word in signal.approve] + [(word, Verdict.REJECT) for word in signal.reject]
    return {f"{verdict} {word.casefold()}": (word.casefold(), verdict) for word, verdict in words}


def way_of(signal: SignalRule, pins: Pins, *, since: Mapping[str, datetime]) -> Way:
    """How people decide, with names already turned into gids."""
    if signal.kind == "approval_task" or signal.kind == "approval_subtasks":
        way = ApprovalTask if signal.kind == "approval_task" else ApprovalSubtasks
        return way(changes_requested=Verdict.REJECT if signal.changes_requested == "reject" else None)
    if signal.kind == "comment":
        return DeclaredComment(words=dict(_meanings(signal).values()), since=since)
    field = pins.fields[signal.field]
    return ChoiceField(
        field_gid=field.gid,
        pending=field.options[signal.pending],
        verdicts={field.options[signal.approve]: Verdict.APPROVE, field.options[signal.reject]: Verdict.REJECT},
        name=signal.field,
        pending_name=signal.pending,
        names={Verdict.APPROVE: signal.approve, Verdict.REJECT: signal.reject},
        known_names=_known_names(signal, field),
    )


def _known_names(signal: EnumSignal, field: PinnedField) -> dict[str, tuple[str, ...]]:
    """The names under which each option may be chosen: its own, and those that the flow declares beside it."""
    return {field.options[name]: (name, *signal.other_names.get(name, ())) for name in (signal.approve, signal.reject)}
