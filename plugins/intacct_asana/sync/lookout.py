"""Never a second task: what is looked up on the board and in the store before a task is created or taken over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from intacct_asana.errors import IntacctAsanaError, OutcomeUnknown, Refused
from intacct_asana.ports import Links, TaskBoard
from intacct_asana.records import Task
from intacct_asana.sync.difference import parts_to_adopt
from intacct_asana.sync.lookup import is_own, tasks_by_key
from intacct_asana.sync.plan import Adopt, Create, Writing

Failed = list[tuple[Writing, IntacctAsanaError]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookout:
    """Finds tasks whose creation began and whose answer nobody kept."""

    board: TaskBoard
    links: Links
    project_gid: str
    key_field_gid: str
    bot_gid: str

    def before_writing(self, actions: Sequence[Writing]) -> tuple[list[Writing], Failed]:
        """`actions` that may go ahead, and those that may not, with the reason."""
        looked, unseen = self._look_first(actions)
        free, taken = self._untaken(looked)
        return free, [*unseen, *taken]

    def without_answer(self, unclear: Sequence[tuple[Create, OutcomeUnknown]]) -> tuple[list[Writing], Failed]:
        """Creations without an answer: those whose task is on the board, as adoptions, and the others, as failures.

        The others are not sent again: the call may still be under way, and the next run looks before it creates.
        """
        if not unclear:
            return [], []
        try:
            keys = {create.key for create, _ in unclear}
            begun = {key: at for key, at in self.links.unfinished().items() if key in keys}
            found = self._on_board(begun) if begun else {}
        except IntacctAsanaError:
            found = {}
        own = {key: tasks for key, each in found.items() if (tasks := self._own(each))}
        adopted = [_as_found(create, own[create.key]) for create, _ in unclear if create.key in own]
        return adopted, [(create, error) for create, error in unclear if create.key not in own]

    def _look_first(self, actions: Sequence[Writing]) -> tuple[list[Writing], Failed]:
        """Creations that an earlier run began and never ended become adoptions where their task is on the board."""
        unfinished = self.links.unfinished()
        creates = [action.key for action in actions if isinstance(action, Create)]
        begun = {key: unfinished[key] for key in creates if key in unfinished}
        if not begun:
            return list(actions), []
        try:
            found = self._on_board(begun)
        except IntacctAsanaError as error:
            # Creating without having looked is how a second task comes about.
            unseen: Failed = [(action, error) for action in actions if action.key in begun]
            return [action for action in actions if action.key not in begun], unseen
        unclear = {key: tasks for key, tasks in found.items() if not self._own(tasks) and _nameless(tasks)}
        free = [_as_found(each, self._own(found.get(each.key, ()))) for each in actions if each.key not in unclear]
        return free, [(each, _whose(unclear[each.key])) for each in actions if each.key in unclear]

    def _untaken(self, actions: Sequence[Writing]) -> tuple[list[Writing], Failed]:
        """Leaves out adoptions of a task that stands for another record, or that somebody else made."""
        gids = [action.task_gid for action in actions if isinstance(action, Adopt)]
        owners = {link.task_gid: link.key for link in self.links.by_task(gids).values()} if gids else {}
        free: list[Writing] = []
        taken: Failed = []
        for action in actions:
            owner = owners.get(action.task_gid, action.key) if isinstance(action, Adopt) else action.key
            if isinstance(action, Adopt) and not is_own(action.actual, self.bot_gid):
                taken.append(
                    (action, Refused(f"task {action.task_gid} was not made by us; clear the planning step to plan anew"))
                )
            elif owner == action.key:
                free.append(action)
            else:
                taken.append((action, Refused(f"the task with this key stands for {owner}; correct its key field in Asana")))
        return free, taken

    def _own(self, tasks: Sequence[Task]) -> list[Task]:
        return [task for task in tasks if is_own(task, self.bot_gid)]

    def _on_board(self, begun: Mapping[str, datetime]) -> dict[str, list[Task]]:
        return tasks_by_key(
            self.board,
            self.project_gid,
            key_field_gid=self.key_field_gid,
            since=min(begun.values()),
            keys=begun.keys(),
        )


def _nameless(tasks: Sequence[Task]) -> bool:
    return any(task.created_by_gid is None for task in tasks)


def _whose(tasks: Sequence[Task]) -> Refused:
    """The task of a lost answer may be one of these: a second one would be worse than none."""
    gids = ", ".join(task.gid for task in tasks)
    return Refused(f"task {gids} carries this key, and Asana does not say who made it; remove the key there, or delete it")


def _as_found(action: Writing, tasks: Sequence[Task]) -> Writing:
    if not isinstance(action, Create) or not tasks:
        return action
    return Adopt(
        key=action.key,
        record_no=action.record_no,
        amount=action.amount,
        reason="the task of a creation whose answer was lost",
        desired=action.desired,
        actual=tasks[0],
        changed=parts_to_adopt(action.desired, tasks[0]),
        snapshot=action.snapshot,
        replaces=action.replaces,
    )
