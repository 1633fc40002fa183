"""Dependencies, parents and tags of tasks, and the tags themselves."""

from __future__ import annotations

from sandbox.asana.acts import relations
from sandbox.asana.errors import bad, unknown
from sandbox.asana.routes.calls import Answer, Call, created, done, many, one, route
from sandbox.asana.state.model import Tag, Task


@route("GET", "/tasks/{gid}/dependencies")
def dependencies(call: Call) -> Answer:
    return many(call, [each for each in _task(call).dependencies if not each.trashed])


@route("GET", "/tasks/{gid}/dependents")
def dependents(call: Call) -> Answer:
    return many(call, [each for each in _task(call).dependents if not each.trashed])


@route("POST", "/tasks/{gid}/addDependencies")
def add_dependencies(call: Call) -> Answer:
    relations.tie(call.edit, _task(call), _listed(call, "dependencies"))
    return done()


@route("POST", "/tasks/{gid}/addDependents")
def add_dependents(call: Call) -> Answer:
    task = _task(call)
    for each in _listed(call, "dependents"):
        relations.tie(call.edit, each, [task])
    return done()


@route("POST", "/tasks/{gid}/removeDependencies")
def remove_dependencies(call: Call) -> Answer:
    relations.untie(_task(call), _listed(call, "dependencies"))
    return done()


@route("POST", "/tasks/{gid}/removeDependents")
def remove_dependents(call: Call) -> Answer:
    task = _task(call)
    for each in _listed(call, "dependents"):
        relations.untie(each, [task])
    return done()


def _task(call: Call) -> Task:
    return call.space.task(call.args["gid"], call.user)


def _listed(call: Call, key: str) -> list[Task]:
    gids = call.given(key)
    if not isinstance(gids, list):
        raise bad(f"{key}: Value is not an array: {gids}")
    return [call.space.task(gid, call.user, in_path=False, key=key) for gid in gids]


@route("POST", "/tasks/{gid}/setParent")
def set_parent(call: Call) -> Answer:
    """`parent` has to be named; null takes the task out of the one it is in."""
    if "parent" not in call.data:
        raise bad("parent: Missing input")

    def named(key: str) -> Task | None:
        gid = call.data.get(key)
        return call.space.task(gid, call.user, in_path=False, key=key) if gid else None

    task = _task(call)
    before, after = named("insert_before"), named("insert_after")
    relations.set_parent(call.edit, task, named("parent"), before=before, after=after)
    return one(call, task)


# --- tags


@route("GET", "/tags")
def list_tags(call: Call) -> Answer:
    wanted = call.query.get("workspace")
    return many(call, [tag for tag in call.space.tags.values() if wanted in (None, "", tag.site.gid)])


@route("POST", "/tags")
def create_tag(call: Call) -> Answer:
    call.given("workspace")
    return created(call, relations.create_tag(call.edit, call.data, viewer=call.user))


@route("GET", "/workspaces/{gid}/tags")
def workspace_tags(call: Call) -> Answer:
    site = call.space.site_of(call.args["gid"], in_path=True)
    return many(call, [tag for tag in call.space.tags.values() if tag.site is site])


@route("POST", "/workspaces/{gid}/tags")
def create_tag_in_workspace(call: Call) -> Answer:
    site = call.space.site_of(call.args["gid"], in_path=True)
    return created(call, relations.create_tag(call.edit, {**call.data, "workspace": site.gid}, viewer=call.user))


@route("GET", "/tags/{gid}")
def get_tag(call: Call) -> Answer:
    return one(call, _tag(call, call.args["gid"], in_path=True))


@route("PUT", "/tags/{gid}")
def update_tag(call: Call) -> Answer:
    tag = _tag(call, call.args["gid"], in_path=True)
    relations.change_tag(tag, call.data)
    return one(call, tag)


@route("DELETE", "/tags/{gid}")
def delete_tag(call: Call) -> Answer:
    relations.delete_tag(call.edit, _tag(call, call.args["gid"], in_path=True))
    return done()


@route("GET", "/tags/{gid}/tasks")
def tag_tasks(call: Call) -> Answer:
    return many(call, tagged(call, call.args["gid"], in_path=True))


@route("GET", "/tasks/{gid}/tags")
def task_tags(call: Call) -> Answer:
    return many(call, _task(call).tags)


@route("POST", "/tasks/{gid}/addTag")
def add_tag(call: Call) -> Answer:
    task = _task(call)
    relations.put_tag(call.edit, task, _tag(call, call.given("tag")))
    return done()


@route("POST", "/tasks/{gid}/removeTag")
def remove_tag(call: Call) -> Answer:
    task = _task(call)
    relations.take_tag(call.edit, task, _tag(call, call.given("tag")))
    return done()


def tagged(call: Call, gid: str, *, in_path: bool = False) -> list[Task]:
    tag = _tag(call, gid, in_path=in_path)
    return [task for task in call.space.live_tasks if tag in task.tags and call.space.is_visible(task, call.user)]


def _tag(call: Call, gid: str, *, in_path: bool = False) -> Tag:
    if gid not in call.space.tags:
        raise unknown("tag", gid, in_path=in_path)
    return call.space.tags[gid]
