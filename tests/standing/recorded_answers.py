"""What Asana answered about tasks on which people decided in many ways; and such answers, mangled or not, read as operators do.

The answers are the sandbox's, taken once for each process. `Reader` needs no network then: the real hook gets its answers from
a dictionary, the real rules judge, and a bill in memory takes the stamp.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from intacct_asana.approvals import Asked, Policy, Settler, Stands, decisions_of, signals_of, standing_of
from intacct_asana.approvals.seen import shown_to
from intacct_asana.asana.hook import AsanaHook
from intacct_asana.asana.request import Request
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.http import Answer
from intacct_asana.operators.flow_run import FlowRun, policy_of
from intacct_asana.reading.choices import Hints, Look, is_too_young
from intacct_asana.records import Bill, Decision, IntacctUser, Link, Snapshot
from intacct_asana.records.anchors import without_anchors

from sandbox import constants
from tests.approvals import settle_world
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN, GUS
from tests.standing.standing_world import COMMENT_WAY, Standing

DEV = constants.PEOPLE[3]["email"]
OF_GUS = "    - {email: gus.guest@partner.example, limits: {USD: 50000.00}, intacct_users: [cruiz]}\n"
GUS_IS_LISTED = ("write_back:\n  steps", f"{OF_GUS}write_back:\n  steps")
Documents = dict[str, tuple[int, Any]]
"""What Asana answers, by what is asked: a status and the JSON."""
Stamp = tuple[str, str | None, str]
"""Verdict, the decider's gid, the story's gid."""
EVENTS, LISTING, TASK, STORIES, USER, GUESTS = "/events", "/tasks", "/tasks/{}", "/tasks/{}/stories", "/users/{}", "memberships"

# What people did

Act = Callable[[Standing, int], object]


def _choose(who: str, option: str, **how: Any) -> Act:
    return lambda flow, bill: flow.act(who, "choose", bill=bill, field="Approval", option=option, **how)


def _set(who: str, status: str) -> Act:
    return lambda flow, bill: flow.act(who, "set_approval", bill=bill, status=status)


def _say(who: str, text: str, **how: Any) -> Act:
    return lambda flow, bill: flow.act(who, "comment", bill=bill, text=text, **how)


def _amount(who: str, number: str) -> Act:
    return lambda flow, bill: flow.act(who, "set_number", bill=bill, field="Amount", number=number)


def _reword(who: str, text: str) -> Act:
    def act(flow: Standing, bill: int) -> None:
        comments = [one for one in flow.task(bill)["stories"] if one["resource_subtype"] == "comment_added"]
        flow.act(who, "edit_comment", bill=bill, story=comments[-1]["gid"], text=text)

    return act


def _without_a_story(flow: Standing, bill: int) -> None:
    flow.sandbox.fault("asana", "*", "drop_story")
    _choose(ALICE, "Approved")(flow, bill)
    flow.sandbox.clear_faults()


SCENES: Mapping[str, Mapping[str, tuple[Act, ...]]] = {
    "  reason_field: Reason": {
        "nobody": (),
        "approved": (_choose(ALICE, "Approved"),),
        "rejected": (_say(BEN, "Wrong vendor"), _choose(BEN, "Rejected")),
        "rejected with the field": (
            lambda flow, bill: flow.act(BEN, "set_text", bill=bill, field="Reason", text="Twice"),
            _choose(BEN, "Rejected"),
        ),
        "rejected without a word": (_choose(BEN, "Rejected"),),
        "explained by another": (_say(ALICE, "Wrong vendor"), _choose(BEN, "Rejected")),
        "overruled": (_choose(ALICE, "Approved"), _say(BEN, "Not ours"), _choose(BEN, "Rejected")),
        "overruled without a word": (_choose(ALICE, "Approved"), _choose(BEN, "Rejected")),
        "thought better of": (_say(ALICE, "Too dear"), _choose(ALICE, "Rejected"), _choose(ALICE, "Approved")),
        "taken back": (_choose(ALICE, "Approved"), _choose(ALICE, "Pending")),
        "taken back by a stranger": (_choose(BEN, "Approved"), _choose(ERIN, "Pending")),
        "to and fro": (_choose(ALICE, "Approved"), _choose(ALICE, "Pending"), _choose(ERIN, "Approved")),
        "a stranger": (_choose(ERIN, "Approved"),),
        "a guest": (_choose(GUS, "Approved"),),
        "a rule in her name": (_choose(ALICE, "Approved", source="rule"),),
        "from nowhere": (_choose(ALICE, "Approved", source=None),),
        "an agent": (_choose(ALICE, "Approved", author_kind="agent"),),
        "a rule": (_choose("rule", "Approved"),),
        "over her limit": (_choose(ALICE, "Approved"),),
        "another amount": (_amount(DEV, "9.90"), _choose(BEN, "Approved")),
        "another amount for a while": (_amount(DEV, "9.90"), _choose(BEN, "Approved"), _amount(DEV, "500.00")),
        "another name": (
            lambda flow, bill: flow.act(DEV, "rename", bill=bill, name="Stationery"),
            _choose(BEN, "Approved"),
        ),
        "without a story": (_without_a_story,),
    },
    "  signal: {kind: approval_task}": {
        "nobody": (),
        "approved": (_set(ALICE, "approved"),),
        "rejected": (_say(BEN, "Wrong vendor"), _set(BEN, "rejected")),
        "overruled": (_set(ALICE, "approved"), _say(BEN, "Not ours"), _set(BEN, "changes_requested")),
        "taken back": (_set(ALICE, "approved"), _set(ALICE, "pending")),
        "a stranger": (_set(ERIN, "approved"),),
        "a guest": (_set(GUS, "approved"),),
        "over her limit": (_set(ALICE, "approved"),),
        "another amount": (_amount(DEV, "9.90"), _set(BEN, "approved")),
    },
    COMMENT_WAY: {
        "nobody": (_say(ALICE, "Looks fine to me"),),
        "approved": (_say(ALICE, "approve"),),
        "rejected": (_say(BEN, "reject: wrong vendor"),),
        "overruled": (_say(ALICE, "approve"), _say(BEN, "reject: not ours")),
        "overruled without a word": (_say(ALICE, "approve"), _say(BEN, "reject")),
        "reworded": (_say(ALICE, "wait"), _reword(ALICE, "approve")),
        "a stranger": (_say(ERIN, "approve"),),
        "a guest": (_say(GUS, "approve"),),
        "an agent": (_say(ALICE, "approve", author_kind="agent"),),
        "over her limit": (_say(ALICE, "approve"),),
        "another amount": (_amount(DEV, "9.90"), _say(BEN, "approve")),
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One task's answers, and all that its bill, flow and store say."""

    name: str
    way: str
    documents: Documents
    link: Link
    bill: Bill
    shown: Sequence[tuple[datetime, Snapshot]]
    policy: Policy
    users: Sequence[IntacctUser]
    login: str
    project_gid: str
    sync_token: str
    now: datetime
    wire: Mapping[str, tuple[int, bytes]] = field(default_factory=dict)

    def answers(self, mangled: Documents) -> dict[str, tuple[int, bytes]]:
        """All answers as bytes, with some of them mangled."""
        return {**self.wire, **{key: (status, on_the_wire(body)) for key, (status, body) in mangled.items()}}

    def key(self, form: str, *, gid: str = "") -> str:
        return form.format(gid or self.link.task_gid)


