"""Waking early: settings of what may start approval_reconciliation between two scheduled runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator

from intacct_asana.flow.context import Context
from intacct_asana.flow.controls import Controls, DriftRule, Exceptions
from intacct_asana.flow.rules import Approval, BillField, VendorField, digest_of
from intacct_asana.flow.running.alerts import Alerts
from intacct_asana.flow.running.meter import Idle, Meter
from intacct_asana.flow.running.release import Release
from intacct_asana.flow.words import (
    WHOLE,
    Amount,
    ConnectionId,
    Cron,
    Currency,
    Day,
    Email,
    FieldName,
    Gid,
    Line,
    Part,
    PublicUrl,
    ServerUrl,
    Slug,
    Timezone,
    flaw,
)
from intacct_asana.flow.write_back import WriteBack
from intacct_asana.records import BillState


class Waking(Part):
    """How `wake` does its work."""

    poll_seconds: Annotated[int, Field(ge=2, le=300), WHOLE] = 3
    """`watcher`: seconds between two looks at Asana's events. Each look is one request of the token's minute."""

    public_url: PublicUrl | None = None
    """`webhook`: where Asana reaches Airflow's API server, as in https://airflow.example.com."""


PROJECTION = 2
"""Counts up when the code projects records differently, so that every task is looked at again."""


class Connections(Part):
    """Ids of Airflow connections. Hosts and secrets live there, never here."""

    intacct: ConnectionId = "intacct_default"
    """Connection of type Sage Intacct."""

    intacct_rest: ConnectionId = "intacct_rest_default"
    """Connection of type Sage Intacct (REST). Used by the step `rest_workflow` only."""

    asana: ConnectionId = "asana_default"
    """Connection of type Asana."""

    store: ConnectionId = "intacct_asana_store"
    """SQL connection of our own tables. A SQLite file is used when the connection does not exist."""

    airflow: ConnectionId = "intacct_asana_airflow"
    """Connection of type HTTP to Airflow's own API, with a service user. Used by `wake: webhook` only."""


class Schedules(Part):
    """When the flow's DAGs run, as cron. One that is left out runs when somebody starts it."""

    bill_sync: Cron | None = None
    """New and changed bills to tasks."""

    vendor_sync: Cron | None = None
    """Vendors to tasks."""

    approval_reconciliation: Cron | None = None
    """Decisions in Asana to Intacct."""

    drift_audit: Cron | None = None
    """Both sides compared, bill by bill."""

    idle: Idle | None = None
    """When scheduled runs need not ask Intacct. They always do when left out."""

    spread: bool = False
    """Whether each DAG starts at minutes of its own, which its name decides, so that many flows do not all start at once:
    `*/15` is every 15 minutes still, and `0 2 * * *` some minute between two and three."""

    timezone: Timezone = "UTC"
    """Time zone of the cron expressions."""

    start_date: Day = date(2026, 1, 1)
    """First day for which a backfill can be asked."""


class Pools(Part):
    """Airflow pools that keep calls within each system's limits."""

    intacct: ConnectionId = "intacct_api"
    """Pool of tasks that call Intacct."""

    asana: ConnectionId = "asana_api"
    """Pool of tasks that call Asana."""


class Sections(Part):
    """Sections of the bills' project."""

    open: Line
    """Section of tasks whose bill is open."""

    closed: Line
    """Section of tasks whose bill is done."""

    by_state: Mapping[BillState, Line] = {}
    """Sections of bills in these states, instead of `open` and `closed`. A task moves when its bill's section changes;
    one that somebody moved by hand stays where it is until then."""


class Assignee(Part):
    """Whose task a bill becomes: one person's, or the one's whom a field of the bill's vendor names."""

    email: Email | None = None
    """E-mail address of the person in Asana. Beside `vendor_field` it is for vendors whose field names nobody."""

    vendor_field: FieldName | None = None
    """Name of a vendors' field that people own in Asana: people, text that holds e-mail addresses, or an enum with `people`."""

    people: Mapping[str, Email] | None = None
    """E-mail address for each option of an enum `vendor_field`, as in `Facilities: ben@example.com`."""

    @model_validator(mode="after")
    def _somebody(self) -> Assignee:
        if self.email is None and self.vendor_field is None:
            raise flaw("names nobody", "write `email`, or `vendor_field` for the person whom the bill's vendor names")
        if self.people is not None and self.vendor_field is None:
            raise flaw("has `people` without a `vendor_field`", "name the field whose options they are")
        return self


