"""Preflight: check everything before it can hurt, pin names to gids, and say how to mend what is off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from intacct_asana.errors import IntacctAsanaError, Misconfigured, Problem
from intacct_asana.intacct.writing import text_field_problems
from intacct_asana.operators.checks import (
    Row,
    base_currency,
    checks_of_reading,
    failed,
    passed,
    row_of_asking,
    rows_of_creators,
    rows_of_entities,
    rows_of_further_steps,
    rows_of_logins,
    rows_of_rules,
    rows_of_sources,
    rows_of_writers,
    table,
    tried,
)
from intacct_asana.operators.controls.payees import rows_of_payees
from intacct_asana.operators.create_missing import make_missing
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, is_closed
from intacct_asana.operators.native_checks import rows_of_native
from intacct_asana.operators.people.access import row_of_access
from intacct_asana.operators.people.exceptions import rows_of_exceptions
from intacct_asana.operators.timestamps import try_server
from intacct_asana.operators.watching.conditions import rows_of_asana, rows_of_intacct
from intacct_asana.operators.webhooks import webhook_checks
from intacct_asana.pins import (
    coarse_fields,
    pins_drift,
    required_fields,
    required_people,
    required_sections,
    resolve_person,
    resolve_pins,
)
from intacct_asana.records import ObjectField, Person, Pins

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

READ_OBJECTS = ("VENDOR", "APBILL", "APBILLITEM")
PAYMENT_OBJECTS = ("APPYMT", "APPYMTDETAIL")
GUESTS_UNTOLD = "whether they are a guest is not told to this connection"
GUESTS_CURE = (
    "let this integration's user see the members of the project's workspace; or look it up by hand and write "
    "`guests_untold: accept` into the flow's approval"
)


class CheckIntacctOperator(FlowOperator):
    """Login, permissions, time format and custom fields on the Intacct side. Returns rows; writes nothing."""

    def work(self, context: Context) -> list[Row]:
        run = self.run_parts
        first = tried("Intacct login", lambda: self._login(run))
        if first["ok"] == "no":
            return [first]
        return [
            first,
            *(tried(f"Intacct may read {name}", partial(self._readable, run, name)) for name in READ_OBJECTS),
            *self._payments(run),
            tried("Intacct time format", lambda: self._format(run)),
            tried("Intacct error details", lambda: run.books.error_details()),
            *(tried(check, look) for check, look in checks_of_reading(run)),
            *rows_of_entities(run),
            tried("Intacct base currency", lambda: base_currency(run), mend="write `base_currency` into the flow's approval"),
            *rows_of_logins(run),
            *rows_of_creators(run),
            *rows_of_rules(run),
            *self._stamp_fields(run),
            *self._hold(run),
            *self._native(run),
            *rows_of_further_steps(run),
            tried("evidence time stamps", lambda: try_server(run)),
            *self._attachments(run),
            *self._vendor_fields(run),
            row_of_access(run, run.unpinned_board),
            *rows_of_payees(run),
            *rows_of_intacct(run),
        ]

    @staticmethod
    def _login(run: FlowRun) -> str:
        who = run.books.identity()
        return f"user {who.user_id} of company {who.company_id}" + (f", entity {who.entity_id}" if who.entity_id else "")

    @staticmethod
    def _readable(run: FlowRun, name: str) -> str:
        run.books.probe(name)
        return "yes"

    def _payments(self, run: FlowRun) -> list[Row]:
        if run.flow.bills.payments != "details":
            return [passed("Intacct payments", "not needed: this flow shows what the bills' totals say")]
        cure = "give the role List and View on AP payments, or write `payments: totals` in the flow file's bills"
        return [tried(f"Intacct may read {name}", partial(self._readable, run, name), mend=cure) for name in PAYMENT_OBJECTS]

    @staticmethod
    def _format(run: FlowRun) -> str:
        return run.books.check_formatting(run.books.formatting())

    @staticmethod
    def _attachments(run: FlowRun) -> Iterable[Row]:
        """Whether bills tell their attachment. That its files can be read shows only with a bill that has one."""
        if run.flow.bills.attachments == "none":
            return []
        check = "Intacct attachments"
        try:
            known = {field.name for field in run.books.lookup("APBILL")}
        except IntacctAsanaError as error:
            return [{"check": check, "result": error.message, "mend": "", "ok": "no"}]
        needed = {"file": ("SUPDOCID",), "link": ("SUPDOCID", "RECORD_URL")}[run.flow.bills.attachments]
        cure = "let the API user's role read it, or write `attachments: none`"
        return [
            passed(check, f"bills tell {name}")
            if name in known
            else failed(check, Problem(where="APBILL", what=f"does not tell {name}", mend=cure))
            for name in needed
        ]

    def _stamp_fields(self, run: FlowRun) -> Iterable[Row]:
        flow = run.flow
        if "stamp" not in flow.write_back.used or not flow.write_back.stamp:
            return [passed("Intacct stamp fields", "not needed: this flow does not stamp bills")]
        wanted = [name for name in flow.write_back.stamp.model_dump().values() if name]
        try:
            known = {field.name: field for field in run.books.lookup("APBILL")}
        except IntacctAsanaError as error:
            return [{"check": "Intacct stamp fields", "result": error.message, "mend": "", "ok": "no"}]
        cure = "an Intacct administrator adds it to AP bills as a text custom field, or the flow names another"
        left_out = [name for name in ("amount", "digest") if not getattr(flow.write_back.stamp, name)]
        better = f"name {' and '.join(left_out)} too: with them everybody sees what was decided on"
        return [
            *([passed("Intacct stamp", f"carries no {' and no '.join(left_out)}", mend=better)] if left_out else []),
            *self._stamp_rows(known, wanted, cure),
        ]

    @staticmethod
    def _hold(run: FlowRun) -> Iterable[Row]:
        """Whether bills tell of a hold and take one, where the flow sets or lifts any."""
        payees = run.flow.controls.payee_change
        if not (run.flow.write_back.used & {"hold", "release_hold"} or (payees and payees.hold)):
            return []
        check, cure = "Intacct hold", "an Intacct administrator lets the API user's role see and edit it on bills"
        try:
            known = {field.name: field for field in run.books.lookup("APBILL")}
        except IntacctAsanaError as error:
            return [{"check": check, "result": error.message, "mend": "", "ok": "no"}]
        if "ONHOLD" not in known or known["ONHOLD"].read_only:
            what = "is read-only" if "ONHOLD" in known else "does not exist"
            return [failed(check, Problem(where="APBILL ONHOLD", what=what, mend=cure))]
        return [passed(check, "bills can be put on hold")]

    @staticmethod
    def _native(run: FlowRun) -> Iterable[Row]:
        rules = run.flow.write_back.rest_workflow
        return rows_of_native(run.native, run.books, rules) if rules else []

    @staticmethod
    def _stamp_rows(known: Mapping[str, ObjectField], wanted: Sequence[str], cure: str) -> list[Row]:
        return [
            passed(f"Intacct field {name}", "writable custom field")
            if name in known and not known[name].read_only
            else failed(
                f"Intacct field {name}",
                Problem(where="APBILL", what="is read-only" if name in known else "does not exist", mend=cure),
            )
            for name in wanted
        ]

    @staticmethod
    def _vendor_fields(run: FlowRun) -> Iterable[Row]:
        """The custom fields of vendors that take what people own in Asana, with every value that may be written."""
        wanted = {
            rule.intacct_field: tuple(rule.intacct_values.values()) if rule.kind == "enum" else ()
            for rule in run.flow.vendors.fields
            if rule.intacct_field
        }
        if not wanted:
            return [passed("Intacct vendor fields", "not needed: nothing flows from vendors' tasks into Intacct")]
        try:
            problems = text_field_problems(run.books.lookup("VENDOR"), wanted, object_name="VENDOR")
        except IntacctAsanaError as error:
            return [{"check": "Intacct vendor fields", "result": error.message, "mend": "", "ok": "no"}]
        rows = [failed("Intacct vendor fields", problem) for problem in problems]
        return rows or [passed("Intacct vendor fields", f"writable custom fields of text: {', '.join(wanted)}")]


class CheckAsanaOperator(FlowOperator):
    """Token, projects, custom fields, sections and approvers on the Asana side; pins what it resolved.

    With `create_missing` it makes missing fields, enum options, sections and the webhook, each once; nothing existing is
    changed. An approver's address that moved to another user keeps its old pin, until it is named in `confirm_people`. A
    project that another flow pinned stays that flow's, unless `take_over` says so.
    """

    template_fields: Sequence[str] = ("create_missing", "confirm_people", "take_over")

    def __init__(
        self,
        *,
        create_missing: bool | str = False,
        confirm_people: str = "",
        take_over: bool | str = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.create_missing, self.confirm_people, self.take_over = create_missing, confirm_people, take_over

    def work(self, context: Context) -> list[Row]:
        run = self.run_parts
        first = tried("Asana token", lambda: f"acts as {run.unpinned_board.me().name}")
        if first["ok"] == "no":
            return [first]
        rows = [first, *self._workspace(run)]
        for kind, project in (("vendor", run.flow.vendors.project), ("bill", run.flow.bills.project)):
            rows += self._project(run, kind, project)
        rows += rows_of_sources(run) + rows_of_writers(run, run.store.pins("bill"))
        rows += [self._kinds(run)] if run.flow.approval.signal.kind == "approval_task" else []
        rows += [row_of_asking(run)] if run.flow.approval.signal.kind == "approval_subtasks" else []
        rows += [self._person(run, email) for email in required_people(run.flow, "bill")]
        rows += rows_of_exceptions(run, run.unpinned_board)
        rows += self._told_of_late_bills(run)
        rows += rows_of_asana(run, run.unpinned_board)
        webhook = webhook_checks(run, board=run.unpinned_board, create=self.create_missing is True)
        return rows + [tried(check, look) for check, look in webhook]

    @staticmethod
    def _workspace(run: FlowRun) -> list[Row]:
        problem = run.unpinned_board.workspace_problem()
        return [failed("Asana workspace", problem)] if problem else []

    def _project(self, run: FlowRun, kind: str, project_gid: str) -> list[Row]:
        check = f"Asana {kind} project"
        reach = tried(check, lambda: f"{run.unpinned_board.project(project_gid)[1]!r}")
        if reach["ok"] == "no":
            return [reach]
        try:
            workspace_gid = run.unpinned_board.project(project_gid)[2]
            if kind == "bill":
                # Whoever decides has to be a member where the bills are, and no guest there.
                run.unpinned_board.workspace_gid = workspace_gid
            return [reach, *self._fields(run, kind, project_gid, workspace_gid)]
        except IntacctAsanaError as error:
            return [reach, {"check": f"{check}: fields", "result": error.message, "mend": "", "ok": "no"}]

    def _fields(self, run: FlowRun, kind: str, project_gid: str, workspace_gid: str) -> Iterable[Row]:
        taken = None if self.take_over is True else run.store.project_taken(project_gid)
        if taken:
            yield failed(f"Asana {kind} project: owner", taken)
            return
        needs, sections = required_fields(run.flow, kind), required_sections(run.flow, kind)
        known = run.store.pins(kind)
        if self.create_missing is True:
            yield from make_missing(run, kind, project_gid, needs=needs, sections=sections, known=known)
        setup = run.unpinned_board.setup
        definitions, there = setup.field_definitions(project_gid), setup.sections(project_gid)
        pins, problems = resolve_pins(
            project_gid,
            definitions,
            there,
            needs,
            bot_gid=run.unpinned_board.me().gid,
            section_names=sections,
            known=known,
        )
        yield from (failed(f"Asana {kind} project: fields", problem) for problem in problems)
        pins = replace(pins, workspace_gid=workspace_gid, company_id=run.books.settings.login.company_id)
        if kind == "bill":
            people, rows = self._people(run, known)
            pins = replace(pins, people=people)
            yield from rows
        coarse = coarse_fields(pins, definitions, required_fields(run.flow, kind))
        yield from (passed(f"Asana {kind} project: decimals", f"{one.where}: {one.what}", mend=one.mend) for one in coarse)
        if not problems:
            # A rename breaks nothing, because gids are pinned; people are told all the same.
            signal = run.flow.approval.signal if kind == "bill" else None
            drift = pins_drift(known, definitions, there, signal=signal) if known else []
            yield from (passed(f"Asana {kind} project: drift", f"{one.where}: {one.what}") for one in drift)
            run.store.save_pins(kind, pins, take_over=self.take_over is True)
            yield passed(f"Asana {kind} project: fields", f"{len(pins.fields)} fields pinned")

    @staticmethod
    def _kinds(run: FlowRun) -> Row:
        """Tasks from before the flow decided by approval tasks. Whether Asana lets us turn them into some is not documented."""
        check = "Asana bill tasks"
        try:
            others = [
                task for page in run.unpinned_board.tasks(run.flow.bills.project) for task in page if task.kind != "approval"
            ]
        except IntacctAsanaError as error:
            return {"check": check, "result": error.message, "mend": "", "ok": "no"}
        links = run.store.links("bill").by_task([task.gid for task in others])
        open_ones = [task.name for task in others if task.gid in links and not is_closed(links[task.gid])]
        if not open_ones:
            return passed(check, "every open one is an approval")
        what = f"{len(open_ones)} are no approvals, so nobody can decide on them: {', '.join(open_ones[:5])}"
        cure = "convert each to an approval in Asana, or delete it and run bill_sync with Read everything"
        return failed(check, Problem(where="Asana", what=what, mend=cure))

    def _people(self, run: FlowRun, known: Pins | None) -> tuple[dict[str, str], list[Row]]:
        """The approvers' user gids by address, with a row for each. What cannot be asked, or was not confirmed, stays."""
        before = {} if known is None else known.people
        people: dict[str, str] = {}
        rows: list[Row] = []
        for email in (approver.email.lower() for approver in run.flow.approval.approvers):
            people[email] = before.get(email, "")
            try:
                people[email], row = self._approver(run, email, pinned_gid=people[email])
            except IntacctAsanaError as error:
                row = {"check": f"approver {email}", "result": error.message, "mend": "", "ok": "no"}
            rows.append(row)
        return {email: gid for email, gid in people.items() if gid}, rows

    def _approver(self, run: FlowRun, email: str, *, pinned_gid: str) -> tuple[str, Row]:
        check, person = f"approver {email}", run.unpinned_board.person(email)
        if email in self.confirm_people.lower().replace(",", " ").split():
            pinned_gid = ""
        moved = bool(pinned_gid) and (person is None or person.gid != pinned_gid)
        pinned = run.unpinned_board.person(pinned_gid) if moved else None
        gid, problem = resolve_person(email, person=person, pinned_gid=pinned_gid, pinned=pinned)
        if problem or person is None:
            assert problem
            return gid, failed(check, problem)
        return gid, self._member(run, check, person)

    @staticmethod
    def _member(run: FlowRun, check: str, person: Person) -> Row:
        """Guests of the project's workspace never decide, and somebody of whom that is not told only where the flow says so."""
        if person.is_guest:
            cure = "guests cannot decide: name a member of the organisation"
            return failed(check, Problem(where="Asana", what=f"{person.name} is a guest", mend=cure))
        if person.is_guest is None and run.flow.approval.guests_untold == "refuse":
            return failed(check, Problem(where="Asana", what=f"{person.name}: {GUESTS_UNTOLD}", mend=GUESTS_CURE))
        untold = "" if person.is_guest is False else f"; {GUESTS_UNTOLD}, and the flow accepts that"
        return passed(check, f"is {person.name}, pinned as user {person.gid}{untold}")

    @staticmethod
    def _person(run: FlowRun, email: str) -> Row:
        """Assignee and followers may be guests; bills of somebody unknown get their task without the person."""
        check = f"assignee or follower {email}"
        try:
            person = run.unpinned_board.person(email)
        except IntacctAsanaError as error:
            return {"check": check, "result": error.message, "mend": "", "ok": "no"}
        if person is None:
            cure = "mend the e-mail in the flow file; until then tasks are made without"
            return failed(check, Problem(where="Asana", what="no such user", mend=cure))
        return passed(check, f"is {person.name}")

    @staticmethod
    def _told_of_late_bills(run: FlowRun) -> list[Row]:
        """Whom `remind` names, where it names somebody who is no approver: those have a row of their own."""
        remind, board = run.flow.approval.remind, run.unpinned_board
        email = (remind.escalate_to if remind else None) or ""
        if not email or email in {one.email for one in run.flow.approval.approvers}:
            return []
        check = f"who is told of late bills {email}"
        try:
            person = board.person(email)
        except IntacctAsanaError as error:
            return [{"check": check, "result": error.message, "mend": "", "ok": "no"}]
        if person is None:
            cure = "mend the e-mail in the flow file (approval.remind.escalate_to); until then nobody is told"
            return [failed(check, Problem(where="Asana", what="no such user", mend=cure))]
        return [passed(check, f"is {person.name}")]


