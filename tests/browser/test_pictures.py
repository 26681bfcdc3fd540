"""The pictures of the README, made from what a reader would run; `make pictures` keeps them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab

CELLS = [
    """
import os
os.environ["HF_HUB_OFFLINE"] = "1"
import attnwidget as aw
minilm, wordpieces = aw.zoo.load("minilm")
sentence = "The animal didn't cross the street because it was too tired"
lines = aw.explore(minilm, wordpieces, sentence, layer=5, head=11, query="it", key="animal")
lines""",
    """
heads = aw.explore(minilm, wordpieces, sentence, layer=5, head=11, query="it", words=True,
                   hide=["special"], heads=[(5, 2), (5, 9), (5, 11)])
heads""",
    """
story = aw.explore()
story.view = "matrix"
story""",
    """
smollm2, pieces = aw.zoo.load("smollm2")
words = "violin carpet seven mountain apple river"
text = aw.explore(smollm2, pieces, f"{words}. {words}.", layer=18, head=6, query=10,
                  hide=["first"], view="text")
text""",
]
PICTURES = [
    ("lines", "it looks 65 % at animal", False),
    ("heads", "it looks", True),
    ("matrix", "it looks 99 % at animal", False),
    ("text", "at mountain", False),
]


@pytest.mark.parametrize(
    ("nth", "name", "words", "dark"), [(n, *p) for n, p in enumerate(PICTURES)]
)
def test_picture(lab: Lab, nth: int, name: str, words: str, dark: bool) -> None:
    lab.page.set_viewport_size({"width": 1180, "height": 1000})
    lab.theme(dark)
    lab.wait_for_sentence(words, nth)
    lab.wait_until_drawn(nth)
    lab.page.mouse.move(5, 5)
    expect(lab.widget(nth).locator(".aw-words")).to_have_count(0)  # nothing is due any more
    lab.page.wait_for_timeout(400)
    assert lab.screenshot(f"readme-{name}", nth).stat().st_size > 20_000
    lab.theme(dark=False)
