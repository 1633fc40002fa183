"""What a deployment gives: its flow files, and the keys of the evidence, which the owner of its database cannot read.

By default the key is derived from `[core] fernet_key`, which every Airflow has. Airflow's Variable
`intacct_asana_evidence_secret` takes its place where people want a key of its own, or where workers have no fernet_key or
each another one. Airflow encrypts the Variable and masks it, as its name says secret; an environment variable
`AIRFLOW_VAR_INTACCT_ASANA_EVIDENCE_SECRET` or a secrets backend may give it too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from intacct_asana.errors import Misconfigured, Problem, TryLater
from intacct_asana.flow.load import load_flow, load_flows
from intacct_asana.flow.model import Flow
from intacct_asana.flow.running.one_of_many import load_flow_of

PROJECT_ROOT = Path(__file__).resolve().parents[2]
VARIABLE = "intacct_asana_evidence_secret"
SHORTEST = 32
"""Characters of a secret: it is stretched into a key, not hardened against guessing."""

PURPOSE = b"intacct_asana evidence 1"
"""Keeps what is derived for evidence apart from everything else that Airflow's key is used for."""


def mappings_folder() -> Path:
    """`INTACCT_ASANA_MAPPINGS`, else Airflow's `[intacct_asana] mappings`; else include/mappings beside the plugins folder, or
    under AIRFLOW_HOME if it is installed.
    """
    if named := _named("mappings"):
        return Path(named)
    beside = PROJECT_ROOT / "include" / "mappings"
    if beside.is_dir():
        return beside
    from airflow.configuration import AIRFLOW_HOME

    return Path(AIRFLOW_HOME) / "include" / "mappings"


def exports_folder() -> Path:
    """Where exports of the evidence go: `INTACCT_ASANA_EXPORTS`, else `[intacct_asana] exports`, else under AIRFLOW_HOME."""
    from airflow.configuration import AIRFLOW_HOME

    named = _named("exports")
    return Path(named) if named else Path(AIRFLOW_HOME) / "intacct_asana_exports"


def _named(option: str) -> str:
    """A folder, as the environment or Airflow's configuration names it; empty for none."""
    from airflow.sdk.configuration import conf

    return os.environ.get(f"INTACCT_ASANA_{option.upper()}") or str(conf.get("intacct_asana", option, fallback="") or "")


def dag_files() -> dict[str, Path]:
    """The DAG files by the job that they are for, as in `bill_sync`: a checkout's, or those that the wheel carries."""
    return {path.stem: path for path in sorted(_shipped("dag_files", "dags").glob("*.py"))}


def folder_without_dags() -> Path | None:
    """Airflow's `[core] dags_folder`, where none of its files names this project, so that no flow has a DAG yet; else None."""
    from airflow.sdk.configuration import conf

    folder = Path(str(conf.get("core", "dags_folder", fallback="")))
    return None if any(_names_us(path) for path in folder.rglob("*.py")) else folder


def _names_us(path: Path) -> bool:
    try:
        return b"intacct_asana" in path.read_bytes()
    except OSError:
        return False


def example_files() -> dict[str, Path]:
    """Flow files to begin with, by name: `demo` is the commented one."""
    folder = _shipped("mappings", "include/mappings")
    return {path.stem: path for path in [*sorted((folder / "examples").glob("*.yaml")), folder / "demo.yaml"]}


def schema_file() -> Path:
    """The JSON Schema of flow files, for editors."""
    return _shipped("mappings", "include/mappings") / "flow.schema.json"


def _shipped(inside: str, in_checkout: str) -> Path:
    package = Path(__file__).resolve().parent
    return package / inside if (package / inside).is_dir() else PROJECT_ROOT / in_checkout


def good_flows() -> list[Flow]:
    """Every flow whose file has no problem, or where Airflow reads a DAG file to start one task, that task's flow alone.

    Airflow reads it again for each task, and says which DAG it means. Bad files are shown by dags/mapping_check.py.
    """
    from airflow.sdk import get_parsing_context

    dag_id = get_parsing_context().dag_id
    return load_flow_of(mappings_folder(), dag_id)[0] if dag_id else every_flow()


