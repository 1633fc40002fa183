"""The command line: see `script/pictures --help`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

import typer

from sandbox.demo import people
from sandbox.demo.__main__ import FLOW, Demo
from sandbox.demo.airflow_server import ROOT, DemoFailed, end_on_signals
from sandbox.pictures.browser import Browser, NoBrowser, browser

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
PICTURES = ROOT / "docs" / "pictures"
PAGE = "/intacct-asana/page"
IN_AIRFLOW = f"/plugin/intacct-asana{PAGE}"
DAYS = 5
"""So many days of history are made, with a few decisions each."""

FRAMED = "document.querySelector('iframe').contentDocument"
CONNECTION = {
    "connection_id": "intacct_default",
    "conn_type": "intacct",
    "host": "https://api.intacct.com/ia/xml/xmlgw.phtml",
    "login": "airflow",
    "extra": '{"company_id": "NORTHWIND", "sender_id": "Northwind"}',
}


def history(demo: Demo) -> None:
    """Some days at the sandbox: bills become tasks, people decide on some each day, what needs a person has a task."""
    began = datetime.now(UTC) - timedelta(days=DAYS)
    demo.start(now=began.isoformat())
    for job, conf in (("preflight", {"create_missing": True}), ("vendor_sync", {}), ("bill_sync", {})):
        demo.run(job, conf)
    cast = [scene for scene in people.cast(demo.steering) if not scene.native]
    for day in range(DAYS):
        for scene in cast[day::DAYS]:
            demo.play(scene)
        demo.steering.call("POST", "clock", {"advance_seconds": 86_400})
    demo.steering.call("POST", "clock", {"release": True})
    demo.run("approval_reconciliation", may_fail=True)
    demo.run("drift_audit", may_fail=True)


class Pictures:
    """Each method makes one picture. `at` is Airflow's address; everybody is an administrator there. `played_at` is the
    sandbox's."""

    def __init__(self, tab: Browser, *, at: str, played_at: str, folder: Path) -> None:
        self.tab, self.at, self.played_at, self.folder = tab, at, played_at, folder
        # The login of a development Airflow is a visit.
        tab.open(f"{at}/auth/token/login", until="document.readyState === 'complete' && location.pathname === '/'")

    def _framed(self, path: str, *, until: str, dark: bool = False, height: int = 800) -> None:
        self.tab.look(width=1280, height=height, dark=dark)
        self.tab.open(f"{self.at}{IN_AIRFLOW}{path}", until=f"{FRAMED}.{until}")

    def overview(self) -> None:
        """One bill on its way: approved on its task, carried by Airflow, stamped on the bill; a line below each window."""
        self.tab.look(width=1180, height=600, dark=False)
        self.tab.open(f"{self.played_at}/bills", until="document.querySelector('#rows tr')")
        self.tab.value(
            "(() => { const box = document.querySelector('#state'); box.value = 'decided'; "
            "box.dispatchEvent(new Event('change', { bubbles: true })) })()"
        )
        self.tab.wait(f"document.querySelectorAll('#rows tr').length < 30 && {APPROVED}")
        # As high as what it lists, and Airflow as what that leaves beside the board.
        listed = self.tab.value("Math.ceil(document.querySelector('table').getBoundingClientRect().bottom) + 20")
        height = min(max(listed, 260), 470)
        self.tab.look(width=1180, height=height, dark=False)
        bills = self.tab.shot()
        task = self.tab.value(f"{APPROVED}.querySelector('a[href*=task]').hash")
        self.tab.look(width=1240, height=900, dark=False)
        self.tab.open(f"{self.played_at}/board{task}", until="document.querySelector('#panel[open] h2, #panel[open] h3')")
        board = self.tab.shot(settle_seconds=2)
        self.tab.look(width=1180, height=1115 - height, dark=False)
        self.tab.open(f"{self.at}/dags", until="document.querySelector('a[href*=_bill_sync]')")
        airflow = self.tab.shot(settle_seconds=4)
        self.tab.look(width=1560, height=700, dark=False)
        self.tab.open("about:blank", until="document.body")
        self.tab.value(f"document.documentElement.innerHTML = {json.dumps(BESIDE_EACH_OTHER % (board, airflow, bills))}")
        self.tab.wait("[...document.images].length === 3 && [...document.images].every(one => one.complete)")
        self.tab.picture(self.folder / "overview.png")

    def page_flows(self) -> None:
        self._framed("/", until="querySelector('.card .last, .card .fresh')", height=620)
        self.tab.picture(self.folder / "page-flows.png")

    def page_decisions_dark(self) -> None:
        self._framed(f"/flows/{FLOW}/decisions", until="querySelector('table.list')", dark=True)
        self.tab.picture(self.folder / "page-decisions-dark.png")

    def page_waiting(self) -> None:
        self._framed(f"/flows/{FLOW}/waiting", until="querySelector('table.list')")
        self.tab.picture(self.folder / "page-waiting.png")

    def page_flow(self) -> None:
        self._framed(f"/flows/{FLOW}", until="querySelector('table.list')", height=900)
        self.tab.picture(self.folder / "page-flow.png")

    def page_figures(self) -> None:
        self._framed(f"/flows/{FLOW}/figures", until="querySelector('.plot canvas')")
        self.tab.picture(self.folder / "page-figures.png")

    def page_figures_dark(self) -> None:
        self._framed(f"/flows/{FLOW}/figures", until="querySelector('.plot canvas')", dark=True)
        self.tab.picture(self.folder / "page-figures-dark.png")

    def page_bill(self) -> None:
        """The first bill of which a decision was carried out."""
        self._framed(f"/flows/{FLOW}/decisions?state=carried-out", until="querySelector('td a[href*=bill]')")
        bill = self.tab.value(f"{FRAMED}.querySelector('td a[href*=bill]').getAttribute('href')")
        self.tab.open(f"{self.at}/plugin/intacct-asana{bill}", until=f"{FRAMED}.querySelector('dl.facts')")
        self.tab.picture(self.folder / "page-bill.png")

    def page_phone(self) -> None:
        self.tab.look(width=390, height=844, dark=False)
        self.tab.open(f"{self.at}{PAGE}/flows/{FLOW}/decisions?state=refused", until="document.querySelector('table.list')")
        self.tab.picture(self.folder / "page-phone.png")

    def trigger_form(self) -> None:
        self._trigger("bill_sync", "trigger-form.png")

    def trigger_approvals(self) -> None:
        self._trigger("approval_reconciliation", "trigger-form-approvals.png")

    def _trigger(self, job: str, name: str) -> None:
        self.tab.look(width=1280, height=1000, dark=False)
        button = (
            "[...document.querySelectorAll('button')].find(b => (b.ariaLabel || b.textContent).trim().startsWith('Trigger'))"
        )
        self.tab.open(f"{self.at}/dags/{FLOW}_{job}", until=button)
        self.tab.value(f"{button}.click()")
        self.tab.wait("document.querySelector('[role=dialog] [type=checkbox], [role=dialog] input')")
        self.tab.picture(self.folder / name, settle_seconds=2.5)

    def connection_form(self) -> None:
        """The form of a connection that stands in Airflow's database; it is not used for anything."""
        self.tab.look(width=1280, height=1100, dark=False)
        edit = "[...document.querySelectorAll('button')].find(b => (b.ariaLabel || b.textContent).trim().startsWith('Edit'))"
        self.tab.open(f"{self.at}/connections", until=edit)
        self.tab.value(f"{edit}.click()")
        more = "[...document.querySelectorAll('[role=dialog] button')].find(b => b.textContent.trim() === 'Extra Fields')"
        self.tab.wait(more)
        # The form is made anew once it knows the connection's type.
        time.sleep(1.5)
        self.tab.value(f"{more}.click()")
        self.tab.picture(self.folder / "connection-form.png", settle_seconds=3)

    def run_note(self) -> None:
        """The newest run of the approvals, with the summary in its note."""
        self.tab.look(width=1280, height=800, dark=False)
        self.tab.open(f"{self.at}{PAGE}/flows/{FLOW}", until="document.querySelector('table.list')")
        links = "[...document.querySelectorAll('a.away')].map(a => a.getAttribute('href'))"
        runs = f"{links}.find(href => href.includes('reconciliation/runs/'))"
        run = self.tab.value(runs) or f"/dags/{FLOW}_approval_reconciliation"
        self.tab.open(f"{self.at}{quote(run, safe='/%')}", until="document.querySelector('td a[href*=tasks]')")
        # Airflow shows its first line; the whole note stands in a dialog.
        self.tab.value("[...document.querySelectorAll('button')].find(one => /note/i.test(one.ariaLabel || ''))?.click()")
        self.tab.picture(self.folder / "run-note.png", settle_seconds=3)


