"""The main job in a real JupyterLab: look, select, read, set, type, reload, follow."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.lab import SECONDS, Lab

CELLS = [
    """
import time, torch, attnwidget as aw
model, tokenizer = aw.zoo.load("stories")
text = aw.zoo.card("stories")["text"]
ex = aw.explore(model, tokenizer, text)
ex.attach()
ex""",
    "ex",
    'other = aw.explore(view="matrix")\nother',
    """
with torch.no_grad():
    for step in range(busy if "busy" in globals() else 0):
        model(torch.randint(5, 60, (1, 9)))
        time.sleep(0.1)""",
]
SELECTED = "print(ex.stack, ex.layer, ex.head, ex.query, ex.key)"


@pytest.fixture(autouse=True)
def start(lab: Lab) -> None:
    """Every test starts from the same sentence and selection."""
    lab.python("ex.text = text; ex.view = 'matrix'")
    lab.python("ex.layer, ex.head, ex.query, ex.key = 0, 0, 3, 1")
    lab.wait_for_sentence("Layer 0, head 0:")
    lab.wait_until_drawn()


def exact(lab: Lab, query: int, key: int) -> float:
    """A weight of the selected head, from Python."""
    call = "ex.trace.stacks[ex.stack][ex.layer]"
    at = f"head=ex.head, queries={query}, keys={key}"
    return float(lab.python(f"print({call}.weights({at}).item())"))


def shown_number(lab: Lab) -> float:
    """The large number beside the matrix."""
    text = lab.widget().locator(".aw-number").inner_text()
    minus = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
    return float(text.replace("·10", "e").translate(minus))


def wait_for_token(lab: Lab, text: str) -> None:
    """Until the matrix is labelled with a token."""
    label = lab.widget().locator(".aw-labels", has_text=text)
    label.wait_for(state="attached", timeout=20 * SECONDS)


def test_a_click_on_a_thumbnail_selects_the_head_here_and_in_python(lab: Lab) -> None:
    before = lab.cells()
    lab.head(1, 3).click()
    lab.wait_for_sentence("Layer 1, head 3:")
    lab.wait_until_redrawn(before)
    assert lab.python("print(ex.layer, ex.head)") == "1 3"
    expect(lab.head(1, 3)).to_have_attribute("aria-selected", "true")


def test_a_click_on_a_cell_selects_query_and_key(lab: Lab) -> None:
    tokens = int(lab.python("print(len(ex.tokens))"))
    canvas = lab.widget().locator("canvas.aw-cells")
    box = canvas.bounding_box()
    assert box is not None
    canvas.click(position={"x": box["width"] * 2.5 / tokens, "y": box["height"] * 5.5 / tokens})
    lab.wait_for_sentence(lab.python("print(ex.tokens[5])"))
    assert lab.python("print(ex.query, ex.key)") == "5 2"
    assert shown_number(lab) == pytest.approx(exact(lab, 5, 2), rel=5e-3, abs=5e-7)


def test_keys_step_through_tokens_heads_and_layers(lab: Lab) -> None:
    cells = lab.page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length")
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
        ("Escape", "0 0 None None"),
    ):
        lab.page.keyboard.press(key)
        lab.page.wait_for_timeout(150)
        assert lab.python(SELECTED) == f"decoder {expected}", key
    for view in ("text", "steps", "block", "grid", "generation", "lines", "matrix"):
        lab.page.keyboard.press("v")
        lab.page.wait_for_timeout(150)
        assert lab.python("print(ex.view)") == view
    now = lab.page.evaluate("jupyterapp.shell.currentWidget.content.widgets.length")
    assert now == cells, "one of Jupyter's own shortcuts fired"


def test_help_lists_the_keys_and_tab_leaves_the_widget(lab: Lab) -> None:
    lab.head(0, 0).click()
    lab.page.keyboard.press("?")
    expect(lab.widget().locator(".aw-help-pane")).to_be_visible()
    lab.page.keyboard.press("Escape")
    expect(lab.widget().locator(".aw-help-pane")).to_have_count(0)
    lab.leave_by_tab(most=20)


def test_setting_the_selection_in_python_changes_the_picture(lab: Lab) -> None:
    before = lab.cells()
    lab.python("ex.layer, ex.head = 1, 2")
    after = lab.wait_until_redrawn(before)
    assert (after != before).any()
    lab.python("ex.query = 2")
    token = lab.python("print(ex.tokens[2])")
    assert f": {token} looks" in lab.wait_for_sentence(f": {token} looks")


def test_what_does_not_exist_is_refused_in_python_and_the_picture_stays(lab: Lab) -> None:
    before, sentence = lab.cells(), lab.sentence()
    said = lab.python("try:\n    ex.layer = 12\nexcept Exception as error:\n    print(error)")
    assert "layer=12 does not exist in 'decoder'. Choose from 0 to 2." in said
    assert lab.sentence() == sentence
    np.testing.assert_array_equal(lab.cells(), before)


def test_typing_a_sentence_runs_the_model(lab: Lab) -> None:
    box = lab.widget().get_by_label("Text the model runs on")
    box.fill("the dog thanked the cat because it was kind .")
    box.press("Enter")
    wait_for_token(lab, "thanked")
    assert lab.python("print(ex.text)") == "the dog thanked the cat because it was kind ."
    assert "thanked" in lab.python("print(ex.tokens)")
    box.fill("the cat slept .")
    lab.widget().get_by_role("button", name="Run").click()
    wait_for_token(lab, "slept")
    lab.wait_until_drawn()
    assert lab.python("print(ex.tokens)") == "['<s>', 'the', 'cat', 'slept', '.']"


def test_bad_text_is_said_in_the_widget_and_the_last_picture_stays(lab: Lab) -> None:
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
    wait_for_token(lab, "slept")
    expect(lab.widget().locator(".aw-trouble")).to_have_count(0)


def test_a_reloaded_page_gets_the_picture_back(lab: Lab) -> None:
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


def test_a_forward_pass_in_a_running_cell_changes_the_picture(lab: Lab) -> None:
    lab.python("busy = 40")
    lab.begin(cell=3)
    pictures = []
    for _ in range(14):
        lab.page.wait_for_timeout(250)
        pictures.append((lab.kernel_status(), lab.cells().tobytes()))
    while_busy = [drawn for status, drawn in pictures if status == "busy"]
    assert len(while_busy) >= 6
    assert len(set(while_busy)) >= 4, "the picture stands still while the cell runs"
    lab.wait_for_kernel()


def test_two_views_of_one_widget_and_two_widgets_on_a_page(lab: Lab) -> None:
    for nth in (0, 1, 2):
        lab.wait_until_drawn(nth)
    other = lab.sentence(2)
    lab.head(0, 3, nth=1).click()
    for nth in (0, 1):
        lab.wait_for_sentence("Layer 0, head 3:", nth)
    assert lab.sentence(2) == other
    lab.python("other.layer, other.head = 1, 3")
    lab.wait_for_sentence("Layer 1, head 3:", 2)
    assert lab.sentence(0).startswith("Layer 0, head 3:")
