"""The call-back about a changed vendor: what people wrote on its task, who may have written what, and what comes of it.

One calls, and notes whom, where the number is from, when and what came of it. A second one releases. What counts is the
task's history, as with approvals; what does not count is answered once. Without a memory but for what was answered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from intacct_asana.approvals.policy import DeclaredComment
from intacct_asana.approvals.seen import Facts
from intacct_asana.approvals.words import minute, second
from intacct_asana.records import Intent, Person, Story, Verdict
from intacct_asana.records.concerns import Concern
from intacct_asana.records.payee import Call, PayeeChange, PayeeState
from intacct_asana.records.remarks import reference
from intacct_asana.text import short

CALLED, RELEASE, FRAUD, KEEP = "called", "release", "confirmed fraud", "keep held"
HOW_TO_CALL = "called: whom you called, where the number is from, when, outcome"
TICKED = f"Ticking this task releases nothing: somebody calls the vendor and notes it, then a second person writes: {RELEASE}."
NEARLY = f"This does not count as it is written. A call is noted as: {HOW_TO_CALL}. It is released by: {RELEASE}."
NEAR = re.compile(rf"(?:{CALLED}|{RELEASE}d?|{FRAUD}|{KEEP})\b")
LONGEST, MOST_NAMED = 200, 20
WORDS = DeclaredComment(words=dict.fromkeys((CALLED, RELEASE, FRAUD, KEEP), Verdict.APPROVE))
"""A word counts on a line of its own, or before a colon, as a declared word of an approval does."""

DAYS = r"\d{4}-\d{2}-\d{2}|\d{1,2}([./])\d{1,2}\2(?:\d{4}|\d{2})"
NO_ACCOUNT = rf"(?<![\d./-])(?:{DAYS}|\d{{1,2}}:\d{{2}}(?::\d{{2}})?)(?![\d./-])"
"""Days and times, which are no account's number however many digits they have."""
ACCOUNT = r"\d(?:[ ./-]?\d){5,}"
MASKED = re.compile(f"({NO_ACCOUNT})|{ACCOUNT}")