APPROVED = (
    "[...document.querySelectorAll('#rows tr')].find(row => row.querySelector('.across .pill')?.textContent === 'Approved' "
    "&& row.querySelector('a[href*=task]'))"
)
"""The first listed bill that holds an approval and has a task."""

BESIDE_EACH_OTHER = """
<style>
  body { margin: 0; padding: 14px; background: #fff; font: 15px system-ui, sans-serif; color: #333;
    display: grid; grid-template-columns: 880px 1fr; gap: 14px; }
  figure { margin: 0 }
  img { width: 100%%; display: block; border: 1px solid #bbb; border-radius: 6px }
  figcaption { padding-top: 5px; text-align: center }
  .two { display: grid; gap: 10px; align-content: space-between }
</style>
<figure><img src="data:image/png;base64,%s"><figcaption>Asana: a bill is a task, people approve it here</figcaption></figure>
<div class="two">
  <figure><img src="data:image/png;base64,%s"><figcaption>Airflow: carries bills over and approvals back</figcaption></figure>
  <figure><img src="data:image/png;base64,%s"><figcaption>Intacct: who approved, when and why, on the bill</figcaption></figure>
</div>
"""

EVERY_ONE: dict[str, Callable[[Pictures], None]] = {
    "overview": Pictures.overview,
    "page-flows": Pictures.page_flows,
    "page-flow": Pictures.page_flow,
    "page-waiting": Pictures.page_waiting,
    "page-decisions-dark": Pictures.page_decisions_dark,
    "page-bill": Pictures.page_bill,
    "page-figures": Pictures.page_figures,
    "page-figures-dark": Pictures.page_figures_dark,
    "page-phone": Pictures.page_phone,
    "trigger-form": Pictures.trigger_form,
    "trigger-form-approvals": Pictures.trigger_approvals,
    "connection-form": Pictures.connection_form,
    "run-note": Pictures.run_note,
}


