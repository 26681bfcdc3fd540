"""One JupyterLab and one Chromium for all browser tests."""

from __future__ import annotations

from collections.abc import Iterator

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


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest, server: Server, browser: Browser) -> Iterator[Lab]:
    """One notebook for all tests of a module, made of its CELLS and run once.

    Opening JupyterLab and starting a kernel takes longer than any test.
    """
    opened = Lab.open(server, browser, request.module.CELLS)
    opened.run_all()
    yield opened
    opened.close()
