"""The page as a browser shows it: light and dark, wide and on a phone, with its plots, and nothing that its policy refuses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
import uvicorn
from intacct_asana.records import DecisionState
from intacct_asana.records.concerns import Concern

from sandbox.pictures.browser import Browser, browser, chromium
from tests.conftest import free_port
from tests.page.conftest import PAGE, Office, facts, keep_facts
from tests.page.test_page import a_bill, a_decided_bill

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium here (Debian's package chromium)"),
]

CONTRASTS = """
(() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => [r, g, b].map(v => linear(v / 255)).reduce((sum, v, at) =>
    sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const paper = (node) => {
    const ink = parts(getComputedStyle(node).backgroundColor);
    return ink.length < 4 || ink[3] > 0 || !node.parentElement ? ink : paper(node.parentElement);
  };
  const bad = [];
  for (const node of document.querySelectorAll("a, p, small, td, th, h1, h2, .chip, label, button, summary")) {
    if (!node.innerText || !node.innerText.trim()) continue;
    const [a, b] = [light(parts(getComputedStyle(node).color)), light(paper(node))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) bad.push(`${node.tagName}.${node.className} ${contrast.toFixed(1)}`);
  }
  return [...new Set(bad)];
})()
"""
"""What is harder to read than WCAG's AA allows, of everything that has words."""

REFUSED = "document.documentElement.dataset.refused || ''"
LISTENS = """
document.addEventListener("securitypolicyviolation", (event) => {
  document.documentElement.dataset.refused = `${event.violatedDirective} ${event.blockedURI}`; });
addEventListener("error", (event) => {
  document.documentElement.dataset.refused = event.message || "a file did not load"; }, true);
"""
PAINTED = """
(() => {
  const plot = document.querySelector(".plot canvas");
  const ink = plot.getContext("2d").getImageData(0, 0, plot.width, plot.height).data;
  let dots = 0;
  for (let at = 0; at < ink.length; at += 4) if (ink[at] === 47 && ink[at + 1] === 143 && ink[at + 2] === 99) dots++;
  return dots;
})()
"""
"""How much of a plot has the colour of its first series."""


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with browser() as one:
        one.tell("Page.addScriptToEvaluateOnNewDocument", source=LISTENS)
        yield one


@pytest.fixture
def served(office: Office) -> Iterator[str]:
    """Airflow's app behind a real server."""
    config = uvicorn.Config(office.app, host="127.0.0.1", port=free_port(), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"http://127.0.0.1:{config.port}"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390], ids=["wide", "phone"])
def test_every_view_can_be_read(
    office: Office, tab: Browser, served: str, ago: Callable[..., datetime], dark: bool, width: int
) -> None:
    key = a_decided_bill(office, 7, at=ago(days=1), state=DecisionState.CONFIRMED)
    for number, state in enumerate((DecisionState.PARKED, DecisionState.REFUSED), start=8):
        a_decided_bill(office, number, at=ago(hours=number), state=state, outcome="Because of " + "averylongword" * 20)
    a_bill(office, 10, name="A vendor with a very long name indeed " * 4, at=ago(hours=1))
    # Nobody was asked by name: the rules name three people.
    keep_facts(office, facts(10), at=ago(hours=1))
    told = {"concern_id": "con-1", "key": key, "kind": "duplicate", "cause": "c", "words": "It looks like INV-6."}
    office.store.concerns().save([Concern(**told, blocks=True, found_at=ago(hours=1))])
    office.store.calls().add(system="intacct", company="ACME", job="bill_sync", day=ago(days=1).date(), calls=41)
    tab.tell("Network.setCookie", name="_token", value=office.token("ann"), url=served, httpOnly=True)
    tab.look(width=width, height=900, dark=dark)
    assert "ben.okafor@northwind.example or carla.ruiz@northwind.example" in office.read("/flows/demo/waiting")
    views = ("", "flows/demo", "flows/demo/waiting", "flows/demo/decisions", "flows/demo/concerns", "flows/demo/figures")
    for view in (*views, f"flows/demo/bill?key={key}", "flows/nobody"):
        tab.open(f"{served}{PAGE}/{view}", until="document.readyState === 'complete' && document.querySelector('main')")
        assert (view, tab.value(REFUSED)) == (view, "")
        assert (view, tab.value(CONTRASTS)) == (view, [])
        assert (view, tab.value("document.documentElement.scrollWidth - innerWidth")) == (view, 0)
        paper = tab.value("getComputedStyle(document.body).backgroundColor")
        assert paper == ("rgb(17, 22, 20)" if dark else "rgb(255, 255, 255)")


def test_plots_are_drawn_from_their_tables(office: Office, tab: Browser, served: str, ago: Callable[..., datetime]) -> None:
    a_decided_bill(office, 7, at=ago(days=1), state=DecisionState.CONFIRMED)
    tab.tell("Network.setCookie", name="_token", value=office.token("ann"), url=served, httpOnly=True)
    tab.look(width=1280, height=900, dark=False)
    tab.open(f"{served}{PAGE}/flows/demo/figures", until="document.querySelector('.plot canvas')")
    assert tab.value(PAINTED) > 20
    assert tab.value(REFUSED) == ""
