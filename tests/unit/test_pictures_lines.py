"""Lines: the strongest weights of every token, in both directions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attnwidget import pictures
from attnwidget.labels import Token
from attnwidget.messages import Picture, Progress
from attnwidget.pictures import lines, shown
from attnwidget.session import Session
from tests.unit.test_pictures import draw, give_tokens, session_of, session_over, weights

LINES: dict[str, Any] = {"kind": "lines", "heads": [[0, 0]], "direction": "from", "count": 4}


def listed(numbers: Any, count: int) -> tuple[list[list[int]], list[list[float]]]:
    """Tokens and weights of each row of `numbers`, sorted by Python."""
    tokens, largest = [], []
    for row in numbers:
        order = sorted((i for i, w in enumerate(row) if w > 0), key=lambda i: (-row[i], i))[:count]
        left = count - len(order)
        tokens.append(order + [-1] * left)
        largest.append([float(row[i]) for i in order] + [0.0] * left)
    return tokens, largest


@given(
    st.integers(1, 12), st.integers(1, 12), st.integers(1, 14), st.sampled_from(["from", "to"]),
    st.sampled_from([1, 20, 10**6]), st.data(),
)  # fmt: skip
def test_the_strongest_come_first_and_of_equals_the_first(
    queries: int, keys: int, count: int, direction: str, cells_at_once: int, data: st.DataObject
) -> None:
    few = st.sampled_from([0.0, 0.0, 0.25, 0.5, 1e-30, float("nan"), -0.25])
    drawn = data.draw(st.lists(few, min_size=queries * keys, max_size=queries * keys))
    numbers = torch.tensor(drawn).reshape(1, 1, queries, keys)
    session = session_over([numbers])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shown, "CELLS_AT_ONCE", cells_at_once)
        (made,) = draw(session, **{**LINES, "direction": direction, "count": count})
    lists = numbers[0, 0].numpy() if direction == "from" else numbers[0, 0].numpy().T
    count = min(count, lists.shape[1])
    tokens, largest = listed(lists, count)
    assert made.facts == {"direction": direction, "of": lists.shape[1], "count": count}
    assert made.arrays["tokens"].tolist() == tokens
    np.testing.assert_array_equal(made.arrays["weights"], np.array(largest, np.float32))
    np.testing.assert_allclose(made.arrays["sums"], lists.sum(1), atol=1e-6)
    assert {name: array.dtype.name for name, array in made.arrays.items()} == {
        "tokens": "int32", "weights": "float32", "sums": "float32",
    }  # fmt: skip


def test_weights_are_the_models_own_bit_by_bit() -> None:
    session = session_of(1, 3, 9, 9)
    (made,) = draw(session, **{**LINES, "heads": [[1, 2]], "count": 9})
    assert made.arrays["weights"].tobytes() == (-np.sort(-weights(session, 1, 2), axis=1)).tobytes()


def test_lines_join_items_and_stand_for_the_mean_of_heads() -> None:
    session = session_of(1, 2, 4, 4)
    give_tokens(session, [Token("t", word=i // 2) for i in range(4)])
    reading = {"words": True, "hide": [], "renormalise": False, "pair": None}
    heads = [[0, 1], [1, 0]]
    (made,) = draw(session, **{**LINES, "heads": heads}, reading=reading)
    mean = np.mean([weights(session, *head).astype(np.float64) for head in heads], axis=0)
    words = mean.reshape(2, 2, 2, 2).mean(1).sum(2)
    tokens, largest = listed(words, 2)
    assert made.facts["of"] == 2
    assert made.arrays["tokens"].tolist() == tokens
    np.testing.assert_allclose(made.arrays["weights"], largest, atol=1e-6)


def test_long_texts_are_drawn_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "CELLS_AT_ONCE", 1000)
    session = session_of(1, 1, 100, 100, layers=1)
    for direction in ("from", "to"):
        want = {"key": "k", "stack": "", "batch": 0, **LINES, "direction": direction}
        *told, made = pictures.paint(session, want)
        assert all(isinstance(one, Progress) for one in told)
        assert len(told) > 3
        assert isinstance(made, Picture)
        assert made.arrays["tokens"].shape == (100, 4)


def test_no_picture_of_lines_outgrows_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST_LINES", 50)
    (made,) = draw(session_of(1, 1, 20, 30), **{**LINES, "count": 10**9})
    assert made.facts["count"] == 2
    (made,) = draw(session_of(1, 1, 20, 30), **{**LINES, "count": -5})
    assert made.facts["count"] == 1


def test_nothing_but_zeros_makes_no_lines() -> None:
    session: Session = session_over([torch.zeros(1, 1, 2, 3)])
    (made,) = draw(session, **LINES)
    assert (made.arrays["tokens"] == -1).all()
    assert not made.arrays["weights"].any()
    assert not made.arrays["sums"].any()
