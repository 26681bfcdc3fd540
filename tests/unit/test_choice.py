"""A good first choice, and the ranges that errors name."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from attnwidget import choice, ranges
from attnwidget.choice import Place, first_choice, place_in
from attnwidget.session import Session, Snapshot
from attnwidget.trace import Trace

WORDS = ["[CLS]", "the", "cat", "sat", "it", "slept", "[SEP]"]


def snapshot(*strong: tuple[int, int, int, int, float]) -> Snapshot:
    """Two layers of two heads over `WORDS`, all 0.01 but for (layer, head, query, key, weight)."""
    maps = [torch.full((1, 2, 7, 7), 0.01) for _ in range(2)]
    for layer, head, query, key, weight in strong:
        maps[layer][0, head, query, key] = weight
    session = Session(tokens=WORDS)
    session.take(Trace.from_arrays(maps), {})
    assert session.snapshot is not None
    return session.snapshot


def test_the_strongest_link_is_chosen() -> None:
    seen = snapshot((1, 0, 4, 2, 0.6), (0, 1, 5, 3, 0.5))
    assert first_choice(seen, "attention") == Place("attention", 1, 0, 4, 2)


@pytest.mark.parametrize(
    ("query", "key"), [(4, 4), (4, 3), (4, 0), (5, 6), (6, 2)],
    ids=["itself", "the token before", "the first token", "a special token", "from a special one"],
)  # fmt: skip
def test_links_that_every_model_has_are_passed_over(query: int, key: int) -> None:
    seen = snapshot((0, 0, query, key, 0.9), (1, 1, 4, 2, 0.5))
    assert first_choice(seen, "attention") == Place("attention", 1, 1, 4, 2)


def test_the_choice_stays_within_what_is_given() -> None:
    seen = snapshot((1, 0, 4, 2, 0.6), (0, 1, 5, 3, 0.5), (0, 0, 3, 1, 0.4))
    assert first_choice(seen, "attention", layer=0) == Place("attention", 0, 1, 5, 3)
    assert first_choice(seen, "attention", layer=0, head=0) == Place("attention", 0, 0, 3, 1)
    assert first_choice(seen, "attention", query=5) == Place("attention", 0, 1, 5, 3)
    assert first_choice(seen, "attention", query=3, key=1) == Place("attention", 0, 0, 3, 1)


def test_nan_is_never_chosen() -> None:
    seen = snapshot((0, 0, 4, 2, float("nan")), (1, 1, 5, 3, 0.5))
    assert first_choice(seen, "attention") == Place("attention", 1, 1, 5, 3)


def test_a_single_token_is_a_choice_too() -> None:
    session = Session()
    session.take(Trace.from_arrays([torch.ones(1, 1, 1, 1)]), {})
    assert session.snapshot is not None
    assert first_choice(session.snapshot, "attention") == Place("attention", 0, 0, 0, 0)


def test_long_texts_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "MOST_WEIGHTS", 10)
    monkeypatch.setattr(choice, "SAMPLED_ROWS", 3)
    seen = snapshot((0, 0, 4, 2, 0.9))
    assert first_choice(seen, "attention").query in (6, 4, 2, 0)


AT = Place("attention", 1, 1, 3, 2)


@pytest.mark.parametrize(
    ("wished", "found"),
    [
        (AT, AT),
        (replace(AT, query=None, key=None), replace(AT, query=None, key=None)),
        (replace(AT, batch=5), AT),
        (replace(AT, query=7), Place("attention", 1, 1, 5, 3)),
        (replace(AT, head=2), Place("attention", 1, 0, 4, 2)),
        (replace(AT, layer=9), Place("attention", 1, 0, 4, 2)),
        (replace(AT, stack="encoder", query=99), Place("attention", 1, 1, 5, 3)),
    ],
    ids=["all exists", "open", "batch", "query", "head", "layer", "stack"],
)
def test_a_place_is_kept_as_far_as_the_pass_has_it(wished: Place, found: Place) -> None:
    seen = snapshot((1, 0, 4, 2, 0.6), (1, 1, 5, 3, 0.5))
    assert place_in(seen, wished) == found


def test_another_text_keeps_the_head_and_chooses_tokens_anew() -> None:
    seen = snapshot((1, 0, 4, 2, 0.6), (1, 1, 5, 3, 0.5))
    assert place_in(seen, AT, tokens="new") == Place("attention", 1, 1, 5, 3)


def test_in_a_running_loop_the_last_tokens_stand_for_those_that_are_gone() -> None:
    seen = snapshot((1, 1, 5, 3, 0.5))
    near = place_in(seen, replace(AT, query=9, key=2), tokens="near")
    assert near == Place("attention", 1, 1, 6, 2)
    assert place_in(seen, replace(AT, query=None), tokens="near").query is None


@pytest.mark.parametrize(
    ("numbers", "words"),
    [(range(12), "0 to 11"), ([0, 2, 5], "0, 2, 5"), ([3], "3"), ([4, 5], "4 to 5")],
)
def test_ranges_in_words(numbers: list[int], words: str) -> None:
    assert ranges.spans(numbers) == words


def test_a_token_is_found_by_its_text() -> None:
    assert ranges.token_index("query", "The", ["a", "the", "The"]) == 2
    assert ranges.token_index("query", "THE", ["a", "the", "The"]) == 1
