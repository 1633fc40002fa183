"""Comments: written, edited and deleted by their author only."""

from __future__ import annotations

from typing import Any

from sandbox.asana.acts.edits import Edit
from sandbox.asana.errors import bad, forbidden
from sandbox.asana.state import richtext
from sandbox.asana.state.model import Story, Task

TEXT_LIMIT = 65_000


def words(data: dict[str, Any]) -> tuple[str, str | None]:
    """The comment's text and its markup. Raises 400 unless exactly one of them is given."""
    given = [key for key in ("text", "html_text") if data.get(key) is not None]
    if not given:
        raise bad("text: Missing input")
    if len(given) > 1:
        raise bad("You may only provide one of text or html_text!")
    if given == ["html_text"]:
        html, text = richtext.accepted(data["html_text"], key="html_text")
        return text, html
    if not isinstance(data["text"], str):
        raise bad(f"text: Value is not a string: {data['text']}")
    return data["text"], None


def comment(edit: Edit, task: Task, data: dict[str, Any]) -> Story:
    text, html = words(data)
    story = edit.story(task, "comment_added", text, html=html)
    # A lost story is still answered, as if it were there: the writer cannot see the loss.
    return story or Story(edit.space.new_gid(), task, "comment_added", text, edit.space.now(), edit.user, edit.source, html)


def reword(edit: Edit, story: Story, data: dict[str, Any]) -> None:
    _own_comment(edit, story)
    story.text, story.html_text = words(data)
    story.is_edited = True
    edit.touch(story.task)
    edit.event("changed", story, parent=story.task, task=story.task, change={"field": "text", "action": "changed"})


def remove(edit: Edit, story: Story) -> None:
    _own_comment(edit, story)
    story.task.stories.remove(story)
    edit.space.stories.pop(story.gid, None)
    edit.touch(story.task)
    edit.event("removed", story, parent=story.task, task=story.task)


def _own_comment(edit: Edit, story: Story) -> None:
    if story.kind != "comment_added" or story.created_by is not edit.user:
        raise forbidden("You do not have permission to change this story.")