# Taken once

Derive = Callable[[Documents, Scene], None]


def _rename_option(documents: Documents, scene: Scene) -> None:
    for story in documents[scene.key(STORIES)][1]["data"]:
        if story.get("new_enum_value"):
            story["new_enum_value"]["name"] = "OK to pay"


def _strike_through(documents: Documents, scene: Scene) -> None:
    for story in documents[scene.key(STORIES)][1]["data"]:
        if story["resource_subtype"] == "comment_added":
            story["html_text"] = f"<body><s>{story['text']}</s></body>"


def _move_address(documents: Documents, scene: Scene) -> None:
    documents[scene.key(USER, gid=constants.PEOPLE[0]["gid"])][1]["data"]["email"] = "mallory@northwind.example"


DERIVED: Sequence[tuple[str, Derive, str]] = (
    ("an option of another name", _rename_option, "approved"),
    ("struck through", _strike_through, "approved"),
    ("an address that moved", _move_address, "approved"),
)
"""What the sandbox plays for a whole workspace, or not at all: made from the answers of another scene."""


def record_scenes(make: Callable[..., Standing]) -> list[Scene]:
    """All scenes of all three ways, each on a bill of its own."""
    scenes: list[Scene] = []
    for approval, acts in SCENES.items():
        flow = make(approval=approval, bills=0, replace=GUS_IS_LISTED)
        flow.bills = [flow.make_bill(amount="9000.00" if "limit" in name else "500.00") for name in acts]
        flow.sync()
        token = AsanaHook().events(constants.BILLS_PROJECT_GID, None).sync_token
        for place, each in enumerate(acts.values()):
            for act in each:
                act(flow, place)
        flow.pass_time(hours=1)
        found = [_recorded(flow, place, name, token=token) for place, name in enumerate(acts)]
        scenes += [*found, *(_derived(scene, *how) for scene in found for how in DERIVED if _fits(scene, *how))]
    return [replace(scene, wire=scene.answers(scene.documents)) for scene in scenes]


