"""One JupyterLab and one Chromium for all browser tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from scripts.find_chromium import find
from tests.browser.lab import CHROMIUM_FLAGS, Lab, Server, start


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("lab"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find()
    assert path, "no Chromium that starts: python scripts/find_chromium.py --install"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def open_lab(server: Server, browser: Browser) -> Iterator[Callable[..., Lab]]:
    """Open notebooks; each is closed, and checked for console errors, when the test ends."""
    opened: list[Lab] = []

    def open_one(cells: list[str] | Path, **how: Any) -> Lab:
        opened.append(Lab.open(server, browser, cells, **how))
        return opened[-1]

    yield open_one
    for lab in opened:
        lab.close()
