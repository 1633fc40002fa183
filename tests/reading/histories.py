"""Random histories of a company that is read while it moves: what can happen in it, and how it is played."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

LATEST = 300
"""Seconds by which something may be seen late, or the server's clock set back: together within the look-back of 600."""

ACCOUNTS = ("6100", "6200", "6400")
AMOUNTS = st.integers(1, 9_999_999).map(lambda cents: f"{cents // 100}.{cents % 100:02}")
LINES = st.lists(st.fixed_dictionaries({"amount": AMOUNTS, "account": st.sampled_from(ACCOUNTS)}), min_size=1, max_size=3)
WHICH = st.integers(0, 30)
LATE = st.sampled_from([0, 0, 0, 30, LATEST])
OLD = st.booleans()

STATES = st.sampled_from(["Submitted", "Posted", "Declined"])

CREATE = st.fixed_dictionaries(
    {
        "do": st.just("create"),
        "lines": LINES,
        "state": st.sampled_from(["Submitted", "Posted", "Draft"]),
        "module": st.sampled_from(["3.AP", "9.PO"]),
        "entity": st.sampled_from(["US01", "UK01"]),
        "currency": st.sampled_from(["USD", "GBP", "EUR"]),
        "without_change_time": st.booleans(),
    }
)
CHANGE = st.one_of(
    st.fixed_dictionaries({"do": st.just("header"), "which": WHICH, "number": st.integers(1, 99)}),
    st.fixed_dictionaries({"do": st.just("line"), "which": WHICH, "amount": AMOUNTS, "account": st.sampled_from(ACCOUNTS)}),
    st.fixed_dictionaries({"do": st.just("add_line"), "which": WHICH, "amount": AMOUNTS}),
    st.fixed_dictionaries({"do": st.just("remove_line"), "which": WHICH}),
    st.fixed_dictionaries(
        {"do": st.just("state"), "which": WHICH, "state": st.sampled_from(["Submitted", "Posted", "Declined"])}
    ),
    st.fixed_dictionaries({"do": st.just("pay"), "which": WHICH, "part": st.booleans()}),
    st.fixed_dictionaries({"do": st.just("void"), "which": WHICH}),
    st.fixed_dictionaries({"do": st.just("delete"), "which": WHICH}),
    st.fixed_dictionaries({"do": st.just("recreate"), "which": WHICH, "amount": AMOUNTS, "seen_after": LATE, "old": OLD}),
)
ACT = st.tuples(st.one_of(CREATE, CHANGE, CHANGE, CHANGE), LATE)
TICK = st.sampled_from([1, 59, 601, 3600, 86_400 * 40]).map(lambda seconds: ("tick", seconds))
SET_BACK = st.integers(1, LATEST).map(lambda seconds: ("set back", seconds))
RUN = st.just(("run", None))
DISTURBED_RUN = st.tuples(st.just("disturbed run"), st.tuples(st.integers(1, 18), st.one_of(CREATE, CHANGE)))
STEP = st.one_of(ACT.map(lambda act: ("act", act)), ACT.map(lambda act: ("act", act)), TICK, SET_BACK, RUN, DISTURBED_RUN)

WAYS = st.fixed_dictionaries(
    {
        "deletions": st.sampled_from(["audit", "denied", "sweep"]),
        "sweeps": st.booleans(),
        "page_size": st.sampled_from([1, 2, 500]),
        "line_changes_touch_header": st.booleans(),
        "new_lines_have_no_change_time": st.booleans(),
        "payments_touch_bill": st.booleans(),
        "audit_object_key": st.sampled_from(["recordno", "rec"]),
        "audit_delay_seconds": st.sampled_from([0, LATEST]),
        "zone": st.sampled_from([0, -480, 330]),
        "year": st.sampled_from([2011, 2026, 2043]),
    }
)
HISTORY = st.lists(STEP, min_size=1, max_size=14)


