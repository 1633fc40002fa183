"""Bills that were decided before, looked at again; and tasks that are put back and made to show what stands."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from intacct_asana.approvals import Decided, Settler, Teller
from intacct_asana.approvals.rehearse import RehearsedTeller
from intacct_asana.approvals.rules import NOT_READY
from intacct_asana.approvals.seen import shown_to
from intacct_asana.approvals.standing import anchors_told
from intacct_asana.approvals.words import content_of, is_stamp_of, read_stamp
from intacct_asana.errors import IntacctAsanaError, Misconfigured, OddRecord, UnexpectedReply
from intacct_asana.operators.evidence import anchors_on
from intacct_asana.operators.flow_run import FlowRun, is_closed, policy_of
from intacct_asana.operators.people.asking import Meetings
from intacct_asana.reading.choices import Places
from intacct_asana.reading.documents import ABOUT_IT, GONE
from intacct_asana.records import SETTLED_STATES, Bill, Cursor, Decision, DecisionState, Link, ReadWindow, Task, Unread
from intacct_asana.records.anchors import Anchor
from intacct_asana.sync.back import NotPutBack, put_back, was_put_back, would_be_put_back

log = logging.getLogger(__name__)

CHANGED, MADE, LOOKED = "approvals_bills", "approvals_bills_made", "approvals_looked"
SEEN, OWED = "approvals_seen", "approvals_owed"
"""Cursors: Intacct's text of the newest change that was looked at, and of the newest creation among bills that nobody changed,
when all decided bills were looked at, and record numbers of those that could not be read, which each run asks for again."""
STANDS = (DecisionState.CONFIRMED, DecisionState.GRANTED)
MET = " met "
"""Behind a bill's change time, before the instant by our own clock at which it was first met."""
A_SECOND_OVER = timedelta(seconds=2)

OVERLAP_MINUTES = 5.0
CLOCKS_DIFFER = timedelta(minutes=10)


def teller_of(run: FlowRun, bringer: Bringer, *, only: frozenset[str] | None = None) -> Teller:
    board, pins = run.own_board("bill")
    return (RehearsedTeller if run.flow.rehearsal else Teller)(
        board=board,
        decisions=run.store.decisions(),
        journal=run.store.intents(),
        policy=policy_of(run, pins),
        now=run.now,
        bring_back=bringer.has_here,
        only=only,
    )


class Bringer:
    """Puts tasks of open bills that left the project back into it, in one run, and keeps what people are told of that."""

    def __init__(self, run: FlowRun) -> None:
        self.run = run
        self.back, self.left = list[str](), list[str]()

    def bring_all(self) -> None:
        """Every task that the reading found out of the project. One that may not be put back is said, and stops nothing."""
        board, pins = self.run.own_board("bill")
        cursors = self.run.store.cursors(Places.names(pins.project_gid))
        for gid in sorted(Places.of(pins.project_gid, cursors).away):
            try:
                if task := board.task(gid):
                    self.has_here(task)
            except IntacctAsanaError as error:
                self.left.append(error.message)
                log.warning("%s", error.message)
                if isinstance(error, Misconfigured):
                    break

    def has_here(self, task: Task) -> bool:
        """Whether the task is in the project, where need be after it was put back. A closed bill's task stays where it is."""
        board, pins = self.run.own_board("bill")
        if pins.project_gid in task.project_gids:
            return True
        link = self.run.store.links("bill").by_task([task.gid]).get(task.gid)
        if link is None or is_closed(link):
            return False
        if self.run.flow.rehearsal:
            self.back.append(would_be_put_back(task.gid, link.key))
            return True
        journal, now = self.run.store.intents(), self.run.now
        put_back(link, board=board, project_gid=pins.project_gid, journal=journal, owner="tell_people", now=now)
        self.back.append(was_put_back(task.gid, link.key))
        return True

    def report(self) -> dict[str, object]:
        return {"put_back_into_the_project": self.back, "not_put_back": self.left}


