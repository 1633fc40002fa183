"""What hangs on a bill in Intacct, as one digest: read for a task, for a choice, and when a decision is looked at again.

A file that is replaced under its attachment's id does not touch the bill, so no stream of changes tells of it.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace

from intacct_asana.errors import IntacctAsanaError, Misconfigured, Refused, UnexpectedReply
from intacct_asana.ports import DocumentSource
from intacct_asana.records import Bill, Snapshot, shows
from intacct_asana.records.documents import UNREAD, digest_of

log = logging.getLogger(__name__)

Kinds = tuple[type[IntacctAsanaError], ...]
ANY: Kinds = (IntacctAsanaError,)
ABOUT_IT: Kinds = (Refused, UnexpectedReply, Misconfigured)
"""What a repeat would meet again: whoever chose is told so. Everything else waits for the next run."""
GONE: Kinds = (Refused,)
"""Intacct's own word that there is no such document; what else goes wrong overturns nothing that was decided."""


@dataclass(slots=True, kw_only=True)
class BillFiles:
    """One run's readings of attachments: one call for each attachment and each change of its bill.

    `compared` says whether the flow brings files onto tasks; where it does not, nobody was shown any and none are read.
    """

    books: DocumentSource
    compared: bool
    _known: dict[tuple[str, str, str], str | IntacctAsanaError] = field(default_factory=dict)
    _closed: Misconfigured | None = None
    """Why none can be read: every other call would be answered so."""

    def of(self, bill: Bill, *, unread: Kinds = ()) -> Bill:
        """The bill with its files' digest: UNREAD where reading them failed in one of the ways `unread`; others are raised."""
        if not self.compared or not bill.document_id:
            return bill
        # After our own stamp the bill says another time, and what it carries is read once more.
        found = (bill.record_no, bill.modified_at_text, bill.document_id)
        if found not in self._known:
            self._known[found] = self._read(bill)
        known = self._known[found]
        if not isinstance(known, IntacctAsanaError):
            return replace(bill, document_digest=known)
        if isinstance(known, unread):
            return replace(bill, document_digest=UNREAD)
        raise known

    def _read(self, bill: Bill) -> str | IntacctAsanaError:
        if self._closed:
            return self._closed
        try:
            with ExitStack() as opened:
                files = self.books.document(bill.document_id)
                for file in files:
                    opened.enter_context(closing(file.content))
                return digest_of(files)
        except IntacctAsanaError as error:
            log.warning("The files of bill %s cannot be read: %s", bill.record_no, error.message)
            self._closed = error if isinstance(error, Misconfigured) else None
            return error


def as_shown(bill: Bill, shown: Snapshot | None) -> Bill | None:
    """The bill with the digest that its task showed, where nothing else that a decision is about changed since; else None.

    So the task goes on saying which files it carries, and our own stamps cost no reading. Whether Intacct still holds those
    is asked before anything is decided about the bill, and daily once it was.
    """
    digest = str(shown.body.get("document_digest") or "") if shown else ""
    if shown is None or digest in ("", UNREAD):
        return None
    return replace(bill, document_digest=digest) if shows(shown, bill) else None