def masked(text: str) -> str:
    """`text` with each number of six or more digits hidden but for its last two, on one line."""
    hidden = MASKED.sub(lambda found: found[1] or f"•••{found[0][-2:]}", text)
    return short(hidden, longest=LONGEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Who is who. `releasers` are addresses by the user gid that preflight pinned, `logins` a person's logins in Intacct.

    `person` asks Asana; `may_on` says whether somebody of the list is on it at that time; `guests_count` says whether
    somebody counts of whom Asana does not tell whether they are a guest.
    """

    bot_gid: str
    sources: Collection[str]
    releasers: Mapping[str, str]
    logins: Callable[[str], Collection[str]]
    person: Callable[[str], Person | None]
    may_on: Callable[[str, datetime], bool] = lambda email, at: True
    guests_count: bool = False


@dataclass(slots=True, kw_only=True)
class Judged:
    """How the change stands after what people wrote, and what they have to be told, by story."""

    change: PayeeChange
    answers: dict[str, str] = field(default_factory=dict)
    kept: list[Story] = field(default_factory=list)
    """Comments by which somebody kept the bills held, that were not seen before."""


def judged(change: PayeeChange, stories: Sequence[Story], desk: Desk) -> Judged:
    """Reads the task's comments, oldest first, until one ends it. A call that was deleted or edited since is none."""
    result = Judged(change=replace(change, call=None))
    for story in sorted(stories, key=lambda one: (one.created_at, one.gid)):
        word = WORDS.said_by(story)
        if story.author_gid == desk.bot_gid:
            continue
        if word is None:
            if said := _hint(story):
                _answer(result, story, said)
            continue
        no = _flaw(story, desk) or _RULES[word](result.change, story, desk)
        if no:
            _answer(result, story, no)
        else:
            _count(result, word, story, desk)
        if result.change.state is not PayeeState.OPEN:
            break
    return result


def _hint(story: Story) -> str:
    """What to tell whoever seems to have meant something that counts; empty for other stories."""
    if story.kind == "marked_complete":
        return TICKED
    return NEARLY if story.kind == "comment_added" and NEAR.match(story.text.strip().casefold()) else ""


def _answer(result: Judged, story: Story, text: str) -> None:
    if story.gid not in result.change.answered:
        result.change = replace(result.change, answered=(*result.change.answered, story.gid))
        result.answers[story.gid] = text


def _count(result: Judged, word: str, story: Story, desk: Desk) -> None:
    change = result.change
    if word == CALLED:
        result.change = replace(change, call=_call(story))
    elif word == KEEP:
        result.kept += [] if story.gid in change.answered else [story]
        _answer(result, story, f"{_name(story)} keeps the bills held. Whoever may release them can still do so later.")
    else:
        state = PayeeState.RELEASED if word == RELEASE else PayeeState.FRAUD
        result.change = replace(
            change,
            state=state,
            why=masked(_rest(story)),
            ended_by=desk.releasers[story.author_gid or ""],
            ended_story=story.gid,
            ended_at=story.created_at,
        )


# What speaks against a comment, in words; empty for nothing


def _flaw(story: Story, desk: Desk) -> str:
    """What speaks against anything that somebody says: that it is not proven who wrote what."""
    if story.author_gid is None or (story.author_kind and story.author_kind != "user"):
        return "Asana does not show that a person wrote this, so it does not count."
    if story.source.casefold() not in {one.casefold() for one in desk.sources}:
        came = f"through {story.source!r}" if story.source else "from where Asana does not say"
        return f"This came {came}, and only {', '.join(desk.sources)} counts. Please write it in Asana itself."
    if story.is_edited or not story.html.strip():
        return "This comment was changed after it was written, or Asana does not show how it looks. Please write it anew."
    if story.is_edited is None:
        return "Asana does not tell whether this comment was changed after it was written. Please write it anew."
    person = desk.person(story.author_gid)
    if person is None or person.is_guest or (person.is_guest is None and not desk.guests_count):
        return f"It is not shown that {_name(story)} is a member of this workspace and no guest, so this does not count."
    return ""


def _no_call(change: PayeeChange, story: Story, desk: Desk) -> str:
    if _changed_it(change, story, desk):
        return f"{_name(story)} changed the vendor in Intacct ({change.by}), so somebody else has to call."
    if len(_parts(story)) < 4:
        return f"Please say all four, with commas between them: {HOW_TO_CALL}. No account numbers."
    return ""


def _no_release(change: PayeeChange, story: Story, desk: Desk) -> str:
    if no := _not_listed(change, story, desk):
        return no
    if change.call is None:
        return f"Nobody noted a call yet. Somebody calls the vendor and writes: {HOW_TO_CALL}. Then a second person releases."
    if story.author_gid == change.call.by_gid:
        return f"{_name(story)} made the call, so a second person has to release."
    if not change.by:
        said = "Intacct does not say who changed the vendor, so it cannot be shown that it was somebody else."
        return f"{said} Have the vendor saved again in Intacct by whoever is responsible for it; that is called back anew."
    if _changed_it(change, story, desk):
        return f"{_name(story)} changed the vendor in Intacct ({change.by}), so somebody else has to release."
    return ""


def _not_listed(change: PayeeChange, story: Story, desk: Desk) -> str:
    listed = desk.releasers.get(story.author_gid or "")
    person = desk.person(story.author_gid or "")
    if listed and person and person.email.casefold() == listed.casefold():
        return "" if desk.may_on(listed, story.created_at) else f"{_name(story)} was no approver on that day."
    who = ", ".join(sorted(desk.releasers.values())) or "nobody whose account is known; whoever looks after it runs preflight"
    return f"{_name(story)} is not among those who may say so: {who}."


def _no_fraud(change: PayeeChange, story: Story, desk: Desk) -> str:
    if no := _not_listed(change, story, desk):
        return no
    return "" if _rest(story) else f"Please say why, behind a colon: {FRAUD}: why."


_RULES = {CALLED: _no_call, RELEASE: _no_release, FRAUD: _no_fraud, KEEP: _not_listed}


def _changed_it(change: PayeeChange, story: Story, desk: Desk) -> bool:
    """Whether the author is the user who changed the vendor, as far as the flow and Intacct's list of users tell."""
    person = desk.person(story.author_gid or "")
    email = person.email.casefold() if person else ""
    own = {one.casefold() for one in (*desk.logins(email), email) if one}
    return bool(change.by) and change.by.casefold() in own


# What a comment says


def _rest(story: Story) -> str:
    """What stands behind the word's colon."""
    return story.text.strip().partition(":")[2].strip()


def _parts(story: Story) -> list[str]:
    return [part.strip() for part in _rest(story).split(",", 3) if part.strip()]


def _call(story: Story) -> Call:
    whom, number_from, when, outcome = (masked(part) for part in _parts(story))
    return Call(
        whom=whom,
        number_from=number_from,
        when=when,
        outcome=outcome,
        by_gid=story.author_gid or "",
        by_name=_name(story),
        story_gid=story.gid,
        said_at=story.created_at,
    )


def _name(story: Story) -> str:
    return short(story.author_name, longest=80) or "The author"


# What the task says


def callback_name(change: PayeeChange, *, vendor_name: str) -> str:
    name = f"{vendor_name} ({change.vendor})" if vendor_name.strip() else change.vendor
    return short(f"Call back vendor {name}: {change.what}", longest=250)


def callback_notes(
    change: PayeeChange, *, happened: str, bills: Sequence[str], releasers: Sequence[str], blocks: bool, mark: str
) -> str:
    """What happened, what to do, who may release, and how the task is found again."""
    bills = sorted(bills)
    more = [f"and {len(bills) - MOST_NAMED} more"] if len(bills) > MOST_NAMED else []
    waits = "They wait for this; do not pay them before." if blocks else "Nothing waits for it."
    return "\n".join(
        [
            happened,
            f"Bills: {'; '.join([*bills[:MOST_NAMED], *more])}. {waits}",
            "1. Call the vendor on a number that you know from elsewhere, as an earlier contract: never one from the message "
            "that asked for the change, nor from the vendor's record.",
            f"2. Write a comment here: {HOW_TO_CALL}. No account numbers.",
            f"3. A second person writes: {RELEASE}. Or: {FRAUD}: why. Or: {KEEP}.",
            f"They may do so: {', '.join(releasers)}; not whoever called, nor whoever changed the vendor.",
            mark,
        ]
    )


def ended_words(change: PayeeChange, *, bills: int) -> str:
    """What stands at the end of a call-back."""
    at = minute(change.ended_at) if change.ended_at else ""
    if change.state is PayeeState.RELEASED and change.call:
        what = f"{bills} bill{'s go' if bills != 1 else ' goes'} on."
        return f"Released by {change.ended_by} at {at}, after the call by {change.call.by_name}. {what}"
    if change.state is PayeeState.FRAUD:
        said = f"{change.ended_by} said at {at} that this is fraud."
        return f"{said} The vendor's bills stay held until its record is changed in Intacct again, which is called back anew."
    return "The vendor was changed again in Intacct. Nobody needs this call any more; what is to be answered now is asked anew."


# What is to be written, and what an auditor reads

CALL_BACK, ANSWER, END = "call back", "call back answer", "call back end"
"""The journal's names for the task, for answers on it, and for its end."""


def ask_id(change: PayeeChange) -> str:
    return f"callback-{change.change_id}"


def answer_note(change: PayeeChange, story_gid: str, text: str) -> Intent:
    mark = reference(f"{change.change_id}-{story_gid}")
    body = {"text": f"{text}\n{mark}", "reference": mark}
    return Intent(
        intent_id=f"callback-answer-{change.change_id}-{story_gid}", kind=ANSWER, subject=change.subtask_gid, body=body
    )


def end_note(change: PayeeChange, *, bills: int = 0) -> Intent:
    mark = reference(f"{ask_id(change)}-end")
    body = {"text": f"{ended_words(change, bills=bills)}\n{mark}", "reference": mark}
    intent_id = f"callback-end-{change.change_id}-{change.subtask_gid}"
    return Intent(intent_id=intent_id, kind=END, subject=change.subtask_gid, body=body)


def proof(change: PayeeChange, concern: Concern, *, step: str, releasers: Sequence[str]) -> Facts:
    """For the evidence of a bill: what changed and by whom, who called whom and how, who ended it, and by which stories.

    `releasers` are those who could have released it, as the flow file said then.
    """
    call, changed = change.call, {"at": second(change.at), "by": change.by, "what": str(change.what), "id": change.change_id}
    facts: Facts = {"about": concern.kind, "step": step, "concern_id": concern.concern_id, "task_gid": change.subtask_gid}
    facts |= {"vendor": change.vendor, "changed": changed}
    if call:
        told = {"whom": call.whom, "number_from": call.number_from, "when": call.when, "outcome": call.outcome}
        by = {"gid": call.by_gid, "name": call.by_name}
        facts["call"] = {**told, "by": by, "story_gid": call.story_gid, "said_at": second(call.said_at)}
    if change.ended_at:
        ended = {"by": change.ended_by, "story_gid": change.ended_story, "at": second(change.ended_at), "why": change.why}
        facts |= {"ended": ended, "may_release": list(releasers)}
    return facts
