"""Imports what the steps need in the process that forks task processes, so that each of them begins with it.

A task process is a fork (`airflow.sdk.execution_time.supervisor`, `WatchedSubprocess.start`): of the scheduler's workers with
LocalExecutor, of the worker's with CeleryExecutor. What the first of that line has imported, all have. Airflow's Celery
provider does the same with modules of its own (`on_celery_import_modules`).

Nothing but importing and reading flow files happens here: no thread, no connection, no engine, nothing that a fork may not
share.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from intacct_asana.get_provider_info import HOOKS, OPERATORS

log = logging.getLogger(__name__)

PACKAGE = "intacct_asana"
FOLDER = Path(__file__).absolute().parents[1]
"""As Python found it: where a link leads to the release, as with git-sync, another release is behind the same path."""

OPTION = "preload"

STEPS = tuple(f"{PACKAGE}.{name}" for name in ("dag_parts", *OPERATORS, *HOOKS))
"""What every DAG file and step imports at its top, and the hooks, which steps import when they use them."""

BORROWED = ("psycopg2.extras", "cryptography.hazmat.primitives.kdf.hkdf", "jinja2.ext", "_strptime", "encodings.idna")
"""What others import for a step of ours when it is used: SQLAlchemy for a store in PostgreSQL, Airflow for a template, and so
on. One that is not installed is not missed."""

Files = frozenset[tuple[str, int, int]]
"""Each Python file of the package: its path, when it was written (ns), and its size (bytes)."""

_files: Files | None = None
"""The files as they were before they were imported here; None in a process whose parents imported nothing ahead."""


def is_wanted() -> bool:
    """Airflow's `[intacct_asana] preload`, which is on. Raises AirflowConfigException for a word that is neither."""
    from airflow.sdk.configuration import conf

    return bool(conf.getboolean(PACKAGE, OPTION, fallback=True))


def preload() -> bool:
    """Import the steps and read the flow files; whether that went well. Never raises: each task can do it for itself.

    What fails is said in the log. The task that needs it says it again, where people look for it.
    """
    global _files
    began = time.monotonic()
    try:
        if not is_wanted():
            return False
        # Before the first import: what is written meanwhile counts as changed, also where a later import fails.
        _files = files_now()
        for name in STEPS:
            importlib.import_module(name)
        for name in BORROWED:
            with suppress(ImportError):
                importlib.import_module(name)
        _read_flows()
        _make_ready()
        _keep_shared()
    except Exception:
        log.exception("The steps of %s cannot be imported ahead; each task does it for itself", PACKAGE)
        return False
    log.info("The steps of %s are imported ahead, in %.1f s; tasks begin with them", PACKAGE, time.monotonic() - began)
    return True


def _read_flows() -> None:
    """A text that was understood once is known (`flow.load`); one that changes is read again by the task."""
    from intacct_asana.deployment import mappings_folder
    from intacct_asana.flow.load import load_flows

    load_flows(mappings_folder())


def _make_ready() -> None:
    """What is made once in each process and lasts milliseconds: readers of the records that a run with no change keeps too, and
    Airflow's table of who checks which asset, which it makes for the first one."""
    from intacct_asana.closing.facts import BillThen
    from intacct_asana.codec import prepare
    from intacct_asana.lineage.assets import intacct_asset
    from intacct_asana.records import Pins, TaskDraft
    from intacct_asana.reports.run_report import RunReport
    from intacct_asana.sync import Create, Leave, Plan, Update
    from intacct_asana.vendors import VendorPlan

    prepare(Plan, Leave, Create, Update, Pins, TaskDraft, BillThen, RunReport, VendorPlan)
    intacct_asset(connection="intacct_default", kind="apbill")


def _keep_shared() -> None:
    """Where the process froze its objects before it forks, ours are frozen too: a collection would copy their pages."""
    if gc.get_freeze_count():
        gc.freeze()


def drop_if_changed() -> bool:
    """In a task process: forget what was imported ahead if the files on disk are others by now. Whether that was so.

    A release that is put in place while workers run would otherwise meet the old steps with its DAG files and late imports.
    """
    if _files is None:
        return False
    try:
        if files_now() == _files:
            return False
    except OSError as error:
        log.warning("The files of %s cannot be looked at: %s", PACKAGE, error)
    for name in [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    log.warning(
        "The files of %s changed after this worker began, so this task imports them anew. Restart the scheduler "
        "(LocalExecutor) or the Celery workers after an upgrade.",
        PACKAGE,
    )
    return True


def files_now() -> Files:
    """Raises OSError when the package's folder cannot be read."""
    return frozenset(_files_below(str(FOLDER)))


def _files_below(folder: str) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    yield from _files_below(entry.path)
            elif entry.name.endswith(".py"):
                facts = entry.stat()
                yield entry.path, facts.st_mtime_ns, facts.st_size
