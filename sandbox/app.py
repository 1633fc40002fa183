"""The sandbox as one web application: Intacct's gateway, Asana's API, the controls, the pages."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from sandbox import control, timestamps
from sandbox.asana import router as asana
from sandbox.asana.system import Asana
from sandbox.core import World
from sandbox.gateway import router as gateway
from sandbox.gateway.books.state import Company
from sandbox.gateway.rest import router as rest
from sandbox.hangup import SandboxApp
from sandbox.pages import router as pages


def create_app(world: World | None = None, *, seed: int = control.DEFAULT_SEED, **options: Any) -> FastAPI:
    """The application. `options` are the generator's (`vendors`, `bills`); a given `world` brings its settings."""
    world = world or World()
    world.intacct = Company(world, seed=seed, **options)
    if world.asana is None:
        world.asana = Asana(world)
        world.asana.reset(seed, **options)
    app = SandboxApp(world, title="Intacct and Asana sandbox", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.world = world
    app.include_router(gateway.build(world))
    app.include_router(rest.build(world))
    app.include_router(control.build(world))
    app.include_router(asana.build(world))
    app.include_router(timestamps.build(world))
    app.include_router(pages.build(world))
    return app