class ReportChecksOperator(FlowOperator):
    """Prints one table of every check, and fails when any check failed."""

    template_fields: Sequence[str] = ("rows",)

    def __init__(self, *, rows: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows = rows

    def work(self, context: Context) -> dict[str, Any]:
        rows = self.all_rows()
        wrong = [row for row in rows if row["ok"] != "yes"]
        self.log.info("Preflight of flow %s\n%s", self.flow, table(rows))
        if wrong or not rows:
            problems = tuple(Problem(where=row["check"], what=row["result"], mend=row["mend"]) for row in wrong)
            raise Misconfigured(f"Preflight of flow {self.flow}: {len(wrong)} of {len(rows)} checks failed.", problems=problems)
        return {"checks": len(rows), "failed": 0, "rows": rows}

    def all_rows(self) -> list[Row]:
        """Those that were handed over, and the store's own; none where nothing was handed over."""
        rows: list[Row] = [row for part in self.rows for row in (part or ())]
        return rows + ([*self._evidence(), self._rehearsal()] if rows else [])

    def _rehearsal(self) -> Row:
        if not self.run_parts.flow.rehearsal:
            return passed("rehearsal", "no: the other DAGs write to both systems, a scheduled one as soon as it is unpaused")
        told = "yes: the other DAGs only say what they would do, and write nothing to either system"
        return passed("rehearsal", told, mend="read what they would do, then write `rehearsal: false` in the flow file")

    def _evidence(self) -> list[Row]:
        """Whether the evidence has a key and is whole, as far as its own database tells."""
        try:
            report = self.run_parts.store.examine_evidence()
        except IntacctAsanaError as error:
            return [{"check": "evidence", "result": error.message, "mend": "", "ok": "no"}]
        return [failed("evidence", problem) for problem in report.problems] or [passed("evidence", str(report))]
