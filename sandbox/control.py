"""How tests, the demo and people steer the sandbox: JSON under /_sandbox/, for this machine only."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, HTTPException, Request

from sandbox.core import Clock, Fault, World
from sandbox.gateway import faults as gateway_faults

DEFAULT_SEED = 7
_FAULT_NAMES = ("system", "kind", "action", "on_call", "times", "detail")
_SHOWN = (*_FAULT_NAMES, "seen", "struck", "problem")
Json = dict[str, Any]
JsonBody = Annotated[Json, Body(default_factory=dict)]


async def only_from_here(request: Request) -> None:
    """Refuse everybody but this machine: whoever reaches the controls owns both systems."""
    host = request.client.host if request.client else ""
    # "testclient" is what Starlette's in-process client calls itself; it never comes over a network.
    if host != "testclient" and not (_is_address(host) and ip_address(host).is_loopback):
        raise HTTPException(403, "the sandbox is steered from this machine only")


def build(world: World) -> APIRouter:
    """The control routes. Both systems are reached through `world`, so that either may be missing."""
    router = APIRouter(prefix="/_sandbox", dependencies=[Depends(only_from_here)])
    first_settings = dict(world.settings)
    kept: dict[str, list[Json]] = {}

    @router.post("/reset")
    async def reset(told: JsonBody) -> Json:
        """Both systems new, counters zero, faults gone, settings as at the start, the clock real or frozen at `now`."""
        world.clock = Clock()
        if "now" in told:
            world.clock.freeze(_instant(told.pop("now")))
        world.counters.clear()
        world.billed.clear()
        world.faults.clear()
        world.settings.clear()
        world.settings.update(first_settings | told.pop("settings", {}))
        return reset_systems(world, told.pop("seed", DEFAULT_SEED), told)

    @router.post("/keep/{name}")
    async def keep(name: str) -> Json:
        """Both systems, settings and clock as they are now, to be begun from again; a name keeps its newest."""
        kept[name] = _copied(world, _everything(world))
        return {"kept": sorted(kept)}

    @router.post("/begin/{name}")
    async def begin(name: str) -> Json:
        """As it was when it was kept under this name; counters zero, faults gone."""
        if name not in kept:
            raise HTTPException(404, f"nothing is kept under {name!r}")
        world.counters.clear()
        world.billed.clear()
        world.faults.clear()
        for there, then in zip(_everything(world), _copied(world, kept[name]), strict=True):
            there.clear()
            there.update(then)
        return _clock(world)

    @router.get("/state/{system}")
    async def state(system: str) -> Json:
        dumped: Json = _system(world, system).dump()
        return dumped

    @router.get("/counters")
    async def counters() -> dict[str, int]:
        return dict(sorted(world.counters.items()))

    @router.get("/billed")
    async def billed() -> dict[str, int]:
        """Intacct's own meter: each read, each further page and each record written is a call; since counters were zeroed."""
        return dict(sorted(world.billed.items()))

    @router.delete("/counters")
    async def zero_counters() -> Json:
        world.counters.clear()
        world.billed.clear()
        return {}

    @router.get("/clock")
    async def clock() -> Json:
        return _clock(world)

    @router.post("/clock")
    async def move_clock(told: JsonBody) -> Json:
        unknown = set(told) - {"advance_seconds", "freeze", "release"}
        if unknown or not told:
            raise HTTPException(422, "say advance_seconds, freeze or release")
        if "freeze" in told:
            world.clock.freeze(_instant(told["freeze"]))
        if told.get("release"):
            world.clock.release()
        if "advance_seconds" in told:
            world.clock.advance(float(told["advance_seconds"]))
        return _clock(world)

    @router.get("/faults")
    async def faults() -> list[Json]:
        return [{name: getattr(fault, name) for name in _SHOWN} for fault in world.faults]

    @router.post("/faults")
    async def add_fault(told: JsonBody) -> Json:
        world.faults.append(_fault(told))
        return {"faults": len(world.faults)}

    @router.delete("/faults")
    async def clear_faults() -> Json:
        world.faults.clear()
        return {}

    @router.get("/settings")
    async def settings() -> Json:
        return world.settings

    @router.post("/settings")
    async def merge_settings(told: JsonBody) -> Json:
        world.settings.update(told)
        return world.settings

    @router.post("/act")
    async def act(told: JsonBody) -> Json:
        system, user, action = (str(told.pop(name, "")) for name in ("system", "user", "action"))
        try:
            done: Json = _system(world, system).act(user, action, **told)
        except (ValueError, KeyError) as error:
            raise HTTPException(422, str(error)) from error
        return done

    return router


def reset_systems(world: World, seed: int, options: Json) -> Json:
    """Reset whichever systems there are. The answer sums up what each now holds."""
    summary: Json = {"seed": seed, "now": world.clock.now().isoformat()}
    for name in ("intacct", "asana"):
        system = getattr(world, name)
        if system is not None:
            summary[name] = system.reset(seed, **options)
    return summary


def _everything(world: World) -> list[Json]:
    return [vars(world.intacct), vars(world.asana.space), vars(world.clock), world.settings]


def _copied(world: World, everything: list[Json]) -> list[Json]:
    """Copies that share nothing but the world and the two systems, to which their parts point."""
    return deepcopy(everything, {id(each): each for each in (world, world.intacct, world.asana.space, world.clock)})


def _system(world: World, name: str) -> Any:
    system = getattr(world, name, None) if name in ("intacct", "asana") else None
    if system is None:
        raise HTTPException(404, f"there is no system {name!r} here; choose intacct or asana")
    return system


def _fault(told: Json) -> Fault:
    unknown = set(told) - set(_FAULT_NAMES)
    if unknown:
        raise HTTPException(422, f"a fault has no {', '.join(sorted(unknown))}")
    if told.get("system") not in ("intacct", "asana", "*") or not told.get("kind") or not told.get("action"):
        raise HTTPException(422, "a fault needs system (intacct, asana or *), kind and action")
    fault = Fault(**told)
    if fault.is_act:
        if not {"user", "action"} <= set(fault.detail) or fault.detail.get("system", fault.system) == "*":
            raise HTTPException(422, "detail needs user and action, and system where calls to both are counted")
        return fault
    if told["system"] == "*" and not gateway_faults.is_of_the_line(str(told["action"])):
        raise HTTPException(422, f"{told['action']!r} is not a fault that both systems can play")
    if told["system"] == "intacct" and not gateway_faults.is_known(str(told["action"])):
        raise HTTPException(422, f"the gateway cannot play {told['action']!r}")
    return fault


def _clock(world: World) -> Json:
    return {"now": world.clock.now().isoformat(), "frozen": world.clock.frozen is not None}


def _instant(told: Any) -> datetime | None:
    """An aware instant, or None for `true`: freeze where the clock stands."""
    if told is True:
        return None
    try:
        at = datetime.fromisoformat(str(told))
    except ValueError as error:
        raise HTTPException(422, f"{told!r} is not an instant such as 2026-01-01T00:00:00Z") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
