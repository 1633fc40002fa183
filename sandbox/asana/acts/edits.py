"""Who changes something, and what a change leaves behind: stories, events, a moved `modified_at`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

from sandbox.asana.state.model import Event, Story, Task, User
from sandbox.asana.state.shapes import SHAPES
from sandbox.asana.state.workspace import Workspace
from sandbox.core import Fault, World

NOT_LATE = timedelta()


@dataclass(frozen=True)
class Edit:
    """One change by `user` (None is a rule or the system) through `source`. A `quiet` one writes no story and no event."""

    space: Workspace
    user: User | None
    source: str | None = "api"
    quiet: bool = False

    @property
    def name(self) -> str:
        return self.user.name if self.user else "Asana"

    def touch(self, task: Task) -> None:
        task.modified_at = self.space.now()

    def story(
        self, task: Task, kind: str, text: str, *, touch: bool = True, html: str | None = None, **extra: Any
    ) -> Story | None:
        """Write one entry of the task's history, unless a fault loses it."""
        fate, lateness = fate_of(self.space.world, "story", self.space.current_kind, f"story {kind}")
        if self.quiet or fate == "drop":
            return None
        now = self.space.now()
        story = Story(self.space.new_gid(), task, kind, text, now, self.user, self.source, html, extra=extra)
        story.seen_from = now + lateness
        task.stories.append(story)
        self.space.stories[story.gid] = story
        if touch:
            self.touch(task)
        self.event("added", story, parent=task, task=task, lateness=lateness)
        return story

    def changed(self, task: Task, name: str, *, new_value: Any = None) -> None:
        """A task `changed` event. Only values that are Asana resources come along."""
        if self.quiet:
            return
        self.touch(task)
        if self.space.world.setting("asana_task_changed_events", True):
            change = {"field": name, "action": "changed"} | ({} if new_value is None else {"new_value": new_value})
            self.event("changed", task, task=task, change=change)

    def event(
        self, action: str, resource: Any, *, task: Task, also: str = "", lateness: timedelta = NOT_LATE, **more: Any
    ) -> None:
        """Put an event on the streams of the task, its projects and what it is a subtask of (`also`: a project just left)."""
        kind = f"event {SHAPES[type(resource)].resource_type} {action}"
        if self.quiet:
            return
        fate, more_late = fate_of(self.space.world, "event", self.space.current_kind, kind)
        if fate == "drop":
            return
        event = Event(self.space.now(), self.user, action, resource, is_odd=fate == "odd", **more)
        family = (task, *task.ancestors)
        streams = dict.fromkeys([gid for one in family for gid in (one.gid, *one.places)] + ([also] if also else []))
        for _ in range(2 if fate == "double" else 1):
            self.space.events.record(event, streams, lateness=lateness + (more_late if fate == "late" else NOT_LATE))
        self.space.deliveries.queue(event, list(streams))


# --- faults: what becomes of events and stories on their way, and which fault strikes a call itself


FATES = ("drop_event", "late_event", "double_event", "odd_event", "drop_story", "late_story")
"""They strike what a call writes. The late ones take seconds of the sandbox's clock: `late_event:90`."""


def fault_for(world: World, kind: str) -> Fault | None:
    """The fault that strikes this call itself."""
    ours = (fault for fault in world.faults if _name(fault) not in FATES and not fault.is_act)
    return next((fault for fault in ours if fault.strikes("asana", kind)), None)


def fate_of(world: World, what: str, *kinds: str) -> tuple[str, timedelta]:
    """What becomes of an `event` or a `story`: nothing special, `drop`, `double`, `odd` (told without its resource), or `late`
    with how late.

    `kinds` are the call's kind and what it writes, as in `event task changed`.
    """
    for fault in world.faults:
        name = _name(fault)
        if name not in FATES or not name.endswith(what):
            continue
        kind = next((kind for kind in kinds if fnmatchcase(kind, fault.kind)), None)
        if kind is not None and fault.strikes("asana", kind):
            return name.partition("_")[0], timedelta(seconds=float(fault.action.partition(":")[2] or 60))
    return "", timedelta()


def _name(fault: Fault) -> str:
    return fault.action.partition(":")[0]
