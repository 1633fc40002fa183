"""docker-compose.yaml as a table of services: the file itself is read, so that both ways to start them cannot differ.

Of what Docker does with it only this is needed here: anchors and merges are YAML's own, `${NAME}`, `${NAME:-default}` and
`${NAME:?message}` are filled in, `$$` is a dollar sign.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yaml"
VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?::(?P<how>[-?])(?P<rest>[^}]*))?\})")


class NotSet(Exception):
    """A variable that has no default has no value either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    replicas: int
    profiles: tuple[str, ...]
    image: str

    @property
    def is_airflow(self) -> bool:
        return self.name.startswith("airflow-")


def services(settings: Mapping[str, str], *, compose: Path = COMPOSE) -> dict[str, Service]:
    """Every service with what `.env` would give it. Raises NotSet for what nobody may leave out."""
    document = yaml.safe_load(compose.read_text(encoding="utf-8"))
    return {name: _service(name, filled(said, settings)) for name, said in document["services"].items()}


def filled(value: Any, settings: Mapping[str, str]) -> Any:
    """As docker compose fills variables in: what they hold is taken as it is, whatever characters it has."""
    if isinstance(value, dict):
        return {name: filled(one, settings) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, settings) for one in value]
    return VARIABLE.sub(lambda found: _one(found, settings), value) if isinstance(value, str) else value


def _one(found: re.Match[str], settings: Mapping[str, str]) -> str:
    if found["name"] is None:
        return "$"
    value = settings.get(found["name"], "")
    if value or not found["how"]:
        return value
    if found["how"] == "?":
        raise NotSet(found["rest"])
    return str(found["rest"])


def _service(name: str, said: Mapping[str, Any]) -> Service:
    command = said.get("command", [])
    if not isinstance(command, list):
        raise TypeError(f"The command of {name} is no list, so a shell would read it.")
    return Service(
        name=name,
        command=tuple(map(str, command)),
        environment={key: str(value) for key, value in said.get("environment", {}).items()},
        replicas=said.get("deploy", {}).get("replicas", 1),
        profiles=tuple(said.get("profiles", ())),
        image=said["image"],
    )
