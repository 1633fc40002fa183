"""What each kind of field needs of Asana and of the file, each problem with its cure."""

from __future__ import annotations

from pathlib import Path

import pytest
from intacct_asana.errors import Misconfigured
from intacct_asana.flow.load import load_flow
from intacct_asana.pins import resolve_pins, shared_field
from intacct_asana.records import EnumOption, FieldDefinition, FieldNeed

from tests.flow.mapping_builders import BOT, DEMO, a_definition

AMOUNT = "    - {name: Amount, kind: number, source: total_entered, precision: 2}"


def problem_with(need: FieldNeed, **facts: object) -> str:
    """The one problem that preflight has with a field."""
    _, problems = resolve_pins("1", [a_definition(need, "7", **facts)], [], [need], bot_gid=BOT)
    assert len(problems) == 1
    assert problems[0].mend
    return str(problems[0])


def load(tmp_path: Path, old: str, new: str) -> None:
    text = DEMO.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "demo.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    load_flow(path)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"currency": "EUR", "format": "currency"}, "shows EUR, and the flow says USD"),
        ({"currency": ""}, "shows no currency, and the flow says USD"),
        ({"currency": "USD", "format": "percentage"}, "as a percentage"),
        ({"currency": "USD", "writable": False}, "locked, private or computed"),
        ({"currency": "USD", "enabled": False}, "disabled on the project"),
        ({"currency": "USD", "kind": "text"}, "kind text, and the flow needs number"),
    ],
)
def test_amount_field_of_another_shape_is_told_with_its_cure(facts: dict[str, object], words: str) -> None:
    need = FieldNeed(name="Amount", kind="number", precision=2, currency="USD")
    if facts.get("kind"):
        facts = facts | {"precision": None}
        _, problems = resolve_pins("1", [a_definition(need, "7", **facts)], [], [need], bot_gid=BOT)
        assert any(words in str(problem) for problem in problems)
    else:
        assert words in problem_with(need, **facts)


def test_two_fields_of_one_name_are_told_with_their_gids() -> None:
    need = FieldNeed(name="Vendor", kind="text")
    _, problems = resolve_pins("1", [a_definition(need, "7"), a_definition(need, "8")], [], [need], bot_gid=BOT)
    assert "2 fields could be meant" in str(problems[0])
    assert "7" in problems[0].mend
    assert "8" in problems[0].mend


def test_currency_of_what_is_no_money_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="`currency` is for amounts of money"):
        load(tmp_path, "{name: Vendor, kind: text,", "{name: Vendor, kind: text, currency: USD,")
    with pytest.raises(Misconfigured, match="USD"):
        load(tmp_path, AMOUNT, AMOUNT.replace("precision: 2", "currency: dollars"))


def test_more_options_than_a_field_holds_are_told_and_text_is_proposed(tmp_path: Path) -> None:
    options = ", ".join(f"o{number}" for number in range(501))
    enum = f"{{name: Vendor, kind: enum, options: [{options}],"
    with pytest.raises(Misconfigured, match="501 options, and a field in Asana holds 500") as caught:
        load(tmp_path, "{name: Vendor, kind: text,", enum)
    assert "write `kind: text`" in str(caught.value)
    many_values = ", ".join(f"v{number}: o{number % 500}" for number in range(900))
    load(tmp_path, "{name: Vendor, kind: text,", f"{{name: Vendor, kind: enum, other: o1, options: {{{many_values}}},")


def test_field_of_the_workspace_fits_only_with_every_option_enabled() -> None:
    need = FieldNeed(name="State", kind="enum", options=("Open", "Done"))
    both = a_definition(need, "7", name="STATE")
    options = (EnumOption(gid="1", name="Open"), EnumOption(gid="2", name="Done", enabled=False))
    off = FieldDefinition(gid="7", name="State", kind="enum", options=options)
    assert shared_field(need, [both]) == (both, True)
    assert shared_field(need, [off]) == (off, False)
    assert shared_field(need, [a_definition(FieldNeed(name="Other", kind="text"), "9")]) == (None, False)
