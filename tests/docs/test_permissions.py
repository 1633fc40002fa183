"""The sheets of rights are about what the code calls: nothing is missing, nothing is left over, and no bank data is read."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from manuals import PACKAGE, permissions
from manuals.pages import NoPlace
from manuals.permissions import NOT_SAID, READS, SCOPES, WRITES, asana_calls, fields_read, writing_methods

ROOT = Path(__file__).resolve().parents[2]
OAS = Path(os.environ.get("ASANA_OAS") or ROOT.parent / "shared/reference/asana_oas.yaml")
SECRET = re.compile("BANK|ACH|WIRE|TAXID|^SSN|ROUTING|ACCOUNTNUMBER|CARD|IBAN|SWIFT")


def test_every_read_and_write_of_intacct_has_its_right_and_no_right_is_left_over() -> None:
    assert READS.keys() == fields_read().keys()
    assert list(WRITES) == writing_methods(PACKAGE / "intacct" / "writing.py")
    assert "| Accounts Payable, Vendors: Edit |" in permissions.intacct_sheet()


def test_every_call_to_asana_has_its_scope_and_no_scope_is_left_over() -> None:
    assert set(asana_calls()) == SCOPES.keys()


def test_a_call_without_its_right_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = {call: scope for call, scope in SCOPES.items() if call != ("GET", "/events")}
    monkeypatch.setattr(permissions, "SCOPES", fewer)
    with pytest.raises(NoPlace, match="GET /events"):
        permissions.asana_sheet()
    monkeypatch.setattr(permissions, "WRITES", {})
    with pytest.raises(NoPlace, match="stamp_bill"):
        permissions.intacct_sheet()


def test_no_bank_card_or_tax_data_is_read() -> None:
    assert [name for fields in fields_read().values() for name in fields if SECRET.search(name)] == []


def test_scopes_are_those_that_asana_documents() -> None:
    if not OAS.is_file():
        pytest.skip("Asana's OpenAPI description is not at hand; name its place in ASANA_OAS")
    paths = yaml.load(OAS.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["paths"]
    known = {re.sub(r"\{\w+\}", "{gid}", path): operations for path, operations in paths.items()}
    for (method, path), scope in SCOPES.items():
        said = re.findall(r"Required scope: ?</b><code>([\w:.]+)", known[path][method.lower()].get("description", ""))
        assert (said or [NOT_SAID]) == [scope], f"{method} {path}"
