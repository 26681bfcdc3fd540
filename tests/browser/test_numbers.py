"""The picture is the number: drawn pixels against the weights they stand for."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from tests.browser.lab import Lab

OpenLab = Callable[..., Lab]

MAPS = """
import torch, attnwidget as aw
torch.manual_seed(3)
T = {tokens}
future = torch.ones(T, T, dtype=torch.bool).triu(1)
maps = [torch.randn(1, 2, T, T).mul(2).masked_fill(future, -torch.inf).softmax(-1) for _ in range(2)]
ex = aw.explore(attention=maps, tokens=[f"t{{n}}" for n in range(T)], layer=1, head=1)
ex
"""
WEIGHTS = "import json; print(json.dumps(ex.trace.calls[1].weights(head=1)[0, 0].tolist()))"


@pytest.mark.parametrize("dark", [False, True])
def test_each_cell_has_the_colour_that_the_legend_gives_its_weight(
    open_lab: OpenLab, dark: bool
) -> None:
    """The legend's own pixels are the measure: colour at √(w / max) along the ramp."""
    lab = open_lab([MAPS.format(tokens=12)], dark=dark)
    lab.run_all()
    lab.wait_until_drawn()
    weights = np.array(json.loads(lab.python(WEIGHTS)))
    cells = lab.cells()[..., :3].astype(int)
    legend = Image.open(io.BytesIO(lab.widget().locator(".aw-ramp").screenshot()))
    ramp = np.array(legend.convert("RGB")).astype(int)
    ramp = ramp[ramp.shape[0] // 2, 1:-1]  # without its border
    height, width = cells.shape[0] / 12, cells.shape[1] / 12
    worst = 0
    for query in range(12):
        for key in range(query + 1):
            drawn = cells[int((query + 0.5) * height), int((key + 0.5) * width)]
            share = np.sqrt(weights[query, key] / weights.max())
            expected = ramp[round(share * (len(ramp) - 1))]
            worst = max(worst, int(np.abs(drawn - expected).max()))
    assert worst <= 6, f"a cell is {worst} of 255 away from its colour"


def test_masked_cells_are_hatched_and_nan_cells_are_marked(open_lab: OpenLab) -> None:
    lab = open_lab([
        MAPS.format(tokens=8).replace("ex = aw", "maps[1][0, 1, 4, 2] = torch.nan\nex = aw")
    ])
    lab.run_all()
    lab.widget().locator(".aw-sentence", has_text="Layer 1").wait_for()
    lab.page.wait_for_timeout(500)
    cells = lab.cells()[..., :3].astype(int)
    size = cells.shape[0] / 8

    def cell(query: int, key: int) -> np.ndarray:
        inner = slice(int(query * size) + 3, int((query + 1) * size) - 3)
        return cells[inner, int(key * size) + 3 : int((key + 1) * size) - 3].reshape(-1, 3)

    assert len(np.unique(cell(3, 1), axis=0)) == 1, "a plain weight is one flat colour"
    assert len(np.unique(cell(4, 2), axis=0)) > 1, "a NaN is marked"
    assert not np.array_equal(cell(4, 2), cell(4, 1))
    words = lab.widget().locator(".aw-legend").inner_text()
    assert "not a number" in words
    lab.python("ex.query = 4")
    assert "not a number" in lab.wait_for_sentence("not a number")
    lab.screenshot("nan")


def test_masked_cells_of_a_real_mask_are_hatched(open_lab: OpenLab) -> None:
    lab = open_lab(["import attnwidget as aw\nex = aw.explore()\nex"])
    lab.run_all()
    lab.wait_until_drawn()
    cells = lab.cells()[..., :3].astype(int)
    tokens = int(lab.python("print(len(ex.tokens))"))
    size = cells.shape[0] / tokens
    corner = cells[3 : int(size) - 3, int((tokens - 1) * size) + 3 : -3].reshape(-1, 3)
    assert len(np.unique(corner, axis=0)) > 1
    assert "masked" in lab.widget().locator(".aw-legend").inner_text()


def test_a_long_text_never_loses_its_peak(open_lab: OpenLab) -> None:
    """One weight of 1 among 700 × 700 small ones must be seen as the darkest spot."""
    lab = open_lab([
        "import torch, attnwidget as aw\n"
        "weights = torch.full((1, 1, 700, 700), 0.001)\n"
        "weights[0, 0, 500, 123] = 0.9\n"
        "ex = aw.explore(attention=[weights])\nex",
    ])
    lab.run_all()
    lab.wait_until_drawn()
    cells = lab.cells()[..., :3].astype(int).sum(-1)
    dark = np.argwhere(cells == cells.min())
    y, x = dark.mean(0) / cells.shape
    assert abs(y - 500 / 700) < 0.02
    assert abs(x - 123 / 700) < 0.02
    assert "500" in lab.sentence()
    assert "90 %" in lab.sentence()
    lab.screenshot("long")
