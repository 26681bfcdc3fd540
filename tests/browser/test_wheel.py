"""The built wheel alone, in an empty environment without Node and network, opens a widget."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.lab import Lab, start
from tests.packaging.conftest import built, clean_python

__all__ = ["built", "clean_python"]  # fixtures

CELL = """
import attnwidget as aw, shutil, socket
ex = aw.explore(view='matrix')
ex"""


@pytest.fixture
def lab(clean_python: Path, tmp_path: Path, browser: Browser) -> Iterator[Lab]:
    alone = {"PATH": str(clean_python.parent), "PYTHONPATH": ""}
    server = start(tmp_path, python=str(clean_python), extra=alone)
    opened = Lab.open(server, browser, [CELL])
    opened.run_all()
    yield opened
    opened.close()
    server.stop()


def test_the_wheel_opens_a_widget(lab: Lab, clean_python: Path) -> None:
    lab.wait_until_drawn()
    assert "looks" in lab.sentence()
    assert lab.python("print(aw.__file__)").startswith(str(clean_python.parents[1]))
    assert lab.python("print(shutil.which('node'), shutil.which('npm'))") == "None None"
    outside = "socket.create_connection(('192.0.2.1', 80), timeout=1)"
    assert "no network in this environment" in lab.python(outside)
    before = lab.cells()
    lab.head(0, 1).click()
    lab.wait_for_sentence("Layer 0, head 1:")
    lab.wait_until_redrawn(before)
