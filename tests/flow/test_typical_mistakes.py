"""What people get wrong in their first flow file: each mistake is one sentence with its line, a quotation and the cure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.flow.load import load_flow
from intacct_asana.flow.mistakes.syntax import LOOKALIKES, lookalike

EXAMPLES = Path(__file__).resolve().parents[2] / "include" / "mappings" / "examples"
MINIMAL = (EXAMPLES / "minimal.yaml").read_text(encoding="utf-8")
ONE_COMPANY = (EXAMPLES / "one_company.yaml").read_text(encoding="utf-8")
STATES = "states: [Submitted, Partially Approved, Posted, Selected, Partially Paid]"
APPROVER = "{email: alice.martin@northwind.example, limits: {USD: 10000.00}, intacct_users: [amartin]}"

# What stands there, what somebody writes instead, what is said of it, and what to type.
MISTAKES: dict[str, tuple[str, str, str, str]] = {
    "indented less": ("  states: [Sub", " states: [Sub", "after 1 blank, and the one above after 2", "in one column"),
    "indented more": ("  states: [Sub", "   states: [Sub", "deeper than the one above", "both in one column"),
    "a comma in an amount": ("10000.00", "10,000.00", "`000.00` is what a comma left", "write amounts as 10000.00"),
    "a comma before the cents": ("10000.00", "10.000,00", "`00` is what a comma left", "write amounts as 10000.00"),
    "a quoted amount with a comma": ("10000.00", '"10,000.00"', "is no amount", "as in 10000.00: no thousands marks"),
    "an amount with its currency": ("10000.00", "$10000", "is no amount", "no currency"),
    "an amount without a currency": ("{USD: 10000.00}", "10000", "`limits` is '10000'", "{USD: 10000}"),
    "a small currency": ("USD:", "usd:", "no currency code", "write three capitals: USD"),
    "no blank after a colon in braces": ("USD: 1", "USD:1", "no blank after its colon", "write USD: 10000.00"),
    "no blank after a colon": ("rehearsal: true", "rehearsal:true", "neither `key: value`", "a blank after the colon"),
    "an equals sign": ("flow: acme", "flow = acme", "neither `key: value`", "write `flow: ...`"),
    "no colon at all": ("bills:", "bills", "neither `key: value`", "write `bills:`"),
    "an Asian colon": ("flow: acme", "flow\uff1a acme", "fullwidth colon, U+FF1A", "the colon of the keyboard"),
    "a dash of a word processor": ("    - {email", "    \u2013 {email", "en dash, U+2013", "write `- `"),
    "a minus of a formula": ("    - {email", "    \u2212 {email", "minus sign, U+2212", "write `- `"),
    "a bullet": ("    - {email", "    \u2022 {email", "bullet, U+2022", "write `- `"),
    "no dash": (f"    - {APPROVER}", f"    {APPROVER}", "`approvers` is a table", "begin each item with `- `"),
    "no blank after a dash": (STATES, "states:\n    -Posted\n    -Selected", "where a list is expected", "after the minus"),
    "quotation marks of a word processor": ("flow: acme", "flow: \u201cacme\u201d", "double quotation mark, U+201C", '"text"'),
    "a tab": ("  states", "\tstates", "a tab stands here", "indent with spaces"),
    "a web page's blanks in a value": ("10000.00", "10\u00a0000.00", "no-break space (U+00A0)", "delete it"),
    "what nobody sees": ("flow: acme", "flow: acme\u200b", "zero width space (U+200B)", "type it anew"),
    "a key twice": ("vendors:", "bills:\n  project: 5\nvendors:", "`bills` is written twice (first in line 11)", "keep one"),
    "a list without brackets": (STATES, "states: Submitted, Posted", "a list is expected", "[Submitted, Posted]"),
    "a list of one without brackets": ("[amartin]", "amartin", "a list is expected", "[amartin]"),
    "semicolons": ("[Submitted, Part", "[Submitted; Part", "not allowed", "by commas: Submitted, Partially Approved"),
    "a bracket that is not closed": ("Partially Paid]", "Partially Paid", "the [ of this line is not closed", "write ]"),
    "a brace that is not closed": ("[amartin]}", "[amartin]", "the { of this line is not closed", "write }"),
    "a quotation that is not closed": ("flow: acme", 'flow: "acme', "of this line is not closed", "where the value ends"),
    "an approver as an address alone": (
        APPROVER,
        "a@northwind.example",
        "`approvers` is 'a@north",
        "{email: ..., limits: ...}",
    ),
    "a name beside an address": ("email: al", "email: Al <al", "no e-mail address", "write al"),
    "a project by its address": ("1200000000000010", "https://app.asana.com/1/9/project/1212/list", "is no gid", ""),
    "a project as a spreadsheet has it": ("1200000000000010", "1.20E+15", "is no gid", "a spreadsheet made it shorter"),
    "a state that is misspelt": ("Partially Paid]", "Partialy Paid]", "not allowed", "did you mean 'Partially Paid'?"),
    "a page's fence": ("# yaml-language", "```yaml\n# yaml-language", "a value cannot begin with `", "delete this line"),
}
IN_A_LONGER_FILE: dict[str, tuple[str, str, str, str]] = {
    "a comma in a number": ("limits:\n", "meter: {monthly_calls: 100, warn_at: '0,8'}\nlimits:\n", "is no number", "as in 0.5"),
    "a date of another country": ("2026-10-01", "10/01/2026", "which is no date", "2026-01-31"),
    "a kind as Asana's page calls it": (
        "kind: enum, source: state",
        "kind: single-select, source: state",
        "kind",
        "write enum",
    ),
    "a source that is none": ("source: total_entered", "source: total_amount", "is no source", "'total_entered'"),
    "an unknown key": ("reason_field:", "reasonfield:", "the key `reasonfield` does not exist", "'reason_field'"),
    "no kind": ("kind: text, source: vendor_name", "source: vendor_name", "`kind` is missing", "text, number, enum"),
    "a colon in a value": ("Bills of Northwind,", "Bills: Northwind,", "a colon stands where no key", "needs double quotes"),
    "a comment in braces": ("{field: Approval,", "{field: #Approval,", "the { of this line is not", "begins a comment"),
    "a stamp that lacks a field": ("    decision: ASANA_DECISION\n", "", "`decision` is missing", "add `decision: ...`"),
    "a quotation that is not closed above others": ('"*/15 * * * *"', '"*/15 * * * *', "of this line is not closed", "ends"),
}


def made() -> Iterator[tuple[str, str, tuple[str, str, str, str]]]:
    for text, mistakes in ((MINIMAL, MISTAKES), (ONE_COMPANY, IN_A_LONGER_FILE)):
        for name, mistake in mistakes.items():
            yield name, text, mistake


@pytest.mark.parametrize(("name", "text", "mistake"), made(), ids=[name for name, _, _ in made()])
def test_a_typical_mistake_is_one_sentence_with_line_quotation_and_cure(
    name: str, text: str, mistake: tuple[str, str, str, str], tmp_path: Path
) -> None:
    right, wrong, what, mend = mistake
    assert right in text
    before, after = text.split(right, 1)
    path = tmp_path / "acme.yaml"
    path.write_text(f"{before}{wrong}{after}", encoding="utf-8")
    [told] = problems_of(path)
    first = before.count("\n") + 1
    assert int(told.where.rsplit(":", 1)[1]) in range(first - (name in ABOVE), first + wrong.count("\n") + 1)
    assert what in told.what
    assert mend in told.mend
    assert told.quote
    assert not re.search(r"<block|<scalar|token|pydantic|not YAML", str(told))


ABOVE = ("no dash", "a stamp that lacks a field")
"""Told of the key above, to which the line belongs."""


def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(Misconfigured) as caught:
        load_flow(path)
    return caught.value.problems


def test_a_key_that_slid_out_of_its_part_is_told_with_that_part(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(MINIMAL.replace("  states:", "states:"), encoding="utf-8")
    missing, key = problems_of(path)
    assert "`states` is missing" in missing.what
    assert key.mend.startswith("it is a key of `bills` and of `approval`: indent it below that")


def test_blanks_of_a_web_page_are_told_where_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(MINIMAL.replace("  states:", "\u00a0\u00a0states:"), encoding="utf-8")
    _, blanks = problems_of(path)
    assert "begins with the no-break space (U+00A0)" in blanks.what


def test_what_lies_in_a_comment_or_in_straight_quotes_is_nobodys_mistake(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    said = 'flow: acme\ndescription: "Invoices \u2013 \u201call\u201d of caf\u00e9s" # \u201cnote\u201d \u2022 \u00a0a blank\n'
    path.write_text(MINIMAL.replace("flow: acme", said), encoding="utf-8")
    load_flow(path)


def test_what_lies_in_straight_quotes_hides_no_mistake_of_its_line(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    for said in ('"He said, \u201cpay\u201d"', '"10\u00a0000 bills"', "'a\u200bb'"):
        path.write_text(MINIMAL.replace("flow: acme", f"flow: acme\ndescripton: {said}\n"), encoding="utf-8")
        [told] = problems_of(path)
        assert "the key `descripton` does not exist" in told.what


def test_the_mark_that_an_editor_begins_a_file_with_hides_no_mistake(tmp_path: Path) -> None:
    """Windows' Notepad writes it, and shows it nowhere."""
    path = tmp_path / "acme.yaml"
    text = MINIMAL[MINIMAL.index("flow: acme") :]
    path.write_text(text, encoding="utf-8-sig")
    assert load_flow(path).flow == "acme"
    for wrong, said in (("flow: Acme Corp", "`flow` is 'Acme Corp'"), ("flow = acme", "neither `key: value`")):
        path.write_text(text.replace("flow: acme", wrong), encoding="utf-8-sig")
        told = problems_of(path)[0]
        assert said in told.what
        assert told.quote.startswith("flow")


