"""Documents onto tasks: each once, whatever was cut off, and never in the way of the task itself.

What is about to be sent is noted first, and a task's attachments are read before anything is sent to it: so a file whose
answer was lost is found again by its name, which carries the attachment id, and by its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing

from intacct_asana.errors import IntacctAsanaError, Misconfigured, Refused
from intacct_asana.ports import Attachments, DocumentSource, WantedDocuments
from intacct_asana.records.documents import UNFIT, AttachedFile, Attachment, DocumentFile, DueDocument
from intacct_asana.sync.report import Failure, Report

ATTACHED, FOUND = "attached", "found there"


def attach_documents(
    due: Sequence[DueDocument], *, board: Attachments, books: DocumentSource, store: WantedDocuments
) -> Report:
    """Brings each document onto its task and says what failed, by key; raises nothing for a single failure.

    A document that will never fit is noted as refused and reported once; everything else that failed stays due.
    """
    result = Report(noun="documents")
    for number, one in enumerate(due):
        try:
            _Bringer(one, board=board, books=books, store=store, result=result).run()
        except IntacctAsanaError as error:
            result.failures.append(Failure(key=one.wanted.key, kind=f"document {one.wanted.document_id} of", error=error))
            if isinstance(error, Misconfigured):
                # The same for every document, so going on would only repeat it.
                result.not_started = len(due) - number - 1
                break
    return result


class _Bringer:
    """One document."""

    def __init__(
        self, due: DueDocument, *, board: Attachments, books: DocumentSource, store: WantedDocuments, result: Report
    ) -> None:
        self.due, self.board, self.books, self.store, self.result = due, board, books, store, result
        self.files = list(due.files)
        self.there: list[Attachment] = []

    def run(self) -> None:
        self.there = self.board.attachments(self.due.task_gid)
        refused = self._link() if self.due.wanted.form == "link" else self._document()
        self.store.finish(self.due, files=self.files, refused=refused)
        if refused:
            raise Refused(refused, code=UNFIT)

    def _link(self) -> str:
        wanted = self.due.wanted
        entry = AttachedFile(name=wanted.name, size=0, digest="")
        if not self._is_there(entry, kind="external"):
            self._sent(entry, self.board.attach_link(self.due.task_gid, name=wanted.name, url=wanted.url))
        return ""

    def _document(self) -> str:
        """Every file that fits; the answer says which do not."""
        try:
            files = self.books.document(self.due.wanted.document_id)
        except Refused as error:
            if error.code == UNFIT:
                return error.message
            raise
        with ExitStack() as opened:
            for file in files:
                opened.enter_context(closing(file.content))
            fitting = [file for file in files if not file.unfit]
            for name, file in zip(_names(fitting, self.due), fitting, strict=True):
                self._file(name, file)
        return "; ".join(f"{file.name} {file.unfit}" for file in files if file.unfit) or ("" if files else "it holds no file")

    def _file(self, name: str, file: DocumentFile) -> None:
        entry = AttachedFile(name=name, size=file.size, digest=file.digest)
        if not self._is_there(entry, kind="asana"):
            self._sent(entry, self.board.attach_file(self.due.task_gid, name=name, file=file))

    def _is_there(self, entry: AttachedFile, *, kind: str) -> bool:
        """Whether the task has it; notes it otherwise, before it is sent."""
        kept = next((file for file in self.files if _same(file, entry) and file.attachment_gid), None)
        fits = (one for one in self.there if one.kind == kind and one.name == entry.name)
        found = next((one for one in fits if kind == "external" or one.size in (None, entry.size)), None)
        if kept:
            return True
        if found:
            self._keep(entry, found.gid)
            self.result.count(FOUND)
            return True
        self._keep(entry, "")
        return False

    def _sent(self, entry: AttachedFile, attachment: Attachment) -> None:
        self._keep(entry, attachment.gid)
        self.result.count(ATTACHED)

    def _keep(self, entry: AttachedFile, attachment_gid: str) -> None:
        others = [file for file in self.files if not _same(file, entry)]
        noted = AttachedFile(name=entry.name, size=entry.size, digest=entry.digest, attachment_gid=attachment_gid)
        self.files = [*others, noted]
        self.store.note(self.due, files=self.files)


def _same(one: AttachedFile, other: AttachedFile) -> bool:
    return (one.name, one.size, one.digest) == (other.name, other.size, other.digest)


def _names(files: Iterable[DocumentFile], due: DueDocument) -> list[str]:
    """`invoice (ATT-7).pdf`; a second file of one name is `invoice (ATT-7, 2).pdf`, also one that replaced the first."""
    names: list[str] = []
    for file in files:
        stem, dot, extension = file.name.rpartition(".")
        replaced = [one.name for one in due.files if one.digest != file.digest]
        document_id = due.wanted.document_id
        names.append(_free(stem or extension, document_id, dot + extension if stem else "", [*names, *replaced]))
    return names


def _free(stem: str, document_id: str, ending: str, taken: Sequence[str]) -> str:
    number = 1
    while (name := f"{stem} ({document_id}{f', {number}' if number > 1 else ''}){ending}") in taken:
        number += 1
    return name
