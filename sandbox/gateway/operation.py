"""One request through the gateway: control, authentication, functions; and the envelope of its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from lxml import etree

from sandbox import constants
from sandbox.core import Fault
from sandbox.gateway import envelope
from sandbox.gateway.books import documents
from sandbox.gateway.failures import (
    AuthenticationFailure,
    ControlFailure,
    Failure,
    HttpFailure,
    bad_login,
    invalid_session,
    support_id,
)
from sandbox.gateway.functions.legacy import ORDERS, Legacy
from sandbox.gateway.functions.oldlists import OldLists
from sandbox.gateway.functions.reads import Reader, text_of
from sandbox.gateway.functions.telling import Tell, Teller
from sandbox.gateway.functions.writes import Outcome, Writer
from sandbox.gateway.sessions import Session
from sandbox.gateway.wire import Data, element, errors_xml

WRITES = frozenset({"create", "update", "delete", "approve", "decline"})
_WITH_OBJECT = frozenset({"query", "read", "create", "update", "approve", "decline"})
CALM = Fault(system="intacct", kind="", action="")
"""Strikes a function that nothing strikes."""

_PROLOG = '<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(slots=True)
class Function:
    """One function of a request. `kind` is what it is counted as: `query APBILL`, `getAPISession`."""

    control_id: str
    asked: etree._Element
    kind: str

    @property
    def name(self) -> str:
        return str(self.asked.tag)

    @property
    def billed(self) -> int:
        """Calls on Intacct's meter: each record of a write is one, and so is a read, or a page of one."""
        named = text_of(self.asked, "keys").split(",") if self.name == "delete" else list(self.asked)
        return len(named) if self.name in WRITES else 1


@dataclass(slots=True)
class Answer:
    body: str
    status: int = 200


def functions_of(root: etree._Element) -> list[Function]:
    """The request's functions. Raises ControlFailure where the request does not follow the schema."""
    found = []
    for function in root.iterfind("operation/content/function"):
        control_id = function.get("controlid") or ""
        if not control_id or len(function) != 1:
            raise envelope.malformed("Each function needs a controlid and exactly one child.")
        asked = function[0]
        found.append(Function(control_id, asked, _kind(asked)))
    return found


def _kind(asked: etree._Element) -> str:
    name = str(asked.tag)
    if name in documents.FUNCTIONS:
        return f"{name} {asked.get('object', '').upper()}".strip()
    if name not in _WITH_OBJECT:
        return name
    first = asked[0].tag if name in WRITES and len(asked) else text_of(asked, "object")
    return f"{name} {str(first).upper()}".strip()


