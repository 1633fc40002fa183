"""Airflow's command line and ours on a demo that is up: `.demo/bin/airflow`, `.demo/bin/intacct-asana`.

Both need the environment that the demo's Airflow runs in, so that is kept in a file beside them, for its owner alone to read.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.demo.airflow_server import ROOT

PROGRAMS = {"airflow": "airflow", "intacct-asana": "intacct_asana"}
"""The command, and the module that it is."""

OURS = ("AIRFLOW", "INTACCT_ASANA", "PYTHONPATH", "NO_PROXY", "no_proxy")
LOCKED = "database is locked"
WAITS = (1, 2, 3, 5, 8)
"""Seconds before a backfill is asked for again: SQLite refuses a writer at once where somebody wrote since it read."""


def put_commands(home: Path, env: Mapping[str, str]) -> Path:
    """The folder with the two commands."""
    folder, kept = home / "bin", home / "environment.json"
    folder.mkdir(exist_ok=True)
    kept.touch(mode=0o600)
    kept.write_text(json.dumps({name: value for name, value in env.items() if name.startswith(OURS)}), encoding="utf-8")
    for name in PROGRAMS:
        command = shlex.join([sys.executable, "-m", "sandbox.demo.prompt", str(kept), name])
        path = folder / name
        path.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {command} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
    return folder


def main(arguments: Sequence[str]) -> int:
    """The exit code of the command, carried out in the demo's environment."""
    kept, name, *words = arguments
    env = {**os.environ, **json.loads(Path(kept).read_text(encoding="utf-8"))}
    command = [sys.executable, "-m", PROGRAMS[name], *words]
    if words[:1] != ["backfill"]:
        os.execve(command[0], command, env)
    return _asked_until_taken(command, env)


def _asked_until_taken(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Nothing was made where the database was locked, so it is asked for again."""
    for seconds in (*WAITS, 0):
        done = subprocess.run(command, env=dict(env), stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode == 0 or LOCKED not in done.stderr or not seconds:
            break
        print("Airflow's SQLite file is busy; asking again ...", file=sys.stderr)
        time.sleep(seconds)
    sys.stderr.write(done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
