"""The text view in JupyterLab: the passage as it reads, washed by attention."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab

CELLS = [
    '''
import os
os.environ["HF_HUB_OFFLINE"] = "1"
import torch, attnwidget as aw
minilm, wordpieces = aw.zoo.load("minilm")
passage = """The Animal didn't cross the Street.

It was too tired: naïveté, перекрёсток, 道路, 🙂!"""
ex = aw.explore(minilm, wordpieces, passage, view="text", layer=5, head=11, query="It")
ex''',
    """
words = [f"w{n}" for n in range(2000)]
weights = torch.full((1, 2, 2000, 2000), 0.0001)
weights[0, 0, 1500, 20] = 0.6
weights[0, 1, 1500, 30] = 0.6
long = aw.explore(attention=[weights], tokens=words, view="text", head=0, query=1500)
long""",
]
LONG = 1


@pytest.fixture(autouse=True)
def start(lab: Lab) -> None:
    lab.python("ex.direction, ex.query, ex.key, ex.words, ex.hide = 'from', 'It', None, False, []")
    lab.wait_for_sentence(": It looks")
    lab.wait_until_drawn()
    lab.page.mouse.move(5, 5)
    lab.page.wait_for_timeout(200)


def ink(lab: Lab, word: str, nth: int = 0) -> float:
    """How strongly a word is washed: mean alpha behind it, 0 … 255."""
    widget = lab.widget(nth)
    pixels = lab.pixels(widget.locator("canvas.aw-washes"))
    frame = widget.locator("canvas.aw-washes").bounding_box()
    box = widget.locator(".aw-word", has_text=word).first.bounding_box()
    assert frame is not None
    assert box is not None
    ratio = pixels.shape[1] / frame["width"]
    left, top = box["x"] - frame["x"] + 3, box["y"] - frame["y"] + 4
    rows = slice(int(top * ratio), int((top + box["height"] - 8) * ratio))
    cols = slice(int(left * ratio), int((left + box["width"] - 6) * ratio))
    return float(pixels[rows, cols, 3].mean())


def test_the_passage_reads_as_it_was_written(lab: Lab) -> None:
    shown = lab.widget().locator(".aw-paper").evaluate("(e) => e.textContent")
    passage = lab.python("print(passage)")
    assert shown == f"[CLS]{passage}[SEP]"
    lab.screenshot("text")


def test_the_wash_follows_the_weights(lab: Lab) -> None:
    words = ["Animal", "Street", "tired", "cross"]
    inks = [ink(lab, word) for word in words]
    weights = [
        float(
            lab.python(
                f"print(ex.trace.stacks['encoder'][5].weights(head=11, queries=ex.query,"
                f" keys=ex.tokens.index('{word}')).item())"
            )
        )
        for word in words
    ]
    assert np.argsort(inks).tolist() == np.argsort(weights).tolist()
    assert ink(lab, "Animal") > 60


def test_a_click_on_any_word_selects_it_and_hover_peeks(lab: Lab) -> None:
    before = lab.pixels(lab.widget().locator("canvas.aw-washes"))
    lab.widget().locator(".aw-word", has_text="tired").hover()
    lab.page.wait_for_timeout(200)
    assert (lab.pixels(lab.widget().locator("canvas.aw-washes")) != before).any()
    assert lab.python("print(ex.tokens[ex.query])") == "It"
    lab.widget().locator(".aw-word", has_text="tired").click()
    lab.wait_for_sentence(": tired looks")
    assert lab.python("print(ex.tokens[ex.query], ex.direction)") == "tired from"
    lab.widget().locator(".aw-root").focus()
    lab.press("d")
    lab.wait_for_sentence(": tired is looked at")


def test_several_heads_are_mixed_in_stripes(lab: Lab) -> None:
    lab.wait_until_drawn(LONG)
    lab.python("long.heads = [0, 1]; long.query = 1500")
    expect(lab.widget(LONG).locator(".aw-head-chip")).to_have_count(2)
    lab.python("long.query = 40")
    lab.wait_for_sentence(": w40 looks", LONG)
    lab.python("long.query = 1500")
    lab.wait_for_sentence("60 % at w20", LONG)
    lab.widget(LONG).locator(".aw-paper-scroll").evaluate("(e) => { e.scrollTop = 0; }")
    lab.page.wait_for_timeout(300)
    canvas = lab.widget(LONG).locator("canvas.aw-washes")
    assert ink(lab, "w20", LONG) > 20
    assert ink(lab, "w30", LONG) > 20
    assert ink(lab, "w25", LONG) < 10
    hues = {tuple(p[:3]) for p in lab.pixels(canvas).reshape(-1, 4) if p[3] > 60}
    assert len(hues) >= 2
    lab.screenshot("text-2000", LONG)


def test_thousands_of_words_are_there_and_the_selected_one_in_sight(lab: Lab) -> None:
    lab.python("long.heads = []; long.query = 3")
    lab.wait_for_sentence(": w3 looks", LONG)
    lab.python("long.query = 1500")
    lab.wait_for_sentence(": w1500 looks", LONG)
    widget = lab.widget(LONG)
    assert widget.locator(".aw-word").count() == 2000
    expect(widget.locator(".aw-word", has_text="w1500").first).to_be_in_viewport()