class Gateway:
    """Answers parsed requests for one company. `endpoint` is the URL that a new session is bound to."""

    def __init__(self, world: Any, endpoint: str) -> None:
        self.world, self.company, self.endpoint = world, world.intacct, endpoint
        self.reader: Reader = self.company.reader
        self.writer = Writer(self.company)

    def answer(self, root: etree._Element, functions: list[Function], faults: Mapping[int, Fault]) -> Answer:
        """The whole answer. `faults` maps a function's position to what goes wrong with it."""
        if root.find("control/controlid") is None or root.tag != "request":
            raise envelope.malformed("The request needs a control block with a controlid.")
        envelope.check(root, error_details=self.world.setting("error_details", "last"), more=ORDERS)
        self._check_sender(root)
        if any(fault.action == "end_session" for fault in faults.values()):
            self.company.sessions.end_all()
        try:
            session = self._authenticate(root.find("operation/authentication"))
        except AuthenticationFailure as failure:
            return self._not_authenticated(root, failure)
        for function in functions:
            self.world.billed[function.kind] += function.billed
        wants_more = text_of(root.find("control"), "showadditionalerrorinfo") == "true"
        run = _Run(self, session, functions, faults, is_unique=_is_unique(root), wants_more=wants_more)
        operation = root.find("operation")
        is_atomic = operation is not None and operation.get("transaction") == "true"
        results = run.atomically() if is_atomic else run.each()
        told = element("operation", self._authentication(session), *results)
        return Answer(_document(self._control(root), told))

    def _check_sender(self, root: etree._Element) -> None:
        control = root.find("control")
        if (text_of(control, "senderid"), text_of(control, "password")) != (constants.SENDER_ID, constants.SENDER_PASSWORD):
            if self.world.setting("bad_sender", "control") == "gateway":
                raise HttpFailure("GW-0011", "", f"Invalid Request [Request ID: {self.company.new_token()[:16]}]")
            raise ControlFailure("XL03000006", "", "Incorrect Intacct XML Partner ID or password.")
        if text_of(control, "dtdversion") not in ("", "2.1", "3.0"):
            raise envelope.malformed("dtdversion must be 2.1 or 3.0.")
        if root.find("operation/authentication") is None:
            raise envelope.malformed("The operation needs an authentication block.")

    def _authenticate(self, told: etree._Element | None) -> Session:
        if not self.world.setting("sender_authorized", True):
            said = (
                f"The sender ID '{constants.SENDER_ID}' is not authorized to make Web Services requests "
                f"to company ID '{constants.COMPANY_ID}'."
            )
            raise AuthenticationFailure("XL03000006", "Invalid Web Services Authorization", said)
        if told is None:
            raise bad_login()
        if told.find("sessionid") is not None:
            session_id = text_of(told, "sessionid")
            session = self.company.sessions.use(session_id)
            if session is None:
                raise self._unknown_session(session_id)
            return session  # type: ignore[no-any-return]
        return self._log_in(told.find("login"))

    def _unknown_session(self, session_id: str) -> Failure:
        if self.world.setting("dead_session", "authentication") == "gateway":
            return _front_gateway_login()
        said = self.world.setting("dead_session_says", None)
        return AuthenticationFailure("XL03000006", "", said) if said else invalid_session(session_id)

    def _log_in(self, login: etree._Element | None) -> Session:
        told = tuple(text_of(login, name) for name in ("companyid", "userid", "password"))
        if told != (constants.COMPANY_ID, constants.WS_USER, constants.WS_PASSWORD):
            if self.world.setting("bad_login", "authentication") == "gateway":
                raise _front_gateway_login()
            raise bad_login()
        entity = text_of(login, "locationid")
        if entity and self.company.dimension(self.company.entities, entity) is None:
            raise AuthenticationFailure("XL03000006", "", f"The location '{entity}' is not valid for this company.")
        return self.company.sessions.open(told[1], entity, keep=False)  # type: ignore[no-any-return]

    def open_session(self, asked: etree._Element, session: Session) -> Data:
        """`getAPISession`: at top level, in `locationid`, or where the calling session is."""
        wanted = asked.find("locationid")
        entity = session.entity if wanted is None else (wanted.text or "").strip()
        if entity and self.company.dimension(self.company.entities, entity) is None:
            raise Failure("Get API Session Failed", "", f"The location '{entity}' is not valid. {support_id()}")
        opened = self.company.sessions.open(session.login, entity)
        endpoint = self.world.setting("intacct_endpoint", None) or self.endpoint
        led_to = self.world.setting("login_leads_to", entity)
        cells = [("sessionid", opened.id), ("endpoint", endpoint), ("locationid", led_to)]
        return Data("", [element("api", *(element(name, text, raw=False) for name, text in cells))], bare=True)

    def _not_authenticated(self, root: etree._Element, failure: AuthenticationFailure) -> Answer:
        login = root.find("operation/authentication/login")
        cells = [element("status", "failure")]
        # An unknown session tells nobody whose it was.
        cells += [element(name, text_of(login, name), raw=False) for name in ("userid", "companyid")]
        operation = element("operation", element("authentication", *cells), errors_xml([failure]))
        return Answer(_document(self._control(root), operation))

    def _authentication(self, session: Session) -> str:
        stamp, timeout = self.company.sessions.told_times(session)
        told = [
            ("status", "success"),
            ("userid", session.login),
            ("companyid", self.company.company_id),
            ("locationid", session.entity),
            ("sessiontimestamp", stamp),
            ("sessiontimeout", timeout),
        ]
        return element("authentication", *(element(name, text, raw=False) for name, text in told))

    def _control(self, root: etree._Element) -> str:
        control = root.find("control")
        told = [("status", "success"), *((name, text_of(control, name)) for name in ("senderid", "controlid"))]
        told += [("uniqueid", str(_is_unique(root)).lower()), ("dtdversion", text_of(control, "dtdversion") or "3.0")]
        return element("control", *(element(name, text, raw=False) for name, text in told))


