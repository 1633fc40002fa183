"""docs/fidelity.md is what the sandbox's own table and settings say."""

from __future__ import annotations

import re
from pathlib import Path

import sandbox.asana
import sandbox.gateway
from sandbox import fidelity

SOURCES = [path.read_text(encoding="utf-8") for path in (Path(fidelity.__file__).parent).rglob("*.py")]


def test_the_page_is_fresh() -> None:
    assert fidelity.PAGE.read_text(encoding="utf-8") == fidelity.page(), "run python -m sandbox.fidelity"


def test_every_setting_that_the_code_asks_for_is_described() -> None:
    described = " ".join(" ".join(fidelity.settings(package.__doc__)) for package in (sandbox.asana, sandbox.gateway))
    asked = {name for source in SOURCES for name in re.findall(r'\bsettings?\(\s*"(\w+)"', source)}
    assert len(asked) > 80
    assert {name for name in asked if name not in re.findall(r"\w+", described)} == set()