def show(run: FlowRun, key: str, bill: Bill | None, decisions: Sequence[Decision], summary: Decided, bringer: Bringer) -> bool:
    """The task of a bill whose decision still stands: somebody may have set it to something else.

    False for one that left the project, and may not be put back.
    """
    (board, _), links = run.own_board("bill"), run.store.links("bill")
    link = links.of([key]).get(key)
    task = board.task(link.task_gid) if link else None
    if task is None:
        return True
    teller = teller_of(run, bringer)
    try:
        if teller.show(key, task, bill=bill, shown={one.decision_id: shown_to(one, links) for one in decisions}):
            summary.shown_again += 1
            if run.flow.rehearsal:
                summary.say(key, f"{key}: somebody set its task to something else; it would show what stands again")
            run.store.marks().wrote(board.wrote)
    except NotPutBack as no:
        # Said by each run that puts tasks back, and by the one that succeeds in that.
        log.warning("%s", no.message)
        return False
    summary.put_back += len(teller.put_back)
    return True


class Looks:
    """One run's looks at bills that were decided before, here or by a store that was lost."""

    def __init__(self, run: FlowRun, settler: Settler, summary: Decided, meetings: Meetings) -> None:
        self.run, self.settler, self.summary, self.meetings = run, settler, summary, meetings
        self.count, self.anchors, self.wrong = 0, list[Anchor](), list[str]()
        self.bringer = Bringer(run)
        self.unknown = list[str]()
        """What was found of stamps that nobody here made and that hold no more."""
        self._newest, self._made, self._pages = list[str](), list[str](), 0
        self._seen_before: Mapping[str, str] = json.loads(run.store.cursor(SEEN) or "{}")
        self._seen_now = dict[str, str]()
        self._owed = set[str]()
        self._is_whole, began = False, run.store.evidence_began_at()
        # Comments go by Asana's clock, the evidence by ours.
        self._told_since = began + CLOCKS_DIFFER if began else None

    def at_decided(self, began: datetime) -> None:
        """Those that changed since the last look; all of them where a look is due, or where nobody looked yet."""
        since, failed = self.run.store.cursor(CHANGED), len(self.summary.failures)
        owed = frozenset(json.loads(self.run.store.cursor(OWED) or "[]"))
        is_due = not since or self._is_due(began)
        pages = self._decided(open_too=self._is_due(began)) if is_due else self._changed(since or "")
        self._is_whole = is_due
        try:
            for page in pages:
                self._look(page)
            for page in self.run.books.bills_again(owed - self._owed, unread=self._tell_unread) if owed else ():
                self._look(page, only_owed=True)
        except IntacctAsanaError as error:
            self.summary.fail("bills that were decided", error)
        if is_due:
            self._examine()
        if len(self.summary.failures) == failed + len(self._owed):
            self._move_cursors(began, looked=is_due)

    def at_these(self, keys: Collection[str]) -> None:
        """Those of these bills that were decided, and nothing else: no cursor moves, since the others were not looked at."""
        numbers = {link.record_no for link in self.run.store.links("bill").of(keys).values()}
        try:
            for page in self.run.books.bills_again(numbers, unread=self._tell_unread) if numbers else ():
                self._look(page, only_owed=True)
        except IntacctAsanaError as error:
            self.summary.fail("bills that were decided", error)

    def _is_due(self, now: datetime) -> bool:
        last = self.run.store.cursor(LOOKED)
        return last is None or now - datetime.fromisoformat(last) >= timedelta(hours=self.run.flow.approval.crawl_hours)

    def _changed(self, since: str) -> Iterator[list[Bill]]:
        # Inclusive, and a little earlier: a change can come to light behind a newer one.
        texts = (since, self.run.store.cursor(MADE) or "")
        changed, made = (text and self.run.books.earlier(text, minutes=OVERLAP_MINUTES) for text in texts)
        window = ReadWindow(since_text=changed, created_since_text=made)
        return self.run.books.bills(window, unread=self._tell_unread)

    def _tell_unread(self, one: Unread) -> None:
        """A bill that cannot be read holds up no other one. Whoever did not decide about it hears of it from the bill sync."""
        self._newest += [one.modified_at_text] if one.modified_at_text else []
        if self.run.store.decisions().sent([one.key]):
            self._owe(one.record_no, one.key, OddRecord(one.why))

    def _owe(self, record_no: str, key: str, error: OddRecord) -> None:
        if record_no not in self._owed:
            self._owed.add(record_no)
            self.summary.fail(key, error)

    def _decided(self, *, open_too: bool) -> Iterator[list[Bill]]:
        """Bills that a stamp of ours may be on and that are neither paid nor reversed, also under a new record number.

        With those of all open tasks, `open_too`: a stamp that was made before the store was lost is known to nobody.
        """
        numbers = {one.key: one.record_no for one in self.run.store.decisions().sent()}
        links = self.run.store.links("bill").all() if open_too else self.run.store.links("bill").of(numbers)
        numbers = {key: link.record_no for key, link in links.items() if open_too} | numbers
        wanted = {key: number for key, number in numbers.items() if key not in links or not is_closed(links[key])}
        found = set[str]()
        for page in self.run.books.bills_again(wanted.values(), unread=self._tell_unread) if wanted else ():
            found |= {bill.bill_key for bill in page}
            yield page
        if gone := [key for key in wanted if key not in found and ":po:" in key]:
            yield from self.run.books.bills_made_anew(gone, unread=self._tell_unread)

    def _look(self, page: Sequence[Bill], *, only_owed: bool = False) -> None:
        """What was asked for by its number may be newer than what was not read, so it moves no cursor."""
        self._pages += 1
        self._newest += [bill.modified_at_text for bill in page if bill.modified_at_text and not only_owed]
        self._made += [bill.created_at_text for bill in page if not bill.modified_at_text and not only_owed]
        bills = {bill.bill_key: bill for bill in page}
        decided: dict[str, list[Decision]] = {}
        for decision in self.run.store.decisions().sent(bills):
            decided.setdefault(decision.key, []).append(decision)
        for key, decisions in decided.items():
            bill = bills[key]
            if not self._met_before(bill) or only_owed:
                self._look_at(bill, decisions)
        self._look_at_unknown({key: bill for key, bill in bills.items() if self._is_unknown(bill, decided.get(key, ()))})
        self.meetings.meet(bills)

    def _met_before(self, bill: Bill) -> bool:
        """Notes the bill's change time. Whether it is read again only because looking back reaches it: then it costs no call.

        A change time has seconds, and the bill may change once more within the one in which it was looked at. So a time is
        trusted from the first look on that comes later than that after it was met.
        """
        at, before = bill.modified_at_text, self._seen_before.get(bill.record_no, "")
        text, _, met = before.partition(MET)
        if text != at:
            met = self.run.now().isoformat()
        elif met and self.run.now() - datetime.fromisoformat(met) >= A_SECOND_OVER:
            met = ""
        self._seen_now[bill.record_no] = at + MET + met if met else at
        return bool(at) and before == at and not self._is_whole

    def _is_unknown(self, bill: Bill, decisions: Sequence[Decision]) -> bool:
        """Whether it says by a stamp that no decision of ours stands behind that it was decided on another content."""
        stamp = read_stamp(bill, self.settler.policy.stamp)
        if stamp is None or stamp.verdict is None or any(is_stamp_of(stamp, one) for one in decisions):
            return False
        return content_of(stamp, bill) is False and bill.state not in SETTLED_STATES and bill.state not in NOT_READY

    def _look_at_unknown(self, bills: Mapping[str, Bill]) -> None:
        """Those of our own tasks' bills whose stamp, made before the store was lost, is of another content: void."""
        for key, link in self.run.store.links("bill").of(bills).items() if bills else ():
            try:
                voided = self._void_if_unknown(bills[key].record_no, link)
            except OddRecord as error:
                self._owe(link.record_no, key, error)
                continue
            except IntacctAsanaError as error:
                self.summary.fail(key, error)
                if isinstance(error, Misconfigured):
                    raise
                continue
            if voided:
                self.summary.note(voided)
                self.unknown.append(voided.outcome)

    def _look_at(self, bill: Bill, decisions: Sequence[Decision]) -> None:
        self.count += 1
        try:
            self._note_anchors(bill, decisions)
            if bill.state not in SETTLED_STATES and any(one.state in STANDS for one in decisions):
                bill = self.run.files.of(bill, unread=GONE)
        except OddRecord as error:
            self._owe(bill.record_no, bill.bill_key, error)
        except IntacctAsanaError as error:
            # Any trouble but Intacct's own no says nothing about the files; whatever else the bill says is looked at.
            self.summary.missed(decisions[-1], error)
        try:
            moved = self.settler.look(bill.bill_key, bill)
            for decision in moved:
                self.settler.bills[decision.key] = bill
                self.summary.note(decision)
            if not moved and bill.state not in SETTLED_STATES:
                show(self.run, bill.bill_key, bill, decisions, self.summary, self.bringer)
        except OddRecord as error:
            self._owe(bill.record_no, bill.bill_key, error)
        except IntacctAsanaError as error:
            self.summary.missed(decisions[-1], error)
            if isinstance(error, Misconfigured):
                raise

    def _void_if_unknown(self, record_no: str, link: Link) -> Decision | None:
        """Read anew: what was done about its decisions since may have put another stamp on it."""
        bill = self.run.books.bill(record_no)
        if bill is None or bill.bill_key != link.key:
            return None
        # What was decided on may have held the files' digest, whether this flow brings files or not.
        bill = replace(self.run.files, compared=True).of(bill, unread=ABOUT_IT)
        is_unknown = self._is_unknown(bill, self.run.store.decisions().sent([link.key]))
        return self.settler.void_unknown(bill, link) if is_unknown else None

    def _note_anchors(self, bill: Bill, decisions: Sequence[Decision]) -> None:
        """Of stamps that this store made, and, in the look at all of them, of what was told since its evidence began."""
        self.anchors += anchors_on(bill, decisions, stamp=self.settler.policy.stamp)
        if self._is_whole and self._told_since:
            stories = self.settler.stories(decisions[-1].task_gid) or ()
            self.anchors += anchors_told(stories, bot_gid=self.settler.policy.bot_gid, since=self._told_since)

    def _examine(self) -> None:
        """Once a look at all of them: what the stamps and our answers on the tasks name, against what the store holds."""
        if self.anchors:
            self.wrong = [str(problem) for problem in self.run.store.verify_evidence(self.anchors)]

    def raise_if_evidence_is_wrong(self) -> None:
        if self.wrong:
            listed = "".join(f"\n  - {problem}" for problem in self.wrong[:5])
            raise UnexpectedReply(f"The evidence of flow {self.run.flow.flow} has {len(self.wrong)} findings.{listed}")

    def _move_cursors(self, began: datetime, *, looked: bool) -> None:
        if self.run.flow.rehearsal:
            return
        latest, moved = self.run.books.latest, [Cursor(name=OWED, value=json.dumps(sorted(self._owed)))]
        newest = latest([self.run.store.cursor(CHANGED) or "", *self._newest])
        if newest:
            moved.append(Cursor(name=CHANGED, value=newest))
            horizon = self.run.books.earlier(newest, minutes=OVERLAP_MINUTES)
            times = {number: (seen.partition(MET)[0], seen) for number, seen in self._seen_now.items()}
            recent = {number: kept for number, (at, kept) in times.items() if at and latest([at, horizon]) == at}
            moved.append(Cursor(name=SEEN, value=json.dumps(recent, sort_keys=True)))
        if not looked and (made := latest([self.run.store.cursor(MADE) or "", *filter(None, self._made)])):
            moved.append(Cursor(name=MADE, value=made))
        # Before the first bill sync there is nothing to look at yet; the next run has to look again, and it costs nothing.
        if looked and self._pages:
            moved.append(Cursor(name=LOOKED, value=began.isoformat()))
        self.run.store.save_cursor(*moved)
