"""The main job in a real JupyterLab: look, select, read, set, type, reload, follow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from playwright.sync_api import expect

from tests.browser.lab import SECONDS, Lab

OpenLab = Callable[..., Lab]

EXPLORE = "import attnwidget as aw\nex = aw.explore()\nex"
SELECTED = "print(ex.stack, ex.layer, ex.head, ex.query, ex.key)"


def opened(open_lab: OpenLab, *more: str) -> Lab:
    lab = open_lab([EXPLORE, *more])
    lab.run_all()
    lab.wait_until_drawn()
    return lab


def test_a_click_on_a_thumbnail_selects_the_head_here_and_in_python(open_lab: OpenLab) -> None:
    lab = opened(open_lab)
    before = lab.cells()
    layer, head = (int(n) for n in lab.python("print(ex.layer, ex.head)").split())
    other = (layer + 1) % 3, (head + 1) % 4
    lab.head(*other).click()
    lab.wait_for_sentence(f"Layer {other[0]}, head {other[1]}:")
    lab.wait_until_redrawn(before)
    assert lab.python("print(ex.layer, ex.head)") == f"{other[0]} {other[1]}"
    expect(lab.head(*other)).to_have_attribute("aria-selected", "true")


def test_a_click_on_a_cell_selects_query_and_key(open_lab: OpenLab) -> None:
    lab = opened(open_lab)
    tokens = int(lab.python("print(len(ex.tokens))"))
    canvas = lab.widget().locator("canvas.aw-cells")
    box = canvas.bounding_box()
    assert box is not None
    canvas.click(
        position={"x": box["width"] * 2.5 / tokens, "y": box["height"] * 5.5 / tokens}
    )
    lab.wait_for_sentence(lab.python("print(ex.tokens[5])"))
    assert lab.python("print(ex.query, ex.key)") == "5 2"
    exact = lab.python(
        "print(f'{ex.trace.stacks[ex.stack][ex.layer]"
        ".weights(head=ex.head, queries=5, keys=2).item():.3f}')"
    )
    assert float(lab.widget().locator(".aw-number").inner_text()) == float(exact)


def test_keys_step_through_tokens_heads_and_layers(open_lab: OpenLab) -> None:
    lab = opened(open_lab)
    lab.python("ex.layer, ex.head, ex.query, ex.key = 0, 0, 3, 1")
    lab.wait_for_sentence("Layer 0, head 0:")
    lab.head(0, 0).focus()
    for key, expected in (
        ("ArrowRight", "0 0 4 1"),
        ("ArrowLeft", "0 0 3 1"),
        ("ArrowDown", "1 0 3 1"),
        ("]", "1 1 3 1"),
        ("[", "1 0 3 1"),
        ("ArrowUp", "0 0 3 1"),
        ("Shift+ArrowLeft", "0 0 3 0"),
        ("Escape", "0 0 3 None"),
    ):
        lab.page.keyboard.press(key)
        lab.page.wait_for_timeout(150)
        assert lab.python(SELECTED) == f"decoder {expected}", key
    lab.page.keyboard.press("v")
    expect(lab.widget().locator(".aw-grid-view")).to_be_visible()
    assert lab.python("print(ex.view)") == "grid"
    cells = lab.page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length")
    assert cells == 1, "one of Jupyter's own shortcuts fired"


def test_help_lists_the_keys_and_tab_leaves_the_widget(open_lab: OpenLab) -> None:
    lab = opened(open_lab)
    lab.head(0, 0).click()
    lab.page.keyboard.press("?")
    expect(lab.widget().locator(".aw-help-pane")).to_be_visible()
    lab.page.keyboard.press("Escape")
    expect(lab.widget().locator(".aw-help-pane")).to_have_count(0)
    for _ in range(12):
        lab.page.keyboard.press("Tab")
        if not lab.page.evaluate("!!document.activeElement.closest('.attnwidget')"):
            return
    raise AssertionError("Tab does not leave the widget")


def test_setting_the_selection_in_python_changes_the_picture(open_lab: OpenLab) -> None:
    lab = opened(open_lab)
    before = lab.cells()
    lab.python("ex.layer, ex.head = (ex.layer + 1) % 3, (ex.head + 2) % 4")
    after = lab.wait_until_redrawn(before)
    assert (after != before).any()
    lab.python("ex.query = 2")
    token = lab.python("print(ex.tokens[2])")
    assert f": {token} looks" in lab.wait_for_sentence(f": {token} looks")


def test_what_does_not_exist_is_refused_in_python_and_the_picture_stays(
    open_lab: OpenLab,
) -> None:
    lab = opened(open_lab)
    before, sentence = lab.cells(), lab.sentence()
    said = lab.python("try:\n    ex.layer = 12\nexcept Exception as error:\n    print(error)")
    assert "layer=12 does not exist in 'decoder'. Choose from 0 to 2." in said
    assert lab.sentence() == sentence
    np.testing.assert_array_equal(lab.cells(), before)


def test_typing_a_sentence_runs_the_model(open_lab: OpenLab) -> None:
    lab = opened(open_lab)
    box = lab.widget().get_by_label("Text the model runs on")
    box.fill("the dog thanked the cat because it was kind .")
    box.press("Enter")
    lab.widget().locator(".aw-labels", has_text="thanked").wait_for(timeout=20 * SECONDS)
    assert lab.python("print(ex.text)") == "the dog thanked the cat because it was kind ."
    assert "thanked" in lab.python("print(ex.tokens)")
    box.fill("the cat slept .")
    lab.widget().get_by_role("button", name="Run").click()
    lab.widget().locator(".aw-labels", has_text="slept").wait_for(timeout=20 * SECONDS)
    lab.wait_until_drawn()
    assert lab.python("print(len(ex.tokens))") == "4"


def test_bad_text_is_said_in_the_widget_and_the_last_picture_stays(open_lab: OpenLab) -> None:
    lab = opened(open_lab)
    before = lab.cells()
    box = lab.widget().get_by_label("Text the model runs on")
    for text, words in (("   ", "The text is empty."), ("the cat " * 60, "positions")):
        box.fill(text)
        box.press("Enter")
        trouble = lab.widget().locator(".aw-trouble", has_text=words)
        trouble.wait_for(timeout=20 * SECONDS)
        np.testing.assert_array_equal(lab.cells(), before)
    lab.screenshot("trouble-too-long")
    box.fill("the cat slept .")
    box.press("Enter")
    lab.widget().locator(".aw-labels", has_text="slept").wait_for(timeout=20 * SECONDS)
    expect(lab.widget().locator(".aw-trouble")).to_have_count(0)


def test_a_reloaded_page_gets_the_picture_back(open_lab: OpenLab) -> None:
    lab = opened(open_lab)
    lab.head(1, 2).click()
    lab.wait_for_sentence("Layer 1, head 2:")
    lab.wait_until_drawn()
    before, sentence = lab.cells(), lab.sentence()
    lab.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    lab.page.wait_for_timeout(1500)
    lab.page.goto(lab.page.url.replace("?reset", ""))
    lab.wait_for_kernel()
    lab.wait_for_sentence("Layer 1, head 2:")
    lab.wait_until_drawn()
    assert lab.sentence() == sentence
    assert lab.cells().shape == before.shape
    np.testing.assert_array_equal(lab.cells(), before)
    lab.head(0, 1).click()
    lab.wait_for_sentence("Layer 0, head 1:")
    assert lab.python("print(ex.layer, ex.head)") == "0 1"


BUSY = """
import time, torch
with torch.no_grad():
    for step in range(60):
        ex._session.model(torch.randint(5, 60, (1, 9)))
        time.sleep(0.1)
