"""Which parts of a task differ: desired against confirmed (Intacct moved) and against actual (a person edited).

A part is an attribute name of TaskDraft, or a custom field as `field:<gid>`. The remark is a part that a task does not
show: it is said once. What we never said is never taken away: an
empty description or due date counts only where an earlier draft said something.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any
from unicodedata import normalize

from intacct_asana.records import FieldValue, Task, TaskDraft
from intacct_asana.records.remarks import family_of, reference_of, takes_back
from intacct_asana.text import rounded

FIELD = "field:"
APPROVAL = "approval"
"""The kind of a task whose completion is a person's answer."""
REMARK = "remark"


def parts_moved(desired: TaskDraft, confirmed: TaskDraft | None) -> tuple[str, ...]:
    """Parts in which `desired` says something else than Asana last confirmed; all that it says, when nothing was.

    A field that is only in `confirmed` has left the mapping and is left alone.
    """
    if desired == confirmed:
        # Of many bills few moved, and to find that out part by part takes twenty times as long.
        return ()
    before = confirmed or TaskDraft(key=desired.key, name="", completed=not desired.completed)
    parts = [part for part in ("name", "due_on", "completed") if not same(said(desired, part), said(before, part))]
    # A section or an assignee that the draft does not name is people's business.
    parts += [part for part in ("section_gid", "assignee") if getattr(desired, part) not in (None, getattr(before, part))]
    # Only who is new in the draft is added, so that people can leave a task.
    parts += ["followers"] if set(desired.followers) - set(before.followers) else []
    if any(not same(said(desired, text), said(before, text)) for text in ("notes", "html_notes")):
        parts.append("html_notes" if desired.html_notes else "notes")
    parts += [FIELD + gid for gid, value in desired.fields.items() if _field_moved(gid, value, before)]
    parts += [REMARK] if has_news(desired, confirmed) else []
    return in_order(parts)


def has_news(desired: TaskDraft, confirmed: TaskDraft | None) -> bool:
    """Whether `desired` has a remark to be posted. A task that nothing was confirmed of is new: it shows all there is."""
    if confirmed is None or not desired.remark or _news_of(desired) == _news_of(confirmed):
        return False
    return not takes_back(desired.remark) or family_of(confirmed.remark) == family_of(desired.remark)


def _news_of(draft: TaskDraft) -> str:
    """The reference alone: the same news in other words, after a release say, is no news."""
    return reference_of(draft.remark) or draft.remark.strip()


def parts_doubted(desired: TaskDraft, in_doubt: Iterable[str]) -> tuple[str, ...]:
    """Of the parts in doubt those that `desired` says something about. A comment among them is looked for, not repeated."""
    parts = {"html_notes" if part == "notes" and desired.html_notes else part for part in in_doubt}
    return in_order(part for part in parts if _has_say(desired, part))


def _has_say(desired: TaskDraft, part: str) -> bool:
    if part.startswith(FIELD):
        return part.removeprefix(FIELD) in desired.fields
    return part in ("name", "due_on", "completed") or bool(getattr(desired, part))


def parts_edited(desired: TaskDraft, actual: Task, *, confirmed: TaskDraft | None = None) -> tuple[str, ...]:
    """Parts that Intacct owns and in which the task itself says something else than `desired`.

    With `confirmed`, what Asana itself made of what we wrote is no edit: fewer decimal places, a form of its own. Without it
    the task has to say exactly what `desired` says.

    Left out on purpose: the section, the assignee and the followers (people may move and hand over a task), the formatted
    description (Asana rewrites it), and, while the bill is open, the completion of an approval task, which is a person's
    answer and not an edit.
    """
    parts = [part for part in ("name", "notes", "due_on", "completed") if _is_ours(part, desired, actual)]
    parts += [FIELD + gid for gid in desired.fields]
    return in_order(part for part in parts if not _says(part, desired, actual, confirmed))


def _says(part: str, desired: TaskDraft, actual: Task, confirmed: TaskDraft | None) -> bool:
    shown = shown_by(actual, part)
    if confirmed is None or same(said(desired, part), shown):
        return same(said(desired, part), shown)
    is_form = part in confirmed.shown_as and same(confirmed.shown_as[part], shown)
    return _is_rounded(part, desired, actual) or (is_form and same(said(desired, part), said(confirmed, part)))


def _is_rounded(part: str, desired: TaskDraft, task: Task) -> bool:
    """Whether the task shows the number with fewer decimal places, and nothing else is different."""
    places, wanted, shown = task.places.get(part.removeprefix(FIELD)), said(desired, part), shown_by(task, part)
    both = isinstance(wanted, Decimal) and isinstance(shown, Decimal)
    return both and places is not None and rounded(wanted, places=places) == shown  # type: ignore[arg-type]


def shown_otherwise(confirmed: TaskDraft, task: Task) -> tuple[str, ...]:
    """Parts that the task does not show as they are, though nobody changed them: so Asana shows what we wrote."""
    return in_order({*parts_edited(confirmed, task)} - {*parts_edited(confirmed, task, confirmed=confirmed)})


def may_have_a_form(part: str) -> bool:
    """Texts, days and fields; whether a task is done, where it stands and whose it is are taken or not."""
    return part in ("name", "due_on", "notes") or part.startswith(FIELD)


