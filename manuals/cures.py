"""What each message means for whoever sees it, and what to do: docs/runbook.md, in the order of the page.

A pattern is looked for in a message's sign, `<error> <module>: <sentence>`, where … stands for what is known only when it happens. The
first cure that fits a message is its cure. What code raises anew needs one here: `script/docs` says which message has none.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cure:
    """What somebody sees, what it means, what to do."""

    see: str
    patterns: tuple[str, ...]
    means: str
    do: str
    shown: int = 3
    """How many of the messages the page quotes."""


SECTIONS: dict[str, tuple[Cure, ...]] = {
    "Connections and signing in": (
        Cure(
            see="A connection is missing, or a field of it",
            patterns=(
                r"Connection … does not exist",
                r"cannot be used for (Asana|Sage Intacct|Intacct's REST API)",
                r"beginning\.systems: .*names a workspace that its user is not in",
                r"Misconfigured http: .*(timeout_seconds|TLS is always)",
                r"Misconfigured intacct\.timestamps: … is (not an offset|no time zone)",
                r"web\.waker: .*(no login or no password|the host is not the URL)",
            ),
            means="Airflow has no connection of this id, or it lacks a field or holds one of another form. Every problem is listed. Nothing was sent.",
            do="Fill in what is named, under Admin, Connections, or in the environment variable. docs/connections.md lists every field.",
        ),
        Cure(
            see="Intacct does not let us in",
            patterns=(
                r"Misconfigured intacct\.errors: .*(not tried again by itself)",
                r"Misconfigured intacct\.rest\.(replies: .*Check client id|hook: .*Two tokens)",
            ),
            means="Sender, company, user or password is wrong, the sender id is not authorised in the company, or the REST client is not paired with "
            "the user. It is not tried again by itself, since repeated failures lock users out.",
            do="Check the named fields; both sender id and password are case sensitive and belong to the subscription, not to the user. Sender: Company, "
            "Security, Web Services authorizations. REST client: Company, Security, Authorized Client Applications. Then clear the failed task.",
        ),
        Cure(
            see="Intacct let us into another entity",
            patterns=(r"the login led into",),
            means="The user's login leads elsewhere than the connection's entity_id says, so other bills would be read.",
            do="Mend `entity_id` in the connection, or which entities the user may enter.",
        ),
        Cure(
            see="The endpoint is not one of Intacct's",
            patterns=(r"session belongs to the endpoint",),
            means="At login Intacct names the address for all further calls, and its host is not on the list. Nothing secret was sent there.",
            do="Where the host is Intacct's, add it to `allowed_endpoint_hosts` in the connection's extra. If not, ask who stands between you and Intacct.",
        ),
        Cure(
            see="Asana does not accept the token",
            patterns=(
                r"does not accept the token \(401",
                r"Misconfigured asana\.connection: refreshing",
                r"asana\.connection: refreshing the OAuth token: answer",
            ),
            means="The token was taken back, belongs to somebody who left, or the workspace blocks its app.",
            do="Make a new token of the same user and put it into the connection. With OAuth, authorise the app again and put the new refresh_token there.",
        ),
        Cure(
            see="The token is another user's",
            patterns=(r"acts as … \(…\), and preflight pinned user",),
            means="Everything that our own user does counts for nothing as a decision. With another user's token, that user's approvals would be lost.",
            do="Put the former user's token back, or run preflight, which pins the new user.",
        ),
        Cure(
            see="Nobody could be told",
            patterns=(r"notifications\.channels:", r"Misconfigured operators\.watching\.on_asana"),
            means="An alert that the flow names did not get out: Slack's webhook, or the task that takes comments. What it was about stands on the page and in the log.",
            do="Mend the connection of the notifier, or `alerts` in the flow file. It is told again by the next look, once.",
        ),
        Cure(
            see="A connection may not write",
            patterns=(r"is read-only, so",),
            means="The connection says `read_only`. Nothing was sent.",
            do='Take "read_only" out of its extra when it may write; a flow that shall not write says `rehearsal: true`.',
        ),
        Cure(
            see="Airflow does not let our service user in",
            patterns=(r"web\.waker: .*(does not let this user in|give the service user's role)",),
            means="The receiver of Asana's webhooks may not start runs. The schedule still does everything, later.",
            do="Check login, password and role of the connection `intacct_asana_airflow` (docs/connections.md).",
        ),
        Cure(
            see="Temporary files have no place of their own",
            patterns=(r"Misconfigured intacct\.gateway: .*(folder|file) ",),
            means="The limit of calls at once is kept in files of the workers' user, and the folder belongs to others, or cannot be written.",
            do="Remove the folder that is named, or give the workers a `TMPDIR` of their own.",
        ),
    ),
    "Rights and settings in Intacct": (
        Cure(
            see="No permission",
            patterns=(r"role this permission", r"Its user needs the permission", r"Misconfigured intacct\.reading:"),
            means="The user's role lacks a right, or the company has not the module that the field comes from.",
            do="Give the role what is named (Company, Roles, Permissions); docs/connect-real-accounts.md says which right is for what. No decision is lost: it waits.",
        ),
        Cure(
            see="A custom field is missing or read-only",
            patterns=(r"(bills cannot be stamped|vendors cannot be updated)", r"Refused intacct\.writing:"),
            means="The flow names a field of bills or vendors that Intacct does not have, or that this user may not write. It is looked at before anything is written.",
            do="An Intacct administrator makes the field (Platform Services, Objects; text), or the flow names another one.",
        ),
        Cure(
            see="Times would be misread",
            patterns=(
                r"timestamps would be misread",
                r"Intacct wrote the (time|day)",
                r"its dates look like",
                r"tells no date format",
            ),
            means="Intacct writes times in the way of the user's preferences, and these are not what the connection says. Cursors are made of times, so "
            "the run stops before it reads anything.",
            do="Set the API user's date and time format to the defaults (`mm/dd/yyyy`, 24 hours), or say `timestamp_format` and `timestamp_zone` in the connection.",
        ),
        Cure(
            see="Bills do not tell their currency",
            patterns=(r"limits are in a currency",),
            means="Limits are by currency, and these bills say none, so nobody could approve them.",
            do="Write `base_currency` into the flow's `approval`.",
        ),
        Cure(
            see="An entity cannot be read",
            patterns=(r"names entities whose bills cannot be read",),
            means="The flow names an entity that this connection does not see: private without `show_private`, or the connection works in another one. "
            "Its bills would have been missing without a word.",
            do="Write `show_private: true` with a connection of the top level, or mend `entities`.",
        ),
        Cure(
            see="A step of the flow cannot be done in this company",
            patterns=(
                r"The step (cannot be done|has nothing to do)",
                r"Both connections have to be one user",
                r"another one to the REST API",
                r"so bills cannot be found by it",
                r"operators\.controls\.payees",
            ),
            means="A step of `write_back`, or a control, needs something that this company or this user does not have.",
            do="Read what is listed; give it, or take the step out of the flow file.",
        ),
        Cure(
            see="Attachments cannot be read",
            patterns=(
                r"attachment_function",
                r"intacct\.documents: ",
            ),
            means="Intacct documents two functions that read attachments, and not how their answers look. What does not look as expected is not attached and not approved.",
            do="Try the other function: `bills.attachment_function: get_list`. Where neither works, `attachments: link`.",
        ),
    ),
    "The flow file and preflight": (
        Cure(
            see="The flow file has mistakes",
            patterns=(
                r"Misconfigured flow\.load:",
                r"Misconfigured deployment: Flow … cannot",
                r"Misconfigured commands\.policy: … (has mistakes|cannot be read)",
                r"cannot be an Intacct field",
                r"Misconfigured dags:",
            ),
            means="The file cannot be taken; its flow stands still, and all others go on. Each problem is told with its line.",
            do="Mend the lines; what is likely meant is said. docs/mapping-guide.md lists every key with an example.",
        ),
        Cure(
            see="Run preflight",
            patterns=(
                r"does not know the Asana fields",
                r"preflight has not resolved yet",
                r"names …\. Nothing was read or written\. Put it back",
                r"Misconfigured sync\.(writes|report):",
                r"Misconfigured operators\.(syncing|vendor_fields): …$",
            ),
            means="Fields, options or sections that the flow names were never looked up in Asana, or are not there any more (locked, hidden, removed, "
            "disabled), or the file names another project or company than preflight pinned.",
            do="Mend what is named in Asana or in the file; then run `<flow>_preflight`, with *Create what is missing* where something is to be made.",
        ),
        Cure(
            see="Preflight failed",
            patterns=(r"Preflight of flow …: ",),
            means="Some of its checks failed; its last step prints all of them as one table, with the cure of each.",
            do="Mend what the table names and run it again. It changes nothing that is there.",
        ),
        Cure(
            see="A value has no place in Asana",
            patterns=(r"A value has no place in Asana",),
            means="A bill has a value that no option of its field stands for. That bill alone is left out; the others were written.",
            do="Add the option to the file (or `other:` for all the rest), and run preflight with *Create what is missing*.",
        ),
        Cure(
            see="A project belongs to another flow",
            patterns=(r"A project belongs to one flow",),
            means="Two flows on one project would undo each other's writes, so the second one is refused.",
            do="Give the flow a project of its own, or run its preflight with *Take the projects over*.",
        ),
        Cure(
            see="The webhook is not there",
            patterns=(r"operators\.webhooks:", r"asana\.webhooks:", r"store\.webhooks:", r"Misconfigured web\.receiver:"),
            means="Asana cannot wake the flow. The schedule still does everything, later.",
            do="Run preflight with *Create what is missing*; docs/waking.md says what Asana has to reach and which key the secret needs.",
        ),
    ),
    "Plans that stop before anything is written": (
        Cure(
            see="A plan waited for a person, and nobody let it through",
            patterns=(r"Nobody approved anything in this run", r"there is nothing to ask about"),
            means="The flow says `release`: a plan over a limit is asked about in Airflow. It was rejected, nobody answered in time, or the plan is "
            "not the one any more that was asked about. Nothing was written.",
            do="Nothing, if that is right: the next sync plans anew, and asks again only if it is over the limit still (docs/releasing-plans.md).",
        ),
        Cure(
            see="The plan is bigger than the flow's limits",
            patterns=(r"UnsafePlan ",),
            means="More tasks, closings or money than `limits` allows, or nothing at all came from Intacct while tasks exist. Nothing was written.",
            do="Read the plan in the log of the planning step. If it is right, run again with *Allow a plan over the limits*, or raise the limit; if not, "
            "look what was done in Intacct, or to the flow file.",
        ),
        Cure(
            see="The plan is old, or gone",
            patterns=(
                r"(Plan|Page … of plan) … is not in the store",
                r"The stored plan cannot be read",
                r"(its task changed after the plan|was not made by us; clear the planning)",
            ),
            means="Something was written after the plan was made, or the plan was kept by another release, or is done.",
            do="Clear the planning step, or just wait for the next run, which plans anew.",
        ),
        Cure(
            see="No room for a temporary file",
            patterns=(r"could not be kept in a temporary file",),
            means="A run that reads many records keeps them on the worker's disk while it plans: about 1 kB a record. Nothing was planned or written.",
            do="Make room in the folder that the message names, or name another one in TMPDIR; the next try goes on by itself.",
        ),
        Cure(
            see="Nothing was compared",
            patterns=(r"Nothing was compared", r"rows out of this page, twice"),
            means="One side answered with far less than there has to be. Taking that for the truth would close tasks.",
            do="Look at the rights of the connection's user, and at the scope in the flow file; the next run tries again.",
        ),
    ),
    "Decisions about bills": (
        Cure(
            see="Intacct said no",
            patterns=(r"Refused (intacct\.errors|intacct\.rest\.replies):",),
            means="Intacct read the request and refused it: a business rule, a record that is gone, a closed period. The task says it, and the decision is ended.",
            do="Read Intacct's own words in the message. Mend it there, and have the person decide again.",
        ),
        Cure(
            see="A write was answered with success, and does not show",
            patterns=(r"was answered with success, but", r"answered the … of bill … with success, but it"),
            means="After every write the record is read back. Intacct said yes and shows something else: somebody changed it at once, a rule of the company undid it, or it was lost.",
            do="Nothing: the next run looks again before it writes. If it comes back, look at the bill in Intacct, and at its smart events and workflows.",
        ),
        Cure(
            see="A bill cannot be approved natively, paid, or approved in Purchasing",
            patterns=(r"approvals\.onward\.", r"Refused approvals\.native:"),
            means="The step looks at the bill before it asks, and found what speaks against it; nothing was asked for, and what was written before it was taken back.",
            do="The message says what: mend it in Intacct. docs/flow-file.md says what each step refuses.",
        ),
        Cure(
            see="A decision is in another state by now",
            patterns=(r"Refused store\.decisions:",),
            means="Two runs moved one decision at once, and this one came second.",
            do="Nothing; the next run goes on from where the other one ended. If it stays, report it with the decision's id.",
        ),
        Cure(
            see="A payment is in a state that we do not know",
            patterns=(r"is none of the known ones", r"none of the twelve states", r"is in a state that is not documented"),
            means="Intacct has a state that its documentation does not list. The bill is left out by name; the others go on.",
            do="Report the state. `payments: totals` goes on without payments meanwhile.",
        ),
    ),
    "Tasks in Asana": (
        Cure(
            see="Asana said no",
            patterns=(r"asana\.replies: …: Asana said",),
            means="Asana understood and refused: the task is gone, a field is locked, our user may not edit the project, a plan of Asana does not have it.",
            do="Make the integration's user an editor of the project, and unlock what is named. The other tasks were written.",
        ),
        Cure(
            see="A task with this key is somebody else's",
            patterns=(r"carries this key", r"already stands for", r"the task with this key stands for", r"vanished again"),
            means="Two tasks carry one bill's key: somebody copied a task, or wrote into the key field. Only the task that our own user made counts.",
            do="Delete the copy, or empty its key field. Nothing was written to it.",
        ),
        Cure(
            see="A value cannot be written to Asana",
            patterns=(
                r"Refused asana\.(records|calls):",
                r"Misconfigured asana\.calls",
                r"Refused sync\.(attach|piecewise):",
                r"Refused operators\.documents:",
                r"does not show …$",
            ),
            means="Longer text, larger numbers or other markup than Asana takes, a file that it does not, or a task that stayed another one than we wrote. "
            "That part alone is missing; the rest was written.",
            do="Read which field it is. Text fields hold 1,024 characters; long values belong into `notes: lines`.",
        ),
        Cure(
            see="Somebody is not asked any more",
            patterns=(r"is not asked about",),
            means="The person is not due any more: the policy changed, the step was given, or they deleted their subtask twice.",
            do="Nothing, or name them in the flow's rules.",
        ),
    ),
    "It waits, and goes on by itself": (
        Cure(
            see="Intacct or Asana is busy, or away",
            patterns=(
                r"TryLater (intacct|asana)\.(errors|replies|connection|pace|gateway|rest\.\w+):",
                r"TryLater (sync\.report|operators\.timestamps):",
                r"Refused (web\.waker|operators\.timestamps):",
            ),
            means="A limit, an outage, or a session that ended. Nothing happened over there. Airflow tries again, after the time that the other side asked for.",
            do="Nothing. If it goes on for hours: is the pool larger than the subscription's limit (`max_concurrency`), does something else use the same token?",
        ),
        Cure(
            see="Another run is at it",
            patterns=(
                r"is doing this just now",
                r"TryLater store\.(intents|flow_store|reporting)",
                r"another run wrote this",
                r"waits until … about the same bill",
            ),
            means="Two runs of one flow met. One at a time writes one thing, so the second waits. After a killed run its claim ends by itself in some minutes.",
            do="Nothing; clear the step after the time that is named if the other run is dead.",
        ),
        Cure(
            see="The next run goes on with it",
            patterns=(r"TryLater approvals\.", r"another record number by now"),
            means="A decision could not be carried out to its end just now: no clear answer, or the bill changed under it. It is noted where it stands.",
            do="Nothing; every run goes on with it, and the task is told what becomes of it. `park_after` tells the task when it takes long.",
        ),
        Cure(
            see="Airflow does not give a Variable",
            patterns=(r"TryLater deployment:",),
            means="The secrets backend or Airflow's database did not answer; no other key may sign in its place.",
            do="Nothing, if it passes. If not, look at the secrets backend.",
        ),
    ),
    "A write left, and no answer came": (
        Cure(
            see="It may have been done",
            patterns=(r"OutcomeUnknown ",),
            means="The connection broke after a write was sent. It is never sent again unseen: what was written is looked for first, and then taken as done or sent.",
            do="Nothing: the retry looks two minutes later. Do not repeat it by hand meanwhile. Only for a native approval of Intacct a task may ask a person to look.",
        ),
    ),
    "An answer is not what the documentation says": (
        Cure(
            see="Asana's answer has another form",
            patterns=(r"UnexpectedReply asana\.",),
            means="Something in an answer is missing, doubled or of another type. It is never taken for a success; where it is one task's, that task alone fails.",
            do="Run it again. If it stays, report it with the message: it names the call and the field. Nothing was decided by it.",
        ),
        Cure(
            see="Intacct's answer has another form",
            patterns=(r"UnexpectedReply intacct\.",),
            means="As above; a bill with one value that cannot be read is left out by name, and every run asks for it again until it can be.",
            do="Look at the record in Intacct: a date, an amount or a state that was imported oddly can be mended there. docs/intacct-answers.md lists what is understood.",
        ),
        Cure(
            see="A record could not be read, and is named",
            patterns=(
                r"UnexpectedReply (operators\.(looking|read_decisions|controls\.checking|runs\.reporting)|sync\.writes): …$",
            ),
            means="The step did all the others and fails for this one, since green means that all is done.",
            do="Mend the record that is named; the next run asks for it again.",
        ),
        Cure(
            see="A server of ours answered otherwise",
            patterns=(r"UnexpectedReply (web\.waker|operators\.timestamps|audit\.timestamps):",),
            means="Airflow's own API, or the time stamp server, gave something else than it documents. Something may stand in between (a proxy's page).",
            do="Open the address that is named, from a worker. Approvals go on without both.",
        ),
    ),
    "The store and the evidence": (
        Cure(
            see="The store is full, down, or was restarted",
            patterns=(r"TryLater store\.database:",),
            means="The database of our own tables is away. Nothing was kept, and nothing was sent to either system after it.",
            do="Make room on its disk, or bring it back; the next try goes on by itself (docs/operations.md).",
        ),
        Cure(
            see="This account may not use the store so",
            patterns=(
                r"this account may not make them",
                r"Misconfigured store\.accounts:",
                r"Misconfigured commands\.store: (The environment|…$)",
            ),
            means="Where the store has an owner and an account for the DAGs, the DAGs' one makes no tables and cannot change the evidence.",
            do="Run `python -m intacct_asana store migrate` as the tables' owner after an upgrade; docs/operations.md says how accounts are made.",
        ),
        Cure(
            see="The store cannot be used",
            patterns=(
                r"store\.(database|accounts|revisions): (?!The flow says)",
                r"Connection … has type …; the store needs",
            ),
            means="The database of our own tables is away, full, of another release, or this account may not use it. Nothing was kept, and nothing was sent after it.",
            do="Check the connection `intacct_asana_store`, its rights, its disk. A newer schema than this release knows: install the newer release again.",
            shown=4,
        ),
        Cure(
            see="The evidence has findings",
            patterns=(
                r"The evidence of flow … has … findings",
                r"operators\.evidence: … is written, and there are",
                r"Policy … of flow … is not kept",
            ),
            means="Rows are missing, changed, or signed by another key than they should be, or a stamp's anchor names a row that is not there. It does not heal by itself.",
            do="Do not delete anything. Keep the database as it is, export the evidence (docs/evidence.md), and find out who could write to it.",
        ),
        Cure(
            see="There is no key for the evidence",
            patterns=(r"no key is configured here", r"A secret in Airflow's Variable"),
            means="Earlier rows are signed with a key, and this worker has none, or one that is too short.",
            do="Give every worker the same key: Airflow's `fernet_key`, or the Variable `intacct_asana_evidence_secret` (docs/connections.md).",
        ),
        Cure(
            see="Time stamps cannot be made or checked",
            patterns=(r"Misconfigured audit\.timestamps:", r"cannot be read as certificates"),
            means="The package is missing, or the certificates in the flow file are not those of the server.",
            do="Install `rfc3161-client` on every worker, or mend `evidence.timestamp_certificate`. Approvals go on without.",
        ),
    ),
    "Commands and forms": (
        Cure(
            see="No task shows the bill that a run of the approvals was to look at",
            patterns=(r"Misconfigured operators\.runs\.narrowing:",),
            means="The number in the trigger form is not one that a task of this flow shows. Nothing was done.",
            do="Write the number as the task has it. A new bill has a task after the next run of the bill sync.",
        ),
        Cure(
            see="A question to the live systems was not asked, or its own record is not as it was made",
            patterns=(r"(Misconfigured|UnexpectedReply) proving\.", r"Misconfigured commands\.prove_live:"),
            means="`prove-live` asks only a company and a project that were named, and writes only for questions that were allowed. A question whose "
            "draft or task is not as it was made stops by itself, takes back what it made, and says so in the report.",
            do="Do what the message says. Where the screen says that something was not taken back, delete it there. docs/prove-live.md.",
        ),
        Cure(
            see="What was asked for does not fit",
            patterns=(
                r"Misconfigured (audit\.(export|pack)|commands\.\w+|operators\.(evidence|runs\.narrowing)|reading\.both_sides|closing\.\w+):",
                r"Misconfigured reading\.following: Changed since",
                r"Misconfigured deployment: … cannot be written|Misconfigured deployment: …$",
            ),
            means="A day, a file name or an option of the form or command cannot be taken. Nothing was read.",
            do="Write it as the message shows. Nothing that is there is ever overwritten: name another file.",
        ),
        Cure(
            see="A backfill has no interval",
            patterns=(r"A backfill run came without a data interval",),
            means="A backfill reads exactly the interval of its run, and this DAG has no schedule that says what that is.",
            do="Give the DAG a cron in `schedules`; or start one run with *Changed since*.",
        ),
    ),
    "Mistakes in this program": (
        Cure(
            see="Report it, please",
            patterns=(
                r"because the flow says `rehearsal: true`",
                r"wanted to note something as done",
                r"Refused (codec|store\.(intents|links)):",
                r"A control id has",
            ),
            means="One of our own safeguards stopped a step that asked for something that it must not ask for. Nothing was written.",
            do="Report the message with the log of the step. Nothing needs to be undone.",
        ),
    ),
}