@dataclass
class Player:
    """Plays a history on a company, and checks after every run that nothing disturbed."""

    company: Any
    ways: dict[str, Any]
    set_back: int = 0
    runs: int = 0
    payments: list[str] = field(default_factory=list)

    def begin(self) -> None:
        sandbox, ways = self.company.sandbox, self.ways
        told = {name: ways[name] for name in ways.keys() & SETTINGS}
        told["gmt_offset_minutes"] = ways["zone"]
        told["denied_objects"] = ["AUDITHISTORY"] if ways["deletions"] == "denied" else []
        pins = self.company.pinned()
        sandbox.reset(vendors=3, bills=4, now=f"{ways['year']}-05-01T10:00:00Z", settings=told, keep_fields=True)
        self.company.new_store()
        self.company.pin_again(pins)
        self.company.connect(timestamp_offset=OFFSETS[ways["zone"]])
        how = "sweep" if ways["deletions"] == "sweep" else "audit"
        hours = 0 if self.sweeps else 24
        self.company.small_flow(deletions=how, sweep_hours=hours, page_size=ways["page_size"], limits={"empty_side": False})
        self.run()

    @property
    def sweeps(self) -> bool:
        """Where nothing tells of deletions, open tasks are asked for in every run."""
        return bool(self.ways["sweeps"] or self.ways["deletions"] != "audit")

    def play(self, step: tuple[str, Any]) -> None:
        name, told = step
        if name == "act":
            self.act(*told)
        elif name == "tick":
            self.company.sandbox.clock(advance_seconds=told)
            self.set_back = max(0, self.set_back - told)
        elif name == "set back":
            seconds = min(told, LATEST - self.set_back)
            self.company.sandbox.clock(advance_seconds=-seconds)
            self.set_back += seconds
        elif name == "run":
            self.run()
            if not self.ways["audit_delay_seconds"] or self.sweeps:
                self.check()
        else:
            self.disturbed_run(*told)

    def run(self) -> None:
        self.runs += 1
        self.company.sync()

    def disturbed_run(self, on_call: int, told: dict[str, Any]) -> None:
        """Something happens when the run makes its `on_call`-th call to Intacct."""
        if done := self.asked(told):
            action, arguments = done
            detail = {"user": "mgarcia", "action": action, **arguments}
            self.company.sandbox.fault("intacct", "query *", "act", on_call=on_call, detail=detail)
        self.run()
        self.company.sandbox.clear_faults()

    def end(self) -> None:
        """Everything comes to light, then one more run."""
        self.company.sandbox.clock(advance_seconds=LATEST + self.set_back)
        self.run()
        self.check()

    def check(self) -> None:
        wrong = self.company.differences()
        assert wrong == [], (wrong, self.company.plan)

    def act(self, told: dict[str, Any], late: int) -> None:
        if done := self.asked(told):
            action, arguments = done
            more = {"late_seconds": late} if late and action != "recreate_bill" else {}
            answer = self.company.act_if_possible(action, **arguments, **more)
            if action == "pay_bill" and answer and "payment" in answer:
                self.payments.append(answer["payment"]["record_no"])

    def asked(self, told: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
        """The sandbox's action and its arguments, or None where there is nothing to do it to."""
        left = dict(told)
        name = left.pop("do")
        if name == "create":
            return "create_bill", left
        which = left.pop("which")
        if name == "void":
            return ("void_payment", {"record_no": self.payments[which % len(self.payments)]}) if self.payments else None
        bill = self.chosen(name, which)
        return None if bill is None else CHANGES[name](bill, left)

    def chosen(self, name: str, which: int) -> dict[str, Any] | None:
        fits = [bill for bill in self.company.bills().values() if FITS.get(name, lambda bill: True)(bill)]
        if name == "remove_line" and not (self.ways["line_changes_touch_header"] or self.sweeps):
            # Nothing tells of it until open tasks are asked for.
            return None
        return fits[which % len(fits)] if fits else None


SETTINGS = {
    "line_changes_touch_header",
    "new_lines_have_no_change_time",
    "payments_touch_bill",
    "audit_object_key",
    "audit_delay_seconds",
}
OFFSETS = {0: "+00:00", -480: "-08:00", 330: "+05:30"}
UNPAID = ("Submitted", "Posted", "Partially Approved", "Declined", "Draft")

FITS: dict[str, Any] = {
    "line": lambda bill: bill["state"] in UNPAID,
    "add_line": lambda bill: bill["state"] in UNPAID,
    "remove_line": lambda bill: bill["state"] in UNPAID and len(bill["lines"]) > 1,
    "state": lambda bill: bill["state"] in UNPAID,
    "pay": lambda bill: bill["state"] in ("Posted", "Partially Paid") and not bill["on_hold"],
    "delete": lambda bill: bill["state"] in UNPAID,
    "recreate": lambda bill: bill["module"] == "9.PO" and bill["state"] in UNPAID,
}


def _edit(bill: dict[str, Any], **changes: Any) -> tuple[str, dict[str, Any]]:
    return "edit_bill", {"record_no": bill["record_no"], "changes": changes}


def _recreate(bill: dict[str, Any], told: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    first = min(line["line_no"] for line in bill["lines"])
    changes: dict[str, Any] = {"keeps_times": told["old"]}
    changes |= {} if told["seen_after"] else {"changes": {"line": first, "amount": told["amount"]}}
    return "recreate_bill", {"record_no": bill["record_no"], "seen_after_seconds": told["seen_after"], **changes}


def _pay(bill: dict[str, Any], told: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "pay_bill", {"record_no": bill["record_no"]} | ({"amount": "0.01"} if told["part"] else {})


CHANGES: dict[str, Any] = {
    "header": lambda bill, told: _edit(bill, bill_number=f"N-{told['number']}"),
    "line": lambda bill, told: _edit(bill, line=bill["lines"][0]["line_no"], amount=told["amount"], account=told["account"]),
    "add_line": lambda bill, told: _edit(bill, add_line={"amount": told["amount"], "account": "6100"}),
    "remove_line": lambda bill, told: _edit(bill, remove_line=bill["lines"][-1]["line_no"]),
    "state": lambda bill, told: ("set_state", {"record_no": bill["record_no"], "state": told["state"]}),
    "delete": lambda bill, told: ("delete_bill", {"record_no": bill["record_no"]}),
    "recreate": _recreate,
    "pay": _pay,
}
