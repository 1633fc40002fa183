"""Faults of the line that count the calls to both systems together."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest

from sandbox import constants


def ask_asana(sandbox: Any) -> int:
    headers = {"Authorization": f"Bearer {constants.ASANA_TOKEN}"}
    request = urllib.request.Request(f"{sandbox.asana_url}/users/me", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status  # type: ignore[no-any-return]


@pytest.mark.parametrize("on_call", [1, 2, 3, 4])
def test_a_call_is_struck_by_its_number_whichever_system_it_goes_to(sandbox: Any, gateway: Any, on_call: int) -> None:
    sandbox.fault("*", "*", "drop", on_call=on_call)
    struck = []
    for number, call in enumerate((lambda: ask_asana(sandbox), lambda: gateway.query("VENDOR")) * 2, start=1):
        try:
            call()
        except (OSError, AssertionError):
            struck.append(number)
    assert struck == [on_call]


@pytest.mark.parametrize("action", ["lose_stamp", "drop_event", "no_status", "429:5", "nonsense"])
def test_a_fault_of_one_system_cannot_be_asked_of_both(sandbox: Any, action: str) -> None:
    with pytest.raises(AssertionError, match="not a fault that both"):
        sandbox.fault("*", "*", action)