def shown_by(task: Task, part: str) -> FieldValue | bool:
    value: FieldValue | bool = task.fields.get(part.removeprefix(FIELD)) if part.startswith(FIELD) else getattr(task, part)
    return value


def parts_to_adopt(desired: TaskDraft, actual: Task) -> tuple[str, ...]:
    """Parts to write on a task that we meet for the first time. Nobody has decided anything on it yet, whatever it says."""
    parts = [*parts_edited(desired, actual), *(FIELD + gid for gid in desired.initial_fields)]
    if actual.kind == APPROVAL and (actual.completed or actual.approval_status not in (None, "pending")):
        parts.append("completed")
    if desired.html_notes:
        parts.append("html_notes")
    if desired.section_gid and desired.section_gid != actual.section_gid:
        parts.append("section_gid")
    return in_order(parts)


def parts_not_taken(desired: TaskDraft, task: Task, *, changed: tuple[str, ...]) -> tuple[str, ...]:
    """Parts that were written and that Asana's answer does not show.

    Asana stores a value of the wrong shape as nothing and still answers 200, so each written part is compared.
    """
    return tuple(part for part in changed if not _took(part, desired, task))


def acknowledged(
    desired: TaskDraft, task: Task, *, not_taken: tuple[str, ...], shown_as: Mapping[str, FieldValue]
) -> TaskDraft:
    """`desired` as Asana took it. Parts not taken say what the task says, so the next plan finds them changed."""
    fields = {gid: value for gid, value in desired.fields.items() if FIELD + gid not in not_taken}
    parts: dict[str, Any] = {
        part: getattr(task, part) for part in not_taken if part in ("name", "due_on", "completed", "section_gid")
    }
    parts |= {part: None for part in not_taken if part == "assignee"} | {part: () for part in not_taken if part == "followers"}
    parts |= {part: "" for part in not_taken if part in ("notes", "html_notes")}
    return replace(desired, fields=fields, shown_as=shown_as, **parts)


def forms_kept(desired: TaskDraft, before: TaskDraft | None, *, written: Collection[str]) -> dict[str, FieldValue]:
    """Forms that are known from before, of parts that still say what they said and were not written now."""
    known = before.shown_as if before else {}
    kept = (part for part in known if part not in written and before and same(said(desired, part), said(before, part)))
    return {part: known[part] for part in kept}


def created_parts(desired: TaskDraft) -> tuple[str, ...]:
    """Every part that a new task must show, initial fields too."""
    kind = ["kind"] if desired.kind == APPROVAL else []
    return in_order([*parts_moved(desired, None), *kind, *(FIELD + gid for gid in desired.initial_fields)])


def parts_to_restore(desired: TaskDraft, actual: Task) -> tuple[str, ...]:
    """Every part to write on a task that stood for the record before, so that it says all of `desired` again."""
    return tuple(part for part in parts_moved(desired, None) if part != "completed" or _is_ours(part, desired, actual))


def in_order(parts: Iterable[str]) -> tuple[str, ...]:
    """Each part once: attributes first, then fields."""
    return tuple(sorted(set(parts), key=lambda part: (part.startswith(FIELD), part)))


def said(draft: TaskDraft, part: str) -> FieldValue | bool:
    """What `draft` says for a part; an initial field's value for a field that only creation writes."""
    if not part.startswith(FIELD):
        value: FieldValue | bool = getattr(draft, part)
        return value
    gid = part.removeprefix(FIELD)
    return draft.fields[gid] if gid in draft.fields else draft.initial_fields.get(gid)


def same(one: FieldValue | bool, other: FieldValue | bool) -> bool:
    """Equal as people see it: how many blanks there are and how accents are coded, the order of several gids, and two kinds
    of empty make no difference."""
    return _canonical(one) == _canonical(other)


def _canonical(value: FieldValue | bool) -> object:
    if isinstance(value, str):
        return " ".join(normalize("NFC", value).split()) or None
    if isinstance(value, tuple):
        return frozenset(value) or None
    return value


def _field_moved(gid: str, value: FieldValue, before: TaskDraft) -> bool:
    """An added field counts as moved even if it is empty: nobody knows what the task holds there."""
    return gid not in before.fields or not same(value, before.fields[gid])


def _is_ours(part: str, desired: TaskDraft, actual: Task) -> bool:
    if part == "notes":
        return bool(desired.notes) and not desired.html_notes
    if part == "due_on":
        return desired.due_on is not None
    if part == "completed":
        # Done in Intacct, its task is closed whatever people do with it.
        return actual.kind != APPROVAL or desired.completed
    return True


def _took(part: str, desired: TaskDraft, task: Task) -> bool:
    if part.startswith(FIELD):
        return same(said(desired, part), shown_by(task, part)) or _is_rounded(part, desired, task)
    if part == "html_notes":
        return bool(task.notes)
    if part in ("assignee", "followers"):
        return True
    if part == "section_gid":
        # A task in several projects has a section in each, and the answer names just one of them.
        return len(task.project_gids) > 1 or task.section_gid == desired.section_gid
    return same(said(desired, part), getattr(task, part))