def _fits(scene: Scene, name: str, _derive: Derive, made_from: str) -> bool:
    needs = {"an option of another name": "ChoiceField", "struck through": "DeclaredComment"}.get(name, scene.way)
    return scene.name == made_from and scene.way == needs


def _derived(scene: Scene, name: str, derive: Derive, _made_from: str) -> Scene:
    documents = deepcopy(scene.documents)
    derive(documents, scene)
    return replace(scene, name=name, documents=documents)


def _recorded(flow: Standing, place: int, name: str, *, token: str) -> Scene:
    run = FlowRun(flow.flow, now=lambda: flow.at)
    run.__dict__["store"] = flow.store
    pins, links = flow.store.pins("bill"), flow.store.links("bill")
    assert pins
    key = flow.key(place)
    link = links.of([key])[key]
    bill = run.books.bill(flow.bills[place])
    shown = links.shown(key, task_gid=link.task_gid, at=flow.at)
    assert bill
    assert shown
    assert link.linked_at
    policy = policy_of(run, pins)
    return Scene(
        name=name,
        way=type(policy.way).__name__,
        documents=_asked(link.task_gid, pins.project_gid, token),
        link=link,
        bill=bill,
        shown=[(link.linked_at, shown)],
        policy=policy,
        users=run.books.users(),
        login=run.books.identity().user_id,
        project_gid=pins.project_gid,
        sync_token=token,
        now=flow.at,
    )


def _asked(task_gid: str, project_gid: str, token: str) -> Documents:
    hook = Recorder()
    hook.events(project_gid, token)
    list(hook.tasks(project_gid))
    hook.task(task_gid)
    hook.stories(task_gid)
    for gid in (constants.BOT_GID, *(person["gid"] for person in constants.PEOPLE)):
        hook.person(gid)
    documents = {key: (status, json.loads(body)) for key, (status, body) in hook.kept.items()}
    _keep_one(documents, task_gid)
    return documents


def _keep_one(documents: Documents, task_gid: str) -> None:
    """Of the project's other tasks only one, which belongs to no bill of ours here."""
    listed, events = documents[LISTING][1], documents[EVENTS][1]
    others = [task for task in listed["data"] if task["gid"] != task_gid]
    listed["data"] = [task for task in listed["data"] if task["gid"] == task_gid] + others[:1]
    mine = [one for one in events["data"] if task_gid in (one["resource"]["gid"], (one.get("parent") or {}).get("gid"))]
    events["data"] = mine[-8:]


def asked_of(url: str, params: Mapping[str, Any] | None) -> str:
    """What a request is about, as the documents are named."""
    path = url.rpartition("/api/1.0")[2]
    return f"{GUESTS}:{(params or {}).get('user', '')}" if path.endswith("workspace_memberships") else path


class Recorder(AsanaHook):
    """Keeps what the sandbox answers."""

    def __init__(self) -> None:
        super().__init__()
        self.workspace_gid = constants.WORKSPACE_GID
        self.kept: dict[str, tuple[int, bytes]] = {}

    def send(self, method: str, url: str, **how: Any) -> Answer:
        answer = super().send(method, url, **how)
        self.kept[asked_of(url, how.get("params"))] = answer.status, answer.body
        return answer


class Replay(AsanaHook):
    """The hook without a network: whatever it asks for is answered from `answers`, and nothing may be written."""

    def __init__(self) -> None:
        super().__init__(attempts=1)
        self.workspace_gid = constants.WORKSPACE_GID
        self.answers: Mapping[str, tuple[int, bytes]] = {}

    def _persist(self, attempt: Callable[[], Any]) -> Any:
        return attempt()

    def _once(self, request: Request, understand: Callable[[Answer], Any]) -> Any:
        """Without turns and tokens, which would take most of the time."""
        assert request.method == "GET", f"{request.method} {request.path}"
        nothing = 404, b'{"errors": [{"message": "Not Found"}]}'
        status, body = self.answers.get(asked_of(request.path, request.params), nothing)
        return understand(Answer(status=status, headers={}, body=body))


