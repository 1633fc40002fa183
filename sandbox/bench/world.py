"""A sandbox process of one measurement, and an Airflow home that knows nothing but how to reach it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.demo.airflow_server import ROOT, connections, put_demo_flow
from sandbox.demo.steering import Steering, free_port


@contextmanager
def a_world() -> Iterator[Steering]:
    """A running sandbox on a free port; this process is set up as a task that works against it. Stopped at the end.

    Enter it before anything of Airflow is imported: Airflow reads its surroundings then.
    """
    with tempfile.TemporaryDirectory(prefix="intacct-asana-bench-") as folder:
        home = Path(folder)
        steering = Steering(free_port(), log=home / "sandbox.log")
        try:
            os.environ.update(_surroundings(home, steering.url))
            steering.wait_until_up()
            yield steering
        finally:
            steering.stop()


def _surroundings(home: Path, url: str) -> dict[str, str]:
    """Its limits for Asana are the connection's defaults, those of a paid plan."""
    return connections(url) | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "INTACCT_ASANA_MAPPINGS": str(put_demo_flow(home / "mappings")),
        # Proxies are for the outside world, and nothing here goes there.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
