"""Merged words, hidden tokens and the mean of heads, against sums made one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from attnwidget.call import AttentionCall
from attnwidget.labels import Token
from attnwidget.pictures import overview, shown
from attnwidget.reading import Reading, items_of
from attnwidget.session import Session
from attnwidget.trouble import Trouble
from tests.unit.test_pictures import TILE, draw, give_tokens, session_of, session_over, weights

Matrix = NDArray[np.float64]


def reading(**given: Any) -> dict[str, Any]:
    return {"words": False, "hide": [], "renormalise": False, "pair": None, **given}


# -- by hand ------------------------------------------------------------------------------------

# "<s> un|do it", with the weights of a causal head.
UNDO = [
    Token("<s>", "", "special", 0),
    Token("un", "", "", 1),
    Token("do", "", "", 1),
    Token("it", " ", "", 2),
]
BY_HAND = [
    [1.0, 0.0, 0.0, 0.0],
    [0.75, 0.25, 0.0, 0.0],
    [0.5, 0.25, 0.25, 0.0],
    [0.5, 0.25, 0.125, 0.125],
]


def undo() -> Session:
    session = session_over([torch.tensor([[BY_HAND]])])
    give_tokens(session, UNDO)
    return session


def test_keys_of_a_word_are_added_and_queries_averaged() -> None:
    (made,) = draw(undo(), **TILE, reading=reading(words=True))
    assert (made.facts["query_len"], made.facts["key_len"]) == (3, 3)
    assert made.arrays["cells"].tolist() == [[1, 0, 0], [0.625, 0.375, 0], [0.5, 0.375, 0.125]]
    assert made.arrays["row_sums"].tolist() == [1, 1, 1]
    # "un" may not look at "do", but "do" may look at both.
    assert made.arrays["flags"].tolist() == [[0, 1, 1], [0, 0, 1], [0, 0, 0]]


def test_hidden_tokens_leave_what_they_took_missing() -> None:
    (made,) = draw(undo(), **TILE, reading=reading(hide=["special"]))
    assert made.arrays["cells"].tolist() == [[0.25, 0, 0], [0.25, 0.25, 0], [0.25, 0.125, 0.125]]
    assert made.arrays["row_sums"].tolist() == [0.25, 0.5, 0.5]


def test_renormalised_rows_sum_to_one_before_queries_are_averaged() -> None:
    (made,) = draw(undo(), **TILE, reading=reading(words=True, hide=["first"], renormalise=True))
    assert made.arrays["cells"].tolist() == [[1, 0], [0.75, 0.25]]
    assert made.arrays["row_sums"].tolist() == [1, 1]
    (row,) = draw(
        undo(), kind="row", heads=[[0, 0]], direction="from", at=1,
        reading=reading(hide=["special"], renormalise=True),
    )  # fmt: skip
    assert row.arrays["weights"].tolist() == [0.5, 0.5, 0]
    assert row.facts["sum"] == 1


def test_a_part_of_a_renormalised_head_is_a_part_of_the_whole() -> None:
    asked = reading(hide=["special"], renormalise=True)
    (part,) = draw(undo(), **{**TILE, "rows": [1, 3], "cols": [1, 2]}, reading=asked)
    assert part.arrays["cells"].tolist() == [[0.5], [0.25]]
    assert part.facts["rows"] == [1, 3]
    assert part.facts["cols"] == [1, 2]


def test_a_row_of_which_all_is_hidden_stays_zero() -> None:
    session = session_over([torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]]])])
    give_tokens(session, [Token("<s>", "", "special"), Token("a", "", "", 1)])
    asked = reading(hide=["special"], renormalise=True)
    (made,) = draw(session, **TILE, reading=asked)
    assert made.arrays["cells"].tolist() == [[0]]


def test_an_item_is_nan_where_one_of_its_tokens_is() -> None:
    weights = torch.tensor([[BY_HAND]])
    weights[0, 0, 2, 1] = torch.nan
    session = session_over([weights])
    give_tokens(session, UNDO)
    for renormalise in (False, True):
        (made,) = draw(session, **TILE, reading=reading(words=True, renormalise=renormalise))
        assert (made.arrays["flags"] == 2).tolist() == [
            [False] * 3, [False, True, False], [False] * 3,
        ]  # fmt: skip


def test_a_pair_of_sentences_is_a_corner_of_the_head() -> None:
    session = session_of(1, 1, 4, 4, layers=1)
    give_tokens(session, [Token("a", word=i, segment=i // 2) for i in range(4)])
    (made,) = draw(session, **TILE, reading=reading(pair=[0, 1]))
    np.testing.assert_array_equal(made.arrays["cells"], weights(session, 0, 0)[:2, 2:])


def test_in_a_step_of_decoding_the_first_query_is_not_the_first_token() -> None:
    session = session_over([torch.tensor([[[[0.5, 0.25, 0.25]]]])])
    assert session.snapshot is not None
    (calls,) = session.snapshot.stacks.values()
    calls[0].kind = "self"  # the keys before it were cached
    give_tokens(session, [Token("c")], [Token("a"), Token("b"), Token("c")])
    (made,) = draw(session, **TILE, reading=reading(hide=["first"]))
    assert made.arrays["cells"].tolist() == [[0.25, 0.25]]


# -- against a sum made one by one ----------------------------------------------------------------


def one_by_one(maps: list[Matrix], tokens: list[Token], asked: Reading) -> Matrix:
    """Mean of `maps` (Tq, Tk) through a reading, in plain loops."""
    queries, keys = items_of(tokens, asked, "queries"), items_of(tokens, asked, "keys")
    shown = [j for key in keys for j in range(key.start, key.stop)]
    made = np.zeros((len(queries), len(keys)))
    for numbers in maps:
        for a, query in enumerate(queries):
            for b, key in enumerate(keys):
                for i in range(query.start, query.stop):
                    mass = sum(numbers[i, j] for j in range(key.start, key.stop))
                    if asked.renormalise:
                        mass /= sum(numbers[i, j] for j in shown)
                    made[a, b] += mass / (query.stop - query.start)
    return made / len(maps)


TOKENS = st.lists(
    st.builds(
        lambda kind, goes_on, segment: (kind, goes_on, segment),
        st.sampled_from(["", "", "", "special", "padding"]),
        st.booleans(),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=9,
).map(
    lambda drawn: [
        Token("t", " ", kind, word=sum(not on for _, on, _ in drawn[: i + 1]), segment=segment)
        for i, (kind, _, segment) in enumerate(drawn)
    ]
)
READINGS = st.builds(
    Reading,
    st.booleans(),
    st.frozensets(st.sampled_from(["special", "padding", "first"])),
    st.booleans(),
    st.none() | st.just((0, 1)),
)
HEADS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2)), min_size=1, unique=True)


@given(TOKENS, READINGS, HEADS, st.sampled_from([1, 7, 50, 10**6]))
def test_every_reading_of_every_head_meets_the_sum_made_one_by_one(
    tokens: list[Token], asked: Reading, heads: list[tuple[int, int]], cells_at_once: int
) -> None:
    session = session_of(1, 3, len(tokens), len(tokens))
    give_tokens(session, tokens)
    want = {"heads": [list(head) for head in heads], "reading": asked.facts}
    try:
        items_of(tokens, asked, "queries"), items_of(tokens, asked, "keys")
    except Trouble:
        with pytest.raises(Trouble, match="Nothing is left to show"):
            draw(session, **{**TILE, **want})
        return
    maps = [weights(session, layer, head).astype(np.float64) for layer, head in heads]
    expected = one_by_one(maps, tokens, asked)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shown, "CELLS_AT_ONCE", cells_at_once)
        (tile,) = draw(session, **{**TILE, **want})
        at = expected.shape[0] // 2
        (row,) = draw(session, kind="row", direction="from", at=at, **want)
        to = expected.shape[1] // 2
        (column,) = draw(session, kind="row", direction="to", at=to, **want)
    np.testing.assert_allclose(tile.arrays["cells"], expected, atol=1e-6)
    np.testing.assert_allclose(row.arrays["weights"], expected[at], atol=1e-6)
    np.testing.assert_allclose(column.arrays["weights"], expected[:, to], atol=1e-6)
    # Nothing gets lost or is made: what is missing of a row is what the hidden keys have.
    keys = items_of(tokens, asked, "keys")
    hidden = [1.0 - sum(w[:, key.start : key.stop].sum(1) for key in keys) for w in maps]
    missing = np.mean(hidden, axis=0)
    for sums, query in zip(
        tile.arrays["row_sums"], items_of(tokens, asked, "queries"), strict=True
    ):
        left = 1.0 if asked.renormalise else 1.0 - missing[query.start : query.stop].mean()
        assert sums == pytest.approx(left, abs=1e-6)


# -- what it costs ---------------------------------------------------------------------------------


@contextmanager
def reads() -> Iterator[list[tuple[Any, Any, Any]]]:
    """Heads, queries and keys of every part of weights that is read meanwhile."""
    seen: list[tuple[Any, Any, Any]] = []
    original = AttentionCall.weights

    def weights(
        self: AttentionCall, head: Any = None, queries: Any = None, keys: Any = None, batch: Any = 0
    ) -> torch.Tensor:
        seen.append((head, queries, keys))
        return original(self, head, queries, keys, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AttentionCall, "weights", weights)
        yield seen


def test_only_the_rows_asked_for_are_computed() -> None:
    session = session_of(1, 2, 60, 60)
    give_tokens(session, [Token("t", " ", word=i // 3) for i in range(60)])
    words = reading(words=True, hide=["first"], renormalise=True)
    with reads() as seen:
        draw(session, kind="row", direction="from", heads=[[1, 1]], at=4, reading=words)
        draw(session, **{**TILE, "heads": [[1, 0]], "rows": [2, 4]}, reading=words)
    assert [queries for _, queries, _ in seen] == [slice(12, 15, 1), slice(6, 12, 1)]


def test_heads_of_a_layer_are_read_together() -> None:
    session = session_of(1, 3, 5, 5)
    with reads() as seen:
        draw(session, **{**TILE, "heads": [[0, 2], [1, 1], [0, 0], [0, 2]]})
    assert [heads for heads, _, _ in seen] == [[0, 2], [1]]


def test_one_head_with_every_token_stays_what_it_is_bit_by_bit() -> None:
    session = session_of(1, 3, 5, 5)
    give_tokens(session, [Token("t", " ", word=i) for i in range(5)])
    for asked in (reading(), reading(words=True, hide=["special", "padding"])):
        (made,) = draw(session, **{**TILE, "heads": [[1, 2]]}, reading=asked)
        assert made.arrays["cells"].tobytes() == weights(session, 1, 2).tobytes()


# -- what cannot be --------------------------------------------------------------------------------


def test_heads_of_unlike_layers_have_no_mean() -> None:
    session = session_over([torch.ones(1, 1, 4, 4), torch.ones(1, 1, 6, 6)])
    with pytest.raises(Trouble, match="4 × 4 in layer 0, 6 × 6 in layer 1.*mean"):
        draw(session, **{**TILE, "heads": [[0, 0], [1, 0]]})
    (made,) = draw(session, **{**TILE, "heads": [[1, 0]]})
    assert made.arrays["cells"].shape == (6, 6)


def test_a_layer_that_has_no_tokens_of_its_own_cannot_be_read_in_words() -> None:
    session = session_over([torch.ones(1, 1, 4, 4), torch.ones(1, 1, 6, 6)])
    give_tokens(session, [Token("t", word=i // 2) for i in range(4)])
    with pytest.raises(Trouble, match="Layer 1 has 6 × 6 positions, but the tokens .* 4 × 4"):
        draw(session, **{**TILE, "heads": [[1, 0]]}, reading=reading(words=True))


# -- the overview ----------------------------------------------------------------------------------


@pytest.mark.parametrize("quick", [1, 10**6])
def test_thumbnails_show_items(monkeypatch: pytest.MonkeyPatch, quick: int) -> None:
    monkeypatch.setattr(overview, "QUICK_WEIGHTS", quick)
    session = session_of(1, 3, 8, 8)
    tokens = [Token("<s>", "", "special"), *(Token("t", " ", word=i // 2) for i in range(1, 8))]
    give_tokens(session, tokens)
    asked = Reading(words=True, hide=frozenset({"special"}))
    *coarse, fine = draw(session, kind="overview", size=24, reading=asked.facts)
    expected = one_by_one([weights(session, 1, 2).astype(np.float64)], tokens, asked)
    for made in (*coarse, fine):
        assert made.arrays["cells"].shape == (2, 3, 4, 4)
        assert made.arrays["max"][1, 2] == pytest.approx(expected.max(), abs=1e-6)
    share = (fine.arrays["cells"][1, 2] / 255.0) ** 2 * expected.max()
    np.testing.assert_allclose(share, expected, atol=0.005)
