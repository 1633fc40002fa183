"""Every command that a page shows is run by a test that is named here, or stands here with the reason why none runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from manuals.commands import PROGRAM, commands
from tests.docs.test_pages import PAGES, ROOT

PROGRAMS = (
    *("intacct-asana", "python", "python3", "airflow", "pip", "docker", "helm", "kubectl", "psql", "pg_dump", "pg_restore"),
    *("sqlite3", "curl", "openssl", "celery", "cp", "git", "apt-get"),
)
BEGINS = re.compile(rf"(?:{'|'.join(PROGRAMS)}) \S|script/[\w-]+")

RUN = {
    "intacct-asana init": "tests/commands/test_init.py",
    "intacct-asana check": "tests/commands/test_check.py",
    "intacct-asana plan": "tests/commands/test_plan.py",
    "intacct-asana example": "tests/docs/test_examples.py",
    "intacct-asana access": "tests/evidence/test_access.py",
    "intacct-asana close": "tests/closing/test_close_of_a_company.py",
    "intacct-asana sandbox": "tests/commands/test_at_a_terminal.py",
    "intacct-asana prove-live": "tests/proving/test_prove_live.py",
    "intacct-asana policy test": "tests/policy/test_policy_table.py",
    "intacct-asana policy diff": "tests/policy/test_over_history.py",
    "intacct-asana evidence export": "tests/evidence/test_evidence_of_a_flow.py",
    "intacct-asana evidence verify": "tests/evidence/test_evidence_of_a_flow.py",
    "intacct-asana evidence pack": "tests/evidence/test_packs.py",
    "intacct-asana store status": "tests/store/test_store_operations.py",
    "intacct-asana store migrate": "tests/commands/test_store_command.py",
    "intacct-asana store prune": "tests/store/test_store_operations.py",
    "intacct-asana store backup": "tests/store/test_store_operations.py",
    "python3 q3/verify.py": "tests/evidence/test_packs.py",
    "python -m sandbox": "tests/conftest.py",
    "python -m sandbox.fidelity": "tests/sandbox_pages/test_fidelity.py",
    "airflow connections add": "tests/docs/test_connections_page.py",
    "airflow dags test": "tests/commands/test_newcomer.py",
    "airflow db migrate": "tests/commands/test_newcomer.py",
}
"""By how it begins: the test that carries it out."""

OF_AIRFLOW = (
    "Airflow's own, which its own tests run; what it does to our DAGs is run by tests/airflow through Airflow's task runner"
)
NO_CONTAINERS = "there is no Docker where the tests run; tests/cluster reads the files that it would"
SETS_UP = "installs an environment first; tests/docs/test_scripts.py runs its --help and its arguments"
NOT_RUN = {
    "airflow backfill create": "needs a scheduler that runs: the scenes of sandbox/demo/operations.py carry it out",
    "airflow connections delete": OF_AIRFLOW,
    "airflow dags pause": OF_AIRFLOW,
    "airflow dags reserialize": OF_AIRFLOW,
    "airflow db clean": OF_AIRFLOW,
    "airflow pools": OF_AIRFLOW,
    "airflow standalone": "starts a whole Airflow: script/demo does it",
    "airflow users": OF_AIRFLOW,
    "docker": NO_CONTAINERS,
    "helm": "there is no cluster where the tests run; tests/cluster/test_helm.py reads the values",
    "kubectl": "there is no cluster where the tests run",
    "pip install": "fetches packages; tests/docs/test_package.py makes the wheel and uses it in an environment of its own",
    "pip uninstall": "pip's own",
    "python -m build": "tests/docs/test_package.py makes the wheel with the same builder",
    "python -c": "one line of Python, for somebody's own shell",
    "python -m sandbox.demo.operations": "several minutes of a real Airflow: run by hand before a release",
    "git": "of the reader's own clone",
    "script/": SETS_UP,
}
"""By how it begins: why no test carries it out."""


def shown() -> list[str]:
    """What pages show in blocks for a shell, and in a line between backquotes, each once."""
    found: list[str] = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, re.DOTALL)
        found += [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
        found += re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    named = (one.replace("python -m intacct_asana", PROGRAM) for one in dict.fromkeys(found))
    return sorted({one for one in named if BEGINS.match(one)})


def entry(command: str) -> str:
    """The longest of the lists' beginnings that it has; empty for none."""
    fits = [one for one in (*RUN, *NOT_RUN) if command == one or command.startswith(one if one.endswith("/") else f"{one} ")]
    return max(fits, key=len, default="")


@pytest.mark.parametrize("command", shown())
def test_a_command_that_a_page_shows_is_run_or_is_listed_with_the_reason(command: str) -> None:
    assert entry(command), f"say in RUN which test runs it, or in NOT_RUN why none does: {command}"


def test_nothing_is_listed_that_no_page_shows() -> None:
    used = {entry(command) for command in shown()}
    assert {*RUN, *NOT_RUN} - used == set()
    assert not RUN.keys() & NOT_RUN.keys()


@pytest.mark.parametrize(("begin", "file"), RUN.items())
def test_the_test_that_is_named_carries_the_command_out(begin: str, file: str) -> None:
    """Of our own commands: it says the command's last word to the program."""
    text = (ROOT / file).read_text(encoding="utf-8")
    word = begin.split()[-1]
    assert not begin.startswith(PROGRAM) or f'"{word}"' in text or f"{word} " in text, f"{file} does not say {word}"


def test_each_of_our_own_commands_is_shown_and_run() -> None:
    assert {name for name, _ in commands()} <= RUN.keys()


def test_a_page_with_another_command_would_be_seen() -> None:
    assert entry("intacct-asana teleport acme") == ""
    assert len(shown()) > 50
    assert not Path(ROOT / "docs" / "teleport.md").exists()