def every_flow() -> list[Flow]:
    """Every flow whose file has no problem, whatever Airflow reads DAG files for."""
    return load_flows(mappings_folder())[0]


def bad_flows() -> list[Misconfigured]:
    """One error a bad file, each with file, line and every problem."""
    _, errors = load_flows(mappings_folder())
    return errors


def flow_named(name: str) -> Flow:
    """The flow as its file says now. Raises Misconfigured when the file is gone or bad."""
    flows, errors = load_flow_of(mappings_folder(), name)
    found = next((flow for flow in flows if flow.flow == name), None)
    if found:
        return found
    problems = tuple(problem for error in errors for problem in error.problems)
    missing = Problem(where=str(mappings_folder()), what=f"no flow named {name}", mend="restore its file or delete the DAG")
    raise Misconfigured(f"Flow {name} cannot be loaded.", problems=problems or (missing,))


def flow_of(text: str) -> Flow:
    """The flow of a text, by way of a file that goes again. Raises Misconfigured for what a flow file does not take."""
    with NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        return load_flow(Path(file.name))


def raise_if_there(path: Path, *, force: bool) -> None:
    if why := why_not(path, force=force):
        raise Misconfigured(why)


def why_not(path: Path, *, force: bool) -> str:
    if path.is_dir():
        return f"{path} is a folder. Nothing was written; --to names a file."
    if path.exists() and not force:
        return f"{path} is there already. Nothing was written; --force writes over it, --to names another file."
    return ""


def written(path: Path, text: str, *, force: bool) -> Flow:
    """A new flow file, whole or not at all, and beside it the schema by which editors complete it."""
    flow_of(text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        schema = path.parent / "flow.schema.json"
        if not schema.exists():
            schema.write_bytes(schema_file().read_bytes())
        with NamedTemporaryFile("w", dir=path.parent, prefix=".", suffix=".new", encoding="utf-8", delete=False) as new:
            new.write(text)
        try:
            Path(new.name).chmod(0o644)
            if force:
                os.replace(new.name, path)
            else:
                os.link(new.name, path)
        finally:
            Path(new.name).unlink(missing_ok=True)
    except OSError as error:
        if isinstance(error, FileExistsError):
            raise_if_there(path, force=False)
        raise Misconfigured(f"{path} cannot be written: {error.strerror}.") from error
    return load_flow(path)


def evidence_keys() -> Sequence[bytes]:
    """The key that signs first, then those that only verify: the Variable's, by line or comma, then the fernet_keys.

    So a new secret goes before the old ones, and a fernet_key that was rotated out goes behind the secrets in the Variable.
    Empty where Airflow has neither. Raises Misconfigured for a secret that is too short, TryLater when Airflow cannot say.
    """
    own = _variable().replace(",", " ").split()
    if any(len(secret) < SHORTEST for secret in own):
        raise Misconfigured(
            f"A secret in Airflow's Variable {VARIABLE} has fewer than {SHORTEST} characters; take random ones."
        )
    return [derived(secret) for secret in dict.fromkeys([*own, *_fernet_keys()])]


def derived(secret: str) -> bytes:
    """A key of 32 bytes for evidence alone, by HKDF with SHA-256 (RFC 5869)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(secret.encode())


def _variable() -> str:
    from airflow.sdk import Variable

    try:
        return str(Variable.get(VARIABLE, default=None) or "")
    except Exception as error:  # noqa: BLE001 - whatever it is, no other key may sign in its place
        # Without it another key would sign. What went wrong may quote the Variable, so only its kind is told.
        raise TryLater(f"Airflow does not give its Variable {VARIABLE}: {type(error).__name__}.") from None


def _fernet_keys() -> Sequence[str]:
    from airflow.sdk.configuration import conf

    return [key.strip() for key in conf.get("core", "fernet_key", fallback="").split(",") if key.strip()]
