"""A real Chromium and a JupyterLab for measures of the page."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from scripts.find_chromium import find
from tests.browser.lab import CHROMIUM_FLAGS, Server, start


@contextmanager
def opened() -> Iterator[tuple[Server, Browser]]:
    """Both, until the block ends. Its notebooks may import benchmarks."""
    chromium = find()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
        server = start(Path(folder), extra={"PYTHONPATH": str(Path(__file__).parents[1])})
        try:
            yield server, browser
        finally:
            server.stop()
            browser.close()
