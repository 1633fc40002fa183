"""Documents onto tasks: each file once, whatever was cut off, and never in the way of the task itself.

Each file, or link, is a write of the journal. A task's attachments are read before anything is sent to it, so a file whose
answer was lost is found again by its name, which carries the attachment id, and by its size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import datetime

from intacct_asana.errors import Misconfigured, Refused
from intacct_asana.journal import Kind, Outcome, carry_out
from intacct_asana.ports import Attachments, DocumentSource, Journal, WantedDocuments
from intacct_asana.records import Intent, IntentState
from intacct_asana.records.documents import UNFIT, Attachment, DocumentFile, DueDocument, WantedDocument
from intacct_asana.sync.report import Report

ATTACHED, FOUND = "attached", "found there"


def attach_documents(
    due: Sequence[DueDocument],
    *,
    board: Attachments,
    books: DocumentSource,
    store: WantedDocuments,
    journal: Journal,
    owner: str,
    now: Callable[[], datetime],
) -> Report:
    """Brings each document onto its task and says what failed, by key; raises nothing for a single failure.

    A document that will never fit is noted as refused and reported once; everything else that failed stays due. `owner` is
    who writes, as the journal wants it; `now` gives aware UTC instants.
    """
    report = Report(noun="documents")

    def bring(one: DueDocument) -> None:
        files, unfit = _files(one.wanted, books)
        with ExitStack() as opened:
            for file in files:
                opened.enter_context(closing(file.content))
            intents = _intents(one, files, known=journal.about([one.task_gid]))
            kind = AttachmentKind(board=board, files={intent.intent_id: file for intent, file in intents if file})
            wanted = [intent for intent, _ in intents]
            with closing(
                carry_out(wanted, kinds=[kind], journal=journal, keep=_gid, owner=owner, now=now, workers=1)
            ) as outcomes:
                ended = list(outcomes)
        report.writes += len(kind.sent)
        for outcome in ended:
            if outcome.is_done:
                report.count(ATTACHED if outcome.intent.intent_id in kind.sent else FOUND)
        if errors := [outcome.error for outcome in ended if outcome.error]:
            # What would meet every document comes first.
            raise min(errors, key=lambda error: not isinstance(error, Misconfigured))
        store.finish(one, refused=unfit)
        if unfit:
            raise Refused(unfit, code=UNFIT)

    report.each(due, bring, key=lambda one: f"document {one.wanted.document_id} of {one.wanted.key}")
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentKind(Kind):
    """A file or a link on a task. Files stream: `files` holds their content by intent id, the body only what they are."""

    name = "attachment"
    looks_first = True

    board: Attachments
    files: Mapping[str, DocumentFile]
    sent: set[str] = field(default_factory=set)

    def send(self, intent: Intent) -> Attachment:
        """The answer proves it, however Asana writes the name down."""
        body, name = intent.body, str(intent.body["name"])
        self.sent.add(intent.intent_id)
        if file := self.files.get(intent.intent_id):
            made = self.board.attach_file(intent.subject, name=name, file=file)
        else:
            made = self.board.attach_link(intent.subject, name=name, url=str(body["url"]))
        return replace(made, name=name, kind=str(body["kind"]), size=None)

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Attachment]:
        there = {task_gid: self.board.attachments(task_gid) for task_gid in {intent.subject for intent in intents}}
        pairs = ((intent, one) for intent in intents for one in there[intent.subject])
        return {intent.intent_id: one for intent, one in pairs if self.same(intent, one)}

    def same(self, intent: Intent, found: Attachment) -> bool:
        body = intent.body
        is_named = (found.kind, found.name) == (body["kind"], body["name"])
        return is_named and ("size" not in body or found.size in (None, body["size"]))


def _files(wanted: WantedDocument, books: DocumentSource) -> tuple[list[DocumentFile], str]:
    """The document's files, none for a link, and what of it will never fit."""
    if wanted.form == "link":
        return [], ""
    try:
        files = books.document(wanted.document_id)
    except Refused as error:
        if error.code == UNFIT:
            return [], error.message
        raise
    return files, "; ".join(f"{file.name} {file.unfit}" for file in files if file.unfit) or (
        "" if files else "it holds no file"
    )


def _intents(
    due: DueDocument, files: Iterable[DocumentFile], *, known: Iterable[Intent]
) -> list[tuple[Intent, DocumentFile | None]]:
    """What is to hang on the task, with the file for each that is one. `known` is what was ever sent to it."""
    wanted = due.wanted
    if wanted.form == "link":
        return [(_intent(due, {"kind": "external", "name": wanted.name, "url": wanted.url}), None)]
    sent = [
        one for one in known if one.kind == AttachmentKind.name and (one.state.is_in_doubt or one.state is IntentState.DONE)
    ]
    held = {str(one.body["name"]): one.body.get("digest") for one in sent}
    fitting = [file for file in files if not file.unfit]
    named = zip(_names(fitting, wanted.document_id, held), fitting, strict=True)
    about = [({"kind": "asana", "name": name, "size": file.size, "digest": file.digest}, file) for name, file in named]
    return [(_intent(due, body), file) for body, file in about]


def _intent(due: DueDocument, body: Mapping[str, object]) -> Intent:
    digest = hashlib.sha256(f"{body['kind']}|{body['name']}".encode()).hexdigest()[:20]
    intent_id = f"{AttachmentKind.name}:{due.task_gid}:{digest}"
    return Intent(intent_id=intent_id, kind=AttachmentKind.name, subject=due.task_gid, body=body)


def _gid(outcome: Outcome) -> Mapping[str, object] | None:
    return {"gid": outcome.found.gid} if outcome.is_done else None


def _names(files: Iterable[DocumentFile], document_id: str, held: Mapping[str, object]) -> list[str]:
    """`invoice (ATT-7).pdf`; a second file of one name is `invoice (ATT-7, 2).pdf`.

    `held` are names that the task has by us, with the digests behind them: another content is another file.
    """
    names: list[str] = []
    for file in files:
        stem, dot, extension = file.name.rpartition(".")
        others = [name for name, digest in held.items() if digest != file.digest]
        names.append(_free(stem or extension, document_id, dot + extension if stem else "", [*names, *others]))
    return names


def _free(stem: str, document_id: str, ending: str, taken: Sequence[str]) -> str:
    number = 1
    while (name := f"{stem} ({document_id}{f', {number}' if number > 1 else ''}){ending}") in taken:
        number += 1
    return name
