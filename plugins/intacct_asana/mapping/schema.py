"""The JSON Schema of flow files, made from the models, so that editors complete and check them.

python -m intacct_asana.mapping.schema            writes include/mappings/flow.schema.json
python -m intacct_asana.mapping.schema --check    fails when the file is not current
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from intacct_asana.mapping.model import Flow

SCHEMA_FILE = Path(__file__).resolve().parents[3] / "include" / "mappings" / "flow.schema.json"


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of one flow file."""
    schema = Flow.model_json_schema(mode="validation")
    return (
        {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        | schema
        | {"title": "Flow of Intacct bills and Asana tasks"}
    )


def schema_text() -> str:
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the file, or only compare it. The answer is the exit code."""
    if "--check" not in arguments:
        SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
        print(f"wrote {SCHEMA_FILE}")
        return 0
    current = SCHEMA_FILE.is_file() and SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()
    print("flow.schema.json is current" if current else "flow.schema.json is old: run python -m intacct_asana.mapping.schema")
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