@pytest.mark.parametrize(
    "line",
    [
        "password = hunter2",
        "password:hunter2",
        "password hunter2",
        "password: hunter2",
        "connections: {intacct: a, password:hunter2}",
        "connections: {intacct: a, password=hunter2}",
    ],
)
def test_a_password_in_the_file_is_not_told_however_it_is_written(line: str, tmp_path: Path) -> None:
    """Import errors are for all to read."""
    path = tmp_path / "acme.yaml"
    path.write_text(MINIMAL.replace("flow: acme", f"flow: acme\n{line}\n"), encoding="utf-8")
    told = str(problems_of(path))
    assert "password" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    "line", ["{blanks}$", "ab{blanks}$", "  k{blanks}x: 5", "kind: a{blanks}b; c", "- {blanks}: x: y", "k: {a}"]
)
def test_a_line_without_end_is_told_like_any_other(line: str, tmp_path: Path) -> None:
    """What a paste may leave. Where the effort grew with its square or cube, this would stand for hours."""
    path = tmp_path / "acme.yaml"
    many = line.format(blanks=" " * 200_000, a="a" * 200_000)
    path.write_text(MINIMAL.replace("flow: acme", f"flow: acme\n{many}\nxx: y: z\n"), encoding="utf-8")
    assert problems_of(path)


def test_each_lookalike_says_what_it_is() -> None:
    assert len(LOOKALIKES) == 6
    for line in ("\u00a0a: b", "  \u2022 a", "a: \u201cb", "a\uff1a b", "a: b\u200b", "a: b\u00a0c"):
        found = lookalike(line)
        assert found is not None
        assert "U+" in found[0]
    assert lookalike("  - a: [b, 'c', \"d\"]") is None
