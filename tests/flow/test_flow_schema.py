"""The JSON Schema that editors use: current, complete in its words, and of one mind with the loader."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml
from intacct_asana.flow.load import load_flow
from intacct_asana.flow.schema import SCHEMA_FILE, json_schema, main
from intacct_asana.flow.sources import BILL_SOURCES

from tests.flow.mapping_builders import DEMO


class EditorLoader(yaml.SafeLoader):
    """YAML as editors read it: days stay text."""


EditorLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def demo() -> dict[str, Any]:
    data: dict[str, Any] = yaml.load(DEMO.read_text(), Loader=EditorLoader)
    return copy.deepcopy(data)


def test_committed_schema_is_current() -> None:
    assert json.loads(SCHEMA_FILE.read_text()) == json_schema(), "run python -m intacct_asana.flow.schema"
    assert main(["--check"]) == 0


def test_schema_is_valid_and_takes_the_demo_flow() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    jsonschema.validate(demo(), json_schema())


def test_demo_flow_points_editors_at_the_schema() -> None:
    assert DEMO.read_text().startswith(f"# yaml-language-server: $schema={SCHEMA_FILE.name}\n")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("flow",), "Not A Slug"),
        (("bills", "project"), "my-project"),
        (("bills", "states"), ["Nearly paid"]),
        (("bills", "fields", 0, "source"), "bank_account"),
        (("bills", "fields", 0, "kind"), "money"),
        (("bills", "page_size"), 0),
        (("colour",), "blue"),
        (("write_back", "steps"), ["approve"]),
        (("approval", "approvers"), []),
    ],
)
def test_schema_refuses_what_the_loader_refuses(path: tuple[str | int, ...], value: object) -> None:
    data: Any = demo()
    here = data
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, json_schema())


def properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in {"Flow": schema, **schema["$defs"]}.items():
        for key, value in part.get("properties", {}).items():
            yield f"{name}.{key}", value


def test_every_key_says_what_it_is_for() -> None:
    """An editor shows it when the pointer rests on the key; where it has none, what the part says of itself."""
    schema = json_schema()

    def text_of(value: dict[str, Any]) -> str:
        return str(
            value.get("description") or schema["$defs"].get(value.get("$ref", "").rsplit("/")[-1], {}).get("description", "")
        )

    told = {name: text_of(value) for name, value in properties(schema)}
    assert [name for name, text in told.items() if not text] == []
    assert len(told) > 100


def test_editors_find_the_schema_without_any_setting_up() -> None:
    """Each flow file names it in its first line, where it is as seen from there; for files that do not, there are settings."""
    folder = DEMO.parent
    for path in (DEMO, *(folder / "examples").glob("*.yaml")):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        named = path.parent / first.removeprefix("# yaml-language-server: $schema=")
        schema = json.loads(named.read_text(encoding="utf-8"))
        seen = named.parent / schema["$ref"] if "$ref" in schema else named
        assert seen.resolve() == SCHEMA_FILE
    settings = json.loads((folder.parents[1] / ".vscode" / "settings.json").read_text(encoding="utf-8"))
    (schema_path, patterns), *_ = settings["yaml.schemas"].items()
    assert (folder.parents[1] / schema_path).resolve() == SCHEMA_FILE
    assert all(any(folder.parents[1].glob(pattern)) for pattern in patterns)


def test_schema_offers_every_source_with_its_meaning() -> None:
    source = json_schema()["$defs"]["BillField"]["properties"]["source"]["anyOf"][0]
    assert source["enum"] == list(BILL_SOURCES)
    assert len(source["enumDescriptions"]) == len(BILL_SOURCES)


def test_loader_and_schema_agree_on_every_default() -> None:
    flow = load_flow(DEMO)
    assert json_schema()["$defs"]["Limits"]["properties"]["creates"]["default"] == type(flow.limits)().creates
