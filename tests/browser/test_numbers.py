"""The picture is the number: drawn pixels against the weights they stand for."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.browser.lab import Lab

CELLS = [
    """
import json, torch, attnwidget as aw
torch.manual_seed(3)
future = torch.ones(12, 12, dtype=torch.bool).triu(1)
maps = [torch.randn(1, 2, 12, 12).mul(2).masked_fill(future, -torch.inf).softmax(-1) for _ in "ab"]
words = [f"t{n}" for n in range(12)]
plain = aw.explore(attention=maps, tokens=words, layer=1, head=1, view="matrix")
plain""",
    """
torn = [map_.clone() for map_ in maps]
torn[1][0, 1, 4, 2] = torch.nan
nan = aw.explore(attention=torn, tokens=words, layer=1, head=1, query=7, view="matrix")
nan""",
    """
story = aw.explore(view="matrix")
story""",
    """
weights = torch.full((1, 1, 700, 700), 0.001)
weights[0, 0, 500, 123] = 0.9
long = aw.explore(attention=[weights], view="matrix")
long""",
]
PLAIN, NAN, STORY, LONG = range(4)


def drawn(lab: Lab, nth: int) -> NDArray[np.int64]:
    """Colours (height, width, 3) of the nth widget's matrix."""
    lab.wait_until_drawn(nth)
    return lab.cells(nth)[..., :3].astype(int)


def inside(cells: NDArray[np.int64], query: int, key: int, tokens: int) -> NDArray[np.int64]:
    """Colours (n, 3) within one cell, away from its edge."""
    size = cells.shape[0] / tokens
    rows, cols = (slice(int(n * size) + 3, int((n + 1) * size) - 3) for n in (query, key))
    return cells[rows, cols].reshape(-1, 3)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_each_cell_has_the_colour_that_the_legend_gives_its_weight(lab: Lab, dark: bool) -> None:
    """The legend's own pixels are the measure: colour at √(w / max) along the ramp."""
    lab.theme(dark)
    lab.page.wait_for_timeout(300)
    said = lab.python("print(json.dumps(plain.trace.calls[1].weights(head=1)[0, 0].tolist()))")
    weights = np.array(json.loads(said))
    cells = drawn(lab, PLAIN)
    legend = lab.widget(PLAIN).locator(".aw-ramp").screenshot()
    ramp = np.array(Image.open(io.BytesIO(legend)).convert("RGB")).astype(int)
    ramp = ramp[ramp.shape[0] // 2, 1:-1]  # without its border
    for query in range(12):
        for key in range(query + 1):
            share = np.sqrt(weights[query, key] / weights.max())
            expected = ramp[round(share * (len(ramp) - 1))]
            (colour,) = np.unique(inside(cells, query, key, 12), axis=0)
            assert np.abs(colour - expected).max() <= 6, (query, key)
    lab.theme(dark=False)


def test_nan_cells_are_marked_and_named(lab: Lab) -> None:
    cells = drawn(lab, NAN)
    assert len(np.unique(inside(cells, 3, 1, 12), axis=0)) == 1, "a plain weight is one flat colour"
    assert len(np.unique(inside(cells, 4, 2, 12), axis=0)) > 1, "a NaN is marked"
    assert "not a number" in lab.widget(NAN).locator(".aw-legend").inner_text()
    lab.python("nan.query = 4")
    assert "1 of 12 weights of t4 is not a number" in lab.wait_for_sentence("not a number", NAN)
    lab.screenshot("nan", NAN)


def test_masked_cells_are_hatched_and_named(lab: Lab) -> None:
    cells = drawn(lab, STORY)
    tokens = int(lab.python("print(len(story.tokens))"))
    assert len(np.unique(inside(cells, 0, tokens - 1, tokens), axis=0)) > 1
    assert len(np.unique(inside(cells, tokens - 1, 0, tokens), axis=0)) == 1
    assert "masked" in lab.widget(STORY).locator(".aw-legend").inner_text()


def test_a_long_text_never_loses_its_peak(lab: Lab) -> None:
    """One weight of 0.9 among 700 × 700 small ones is the darkest spot."""
    light = drawn(lab, LONG).sum(-1)
    y, x = np.argwhere(light == light.min()).mean(0) / light.shape
    assert abs(y - 500.5 / 700) < 0.01
    assert abs(x - 123.5 / 700) < 0.01
    assert "500 looks 90 % at 123" in lab.sentence(LONG)
    lab.screenshot("long", LONG)
