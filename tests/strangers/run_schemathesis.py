"""Schemathesis over the routes that the sandbox serves. Run by the Python of an environment that has it.

run_schemathesis.py URL TOKEN DESCRIPTION(json) EXAMPLES: asks each operation of the description so many times with what fits it
and what does not, and says what answered with a server's error or against the description. The last line is JSON: operations
asked, cases, and failures.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

url, token, description, examples = sys.argv[1:5]
report = Path(tempfile.mkdtemp(prefix="schemathesis-")) / "report.json"
asked = [
    *(sys.executable, "-m", "schemathesis.cli", "run", description, "--url", f"{url}/api/1.0"),
    *("-H", f"Authorization: Bearer {token}", "--checks", "not_a_server_error,response_schema_conformance"),
    *("--phases", "fuzzing", "--max-examples", examples, "--seed", "1", "--generation-deterministic", "--continue-on-failure"),
    *("--report-json-path", str(report), "--report", "json", "--suppress-health-check", "all", "--no-color", "--workers", "1"),
]
ran = subprocess.run(asked, capture_output=True, text=True, cwd=report.parent, check=False)
print(ran.stdout[-20000:], ran.stderr[-4000:], file=sys.stderr)
found = json.loads(report.read_text(encoding="utf-8"))
# 501 is how the sandbox says loudly that it does not play something; each block of the text is one operation's failures.
loud = [each.splitlines()[0].strip("_ ") for each in ran.stdout.split("\n___")[1:] if "[501] Not Implemented" in each]
failures = [
    f"{failure['title']}: {operation}"
    for failure in found["failures"]
    for operation in failure["operations"]
    if not (failure["type"] == "ServerError" and operation in loud)
]
told = {"operations": found["operations"]["tested"], "cases": found["test_cases"]["generated"]}
print(json.dumps({**told, "failures": failures + [str(each) for each in found["errors"]]}))
