"""The command line: `intacct-asana`, which is `python -m intacct_asana` where nothing is installed."""

from __future__ import annotations

import sys

import typer

from intacct_asana.commands import access, check, close, evidence, example, init, plan, policy, prove_live, sandbox, store
from intacct_asana.commands.terminal import STOPPED, quiet_logs

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Sage Intacct and Asana, joined by Airflow.",
)
app.command(epilog=init.HELP)(init.init)
app.command(epilog=check.HELP)(check.check)
app.command(epilog=plan.HELP)(plan.plan)
app.command(epilog=example.HELP)(example.example)
app.command(epilog=access.HELP)(access.access)
app.command(epilog=close.HELP)(close.close)
app.command(epilog=sandbox.HELP, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})(sandbox.sandbox)
app.command("prove-live", epilog=prove_live.HELP)(prove_live.prove_live)
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
