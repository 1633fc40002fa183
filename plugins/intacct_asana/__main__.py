"""The command line: `python -m intacct_asana`."""

from __future__ import annotations

import typer

from intacct_asana.commands import access, close, evidence, example, policy, prove_live, store

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Sage Intacct and Asana, joined by Airflow.")
app.add_typer(evidence.app, name="evidence")
app.add_typer(policy.app, name="policy")
app.add_typer(store.app, name="store")
app.command()(access.access)
app.command()(close.close)
app.command()(example.example)
app.command("prove-live")(prove_live.prove_live)

if __name__ == "__main__":
    app()
