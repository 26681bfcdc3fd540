"""Pictures against the numbers they are drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attnwidget import messages, pictures
from attnwidget.labels import Token
from attnwidget.messages import Picture, Progress
from attnwidget.pass_tokens import TokenSides
from attnwidget.pictures import overview
from attnwidget.pictures import shown as shown_module
from attnwidget.session import Session
from attnwidget.trace import Trace
from attnwidget.trouble import Trouble
from tests.unit.test_messages import JSON


def session_of(*shape: int, layers: int = 2, nan: bool = False) -> Session:
    """Random maps (B, H, Tq, Tk) per layer, without a model."""
    generator = torch.Generator().manual_seed(0)
    maps = [torch.rand(shape, generator=generator).softmax(-1) for _ in range(layers)]
    if nan:
        maps[0][0, 0, 1, 2] = torch.nan
    return session_over(maps)


def session_over(maps: Sequence[torch.Tensor]) -> Session:
    session = Session()
    session.take(Trace.from_arrays(maps), {})
    return session


def give_tokens(
    session: Session, queries: Sequence[Token], keys: Sequence[Token] | None = None
) -> None:
    """Tokens for all stacks and batch items, as if a tokenizer had made them."""
    sides = TokenSides(tuple(queries), tuple(queries if keys is None else keys))
    assert session.snapshot is not None
    session.snapshot.pass_tokens.sides = lambda calls, batch=0: sides  # type: ignore[method-assign]


def draw(session: Session, **want: Any) -> list[Picture]:
    stack = next(iter(session.snapshot.stacks)) if session.snapshot else ""
    slices = pictures.paint(session, {"key": "k", "stack": stack, "batch": 0, **want})
    return [made for made in slices if isinstance(made, Picture)]


def weights(session: Session, layer: int, head: int, batch: int = 0) -> np.ndarray[Any, Any]:
    assert session.snapshot is not None
    call = session.snapshot.trace.calls[layer]
    return call.weights(head=head, batch=batch)[0, 0].numpy()


TILE: dict[str, Any] = {
    "kind": "tile", "heads": [[0, 0]], "rows": None, "cols": None, "size": [64, 64],
}  # fmt: skip


def test_a_small_tile_holds_the_exact_numbers() -> None:
    session = session_of(2, 3, 7, 9)
    (made,) = draw(session, **{**TILE, "heads": [[1, 2]], "batch": 1})
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
    monkeypatch.setattr(shown_module, "CELLS_AT_ONCE", 1000)
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
    (row,) = draw(session, kind="row", heads=[[0, 0]], direction="from", at=1)
    assert row.arrays["flags"].tolist() == [0, 0, 2, 0]
    assert np.isfinite(row.facts["sum"])
    (column,) = draw(session, kind="row", heads=[[0, 0]], direction="to", at=2)
    assert column.arrays["flags"].tolist() == [0, 2, 0, 0]


def test_a_row_is_the_row_and_a_column_the_column() -> None:
    session = session_of(1, 2, 5, 6)
    (made,) = draw(session, kind="row", heads=[[1, 1]], direction="from", at=3)
    np.testing.assert_array_equal(made.arrays["weights"], weights(session, 1, 1)[3])
    assert made.facts == {"direction": "from", "at": 3, "sum": pytest.approx(1.0)}
    (made,) = draw(session, kind="row", heads=[[1, 1]], direction="to", at=5)
    expected = weights(session, 1, 1)[:, 5]
    np.testing.assert_array_equal(made.arrays["weights"], expected)
    assert made.facts == {"direction": "to", "at": 5, "sum": pytest.approx(expected.sum())}


def test_a_column_of_a_long_text_comes_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_module, "CELLS_AT_ONCE", 100)
    session = session_of(1, 1, 40, 30, layers=1)
    want = {"key": "k", "kind": "row", "stack": "", "batch": 0, "heads": [[0, 0]]}
    *told, made = pictures.paint(session, {**want, "direction": "to", "at": 7})
    assert len(told) > 3
    assert isinstance(made, Picture)
    np.testing.assert_array_equal(made.arrays["weights"], weights(session, 0, 0)[:, 7])


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


def test_what_a_query_may_not_see_is_marked() -> None:
    session = session_over([torch.ones(1, 1, 3, 3).tril()])
    (row,) = draw(session, kind="row", heads=[[0, 0]], direction="from", at=1)
    assert row.arrays["flags"].tolist() == [0, 0, 1]
    (column,) = draw(session, kind="row", heads=[[0, 0]], direction="to", at=1)
    assert column.arrays["flags"].tolist() == [1, 0, 0]


def test_an_empty_name_is_the_first_stack() -> None:
    session = session_over([torch.ones(1, 1, 2, 3), torch.ones(1, 1, 4, 4)])
    assert session.snapshot is not None
    assert list(session.snapshot.stacks) == ["cross", "attention"]
    (made,) = draw(session, **TILE, stack="")
    assert made.arrays["cells"].shape == (2, 3)


@pytest.mark.parametrize(
    ("want", "message"),
    [
        ({**TILE, "heads": [[9, 0]]}, "layer 9"),
        ({**TILE, "heads": [[0, 99]]}, "head=99 does not exist. Choose from 0 to 2"),
        ({**TILE, "heads": [[0, "x"]]}, "two whole numbers"),
        ({**TILE, "heads": [[0, True]]}, "two whole numbers"),
        ({**TILE, "heads": []}, "list of 1 to 64 pairs"),
        ({**TILE, "heads": None}, "list of 1 to 64 pairs"),
        ({**TILE, "heads": [[0, 0]] * 65}, "list of 1 to 64 pairs"),
        ({**TILE, "batch": -1}, "batch=-1"),
        ({**TILE, "batch": True}, "whole number"),
        ({**TILE, "rows": [5, 2]}, "rows="),
        ({**TILE, "size": None}, "two whole numbers"),
        ({**TILE, "reading": {"hide": ["verbs"]}}, "hide="),
        ({"kind": "row", "heads": [[0, 0]], "direction": "from", "at": 77}, "at=77"),
        ({"kind": "row", "heads": [[0, 0]], "direction": "up", "at": 0}, "'from' or 'to'"),
        ({"kind": "lines", "heads": [[0, 0]], "direction": "to", "count": 1.5}, "count=1.5"),
        ({"kind": "overview", "size": "big"}, "whole number"),
        ({"kind": "overview", "stack": "none", "size": 3}, "stack='none'"),
        ({"kind": "overview", "stack": 7, "size": 3}, "stack=7"),
        ({"kind": "fresco"}, "'fresco'"),
        ({"kind": None}, "None picture"),
    ],
)
def test_what_does_not_exist_is_refused_in_words(want: dict[str, Any], message: str) -> None:
    with pytest.raises(Trouble, match=message):
        draw(session_of(1, 3, 4, 4), **want)


HOSTILE = st.fixed_dictionaries(
    {"kind": st.sampled_from(["check", "lines", "model", "overview", "row", "tile"])},
    optional={
        "stack": JSON | st.sampled_from(["", "attention"]),
        "heads": JSON | st.just([[0, 0]]) | st.lists(st.lists(st.integers(-1, 3), max_size=3)),
        "layer": JSON | st.integers(-1, 2),
        "batch": JSON | st.just(0),
        "rows": JSON | st.lists(st.integers(), max_size=3),
        "cols": JSON | st.none(),
        "size": JSON | st.lists(st.integers(), min_size=2, max_size=2) | st.integers(),
        "direction": JSON | st.sampled_from(["from", "to"]),
        "at": JSON | st.integers(-1, 5),
        "count": JSON | st.integers(),
        "reading": JSON
        | st.fixed_dictionaries(
            {
                "words": st.booleans(),
                "hide": st.lists(st.sampled_from(["first", "special", "padding"])),
                "pair": st.none() | st.lists(st.integers(-1, 2), min_size=2, max_size=2),
            }
        ),
    },
)


@given(HOSTILE | st.dictionaries(st.text(), JSON))
def test_any_json_is_answered_by_a_picture_or_by_trouble(want: Any) -> None:
    session = session_of(1, 3, 4, 4)
    give_tokens(session, [Token("<s>", "", "special"), *(Token("a", word=1) for _ in range(3))])
    try:
        read = messages.read({"type": "wants", "view": "v", "wants": [{"key": "k", **want}]})
        assert isinstance(read, messages.Wants)
        made = list(pictures.paint(session, read.wants[0]))
    except Trouble:
        return
    assert isinstance(made[-1], Picture)


def test_before_the_first_pass_there_is_nothing_to_draw() -> None:
    with pytest.raises(Trouble, match="Nothing has run yet"):
        draw(Session(), kind="model")