class Deletions(Part):
    """How a run between two full passes learns that a record was deleted."""

    deletions: Literal["audit", "sweep", "full_pass"] = "audit"
    """`audit` asks Intacct's audit history, and where that may not be read, `sweep` steps in: it asks for the record of
    every open task every `sweep_hours`. `full_pass` leaves it to full passes."""

    sweep_hours: Annotated[int, Field(ge=0, le=8760), WHOLE] = 24
    """How often the records of all open tasks are read again, whatever told of a change. 0 is in every run."""


HOW_TO_READ = {
    "look_back_minutes": 0,
    "hourly_look_back_hours": 0,
    "daily_look_back_hours": 0,
    "page_size": 0,
    "deletions": "audit",
    "sweep_hours": 24,
}
"""Settings that change how records are read, and nothing about what they are or say."""


class BillScope(Deletions):
    """Which bills get a task, and what the task says."""

    project: Gid
    """gid of the Asana project: the long number in its address."""

    states: Annotated[tuple[BillState, ...], Field(min_length=1)]
    """States in which a bill has an open task. A bill that leaves them has its task completed."""

    bill_date_from: Day | None = None
    """Leave older bills alone."""

    entities: tuple[Line, ...] = ()
    """Entity ids to read. All when left out."""

    show_private: bool = False
    """Read records of private entities too. For a connection at top level; it counts for vendors as well."""

    look_back_minutes: Annotated[int, Field(ge=0, le=10_080), WHOLE] = 10
    """How far each run reads behind the last one, because Intacct shows changes late. Nothing is written twice for it.
    It counts for vendors as well, and so do the next two."""

    hourly_look_back_hours: Annotated[int, Field(ge=0, le=168), WHOLE] = 3
    """How far a run reads back once an hour, for what came to light later than that. 0 leaves it out."""

    daily_look_back_hours: Annotated[int, Field(ge=0, le=2160), WHOLE] = 48
    """The same once a day, for what came even later."""

    page_size: Annotated[int, Field(ge=1, le=2000), WHOLE] = 500
    """Bills per call."""

    payments: Literal["details", "totals"] = "details"
    """`details` reads each payment: when, how, which number, voided or not. `totals` needs no right to payments."""

    key_field: FieldName = "Intacct key"
    """Text field that holds the bill's key. It ties the task to the bill for good."""

    task_name: Line = "{vendor_name} {bill_number}"
    """Name of the task. Placeholders are the names of the sources."""

    notes: Literal["lines", "none"] = "lines"
    """`lines` writes a summary, every line and the payments into the task's description; `none` leaves it to people."""

    sections: Sections | None = None
    """Sections to keep the tasks in. Left out, tasks stay where people put them."""

    due_date: Literal["due_on"] | None = "due_on"
    """Day that becomes the task's own due date; write `null` to leave it to people."""

    assignee: Assignee | None = None
    """Who a new task is assigned to. A task that somebody reassigns stays with the new person."""

    followers: tuple[Email, ...] = ()
    """E-mail addresses of people in Asana who follow every task. They are only ever added: who leaves a task stays away."""

    attachments: Literal["none", "link", "file"] = "none"
    """What the task gets of the bill's attachment in Intacct: nothing, a link to the bill there, or the files themselves."""

    attachment_function: Literal["get", "get_list"] = "get"
    """Function with which the files are read. Both are documented for attachments; try the other when one is refused."""

    fields: tuple[BillField, ...] = ()
    """Custom fields of the tasks."""


class VendorScope(Deletions):
    """Which vendors get a task, and what the task says."""

    project: Gid
    """gid of the Asana project: the long number in its address."""

    statuses: Annotated[tuple[Literal["active", "active non-posting", "inactive"], ...], Field(min_length=1)] = (
        "active",
        "active non-posting",
    )
    """Statuses in which a vendor has an open task."""

    key_field: FieldName = "Intacct vendor key"
    """Text field that holds the vendor's key."""

    task_name: Line = "{vendor_id} {name}"
    """Name of the task. Placeholders are the names of the sources."""

    fields: tuple[VendorField, ...] = ()
    """Custom fields of the tasks."""

    write_inactive: bool = False
    """Whether fields that Asana owns are written onto vendors that are inactive in Intacct."""

    edits_wait_for_approval: bool = False
    """Say yes where Intacct approves changes of vendors and does not show that one waits in the vendor's state: a change that
    it took and does not show yet is waited for then, instead of being taken for lost."""


