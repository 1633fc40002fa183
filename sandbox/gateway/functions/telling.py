"""Functions that tell something and are no query: audit trails, entities, dimensions, what waits for an approval.

https://developer.intacct.com/api/company-console/audit-trails/, .../entities/, .../api/platform-services/dimensions/
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from sandbox.gateway.books import purchasing, vendor_queue
from sandbox.gateway.books.rows import Audit
from sandbox.gateway.failures import Failure, no_permission, support_id
from sandbox.gateway.functions.reads import text_of
from sandbox.gateway.sessions import Session
from sandbox.gateway.wire import Data, element

_MODES = {"A": "access", "C": "create", "D": "delete", "M": "modify", "T": "activity", "U": "user action", "W": "workflow"}
_DIMENSIONS = ("DEPARTMENT", "LOCATION", "PROJECT", "CUSTOMER", "VENDOR", "ITEM", "CLASS")
_BY_NAME = {"VENDOR": "vendors", "USERINFO": "users"}
"""Objects whose history goes by the name field; that of the others goes by RECORDNO."""

Tell = Callable[[etree._Element, Session], Data]


class Teller:
    """These functions of one company, by name."""

    def __init__(self, company: Any) -> None:
        self.company = company
        self.functions: dict[str, Tell] = {
            "getAuditTrail": self._audit_trail,
            "readEntityDetails": self._entities,
            "getDimensions": self._dimensions,
            "getVendorsToApprove": self._vendors_to_approve,
            "getVendorApprovalHistory": self._vendor_history,
            "getTransactionsToApprove": self._documents_to_approve,
        }

    def _audit_trail(self, asked: etree._Element, session: Session) -> Data:
        """Everything that the history has of one record, the oldest first; nothing for a record that it does not know."""
        target = self.company.schema.object(text_of(asked, "object"))
        if self.company.is_denied(target.name):
            raise no_permission("READ", target.name)
        number, key = text_of(asked, "recordNo"), text_of(asked, "objectKey")
        if not number and not key:
            said = f"Provide the recordNo or the objectKey of a record. {support_id()}"
            raise Failure("XL03000003", "getAuditTrail Failed", said)
        key = key or self._key_of(target.name, number)
        rows = [
            row
            for row in self.company.audits
            if row.object_type == target.name.lower()
            and row.object_key.removesuffix("--REC") == key
            and self.company.is_audited(row)
        ]
        return Data("auditTrailDetail", [_trail(row) for row in rows], {"count": len(rows)})

    def _key_of(self, name: str, number: str) -> str:
        if name not in _BY_NAME or not number.isdigit():
            return number
        row = getattr(self.company, _BY_NAME[name]).get(int(number))
        return (
            ""
            if row is None
            else str(self.company.schema.object(name).fields["VENDORID" if name == "VENDOR" else "LOGINID"].get(row))
        )

    def _entities(self, _asked: etree._Element, session: Session) -> Data:
        """The entities that the user may enter. In an entity that is this one."""
        listed = [each for each in self.company.entities if session.entity in ("", each.id)]
        told = [
            _cells(
                "entity",
                id=each.id,
                name=each.name,
                recordno=str(each.record_no),
                currency=each.currency,
                firstfiscalmonth="1",
                firstfiscaltaxmonth="",
                weekstart="",
            )
            for each in listed
        ]
        return Data("entity", told, {"count": len(told)})

    def _dimensions(self, _asked: etree._Element, _session: Session) -> Data:
        told = [
            _cells(
                "dimension",
                objectName=name,
                objectLabel=name.capitalize(),
                termLabel=name.capitalize(),
                userDefinedDimension="false",
                enabledInGL="true",
            )
            for name in _DIMENSIONS
        ]
        return Data("", [element("dimensions", *told)], bare=True)

    def _vendors_to_approve(self, _asked: etree._Element, _session: Session) -> Data:
        """Vendors with an edit that waits. What the answer looks like is not documented."""
        queue = vendor_queue.queue(self.company)
        told = [_cells("vendor", recordno=str(each.record_no), vendorid=each.vendor_id, name=each.name) for each in queue]
        return Data("vendor", told, {"count": len(told)})

    def _vendor_history(self, asked: etree._Element, _session: Session) -> Data:
        """Approvals and declines of one vendor. What the answer looks like is not documented."""
        key = self._key_of("VENDOR", text_of(asked, "recordno"))
        rows = [row for row in self.company.audits if (row.object_type, row.object_key, row.mode) == ("vendor", key, "W")]
        told = [_cells("approval", action=row.action, userid=row.user, when=_instant(row.at)) for row in rows]
        return Data("approval", told, {"count": len(told)})

    def _documents_to_approve(self, asked: etree._Element, session: Session) -> Data:
        """What this user may approve in Purchasing. What the answer looks like is not documented."""
        if text_of(asked, "module") != "purchasing":
            raise Failure("XL03000003", "", f"Only the module purchasing is played here. {support_id()}")
        waiting = purchasing.to_approve(self.company, self.company.user(session.login))
        told = [_cells("transaction", docid=each.name, state=each.state) for each in waiting]
        return Data("transaction", told, {"count": len(told)})


def _trail(row: Audit) -> str:
    return _cells(
        "auditTrailDetail",
        userId=row.user,
        object=row.object_type,
        objectKey=row.object_key,
        accessTime=_instant(row.at),
        accessMode=_MODES.get(row.mode, row.mode),
        workflowAction=row.action,
        webServer="web01",
        trackingId=hashlib.sha256(row.id.encode()).hexdigest()[:24],
        ipAddress="192.0.2.1",
        source=row.source,
    )


def _instant(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def _cells(tag: str, **told: str) -> str:
    return element(tag, *(element(name, text, raw=False) for name, text in told.items()))