def take(at: str, folder: Path, only: list[str], *, played_at: str) -> None:
    with browser() as tab:
        pictures = Pictures(tab, at=at, played_at=played_at, folder=folder)
        for name, picture in EVERY_ONE.items():
            if not only or name in only:
                picture(pictures)
                typer.echo(f"{folder / name}.png")


def next_port(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{(parts.port or 80) + 1}"


@app.command()
def main(
    folder: Annotated[Path, typer.Option("--to", help="The folder of the pictures.")] = PICTURES,
    at: Annotated[
        str, typer.Option(help="Take the pictures of an Airflow that runs, such as the demo's, and start none.")
    ] = "",
    played_at: Annotated[
        str,
        typer.Option("--sandbox", help="The sandbox's address, with --at; the next port where left out, as the demo has it."),
    ] = "",
    only: Annotated[list[str] | None, typer.Option(help="Names of pictures; all of them when left out.")] = None,
    stay: Annotated[bool, typer.Option("--stay", help="Leave everything running afterwards, until Ctrl-C.")] = False,
) -> None:
    """Start the sandbox and Airflow, make some history, and take pictures of the page, the forms and a run's note."""
    if unknown := sorted({*(only or [])} - EVERY_ONE.keys()):
        typer.echo(f"There is no picture {', '.join(unknown)}. There are: {', '.join(EVERY_ONE)}.", err=True)
        raise typer.Exit(2)
    if at:
        take(at.rstrip("/"), folder, only or [], played_at=played_at or next_port(at))
        return
    end_on_signals()
    demo = Demo(seed=7, vendors=15, bills=60, port=None, sabotage=None)
    try:
        history(demo)
        demo.airflow.http.post("/api/v2/connections", json=CONNECTION)
        take(demo.airflow.url, folder, only or [], played_at=demo.steering.url)
        while stay:
            time.sleep(3600)
    except (DemoFailed, NoBrowser) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        pass
    finally:
        demo.stop()


if __name__ == "__main__":
    app()
