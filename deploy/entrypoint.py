"""What each container of Airflow starts with: addresses are put together from hosts and passwords, then the command runs.

A password may hold any character. It is percent-encoded where it stands in a URL, which neither Docker nor Airflow does, and
given to Airflow as JSON where it stands in a connection.

`RELAY` (`127.0.0.1:8099=sandbox:8098`) lets the sandbox, in a container of its own, be reached at loopback as on one machine:
credentials go over plain http to loopback only.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote


def addresses(env: Mapping[str, str]) -> dict[str, str]:
    """Airflow's settings and connections, from `*_HOST` (host:port) and `*_PASSWORD`."""
    postgres, redis = (quote(env[f"{name}_PASSWORD"], safe="") for name in ("POSTGRES", "REDIS"))
    database = f"postgresql+psycopg2://airflow:{postgres}@{env['POSTGRES_HOST']}/airflow"
    return {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
        "AIRFLOW__CELERY__BROKER_URL": f"redis://:{redis}@{env['REDIS_HOST']}/0",
        "AIRFLOW_CONN_INTACCT_ASANA_STORE": store(env, login="intacct_asana", password=env["STORE_PASSWORD"]),
        # Only where tables are made: no task may have it.
        **(
            {"AIRFLOW_CONN_INTACCT_ASANA_STORE_OWNER": store(env, login="store_owner", password=env["STORE_OWNER_PASSWORD"])}
            if "STORE_OWNER_PASSWORD" in env
            else {}
        ),
    }


def store(env: Mapping[str, str], *, login: str, password: str) -> str:
    host, _, port = env["STORE_HOST"].partition(":")
    where = {"host": host, "port": int(port), "schema": "intacct_asana"}
    return json.dumps({"conn_type": "postgres", "login": login, "password": password, **where})


async def relay(listen: str, to: str) -> None:
    """Carry each connection on, both ways, until the container ends."""
    (host, port), (there, its_port) = listen.split(":"), to.split(":")

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other = await asyncio.open_connection(there, int(its_port))
        except OSError:
            writer.close()
        else:
            await asyncio.gather(carry(reader, other[1]), carry(other[0], writer))

    async with await asyncio.start_server(connected, host, int(port)) as server:
        await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "relay":
        asyncio.run(relay(*sys.argv[2].split("=")))
    # Health checks come by here too, and need none.
    if os.environ.get("RELAY") and sys.argv[1] in ("/entrypoint", "python"):
        subprocess.Popen([sys.executable, __file__, "relay", os.environ["RELAY"]])  # noqa: S603 - our own file
    if "POSTGRES_HOST" in os.environ:
        os.environ.update(addresses(os.environ))
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - it becomes the command
