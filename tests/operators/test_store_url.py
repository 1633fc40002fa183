"""The store's connection as Airflow keeps it, and the URL that is opened."""

from __future__ import annotations

import json

import pytest
from intacct_asana.operators.flow_run import store_url

POSTGRES = {"conn_type": "postgres", "host": "db", "port": 5432, "login": "u", "password": "p@/w", "schema": "books"}


def url_of(monkeypatch: pytest.MonkeyPatch, **connection: object) -> str:
    monkeypatch.setenv("AIRFLOW_CONN_THE_STORE", json.dumps(connection))
    return store_url("the_store")


def test_how_a_server_has_to_prove_itself_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem", "cursor": "dictcursor"}
    url = url_of(monkeypatch, **POSTGRES, extra=extra)
    assert url == "postgresql+psycopg2://u:p%40%2Fw@db:5432/books?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem"


def test_a_connection_without_an_extra_is_opened_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert url_of(monkeypatch, **POSTGRES) == "postgresql+psycopg2://u:p%40%2Fw@db:5432/books"
    assert url_of(monkeypatch, conn_type="sqlite", host="/data/books.db") == "sqlite:////data/books.db"