class _Run:
    """The functions of one request, in document order."""

    def __init__(
        self,
        gateway: Gateway,
        session: Session,
        functions: list[Function],
        faults: Mapping[int, Fault],
        *,
        is_unique: bool,
        wants_more: bool,
    ) -> None:
        self.gateway, self.company, self.session = gateway, gateway.company, session
        self.functions, self.faults = functions, faults
        self.is_unique, self.wants_more = is_unique, wants_more
        reader, writer = gateway.reader, gateway.writer
        entity, lists = session.entity, OldLists(self.company, documents.read)
        self.readers: dict[str, Callable[[etree._Element], Data]] = {
            "query": lambda asked: reader.query(asked, entity),
            "read": lambda asked: reader.read(asked, entity),
            "readByName": lambda asked: reader.read(asked, entity, by_name=True),
            "readByQuery": lambda asked: reader.read_by_query(asked, entity, session.login),
            "readMore": lambda asked: reader.read_more(asked, entity, session.login),
            "readRelated": reader.read_related,
            "lookup": lambda asked: reader.lookup(asked, entity),
            "inspect": reader.inspect,
            "readUserFormatting": lambda asked: reader.user_formatting(asked, entity),
            "getAPISession": lambda asked: gateway.open_session(asked, session),
            **dict.fromkeys(documents.FUNCTIONS, lambda asked: lists.read(asked, entity)),
            **{name: partial(_told_to, tell, session) for name, tell in Teller(self.company).functions.items()},
        }
        self.writers: dict[str, Callable[[etree._Element, Session], Outcome]] = {
            "create": writer.create,
            "update": writer.update,
            "delete": writer.delete,
            "approve": writer.approve,
            "decline": writer.approve,
            **Legacy(self.company, writer).functions,
        }

    def each(self) -> list[str]:
        """Every function for itself: later ones run whatever happened before."""
        return [self._result(function, self.faults.get(at, CALM)) for at, function in enumerate(self.functions)]

    def atomically(self) -> list[str]:
        """All or nothing: after a failure everything done before is undone and reported as aborted."""
        known = set(self.company.completed_ids)
        results: list[str] = []
        with self.company.undoable() as log:
            for at, function in enumerate(self.functions):
                result = self._result(function, self.faults.get(at, CALM))
                results.append(result)
                if "<status>success</status>" not in result[:60]:
                    self.company.undo(log)
                    self.company.completed_ids = known
                    return [*(self._aborted(done) for done in self.functions[:at]), result]
        return results

    def _result(self, function: Function, struck_by: Fault) -> str:
        fault = struck_by.action
        if self.is_unique and function.control_id in self.company.completed_ids:
            return self._duplicate(function)
        if fault == "aborted":
            return self._aborted(function)
        if fault == "refuse":
            return self._told(function, "failure", Outcome(errors=[_in_words(struck_by.detail)]))
        try:
            outcome = self._do(function, loses=fault == "lose_stamp")
        except Failure as failure:
            return self._told(function, "failure", Outcome(errors=[failure]))
        if fault == "half_success":
            outcome.errors.append(Failure("BL01001973", "Could not update record!", f"One of the steps failed. {support_id()}"))
        status = "failure" if outcome.errors else "success"
        if status == "success" or fault == "half_success":
            self.company.completed_ids.add(function.control_id)
        return self._told(function, "" if fault == "no_status" else status, outcome, fault)

    def _do(self, function: Function, *, loses: bool) -> Outcome:
        if function.name == "getAPISession" and len(self.functions) > 1:
            raise Failure("Get API Session Failed", "", f"getAPISession must be the only function of a request. {support_id()}")
        if function.name in self.readers:
            return Outcome(self.readers[function.name](function.asked))
        write = self.writers.get(function.name)
        if write is None:
            raise Failure("XL03000003", "", f"'{function.name}' is not a function of the gateway. {support_id()}")
        self.gateway.world.count("intacct", "WRITE")
        if not loses:
            return write(function.asked, self.session)
        with self.company.undoable() as log:
            outcome = write(function.asked, self.session)
            self.company.undo(log)
        return outcome

    def _duplicate(self, function: Function) -> str:
        """How a repeated control id is refused is not documented. A result without status was seen; the error is a guess."""
        if self.gateway.world.setting("duplicate_answer", "no_status") == "no_status":
            return self._told(function, "", Outcome())
        said = f"Another operation with the given value(s) controlid '{function.control_id}' already exists {support_id()}"
        return self._told(function, "failure", Outcome(errors=[Failure("BL34000061", "", said, "Use a unique value instead.")]))

    def _aborted(self, function: Function) -> str:
        said = f"The entire transaction in this operation has been rolled back due to an error. {support_id()}"
        return self._told(function, "aborted", Outcome(errors=[Failure("XL03000009", "", said)]))

    def _told(self, function: Function, status: str, outcome: Outcome, fault: str = "") -> str:
        cells = [element("status", status)] if status else []
        cells.append(element("function", "read" if fault == "other_function" else function.name, raw=False))
        if fault != "no_control_id":
            cells.append(element("controlid", function.control_id, raw=False))
        if outcome.key:
            cells.append(element("key", outcome.key, raw=False))
        if outcome.data is not None:
            cells.append(outcome.data.xml())
        if outcome.errors:
            cells.append(errors_xml(outcome.errors, additional=self.wants_more))
        return element("result", *cells)


