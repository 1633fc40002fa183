"""The command line: `intacct-asana`, which is `python -m intacct_asana` where nothing is installed."""

from __future__ import annotations

import sys

import typer

from intacct_asana.commands import access, check, close, evidence, example, plan, policy, prove_live, store
from intacct_asana.commands.terminal import STOPPED, quiet_logs

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Sage Intacct and Asana, joined by Airflow.",
)
app.command()(check.check)
app.command()(plan.plan)
app.command()(example.example)
app.command()(access.access)
app.command()(close.close)
app.command("prove-live")(prove_live.prove_live)
app.add_typer(policy.app, name="policy")
app.add_typer(evidence.app, name="evidence")
app.add_typer(store.app, name="store")


def main() -> None:
    """One command in a process of its own."""
    quiet_logs()
    try:
        app(prog_name="intacct-asana")
    except KeyboardInterrupt:
        sys.exit(STOPPED)


if __name__ == "__main__":
    main()
