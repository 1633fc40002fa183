"""Singer's tap-asana against the sandbox, unchanged but for its host. Run by the Python of an environment that has it.

run_tap.py URL: the records of each stream as JSON on the last line.
"""

import contextlib
import io
import json
import sys
from collections import Counter

import asana
import requests
from tap_asana import Context, discover, sync
from tap_asana.asana import Asana

url = sys.argv[1]
original = asana.Configuration.__init__


def at_the_sandbox(self: asana.Configuration) -> None:
    original(self)
    self.host = f"{url}/api/1.0"


asana.Configuration.__init__ = at_the_sandbox
posted = requests.post
requests.post = lambda address, **more: posted(address.replace("https://app.asana.com", url), **more)
Context.config = {"start_date": "2000-01-01T00:00:00Z"}
Context.state = {}
Context.asana = Asana(
    client_id="sandbox-asana-client",
    client_secret="sandbox-asana-client-secret",
    redirect_uri="https://localhost",
    refresh_token="sandbox-asana-refresh-1",
)
whole = discover()
told: dict[str, str] = {}
for stream in whole["streams"]:
    Context.catalog, Context.stream_map = {"streams": [stream]}, {}
    stream["schema"]["selected"] = True
    for each in stream["metadata"]:
        each["metadata"]["selected"] = True
    written = io.StringIO()
    try:
        with contextlib.redirect_stdout(written):
            sync()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        told[stream["stream"]] = str(getattr(error, "status", "refused"))
        print(stream["stream"], error, file=sys.stderr)
        continue
    kinds = Counter(json.loads(line)["type"] for line in written.getvalue().splitlines())
    told[stream["stream"]] = "ok" if kinds["RECORD"] else "no records"
    print(stream["stream"], dict(kinds), file=sys.stderr)
print(json.dumps(told))
