"""The image view in JupyterLab: attention over a picture, by pointer and by keys."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab

CELLS = [
    """
import torch, attnwidget as aw
from tests.unit.images import a_picture, processor, vit
picture = a_picture()
ex = aw.explore(vit(), processor(), picture)
ex""",
]


@pytest.fixture(autouse=True)
def start(lab: Lab) -> None:
    lab.python("ex.view, ex.direction, ex.query, ex.key, ex.hide = 'image', 'from', 0, None, []")
    lab.wait_for_sentence("class token looks")
    lab.page.mouse.move(5, 5)


def test_it_opens_with_the_picture_and_the_class_token(lab: Lab) -> None:
    widget = lab.widget()
    expect(widget.locator(".aw-image-said")).to_contain_text("Where class token looks")
    expect(widget.locator(".aw-image-head")).to_have_count(2)
    expect(widget.locator(".aw-text-line")).to_have_count(0)
    shown = lab.pixels(widget.locator(".aw-image-stage canvas").first)
    assert shown.shape[:2] == (32, 32)
    assert shown[4, 24, 0] > shown[4, 4, 0], "the sun is brighter red than the sky"


def test_a_patch_is_selected_by_a_click_and_left_by_keys(lab: Lab) -> None:
    stage = lab.widget().locator(".aw-image-stage")
    box = stage.bounding_box()
    assert box is not None
    stage.click(position={"x": box["width"] * 0.6, "y": box["height"] * 0.4})
    lab.wait_for_sentence("row 2, column 3 looks")
    assert lab.python("print(ex.query, ex.tokens[ex.query])") == "7 row 2, column 3"
    lab.page.keyboard.press("ArrowDown")
    lab.wait_for_sentence("row 3, column 3 looks")
    lab.page.keyboard.press("Home")
    lab.wait_for_sentence("class token looks")
    number = lab.python("print(float(ex.trace.calls[0].weights(0, 0, 5)[0, 0, 0, 0]))")
    lab.python("ex.layer, ex.head = 0, 0")
    stage.hover(position={"x": 4, "y": 4})
    lab.page.mouse.move(5, 5)
    lab.python("ex.key = 5")
    told = lab.widget().locator(".aw-image-numbers b")
    expect(told).to_have_text(f"{float(number):.4f}")
