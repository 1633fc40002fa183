"""Airbyte's source-asana against the sandbox, unchanged but for its host. Run by the Python of an environment that has it.

run_airbyte.py URL TOKEN: what became of the connection check and of each stream as JSON on the last line.
"""

import json
import logging
import sys
from collections import Counter

import requests
from airbyte_cdk.models import (
    AirbyteMessageSerializer,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteStream,
    DestinationSyncMode,
    Status,
    SyncMode,
    Type,
)
from source_asana.source import SourceAsana

url, token = sys.argv[1:3]
sent = requests.Session.send


def at_the_sandbox(self: requests.Session, request: requests.PreparedRequest, **more: object) -> requests.Response:
    request.url = (request.url or "").replace("https://app.asana.com", url)
    return sent(self, request, **more)


requests.Session.send = at_the_sandbox
config = {"credentials": {"option_title": "PAT Credentials", "personal_access_token": token}, "num_workers": 2}
log = logging.getLogger("airbyte")
log.setLevel(logging.ERROR)
told: dict[str, str] = {}
source = SourceAsana(None, config, None)
answer = source.check(log, config)
told["check"] = "ok" if answer.status == Status.SUCCEEDED else str(answer.message)
for stream in source.discover(log, config).streams:
    picked = ConfiguredAirbyteStream(
        stream=stream, sync_mode=SyncMode.full_refresh, destination_sync_mode=DestinationSyncMode.overwrite
    )
    catalog = ConfiguredAirbyteCatalog(streams=[picked])
    one = SourceAsana(catalog, config, None)
    kinds: Counter[str] = Counter()
    problem = ""
    try:
        for message in one.read(log, config, catalog, None):
            kinds[message.type.value] += 1
            if message.type == Type.TRACE and message.trace.error:
                problem = problem or str(AirbyteMessageSerializer.dump(message)["trace"]["error"])
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        problem = problem or f"{type(error).__name__}: {error}"
    told[stream.name] = "refused" if problem else "ok" if kinds["RECORD"] else "no records"
    print(stream.name, dict(kinds), problem[:1500], file=sys.stderr)
print(json.dumps(told))
