"""Where the keys of the evidence come from: Airflow's own key, or a Variable; and that neither is ever shown."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from cryptography.fernet import Fernet
from intacct_asana.audit.chain import fingerprint
from intacct_asana.deployment import derived, evidence_keys
from intacct_asana.errors import Misconfigured, TryLater
from intacct_asana.operators.preflight import ReportChecksOperator

from tests.store.store_world import opened, settled, unlock

NEW, OLD = Fernet.generate_key().decode(), Fernet.generate_key().decode()
SECRET = "".join(["a secret ", "of its own"]).replace(" ", "-") * 2


@pytest.fixture(autouse=True)
def airflow_says(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`airflow_says(fernet="...", variable="...")`, as environment variables do in a deployment."""

    def says(*, fernet: str = "", variable: str = "") -> None:
        monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", fernet)
        monkeypatch.setenv("AIRFLOW_VAR_INTACCT_ASANA_EVIDENCE_SECRET", variable)

    says()
    return says


def test_the_key_is_derived_from_airflows_own_and_is_not_that_key(airflow_says: Any) -> None:
    airflow_says(fernet=NEW)
    (key,) = evidence_keys()
    assert key == derived(NEW)
    assert len(key) == 32
    assert NEW.encode() not in key


def test_a_fernet_key_that_was_rotated_goes_on_verifying(airflow_says: Any) -> None:
    airflow_says(fernet=f"{NEW},{OLD}")
    assert evidence_keys() == [derived(NEW), derived(OLD)]


def test_a_secret_of_its_own_signs_before_airflows_key(airflow_says: Any) -> None:
    airflow_says(fernet=NEW, variable=f"{SECRET}\n{OLD}")
    assert evidence_keys() == [derived(SECRET), derived(OLD), derived(NEW)]


def test_an_airflow_without_any_key_gives_none(airflow_says: Any) -> None:
    assert evidence_keys() == []


def test_a_short_secret_is_refused_and_not_shown(airflow_says: Any) -> None:
    airflow_says(fernet=NEW, variable="hunter2hunter2")
    with pytest.raises(Misconfigured, match="fewer than 32 characters") as caught:
        evidence_keys()
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_variable_that_airflow_does_not_give_makes_no_other_key_sign(
    airflow_says: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow_says(fernet=NEW)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"cannot read {SECRET}")

    monkeypatch.setattr("airflow.sdk.Variable.get", broken)
    with pytest.raises(TryLater, match="Airflow does not give its Variable") as caught:
        evidence_keys()
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def report_of(store: Any) -> list[dict[str, str]]:
    operator = ReportChecksOperator(task_id="report", flow="demo", rows=[])
    operator.__dict__["run_parts"] = type("Run", (), {"store": store})
    return operator._evidence()


def test_preflight_tells_from_which_row_on_the_evidence_is_keyed(tmp_path: Any) -> None:
    store = opened(f"sqlite:///{tmp_path / 'store.db'}", keys=(derived(NEW),))
    settled(store)
    (row,) = report_of(store)
    assert row["ok"] == "yes"
    assert f"4 rows, keyed from row 1 on (key {fingerprint(derived(NEW))})" in row["result"]


def test_preflight_says_that_there_is_no_key_and_what_is_wrong(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    (row,) = report_of(opened(url, keys=()))
    assert row["ok"] == "no"
    assert "no key is configured" in row["result"]
    assert "fernet_key" in row["mend"]
    settled(opened(url))
    unlock(url)
    with opened(url)._database.write() as connection:
        connection.exec_driver_sql("UPDATE ia_evidence SET body = '{}' WHERE sequence = 2")
    (row,) = report_of(opened(url))
    assert "row 2 (bill-1): it was changed" in row["result"]