class Limits(Part):
    """A plan that is bigger stops before anything is written, and says so."""

    creates: Annotated[int, Field(ge=0), WHOLE] = 1000
    """Most new tasks in one run."""

    closes: Annotated[int, Field(ge=0), WHOLE] = 100
    """Most tasks completed in one run."""

    updates: Annotated[int, Field(ge=0), WHOLE] = 5000
    """Most changed tasks in one run."""

    vendor_writes: Annotated[int, Field(ge=0), WHOLE] = 100
    """Most vendors that one run writes in Intacct."""

    money: Annotated[Mapping[Currency, Amount], Field(min_length=1)] | None = None
    """Highest sum of the bills that one run writes for each base currency, as in `USD: 5000000.00`. Bills in a base currency
    that is not listed stop the run too. No limit when left out."""

    empty_side: bool = True
    """Stop when Intacct answers with nothing at all while tasks exist."""


class EvidenceRule(Part):
    """Who else vouches for the evidence."""

    timestamp_url: ServerUrl | None = None
    """A time stamp server (RFC 3161), as in https://timestamp.example.com/tsa. Each run of the approvals that left evidence has
    the newest row's digest stamped there. Needs the package rfc3161-client."""

    timestamp_certificate: str = ""
    """The server's certificates as PEM text, its root and those between: what its time stamps are verified against, offline."""

    @model_validator(mode="after")
    def _both(self) -> EvidenceRule:
        if bool(self.timestamp_url) != ("-----BEGIN CERTIFICATE-----" in self.timestamp_certificate):
            mend = "write both: the server's address, and its root certificate as PEM text"
            raise flaw("needs `timestamp_url` and `timestamp_certificate`", mend)
        return self


class Flow(Part):
    """One flow: a company in Intacct, its projects in Asana, and the rules between them."""

    flow: Slug
    """Name of the flow. Its DAGs are called `<flow>_bill_sync` and so on."""

    description: str = ""
    """One sentence for the list of DAGs."""

    owner: Line = "finance-data"
    """Team that looks after the DAGs."""

    tags: tuple[Line, ...] = ()
    """More tags for the DAGs."""

    rehearsal: bool = False
    """Read, plan and say what would be done, and write nothing to either system. Begin a new file with `true`; left out, the
    flow writes, as files from before this setting do."""

    connections: Connections = Connections()
    schedules: Schedules = Schedules()

    wake: Literal["none", "watcher", "webhook"] = "none"
    """What starts approval_reconciliation between two scheduled runs. `watcher` asks Asana every few seconds; `webhook` has
    Asana call Airflow's API server. Both are hints only: the schedule alone always suffices."""

    waking: Waking = Waking()
    pools: Pools = Pools()
    bills: BillScope
    vendors: VendorScope
    approval: Approval
    write_back: WriteBack = WriteBack()
    controls: Controls = Controls()
    context: Context | None = None
    """What a bill's task tells beside the bill. Nothing when left out."""

    evidence: EvidenceRule = EvidenceRule()
    drift: DriftRule = DriftRule()

    exceptions: Exceptions | None = None
    """What a person has to see to becomes a task with an owner. No such tasks when left out."""

    limits: Limits = Limits()

    meter: Meter | None = None
    """Calls that Intacct bills. They are counted and not compared with anything when left out."""

    release: Release | None = None
    """A plan over a limit waits for a person in Airflow. Left out, it fails the run, and the parameter `allow_unsafe_plan` is
    the way out."""

    alerts: Alerts = Alerts()
    _file_digest: str = PrivateAttr(default="")

    @property
    def file_digest(self) -> str:
        """SHA-256 of the file's text with line ends of one character, as evidence names it; empty for what is from no file."""
        return self._file_digest

    def fingerprint(self, kind: Literal["bill", "vendor"] | str) -> str:
        """Changes when records of `kind` would be read from elsewhere or projected differently.

        A cursor is kept under it, so a changed flow starts with a full pass. How fast it reads makes no difference.
        """
        if kind == "vendor":
            vendors = self.vendors.model_copy(update={name: HOW_TO_READ[name] for name in Deletions.model_fields})
            return digest_of(PROJECTION, self.connections.intacct, vendors, self.bills.show_private)
        read_at_any_speed = self.bills.model_copy(update=HOW_TO_READ)
        approval = (self.approval.signal, self.approval.reason_field)
        currency = [self.approval.base_currency] if self.approval.base_currency else []
        return digest_of(PROJECTION, self.connections.intacct, read_at_any_speed, approval, *currency)
