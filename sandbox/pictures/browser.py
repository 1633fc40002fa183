"""Chromium without a window, steered over its own debugging protocol. https://chromedevtools.github.io/devtools-protocol/"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from sandbox.pictures.palette import small_png

NAMES = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 30
FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-lcd-text",
    "--hide-scrollbars",
    "--no-first-run",
    "--remote-debugging-port=0",
)


class NoBrowser(Exception):
    """There is no Chromium on this machine, or it did not start."""


def chromium() -> str | None:
    """Its program, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One tab. What it loads comes from this machine alone."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._number = socket, 0
        self.tell("Page.enable")

    def tell(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=180))
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise NoBrowser(f"{method}: {answer['error']['message']}")
                result: dict[str, Any] = answer["result"]
                return result

    def look(self, *, width: int, height: int, dark: bool) -> None:
        """How large the window is, and which theme the system and Airflow have. The next page that is opened takes it."""
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        theme = "dark" if dark else "light"
        self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        self.tell(
            "Page.addScriptToEvaluateOnNewDocument", source=f"try {{ localStorage.setItem('theme', '{theme}') }} catch (_) {{}}"
        )

    def open(self, url: str, *, until: str, seconds: float = 120) -> None:
        """Go there, and wait until an expression holds."""
        self.tell("Page.navigate", url=url)
        self.wait(until, seconds=seconds)

    def wait(self, until: str, *, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while not self.value(f"(() => {{ try {{ return Boolean({until}) }} catch (_) {{ return false }} }})()"):
            if time.monotonic() > end:
                raise NoBrowser(f"Waited {seconds:.0f} s in vain for: {until}")
            time.sleep(0.2)

    def value(self, expression: str) -> Any:
        return self.tell("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def press(self, selector: str, *, seconds: float = 30) -> None:
        """A click on the first such thing, as soon as it is there."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait(found, seconds=seconds)
        self.value(f"{found}.click()")

    def write(self, selector: str, text: str) -> None:
        """What somebody types into a field, which they leave afterwards."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.wait(found)
        self.value(f"{found}.focus(), {found}.select()")
        self.tell("Input.insertText", text=text)
        self.value(f"{found}.blur()")

    def shot(self, *, settle_seconds: float = 0.8) -> str:
        """What the window shows once fonts and transitions are done, as PNG in base64."""
        time.sleep(settle_seconds)
        return str(self.tell("Page.captureScreenshot", format="png")["data"])

    def picture(self, path: Path, *, settle_seconds: float = 0.8) -> None:
        """What the window shows, in a file. Afterwards the tab is empty."""
        shot = self.shot(settle_seconds=settle_seconds)
        self.open("about:blank", until="location.href === 'about:blank'")
        told = self.tell("Runtime.evaluate", expression=PIXELS % shot, awaitPromise=True, returnByValue=True)["result"]["value"]
        pixels = base64.b64decode(told["pixels"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(small_png(pixels, width=told["width"], height=told["height"]))


PIXELS = """
(async () => {
  const image = new Image();
  image.src = "data:image/png;base64,%s";
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height), pen = canvas.getContext("2d");
  pen.drawImage(image, 0, 0);
  const data = pen.getImageData(0, 0, image.width, image.height).data;
  let text = "";
  for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode(...data.subarray(at, at + 32768));
  return { width: image.width, height: image.height, pixels: btoa(text) };
})()
"""
"""A picture as Chromium reads it."""


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium of our own, ended afterwards. Raises NoBrowser where there is none."""
    program = chromium()
    if program is None:
        raise NoBrowser("There is no Chromium here; install Debian's package chromium.")
    with tempfile.TemporaryDirectory(prefix="pictures-", ignore_cleanup_errors=True) as folder:
        # Its own sandbox does not start as root, where tests of containers run.
        as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [program, *FLAGS, *as_root, f"--user-data-dir={folder}", "about:blank"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with connect(_tab(Path(folder), process), max_size=None, proxy=None) as socket:
                yield Browser(socket)
        finally:
            process.terminate()
            process.wait(10)


def _tab(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """The address of the first tab's debugging socket."""
    end, file = time.monotonic() + START_SECONDS, folder / "DevToolsActivePort"
    while time.monotonic() < end and process.poll() is None:
        if file.exists() and (lines := file.read_text().splitlines()):
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            tabs: list[Mapping[str, str]] = json.load(opener.open(f"http://127.0.0.1:{lines[0]}/json"))
            for tab in tabs:
                if tab["type"] == "page":
                    return tab["webSocketDebuggerUrl"]
        time.sleep(0.1)
    raise NoBrowser("Chromium did not start.")
