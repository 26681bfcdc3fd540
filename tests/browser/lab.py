"""A real JupyterLab on this machine, and a page of it that a test can drive."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "tests" / "artefacts"
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SECONDS = 1000
# Not "python3": Jupyter takes that name to mean its own Python, whatever a kernelspec says.
KERNEL = "the-tests-python"


@dataclass
class Server:
    """A running JupyterLab."""

    process: subprocess.Popen[bytes]
    port: int
    token: str
    folder: Path

    def url(self, notebook: str) -> str:
        base = f"http://127.0.0.1:{self.port}/lab/tree/{notebook}"
        return f"{base}?token={self.token}&reset"

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


def start(
    folder: Path, python: str = sys.executable, extra: dict[str, str] | None = None
) -> Server:
    """Start JupyterLab over `folder`, with settings of its own; kernels run on `python`."""
    home = folder / ".jupyter"
    page_config = home / "config" / "labconfig" / "page_config.json"
    page_config.parent.mkdir(parents=True)
    announcements = "@jupyterlab/apputils-extension:announcements"
    page_config.write_text(json.dumps({"disabledExtensions": {announcements: True}}))
    kernel = home / "data" / "kernels" / KERNEL / "kernel.json"
    kernel.parent.mkdir(parents=True)
    argv = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = os.urandom(12).hex()
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "HF_HUB_OFFLINE": "1",
        **(extra or {}),
    }
    log = (folder / "jupyterlab.log").open("wb")
    process = subprocess.Popen(
        [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
            "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}",
            f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True",
        ],
        cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    server = Server(process, port, token, folder)
    end = time.monotonic() + 90
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token={token}", timeout=2)
            return server
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.2)
    server.stop()
    raise RuntimeError(f"JupyterLab did not start:\n{(folder / 'jupyterlab.log').read_text()}")


def notebook(cells: list[str]) -> dict[str, Any]:
    """A notebook of code cells."""
    return {
        "cells": [
            {
                "cell_type": "code", "id": f"cell-{n}", "metadata": {}, "source": source,
                "outputs": [], "execution_count": None,
            }
            for n, source in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"name": KERNEL, "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }  # fmt: skip


_EXECUTE = """async (code) => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute({code, store_history: false});
  let text = '';
  future.onIOPub = (message) => {
    if (message.header.msg_type === 'stream') text += message.content.text;
    if (message.header.msg_type === 'error') text += message.content.traceback.join('\\n');
  };
  await future.done;
  return text;
}"""


# What each view draws on, the grid's thumbnails aside.
PICTURE = "canvas.aw-cells, canvas.aw-links, canvas.aw-washes, .aw-grid-scroll canvas"

# More than one colour: an empty canvas has one.
_IS_PAINTED = """(canvas) => {
  const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size > 1;
}"""


@dataclass
class Lab:
    """A page of JupyterLab with one notebook open; whatever goes wrong in it is remembered."""

    server: Server
    page: Page
    name: str
    errors: list[str] = field(default_factory=list)

    @classmethod
    def open(
        cls,
        server: Server,
        browser: Browser,
        cells: list[str] | Path,
        *,
        width: int = 1400,
        height: int = 1000,
    ) -> Lab:
        """Open a notebook made of `cells`, or a copy of the notebook at a path."""
        name = f"notebook-{os.urandom(4).hex()}.ipynb"
        if isinstance(cells, Path):
            made = json.loads(cells.read_text())
            made["metadata"]["kernelspec"]["name"] = KERNEL
        else:
            made = notebook(cells)
        (server.folder / name).write_text(json.dumps(made))
        page = browser.new_page(viewport={"width": width, "height": height})
        lab = cls(server, page, name)
        page.on("console", lambda m: lab.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: lab.errors.append(str(error)))
        page.route("**/*", lab._block_outside)
        page.goto(server.url(name))
        lab.wait_for_kernel()
        page.evaluate(
            "if (!jupyterapp.shell.leftCollapsed)"
            " jupyterapp.commands.execute('application:toggle-left-area')"
        )
        return lab

    def _block_outside(self, route: Route) -> None:
        host = route.request.url.split("/")[2] if "//" in route.request.url else ""
        if host.startswith("127.0.0.1:") or route.request.url.startswith(("data:", "blob:")):
            route.continue_()
        else:
            self.errors.append(f"a request left the machine: {route.request.url}")
            route.abort()

    def wait_for_kernel(self) -> None:
        """Until the notebook's kernel is idle."""
        self.page.wait_for_function(
            "globalThis.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status"
            " === 'idle'",
            timeout=60 * SECONDS,
        )

    def run_all(self) -> None:
        """Run every cell and wait until the kernel is idle again."""
        self.page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        self.wait_for_kernel()

    def begin(self, cell: int) -> None:
        """Run one cell, without waiting for its end."""
        self.page.evaluate(
            """(cell) => {
              jupyterapp.shell.currentWidget.content.activeCellIndex = cell;
              jupyterapp.commands.execute('notebook:run-cell');
            }""",
            cell,
        )

    def kernel_status(self) -> str:
        """What the notebook's kernel is doing: "idle", "busy" ..."""
        return str(
            self.page.evaluate(
                "jupyterapp.shell.currentWidget.sessionContext.session.kernel.status"
            )
        )

    def theme(self, dark: bool) -> None:
        """Switch the theme of JupyterLab."""
        name = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.page.evaluate(
            "(theme) => jupyterapp.commands.execute('apputils:change-theme', {theme})", name
        )
        self.page.wait_for_function(
            "(light) => document.body.dataset.jpThemeLight === light", arg=str(not dark).lower()
        )

    def python(self, code: str) -> str:
        """Run code in the notebook's kernel; what it prints, or its traceback."""
        return str(self.page.evaluate(_EXECUTE, code)).strip()

    def wait_for_python(self, code: str, expected: str) -> None:
        """Until code prints this: the page sends many quick changes as a few."""
        end = time.monotonic() + 20
        while (said := self.python(code)) != expected:
            assert time.monotonic() < end, f"{code} still says {said}, not {expected}"
            self.page.wait_for_timeout(50)

    def widget(self, nth: int = 0) -> Locator:
        """The nth attnwidget on the page, scrolled into view."""
        found = self.page.locator(".attnwidget").nth(nth)
        found.wait_for(timeout=30 * SECONDS)
        found.scroll_into_view_if_needed()
        return found

    def sentence(self, nth: int = 0) -> str:
        """What the nth widget says of its selection."""
        return self.widget(nth).locator(".aw-sentence").inner_text()

    def wait_for_sentence(self, words: str, nth: int = 0) -> str:
        """Until the nth widget's sentence holds `words`; the whole sentence."""
        line = self.widget(nth).locator(".aw-sentence", has_text=words)
        line.wait_for(timeout=20 * SECONDS)
        return line.inner_text()

    def head(self, layer: int, head: int, nth: int = 0) -> Locator:
        """The thumbnail of a head."""
        return self.widget(nth).get_by_role(
            "gridcell", name=f"layer {layer}, head {head}", exact=True
        )

    def cells(self, nth: int = 0) -> NDArray[np.uint8]:
        """Pixels (height, width, 4) of the nth widget's matrix."""
        return self.pixels(self.widget(nth).locator("canvas.aw-cells"))

    def pixels(self, canvas: Locator) -> NDArray[np.uint8]:
        """Pixels (height, width, 4) of a canvas, as they were drawn."""
        url = str(canvas.evaluate("(canvas) => canvas.toDataURL('image/png')"))
        return np.array(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGBA"))

    def wait_until_drawn(self, nth: int = 0) -> None:
        """Until the nth widget shows a picture of its selection: its sentence holds a number."""
        self.widget(nth).locator(".aw-sentence", has_text="%").wait_for(timeout=30 * SECONDS)
        self.page.wait_for_function(
            _IS_PAINTED, arg=self.widget(nth).locator(PICTURE).first.element_handle()
        )

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, as fast as a hand would."""
        for key in keys:
            self.page.keyboard.press(key)
            self.page.wait_for_timeout(60)

    def leave_by_tab(self, most: int) -> None:
        """Press Tab until the focus is outside the widget, which takes fewer than `most` stops."""
        widget, stops = self.widget(), 0
        while widget.evaluate("(e) => e.contains(document.activeElement)"):
            stops += 1
            assert stops < most, "Tab does not leave the widget"
            self.page.keyboard.press("Tab")

    def row(self, side: str, text: str, nth: int = 0) -> Locator:
        """A token in one of the two columns of the lines view: side is "query" or "key"."""
        column = self.widget(nth).locator(f".aw-column-{side}")
        return column.get_by_role("option").filter(
            has=self.page.locator("bdi", has_text=re.compile(f"^{re.escape(text)}$"))
        )

    def wait_until_redrawn(self, before: NDArray[np.uint8], nth: int = 0) -> NDArray[np.uint8]:
        """Until the matrix differs from `before`."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            now = self.cells(nth)
            if now.shape != before.shape or (now != before).any():
                return now
            self.page.wait_for_timeout(50)
        raise AssertionError("the matrix has not changed within 20 s")

    def screenshot(self, name: str, nth: int = 0) -> Path:
        """Keep a picture of a widget as an artefact to be looked at."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.widget(nth).screenshot(path=path)
        return path

    def close(self) -> None:
        """Shut the kernel down, close the page, and fail if anything went wrong in it."""
        self.page.evaluate("jupyterapp.shell.currentWidget?.sessionContext?.shutdown?.()")
        self.page.close()
        assert not self.errors, self.errors