"""


def test_a_forward_pass_in_a_running_cell_changes_the_picture(open_lab: OpenLab) -> None:
    lab = opened(open_lab, BUSY)
    lab.page.wait_for_timeout(300)
    lab.page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    lab.page.wait_for_timeout(2500)
    pictures = []
    for _ in range(12):
        status = lab.page.evaluate(
            "jupyterapp.shell.currentWidget.sessionContext.session.kernel.status"
        )
        pictures.append((status, lab.cells().tobytes()))
        lab.page.wait_for_timeout(250)
    while_busy = [drawn for status, drawn in pictures if status == "busy"]
    assert len(while_busy) >= 4
    assert len(set(while_busy)) >= 3, "the picture stands still while the cell runs"
    lab.wait_for_kernel()


def test_two_views_of_one_widget_and_two_widgets_on_a_page(open_lab: OpenLab) -> None:
    lab = opened(open_lab, "ex", "other = aw.explore()\nother")
    for nth in (0, 1, 2):
        lab.wait_until_drawn(nth)
    other = lab.sentence(2)
    lab.head(0, 3, nth=1).click()
    for nth in (0, 1):
        lab.wait_for_sentence("Layer 0, head 3:", nth)
    assert lab.sentence(2) == other
    lab.python("other.layer, other.head = 2, 3")
    lab.wait_for_sentence("Layer 2, head 3:", 2)
    assert lab.sentence(0).startswith("Layer 0, head 3:")


def test_a_widget_made_before_any_forward_pass_waits_in_words(open_lab: OpenLab) -> None:
    lab = open_lab([
        "import torch, attnwidget as aw\nfrom torch import nn\n"
        "model = nn.TransformerEncoderLayer(16, 4, batch_first=True).eval()\n"
        "ex = aw.explore(model)\nex",
    ])
    lab.run_all()
    lab.widget().locator(".aw-trouble", has_text="Nothing has run yet").wait_for()
    lab.screenshot("waiting")
    lab.python("with torch.no_grad(): model(torch.randn(2, 7, 16))")
    lab.wait_until_drawn()
    assert "Layer 0, head" in lab.sentence()
    lab.screenshot("live-fast-path")
