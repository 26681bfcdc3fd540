"""Pictures against the numbers they are drawn from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attnwidget import pictures
from attnwidget.messages import Picture, Progress
from attnwidget.pictures import overview, tile
from attnwidget.session import Session
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble


def session_of(*shape: int, layers: int = 2, nan: bool = False) -> Session:
    """Random maps (B, H, Tq, Tk) per layer, without a model."""
    generator = torch.Generator().manual_seed(0)
    maps = [torch.rand(shape, generator=generator).softmax(-1) for _ in range(layers)]
    if nan:
        maps[0][0, 0, 1, 2] = torch.nan
    session = Session()
    session.take(Trace.from_arrays(maps), {})
    return session


def draw(session: Session, **want: Any) -> list[Picture]:
    stack = next(iter(session.snapshot.stacks)) if session.snapshot else ""
    slices = pictures.paint(session, {"key": "k", "stack": stack, "batch": 0, **want})
    return [made for made in slices if isinstance(made, Picture)]


def weights(session: Session, layer: int, head: int, batch: int = 0) -> np.ndarray[Any, Any]:
    assert session.snapshot is not None
    call = session.snapshot.trace.calls[layer]
    return call.weights(head=head, batch=batch)[0, 0].numpy()


TILE: dict[str, Any] = {
    "kind": "tile", "layer": 0, "head": 0, "rows": None, "cols": None, "size": [64, 64],
}  # fmt: skip


def test_a_small_tile_holds_the_exact_numbers() -> None:
    session = session_of(2, 3, 7, 9)
    (made,) = draw(session, **{**TILE, "layer": 1, "head": 2, "batch": 1})
    expected = weights(session, 1, 2, batch=1)
    assert made.facts["encoding"] == "linear"
    assert made.facts["block"] == [1, 1]
    np.testing.assert_array_equal(made.arrays["cells"], expected)
    np.testing.assert_allclose(made.arrays["row_sums"], expected.sum(1), rtol=1e-6)
    np.testing.assert_allclose(made.arrays["col_sums"], expected.sum(0), rtol=1e-6)
    assert not made.arrays["flags"].any()


@given(rows=st.integers(1, 40), cols=st.integers(1, 40), h=st.integers(1, 12), w=st.integers(1, 12))
def test_pooling_never_hides_a_peak(rows: int, cols: int, h: int, w: int) -> None:
    session = session_of(1, 1, rows, cols, layers=1)
    (made,) = draw(session, **{**TILE, "size": [h, w]})
    expected = weights(session, 0, 0)
    br, bc = made.facts["block"]
    cells = made.arrays["cells"]
    assert cells.shape[0] <= h
    assert cells.shape[1] <= w
    for i in range(cells.shape[0]):
        for j in range(cells.shape[1]):
            block = expected[i * br : (i + 1) * br, j * bc : (j + 1) * bc]
            assert cells[i, j] == block.max()


def test_a_large_tile_is_bytes_on_the_square_root_scale() -> None:
    session = session_of(1, 1, 300, 300, layers=1)
    (made,) = draw(session, **{**TILE, "size": [300, 300]})
    expected = weights(session, 0, 0)
    assert made.facts["encoding"] == "sqrt"
    decoded = made.facts["max"] * (made.arrays["cells"] / 255.0) ** 2
    assert np.abs(np.sqrt(decoded) - np.sqrt(expected)).max() <= 0.51 / 255 * expected.max() ** 0.5


def test_a_large_tile_is_drawn_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile, "CELLS_AT_ONCE", 1000)
    session = session_of(1, 1, 100, 100, layers=1)
    slices = list(pictures.paint(session, {"key": "k", "stack": "attention", "batch": 0, **TILE}))
    told = [made for made in slices if isinstance(made, Progress)]
    assert len(told) > 3
    assert [t.done for t in told] == sorted(t.done for t in told)
    expected = weights(session, 0, 0)
    np.testing.assert_allclose(slices[-1].arrays["row_sums"], expected.sum(1), rtol=1e-6)
    assert slices[-1].arrays["cells"].max() == expected.max()


def test_nan_cells_are_marked_and_wash_nothing_out() -> None:
    session = session_of(1, 1, 4, 4, nan=True)
    (made,) = draw(session, **TILE)
    assert made.arrays["flags"][1, 2] == 2
    assert np.isfinite(made.arrays["cells"]).all()
    assert np.isfinite(made.facts["max"])
    (row,) = draw(session, kind="row", layer=0, head=0, query=1)
    assert row.arrays["flags"].tolist() == [0, 0, 2, 0]
    assert np.isfinite(row.facts["sum"])


def test_a_row_is_the_row() -> None:
    session = session_of(1, 2, 5, 6)
    (made,) = draw(session, kind="row", layer=1, head=1, query=3)
    np.testing.assert_array_equal(made.arrays["weights"], weights(session, 1, 1)[3])
    assert made.facts["sum"] == pytest.approx(1.0)


def test_the_overview_shows_every_head_scaled_to_its_own_maximum() -> None:
    session = session_of(1, 3, 10, 10)
    (made,) = draw(session, kind="overview", size=24)
    assert made.arrays["cells"].shape == (2, 3, 10, 10)
    expected = weights(session, 1, 2)
    assert made.arrays["max"][1, 2] == expected.max()
    assert made.arrays["cells"][1, 2].max() == 255
    share = (made.arrays["cells"][1, 2] / 255.0) ** 2 * expected.max()
    np.testing.assert_allclose(share, expected, atol=0.005)


def test_a_long_text_is_sampled_first_and_exact_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "QUICK_WEIGHTS", 1000)
    monkeypatch.setattr(overview, "CELLS_AT_ONCE", 4000)
    session = session_of(1, 2, 50, 50)
    coarse, fine = draw(session, kind="overview", size=8)
    assert (coarse.coarse, coarse.facts["sampled"]) == (True, True)
    assert (fine.coarse, fine.facts["sampled"]) == (False, False)
    assert fine.arrays["max"][0, 1] == weights(session, 0, 1).max()
    assert coarse.arrays["cells"].shape == fine.arrays["cells"].shape


def test_the_model_names_stacks_layers_and_tokens() -> None:
    session = session_of(1, 3, 4, 4)
    (made,) = draw(session, kind="model")
    (stack,) = made.facts["stacks"]
    assert [layer["heads"] for layer in stack["layers"]] == [3, 3]
    assert made.facts["tokens"][stack["query_tokens"]] == [["0", "1", "2", "3"]]


@pytest.mark.parametrize(
    ("want", "message"),
    [
        ({"kind": "tile", **{k: v for k, v in TILE.items() if k != "kind"}, "layer": 9}, "layer 9"),
        ({**TILE, "head": 99}, "head=99 does not exist. Choose from 0 to 2"),
        ({**TILE, "head": "x"}, "whole number"),
        ({**TILE, "head": True}, "whole number"),
        ({**TILE, "batch": -1}, "batch=-1"),
        ({**TILE, "rows": [5, 2]}, "rows="),
        ({**TILE, "size": None}, "two whole numbers"),
        ({"kind": "row", "layer": 0, "head": 0, "query": 77}, "query=77"),
        ({"kind": "overview", "size": "big"}, "whole number"),
        ({"kind": "overview", "stack": "none", "size": 3}, "stack='none'"),
        ({"kind": "fresco"}, "'fresco'"),
    ],
)
def test_what_does_not_exist_is_refused_in_words(want: dict[str, Any], message: str) -> None:
    with pytest.raises(Trouble, match=message):
        draw(session_of(1, 3, 4, 4), **want)


def test_before_the_first_pass_there_is_nothing_to_draw() -> None:
    with pytest.raises(Trouble, match="Nothing has run yet"):
        draw(Session(), kind="model")