# Read again and again


class Books(settle_world.Books):
    """The scene's bill, which takes a stamp."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(settle_world.Wire(clock=scene.now))
        self.scene, self.bills = scene, {scene.bill.record_no: scene.bill}

    def users(self) -> list[IntacctUser]:
        return list(self.scene.users)

    def identity(self) -> Any:
        return replace(super().identity(), user_id=self.scene.login)


@dataclass
class Links:
    """What the scene's task stood for and showed."""

    scene: Scene

    def shown(self, key: str, *, task_gid: str, at: datetime) -> Snapshot | None:
        mine = (key, task_gid) == (self.scene.link.key, self.scene.link.task_gid)
        past = [snapshot for since, snapshot in self.scene.shown if mine and since <= at]
        return past[-1] if past else None

    def of(self, keys: Collection[str]) -> Mapping[str, Link]:
        return {key: self.scene.link for key in keys if key == self.scene.link.key}

    def doubt(self, parts: Mapping[str, Collection[str]]) -> None:
        """The bill sync's business."""


@dataclass(slots=True)
class End:
    """What the reading came to: stamps that were written, what stands, and each error's kind or decision's state."""

    stamps: list[Stamp] = field(default_factory=list)
    stands: Stands = Stands.PENDING
    words: list[str] = field(default_factory=list)


class Reader:
    """Reads answers as the approvals DAG does, from the events to the stamp."""

    def __init__(self) -> None:
        self.board = Replay()

    def read(self, scene: Scene, answers: Mapping[str, tuple[int, bytes]]) -> End:
        """Raises nothing but what is a fault of ours: the six errors are words."""
        self.board.answers, end, books = answers, End(), Books(scene)
        store = settle_world.Store(books.wire)
        books.on_stamp = lambda bill, values: end.stamps.append(_stamp_of(store, scene, values))
        try:
            store.record(self._decisions(scene, end), at=scene.now)
        except IntacctAsanaError as error:
            end.words.append(type(error).__name__)
        ports: Any = (books, store, Links(scene), settle_world.Journal(store))
        settled = self._settler(scene, *ports).settle_all()
        end.words += [type(failure.error).__name__ for failure in settled.failures]
        end.words += [str(one.state) for one in store.of(scene.link.key)]
        choices, bill = store.of(scene.link.key), next(iter(books.bills.values()))
        shown = {one.decision_id: shown_to(one, ports[2]) for one in choices}
        end.stands = standing_of(choices, bill, None, scene.policy, shown=shown).state
        return end

    def _decisions(self, scene: Scene, end: End) -> list[Decision]:
        policy, gid = scene.policy, scene.link.task_gid
        hints = Hints(bot_gid=policy.bot_gid, sync_token=scene.sync_token)
        try:
            hints.take(self.board.events(scene.project_gid, scene.sync_token))
        except IntacctAsanaError as error:
            # The next run's business; what is on the tasks is tried all the same, since a crawl needs no events.
            end.words.append(type(error).__name__)
        look = Look(crawls=True)
        for page in self.board.tasks(scene.project_gid):
            look.list_page(page, {}, policy, touched=hints.touched)
        task = look.tasks.get(gid) or self.board.task(gid)
        if task is None:
            end.words.append("gone")
            return []
        signals = signals_of(task, self.board.stories(gid), policy)
        settled = [one for one in signals if not is_too_young(one, scene.now)]
        links: Any = Links(scene)
        return decisions_of(settled, flow=policy.flow, link=scene.link, board=self.board, links=links)

    def _settler(self, scene: Scene, books: Any, store: Any, links: Any, journal: Any) -> Settler:
        return Settler(
            books=books,
            board=self.board,
            decisions=store,
            links=links,
            journal=journal,
            policy=scene.policy,
            asked=Asked(books=books),
            find_bill=books.find,
            now=lambda: scene.now + timedelta(minutes=1),
        )


def _stamp_of(store: settle_world.Store, scene: Scene, values: Mapping[str, str]) -> Stamp:
    names = scene.policy.stamp
    assert names
    signal = store.kept[without_anchors(values[names.decision_id])].signal
    assert values[names.decision] == {"approve": "Approved", "reject": "Rejected"}[signal.verdict]
    return str(signal.verdict), signal.decider_gid, signal.story_gid


def on_the_wire(body: Any) -> bytes:
    """What is bytes already was mangled as such."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()