def _told_to(tell: Tell, session: Session, asked: etree._Element) -> Data:
    return tell(asked, session)


def control_failure(failure: Failure, root: etree._Element | None) -> Answer:
    """The answer to a request whose operation was never looked at. Old fields of control may be empty."""
    cells = [element("status", "failure")]
    if isinstance(failure, HttpFailure):
        return Answer(_document(element("control", *cells), errors_xml([failure])), failure.status)
    control = root.find("control") if root is not None else None
    cells += [element(name, text_of(control, name), raw=False) for name in ("senderid", "controlid", "uniqueid", "dtdversion")]
    return Answer(_document(element("control", *cells), errors_xml([failure])))


def _in_words(detail: Mapping[str, Any]) -> Failure:
    """The refusal that a fault words itself; a support id is added where the words hold none."""
    said = {name: str(detail.get(name, "")) for name in ("errorno", "description", "description2", "correction")}
    if said["description2"]:
        said["description2"] += f" {support_id()}"
    return Failure(**said)


def _front_gateway_login() -> HttpFailure:
    said = "Sign-in information is incorrect. Please check your request."
    failure = HttpFailure("XMLGW_JPP0002", said, said)
    failure.status = 401
    return failure


def _is_unique(root: etree._Element) -> bool:
    """True also when the element is left out: that is the gateway's default."""
    return text_of(root.find("control"), "uniqueid").lower() != "false"


def _document(*parts: str) -> str:
    return _PROLOG + element("response", *parts)
