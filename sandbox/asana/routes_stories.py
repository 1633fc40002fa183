"""Stories: a task's history, and comments."""

from __future__ import annotations

from sandbox.asana import stories
from sandbox.asana.calls import Answer, Call, created, done, many, one, route
from sandbox.asana.errors import bad, unknown
from sandbox.asana.model import Story
from sandbox.asana.values import parse_instant


@route("GET", "/tasks/{gid}/stories")
def list_stories(call: Call) -> Answer:
    """Oldest first. `created_after` is cut to the start of its second; `resource_subtype` knows comments only."""
    now = call.space.now()
    rows = call.space.task(call.args["gid"], call.user).stories
    rows = [story for story in rows if story.seen_from is None or story.seen_from <= now]
    after, kind = call.query.get("created_after"), call.query.get("resource_subtype")
    if after:
        since = parse_instant(after, key="created_after").replace(microsecond=0)
        rows = [story for story in rows if story.created_at > since]
    if kind:
        if kind != "comment_added":
            raise bad(f"resource_subtype: Only comment_added is supported, not: {kind}")
        rows = [story for story in rows if story.kind == kind]
    return many(call, rows)


@route("POST", "/tasks/{gid}/stories")
def create_comment(call: Call) -> Answer:
    task = call.space.task(call.args["gid"], call.user)
    return created(call, stories.comment(call.edit, task, call.data))


@route("GET", "/stories/{gid}")
def get_story(call: Call) -> Answer:
    return one(call, _story(call))


@route("PUT", "/stories/{gid}")
def edit_comment(call: Call) -> Answer:
    story = _story(call)
    stories.reword(call.edit, story, call.data)
    return one(call, story)


@route("DELETE", "/stories/{gid}")
def delete_comment(call: Call) -> Answer:
    stories.remove(call.edit, _story(call))
    return done()


def _story(call: Call) -> Story:
    story = call.space.stories.get(call.args["gid"])
    if not story:
        raise unknown("story", call.args["gid"], in_path=True)
    call.space.task(story.task.gid, call.user)
    return story
