"""A bill that waits for somebody, and a comment that mentions the people whom it waits for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import uuid4

from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.routing import NameOf, Progress, progress_of, route_of
from intacct_asana.approvals.seen import is_as_shown, shown_to, voice_of
from intacct_asana.approvals.standing import still_holds
from intacct_asana.errors import Refused
from intacct_asana.journal import Kind, carry_out
from intacct_asana.ports import Journal, Links, TaskBoard
from intacct_asana.records import ON_THE_WAY, Bill, Decision, DecisionState, Intent, Link
from intacct_asana.sync.report import Report
from intacct_asana.text import as_html

LEFT = "left"
"""In the answer of a row of the journal: why nothing was to be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A bill that somebody has to decide on, and how far its steps are that day."""

    link: Link
    bill: Bill
    progress: Progress
    on: date

    @property
    def due(self) -> list[tuple[str, str]]:
        """Who can give the step that is due, and in whose place; people of the rule in its order, then deputies."""
        return self.progress.due(self.on)

    @property
    def people(self) -> list[str]:
        return list(dict.fromkeys(email for email, _ in self.due))

    @property
    def places(self) -> list[str]:
        """Whose step it is, also where a deputy can give it."""
        return list(dict.fromkeys(place for _, place in self.due))

    @property
    def deputies(self) -> list[str]:
        return list(dict.fromkeys(email for email, place in self.due if email != place))

    @property
    def step(self) -> str:
        """`step 2 of 2 (controller)`; empty where the flow has no rules, and everybody may decide alone."""
        route = self.progress.route
        return route.name_of(self.progress.place) if route.approval.rules else ""


def waiting_of(
    link: Link, bill: Bill, *, decided: Sequence[Decision], links: Links, policy: Policy, on: date
) -> Waiting | None:
    """None where nobody can be asked just now: it is decided or on its way there, its state is none to decide in, no rule
    fits it, or nobody who is due is left."""
    if bill.state not in policy.approval.states or any(one.state in ON_THE_WAY for one in decided):
        return None
    shown = {one.decision_id: shown_to(one, links) for one in decided}
    confirmed = [one for one in decided if one.state is DecisionState.CONFIRMED]
    if any(still_holds(one, bill, shown[one.decision_id]) for one in confirmed):
        return None
    route = route_of(bill, policy.approval, vendor_person=policy.vendor_person)
    if route is None:
        return None
    granted = [one for one in decided if one.state is DecisionState.GRANTED]
    stand = [one for one in granted if is_as_shown(one, shown[one.decision_id], bill)]
    progress = progress_of(route, [voice for one in stand if (voice := voice_of(one, policy))])
    return Waiting(link=link, bill=bill, progress=progress, on=on) if progress.due(on) else None


Said = Callable[[NameOf], str]
"""A sentence, given how people are named in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """One run's ports. `gid_of` is a person's user gid by address, empty for nobody. `report` is what the run comes to."""

    board: TaskBoard
    journal: Journal
    links: Links
    policy: Policy
    now: Callable[[], datetime]
    name_of: NameOf
    gid_of: Callable[[str], str]
    report: Report
    rehearses: bool = False
    owner: str = field(default="remind_approvers", init=False)

    def html_of(self, said: Said, mark: str) -> str:
        """The comment with a mention for each person, so that it reaches their inbox; `mark` is its last line."""
        people: list[str] = []
        # No name of a rule or a step can hold this.
        place = uuid4().hex

        def placed(email: str) -> str:
            people.append(email)
            return f"{place}-{len(people) - 1}-"

        text = re.sub(f"{place}-([0-9]+)-", lambda at: self._mention(people[int(at[1])]), as_html(said(placed)))
        return f"<body>{text}\n{as_html(mark)}</body>"

    def _mention(self, email: str) -> str:
        """Asana puts the person's name in its place, whatever stands there."""
        gid, name = self.gid_of(email), as_html(self.name_of(email))
        return f'<a data-asana-gid="{gid}">{name}</a>' if gid else name

    def carry(self, intent: Intent, kind: Kind) -> None:
        """Write it. Raises what keeps it from being written; a task that is gone has nobody left to hear of it."""
        steps = carry_out([intent], kinds=[kind], journal=self.journal, owner=self.owner, now=self.now, workers=1)
        with closing(steps) as outcomes:
            for outcome in outcomes:
                gone = isinstance(outcome.error, Refused) and self.board.task(intent.subject) is None
                if outcome.error and not gone:
                    raise outcome.error
                self.report.writes += int(outcome.is_done)
