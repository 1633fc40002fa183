"""`python -m sandbox --port 8099`: both stand-ins on this machine until Ctrl-C."""

from __future__ import annotations

import argparse

import uvicorn

from sandbox.app import create_app
from sandbox.control import DEFAULT_SEED


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Stand-ins for Sage Intacct and Asana.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="the same seed gives the same data")
    parser.add_argument("--vendors", type=int, default=40)
    parser.add_argument("--bills", type=int, default=250)
    asked = parser.parse_args()
    app = create_app(seed=asked.seed, vendors=asked.vendors, bills=asked.bills)
    # The Date of an answer is that of the sandbox's own clock, so the server adds none.
    uvicorn.run(app, host=asked.host, port=asked.port, access_log=False, log_level="warning", date_header=False)


if __name__ == "__main__":
    main()
