"""The JSON Schema of flow files, made from the models, so that editors complete and check them.

python -m intacct_asana.flow.schema            writes include/mappings/flow.schema.json
python -m intacct_asana.flow.schema --check    fails when the file is not current
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Sequence
from functools import cache
from inspect import cleandoc, getsource
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from intacct_asana.flow.model import Flow
from intacct_asana.flow.words import models_in

SCHEMA_FILE = Path(__file__).resolve().parents[3] / "include" / "mappings" / "flow.schema.json"


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of one flow file."""
    describe(Flow, done=set())
    schema = Flow.model_json_schema(mode="validation")
    return (
        {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        | schema
        | {"title": "Flow of Intacct bills and Asana tasks"}
    )


def describe(model: type[BaseModel], *, done: set[type[BaseModel]]) -> None:
    """Give the fields of `model`, and of the parts below it, the text that stands under each attribute."""
    if model in done:
        return
    done.add(model)
    said = {name: text for one in reversed(model.__mro__) for name, text in _texts(one).items()}
    for name, field in model.model_fields.items():
        field.description = said.get(name)
        for part in models_in(field.annotation):
            describe(part, done=done)
    # What is below comes first, because a model takes over the schemas of its parts.
    model.model_rebuild(force=True)


def _texts(model: type) -> dict[str, str]:
    """Attribute to the text under it, of one class without those that it inherits from."""
    if not model.__module__.startswith("intacct_asana."):
        return {}
    classes = (node for node in _module(model.__module__).body if isinstance(node, ast.ClassDef))
    body = next(node.body for node in classes if node.name == model.__name__)
    return {
        node.target.id: cleandoc(text.value.value)
        for node, text in pairwise(body)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


@cache
def _module(name: str) -> ast.Module:
    return ast.parse(getsource(sys.modules[name]))


def schema_text() -> str:
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the file, or only compare it. The answer is the exit code."""
    if "--check" not in arguments:
        SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
        print(f"wrote {SCHEMA_FILE}")
        return 0
    current = SCHEMA_FILE.is_file() and SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()
    print("flow.schema.json is current" if current else "flow.schema.json is old: run python -m intacct_asana.flow.schema")
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
